"""Left singular vectors of features, through the Gram matrix of their smaller side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

__all__ = ["left_vectors", "one_hot"]

# Directions with less than this share of the leading variance are noise of the arithmetic.
CUTOFF = 1e-10


def left_vectors(F: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left singular vectors and squared singular values, without the directions that hold nothing.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Rows.

    Returns
    -------
    U : ndarray of shape (n, k)
    squares : ndarray of shape (k,)
        Largest first.
    """
    n, d = F.shape
    squares, V = eigh(F.T @ F if d <= n else F @ F.T)
    squares, V = squares[::-1], V[:, ::-1]
    keep = squares > CUTOFF * max(squares[0], np.finfo(np.float64).tiny)
    squares, V = squares[keep], V[:, keep]
    return (F @ V / np.sqrt(squares), squares) if d <= n else (V, squares)


def one_hot(codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """One column a class that occurs.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of shape (n, n_classes)
    """
    Y = np.zeros((len(codes), codes.max() + 1))
    Y[np.arange(len(codes)), codes] = 1.0
    return Y[:, Y.any(axis=0)]
