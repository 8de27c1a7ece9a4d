"""The encoder: raw rows of both sides - text, categories, gaps - to the same numeric columns, without labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from landbridge.data._builtin import load_builtin
from landbridge.data._files import existing, kind_of, read_arrays, read_images, read_table
from landbridge.exceptions import InputError, ReadError

__all__ = ["Encoder"]

BUILTIN = "builtin:"
# Categories seen less often than this on both sides together are one category, "other".
RARE = 0.005
MOST_CATEGORIES = 30
TEXT_COMPONENTS = 100
# A column of strings this long on average, and of at least this many words, is running text, not a category.
LONG, WORDS = 25, 3
# Below this many rows, values that are all different may still be categories.
FEW_ROWS = 10
# Share of cells in a column of numbers that may be something else; they count as gaps.
STRAY = 0.05
OTHER = "(other)"
# How files write "no value"; read so only where the other cells are numbers ("none" may well be a category).
GAP_MARKS = frozenset({"", "?", "-", "--", ".", "na", "n/a", "nan", "none", "null"})
WHOLE = re.compile(r"-?\d+\.0+")


class Encoder(BaseEstimator):
    """Turn raw rows of source and target into the same numeric columns.

    Numbers stay numbers, with gaps filled by the median of both sides; text and categories become one column a
    category; running text becomes TF-IDF and its leading components. Nothing is learnt from labels.

    Parameters
    ----------
    image_size : tuple of int, optional
        Height and width that images are brought to.
    ignore : str, optional
        A column that is never a feature: the label.
    text : str, optional
        The column of running text. Left out: the first column whose cells are long and of several words.

    Attributes
    ----------
    notes_ : list of str
        What was dropped or filled, in sentences.
    columns_ : list of str
        Names of the encoded columns; empty for images and arrays.
    kind_ : {"table", "images", "arrays"}
        What it encodes.

    Notes
    -----
    Left out, each with a note: columns that only one side has or that are empty on one side, columns of strings that
    differ from row to row (names, identifiers), dates, and running text beyond the first such column. A category first
    seen after ``fit`` counts as a gap does.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data import Encoder
    >>> source = pd.DataFrame({"age": [30.0, None, 50.0], "sex": ["f", "m", "f"]})
    >>> target = pd.DataFrame({"age": [70.0, 60.0, 50.0], "sex": ["m", "m", "f"]})
    >>> Encoder().fit(source, target).transform(source).tolist()
    [[30.0, 1.0, 0.0], [50.0, 0.0, 1.0], [50.0, 1.0, 0.0]]
    """

    def __init__(self, image_size: Any = None, ignore: str | None = None, text: str | None = None) -> None:
        self.image_size = image_size
        self.ignore = ignore
        self.text = text

    def fit(self, source: Any, target: Any) -> Self:
        """Learn columns, medians, categories and vocabulary from both sides.

        Parameters
        ----------
        source, target : DataFrame
            Raw rows; the label column is left aside.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the sides share no column, or none that can be a feature.
        """
        A, B = (
            f.drop(columns=[c for c in [self.ignore] if c in f.columns])
            for f in (_named(source, "source"), _named(target, "target"))
        )
        shared = [c for c in A.columns if c in set(B.columns)]
        if not shared:
            raise InputError(
                f"source and target share no column (source: {', '.join(A.columns[:6])}; target: "
                f"{', '.join(B.columns[:6])}); rename columns that mean the same."
            )
        if self.text is not None and self.text not in shared:
            raise InputError(f"text={self.text!r} is no column of both sides; choose from {', '.join(shared[:12])}.")
        self.kind_ = "table"
        self.tfidf_: Any = None
        self.svd_: Any = None
        self.notes_: list[str] = []
        for side, frame in (("source", A), ("target", B)):
            if alone := [c for c in frame.columns if c not in shared]:
                more = f" and {len(alone) - 8} more" if len(alone) > 8 else ""
                self.notes_.append(f"Only the {side} has {', '.join(alone[:8])}{more}; left out.")
        self.numbers_: dict[str, float] = {}
        self.categories_: dict[str, list[str]] = {}
        self.text_: str | None = self.text
        for c in shared:
            self._learn_column(c, A[c], B[c])
        if not self.numbers_ and not self.categories_ and self.text_ is None:
            raise InputError("no column can be used as a feature: " + " ".join(self.notes_))
        if self.text_ is not None:
            self._learn_text([*_as_text(A[self.text_], ""), *_as_text(B[self.text_], "")])
        self.order_ = shared
        self.columns_ = self._names()
        return self

    def transform(self, frame: Any) -> Any:
        """Encode raw rows.

        Parameters
        ----------
        frame : DataFrame
            With at least the columns seen in ``fit``, in any order. Arrays hold rows that are encoded already and only
            have their columns counted.

        Returns
        -------
        ndarray of shape (n_samples, n_encoded)
            A csr_matrix if a sparse matrix was given.

        Raises
        ------
        InputError
            If a column is missing.
        """
        check_is_fitted(self)
        if self.kind_ != "table" or not hasattr(frame, "columns"):
            return self._encoded(frame)
        frame = _named(frame, "the rows")
        used = [*self.numbers_, *self.categories_, *([self.text_] if self.text_ is not None else [])]
        if missing := [c for c in used if c not in frame.columns]:
            raise InputError(f"the rows lack the column {missing[0]!r}, which the model was fitted on; add it.")
        parts: list[NDArray[np.float64]] = []
        for c in self.order_:
            if c in self.numbers_:
                values, _ = _numbers(frame[c])
                parts.append(np.where(np.isnan(values), self.numbers_[c], values)[:, None])
            elif c in self.categories_:
                parts.append(_one_hot(frame[c], self.categories_[c]))
            elif c == self.text_:
                parts.append(self.svd_.transform(self.tfidf_.transform(_as_text(frame[c], ""))))
        return np.concatenate(parts, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the encoded columns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array(self.columns_, dtype=object)

    def fit_images(self, mode: str, shape: tuple[int, ...]) -> Self:
        """Remember how images were read.

        Parameters
        ----------
        mode : {"L", "RGB"}
        shape : tuple of int

        Returns
        -------
        self
        """
        self.kind_, self.mode_, self.shape_ = "images", mode, [int(s) for s in shape]
        self.notes_, self.columns_ = [], []
        return self

    def fit_arrays(self, n_features: int) -> Self:
        """Remember how many columns the arrays had.

        Parameters
        ----------
        n_features : int

        Returns
        -------
        self
        """
        self.kind_, self.n_columns_ = "arrays", int(n_features)
        self.notes_, self.columns_ = [], []
        return self

    def read(self, path: str | Path) -> tuple[Any, list[str]]:
        """Read and encode new rows from a file or folder; a label column in it is left aside.

        Parameters
        ----------
        path : str or Path
            Of the kind that was fitted on; ``"builtin:NAME"`` too, where its columns are the same.

        Returns
        -------
        rows : ndarray or csr_matrix of shape (n_samples, n_encoded)
        names : list of str
            Row numbers, or file names of images.

        Raises
        ------
        ReadError
            If it cannot be read, or holds another kind of thing.
        InputError
            If a column is missing.
        """
        check_is_fitted(self)
        if str(path).startswith(BUILTIN):
            rows = self.transform(load_builtin(str(path)[len(BUILTIN) :]).frame())
            return rows, _numbered(rows)
        path = existing(path)
        kind = kind_of(path)
        if kind != self.kind_:
            held, wanted = _KINDS[kind], _KINDS[self.kind_]
            raise ReadError(f"{path} is {held}, but the model was fitted on {wanted}; give the same kind.")
        if kind == "images":
            X, _, names, _, _ = read_images(path, self.shape_[:2], self.mode_)
            return X, names
        rows = self.transform(read_arrays(path, None)[0] if kind == "arrays" else read_table(path))
        return rows, _numbered(rows)

    def _learn_column(self, name: str, a: Any, b: Any) -> None:
        sides = {"source": a, "target": b}
        for side, column in sides.items():
            if column.isna().all():
                self._leave(name, f"is empty in the {side}")
                return
        if name == self.text:
            return
        if any(column.dtype.kind in "mM" for column in (a, b)):
            self._leave(name, "holds dates", " Turn them into numbers, such as days, to use them.")
            return
        if any(_holds_lists(column) for column in (a, b)):
            self._leave(name, "holds lists or objects instead of single values")
            return
        if not all(_is_bool(column) for column in (a, b)):
            read = {side: _numbers(column) for side, column in sides.items()}
            strays = sum(stray for _, stray in read.values())
            told = sum(int(np.isfinite(values).sum()) for values, _ in read.values())
            if told and strays <= STRAY * (told + strays):
                self._learn_numbers(name, {side: values for side, (values, _) in read.items()}, strays)
                return
        self._learn_words(name, a, b)

    def _learn_numbers(self, name: str, sides: dict[str, NDArray[np.float64]], strays: int) -> None:
        for side, values in sides.items():
            if np.isnan(values).all():
                self._leave(name, f"has no number in the {side}")
                return
        values = np.concatenate(list(sides.values()))
        if gaps := int(np.isnan(values).sum()):
            what = f"1 gap in column {name!r} was" if gaps == 1 else f"{gaps} gaps in column {name!r} were"
            told = f" ({strays} of them held something else than a number)" if strays else ""
            self.notes_.append(f"{what} filled with the median{told}.")
        self.numbers_[name] = float(np.nanmedian(values))

    def _learn_words(self, name: str, a: Any, b: Any) -> None:
        import pandas as pd

        sides = [pd.Series(_as_text(column, None)).dropna() for column in (a, b)]
        words = pd.concat(sides, ignore_index=True)
        if not len(words):
            self._leave(name, "is empty on both sides")
            return
        distinct = [int(s.nunique()) for s in sides]
        varied = any(k > 0.5 * len(s) for k, s in zip(distinct, sides, strict=True))
        if varied and words.str.len().mean() > LONG and words.map(lambda w: len(w.split())).mean() >= WORDS:
            if self.text_ is None:
                self.text_ = name
            else:
                self._leave(name, "is a second column of running text")
            return
        if all(k == len(s) for k, s in zip(distinct, sides, strict=True)) and max(distinct) > FEW_ROWS:
            self._leave(name, "names each row", " Say text= if it is running text.")
            return
        counts = words.value_counts(normalize=True)
        # By share, then by name: equal shares must not depend on the order of the rows.
        ranked = sorted(counts[counts >= RARE].items(), key=lambda item: (-item[1], str(item[0])))
        common = sorted(str(word) for word, _ in ranked[:MOST_CATEGORIES])
        if not common:
            self._leave(name, f"has {len(counts)} categories, each of them rare")
            return
        if rare := len(counts) - len(common):
            self.notes_.append(f"{rare} rare categories of column {name!r} are one, {OTHER!r}.")
        gaps = len(words) < len(a) + len(b)
        self.categories_[name] = [*common, OTHER] if (rare or gaps) and OTHER not in common else common

    def _learn_text(self, words: list[str]) -> None:
        self.tfidf_ = TfidfVectorizer(min_df=2 if len(words) > 50 else 1, sublinear_tf=True, max_features=50_000)
        try:
            counts = self.tfidf_.fit_transform(words)
        except ValueError as error:
            raise InputError(
                f"column {self.text_!r} holds no words that repeat; drop it, or name another with text=."
            ) from error
        n_components = max(1, min(TEXT_COMPONENTS, min(counts.shape) - 1))
        self.svd_ = TruncatedSVD(n_components, random_state=0).fit(counts)

    def _leave(self, name: str, why: str, remedy: str = "") -> None:
        self.notes_.append(f"Column {name!r} {why}; left out.{remedy}")
        if name == self.text_:
            self.text_ = None

    def _names(self) -> list[str]:
        names: list[str] = []
        for c in self.order_:
            if c in self.numbers_:
                names.append(c)
            elif c in self.categories_:
                names += [f"{c}={v}" for v in self.categories_[c]]
            elif c == self.text_:
                names += [f"{c}:{i}" for i in range(self.svd_.components_.shape[0])]
        return names

    def _encoded(self, rows: Any) -> Any:
        """Rows that are numbers already: count their columns; sparse ones may lack trailing zeros."""
        if self.kind_ == "table":
            wanted = len(self.columns_)
        else:
            wanted = int(np.prod(self.shape_)) if self.kind_ == "images" else self.n_columns_
        if sparse.issparse(rows):
            rows = sparse.csr_matrix(rows, copy=True) if rows.shape[1] < wanted else rows.tocsr()
            if rows.shape[1] < wanted:
                rows.resize(rows.shape[0], wanted)
        else:
            rows = np.asarray(rows, dtype=float)
            rows = rows.reshape(len(rows), -1) if self.kind_ != "table" and rows.ndim > 2 else rows
        if rows.ndim != 2 or rows.shape[1] != wanted:
            got = f"{rows.shape[1]} columns" if rows.ndim == 2 else f"shape {rows.shape}"
            what = "give a DataFrame with the columns' names" if self.kind_ == "table" else "give the same"
            raise InputError(f"the rows have {got} but the model was fitted on {wanted} columns; {what}.")
        return rows


_KINDS = {"table": "a table", "images": "a folder of images", "arrays": "a file of arrays"}


def _named(frame: Any, side: str) -> Any:
    """Return the frame with text for column names, each of them once, and at least one row."""
    if not hasattr(frame, "columns"):
        raise InputError(f"{side} must be a DataFrame; got {type(frame).__name__}.")
    columns = [str(c) for c in frame.columns]
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(f"{side} has the column {twice!r} twice; give every column its own name.")
    if not len(frame):
        raise InputError(f"{side} has no rows; give at least one.")
    return frame.set_axis(columns, axis=1)


def _numbered(rows: Any) -> list[str]:
    return [str(i) for i in range(rows.shape[0])]


def _is_bool(column: Any) -> bool:
    if column.dtype.kind != "O":
        return column.dtype.kind == "b"
    told = column.dropna()
    return all(isinstance(v, bool | np.bool_) for v in told)


def _holds_lists(column: Any) -> bool:
    return column.dtype.kind == "O" and any(isinstance(v, list | dict | set | np.ndarray) for v in column)


def _numbers(column: Any) -> tuple[NDArray[np.float64], int]:
    """Cells as numbers, NaN where there is none; and how many held something else that is no gap either."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        strays = 0
    else:
        cells = column.astype(object)
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        odd = cells[np.isnan(values) & ~cells.isna().to_numpy()]
        strays = sum(str(v).strip().lower() not in GAP_MARKS for v in odd)
    return np.where(np.isfinite(values), values, np.nan), strays


def _as_text(column: Any, gap: str | None) -> NDArray[Any]:
    """Cells as stripped text, whole numbers without a decimal point, gaps as `gap`."""
    codes, distinct = _distinct(column)
    return np.array([*(_word(v, gap) for v in distinct), gap], dtype=object)[codes]


def _one_hot(column: Any, known: list[str]) -> NDArray[np.float64]:
    """One column a category; what is unknown goes to OTHER, or nowhere if the fit saw neither gaps nor rare ones."""
    codes, distinct = _distinct(column)
    place = {word: i for i, word in enumerate(known)}
    places = [place.get(w, place.get(OTHER, -1)) for w in (*(_word(v, OTHER) for v in distinct), OTHER)]
    table = np.zeros((len(places), len(known)))
    for row, i in enumerate(places):
        if i >= 0:
            table[row, i] = 1.0
    return table[codes]


def _distinct(column: Any) -> tuple[NDArray[np.intp], Any]:
    """Index of each cell among the distinct values, -1 (the end of any list of them) for a gap."""
    import pandas as pd

    try:
        return pd.factorize(column.astype(object))
    except TypeError:  # lists and the like
        return pd.factorize(column.map(str, na_action="ignore").astype(object))


def _word(value: Any, gap: Any) -> Any:
    if isinstance(value, float | np.floating) and value == np.floor(value):
        return str(int(value)) if np.isfinite(value) else str(value)
    word = str(value).strip()
    return gap if not word else word.partition(".")[0] if WHOLE.fullmatch(word) else word
