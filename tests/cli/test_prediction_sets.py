from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from landbridge import Expected
from landbridge.cli._prediction_sets import calibrate
from landbridge.exceptions import InputError
from landbridge.performance import Predictions


@dataclass
class Held:
    expected: Any


def _result(held_out):
    return Held(Expected(0.5, 0.4, 0.6, "accuracy", held_out=held_out))


def _classes(n, k, seed):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(k, 0.5), size=n)
    y = np.array([rng.choice(k, p=p) for p in proba])
    return proba, y


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("known", [True, False])
def test_coverage_of_sets(k, known):
    proba, y = _classes(2000, k, 0)
    held_out = Predictions.of_probabilities(proba, np.arange(k), y).to_dict()
    if not known:  # a result of an earlier version
        del held_out["label_confidence"]
    found = calibrate(_result(held_out), 0.9)
    new, truth = _classes(4000, k, 1)
    sets = found.sets(new)
    assert 0.88 <= sets[np.arange(4000), truth].mean() <= (0.93 if known or k == 2 else 1.0)
    assert sets.any(axis=1).all() and sets[np.arange(4000), new.argmax(axis=1)].all()
    if known:
        assert sets.sum(axis=1).mean() < k


def test_coverage_of_intervals():
    rng = np.random.default_rng(0)
    y = rng.normal(size=1000)
    held_out = Predictions(y + rng.normal(size=1000), None, y).to_dict()
    found = calibrate(_result(held_out), 0.8)
    truth = rng.normal(size=4000)
    low, high = found.intervals(truth + rng.normal(size=4000))
    assert 0.77 <= np.mean((low <= truth) & (truth <= high)) <= 0.83 and "intervals" in found.words


def test_what_cannot_be_calibrated():
    assert "no held-out predictions" in calibrate(_result(None), 0.9)
    assert "no held-out predictions" in calibrate(Held(None), 0.9)
    held_out = Predictions(np.zeros(10), None, np.ones(10)).to_dict()
    assert "at least 99 held-out samples" in calibrate(_result(held_out), 0.99)
    for coverage in (0, 1, -1, float("nan")):
        with pytest.raises(InputError, match="--coverage"):
            calibrate(_result(held_out), coverage)
