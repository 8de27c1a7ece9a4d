"""A source on which its own model errs: nothing that methods have in common is evidence."""

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis
from landbridge.guard import decide
from landbridge.guard._unlearnable import unlearnable
from landbridge.measurement import Measurement


def diagnosis(error, guessing=0.5):
    details = {"balanced_error": error, "balanced_chance": guessing}
    return Diagnosis("concept", "high", "", measurements={"source_error": Measurement("e", error, details=details)})


@pytest.mark.parametrize(("error", "kept"), [(0.5, True), (0.36, True), (0.34, False), (0.0, False)])
def test_enough_of_the_error_of_guessing_must_be_learned(source_only, variants, flip, error, kept):
    candidates = variants(flip(0, 30))
    verdict = unlearnable(source_only, candidates, diagnosis(error))
    assert (verdict is not None) is kept
    chosen = decide([source_only, *candidates], diagnosis(error))
    assert chosen.transferred is not kept


def test_every_candidate_gets_the_reason(source_only, variants, flip):
    verdict = unlearnable(source_only, variants(flip(0, 30)), diagnosis(0.45))
    assert "errs on 45 % of held-out source samples of each class on average, and guessing on 50 %" in verdict.reason
    assert not verdict.transferred and verdict.chosen == "source-only"
    assert not any(verdict.assessments[n].defensible for n in "ABCD") and verdict.assessments["source-only"].defensible


def test_an_unknown_error_decides_nothing(source_only):
    assert unlearnable(source_only, [], Diagnosis("concept", "high", "")) is None
    assert unlearnable(source_only, [], diagnosis(np.nan)) is None
