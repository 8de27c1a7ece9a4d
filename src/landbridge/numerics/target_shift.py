"""Target shift: class shares, and one scale and offset per feature, under which a labelled source looks like a target.

Both domains are compared by the means of random Fourier features, some of all features, some of the directions that
separate the classes, some of the leading principal directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.resampling import random_generator

__all__ = ["ClassShareModel", "ShareGap", "share_starts", "simplex_least_squares", "weighted_moments"]

Array = NDArray[np.float64]

# Frequencies: of all features, of the directions that separate the classes, of the principal directions.
N_FREQUENCIES = (60, 40, 40)
N_PRINCIPAL = 5
# Added to the noise covariance of the feature means, in units of its mean eigenvalue. Less follows the noise of small
# samples, more approaches the plain distance of the means.
RIDGE = 3.0
# No class share is taken to be smaller: a class of no samples has no distribution to compare.
LEAST_SHARE = 1e-3


def simplex_least_squares(A: Array, b: Array) -> Array:
    r"""Minimise :math:`\lVert A \pi - b \rVert` over class shares: :math:`\pi \ge 0`, :math:`\sum \pi = 1`.

    Parameters
    ----------
    A : ndarray of shape (n_equations, n_classes)
    b : ndarray of shape (n_equations,)

    Returns
    -------
    ndarray of shape (n_classes,)

    Notes
    -----
    Non-negative least squares with a heavy equation for the sum. Time O(n_equations n_classes²) per step of an active
    set method, which needs about as many steps as there are classes.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import simplex_least_squares
    >>> simplex_least_squares(np.eye(3), np.array([0.5, 0.7, -0.4])).round(3).tolist()
    [0.4, 0.6, 0.0]
    """
    size = max(float(np.abs(A).max()), float(np.abs(b).max()), np.finfo(float).tiny)
    shares, _ = nnls(np.vstack([A / size, np.full(A.shape[1], 1e4)]), np.append(b / size, 1e4))
    return shares / shares.sum()


def weighted_moments(X: Array, weights: Array | None = None) -> tuple[Array, Array]:
    """Compute mean and standard deviation of each feature under sample weights; 1 where a feature does not vary.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,), optional
        Non-negative. If None, all samples count alike.

    Returns
    -------
    mean, scale : ndarray of shape (n_features,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import weighted_moments
    >>> mean, scale = weighted_moments(np.array([[0.0], [4.0]]), np.array([3.0, 1.0]))
    >>> mean.tolist(), scale.round(3).tolist()
    ([1.0], [1.732])
    """
    mean = np.average(X, axis=0, weights=weights)
    scale = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    return mean, np.where(scale > 1e-9 * np.maximum(np.abs(X).max(axis=0), 1e-300), scale, 1.0)


@dataclass(frozen=True)
class ShareGap:
    """Distance between the target and the source weighted to class shares.

    Parameters
    ----------
    shares : ndarray of shape (n_classes,)
    gap : ndarray of shape (n_components,)
        Difference of the feature means, in the metric of the model.
    slopes : ndarray of shape (n_classes, n_components)
        Change of `gap` per unit of each class share.
    draw : callable
        Returns the resamples of the noise of `gap`, and the expected squared length of that noise. Both are computed
        when they are first asked for, since a descent asks only for the distance.
    """

    shares: Array
    gap: Array
    slopes: Array
    draw: Callable[[], tuple[Array, float]] = field(repr=False)

    @cached_property
    def _noise(self) -> tuple[Array, float]:
        return self.draw()

    @property
    def noise(self) -> Array:
        """Return resamples of the noise of `gap`, shape (n_bootstrap, n_components)."""
        return self._noise[0]

    @property
    def bias(self) -> float:
        """Return the expected squared length of the noise."""
        return self._noise[1]

    @property
    def distance(self) -> float:
        """Return the squared length of the gap."""
        return float(self.gap @ self.gap)

    @property
    def unbiased(self) -> float:
        """Return the squared length of the gap less that of its noise."""
        return self.distance - self.bias

    def variations(self) -> Array:
        """Compute resamples of the error of `unbiased`.

        Returns
        -------
        ndarray of shape (n_bootstrap,)
        """
        return 2 * self.noise @ self.gap + (self.noise**2).sum(axis=1) - self.bias

    def null(self, *, fitted: bool) -> Array:
        """Compute resamples of `distance` under the hypothesis that the target is the source with these shares.

        Parameters
        ----------
        fitted : bool
            Whether the shares were fitted, which removes the part of the noise that other shares explain.

        Returns
        -------
        ndarray of shape (n_bootstrap,)
        """
        noise = self.noise
        if fitted:
            along = self.slopes - self.shares @ self.slopes
            _, sizes, basis = np.linalg.svd(along, full_matrices=False)
            basis = basis[sizes > 1e-9 * max(float(sizes.max()), 1e-300)][: len(self.shares) - 1]
            noise = noise - (noise @ basis.T) @ basis
        return (noise**2).sum(axis=1)


class ClassShareModel:
    r"""Distance of an unlabelled target from a labelled source, as a function of the class shares.

    For shares :math:`\pi` the source samples of class c are weighted by :math:`\pi_c / n_c`. If `mapped`, both domains
    are then standardised, the source by its weighted moments, which is the best scale and offset per feature for these
    shares. The distance is that of the means of random Fourier features, in the metric of their noise covariance plus a
    ridge. The noise follows from influence functions, that of the moments included, so that no sample is drawn again.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    codes : ndarray of int, shape (n_source,)
        Their classes, numbered from 0, none without samples.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    mapped : bool, default=True
        Whether each feature may have another scale and offset in the target.
    n_bootstrap : int, default=0
        Number of resamples of the noise.
    random_state : int, RandomState or None, default=None
        Draws the frequencies and the noise.

    Attributes
    ----------
    source_shares : ndarray of shape (n_classes,)

    Notes
    -----
    Time O(n (d + n_bootstrap + k) k) per vector of shares for n samples of both domains and k = 280 features.

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.
    .. [2] A. Rahimi, B. Recht. Random features for large-scale kernel machines. NIPS 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import ClassShareModel
    >>> rng = np.random.default_rng(0)
    >>> y, y_target = np.repeat([0, 1], [200, 200]), np.repeat([0, 1], [80, 320])
    >>> X, X_target = (rng.normal(np.c_[4.0 * c, 2.0 * c]) for c in (y, y_target))
    >>> ClassShareModel(X, y, 3.0 * X_target - 7.0, random_state=0).best().shares.round(1).tolist()
    [0.2, 0.8]
    """

    def __init__(
        self,
        Xs: Array,
        codes: NDArray[np.intp],
        Xt: Array,
        *,
        mapped: bool = True,
        n_bootstrap: int = 0,
        random_state: Any = None,
    ) -> None:
        rng = random_generator(random_state)
        self.mapped, self._codes = mapped, codes
        self._counts = np.bincount(codes)
        self.source_shares = self._counts / len(codes)
        mean, scale = weighted_moments(Xs)
        # a feature that does not vary has no scale to be matched
        varies = (Xs.std(axis=0) > 1e-9 * np.abs(Xs).max(axis=0)) & (
            (Xt.std(axis=0) > 1e-9 * np.abs(Xt).max(axis=0)) | (not mapped)
        )
        self._Xs, Xt = ((X[:, varies] - mean[varies]) / scale[varies] for X in (Xs, Xt))
        if mapped and varies.any():
            centre, spread = weighted_moments(Xt)
            Xt = (Xt - centre) / spread
        self._frequencies = _draw_frequencies(self._Xs, codes, rng)
        self._source_noise = rng.normal(size=(len(Xs), n_bootstrap))
        self._target_mean, influence = self._means(Xt, np.full(len(Xt), 1 / len(Xt)))
        influence /= len(Xt)
        self._target_noise = influence.T @ rng.normal(size=(len(Xt), n_bootstrap))
        covariance = influence.T @ influence
        parts = self._source_parts(self.source_shares)[2]
        covariance = covariance + parts.T @ parts
        values, vectors = np.linalg.eigh(covariance)
        values = np.maximum(values, 0.0)
        self._metric = vectors / np.sqrt(np.maximum(values + RIDGE * values.mean(), np.finfo(float).tiny))
        self._target_bias = float(((covariance - parts.T @ parts) @ self._metric * self._metric).sum())

    def evaluate(self, shares: Array) -> ShareGap:
        """Compare the target with the source weighted to class shares.

        Parameters
        ----------
        shares : ndarray of shape (n_classes,)
            Positive, with the sum one.

        Returns
        -------
        ShareGap
        """
        mean, slopes, parts = self._source_parts(shares)

        def draw() -> tuple[Array, float]:
            noise = (parts.T @ self._source_noise - self._target_noise).T @ self._metric
            if noise.shape[0]:
                return noise, float((noise**2).sum(axis=1).mean())
            return noise, self._target_bias + float(((parts @ self._metric) ** 2).sum())

        return ShareGap(shares, (mean - self._target_mean) @ self._metric, slopes @ self._metric, draw)

    def descend(self, start: Array, *, max_iter: int = 30, tol: float = 1e-3) -> ShareGap:
        """Minimise the distance over class shares by Gauss-Newton steps from a start.

        Parameters
        ----------
        start : ndarray of shape (n_classes,)
        max_iter : int, default=30
        tol : float, default=1e-3
            Stop when no share changes by more.

        Returns
        -------
        ShareGap
        """
        here = self.evaluate(_inside(start))
        for _ in range(max_iter):
            goal = simplex_least_squares(here.slopes.T, here.shares @ here.slopes - here.gap)
            step = 1.0
            while step > 1e-3:
                there = self.evaluate(_inside(here.shares + step * (goal - here.shares)))
                if there.distance < here.distance:
                    break
                step /= 2
            else:
                return here
            change, here = float(np.abs(there.shares - here.shares).max()), there
            if change <= tol:
                break
        return here

    def best(self, starts: Sequence[Array] | None = None) -> ShareGap:
        """Minimise the distance over class shares from several starts; ends are compared without the bias of noise.

        Parameters
        ----------
        starts : sequence of ndarray of shape (n_classes,), optional
            If None, :func:`share_starts`, of which those near the source's shares come first.

        Returns
        -------
        ShareGap
        """
        starts = share_starts(self.source_shares) if starts is None else starts
        if len(self.source_shares) == 2:
            # evaluations are cheap: descend from the best only
            starts = [min(starts, key=lambda s: self.evaluate(s).unbiased)]
        ends = [self.descend(s) for s in starts]
        return min(ends, key=lambda e: e.unbiased)

    def _source_parts(self, shares: Array) -> tuple[Array, Array, Array]:
        """Return the weighted mean of the features, its slope by class, and each sample's part in its noise."""
        weights = (shares / self._counts)[self._codes]
        if not self.mapped:
            features, class_means = self._unmapped
            mean = shares @ class_means
            return mean, class_means - mean, (features - class_means[self._codes]) * weights[:, None]
        centre, spread = weighted_moments(self._Xs, weights)
        mean, influence = self._means((self._Xs - centre) / spread, weights)
        slopes = self._averages @ influence
        influence -= slopes[self._codes]
        influence *= weights[:, None]
        return mean, slopes, influence

    @cached_property
    def _averages(self) -> Array:
        """Average over the samples of each class, as a matrix of shape (n_classes, n_source)."""
        return (self._codes == np.arange(len(self._counts))[:, None]) / self._counts[:, None]

    @cached_property
    def _unmapped(self) -> tuple[Array, Array]:
        """Fourier features of the source samples as they are, and their means by class."""
        angles = self._Xs @ self._frequencies
        features = np.hstack([np.cos(angles), np.sin(angles)])
        return features, self._averages @ features

    def _means(self, Z: Array, weights: Array) -> tuple[Array, Array]:
        """Return the weighted mean of the Fourier features, and the influence of every sample on it."""
        W = self._frequencies
        angles = Z @ W
        cos, sin = np.cos(angles), np.sin(angles)
        features = np.hstack([cos, sin])
        mean = weights @ features
        features -= mean
        if self.mapped:
            # a sample also moves the mean and the variance by which all are standardised
            ZW = Z * weights[:, None]
            features -= Z @ np.hstack([-W * (weights @ sin), W * (weights @ cos)])
            features -= ((Z**2 - 1) / 2) @ np.hstack([-W * (ZW.T @ sin), W * (ZW.T @ cos)])
        return mean, features


def share_starts(source_shares: Array) -> list[Array]:
    """List class shares from which a descent may begin: for two classes a grid, else the corners and the middle.

    Parameters
    ----------
    source_shares : ndarray of shape (n_classes,)

    Returns
    -------
    list of ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import share_starts
    >>> len(share_starts(np.array([0.5, 0.5]))), len(share_starts(np.full(4, 0.25)))
    (16, 6)
    """
    k = len(source_shares)
    if k == 2:
        grid = np.concatenate([[0.02, 0.05], np.linspace(0.1, 0.9, 12), [0.95, 0.98]])
        return [np.array([1 - q, q]) for q in grid]
    even = np.full(k, 1 / k)
    # with many classes the commonest ones stand for all
    corners = [0.3 * source_shares + 0.7 * np.eye(k)[c] for c in np.argsort(-source_shares, kind="stable")[:8]]
    return [source_shares, even, *corners]


def _inside(shares: Array) -> Array:
    shares = np.maximum(shares, LEAST_SHARE)
    return shares / shares.sum()


def _draw_frequencies(X: Array, codes: NDArray[np.intp], rng: np.random.RandomState) -> Array:
    """Draw the frequencies of Fourier features for samples on the scale of the source, shape (n_features, k)."""
    d = X.shape[1]
    if d == 0:
        return np.zeros((0, sum(N_FREQUENCIES)))
    spread = np.sqrt(2 * median_gamma(X, n_sample=300, random_state=rng))
    sizes = N_FREQUENCIES
    parts = [rng.normal(size=(d, sizes[0])) * spread * rng.choice([1.0, 2.0], sizes[0])]
    _, values, axes = np.linalg.svd(X if len(X) <= 2000 else X[rng.permutation(len(X))[:2000]], full_matrices=False)
    for directions, width, size in (
        (_discriminants(X, codes), np.array([0.7, 1.5, 3.0]), sizes[1]),
        (axes[values > 1e-6 * values[0]][:N_PRINCIPAL].T, np.array([0.7, 1.4]), sizes[2]),
    ):
        directions = directions / np.maximum((X @ directions).std(axis=0), 1e-12)
        k = directions.shape[1]
        parts.append(directions @ (rng.normal(size=(k, size)) * rng.choice(width, size) / np.sqrt(k)))
    return np.hstack(parts)


def _discriminants(X: Array, codes: NDArray[np.intp]) -> Array:
    """Return an orthogonal basis of the directions that separate the class means (shrunken linear discriminants)."""
    means = np.stack([X[codes == c].mean(axis=0) for c in range(codes.max() + 1)])
    within = X - means[codes]
    C = within.T @ within / len(X)
    C = 0.9 * C + (0.1 * np.trace(C) / len(C) + 1e-12) * np.eye(len(C))
    between = np.linalg.solve(C, (means - means.mean(axis=0)).T)
    U, sizes, _ = np.linalg.svd(between, full_matrices=False)
    keep = sizes > 1e-9 * max(float(sizes[0]), 1e-300)
    return U[:, keep] if keep.any() else np.eye(len(C))[:, :1]
