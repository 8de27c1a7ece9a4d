"""Kernels: against naive loops, in blocks as in one piece, and approximations that become exact."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist, pdist

from landbridge.numerics import (
    KernelOperator,
    NystroemMap,
    kernel,
    kernel_diagonal,
    landmark_rows,
    median_gamma,
    nystroem_features,
)
from landbridge.numerics import kernels as module


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.normal(size=(35, 4)) + 0.5


def naive(X, Y, name, gamma, degree=3, coef0=1.0):
    out = np.empty((len(X), len(Y)))
    for i, x in enumerate(X):
        for j, y in enumerate(Y):
            out[i, j] = {
                "rbf": np.exp(-gamma * ((x - y) ** 2).sum()),
                "linear": x @ y,
                "poly": (gamma * (x @ y) + coef0) ** degree,
            }[name]
    return out


@pytest.mark.parametrize("name", ["rbf", "linear", "poly"])
def test_kernel_is_the_naive_one(rows, name):
    X, Y = rows
    want = naive(X, Y, name, 0.3)
    assert np.allclose(kernel(X, Y, kernel=name, gamma=0.3), want)
    assert np.allclose(kernel(sparse.csr_matrix(X), sparse.csr_matrix(Y), kernel=name, gamma=0.3), want)
    assert np.allclose(kernel_diagonal(X, kernel=name, gamma=0.3), np.diag(naive(X, X, name, 0.3)))


@pytest.mark.parametrize("name", ["rbf", "linear", "poly"])
@pytest.mark.parametrize("max_bytes", [0, 2**29])
def test_products_in_blocks(rows, name, max_bytes, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 16 * 8 * 7)
    monkeypatch.setattr(module.row_blocks, "__defaults__", (16 * 8 * 35,))
    X, Y = rows
    K = KernelOperator(X, Y, kernel=name, gamma=0.3, max_bytes=max_bytes)
    want = naive(X, Y, name, 0.3)
    v, V = np.arange(35.0), np.arange(70.0).reshape(35, 2)
    assert np.allclose(K @ v, want @ v)
    assert np.allclose(K @ V, want @ V)
    assert np.allclose(K.T @ np.arange(60.0), want.T @ np.arange(60.0))
    assert np.allclose(K.rsum(), want.sum(axis=1))
    assert np.allclose(K.columns([3, 1]), want[:, [3, 1]])
    assert np.allclose(K.to_array(), want)
    assert K.shape == (60, 35)


def test_nothing_is_kept_beyond_max_bytes(rows):
    K = KernelOperator(*rows, gamma=0.3, max_bytes=60 * 35 * 8 - 1)
    K @ np.ones(35)
    assert K._matrix is None
    kept = KernelOperator(*rows, gamma=0.3, max_bytes=60 * 35 * 8)
    kept @ np.ones(35)
    assert kept._matrix is not None


def test_median_gamma_by_definition(rows):
    X, Y = rows
    assert median_gamma(X) == pytest.approx(1 / (2 * np.median(pdist(X, "sqeuclidean"))))
    both = np.concatenate([X, Y])
    assert median_gamma(X, Y) == pytest.approx(1 / (2 * np.median(pdist(both, "sqeuclidean"))))
    assert median_gamma(sparse.csr_matrix(X)) == pytest.approx(median_gamma(X))


def test_median_gamma_samples_and_repeats():
    X = np.random.default_rng(1).normal(size=(30_000, 3))
    assert median_gamma(X) == median_gamma(X)
    assert median_gamma(X) == pytest.approx(1 / (2 * 3 * 2 * 0.789), rel=0.1)  # median of 2 chi²(3)


def test_median_gamma_of_equal_and_half_equal_rows():
    assert median_gamma(np.ones((10, 4))) == 0.25
    assert median_gamma(np.ones((1, 2))) == 0.5
    X = np.zeros((10, 1))
    X[0] = 2.0
    assert median_gamma(X) == pytest.approx(1 / 8)


def test_equal_rows_far_from_the_origin_have_distance_zero():
    X = np.full((5, 3), 1e8)
    assert (kernel(X, gamma=1.0).diagonal() == 1.0).all()


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


def test_unknown_kernel():
    with pytest.raises(ValueError, match="kernel must be one of linear, poly, rbf; got 'cosine'"):
        kernel(np.ones((2, 2)), kernel="cosine")


def test_squared_distances(rows):
    X, Y = rows
    assert np.allclose(module.squared_distances(X, Y), cdist(X, Y, "sqeuclidean"))
