"""The corrected resampled t-test: compare two models on overlapping splits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from landbridge.measurement import Measurement

__all__ = ["corrected_gain"]


def corrected_gain(
    differences: ArrayLike, test_fraction: float, *, confidence: float = 0.95, name: str = "gain"
) -> Measurement:
    r"""Test the mean of paired differences over resampled splits, with the variance correction of [1]_.

    Training sets of different splits overlap, so the naive variance is too small; the corrected one is

    .. math:: \hat\sigma^2 \left(\frac{1}{k} + \frac{n_{test}}{n_{train}}\right).

    Parameters
    ----------
    differences : array-like of shape (n_splits,)
        Score of one model minus that of the other, for each split.
    test_fraction : float
        Share of the samples held out in each split, in (0, 1).
    confidence : float, default=0.95
        Of the two-sided interval.
    name : str, default="gain"
        Name of the measurement.

    Returns
    -------
    Measurement
        ``p_value`` is one-sided, and None for a single split.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.

    Examples
    --------
    >>> from landbridge.guard import corrected_gain
    >>> m = corrected_gain([0.1, 0.12, 0.08, 0.1, 0.11], test_fraction=0.2)
    >>> m.low > 0, m.p_value < 0.01
    (True, True)
    """
    d = np.asarray(differences, dtype=float)
    k = len(d)
    mean = float(d.mean())
    if k < 2:
        return Measurement(name, mean, null=0.0, higher_is_better=True)
    variance = float(d.var(ddof=1)) * (1.0 / k + test_fraction / (1.0 - test_fraction))
    if variance <= 1e-18:
        p = 0.0 if mean > 0 else 1.0
        return Measurement(name, mean, low=mean, high=mean, null=0.0, p_value=p, higher_is_better=True)
    error = float(np.sqrt(variance))
    reach = float(stdtrit(k - 1, 0.5 + confidence / 2)) * error
    p = float(stdtr(k - 1, -mean / error))
    return Measurement(name, mean, low=mean - reach, high=mean + reach, null=0.0, p_value=p, higher_is_better=True)
