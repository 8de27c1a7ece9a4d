"""Stacked rows: every way to hold them gives the directions of the dense generalised eigenproblem."""

import numpy as np
import pytest
from scipy import linalg

from landbridge.numerics import stacked
from landbridge.numerics.kernels import kernel as kernel_matrix
from landbridge.numerics.mmd import class_mmd_factor, mmd_factor, unit_factor
from landbridge.numerics.stacked import FeatureRows, KernelRows, project, stack_rows


def _data(n_source=60, n_target=50, d=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_source, d)) + 2.0, rng.normal(size=(n_target, d)) * 1.3 + np.linspace(0, 2, d)


def _factor(n_source, n_target, seed=0):
    rng = np.random.default_rng(seed)
    classes = class_mmd_factor(rng.integers(0, 3, n_source), rng.integers(0, 3, n_target), 3)
    return unit_factor(np.hstack([mmd_factor(n_source, n_target), classes]))


def _dense(F, E, k, reg, penalty=None):
    """Leading directions and embedding, by the formula as it stands."""
    centred = F - F.mean(axis=0)
    U = F.T @ E
    B = U @ U.T + reg * np.diag(np.ones(F.shape[1]) if penalty is None else penalty)
    n = F.shape[1]
    values, A = linalg.eigh(centred.T @ centred, B, subset_by_index=[n - k, n - 1])
    return values[::-1], F @ (A / np.linalg.norm(A, axis=0))[:, ::-1]


def _same_up_to_sign(Z, reference, rtol=1e-5):
    signs = np.sign((Z * reference).sum(axis=0))
    return np.allclose(Z * signs, reference, atol=rtol * np.abs(reference).max())


@pytest.mark.parametrize(
    ("kernel", "form", "landmarks", "d"),
    [
        ("linear", "dual", None, 5),
        ("linear", "primal", None, 5),
        ("linear", "dual", None, 200),
        ("linear", "primal", None, 200),
        ("rbf", "dual", None, 5),
        ("rbf", "dual", 110, 5),
        ("rbf", "primal", None, 5),
    ],
)
def test_components_are_those_of_the_dense_problem(kernel, form, landmarks, d):
    Xs, Xt = _data(d=d)
    X, E, gamma = np.vstack([Xs, Xt]), _factor(60, 50), 0.05
    K = kernel_matrix(X, kernel=kernel, gamma=gamma)
    values, V = np.linalg.eigh(K)
    root = V * np.sqrt(np.maximum(values, 0.0))
    F = K if form == "dual" else X if kernel == "linear" else root
    expected, embedded = _dense(F, E, 4, 0.5)
    rows = stack_rows(Xs, Xt, kernel=kernel, gamma=gamma, form=form, n_landmarks=landmarks)
    found, directions = rows.components(E, 4, reg=0.5)
    assert np.allclose(found, expected, rtol=1e-4)
    assert _same_up_to_sign(rows.embed(directions), embedded, 1e-3)
    kept, components = rows.coefficients(directions)
    again = project(X, kept, components, kernel=kernel, gamma=gamma)
    assert np.allclose(again, rows.embed(directions), atol=1e-6 * np.abs(again).max())


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_signs_do_not_hang_on_rounding(kernel):
    Xs, Xt = _data()
    how = {"kernel": kernel, "gamma": 0.05, "n_landmarks": 20, "random_state": 0}
    results = []
    for order in (np.ascontiguousarray, np.asfortranarray):
        rows = stack_rows(order(Xs), order(Xt), **how)
        results.append(rows.embed(rows.components(_factor(60, 50), 4)[1]))
    assert np.allclose(*results, atol=1e-5 * np.abs(results[0]).max())


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_penalties_of_rows_in_the_dual_form(kernel):
    Xs, Xt = _data()
    X, E, penalty = np.vstack([Xs, Xt]), _factor(60, 50), np.linspace(0.3, 3.0, 110)
    expected, embedded = _dense(kernel_matrix(X, kernel=kernel, gamma=0.1), E, 3, 0.7, penalty)
    rows = stack_rows(Xs, Xt, kernel=kernel, gamma=0.1)
    found, directions = rows.components(E, 3, reg=0.7, penalty=penalty)
    Z = rows.embed(directions)
    assert np.allclose(found, expected, rtol=1e-6)
    assert linalg.subspace_angles(Z, embedded).max() < 1e-5


def test_a_kernel_that_is_not_stored_gives_the_same(monkeypatch):
    Xs, Xt = _data(700, 500)
    E = unit_factor(mmd_factor(700, 500))
    stored = KernelRows(np.vstack([Xs, Xt]), 700, kernel="rbf", gamma=0.05)
    monkeypatch.setattr(stacked, "KEPT_BYTES", 0)
    streamed = KernelRows(np.vstack([Xs, Xt]), 700, kernel="rbf", gamma=0.05)
    V = np.random.default_rng(0).normal(size=(1200, 3))
    assert np.allclose(stored.scatter_product(V), streamed.scatter_product(V))
    (a, A), (b, B) = (rows.components(E, 5) for rows in (stored, streamed))
    assert np.allclose(a, b)
    assert linalg.subspace_angles(A, B).max() < 1e-5


def test_features_that_are_not_stored_give_the_same(monkeypatch):
    Xs, Xt = _data(3000, 2500)
    E = _factor(3000, 2500)
    how = {"kernel": "rbf", "gamma": 0.05, "n_landmarks": 30, "random_state": 0}
    stored = stack_rows(Xs, Xt, **how).components(E, 5)
    monkeypatch.setattr(stacked, "KEPT_BYTES", 0)
    streamed = stack_rows(Xs, Xt, **how).components(E, 5)
    assert np.allclose(stored[0], streamed[0]) and np.allclose(stored[1], streamed[1])


def test_moments_survive_a_large_mean():
    Xs, Xt = _data()
    far = FeatureRows(Xs + 1e6, Xt + 1e6, form="primal")
    near = FeatureRows(Xs, Xt, form="primal")
    assert np.allclose(far.scatter, near.scatter, rtol=1e-6)


def test_auto_takes_landmarks_only_for_many_rows(monkeypatch):
    Xs, Xt = _data()
    assert isinstance(stack_rows(Xs, Xt, kernel="rbf"), KernelRows)
    monkeypatch.setattr(stacked, "EXACT_ROWS", 100)
    monkeypatch.setattr(stacked, "AUTO_LANDMARKS", 12)
    rows = stack_rows(Xs, Xt, kernel="rbf")
    assert isinstance(rows, FeatureRows) and rows.n_features <= 12


def test_landmarks_come_near_the_exact_solution():
    Xs, Xt = _data(400, 300)
    E = unit_factor(mmd_factor(400, 300))
    exact = stack_rows(Xs, Xt, kernel="rbf", gamma=0.02)
    Z = exact.embed(exact.components(E, 3)[1])
    angles = []
    for m in (10, 40, 160):
        rows = stack_rows(Xs, Xt, kernel="rbf", gamma=0.02, n_landmarks=m, random_state=0)
        angles.append(linalg.subspace_angles(rows.embed(rows.components(E, 3)[1]), Z).max())
    assert angles[2] < angles[0] and angles[2] < 1e-2
