"""The ensemble: when its vote is chosen, what a candidate needs to be defensible, and the veto of separation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import block_diag
from scipy.stats import norm, t

from landbridge.discrepancy import Diagnosis
from landbridge.guard import (
    MAJORITY_VOTE,
    EvidenceKind,
    Trial,
    by_ensemble,
    decide,
    majority_vote,
    neighbour_graph,
    separation_gain,
)
from landbridge.guard._by_ensemble import _agree, _agreement_gain, _agreement_with_others, vetoed
from landbridge.measurement import Measurement


@pytest.fixture
def agreeing(variants, flip):
    """Four methods that agree with one another and differ from the source model in the same 30 samples of 100."""
    return variants(flip(0, 30))


def judge(source_only, candidates, graph=None, confidence=0.9):
    return by_ensemble(source_only, candidates, graph, confidence, 0)


def test_methods_that_agree_are_chosen(source_only, agreeing):
    verdict = judge(source_only, agreeing)
    assert verdict.transferred and verdict.chosen == MAJORITY_VOTE and verdict.evidence == "no target labels"
    assert verdict.gain.value == pytest.approx(0.3)  # three votes against two, in 30 samples
    assert verdict.gain.p_value < 0.01
    assessment = verdict.assessments[MAJORITY_VOTE]
    assert assessment.estimate.value == pytest.approx(0.98) and assessment.kind is EvidenceKind.ENSEMBLE
    assert verdict.assessments["source-only"].defensible and "4 methods" in verdict.reason


def test_one_answer_under_many_names_is_one_vote(fabricate, flip, source_only):
    twins = [fabricate(name, flip(0, 30)) for name in "ABCDEFGH"]
    verdict = judge(source_only, twins)
    assert not verdict.transferred and "Too few candidates differ" in verdict.reason


def test_few_methods_that_differ_are_weak_evidence(variants, flip, source_only):
    """Thousands of target samples do not make up for methods that disagree about the gain."""
    one = _agreement_gain([source_only, *variants(flip(0, 30))], None, 0)[1]
    two = _agreement_gain([source_only, *variants(flip(0, 30), "ABC"), *variants(flip(0, 20), "D")], None, 0)[1]
    assert 0 < two.value < one.value and two.p_value > 5 * one.p_value
    assert two.high - two.low > one.high - one.low


def test_the_standard_error_is_that_of_samples_and_of_methods(variants, flip, source_only):
    members = [source_only, *variants(flip(0, 30), "AB"), *variants(flip(0, 20), "CD")]
    gain, z = _agreement_gain(members, None, 0)[1:]
    votes = [majority_vote(members[:j] + members[j + 1 :]) for j in range(1, 5)]
    each = [
        1.0 * (v == m.predicted) - (source_only.predicted == m.predicted)
        for v, m in zip(votes, members[1:], strict=True)
    ]
    error = np.sqrt(np.mean(each, axis=0).var() / 100 + np.mean(each, axis=1).var(ddof=1) / 4)
    assert gain.p_value == pytest.approx(t.sf(gain.value / error, 3)) and norm.sf(z) == pytest.approx(gain.p_value)


def test_the_source_model_has_two_votes(variants, flip, source_only):
    """Three methods, one held out: two votes against two, and the less confident lose the tie."""
    unsure = variants(flip(0, 30), "ABC", certainty=0.6)
    assert judge(source_only, unsure).gain is None
    assert judge(source_only, unsure).assessments[MAJORITY_VOTE].gain.value == pytest.approx(0.0)
    confident = variants(flip(0, 30), "ABC", certainty=0.95)
    assert judge(source_only, confident, confidence=0.4).chosen == MAJORITY_VOTE


@pytest.mark.parametrize("differing", [1, 2])
def test_three_members_are_needed(fabricate, variants, flip, labels, source_only, differing):
    trials = variants(flip(0, 30), "AB"[:differing]) + [fabricate(f"method {i}", labels) for i in range(2)]
    assert (MAJORITY_VOTE in judge(source_only, trials).assessments) is (differing == 2)


def test_candidates_without_a_gain_keep_the_source(fabricate, labels, source_only):
    rng = np.random.default_rng(0)
    trials = [fabricate(name, rng.integers(2, size=100)) for name in "ABCD"]
    verdict = judge(source_only, trials)
    assert not verdict.transferred and verdict.chosen == "source-only"
    assert "not significantly better" in verdict.reason


@pytest.mark.parametrize(("differing", "defensible"), [(3, False), (4, True)])
def test_the_margin_of_agreement_is_three_points(fabricate, flip, source_only, differing, defensible):
    trials = [fabricate(name, flip(0, differing)) for name in "ABCDE"]
    assessment = judge(source_only, trials).assessments["A"]
    assert assessment.gain.value == pytest.approx(differing / 100)
    assert assessment.gain.p_value < 0.1  # significant either way
    assert assessment.defensible is defensible


def test_agreement_above_the_margin_must_be_significant_too(fabricate, flip, source_only):
    """A agrees with the others on 14 samples where the source model does not, and the other way round on 10."""
    predicted = flip(0, 14)
    predicted[50:60] = 1 - predicted[50:60]
    trials = [fabricate("A", predicted), *(fabricate(n, flip(0, 14)) for n in "BC")]
    for confidence, defensible in ((0.9, False), (0.6, True)):
        assessment = judge(source_only, trials, confidence=confidence).assessments["A"]
        assert assessment.gain.value == pytest.approx(0.04) and 0.1 < assessment.gain.p_value < 0.4
        assert assessment.defensible is defensible


def test_the_source_model_does_not_vote_on_itself(fabricate, flip, labels):
    """Each candidate and the source model are compared with all others, and with these two not."""
    trials = [fabricate("source-only", labels, role="source-only"), *(fabricate(n, flip(0, 30)) for n in "ABC")]
    own, of_source = _agreement_with_others(trials)[1]
    assert own.mean() == 1.0 and of_source.mean() == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"predicted": np.zeros(100, dtype=int)}, "predicts the same class for every target sample"),
        ({"reverse": 0.5}, "worse than the source model in reverse validation"),
    ],
)
def test_a_candidate_with_lost_labels_is_refused(fabricate, flip, labels, fields, why):
    source_only = fabricate("source-only", labels, role="source-only", reverse=0.9)
    predicted = fields.pop("predicted", flip(0, 30))
    others = [fabricate(n, predicted) for n in "BCD"]
    assessment = judge(source_only, [fabricate("A", predicted, **fields), *others]).assessments["A"]
    assert assessment.gain.value > 0.03 and not assessment.defensible and assessment.why == why


def test_methods_for_other_shifts_neither_vote_nor_are_chosen(fabricate, labels, source_only, agreeing):
    others = [fabricate(f"L{i}", 1 - labels, shifts=frozenset({"label"})) for i in range(9)]
    verdict = judge(source_only, [*agreeing, *others])
    assert verdict.gain.value == pytest.approx(0.3)
    assert all("no label shift was found" in verdict.assessments[o.name].why for o in others)


@pytest.fixture
def clusters():
    """Two clusters of target samples; the source model's labels are those of the clusters."""
    rng = np.random.default_rng(0)
    X = np.repeat([[4.0, 0.0], [-4.0, 0.0]], 50, axis=0) + rng.normal(size=(100, 2))
    return neighbour_graph(X), np.repeat([0, 1], 50)


def test_separation_vetoes_what_all_methods_agree_on(fabricate, variants, clusters):
    graph, right = clusters
    mixed = right.copy()
    mixed[::3] = 1 - mixed[::3]
    source = fabricate("source-only", right, role="source-only")
    trials = variants(mixed)
    assert judge(source, trials).transferred  # without the graph nothing speaks against them
    verdict = judge(source, trials, graph)
    assert not verdict.transferred and "separate neighbouring" in verdict.reason
    assessment = verdict.assessments[MAJORITY_VOTE]
    assert not assessment.defensible and assessment.gain.details["separation"] < 0
    assert [e.kind for e in assessment.evidence] == [EvidenceKind.ENSEMBLE, EvidenceKind.SEPARATION]
    assert all(e.assumption for e in assessment.evidence)


def test_both_tests_are_combined_by_stouffer(fabricate, variants, clusters):
    graph, right = clusters
    source_labels = right.copy()
    source_labels[::5] = 1 - source_labels[::5]
    source = fabricate("source-only", source_labels, role="source-only")
    trials = variants(right)
    verdict = judge(source, trials, graph)
    assert verdict.transferred and "less often separated" in verdict.reason
    z = separation_gain(graph, source_labels, majority_vote([source, *trials]), 2).details["z"]
    agreement = _agreement_gain([source, *trials], graph, 0)[2]
    assert z > 0 and verdict.gain.p_value == pytest.approx(norm.sf((z + agreement) / np.sqrt(2)))


def test_no_difference_in_separation_adds_a_z_score_of_zero(fabricate, variants, clusters):
    """The methods' labels are the source model's with the classes swapped, in one of two groups of four clusters."""
    graph, right = clusters
    source = fabricate("source-only", np.tile(right, 2), role="source-only")
    trials = variants(np.concatenate([right, 1 - right]))
    both = block_diag([graph, graph], format="csr")
    verdict = judge(source, trials, both)
    z = verdict.assessments[MAJORITY_VOTE].evidence[1].measurement.details["z"]
    assert verdict.transferred and "less often separated" in verdict.reason
    agreement = _agreement_gain([source, *trials], both, 0)[2]
    assert verdict.gain.p_value == pytest.approx(norm.sf((z + agreement) / np.sqrt(2)))


def test_a_gain_without_variance_has_a_z_score_of_zero(fabricate, labels):
    """Every method differs from the source model everywhere, so that nothing says how sure the gain is."""
    source = fabricate("source-only", labels, role="source-only")
    members = [source, *(fabricate(n, 1 - labels) for n in "ABCD")]
    assert _agreement_gain(members, None, 0)[1:][1] == 0.0


@pytest.mark.parametrize(("z", "veto"), [(-1.28, False), (-1.29, True), (0.0, False), (2.0, False)])
def test_the_veto_is_one_sided_at_the_given_confidence(z, veto):
    assert vetoed(Measurement("separation", z, details={"z": z}), 0.9) is veto
    assert vetoed(Measurement("separation", z, details={"z": z}), 0.5) is (z <= 0)


@pytest.fixture
def values():
    """A regression: the source model is off by one, four methods are close to one another."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=100)
    trials = [Trial("source-only", "baseline", role="source-only", predicted=centre + 1.0)]
    return trials + [Trial(n, "feature", predicted=centre + 0.01 * rng.normal(size=100)) for n in "ABCD"]


def test_regression_by_medians(values):
    verdict = judge(values[0], values[1:])
    assert verdict.chosen == MAJORITY_VOTE and verdict.gain.value > 0.5
    estimate, gain, z = _agreement_gain(values, None, 0)
    assert estimate.value > 0.99 and gain.value == verdict.gain.value and z > 5


def test_regression_closeness_is_bounded_and_in_units_of_the_variance(values):
    own, of_source = _agreement_with_others(values)[1]
    centre = np.median([t.predicted for t in values[2:]], axis=0)
    assert own.min() > 0.99
    np.testing.assert_allclose(
        of_source, 1 - np.minimum((values[0].predicted - centre) ** 2 / centre.var(), 1), atol=1e-12
    )
    far = [values[0], Trial("A", "feature", predicted=centre + 1e6), *values[2:]]
    assert _agreement_with_others(far)[1, 0].max() == 0.0


def test_regression_agreement_is_bounded_and_in_units_of_the_source_models_variance(values):
    source_only, trial = values[:2]
    variance = source_only.predicted.var()
    off = np.repeat([0.0, 0.5, 10.0], [30, 30, 40])
    got = _agree(trial.predicted + off, trial, source_only)
    np.testing.assert_allclose(got, np.repeat([1.0, 1 - 0.25 / variance, 0.0], [30, 30, 40]))


def test_it_repeats_by_its_seed_and_asks_for_the_given_confidence(fabricate, flip, labels, source_only):
    rng = np.random.default_rng(5)
    trials = [fabricate(n, np.where(rng.random(100) < 0.7, flip(0, 14), labels)) for n in "ABCDEF"]
    one, two = (by_ensemble(source_only, trials, None, 0.9, 3) for _ in range(2))
    assert one == two
    gain = one.assessments[MAJORITY_VOTE].gain
    assert gain.value > 0 and 0.0001 < gain.p_value < 0.05
    p = 10 * gain.p_value  # of a level that is ten times as strict
    for confidence, transferred in ((1 - p - 1e-6, True), (1 - p + 1e-6, False)):
        assert by_ensemble(source_only, trials, None, confidence, 3).transferred is transferred


def test_a_better_learner_of_the_source_model_counts_against_the_vote(source_only, variants, flip):
    """Linear methods agree with one another because they are linear, not because they are right."""
    candidates = variants(flip(0, 30))
    assert decide([source_only, *candidates], Diagnosis("concept", "high", "")).transferred
    trees = replace(source_only, advantage=0.3)
    assert not decide([trees, *candidates], Diagnosis("concept", "high", "")).transferred
