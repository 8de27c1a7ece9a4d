"""Few target labels and the features together: what neither decides alone."""

from dataclasses import replace

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis
from landbridge.guard import FEW_LABELS, MAJORITY_VOTE, LabelledSplits, by_labels, decide
from landbridge.guard._by_few_labels import by_few_labels
from landbridge.guard._verdict import NO_LABELS, Assessment, Verdict

CONCEPT = Diagnosis("concept", "high", "")


def labelled(trials, y, n):
    """The first n samples are labelled: trials with their scores on the splits, and the splits."""
    splits = LabelledSplits(np.arange(n), y[:n], regression=False, n_splits=3, n_repeats=1, random_state=0)
    scored = []
    for t in trials:
        right = t.predicted[:n] == y[:n]
        scores = np.array([right[test].mean() for _, test in splits.splits])
        scored.append(replace(t, splits=scores, validated=t.predicted[:n], validated_proba=t.proba[:n]))
    return scored, splits


@pytest.fixture
def truth(flip):
    """The source model is wrong on 30 of 100 samples, two of them among the first nine."""
    return flip(7, 37)


def test_two_labels_are_too_few_alone_and_enough_with_the_features(source_only, variants, truth):
    trials, splits = labelled([source_only, *variants(truth)], truth, 9)
    alone = by_labels(trials, splits, 0.95)
    assert not alone.transferred
    verdict = decide(trials, CONCEPT, splits=splits, confidence=0.95)
    assert verdict.transferred and verdict.chosen == MAJORITY_VOTE and verdict.evidence == "target labels"
    assert "The 9 labelled target samples are too few to decide alone, and agree" in verdict.reason
    assert verdict.gain.value == pytest.approx(2 / 9, abs=0.01)


def test_labels_that_speak_against_it_keep_the_source_model(source_only, variants, labels, truth):
    trials, splits = labelled([source_only, *variants(truth)], labels, 9)
    verdict = decide(trials, CONCEPT, splits=splits, confidence=0.95)
    assert not verdict.transferred and verdict.chosen == "source-only"


def test_labels_that_are_neutral_are_not_enough(source_only, variants, flip):
    # the methods differ from the source model only where there are no labels
    trials, splits = labelled([source_only, *variants(flip(20, 50))], flip(20, 50), 9)
    assert not decide(trials, CONCEPT, splits=splits, confidence=0.95).transferred


def test_many_labels_decide_alone(source_only, variants, flip):
    """Agreement would choose the vote; 60 labels say that it is no better."""
    truth = flip(30, 32)
    trials, splits = labelled([source_only, *variants(flip(30, 60))], truth, FEW_LABELS + 10)
    few, few_splits = labelled([source_only, *variants(flip(30, 60))], truth, 32)
    assert decide(few, CONCEPT, splits=few_splits, confidence=0.9).chosen == MAJORITY_VOTE
    assert not decide(trials, CONCEPT, splits=splits, confidence=0.9999).transferred


def test_the_better_choice_of_the_labels_stands(source_only, fabricate, flip, truth):
    trials, splits = labelled([source_only, fabricate("A", truth), fabricate("B", flip(8, 37))], truth, 9)
    of_features = Verdict("B", True, "B.", NO_LABELS, None, {"B": Assessment(None, None, True, "")})
    of_labels = Verdict("A", True, "A.", "target labels", None, {})
    assert by_few_labels(of_labels, of_features, trials, splits) is of_labels
    kept = replace(of_labels, chosen="source-only", transferred=False)
    assert by_few_labels(kept, of_features, trials, splits).chosen == "B"
    assert by_few_labels(kept, replace(of_features, transferred=False), trials, splits) is kept


def test_the_vote_that_was_judged_is_the_one_that_is_handed_over(source_only, fabricate, flip, truth):
    """A vote under covariate shift has members of its own, and is not smoothed."""
    agreeing = [fabricate(name, flip(7, 37 + i)) for i, name in enumerate("ABC")]
    trials, splits = labelled([source_only, *agreeing], truth, 9)
    members = ("source-only", "A", "B", "C")
    found = {MAJORITY_VOTE: Assessment(None, None, True, "")}
    of_features = Verdict(MAJORITY_VOTE, True, "Vote.", NO_LABELS, None, found, members=members)
    of_labels = Verdict("source-only", False, "Kept.", "target labels", None, {})
    verdict = by_few_labels(of_labels, of_features, trials, splits)
    assert verdict.chosen == MAJORITY_VOTE and verdict.members == members
