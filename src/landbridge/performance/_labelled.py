"""Plain estimate from labelled target samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.measurement import Measurement
from landbridge.performance._interval import Z90, finite

__all__ = ["labelled_performance", "wilson_interval"]


def labelled_performance(sample_scores: Any, *, binary: bool = True) -> Measurement:
    """Estimate the mean score on the target from labelled target samples that the model was not fitted on.

    Parameters
    ----------
    sample_scores : array-like of shape (n_labelled,)
        1 where the prediction was right, else 0; or another score of each sample.
    binary : bool, default=True
        Whether the scores are 0 and 1: then the interval is Wilson's, else Student's.

    Returns
    -------
    Measurement
        ``"labelled"`` with an interval of 90 %.

    Notes
    -----
    Unbiased if the labelled samples are drawn like the others. Time :math:`O(n)`.

    References
    ----------
    .. [1] L. D. Brown, T. T. Cai, A. DasGupta. Interval estimation for a binomial proportion. Statistical Science 16,
       2001.

    Examples
    --------
    >>> from landbridge.performance import labelled_performance
    >>> found = labelled_performance([1, 1, 1, 0])
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (0.75, 0.36, 0.94)
    """
    from scipy.special import stdtrit

    s = finite(sample_scores, "sample_scores")
    n, value = len(s), float(s.mean())
    if binary:
        low, high = wilson_interval(value, n)
        error = max(high - value, value - low) / Z90
    else:
        error = float(s.std(ddof=1)) / n**0.5 if n > 1 else float("inf")
        half = float(stdtrit(n - 1, 0.95)) * error if n > 1 else float("inf")
        low, high = value - half, value + half
    return Measurement("labelled", value, float(low), float(high), higher_is_better=True, details={"error": error})


def wilson_interval(share: float, n_samples: int) -> tuple[float, float]:
    """Return the interval of 90 % of a share of samples, which is never empty.

    Parameters
    ----------
    share : float
    n_samples : int

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> from landbridge.performance import wilson_interval
    >>> [round(end, 2) for end in wilson_interval(1.0, 10)]
    [0.79, 1.0]
    """
    c = Z90**2 / n_samples
    centre = (share + c / 2) / (1 + c)
    half = Z90 * (share * (1 - share) / n_samples + c / (4 * n_samples)) ** 0.5 / (1 + c)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def weighted_by_precision(one: Measurement, other: Measurement) -> tuple[float, float]:
    """Return the mean of two measurements by inverse variance, and its standard error.

    Parameters
    ----------
    one, other : Measurement
        With ``details["error"]``.

    Returns
    -------
    value, error : float
    """
    a, b = (1 / max(float(m.details["error"]), 1e-6) ** 2 for m in (one, other))
    return float((a * one.value + b * other.value) / (a + b)), float(np.sqrt(1 / (a + b)))
