"""Subsamples, folds, bootstrap and tests."""

import numpy as np
import pytest
from scipy import stats

from landbridge.exceptions import InputError
from landbridge.numerics.resampling import (
    balanced_folds,
    bootstrap_mean,
    corrected_paired_test,
    debiased_interval,
    percentile_interval,
    permutation_p_value,
    random_generator,
    subsample,
)


def rng(seed=0):
    return np.random.RandomState(seed)


def test_subsample_is_sorted_distinct_and_keeps_all_when_few():
    rows = subsample(1000, 100, rng())
    assert len(rows) == 100 and (np.diff(rows) > 0).all()
    assert subsample(7, 10, rng()).tolist() == list(range(7))


def test_subsample_keeps_shares_and_the_rarest_group():
    strata = np.repeat(["a", "b", "c"], [7000, 2995, 5])
    counts = {g: int((strata[subsample(10_000, 100, rng(s), strata)] == g).sum()) for s in range(3) for g in "abc"}
    assert counts["c"] >= 1 and abs(counts["a"] - 70) <= 2 and abs(counts["b"] - 29) <= 2
    picks = [tuple(subsample(10_000, 100, rng(s), strata)) for s in (0, 0, 1)]
    assert picks[0] == picks[1] != picks[2]


def test_folds_spread_every_group():
    groups = np.repeat([0, 1, 2], [50, 7, 1])
    folds = balanced_folds(groups, 5, rng())
    assert set(folds) == set(range(5)) and np.ptp(np.bincount(folds)) <= 1
    for g in (0, 1, 2):
        assert np.ptp(np.bincount(folds[groups == g], minlength=5)) <= 1


def test_permutation_p_value_counts_ties_and_never_is_zero():
    assert permutation_p_value(1.0, np.array([1.0, 1.0, 0.0])) == 0.75
    assert permutation_p_value(9.0, np.zeros(99)) == 0.01


def test_bootstrap_mean_is_the_mean_of_resampled_rows():
    values = rng(1).normal(size=(200, 2))
    draws = bootstrap_mean(values, 4000, rng(2))
    assert draws.shape == (4000, 2)
    assert draws.std(axis=0) == pytest.approx(values.std(axis=0) / np.sqrt(200), rel=0.05)
    assert bootstrap_mean(values[:, 0], 5, rng(3), statistic=np.exp).shape == (5,)


def test_intervals():
    assert percentile_interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    low, high = debiased_interval(1.0, np.array([1.5, 2.5]), 1.0)
    assert low == 0.0 and high == 1.0  # inflated draws pull the interval below the value, which it must still hold


def test_corrected_test_is_the_t_test_without_overlap_and_wider_with_it():
    differences = rng(4).normal(0.3, 1.0, size=10)
    mean, low, high, p = corrected_paired_test(differences, 0.0)
    plain = stats.ttest_1samp(differences, 0.0, alternative="greater")
    assert p == pytest.approx(plain.pvalue) and mean == pytest.approx(differences.mean())
    ends = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((ends.low, ends.high))
    _, low2, high2, p2 = corrected_paired_test(differences, 0.25)
    assert (high2 - low2) / (high - low) == pytest.approx(np.sqrt((0.1 + 0.25) / 0.1))
    assert abs(p2 - 0.5) < abs(p - 0.5)
    assert corrected_paired_test(np.zeros(5), 0.25) == (0.0, 0.0, 0.0, 0.5)
    assert corrected_paired_test(np.array([0.2]), 0.25)[3] == 0.5


@pytest.mark.parametrize("bad", [-1, 2**32, "one"])
def test_a_seed_that_cannot_be_used_is_named(bad):
    with pytest.raises(InputError, match=r"random_state must be .* got"):
        random_generator(bad)
