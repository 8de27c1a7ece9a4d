"""Nystroem features: exact with all rows, better with more, and made from rows that are well chosen."""

import numpy as np
import pytest

from landbridge.numerics import NystroemMap, kernel, landmark_rows, nystroem_features


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.normal(size=(35, 4)) + 0.5


@pytest.mark.parametrize("method", ["pivoted", "uniform"])
def test_nystroem_with_all_rows_is_exact(rows, method):
    X, _ = rows
    chosen = landmark_rows(X, 60, method=method, gamma=0.3)
    assert sorted(chosen) == list(range(60))
    F = nystroem_features(X, X[chosen], gamma=0.3)
    assert np.allclose(F @ F.T, kernel(X, gamma=0.3), atol=1e-6)


def test_nystroem_gets_better_and_pivots_beat_chance():
    rng = np.random.default_rng(0)
    # one dense cluster and a few far rows: uniform landmarks miss the latter
    X = np.concatenate([rng.normal(scale=0.05, size=(400, 2)), rng.uniform(-5, 5, size=(30, 2))])
    K = kernel(X, gamma=0.5)

    def error(n, method):
        F = nystroem_features(X, X[landmark_rows(X, n, method=method, gamma=0.5)], gamma=0.5)
        return np.trace(K) - np.sum(F**2)

    assert error(40, "pivoted") < error(10, "pivoted")
    assert error(20, "pivoted") < 0.5 * error(20, "uniform")


def test_landmarks_stop_when_nothing_is_left():
    X = np.repeat(np.eye(3), 20, axis=0)
    assert len(landmark_rows(X, 50, gamma=1.0)) == 3
    assert len(landmark_rows(np.zeros((9, 2)), 5, kernel="linear")) == 1


def test_landmarks_come_from_a_sample_of_many_rows():
    X = np.random.default_rng(0).normal(size=(5000, 2))
    a = landmark_rows(X, 20, n_sample=300, random_state=3)
    assert len(np.unique(a)) == 20
    assert np.array_equal(a, landmark_rows(X, 20, n_sample=300, random_state=3))


def test_nystroem_map_mean_rank_and_single_precision(rows):
    X, Y = rows
    phi = NystroemMap(X[:20], gamma=0.3, rank=8)
    assert phi.n_features == 8
    assert np.allclose(phi.mean(Y), phi(Y).mean(axis=0))
    assert phi(Y, dtype=np.float32).dtype == np.float32
    # the best 8 directions of the landmarks' own kernel
    values = np.linalg.eigvalsh(kernel(X[:20], gamma=0.3))[::-1]
    assert np.allclose(np.linalg.eigvalsh(phi(X[:20]).T @ phi(X[:20]))[::-1], values[:8])
