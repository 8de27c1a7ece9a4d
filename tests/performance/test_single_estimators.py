"""Single estimators: right where their assumption holds, and seen to fail where a sign or a weight is wrong."""

import numpy as np
import pytest

from landbridge.exceptions import InputError
from landbridge.performance import (
    agreement_on_the_line,
    average_thresholded_confidence,
    calibrated_confidence,
    cbpe,
    class_share_performance,
    difference_of_confidences,
    direct_performance,
    disagreement,
    doubly_robust_performance,
    effective_sample_size,
    expected_balanced_accuracy,
    expected_scores,
    labelled_performance,
    multicalibrated_cbpe,
    revised_performance,
    weighted_balanced_accuracy,
    weighted_performance,
)

ESTIMATORS = [cbpe, average_thresholded_confidence, difference_of_confidences]


@pytest.fixture(scope="module")
def calibrated():
    """Confidences that are right: the target has lower ones than the source."""
    rng = np.random.default_rng(0)
    source, target = rng.uniform(0.6, 1.0, 4000), rng.uniform(0.5, 0.8, 4000)
    return source, rng.random(4000) < source, target, rng.random(4000) < target


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_shift_is_the_source_accuracy(estimator, calibrated):
    source, correct, _, _ = calibrated
    found = estimator(source, correct, source)
    assert found.value == pytest.approx(correct.mean(), abs=1e-3)
    assert found.low < correct.mean() < found.high


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_lower_confidence_is_lower_accuracy(estimator, calibrated):
    source, correct, target, _ = calibrated
    assert estimator(source, correct, target).value < correct.mean() - 0.05


def test_calibrated_confidence_gives_the_true_accuracy(calibrated):
    source, correct, target, truth = calibrated
    overlap = target > 0.6
    assert cbpe(source, correct, target[overlap]).value == pytest.approx(truth[overlap].mean(), abs=0.03)
    doc = difference_of_confidences(source, correct, target)
    assert doc.low - 0.01 < truth.mean() < doc.high + 0.01


def test_atc_counts_what_is_above_the_threshold():
    source, correct = np.linspace(0, 1, 101), np.arange(101) >= 25
    found = average_thresholded_confidence(source, correct, np.array([0.1, 0.2, 0.3, 0.9]))
    assert found.value == 0.5 and found.details["threshold"] == pytest.approx(0.25)


def test_multicalibrated_corrects_what_cbpe_misses():
    """The same confidence is right in one region and wrong in the other; the target lies in the second."""
    rng = np.random.default_rng(0)
    region = rng.random(2000) < 0.5
    correct = np.where(region, rng.random(2000) < 0.95, rng.random(2000) < 0.55)
    confidence = rng.uniform(0.7, 0.8, 2000)
    weights = np.where(region, 0.05, 1.95)
    target = rng.uniform(0.7, 0.8, 500)
    assert abs(cbpe(confidence, correct, target).value - 0.57) > 0.1
    found = multicalibrated_cbpe(confidence, correct, target, weights)
    assert found.value == pytest.approx(0.57, abs=0.05)
    assert found.details["effective_sample_size"] < 1200


def test_importance_weighting_is_unbiased_and_knows_its_sample_size():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    scores, weights = (rng.random(20_000) < 1 / (1 + np.exp(-x))).astype(float), np.exp(x - 0.5)
    truth = (1 / (1 + np.exp(-rng.normal(1.0, 1.0, 20_000)))).mean()
    found = weighted_performance(scores, weights)
    assert found.low < truth < found.high
    assert found.details["effective_sample_size"] == pytest.approx(20_000 / np.e, rel=0.2)
    assert effective_sample_size(np.ones(7)) == 7
    few = weighted_performance(scores[:200], weights[:200])
    assert few.high - few.low > 5 * (found.high - found.low)


@pytest.mark.parametrize("broken", ["outcome model", "weights"])
def test_doubly_robust_needs_only_one_of_two(broken):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=8000), rng.normal(1.0, 1.0, 8000)
    right = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    scores, weights = (rng.random(8000) < right(x)).astype(float), np.exp(x - 0.5)
    on_source, on_target = right(x), right(z)
    if broken == "weights":
        weights = np.ones(8000)
    else:
        on_source = on_target = np.full(8000, 0.2)
    found = doubly_robust_performance(scores, on_source, on_target, weights)
    assert found.value == pytest.approx(right(z).mean(), abs=0.03)


def test_direct_follows_the_target():
    rng = np.random.default_rng(0)
    X, Z = rng.uniform(size=(800, 1)), rng.uniform(0.6, 1.0, size=(300, 1))
    losses = X[:, 0] ** 2 + 0.01 * rng.normal(size=800)
    on_source, on_target = expected_scores(X, losses, Z, random_state=0)
    found = direct_performance(losses, on_source, on_target, most=np.inf)
    assert found.value == pytest.approx((Z**2).mean(), abs=0.02)
    assert np.corrcoef(on_source, X[:, 0] ** 2)[0, 1] > 0.95


def test_agreement_falls_with_the_accuracy():
    rng = np.random.default_rng(0)
    y, z = rng.integers(2, size=3000), rng.integers(2, size=3000)
    source = [np.where(rng.random(3000) < 0.9, y, 1 - y) for _ in range(3)]
    target = [np.where(rng.random(3000) < 0.75, z, 1 - z) for _ in range(3)]
    same = agreement_on_the_line(source, y, source)
    assert same.value == pytest.approx(0.9, abs=0.02)
    assert same.value - agreement_on_the_line(source, y, target).value > 0.1
    with pytest.raises(InputError, match="two models or more"):
        agreement_on_the_line(source[:1], y, target[:1])


def test_disagreement_of_calibrated_ensembles_is_the_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, 20_000)
    one, other, y = (rng.random(20_000) < p for _ in range(3))
    assert disagreement(one, other).value == pytest.approx((one == y).mean(), abs=0.02)


def test_class_shares_follow_label_shift():
    rng = np.random.default_rng(0)

    def predict(y):
        return np.where(rng.random(len(y)) < np.where(y == 0, 0.95, 0.6), y, 1 - y)

    y, z = (rng.random(5000) < 0.2).astype(int), (rng.random(5000) < 0.8).astype(int)
    on_target = predict(z)
    found = class_share_performance(predict(y), y, on_target)
    assert found.value == pytest.approx((on_target == z).mean(), abs=0.03)
    assert found.details["shares"]["1"] == pytest.approx(0.8, abs=0.05)


def test_balanced_accuracy_counts_classes_alike():
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.1).astype(int)
    predicted = np.where(rng.random(4000) < np.where(y == 0, 0.95, 0.5), y, 1 - y)
    p = calibrated_confidence(predicted.astype(float), predicted == y, predicted.astype(float))
    p = np.array([(predicted == y)[predicted == c].mean() for c in predicted])
    truth = np.mean([(predicted == y)[y == c].mean() for c in (0, 1)])
    assert expected_balanced_accuracy("cbpe", p, predicted, predicted, y).value == pytest.approx(truth, abs=0.02)
    assert weighted_balanced_accuracy(predicted, y, np.ones(4000)).value == pytest.approx(truth, abs=1e-9)


def test_labelled_interval_is_never_empty():
    assert labelled_performance(np.ones(10)).low == pytest.approx(0.787, abs=0.01)
    few, many = (labelled_performance(np.r_[np.ones(3 * n), np.zeros(n)]) for n in (5, 500))
    assert few.high - few.low > 5 * (many.high - many.low)


def test_revised_widens_with_the_samples_that_differ():
    base = cbpe([0.6, 0.9] * 100, [0, 1] * 100, [0.6, 0.9] * 50)
    same, other = np.zeros(100), np.r_[np.ones(40), np.zeros(60)]
    kept = revised_performance(base, np.full(100, 0.5), same, same, np.full(100, 0.9))
    changed = revised_performance(base, np.full(100, 0.5), other, same, np.full(100, 0.9))
    assert kept.value == base.value and kept.low == pytest.approx(base.low)
    assert changed.value > base.value and changed.high - changed.low > kept.high - kept.low


@pytest.mark.parametrize("wrong", [[], [np.nan], [[0.5]]])
def test_bad_input_names_the_argument(wrong):
    with pytest.raises(InputError, match="confidence_target"):
        cbpe([0.5, 0.6], [0, 1], wrong)
