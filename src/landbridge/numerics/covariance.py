"""Covariance matrices and their powers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["covariance", "matrix_power"]


def covariance(X: NDArray[np.float64], *, block: int = 65536) -> NDArray[np.float64]:
    """Compute the covariance of the features (divided by n - 1), in blocks so that no centred copy is made.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    block : int, default=65536
        Samples per block.

    Returns
    -------
    ndarray of shape (n_features, n_features)
        Zero for a single sample.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import covariance
    >>> covariance(np.array([[0.0], [2.0]])).item()
    2.0
    """
    mean = X.mean(axis=0)
    C = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), block):
        Z = X[start : start + block] - mean
        C += Z.T @ Z
    return C / max(len(X) - 1, 1)


def matrix_power(C: NDArray[np.float64], power: float, reg: float = 0.0) -> NDArray[np.float64]:
    """Compute the power of a symmetric positive semi-definite matrix, ``(C + reg I) ** power``.

    Parameters
    ----------
    C : ndarray of shape (d, d)
        Symmetric.
    power : float
        For example -0.5.
    reg : float, default=0.0
        Added to the eigenvalues. For a negative power directions without variance are dropped (pseudo-inverse).

    Returns
    -------
    ndarray of shape (d, d)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import matrix_power
    >>> matrix_power(np.diag([4.0, 9.0]), -0.5).diagonal().round(2).tolist()
    [0.5, 0.33]
    """
    values, vectors = np.linalg.eigh(C)
    values = np.maximum(values, 0.0) + reg
    keep = values > values[-1] * len(C) * np.finfo(float).eps
    scaled = np.zeros_like(values)
    scaled[keep] = values[keep] ** power
    return (vectors * scaled) @ vectors.T
