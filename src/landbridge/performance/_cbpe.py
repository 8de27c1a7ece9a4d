"""Confidence-based performance estimation: calibrated confidence, averaged over the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded, finite

__all__ = ["calibrated_confidence", "cbpe"]


def calibrated_confidence(
    confidence_source: Any, correct_source: Any, confidence_target: Any, *, weights: Any = None
) -> NDArray[np.float64]:
    """Calibrate the confidence of a classifier on held-out source samples, and apply it to target samples.

    Parameters
    ----------
    confidence_source : array-like of shape (n_source,)
        Probability of the predicted class, for samples that the model was not fitted on.
    correct_source : array-like of shape (n_source,)
        1 where the prediction was right, else 0.
    confidence_target : array-like of shape (n_target,)
    weights : array-like of shape (n_source,), optional
        Weight of each source sample. If None, all count alike.

    Returns
    -------
    ndarray of shape (n_target,)
        Probability that each prediction is right: isotonic regression on the confidence.

    Examples
    --------
    >>> from landbridge.performance import calibrated_confidence
    >>> calibrated_confidence([0.6, 0.6, 0.9, 0.9], [0, 1, 1, 1], [0.6, 0.9]).tolist()
    [0.5, 1.0]
    """
    source, correct = finite(confidence_source, "confidence_source"), finite(correct_source, "correct_source")
    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(source, correct, sample_weight=weights)
    return np.asarray(model.predict(finite(confidence_target, "confidence_target")))


def cbpe(confidence_source: Any, correct_source: Any, confidence_target: Any) -> Measurement:
    r"""Estimate the accuracy on the target by calibrated confidence (CBPE).

    .. math:: \hat a = \frac1m \sum_{x \in T} c(s(x)), \quad c(s) = P_S(\text{right} \mid \text{confidence } s)

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
        ``"cbpe"`` with an interval of 90 %, for sampling only.

    Raises
    ------
    InputError
        If an argument is no vector of finite numbers.

    Notes
    -----
    Right where P(right given confidence) is the same in both domains. Time :math:`O(n \log n)`.

    References
    ----------
    .. [1] J. Kivimäki, J. Białek, W. Kuberski, J. K. Nurminen. Performance estimation in binary classification using
       calibrated confidence. arXiv:2505.05295, 2025.

    Examples
    --------
    >>> from landbridge.performance import cbpe
    >>> cbpe([0.6, 0.6, 0.9, 0.9], [0, 1, 1, 1], [0.6, 0.6, 0.6, 0.9]).value
    0.625
    """
    p = calibrated_confidence(confidence_source, correct_source, confidence_target)
    return mean_of_probabilities("cbpe", p, len(np.asarray(correct_source)))


def mean_of_probabilities(name: str, p: NDArray[np.float64], n_effective: float) -> Measurement:
    """Return the mean of probabilities of being right, with the error of the outcomes and of the calibration.

    Parameters
    ----------
    name : str
    p : ndarray of shape (n_target,)
    n_effective : float
        Number of samples behind the calibration.

    Returns
    -------
    Measurement
    """
    value = float(p.mean())
    variance = float((p * (1 - p)).sum()) / len(p) ** 2 + max(value * (1 - value), 0.01) / max(n_effective, 1.0)
    return bounded(name, value, variance**0.5)
