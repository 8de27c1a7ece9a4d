"""JSON: one object per line, a list of objects, or an object of columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from landbridge.data._cells import tidy_cells
from landbridge.data._content import Content
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats._text import decode
from landbridge.exceptions import ReadError

__all__ = ["read_json"]

FORMS = "one object per line, a list of objects, or one object of columns of equal length"


def read_json(content: Content, options: ReadOptions) -> Any:
    """Read a JSON file as a table; strings stay strings and numbers stay numbers, whatever the names of columns.

    Parameters
    ----------
    content : Content
    options : ReadOptions

    Returns
    -------
    DataFrame

    Raises
    ------
    ReadError
        If it is no JSON, or no table.
    """
    text, notes = decode(content.read(), content.path, options.encoding)
    records = _records(text, content.path)
    if isinstance(records, dict):
        columns = records
    else:
        records, nested = _flat(records)
        notes += nested
        names = dict.fromkeys(name for record in records for name in record)
        columns = {name: [record.get(name) for record in records] for name in names}
    frame = _frame(columns)
    frame = tidy_cells(frame, options, typed=True)
    frame.attrs["notes"] += notes
    return frame


def _records(text: str, path: Path) -> Any:
    """Return a list of objects, or an object of columns."""
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) > 1 and lines[0][1].lstrip().startswith("{") and _is_whole(lines[0][1]):
        return [_object(line, i, path) for i, line in lines]
    try:
        held = json.loads(text)
    except RecursionError as error:
        raise ReadError(f"{path} is nested too deeply to be a table; give {FORMS}.") from error
    except ValueError as error:
        where = f"line {getattr(error, 'lineno', '?')}: {getattr(error, 'msg', error)}"
        raise ReadError(f"{path} is no JSON ({where}); give {FORMS}.") from error
    if isinstance(held, dict):
        return _of_object(held, path)
    if held and all(isinstance(r, dict) for r in held):
        return held
    if held and all(isinstance(r, list) for r in held) and len({len(r) for r in held}) == 1:
        return [{f"column_{i + 1}": v for i, v in enumerate(row)} for row in held]
    raise ReadError(f"{path} holds a list that is no table; give {FORMS}.")


def _is_whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _object(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        held = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{path}: line {number} is no JSON; each line must hold one object.") from error
    if not isinstance(held, dict):
        raise ReadError(f"{path}: line {number} holds no object; each line must hold one object, such as {{...}}.")
    return held


def _of_object(held: dict[str, Any], path: Path) -> Any:
    values = list(held.values())
    if isinstance(held.get("columns"), list) and isinstance(held.get("data"), list):
        names = [str(n) for n in held["columns"]]
        if len(set(names)) == len(names) and all(isinstance(r, list) and len(r) == len(names) for r in held["data"]):
            return [dict(zip(names, row, strict=True)) for row in held["data"]]
    lists = [v for v in values if isinstance(v, list)]
    if values and len(lists) == len(values) and not all(isinstance(v, dict) for v in lists[0][:1] or [{}]):
        if len({len(v) for v in lists}) > 1:
            sizes = ", ".join(f"{name} {len(v)}" for name, v in list(held.items())[:6])
            raise ReadError(f"{path} holds columns of different length ({sizes}); give {FORMS}.")
        return held
    tables = [v for v in lists if v and all(isinstance(r, dict) for r in v)]
    if len(tables) == 1:
        return tables[0]
    if values and all(isinstance(v, dict) for v in values):  # column -> index -> value, as pandas writes it
        index = dict.fromkeys(key for v in values for key in v)
        if all(set(v) == set(index) for v in values) and not any(
            isinstance(c, dict) for v in values for c in v.values()
        ):
            return {name: [v[key] for key in index] for name, v in held.items()}
    if values and not any(isinstance(v, list | dict) for v in values):
        return [held]
    raise ReadError(f"{path} holds one object that is no table; give {FORMS}.")


def _flat(records: list[Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects with nested ones as ``outer.inner``."""
    nested: dict[str, None] = {}

    def flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, value in record.items():
            if isinstance(value, dict):
                nested[prefix + name] = None
                out |= flat(value, f"{prefix}{name}.")
            else:
                out[prefix + name] = value
        return out

    rows = [flat(r) if any(isinstance(v, dict) for v in r.values()) else r for r in records]
    notes = [f"Nested objects are read as columns with dotted names: {', '.join(list(nested)[:6])}."] if nested else []
    return rows, notes


def _frame(columns: dict[str, list[Any]]) -> Any:
    import pandas as pd

    series = {}
    for name, values in columns.items():
        given = [v for v in values if v is not None]
        bools = bool(given) and all(isinstance(v, bool) for v in given)
        mixed = any(isinstance(v, bool) for v in given) and not bools
        exact = any(type(v) is int and abs(v) > 2**53 for v in given) and len(given) < len(values)
        keep = bools and len(given) < len(values)
        if not given:
            series[name] = pd.Series([float("nan")] * len(values))
        elif exact or (mixed and all(isinstance(v, bool | str) for v in given)):
            series[name] = pd.Series([None if v is None else str(v) for v in values])
        else:
            series[name] = pd.Series(values, dtype=object if keep or mixed else None)
    return pd.DataFrame(series)
