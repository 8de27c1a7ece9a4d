import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from landbridge.numerics.geodesic import (
    complete_basis,
    geodesic_factor,
    geodesic_kernel,
    principal_angles,
    principal_basis,
)


def bases(d, k, seed=0):
    rng = np.random.default_rng(seed)
    return (np.linalg.qr(rng.normal(size=(d, k)))[0] for _ in range(2))


@pytest.mark.parametrize("d, k", [(10, 1), (10, 4), (6, 5), (4, 4), (3, 2)])
def test_the_closed_form_is_the_integral_over_the_geodesic(d, k):
    P, Q = bases(d, k)
    U, cosine, Vt = np.linalg.svd(P.T @ Q)
    theta = np.arccos(np.clip(cosine, -1, 1))
    side = Q @ Vt.T - P @ U * cosine
    side = side / np.maximum(np.linalg.norm(side, axis=0), 1e-9)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    expected = np.zeros((d, d))
    for t, w in zip((nodes + 1) / 2, weights / 2, strict=True):
        flow = P @ U * np.cos(t * theta) + side * np.sin(t * theta)
        expected += w * flow @ flow.T
    np.testing.assert_allclose(geodesic_kernel(P, Q), expected, atol=1e-10)


def test_both_ends_are_alike_and_the_kernel_is_symmetric():
    P, Q = bases(9, 3)
    G = geodesic_kernel(P, Q)
    np.testing.assert_allclose(G, G.T)
    np.testing.assert_allclose(G, geodesic_kernel(Q, P), atol=1e-12)
    assert np.linalg.eigvalsh(G).min() > -1e-12


def test_bases_of_one_subspace_give_its_projection():
    P, _ = bases(8, 3)
    turned = P @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    np.testing.assert_allclose(geodesic_kernel(P, turned), P @ P.T, atol=1e-12)


@pytest.mark.parametrize("d, k, r", [(9, 3, 6), (9, 5, 9), (4, 4, 4)])
def test_the_root_is_a_root_and_has_no_needless_columns(d, k, r):
    P, Q = bases(d, k)
    F = geodesic_factor(P, Q)
    assert F.shape == (d, r)
    np.testing.assert_allclose(F @ F.T, geodesic_kernel(P, Q))


@pytest.mark.parametrize("k", [3, 6])
def test_the_root_is_stable_where_angles_coincide(k):
    P, _ = bases(8, k)
    noise = 1e-9 * np.random.default_rng(1).normal(size=(8, k))
    nearly = np.linalg.qr(P + noise)[0]
    nearly = nearly * np.sign(np.sum(nearly * P, axis=0))
    np.testing.assert_allclose(geodesic_factor(P, nearly), geodesic_factor(P, P), atol=1e-7)


@pytest.mark.parametrize("angle", [1e-9, 1e-6, 1e-3, 0.5, np.pi / 2])
def test_angles_are_exact_down_to_the_smallest(angle):
    P = np.eye(3)[:, :1]
    Q = np.array([[np.cos(angle)], [np.sin(angle)], [0.0]])
    assert principal_angles(P, Q)[0] == pytest.approx(angle, rel=1e-9)


def test_angles_agree_with_scipy():
    P, Q = bases(9, 4)
    np.testing.assert_allclose(principal_angles(P, Q), np.sort(subspace_angles(P, Q)))


@pytest.mark.parametrize("shape", [(50, 6), (5, 20), (20, 20)])
def test_principal_basis_is_that_of_pca(shape):
    X = np.random.default_rng(0).normal(size=shape) + 100
    P = principal_basis(X, 3)
    np.testing.assert_allclose(np.abs(P), np.abs(PCA(3, svd_solver="full").fit(X).components_.T), atol=1e-8)
    np.testing.assert_allclose(P.T @ P, np.eye(3), atol=1e-10)


def test_principal_basis_leaves_out_directions_without_variance():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 7)) + 5
    assert principal_basis(X, 5).shape == (7, 2)
    assert principal_basis(X[:2], 5).shape == (7, 1)
    assert principal_basis(X[:1], 5).shape == (7, 0)
    assert principal_basis(np.full((4, 7), 1 / 3)).shape == (7, 0)
    assert principal_basis(np.full((40, 7), 1e8 / 3)).shape == (7, 0)


def test_signs_do_not_depend_on_the_row_order():
    X = np.random.default_rng(0).normal(size=(30, 4))
    np.testing.assert_allclose(principal_basis(X), principal_basis(X[::-1]), atol=1e-8)


def test_completed_basis_keeps_what_is_there_and_stays_in_reach_of_the_reference():
    P, R = bases(8, 4)
    full = complete_basis(P[:, :2], R)
    np.testing.assert_allclose(full[:, :2], P[:, :2])
    np.testing.assert_allclose(full.T @ full, np.eye(4), atol=1e-12)
    span = np.hstack([P[:, :2], R])
    np.testing.assert_allclose(span @ np.linalg.lstsq(span, full, rcond=None)[0], full, atol=1e-10)
    assert complete_basis(P, R[:, :3]).shape == (8, 3)
