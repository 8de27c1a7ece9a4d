"""The kinds of cases, and how many of a hundred each has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.fuzz import commands, files, frames, memory, texts
from benchmarks.fuzz.case import Case, Place

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One kind of cases.

    Parameters
    ----------
    make : callable
        Makes the case of a place.
    share : int
        Number of cases, relative to the other kinds.
    """

    make: Callable[[Place], Case]
    share: int


KINDS = {
    "dialects": Kind(texts.dialect, 12),
    "encodings": Kind(texts.encoding, 6),
    "numbers": Kind(texts.numbers, 12),
    "lines": Kind(texts.lines, 8),
    "gaps": Kind(frames.gaps, 8),
    "columns": Kind(frames.columns, 12),
    "labels": Kind(frames.labels, 14),
    "tiny": Kind(frames.tiny, 12),
    "other columns": Kind(frames.other_columns, 6),
    "formats": Kind(files.formats, 6),
    "damaged files": Kind(files.damaged, 14),
    "media": Kind(files.media, 7),
    "folders": Kind(files.folders, 6),
    "sides in memory": Kind(memory.sides, 12),
    "arguments": Kind(memory.arguments, 24),
    "predictions": Kind(memory.predictions, 8),
    "command line": Kind(commands.commands, 12),
}
