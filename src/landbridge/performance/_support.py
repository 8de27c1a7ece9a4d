"""Share of target samples outside the support of the source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from landbridge.discrepancy._samples import two_samples
from landbridge.measurement import Measurement
from landbridge.numerics.resampling import random_generator
from landbridge.performance._interval import bounded

__all__ = ["outside_support"]

N_NEIGHBORS, QUANTILE = 5, 0.95


def outside_support(
    X_source: Any,
    X_target: Any,
    *,
    n_neighbors: int = N_NEIGHBORS,
    quantile: float = QUANTILE,
    max_samples: int | None = 2000,
    random_state: Any = None,
) -> Measurement:
    """Measure the share of target samples that lie where the source has no samples.

    A target sample is outside if its mean distance to the nearest source samples exceeds a quantile of the same
    distance of the source's own samples, each without itself. Features are scaled by the source.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features.
    n_neighbors : int, default=5
        Number of nearest source samples.
    quantile : float, default=0.95
        Of the distances within the source.
    max_samples : int or None, default=2000
        Larger domains are reduced to this many samples each.
    random_state : int, RandomState or None, default=None
        Draws the samples.

    Returns
    -------
    Measurement
        ``"outside_support"`` from 0 to 1, with an interval of 90 %; without shift it is ``1 - quantile``, the null.

    Raises
    ------
    InputError
        If a set holds NaN or too few samples, or the numbers of features differ.

    Notes
    -----
    Estimates from the source hold inside its support at best. Time :math:`O(n^2 d)`, memory :math:`O(n d)`.

    References
    ----------
    .. [1] E. M. Knorr, R. T. Ng. Algorithms for mining distance-based outliers in large datasets. VLDB 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import outside_support
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> outside_support(X, X[:50] + 9.0).value, outside_support(X, rng.normal(size=(200, 2))).value < 0.15
    (1.0, True)
    """
    Xs, Xt = two_samples(X_source, X_target, max_samples, random_generator(random_state), min_samples=3)
    scale = Xs.std(axis=0)
    scale[scale <= 1e-12 * np.maximum(np.abs(Xs).max(axis=0), 1e-300)] = 1.0
    k = min(n_neighbors, len(Xs) - 1)
    index = NearestNeighbors(n_neighbors=k).fit(Xs / scale)
    own = _mean_distance(index.kneighbors()[0])
    other = _mean_distance(index.kneighbors(Xt / scale)[0])
    # Equal samples have rounding errors for distances.
    limit = float(np.quantile(own, quantile))
    value = float((other > limit * (1 + 1e-9) + 1e-9).mean())
    error = (max(value * (1 - value), 0.01) / len(Xt)) ** 0.5
    found = bounded("outside_support", value, error, details={"limit": limit, "n_samples": [len(Xs), len(Xt)]})
    return Measurement(found.name, value, found.low, found.high, 1 - quantile, None, False, found.details)


def _mean_distance(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(distances.mean(axis=1))
