"""Importance-weighted estimate: held-out source scores, weighted by the density ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded, finite

__all__ = ["effective_sample_size", "weighted_balanced_accuracy", "weighted_performance"]


def effective_sample_size(weights: Any) -> float:
    r"""Return the number of equally weighted samples with the same variance, :math:`(\sum w)^2 / \sum w^2`.

    Parameters
    ----------
    weights : array-like of shape (n_samples,)
        Not negative, not all zero.

    Returns
    -------
    float

    References
    ----------
    .. [1] L. Kish. Survey sampling. Wiley, 1965.

    Examples
    --------
    >>> from landbridge.performance import effective_sample_size
    >>> effective_sample_size([1, 1, 0, 0])
    2.0
    """
    w = finite(weights, "weights")
    return float(w.sum() ** 2 / max(float((w**2).sum()), 1e-300))


def weighted_performance(
    sample_scores: Any, weights: Any, *, n_target: int | None = None, least: float = 0.0, most: float = 1.0
) -> Measurement:
    r"""Estimate the mean score on the target by importance weighting.

    .. math:: \hat a = \frac{\sum_i w_i s_i}{\sum_i w_i}, \quad w_i = \frac{p_T(x_i)}{p_S(x_i)}

    Parameters
    ----------
    sample_scores : array-like of shape (n_source,)
        Score of each held-out source sample: 1 where the prediction was right, else 0; or another mean to be estimated.
    weights : array-like of shape (n_source,)
        Density ratio, target over source.
    n_target : int, optional
        Number of target samples, for the interval. If None, it is not limited by them.
    least, most : float, default=0.0, 1.0
        Range of the score.

    Returns
    -------
    Measurement
        ``"importance_weighted"`` with an interval of 90 % that widens as the effective sample size falls; that is in
        ``details``.

    Notes
    -----
    Right under covariate shift if the target lies within the support of the source and the density ratio is right.
    Time :math:`O(n)`.

    References
    ----------
    .. [1] H. Shimodaira. Improving predictive inference under covariate shift by weighting the log-likelihood
       function. Journal of Statistical Planning and Inference 90, 2000.
    .. [2] M. Sugiyama, M. Krauledat, K.-R. Müller. Covariate shift adaptation by importance weighted cross
       validation. JMLR 8, 2007.

    Examples
    --------
    >>> from landbridge.performance import weighted_performance
    >>> weighted_performance([1, 0], [3, 1]).value
    0.75
    """
    s, w = finite(sample_scores, "sample_scores"), finite(weights, "weights")
    value = float(np.average(s, weights=w))
    n = effective_sample_size(w)
    spread = max(float(np.average((s - value) ** 2, weights=w)), 0.01 * (most - least) ** 2 if most < np.inf else 0.0)
    variance = spread / n + (0.0 if n_target is None else spread / n_target)
    details = {"effective_sample_size": n}
    return bounded("importance_weighted", value, variance**0.5, least=least, most=most, details=details)


def weighted_balanced_accuracy(predicted: NDArray[Any], y: NDArray[Any], weights: Any) -> Measurement:
    """Estimate the balanced accuracy on the target by importance weighting: the mean of the weighted recalls.

    Parameters
    ----------
    predicted, y : ndarray of shape (n_source,)
        Held-out predictions and labels of source samples.
    weights : array-like of shape (n_source,)
        Density ratio, target over source.

    Returns
    -------
    Measurement
        ``"importance_weighted"`` with an interval of 90 %.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import weighted_balanced_accuracy
    >>> weighted_balanced_accuracy(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), [3, 1, 1, 1]).value
    0.875
    """
    w = finite(weights, "weights")
    recalls, variance = [], 0.0
    classes = np.unique(y)
    for c in classes:
        found = weighted_performance(predicted[y == c] == c, np.maximum(w[y == c], 1e-12))
        recalls.append(found.value)
        variance += found.details["error"] ** 2 / len(classes) ** 2
    details = {"effective_sample_size": effective_sample_size(w)}
    return bounded("importance_weighted", float(np.mean(recalls)), variance**0.5, details=details)
