"""Groups: whole groups in folds, resamples and permutations."""

import numpy as np
import pytest

from landbridge.numerics.grouping import (
    common_codes,
    fold_of_groups,
    permute_groups,
    resample_counts,
    resample_groups,
    shuffle_groups,
)

GROUPS = np.repeat(np.arange(12), [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("strata", [None, GROUPS % 2])
def test_no_group_is_in_two_folds(strata):
    folds = fold_of_groups(GROUPS, 4, np.random.RandomState(0), strata)
    assert set(folds.tolist()) == {0, 1, 2, 3}
    assert all(len(set(folds[g == GROUPS].tolist())) == 1 for g in range(12))


def test_a_single_group_is_one_fold():
    assert fold_of_groups([3, 3, 3], 2, np.random.RandomState(0)).tolist() == [0, 0, 0]


def test_equal_names_are_one_group_in_both_domains():
    a, b = common_codes([np.array([1, 1, 2]), np.array(["2", "3"])], [3, 2])
    assert a.tolist() == [0, 0, 1] and b.tolist() == [1, 2]
    assert common_codes([None, None], [3, 2]) is None
    a, b = common_codes([None, ["x", "x"]], [2, 2])
    assert len({*a.tolist(), *b.tolist()}) == 3 and a[0] != a[1] and b[0] == b[1]


def test_resamples_hold_whole_groups():
    for drawn in resample_groups(GROUPS, 50, np.random.default_rng(0)):
        counts = np.bincount(drawn[drawn >= 0], minlength=len(GROUPS))
        assert all(len(set(counts[g == GROUPS].tolist())) == 1 for g in range(12))
        assert sum(counts[g == GROUPS][0] for g in range(12)) == 12


def test_the_mean_of_groups_varies_more_than_that_of_samples():
    values = np.repeat(np.random.default_rng(0).normal(size=30), 10)
    of = np.repeat(np.arange(30), 10)
    spread = [(resample_counts(300, 400, np.random.RandomState(0), g) @ values / 300).std() for g in (None, of)]
    assert spread[1] > 2.5 * spread[0]


def test_domains_are_exchanged_by_whole_groups():
    member = np.repeat([1.0, 0.0], [21, 21])
    moved = shuffle_groups(member, GROUPS, np.random.RandomState(1))
    assert all(len(set(moved[g == GROUPS].tolist())) == 1 for g in range(12)) and (moved != member).any()
    assert sum(moved[g == GROUPS][0] for g in range(12)) == 6


def test_constant_labels_of_a_group_stay_constant():
    labels = GROUPS % 3
    permuted = permute_groups(labels, GROUPS, np.random.RandomState(0))
    assert all(len(set(permuted[g == GROUPS].tolist())) == 1 for g in range(12)) and (permuted != labels).any()
