"""Cells of a text file: numbers with a decimal comma, and words that mean that there is no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["decimal_commas", "restore_class", "words_for_nothing"]

# Words for "no value" that are answers as well, and others that are not.
NOTHING = ("None", "none", "NONE", "null", "Null", "NULL")


def words_for_nothing(frame: Any, path: Path, separator: str) -> dict[str, dict[str, list[int]]]:
    """Find the rows of each column of text in which a word stands that the parser takes for a missing value.

    Parameters
    ----------
    frame : DataFrame
        As parsed.
    path : Path
    separator : str

    Returns
    -------
    dict of str to dict
        By column, the rows of each word.
    """
    import pandas as pd

    columns = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c]) and frame[c].isna().any()]
    if not columns:
        return {}
    raw = pd.read_csv(
        path, sep=separator, skipinitialspace=True, usecols=columns, dtype=str, keep_default_na=False
    )  # fmt: skip
    found: dict[str, dict[str, list[int]]] = {}
    for name in columns:
        rows = np.flatnonzero(frame[name].isna().to_numpy())
        for row, word in zip(rows.tolist(), raw[name].iloc[rows].str.strip().tolist(), strict=True):
            if word:
                found.setdefault(str(name).strip(), {}).setdefault(word, []).append(row)
    return found


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
    if word is None:
        usual = {w: len(rows) for w, rows in held.items() if w in NOTHING and 20 * len(rows) >= len(frame)}
        word = max(usual, key=lambda w: usual[w]) if usual else None
        if word is None:
            return (
                frame,
                None,
                [
                    f"{len(rows)} labels are {w!r}, read as missing labels; write another word if it is a class."
                    for w, rows in held.items()
                ],
            )
    if word not in held:
        return frame, word, []
    labels = frame[column].astype(object).copy()
    labels.iloc[held[word]] = word
    return frame.assign(**{column: labels}), word, [f"{word!r} is read as a class of the label column {column!r}."]


# Digits with a decimal comma, and points between thousands.
DECIMAL_COMMA = r"\s*[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?\s*"


def decimal_commas(frame: Any) -> Any:
    """Read columns of numbers with a decimal comma as numbers; the table then says so in ``attrs["notes"]``.

    Parameters
    ----------
    frame : DataFrame
        It is not modified.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._cells import decimal_commas
    >>> decimal_commas(pd.DataFrame({"x": ["3,14", "1.000,5"], "name": ["a,b", "c"]}))["x"].tolist()
    [3.14, 1000.5]
    """
    import pandas as pd

    found = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column) or not column.map(lambda v: isinstance(v, str) or v != v).all():
            continue
        given = column.dropna().astype(str)
        if len(given) and given.str.fullmatch(DECIMAL_COMMA).all() and given.str.contains(",").any():
            plain = column.astype(object).str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
            found[name] = pd.to_numeric(plain.str.strip())
    if not found:
        return frame
    frame = frame.assign(**found)
    frame.attrs["notes"] = [f"Read with a decimal comma: {', '.join(map(str, found))}."]
    return frame
