"""ARFF files, as Weka writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from landbridge.data._cells import tidy_cells
from landbridge.data._content import Content
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats._text import decode
from landbridge.exceptions import ReadError

__all__ = ["read_arff"]

ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(\{.*\}|\S.*)""", re.IGNORECASE)
# A cell: quoted, or bare up to the separator.
CELL = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\t]*?)\s*(?:[,\t]|$)""")
NUMERIC = ("numeric", "real", "integer")


def read_arff(content: Content, options: ReadOptions) -> Any:
    """Read an ARFF file.

    Parameters
    ----------
    content : Content
    options : ReadOptions

    Returns
    -------
    DataFrame
        Numeric attributes as numbers, nominal ones, text and dates as text; ``?`` is a missing value.

    Raises
    ------
    ReadError
        If it is sparse or relational, or a line does not fit the attributes.
    """
    import pandas as pd

    path = content.path
    text, notes = decode(content.read(), path, options.encoding)
    lines = text.split("\n")
    names, kinds, start = _header(lines, path)
    columns: list[list[str | None]] = [[] for _ in names]
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        if line.lstrip().startswith("{"):
            raise ReadError(
                f"{path} is a sparse ARFF file (line {number}), which is not read; save it as svmlight or csv."
            )
        cells = _split(line)
        if len(cells) != len(names):
            raise ReadError(f"{path}: line {number} has {len(cells)} cells but there are {len(names)} attributes.")
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    held = {}
    for i, (cells_of, kind) in enumerate(zip(columns, kinds, strict=True)):
        held[i] = _numbers(cells_of, names[i], path) if kind in NUMERIC else pd.Series(cells_of, dtype=None)
    frame = pd.DataFrame(held)
    frame.columns = names
    frame = tidy_cells(frame, options, typed=True)
    frame.attrs["notes"] += notes
    return frame


def _header(lines: list[str], path: Path) -> tuple[list[str], list[str], int]:
    """Return names and types of the attributes, and where the data begin."""
    names: list[str] = []
    kinds: list[str] = []
    for i, raw in enumerate(lines):
        line = raw.strip()
        lower = line.lower()
        if lower.startswith("@data"):
            if not names:
                break
            return names, kinds, i + 1
        if lower.startswith("@attribute"):
            found = ATTRIBUTE.match(line)
            if found is None:
                raise ReadError(f"{path}: line {i + 1} is no attribute with a name and a type: {line[:60]}.")
            kind = "nominal" if found.group(2).startswith("{") else found.group(2).split()[0].lower()
            if kind == "relational":
                raise ReadError(f"{path} has a relational attribute (line {i + 1}), which is not read; save it as csv.")
            names.append(_unquoted(found.group(1)))
            kinds.append(kind)
    raise ReadError(f"{path} is an ARFF file without {'@data' if names else 'attributes'}; write it again.")


def _split(line: str) -> list[str | None]:
    if "'" not in line and '"' not in line and "\\" not in line:
        cells = [c.strip() for c in re.split("[,\t]" if "," in line or "\t" in line else r"\s+", line.strip())]
        return [None if c in ("?", "") else c for c in cells]
    out: list[str | None] = []
    position, line = 0, line.rstrip()
    while position <= len(line):
        found = CELL.match(line, position)
        if found is None:
            return []
        cell = found.group(1)
        out.append(None if cell in ("?", "") else _unquoted(cell))
        if not found.group(0).endswith((",", "\t")):
            break
        position = found.end()
    return out


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] in "'\"" and cell[-1] == cell[0]:
        return re.sub(r"\\(.)", r"\1", cell[1:-1])
    return cell


def _numbers(cells: list[str | None], name: str, path: Path) -> Any:
    import pandas as pd

    try:
        values = [float("nan") if c is None else float(c) for c in cells]
        whole = all(c is not None and c.lstrip("+-").isdigit() for c in cells)
        return pd.Series([int(c) for c in cells if c is not None] if whole else values)
    except ValueError as error:
        word = next(c for c in cells if c is not None and not _is_float(c))
        raise ReadError(f"{path}: the numeric attribute {name!r} holds {word!r}; declare it as nominal.") from error


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
