"""Subsamples, folds, permutations and the bootstrap: how sure a number is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

__all__ = [
    "balanced_folds",
    "bootstrap_mean",
    "corrected_paired_test",
    "debiased_interval",
    "percentile_interval",
    "permutation_p_value",
    "subsample",
]


def subsample(
    n: int, max_samples: int | None, rng: np.random.RandomState, strata: NDArray | None = None
) -> NDArray[np.intp]:
    """Draw at most `max_samples` of `n` rows without replacement, in their old order.

    Parameters
    ----------
    n : int
        Rows there are.
    max_samples : int or None
        Rows to keep; None keeps all.
    rng : RandomState
        Source of randomness; untouched when all rows are kept.
    strata : ndarray of shape (n,), optional
        Keeps the shares of these groups, and at least one row of each where `max_samples` allows.

    Returns
    -------
    ndarray of int, sorted

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import subsample
    >>> subsample(5, None, np.random.RandomState(0)).tolist()
    [0, 1, 2, 3, 4]
    >>> len(subsample(1000, 10, np.random.RandomState(0)))
    10
    """
    if max_samples is None or n <= max_samples:
        return np.arange(n)
    if strata is None:
        return np.sort(rng.choice(n, max_samples, replace=False))
    order = rng.permutation(n)
    _, group, counts = np.unique(np.asarray(strata)[order], return_inverse=True, return_counts=True)
    # the rank of a row within its group, spread over (0, 1): taking the smallest keeps every share
    by_group = np.argsort(group, kind="stable")
    rank = np.empty(n)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    within = np.arange(n) - starts
    rank[by_group] = np.where(within == 0, -1.0, (within + 0.5) / np.repeat(counts, counts))
    return np.sort(order[np.argsort(rank, kind="stable")[:max_samples]])


def balanced_folds(groups: NDArray, n_splits: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Number the rows 0 ... n_splits - 1 at random so that each group is spread evenly; groups may be tiny.

    Parameters
    ----------
    groups : ndarray of shape (n,)
        For example the class of each row.
    n_splits : int
        How many folds.
    rng : RandomState
        Source of randomness.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import balanced_folds
    >>> folds = balanced_folds(np.array([0, 0, 0, 0, 1, 1]), 2, np.random.RandomState(0))
    >>> np.bincount(folds).tolist()
    [3, 3]
    """
    n = len(groups)
    order = rng.permutation(n)
    by_group = order[np.argsort(np.asarray(groups)[order], kind="stable")]
    folds = np.empty(n, dtype=np.intp)
    folds[by_group] = np.arange(n) % n_splits
    return folds


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Interval that holds the middle `level` of the values.

    Parameters
    ----------
    values : ndarray of shape (n,)
        For example bootstrap replicates.
    level : float, default=0.95
        Share to hold.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import percentile_interval
    >>> percentile_interval(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def debiased_interval(value: float, draws: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Basic bootstrap interval of a distance, which cannot be negative and which resampling inflates.

    Parameters
    ----------
    value : float
        The distance of the data as they are.
    draws : ndarray of shape (n_bootstrap,)
        Replicates.
    level : float, default=0.95
        Share to hold.

    Returns
    -------
    low, high : float
        The quantiles mirrored at the value, cut at zero, and widened to hold the value.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import debiased_interval
    >>> debiased_interval(1.0, np.array([0.5, 1.0, 1.5]), 1.0)
    (0.5, 1.5)
    """
    low, high = percentile_interval(draws, level)
    return float(min(max(2 * value - high, 0.0), value)), float(max(2 * value - low, value))


def permutation_p_value(observed: float, null: NDArray[np.float64]) -> float:
    """Share of the null at least as large as what was observed, the observation counted in (never zero).

    Parameters
    ----------
    observed : float
        Statistic of the data as they are.
    null : ndarray of shape (n_permutations,)
        Statistic under permutations.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import permutation_p_value
    >>> permutation_p_value(3.0, np.array([0.0, 1.0, 2.0]))
    0.25
    """
    # rounding must not break ties between the observation and a permutation that equals it
    slack = 1e-12 * max(abs(observed), float(np.abs(null).max(initial=0.0)))
    return float((1 + np.count_nonzero(null >= observed - slack)) / (1 + len(null)))


def bootstrap_mean(
    values: NDArray[np.float64],
    n_bootstrap: int,
    rng: np.random.RandomState,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> NDArray[np.float64]:
    """Bootstrap replicates of column means, without ever copying the rows: only the counts are drawn.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, k)
        One row an observation.
    n_bootstrap : int
        Replicates.
    rng : RandomState
        Source of randomness.
    statistic : callable, optional
        Turns the (n_bootstrap, k) means into what is wanted.

    Returns
    -------
    ndarray of shape (n_bootstrap,) or (n_bootstrap, k)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import bootstrap_mean
    >>> bootstrap_mean(np.ones(5), 3, np.random.RandomState(0)).tolist()
    [1.0, 1.0, 1.0]
    """
    counts = rng.multinomial(len(values), np.full(len(values), 1.0 / len(values)), size=n_bootstrap)
    means = counts @ values / len(values)
    return means if statistic is None else statistic(means)


def corrected_paired_test(
    differences: NDArray[np.float64], test_share: float, level: float = 0.95
) -> tuple[float, float, float, float]:
    r"""Test whether one learner beats another over overlapping train/test splits (Nadeau-Bengio correction).

    Folds share training rows, so that the plain t-test is far too sure. The variance of the mean over `k` splits is
    taken as :math:`(1/k + n_{test}/n_{train})\, s^2`.

    Parameters
    ----------
    differences : ndarray of shape (k,)
        Score of the one minus score of the other, one a split.
    test_share : float
        Test rows divided by training rows of a split: 0.25 for five folds.
    level : float, default=0.95
        Of the interval.

    Returns
    -------
    mean, low, high : float
        The mean difference and its interval.
    p_value : float
        One-sided: the chance of such a mean or a larger one if there were no difference.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import corrected_paired_test
    >>> mean, low, high, p = corrected_paired_test(np.array([0.1, 0.12, 0.09, 0.11, 0.1]), 0.25)
    >>> round(mean, 3), low > 0, p < 0.01
    (0.104, True, True)
    """
    from scipy.special import stdtrit

    k = len(differences)
    mean = float(np.mean(differences))
    if k < 2:
        return mean, -np.inf, np.inf, 0.5
    spread = float(np.sqrt((1.0 / k + test_share) * np.var(differences, ddof=1)))
    if spread == 0.0:
        return mean, mean, mean, 0.5 if mean == 0 else float(mean < 0)
    reach = float(stdtrit(k - 1, (1 + level) / 2)) * spread
    return mean, mean - reach, mean + reach, float(1.0 - stdtr(k - 1, mean / spread))
