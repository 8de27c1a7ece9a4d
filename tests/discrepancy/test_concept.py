"""Labelled target samples against a source model: what excuses its errors, and what does not."""

import numpy as np

from landbridge.discrepancy._concept import concept_gap
from landbridge.discrepancy._posterior import Posterior


def posterior(target):
    source = np.array([[0.95, 0.05], [0.05, 0.95]] * 50)
    return Posterior(source, target, np.array([0.5, 0.5]), np.arange(100) % 2, "linear")


def gap(X, y, right):
    """The source model is certain; on the given samples it is right."""
    sure = np.where(right, y, 1 - y)
    target = np.where(sure[:, None] == np.arange(2), 0.95, 0.05)
    return concept_gap(posterior(target), np.array([0.5, 0.5]), X, np.arange(len(y)), y, np.random.RandomState(0))


def test_a_weak_model_of_the_target_does_not_excuse_the_source_model():
    """Features say nothing about labels, so that a model of them guesses; the source model errs on two thirds."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    found = gap(X, y, np.arange(60) % 3 == 0)
    assert found.details["own_error"] >= 0.35
    assert found.value > 0.5 and found.p_value < 0.01


def test_a_model_that_learned_shows_how_hard_the_target_is():
    """One in five labels is noise: a model of the target errs as often as the source model: no contradiction."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    clean = (X[:, 0] > 0).astype(int)
    noisy = rng.random(200) < 0.2
    found = gap(X, np.where(noisy, 1 - clean, clean), ~noisy)
    assert found.details["own_error"] < 0.35 and found.value < 0.1
