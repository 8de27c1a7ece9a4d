"""Domain: rows with perhaps some labels, the one thing that flows between the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from landbridge.exceptions import InputError, LabelError

__all__ = ["Domain", "missing_labels", "split_labelled"]

KINDS = ("table", "images", "text", "series")


def missing_labels(y: Any) -> NDArray[np.bool_]:
    """Say which labels are missing: None, NaN or pandas' NA.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of any type.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where there is no label.
    """
    if hasattr(y, "isna"):
        return np.asarray(y.isna(), dtype=bool)
    y = np.asarray(y)
    if y.dtype.kind == "f":
        return np.isnan(y)
    if y.dtype == object:
        return np.array(
            [v is None or (isinstance(v, float) and v != v) or type(v).__name__ == "NAType" for v in y], bool
        )
    return np.zeros(len(y), dtype=bool)


def split_labelled(y_target: Any, n_target: int, classes: Any = None) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Split partly given target labels into row numbers and labels.

    ``None`` and NaN always mark a row without label. ``-1`` does so for classification, unless ``-1`` is a class of
    the source.

    Parameters
    ----------
    y_target : array-like of shape (n_target,) or None
        Labels of the target rows.
    n_target : int
        Number of target rows.
    classes : array-like of shape (n_classes,), optional
        The source's classes; left out for regression.

    Returns
    -------
    rows : ndarray of int, shape (n_labelled,)
        Which target rows have a label.
    labels : ndarray of shape (n_labelled,)
        Their labels.

    Raises
    ------
    LabelError
        If the length is wrong, or ``-1`` could mean both a class and "no label".

    Examples
    --------
    >>> from landbridge.domain import split_labelled
    >>> rows, labels = split_labelled([1, -1, 0], 3, classes=[0, 1])
    >>> rows.tolist(), labels.tolist()
    ([0, 2], [1, 0])
    """
    if y_target is None:
        return np.empty(0, dtype=np.intp), np.empty(0)
    missing = missing_labels(y_target)
    given = np.asarray(y_target, dtype=object) if missing.any() and hasattr(y_target, "isna") else np.asarray(y_target)
    if given.ndim == 2 and given.shape[1] == 1:
        given, missing = given[:, 0], missing.reshape(-1)
    if given.shape != (n_target,):
        raise LabelError(
            f"y_target has shape {given.shape} but X_target has {n_target} rows; give one entry a row, "
            "None, NaN or -1 where there is no label."
        )
    if classes is not None and given.dtype.kind in "iufO":
        minus = np.array([isinstance(v, (int, float, np.number)) and v == -1 for v in given.tolist()], dtype=bool)
        is_class = any(isinstance(c, (int, float, np.number)) and c == -1 for c in np.asarray(classes).tolist())
        if minus.any() and not is_class:
            missing = missing | minus
        elif minus.any() and given.dtype != object and not missing.any():
            raise LabelError(
                "y_target holds -1, which is also a class of y, so it cannot mark unlabelled rows; pass object labels "
                "with None where there is no label, or bind the labelled rows with landbridge.with_source."
            )
    rows = np.flatnonzero(~missing)
    labels = given[rows]
    if labels.dtype == object:
        labels = np.array(labels.tolist()) if len(labels) else np.empty(0)
    return rows, labels


class Domain:
    """Rows of one population, some of them perhaps labelled.

    A domain is frozen: it never changes the arrays it was given and hands out read-only views.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or DataFrame
        The rows. A DataFrame gives its column names. Images may have shape (n_samples, height, width[, channels]);
        they are kept flat, and ``image_shape`` remembers.
    y : array-like of shape (n_samples,), optional
        Labels; ``None`` or NaN marks a row without one.
    name : str, optional
        What to call it in tables and reports.
    kind : {"table", "images", "text", "series"}, default="table"
        What the rows are.
    unlabelled : object, optional
        A value in `y` that stands for "no label", for example ``-1``. Left out, only ``None`` and NaN do.
    source_domain : array-like of shape (n_samples,), optional
        Which of several sources each row came from.
    image_shape : tuple of int, optional
        Shape of one image when `X` is given flat.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or None
        Labels; where ``labelled`` is False the entry is ``None`` (object labels) or NaN.
    labelled : ndarray of bool, shape (n_samples,)
    columns : list of str or None

    Raises
    ------
    InputError
        If `X` holds NaN or infinity, is empty or ragged, or `y` has another length.

    See Also
    --------
    landbridge.data.read : Make a domain from a file or a folder.

    Examples
    --------
    >>> from landbridge import Domain
    >>> d = Domain([[0.0], [1.0], [2.0]], ["a", None, "b"], name="ward 3")
    >>> d
    Domain('ward 3', 3 rows x 1 columns, table, 2 of 3 labelled)
    >>> d.labelled_part().y.tolist()
    ['a', 'b']
    """

    __slots__ = ("X", "columns", "image_shape", "kind", "labelled", "name", "source_domain", "y")

    X: Any
    y: Any
    labelled: NDArray[np.bool_]
    columns: list[str] | None
    name: str
    kind: str
    source_domain: Any
    image_shape: tuple[int, ...] | None

    def __init__(
        self,
        X: Any,
        y: Any = None,
        *,
        name: str = "",
        kind: str = "table",
        unlabelled: Any = None,
        source_domain: Any = None,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        if kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
        label = f"domain {name!r}" if name else "X"
        columns = [str(c) for c in X.columns] if hasattr(X, "columns") else None
        if not sparse.issparse(X) and not hasattr(X, "columns"):
            X = np.asarray(X)
            if X.ndim in (3, 4) and kind == "images":
                image_shape = X.shape[1:]
                X = X.reshape(len(X), -1)
        X = _checked_rows(X, label)
        mask, labels = _checked_labels(y, X.shape[0], label, unlabelled)
        if source_domain is not None:
            source_domain = np.asarray(source_domain)
            if source_domain.shape != (X.shape[0],):
                raise InputError(
                    f"source_domain has shape {source_domain.shape} but X has {X.shape[0]} rows; give one entry a row."
                )
        if image_shape is not None and int(np.prod(image_shape)) != X.shape[1]:
            raise InputError(
                f"image_shape {tuple(image_shape)} asks for {int(np.prod(image_shape))} columns but X has {X.shape[1]}."
            )
        put = object.__setattr__
        put(self, "X", X)
        put(self, "y", labels)
        put(self, "labelled", mask)
        put(self, "name", str(name))
        put(self, "kind", kind)
        put(self, "columns", columns)
        put(self, "source_domain", source_domain)
        put(self, "image_shape", None if image_shape is None else tuple(int(s) for s in image_shape))

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError("A Domain is frozen; use .replace(...) to get a changed copy.")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.X, self.y, self.name, self.kind, self.source_domain, self.image_shape, self.columns))

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def __repr__(self) -> str:
        n = len(self)
        told = int(self.labelled.sum())
        labels = "no labels" if told == 0 else "labelled" if told == n else f"{told} of {n} labelled"
        return f"Domain({self.name!r}, {n} rows x {self.X.shape[1]} columns, {self.kind}, {labels})"

    @property
    def regime(self) -> str:
        """``"labelled"``, ``"partly labelled"`` or ``"unlabelled"``."""
        told = int(self.labelled.sum())
        return "unlabelled" if told == 0 else "labelled" if told == len(self) else "partly labelled"

    @property
    def classes(self) -> NDArray[Any] | None:
        """The distinct labels, sorted; None without labels."""
        return None if self.y is None or not self.labelled.any() else np.unique(self.y[self.labelled])

    def replace(self, **changes: Any) -> Domain:
        """Return a copy with some fields changed.

        Parameters
        ----------
        **changes
            Any of ``X``, ``y``, ``name``, ``kind``, ``source_domain``, ``image_shape``.

        Returns
        -------
        Domain
        """
        known = {"X", "y", "name", "kind", "source_domain", "image_shape"}
        if extra := sorted(set(changes) - known):
            raise InputError(f"replace() has no field {extra[0]!r}; choose from {', '.join(sorted(known))}.")
        now = {k: getattr(self, k) for k in known} | changes
        X, y = now.pop("X"), now.pop("y")
        columns = None if "X" in changes else self.columns
        return _rebuild(X, y, now["name"], now["kind"], now["source_domain"], now["image_shape"], columns)

    def take(self, rows: ArrayLike) -> Domain:
        """Return the domain of some of the rows.

        Parameters
        ----------
        rows : array-like of int or bool
            Indices or a mask.

        Returns
        -------
        Domain
        """
        rows = np.asarray(rows)
        X = self.X[rows]
        y = None if self.y is None else self.y[rows]
        sd = None if self.source_domain is None else self.source_domain[rows]
        return _rebuild(X, y, self.name, self.kind, sd, self.image_shape, self.columns)

    def labelled_part(self) -> Domain:
        """Return the labelled rows only, with labels of a plain type.

        Returns
        -------
        Domain

        Raises
        ------
        LabelError
            If no row is labelled.
        """
        if self.y is None or not self.labelled.any():
            raise LabelError(f"{self.name or 'the domain'} has no labelled row; give y, or name the label column.")
        part = self.take(np.flatnonzero(self.labelled))
        y = part.y
        if y is not None and y.dtype == object:
            y = np.array(y.tolist())
        return part.replace(y=y)._with_columns(self.columns)

    def without_labels(self) -> Domain:
        """Return the same rows with every label taken away.

        Returns
        -------
        Domain
        """
        return self.replace(y=None)

    def frame(self) -> Any:
        """Return the rows as the estimators should see them: a DataFrame if the columns have names, else the array.

        Returns
        -------
        DataFrame, ndarray or csr_matrix
        """
        if self.columns is None or sparse.issparse(self.X):
            return self.X
        import pandas as pd

        return pd.DataFrame(self.X, columns=self.columns, copy=False)

    def _with_columns(self, columns: list[str] | None) -> Domain:
        object.__setattr__(self, "columns", columns)
        return self


def _rebuild(X: Any, y: Any, name: str, kind: str, sd: Any, image_shape: Any, columns: Any) -> Domain:
    return Domain(X, y, name=name, kind=kind, source_domain=sd, image_shape=image_shape)._with_columns(columns)


def _checked_rows(X: Any, label: str) -> Any:
    try:
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], input_name="X")
    except (ValueError, TypeError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"{label}: {why}. Drop or fill such rows and encode text columns as numbers.") from error
    if not sparse.issparse(X):
        X = X.view()
        X.flags.writeable = False
    return X


def _checked_labels(y: Any, n: int, label: str, unlabelled: Any) -> tuple[NDArray[np.bool_], NDArray[Any] | None]:
    if y is None:
        return np.zeros(n, dtype=bool), None
    missing = missing_labels(y)
    labels = np.asarray(y, dtype=object) if hasattr(y, "isna") and missing.any() else np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels, missing = labels[:, 0], missing.reshape(-1)
    if labels.ndim != 1:
        raise InputError(f"{label}: y must have one label a row, got an array of shape {labels.shape}.")
    if len(labels) != n:
        raise InputError(f"{label}: y has {len(labels)} entries but X has {n} rows; they must match row by row.")
    if unlabelled is not None:
        missing = missing | np.array([v == unlabelled for v in labels], dtype=bool)
    if missing.any() and labels.dtype.kind != "f":
        labels = labels.astype(object)
        labels[missing] = None
    elif missing.any():
        labels = np.where(missing, np.nan, labels)
    elif labels.dtype == object:
        labels = np.array(labels.tolist())
    labels = labels.view()
    labels.flags.writeable = False
    return ~missing, labels
