"""Checks of features, probabilities and labels that every score shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from landbridge.domain import missing_labels, refuse_masked, unmasked
from landbridge.exceptions import InputError, LabelError

__all__ = ["class_codes", "feature_rows", "probability_rows", "regression_values"]


def feature_rows(features: Any, argument: str = "features") -> NDArray[np.float64]:
    """Check features of target samples.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Samples.
    argument : str
        Its name in messages.

    Returns
    -------
    ndarray of shape (n_samples, n_features)

    Raises
    ------
    InputError
        If they are not a finite array of two or more samples.
    """
    refuse_masked(features, argument)
    try:
        F = check_array(features, accept_sparse="csr", dtype=np.float64, input_name=argument)
    except (ValueError, TypeError) as error:
        raise InputError(f"{argument}: {str(error).splitlines()[0]}") from error
    F = F.toarray() if hasattr(F, "toarray") else F
    if len(F) < 2:
        raise InputError(f"{argument} has {len(F)} sample; a score needs at least 2 samples.")
    return F


def probability_rows(probabilities: Any, argument: str = "source_probabilities") -> NDArray[np.float64]:
    """Check the class probabilities of a source model for target samples.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_source_classes)
        Non-negative; each row sums to one.
    argument : str
        Its name in messages.

    Returns
    -------
    ndarray of shape (n_samples, n_source_classes)

    Raises
    ------
    InputError
        If they are no probabilities, for example because labels were given in their place.
    """
    if np.ndim(probabilities) == 1:
        raise InputError(
            f"{argument} has one dimension, as labels have; give one row of class probabilities per target sample."
        )
    P = feature_rows(probabilities, argument)
    if (P < 0).any() or not np.allclose(P.sum(axis=1), 1.0, atol=1e-3):
        raise InputError(f"{argument} must be non-negative with rows that sum to one; apply softmax to logits.")
    return P / P.sum(axis=1, keepdims=True)


def class_codes(
    labels: Any, n: int | None, argument: str = "target_labels", *, several: bool = True
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Encode the classes of a label vector as integers.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        None missing.
    n : int or None
        Samples they belong to.
    argument : str
        Its name in messages.
    several : bool, default=True
        Whether one class alone is an error.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int, shape (n_samples,)

    Raises
    ------
    LabelError
        If the length is wrong, a label is missing, there is one class only, or they are no classes.
    """
    y = np.asarray(unmasked(labels))
    if y.ndim != 1:
        raise LabelError(f"{argument} has the shape {y.shape}; give one label per sample.")
    if n is not None and len(y) != n:
        raise LabelError(f"{argument} has {len(y)} entries but there are {n} samples; give one label per sample.")
    if missing_labels(y).any():
        raise LabelError(f"{argument} has missing entries; give labelled samples only.")
    if y.dtype.kind == "f" and (y != np.round(y)).any():
        raise LabelError(f"{argument} holds fractions; only logme scores regression, with task='regression'.")
    classes, codes = np.unique(y.astype(str) if y.dtype == object else y, return_inverse=True)
    if several and len(classes) < 2:
        raise LabelError(f"{argument} holds the class {str(classes[0])!r} only; at least two classes are needed.")
    return classes, codes


def regression_values(values: Any, n: int, argument: str = "target_labels") -> NDArray[np.float64]:
    """Check the values of a regression target.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Finite numbers.
    n : int
        Samples they belong to.
    argument : str
        Its name in messages.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    LabelError
        If they are not finite numbers, not one per sample, or all equal.
    """
    refuse_masked(values, argument)
    try:
        y = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise LabelError(f"{argument} cannot be read as numbers: {error}.") from error
    if y.shape != (n,):
        raise LabelError(f"{argument} has the shape {y.shape} but there are {n} samples; give one number per sample.")
    if not np.isfinite(y).all() or np.ptp(y) == 0:
        raise LabelError(f"{argument} must be finite numbers that are not all equal.")
    return y
