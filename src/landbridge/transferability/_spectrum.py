"""Left singular vectors of features, through the Gram matrix of their smaller side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

__all__ = ["centred", "left_vectors", "one_hot", "precise_left_vectors"]

# Directions with less than this share of the leading variance are treated as rounding errors.
CUTOFF = 1e-10
# A Gram matrix squares the condition number, so that directions below this share of its leading one are recomputed.
RANGE = 1e-6
# Below this share of the leading variance a direction cannot be represented in double precision.
ROUNDING = 1e-26


def centred(F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the mean of each feature, exactly zero where a feature is constant.

    Parameters
    ----------
    F : ndarray of shape (n_samples, n_features)
        Features, of any offset and scale.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
    """
    Z = F - F.mean(axis=0)
    # the mean of a constant differs from it by rounding errors
    Z[:, np.abs(Z).max(axis=0) <= 1e-14 * np.abs(F).max(axis=0)] = 0.0
    return Z


def left_vectors(F: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute left singular vectors and squared singular values, without the directions of no variance.

    Parameters
    ----------
    F : ndarray of shape (n_samples, n_features)
        Features.

    Returns
    -------
    U : ndarray of shape (n_samples, k)
    squares : ndarray of shape (k,)
        Largest first.
    """
    n, d = F.shape
    squares, V = eigh(F.T @ F if d <= n else F @ F.T)
    squares, V = squares[::-1], V[:, ::-1]
    keep = squares > CUTOFF * max(squares[0], np.finfo(np.float64).tiny)
    squares, V = squares[keep], V[:, keep]
    return (F @ V / np.sqrt(squares), squares) if d <= n else (V, squares)


def precise_left_vectors(F: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute left singular vectors and squared singular values to double precision, whatever offset the features have.

    The Gram matrix finds the leading directions only; the rest is found from what they leave of the features.

    Parameters
    ----------
    F : ndarray of shape (n_samples, n_features)
        Features.

    Returns
    -------
    U : ndarray of shape (n_samples, k)
    squares : ndarray of shape (k,)
        Largest first.
    """
    # a power of two changes no digit and keeps the squares representable
    largest = float(np.abs(F).max())
    unit = 2.0 ** np.floor(np.log2(largest)) if largest > 0 else 1.0
    rest = F[:, F.any(axis=0)] / unit
    U, squares = np.zeros((len(F), 0)), np.zeros(0)
    while rest.shape[1] and U.shape[1] < min(F.shape):
        W, found = left_vectors(rest)
        found, W = found[found > RANGE * found.max(initial=0.0)], W[:, found > RANGE * found.max(initial=0.0)]
        if not len(found) or (len(squares) and found[0] <= ROUNDING * squares[0]):
            break
        W = W - U @ (U.T @ W)
        W = W / np.linalg.norm(W, axis=0)
        room = min(F.shape) - U.shape[1]
        U, squares = np.hstack([U, W[:, :room]]), np.append(squares, found[:room])
        rest = rest - W @ (W.T @ rest)
        if float((rest**2).sum()) <= ROUNDING * squares[0]:
            break
    return U, squares * unit**2


def one_hot(codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Encode the classes that occur, one column per class.

    Parameters
    ----------
    codes : ndarray of int, shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    Y = np.zeros((len(codes), codes.max() + 1))
    Y[np.arange(len(codes)), codes] = 1.0
    return Y[:, Y.any(axis=0)]
