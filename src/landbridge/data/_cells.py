"""Cells of text: numbers in all their notations, codes, words that mean that there is no value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._missing import (
    ANSWERS,
    MARKS,
    WORDS,
    apply_missing,
    kept_word,
    same_value,
    sentinel_notes,
)
from landbridge.data._notation import (
    Cell,
    Notation,
    decimal_evidence,
    differing_units,
    infer_notation,
    is_code,
    is_plain,
    parse_cell,
    plain,
)
from landbridge.data._read_options import ReadOptions

__all__ = ["restore_class", "tidy_cells"]

# Whole numbers beyond this are not exact as floats.
EXACT = 2**53
# A character that no plain number has.
PLAIN_MARKS = re.compile(r"[^-+.eE0-9]")


@dataclass
class _Column:
    """A column of text: the distinct cells, and what they are."""

    name: Any
    codes: NDArray[np.intp]
    raw: list[str]  # as written
    texts: list[str]  # with ordinary blanks and signs
    typed: bool = False
    gone: dict[str, str] = field(default_factory=dict)  # cell -> word or value that means "no value"
    given: list[str] = field(default_factory=list)  # the other distinct cells
    parsed: dict[str, Cell | None] = field(default_factory=dict)  # those that were taken apart

    def are(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return which rows hold one of these cells."""
        wanted = set(texts)
        return np.array([*(t in wanted for t in self.texts), False])[self.codes]

    def count(self, texts: Sequence[str]) -> int:
        return int(self.are(texts).sum())

    def rows(self, text: str) -> list[int]:
        return [int(i) for i in np.flatnonzero(self.are([text]))]

    def take(self, values: dict[str, Any], dtype: Any) -> NDArray[Any]:
        """Return one value per row, NaN or None where there is none."""
        nothing = np.nan if dtype is float else None
        table = np.array([*(values.get(t, nothing) for t in self.texts), nothing], dtype=dtype)
        return table[self.codes]


@dataclass
class _Notes:
    """What was decided, gathered over the columns."""

    notes: list[str] = field(default_factory=list)
    by_kind: dict[str, list[str]] = field(default_factory=dict)
    words: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    gone: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, kind: str, name: Any) -> None:
        self.by_kind.setdefault(kind, []).append(str(name))

    def sentences(self) -> list[str]:
        heads = {"comma": "Read with a decimal comma: ", "grouped": "Read with thousands marks: "}
        out = [f"{heads[kind]}{', '.join(names)}." for kind, names in self.by_kind.items()]
        out += self.notes
        if self.codes:
            out.append(f"Read as text, because there are codes with leading zeros: {', '.join(self.codes)}.")
        for word, columns in self.gone.items():
            shown = ", ".join(list(columns)[:6]) + (f" and {len(columns) - 6} more" if len(columns) > 6 else "")
            n = sum(columns.values())
            out.append(f"{word!r} is read as a missing value in {shown} ({n:,} cell{'s' * (n != 1)}).")
        return out


def tidy_cells(frame: Any, options: ReadOptions | None = None, *, separator: str = ",", typed: bool = False) -> Any:
    """Read the columns of text of a table as numbers where they are numbers, and find missing values.

    Parameters
    ----------
    frame : DataFrame
        It is not modified.
    options : ReadOptions, default=None
        Of which `missing`, `not_missing` and `decimal` apply.
    separator : str, default=","
        Separator of the file; a hint at the decimal mark of cells such as ``"1,234"``.
    typed : bool, default=False
        Whether text is text: whole numbers and words in a column of text stay as they are, and only numbers with a
        decimal mark, thousands marks or a unit are converted.

    Returns
    -------
    DataFrame
        ``attrs["notes"]`` lists what was decided, in sentences; ``attrs["words"]`` the rows of each word for "no value"
        by column; ``attrs["kept_words"]`` such words that stay categories, by column; ``attrs["units"]`` units that
        were removed, by column; ``attrs["codes"]`` columns of codes with leading zeros.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._cells import tidy_cells
    >>> frame = tidy_cells(pd.DataFrame({"x": ["3,14", "1.000,5"], "zip": ["01234", "99999"]}))
    >>> frame["x"].tolist(), frame["zip"].tolist()
    ([3.14, 1000.5], ['01234', '99999'])
    """
    options = options or ReadOptions()
    found = _Notes()
    before = list(frame.attrs.get("notes", []))
    series = [frame.iloc[:, i] for i in range(frame.shape[1])]
    fast = {i: f for i, s in enumerate(series) if (f := _plain_column(s, typed, options)) is not None}
    columns = {i: c for i, s in enumerate(series) if i not in fast and (c := _text_column(s, typed, options))}
    points = [i for i, (_, sample) in fast.items() if sample]
    evidence = _evidence(columns.values(), [fast[i][1] for i in points], options)
    if evidence == ",":  # points are perhaps thousands marks
        columns |= {i: c for i in points if (c := _text_column(series[i], typed, options))}
    fallback = "," if separator == ";" else "."
    for i, (numbers, _) in fast.items():
        series[i] = numbers
    for i in sorted(columns):
        series[i] = _read_column(columns[i], options, evidence, fallback, found)
    out = _joined(series, frame)
    notes = found.sentences()
    if options.missing:
        out, counts = apply_missing(out, options.missing)
        for column in columns.values():
            for cell, value in column.gone.items():
                if value in counts:
                    counts[value] += column.count([cell])
        notes += [
            f"{v!r} is read as a missing value in {n:,} cell{'s' * (n != 1)}." if n else f"{v!r} stands in no cell."
            for v, n in counts.items()
        ]
    notes += sentinel_notes(out)
    attrs = {"words": found.words, "kept_words": found.kept, "units": found.units, "codes": found.codes}
    out.attrs = {**frame.attrs, **attrs, "notes": [*notes, *before]}
    return out


def _joined(series: list[Any], frame: Any) -> Any:
    import pandas as pd

    series = [s if s.index is frame.index else s.set_axis(frame.index) for s in series]
    out = pd.concat(series, axis=1) if series else frame.copy()
    out.columns = frame.columns
    return out


def _plain_column(column: Any, typed: bool, options: ReadOptions) -> tuple[Any, list[str]] | None:
    """Return a column of nothing but plain numbers and gaps, and some cells with a point; None for other columns.

    This is the short way for large files: no cell is interpreted.
    """
    import pandas as pd

    if options.decimal == "," or column.dtype.kind in "biufcmM" or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    if any(type(c) is str and c.strip() not in WORDS and PLAIN_MARKS.search(c.strip()) for c in column.iloc[:100]):
        return None
    cells = column.tolist()
    if not all(type(c) is str for c in cells) or (typed and not any("." in c for c in cells)):
        return None
    cells = ["" if c in WORDS else c.strip() for c in cells]
    marks = set("".join(cells)) - set("0123456789")
    if not marks <= set("+-.eE") or any(c[:1] == "0" and c[1:2].isdigit() for c in cells):
        return None
    try:
        values = np.array([float(c) if c else np.nan for c in cells])
    except ValueError:
        return None
    given = np.isfinite(values)
    if not given.any() or np.abs(values[given]).max() > EXACT:
        return None
    if given.all() and not marks & set(".eE"):
        values = values.astype(np.int64)
    return pd.Series(values, name=column.name), [c for c in cells if "." in c][:1000]


def _text_column(column: Any, typed: bool, options: ReadOptions) -> _Column | None:
    """Return a column of text, with what its cells are; None for a column of another type."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind in "biufcmM":
        return None
    if not pd.api.types.is_string_dtype(column) or column.dtype == object:
        cells = column.astype(object)
        kinds = set(map(type, cells))
        if kinds != {str}:
            kinds = {type(v) for v in cells if not _is_gap(v)}
        if str not in kinds or not kinds <= {str, int, float, np.float64, np.int64}:
            return None
        if kinds != {str}:  # numbers and text in one column: a sheet, or a database without types
            column, typed = cells.map(_as_written), False
    codes, distinct = pd.factorize(column.astype(object))
    raw = [_encodable(str(t).strip()) for t in distinct]
    out = _Column(str(column.name).strip(), codes, raw, [plain(t) for t in raw], typed)
    _sort_cells(out, options)
    return out


def _encodable(text: str) -> str:
    """Return text with the mark of an unknown character for a half of a surrogate pair, which no encoding has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _is_gap(value: Any) -> bool:
    return (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )


def _as_written(value: Any) -> Any:
    if _is_gap(value) or isinstance(value, str):
        return None if _is_gap(value) else value
    return str(int(value)) if float(value).is_integer() and abs(value) < EXACT else repr(float(value))


def _sort_cells(column: _Column, options: ReadOptions) -> None:
    """Find the cells that mean a missing value; whether a word is one is decided with the others."""
    for text in dict.fromkeys(column.texts):
        value = same_value(text, options.missing) if options.missing else None
        if value is not None or not text:
            column.gone[text] = value or ""
        elif text in WORDS and not column.typed and text not in options.not_missing:
            column.gone[text] = text
        else:
            column.given.append(text)


def _evidence(columns: Iterable[_Column], points: list[list[str]], options: ReadOptions) -> str:
    """Return the decimal mark that some columns are certain of, empty if there is none or they differ."""
    marks, simple, commas = set(), list(points), False
    for column in columns:
        if all(is_plain(t) for t in column.given):
            simple.append([t for t in column.given if "." in t][:1000])
            continue
        notation = infer_notation(_without_marks(column)[0], options.decimal, "", ".", column.parsed)
        if notation is not None:
            cells = [c for t in notation.numbers if (c := column.parsed[t]) is not None]
            marks.add(decimal_evidence(cells))
            commas = commas or any("," in t for t in notation.numbers)
    for texts in simple if commas else []:
        marks.add(decimal_evidence([c for t in texts if (c := parse_cell(t)) is not None]))
    marks.discard("")
    return marks.pop() if len(marks) == 1 else ""


def _without_marks(column: _Column) -> tuple[list[str], list[str]]:
    """Return the cells without those that mean a missing number, and these."""
    odd = [t for t in column.given if t in MARKS or t in WORDS]
    return ([t for t in column.given if t not in MARKS and t not in WORDS], odd) if odd else (column.given, [])


def _read_column(column: _Column, options: ReadOptions, evidence: str, fallback: str, found: _Notes) -> Any:
    import pandas as pd

    if not column.given:
        texts = {t: t for t in column.gone} if not column.typed else {}
        for word in texts:
            if word in WORDS and column.gone[word] == word and word not in options.missing:
                found.gone.setdefault(word, {})[str(column.name)] = column.count([word])
                found.words.setdefault(str(column.name).strip(), {})[word] = column.rows(word)
        return pd.Series(np.full(len(column.codes), np.nan), name=column.name)
    if not column.typed and all(t.lower() in ("true", "false") for t in column.given):
        values = column.take({t: t.lower() == "true" for t in column.given}, object)
        return pd.Series(values.astype(bool) if not _gaps(values) else values, name=column.name)
    given, odd = _without_marks(column)
    codes = [t for t in given if is_code(t)]
    if codes and all(is_plain(t) or is_code(t) for t in given):
        found.codes.append(str(column.name))
        return _as_text(column, found)
    numbers = _plain_numbers(given, column.typed, evidence, options) if given and not codes else None
    if numbers is None and given and not codes:
        notation = infer_notation(given, options.decimal, evidence, fallback, column.parsed)
        if notation is not None and not (column.typed and _is_whole(notation)):
            _note(column, notation, found)
            if notation.others:
                return _as_text(column, found, {**notation.numbers})
            numbers = notation.numbers
    if numbers is None:
        if units := differing_units(given, column.parsed):
            shown = ", ".join(repr(t) for t in units.values())
            found.notes.append(f"Column {column.name!r} mixes units ({shown}), so its cells stay text; convert them.")
        return _as_text(column, found)
    for word in odd:
        found.gone.setdefault(word, {})[str(column.name)] = column.count([word])
    return _as_numbers(column, numbers)


def _gaps(values: NDArray[Any]) -> bool:
    return any(v is None for v in values)


def _plain_numbers(given: list[str], typed: bool, evidence: str, options: ReadOptions) -> dict[str, str] | None:
    """Return the cells of a column of numbers that need no interpretation."""
    if options.decimal == "," or not all(is_plain(t) for t in given):
        return None
    if typed and not any("." in t for t in given):
        return None
    if evidence == "," and any("." in t for t in given):  # perhaps thousands marks
        return None
    return {t: t for t in given}


def _is_whole(notation: Notation) -> bool:
    """Whether plain whole numbers stand in a column of text: they may be codes."""
    return not (notation.unit or notation.grouped or notation.bounds) and all(
        n.isdigit() for n in notation.numbers.values()
    )


def _as_numbers(column: _Column, numbers: dict[str, str]) -> Any:
    import pandas as pd

    whole = all(n.lstrip("+-").isdigit() for n in numbers.values())
    if whole and any(abs(int(n)) > EXACT for n in numbers.values()):
        exact = {t: int(n) for t, n in numbers.items()}
        values = column.take(exact, object)
        if _gaps(values) or max(abs(v) for v in exact.values()) >= 2**63:
            return pd.Series(column.take({t: t for t in numbers}, object), name=column.name)
        return pd.Series(values.astype(np.int64), name=column.name)
    values = column.take({t: float(n) for t, n in numbers.items()}, float)
    if whole and not np.isnan(values).any():
        values = values.astype(np.int64)
    return pd.Series(values, name=column.name)


def _as_text(column: _Column, found: _Notes, replaced: dict[str, str] | None = None) -> Any:
    import pandas as pd

    values: dict[str, Any] = {t: t for t in column.given}
    words = {t: column.count([t]) for t, w in column.gone.items() if t and t == w and t in WORDS}
    kept = kept_word(words, column.given, len(column.codes)) if words else None
    name = str(column.name)
    for word, n in words.items():
        found.words.setdefault(name.strip(), {})[word] = column.rows(word)
        if word != kept:
            found.gone.setdefault(word, {})[name] = n
    if kept is not None:
        found.kept[name.strip()] = kept
        values[kept] = kept
    values |= replaced or {}
    table = [*(r if values.get(t) == t else values.get(t) for r, t in zip(column.raw, column.texts, strict=True)), None]
    return pd.Series([table[i] for i in column.codes], name=column.name)


def _note(column: _Column, notation: Notation, found: _Notes) -> None:
    """Say how the numbers of a column were read."""
    name, numbers = str(column.name), notation.numbers
    example = next((t for t in numbers if parse_cell(t).unit), "") if notation.unit else ""  # type: ignore[union-attr]
    if notation.open:
        word = "comma" if "," in notation.open else "point"
        as_thousands = ("," in notation.open) == (notation.decimal == ".")
        found.notes.append(
            f"Column {name!r}: {notation.open!r} is read as {numbers[notation.open]}, with a {word} as "
            f"{'thousands' if as_thousands else 'decimal'} mark; set decimal= (--decimal) if that is wrong."
        )
    elif notation.decimal == "," and any("," in t for t in numbers):
        found.add("comma", name)
    elif notation.grouped:
        found.add("grouped", name)
    if notation.unit:
        found.units[name] = notation.unit
        what = "in percent" if notation.unit == "%" else f"in {notation.unit}"
        found.notes.append(
            f"Column {name!r} is {what}; the unit is removed ({example!r} is read as {numbers.get(example, '')})."
        )
    if notation.bounds:
        first = notation.bounds[0]
        n = column.count(notation.bounds)
        found.notes.append(
            f"Column {name!r}: {n:,} cell{'s' * (n != 1)} such as {first!r} read as the "
            f"limit of measurement {numbers.get(first, '')}."
        )
    if notation.others:
        n = column.count(notation.others)
        found.notes.append(
            f"Column {name!r}: {n:,} cell{'s' * (n != 1)}, such as {notation.others[0]!r}, "
            f"{'are no numbers' if n != 1 else 'is no number'}."
        )


def restore_class(frame: Any, column: str, word: str | None = None) -> tuple[Any, str | None, list[str]]:
    """Restore a class of the labels whose name is a word for "no value", such as ``None``.

    It is a class if it is one of the words that are answers as well, and makes up a twentieth of the samples. Other
    words, such as ``NA``, stay missing labels, and a note says how many they are.

    Parameters
    ----------
    frame : DataFrame
        From :func:`~landbridge.data._files.read_table`; it is not modified.
    column : str
        Of the labels.
    word : str, optional
        Restore this one, which is a class of the other table. If None, the table decides.

    Returns
    -------
    frame : DataFrame
    word : str or None
        What was restored.
    notes : list of str
    """
    held = frame.attrs.get("words", {}).get(column, {})
    kept = frame.attrs.get("kept_words", {}).get(column)
    if word is None:
        usual = {w: len(rows) for w, rows in held.items() if w in ANSWERS and 20 * len(rows) >= len(frame)}
        word = max(usual, key=lambda w: usual[w]) if usual else kept
        if word is None:
            return (
                frame,
                None,
                [
                    f"{len(rows)} label{'s are' if len(rows) != 1 else ' is'} {w!r}, read as missing; set "
                    f"not_missing={w!r} (--not-missing {w}) if it is a class."
                    for w, rows in held.items()
                ],
            )
    if word not in held:
        return frame, word, []
    labels = frame[column].astype(object).copy()
    labels.iloc[held[word]] = word
    return frame.assign(**{column: labels}), word, [f"{word!r} is read as a class of the label column {column!r}."]
