"""Repeats: found where persons have several rows each, and not among independent samples."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine

from landbridge.data import shared_data
from landbridge.problem._repeats import find_repeats


def _persons(spread, n=30, rows=4, d=8):
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(n, d)), rows, axis=0) + spread * rng.normal(size=(n * rows, d))
    return X, np.repeat(np.arange(n) % 2, rows), np.repeat(np.arange(n), rows)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
def test_rows_of_a_person_are_found_and_stay_together(spread):
    X, y, person = _persons(spread)
    clusters = find_repeats(X, y, regression=False, random_state=0)
    assert 20 <= len(np.unique(clusters)) <= 33
    together = [len(set(clusters[person == p].tolist())) == 1 for p in range(30)]
    assert np.mean(together) > 0.85
    assert all(len(set(y[clusters == c].tolist())) == 1 for c in np.unique(clusters))


def test_independent_samples_are_no_repeats():
    rng = np.random.default_rng(0)
    correlated = rng.normal(size=(80, 30)) @ rng.normal(size=(30, 30))
    assert find_repeats(correlated, np.arange(80) % 2, regression=False, random_state=0) is None
    for load in (load_digits, load_wine):
        X, y = load(return_X_y=True)
        rows = rng.permutation(len(X))[:150]
        assert find_repeats(X[rows], y[rows], regression=False, random_state=0) is None


def test_repeats_of_a_value():
    X, _, person = _persons(0.1)
    value = np.random.default_rng(1).normal(size=30)[person]
    assert 20 <= len(np.unique(find_repeats(X, value, regression=True, random_state=0))) <= 35
    assert find_repeats(X, np.random.default_rng(1).normal(size=120), regression=True, random_state=0) is None


def test_too_few_samples_and_categories_say_nothing():
    X, y, _ = _persons(0.1)
    assert find_repeats(X[:6], y[:6], regression=False) is None
    categories = np.random.default_rng(0).integers(2, size=(200, 3)).astype(float)
    assert find_repeats(categories, np.arange(200) % 2, regression=False, random_state=0) is None
    assert find_repeats(np.ones((40, 3)), np.arange(40) % 2, regression=False, random_state=0) is None


@pytest.mark.skipif(shared_data("parkinsons.csv") is None, reason="needs the shared data folder")
def test_voices_of_one_person_are_repeats():
    import pandas as pd

    frame = pd.read_csv(shared_data("parkinsons.csv"))
    X, y = frame.drop(columns=["name", "status"]).to_numpy(), frame["status"].to_numpy()
    assert 30 <= len(np.unique(find_repeats(X, y, regression=False, random_state=0))) <= 80


@pytest.mark.parametrize("seed", range(4))
def test_independent_samples_with_categories_are_no_repeats(seed):
    rng = np.random.default_rng(seed)
    n = 200
    numbers = np.column_stack([rng.normal(50, 10, n).round(), rng.normal(25, 4, n).round(1), rng.lognormal(1, 1, n)])
    sex, smoking = np.eye(2)[rng.integers(0, 2, n)], np.eye(3)[rng.integers(0, 3, n)]
    y = (numbers[:, 0] + rng.normal(0, 10, n) > 50).astype(int)
    assert find_repeats(np.hstack([numbers, sex, smoking]), y, regression=False, random_state=0) is None
