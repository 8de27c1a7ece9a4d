"""What hidden labels, which nobody learnt from, say of a candidate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.guard._trial import Trial
from landbridge.measurement import Measurement

__all__ = ["hidden_quality"]


def hidden_quality(trial: Trial, hidden: NDArray[Any] | None, task: str) -> Measurement | None:
    """Quality on the hidden labels, with a bootstrap interval.

    Parameters
    ----------
    trial : Trial
    hidden : ndarray of object or None
        None where a label is not hidden.
    task : {"classification", "regression"}

    Returns
    -------
    Measurement or None
    """
    if hidden is None or trial.predicted is None:
        return None
    rows = np.flatnonzero([v is not None for v in hidden])
    truth, predicted = np.array(hidden[rows].tolist()), trial.predicted[rows]
    draws = np.random.default_rng(0).integers(len(rows), size=(500, len(rows)))
    if task == "classification":
        right = (predicted == truth).astype(float)
        value, spread = float(right.mean()), right[draws].mean(axis=1)
        name = "accuracy"
    else:
        loss = (predicted - truth) ** 2
        variance = max(float(np.var(truth)), 1e-12)
        value, spread = 1 - float(loss.mean()) / variance, 1 - loss[draws].mean(axis=1) / variance
        name = "R²"
    low, high = (float(v) for v in np.quantile(spread, [0.025, 0.975]))
    return Measurement(name, value, low=low, high=high, higher_is_better=True)
