"""The block Lanczos solver and the generalised problem with a right-hand side of low rank, against LAPACK."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from landbridge.numerics import eigen
from landbridge.numerics.eigen import LowRankRoot, leading_eigh, regularised_components


def _psd(n, rank, seed=0, decay=0.9):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, rank)))[0]
    values = decay ** np.arange(rank)
    return (Q * values) @ Q.T, values, Q


def _angle(A, B):
    return linalg.subspace_angles(A, B).max()


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.99])
def test_leading_eigh_finds_the_leading_subspace(decay):
    T, values, Q = _psd(400, 300, decay=decay)
    found, vectors = leading_eigh(lambda V: T @ V, 400, 15)
    assert np.allclose(found, values[:15], atol=1e-10)
    assert np.allclose(vectors.T @ vectors, np.eye(15), atol=1e-10)
    assert _angle(vectors, Q[:, :15]) < 1e-6


def test_leading_eigh_restarts_and_still_finds_it():
    T, _, Q = _psd(600, 600, decay=0.995)
    products = []

    def product(V):
        products.append(V.shape[1])
        return T @ V

    _, vectors = leading_eigh(product, 600, 5, block=4)
    # more vectors than the basis may hold went through, so there were restarts
    assert sum(products) > 5 + 6 * 4 + 16
    assert _angle(vectors, Q[:, :5]) < 1e-6


def test_leading_eigh_stops_at_the_rank():
    T, values, _ = _psd(200, 3)
    found, _ = leading_eigh(lambda V: T @ V, 200, 10)
    assert np.allclose(found[:3], values)
    assert np.allclose(found[3:], 0.0, atol=1e-12)


def test_leading_eigh_is_not_misled_by_an_invariant_start():
    T, _, Q = _psd(300, 300)
    _, vectors = leading_eigh(lambda V: T @ V, 300, 4, start=Q[:, 50:54])
    assert _angle(vectors, Q[:, :4]) < 1e-6


def test_leading_eigh_takes_a_good_start_as_a_shortcut():
    T, _, Q = _psd(500, 500, decay=0.99)
    counts = []
    for start in (None, Q[:, :20] + 1e-6):
        passes = []
        leading_eigh(lambda V, passes=passes: passes.append(1) or T @ V, 500, 20, start=start)
        counts.append(len(passes))
    assert counts[1] < counts[0]


def test_leading_eigh_handles_equal_eigenvalues_and_zero():
    assert np.allclose(leading_eigh(lambda V: V.copy(), 100, 5)[0], 1.0)
    assert np.allclose(leading_eigh(lambda V: 0 * V, 100, 5)[0], 0.0)


def test_leading_eigh_says_when_it_did_not_get_there():
    T, _, _ = _psd(300, 300, decay=0.999)
    with pytest.warns(ConvergenceWarning, match="did not reach"):
        leading_eigh(lambda V: T @ V, 300, 5, block=1, max_blocks=3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.floats(1e-3, 1e3), st.integers(0, 99))
def test_low_rank_root_is_the_inverse_square_root(n, r, reg, seed):
    U = np.random.default_rng(seed).normal(size=(n, r))
    root = LowRankRoot(U, reg)
    P = root @ np.eye(n)
    assert np.allclose(P @ P @ (U @ U.T + reg * np.eye(n)), np.eye(n), atol=1e-8)
    assert np.allclose(root.solve(P), np.eye(n), atol=1e-8)


@pytest.mark.parametrize("with_diagonal", [False, True])
@pytest.mark.parametrize("how", ["direct", "iterated", "callable"])
def test_regularised_components_solve_the_generalised_problem(monkeypatch, how, with_diagonal):
    if how != "direct":
        monkeypatch.setattr(eigen, "DENSE_ROWS", 0)
    rng = np.random.default_rng(3)
    n, k, reg = 150, 6, 0.3
    S = _psd(n, n, decay=0.93)[0]
    U = rng.normal(size=(n, 4)) * 0.3
    g = rng.uniform(0.2, 3.0, size=n) if with_diagonal else None
    B = U @ U.T + reg * np.diag(np.ones(n) if g is None else g)
    values, vectors = linalg.eigh(S, B, subset_by_index=[n - k, n - 1])
    ours, A = regularised_components((lambda V: S @ V) if how == "callable" else S, U, k, reg=reg, diagonal=g)
    assert np.allclose(ours, values[::-1], rtol=1e-8)
    assert _angle(A, vectors) < 1e-6
    assert np.allclose(np.einsum("ij,i,ij->j", A, np.ones(n) if g is None else g, A), 1.0)
    assert (A[np.abs(A).argmax(axis=0), range(k)] > 0).all()


def test_regularised_components_drop_directions_without_scatter():
    values, A = regularised_components(np.diag([1.0, 0.0, 0.0]), np.zeros((3, 1)), 3)
    assert len(values) == A.shape[1] == 1
    values, A = regularised_components(np.zeros((3, 3)), np.zeros((3, 1)), 2)
    assert A.shape == (3, 1) and values.tolist() == [0.0]


def test_a_start_is_used_in_the_right_coordinates(monkeypatch):
    monkeypatch.setattr(eigen, "DENSE_ROWS", 0)
    n, k = 400, 10
    S, U = _psd(n, n, decay=0.98)[0], np.random.default_rng(0).normal(size=(n, 3))
    g = np.linspace(0.5, 2.0, n)
    passes = []

    def product(V):
        passes.append(1)
        return S @ V

    _, A = regularised_components(product, U, k, diagonal=g)
    cold = len(passes)
    passes.clear()
    _, again = regularised_components(product, U, k, diagonal=g, start=A)
    assert len(passes) <= 2 < cold
    assert _angle(A, again) < 1e-6
