"""Names of columns: renamed on request, matched where they differ in capitals, blanks or punctuation only."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from landbridge.exceptions import InputError

__all__ = ["drop_columns", "is_point", "mark_missing", "match_headers", "plain_header", "rename_columns"]

# A number, with the unit of a spectrum or a time.
POINT = re.compile(r"\s*-?\d+([.,]\d+)?\s*(nm|µm|um|1/cm|cm-1|hz|khz|mhz|ms|s)?\s*", re.IGNORECASE)


def plain_header(name: str) -> str:
    """Return a name without capitals, accents, blanks and punctuation.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.data._headers import plain_header
    >>> plain_header(" Blood-Pressure (mmHg)"), plain_header("Größe_2")
    ('bloodpressuremmhg', 'grosse2')
    """
    text = unicodedata.normalize("NFKD", str(name)).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    # A sign is part of the meaning of a name that is otherwise a number: "-1.5" and "1.5" are two columns.
    if re.fullmatch(r"\s*[-+]?[\d.,]+\s*", text):
        return text.strip()
    return "".join(c for c in text if c.isalnum()) or text.strip()


def match_headers(source: Any, target: Any) -> tuple[Any, list[str]]:
    """Rename the columns of a target that differ from those of the source in writing only.

    Parameters
    ----------
    source, target : DataFrame
        They are not modified.

    Returns
    -------
    target : DataFrame
    notes : list of str
        What was matched.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._headers import match_headers
    >>> found, notes = match_headers(pd.DataFrame({"Chol": [1]}), pd.DataFrame({" chol.": [2]}))
    >>> list(found.columns), notes
    (['Chol'], ["Columns that differ in writing only were matched: ' chol.' is 'Chol'."])
    """
    here, there = set(source.columns), set(target.columns)
    alone = _unique(c for c in source.columns if c not in there)
    matched = {}
    for plain, name in _unique(c for c in target.columns if c not in here).items():
        if plain in alone:
            matched[name] = alone[plain]
    if not matched:
        return target, []
    shown = ", ".join(f"{old!r} is {new!r}" for old, new in list(matched.items())[:6])
    more = f", and {len(matched) - 6} more" if len(matched) > 6 else ""
    attrs = dict(target.attrs)
    target = target.rename(columns=matched)
    target.attrs = _renamed_attrs(attrs, matched)
    return target, [f"Columns that differ in writing only were matched: {shown}{more}."]


def _unique(names: Iterable[str]) -> dict[str, str]:
    """Names by their plain form, where only one has it."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(plain_header(name), []).append(name)
    return {plain: held[0] for plain, held in found.items() if len(held) == 1}


def _renamed_attrs(attrs: dict[str, Any], new: dict[str, str]) -> dict[str, Any]:
    """Notes on the cells of columns, under the new names of the columns."""
    for key in ("words", "kept_words", "units"):
        if key in attrs:
            attrs = attrs | {key: {new.get(name, name): held for name, held in attrs[key].items()}}
    if "notes" in attrs:
        attrs = attrs | {"notes": [_with_new_names(note, new) for note in attrs["notes"]]}
    return attrs


def _with_new_names(note: str, new: dict[str, str]) -> str:
    """Replace names of columns in a note, where they stand in quotation marks or in a list after a colon."""
    head, colon, tail = note.partition(": ")
    for old, name in new.items():
        head = head.replace(repr(old), repr(name))
        if colon and not head.startswith("Column ") and old in (listed := tail.rstrip(".").split(", ")):
            tail = ", ".join(name if n == old else n for n in listed) + "."
    return f"{head}{colon}{tail}"


def rename_columns(frames: Sequence[Any], pairs: Sequence[tuple[str, str]]) -> list[Any]:
    """Rename columns in whichever of some tables has them.

    Parameters
    ----------
    frames : sequence of DataFrame
        They are not modified.
    pairs : sequence of (str, str)
        Old and new names.

    Returns
    -------
    list of DataFrame

    Raises
    ------
    InputError
        If no table has an old name, or one has the new name as well.
    """
    found = list(frames)
    for old, new in pairs:
        if not any(old in f.columns or new in f.columns for f in found):
            raise InputError(f"rename: {old!r} is no column of the tables; {_near(old, found)}")
        for i, frame in enumerate(found):
            if old in frame.columns and old != new:
                if new in frame.columns:
                    raise InputError(f"rename: a table has both {old!r} and {new!r}; choose another new name.")
                attrs = _renamed_attrs(dict(frame.attrs), {old: new})
                found[i] = frame.rename(columns={old: new})
                found[i].attrs = attrs
    return found


def drop_columns(frames: Sequence[Any], names: Sequence[str], argument: str = "drop") -> list[Any]:
    """Drop columns from whichever of some tables has them.

    Parameters
    ----------
    frames : sequence of DataFrame
        They are not modified.
    names : sequence of str
    argument : str, default="drop"
        For the message.

    Returns
    -------
    list of DataFrame

    Raises
    ------
    InputError
        If no table has such a column.
    """
    for name in names:
        if not any(name in f.columns for f in frames):
            raise InputError(f"{argument}: {name!r} is no column of the tables; {_near(name, frames)}")
    return [f.drop(columns=[n for n in names if n in f.columns]) for f in frames]


def mark_missing(frame: Any, marks: Sequence[str]) -> Any:
    """Replace cells that mean a missing value.

    Parameters
    ----------
    frame : DataFrame
        It is not modified.
    marks : sequence of str
        Text; a number equals cells of that value.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._headers import mark_missing
    >>> mark_missing(pd.DataFrame({"x": [1.0, -999.0]}), ["-999"])["x"].tolist()
    [1.0, nan]
    """
    if not marks:
        return frame
    words = {m.strip() for m in marks}
    values = [float(m) for m in words if _is_number(m)]
    changed = {}
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        if column.dtype.kind in "iuf":
            hit = column.isin(values)
        elif column.dtype.kind in "bmM":
            continue
        else:
            hit = column.map(lambda v: isinstance(v, str) and v.strip() in words) | column.isin(values)
        if hit.any():
            kept = column.astype(float) if column.dtype.kind in "iu" else column
            changed[name] = kept.mask(hit.astype(bool))
    if not changed:
        return frame
    attrs = dict(frame.attrs)
    frame = frame.assign(**{str(name): column for name, column in changed.items()})
    frame.attrs = attrs
    return frame


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _near(name: str, frames: Sequence[Any]) -> str:
    columns = list(dict.fromkeys(str(c) for f in frames for c in f.columns))
    near = difflib.get_close_matches(name, columns, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"they have {', '.join(columns[:8])}."


def is_point(name: object) -> bool:
    """Return whether the name of a column is a point of a scale, such as a wavelength or a time.

    Parameters
    ----------
    name : object

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.data._headers import is_point
    >>> [is_point(n) for n in ("1100", "1102.5 nm", 400, "age", "x1")]
    [True, True, True, False, False]
    """
    return POINT.fullmatch(str(name)) is not None
