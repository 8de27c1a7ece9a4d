"""TCA: the paper's eigenproblem, new rows, and what it is for."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.utils.estimator_checks import check_estimator

from landbridge.feature import TCA, transfer_components
from landbridge.numerics.kernels import kernel
from landbridge.numerics.stacked import stack_rows


def _shifted(n=120, seed=0):
    rng = np.random.default_rng(seed)
    Xs = rng.normal(size=(n, 3)) * [1.0, 2.0, 3.0]
    Xt = rng.normal(size=(n + 10, 3)) * [1.0, 2.0, 3.0] + [6.0, 0.0, 0.0]
    return Xs, Xt


@pytest.mark.parametrize("how", ["linear", "rbf"])
def test_it_solves_the_papers_eigenproblem(how):
    Xs, Xt = _shifted()
    n_s, n_t = len(Xs), len(Xt)
    n, k, alpha = n_s + n_t, 4 if how == "rbf" else 3, 0.3
    K = kernel(np.vstack([Xs, Xt]), kernel=how, gamma=0.1)
    e = np.r_[np.full(n_s, 1 / n_s), np.full(n_t, -1 / n_t)]
    mu = alpha * (1 / n_s + 1 / n_t)
    H = np.eye(n) - 1 / n
    # (K L K + mu I)^-1 K H K, equation (12); L = e e'
    values, A = linalg.eigh(K @ H @ K, K @ np.outer(e, e) @ K + mu * np.eye(n), subset_by_index=[n - k, n - 1])
    mapper = TCA(k, alpha=alpha, kernel=how, gamma=0.1, random_state=0).fit(Xs, X_target=Xt)
    Z = np.vstack([mapper.transform_source(Xs), mapper.transform(Xt)])
    assert linalg.subspace_angles(Z, K @ A).max() < 1e-6
    assert np.allclose(mapper.eigenvalues_ * (n_s * n_t / n), values[::-1])


def test_the_forms_differ_and_the_primal_penalises_columns():
    Xs, Xt = _shifted()
    X = np.vstack([Xs, Xt])
    e = np.r_[np.full(len(Xs), 1 / len(Xs)), np.full(len(Xt), -1 / len(Xt))]
    u = X.T @ e / np.linalg.norm(e)
    C = X - X.mean(axis=0)
    _, W = linalg.eigh(C.T @ C, np.outer(u, u) + 50.0 * np.eye(3), subset_by_index=[1, 2])
    primal = TCA(2, alpha=50.0, form="primal").fit(Xs, X_target=Xt)
    dual = TCA(2, alpha=50.0).fit(Xs, X_target=Xt)
    assert linalg.subspace_angles(primal.components_, W).max() < 1e-8
    assert linalg.subspace_angles(dual.components_, W).max() > 1e-3


@pytest.mark.parametrize("params", [{}, {"form": "primal"}, {"kernel": "rbf"}, {"kernel": "rbf", "n_landmarks": 20}])
def test_the_means_meet(params):
    Xs, Xt = _shifted()
    mapper = TCA(2, random_state=0, alpha=1e-3, **params)
    Zs = mapper.fit_transform(Xs, X_target=Xt)
    Zt = mapper.transform(Xt)
    gap = np.linalg.norm(Zs.mean(axis=0) - Zt.mean(axis=0)) / np.vstack([Zs, Zt]).std()
    before = np.linalg.norm(Xs.mean(axis=0) - Xt.mean(axis=0)) / np.vstack([Xs, Xt]).std()
    assert gap < 0.05 * before


@pytest.mark.parametrize("params", [{}, {"kernel": "rbf"}, {"kernel": "rbf", "n_landmarks": 25}])
def test_new_rows_go_where_their_copies_went(params):
    Xs, Xt = _shifted()
    mapper = TCA(2, random_state=0, **params).fit(Xs, X_target=Xt)
    assert np.allclose(mapper.transform(Xt)[5:9], mapper.transform(Xt[5:9].copy()))


def test_more_components_than_the_rows_span():
    Xs, Xt = _shifted()
    assert TCA(50).fit_transform(Xs, X_target=Xt).shape == (120, 3)
    assert TCA(50, kernel="rbf").fit_transform(Xs[:4], X_target=Xt[:1]).shape[1] <= 4


def test_constant_rows_and_one_target_row_do_no_harm():
    for params in ({}, {"kernel": "rbf"}):
        Z = TCA(2, random_state=0, **params).fit_transform(np.ones((10, 3)), X_target=np.ones((1, 3)))
        assert np.isfinite(Z).all()


def test_the_pure_function_and_the_class_agree():
    Xs, Xt = _shifted()
    values, W = transfer_components(stack_rows(Xs, Xt), 2, 1.0)
    mapper = TCA(2).fit(Xs, X_target=Xt)
    assert np.allclose(values, mapper.eigenvalues_) and np.allclose(W, mapper.components_)


@pytest.mark.parametrize("params", [{"kernel": "rbf", "n_landmarks": 5}, {"form": "primal", "kernel": "rbf"}])
def test_scikit_learns_checks(params):
    # the defaults stand them as part of the catalogue, in tests/test_conformance.py
    failed = [r for r in check_estimator(TCA(**params), on_fail=None, on_skip=None) if r["status"] == "failed"]
    assert not failed
