"""Support, comparison of domains, combination, and everything together."""

import json

import numpy as np
import pytest

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.performance import (
    Predictions,
    classification_estimates,
    combined_performance,
    compare_domains,
    estimate_performance,
    outside_support,
    regression_estimates,
)


def _classifier(offset, n=400, seed=0):
    """Samples, labels and the confidence of the best rule for the first of two features."""
    rng = np.random.default_rng(seed)
    X = rng.normal((offset, 0.0), 1.0, size=(n, 2))
    p = 1 / (1 + np.exp(-1.5 * X[:, 0]))
    y = (rng.random(n) < p).astype(int)
    return X, y, Predictions.of_probabilities(np.column_stack([1 - p, p]), np.array([0, 1]), y)


def test_outside_support_is_what_the_source_does_not_reach():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    assert outside_support(X, rng.normal(size=(500, 3))).value < 0.12
    assert outside_support(X, X + 20.0).value == 1.0
    mixed = np.concatenate([rng.normal(size=(300, 3)), X[:100] + 20.0])
    assert 0.25 < outside_support(X, mixed).value < 0.35
    # in the unit of the source, whatever that is
    scale = np.array([1.0, 1e-3, 1e3])
    assert outside_support(X * scale, mixed * scale).value == outside_support(X, mixed).value


def test_support_of_constant_and_repeated_features():
    X = np.repeat(np.eye(3), 20, axis=0)
    assert outside_support(X, X).value == 0.0
    assert outside_support(np.ones((10, 2)), np.zeros((4, 2))).value == 1.0


def test_comparison_of_domains():
    X = np.random.default_rng(0).normal(size=(300, 80))
    same, moved = compare_domains(X[:150], X[150:], random_state=0), compare_domains(X, X + 3.0, random_state=0)
    assert same.distance < 0.3 and moved.distance > 0.9
    assert same.X_source.shape[1] == 50 and len(moved.weights) == 300
    near = compare_domains(X[:, :1], X[:100, :1] + 1.0, random_state=0)
    assert np.corrcoef(near.weights, X[:, 0])[0, 1] > 0.5


@pytest.mark.parametrize("change", ["outside", "distance", "spread"])
def test_the_interval_widens_with_the_shift(change):
    def found(*values):
        names = ("cbpe", "average_thresholded_confidence", "agreement")
        pairs = zip(names, values, strict=True)
        return {k: Measurement(k, v, v - 0.02, v + 0.02, details={"error": 0.01}) for k, v in pairs}

    near = combined_performance(found(0.8, 0.8, 0.8), chance=0.5, outside_support=0.05, distance=0.1)
    far = {
        "outside": lambda: combined_performance(found(0.8, 0.8, 0.8), chance=0.5, outside_support=0.9, distance=0.1),
        "distance": lambda: combined_performance(found(0.8, 0.8, 0.8), chance=0.5, outside_support=0.05, distance=0.9),
        "spread": lambda: combined_performance(found(0.9, 0.8, 0.7), chance=0.5, outside_support=0.05, distance=0.1),
    }[change]()
    assert far.details["error"] > near.details["error"]
    assert far.low < near.low


def test_expected_falls_towards_chance_far_away():
    found = {"cbpe": Measurement("cbpe", 0.9, details={"error": 0.01})}
    near = combined_performance(found, chance=0.5, outside_support=0.0, distance=0.0)
    far = combined_performance(found, chance=0.5, outside_support=1.0, distance=1.0)
    assert near.value == pytest.approx(0.9) and 0.5 <= far.value <= near.value


def test_covariate_shift_inside_the_support_is_estimated():
    Xs, _, held_out = _classifier(1.0, 800)
    Xt, yt, made = _classifier(0.0, 500, seed=1)
    truth = (made.predicted == yt).mean()
    target = Predictions(made.predicted, made.confidence)
    found = estimate_performance(held_out, target, X_source=Xs, X_target=Xt, random_state=0)
    assert found.combined.low < truth < found.combined.high
    assert abs(found.combined.value - truth) < abs(held_out.correct.mean() - truth)
    again = estimate_performance(held_out, target, X_source=Xs, X_target=Xt, random_state=0)
    assert again.combined == found.combined


def test_balanced_accuracy_uses_what_applies():
    _, _, held_out = _classifier(0.5)
    domains = compare_domains(*(_classifier(0.5)[0] for _ in range(2)), random_state=0)
    found = classification_estimates(held_out, held_out, domains, metric="balanced accuracy")
    assert set(found) == {"cbpe", "multicalibrated_cbpe", "importance_weighted"}


def test_labels_narrow_the_interval_and_move_the_value():
    Xs, _, held_out = _classifier(1.0)
    Xt, _, made = _classifier(0.0, seed=1)
    wrong = np.array([None] * 400, dtype=object)
    wrong[:200] = 1 - made.predicted[:200]
    samples = {"X_source": Xs, "X_target": Xt, "random_state": 0}
    without = estimate_performance(held_out, Predictions(made.predicted, made.confidence), **samples).combined
    found = estimate_performance(held_out, Predictions(made.predicted, made.confidence, wrong), **samples)
    assert found.estimates["labelled"].value == 0.0
    assert found.combined.value < 0.2 and found.combined.high - found.combined.low < without.high - without.low


def test_regression_in_both_units():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(500, 1)), rng.normal(0.5, 1.0, size=(300, 1))
    y, z = (3 * A[:, 0] + rng.normal(size=len(A)) for A in (X, Z))
    held_out, made = Predictions(3 * X[:, 0], None, y), Predictions(3 * Z[:, 0])
    found = {
        m: estimate_performance(held_out, made, X_source=X, X_target=Z, metric=m, random_state=0).combined
        for m in ("R²", "RMSE")
    }
    truth = 1 - np.mean((z - 3 * Z[:, 0]) ** 2) / np.var(z)
    assert found["R²"].low < truth < found["R²"].high
    assert found["RMSE"].low < 1.0 < found["RMSE"].high and found["RMSE"].value == pytest.approx(1.0, abs=0.25)
    assert set(regression_estimates(held_out, made, compare_domains(X, Z, random_state=0))) == {
        "direct",
        "doubly_robust",
        "importance_weighted",
    }


def test_nothing_to_go_by_is_an_error():
    with pytest.raises(InputError, match="give source samples"):
        estimate_performance(None, Predictions(np.zeros(3)), metric="R²")
    with pytest.raises(InputError, match="estimates is empty"):
        combined_performance({})


def test_confidence_alone_allows_for_any_calibration():
    found = estimate_performance(None, Predictions(np.array([0, 1]), np.array([0.9, 0.9]))).combined
    assert (found.value, found.low, found.high) == (0.9, 0.5, 1.0)


@pytest.mark.parametrize("classes", [[0, 1], ["no", "yes"], [True, False]])
def test_predictions_survive_json(classes):
    proba = np.array([[0.25, 0.75], [0.5, 0.5]])
    made = Predictions.of_probabilities(proba, np.array(classes), np.array(classes))
    again = Predictions.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.predicted.tolist() == made.predicted.tolist() and again.correct.tolist() == made.correct.tolist()
    np.testing.assert_array_equal(again.confidence, made.confidence)
    with pytest.raises(InputError, match="y has shape"):
        Predictions(np.zeros(3), None, np.zeros(2))
