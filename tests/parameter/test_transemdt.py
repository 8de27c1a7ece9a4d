import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from landbridge.data import shared_data
from landbridge.exceptions import InputError
from landbridge.parameter import TransEMDT, cluster_vote, refit_tree
from landbridge.parameter._flat_tree import FlatTree


def groups(n=120, seed=0, move=0.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.normal(scale=0.5, size=(n, 2)) + 4 * np.array([[0, 0], [1, 0], [0, 1]])[y] + move, y


def test_a_cluster_has_one_probability():
    Z = np.repeat([[0.0], [5.0]], 10, axis=0)
    proba = np.zeros((20, 2))
    proba[np.arange(20), [0] * 7 + [1] * 3 + [1] * 9 + [0]] = 1.0
    voted = cluster_vote(proba, Z, 2, random_state=0)
    np.testing.assert_allclose(voted, np.repeat([[0.7, 0.3], [0.1, 0.9]], 10, axis=0))


def test_more_clusters_than_distinct_rows_do_no_harm():
    voted = cluster_vote(np.eye(2), np.zeros((2, 1)), 5, random_state=0)
    np.testing.assert_allclose(voted, 0.5)


def stump():
    x = np.linspace(0, 1, 101)[:, None]
    model = DecisionTreeClassifier(max_depth=1, random_state=0).fit(x, (x[:, 0] > 0.5).astype(int))
    return x, FlatTree.of(model), model.tree_.weighted_n_node_samples


def test_a_threshold_moves_to_where_the_labels_change():
    x, tree, sizes = stump()
    new = refit_tree(tree, sizes, x, np.eye(2)[(x[:, 0] > 0.7).astype(int)], prior_samples=0.0, margin=0.0)
    assert new.threshold[0] == pytest.approx(0.695, abs=1e-6)
    np.testing.assert_allclose(new.value[1:], np.eye(2))


def test_a_threshold_stays_without_enough_gain():
    x, tree, sizes = stump()
    proba = np.eye(2)[(x[:, 0] > 0.7).astype(int)]
    assert refit_tree(tree, sizes, x, proba, margin=0.9).threshold[0] == tree.threshold[0]


def test_labels_that_agree_change_nothing():
    x, tree, sizes = stump()
    new = refit_tree(tree, sizes, x, tree.predict_proba(x), margin=0.0)
    assert new.threshold[0] == tree.threshold[0]
    np.testing.assert_allclose(new.value, tree.value)


def test_prior_samples_draw_a_leaf_to_the_source():
    x, tree, sizes = stump()
    rows = x[:10]
    new = refit_tree(tree, sizes, rows, np.tile([[0.0, 1.0]], (10, 1)), prior_samples=10.0, margin=5.0)
    np.testing.assert_allclose(new.value[1], [0.5, 0.5])
    np.testing.assert_allclose(new.value[2], tree.value[2])  # nobody reached it


def test_moved_groups_are_followed_without_labels():
    X, y = groups()
    Xt, yt = groups(seed=1, move=1.5)
    model = TransEMDT(n_clusters=3, margin=0.0, random_state=0).fit(X, y, X_target=Xt)
    assert model.score(Xt, yt) > model.source_estimator_.score(Xt, yt) + 0.05
    np.testing.assert_array_equal(model.tree_.feature, model.source_estimator_.tree_.feature)


def test_without_a_target_the_tree_stays():
    X, y = groups()
    model = TransEMDT(random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), model.source_estimator_.predict_proba(X))


def test_a_frozen_tree_needs_no_source_rows():
    X, y = groups()
    Xt, _ = groups(seed=1, move=1.8)
    frozen = FrozenEstimator(DecisionTreeClassifier(random_state=0).fit(X, y))
    model = clone(TransEMDT(source_estimator=frozen, random_state=0)).adapt(Xt)
    same = TransEMDT(source_estimator=frozen, random_state=0).fit(X, y, X_target=Xt)
    np.testing.assert_allclose(model.predict_proba(Xt), same.predict_proba(Xt))


def test_errors_name_the_argument():
    X, y = groups()
    with pytest.raises(InputError, match="estimator=LogisticRegression has no tree"):
        TransEMDT(LogisticRegression()).fit(X, y)


@pytest.mark.data
@pytest.mark.slow
def test_activity_recognition_leave_one_person_out():
    path = shared_data("activity.npz")
    if path is None:
        pytest.skip("the shared data folder is absent")
    data = np.load(path)
    X, y, person = data["X"].astype(float), data["y"].astype(int), data["subject"]
    gains = []
    for p in np.unique(person):
        source, target = person != p, person == p
        middle = np.nanmedian(X[source], axis=0)
        Xs, Xt = (np.where(np.isnan(X[rows]), middle, X[rows]) for rows in (source, target))
        model = TransEMDT(random_state=0).fit(Xs, y[source], X_target=Xt)
        gains.append(model.score(Xt, y[target]) - model.source_estimator_.score(Xt, y[target]))
    assert np.mean(np.array(gains) >= 0) >= 0.8
    assert np.mean(gains) >= 0.02
