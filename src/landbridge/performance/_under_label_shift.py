"""Estimate where label shift explains the difference of the domains: class by class, with the target's class shares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from landbridge.measurement import Measurement
from landbridge.performance._class_shares import class_share_performance
from landbridge.performance._interval import Z90
from landbridge.performance._predictions import Predictions

__all__ = ["performance_under_label_shift"]

# Standard deviation of what the assumption leaves out, as for the other estimates of a balanced accuracy.
UNSEEN = 0.037
# Share of the distance to the estimate without the assumption that counts as an error.
DOUBT = 0.25


def performance_under_label_shift(
    combined: Measurement, held_out: Predictions, target: Predictions, metric: str = "accuracy"
) -> Measurement:
    r"""Estimate the accuracy, or the balanced accuracy, on the target if P(x given y) is the same in both domains.

    The recall of each class on held-out source samples is that on the target; the accuracy weights it by the class
    shares of the target. Confidences that were calibrated on the source are of no use here: a model that corrects for
    other class shares is badly calibrated on the source.

    Parameters
    ----------
    combined : Measurement
        Estimate without the assumption; the further away it is, the wider is the interval.
    held_out : Predictions
        Of source samples, with labels.
    target : Predictions
    metric : {"accuracy", "balanced accuracy"}, default="accuracy"

    Returns
    -------
    Measurement
        Named as `combined`, with an interval of 90 %.

    Notes
    -----
    Time :math:`O(n \log n)`.

    References
    ----------
    .. [1] Z. Lipton, Y.-X. Wang, A. Smola. Detecting and correcting for label shift with black box predictors.
       ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.measurement import Measurement
    >>> from landbridge.performance import Predictions, performance_under_label_shift
    >>> y = np.repeat([0, 1], [90, 10])
    >>> held_out = Predictions(np.where(np.arange(100) % 10 == 0, 1 - y, y), np.full(100, 0.9), y)
    >>> target = Predictions(np.repeat([0, 1], 50), np.full(100, 0.9))
    >>> found = performance_under_label_shift(Measurement("combined", 0.8), held_out, target)
    >>> bool(0.7 < found.low < found.value < found.high <= 1.0)
    True
    """
    y, predicted = np.asarray(held_out.y), np.asarray(held_out.predicted)
    found = class_share_performance(predicted, y, np.asarray(target.predicted))
    value, error = found.value, float(found.details["error"])
    if metric == "balanced accuracy":
        classes, counts = np.unique(y, return_counts=True)
        recalls = np.array([np.mean(predicted[y == c] == c) for c in classes])
        value = float(recalls.mean())
        error = float(np.sqrt((np.maximum(recalls * (1 - recalls), 0.01) / counts).sum())) / len(classes)
    error = float(np.sqrt(error**2 + UNSEEN**2 + (DOUBT * (value - combined.value)) ** 2))
    low, high = max(value - Z90 * error, 0.0), min(value + Z90 * error, 1.0)
    return replace(combined, value=value, low=low, high=high, details={**combined.details, "error": error})
