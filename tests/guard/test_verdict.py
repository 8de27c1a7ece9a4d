"""Assessments and verdicts."""

import dataclasses

import pytest

from landbridge.guard import Assessment, Trial, Verdict
from landbridge.guard._verdict import BASELINE, no_gain, unsuited
from landbridge.measurement import Measurement


def test_why_a_gain_is_not_enough():
    assert no_gain(Measurement("gain", 0.0), "source-only") == "not better than source-only"
    assert no_gain(Measurement("gain", 0.1), "source-only") == "gain over source-only is not statistically significant"


def test_candidates_for_other_shifts_are_refused():
    trials = [
        Trial("A", "feature", shifts=frozenset({"label", "covariate"})),
        Trial("B", "feature", shifts=frozenset({"concept"})),
        Trial("C", "feature"),
    ]
    refused = unsuited(trials)
    assert list(refused) == ["A"] and not refused["A"].defensible
    assert refused["A"].why == "no covariate or label shift was found"


def test_both_are_frozen_with_defaults_at_the_end():
    assert Assessment(None, None, True, "x").kind is None and Assessment(None, None, True, "x").evidence == ()
    verdict = Verdict("A", True, "reason", "target labels", None, {})
    assert verdict.assumption == ""
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.chosen = "B"
    assert BASELINE.defensible and BASELINE.gain is None
