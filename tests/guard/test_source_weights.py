"""Weights of the source: ratios of class shares, density ratios, and none for other shifts."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from landbridge import Domain
from landbridge.discrepancy import Diagnosis
from landbridge.guard import _source_weights as module
from landbridge.guard import source_weights
from landbridge.measurement import Measurement


def test_by_class_under_label_shift():
    details = {"classes": ["a", "b", "c"], "source_priors": [0.5, 0.49, 0.01], "target_priors": [0.25, 0.25, 0.5]}
    found = Diagnosis("label", "high", "", measurements={"label_shift": Measurement("x", 1.0, details=details)})
    y = np.array(["a", "b", "c", "d"])
    got = source_weights(found, Domain(np.zeros((4, 1)), y), Domain(np.zeros((3, 1))))
    assert got == pytest.approx([0.5, 0.25 / 0.49, 20.0, 1.0])  # 50 is cut to 20; a class not estimated counts once


def test_by_density_ratio_under_covariate_shift():
    rng = np.random.default_rng(0)
    xs, xt = rng.normal(size=(1000, 1)), rng.normal(1.0, 1.0, size=(1000, 1))
    source, target = Domain(xs, np.zeros(1000, dtype=int)), Domain(xt)
    got = source_weights(Diagnosis("covariate", "high", ""), source, target, random_state=0)
    assert np.corrcoef(np.argsort(np.argsort(got)), np.argsort(np.argsort(xs[:, 0])))[0, 1] > 0.7
    assert np.average(xs[:, 0], weights=got) == pytest.approx(0.9, abs=0.25) and got.max() <= 20.0
    again = source_weights(Diagnosis("covariate", "high", ""), source, target, random_state=0)
    assert np.array_equal(got, again)


def test_samples_beyond_the_subsample_are_weighted_too(monkeypatch):
    monkeypatch.setattr(module, "MAX_SAMPLES", 60)
    rng = np.random.default_rng(0)
    X = rng.random((150, 6))
    found = Diagnosis("covariate", "high", "")
    for given in (X, csr_matrix(X)):
        got = source_weights(found, Domain(given, np.zeros(150, dtype=int)), Domain(given), random_state=0)
        assert got.shape == (150,) and np.isfinite(got).all() and 0.5 < got.mean() < 2.0


@pytest.mark.parametrize("kind", ["concept", "subspace", "none", "different features"])
def test_none_for_other_shifts(kind):
    domain = Domain(np.zeros((4, 1)), np.arange(4) % 2)
    assert source_weights(Diagnosis(kind, "high", ""), domain, domain) is None
