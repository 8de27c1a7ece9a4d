"""GradualSelfTraining follows what moves slowly, finds the steps where they are not given, and loses no class."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from landbridge import Domain
from landbridge import make_pipeline as transfer_pipeline
from landbridge.data import make_gradual_shift
from landbridge.exceptions import InputError
from landbridge.guard import reverse_validation
from landbridge.stepwise import GradualSelfTraining, gradual_self_training, path_distance


@pytest.fixture(scope="module")
def chain():
    return make_gradual_shift(8, angle=140, random_state=3)


def test_steps_succeed_where_source_only_and_direct_self_training_fail(chain):
    source, *path, target = chain
    learner = LogisticRegression()
    direct, _, _ = gradual_self_training(learner.fit(source.X, source.y), source.X, source.y, [target.X] * 7)
    assert direct.score(target.X, target.y) < 0.1
    model = GradualSelfTraining(learner)
    model.fit(source.X, source.y, X_target=target.X, intermediate_domains=[d.X for d in path])
    assert model.source_estimator_.score(target.X, target.y) < 0.1
    assert model.score(target.X, target.y) > 0.97


def test_the_walk_is_that_of_a_plain_loop(chain):
    source, *path, target = chain
    windows = [*(d.X for d in path), target.X]
    by_hand = LogisticRegression().fit(source.X, source.y)
    for X in windows:
        proba = by_hand.predict_proba(X)
        sure = proba.max(axis=1) - proba.min(axis=1)
        kept = sure >= np.quantile(sure, 0.2)
        by_hand = LogisticRegression().fit(X[kept], by_hand.predict(X)[kept])
    model, labelled, steps = gradual_self_training(
        LogisticRegression().fit(source.X, source.y), source.X, source.y, windows, discard=0.2
    )
    np.testing.assert_allclose(model.coef_, by_hand.coef_)
    assert len(labelled) == len(steps) == 7
    assert all(s["kept"] == pytest.approx(0.8) and s["size"] == 300 for s in steps)


def test_nothing_is_discarded_where_nothing_shall_be(chain):
    source, *_, target = chain
    model = GradualSelfTraining(discard=0.0, n_steps=1).fit(source.X, source.y, X_target=target.X)
    assert [s["kept"] for s in model.steps_] == [1.0]


def test_steps_by_distance_follow_a_target_spread_along_the_way():
    source, *path = make_gradual_shift(8, angle=80, random_state=1)
    X, y = np.vstack([d.X for d in path]), np.concatenate([d.y for d in path])
    order = np.random.default_rng(0).permutation(len(X))
    model = GradualSelfTraining().fit(source.X, source.y, X_target=X[order])
    assert model.source_estimator_.score(X, y) < 0.95
    assert model.score(X, y) > 0.99
    assert len(model.steps_) == 5
    assert sum(s["size"] for s in model.steps_) == len(X)


def test_the_order_of_the_rows_is_followed_where_it_is_given():
    source, *path = make_gradual_shift(8, angle=140, random_state=1)
    X, target = np.vstack([d.X for d in path]), path[-1]
    model = GradualSelfTraining(order="given", n_steps=7).fit(source.X, source.y, X_target=X)
    assert model.score(target.X, target.y) > 0.97
    back = GradualSelfTraining(order="given", n_steps=7).fit(source.X, source.y, X_target=X[::-1])
    assert back.score(source.X, source.y) < 0.1  # it leapt over the gap with the labels turned, and walked back


def test_pooled_intermediate_rows_are_sorted_and_the_target_answers():
    source, *path, target = make_gradual_shift(8, angle=80, random_state=2)
    mixed = np.random.default_rng(0).permutation(np.vstack([d.X for d in path]))
    model = GradualSelfTraining(order="distance")
    model.fit(source.X, source.y, X_target=target.X, intermediate_domains=[mixed])
    assert model.source_estimator_.score(target.X, target.y) < 0.8
    assert model.score(target.X, target.y) > 0.98


def test_path_distance_against_the_shortest_of_all_walks():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(6, 2)), rng.normal(size=(7, 2)) + 2
    cost = ((Xt[:, None] - Xt[None]) ** 2).sum(-1)
    wanted = ((Xt[:, None] - Xs[None]) ** 2).sum(-1).min(axis=1)
    for _ in range(7):
        wanted = np.minimum(wanted, (wanted[None] + cost).min(axis=1))
    np.testing.assert_allclose(path_distance(Xs, Xt, n_neighbors=6), wanted)
    assert path_distance(Xs, Xt[:1]).shape == (1,)
    np.testing.assert_allclose(path_distance(sparse.csr_matrix(Xs), sparse.csr_matrix(Xt), n_neighbors=6), wanted)


def test_path_distance_goes_round_the_bend():
    angle = np.linspace(0.2, 1.5 * np.pi, 80)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    assert (np.diff(path_distance(np.array([[1.0, 0.0]]), ring, n_neighbors=2)) > 0).all()


def test_no_class_is_lost_where_a_step_lacks_it():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 40)
    X = rng.normal(size=(120, 2)) * 0.3 + np.array([[0, 0], [4, 0], [0, 4]])[y]
    path = [X[y == 0] + 0.3, X[y != 2] + 0.5]
    model = GradualSelfTraining().fit(X, y, X_target=X + 0.7, intermediate_domains=path)
    assert model.estimator_.classes_.tolist() == [0, 1, 2]
    assert model.score(X + 0.7, y) > 0.99


def test_the_last_row_of_a_class_is_kept():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-3, 0.1, size=(50, 1)), rng.normal(3, 0.1, size=(50, 1))])
    y = np.repeat([0, 1], 50)
    window = np.concatenate([X[:50], [[0.2]]])  # the one row of class 1 is the least sure
    model = LogisticRegression().fit(X, y)
    assert model.predict(window)[-1] == 1
    _, [(labels, kept)], _ = gradual_self_training(model, X, y, [window], discard=0.1)
    assert kept[-1] and labels[-1] == 1


def test_known_labels_take_the_place_of_the_models():
    source, target = make_gradual_shift(2, angle=120, random_state=0)
    told = target.y.astype(object)
    told[150:] = None
    blind = GradualSelfTraining(n_steps=1).fit(source.X, source.y, X_target=target.X)
    told_so = GradualSelfTraining(n_steps=1).fit(source.X, source.y, X_target=target.X, y_target=told)
    assert blind.score(target.X[150:], target.y[150:]) < 0.3
    wrong = GradualSelfTraining(n_steps=1, discard=0.9).fit(source.X, source.y, X_target=target.X, y_target=told)
    assert wrong.steps_[0]["kept"] >= 0.5
    assert wrong.score(target.X[150:], target.y[150:]) > told_so.score(target.X[150:], target.y[150:]) > 0.4


def test_without_a_target_the_walk_ends_with_the_intermediate_rows(chain):
    source, *path, _ = chain
    model = GradualSelfTraining().fit(source.X, source.y, intermediate_domains=[d.X for d in path])
    assert len(model.steps_) == 6
    assert model.score(path[-1].X, path[-1].y) > 0.97
    alone = GradualSelfTraining().fit(source.X, source.y)
    assert alone.steps_ == [] and alone.estimator_ is alone.source_estimator_


@pytest.mark.parametrize(("n", "wanted"), [(1, 0), (19, 0), (45, 2), (300, 5)])
def test_few_rows_are_cut_into_few_steps(n, wanted):
    source, target = make_gradual_shift(2, angle=10, random_state=0)
    model = GradualSelfTraining().fit(source.X, source.y, X_target=target.X[:n])
    assert len(model.steps_) == wanted


def test_the_intermediate_rows_are_stored_untouched_and_checked():
    source, step, target = make_gradual_shift(3, angle=20, random_state=0)
    tables = [step.X.copy()]
    model = GradualSelfTraining().fit(source.X, source.y, X_target=target.X, intermediate_domains=tables)
    assert len(model.intermediate_domains_) == 1 and np.array_equal(model.intermediate_domains_[0], step.X)
    assert np.array_equal(tables[0], step.X)
    for bad in (step.X[:, :1], np.full((3, 2), np.nan), step.X[0]):
        with pytest.raises(InputError, match=r"intermediate_domains\[1\]"):
            GradualSelfTraining().fit(source.X, source.y, X_target=target.X, intermediate_domains=[step.X, bad])
    with pytest.raises(InputError, match="must be a list of arrays, got ndarray"):
        GradualSelfTraining().fit(source.X, source.y, X_target=target.X, intermediate_domains=step.X)
    # a second fit without intermediate domains does not keep them
    assert model.fit(source.X, source.y, X_target=target.X).intermediate_domains_ == []


def test_intermediate_domains_are_routed_by_a_pipeline_and_by_default():
    source, *path, target = make_gradual_shift(8, angle=140, random_state=0)
    steps = [d.X for d in path]
    alone = GradualSelfTraining().fit(source.X, source.y, X_target=target.X, intermediate_domains=steps)
    model = transfer_pipeline(GradualSelfTraining())
    model.fit(source.X, source.y, X_target=target.X, intermediate_domains=steps)
    np.testing.assert_allclose(model.predict_proba(target.X), alone.predict_proba(target.X))
    back = reverse_validation(model, Domain(source.X, source.y), Domain(target.X), intermediate_domains=steps)
    assert float(back) > 0.95  # over the same domains in the opposite order


def test_learners_with_decision_values_only_and_with_neither():
    source, *path, target = make_gradual_shift(8, angle=100, random_state=0)
    steps = [d.X for d in path]
    for learner in (SVC(), RidgeClassifier(), make_pipeline(StandardScaler(), LogisticRegression())):
        model = GradualSelfTraining(learner)
        model.fit(source.X, source.y, X_target=target.X, intermediate_domains=steps)
        assert model.score(target.X, target.y) > 0.95
        assert model.decision_function(target.X).shape == (300,)
    assert not hasattr(GradualSelfTraining(RidgeClassifier()), "predict_proba")

    class Mute(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.inner_ = LogisticRegression().fit(X, y)
            self.classes_ = self.inner_.classes_
            return self

        def predict(self, X):
            return self.inner_.predict(X)

    with pytest.raises(InputError, match="discard=0"):
        GradualSelfTraining(Mute()).fit(source.X, source.y, X_target=target.X)
    model = GradualSelfTraining(Mute(), discard=0.0)
    model.fit(source.X, source.y, X_target=target.X, intermediate_domains=steps)
    assert model.score(target.X, target.y) > 0.95


def test_sparse_rows_give_the_same():
    source, *path, target = make_gradual_shift(4, angle=60, random_state=0)
    steps = [d.X for d in path]
    dense = GradualSelfTraining().fit(source.X, source.y, X_target=target.X, intermediate_domains=steps)
    thin, given = GradualSelfTraining(), [sparse.csr_matrix(s) for s in steps]
    thin.fit(sparse.csr_matrix(source.X), source.y, X_target=sparse.csr_matrix(target.X), intermediate_domains=given)
    np.testing.assert_allclose(
        thin.predict_proba(sparse.csr_matrix(target.X)), dense.predict_proba(target.X), atol=1e-4
    )


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_with_other_settings():
    model = GradualSelfTraining(SVC(), n_steps=2, order="given", discard=0.0)
    results = check_estimator(model, on_fail=None, on_skip=None)
    assert not [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")]
