"""Nearest-neighbour weights: count the target rows that fall into each source row's Voronoi cell."""

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
    """Count, for each source row, the target rows that are nearer to it than to any other source row.

    Equal source rows share their count.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source rows.
    Xt : ndarray of shape (n_target, n_features)
        Target rows.

    Returns
    -------
    ndarray of shape (n_source,)
        Counts, which sum to ``n_target``.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import voronoi_counts
    >>> voronoi_counts(np.array([[0.0], [1.0], [1.0]]), np.array([[0.1], [0.2], [3.0]])).tolist()
    [2.0, 0.5, 0.5]
    """
    # equal rows have equal sums, so where no two sums are alike there is nothing to merge
    sums = np.sort((Xs * np.linspace(1.0, 2.0, Xs.shape[1])).sum(axis=1))
    if (np.diff(sums) > 0).all():
        nearest = NearestNeighbors(n_neighbors=1).fit(Xs).kneighbors(Xt, return_distance=False)[:, 0]
        return np.bincount(nearest, minlength=len(Xs)).astype(np.float64)
    distinct, which, copies = np.unique(Xs, axis=0, return_inverse=True, return_counts=True)
    nearest = NearestNeighbors(n_neighbors=1).fit(distinct).kneighbors(Xt, return_distance=False)[:, 0]
    return (np.bincount(nearest, minlength=len(distinct)) / copies)[which.reshape(-1)]


class NearestNeighbourWeights(InstanceTransfer):
    """Weigh source rows by how many target rows have them for nearest neighbour.

    Parameters
    ----------
    estimator : estimator, optional
        Fitted on the weighted source; anything that takes ``sample_weight``. Logistic regression if left out.
    smoothing : float, default=1.0
        Added to every count (Laplace smoothing), so that no source row is lost. 0 is the plain estimate.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights, with mean one.
    estimator_ : estimator
        The fitted learner.

    Notes
    -----
    Helps under covariate shift in few columns; has nothing to tune and follows any shape of density. The weights are
    noisy, and in many columns a few rows are neighbours of everything. Scale the columns first.

    Time O((n_s + n_t) log n_s) in few columns, O(n_s n_t d) in many; memory O(n_s d).

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
        growth="time O((n_s + n_t) log n_s) in few columns, O(n_s n_t d) in many; memory O(n_s d)",
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
