"""Trials: predictions in the order of the source's classes, held-out predictions, failures."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from landbridge.candidates import CandidateSpec, find_strategy
from landbridge.problem import Arguments, Sides
from landbridge.runner import try_candidate

rng = np.random.default_rng(0)
X, Z = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
Y = np.where(X[:, 0] > 0, "b", "a")


def _problem(y=Y, **given):
    sides = Sides((X, y), Z, Arguments.of(**given))
    return find_strategy(sides).read(sides)


class Infinite(Ridge):
    """Predicts infinity."""

    def predict(self, X):
        return np.full(len(X), np.inf)


def test_a_classifier():
    problem = _problem()
    trial = try_candidate(CandidateSpec("A", "feature", LogisticRegression(), "", role="source-only"), problem)
    assert trial.classes.tolist() == ["a", "b"] and trial.proba.shape == (40, 2) and not trial.error
    assert (trial.predicted == trial.classes[trial.proba.argmax(axis=1)]).all()
    assert trial.held_out is None and trial.splits is None and trial.baseline


def test_held_out_predictions_on_request():
    trial = try_candidate(CandidateSpec("A", "feature", LogisticRegression(), ""), _problem(), held_out=True)
    assert trial.held_out.shape == (60,) and np.mean(trial.held_out == Y) > 0.8


def test_values_that_are_not_finite_are_an_error():
    problem = _problem(y=X[:, 0] + 0.5)
    trial = try_candidate(CandidateSpec("A", "feature", Infinite(), ""), problem)
    assert "not finite" in trial.error and trial.model is None
    with pytest.raises(ValueError, match="not finite"):
        try_candidate(CandidateSpec("A", "feature", Infinite(), ""), problem, raise_errors=True)


def test_nothing_is_predicted_where_nobody_asks():
    trial = try_candidate(CandidateSpec("A", "feature", LogisticRegression(), ""), _problem(), predict=False)
    assert trial.predicted is None and trial.model is not None
