"""From the estimate of one model to that of another, by the samples for which they differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.measurement import Measurement
from landbridge.performance._interval import Z90

__all__ = ["revised_performance"]

# Standard deviation of a share of right predictions that may be all of them or none.
UNKNOWN = 0.5


def revised_performance(base: Measurement, p_correct: Any, predicted: Any, other: Any, confidence: Any) -> Measurement:
    """Estimate the accuracy of a model that cannot be fitted again, from that of another.

    Where both predict the same, both are as often right. Where they differ, the model is right as often as the mean of
    its own confidence and of the most that the other model leaves, :math:`1 - p`.

    Parameters
    ----------
    base : Measurement
        Estimate of the other model, with ``details["error"]``.
    p_correct : array-like of shape (n_target,)
        Probability that each prediction of the other model is right.
    predicted, other : array-like of shape (n_target,)
        Predictions of the model and of the other model.
    confidence : array-like of shape (n_target,)
        Confidence of the model.

    Returns
    -------
    Measurement
        ``"revised"``; the interval widens with the share of samples for which the models differ.

    Examples
    --------
    >>> from landbridge.measurement import Measurement
    >>> from landbridge.performance import revised_performance
    >>> base = Measurement("combined", 0.6, 0.5, 0.7, details={"error": 0.06})
    >>> round(revised_performance(base, [0.6, 0.6], [0, 1], [0, 0], [0.8, 0.8]).value, 6)
    0.6
    """
    p, own = np.asarray(p_correct, dtype=float), np.asarray(confidence, dtype=float)
    differ = np.asarray(predicted) != np.asarray(other)
    change = np.where(differ, (own + 1 - p) / 2 - p, 0.0).mean()
    share = float(differ.mean())
    value = float(np.clip(base.value + change, 0.0, 1.0))
    assert base.low is not None and base.high is not None
    added = UNKNOWN * share
    below, above = (float(np.hypot(half, Z90 * added)) for half in (base.value - base.low, base.high - base.value))
    details = {**base.details, "error": float(np.hypot(base.details["error"], added)), "differ": share}
    return Measurement(
        "revised", value, max(value - below, 0.0), min(value + above, 1.0), higher_is_better=True, details=details
    )
