"""The ensemble: when its vote is chosen, what a candidate needs to be defensible, and the veto of separation."""

import numpy as np
import pytest
from scipy.sparse import block_diag
from scipy.stats import norm

from landbridge.guard import MAJORITY_VOTE, EvidenceKind, Trial, by_ensemble, neighbour_graph, separation_gain
from landbridge.guard._by_ensemble import _agree, _agreement_gain, _agreement_with_others, vetoed
from landbridge.measurement import Measurement


@pytest.fixture
def agreeing(fabricate, flip):
    """Four methods that agree with one another and differ from the source model in 30 samples of 100."""
    return [fabricate(name, flip(0, 30)) for name in "ABCD"]


def judge(source_only, candidates, graph=None, confidence=0.9):
    return by_ensemble(source_only, candidates, graph, confidence, 0)


def test_methods_that_agree_are_chosen(source_only, agreeing):
    verdict = judge(source_only, agreeing)
    assert verdict.transferred and verdict.chosen == MAJORITY_VOTE and verdict.evidence == "no target labels"
    assert verdict.gain.value == pytest.approx(0.3)  # three votes against two, in 30 samples
    assert verdict.gain.p_value == pytest.approx(1 / 501)
    assessment = verdict.assessments[MAJORITY_VOTE]
    assert assessment.estimate.value == 1.0 and assessment.kind is EvidenceKind.ENSEMBLE
    assert verdict.assessments["source-only"].defensible and "4 methods" in verdict.reason


def test_the_source_model_has_two_votes(fabricate, flip, source_only):
    """Three methods, one held out: two votes against two, and the less confident lose the tie."""
    unsure = [fabricate(name, flip(0, 30), certainty=0.6) for name in "ABC"]
    assert judge(source_only, unsure).gain is None
    assert judge(source_only, unsure).assessments[MAJORITY_VOTE].gain.value == 0.0
    confident = [fabricate(name, flip(0, 30), certainty=0.95) for name in "ABC"]
    assert judge(source_only, confident).chosen == MAJORITY_VOTE


@pytest.mark.parametrize("differing", [1, 2])
def test_three_members_are_needed(fabricate, flip, labels, source_only, differing):
    trials = [fabricate(f"method {i}", flip(0, 30) if i < differing else labels) for i in range(4)]
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


def test_separation_vetoes_what_all_methods_agree_on(fabricate, clusters):
    graph, right = clusters
    mixed = right.copy()
    mixed[::3] = 1 - mixed[::3]
    source = fabricate("source-only", right, role="source-only")
    trials = [fabricate(n, mixed) for n in "ABCD"]
    assert judge(source, trials).transferred  # without the graph nothing speaks against them
    verdict = judge(source, trials, graph)
    assert not verdict.transferred and "separate neighbouring" in verdict.reason
    assessment = verdict.assessments[MAJORITY_VOTE]
    assert not assessment.defensible and assessment.gain.details["separation"] < 0
    assert [e.kind for e in assessment.evidence] == [EvidenceKind.ENSEMBLE, EvidenceKind.SEPARATION]
    assert all(e.assumption for e in assessment.evidence)


def test_both_tests_are_combined_by_stouffer(fabricate, clusters):
    graph, right = clusters
    source_labels = right.copy()
    source_labels[::5] = 1 - source_labels[::5]
    source = fabricate("source-only", source_labels, role="source-only")
    trials = [fabricate(n, right) for n in "ABCD"]
    verdict = judge(source, trials, graph)
    assert verdict.transferred and "less often separated" in verdict.reason
    z = separation_gain(graph, source_labels, right, 2).details["z"]
    gains = (source_labels != right).astype(float)
    agreement = gains.mean() / (gains.std() / 10)
    assert z > 0 and verdict.gain.p_value == pytest.approx(norm.sf((z + agreement) / np.sqrt(2)))


def test_no_difference_in_separation_adds_a_z_score_of_zero(fabricate, clusters):
    """The methods' labels are the source model's with the classes swapped, in one of two groups of four clusters."""
    graph, right = clusters
    source = fabricate("source-only", np.tile(right, 2), role="source-only")
    trials = [fabricate(n, np.concatenate([right, 1 - right])) for n in "ABCD"]
    both = block_diag([graph, graph], format="csr")
    verdict = judge(source, trials, both)
    z = verdict.assessments[MAJORITY_VOTE].evidence[1].measurement.details["z"]
    assert verdict.transferred and "less often separated" in verdict.reason
    assert verdict.gain.p_value == pytest.approx(norm.sf((z + 0.5 / (0.5 / np.sqrt(200))) / np.sqrt(2)))


def test_a_gain_without_variance_has_a_z_score_of_zero(fabricate, clusters):
    graph, right = clusters
    source = fabricate("source-only", right, role="source-only")
    verdict = judge(source, [fabricate(n, 1 - right) for n in "ABCD"], graph)
    gain = verdict.assessments[MAJORITY_VOTE].gain
    assert (gain.value, gain.p_value, gain.details["separation"]) == (1.0, 0.5, 0.0) and not verdict.transferred


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
    trials = [fabricate(n, np.where(rng.random(100) < 0.6, flip(0, 12), labels)) for n in "ABCDEF"]
    one, two = (by_ensemble(source_only, trials, None, 0.9, 3) for _ in range(2))
    assert one == two
    gain = one.assessments[MAJORITY_VOTE].gain
    assert gain.value > 0 and 0.001 < gain.p_value < 0.5
    for confidence, transferred in ((1 - gain.p_value - 1e-6, True), (1 - gain.p_value + 1e-6, False)):
        assert by_ensemble(source_only, trials, None, confidence, 3).transferred is transferred
