"""Encoder of raw tables: numbers, categories and text of source and target become the same numeric features."""

from __future__ import annotations

import re
import warnings
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
from landbridge.data._files import existing, kind_of, read_arrays, read_table
from landbridge.data._image_arrays import match_pixels, read_pixels
from landbridge.data._images import Pictures, read_images
from landbridge.exceptions import InputError, ReadError

__all__ = ["Encoder"]

BUILTIN = "builtin:"
# Categories with a smaller share in source and target together are one category, "other".
MIN_CATEGORY_SHARE = 0.005
MAX_CATEGORIES = 30
TEXT_COMPONENTS = 100
# A column of strings with at least this mean length and mean number of words is running text, not a category.
MIN_TEXT_LENGTH, MIN_TEXT_WORDS = 25, 3
# With at most this many rows, values that are all different may still be categories.
MAX_ROWS_ALL_DIFFERENT = 10
# Largest share of non-numeric cells in a column of numbers; they count as missing.
MAX_NON_NUMERIC_SHARE = 0.05
OTHER = "(other)"
# Marks of a missing value in columns of numbers; elsewhere they may be categories ("none").
MISSING_MARKS = frozenset({"", "?", "-", "--", ".", "na", "n/a", "nan", "none", "null"})
WHOLE = re.compile(r"-?\d+\.0+")


# Columns of whole numbers that are all different are identifiers if they are named so.
ID_NAMES = (
    r"(.*[\s_-])?(id|ids|index|idx|row|rownum|row[\s_]?number|record|nr|no)|unnamed: ?\d+"
    r"|(patient|person|subject|sample|record|case|user|customer|client|study|row)id"
)
# The fewest rows of a side from which a running number differs from a measurement.
MIN_ROWS_OF_NUMBERS = 20


def _are_row_numbers(name: str, sides: list[NDArray[np.float64]]) -> bool:
    """Return whether whole numbers count the rows of both sides, or are all different and named as identifiers are."""
    if any(len(v) < MIN_ROWS_OF_NUMBERS or not np.isfinite(v).all() or (v != np.round(v)).any() for v in sides):
        return False
    if any(len(np.unique(v)) < len(v) for v in sides):
        return False
    named = re.fullmatch(ID_NAMES, name.strip().lower()) is not None
    return named or all(v.max() - v.min() == len(v) - 1 for v in sides)


class Encoder(BaseEstimator):
    """Encoder of tables: imputation, one-hot encoding and TF-IDF, fitted on source and target together.

    Missing numbers are imputed by the median over source and target; categories are one-hot encoded; running text
    becomes the leading components of TF-IDF. Labels are not used.

    Parameters
    ----------
    image_size : tuple of int, default=None
        Height and width of images. If None, 32 x 32.
    ignored_column : str, default=None
        A column that is not a feature: the label. If None, all columns are features.
    text_column : str, default=None
        The column of running text. If None, the first column with long cells of several words.

    Attributes
    ----------
    notes_ : list of str
        Messages about columns that are not used, imputed cells and converted labels.
    columns_ : list of str
        Names of the encoded features; empty for images and arrays.
    kind_ : {"table", "images", "arrays"}
        Kind of input.

    Notes
    -----
    The following columns are not used, each with a note: columns of only one domain or without values in one, columns
    of strings that differ in every row (names, identifiers), whole numbers that count the rows or are all different in
    a column that is named as an identifier, dates, and running text beyond the first such column. A category that is
    unknown in ``transform`` is encoded as a missing value. Time and memory grow linearly with the number of cells.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data import Encoder
    >>> source = pd.DataFrame({"age": [30.0, None, 50.0], "sex": ["f", "m", "f"]})
    >>> target = pd.DataFrame({"age": [70.0, 60.0, 50.0], "sex": ["m", "m", "f"]})
    >>> Encoder().fit(source, target).transform(source).tolist()
    [[30.0, 1.0, 0.0], [50.0, 0.0, 1.0], [50.0, 1.0, 0.0]]
    """

    def __init__(
        self, image_size: Any = None, ignored_column: str | None = None, text_column: str | None = None
    ) -> None:
        self.image_size = image_size
        self.ignored_column = ignored_column
        self.text_column = text_column

    def fit(self, source: Any, target: Any) -> Self:
        """Fit medians, categories and vocabulary on source and target.

        Parameters
        ----------
        source, target : DataFrame
            Raw tables; `ignored_column` is not used.

        Returns
        -------
        self : object
            Fitted encoder.

        Raises
        ------
        InputError
            If the tables share no column, or none that can be a feature, or a column holds complex numbers.
        """
        A, B = (
            f.drop(columns=[c for c in [self.ignored_column] if c in f.columns])
            for f in (_named(source, "source"), _named(target, "target"))
        )
        shared = [c for c in A.columns if c in set(B.columns)]
        if not shared:
            raise InputError(
                f"source and target share no column (source: {', '.join(A.columns[:6])}; target: "
                f"{', '.join(B.columns[:6])}); rename columns with the same meaning."
            )
        if self.text_column is not None and self.text_column not in shared:
            raise InputError(
                f"text={self.text_column!r} is no column of both sides; choose from {', '.join(shared[:12])}."
            )
        self.kind_ = "table"
        self.tfidf_: Any = None
        self.svd_: Any = None
        self.notes_: list[str] = []
        for side, frame in (("source", A), ("target", B)):
            if alone := [c for c in frame.columns if c not in shared]:
                more = f" and {len(alone) - 8} more" if len(alone) > 8 else ""
                self.notes_.append(f"Only the {side} has {', '.join(alone[:8])}{more}; not used.")
        self.numbers_: dict[str, float] = {}
        self.categories_: dict[str, list[str]] = {}
        self.text_: str | None = self.text_column
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
        """Encode a table.

        Parameters
        ----------
        frame : DataFrame
            Table with at least the columns used in ``fit``, in any order. Arrays are samples that are encoded already;
            only their number of features is checked.

        Returns
        -------
        ndarray or csr_matrix of shape (n_samples, n_encoded_features)
            Encoded samples; sparse if a sparse matrix was given.

        Raises
        ------
        InputError
            If a column is missing, or the number of features differs.
        """
        check_is_fitted(self)
        if self.kind_ != "table" or not hasattr(frame, "columns"):
            return self._encoded(frame)
        frame = _named(frame, "the table")
        used = [*self.numbers_, *self.categories_, *([self.text_] if self.text_ is not None else [])]
        if missing := [c for c in used if c not in frame.columns]:
            raise InputError(f"the table lacks the column {missing[0]!r}, which the model was fitted on; add it.")
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
        """Return the names of the encoded features.

        Parameters
        ----------
        input_features : object, default=None
            Not used; present for API consistency.

        Returns
        -------
        ndarray of str
            Names.
        """
        check_is_fitted(self)
        return np.array(self.columns_, dtype=object)

    def fit_images(self, pictures: Pictures) -> Self:
        """Store how images were read.

        Parameters
        ----------
        pictures : Pictures
            Images as they were read.

        Returns
        -------
        self : object
            Fitted encoder.
        """
        self.kind_, self.mode_, self.shape_ = "images", pictures.mode, [int(s) for s in pictures.shape]
        self.features_, self.n_features_ = pictures.features, int(pictures.X.shape[1])
        self.spans_ = {depth: [float(v) for v in span] for depth, span in pictures.spans.items()}
        self.notes_, self.columns_ = [], []
        return self

    def fit_arrays(self, n_features: int, *, zero_based: bool | None = None, level: float | None = None) -> Self:
        """Store the number of features of arrays.

        Parameters
        ----------
        n_features : int
            Number of features.
        zero_based : bool, optional
            Whether svmlight files count features from 0. If None, each file says it by itself.
        level : float, optional
            Pixel value that was scaled to 1, for arrays of images. If None, arrays are not scaled.

        Returns
        -------
        self : object
            Fitted encoder.
        """
        self.kind_, self.n_features_, self.zero_based_ = "arrays", int(n_features), zero_based
        self.level_ = level
        self.notes_, self.columns_ = [], []
        return self

    def read(self, path: str | Path) -> tuple[Any, list[str]]:
        """Read and encode new samples from a file or folder; labels in it are not used.

        Parameters
        ----------
        path : str or Path
            A file or folder of the kind of the fit, or ``"builtin:NAME"`` with the same columns.

        Returns
        -------
        X : ndarray or csr_matrix of shape (n_samples, n_encoded_features)
            Encoded samples.
        names : list of str
            Sample numbers, or file names of images.

        Raises
        ------
        ReadError
            If it cannot be read, or is of another kind.
        InputError
            If a column is missing.
        """
        check_is_fitted(self)
        if str(path).startswith(BUILTIN):
            X = self.transform(load_builtin(str(path)[len(BUILTIN) :]).frame())
            return X, _numbered(X)
        path = existing(path)
        kind = kind_of(path)
        if kind != self.kind_:
            held, wanted = _KINDS[kind], _KINDS[self.kind_]
            raise ReadError(f"{path} is {held}, but the model was fitted on {wanted}; give the same kind.")
        if kind == "images":
            pictures = read_images(path, self.shape_[:2], self.mode_, features=self.features_, spans=self.spans_)
            return pictures.X, pictures.names
        if kind == "arrays":
            X = read_arrays(path, None, zero_based=getattr(self, "zero_based_", None))[0]
            if sparse.issparse(X) and X.shape[1] < self.n_features_:  # trailing features that are all zero
                X.resize(X.shape[0], self.n_features_)
            if np.ndim(X) > 2:
                X = self._matched(X, str(path))
            X = self.transform(X)
        else:
            X = self.transform(read_table(path))
        return X, _numbered(X)

    def _matched(self, X: Any, name: str) -> Any:
        """Bring arrays of images to the order of axes, the channels and the scale of those of the fit."""
        X = read_pixels(X, scale=False)[0]
        if X.ndim == 3 and X[0].size * 3 == self.n_features_:
            X = np.repeat(X[..., None], 3, axis=3)
        if (level := getattr(self, "level_", None)) is None:
            return X
        X, note = match_pixels(X, level, name)
        if note is not None:
            warnings.warn(note, UserWarning, stacklevel=4)
        return X / level

    def _learn_column(self, name: str, a: Any, b: Any) -> None:
        sides = {"source": a, "target": b}
        for side, column in sides.items():
            if column.isna().all():
                self._drop(name, f"is empty in the {side}")
                return
        if name == self.text_column:
            return
        if any(column.dtype.kind in "mM" for column in (a, b)):
            self._drop(name, "holds dates", " Convert them to numbers, such as days, to use them.")
            return
        if any(_holds_lists(column) for column in (a, b)):
            self._drop(name, "holds lists or objects instead of single values")
            return
        if not all(_is_bool(column) for column in (a, b)):
            read = {side: _numbers(column) for side, column in sides.items()}
            n_other = sum(other for _, other in read.values())
            n_numbers = sum(int(np.isfinite(values).sum()) for values, _ in read.values())
            whole = all(column.dtype.kind in "iu" for column in (a, b))
            if whole and _are_row_numbers(name, [values for values, _ in read.values()]):
                self._drop(name, "holds row numbers or identifiers", " Convert it to floats to use it all the same.")
                return
            if n_numbers and n_other <= MAX_NON_NUMERIC_SHARE * (n_numbers + n_other):
                self._learn_numbers(name, {side: values for side, (values, _) in read.items()}, n_other)
                return
        self._learn_words(name, a, b)

    def _learn_numbers(self, name: str, sides: dict[str, NDArray[np.float64]], n_other: int) -> None:
        for side, values in sides.items():
            if np.isnan(values).all():
                self._drop(name, f"has no number in the {side}")
                return
        values = np.concatenate(list(sides.values()))
        if gaps := int(np.isnan(values).sum()):
            cells = (
                f"1 missing value in column {name!r} was"
                if gaps == 1
                else f"{gaps} missing values in column {name!r} were"
            )
            other = f" ({n_other} of them are not numbers)" if n_other else ""
            self.notes_.append(f"{cells} filled with the median{other}.")
        self.numbers_[name] = float(np.nanmedian(values))

    def _learn_words(self, name: str, a: Any, b: Any) -> None:
        import pandas as pd

        sides = [pd.Series(_as_text(column, None)).dropna() for column in (a, b)]
        words = pd.concat(sides, ignore_index=True)
        if not len(words):
            self._drop(name, "is empty on both sides")
            return
        distinct = [int(s.nunique()) for s in sides]
        varied = any(k > 0.5 * len(s) for k, s in zip(distinct, sides, strict=True))
        if (
            varied
            and words.str.len().mean() > MIN_TEXT_LENGTH
            and words.map(lambda w: len(w.split())).mean() >= MIN_TEXT_WORDS
        ):
            if self.text_ is None:
                self.text_ = name
            else:
                self._drop(name, "is a second column of running text")
            return
        if all(k == len(s) for k, s in zip(distinct, sides, strict=True)) and max(distinct) > MAX_ROWS_ALL_DIFFERENT:
            self._drop(name, "has a different text in each row", " Set text= if it is running text.")
            return
        counts = words.value_counts(normalize=True)
        # By share, then by name: the result must not depend on the order of the rows.
        ranked = sorted(counts[counts >= MIN_CATEGORY_SHARE].items(), key=lambda item: (-item[1], str(item[0])))
        common = sorted(str(word) for word, _ in ranked[:MAX_CATEGORIES])
        if not common:
            self._drop(name, f"has {len(counts)} categories, each of them rare")
            return
        if rare := len(counts) - len(common):
            self.notes_.append(f"{rare} rare categories of column {name!r} were merged into {OTHER!r}.")
        gaps = len(words) < len(a) + len(b)
        self.categories_[name] = [*common, OTHER] if (rare or gaps) and OTHER not in common else common

    def _learn_text(self, words: list[str]) -> None:
        self.tfidf_ = TfidfVectorizer(min_df=2 if len(words) > 50 else 1, sublinear_tf=True, max_features=50_000)
        try:
            counts = self.tfidf_.fit_transform(words)
        except ValueError as error:
            raise InputError(
                f"column {self.text_!r} holds no repeated words; drop it, or choose another column with text=."
            ) from error
        n_components = max(1, min(TEXT_COMPONENTS, min(counts.shape) - 1))
        self.svd_ = TruncatedSVD(n_components, random_state=0).fit(counts)

    def _drop(self, name: str, why: str, remedy: str = "") -> None:
        self.notes_.append(f"Column {name!r} {why}; not used.{remedy}")
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

    def _encoded(self, X: Any) -> Any:
        """Check the number of features of samples that are numbers already; sparse ones may lack trailing zeros."""
        if self.kind_ == "table":
            wanted = len(self.columns_)
        else:
            wanted = self.n_features_
        if sparse.issparse(X):
            X = sparse.csr_matrix(X, copy=True) if X.shape[1] < wanted else X.tocsr()
            if X.shape[1] < wanted:
                X.resize(X.shape[0], wanted)
        else:
            X = np.asarray(X, dtype=float)
            X = X.reshape(len(X), -1) if self.kind_ != "table" and X.ndim > 2 else X
        if X.ndim != 2 or X.shape[1] != wanted:
            got = f"{X.shape[1]} features" if X.ndim == 2 else f"shape {X.shape}"
            what = "give a DataFrame with named columns" if self.kind_ == "table" else "give the same features"
            raise InputError(f"X has {got} but the model was fitted on {wanted} features; {what}.")
        return X


_KINDS = {"table": "a table", "images": "a folder of images", "arrays": "a file of arrays"}


def _named(frame: Any, side: str) -> Any:
    """Return the table with unique column names of type str, at least one row, and no complex numbers."""
    if not hasattr(frame, "columns"):
        raise InputError(f"{side} must be a DataFrame; got {type(frame).__name__}.")
    columns = [str(c) for c in frame.columns]
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(f"{side} has the column {twice!r} twice; give every column its own name.")
    if not len(frame):
        raise InputError(f"{side} has no rows; give at least one row.")
    frame = frame.set_axis(columns, axis=1)
    refuse_complex(frame, side)
    return frame


def refuse_complex(frame: Any, where: str) -> None:
    """Raise an error if a column of a table holds complex numbers.

    Parameters
    ----------
    frame : DataFrame
        The table.
    where : str
        Name of the table in the error message.

    Raises
    ------
    InputError
        If a column holds complex numbers.
    """
    for name, column in frame.items():
        held = column.dropna().head(1) if column.dtype.kind == "O" else ()
        if column.dtype.kind == "c" or any(isinstance(v, complex | np.complexfloating) for v in held):
            raise InputError(
                f"{where}: column {name!r} holds complex numbers; replace it by columns of real numbers, such as real "
                "and imaginary part, or modulus and phase."
            )


def _numbered(X: Any) -> list[str]:
    return [str(i) for i in range(X.shape[0])]


def _is_bool(column: Any) -> bool:
    if column.dtype.kind != "O":
        return column.dtype.kind == "b"
    return all(isinstance(v, bool | np.bool_) for v in column.dropna())


def _holds_lists(column: Any) -> bool:
    return column.dtype.kind == "O" and any(isinstance(v, list | dict | set | np.ndarray) for v in column)


def _numbers(column: Any) -> tuple[NDArray[np.float64], int]:
    """Return the cells as numbers, NaN for others, and the number of cells that are neither numbers nor missing."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        n_other = 0
    else:
        cells = column.astype(object)
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        odd = cells[np.isnan(values) & ~cells.isna().to_numpy()]
        n_other = sum(str(v).strip().lower() not in MISSING_MARKS for v in odd)
    return np.where(np.isfinite(values), values, np.nan), n_other


def _as_text(column: Any, gap: str | None) -> NDArray[Any]:
    """Return the cells as stripped text, whole numbers without a decimal point, missing values as `gap`."""
    codes, distinct = _distinct(column)
    return np.array([*(_word(v, gap) for v in distinct), gap], dtype=object)[codes]


def _one_hot(column: Any, known: list[str]) -> NDArray[np.float64]:
    """One-hot encode a column; unknown categories become OTHER if there is one, else zeros."""
    codes, distinct = _distinct(column)
    place = {word: i for i, word in enumerate(known)}
    places = [place.get(w, place.get(OTHER, -1)) for w in (*(_word(v, OTHER) for v in distinct), OTHER)]
    table = np.zeros((len(places), len(known)))
    for code, i in enumerate(places):
        if i >= 0:
            table[code, i] = 1.0
    return table[codes]


def _distinct(column: Any) -> tuple[NDArray[np.intp], Any]:
    """Return the index of each cell among the distinct values, -1 (the last place of a list) for a missing value."""
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
