"""Reweighted source samples: what is refused, weights and losses, and the doubly robust gain."""

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis
from landbridge.guard import EvidenceKind, OutcomeModel, Trial, WeightedSource, bootstrap_indices, by_weighting
from landbridge.guard import doubly_robust_gain as direct
from landbridge.measurement import Measurement

Y = np.arange(100) % 2
LABEL, COVARIATE = frozenset({"label"}), frozenset({"covariate"})


def held_out(name, wrong, shifts=LABEL, role="candidate", family="instance"):
    answers = Y.copy()
    answers[wrong] = 1 - answers[wrong]
    return Trial(name, family, shifts, role, held_out=answers, predicted=answers, proba=np.eye(2)[answers])


SOURCE = held_out("source-only", slice(0, 30), frozenset(), "source-only")


def judge(trials, kind="label", weights=None, details=None, confidence=0.9, model=None):
    measured = {} if details is None else {"label_shift": Measurement("label_shift", 1.0, details=details)}
    weighted = WeightedSource(Y, np.ones(100) if weights is None else weights, model)
    return by_weighting(SOURCE, trials, Diagnosis(kind, "high", "", measurements=measured), weighted, confidence, 0)


def test_the_largest_significant_gain_is_chosen():
    verdict = judge([held_out("A", slice(0, 15)), held_out("B", slice(0, 10)), held_out("C", slice(0, 20))])
    assert verdict.chosen == "B" and verdict.transferred and verdict.gain.value == pytest.approx(0.2)
    assert verdict.assessments["B"].estimate.value == pytest.approx(0.9)
    assert verdict.assessments["source-only"].estimate.value == pytest.approx(0.7)
    assert verdict.assessments["A"].kind is EvidenceKind.WEIGHTED_SOURCE
    assert "B reweights the source" in verdict.reason and "20.0 points" in verdict.reason


def test_weights_decide():
    """Better on ten samples, worse on twenty: by their weights either can prevail."""
    trial = held_out("A", np.r_[10:30, 30:50])
    heavy = np.where(np.arange(100) < 10, 10.0, 1.0)
    assert judge([trial]).assessments["A"].gain.value == pytest.approx(-0.1)
    verdict = judge([trial], weights=heavy)
    assert verdict.chosen == "A" and verdict.gain.value == pytest.approx((100 - 20) / 190)


def test_no_significant_gain_keeps_the_source_model():
    verdict = judge([held_out("A", slice(1, 30))])
    assert not verdict.transferred and verdict.chosen == "source-only" and "source-only is kept" in verdict.reason
    assert verdict.assessments["A"].gain.value == pytest.approx(0.01)
    assert not verdict.assessments["A"].defensible
    p = verdict.assessments["A"].gain.p_value
    assert judge([held_out("A", slice(1, 30))], confidence=1 - p - 1e-6).transferred


@pytest.mark.parametrize(("kind", "word"), [("label", "mix the classes"), ("covariate", "mapping them loses")])
def test_methods_for_other_shifts_are_refused(kind, word):
    aligned = held_out("A", slice(0, 0), frozenset({"concept"}))
    without = Trial("B", "instance", frozenset({kind}), proba=np.eye(2)[Y])
    verdict = judge([aligned, without], kind)
    assert not verdict.transferred
    for name in "AB":
        assert verdict.assessments[name].gain is None and word in verdict.assessments[name].why


def test_each_shift_states_its_assumption():
    assert "P(x given y)" in judge([], "label").assumption
    assert "P(y given x)" in judge([], "covariate").assumption


def test_class_shares_are_in_the_reason_for_four_classes_at_most():
    for n, said in ((4, True), (5, False)):
        details = {"classes": list("abcde")[:n], "source_priors": [0.2] * n, "target_priors": [0.1] * n}
        assert ("a: 20 % to 10 %" in judge([], details=details).reason) is said
        assert ("a: 20 % to 10 %" in judge([held_out("A", slice(0, 0))], details=details).reason) is said


@pytest.mark.parametrize(
    ("family", "word"), [("instance", "how often such samples"), ("feature", "is better on held-out")]
)
def test_under_covariate_shift_the_reason_depends_on_the_family(family, word):
    verdict = judge([held_out("A", slice(0, 5), COVARIATE, family=family)], "covariate")
    assert verdict.chosen == "A" and word in verdict.reason


def test_losses_of_values_are_in_units_of_the_variance():
    y = np.arange(10.0)
    trial = Trial("A", "instance", held_out=y + 2.0)
    np.testing.assert_allclose(WeightedSource(y, np.ones(10)).losses(trial), 4.0 / y.var())


def test_an_outcome_model_makes_the_gain_doubly_robust():
    """It says that all target samples are of class 0, which the candidate predicts there."""
    certain = OutcomeModel(np.array([0, 1]), np.eye(2)[Y], np.eye(2)[np.zeros(50, dtype=int)])
    trial = held_out("A", slice(0, 30), COVARIATE)
    trial = Trial("A", "instance", COVARIATE, held_out=trial.held_out, predicted=np.zeros(50, int), proba=trial.proba)
    base = Trial("b", "baseline", held_out=SOURCE.held_out, predicted=np.arange(50) % 2, proba=SOURCE.proba)
    weighted = WeightedSource(Y, np.ones(100), certain)
    gain = weighted.gain(trial, base, bootstrap_indices(100, 0))
    assert gain.value == pytest.approx(0.5)
    pairs = ((t.held_out, t.predicted) for t in (trial, base))
    assert gain == direct(certain, Y, np.ones(100), *pairs, random_state=0)
    assert WeightedSource(Y, np.ones(100)).gain(trial, base, bootstrap_indices(100, 0)).value == 0.0


def test_too_few_source_samples_of_a_class_estimate_nothing():
    y = np.r_[np.zeros(96, dtype=int), np.ones(4, dtype=int)]
    proba = np.full((10, 2), 0.5)
    base = Trial("source-only", "baseline", role="source-only", held_out=1 - y, predicted=np.zeros(10), proba=proba)
    right = Trial("A", "instance", shifts=frozenset({"covariate"}), held_out=y, predicted=np.zeros(10), proba=proba)
    verdict = by_weighting(base, [right], Diagnosis("covariate", "low", ""), WeightedSource(y, np.ones(100)), 0.9, 0)
    assert verdict.chosen == "source-only" and "The source has 4 samples of class 1" in verdict.reason
