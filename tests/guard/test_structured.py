"""Structured labels without target labels: the source model is kept, whatever the predictions agree on."""

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.guard import Trial, decide
from landbridge.guard._structured import STRUCTURED, structured_without_labels


def test_the_source_is_kept():
    same = np.array([["O"], ["B-PER"]], dtype=object)
    trials = [
        Trial("source-only", "baseline", role="source-only", predicted=same),
        Trial("self-trained", "parameter", predicted=same),
    ]
    verdict = decide(trials, Diagnosis(STRUCTURED, "moderate", ""))
    assert (verdict.chosen, verdict.transferred, verdict.evidence) == ("source-only", False, "no target labels")
    assert not verdict.assessments["self-trained"].defensible


def test_a_baseline_is_needed():
    with pytest.raises(InputError, match="no fitted baseline"):
        structured_without_labels([Trial("self-trained", "parameter")])
