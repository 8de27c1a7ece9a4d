"""The short way for text files: where each line has the same cells, plain numbers are read without looking at them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from landbridge.data._missing import WORDS

__all__ = ["Layout", "find_layout", "read_typed"]

# Whole numbers beyond this are not exact as floats.
EXACT = 2**53
# Bytes that are looked at together.
BLOCK = 2**20
# Lines by which it is guessed which columns hold numbers.
HEAD_LINES = 1000
GAPS = ["", *sorted(WORDS)]
COMMA = re.compile(r"(?:\d|^\W*),\d")
NEWLINE, QUOTE, ZERO, BLANK, TAB = b'\n"0 \t'


@dataclass(frozen=True)
class Layout:
    """A text in which each line has the same number of cells.

    Parameters
    ----------
    data : bytes
        The text as UTF-8.
    width : int
        Number of cells of each line.
    start : int
        Where the second line begins.
    coded : frozenset of int
        Columns with cells that begin with a zero and a further digit, below the first line.
    coded_first : frozenset of int
        Such columns in the first line.
    """

    data: bytes
    width: int
    start: int
    coded: frozenset[int] = frozenset()
    coded_first: frozenset[int] = frozenset()


def find_layout(text: str, separator: str, quoting: int = csv.QUOTE_MINIMAL) -> Layout | None:
    """Count the cells of all lines at once.

    Parameters
    ----------
    text : str
        With ``\\n`` at the end of each line.
    separator : str
        One character.
    quoting : int, default=csv.QUOTE_MINIMAL
        ``csv.QUOTE_NONE`` if quotation marks are text.

    Returns
    -------
    Layout or None
        None if lines have different numbers of cells, or quotation marks do not enclose whole cells of one line: such a
        text is read line by line.

    Examples
    --------
    >>> from landbridge.data.formats._typed import find_layout
    >>> find_layout('a,b\\n1,"x,y"\\n', ",").width, find_layout("a,b\\n1\\n", ",")
    (2, None)
    """
    if len(separator) != 1 or not separator.isascii():
        return None
    data = text.encode()
    cells = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", dtype=np.uint8)
    quoted = b'"' in data
    enclosing = quoted and quoting != csv.QUOTE_NONE
    first = data.find(b"\n") + 1 or len(data)
    width, coded, coded_first = 0, set[int](), set[int]()
    begin, end = 0, first
    while begin < len(cells):
        block = cells[begin:end]
        found = _count_cells(block, ord(separator), quoted, enclosing)
        if found is None or (width and found[0] not in (0, width)):
            return None
        width = width or found[0]
        (coded_first if begin == 0 else coded).update(found[1])
        begin, end = end, data.find(b"\n", end + BLOCK) + 1 or len(cells)
    return Layout(data, width, first, frozenset(coded), frozenset(coded_first)) if width > 1 else None


def _count_cells(
    cells: NDArray[np.uint8], separator: int, quoted: bool, enclosing: bool
) -> tuple[int, list[int]] | None:
    """Return the number of cells of each line, 0 if all are empty, and the columns with codes such as 007."""
    lines = np.flatnonzero(cells == NEWLINE)
    marks = np.flatnonzero(cells == separator)
    if enclosing:
        quotes = np.flatnonzero(cells == QUOTE)
        if not _enclose(cells, quotes, separator) or (np.searchsorted(quotes, lines) % 2).any():
            return None
        marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    before = np.concatenate([[0], np.searchsorted(marks, lines)])
    counts = np.diff(before)[np.diff(lines, prepend=-1) > 1]
    if not counts.size:
        return 0, []
    if counts[0] == 0 or (counts != counts[0]).any():
        return None
    codes = _codes(cells, np.concatenate([[0], lines + 1, marks + 1]), quoted)
    columns = np.searchsorted(marks, codes) - before[np.searchsorted(lines, codes)]
    return int(counts[0]) + 1, np.unique(columns).tolist()


def _enclose(cells: NDArray[np.uint8], quotes: NDArray[np.intp], separator: int) -> bool:
    """Return whether each pair of quotation marks encloses a cell, or a part of it beside a doubled mark."""
    if len(quotes) % 2:
        return False
    opens, closes = quotes[::2], quotes[1::2]
    padded = np.concatenate([[NEWLINE], cells, [NEWLINE]])
    ends = np.array([separator, NEWLINE, QUOTE])
    return bool(np.isin(padded[opens], ends).all() and np.isin(padded[closes + 2], ends).all())


def _codes(cells: NDArray[np.uint8], starts: NDArray[np.intp], quoted: bool) -> NDArray[np.intp]:
    """Return where a cell begins with a zero and a further digit."""
    padded = np.concatenate([cells, [NEWLINE, NEWLINE]])
    first = padded[starts]
    zeros = starts[first == ZERO]
    if quoted or np.isin(first, (BLANK, TAB)).any():
        every = np.flatnonzero(cells == ZERO)
        zeros = np.concatenate([zeros, every[np.isin(padded[every - 1], (BLANK, TAB, QUOTE))]])
    following = padded[zeros + 1]
    return zeros[(following >= ZERO) & (following <= ZERO + 9)]


def read_typed(layout: Layout, separator: str, quoting: Literal[0, 3], *, header: bool) -> Any:
    """Read columns of plain numbers as such, and all others as text.

    Parameters
    ----------
    layout : Layout
    separator : str
    quoting : int
    header : bool
        Whether the first line holds names, which become those of the columns.

    Returns
    -------
    DataFrame or None
        None if some cells have a decimal comma, so that a point may be a thousands mark.
    """
    how: dict[str, Any] = {"sep": separator, "quoting": quoting, "header": None, "names": list(range(layout.width))}
    how |= {"skipinitialspace": True, "index_col": False, "low_memory": False, "keep_default_na": False, **_exact()}
    data = layout.data[layout.start :] if header else layout.data
    coded = layout.coded if header else layout.coded | layout.coded_first
    frame = _read(layout.data[: layout.start], [], how)
    names = frame.iloc[0].tolist() if header else how["names"]
    if not data or data.isspace():
        return (frame.iloc[1:] if header else frame).set_axis(names, axis=1)
    head = _read(data[: _end_of_head(data)], [i for i in how["names"] if i not in coded], how)
    numbers = [i for i in how["names"] if head[i].dtype.kind in "iuf" and head[i].notna().any()]
    frame = _read(data, numbers, how)
    if odd := [i for i in numbers if not _are_plain(frame[i])]:
        text = _read(data, [], how | {"usecols": odd})
        frame = frame.drop(columns=odd).join(text)[how["names"]]
    if any(column.dtype.kind == "f" for _, column in frame.items()):
        if any(_has_comma(column) for _, column in frame.items() if column.dtype == object):
            return None
    return frame.set_axis(names, axis=1)


def _exact() -> dict[str, Any]:
    """Older releases of pandas read the last digit of a number exactly only if asked."""
    import pandas as pd

    return {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}


def _read(data: bytes, numbers: list[Any], how: dict[str, Any]) -> Any:
    import pandas as pd

    text = {i: object for i in how["names"] if i not in numbers}
    return pd.read_csv(io.BytesIO(data), encoding="utf-8", dtype=text, na_values=dict.fromkeys(numbers, GAPS), **how)


def _end_of_head(data: bytes) -> int:
    end = 0
    for _ in range(HEAD_LINES):
        end = data.find(b"\n", end) + 1
        if not end:
            return len(data)
    return end


def _are_plain(column: Any) -> bool:
    """Return whether numbers are finite, exact and not all missing."""
    if column.dtype.kind not in "if":
        return False
    largest, least = column.max(), column.min()
    return largest <= EXACT and least >= -EXACT  # False for NaN


def _has_comma(column: Any) -> bool:
    return any("," in cell and COMMA.search(cell) is not None for cell in column.unique() if isinstance(cell, str))
