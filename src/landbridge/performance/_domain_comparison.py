"""What the single estimators need of the samples of both domains: few features, density ratio, distance, support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD

from landbridge.discrepancy._domain_classifier import balanced_error, cross_fitted_domain
from landbridge.measurement import Measurement
from landbridge.numerics.resampling import random_generator
from landbridge.performance._support import outside_support

__all__ = ["DomainComparison", "compare_domains"]

# Wider samples are reduced to so many principal components.
N_COMPONENTS = 50
# Larger ratios than this are mostly noise of the classifier they come from.
MAX_WEIGHT = 20.0


@dataclass(frozen=True, eq=False)
class DomainComparison:
    """Two domains side by side.

    Parameters
    ----------
    X_source, X_target : ndarray of shape (n_samples, n_features)
        Samples with few features.
    weights : ndarray of shape (n_source,)
        Density ratio, target over source.
    distance : float
        How well the domains can be separated: 0 not at all, 1 without error; half the proxy A-distance.
    outside_support : Measurement
        Share of target samples outside the support of the source.
    """

    X_source: NDArray[np.float64]
    X_target: NDArray[np.float64]
    weights: NDArray[np.float64]
    distance: float
    outside_support: Measurement


def compare_domains(X_source: Any, X_target: Any, *, random_state: int | None = None) -> DomainComparison:
    """Compare two sets of samples: density ratio and distance by a domain classifier, and support.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features, without missing values.
    random_state : int, optional
        Draws folds.

    Returns
    -------
    DomainComparison

    Notes
    -----
    Time :math:`O(n^2 d)`; give at most a few thousand samples.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import compare_domains
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = compare_domains(X, X + [5.0, 0.0], random_state=0)
    >>> found.distance > 0.9, found.outside_support.value > 0.9
    (True, True)
    """
    Xs, Xt = _few_features(X_source, X_target, random_state)
    rng = random_generator(random_state)
    p = cross_fitted_domain(Xs, Xt, rng, n_splits=3)
    odds = np.clip(p[: len(Xs)], 1e-12, 1 - 1e-12)
    weights = np.minimum(odds / (1 - odds), MAX_WEIGHT)
    distance = float(np.clip(1 - 2 * balanced_error(p, len(Xs)), 0.0, 1.0))
    support = outside_support(Xs, Xt, max_samples=None, random_state=random_state)
    return DomainComparison(Xs, Xt, weights, distance, support)


def _few_features(X_source: Any, X_target: Any, seed: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not sparse.issparse(X_source):
        X_source, X_target = (np.asarray(X, dtype=float).reshape(len(X), -1) for X in (X_source, X_target))
    if X_source.shape[1] <= N_COMPONENTS:
        dense = (X.toarray() if sparse.issparse(X) else X for X in (X_source, X_target))
        return tuple(np.asarray(X, dtype=float) for X in dense)  # type: ignore[return-value]
    # Components of both domains: what only the target varies in must not vanish.
    n = min(N_COMPONENTS, X_source.shape[0] + X_target.shape[0] - 1, X_source.shape[1] - 1)
    if sparse.issparse(X_source):
        model: Any = TruncatedSVD(n, random_state=seed).fit(sparse.vstack([X_source, X_target]))
    else:
        both = np.concatenate([X_source, X_target])
        scale = X_source.std(axis=0)
        scale[scale <= 1e-12 * np.maximum(np.abs(both).max(axis=0), 1e-300)] = 1.0
        X_source, X_target = X_source / scale, X_target / scale
        model = PCA(n, svd_solver="randomized", random_state=seed).fit(both / scale)
    return model.transform(X_source), model.transform(X_target)
