"""Transfer subspace learning: gradients, descent, and what it is for."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.estimator_checks import check_estimator

from landbridge.exceptions import LabelError
from landbridge.feature import TransferSubspaceLearning, divergence_gradient
from landbridge.feature._transfer_subspace import _fisher, _lost_variance


def _data(seed=0, n=80):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    Xs = rng.normal(size=(n, 4)) + 4.0 * np.outer(y, [1.0, 1.0, 0.0, 0.0])
    Xt = rng.normal(size=(n, 4)) + 4.0 * np.outer(y, [0.0, 1.0, 0.0, 0.0]) + [0.0, 0.0, 3.0, 0.0]
    return Xs, y, Xt, y


def test_divergence_by_loops():
    rng = np.random.default_rng(0)
    Xs, Xt, W = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    g = lambda A, B: np.mean([[np.exp(-0.3 * np.sum(((a - b) @ W) ** 2)) for b in B] for a in A])  # noqa: E731
    assert divergence_gradient(W, Xs, Xt, 0.3)[0] == pytest.approx(g(Xs, Xs) + g(Xt, Xt) - 2 * g(Xs, Xt))


@pytest.mark.parametrize("name", ["divergence", "fisher", "pca"])
def test_gradients(name):
    Xs, ys, Xt, _ = _data(n=20)
    function = {
        "divergence": lambda W: divergence_gradient(W, Xs, Xt, 0.2),
        "fisher": _fisher(Xs, ys, 2),
        "pca": _lost_variance(Xs),
    }[name]
    w = np.random.default_rng(1).normal(size=8)
    error = check_grad(lambda v: function(v.reshape(4, 2))[0], lambda v: function(v.reshape(4, 2))[1].ravel(), w)
    assert error < 1e-5 * max(1.0, np.linalg.norm(function(w.reshape(4, 2))[1]))


def test_the_value_falls_and_the_columns_stay_orthonormal():
    Xs, ys, Xt, _ = _data()
    mapper = TransferSubspaceLearning(2, random_state=0).fit(Xs, ys, X_target=Xt)
    assert len(mapper.objective_) > 3 and (np.diff(mapper.objective_) < 0).all()
    assert np.allclose(mapper.components_.T @ mapper.components_, np.eye(2))


def test_without_divergence_it_is_fishers_direction():
    Xs, ys, Xt, _ = _data()
    mapper = TransferSubspaceLearning(1, adaptation=0.0, max_iter=500, tol=1e-10).fit(Xs, ys, X_target=Xt)
    direction = LinearDiscriminantAnalysis(solver="eigen").fit(Xs, ys).scalings_[:, 0]
    cosine = abs(direction @ mapper.components_[:, 0]) / np.linalg.norm(direction)
    assert cosine > 0.999


def test_without_divergence_pca_is_pca():
    Xs, _, Xt, _ = _data()
    mapper = TransferSubspaceLearning(2, objective="pca", adaptation=0.0, max_iter=500, tol=1e-12).fit(Xs, X_target=Xt)
    values = np.linalg.eigvalsh(np.cov(Xs.T))
    assert mapper.objective_[-1] == pytest.approx(values[:2].sum() / values.sum(), rel=1e-4)


def test_it_leaves_the_directions_that_tell_the_domains_apart():
    Xs, ys, Xt, yt = _data()
    mapper = TransferSubspaceLearning(1, random_state=0).fit(Xs, ys, X_target=Xt)
    assert int(np.abs(mapper.components_[:, 0]).argmax()) == 1
    model = LinearDiscriminantAnalysis().fit(mapper.transform_source(Xs), ys)
    assert model.score(mapper.transform(Xt), yt) > LinearDiscriminantAnalysis().fit(Xs, ys).score(Xt, yt)


def test_target_labels_are_used_and_source_labels_required():
    Xs, ys, Xt, yt = _data()
    without = TransferSubspaceLearning(1, random_state=0).fit(Xs, ys, X_target=Xt)
    within = TransferSubspaceLearning(1, random_state=0).fit(Xs, ys, X_target=Xt, y_target=yt)
    assert not np.allclose(without.components_, within.components_)
    with pytest.raises(LabelError, match="requires y"):
        TransferSubspaceLearning().fit(Xs, X_target=Xt)


@pytest.mark.parametrize("params", [{"objective": "pca", "n_components": 2, "max_iter": 10}])
def test_scikit_learns_checks(params):
    # the defaults stand them as part of the catalogue, in tests/test_conformance.py
    made = TransferSubspaceLearning(**params)
    assert not [r for r in check_estimator(made, on_fail=None, on_skip=None) if r["status"] == "failed"]
