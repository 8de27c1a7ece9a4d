"""Nearest-neighbour weights: count the target samples in the Voronoi cell of each source sample."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import InstanceTransfer, TransferTags

__all__ = ["NearestNeighbourWeights", "voronoi_counts"]


def voronoi_counts(Xs: NDArray[np.float64], Xt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count, for each source sample, the target samples that are nearer to it than to any other source sample.

    Identical source samples share their count.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.

    Returns
    -------
    counts : ndarray of shape (n_source,)
        Counts, which sum to ``n_target``.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import voronoi_counts
    >>> voronoi_counts(np.array([[0.0], [1.0], [1.0]]), np.array([[0.1], [0.2], [3.0]])).tolist()
    [2.0, 0.5, 0.5]
    """
    # identical samples have identical sums: distinct sums mean distinct samples
    sums = np.sort((Xs * np.linspace(1.0, 2.0, Xs.shape[1])).sum(axis=1))
    if (np.diff(sums) > 0).all():
        nearest = NearestNeighbors(n_neighbors=1).fit(Xs).kneighbors(Xt, return_distance=False)[:, 0]
        return np.bincount(nearest, minlength=len(Xs)).astype(np.float64)
    distinct, which, copies = np.unique(Xs, axis=0, return_inverse=True, return_counts=True)
    nearest = NearestNeighbors(n_neighbors=1).fit(distinct).kneighbors(Xt, return_distance=False)[:, 0]
    return (np.bincount(nearest, minlength=len(distinct)) / copies)[which.reshape(-1)]


class NearestNeighbourWeights(InstanceTransfer):
    """Reweight source samples by the number of target samples of which they are the nearest neighbour.

    Parameters
    ----------
    estimator : estimator, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    smoothing : float, default=1.0
        Added to every count (Laplace smoothing), so that every source sample keeps some weight. 0 is the unsmoothed
        estimate, skada's default.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : estimator
        Fitted base learner.

    Notes
    -----
    Helps under covariate shift with few features; has no parameter to tune and assumes no form of the density. The
    weights are noisy, and with many features a few samples are neighbours of most others. Scale the features first.

    Time O((n_s + n_t) log n_s) for few features, O(n_s n_t d) for many; memory O(n_s d).

    References
    ----------
    .. [1] M. Loog. Nearest neighbor-based importance weighting. IEEE International Workshop on Machine Learning for
       Signal Processing 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import NearestNeighbourWeights
    >>> X, y, X_target = [[0.0], [1.0], [2.0]], [0, 0, 1], [[0.1], [0.2], [0.0]]
    >>> NearestNeighbourWeights().fit(X, y, X_target=X_target).source_weights_.tolist()
    [2.0, 0.5, 0.5]
    """

    transfer_tags = TransferTags(
        family="instance",
        shifts=frozenset({"covariate"}),
        growth="time O((n_s + n_t) log n_s) for few features, O(n_s n_t d) for many; memory O(n_s d)",
        reference="Loog: Nearest neighbor-based importance weighting. MLSP 2012",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "smoothing": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, estimator: Any = None, *, smoothing: float = 1.0) -> None:
        self.estimator = estimator
        self.smoothing = smoothing

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        return voronoi_counts(Xs, Xt) + self.smoothing
