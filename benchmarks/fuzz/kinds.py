"""The kinds of cases, and how many of a hundred each has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.fuzz import frames, texts
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
}
