"""Kernels: against naive loops, in blocks as in one piece, and approximations that become exact."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist, pdist

from landbridge.numerics import (
    KernelOperator,
    kernel,
    kernel_diagonal,
    median_gamma,
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
    assert median_gamma(X, random_state=0) == median_gamma(X, random_state=0)
    assert median_gamma(X, random_state=0) == pytest.approx(1 / (2 * 3 * 2 * 0.789), rel=0.1)  # median of 2 chi²(3)


def test_median_gamma_of_equal_and_half_equal_rows():
    assert median_gamma(np.ones((10, 4))) == 0.25
    assert median_gamma(np.ones((1, 2))) == 0.5
    X = np.zeros((10, 1))
    X[0] = 2.0
    assert median_gamma(X) == pytest.approx(1 / 8)


def test_equal_rows_far_from_the_origin_have_distance_zero():
    X = np.full((5, 3), 1e8)
    assert (kernel(X, gamma=1.0).diagonal() == 1.0).all()


def test_unknown_kernel():
    with pytest.raises(ValueError, match="kernel must be one of linear, poly, rbf; got 'cosine'"):
        kernel(np.ones((2, 2)), kernel="cosine")


def test_squared_distances(rows):
    X, Y = rows
    assert np.allclose(module.squared_distances(X, Y), cdist(X, Y, "sqeuclidean"))
