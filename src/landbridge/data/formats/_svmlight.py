"""Files in the svmlight format."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.data._content import Content
from landbridge.data.formats._arrays import dense_if_full

__all__ = ["alike", "has_index_zero", "in_form", "load_svmlight"]


def load_svmlight(content: Content, *, zero_based: bool | None) -> tuple[Any, Any]:
    """Load samples and labels; samples are dense if more than half of their entries are not zero.

    Parameters
    ----------
    content : Content
    zero_based : bool or None
        Whether features are counted from 0. If None, they are if one has the index 0.

    Returns
    -------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    """
    from sklearn.datasets import load_svmlight_file

    data = content.read().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    X, y = load_svmlight_file(io.BytesIO(data), zero_based="auto" if zero_based is None else zero_based)
    return dense_if_full(X), y


def has_index_zero(content: Content) -> bool:
    """Return whether a feature has the index 0.

    Parameters
    ----------
    content : Content

    Returns
    -------
    bool
    """
    return re.search(rb"(?m)^[^#\n]*[ \t]0+:", content.read()) is not None


def alike(one: Any, two: Any) -> tuple[Any, Any]:
    """Return samples of two files in one form: both dense, or both sparse, with the same number of features.

    A svmlight file does not store trailing features that are all zero. Where one file is sparse, both are.

    Parameters
    ----------
    one, two : ndarray or sparse matrix

    Returns
    -------
    one, two : ndarray or csr_matrix
    """
    if sparse.issparse(one) or sparse.issparse(two):
        sides = [sparse.csr_matrix(X, copy=True) for X in (one, two)]
        width = max(X.shape[1] for X in sides)
        for X in sides:
            X.resize(X.shape[0], width)
        return sides[0], sides[1]
    width = max(one.shape[1], two.shape[1])
    return _padded(one, width), _padded(two, width)


def in_form(X: Any, n_features: int | None, in_sparse: bool | None) -> Any:
    """Return samples with a number of features, as a sparse matrix or an array.

    Parameters
    ----------
    X : ndarray or csr_matrix
    n_features : int or None
        More than X has, or not used.
    in_sparse : bool or None
        If None, the form is that of X.

    Returns
    -------
    ndarray or csr_matrix
    """
    if in_sparse is not None and in_sparse != sparse.issparse(X):
        X = sparse.csr_matrix(X) if in_sparse else X.toarray()
    if n_features is None or X.shape[1] >= n_features:
        return X
    if sparse.issparse(X):
        X.resize(X.shape[0], n_features)
        return X
    return _padded(X, n_features)


def _padded(X: Any, width: int) -> Any:
    return X if X.shape[1] == width else np.hstack([X, np.zeros((X.shape[0], width - X.shape[1]))])
