import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from landbridge.data import make_shift
from landbridge.exceptions import InputError, LabelError
from landbridge.parameter import TransferForest, TransferTree, ser, strut
from landbridge.parameter._flat_tree import FlatTree


def rows(n=200, seed=0, limit=0.5):
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 3))
    return X, (X[:, 0] > limit).astype(int) + (X[:, 1] > 0.7)


def grown(depth=None, seed=0):
    X, y = rows(seed=seed)
    return DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y)


def test_a_flat_tree_predicts_as_the_tree_it_copies():
    model = grown()
    X, _ = rows(500, seed=3)
    np.testing.assert_allclose(FlatTree.of(model).predict_proba(X), model.predict_proba(X))
    exactly = np.where(X < 0.2, model.tree_.threshold[0], X)  # rows on the threshold go the same way
    np.testing.assert_array_equal(FlatTree.of(model).apply(exactly), model.apply(exactly))


def test_visit_goes_from_parents_to_children_and_sends_every_sample_to_its_leaf():
    tree, X = FlatTree.of(grown()), rows(100, seed=4)[0]
    seen, leaf = [], np.full(100, -1)
    for node, members in tree.visit(X):
        seen.append(node)
        if tree.left[node] < 0:
            leaf[members] = node
    np.testing.assert_array_equal(leaf, tree.apply(X))
    place = {node: i for i, node in enumerate(seen)}
    assert all(place[tree.left[n]] > place[n] for n in seen if tree.left[n] >= 0)


def test_a_graft_predicts_as_the_subtree_that_was_grafted():
    tree, other = FlatTree.of(grown(1)), FlatTree.of(grown(3, seed=5))
    other.value = np.hstack([other.value, np.zeros((len(other), 3 - other.value.shape[1]))])
    X = rows(100, seed=6)[0]
    at_left = tree.goes_left(X, 0)
    right_before = tree.predict_proba(X)[~at_left]
    tree.graft(int(tree.left[0]), other)
    np.testing.assert_allclose(tree.predict_proba(X)[at_left], other.predict_proba(X)[at_left])
    np.testing.assert_allclose(tree.predict_proba(X)[~at_left], right_before)


def test_ser_makes_no_error_on_the_target_rows_and_leaves_what_they_do_not_reach():
    x = np.linspace(0, 1, 201)[:, None]
    stripes = (x[:, 0] * 4).astype(int) % 2
    tree = FlatTree.of(DecisionTreeClassifier(random_state=0).fit(x, stripes))
    X = x[x[:, 0] > 0.6]
    y = ((X[:, 0] > 0.65) & (X[:, 0] < 0.7) | (X[:, 0] > 0.85)).astype(int)
    new = ser(tree, X, y, random_state=0)
    assert (new.predict_proba(X).argmax(axis=1) == y).all()
    far = x[x[:, 0] < 0.5]
    np.testing.assert_array_equal(new.predict_proba(far), tree.predict_proba(far))


def test_ser_reduces_what_the_target_does_not_need():
    X, y = rows()
    new = ser(FlatTree.of(grown()), X, np.ones_like(y), random_state=0)
    assert new.left[0] == -1
    assert new.value[0].tolist() == [0.0, 1.0, 0.0]


def test_strut_keeps_topology_and_columns_and_moves_the_limit():
    x = np.linspace(0, 1, 201)[:, None]
    source = DecisionTreeClassifier(random_state=0).fit(x, (x[:, 0] > 0.5).astype(int))
    new = strut(FlatTree.of(source), x, (x[:, 0] > 0.7).astype(int))
    assert new.threshold[0] == pytest.approx(0.7, abs=0.006)
    np.testing.assert_array_equal(new.feature, source.tree_.feature)
    np.testing.assert_array_equal(new.left, source.tree_.children_left)


def test_strut_swaps_the_sides_of_an_opposite_rule():
    x = np.linspace(0, 1, 201)[:, None]
    y = (x[:, 0] > 0.5).astype(int)
    source = DecisionTreeClassifier(random_state=0).fit(x, y)
    new = strut(FlatTree.of(source), x, 1 - y)
    assert (new.left[0], new.right[0]) == (source.tree_.children_right[0], source.tree_.children_left[0])
    assert (new.predict_proba(x).argmax(axis=1) == 1 - y).all()


def test_strut_takes_the_peak_of_the_gain_with_the_largest_divergence_gain():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(60, 1)), rng.integers(0, 3, size=60)
    y[x[:, 0] > 0.6] = 2
    source = DecisionTreeClassifier(max_depth=1, random_state=0).fit(*(a[:150] for a in _line(rng)))
    tree = FlatTree.of(source)
    new = strut(tree, x, y)
    order = np.argsort(x[:, 0])
    xs, ys = x[order, 0], y[order]

    def shares(labels):
        return np.bincount(labels, minlength=3) / len(labels)

    def entropy(p):
        return -(p[p > 0] * np.log(p[p > 0])).sum()

    cuts = range(1, 60)
    gain = np.array([-(c * entropy(shares(ys[:c])) + (60 - c) * entropy(shares(ys[c:]))) / 60 for c in cuts])
    padded = np.concatenate([[-np.inf], gain, [-np.inf]])
    best = (-np.inf, None)
    for i, c in enumerate(cuts):
        if gain[i] < padded[i] or gain[i] < padded[i + 2]:
            continue
        for left, right in ((1, 2), (2, 1)):
            parts = (ys[:c], tree.value[left]), (ys[c:], tree.value[right])
            value = 1 - sum(len(p) / 60 * jensenshannon(shares(p), q, base=2) ** 2 for p, q in parts)
            best = max(best, (value, (xs[c - 1] + xs[c]) / 2))
    assert new.threshold[0] == pytest.approx(best[1], abs=1e-6)


def _line(rng):
    x = rng.uniform(size=(200, 1))
    return x, np.where(x[:, 0] < 0.4, rng.integers(0, 2, size=200), 2)


@pytest.mark.parametrize("method", ["ser", "strut"])
def test_without_target_labels_it_is_the_source_tree(method):
    X, y = rows()
    model = TransferTree(method, random_state=0).fit(X, y, X_target=X + 1)
    np.testing.assert_allclose(model.predict_proba(X), model.source_estimator_.predict_proba(X))


@pytest.mark.parametrize("method", ["ser", "strut", "mix"])
def test_forest_without_target_labels_is_the_source_forest(method):
    X, y = rows()
    names = np.array(["ash", "beech", "cedar"])[y]
    model = TransferForest(method, n_estimators=7, random_state=0).fit(X, names)
    np.testing.assert_allclose(model.predict_proba(X), model.source_estimator_.predict_proba(X))
    assert model.predict(X).tolist() == model.source_estimator_.predict(X).tolist()


def test_a_frozen_forest_is_adapted_without_source_rows():
    X, y = rows()
    Xt, yt = rows(60, seed=2, limit=0.7)
    frozen = FrozenEstimator(RandomForestClassifier(10, random_state=0).fit(X, y))
    model = clone(TransferForest(source_estimator=frozen, random_state=0)).adapt(Xt, yt)
    again = TransferForest(source_estimator=frozen, random_state=0).fit(X, y, X_target=Xt, y_target=yt)
    test, truth = rows(400, seed=9, limit=0.7)
    assert model.score(test, truth) > frozen.score(test, truth)
    assert abs(model.score(test, truth) - again.score(test, truth)) < 0.1
    before = model.predict_proba(test)
    np.testing.assert_array_equal(model.adapt(Xt, yt).predict_proba(test), before)


def test_errors_name_the_argument():
    X, y = rows()
    with pytest.raises(
        InputError, match=r"^estimator=LogisticRegression has no tree_ or estimators_ once fitted; pass a Decision"
    ):
        TransferTree(estimator=LogisticRegression()).fit(X, y)
    frozen = FrozenEstimator(grown())
    with pytest.raises(LabelError, match=r"y_target holds the class [567], which"):
        TransferTree(source_estimator=frozen).adapt(X, y + 5)


@pytest.mark.parametrize("method", ["ser", "strut", "mix"])
def test_a_few_labels_help_under_a_changed_rule(method):
    gains = []
    for seed in range(3):
        source, target = make_shift("concept", random_state=seed)
        y_target = target.y.astype(object)
        y_target[40:] = None
        model = TransferForest(method, n_estimators=20, random_state=0)
        model.fit(source.X, source.y, X_target=target.X, y_target=y_target)
        X, y = target.X[40:], target.y[40:]
        gains.append(model.score(X, y) - model.source_estimator_.score(X, y))
    assert np.mean(gains) > 0.05
