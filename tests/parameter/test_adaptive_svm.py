import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from landbridge.exceptions import InputError, LabelError
from landbridge.parameter import AdaptiveSVM, adaptive_svm


def problem(n=25, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    signs = np.where(rng.uniform(size=n) < 0.5, -1.0, 1.0)
    return X @ X.T + 1.0, signs, rng.normal(size=n)


def dual(alpha, K, signs, scores):
    return (1 - signs * scores) @ alpha - 0.5 * (alpha * signs) @ K @ (alpha * signs)


@pytest.mark.parametrize("C", [0.05, 1.0])
def test_the_dual_is_solved(C):
    K, signs, scores = problem()
    coef, _ = adaptive_svm(K, signs, scores, C, max_iter=20000, tol=1e-8)
    alpha = coef * signs
    assert (alpha >= 0).all() and (alpha <= C + 1e-12).all()
    oracle = minimize(
        lambda a: -dual(a, K, signs, scores),
        np.full(len(K), C / 2),
        jac=lambda a: -(1 - signs * scores) + signs * (K @ (a * signs)),
        bounds=[(0, C)] * len(K),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10000},
    )
    assert dual(alpha, K, signs, scores) == pytest.approx(-oracle.fun, rel=1e-6)


def test_nothing_is_corrected_where_the_source_has_the_margin():
    K, signs, _ = problem()
    coef, n_iter = adaptive_svm(K, signs, 1.5 * signs, 1.0)
    assert not coef.any()
    assert n_iter == 1


def test_with_a_silent_source_it_is_an_svm_without_intercept():
    K, signs, _ = problem(40)
    coef, _ = adaptive_svm(K, signs, np.zeros(40), 1.0, max_iter=50000, tol=1e-9)
    primal = 0.5 * coef @ K @ coef + np.maximum(0, 1 - signs * (K @ coef)).sum()
    assert primal == pytest.approx(dual(coef * signs, K, signs, np.zeros(40)), rel=1e-5)


def classes(k=3, n=90, seed=0, move=0.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(n, 2)) + 3 * np.array([[0, 0], [1, 0], [0, 1]])[y] + move, np.array(["a", "b", "c"])[y]


@pytest.mark.parametrize("k", [2, 3])
def test_without_target_labels_it_is_the_source(k):
    X, y = classes(k)
    model = AdaptiveSVM().fit(X, y, X_target=X + 1)
    assert (model.predict(X) == model.source_estimator_.predict(X)).all()


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("k", [2, 3])
def test_a_few_labels_correct_a_moved_source(k, kernel):
    X, y = classes(k)
    Xt, yt = classes(k, seed=1, move=2.0)
    y_target = np.where(np.arange(len(yt)) < 30, yt.astype(object), None)
    model = AdaptiveSVM(kernel=kernel).fit(X, y, X_target=Xt, y_target=y_target)
    assert model.score(Xt[30:], yt[30:]) > model.source_estimator_.score(Xt[30:], yt[30:]) + 0.05


@pytest.mark.parametrize(
    "source", [SVC(), LogisticRegression(), RandomForestClassifier(20, random_state=0)], ids=lambda s: type(s).__name__
)
def test_any_frozen_classifier_may_be_the_source(source):
    X, y = classes()
    Xt, yt = classes(seed=1, move=2.0)
    frozen = FrozenEstimator(source.fit(X, y))
    model = clone(AdaptiveSVM(source_estimator=frozen)).adapt(Xt[:45], yt[:45])
    assert model.score(Xt[45:], yt[45:]) > frozen.score(Xt[45:], yt[45:])
    scores = model.decision_function(Xt)
    np.testing.assert_array_equal(model.adapt(Xt[:45], yt[:45]).decision_function(Xt), scores)


def test_errors_name_the_argument():
    X, y = classes()
    with pytest.raises(InputError, match="source_estimator=LinearRegression has no classes_; pass a fitted classifier"):
        AdaptiveSVM(source_estimator=FrozenEstimator(LinearRegression().fit(X, np.arange(len(X))))).adapt(X, y)
    with pytest.raises(LabelError, match="y_target holds the class 'z'"):
        AdaptiveSVM(source_estimator=FrozenEstimator(SVC().fit(X, y))).adapt(X, np.full(len(X), "z"))
    with pytest.raises(LabelError, match="y holds one class only"):
        AdaptiveSVM().fit(X, np.full(len(X), "a"))
