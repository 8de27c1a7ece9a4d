import numpy as np
import pytest

from landbridge.measurement import Measurement
from landbridge.performance import Predictions, performance_under_label_shift

BEFORE = Measurement("combined", 0.6, 0.5, 0.7, higher_is_better=True)


def _drawn(rng, shares, n, recalls=(0.9, 0.6)):
    y = rng.choice(2, n, p=shares)
    right = rng.random(n) < np.array(recalls)[y]
    return y, np.where(right, y, 1 - y)


def test_recalls_of_the_source_are_weighted_by_the_shares_of_the_target():
    rng = np.random.default_rng(0)
    (y, predicted), (yt, made) = _drawn(rng, [0.8, 0.2], 2000), _drawn(rng, [0.1, 0.9], 2000)
    held_out = Predictions(predicted, np.full(2000, 0.8), y)
    target = Predictions(made, np.full(2000, 0.8))
    found = performance_under_label_shift(BEFORE, held_out, target)
    assert found.value == pytest.approx(np.mean(made == yt), abs=0.03) and found.low < 0.63 < found.high
    balanced = performance_under_label_shift(BEFORE, held_out, target, "balanced accuracy")
    assert balanced.value == pytest.approx(0.75, abs=0.03)
    # what the labels of the target say is not needed
    assert performance_under_label_shift(BEFORE, held_out, Predictions(made, np.full(2000, 0.8), yt)) == found


def test_an_estimate_that_disagrees_widens_the_interval():
    rng = np.random.default_rng(1)
    y, predicted = _drawn(rng, [0.5, 0.5], 500)
    held_out, target = Predictions(predicted, np.full(500, 0.8), y), Predictions(predicted, np.full(500, 0.8))
    near, far = (
        performance_under_label_shift(Measurement("combined", v, v - 0.1, v + 0.1), held_out, target)
        for v in (0.75, 0.3)
    )
    assert far.high - far.low > 1.5 * (near.high - near.low) and far.value == near.value
