"""Base of the methods that change each feature by a scale and an offset, for all classes or per class."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from landbridge._sample_weight import fit_weighted
from landbridge._sklearn_compat import _fit_context
from landbridge.feature._delegate import DelegatingTransfer
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.resampling import random_generator, subsample
from landbridge.numerics.target_shift import simplex_least_squares, weighted_moments

__all__ = ["ClassMaps", "LocationScaleTransfer", "class_location_scale"]

N_FREQUENCIES = 100
# No class loses all its weight while the maps are fitted.
LEAST_SHARE = 1e-3


class ClassMaps(NamedTuple):
    """Scale and offset per class and feature, and class shares.

    Parameters
    ----------
    shares : ndarray of shape (n_classes,)
    scales, offsets : ndarray of shape (n_classes, n_features) or None
        On standardised features; None if the classes have no maps of their own.
    n_iter : int
        Number of iterations.
    """

    shares: NDArray[np.float64]
    scales: NDArray[np.float64] | None = None
    offsets: NDArray[np.float64] | None = None
    n_iter: int = 1


def class_location_scale(
    Xs: NDArray[np.float64],
    codes: NDArray[np.intp],
    Xt: NDArray[np.float64],
    shares: NDArray[np.float64],
    *,
    alpha: float = 0.01,
    fit_shares: bool = False,
    max_iter: int = 100,
    random_state: Any = None,
) -> ClassMaps:
    r"""Fit one scale and one offset per class and feature that bring the source near the target, section 4 of [1]_.

    .. math:: \min_{W, B, \pi} \Bigl\lVert \sum_c \pi_c \, \hat\mu\{w_c \circ x + b_c : y = c\} - \hat\mu^T
              \Bigr\rVert^2 + \alpha \sum_c \pi_c \bigl(\lVert w_c - 1 \rVert^2 + \lVert b_c \rVert^2\bigr)

    with mean embeddings in random Fourier features of a Gaussian kernel. Maps and shares are fitted in turn.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples, on a common scale with the target such as that of :class:`DomainScaler`.
    codes : ndarray of int, shape (n_source,)
        Their classes, numbered from 0.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    shares : ndarray of shape (n_classes,)
        Class shares of the target.
    alpha : float, default=0.01
        Weight of the L2 penalty on the departure from no change.
    fit_shares : bool, default=False
        Whether `shares` are only a start.
    max_iter : int, default=100
        Largest number of iterations in all.
    random_state : int, RandomState or None, default=None
        Draws the frequencies.

    Returns
    -------
    ClassMaps

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import class_location_scale
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 300)
    >>> X, X_target = rng.normal(6.0 * y)[:, None], rng.normal(6.0 * y + 0.8 * (y == 1))[:, None]
    >>> found = class_location_scale(X, y, X_target, np.array([0.5, 0.5]), alpha=1e-4, random_state=0)
    >>> bool(found.offsets[0, 0] < 0.3 < found.offsets[1, 0])
    True
    """
    rng = random_generator(random_state)
    k, d = len(shares), Xs.shape[1]
    W = rng.normal(size=(d, N_FREQUENCIES)) * np.sqrt(2 * median_gamma(Xs, Xt, random_state=rng))
    goal = _features(Xt @ W).mean(axis=0)
    groups = [Xs[codes == c] for c in range(k)]
    maps = np.concatenate([np.ones((1, k, d)), np.zeros((1, k, d))])

    def objective(v: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scales, offsets = v.reshape(2, k, d)
        angles = [(X * scales[c] + offsets[c]) @ W for c, X in enumerate(groups)]
        gap = sum(shares[c] * _features(a).mean(axis=0) for c, a in enumerate(angles)) - goal
        to_cos, to_sin = gap[:N_FREQUENCIES], gap[N_FREQUENCIES:]
        grad = np.empty((2, k, d))
        for c, (X, a) in enumerate(zip(groups, angles, strict=True)):
            slope = (np.cos(a) * to_sin - np.sin(a) * to_cos) @ W.T * (2 * shares[c] / len(X) / np.sqrt(N_FREQUENCIES))
            grad[0, c] = (slope * X).sum(axis=0) + 2 * alpha * shares[c] * (scales[c] - 1)
            grad[1, c] = slope.sum(axis=0) + 2 * alpha * shares[c] * offsets[c]
        penalty = shares @ (((scales - 1) ** 2).sum(axis=1) + (offsets**2).sum(axis=1))
        return float(gap @ gap + alpha * penalty), grad.ravel()

    rounds, n_iter = 5 if fit_shares else 1, 0
    for _ in range(rounds):
        options = {"maxiter": max(max_iter // rounds, 1)}
        found = minimize(objective, maps.ravel(), jac=True, method="L-BFGS-B", options=options)
        maps, n_iter = found.x.reshape(2, k, d), n_iter + int(found.nit)
        if fit_shares:
            means = [_features((X * maps[0, c] + maps[1, c]) @ W).mean(axis=0) for c, X in enumerate(groups)]
            shares = np.maximum(simplex_least_squares(np.stack(means, axis=1), goal), LEAST_SHARE)
            shares = shares / shares.sum()
    return ClassMaps(shares, maps[0], maps[1], max(n_iter, 1))


def _features(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([np.cos(angles), np.sin(angles)]) / np.sqrt(N_FREQUENCIES)


class LocationScaleTransfer(DelegatingTransfer):
    """Base class: map target samples to the scale of the source, and fit on reweighted source samples.

    Subclasses implement ``_solve``, which returns the class shares of the target and the maps of the classes.
    """

    max_samples: int | None
    random_state: Any

    def _solve(self, Xs: Any, codes: Any, Xt: Any, rng: Any) -> ClassMaps:
        raise NotImplementedError

    def _reweights(self, shares: NDArray[np.float64]) -> bool:
        """Return whether the estimator is fitted on a source that is weighted to these class shares."""
        return True

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit the class shares and the maps, then the estimator on the source samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Not used.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = random_generator(self.random_state)
        _, codes = np.unique(read.ys, return_inverse=True)
        counts = np.bincount(codes)
        self.source_priors_ = counts / len(codes)
        rows = subsample(len(codes), self.max_samples, rng, codes)
        if len(np.unique(codes[rows])) < len(counts):  # more classes than samples to look at
            rows = np.arange(len(codes))
        drawn = subsample(len(read.Xt), self.max_samples, rng)
        found = self._solve(read.Xs[rows], codes[rows], read.Xt[drawn], rng)
        weights = (found.shares / counts)[codes]
        self.target_priors_, self.n_iter_ = found.shares, found.n_iter
        self.source_center_, self.source_scale_ = weighted_moments(read.Xs, weights)
        self.target_center_, self.target_scale_ = weighted_moments(read.Xt)
        Z = read.Xs
        if found.scales is not None and found.offsets is not None:
            Z = (Z - self.source_center_) / self.source_scale_ * found.scales[codes] + found.offsets[codes]
            Z = Z * self.source_scale_ + self.source_center_
        weights = weights if self._reweights(found.shares) else np.ones(len(codes))
        self.source_weights_ = weights * (len(weights) / weights.sum())
        self.estimator_ = fit_weighted(self._base(), Z, read.ys, self.source_weights_)
        return self

    def _query(self, X: Any) -> Any:
        return (X - self.target_center_) / self.target_scale_ * self.source_scale_ + self.source_center_
