"""Evidence from corrected class shares, on fabricated trials."""

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis
from landbridge.guard import EvidenceKind, Trial, by_corrected_shares, decide
from landbridge.measurement import Measurement

N = 60


def _diagnosis(source=(0.5, 0.5), target=(0.1, 0.9)):
    details = {"classes": [0, 1], "source_priors": list(source), "target_priors": list(target)}
    return Diagnosis(
        "label", "moderate", "", measurements={"label_shift": Measurement("label shift", 0.4, details=details)}
    )


def _trial(name, predicted, role="candidate", shifts=("label",)):
    p = np.linspace(0.3, 0.7, N)
    proba = np.column_stack([1 - p, p])
    predicted = np.full(N, predicted) if np.isscalar(predicted) else predicted
    return Trial(
        name,
        "parameter",
        shifts=frozenset(shifts),
        role=role,
        predicted=predicted,
        proba=proba,
        classes=np.array([0, 1]),
    )


SOURCE = _trial("source-only", (np.linspace(0.3, 0.7, N) > 0.5).astype(int), role="source-only")


def test_a_correction_is_chosen_for_its_expected_gain():
    verdict = by_corrected_shares(SOURCE, [_trial("PriorCorrection", 1)], _diagnosis(), 0.9, 0)
    assert verdict.transferred and verdict.chosen == "PriorCorrection"
    # ratio 1.8 to 0.2: probabilities of class 1 become p 1.8 / (p 1.8 + (1 - p) 0.2)
    p = np.linspace(0.3, 0.7, N)
    corrected = 1.8 * p / (1.8 * p + 0.2 * (1 - p))
    expected = corrected.mean() - np.where(p > 0.5, corrected, 1 - corrected).mean()
    assert verdict.gain.value == pytest.approx(expected)
    assert verdict.assessments["PriorCorrection"].kind is EvidenceKind.CORRECTED_SHARES
    assert "P(x given y)" in verdict.assumption


def test_the_other_direction_is_refused():
    verdict = by_corrected_shares(SOURCE, [_trial("PriorCorrection", 0)], _diagnosis(), 0.9, 0)
    assert not verdict.transferred and verdict.chosen == "source-only"


def test_equal_shares_change_nothing():
    verdict = by_corrected_shares(SOURCE, [_trial("A", SOURCE.predicted)], _diagnosis(target=(0.5, 0.5)), 0.9, 0)
    assert verdict.chosen == "source-only"


def test_methods_for_other_shifts_are_refused():
    verdict = by_corrected_shares(SOURCE, [_trial("A", 1, shifts=("concept",))], _diagnosis(), 0.9, 0)
    assert verdict.chosen == "source-only" and "not made for label shift" in verdict.assessments["A"].why


def test_the_best_of_several_is_chosen():
    half = np.where(np.arange(N) > N // 3, 1, SOURCE.predicted)
    verdict = by_corrected_shares(SOURCE, [_trial("half", half), _trial("whole", 1)], _diagnosis(), 0.9, 0)
    assert verdict.chosen == "whole"


def test_decide_dispatches_here_without_source_samples():
    verdict = decide([SOURCE, _trial("PriorCorrection", 1)], _diagnosis())
    assert verdict.chosen == "PriorCorrection"
