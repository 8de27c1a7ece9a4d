"""Checks of intermediate domains, and helpers for dense and sparse samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from landbridge.exceptions import InputError

__all__ = ["METADATA", "check_intermediate", "check_intermediate_list", "confidence", "stack_samples"]

# What the methods of this folder request in ``fit``.
METADATA = {"X_target": True, "y_target": True, "intermediate_domains": True}


def check_intermediate(estimator: Any, X: Any, name: str = "intermediate_domains") -> Any:
    """Validate the samples of an intermediate domain against the source features that the estimator has validated.

    Parameters
    ----------
    estimator : TransferEstimator
        Has validated the source.
    X : array-like of shape (n_samples, n_features)
        Samples.
    name : str, default="intermediate_domains"
        Name in the error message.

    Returns
    -------
    ndarray or csr_matrix of shape (n_samples, n_features)

    Raises
    ------
    InputError
        If `X` is no array with the features of the source.
    """
    accept = "csr" if get_tags(estimator).input_tags.sparse else False
    try:
        return validate_data(estimator, X, accept_sparse=accept, dtype=np.float64, reset=False)
    except (ValueError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{name} is invalid: {reason} Give samples with the features of the source.") from error


def check_intermediate_list(estimator: Any, intermediate_domains: Any) -> list[Any]:
    """Validate a list of intermediate domains.

    Parameters
    ----------
    estimator : TransferEstimator
        Has validated the source.
    intermediate_domains : list of array-like of shape (n_samples, n_features) or None
        Nearest to the source first.

    Returns
    -------
    list of ndarray or csr_matrix
        Empty if None.

    Raises
    ------
    InputError
        If it is no list, or a domain does not have the features of the source.
    """
    if intermediate_domains is None:
        return []
    if not isinstance(intermediate_domains, (list, tuple)):
        raise InputError(
            f"intermediate_domains must be a list of arrays, got {type(intermediate_domains).__name__}; put a single "
            "domain in a list."
        )
    named = enumerate(intermediate_domains)
    return [check_intermediate(estimator, X, f"intermediate_domains[{i}]") for i, X in named]


def stack_samples(blocks: list[Any]) -> Any:
    """Concatenate samples, dense or sparse.

    Parameters
    ----------
    blocks : list of ndarray or csr_matrix
        With the same features.

    Returns
    -------
    ndarray, or csr_matrix if any block is sparse
    """
    if len(blocks) == 1:
        return blocks[0]
    return sparse.vstack(blocks, format="csr") if any(map(sparse.issparse, blocks)) else np.vstack(blocks)


def confidence(model: Any, X: Any) -> NDArray[np.float64]:
    """Compute the confidence of a classifier: the largest minus the smallest output for each sample.

    Parameters
    ----------
    model : fitted classifier
        With ``predict_proba`` or ``decision_function``.
    X : array-like of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    InputError
        If the classifier has neither method.
    """
    for name in ("predict_proba", "decision_function"):
        if hasattr(model, name):
            out = np.asarray(getattr(model, name)(X), dtype=np.float64)
            return np.abs(out) if out.ndim == 1 else out.max(axis=1) - out.min(axis=1)
    raise InputError(
        f"estimator={type(model).__name__} has no confidence; choose one with predict_proba or decision_function, or "
        "set discard=0."
    )
