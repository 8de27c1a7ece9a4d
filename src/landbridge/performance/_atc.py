"""Average thresholded confidence: the share of target samples above a threshold that is set on the source."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded, finite

__all__ = ["average_thresholded_confidence"]


def average_thresholded_confidence(confidence_source: Any, correct_source: Any, confidence_target: Any) -> Measurement:
    r"""Estimate the accuracy on the target by average thresholded confidence (ATC).

    .. math:: \hat a = P_T(s(x) > t), \quad t: \; P_S(s(x) > t) = a_S

    Parameters
    ----------
    confidence_source : array-like of shape (n_source,)
        Probability of the predicted class, for samples that the model was not fitted on.
    correct_source : array-like of shape (n_source,)
        1 where the prediction was right, else 0.
    confidence_target : array-like of shape (n_target,)

    Returns
    -------
    Measurement
        ``"average_thresholded_confidence"`` with an interval of 90 %, for sampling only; ``details`` has the threshold.

    Notes
    -----
    Samples exactly at the threshold count in the share in which they do in the source. Time :math:`O(n \log n)`.

    References
    ----------
    .. [1] S. Garg, S. Balakrishnan, Z. Lipton, B. Neyshabur, H. Sedghi. Leveraging unlabeled data to predict
       out-of-distribution performance. ICLR 2022.

    Examples
    --------
    >>> from landbridge.performance import average_thresholded_confidence
    >>> average_thresholded_confidence([0.5, 0.7, 0.8, 0.9], [0, 1, 1, 1], [0.5, 0.6, 0.8, 0.9]).value
    0.5
    """
    source, target = finite(confidence_source, "confidence_source"), finite(confidence_target, "confidence_target")
    accuracy = float(finite(correct_source, "correct_source").mean())
    ordered = np.sort(source)[::-1]
    n_above = round(accuracy * len(source))
    threshold = ordered[n_above - 1] if n_above else np.inf
    above, at = float((source > threshold).mean()), float((source == threshold).mean())
    share = 0.0 if at == 0 else min(max((accuracy - above) / at, 0.0), 1.0)
    value = float((target > threshold).mean() + share * (target == threshold).mean())
    spread = max(value * (1 - value), 0.01)
    error = (spread / len(target) + spread / len(source)) ** 0.5
    details = {"threshold": float(threshold)} if n_above else {}
    return bounded("average_thresholded_confidence", value, error, details=details)
