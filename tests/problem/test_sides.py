"""Sides: what kind of source was given, read once, and the task inferred from it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from landbridge import Domain
from landbridge.exceptions import InputError
from landbridge.problem import Arguments, Sides, infer_pair_task

X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] > 0).astype(int)


def test_kinds_of_sources():
    def kind(source):
        return Sides(source, X, Arguments.of()).source_kind

    assert kind((X, Y)) == kind(Domain(X, Y)) == "data"
    assert kind(LogisticRegression().fit(X, Y)) == kind("model.skops") == "fitted model"
    assert kind("timm/inception_v3.tv_in1k") == "network"


def test_domains_are_read_once():
    sides = Sides((X, Y), X, Arguments.of())
    assert sides.domains() is sides.domains()


def test_the_task_is_inferred_and_said():
    task, inferred = infer_pair_task(Arguments.of(), Domain(X, Y))
    assert task.name == "classification" and "task='regression'" in inferred[0]
    task, inferred = infer_pair_task(Arguments.of(task="regression"), Domain(X, Y))
    assert task.name == "regression" and inferred == ()
    assert infer_pair_task(Arguments.of(estimator=Ridge()), Domain(X, Y))[0].name == "regression"


@pytest.mark.parametrize("y", [Y, Y.astype(float), Y.astype(bool), Y.astype(str), Y.astype(object)])
def test_zero_and_one_mean_the_same_in_every_type(y):
    assert infer_pair_task(Arguments.of(), Domain(X, y))[0].name == "classification"


def test_an_estimator_of_the_other_kind_is_refused():
    with pytest.raises(InputError, match="LogisticRegression is not made for regression"):
        infer_pair_task(Arguments.of(task="regression", estimator=LogisticRegression()), Domain(X, Y))


def test_an_estimator_that_is_not_fitted_is_refused_as_a_source():
    sides = Sides(LogisticRegression(), X, Arguments.of())
    assert sides.source_kind == "fitted model"
    with pytest.raises(InputError, match="source=LogisticRegression is not fitted"):
        sides.fitted_model()
