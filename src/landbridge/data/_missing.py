"""Missing cells: words for "no value", further values that mean one, and constants that look like one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["ANSWERS", "MARKS", "WORDS", "apply_missing", "kept_word", "same_value", "sentinel_notes"]

# Words for "no value" that are answers as well.
ANSWERS = ("None", "none", "NONE", "null", "Null", "NULL")
ERRORS = ("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#NV", "#WERT!")
# Cells that mean a missing value in every column of a text file.
OTHERS = "#NA -1.#IND -1.#QNAN 1.#IND 1.#QNAN -NaN -nan <NA> <NULL> N/A NA NaN n/a nan NaT".split()
WORDS = frozenset((*ANSWERS, *ERRORS, *OTHERS, "#N/A N/A"))
# Cells that mean a missing value in a column of numbers only.
MARKS = frozenset({"?", "-", "--", "---", ".", "..", "...", "–", "—", "*", "n.a.", "N.A.", "na", "nil", "NIL", "none"})
# A word is an answer of its column if it makes up this share of the cells.
LEAST_SHARE = 0.05
# Constants that stand for a missing value: nines, eights or sevens, or a number no measurement reaches.
SENTINEL = re.compile(r"-?(9{2,}(\.9+|\.25|\.0+)?|8{2,}|7{2,})")
HUGE = 1e20


def kept_word(counts: dict[str, int], others: Sequence[str], n_cells: int) -> str | None:
    """Return the word for "no value" that is a category of a column of text, if there is one.

    It is the code ``NA`` beside other codes of two capitals, or the only such word if it can be an answer and makes up
    a twentieth of the cells.

    Parameters
    ----------
    counts : dict of str to int
        Number of cells by word.
    others : sequence of str
        Distinct cells that are not missing.
    n_cells : int

    Returns
    -------
    str or None

    Examples
    --------
    >>> from landbridge.data._missing import kept_word
    >>> kept_word({"NA": 1}, ["DE", "FR"], 100), kept_word({"NA": 1}, ["good", "bad"], 100)
    ('NA', None)
    """
    if len(counts) != 1 or not others:
        return None
    word, n = next(iter(counts.items()))
    if word == "NA" and len(others) > 1 and all(re.fullmatch("[A-Z]{2}", o) for o in others):
        return word
    return word if word in ANSWERS and n >= LEAST_SHARE * n_cells else None


def same_value(text: str, missing: Sequence[str]) -> str | None:
    """Return the value among `missing` that a cell equals, as text or as a number.

    Parameters
    ----------
    text : str
    missing : sequence of str

    Returns
    -------
    str or None
    """
    if text in missing:
        return text
    value = _number(text)
    return None if value is None else next((m for m in missing if _number(m) == value), None)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ".")) if re.match(r"[-+.\d]", text) else None
    except ValueError:
        return None


def apply_missing(frame: Any, missing: Sequence[str]) -> tuple[Any, dict[str, int]]:
    """Replace values that mean a missing one, in every column; numbers are compared as numbers.

    Parameters
    ----------
    frame : DataFrame
        It is not modified.
    missing : sequence of str

    Returns
    -------
    frame : DataFrame
    counts : dict of str to int
        Replaced cells by value.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._missing import apply_missing
    >>> apply_missing(pd.DataFrame({"x": [1.0, -999.0], "y": ["a", "unknown"]}), ("-999", "unknown"))[1]
    {'-999': 1, 'unknown': 1}
    """
    import pandas as pd

    counts = dict.fromkeys(missing, 0)
    changed = {}
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        if pd.api.types.is_bool_dtype(column) or column.dtype.kind in "mMc":
            continue
        hit = np.zeros(len(column), dtype=bool)
        if pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(dtype=float, na_value=np.nan)
            found = {m: values == v for m in missing if (v := _number(m)) is not None}
        else:
            cells = column.astype(object)
            which = [None if v is None or v != v else same_value(str(v).strip(), missing) for v in cells]
            found = {m: np.array([w == m for w in which]) for m in missing if m in which}
        for value, rows in found.items():
            counts[str(value)] += int((rows & ~hit).sum())
            hit |= rows
        if hit.any():
            changed[name] = column.mask(hit)
    attrs = frame.attrs
    frame = frame.assign(**changed) if changed else frame
    frame.attrs = attrs
    return frame, counts


def sentinel_notes(frame: Any) -> list[str]:
    """Say which columns hold a repeated constant far from all their other numbers, such as -999.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    list of str
    """
    import pandas as pd

    found: dict[str, list[str]] = {}
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column) or column.dtype.kind == "c":
            continue
        values = column.to_numpy(dtype=float, na_value=np.nan)
        for value in _sentinels(values[np.isfinite(values)]):
            found.setdefault(value, []).append(str(name))
    return [
        f"{value} stands far from the other numbers of {_columns(names)}; set missing={value} (--missing {value}) if "
        "it means a missing value."
        for value, names in found.items()
    ]


def _columns(names: list[str]) -> str:
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"column {shown}" if len(names) == 1 else f"the columns {shown}"


def _sentinels(values: Any) -> list[str]:
    if values.size < 4:
        return []
    ends = [v for v in _ends(values) if SENTINEL.fullmatch(f"{v:.10g}") or abs(v) > HUGE]
    likely = [v for v in ends if np.count_nonzero(values == v) > 1]
    rest = values[~np.isin(values, likely)] if likely else values[:0]
    if not rest.size or rest.min() == rest.max():
        return []
    low, high = float(rest.min()), float(rest.max())
    span = max(high - low, 1e-12)  # of plain floats, whose sums become infinite without a warning
    return [f"{v:g}" for v in likely if not low - span <= v <= high + span]


def _ends(values: Any) -> list[float]:
    """Return the three least and the three largest distinct numbers, in order."""
    found: set[float] = set()
    for sign in (1, -1):
        rest = sign * values
        for _ in range(3):
            if rest.size:
                least = rest.min()
                found.add(float(sign * least))
                rest = rest[rest > least]
    return sorted(found)
