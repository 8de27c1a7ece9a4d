import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from landbridge.data import make_shift
from landbridge.exceptions import InputError, LabelError
from landbridge.feature import JDOTClassifier, JDOTRegressor, OTLabelPropagation, joint_cost, propagate


def copies(n=60, seed=0, move=6.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    X = rng.normal(scale=0.5, size=(n, 2)) + 3 * np.array([[0, 0], [1, 0], [0, 1]])[y]
    order = rng.permutation(n)
    return X, y, (X + move)[order], y[order]


def test_values_arrive_by_mass():
    rng = np.random.default_rng(0)
    plan, values = rng.uniform(size=(4, 3)), rng.normal(size=(4, 2))
    expected = np.array([sum(plan[i, j] * values[i] for i in range(4)) / plan[:, j].sum() for j in range(3)])
    np.testing.assert_allclose(propagate(plan, values), expected)
    plan[:, 1] = 0.0
    np.testing.assert_allclose(propagate(plan, values)[1], values.mean(axis=0))


@pytest.mark.parametrize("solver", ["emd", "sinkhorn"])
def test_a_moved_copy_gets_its_labels_back(solver):
    X, y, Xt, yt = copies()
    names = np.array(["ash", "beech", "cedar"])
    model = OTLabelPropagation(solver=solver, reg_e=0.01).fit(X, names[y], X_target=Xt)
    assert model.score(Xt, names[yt]) == 1.0
    assert (model.target_proba_.argmax(axis=1) == yt).all()
    np.testing.assert_allclose(model.target_proba_.sum(axis=1), 1.0)


def test_values_travel_too():
    X, _, Xt, _ = copies()
    model = OTLabelPropagation(Ridge(1e-6), solver="emd").fit(X, X[:, 0] * 2.0, X_target=Xt)
    np.testing.assert_allclose(model.predict(Xt), (Xt[:, 0] - 6.0) * 2.0, atol=1e-3)


def test_labelled_target_rows_keep_their_labels():
    X, y, Xt, yt = copies()
    told = np.array([(v + 1) % 3 if i < 5 else None for i, v in enumerate(yt)], dtype=object)
    model = OTLabelPropagation(max_samples=40, random_state=0).fit(X, y, X_target=Xt, y_target=told)
    first = model.target_indices_ < 5
    assert first.any()
    np.testing.assert_array_equal(model.target_proba_[first], np.eye(3)[told[model.target_indices_[first]].astype(int)])
    values = OTLabelPropagation(Ridge()).fit(X, y * 1.0, X_target=Xt, y_target=np.where(yt == 0, 9.0, np.nan))
    assert (values.target_values_[yt == 0] == 9.0).all()


def test_a_class_that_gets_no_mass_stays_known():
    X, y, Xt, _ = copies()
    rare = np.where(np.arange(60) == 2, 2, np.minimum(y, 1))
    model = OTLabelPropagation(solver="unbalanced", reg_e=0.01).fit(X, rare, X_target=Xt[:4])
    assert model.classes_.tolist() == [0, 1, 2]


def test_an_estimator_without_weights_is_refused():
    X, y, Xt, _ = copies()
    with pytest.raises(InputError, match="estimator=KNeighborsClassifier takes no sample_weight"):
        OTLabelPropagation(KNeighborsClassifier()).fit(X, y, X_target=Xt)
    with pytest.raises(LabelError, match="y holds one class only"):
        OTLabelPropagation().fit(X, np.zeros(60, int), X_target=Xt)


def test_joint_cost_is_the_formula():
    rng = np.random.default_rng(0)
    D, Y, F = rng.uniform(size=(3, 2)), rng.normal(size=(3, 2)), rng.normal(size=(2, 2))
    expected = [[0.7 * D[i, j] + 0.5 * ((Y[i] - F[j]) ** 2).sum() for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(joint_cost(D, Y, F, 0.7), expected)


def test_the_joint_cost_does_not_grow_and_the_rule_moves_along():
    rng = np.random.default_rng(0)
    Xs = rng.uniform(0, 6, size=(150, 1))
    ys = np.sin(Xs[:, 0])
    Xt = rng.uniform(0, 6, size=(150, 1)) + 1.0
    truth = np.sin(Xt[:, 0] - 1.0)
    model = JDOTRegressor(KernelRidge(alpha=0.01, kernel="rbf", gamma=1.0)).fit(Xs, ys, X_target=Xt)
    alone = KernelRidge(alpha=0.01, kernel="rbf", gamma=1.0).fit(Xs, ys)
    assert np.abs(model.predict(Xt) - truth).mean() < 0.5 * np.abs(alone.predict(Xt) - truth).mean()
    assert (np.diff(model.objective_) <= 1e-3 * model.objective_[0]).all()
    assert model.n_iter_ == len(model.objective_)


@pytest.mark.parametrize("solver", ["emd", "sinkhorn"])
def test_the_joint_classifier_follows_a_moved_target(solver):
    source, target = make_shift("translation", random_state=0)
    plain = LogisticRegression().fit(source.X, source.y).score(target.X, target.y)
    model = JDOTClassifier(solver=solver, max_samples=200, random_state=0).fit(source.X, source.y, X_target=target.X)
    assert model.score(target.X, target.y) > plain + 0.05
    assert model.predict_proba(target.X).shape == (len(target), 2)


def test_without_a_target_the_joint_learner_is_the_plain_one():
    X, y, _, _ = copies()
    np.testing.assert_allclose(
        JDOTClassifier().fit(X, y).predict_proba(X),
        LogisticRegression(max_iter=1000).fit(X, y).predict_proba(X),
        atol=1e-6,
    )
