"""Diagnosis from the source statistics that a fitted model stores."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.candidates import diagnose_from_model, moment_distance
from landbridge.data import make_shift


def _fitted(source):
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)


def test_the_distance_of_means_is_calibrated():
    """Without a shift, p-values are below 0.05 in about 5 % of the draws."""
    rng = np.random.default_rng(0)
    low = 0
    for _ in range(200):
        source, target = rng.normal(size=(150, 4)), rng.normal(size=(150, 4))
        Z = (target - source.mean(axis=0)) / source.std(axis=0)
        low += moment_distance(Z, np.full(150, 1 / 150), 150)[1] < 0.05
    assert 2 <= low <= 22


def test_diagnosis_names_the_class_shares():
    source, target = make_shift("label", random_state=1)
    found = diagnose_from_model(_fitted(source), target.X).measurements["label_shift"]
    assert found.details["target_priors"][1] == pytest.approx(target.y.mean(), abs=0.05)
