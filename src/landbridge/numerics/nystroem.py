"""Nystroem features: low-rank kernel approximation from landmark samples, and how these are chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from landbridge.numerics.kernels import draw_rows, kernel_diagonal, resolve_gamma, row_blocks, with_squares
from landbridge.numerics.kernels import kernel as _kernel
from landbridge.numerics.resampling import random_generator

__all__ = ["NystroemMap", "landmark_rows", "nystroem_features"]


def landmark_rows(
    X: Any,
    n_landmarks: int,
    *,
    method: str = "pivoted",
    kernel: str = "rbf",
    gamma: float | None = None,
    degree: int = 3,
    coef0: float = 1.0,
    n_sample: int = 10_000,
    tol: float = 1e-10,
    random_state: Any = None,
) -> NDArray[np.intp]:
    """Choose landmark samples whose kernel columns span the kernel matrix well.

    ``"pivoted"`` is a partial Cholesky factorisation that draws each pivot with probability proportional to the
    residual diagonal; it stops early once that vanishes. ``"uniform"`` draws samples at random.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    n_landmarks : int
        Largest number of landmarks.
    method : {"pivoted", "uniform"}, default="pivoted"
    kernel, gamma, degree, coef0
        As in :func:`kernel`.
    n_sample : int, default=10_000
        The pivots come from a random subsample of this size, which bounds time and memory.
    tol : float, default=1e-10
        Stop once the largest entry of the residual diagonal is below ``tol`` times the largest diagonal entry.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    ndarray of int, shape (n_chosen,)
        Sample indices, in order of choice.

    References
    ----------
    .. [1] Y. Chen, E. N. Epperly, J. A. Tropp, R. J. Webber. Randomly pivoted Cholesky: practical approximation of a
       kernel matrix with few entry evaluations. Communications on Pure and Applied Mathematics, 2025.
    """
    rng = random_generator(random_state)
    n = X.shape[0]
    if method == "uniform":
        return np.arange(n) if n <= n_landmarks else draw_rows(rng, n, n_landmarks)
    pool = np.arange(n) if n <= n_sample else np.sort(draw_rows(rng, n, n_sample))
    Z = X[pool]
    how: dict[str, Any] = {"kernel": kernel, "gamma": resolve_gamma(X, None, kernel, gamma)}
    how |= {"degree": degree, "coef0": coef0}
    rest = kernel_diagonal(Z, **how)
    floor = tol * max(float(rest.max()), np.finfo(float).tiny)
    # by columns, since every step reads all of those before
    F = np.zeros((len(pool), min(n_landmarks, len(pool))), order="F")
    column_of = _columns_of(Z, how)
    chosen: list[int] = []
    for k in range(F.shape[1]):
        rest[rest < floor] = 0.0
        total = float(rest.sum())
        if total <= 0.0:
            break
        pivot = min(int(np.searchsorted(np.cumsum(rest), rng.uniform() * total, side="right")), len(pool) - 1)
        if rest[pivot] <= 0.0:
            pivot = int(np.argmax(rest))
        column = column_of(pivot) - F[:, :k] @ F[pivot, :k]
        F[:, k] = column / np.sqrt(max(column[pivot], np.finfo(float).tiny))
        rest -= F[:, k] ** 2
        np.maximum(rest, 0.0, out=rest)
        rest[pivot] = 0.0
        chosen.append(pivot)
    return pool[np.array(chosen, dtype=np.intp)] if chosen else pool[:1]


class NystroemMap:
    r"""Features whose inner products approximate a kernel, from a set of landmark samples.

    .. math:: \phi(x) = k(x, L) \, U S^{-1/2}, \qquad k(L, L) = U S U^\top

    Directions with an eigenvalue below ``tol`` times the largest are dropped. With every sample as landmark the kernel
    is reproduced exactly.

    Parameters
    ----------
    landmarks : ndarray or sparse matrix of shape (n_landmarks, n_features)
    kernel, gamma, degree, coef0
        As in :func:`kernel`.
    rank : int, optional
        Keep at most this number of directions.
    tol : float, default=1e-12
        Relative size of the smallest eigenvalue kept.

    Attributes
    ----------
    n_features : int
    whitening : ndarray of shape (n_landmarks, n_features)
    """

    def __init__(
        self,
        landmarks: Any,
        *,
        kernel: str = "rbf",
        gamma: float | None = None,
        degree: int = 3,
        coef0: float = 1.0,
        rank: int | None = None,
        tol: float = 1e-12,
    ) -> None:
        self.gamma = resolve_gamma(landmarks, None, kernel, gamma)
        self.landmarks = landmarks
        self._how: dict[str, Any] = {"kernel": kernel, "gamma": self.gamma, "degree": degree, "coef0": coef0}
        values, vectors = linalg.eigh(_kernel(landmarks, landmarks, **self._how))
        keep = np.flatnonzero(values > tol * max(float(values[-1]), np.finfo(float).tiny))[::-1][:rank]
        if len(keep) == 0:
            keep = np.array([len(values) - 1])
        scale = np.sqrt(np.maximum(values[keep], np.finfo(float).tiny))
        self.whitening = vectors[:, keep] / scale
        self.n_features = len(keep)

    def __call__(self, X: Any, *, dtype: Any = np.float64) -> NDArray[Any]:
        """Compute the features of samples.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
        dtype : dtype, default=float64
            Of the result; float32 halves its memory.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        out = np.empty((X.shape[0], self.n_features), dtype=dtype)
        for rows in row_blocks(X.shape[0], self.landmarks.shape[0]):
            out[rows] = _kernel(X[rows], self.landmarks, **self._how) @ self.whitening
        return out

    def mean(self, X: Any) -> NDArray[np.float64]:
        """Compute the mean feature vector in one pass that stores no features.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_features,)
        """
        total = np.zeros(self.landmarks.shape[0])
        for rows in row_blocks(X.shape[0], self.landmarks.shape[0]):
            total += _kernel(X[rows], self.landmarks, **self._how).sum(axis=0)
        return total @ self.whitening / X.shape[0]


def nystroem_features(
    X: Any,
    landmarks: Any,
    *,
    kernel: str = "rbf",
    gamma: float | None = None,
    degree: int = 3,
    coef0: float = 1.0,
    rank: int | None = None,
) -> NDArray[np.float64]:
    """Compute features whose inner products approximate a kernel; :class:`NystroemMap` in one call.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    landmarks : ndarray or sparse matrix of shape (n_landmarks, n_features)
        Landmark samples, for example ``X[landmark_rows(X, 100)]``.
    kernel, gamma, degree, coef0
        As in :func:`kernel`; if `gamma` is None, it is set from the landmarks.
    rank : int, optional
        Keep at most this number of directions.

    Returns
    -------
    ndarray of shape (n_samples, n_components)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import kernel, nystroem_features
    >>> X = np.random.default_rng(0).normal(size=(30, 2))
    >>> F = nystroem_features(X, X, gamma=1.0)
    >>> np.allclose(F @ F.T, kernel(X, gamma=1.0))
    True
    """
    how: dict[str, Any] = {"kernel": kernel, "gamma": gamma, "degree": degree, "coef0": coef0}
    return NystroemMap(landmarks, **how, rank=rank)(X)


def _columns_of(Z: Any, how: dict[str, Any]) -> Callable[[int], NDArray[np.float64]]:
    if how["kernel"] != "rbf" or sparse.issparse(Z):
        return lambda i: _kernel(Z, Z[[i]], **how)[:, 0]
    left, right = (with_squares(Z, how["gamma"], np.float64, right=r) for r in (False, True))  # norms are found once
    return lambda i: np.exp(np.minimum(left @ right[i], 0.0))
