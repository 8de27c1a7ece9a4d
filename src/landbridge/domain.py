"""Domains: samples of one population with labels for all, some or none of them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_array

from landbridge.exceptions import InputError, LabelError

__all__ = ["Domain", "checked_groups", "missing_labels", "refuse_masked", "split_labelled", "unmasked"]

# Largest number of features and of labels: their third powers are finite.
LARGEST = 1e100
# Single precision holds the squares of numbers up to this.
LARGEST_SINGLE = 1e15
KINDS = ("table", "images", "audio", "text", "series")


def missing_labels(y: Any) -> NDArray[np.bool_]:
    """Return which labels are missing: None, NaN, pandas' NA, or masked.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
        True where there is no label.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.domain import missing_labels
    >>> missing_labels(["a", None, "b"]).tolist()
    [False, True, False]
    >>> missing_labels(np.ma.masked_array([1, 2], mask=[True, False])).tolist()
    [True, False]
    """
    if isinstance(y, np.ma.MaskedArray):
        return np.ma.getmaskarray(y) | missing_labels(y.data)
    if hasattr(y, "isna"):
        return np.asarray(y.isna(), dtype=bool)
    y = unmasked(y)
    y = np.asarray(y)
    if y.dtype.kind == "f":
        return np.isnan(y)
    if y.dtype == object:
        return np.array(
            [v is None or (isinstance(v, float) and v != v) or type(v).__name__ == "NAType" for v in y], bool
        )
    return np.zeros(len(y), dtype=bool)


def refuse_masked(values: Any, name: str) -> None:
    """Raise an error if a masked array has masked entries, whose data mean nothing.

    Parameters
    ----------
    values : object
        Anything; only masked arrays, and sequences of them, are looked at.
    name : str
        The argument, for the message.

    Raises
    ------
    InputError
        If any entry is masked.
    """
    parts = [values] if isinstance(values, np.ma.MaskedArray) else values if isinstance(values, list | tuple) else ()
    masked = sum(int(np.ma.count_masked(v)) for v in parts if isinstance(v, np.ma.MaskedArray))
    if masked:
        raise InputError(f"{name} is a masked array with {masked} masked entries; fill or drop them.")


def unmasked(y: Any) -> Any:
    """Return labels with None, or NaN among floats, in the place of masked entries; others are returned as given.

    Parameters
    ----------
    y : array-like of shape (n_samples,)

    Returns
    -------
    array-like of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.domain import unmasked
    >>> unmasked(np.ma.masked_array([1, -9999], mask=[False, True])).tolist()
    [1, None]
    >>> unmasked(["a", np.ma.masked])
    ['a', None]
    """
    if isinstance(y, np.ma.MaskedArray):
        if not np.ma.is_masked(y):
            return y.data
        gap: Any = np.nan if y.dtype.kind == "f" else None
        plain = np.array(y.data, dtype=None if y.dtype.kind == "f" else object)
        plain[np.ma.getmaskarray(y)] = gap
        return plain
    if isinstance(y, list | tuple) and any(v is np.ma.masked for v in y):
        return [None if v is np.ma.masked else v for v in y]
    return y


def split_labelled(y_target: Any, n_target: int, classes: Any = None) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Split partly labelled target labels into indices and labels.

    ``None``, NaN and masked entries always mark a sample without label. ``-1`` does so for classification if ``-1`` is
    not a class of the source.

    Parameters
    ----------
    y_target : array-like of shape (n_target,) or None
        Labels of the target samples.
    n_target : int
        Number of target samples.
    classes : array-like of shape (n_classes,), default=None
        Classes of the source. If None, the task is regression.

    Returns
    -------
    rows : ndarray of int, shape (n_labelled,)
        Indices of the target samples that have a label.
    labels : ndarray of shape (n_labelled,)
        Their labels.

    Raises
    ------
    LabelError
        If the length is wrong.

    Examples
    --------
    >>> from landbridge.domain import split_labelled
    >>> rows, labels = split_labelled([1, -1, 0], 3, classes=[0, 1])
    >>> rows.tolist(), labels.tolist()
    ([0, 2], [1, 0])
    >>> rows, labels = split_labelled([1, -1, None], 3, classes=[-1, 1])
    >>> rows.tolist(), labels.tolist()
    ([0, 1], [1, -1])
    """
    if y_target is None:
        return np.empty(0, dtype=np.intp), np.empty(0)
    missing = missing_labels(y_target)
    y_target = unmasked(y_target)
    given = np.asarray(y_target, dtype=object) if missing.any() and hasattr(y_target, "isna") else np.asarray(y_target)
    if given.ndim == 2 and given.shape[1] == 1:
        given, missing = given[:, 0], missing.reshape(-1)
    if given.shape != (n_target,):
        raise LabelError(
            f"y_target has shape {given.shape} but X_target has {n_target} samples; give one entry per sample, "
            "None, NaN or -1 for those without label."
        )
    if classes is not None and given.dtype.kind in "iufO" and not _is_minus_one(np.asarray(classes)).any():
        missing = missing | _is_minus_one(given)
    rows = np.flatnonzero(~missing)
    labels = given[rows]
    if labels.dtype == object:
        labels = np.array(labels.tolist()) if len(labels) else np.empty(0)
    return rows, labels


def _is_minus_one(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind not in "iufO":
        return np.zeros(len(values), dtype=bool)
    return np.array([isinstance(v, (int, float, np.number)) and v == -1 for v in values.tolist()], dtype=bool)


class Domain:
    """Samples of one population, with labels for all, some or none of them.

    A domain is frozen: it never changes the arrays it was given and returns read-only views.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or DataFrame
        The samples. The feature names of a DataFrame are kept. Images may have shape
        (n_samples, height, width[, channels]); they are stored flat, with their shape in ``image_shape``.
    y : array-like of shape (n_samples,), default=None
        Labels; ``None``, NaN and masked entries mark samples without label. If None, no sample is labelled.
    name : str, default=""
        Name in tables and reports.
    kind : {"table", "images", "audio", "text", "series"}, default="table"
        What the samples are.
    unlabelled : object, default=None
        A value of `y` that also marks samples without label, for example ``-1``. If None, there is no such value.
    source_domain : array-like of shape (n_samples,), default=None
        Which of several sources each sample came from.
    image_shape : tuple of int, default=None
        Shape of one image if `X` is given flat.
    groups : array-like of shape (n_samples,), default=None
        Which samples belong together: a person, a machine. No group is on both sides of a split, and resamples draw
        whole groups; equal names are one group across both domains. If None, samples are independent.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or None
        Labels; if ``labelled`` is False the entry is ``None`` (object labels) or NaN.
    labelled : ndarray of bool, shape (n_samples,)
        Whether each sample has a label.
    columns : list of str or None
        Feature names.
    name, kind, source_domain, image_shape, groups
        As given.

    Raises
    ------
    InputError
        If `X` holds NaN, infinity or masked entries, is empty or ragged, or `y` has another length.

    See Also
    --------
    landbridge.data.read : Make a domain from a file or a folder.

    Examples
    --------
    >>> from landbridge import Domain
    >>> d = Domain([[0.0], [1.0], [2.0]], ["a", None, "b"], name="ward 3")
    >>> d
    Domain('ward 3', 3 samples x 1 features, table, 2 of 3 labelled)
    >>> d.labelled_part().y.tolist()
    ['a', 'b']
    """

    __slots__ = ("X", "columns", "groups", "image_shape", "kind", "labelled", "name", "source_domain", "y")

    X: Any
    y: Any
    labelled: NDArray[np.bool_]
    columns: list[str] | None
    name: str
    kind: str
    source_domain: Any
    image_shape: tuple[int, ...] | None
    groups: Any

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
        groups: Any = None,
    ) -> None:
        if kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
        label = f"domain {name!r}" if name else "X"
        refuse_masked(X, label if name == "" else f"X of {label}")
        columns = [str(c) for c in X.columns] if hasattr(X, "columns") else None
        if not sparse.issparse(X) and not hasattr(X, "columns"):
            X = _as_array(X, label)
            if X.ndim in (3, 4) and kind == "images":
                image_shape = X.shape[1:]
                X = X.reshape(len(X), -1)
        X = _checked_rows(X, label)
        mask, labels = _checked_labels(y, X.shape[0], label, unlabelled)
        if source_domain is not None:
            missing = missing_labels(source_domain)
            source_domain = np.asarray(unmasked(source_domain))
            if source_domain.shape != (X.shape[0],):
                raise InputError(
                    f"source_domain has shape {source_domain.shape} but X has {X.shape[0]} samples; "
                    "give one entry per sample."
                )
            if missing.any():
                raise InputError(
                    f"source_domain has {int(missing.sum())} missing entries; name the source of each sample."
                )
        if groups is not None:
            groups = checked_groups(groups, X.shape[0])
        if image_shape is not None and (pixels := int(np.prod(image_shape))) != X.shape[1]:
            raise InputError(f"image_shape {tuple(image_shape)} requires {pixels} features but X has {X.shape[1]}.")
        put = object.__setattr__
        put(self, "X", X)
        put(self, "y", labels)
        put(self, "labelled", mask)
        put(self, "name", str(name))
        put(self, "kind", kind)
        put(self, "columns", columns)
        put(self, "source_domain", source_domain)
        put(self, "groups", groups)
        put(self, "image_shape", None if image_shape is None else tuple(int(s) for s in image_shape))

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError("A Domain is frozen; use .replace(...) to get a changed copy.")

    def __reduce__(self) -> tuple[Any, ...]:
        facts = (self.name, self.kind, self.source_domain, self.image_shape, self.columns, self.groups)
        return (_rebuild, (self.X, self.y, *facts))

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def __repr__(self) -> str:
        n = len(self)
        known = int(self.labelled.sum())
        labels = "no labels" if known == 0 else "labelled" if known == n else f"{known} of {n} labelled"
        return f"Domain({self.name!r}, {n} samples x {self.X.shape[1]} features, {self.kind}, {labels})"

    def _repr_html_(self) -> str:
        """Return the facts as a short HTML table, for notebooks."""
        rows = [("samples", f"{len(self):,}"), ("features", f"{self.X.shape[1]:,}"), ("kind", self.kind)]
        rows.append(("labels", self.regime))
        if self.labelled.any() and len(classes := np.unique(self.labelled_part().y, return_counts=True)[0]) <= 12:
            counts = np.unique(self.labelled_part().y, return_counts=True)[1]
            rows += [(f"label {c}", f"{n:,}") for c, n in zip(classes.tolist(), counts.tolist(), strict=True)]
        body = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
        return f"<strong>Domain {html.escape(self.name)}</strong><table>{body}</table>"

    @property
    def regime(self) -> str:
        """``"labelled"``, ``"partly labelled"`` or ``"unlabelled"``."""
        known = int(self.labelled.sum())
        return "unlabelled" if known == 0 else "labelled" if known == len(self) else "partly labelled"

    @property
    def classes(self) -> NDArray[Any] | None:
        """The distinct labels, sorted; None if there are none."""
        return None if self.y is None or not self.labelled.any() else np.unique(self.y[self.labelled])

    def replace(self, **changes: Any) -> Domain:
        """Return a copy with some fields changed.

        Parameters
        ----------
        **changes
            Any of ``X``, ``y``, ``name``, ``kind``, ``source_domain``, ``image_shape``, ``groups``.

        Returns
        -------
        Domain
        """
        known = {"X", "y", "name", "kind", "source_domain", "image_shape", "groups"}
        if extra := sorted(set(changes) - known):
            raise InputError(f"replace() has no field {extra[0]!r}; choose from {', '.join(sorted(known))}.")
        now = {k: getattr(self, k) for k in known} | changes
        X, y = now.pop("X"), now.pop("y")
        columns = None if "X" in changes else self.columns
        facts = (now["name"], now["kind"], now["source_domain"], now["image_shape"], columns, now["groups"])
        return _rebuild(X, y, *facts)

    def take(self, rows: ArrayLike) -> Domain:
        """Return the domain of some of the samples.

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
        groups = None if self.groups is None else self.groups[rows]
        return _rebuild(X, y, self.name, self.kind, sd, self.image_shape, self.columns, groups)

    def labelled_part(self) -> Domain:
        """Return the labelled samples only, with labels of a plain type.

        Returns
        -------
        Domain

        Raises
        ------
        LabelError
            If no sample is labelled.
        """
        if self.y is None or not self.labelled.any():
            raise LabelError(f"{self.name or 'the domain'} has no labelled sample; give y, or name the label column.")
        part = self.take(np.flatnonzero(self.labelled))
        y = part.y
        if y is not None and y.dtype == object:
            y = np.array(y.tolist())
        return part.replace(y=y)._with_columns(self.columns)

    def without_labels(self) -> Domain:
        """Return the same samples without their labels.

        Returns
        -------
        Domain
        """
        return self.replace(y=None)

    def frame(self) -> Any:
        """Return the samples as estimators should see them: a DataFrame if the features have names, else the array.

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


def _rebuild(
    X: Any, y: Any, name: str, kind: str, sd: Any, image_shape: Any, columns: Any, groups: Any = None
) -> Domain:
    made = Domain(X, y, name=name, kind=kind, source_domain=sd, image_shape=image_shape, groups=groups)
    return made._with_columns(columns)


def checked_groups(groups: Any, n_samples: int) -> NDArray[Any]:
    """Return groups as an array, after checking that each sample has one.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    InputError
        If there is another number of them, or one is missing.
    """
    missing = missing_labels(groups)
    groups = np.asarray(unmasked(groups))
    if groups.shape != (n_samples,):
        raise InputError(f"groups has shape {groups.shape} but X has {n_samples} samples; give one entry per sample.")
    if missing.any():
        raise InputError(f"groups has {int(missing.sum())} missing entries; give each sample a group.")
    return np.array(groups.tolist())


def _as_array(X: Any, label: str) -> NDArray[Any]:
    """Samples in memory as an array; what can be none is refused."""
    try:
        rows = np.asarray(X)
    except (TypeError, ValueError) as error:
        raise InputError(f"{label}: samples have different numbers of features; give all the same ones.") from error
    if rows.ndim == 0:
        what = f"{type(X).__name__} {X!r}" if isinstance(X, int | float | str) else f"of type {type(X).__name__}"
        raise InputError(f"{label} is {what}; give an array or a list with one row per sample, a DataFrame or a path.")
    if rows.dtype.names is not None or rows.dtype.kind == "V":
        raise InputError(f"{label} is a structured array; give pandas.DataFrame(X).")
    if rows.dtype.kind == "c":
        raise InputError(f"{label} holds complex numbers; give real and imaginary part as features of their own.")
    if rows.ndim == 1:
        raise InputError(f"{label} has shape {rows.shape}; give one row per sample, such as X.reshape(-1, 1).")
    return rows


def _checked_rows(X: Any, label: str) -> Any:
    shape = tuple(getattr(X, "shape", ()))
    if len(shape) == 2 and 0 in shape:
        what = "sample" if shape[0] == 0 else "feature"
        raise InputError(f"{label} is empty: X has shape {shape}; give at least one {what}.")
    if len(shape) > 2:
        raise InputError(f"{label} has shape {shape}; give one row per sample.")
    try:
        with np.errstate(invalid="ignore", over="ignore"):  # infinity is refused in words
            X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], input_name="X")
    except (ValueError, TypeError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"{label}: {why}. Drop or fill such samples and encode text as numbers.") from error
    X = _in_range(X, label)
    if not sparse.issparse(X):
        X = X.view()
        X.flags.writeable = False
    return X


def _of_one_type(labels: NDArray[Any], missing: NDArray[np.bool_], label: str) -> NDArray[Any]:
    """Labels that can be compared: text where they are text and numbers, or whole numbers beyond 64 bits."""
    given = labels[~missing].tolist()
    plain = (str, bytes, int, float, np.generic)
    if odd := next((type(v).__name__ for v in given if not isinstance(v, plain) and not hasattr(v, "isoformat")), None):
        raise LabelError(f"{label}: y holds a {odd}; give numbers or text as labels.")
    words = [isinstance(v, str) for v in given]
    large = any(isinstance(v, int) and not -(2**63) <= v < 2**63 for v in given)
    if large or (any(words) and not all(words)):
        labels = labels.copy()
        labels[~missing] = [str(v) for v in given]
    return labels if missing.any() or not large else labels.astype(str)


def _in_range(X: Any, label: str) -> Any:
    """Refuse numbers whose squares overflow; single precision becomes double where its squares would."""
    cells = X.data if sparse.issparse(X) else X
    largest = max(abs(float(cells.max())), abs(float(cells.min()))) if cells.size else 0.0
    if largest > LARGEST:
        raise InputError(
            f"{label}: X holds {largest:.4g}; convert it to a unit in which no number exceeds {LARGEST:g}."
        )
    return X.astype(np.float64) if X.dtype == np.float32 and largest > LARGEST_SINGLE else X


def _checked_labels(y: Any, n: int, label: str, unlabelled: Any) -> tuple[NDArray[np.bool_], NDArray[Any] | None]:
    if y is None:
        return np.zeros(n, dtype=bool), None
    if isinstance(y, str | bytes | Mapping) or not hasattr(y, "__len__"):
        raise InputError(f"{label}: y is of type {type(y).__name__}; give one label per sample, in an array or a list.")
    missing = missing_labels(y)
    y = unmasked(y)
    labels = np.asarray(y, dtype=object) if hasattr(y, "isna") and missing.any() else np.asarray(y)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", errors="replace")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels, missing = labels[:, 0], missing.reshape(-1)
    if labels.ndim != 1:
        raise InputError(f"{label}: y must have one label per sample, got an array of shape {labels.shape}.")
    if len(labels) != n:
        raise InputError(f"{label}: y has {len(labels)} entries but X has {n} samples; give one per sample.")
    if labels.dtype.kind == "f" and (np.abs(labels[~missing]) > LARGEST).any():
        raise LabelError(f"{label}: y holds numbers beyond {LARGEST:g}; convert them to another unit.")
    if labels.dtype.kind == "c":
        raise LabelError(f"{label}: y holds complex numbers; give real numbers or text as labels.")
    if unlabelled is not None:
        missing = missing | np.array([v == unlabelled for v in labels], dtype=bool)
    if missing.any() and labels.dtype.kind != "f":
        labels = labels.astype(object)
        labels[missing] = None
    elif missing.any():
        labels = np.where(missing, np.nan, labels)
    elif labels.dtype == object:
        labels = np.array(labels.tolist())
    if labels.dtype == object:
        labels = _of_one_type(labels, missing, label)
    labels = labels.view()
    labels.flags.writeable = False
    return ~missing, labels
