"""Difference of confidences: the accuracy changes as much as the mean confidence does."""

from __future__ import annotations

from typing import Any

from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded, finite

__all__ = ["difference_of_confidences"]


def difference_of_confidences(confidence_source: Any, correct_source: Any, confidence_target: Any) -> Measurement:
    r"""Estimate the accuracy on the target by the difference of confidences (DoC).

    .. math:: \hat a = a_S + \bar s_T - \bar s_S

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
        ``"difference_of_confidences"`` with an interval of 90 %, for sampling only.

    Notes
    -----
    Without the regression over many known shifts of the paper: a slope of one. Time :math:`O(n)`.

    References
    ----------
    .. [1] D. Guillory, V. Shankar, S. Ebrahimi, T. Darrell, L. Schmidt. Predicting with confidence on unseen
       distributions. ICCV 2021.

    Examples
    --------
    >>> from landbridge.performance import difference_of_confidences
    >>> round(difference_of_confidences([0.7, 0.9], [1, 0], [0.7, 0.7]).value, 3)
    0.4
    """
    source, target = finite(confidence_source, "confidence_source"), finite(confidence_target, "confidence_target")
    accuracy = float(finite(correct_source, "correct_source").mean())
    value = accuracy + float(target.mean()) - float(source.mean())
    spread = max(accuracy * (1 - accuracy), 0.01)
    error = (spread / len(source) + spread / len(target)) ** 0.5
    return bounded("difference_of_confidences", value, error)
