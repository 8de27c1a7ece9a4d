"""Multicalibrated confidence: calibrated on source samples that are weighted to represent the target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from landbridge.measurement import Measurement
from landbridge.performance._cbpe import calibrated_confidence, mean_of_probabilities
from landbridge.performance._importance_weighted import effective_sample_size

__all__ = ["multicalibrated_cbpe"]


def multicalibrated_cbpe(
    confidence_source: Any, correct_source: Any, confidence_target: Any, weights: Any
) -> Measurement:
    r"""Estimate the accuracy on the target by confidence that is calibrated for the target (PAPE, M-CBPE).

    As :func:`cbpe`, with the calibration fitted on source samples weighted by the density ratio, so that it holds
    where the target has its samples.

    Parameters
    ----------
    confidence_source : array-like of shape (n_source,)
        Probability of the predicted class, for samples that the model was not fitted on.
    correct_source : array-like of shape (n_source,)
        1 where the prediction was right, else 0.
    confidence_target : array-like of shape (n_target,)
    weights : array-like of shape (n_source,)
        Density ratio, target over source.

    Returns
    -------
    Measurement
        ``"multicalibrated_cbpe"`` with an interval of 90 %; ``details`` has the effective sample size.

    Notes
    -----
    Right under covariate shift, as far as the density ratio is right. Time :math:`O(n \log n)`.

    References
    ----------
    .. [1] J. Białek, J. Kivimäki, W. Kuberski, N. Perrakis. Estimating model performance under covariate shift
       without labels. arXiv:2401.08348, 2024.

    Examples
    --------
    >>> from landbridge.performance import multicalibrated_cbpe
    >>> round(multicalibrated_cbpe([0.6, 0.6, 0.9, 0.9], [0, 1, 1, 1], [0.6, 0.6], [3, 1, 1, 1]).value, 4)
    0.25
    """
    p = calibrated_confidence(confidence_source, correct_source, confidence_target, weights=weights)
    n = effective_sample_size(weights)
    found = mean_of_probabilities("multicalibrated_cbpe", p, n)
    return replace(found, details={**found.details, "effective_sample_size": n})
