"""The encoder: raw rows of both sides - text, categories, gaps - to the same numeric columns, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from landbridge.data._files import existing, kind_of, read_arrays, read_images, read_table
from landbridge.exceptions import InputError, ReadError

__all__ = ["Encoder"]

# Categories seen less often than this on both sides together are one category, "other".
RARE = 0.005
MOST_CATEGORIES = 30
TEXT_COMPONENTS = 100
# A column of strings this long on average is running text, not a category.
LONG = 25
OTHER = "(other)"


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

    Attributes
    ----------
    notes_ : list of str
        What was dropped or filled, in sentences.
    columns_ : list of str
        Names of the encoded columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data import Encoder
    >>> source = pd.DataFrame({"age": [30.0, None, 50.0], "sex": ["f", "m", "f"]})
    >>> target = pd.DataFrame({"age": [70.0, 60.0, 50.0], "sex": ["m", "m", "f"]})
    >>> Encoder().fit(source, target).transform(source).tolist()
    [[30.0, 1.0, 0.0], [50.0, 0.0, 1.0], [50.0, 1.0, 0.0]]
    """

    def __init__(self, image_size: Any = None, ignore: str | None = None) -> None:
        self.image_size = image_size
        self.ignore = ignore

    def fit(self, source: Any, target: Any) -> Self:
        """Learn columns, medians, categories and vocabulary from both sides.

        Parameters
        ----------
        source, target : DataFrame
            Raw rows; the label column is left aside.

        Returns
        -------
        self
        """
        import pandas as pd

        self.kind_ = "table"
        self.tfidf_: Any = None
        self.svd_: Any = None
        self.notes_: list[str] = []
        A, B = (f.drop(columns=[c for c in [self.ignore] if c in f.columns]) for f in (source, target))
        shared = [c for c in A.columns if c in set(B.columns)]
        if not shared:
            raise InputError(
                f"source and target share no column (source: {', '.join(map(str, A.columns[:6]))}; target: "
                f"{', '.join(map(str, B.columns[:6]))}); rename columns that mean the same."
            )
        for side, frame in (("source", A), ("target", B)):
            if alone := [c for c in frame.columns if c not in shared]:
                self.notes_.append(f"Only the {side} has {', '.join(alone[:8])}; left out.")
        self.numbers_: dict[str, float] = {}
        self.categories_: dict[str, list[str]] = {}
        self.text_: str | None = None
        for c in shared:
            self._learn_column(c, A[c], B[c])
        if not self.numbers_ and not self.categories_ and self.text_ is None:
            raise InputError("no column can be used as a feature: " + " ".join(self.notes_))
        if self.text_ is not None:
            words = pd.concat([A[self.text_], B[self.text_]]).fillna("").astype(str)
            self.tfidf_ = TfidfVectorizer(min_df=2 if len(words) > 50 else 1, sublinear_tf=True, max_features=50_000)
            counts = self.tfidf_.fit_transform(words)
            self.svd_ = TruncatedSVD(max(1, min(TEXT_COMPONENTS, min(counts.shape) - 1)), random_state=0).fit(counts)
        self.order_ = shared
        self.columns_ = self._names()
        return self

    def transform(self, frame: Any) -> NDArray[np.float64]:
        """Encode raw rows.

        Parameters
        ----------
        frame : DataFrame
            With at least the columns seen in ``fit``, in any order.

        Returns
        -------
        ndarray of shape (n_rows, n_encoded)

        Raises
        ------
        InputError
            If a column is missing.
        """
        import pandas as pd

        check_is_fitted(self)
        if self.kind_ != "table":
            return np.asarray(frame, dtype=float)
        used = [*self.numbers_, *self.categories_, *([self.text_] if self.text_ is not None else [])]
        if missing := [c for c in used if c not in frame.columns]:
            raise InputError(f"the rows lack the column {missing[0]!r}, which the model was fitted on; add it.")
        parts = []
        for c in self.order_:
            if c in self.numbers_:
                values = pd.to_numeric(frame[c], errors="coerce").astype(float)
                parts.append(values.replace([np.inf, -np.inf], np.nan).fillna(self.numbers_[c]).to_numpy()[:, None])
            elif c in self.categories_:
                known = self.categories_[c]
                values = _as_text(frame[c]).to_numpy()
                values = np.where(np.isin(values, known), values, OTHER)
                parts.append((values[:, None] == np.array(known, dtype=object)[None, :]).astype(float))
            elif c == self.text_:
                counts = self.tfidf_.transform(frame[c].fillna("").astype(str))
                parts.append(self.svd_.transform(counts))
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
        self.kind_, self.mode_, self.shape_ = "images", mode, list(shape)
        self.notes_, self.columns_ = [], []
        return self

    def read(self, path: str | Path) -> tuple[NDArray[np.float64], list[str]]:
        """Read and encode new rows from a file or folder; a label column in it is left aside.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        rows : ndarray of shape (n_rows, n_encoded)
        names : list of str
            Row numbers, or file names of images.
        """
        check_is_fitted(self)
        path = existing(path)
        kind = kind_of(path)
        if kind != self.kind_:
            raise ReadError(f"{path} holds {kind}, but the model was fitted on {self.kind_}; give the same kind.")
        if kind == "images":
            X, _, names, _, _ = read_images(path, self.shape_[:2], self.mode_)
            return X, names
        if kind == "arrays":
            X, _ = read_arrays(path, None)
            return X, [str(i) for i in range(X.shape[0])]
        frame = read_table(path)
        return self.transform(frame), [str(i) for i in range(len(frame))]

    def _learn_column(self, name: str, a: Any, b: Any) -> None:
        import pandas as pd

        for side, column in (("source", a), ("target", b)):
            if column.isna().all():
                self.notes_.append(f"Column {name!r} is empty in the {side}; left out.")
                return
        both = pd.concat([a, b], ignore_index=True)
        filled = both.dropna()
        numbers = pd.to_numeric(filled, errors="coerce")
        if not pd.api.types.is_bool_dtype(filled) and numbers.notna().mean() > 0.95:
            numbers = numbers.replace([np.inf, -np.inf], np.nan)
            gaps = int(both.isna().sum() + numbers.isna().sum())
            if gaps:
                self.notes_.append(f"{gaps} gaps in column {name!r} were filled with the median.")
            self.numbers_[name] = float(numbers.median())
            return
        text = _as_text(filled)
        lengths = text.str.len().mean()
        varied = any(side.nunique() > 0.5 * side.notna().sum() for side in (a, b))
        if lengths > LONG and varied:
            if self.text_ is None:
                self.text_ = name
            else:
                self.notes_.append(f"Column {name!r} is a second column of running text; left out.")
            return
        if text.nunique() == len(text) and len(text) > 10:
            self.notes_.append(f"Column {name!r} names each row; left out.")
            return
        shares = text.value_counts(normalize=True)
        common = sorted(shares[shares >= RARE].index[:MOST_CATEGORIES].tolist())
        rare = len(common) < len(shares) or both.isna().any()
        self.categories_[name] = [*common, OTHER] if rare else common

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


def _as_text(column: Any) -> Any:
    """Categories as text, numbers of whole value without a decimal point, gaps as their own word."""
    return column.map(lambda v: OTHER if v is None or v != v else str(v).strip())
