"""Metric, scores per sample, agreement and default learner of each task."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, r2_score

from landbridge.exceptions import InputError
from landbridge.tasks import TASKS, Classification, Regression, get_task


def test_names_and_metrics():
    assert list(TASKS) == ["classification", "regression"]
    assert [t.metric for t in TASKS.values()] == ["accuracy", "R²"]
    assert get_task("regression") == Regression() != Classification() and get_task(Regression()) is not None
    assert repr(get_task("classification")) == "Classification()"
    assert len({Regression(), Regression(), Classification()}) == 2


@pytest.mark.parametrize("name", ["ranking", None, 3, "Classification"])
def test_unknown_names(name):
    with pytest.raises(InputError, match="task must be 'classification' or 'regression'"):
        get_task(name)


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    a, b, w = rng.integers(3, size=50), rng.integers(3, size=50), rng.random(50)
    task = get_task("classification")
    assert task.score(a, b) == pytest.approx(accuracy_score(a, b))
    assert task.score(a, b, w) == pytest.approx(accuracy_score(a, b, sample_weight=w))
    u, v = rng.normal(size=50), rng.normal(size=50)
    task = get_task("regression")
    assert task.score(u, v) == pytest.approx(r2_score(u, v))
    assert task.score(u, v, w) == pytest.approx(r2_score(u, v, sample_weight=w))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_mean_of_the_sample_scores_is_the_score(task):
    rng = np.random.default_rng(0)
    a, b = rng.integers(3, size=(2, 50))
    assert task.sample_scores(a, b).mean() == pytest.approx(task.score(a, b))
    assert task.score(a, a) == 1.0 and (task.sample_scores(a, a) == 1.0).all()


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_agreement_is_symmetric_and_between_0_and_1(task):
    a, b = np.array([0, 1, 2, 2, 1]), np.array([0, 1, 1, 0, 1])
    got = task.agreement(a, b)
    np.testing.assert_array_equal(got, task.agreement(b, a))
    assert (got >= 0).all() and (got <= 1).all() and got[0] == got[1] == 1.0 and got[3] <= got[2] < 1.0
    assert (task.agreement(a, a) == 1.0).all()


def test_constant_values():
    task = get_task("regression")
    assert task.score([2.0, 2.0], [2.0, 2.0]) == 1.0 and task.score([2.0, 2.0], [2.0, 3.0]) == 0.0
    assert task.sample_scores([2.0, 2.0], [2.0, 3.0]).mean() == 0.0
    assert task.agreement([1.0, 1.0], [1.0, 1.0]).tolist() == [1.0, 1.0]


def test_shapes_that_differ():
    with pytest.raises(InputError, match="one of each per sample"):
        get_task("classification").score([0, 1], [0])


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_default_estimator_fits_dense_and_sparse(task):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    assert task.default_estimator().fit(X, y).predict(X).shape == (10,)
    assert task.default_estimator(is_sparse=True).fit(sparse.csr_array(X), y).predict(X).shape == (10,)
