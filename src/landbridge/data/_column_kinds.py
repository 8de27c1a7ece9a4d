"""What the cells of a column are: numbers, categories, text, dates, identifiers, a constant, or the name of a side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._inspection import Column
from landbridge.domain import LARGEST
from landbridge.exceptions import InputError

__all__ = [
    "OTHER",
    "LearnedColumn",
    "as_text",
    "drop_learned",
    "is_feature",
    "learn_column",
    "numbers",
    "one_hot",
    "word_of",
]

# Categories with a smaller share in source and target together are one category, "other".
MIN_CATEGORY_SHARE = 0.005
MAX_CATEGORIES = 30
# A column of strings with at least this mean length and mean number of words is running text, not a category.
MIN_TEXT_LENGTH, MIN_TEXT_WORDS = 25, 3
# With at most this many rows, values that are all different may still be categories.
MAX_ROWS_ALL_DIFFERENT = 10
# Largest share of non-numeric cells in a column of numbers; they count as missing.
MAX_NON_NUMERIC_SHARE = 0.05
# Up to a half, if the numbers take many values and the other cells are a few words, such as "unknown".
MIN_DISTINCT_NUMBERS, MAX_DISTINCT_WORDS = 10, 5
OTHER = "(other)"
# Marks of a missing value in columns of numbers; elsewhere they may be categories ("none").
MISSING_MARKS = frozenset({"", "?", "-", "--", ".", "na", "n/a", "nan", "none", "null"})
WHOLE = re.compile(r"-?\d+\.0+")
# Codes, which numbers would lose the zeros of.
LEADING_ZERO = re.compile(r"\s*0\d+\s*")
UUID = re.compile(r"\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?", re.IGNORECASE)
DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{4})"
    r"([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|[-+]\d{2}:?\d{2}))?)?"
)
# What a column of dates is read as, if it is kept.
DAYS = "days since 1970"
# Share of cells that have to look like dates or identifiers.
NEARLY_ALL = 0.95
# Columns of whole numbers that are all different are identifiers if they are named so.
ID_NAMES = re.compile(
    r"(.*[\s_-])?(id|ids|index|idx|row|rownum|row[\s_]?number|record|nr|no)|unnamed: ?\d+|index"
    r"|(patient|person|subject|sample|record|case|user|customer|client|study|row)id"
)
# Identifiers whose values may repeat, and those of persons.
REPEATED_ID_NAMES = re.compile(r"(.*[\s_-])?(id|ids|uuid|guid|mrn)")
PERSON_ID_NAMES = re.compile(
    r"(patient|person|subject|participant|proband|user|customer|client)s?([\s_-]?(id|no|nr|number|code))?"
)
UNNAMED = re.compile(r"unnamed: ?\d+(_level_\d+)?")
# The fewest rows of a side from which a running number differs from a measurement.
MIN_ROWS_OF_NUMBERS = 20
# The fewest rows of a side from which one value throughout says something.
MIN_ROWS_OF_CONSTANT = 10
# A value with this share of a side is the only one but for errors.
DOMINANT = 0.98
# Text that differs in this share of the rows identifies them.
NEARLY_DISTINCT = 0.9


@dataclass(frozen=True)
class LearnedColumn:
    """What an encoder learns from one column of both sides.

    Parameters
    ----------
    column : Column
        What it is, for the user.
    fill : float or None
        Median of a column of numbers; None for others.
    span : tuple of float
        Least value, median and largest value of a column of numbers in the target.
    categories : tuple of str
        Of a column of categories.
    text : bool
        Whether it is running text.
    notes : tuple of str
        Sentences for the user.
    remarks : tuple of str
        Those of them that the other fields do not hold.
    words : tuple of str
        Cells of a column of numbers that are text, in small letters: they mean a missing value.
    """

    column: Column
    fill: float | None = None
    span: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    text: bool = False
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def learn_column(name: str, source: Any, target: Any, *, keep: bool = False, text: bool | None = None) -> LearnedColumn:
    """Recognise what a column is, from its cells in both domains.

    Parameters
    ----------
    name : str
    source, target : Series
        Its cells in either domain.
    keep : bool, default=False
        Whether it is a feature although it looks like an identifier, a date, a constant or the name of a domain.
    text : bool, optional
        Whether it is running text. If None, its cells decide.

    Returns
    -------
    LearnedColumn

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._column_kinds import learn_column
    >>> learn_column("age", pd.Series([30, None, 50]), pd.Series([40, 60, 70])).column.gaps
    {'source': 1, 'target': 0}
    >>> learn_column("day", pd.Series(["2024-01-03"] * 3), pd.Series(["2024-02-01"] * 3)).column.kind
    'date'
    """
    sides = {"source": source, "target": target}
    gaps = {side: int(column.isna().sum()) for side, column in sides.items()}
    for side, column in sides.items():
        if gaps[side] == len(column):
            return _unused(name, "empty", f"is empty in the {side}", gaps=gaps)
    if text:
        return LearnedColumn(Column(name, "text", gaps=gaps), text=True)
    if UNNAMED.fullmatch(name.strip().lower()) and not keep:
        return _unused(name, "identifier", "has no name, as an index that was written with the table", gaps=gaps)
    found = _dates(name, sides, gaps, keep)
    if found is not None:
        return found
    if any(_holds_lists(column) for column in sides.values()):
        return _unused(name, "other", "holds lists or objects instead of single values", gaps=gaps)
    found = _constant(name, sides, gaps) if not keep else None
    if found is not None:
        return found
    if not all(_is_bool(column) for column in sides.values()):
        found = _learn_numbers(name, sides, keep)
        if found is not None:
            return found
    return _learn_words(name, sides, gaps, keep, text)


def is_feature(name: str, source: Any, target: Any) -> bool:
    """Return whether a column of both domains can be a feature.

    Parameters
    ----------
    name : str
    source, target : Series

    Returns
    -------
    bool
    """
    return learn_column(name, source, target).column.used


def _dates(name: str, sides: Mapping[str, Any], gaps: dict[str, int], keep: bool) -> LearnedColumn | None:
    """A column of dates, as such or as text; None for any other."""
    if not any(column.dtype.kind in "mM" or _look_like(column, DATE) for column in sides.values()):
        return None
    if not keep:
        return _unused(name, "date", "holds dates", "Convert them to numbers, such as days, to use them.", gaps)
    days = {side: days_of(column) for side, column in sides.items()}
    return _as_numbers(name, days, {}, (), DAYS)


def days_of(column: Any) -> NDArray[np.float64]:
    """Return dates as days since 1970.

    Parameters
    ----------
    column : Series
        Dates, or text that stands for dates.

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN where there is no date.
    """
    import pandas as pd

    stamps = pd.to_datetime(column, errors="coerce", format=None if column.dtype.kind in "mM" else "mixed", utc=True)
    seconds = stamps.dt.tz_localize(None).to_numpy(dtype="datetime64[s]").astype("int64").astype(float)
    return np.where(stamps.notna().to_numpy(), seconds / 86400.0, np.nan)


def _constant(name: str, sides: Mapping[str, Any], gaps: dict[str, int]) -> LearnedColumn | None:
    """A column with one value on each side: a constant, or the name of the side; None for any other."""
    top: list[tuple[str, float]] = []
    for column in sides.values():
        given = column.dropna()
        if len(given) < MIN_ROWS_OF_CONSTANT or len(given) < 0.5 * len(column):
            return None
        if column.dtype.kind in "iufb":  # of either byte order, which pandas does not count
            values, numbers_of = np.unique(np.asarray(given.to_numpy()), return_counts=True)
            if numbers_of.max() < DOMINANT * len(given):  # no two numbers are written alike
                return None
        else:
            distinct = given.astype(object).value_counts()
            values, numbers_of = distinct.index, distinct
        counts: dict[str, int] = {}
        for value, n in zip(values, numbers_of, strict=True):
            word = str(word_of(value, ""))
            counts[word] = counts.get(word, 0) + int(n)
        one = max(counts, key=lambda word: counts[word])
        top.append((one, counts[one] / len(given)))
    (one, share), (two, other) = top
    if one == two and min(share, other) == 1.0:
        return _unused(name, "constant", f"is {one[:40]!r} in every sample", gaps=gaps)
    if one != two and min(share, other) >= DOMINANT:
        why = f"is {one[:40]!r} in the source and {two[:40]!r} in the target: it names the domain"
        return _unused(name, "domain name", why, gaps=gaps)
    return None


def _learn_numbers(name: str, sides: Mapping[str, Any], keep: bool) -> LearnedColumn | None:
    """A column of numbers; None if its cells are no numbers."""
    read = {side: numbers(column) for side, column in sides.items()}
    if any(_look_like(column, LEADING_ZERO, share=0.0) for column in sides.values()):
        return None
    odd = {side: list(words) for side, (_, words) in read.items()}
    n_other = sum(len(words) for words in odd.values())
    values = {side: found for side, (found, _) in read.items()}
    given = np.concatenate([v[np.isfinite(v)] for v in values.values()])
    if not len(given):
        return None
    distinct = {w.lower() for words in odd.values() for w in words}
    few = n_other <= MAX_NON_NUMERIC_SHARE * (len(given) + n_other)
    named = len(distinct) <= MAX_DISTINCT_WORDS and len(np.unique(given)) > MIN_DISTINCT_NUMBERS
    if not few and not (named and n_other <= len(given)):
        return None
    if not keep and (why := _identifies(name, sides, list(values.values()))):
        gaps = {side: int(np.isnan(v).sum()) for side, v in values.items()}
        return _unused(name, "identifier", *why, gaps=gaps)
    examples = tuple(dict.fromkeys(w for words in odd.values() for w in words))[:3]
    learned = _as_numbers(name, values, {side: len(words) for side, words in odd.items()}, examples)
    return replace(learned, words=tuple(sorted(distinct)))


def _as_numbers(
    name: str, values: Mapping[str, Any], odd: Mapping[str, int], examples: tuple[str, ...], reason: str = ""
) -> LearnedColumn:
    gaps = {side: int(np.isnan(v).sum()) for side, v in values.items()}
    for side, found in values.items():
        if np.isnan(found).all():
            return _unused(name, "empty", f"has no number in the {side}", gaps=gaps)
    every = np.concatenate(list(values.values()))
    median = float(np.nanmedian(every))
    notes = []
    n_gaps, n_other = sum(gaps.values()), sum(odd.values())
    if n_other:
        cells = "1 cell of column {!r} is text" if n_other == 1 else f"{n_other} cells of column {{!r}} are text"
        such = f", such as {examples[0]!r}," if examples else ""
        notes.append(f"{cells.format(name)}{such} and counted as missing.")
    if n_gaps:
        cells = f"1 missing value in column {name!r} was"
        cells = cells if n_gaps == 1 else f"{n_gaps} missing values in column {name!r} were"
        other = f" ({n_other} of them are not numbers)" if n_other else ""
        notes.append(f"{cells} filled with the median{other}.")
    column = Column(
        name,
        "number",
        reason=reason,
        gaps=gaps,
        fill=f"median {median:.4g}" if n_gaps else "",
        not_numbers={side: n for side, n in odd.items() if n},
        examples=examples,
    )
    like_new = values["target"][np.isfinite(values["target"])]
    span = (float(like_new.min()), float(np.median(like_new)), float(like_new.max()))
    return LearnedColumn(column, fill=median, span=span, notes=tuple(notes))


def _identifies(name: str, columns: Mapping[str, Any], sides: list[NDArray[np.float64]]) -> tuple[str, str] | None:
    """Say why whole numbers identify the rows; None if they do not."""
    plain = name.strip().lower()
    whole = all(np.isfinite(v).all() and (v == np.round(v)).all() for v in sides)
    if not whole or any(len(v) < MIN_ROWS_OF_NUMBERS for v in sides):
        return None
    typed = all(column.dtype.kind in "iuO" for column in columns.values())
    if all(len(np.unique(v)) == len(v) for v in sides):
        running = typed and all(v.max() - v.min() == len(v) - 1 for v in sides)
        if running or (ID_NAMES.fullmatch(plain) and (typed or plain not in ("no", "nr", "index", "row"))):
            return "holds row numbers or identifiers", "Convert it to floats to use it all the same."
        return None
    distinct = min(len(np.unique(v)) for v in sides)
    person = PERSON_ID_NAMES.fullmatch(plain) and distinct > MAX_ROWS_ALL_DIFFERENT
    if typed and (person or (REPEATED_ID_NAMES.fullmatch(plain) and distinct > MAX_CATEGORIES)):
        return "holds identifiers that repeat", "Set groups= to it if samples of one identifier belong together."
    return None


def _learn_words(
    name: str, columns: Mapping[str, Any], gaps: dict[str, int], keep: bool, text: bool | None
) -> LearnedColumn:
    import pandas as pd

    sides = [pd.Series(as_text(column, None), dtype=object).dropna() for column in columns.values()]
    words = pd.concat(sides, ignore_index=True)
    gaps = {side: len(column) - len(s) for (side, column), s in zip(columns.items(), sides, strict=True)}
    if not len(words):
        return _unused(name, "empty", "is empty on both sides", gaps=gaps)
    distinct = [int(s.nunique()) for s in sides]
    if text is None and _is_running_text(words, sides, distinct):
        return LearnedColumn(Column(name, "text", gaps=gaps), text=True)
    if not keep and (identifies := _identifies_as_text(words, sides, distinct)):
        return _unused(name, "identifier", *identifies, gaps=gaps)
    words, spelled = _same_spelling(words, sides)
    if not keep and spelled is None and len(words) >= 2 * MIN_ROWS_OF_CONSTANT:
        if why := _no_common_value(sides):
            if min(distinct) > MAX_CATEGORIES or (
                PERSON_ID_NAMES.fullmatch(name.strip().lower()) and min(distinct) > 1
            ):
                remedy = "Set groups= to it if samples of one identifier belong together."
                return _unused(name, "identifier", "holds identifiers that repeat", remedy, gaps)
            return _unused(name, "category", why, "Write its values alike to use it.", gaps)
    return _as_categories(name, words, gaps, [] if spelled is None else [spelled.format(name)])


def _as_categories(name: str, words: Any, gaps: dict[str, int], notes: list[str]) -> LearnedColumn:
    counts = words.value_counts(normalize=True)
    # By share, then by name: the result must not depend on the order of the rows.
    ranked = sorted(counts[counts >= MIN_CATEGORY_SHARE].items(), key=lambda item: (-item[1], str(item[0])))
    common = sorted(str(word) for word, _ in ranked[:MAX_CATEGORIES])
    if not common:
        return _unused(name, "identifier", f"has {len(counts)} categories, each of them rare", gaps=gaps)
    if rare := len(counts) - len(common):
        notes = [*notes, f"{rare} rare categories of column {name!r} were merged into {OTHER!r}."]
    n_gaps = sum(gaps.values())
    categories = [*common, OTHER] if (rare or n_gaps) and OTHER not in common else common
    kind = "boolean" if {c.lower() for c in common} <= {"true", "false"} else "category"
    fill = f"category {OTHER!r}" if n_gaps else ""
    column = Column(name, kind, gaps=gaps, fill=fill, n_features=len(categories))
    return LearnedColumn(column, categories=tuple(categories), notes=tuple(notes), remarks=tuple(notes))


def _is_running_text(words: Any, sides: list[Any], distinct: list[int]) -> bool:
    varied = any(k > 0.5 * len(s) for k, s in zip(distinct, sides, strict=True))
    if not varied or words.str.len().mean() <= MIN_TEXT_LENGTH:
        return False
    return bool(words.map(lambda w: len(w.split())).mean() >= MIN_TEXT_WORDS)


def _identifies_as_text(words: Any, sides: list[Any], distinct: list[int]) -> tuple[str, str] | None:
    """Say why text identifies the rows; None if it does not."""
    if max(distinct) <= MAX_ROWS_ALL_DIFFERENT:
        return None
    if all(k == len(s) for k, s in zip(distinct, sides, strict=True)):
        return "has a different text in each row", "Set text= if it is running text."
    if words.str.fullmatch(UUID).mean() >= NEARLY_ALL:
        return "holds identifiers", "Set groups= to it if samples of one identifier belong together."
    if all(k >= NEARLY_DISTINCT * len(s) for k, s in zip(distinct, sides, strict=True)):
        return "has a different text in nearly each row", "Set text= if it is running text."
    return None


def _same_spelling(words: Any, sides: list[Any]) -> tuple[Any, str | None]:
    """Write categories that differ in capitals only as the source does, if that makes more of them common."""
    one, two = (set(s) for s in sides)
    known = {w.casefold(): w for w in sorted(one, reverse=True)}
    if len(known) < len(one) or len({w.casefold() for w in two}) < len(two):
        return words, None
    changed = {w: known[w.casefold()] for w in two - one if w.casefold() in known}
    if not changed:
        return words, None
    was, now = next(iter(sorted(changed.items())))
    return words.replace(
        changed
    ), f"Categories of column {{!r}} that differ in capitals only are one: {was!r}, {now!r}."


def _no_common_value(sides: list[Any]) -> str:
    one, two = (sorted(set(s)) for s in sides)
    if set(one) & set(two):
        return ""
    shown = [", ".join(w[:20] for w in words[:4]) for words in (one, two)]
    return f"has no value that is in both domains (source: {shown[0]}; target: {shown[1]})"


def _unused(name: str, kind: str, why: str, remedy: str = "", gaps: Mapping[str, int] | None = None) -> LearnedColumn:
    note = f"Column {name!r} {why}; not used." + (f" {remedy}" if remedy else "")
    column = Column(name, kind, used=False, reason=why, n_features=0, gaps=dict(gaps or {}))
    return LearnedColumn(column, notes=(note,))


def drop_learned(learned: LearnedColumn, why: str) -> LearnedColumn:
    """Return what was learned of a column as that of one that is not used.

    Parameters
    ----------
    learned : LearnedColumn
    why : str
        Its predicate, such as ``"is a second column of running text"``.

    Returns
    -------
    LearnedColumn
    """
    found = _unused(learned.column.name, learned.column.kind, why, gaps=learned.column.gaps)
    return replace(found, column=replace(found.column, kind=learned.column.kind))


def numbers(column: Any) -> tuple[NDArray[np.float64], list[str]]:
    """Return the cells of a column as numbers, and those that are neither numbers nor missing.

    Parameters
    ----------
    column : Series

    Returns
    -------
    values : ndarray of shape (n_samples,)
        NaN where a cell is no finite number.
    words : list of str
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        words: list[str] = []
    else:
        cells = column.astype(object)
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        odd = cells[np.isnan(values) & ~cells.isna().to_numpy()]
        words = [w for w in (str(v).strip() for v in odd) if w.lower() not in MISSING_MARKS]
    values = np.where(np.isfinite(values), values, np.nan)
    if (large := np.abs(values) > LARGEST).any():
        raise InputError(
            f"column {str(column.name)!r} holds {values[large][0]:.4g}; convert it to a unit in which no number "
            f"exceeds {LARGEST:g}, or drop it."
        )
    return values, words


def as_text(column: Any, gap: str | None) -> NDArray[Any]:
    """Return the cells as stripped text, whole numbers without a decimal point, missing values as `gap`.

    Parameters
    ----------
    column : Series
    gap : str or None

    Returns
    -------
    ndarray of object, shape (n_samples,)
    """
    codes, distinct = _distinct(column)
    return np.array([*(word_of(v, gap) for v in distinct), gap], dtype=object)[codes]


def one_hot(column: Any, known: list[str]) -> NDArray[np.float64]:
    """One-hot encode a column; unknown categories become OTHER if there is one, else zeros.

    Parameters
    ----------
    column : Series
    known : list of str
        Categories; those that differ in capitals only are one, unless the list has both.

    Returns
    -------
    ndarray of shape (n_samples, n_categories)
    """
    codes, distinct = _distinct(column)
    place = {word: i for i, word in enumerate(known)}
    folded = {word.casefold(): i for i, word in enumerate(known)}
    folded = folded if len(folded) == len(known) else {}
    other = place.get(OTHER, -1)
    words = (*(word_of(v, OTHER) for v in distinct), OTHER)
    places = [place.get(w, folded.get(w.casefold(), other)) for w in words]
    table = np.zeros((len(places), len(known)))
    for code, i in enumerate(places):
        if i >= 0:
            table[code, i] = 1.0
    return table[codes]


def word_of(value: Any, gap: Any) -> Any:
    """Return a cell as text, whole numbers without a decimal point, and `gap` for empty text.

    Parameters
    ----------
    value : object
    gap : object

    Returns
    -------
    str or object
    """
    if isinstance(value, float | np.floating) and value == np.floor(value):
        return str(int(value)) if np.isfinite(value) else str(value)
    word = str(value).strip()
    return gap if not word else word.partition(".")[0] if WHOLE.fullmatch(word) else word


def _distinct(column: Any) -> tuple[NDArray[np.intp], Any]:
    """Return the index of each cell among the distinct values, -1 (the last place of a list) for a missing value."""
    import pandas as pd

    try:
        return pd.factorize(column.astype(object))
    except TypeError:  # lists and the like
        return pd.factorize(column.map(str, na_action="ignore").astype(object))


def _look_like(column: Any, form: re.Pattern[str], share: float = NEARLY_ALL) -> bool:
    """Return whether nearly all cells of text have a form; any of them if `share` is 0."""
    if column.dtype.kind in "iufbcmM":
        return False
    import pandas as pd

    given = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        given = given.astype(object)
    given = given.unique() if share == 0.0 else given
    hits = [isinstance(v, str) and form.fullmatch(v.strip()) is not None for v in given]
    return any(hits) if share == 0.0 else len(hits) > 0 and float(np.mean(hits)) >= share


def _is_bool(column: Any) -> bool:
    if column.dtype.kind != "O":
        return bool(column.dtype.kind == "b")
    return all(isinstance(v, bool | np.bool_) for v in column.dropna())


def _holds_lists(column: Any) -> bool:
    return column.dtype.kind == "O" and any(isinstance(v, list | dict | set | np.ndarray) for v in column)
