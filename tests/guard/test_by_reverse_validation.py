"""A single candidate: reverse validation with its margin, and what is refused whatever else speaks for it."""

import numpy as np
import pytest

from landbridge.guard import EvidenceKind, by_reverse_validation
from landbridge.guard._by_reverse_validation import lost_labels


@pytest.fixture
def judge(fabricate, labels, flip):
    def call(reverse, source=0.8, predicted=None, **fields):
        source_only = fabricate("source-only", labels, role="source-only", reverse=source)
        trial = fabricate("A", flip(0, 30) if predicted is None else predicted, reverse=reverse, **fields)
        return by_reverse_validation(source_only, [trial])

    return call


@pytest.mark.parametrize(("reverse", "chosen"), [(0.8301, "A"), (0.8299, "source-only"), (0.7, "source-only")])
def test_the_margin_is_three_points(judge, reverse, chosen):
    verdict = judge(reverse)
    assert verdict.chosen == chosen and verdict.transferred is (chosen == "A")
    assessment = verdict.assessments["A"]
    assert assessment.defensible is (chosen == "A") and assessment.gain.value == pytest.approx(reverse - 0.8)
    assert assessment.estimate.value == reverse and assessment.kind is EvidenceKind.REVERSE_VALIDATION
    assert "swap" in verdict.assumption and verdict.evidence == "no target labels"


@pytest.mark.parametrize(("reverse", "source"), [(None, 0.8), (0.9, None), (None, None)])
def test_without_evidence_of_both_nothing_is_chosen(judge, reverse, source):
    verdict = judge(reverse, source)
    assert not verdict.transferred and verdict.assessments["A"].gain is None
    assert verdict.assessments["A"].why == "cannot be assessed without target labels"


def test_a_single_class_is_refused(judge):
    verdict = judge(0.95, predicted=np.zeros(100, dtype=int))
    assert not verdict.transferred and "same class" in verdict.assessments["A"].why
    assert "same class" in verdict.reason


def test_no_suited_candidate(judge):
    verdict = judge(0.95, shifts=frozenset({"covariate"}))
    assert not verdict.transferred and "made for such a shift" in verdict.reason
    assert "no covariate shift was found" in verdict.assessments["A"].why


@pytest.mark.parametrize(("reverse", "lost"), [(0.7701, False), (0.7699, True)])
def test_labels_are_lost_three_points_below_the_source_model(fabricate, labels, reverse, lost):
    source_only = fabricate("source-only", labels, role="source-only", reverse=0.8)
    assert bool(lost_labels(fabricate("A", labels, reverse=reverse), source_only)) is lost


def test_one_class_is_no_loss_where_the_source_model_predicts_one_too(fabricate, labels):
    one = fabricate("A", labels * 0)
    assert lost_labels(one, fabricate("source-only", labels * 0, role="source-only")) == ""
    assert lost_labels(one, fabricate("source-only", labels, role="source-only")) != ""
    assert lost_labels(fabricate("A", labels * 0, proba=None), fabricate("source-only", labels)) == ""  # regression
