"""Subsamples, folds, permutation tests and the bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr
from sklearn.utils import check_random_state

from landbridge.exceptions import InputError

__all__ = [
    "balanced_folds",
    "bootstrap_mean",
    "corrected_paired_test",
    "debiased_interval",
    "percentile_interval",
    "permutation_p_value",
    "random_generator",
    "subsample",
]


def random_generator(random_state: Any) -> np.random.RandomState:
    """Turn `random_state` into a random number generator that is never NumPy's global one.

    Parameters
    ----------
    random_state : int, RandomState or None
        If None, the generator is seeded by the operating system.

    Returns
    -------
    RandomState
        The given one, or a new one.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> from landbridge.numerics import random_generator
    >>> random_generator(0).randint(100), random_generator(0).randint(100)
    (44, 44)
    """
    if random_state is None:
        return np.random.RandomState()
    try:
        return check_random_state(random_state)
    except ValueError as error:
        raise InputError(
            f"random_state must be None, a RandomState or a whole number in [0, 2**32); got {random_state!r}."
        ) from error


def subsample(
    n: int, max_samples: int | None, rng: np.random.RandomState, strata: NDArray | None = None
) -> NDArray[np.intp]:
    """Draw at most `max_samples` of `n` sample indices without replacement, sorted.

    Parameters
    ----------
    n : int
        Number of samples.
    max_samples : int or None
        Number to draw. If None, all.
    rng : RandomState
        Random number generator; not advanced when all samples are kept.
    strata : ndarray of shape (n_samples,), optional
        Groups whose shares are kept, with at least one sample of each where `max_samples` allows.

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
    # The rank of a sample within its group, spread over (0, 1): taking the smallest keeps every share.
    by_group = np.argsort(group, kind="stable")
    rank = np.empty(n)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    within = np.arange(n) - starts
    rank[by_group] = np.where(within == 0, -1.0, (within + 0.5) / np.repeat(counts, counts))
    return np.sort(order[np.argsort(rank, kind="stable")[:max_samples]])


def balanced_folds(groups: NDArray, n_splits: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Assign samples to folds 0 ... n_splits - 1 at random, stratified by group; groups may be tiny.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        For example the class of each sample.
    n_splits : int
        Number of folds.
    rng : RandomState
        Random number generator.

    Returns
    -------
    ndarray of int, shape (n_samples,)

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
    """Compute the interval that holds the middle `level` of the values.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        For example bootstrap replicates.
    level : float, default=0.95
        Share of the values in the interval.

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
    """Compute the basic bootstrap interval of a distance, which cannot be negative and which resampling inflates.

    Parameters
    ----------
    value : float
        The distance of the original data.
    draws : ndarray of shape (n_bootstrap,)
        Replicates.
    level : float, default=0.95
        Share of the values in the interval.

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
    """Compute the share of the null at least as large as the observed value, which is counted in (never zero).

    Parameters
    ----------
    observed : float
        Statistic of the original data.
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
    """Draw bootstrap replicates of the mean without copying samples: only their counts are drawn.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n, k)
        One row per observation.
    n_bootstrap : int
        Replicates.
    rng : RandomState
        Random number generator.
    statistic : callable, optional
        Function of the (n_bootstrap, k) means.

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
    differences: NDArray[np.float64], test_ratio: float, level: float = 0.95
) -> tuple[float, float, float, float]:
    r"""Test whether one learner beats another over overlapping train/test splits (Nadeau-Bengio correction).

    Folds share training samples, so that the plain t-test is anticonservative. The variance of the mean over `k` splits
    is taken as :math:`(1/k + n_{test}/n_{train})\, s^2`.

    Parameters
    ----------
    differences : ndarray of shape (k,)
        Score of the one minus score of the other, per split.
    test_ratio : float
        Test samples divided by training samples of a split: 0.25 for five folds.
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
    spread = float(np.sqrt((1.0 / k + test_ratio) * np.var(differences, ddof=1)))
    if spread == 0.0:
        return mean, mean, mean, 0.5 if mean == 0 else float(mean < 0)
    reach = float(stdtrit(k - 1, (1 + level) / 2)) * spread
    return mean, mean - reach, mean + reach, float(1.0 - stdtr(k - 1, mean / spread))
