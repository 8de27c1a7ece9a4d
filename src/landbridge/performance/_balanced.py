"""Balanced accuracy from probabilities of being right and the confusions of the source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.performance._interval import bounded

__all__ = ["expected_balanced_accuracy"]


def expected_balanced_accuracy(
    name: str,
    p_correct: NDArray[np.float64],
    predicted_target: Any,
    predicted_source: Any,
    y_source: Any,
    *,
    n_effective: float | None = None,
) -> Measurement:
    """Estimate the balanced accuracy on the target from the probability that each prediction is right.

    A prediction that is wrong belongs to the other classes in the shares of the errors of that prediction on the
    source; the recall of a class is the expected number of right predictions over the expected number of its samples.

    Parameters
    ----------
    name : str
        Of the measurement.
    p_correct : ndarray of shape (n_target,)
        Probability that each prediction is right, from :func:`calibrated_confidence`.
    predicted_target : array-like of shape (n_target,)
    predicted_source, y_source : array-like of shape (n_source,)
        Held-out predictions and labels of the source.
    n_effective : float, optional
        Number of source samples behind `p_correct`. If None, that of the source.

    Returns
    -------
    Measurement
        With an interval of 90 %, for sampling only.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import expected_balanced_accuracy
    >>> y, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    >>> expected_balanced_accuracy("cbpe", np.array([1.0, 0.5, 0.5]), np.array([0, 1, 1]), predicted, y).value
    0.75
    """
    target, source, y = np.asarray(predicted_target), np.asarray(predicted_source), np.asarray(y_source)
    classes = np.unique(y)
    position = {c: i for i, c in enumerate(classes.tolist())}
    shares = np.array([(y == c).mean() for c in classes])
    expected = np.zeros((len(target), len(classes)))
    for c in np.unique(target).tolist():
        here = target == c
        errors = np.array([((source == c) & (y == k) & (y != c)).sum() for k in classes], dtype=float)
        # Classes that were never confused on the source are not ruled out.
        errors += shares * (classes != c)
        expected[here] = (1 - p_correct[here])[:, None] * errors / max(errors.sum(), 1e-12)
        if c in position:
            expected[here, position[c]] = p_correct[here]
    totals = expected.sum(axis=0)
    right = np.array([p_correct[target == c].sum() for c in classes])
    recalls = np.divide(right, totals, out=np.zeros(len(classes)), where=totals > 0)
    value = float(recalls.mean())
    spread = np.maximum(recalls * (1 - recalls), 0.01)
    n = len(y) if n_effective is None else n_effective
    variance = (spread / np.maximum(totals, 1) + spread / np.maximum(n * shares, 1)).sum() / len(classes) ** 2
    return bounded(name, value, float(variance) ** 0.5)
