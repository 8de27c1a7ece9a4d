"""Several sources: the good ones are chosen, the bad ones are not."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from landbridge import make_pipeline
from landbridge.exceptions import InputError
from landbridge.instance import MultiSourceTrAdaBoost, TaskTrAdaBoost, TrAdaBoost

METHODS = [MultiSourceTrAdaBoost(n_estimators=8, random_state=0), TaskTrAdaBoost(n_estimators=8, random_state=0)]


@pytest.fixture
def sources():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(600, 3)), rng.normal(size=(300, 3))
    name = np.repeat(["reversed", "right", "noise"], 200)
    y = np.select(
        [name == "reversed", name == "right"], [X[:, 0] < 0, X[:, 0] + 0.1 * X[:, 1] > 0], rng.uniform(size=600) > 0.5
    ).astype(int)
    yt = (Xt[:, 0] > 0).astype(int)
    return X, y, name, Xt, yt, np.where(np.arange(300) < 40, yt, -1)


@pytest.mark.parametrize("method", METHODS)
def test_the_right_source_serves(method, sources):
    X, y, name, Xt, yt, partly = sources
    model = method.fit(X, y, X_target=Xt, y_target=partly, source_domain=name)
    assert model.source_domains_.tolist() == ["noise", "reversed", "right"]
    assert model.chosen_[0] == "right"
    assert model.score(Xt, yt) > 0.93
    assert LogisticRegression().fit(X, y).score(Xt, yt) < 0.9
    assert len(model.chosen_) == len(model.estimators_) == len(model.votes_)


def test_one_round_is_the_best_source_joined_with_the_target(sources):
    X, y, name, Xt, yt, partly = sources
    learner = LogisticRegression(max_iter=1000)
    model = MultiSourceTrAdaBoost(learner, n_estimators=1)
    model.fit(X, y, X_target=Xt, y_target=partly, source_domain=name)
    rows, labels = np.concatenate([X[name == "right"], Xt[:40]]), np.concatenate([y[name == "right"], yt[:40]])
    assert np.array_equal(model.predict(Xt), learner.fit(rows, labels).predict(Xt))


def test_multi_source_with_one_source_weighs_as_tradaboost(sources):
    X, y, _, Xt, _, partly = sources
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    one = MultiSourceTrAdaBoost(tree, n_estimators=6, target_share=0.4).fit(X, y, X_target=Xt, y_target=partly)
    other = TrAdaBoost(tree, n_estimators=6, target_share=0.4).fit(X, y, X_target=Xt, y_target=partly)
    assert one.votes_ == pytest.approx(other.votes_)
    assert one.source_weights_ == pytest.approx(other.source_weights_)


def test_task_form_learns_nothing_on_the_target(sources):
    X, y, name, Xt, _, partly = sources
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    model = TaskTrAdaBoost(tree, n_estimators=5).fit(X, y, X_target=Xt, y_target=partly, source_domain=name)
    assert model.n_candidates_ <= 15
    assert len(set(map(id, model.estimators_))) == len(model.estimators_)
    strict = TaskTrAdaBoost(tree, n_estimators=5, threshold=1.0)
    strict.fit(X, y, X_target=Xt, y_target=partly, source_domain=name)
    assert strict.n_candidates_ < model.n_candidates_


@pytest.mark.parametrize("method", METHODS)
def test_source_of_one_class(method, sources):
    X, y, name, Xt, yt, partly = sources
    y = np.where(name == "noise", 1, y)
    model = method.fit(X, y, X_target=Xt, y_target=partly, source_domain=name)
    assert model.score(Xt, yt) > 0.93


@pytest.mark.parametrize("method", METHODS)
def test_source_domain_goes_through_a_pipeline(method, sources):
    from sklearn.preprocessing import StandardScaler

    X, y, name, Xt, yt, partly = sources
    model = make_pipeline(StandardScaler(), method)
    model.fit(X, y, X_target=Xt, y_target=partly, source_domain=name)
    assert model[-1].source_domains_.tolist() == ["noise", "reversed", "right"]
    assert model.score(Xt, yt) > 0.93


@pytest.mark.parametrize("method", METHODS)
def test_wrong_length(method, sources):
    X, y, name, Xt, _, partly = sources
    with pytest.raises(InputError, match=r"source_domain has shape \(3,\) but X has 600 samples"):
        method.fit(X, y, X_target=Xt, y_target=partly, source_domain=name[:3])


@pytest.mark.parametrize("make", [MultiSourceTrAdaBoost, TaskTrAdaBoost])
def test_three_classes(make):
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [4, 0], [0, 4]])
    y, yt = rng.integers(0, 3, 300), rng.integers(0, 3, 150)
    X, Xt = centres[y] + rng.normal(size=(300, 2)), centres[yt] + rng.normal(size=(150, 2))
    names = np.array(["a", "b", "c"])
    partly = np.where(np.arange(150) < 20, names[yt], None)
    model = make(LinearSVC(), n_estimators=5)
    model.fit(X, names[y], X_target=Xt, y_target=partly, source_domain=np.arange(300) % 2)
    assert model.score(Xt, names[yt]) > 0.9
    assert model.predict_proba(Xt).shape == (150, 3)
