"""Labels as read from files: missing labels, types, and one common label type for source and target."""

from __future__ import annotations

import re
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import missing_labels
from landbridge.exceptions import LabelError

__all__ = ["clean_labels", "unify_labels"]

# Whole numbers with more distinct values than this stay floats: they are values of a regression.
MAX_CLASSES = 50
WHOLE = re.compile(r"(?:0|-?[1-9]\d*)(?:\.0+)?")
TRUTH = re.compile("true|false", re.IGNORECASE)
NAMES = {"bool": "booleans", "int": "integers", "float": "numbers", "text": "text"}


def clean_labels(column: Any, name: str, *, whole: bool = False) -> NDArray[Any]:
    """Return labels of one type, with None (NaN for floats) where a label is missing.

    Integers stay integers even if missing labels made floats or objects of them. None, NaN and empty text mark missing
    labels; a number never does.

    Parameters
    ----------
    column : Series or array-like of shape (n_samples,)
        Labels as read.
    name : str
        Name of the labels in error messages.
    whole : bool, default=False
        Whether floats are read as integers if they are whole and have at most 50 distinct values, for formats without
        integers.

    Returns
    -------
    ndarray of shape (n_samples,)
        Booleans, integers, floats or text; of dtype object if labels are missing.

    Raises
    ------
    LabelError
        If the labels are complex numbers.
    """
    import pandas as pd

    column = column if hasattr(column, "isna") else pd.Series(column)
    values = [_plain(v) for v in column.astype(object)]
    missing = missing_labels(column) | np.array([isinstance(v, str) and not v for v in values], dtype=bool)
    given = [v for v, gap in zip(values, missing, strict=True) if not gap]
    if not given:
        return np.full(len(values), None, dtype=object)
    if any(isinstance(v, complex | np.complexfloating) for v in given):
        raise LabelError(f"{name} holds complex numbers; give real numbers or text as labels.")
    if all(isinstance(v, bool | np.bool_) for v in given):
        convert: Callable[[Any], Any] = bool
    elif any(isinstance(v, bool | np.bool_) or not isinstance(v, int | float | np.number) for v in given):
        convert = str
    elif all(isinstance(v, Integral) for v in given):
        convert = int if all(-(2**63) <= int(v) < 2**63 for v in given) else str
    else:
        # Missing labels turn integers into floats on reading; without them the file itself has floats.
        few = missing.any() or (whole and len(set(given)) <= MAX_CLASSES)
        convert = int if few and all(float(v).is_integer() for v in given) else float
    return _array(values, missing, convert)


def unify_labels(y_source: Any, y_target: Any) -> tuple[Any, Any, list[str]]:
    """Convert the labels of source and target to one common type.

    Equal labels of different types become equal: 1, 1.0, ``"1"`` and, next to the labels 0 and 1, True.

    Parameters
    ----------
    y_source, y_target : ndarray of shape (n_samples,) or None
        Labels from :func:`clean_labels`.

    Returns
    -------
    y_source, y_target : ndarray of shape (n_samples,) or None
        Labels of one type.
    notes : list of str
        What was converted.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data._labels import unify_labels
    >>> unify_labels(np.array([0, 1]), np.array(["1", "0"]))[:2]
    (array([0, 1]), array([1, 0]))
    """
    if y_source is None or y_target is None:
        return y_source, y_target, []
    sides = [(y, missing_labels(y)) for y in (y_source, y_target)]
    if any(missing.all() for _, missing in sides):
        return y_source, y_target, []
    given = [y[~missing].tolist() for y, missing in sides]
    kinds = [_kind(values) for values in given]
    if any(kind is None for kind in kinds) or (kinds[0] == kinds[1] and kinds[0] != "text"):
        return y_source, y_target, []
    common, convert = _common(given, [str(kind) for kind in kinds])
    if common is None:
        return y_source, y_target, []
    found = [
        NAMES[str(kind)] if kinds[0] != kinds[1] else repr(values[0]) for kind, values in zip(kinds, given, strict=True)
    ]
    notes = [f"Labels are {found[0]} in the source and {found[1]} in the target; both are read as {NAMES[common]}."]
    if common == "text" and kinds[1] != "text" and "-1" not in set(map(str, given[0])):
        # Text "-1" is no mark of a missing label any more. As a number it is one if the source has no class -1, unless
        # the target has the two classes -1 and +1 and no missing label.
        y, missing = sides[1]
        marked = np.array([not gap and v == -1 for v, gap in zip(y.tolist(), missing, strict=True)], dtype=bool)
        if marked.any() and (missing.any() or set(given[1]) != {-1, 1}):
            sides[1] = (y, missing | marked)
            notes.append(f"{int(marked.sum())} labels -1 of the target mark samples without a label.")
    one, two = (_array(y.tolist(), missing, convert) for y, missing in sides)
    return one, two, notes


def _common(given: list[list[Any]], kinds: list[str]) -> tuple[str | None, Callable[[Any], Any]]:
    """Choose the common type of two sides, and the function that converts to it."""
    if kinds[0] == kinds[1]:
        return _common_text(given)
    both = set(kinds)
    words = [{str(v).lower() for v in values} for values in given]
    if "bool" in both:
        other = words[1 - kinds.index("bool")]
        if other <= {"true", "false"}:
            return "bool", lambda v: v if isinstance(v, bool) else v.lower() == "true"
        if other <= {"0", "1", "0.0", "1.0"}:
            return "int", lambda v: int(float(v))
        return ("text", _word) if "text" in both else (None, _word)
    if "text" in both:
        text = given[kinds.index("text")]
        numbers = given[1 - kinds.index("text")]
        if {str(v).lower() for v in text} <= {"true", "false"} and set(numbers) <= {0, 1}:
            return "int", lambda v: int(v.lower() == "true") if isinstance(v, str) else int(v)
        if all(WHOLE.fullmatch(v) for v in text) and all(float(v).is_integer() for v in numbers):
            return "int", lambda v: _number(v) if isinstance(v, str) else int(v)
        return "text", _word
    values = [*given[0], *given[1]]
    if all(float(v).is_integer() for v in values) and len(set(values)) <= MAX_CLASSES:
        return "int", int
    return "float", float


def _common_text(given: list[list[str]]) -> tuple[str | None, Callable[[Any], Any]]:
    """Choose the common type of two sides of text: a number or a boolean if more labels are then equal, else None."""
    one, two = (set(values) for values in given)
    for name, form in (
        ("bool", TRUTH),
        ("int", re.compile(f"{TRUTH.pattern}|[01](?:[.]0+)?", re.IGNORECASE)),
        ("int", WHOLE),
    ):
        if one != two and all(form.fullmatch(v) for v in one | two):
            if len({_number(v) for v in one} & {_number(v) for v in two}) > len(one & two):
                return name, (lambda v: bool(_number(v))) if name == "bool" else _number
            return None, _word
    return None, _word


def _number(word: str) -> int:
    return int(word.lower() == "true") if TRUTH.fullmatch(word) else int(word.partition(".")[0])


def _kind(values: list[Any]) -> str | None:
    for name, types in (("bool", bool), ("int", int), ("float", float), ("text", str)):
        if all(isinstance(v, types) for v in values):
            return name
    return None


def _array(values: list[Any], missing: NDArray[np.bool_], convert: Callable[[Any], Any]) -> NDArray[Any]:
    if not missing.any():
        return np.array([convert(v) for v in values])
    if convert is float:
        return np.array([np.nan if gap else float(v) for v, gap in zip(values, missing, strict=True)])
    return np.array([None if gap else convert(v) for v, gap in zip(values, missing, strict=True)], dtype=object)


def _plain(value: Any) -> Any:
    """Return bytes as text, and text without surrounding blanks."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("latin-1")
    return value.strip() if isinstance(value, str) else value


def _word(label: Any) -> str:
    whole = isinstance(label, int | float) and not isinstance(label, bool) and float(label).is_integer()
    return str(int(label)) if whole else str(label)
