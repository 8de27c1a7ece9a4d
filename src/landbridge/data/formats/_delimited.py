"""Text files with one row per line: separator, header, comments, and cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from landbridge.data._cells import tidy_cells
from landbridge.data._content import Content
from landbridge.data._missing import MARKS, WORDS
from landbridge.data._notation import parse_cell
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats._text import decode
from landbridge.data.formats._typed import find_layout, read_typed
from landbridge.exceptions import ReadError

__all__ = ["Dialect", "find_dialect", "read_delimited", "repeated_names", "unique_names"]

BLANKS = " "
NAMES = {"\t": "tab", ";": "semicolon", "|": "vertical bar", BLANKS: "blank", ",": "comma"}
SAMPLE_LINES = 200
HEAD_LINES = 5000
NUMBERS = re.compile(r"\s*[-+]?[\d.,]+([eE][-+]?\d+)?(\s+[-+]?[\d.,]+([eE][-+]?\d+)?)+\s*")


@dataclass
class Dialect:
    """How a text file is laid out.

    Parameters
    ----------
    separator : str
        A blank stands for runs of blanks and tabs.
    text : str
        The lines from the header on.
    skipped : int
        Number of lines before the header.
    quoting : int
        ``csv.QUOTE_NONE`` if quotation marks are text.
    notes : list of str
    """

    separator: str
    text: str
    skipped: int = 0
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    notes: list[str] = field(default_factory=list)


def read_delimited(content: Content, options: ReadOptions) -> Any:
    """Read a text file with separators as a table.

    Parameters
    ----------
    content : Content
    options : ReadOptions

    Returns
    -------
    DataFrame
        With ``attrs`` as of :func:`~landbridge.data._cells.tidy_cells`.

    Raises
    ------
    ReadError
        If it cannot be decoded, or a line has more or fewer cells than the first.
    """
    text, notes = decode(content.read(), content.path, options.encoding)
    tab = content.path.name.lower().split(".")[-1 - bool(content.packing)] in ("tsv", "tab")
    dialect = find_dialect(text, prefer="\t" if tab else "", header=options.header)
    if not dialect.text.strip():
        raise ReadError(f"{content.path} holds nothing but empty lines; it needs a header line and rows.")
    if dialect.separator == BLANKS:
        dialect.text = "\n".join(_single_blanks(line) for line in dialect.text.split("\n"))
    layout = find_layout(dialect.text, dialect.separator, dialect.quoting) if options.decimal != "," else None
    frame = read_typed(layout, dialect.separator, dialect.quoting, header=options.header) if layout else None
    names, extra = ([], "") if frame is None else (list(frame.columns), "")
    if frame is None:
        width, extra = _check_lines(content.path, dialect)
        frame = _parse(dialect, width + (extra == "names"))
        if options.header:
            frame, names = frame.iloc[1:].reset_index(drop=True), [str(v) for v in frame.iloc[0]]
    if options.header:
        if extra == "names":
            names = ["", *names[:-1]]
            dialect.notes.append("The first column has no name in the header; it is read as 'Unnamed: 0'.")
        first = names
        frame.columns = unique_names(names)
        frame = _without_empty_ends(frame, names, dialect)
    else:
        first = []
        frame.columns = [f"column_{i + 1}" for i in range(frame.shape[1])]
    if extra == "ends":
        dialect.notes.append("Each line ends with one separator more than the header; the empty last cell is not read.")
    frame = tidy_cells(frame, options, separator=dialect.separator)
    frame.attrs["notes"] += [*_header_note(frame, first), *repeated_names(first), *dialect.notes, *notes]
    return frame


def find_dialect(text: str, *, prefer: str = "", header: bool = True) -> Dialect:
    """Find the separator and where the header begins.

    Parameters
    ----------
    text : str
    prefer : str, default=""
        Separator that the name of the file suggests.
    header : bool, default=True
        Whether the first line holds names.

    Returns
    -------
    Dialect

    Examples
    --------
    >>> from landbridge.data.formats._delimited import find_dialect
    >>> find_dialect("x;y\\n3,14;1\\n2,5;2\\n").separator
    ';'
    """
    lines = text.split("\n", HEAD_LINES)  # the last one is all the rest
    if all(not line.strip() or line.lstrip().startswith("#") for line in lines[:HEAD_LINES]):
        lines = text.split("\n")
    notes: list[str] = []
    start = 0
    given = None
    while start < len(lines) and not lines[start].strip():
        start += 1
    if start < len(lines) and (named := re.fullmatch(r'"?sep=(.)"?\s*', lines[start], re.IGNORECASE)):
        given, start = named.group(1), start + 1
    comments = start
    while start < len(lines) and (lines[start].lstrip().startswith("#") or not lines[start].strip()):
        start += 1
    if start == len(lines):  # nothing but comments: perhaps names that begin so
        start = comments
    body = lines[start:]
    separator = given or _separator(body, prefer)
    n_comments = start - comments
    if n_comments and header and (named_in := _header_in_comment(lines[comments:start], body, separator)):
        body, n_comments = [named_in, *body], n_comments - 1
        start -= 1
        notes.append("The names of the columns stand in a comment line.")
    if n_comments:
        first = "first line (a comment) is" if n_comments == 1 else f"first {n_comments} lines (comments) are"
        notes.append(f"The {first} not read.")
    if header and (titles := _titles(body, separator)):
        above = "1 line above the header is" if titles == 1 else f"{titles} lines above the header are"
        notes.append(f"{above} not read, such as {body[0].strip()[:60]!r}.")
        start, body = start + titles, body[titles:]
        separator = given or _separator(body, prefer)
    if separator != "," and not (separator == "\t" and prefer == "\t"):
        notes.append(f"The separator is the {NAMES.get(separator, repr(separator))}.")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    rest = "\n".join(body) if start or body is not lines else text
    if separator != BLANKS and '"' in rest and _quotes_are_text(rest, separator):
        quoting = csv.QUOTE_NONE
        notes.append("Quotation marks are read as text, because they do not enclose cells.")
    return Dialect(separator, rest, start, quoting, notes)


def _quotes_are_text(text: str, separator: str) -> bool:
    """Return whether each line is one row only if quotation marks are text, not marks of cells with line breaks."""
    if find_layout(text, separator) is not None:
        return False
    filled = [line for line in text.split("\n") if line.strip()]
    try:
        if sum(1 for row in csv.reader(filled, delimiter=separator, skipinitialspace=True)) == len(filled):
            return False
        plain = csv.reader(filled, delimiter=separator, skipinitialspace=True, quoting=csv.QUOTE_NONE)
        counts = {len(row) for row in plain}
    except csv.Error:
        return False
    return len(counts) == 1 and counts != {1}


def _cells(lines: list[str], separator: str) -> list[list[str]]:
    if separator == BLANKS:
        lines = [_single_blanks(line) for line in lines]
    try:
        return [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row and any(row)]
    except csv.Error:
        return []


def _single_blanks(line: str) -> str:
    """Return a line with one blank between cells, quoted ones as they are."""
    if '"' not in line:
        return " ".join(line.split())
    parts = line.split('"')
    parts[::2] = [re.sub(r"\s+", " ", p) for p in parts[::2]]
    return '"'.join(parts).strip()


def _separator(lines: list[str], prefer: str) -> str:
    """Return the separator that gives every line the same number of cells."""
    sample = [line for line in lines[: SAMPLE_LINES + 1] if line.strip()]
    found: dict[str, tuple[float, int]] = {}
    blanks = False
    for separator in ("\t", ";", "|", ",", BLANKS):
        rows = _cells(sample, separator)
        k = len(rows[0]) if rows else 0
        if k < 2:
            continue
        same = sum(len(row) == k for row in rows) / len(rows)
        named = len(rows) > 2 and all(len(row) == k + 1 for row in rows[1:])  # R leaves the names of rows unnamed
        if separator == BLANKS and named and not found:
            return BLANKS
        if separator == BLANKS and (same < 1 or len(rows) < 2):
            blanks = same >= 0.5 and any(_is_number(c) for row in rows[1:] for c in row)
            continue
        found[separator] = (same, k)
    if not found:
        # the header of one cell above lines of several: an error that the reader names, or a title
        later = Counter(s for s in ("\t", ";", "|", ",") for row in _cells(sample[1:], s) if len(row) > 1)
        return later.most_common(1)[0][0] if later else BLANKS if blanks else prefer or ","
    if prefer in found:
        return prefer
    whole = [s for s, (same, _) in found.items() if same == 1]
    if BLANKS in whole and whole != [BLANKS]:
        rows = _cells(sample, whole[0])
        several = sum(any(NUMBERS.fullmatch(c) for c in row) for row in rows)
        if several > 0.5 * len(rows) and found[BLANKS][1] > found[whole[0]][1]:
            return BLANKS
        whole.remove(BLANKS)
    if whole:
        return whole[0]
    return max(found, key=lambda s: (round(found[s][0], 1), found[s][1]))


def _is_number(cell: str) -> bool:
    found = parse_cell(cell)
    return found is not None and not found.unit and not found.bound


def _header_in_comment(comments: list[str], body: list[str], separator: str) -> str | None:
    """Return the names in the last comment line, if they are as many as the cells and the next line holds numbers."""
    last = next((line.strip() for line in reversed(comments) if line.strip()), "")
    rows = _cells([line for line in body if line.strip()][:5], separator)
    if not last or not rows or len(rows[0]) < 2:
        return None
    bare = last.lstrip("#")
    names = last if bare.startswith(separator) and separator != BLANKS else bare.strip()
    cells = _cells([names], separator)
    if not cells or len(cells[0]) != len(rows[0]):
        return None
    if any(_is_number(c) for c in cells[0]) or not any(_is_number(c) for c in rows[0]):
        return None
    return names


def _titles(lines: list[str], separator: str) -> int:
    """Return the number of title lines above the header, where it is clear that they are none of the table."""
    filled = [i for i, line in enumerate(lines[:30]) if line.strip()]
    rows = [_cells([lines[i]], separator) for i in filled]
    cells = [row[0] if row else [] for row in rows]
    n = 0
    while n < min(len(cells), 10) and sum(bool(c.strip()) for c in cells[n]) <= 1:
        n += 1
    if n == 0 or n + 1 >= len(cells):
        return 0
    names, below = cells[n], cells[n + 1 :]
    titled = all(len(c) == 1 or len(names) > 2 for c in cells[:n])
    named = len(names) > 1 and all(c.strip() for c in names) and not any(_is_number(c) for c in names)
    same = all(len(row) == len(names) for row in below)
    return filled[n] if titled and named and same and any(_is_number(c) for row in below for c in row) else 0


def _check_lines(path: Path, dialect: Dialect) -> tuple[int, str]:
    """Return the number of columns, and what stands beyond them: nothing, names of rows, or empty ends of lines.

    A line with more or fewer cells than the first raises an error, which pandas would accept.
    """
    lines = _counted(dialect)
    try:
        header = next((n for _, n, _ in lines), 0)
        counts = Counter[int]()
        odd, ends = None, True
        for number, n, last in lines:
            counts[n] += 1
            ends = ends and n == header + 1 and not last
            if n != header and odd is None:
                odd = (number, n)
            if odd and not ends and (n != header + 1 or dialect.separator != BLANKS):
                break
    except csv.Error:  # a limit of this module, such as a very long cell: the parser of pandas decides
        return 0, ""
    if odd is None:
        return header, ""
    if set(counts) == {header + 1}:
        if ends:
            return header, "ends"
        if dialect.separator == BLANKS and sum(counts.values()) > 1:
            return header, "names"
    raise ReadError(
        f"{path} cannot be read as a table: line {odd[0] + dialect.skipped} has {odd[1]} cells but the header has "
        f"{header} (separator: {NAMES.get(dialect.separator, dialect.separator)}). Check that every line has the same "
        "columns."
    )


def _counted(dialect: Dialect) -> Iterator[tuple[int, int, str]]:
    """Yield line number, number of cells and last cell of each row."""
    how: Any = {"delimiter": dialect.separator, "skipinitialspace": True, "quoting": dialect.quoting}
    rows = csv.reader(io.StringIO(dialect.text), **how)
    for row in rows:
        if row and (len(row) > 1 or row[0].strip()):
            yield rows.line_num, len(row), row[-1].strip()


def _parse(dialect: Dialect, width: int) -> Any:
    import pandas as pd

    names = list(range(width + 1)) if width else None
    frame = pd.read_csv(
        io.StringIO(dialect.text),
        sep=dialect.separator,
        header=None,
        names=names,
        dtype=object,
        quoting=dialect.quoting,
        keep_default_na=False,
        na_values=[],
        skipinitialspace=True,
        index_col=False,
    )
    return frame.iloc[:, :width] if width else frame


def unique_names(names: list[str]) -> list[str]:
    """Return names of columns as pandas makes them: ``Unnamed: 0`` for an empty one, ``a.1`` for a second ``a``.

    Parameters
    ----------
    names : list of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> from landbridge.data.formats._delimited import unique_names
    >>> unique_names(["", "a", "a"])
    ['Unnamed: 0', 'a', 'a.1']
    """
    full = [n if n.strip() else f"Unnamed: {i}" for i, n in enumerate(names)]
    seen: set[str] = set()
    known, last = set(full), dict[str, int]()
    out = []
    for name in full:
        new, k = name, last.get(name, 0)
        while new in seen or (k and new in known):
            k += 1
            new = f"{name}.{k}"
        last[name] = k
        seen.add(new)
        out.append(new)
    return out


def repeated_names(names: Sequence[str]) -> list[str]:
    """Say which names several columns have, and what these are called.

    Parameters
    ----------
    names : sequence of str
        As they are in the file.

    Returns
    -------
    list of str
        A sentence, or nothing.

    Examples
    --------
    >>> from landbridge.data.formats._delimited import repeated_names
    >>> repeated_names(["a", "b", "a"])
    ["Several columns are named 'a'; the further ones are called a.1 and so on."]
    """
    twice = list(dict.fromkeys(n for i, n in enumerate(names) if n.strip() and n in names[:i]))
    if not twice:
        return []
    shown = ", ".join(map(repr, twice[:4])) + (f" and {len(twice) - 4} more" if len(twice) > 4 else "")
    return [f"Several columns are named {shown}; the further ones are called {twice[0]}.1 and so on."]


def _without_empty_ends(frame: Any, names: list[str], dialect: Dialect) -> Any:
    """Drop columns at the end that have neither name nor cells."""
    keep = len(names)
    while keep > 1 and not names[keep - 1].strip() and _is_blank(frame.iloc[:, keep - 1]):
        keep -= 1
    if keep < len(names):
        dialect.notes.append("Columns at the end without name and cells are not read.")
    return frame.iloc[:, :keep]


def _is_blank(column: Any) -> bool:
    return column.dtype == object and not column.fillna("").str.strip().any()


def _header_note(frame: Any, names: list[str]) -> list[str]:
    """Say so if the first line looks like a sample."""
    given = [n.strip() for n in names if n.strip()]
    numbers = [n for n in given if _is_number(n)]
    if not numbers or _are_running(numbers) or _are_scale(numbers):
        return []
    suspect = 2 * len(numbers) >= len(given) or any("." in n for n in numbers)
    for i, name in enumerate(names[: frame.shape[1]]):
        text = frame.iloc[:, i].dtype.kind not in "biuf" and name.strip() not in WORDS | MARKS | {""}
        suspect = suspect or (text and bool((frame.iloc[:, i] == name.strip()).any()))
    return (
        ["The first line looks like a sample but is read as names; set header=False (--no-header)."] if suspect else []
    )


def _are_scale(names: list[str]) -> bool:
    """Return whether names are points of a scale, such as wavelengths: at least five, in one order."""
    try:
        numbers = [float(n.replace(",", ".")) for n in names]
    except ValueError:
        return False
    steps = [b - a for a, b in pairwise(numbers)]
    return len(steps) > 3 and (min(steps) > 0 or max(steps) < 0)


def _are_running(names: list[str]) -> bool:
    """Return whether names are running numbers or years, as tables without names have them."""
    if not all(n.isdigit() for n in names):
        return False
    numbers = [int(n) for n in names]
    return numbers == sorted(set(numbers)) and (numbers[-1] - numbers[0] == len(numbers) - 1 or numbers[0] >= 1900)
