"""Direct estimate: a model of each sample's score, fitted on held-out source scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded, finite

__all__ = ["direct_performance", "expected_scores"]

N_TREES, MIN_SAMPLES_LEAF = 20, 5


def expected_scores(
    X_source: NDArray[np.float64],
    sample_scores: Any,
    X_target: NDArray[np.float64],
    *,
    random_state: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a random forest that expects the score of a sample, and return what it expects.

    Parameters
    ----------
    X_source : ndarray of shape (n_source, n_features)
        Samples, with the model's prediction and confidence among the features where there are.
    sample_scores : array-like of shape (n_source,)
        Score of each held-out source sample: 1 or 0, or a squared error.
    X_target : ndarray of shape (n_target, n_features)
    random_state : int, optional
        Seeds the forest.

    Returns
    -------
    on_source : ndarray of shape (n_source,)
        Out of bag.
    on_target : ndarray of shape (n_target,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import expected_scores
    >>> X = np.arange(100.0)[:, None]
    >>> source, target = expected_scores(X, X[:, 0] < 50, X[:20], random_state=0)
    >>> float(target.mean()) > 0.9
    True
    """
    s = finite(sample_scores, "sample_scores")
    forest = RandomForestRegressor(
        N_TREES, min_samples_leaf=MIN_SAMPLES_LEAF, max_features=0.5, random_state=random_state, bootstrap=True
    ).fit(X_source, s)
    # Out-of-bag means by hand: scikit-learn warns about samples that were in every bag.
    total, count = np.zeros(len(s)), np.zeros(len(s))
    for tree, bag in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.ones(len(s), dtype=bool)
        out[bag] = False
        if out.any():
            total[out] += tree.predict(X_source[out])
            count[out] += 1
    on_source = np.divide(total, count, out=np.full(len(s), float(s.mean())), where=count > 0)
    return on_source, np.asarray(forest.predict(X_target))


def direct_performance(
    sample_scores: Any, expected_source: Any, expected_target: Any, *, least: float = 0.0, most: float = 1.0
) -> Measurement:
    r"""Estimate the mean score on the target by the mean of the expected scores (direct loss estimation).

    Parameters
    ----------
    sample_scores : array-like of shape (n_source,)
        Score of each held-out source sample.
    expected_source, expected_target : array-like of shape (n_source,) and (n_target,)
        From :func:`expected_scores`, or any model of the score.
    least, most : float, default=0.0, 1.0
        Range of the score.

    Returns
    -------
    Measurement
        ``"direct"`` with an interval of 90 %, for sampling only.

    Notes
    -----
    Right under covariate shift, as far as the model of the score is right on the target. Time :math:`O(n)`.

    References
    ----------
    .. [1] B. Elder, M. Arnold, A. Murthi, J. Navratil. Learning prediction intervals for model performance. AAAI 2021.
    .. [2] J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman. Distribution-free predictive inference for
       regression. JASA 113, 2018.

    Examples
    --------
    >>> from landbridge.performance import direct_performance
    >>> direct_performance([1, 0], [0.5, 0.5], [0.25, 0.75]).value
    0.5
    """
    s, q = finite(sample_scores, "sample_scores"), finite(expected_target, "expected_target")
    rest = s - finite(expected_source, "expected_source")
    spread = float((rest**2).mean())
    error = (spread / len(s) + (float(np.var(q)) + spread) / len(q)) ** 0.5
    return bounded("direct", float(q.mean()), error, least=least, most=most)
