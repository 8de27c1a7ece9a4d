import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from landbridge.data import make_shift
from landbridge.exceptions import InputError, LabelError
from landbridge.parameter import SourcePriorLogistic, SourcePriorRidge, prior_logistic, prior_ridge


def classes(k, n=120, seed=0, d=3):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d)) * 2
    y = rng.integers(0, k, size=n)
    return centres[y] + rng.normal(size=(n, d)), y


def loss(W, b, X, codes, W0, b0, strength):
    scores = X @ W.T + b
    if len(W) == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    fit = (logsumexp(scores, axis=1) - scores[np.arange(len(X)), codes]).sum()
    return fit + strength / 2 * (((W - W0) ** 2).sum() + ((b - b0) ** 2).sum())


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_the_minimum_is_that_of_the_objective_written_out(k, strength):
    X, y = classes(k, n=30)
    rng = np.random.default_rng(1)
    rows = 1 if k == 2 else k
    W0, b0 = rng.normal(size=(rows, 3)), rng.normal(size=rows)
    W, b, _ = prior_logistic(X, y, W0, b0, strength, tol=1e-9)

    def flat(v):
        return loss(v[: rows * 3].reshape(rows, 3), v[rows * 3 :], X, y, W0, b0, strength)

    oracle = minimize(flat, np.zeros(rows * 4), method="BFGS", options={"gtol": 1e-7})
    np.testing.assert_allclose(np.append(W, b), oracle.x, atol=1e-4)


def test_without_prior_coefficients_it_is_a_plain_penalised_fit():
    X, y = classes(3)
    ones = np.hstack([X, np.ones((len(X), 1))])
    plain = LogisticRegression(C=0.5, fit_intercept=False, max_iter=10000, tol=1e-10).fit(ones, y)
    W, b, _ = prior_logistic(X, y, np.zeros((3, 3)), np.zeros(3), 2.0, tol=1e-10)
    np.testing.assert_allclose(np.hstack([W, b[:, None]]), plain.coef_, atol=1e-4)


@pytest.mark.parametrize("shape", [(40, 5), (4, 30)])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_ridge_closed_form_in_both_shapes(shape, kind):
    rng = np.random.default_rng(0)
    X, y, w0 = rng.normal(size=shape), rng.normal(size=shape[0]), rng.normal(size=shape[1])
    ones = np.hstack([X, np.ones((shape[0], 1))])
    start = np.append(w0, 0.7)
    expected = start + np.linalg.solve(ones.T @ ones + 2 * np.eye(len(start)), ones.T @ (y - ones @ start))
    coef, intercept = prior_ridge(kind(X), y, w0, 0.7, 2.0)
    np.testing.assert_allclose(np.append(coef, intercept), expected)


@pytest.mark.parametrize("k", [2, 3])
def test_without_target_labels_it_is_the_source_model(k):
    X, y = classes(k)
    names = np.array(["ash", "beech", "cedar"])[y]
    plain = LogisticRegression(max_iter=1000).fit(X, names)
    model = SourcePriorLogistic().fit(X, names, X_target=X[:10] + 1)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-12)
    assert model.predict(X).tolist() == plain.predict(X).tolist()


def test_strength_goes_from_the_target_alone_to_the_source():
    X, y = classes(2)
    Xt, yt = classes(2, n=40, seed=9)
    far = SourcePriorLogistic(1e8).fit(X, y, X_target=Xt, y_target=yt)
    np.testing.assert_allclose(far.coef_, far.source_coef_, atol=1e-4)
    distances = [
        np.linalg.norm(m.coef_ - m.source_coef_)
        for m in (SourcePriorLogistic(s).fit(X, y, X_target=Xt, y_target=yt) for s in (0.1, 1.0, 10.0, 100.0))
    ]
    assert distances == sorted(distances, reverse=True)


def test_only_labelled_target_rows_count():
    X, y = classes(3)
    Xt, yt = classes(3, n=30, seed=2)
    partly = np.where(np.arange(30) < 12, yt, -1)
    a = SourcePriorLogistic().fit(X, y, X_target=Xt, y_target=partly)
    b = SourcePriorLogistic().fit(X, y, X_target=Xt[:12], y_target=yt[:12])
    np.testing.assert_allclose(a.coef_, b.coef_)


def test_a_class_missing_in_the_target_keeps_its_place():
    X, y = classes(3)
    Xt, yt = classes(3, n=30, seed=2)
    model = SourcePriorLogistic().fit(X, y, X_target=Xt[yt < 2], y_target=yt[yt < 2])
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.predict_proba(Xt).shape == (30, 3)


def test_sparse_rows_give_the_same_model():
    X, y = classes(3)
    X = np.where(np.abs(X) > 1, X, 0.0)
    dense = SourcePriorLogistic().fit(X, y, X_target=X[:20] * 2, y_target=y[:20])
    thin = SourcePriorLogistic().fit(sparse.csr_matrix(X), y, X_target=sparse.csr_matrix(X[:20] * 2), y_target=y[:20])
    np.testing.assert_allclose(dense.coef_, thin.coef_, atol=1e-4)
    assert (dense.predict(X) == thin.predict(sparse.csr_matrix(X))).all()


@pytest.mark.parametrize("source", [LogisticRegression(), LinearSVC()])
def test_a_frozen_model_stands_in_for_the_source_rows(source):
    X, y = classes(3)
    Xt, yt = classes(3, n=40, seed=2)
    frozen = FrozenEstimator(source.fit(X, y))
    model = clone(SourcePriorLogistic(source_estimator=frozen)).adapt(Xt, yt)
    np.testing.assert_array_equal(model.source_coef_, source.coef_)
    assert model.score(Xt, yt) > source.score(Xt, yt)
    fitted = SourcePriorLogistic(source_estimator=frozen).fit(Xt, yt, X_target=Xt, y_target=yt)
    np.testing.assert_allclose(fitted.coef_, model.coef_)


def test_adapt_always_starts_from_the_source():
    X, y = classes(3)
    Xt, yt = classes(3, n=40, seed=2)
    model = SourcePriorLogistic().fit(X, y)
    once = model.adapt(Xt, yt).coef_
    model.adapt(X[:10], y[:10])
    np.testing.assert_allclose(model.adapt(Xt, yt).coef_, once)
    np.testing.assert_array_equal(model.adapt(Xt).coef_, model.source_coef_)


def test_ridge_adapts_without_source_rows():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(80, 3)), np.array([1.0, -2.0, 0.5])
    frozen = FrozenEstimator(Ridge(alpha=1e-6).fit(X, X @ w))
    model = SourcePriorRidge(1e-3, source_estimator=frozen).adapt(X[:20], X[:20] @ (w + 0.5))
    np.testing.assert_allclose(model.coef_, w + 0.5, atol=1e-2)
    np.testing.assert_allclose(SourcePriorRidge(source_estimator=frozen).adapt(X).predict(X), frozen.predict(X))


def test_errors_name_the_argument():
    X, y = classes(3)
    with pytest.raises(InputError, match=r"^source_estimator=LogisticRegression has no coef_; pass a fitted"):
        SourcePriorLogistic(source_estimator=LogisticRegression()).adapt(X, y)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    with pytest.raises(InputError, match="source_estimator was fitted on 3 features but X_target has 2"):
        SourcePriorLogistic(source_estimator=frozen).adapt(X[:, :2], y)
    with pytest.raises(LabelError, match=r"y_target holds the class .*, which the source model does not have"):
        SourcePriorLogistic(source_estimator=frozen).adapt(X, y + 1)
    with pytest.raises(LabelError, match=r"y_target holds the class .*, which the source model does not have"):
        SourcePriorLogistic(source_estimator=frozen).adapt(X, y.astype(str))
    with pytest.raises(LabelError, match="y_target"):
        SourcePriorLogistic().fit(X, y, X_target=X, y_target=y + 1)


def test_a_few_labels_help_under_a_changed_rule():
    gains = []
    for seed in range(5):
        source, target = make_shift("concept", random_state=seed)
        y_target = target.y.astype(object)
        y_target[20:] = None
        plain = SourcePriorLogistic().fit(source.X, source.y)
        model = clone(plain).fit(source.X, source.y, X_target=target.X, y_target=y_target)
        gains.append(model.score(target.X[20:], target.y[20:]) - plain.score(target.X[20:], target.y[20:]))
    assert np.mean(gains) > 0.05
