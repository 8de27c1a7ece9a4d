"""Target labels: the corrected test, the nested choice, and the preference for what is simpler."""

from dataclasses import replace

import numpy as np
import pytest

from landbridge.guard import EvidenceKind, LabelledSplits, Trial, by_labels, corrected_gain, nested_gain

SPLITS = LabelledSplits(np.arange(20), np.arange(20) % 2, regression=False, n_splits=5, n_repeats=1, random_state=0)
NOISE = np.array([0.01, -0.01, 0.0, 0.02, -0.02])


def trial(name, scores, role="candidate", preference=0):
    return Trial(name, "feature", role=role, splits=np.asarray(scores, dtype=float), preference=preference)


def base(value=0.6, name="source-only"):
    return trial(name, value + NOISE, role=name)


def test_a_certain_gain_is_chosen():
    scores = 0.8 + NOISE[::-1]
    verdict = by_labels([base(), trial("A", scores)], SPLITS, 0.9)
    assert verdict.chosen == "A" and verdict.transferred and verdict.evidence == "target labels"
    assert verdict.gain.value == pytest.approx(0.2) and verdict.gain.p_value < 0.01
    assessment = verdict.assessments["A"]
    assert assessment.gain == corrected_gain(scores - (0.6 + NOISE), 0.2) and assessment.defensible
    assert assessment.estimate.value == pytest.approx(0.8) and assessment.kind is EvidenceKind.TARGET_LABELS
    assert verdict.assessments["source-only"].estimate.value == pytest.approx(0.6)
    assert "20.0 points on 20 labelled target samples" in verdict.reason


def test_the_better_baseline_is_what_counts():
    trials = [base(0.6), base(0.79, "target-only"), trial("A", 0.8 + 3 * NOISE[::-1])]
    verdict = by_labels(trials, SPLITS, 0.9)
    assert verdict.chosen == "target-only" and not verdict.transferred
    assert verdict.assessments["A"].gain.value == pytest.approx(0.01)
    assert by_labels([trials[0], trials[2]], SPLITS, 0.9).chosen == "A"


@pytest.mark.parametrize("lift", [0.0, -0.1])
def test_no_gain_keeps_the_baseline(lift):
    verdict = by_labels([base(), trial("A", 0.6 + lift + NOISE)], SPLITS, 0.9)
    assert verdict.chosen == "source-only" and not verdict.transferred
    assert verdict.assessments["A"].why == "not better than source-only" and verdict.gain is not None


def test_the_confidence_is_the_level_of_the_test():
    trials = [base(), trial("A", 0.65 + np.array([0.05, -0.06, 0.04, -0.03, 0.0]))]
    p = by_labels(trials, SPLITS, 0.9).gain.p_value
    assert 0.01 < p < 0.5
    assert by_labels(trials, SPLITS, 1 - p - 1e-6).transferred
    assert not by_labels(trials, SPLITS, 1 - p + 1e-6).transferred


def test_the_luckiest_of_many_must_win_on_the_other_splits_too():
    """The best of twenty useless candidates can have a significant gain, but not with the choice on other splits."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        trials = [trial("source-only", rng.normal(0.5, 0.05, 5), "source-only")]
        trials += [trial(f"C{i}", rng.normal(0.5, 0.05, 5)) for i in range(20)]
        verdict = by_labels(trials, SPLITS, 0.9)
        best = max(trials[1:], key=lambda t: t.splits.mean())
        found += verdict.assessments[best.name].defensible and not verdict.transferred
        scores = np.stack([t.splits for t in trials])
        assert verdict.gain == nested_gain(scores, [0], range(1, 21), 0.2)
    assert found > 2


def test_the_best_needs_a_significant_gain_of_its_own():
    """The nested gain is significant here, as its baseline is the worse of two on four splits; the direct is not."""
    scores = [
        [0.81, 0.12, 0.56, 0.41, 0.43],
        [0.47, 0.20, 0.47, 0.37, 1.00],
        [0.65, 0.57, 0.58, 0.52, 0.46],
        [0.56, 0.69, 0.58, 0.76, 0.59],
    ]
    trials = [trial("source-only", scores[0], "source-only"), trial("target-only", scores[1], "target-only")]
    trials += [trial("A", scores[2]), trial("B", scores[3])]
    verdict = by_labels(trials, SPLITS, 0.9)
    assert verdict.gain.p_value < 0.1 < verdict.assessments["B"].gain.p_value
    assert not verdict.transferred and verdict.chosen == "target-only"


def test_one_split_proves_nothing():
    splits = LabelledSplits(np.arange(6), np.arange(6) % 2, regression=False, n_splits=2, n_repeats=1)
    splits.splits = splits.splits[:1]
    trials = [trial("source-only", [0.1], "source-only"), trial("A", [0.9])]
    assert not by_labels(trials, splits, 0.9).transferred


def test_without_candidates_the_baseline_is_kept():
    verdict = by_labels([base(0.5), base(0.7, "target-only")], SPLITS, 0.9)
    assert verdict.chosen == "target-only" and "No candidate" in verdict.reason and verdict.gain is None


PROBE = np.array([0.80, 0.82, 0.78, 0.81, 0.79])
NEAR = np.array([0.05, -0.05, 0.04, -0.03, 0.02])


def prefer(ahead, *, preference=1, others=(), probe=PROBE, confidence=0.9):
    trials = [
        trial("target-only", 0.5 + NOISE, "target-only"),
        trial("LinearProbe", probe),
        trial("LPFT", PROBE + ahead, preference=preference),
        *others,
    ]
    return by_labels(trials, SPLITS, confidence)


def test_the_probe_is_kept_unless_another_is_significantly_better():
    near = prefer(NEAR)
    assert near.chosen == "LinearProbe" and near.transferred
    assert "LPFT is +0.6 points from it" in near.reason
    assert near.gain == near.assessments["LinearProbe"].gain
    assert prefer(0.1 + np.array([0.01, 0.0, -0.01, 0.0, 0.01])).chosen == "LPFT"


def test_equal_preference_leaves_the_best():
    assert prefer(NEAR, preference=0).chosen == "LPFT"


def test_simpler_is_no_merit_of_what_cannot_be_defended():
    assert prefer(NEAR, probe=0.5 + NOISE[::-1]).chosen == "LPFT"
    # so unstable that the best is not significantly better, but its own gain is not significant either
    noisy = prefer(NEAR, probe=np.array([0.95, 0.5, 0.95, 0.4, 0.9]))
    assert noisy.chosen == "LPFT" and not noisy.assessments["LinearProbe"].defensible


def test_the_simplest_as_good_is_chosen_and_of_equals_the_better():
    others = [trial("simplest", PROBE - 0.001 - NEAR / 9, preference=-1), trial("worse", PROBE - 0.01 - NEAR / 9)]
    assert prefer(NEAR, others=others).chosen == "simplest"
    assert prefer(NEAR, others=others[1:]).chosen == "LinearProbe"
    # the best is significantly better than the simplest alone, so the next simplest is chosen
    poor = [trial("simplest", PROBE - 0.2, preference=-1)]
    assert prefer(NEAR, others=poor).chosen == "LinearProbe"


def test_the_interval_of_the_accuracy_stays_within_its_range():
    wide = np.array([1.0, 0.2, 1.0, 0.6, 0.9])
    estimate = by_labels([base(), trial("A", wide)], SPLITS, 0.9).assessments["A"].estimate
    assert estimate.high == 1.0 and 0.0 <= estimate.low < estimate.value


def test_the_estimate_of_the_luckiest_is_not_that_of_its_luck():
    noise = np.random.default_rng(0).normal(0.6, 0.1, size=(12, 5))
    trials = [base(), *(trial(f"A{i}", row) for i, row in enumerate(noise))]
    trials += [trial("B", 0.9 + NOISE), trial("C", 0.9 + NOISE[::-1] * 1.01)]
    verdict = by_labels(trials, SPLITS, 0.9)
    assert verdict.chosen in ("B", "C")
    assert verdict.assessments[verdict.chosen].estimate.value < 0.9 <= trials[-1].splits.mean() + 1e-9


def test_words_are_those_of_the_score():
    splits = LabelledSplits(np.arange(20), np.arange(20.0), regression=True, n_splits=5, n_repeats=1, random_state=0)
    reason = by_labels([base(), trial("A", 0.8 + NOISE[::-1])], splits, 0.9).reason
    assert "by 0.200 R² on 20" in reason and "points" not in reason
    splits.task = splits.task.with_scoring("neg_mean_absolute_error")
    verdict = by_labels([base(-3.0), trial("A", -1.0 + NOISE[::-1])], splits, 0.9)
    assert "by 2.000 neg_mean_absolute_error" in verdict.reason and verdict.assessments["A"].estimate.high <= 0.0


def test_splits_without_a_score_are_left_out():
    gap = np.array([np.nan, 0.0, 0.0, 0.0, 0.0])
    verdict = by_labels([trial("source-only", 0.6 + NOISE + gap, "source-only"), trial("A", 0.8 + gap)], SPLITS, 0.9)
    assert verdict.chosen == "A" and np.isfinite(verdict.gain.value)


def validated(name, n_wrong, role="candidate"):
    """A trial that is wrong on the first so many of the labelled samples."""
    labels = np.arange(20) % 2
    predicted = np.where(np.arange(20) < n_wrong, 1 - labels, labels)
    scores = np.array([(predicted[test] == labels[test]).mean() for _, test in SPLITS.splits])
    return Trial(name, "feature", role=role, splits=scores, validated=predicted)


@pytest.mark.parametrize(("wrong", "chosen"), [(8, "source-only"), (2, "A")])
def test_few_labels_must_be_right_on_single_samples(wrong, chosen):
    """Two wins of 20 are chance (p = 0.25), eight are not (p = 0.004)."""
    trials = [validated("source-only", 10, "source-only"), validated("A", wrong)]
    verdict = by_labels(trials, SPLITS, 0.9)
    assert verdict.chosen == chosen and verdict.transferred is (chosen == "A")


def test_a_higher_score_on_too_few_samples_is_said():
    base, lucky = validated("source-only", 10, "source-only"), validated("A", 8)
    lucky = replace(lucky, splits=base.splits + 0.1 + NOISE)
    verdict = by_labels([base, lucky], SPLITS, 0.9)
    assert not verdict.transferred and "on too few of the 20 labelled target samples" in verdict.reason
    assert not verdict.assessments["A"].defensible


def test_few_labels_are_not_enough_to_train_on_instead_of_the_source():
    source, target = validated("source-only", 10, "source-only"), validated("target-only", 9, "target-only")
    assert by_labels([source, target, validated("A", 10)], SPLITS, 0.9).chosen == "source-only"
    better = validated("target-only", 4, "target-only")
    assert by_labels([source, better, validated("A", 10)], SPLITS, 0.9).chosen == "target-only"
