"""Workbooks: xlsx, xls, xlsb and ods."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from landbridge.data._cells import tidy_cells
from landbridge.data._content import Content
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats._databases import choose
from landbridge.data.formats._delimited import repeated_names, unique_names
from landbridge.exceptions import MissingExtraError, ReadError

__all__ = ["read_excel"]

Rows = list[list[Any]]
Range = tuple[tuple[int, int], tuple[int, int]]


def read_excel(content: Content, options: ReadOptions) -> Any:
    """Read a sheet of a workbook as a table.

    Parameters
    ----------
    content : Content
    options : ReadOptions
        `sheet` is the name of the sheet; if None, the first visible one that is not empty.

    Returns
    -------
    DataFrame

    Raises
    ------
    ReadError
        If there is no such sheet, or it is protected by a password.
    MissingExtraError
        If python-calamine is not installed.
    """
    try:
        import python_calamine as calamine
    except ImportError as error:
        raise MissingExtraError(
            f'{content.path} needs python-calamine to be read; install it with: pip install "landbridge[excel]"'
        ) from error
    path = content.path
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(content.read())) as workbook:
            name, notes = _sheet(workbook, options.sheet, path)
            sheet = workbook.get_sheet_by_name(name)
            rows: Rows = sheet.to_python(skip_empty_area=False)
            merged: list[Range] = list(getattr(sheet, "merged_cell_ranges", None) or [])
    except calamine.PasswordError as error:
        raise ReadError(f"{path} is protected by a password; save it without one.") from error
    except calamine.CalamineError as error:
        raise ReadError(f"{path} cannot be read as a workbook: {str(error).splitlines()[0]}.") from error
    if not any(_filled(row) for row in rows):
        raise ReadError(f"{path}: the sheet {name!r} is empty; choose another with sheet= (--sheet).")
    notes += _xml_notes(content, name)
    names, body, more = _table(rows, merged, options.header)
    frame = _frame(names, body)
    frame = tidy_cells(frame, options, typed=True)
    frame.attrs["notes"] += [*notes, *more]
    return frame


def _sheet(workbook: Any, wanted: str | None, path: Path) -> tuple[str, list[str]]:
    names = list(workbook.sheet_names)
    if wanted is not None:
        return choose(names, wanted, path, "sheet"), []
    visible = [s.name for s in workbook.sheets_metadata if str(s.visible).endswith("Visible")] or names
    first = next((n for n in visible if any(_filled(r) for r in workbook.get_sheet_by_name(n).to_python())), visible[0])
    others = [n for n in names if n != first]
    if not others:
        return first, []
    shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return first, [f"Only the sheet {first!r} is read, not {shown}; set sheet= (--sheet) to choose."]


def _filled(row: list[Any]) -> list[Any]:
    return [v for v in row if not _is_empty(v)]


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _table(rows: Rows, merged: list[Range], header: bool) -> tuple[list[str], Rows, list[str]]:
    """Return the names, the rows below them, and notes."""
    notes: list[str] = []
    used = [j for j in range(len(rows[0])) if any(not _is_empty(row[j]) for row in rows)]
    left, right = used[0], used[-1] + 1
    head = _header_row(rows, left, right) if header else next(i for i, row in enumerate(rows) if _filled(row))
    if titles := sum(bool(_filled(row)) for row in rows[:head]):
        title = next(str(v).strip() for row in rows[:head] for v in _filled(row))
        lines = "1 row above the header is" if titles == 1 else f"{titles} rows above the header are"
        notes.append(f"{lines} not read, such as {title[:60]!r}.")
    deep = _header_depth(rows, merged, head) if header else 0
    rows, filled = _fill(rows, merged, head, head + deep)
    if filled:
        notes.append(f"Merged cells ({filled}) give each of their cells the same value.")
    names = [_name([row[j] for row in rows[head : head + deep]]) for j in range(left, right)]
    body = [row[left:right] for row in rows[head + deep :] if _filled(row[left:right])]
    keep = [j for j in range(right - left) if not header or names[j] or any(not _is_empty(row[j]) for row in body)]
    if len(keep) < right - left:
        names, body = [names[j] for j in keep], [[row[j] for j in keep] for row in body]
    full = unique_names(names) if header else [f"column_{j + 1}" for j in range(len(names))]
    return full, body, [*notes, *(repeated_names(names) if header else [])]


def _header_row(rows: Rows, left: int, right: int) -> int:
    """Return the first row that is no title: rows of one cell above a table of several columns are titles."""
    filled = [i for i, row in enumerate(rows) if _filled(row)]
    if right - left < 2:
        return filled[0]
    for n, i in enumerate(filled[:-1]):
        cells = _filled(rows[i][left:right])
        after = _filled(rows[filled[n + 1]][left:right])
        if len(cells) > 1 and not (len(cells) == 2 < 0.5 * len(after)):
            return i
        if n >= 20:
            break
    return filled[0]


def _header_depth(rows: Rows, merged: list[Range], head: int) -> int:
    """Return the number of header rows: two if cells of the first are merged sideways over names."""
    wide = [r for r in merged if r[0][0] == head and r[1][1] > r[0][1]]
    if not wide or head + 1 >= len(rows):
        return 1
    below = [rows[head + 1][j] for (_, a), (_, b) in wide for j in range(a, b + 1) if j < len(rows[head + 1])]
    return 2 if below and all(isinstance(v, str) and v.strip() for v in below) else 1


def _fill(rows: Rows, merged: list[Range], head: int, body: int) -> tuple[Rows, int]:
    """Return the rows with the value of merged cells in each of their parts, and how many lie below the header."""
    rows = [list(row) for row in rows]
    filled = 0
    for (top, left), (bottom, right) in merged:
        if top < head or top >= len(rows):
            continue
        value = rows[top][left]
        filled += top >= body
        for i in range(top, min(bottom, len(rows) - 1) + 1):
            for j in range(left, min(right, len(rows[i]) - 1) + 1):
                rows[i][j] = value
    return rows, filled


def _name(parts: list[Any]) -> str:
    words = [_word(p) for p in parts if not _is_empty(p)]
    return " ".join(dict.fromkeys(words))


def _word(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def _frame(names: list[str], body: Rows) -> Any:
    import pandas as pd

    return pd.DataFrame({name: _series([row[j] for row in body]) for j, name in enumerate(names)}, columns=names)


def _series(values: list[Any]) -> Any:
    import pandas as pd

    cells = [None if _is_empty(v) else v for v in values]
    given = [v for v in cells if v is not None]
    kinds = {type(v) for v in given}
    if not given:
        return pd.Series([float("nan")] * len(cells))
    if kinds <= {date, datetime}:
        return pd.to_datetime(pd.Series(cells))
    if kinds <= {time, timedelta}:
        return pd.Series([None if v is None else str(v) for v in cells])
    if kinds == {bool}:
        return pd.Series(cells, dtype=object if len(given) < len(cells) else None)
    if kinds <= {int, float}:
        whole = len(given) == len(cells) and all(float(v).is_integer() and abs(v) < 2**53 for v in given)
        return pd.Series([int(v) for v in given] if whole else [float("nan") if v is None else float(v) for v in cells])
    if kinds & {date, datetime, time, timedelta, bool}:
        return pd.Series([None if v is None else _word(v) for v in cells])
    return pd.Series(cells, dtype=None if kinds == {str} else object)


def _xml_notes(content: Content, name: str) -> list[str]:
    """Count what the reader of xlsx files passes over: cells with errors, and formulas whose values were not saved."""
    try:
        with zipfile.ZipFile(io.BytesIO(content.read())) as archive:
            book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
            links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
            place = _place(book, links, name)
            sheet = archive.read(place).decode("utf-8", "replace") if place else ""
    except (KeyError, OSError, zipfile.BadZipFile):
        return []
    cells = re.findall(r"<(?:x:)?c\b([^>]*)>(.*?)</(?:x:)?c>", sheet, re.DOTALL)
    errors = sum(' t="e"' in attributes and "<v" in inner for attributes, inner in cells)
    unsaved = sum("<f" in inner and not re.search(r"<v>[^<]", inner) for _, inner in cells)
    notes = []
    if errors:
        notes.append(f"Cells with errors, such as #N/A or #DIV/0!, are read as missing values ({errors}).")
    if unsaved:
        notes.append(
            f"Formulas without a saved value are read as missing values ({unsaved}); open and save the workbook in a "
            "spreadsheet program."
        )
    return notes


def _place(book: str, links: str, name: str) -> str | None:
    """Return the file of a sheet in the archive."""
    from xml.sax.saxutils import unescape

    for sheet in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        attributes = dict(re.findall(r'([\w:]+)="([^"]*)"', sheet))
        if unescape(attributes.get("name", ""), {"&quot;": '"', "&apos;": "'"}) != name:
            continue
        for link in re.findall(r"<Relationship\b[^>]*>", links):
            of = dict(re.findall(r'(\w+)="([^"]*)"', link))
            if of.get("Id") == attributes.get("r:id"):
                target = of.get("Target", "")
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None
