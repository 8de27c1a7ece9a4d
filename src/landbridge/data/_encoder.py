"""Encoder of raw tables: numbers, categories and text of source and target become the same numeric features."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from landbridge.data._audio import Sounds, read_audio
from landbridge.data._builtin import load_builtin
from landbridge.data._cells import tidy_cells
from landbridge.data._column_kinds import (
    DAYS,
    OTHER,
    LearnedColumn,
    as_text,
    days_of,
    drop_learned,
    learn_column,
    numbers,
    one_hot,
)
from landbridge.data._file_tables import listed_files
from landbridge.data._files import existing, kind_of, read_arrays, read_table
from landbridge.data._headers import is_point, match_headers, rename_columns
from landbridge.data._image_arrays import match_pixels, read_pixels
from landbridge.data._images import Pictures, read_images
from landbridge.data._inspection import Column
from landbridge.data._missing import MARKS, WORDS
from landbridge.data._named_columns import named
from landbridge.data._read_options import ReadOptions
from landbridge.exceptions import InputError, ReadError

__all__ = ["Encoder"]

BUILTIN = "builtin:"
TEXT_COMPONENTS = 100
# Rows of new samples from which a column that is empty, or of other units, is refused.
LEAST_ROWS = 5
# A median so many times larger or smaller than what was learned, outside its range, is one of other units.
OTHER_UNIT = 5.0


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
    keep : sequence of str, default=()
        Columns that are features although they look like identifiers, dates, a constant or the name of a domain.
    read_options : mapping, default=None
        How files are read, as for :class:`~landbridge.data.ReadOptions`. If None, their content decides.

    Attributes
    ----------
    facts_ : list of dict
        What each column is, in the order of the source, as keywords of :class:`~landbridge.data._inspection.Column`.
    notes_ : list of str
        Messages about columns that are not used, imputed cells and converted labels.
    remarks_ : list of str
        Those of the messages that `facts_` do not hold.
    columns_ : list of str
        Names of the encoded features; empty for images and arrays.
    kind_ : {"table", "images", "audio", "arrays"}
        Kind of input.

    Notes
    -----
    The following columns are not used, each with a note: columns of only one domain or without values in one, columns
    of strings that differ in nearly every row (names, identifiers), whole numbers that count the rows, columns that are
    named as an identifier and of whole numbers that differ in every row or take more than 30 values, dates, a constant,
    a column that has one value in the source and another in the target, categories of which none is in both domains,
    and running text beyond the first such column. A category that is unknown in ``transform`` is encoded as a missing
    value. Time and memory grow linearly with the number of cells.

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
        self,
        image_size: Any = None,
        ignored_column: str | None = None,
        text_column: str | None = None,
        keep: Sequence[str] = (),
        read_options: Any = None,
    ) -> None:
        self.image_size = image_size
        self.ignored_column = ignored_column
        self.text_column = text_column
        self.keep = keep
        self.read_options = read_options

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
            for f in (named(source, "source"), named(target, "target"))
        )
        there = set(B.columns)
        shared = [c for c in A.columns if c in there]
        for side, frame in (("source", A), ("target", B)):
            if not len(frame.columns):
                raise InputError(f"the {side} has no column that can be a feature; give at least one.")
        if not shared:
            raise InputError(
                f"source and target share no column (source: {', '.join(A.columns[:6])}; target: "
                f"{', '.join(B.columns[:6])}); {_remedy(A.columns, B.columns)}"
            )
        if self.text_column is not None and self.text_column not in shared:
            raise InputError(
                f"text={self.text_column!r} is no column of both sides; choose from {', '.join(shared[:12])}."
            )
        both = set(shared)
        self.kind_ = "table"
        self.tfidf_: Any = None
        self.svd_: Any = None
        self.notes_: list[str] = []
        self.remarks_: list[str] = []
        for side, frame in (("source", A), ("target", B)):
            if alone := [c for c in frame.columns if c not in both]:
                more = f" and {len(alone) - 8} more" if len(alone) > 8 else ""
                self.notes_.append(f"Only the {side} has {', '.join(alone[:8])}{more}; not used.")
        self.numbers_: dict[str, float] = {}
        self.dates_: list[str] = []
        self.ranges_: dict[str, list[float]] = {}
        self.words_: dict[str, list[str]] = {}
        self.categories_: dict[str, list[str]] = {}
        self.text_: str | None = self.text_column
        columns = [self._learn_column(c, A[c], B[c]) for c in shared]
        if not self.numbers_ and not self.categories_ and self.text_ is None:
            raise InputError(_nothing_shared(columns, A, B))
        if self.text_ is not None:
            self._learn_text([*as_text(A[self.text_], ""), *as_text(B[self.text_], "")])
        self.order_ = shared
        self.columns_ = self._names()
        self.facts_ = self._facts(columns, A, B)
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
        frame = self._prepared(frame)
        parts: list[NDArray[np.float64]] = []
        for c in self.order_:
            if c in self.numbers_:
                values = days_of(frame[c]) if c in self.dates_ else numbers(frame[c])[0]
                parts.append(np.where(np.isnan(values), self.numbers_[c], values)[:, None])
            elif c in self.categories_:
                parts.append(one_hot(frame[c], self.categories_[c]))
            elif c == self.text_:
                parts.append(self.svd_.transform(self.tfidf_.transform(as_text(frame[c], ""))))
        return np.concatenate(parts, axis=1)

    def check_types(self, frame: Any) -> None:
        """Raise an error if columns of numbers hold something else than in ``fit``.

        Parameters
        ----------
        frame : DataFrame
            New samples.

        Raises
        ------
        InputError
            If a column of numbers holds text, is empty in five rows or more, or seems to be in other units: all values
            lie outside the range of the target of ``fit``, and their median is five times as large or as small. If most
            cells of a column of categories are none that were learned.
        """
        check_is_fitted(self)
        if self.kind_ != "table" or not hasattr(frame, "columns"):
            return
        frame = self._prepared(frame)
        for c, (low, median, high) in self.ranges_.items():
            values, words = numbers(frame[c])
            words = [w for w in words if w not in WORDS | MARKS and w.lower() not in self.words_.get(c, ())]
            given = values[np.isfinite(values)]
            if len(words) > len(given):
                raise InputError(
                    f"column {c!r} holds text such as {words[0]!r}, but the model learned numbers; correct it."
                )
            if not len(given):
                if len(values) >= LEAST_ROWS:
                    raise InputError(f"column {c!r} has no value, but the model learned numbers from it; fill it.")
                continue
            if len(given) < LEAST_ROWS or (given.max() >= low and given.min() <= high) or low == high:
                continue
            ratio = float(np.median(given)) / median if median else np.inf
            if not 1 / OTHER_UNIT < ratio < OTHER_UNIT:
                raise InputError(
                    f"column {c!r} has values from {given.min():.4g} to {given.max():.4g}, and the model learned from "
                    f"{low:.4g} to {high:.4g}; convert it to the same unit."
                )

        for c, known in self.categories_.items():
            words = [w for w in as_text(frame[c], None) if w is not None]
            seen = {k.casefold() for k in known}
            odd = [w for w in words if w.casefold() not in seen]
            if len(words) >= LEAST_ROWS and len(odd) > 0.5 * len(words) and OTHER not in known:
                raise InputError(
                    f"column {c!r} holds {odd[0]!r} and other categories that the model never saw (it learned "
                    f"{', '.join(known[:4])}); write them as it learned them."
                )

    def _prepared(self, frame: Any) -> Any:
        """A table with the columns of the fit, under their names."""
        options = ReadOptions.of(self.read_options)
        frame = named(frame, "the table")
        if "codes" not in frame.attrs:  # a table in memory: a file has been tidied where it was read
            frame = tidy_cells(frame, options, typed=True)
        if options.rename:
            (frame,) = rename_columns([frame], [p for p in options.rename if p[0] in frame.columns])
        used = [*self.numbers_, *self.categories_, *([self.text_] if self.text_ is not None else [])]
        if missing := [c for c in used if c not in frame.columns]:
            frame, _ = match_headers(frame[[]].reindex(columns=used), frame)
            missing = [c for c in used if c not in frame.columns]
        if missing:
            raise InputError(f"the table lacks the column {missing[0]!r}, which the model was fitted on; add it.")
        return frame

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
        self.notes_, self.remarks_, self.columns_ = [], [], []
        return self

    def fit_audio(self, sounds: Sounds) -> Self:
        """Store how sounds were read.

        Parameters
        ----------
        sounds : Sounds
            As read.

        Returns
        -------
        self : object
            Fitted encoder.
        """
        self.kind_, self.rate_, self.n_features_ = "audio", int(sounds.rate), int(sounds.X.shape[1])
        self.notes_, self.remarks_, self.columns_ = [], [], []
        return self

    def fit_arrays(
        self,
        n_features: int,
        *,
        zero_based: bool | None = None,
        sparse: bool | None = None,
        level: float | None = None,
    ) -> Self:
        """Store the number of features of arrays.

        Parameters
        ----------
        n_features : int
            Number of features.
        zero_based : bool, optional
            Whether svmlight files count features from 0. If None, each file says it by itself.
        sparse : bool, optional
            Whether samples of svmlight files are a sparse matrix. If None, each file decides.
        level : float, optional
            Pixel value that was scaled to 1, for arrays of images. If None, arrays are not scaled.

        Returns
        -------
        self : object
            Fitted encoder.
        """
        self.kind_, self.n_features_, self.zero_based_ = "arrays", int(n_features), zero_based
        self.sparse_, self.level_ = sparse, level
        self.notes_, self.remarks_, self.columns_ = [], [], []
        return self

    def add_remarks(self, remarks: Sequence[str]) -> None:
        """Add messages about how the files were read.

        Parameters
        ----------
        remarks : sequence of str
        """
        self.notes_ = [*self.notes_, *remarks]
        self.remarks_ = [*self.remarks_, *remarks]

    def _skips_corrupt(self) -> bool:
        return ReadOptions.of(self.read_options).skip_corrupt

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
        media: Any = path
        if self.kind_ in ("images", "audio"):
            media, kind = listed_files(path, kind)
        if kind != self.kind_:
            held, wanted = _KINDS[kind], _KINDS[self.kind_]
            raise ReadError(f"{path} is {held}, but the model was fitted on {wanted}; give the same kind.")
        if kind == "images":
            shape, skip = self.shape_[:2], self._skips_corrupt()
            pictures = read_images(
                media, shape, self.mode_, features=self.features_, spans=self.spans_, skip_corrupt=skip
            )
            return pictures.X, pictures.names
        if kind == "audio":
            sounds = read_audio(media, rate=self.rate_, skip_corrupt=self._skips_corrupt())
            return sounds.X, sounds.names
        if kind == "arrays":
            base, form = getattr(self, "zero_based_", None), getattr(self, "sparse_", None)
            X = read_arrays(path, None, zero_based=base, n_features=self.n_features_, sparse=form)[0]
            if sparse.issparse(X) and X.shape[1] < self.n_features_:  # trailing features that are all zero
                X.resize(X.shape[0], self.n_features_)
            if np.ndim(X) > 2:
                X = self._matched(X, str(path))
            X = self.transform(X)
        else:
            frame = read_table(path, ReadOptions.of(self.read_options))
            self.check_types(frame)
            X = self.transform(frame)
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

    def _learn_column(self, name: str, a: Any, b: Any) -> Column:
        text = True if name == self.text_column else None
        learned = learn_column(name, a, b, keep=name in self.keep, text=text)
        if learned.text and self.text_ not in (None, name):
            learned = drop_learned(learned, "is a second column of running text")
        self.notes_ += learned.notes
        self.remarks_ += learned.remarks
        self._keep(name, learned)
        return learned.column

    def _keep(self, name: str, learned: LearnedColumn) -> None:
        if not learned.column.used:
            self.text_ = None if name == self.text_ else self.text_
        elif learned.text:
            self.text_ = name
        elif learned.fill is not None:
            self.numbers_[name] = learned.fill
            if learned.column.reason == DAYS:
                self.dates_.append(name)
                return
            self.ranges_[name] = [float(v) for v in learned.span]
            if learned.words:
                self.words_[name] = list(learned.words)
        else:
            self.categories_[name] = list(learned.categories)

    def _facts(self, columns: list[Column], A: Any, B: Any) -> list[dict[str, Any]]:
        """What each column is, as plain data; those of one side only as well."""
        found = {c.name: c for c in columns}
        if self.text_ is not None:
            n = int(self.svd_.components_.shape[0])
            found[self.text_] = replace(found[self.text_], n_features=n)
        for side, frame in (("source", A), ("target", B)):
            for name in frame.columns:
                if name not in found:
                    found[name] = Column(name, "other", used=False, reason=f"is in the {side} only", n_features=0)
        order = dict.fromkeys([*A.columns, *B.columns])
        facts = [asdict(found[name]) for name in order]
        return [{**fact, "examples": list(fact["examples"])} for fact in facts]

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
            X = X.toarray() if self.kind_ == "table" and X.shape[1] == wanted else X
        else:
            try:
                X = np.asarray(X, dtype=float)
            except (TypeError, ValueError) as error:
                what = "a DataFrame with named columns" if self.kind_ == "table" else "arrays of numbers"
                raise InputError(f"X holds something else than numbers; give {what}.") from error
            X = X.reshape(len(X), -1) if self.kind_ != "table" and X.ndim > 2 else X
        if X.ndim != 2 or X.shape[1] != wanted:
            got = f"{X.shape[1]} features" if X.ndim == 2 else f"shape {X.shape}"
            what = "give a DataFrame with named columns" if self.kind_ == "table" else "give the same features"
            raise InputError(f"X has {got} but the model was fitted on {wanted} features; {what}.")
        return X


_KINDS = {
    "table": "a table",
    "images": "a folder of images",
    "audio": "a folder of sounds",
    "arrays": "a file of arrays",
}


def _numbered(X: Any) -> list[str]:
    return [str(i) for i in range(X.shape[0])]


def _remedy(*names: Sequence[str]) -> str:
    """Say what to do about tables with different columns."""
    numbers = [sum(is_point(n) for n in side) for side in names]
    if all(2 * n > len(side) for n, side in zip(numbers, names, strict=True)):
        return "if their names are points of a scale, such as wavelengths, interpolate both to the same points."
    return "rename columns with the same meaning."


def _nothing_shared(columns: list[Column], A: Any, B: Any) -> str:
    """Say that no common column can be a feature."""
    names = {c.name for c in columns}
    other = [[c for c in frame.columns if c not in names] for frame in (A, B)]
    why = " ".join(f"Column {c.name!r} {c.reason}." for c in columns[:4])
    if all(other):
        shown = [", ".join(c[:4]) + (", ..." if len(c) > 4 else "") for c in other]
        remedy = _remedy(*other)
        return (
            f"source and target have different columns (source: {shown[0]}; target: {shown[1]}), and what they share "
            f"is no feature. {why} {remedy[0].upper()}{remedy[1:]}"
        )
    return f"no column can be used as a feature. {why}"
