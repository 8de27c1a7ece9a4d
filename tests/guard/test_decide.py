"""The dispatch: which evidence decides."""

import numpy as np
import pytest

from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.guard import MAJORITY_VOTE, LabelledSplits, Trial, WeightedSource, decide

SPLITS = LabelledSplits(np.arange(20), np.arange(20) % 2, regression=False, n_repeats=1, random_state=0)
SCORES = np.array([0.6, 0.62, 0.58, 0.61, 0.59])


def diagnosis(kind):
    return Diagnosis(kind, "high", "")


def test_labels_come_first_whatever_the_shift():
    trials = [Trial("b", "baseline", role="source-only", splits=SCORES), Trial("A", "feature", splits=SCORES + 0.2)]
    for kind in ("none", "different features", "label", "concept"):
        assert decide(trials, diagnosis(kind), splits=SPLITS).chosen == "A"


def test_labels_need_a_score_of_every_fitted_trial(source_only):
    trials = [source_only, Trial("A", "feature", splits=SCORES)]
    assert decide(trials, diagnosis("none"), splits=SPLITS).evidence == "no target labels"


def test_failed_trials_are_ignored(fabricate, flip, source_only):
    trials = [source_only, *(fabricate(n, flip(0, 30), error="broke") for n in "ABCD")]
    verdict = decide(trials, diagnosis("concept"))
    assert verdict.chosen == "source-only" and set(verdict.assessments) == {"source-only"}
    scored = Trial("b", "baseline", role="source-only", splits=SCORES)
    assert decide([scored, trials[1]], diagnosis("concept"), splits=SPLITS).evidence == "target labels"


def test_different_features(source_only):
    assert "different features" in decide([source_only], diagnosis("different features")).reason


def test_no_shift_needs_no_candidate(variants, flip, source_only):
    trials = [source_only, *variants(flip(0, 30))]
    assert not decide(trials, diagnosis("none")).transferred
    assert decide(trials, diagnosis("concept")).chosen == MAJORITY_VOTE


def test_target_only_does_not_vote(fabricate, flip, labels, source_only):
    methods = [fabricate(n, flip(0, 30)) for n in "ABCD"]
    alone = fabricate("alone", 1 - labels, role="target-only")
    verdict = decide([source_only, alone, *methods], diagnosis("concept"))
    assert verdict == decide([source_only, *methods], diagnosis("concept"))


def test_a_weighted_source_decides_where_the_source_model_has_held_out_predictions(fabricate, flip, labels):
    y = np.arange(60) % 2
    right, wrong = y, np.where(np.arange(60) < 20, 1 - y, y)
    base = fabricate("source-only", labels, role="source-only", held_out=wrong)
    better = fabricate("A", labels, held_out=right, shifts=frozenset({"label"}))
    weighted = WeightedSource(y, np.ones(60))
    assert decide([base, better], diagnosis("label"), weighted_source=weighted).chosen == "A"
    blind = fabricate("source-only", labels, role="source-only")
    assert "made for such a shift" in decide([blind, better], diagnosis("label"), weighted_source=weighted).reason
    assert not decide([base, better], diagnosis("label")).transferred


def test_a_path_comes_before_the_ensemble(fabricate, flip, source_only):
    methods = [fabricate(n, flip(0, 30)) for n in "ABCD"]
    over = fabricate("P", flip(0, 60), reverse=0.9, intermediate=True)
    assert decide([source_only, *methods, over], diagnosis("concept")).chosen == "P"


@pytest.mark.parametrize(("others", "word"), [(0, "Reverse validation of A"), (1, "Too few candidates differ")])
def test_a_single_suited_candidate_goes_by_reverse_validation(fabricate, flip, labels, others, word):
    base = fabricate("source-only", labels, role="source-only", reverse=0.7)
    trials = [base, fabricate("A", flip(0, 30), reverse=0.9)]
    trials += [fabricate(f"same {i}", labels) for i in range(others)]
    trials.append(fabricate("L", labels, shifts=frozenset({"label"})))
    assert word in decide(trials, diagnosis("subspace")).reason


def test_a_baseline_is_needed(fabricate, labels):
    with pytest.raises(InputError, match="baseline"):
        decide([fabricate("A", labels)], diagnosis("concept"))


def test_names_decide_nothing(fabricate, variants, flip, labels):
    """Renamed trials get the same verdict under their new names."""
    names = dict(zip("ABCD", ("circular", "Consensus", "target-only", "source-only"), strict=True))
    first = [fabricate("source-only", labels, role="source-only"), *variants(flip(0, 30))]
    second = [fabricate("b", labels, role="source-only"), *variants(flip(0, 30), names.values())]
    one, two = (decide(t, diagnosis("concept")) for t in (first, second))
    assert one.gain == two.gain and one.chosen == two.chosen == MAJORITY_VOTE
    assert {names.get(n, "b" if n == "source-only" else n) for n in one.assessments} == set(two.assessments)
