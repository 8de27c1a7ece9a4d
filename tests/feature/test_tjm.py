"""TJM: the re-weighting against the matrices written out, sparsity, and the published average's neighbourhood."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import check_estimator

from landbridge.data import shared_data
from landbridge.feature import TCA, TJM
from landbridge.numerics.kernels import kernel
from landbridge.pipeline import make_pipeline


def _data(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(40, 4)), rng.normal(size=(35, 4)) + np.array([1.0, 0.0, 2.0, 0.0])


@pytest.mark.parametrize("how", ["linear", "rbf"])
def test_it_is_the_naive_algorithm(how):
    Xs, Xt = _data()
    n_s, n, k, alpha = 40, 75, 3, 0.5
    K = kernel(np.vstack([Xs, Xt]), kernel=how, gamma=0.2) + (1e-9 * np.eye(n) if how == "linear" else 0)
    e = np.r_[np.full(n_s, 1 / n_s), np.full(n - n_s, -1 / (n - n_s))]
    M = np.outer(e, e) / (e @ e)
    H = np.eye(n) - 1 / n
    g = np.ones(n)
    for _ in range(4):
        B = K @ M @ K + alpha * np.diag(g)
        _, A = linalg.eigh(K @ H @ K, 0.5 * (B + B.T), subset_by_index=[n - k, n - 1])
        A = A / np.sqrt(np.einsum("ij,i,ij->j", A, g, A))
        Z = K @ A
        g[:n_s] = 0.5 / np.linalg.norm(A[:n_s], axis=1)
    mapper = TJM(k, alpha=alpha, kernel=how, gamma=0.2, max_iter=4, tol=0.0, random_state=0).fit(Xs, X_target=Xt)
    ours = np.vstack([mapper.transform_source(Xs), mapper.transform(Xt)])
    assert linalg.subspace_angles(ours, Z).max() < 1e-4
    lengths = np.linalg.norm(A[:n_s], axis=1)
    assert np.allclose(mapper.source_relevance_, lengths / lengths.mean(), rtol=1e-3)


def test_one_round_is_tca():
    Xs, Xt = _data()
    one = TJM(2, max_iter=1).fit(Xs, X_target=Xt)
    assert np.allclose(one.components_, TCA(2).fit(Xs, X_target=Xt).components_)


def test_rows_that_do_not_fit_fade():
    rng = np.random.default_rng(0)
    Xs = np.vstack([rng.normal(size=(60, 3)) * [3.0, 0.1, 0.1], rng.normal(size=(20, 3)) * [0.1, 0.1, 0.2]])
    Xt = rng.normal(size=(80, 3)) * [3.0, 0.1, 0.1]
    relevance = TJM(1, alpha=10.0, max_iter=20).fit(Xs, X_target=Xt).source_relevance_
    assert relevance[60:].mean() < 0.2 * relevance[:60].mean()
    assert relevance.mean() == pytest.approx(1.0)


def test_landmarks_that_are_all_rows_change_nothing():
    Xs, Xt = _data()
    how = {"kernel": "rbf", "gamma": 0.2, "random_state": 0}
    exact = TJM(3, **how).fit(Xs, X_target=Xt).transform(Xt)
    features = TJM(3, n_landmarks=75, **how).fit(Xs, X_target=Xt).transform(Xt)
    # up to the signs of the components
    assert np.allclose(exact @ exact.T, features @ features.T, atol=1e-3 * np.abs(exact @ exact.T).max())


def test_it_stops_when_the_weights_stand():
    Xs, Xt = _data()
    assert TJM(2, max_iter=500, tol=1e-2).fit(Xs, X_target=Xt).n_iter_ < 500


def test_constant_rows_do_no_harm():
    assert np.isfinite(TJM(2).fit_transform(np.ones((6, 2)), X_target=np.ones((1, 2)))).all()


@pytest.mark.parametrize("params", [{"kernel": "rbf", "max_iter": 3}, {"kernel": "rbf", "n_landmarks": 5}])
def test_scikit_learns_checks(params):
    # the defaults stand them as part of the catalogue, in tests/test_conformance.py
    failed = [r for r in check_estimator(TJM(**params), on_fail=None, on_skip=None) if r["status"] == "failed"]
    assert not failed


@pytest.mark.data
def test_published_surf_numbers():
    path = shared_data("office_caltech_surf.npz")
    if path is None:
        pytest.skip("needs office_caltech_surf.npz (LANDBRIDGE_DATA)")
    domains = {}
    with np.load(path) as data:
        for name in ("webcam", "dslr"):
            X = data[f"{name}_X"] / data[f"{name}_X"].sum(axis=1, keepdims=True)
            X = X - X.mean(axis=0)
            domains[name] = X / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0), data[f"{name}_y"].astype(int)
    # Long et al. 2014, table of SURF results
    for source, target, published in [("webcam", "dslr", 89.2), ("dslr", "webcam", 85.4)]:
        (Xs, ys), (Xt, yt) = domains[source], domains[target]
        pipe = make_pipeline(Normalizer(), TJM(20), Normalizer(), KNeighborsClassifier(1)).fit(Xs, ys, X_target=Xt)
        assert 100 * np.mean(pipe.predict(Xt) == yt) == pytest.approx(published, abs=2.0)
