"""Files of several arrays: which holds the samples, and which the labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.data._labels import clean_labels
from landbridge.exceptions import LabelError, ReadError

__all__ = ["LABEL_ARRAYS", "SAMPLE_ARRAYS", "Unreadable", "dense_if_full", "pick_arrays"]

# Names of an array of samples, and of labels if `label` is None.
SAMPLE_ARRAYS = ("X", "x", "data", "fts", "features")
LABEL_ARRAYS = ("y", "labels", "label", "target")
# Sparse samples of which a larger share is stored are dense.
MOST_SPARSE = 0.5


@dataclass(frozen=True)
class Unreadable:
    """An array that is not loaded, and why.

    Parameters
    ----------
    why : str
    """

    why: str


def pick_arrays(held: dict[str, Any], label: str | None, path: Path, *, whole: bool) -> tuple[Any, Any]:
    """Choose the samples and the labels among the arrays of a file.

    Parameters
    ----------
    held : dict of str to array
    label : str or None
        Name of the labels. If None, y, labels, label or target, if there is one.
    path : Path
        Named in messages.
    whole : bool
        Whether labels that are whole numbers are classes although they are stored as floats.

    Returns
    -------
    X : ndarray or csr_matrix
    y : ndarray of shape (n_samples,) or None

    Raises
    ------
    ReadError
        If it is unclear which array holds the samples, or it cannot be used.
    LabelError
        If there is no such label array, or it does not have one label per sample.
    """
    held = _unfold(held)
    names = [label] if label is not None else list(LABEL_ARRAYS)
    found = next((k for k in names if k in held), None)
    if label is not None and found is None:
        raise LabelError(f"label={label!r} is no array of {path}; it holds {', '.join(held)}.")
    samples = _sample_array(held, found if label is not None else None, path)
    X = _usable(held[samples], samples, path)
    X = dense_if_full(X.tocsr()) if sparse.issparse(X) else np.asarray(X)
    if found is None:
        return X, None
    y = _flat_labels(_usable(held[found], found, path, labels=True))
    if len(y) != X.shape[0]:
        raise LabelError(
            f"{path}: {found} has shape {np.shape(held[found])} but {samples} has {X.shape[0]} samples; set "
            "label= to an array with one label per sample."
        )
    return X, clean_labels(y, f"{path}: {found}", whole=whole)


def dense_if_full(X: Any) -> Any:
    """Return sparse samples as a dense array if more than half of the entries are not zero.

    Parameters
    ----------
    X : sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    ndarray or csr_matrix

    Examples
    --------
    >>> from scipy import sparse
    >>> from landbridge.data.formats._arrays import dense_if_full
    >>> dense_if_full(sparse.csr_matrix([[1, 2, 0]])).tolist()
    [[1, 2, 0]]
    """
    size = X.shape[0] * X.shape[1]
    return X.toarray() if size and np.count_nonzero(X.data) > MOST_SPARSE * size else X


def _unfold(held: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of structs in their place where there is nothing else, by own names if these are unique."""
    if not all(_is_struct(v) for v in held.values()):
        return held
    fields = [name for v in held.values() for name in v.dtype.names]
    return {
        k if fields.count(k) == 1 else f"{name}.{k}": struct[k].flat[0]
        for name, struct in held.items()
        for k in struct.dtype.names
    }


def _is_struct(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.names is not None and value.size == 1


def _usable(value: Any, name: str, path: Path, *, labels: bool = False) -> Any:
    """Return an array, or raise an error if it cannot be used."""
    if isinstance(value, Unreadable):
        raise ReadError(f"{path} cannot be read: {name} {value.why}.")
    if getattr(getattr(value, "dtype", None), "names", None):
        raise ReadError(
            f"{path}: {name} is a struct with the fields {', '.join(value.dtype.names)}; save them as X and y."
        )
    if isinstance(value, np.ndarray) and value.dtype == object and not labels:
        try:
            return np.stack([np.asarray(v, dtype=float).squeeze() for v in np.ravel(value)])
        except (TypeError, ValueError):
            raise ReadError(f"{path}: {name} is a cell array; save the samples as one array of numbers.") from None
    if isinstance(value, np.ndarray) and value.dtype.kind in "US" and not labels:
        raise ReadError(f"{path}: {name} holds text; save the samples as an array of numbers.")
    return value


def _flat_labels(value: Any) -> Any:
    """Return one label per sample; a cell array of texts becomes an array of texts."""
    value = value.toarray() if sparse.issparse(value) else value
    flat = np.ravel(value)
    if flat.dtype != object:
        return flat
    cells = [v.ravel()[0] if isinstance(v, np.ndarray) and v.size == 1 else v for v in flat]
    return np.array([None if isinstance(v, np.ndarray) and not v.size else v for v in cells], dtype=object)


def _sample_array(held: dict[str, Any], label: str | None, path: Path) -> str:
    """Find the array of samples: the counterpart of the named labels, X, or the only array with two dimensions."""
    if label is not None:  # x_test belongs to y_test, and Xs to ys
        stem = re.fullmatch(r"(?:y|labels?|target)(.*)", label, re.IGNORECASE)
        for k in held:
            if stem and k != label and k.lower() in {f"{n.lower()}{stem.group(1).lower()}" for n in SAMPLE_ARRAYS}:
                return k
    if usual := next((k for k in SAMPLE_ARRAYS if k in held), None):
        return usual
    wide = [
        k
        for k, v in held.items()
        if k != label
        and np.ndim(v) >= 2
        and min(np.shape(v)[:2]) > 1
        and not re.match(r"(y|label|target)", k, re.IGNORECASE)
    ]
    if label is not None and len(wide) > 1:
        wide = [k for k in wide if np.shape(held[k])[0] == np.size(held[label])] or wide
    if not wide:
        odd = [f"{k} {v.why}" for k, v in held.items() if isinstance(v, Unreadable)]
        odd += [f"{k} is a struct with the fields {', '.join(v.dtype.names)}" for k, v in held.items() if _is_struct(v)]
        why = f" ({'; '.join(odd[:3])})" if odd else ""
        raise ReadError(f"{path} cannot be read: it holds no two-dimensional array{why}; save the samples as X.")
    if len(wide) > 1:
        raise ReadError(
            f"{path} holds several arrays of samples, {', '.join(wide)}; choose the labels of one of them with "
            "label=, or save one of them under the name X."
        )
    return wide[0]
