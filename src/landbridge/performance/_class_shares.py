"""Estimate under label shift: the recall of each class on the source, weighted by the target's class shares."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.measurement import Measurement
from landbridge.numerics.label_shift import bbse_priors
from landbridge.performance._interval import bounded

__all__ = ["class_share_performance"]


def class_share_performance(predicted_source: Any, y_source: Any, predicted_target: Any) -> Measurement:
    r"""Estimate the accuracy on the target under label shift.

    .. math:: \hat a = \sum_c \hat\pi_T(c)\, P_S(\hat y = c \mid y = c)

    Parameters
    ----------
    predicted_source, y_source : array-like of shape (n_source,)
        Held-out predictions and labels of the source.
    predicted_target : array-like of shape (n_target,)

    Returns
    -------
    Measurement
        ``"class_shares"`` with an interval of 90 %, for sampling only; ``details`` has the shares.

    Notes
    -----
    Right under label shift. Time :math:`O(n \log n)`.

    References
    ----------
    .. [1] Z. Lipton, Y.-X. Wang, A. Smola. Detecting and correcting for label shift with black box predictors.
       ICML 2018.

    Examples
    --------
    >>> from landbridge.performance import class_share_performance
    >>> class_share_performance([0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]).value
    1.0
    """
    y, predicted, target = np.asarray(y_source), np.asarray(predicted_source), np.asarray(predicted_target)
    classes = np.unique(np.concatenate([y, predicted, target]))
    confusion = np.array([[((predicted == a) & (y == c)).sum() for c in classes] for a in classes], dtype=float)
    shares = bbse_priors(confusion, np.array([(target == a).mean() for a in classes]))
    totals = confusion.sum(axis=0)
    recalls = np.divide(np.diag(confusion), totals, out=np.zeros(len(classes)), where=totals > 0)
    value = float(shares @ recalls)
    spread = np.maximum(recalls * (1 - recalls), 0.01)
    # Each recall is known from its own samples, and each share as well as the target's size allows.
    variance = float((shares**2 * spread / np.maximum(totals, 1)).sum()) + float(shares @ spread) / len(target)
    details = {"shares": {str(c): float(s) for c, s in zip(classes.tolist(), shares, strict=True)}}
    return bounded("class_shares", value, variance**0.5, details=details)
