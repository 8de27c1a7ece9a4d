import numpy as np
import pytest

from landbridge.transferability._replicates import random_halves, replicate


def test_halves_keep_the_classes_and_hold_no_row_twice():
    codes = np.repeat([0, 1, 2], [40, 7, 1])
    halves = random_halves(codes, 50, np.random.RandomState(0))
    for rows in halves:
        assert len(np.unique(rows)) == len(rows)
        counts = np.bincount(codes[rows])
        assert counts[0] == 20 and counts[1] in (3, 4) and counts[2] == 1


def test_spread_over_halves_is_the_standard_error_of_a_mean():
    x = np.random.default_rng(0).normal(size=400)
    found = replicate(
        lambda a: lambda codes: a.mean(), (x,), np.zeros(400, dtype=int), n_bootstrap=2000, random_state=0
    )
    assert found.spread.std() == pytest.approx(x.std() / 20, rel=0.1)


def test_one_seed_gives_one_set_of_halves():
    x, codes = np.random.default_rng(0).normal(size=60), np.arange(60) % 2
    one, two = (replicate(lambda a, k=k: lambda c: k * a.sum(), (x,), codes, random_state=5).spread for k in (1.0, 3.0))
    np.testing.assert_allclose(3 * one, two)
