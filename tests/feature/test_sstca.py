"""SSTCA: the paper's eigenproblem, its ends, labels of any kind."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.utils.estimator_checks import check_estimator

from landbridge.feature import SSTCA, TCA
from landbridge.numerics.graph import neighbour_laplacian
from landbridge.numerics.kernels import kernel


def _data(seed=0):
    rng = np.random.default_rng(seed)
    ys = np.arange(50) % 3
    Xs = rng.normal(size=(50, 4)) + 2.0 * np.eye(4)[ys]
    return Xs, ys, rng.normal(size=(45, 4)) + np.array([0.0, 0.0, 0.0, 2.0])


@pytest.mark.parametrize("how", ["linear", "rbf"])
def test_it_solves_the_papers_eigenproblem(how):
    Xs, ys, Xt = _data()
    n, k = 95, 3
    X = np.vstack([Xs, Xt])
    K = kernel(X, kernel=how, gamma=0.1)
    H = np.eye(n) - 1 / n
    e = np.r_[np.full(50, 1 / 50), np.full(45, -1 / 45)]
    L = neighbour_laplacian(X, 10, affinity="rbf").toarray()
    given = np.r_[ys, np.full(45, -1)]
    Kyy = 0.4 * ((given[:, None] == given) & (given >= 0)) + 0.6 * np.eye(n)
    B = K @ (np.outer(e, e) / (e @ e) + 2.0 * L / np.linalg.norm(L)) @ K + 0.3 * np.eye(n)
    values, A = linalg.eigh(K @ H @ Kyy @ H @ K, 0.5 * (B + B.T), subset_by_index=[n - k, n - 1])
    mapper = SSTCA(k, alpha=0.3, label_weight=0.4, locality=2.0, kernel=how, gamma=0.1).fit(Xs, ys, X_target=Xt)
    ours = np.vstack([mapper.transform_source(Xs), mapper.transform(Xt)])
    assert linalg.subspace_angles(ours, K @ A).max() < 1e-4
    assert np.allclose(mapper.eigenvalues_, values[::-1], rtol=1e-4)


def test_without_labels_and_neighbours_it_is_tca():
    Xs, ys, Xt = _data()
    plain = TCA(3).fit(Xs, X_target=Xt)
    ours = SSTCA(3, label_weight=0.0, locality=0.0).fit(Xs, ys, X_target=Xt)
    assert linalg.subspace_angles(plain.components_, ours.components_).max() < 1e-6


def test_labels_of_the_target_and_values_are_used():
    Xs, ys, Xt = _data()
    without = SSTCA(2).fit(Xs, ys, X_target=Xt).components_
    names = np.array(["a", "b", "c"])
    assert np.allclose(SSTCA(2).fit(Xs, names[ys], X_target=Xt).components_, without)
    given = np.full(45, -1)
    given[:10] = 2
    assert not np.allclose(SSTCA(2).fit(Xs, ys, X_target=Xt, y_target=given).components_, without)
    values = Xs[:, 1] * 2.0 + 0.1
    component = SSTCA(1, label_weight=1.0).fit(Xs, values, X_target=Xt)
    assert abs(np.corrcoef(component.transform_source(Xs)[:, 0], values)[0, 1]) > 0.8
    some = np.full(45, np.nan)
    some[:5] = 3.5
    moved = SSTCA(1, label_weight=1.0).fit(Xs, values, X_target=Xt, y_target=some)
    assert not np.allclose(moved.components_, component.components_)


def test_whole_number_values_are_values_where_the_task_says_so():
    Xs, _, Xt = _data()
    values = np.round(3.0 * Xs[:, 1])
    whole = SSTCA(1, label_weight=1.0, task="regression").fit(Xs, values, X_target=Xt, y_target=np.full(45, 100.0))
    nearly = SSTCA(1, label_weight=1.0).fit(Xs, values + 1e-9 * Xs[:, 0], X_target=Xt, y_target=np.full(45, 100.0))
    assert np.allclose(whole.components_, nearly.components_, atol=1e-5)
    classes = SSTCA(1, label_weight=1.0).fit(Xs, values, X_target=Xt)
    assert not np.allclose(whole.components_, classes.components_)


@pytest.mark.parametrize("params", [{"kernel": "rbf", "form": "primal", "n_landmarks": 6}])
def test_scikit_learns_checks(params):
    # the defaults stand them as part of the catalogue, in tests/test_conformance.py
    failed = [r for r in check_estimator(SSTCA(**params), on_fail=None, on_skip=None) if r["status"] == "failed"]
    assert not failed
