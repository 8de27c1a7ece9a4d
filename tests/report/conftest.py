"""Fabricated results: nothing is fitted."""

from dataclasses import replace

import numpy as np
import pytest

from landbridge import Candidate, Decision, Diagnosis, Expected, Measurement
from landbridge.results import Result
from landbridge.results._details import class_details, value_details
from landbridge.results._scores import class_scores, value_scores


def _estimate(value, width=0.05):
    return Measurement("estimate", value, low=value - width, high=value + width, higher_is_better=True)


def _gain(value, width=0.03, p=0.2):
    return Measurement("gain", value, low=value - width, high=value + width, p_value=p, higher_is_better=True)


def make_result(n_candidates=3, **changes):
    """A result with target labels: source-only is kept."""
    candidates = [
        Candidate("source-only", "baseline", estimate=_estimate(0.8), defensible=True),
        Candidate("target-only", "baseline", estimate=_estimate(0.7), defensible=True),
        *(
            Candidate(f"M{i}", "feature", why="tried", estimate=_estimate(0.82 - 0.02 * i), gain=_gain(0.02 - 0.02 * i))
            for i in range(n_candidates)
        ),
        Candidate("Broken", "feature", "failed", "singular <matrix>"),
        Candidate("Skipped", "instance", "skipped", "needs images"),
    ]
    decision = Decision(False, "source-only", "No gain is significant (p = 1.2e-05).", "target labels", _gain(0.02))
    settings = {
        "source": "a.csv",
        "target": "b.csv",
        "confidence": 0.9,
        "n_source": 200,
        "n_source_labelled": 200,
        "n_target": 150,
        "n_target_labelled": 100,
        "versions": {"landbridge": "0.1.0"},
    }
    rng = np.random.default_rng(0)
    truth = np.array(["ill", "well"])[rng.integers(2, size=100)]
    p = np.clip((truth == "well") * 0.5 + rng.uniform(0, 0.5, 100), 0.01, 0.99)
    proba, classes = np.column_stack([1 - p, p]), np.array(["ill", "well"])
    predicted = classes[(p > 0.45).astype(int)]
    scores = {"labels": "labelled target samples", **class_scores(truth, predicted, proba, classes)}
    scores |= class_details(truth, predicted, proba, classes)
    parts = {
        "model": None,
        "decision": decision,
        "candidates": tuple(candidates),
        "diagnosis": Diagnosis("covariate", "moderate", "The domains differ.", {"covariate": 0.6, "label": 0.1}),
        "task": "classification",
        "metric": "accuracy",
        "settings": settings,
        "timings": {"read": 0.2, "total": 3.0},
        "scores": scores,
        "expected": Expected(0.8, 0.74, 0.86, "accuracy", "Expected accuracy on the target: 80.0 %.", n_labelled=100),
    }
    return Result(**{**parts, **changes})


@pytest.fixture
def make():
    return make_result


@pytest.fixture
def regression():
    rng = np.random.default_rng(0)
    truth = rng.normal(50, 10, 400)
    predicted = truth + rng.normal(0, 5, 400)
    scores = {"labels": "labelled target samples", **value_scores(truth, predicted), **value_details(truth, predicted)}
    made = make_result(task="regression", metric="R²", scores=scores)
    return replace(made, expected=Expected(0.75, 0.7, 0.8, "R²", n_labelled=100))


class Inspected:
    """A result with an inspection, as `transfer` returns it."""

    def __init__(self, result, inspection):
        self._result, self.inspection = result, inspection

    def __getattr__(self, name):
        return getattr(self._result, name)


@pytest.fixture
def with_inspection():
    return Inspected
