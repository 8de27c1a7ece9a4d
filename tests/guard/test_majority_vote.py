"""The weighted majority vote: weights, ties, members, smoothing, new samples."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import normalize

from landbridge.guard import (
    MAJORITY_VOTE,
    MajorityVote,
    Trial,
    ensemble_members,
    majority_vote,
    majority_vote_proba,
    member_weights,
    neighbour_graph,
    smooth_votes,
)
from landbridge.guard import _majority_vote as module
from landbridge.guard._majority_vote import is_same_model


class ByFeature(ClassifierMixin, BaseEstimator):
    """Predicts by the sign of one feature."""

    def __init__(self, feature=0, classes=(0, 1)):
        self.feature, self.classes_ = feature, np.array(classes)

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, self.feature] > 0).astype(int)]


class Value(RegressorMixin, BaseEstimator):
    """Predicts a constant."""

    def __init__(self, value):
        self.value = value

    def predict(self, X):
        return np.full(len(X), self.value)


def test_votes_by_hand():
    labels = np.array([[0], [1], [1]])
    proba = np.array([[[0.8, 0.2]], [[0.4, 0.6]], [[0.1, 0.9]]])
    got = majority_vote_proba(labels, proba, [2.0, 1.0, 1.0])
    tie = 1e-3 * np.array([0.5 * 0.8 + 0.25 * 0.4 + 0.25 * 0.1, 0.5 * 0.2 + 0.25 * 0.6 + 0.25 * 0.9])
    np.testing.assert_allclose(got[0], (0.5 + tie) / 1.001)


def test_probabilities_only_break_ties():
    labels, proba = np.array([[0], [0], [1]]), np.array([[[0.51, 0.49]], [[0.51, 0.49]], [[0.0, 1.0]]])
    assert majority_vote_proba(labels, proba, [1, 1, 1]).argmax() == 0
    assert majority_vote_proba(labels[1:], proba[1:], [1, 1]).argmax() == 1


def test_the_source_model_has_two_votes():
    assert member_weights(1) == [2.0] and member_weights(4) == [2.0, 1.0, 1.0, 1.0]
    assert MAJORITY_VOTE == "MajorityVote" == MajorityVote.__name__


@pytest.mark.parametrize(("differing", "same"), [(0, True), (1, False)])
def test_the_same_model_shares_more_than_99_percent(fabricate, flip, source_only, differing, same):
    assert is_same_model(fabricate("A", flip(0, differing)), source_only) is same


def test_one_in_101_is_the_same(fabricate):
    labels = np.arange(101) % 2
    other = labels.copy()
    other[0] = 1
    assert is_same_model(fabricate("A", other), fabricate("source-only", labels))


def test_values_are_the_same_where_they_are_close():
    base = Trial("source-only", "baseline", role="source-only", predicted=np.array([1.0, 2.0]))
    assert is_same_model(Trial("A", "feature", predicted=np.array([1.0, 2.0 + 1e-9])), base)
    assert not is_same_model(Trial("A", "feature", predicted=np.array([1.0, 2.1])), base)


def test_members(fabricate, flip, labels, source_only):
    trials = [
        fabricate("alone", flip(0, 50), role="target-only"),
        source_only,
        fabricate("A", flip(0, 30)),
        fabricate("same", labels),
        fabricate("other shift", flip(0, 30), shifts=frozenset({"label"})),
        fabricate("failed", flip(0, 30), error="broke"),
        fabricate("B", flip(0, 20), shifts=frozenset({"subspace", "label"})),
    ]
    assert [t.name for t in ensemble_members(trials)] == ["source-only", "A", "B"]


def test_the_vote_of_trials_with_and_without_smoothing(fabricate, labels):
    rng = np.random.default_rng(0)
    graph = neighbour_graph(np.where(labels, 3.0, -3.0)[:, None] + rng.normal(size=(100, 2)))
    noisy = [fabricate(n, np.where(rng.random(100) < 0.3, 1 - labels, labels)) for n in "ABC"]
    shares = majority_vote_proba(
        np.stack([t.predicted for t in noisy]), np.stack([t.proba for t in noisy]), [2.0, 1.0, 1.0]
    )
    assert np.array_equal(majority_vote(noisy), shares.argmax(axis=1))
    assert np.array_equal(majority_vote(noisy, graph), smooth_votes(shares, graph).argmax(axis=1))
    assert np.mean(majority_vote(noisy, graph) == labels) > np.mean(majority_vote(noisy) == labels)


def test_the_vote_on_values_is_the_median():
    trials = [Trial(n, "feature", predicted=np.array([v])) for n, v in zip("ABC", (1.0, 2.0, 9.0), strict=True)]
    assert majority_vote(trials).tolist() == [2.0]
    model = MajorityVote([Value(1.0), Value(2.0), Value(9.0)], [2.0, 1.0, 1.0], list("ABC")).fit(np.zeros((30, 1)))
    assert model.predict(np.zeros((2, 1))).tolist() == [2.0, 2.0] and not model.smooths_


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    return np.where(y, 2.0, -2.0)[:, None] + rng.normal(size=(60, 3)) * [1.5, 1.5, 0.2], y


def test_fit_and_predict_agree_with_the_trials(data, fabricate):
    X, _ = data
    models = [ByFeature(0), ByFeature(1), ByFeature(0)]
    vote = MajorityVote(models, member_weights(3), list("ABC")).fit(X)
    proba = [np.eye(2)[m.predict(X)] for m in models]
    trials = [fabricate(n, m.predict(X), proba=p) for n, m, p in zip("ABC", models, proba, strict=True)]
    assert vote.smooths_ and np.array_equal(vote.predict(X), majority_vote(trials, neighbour_graph(X)))
    assert np.allclose(vote.predict_proba(X).sum(axis=1), 1)


def test_new_samples_are_smoothed_over_their_nearest_neighbours(data):
    X, _ = data
    new = np.array([[0.1, -2.0, -2.0]])  # the model says 1, the neighbours 0
    assert ByFeature(0).predict(new).tolist() == [1]
    for smoothing, label in ((0.0, 1), (0.3, 1), (0.8, 0)):
        vote = MajorityVote([ByFeature(0)], [1.0], ["A"], smoothing=smoothing).fit(X)
        assert vote.predict(new).tolist() == [label]
    vote = MajorityVote([ByFeature(0)], [1.0], ["A"]).fit(X)
    Z, z = (normalize((V - X.mean(axis=0)) / X.std(axis=0)) for V in (X, new))
    near = np.argsort(np.linalg.norm(Z - z, axis=1))[:10]
    expected = 0.7 * vote.votes_[near].mean(axis=0) + 0.3 * np.array([0.0, 1.0])
    np.testing.assert_allclose(vote.predict_proba(new)[0], expected / expected.sum())


def test_order_of_classes_and_frames(data):
    X, _ = data
    models = [ByFeature(0, ("a", "b")), ByFeature(1, ("b",))]
    models[1].predict = lambda X: np.full(len(X), "b")
    frame = pd.DataFrame(X, columns=list("xyz"))
    vote = MajorityVote(models, [1.0, 3.0], ["A", "B"], smoothing=0.0).fit(frame)
    assert set(vote.predict(frame)) == {"b"} and vote.predict_proba(frame).shape == (60, 2)


def test_too_many_samples_or_too_few_are_not_smoothed(data, monkeypatch):
    X, _ = data
    make = MajorityVote([ByFeature(0)], [1.0], ["A"])
    assert make.fit(X[:11]).smooths_ and not make.fit(X[:10]).smooths_
    monkeypatch.setattr(module, "MAX_GRAPH_SAMPLES", 59)
    assert not make.fit(X).smooths_ and make.fit(X[:59]).smooths_
