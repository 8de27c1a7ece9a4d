"""Reads rows that lie between source and target, given as a parameter and not as an argument of ``fit``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from landbridge.exceptions import InputError

__all__ = ["confidence", "read_stone", "stack_rows"]


def read_stone(estimator: Any, X: Any, name: str = "intermediate") -> Any:
    """Check rows between source and target against the columns that the estimator has just read.

    Parameters
    ----------
    estimator : TransferEstimator
        Has read the source.
    X : array-like of shape (n, n_features)
        Rows.
    name : str
        How the message calls them.

    Returns
    -------
    ndarray or csr_matrix of shape (n, n_features)

    Raises
    ------
    InputError
        If they are no table of the source's columns.
    """
    accept = "csr" if get_tags(estimator).input_tags.sparse else False
    try:
        return validate_data(estimator, X, accept_sparse=accept, dtype=np.float64, reset=False)
    except (ValueError, TypeError) as error:
        told = str(error).split("\n")[0]
        raise InputError(f"{name} cannot be used: {told} Give rows with the source's columns.") from error


def stack_rows(blocks: list[Any]) -> Any:
    """Put blocks of rows under one another, dense or sparse.

    Parameters
    ----------
    blocks : list of ndarray or csr_matrix
        With the same columns.

    Returns
    -------
    ndarray, or csr_matrix where any block is sparse
    """
    if len(blocks) == 1:
        return blocks[0]
    return sparse.vstack(blocks, format="csr") if any(map(sparse.issparse, blocks)) else np.vstack(blocks)


def confidence(model: Any, X: Any) -> NDArray[np.float64]:
    """How sure a classifier is of each row: its largest output less its smallest.

    Parameters
    ----------
    model : fitted classifier
        With ``predict_proba`` or ``decision_function``.
    X : array-like of shape (n, d)
        Rows.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    InputError
        If it gives neither.
    """
    for name in ("predict_proba", "decision_function"):
        if hasattr(model, name):
            out = np.asarray(getattr(model, name)(X), dtype=np.float64)
            return np.abs(out) if out.ndim == 1 else out.max(axis=1) - out.min(axis=1)
    raise InputError(
        f"estimator={type(model).__name__} cannot say how sure it is; give one with predict_proba or "
        "decision_function, or set discard=0."
    )
