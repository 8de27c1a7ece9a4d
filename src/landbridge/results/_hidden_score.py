"""Score of a candidate on hidden target labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement

__all__ = ["hidden_score"]

N_BOOTSTRAP = 500


def hidden_score(predicted: Any, hidden: NDArray[Any] | None, task: str) -> Measurement | None:
    """Compute the score on hidden target labels, with a bootstrap interval.

    Parameters
    ----------
    predicted : ndarray of shape (n_target,) or None
    hidden : ndarray of object, shape (n_target,), or None
        None where a label is not hidden.
    task : {"classification", "regression"}

    Returns
    -------
    Measurement or None
        Accuracy or R², with a 95 % interval.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results import hidden_score
    >>> hidden_score(np.array(["a", "b", "b"]), np.array(["a", "b", None], dtype=object), "classification").value
    1.0
    """
    if hidden is None or predicted is None:
        return None
    at = np.flatnonzero([v is not None for v in hidden])
    truth, given = np.array(hidden[at].tolist()), np.asarray(predicted)[at]
    draws = np.random.default_rng(0).integers(len(at), size=(N_BOOTSTRAP, len(at)))
    if task == "classification":
        right = (given == truth).astype(float)
        name, value, spread = "accuracy", float(right.mean()), right[draws].mean(axis=1)
    else:
        loss, variance = (given - truth) ** 2, max(float(np.var(truth)), 1e-12)
        name, value, spread = "R²", 1 - float(loss.mean()) / variance, 1 - loss[draws].mean(axis=1) / variance
    low, high = (float(v) for v in np.quantile(spread, [0.025, 0.975]))
    return Measurement(name, value, low=low, high=high, higher_is_better=True)
