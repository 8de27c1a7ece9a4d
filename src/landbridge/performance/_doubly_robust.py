"""Doubly robust estimate: a model of the score on the target, corrected by weighted source samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.measurement import Measurement
from landbridge.performance._importance_weighted import effective_sample_size
from landbridge.performance._interval import bounded, finite

__all__ = ["doubly_robust_performance"]


def doubly_robust_performance(
    sample_scores: Any,
    expected_source: Any,
    expected_target: Any,
    weights: Any,
    *,
    least: float = 0.0,
    most: float = 1.0,
) -> Measurement:
    r"""Estimate the mean score on the target by a model of the score and by importance weighting, both at once.

    .. math:: \hat a = \frac1m \sum_{x \in T} q(x) + \frac{\sum_{i \in S} w_i (s_i - q(x_i))}{\sum_i w_i}

    Parameters
    ----------
    sample_scores : array-like of shape (n_source,)
        Score of each held-out source sample.
    expected_source, expected_target : array-like of shape (n_source,) and (n_target,)
        Scores that a model of them expects, :math:`q(x)`; held out for the source.
    weights : array-like of shape (n_source,)
        Density ratio, target over source.
    least, most : float, default=0.0, 1.0
        Range of the score.

    Returns
    -------
    Measurement
        ``"doubly_robust"`` with an interval of 90 %.

    Notes
    -----
    Right under covariate shift if the model of the score *or* the density ratio is right. Time :math:`O(n)`.

    References
    ----------
    .. [1] S. Reddi, B. Póczos, A. Smola. Doubly robust covariate shift correction. AAAI 2015.
    .. [2] M. Dudík, J. Langford, L. Li. Doubly robust policy evaluation and learning. ICML 2011.

    Examples
    --------
    >>> from landbridge.performance import doubly_robust_performance
    >>> doubly_robust_performance([1, 0], [0.5, 0.5], [0.5, 0.5], [3, 1]).value
    0.75
    """
    s, w = finite(sample_scores, "sample_scores"), finite(weights, "weights")
    q_source, q_target = finite(expected_source, "expected_source"), finite(expected_target, "expected_target")
    rest = s - q_source
    correction = float(np.average(rest, weights=w))
    value = float(q_target.mean()) + correction
    spread = float(np.average((rest - correction) ** 2, weights=w))
    n = effective_sample_size(w)
    variance = spread / n + (float(np.var(q_target)) + spread) / len(q_target)
    details = {"effective_sample_size": n}
    return bounded("doubly_robust", value, variance**0.5, least=least, most=most, details=details)
