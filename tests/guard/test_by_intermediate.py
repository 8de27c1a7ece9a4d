"""Given intermediate domains: reverse validation over the path, its margin, its least value and the veto."""

import numpy as np
import pytest

from landbridge.guard import EvidenceKind, by_intermediate, neighbour_graph


@pytest.fixture
def judge(fabricate, labels):
    def call(candidates, source=0.8, graph=None, confidence=0.9):
        source_only = fabricate("source-only", labels, role="source-only", reverse=source)
        trials = [fabricate(n, labels, reverse=r, intermediate=i, **f) for n, r, i, f in candidates]
        return by_intermediate(source_only, trials, graph, confidence)

    return call


def test_the_best_reverse_validation_is_chosen(judge):
    verdict = judge([("A", 0.85, True, {}), ("B", 0.9, True, {}), ("C", 0.88, True, {}), ("D", 0.99, False, {})])
    assert verdict.chosen == "B" and verdict.transferred and verdict.gain is None
    assert verdict.evidence == "no target labels" and "90 %" in verdict.reason
    assessment = verdict.assessments["B"]
    assert assessment.defensible and assessment.estimate.value == 0.9
    assert assessment.kind is EvidenceKind.INTERMEDIATE_PATH and "in the given order" in verdict.assumption
    assert not verdict.assessments["D"].defensible and "in one step" in verdict.assessments["D"].why


def test_the_first_of_equals_is_chosen(judge):
    assert judge([("A", 0.9, True, {}), ("B", 0.9, True, {})]).chosen == "A"


@pytest.mark.parametrize(("reverse", "chosen"), [(0.7701, True), (0.7699, False)])
def test_it_may_stay_three_points_behind_the_source_model(judge, reverse, chosen):
    assert (judge([("A", reverse, True, {})], source=0.8) is not None) is chosen


@pytest.mark.parametrize("source", [None, 0.2])
@pytest.mark.parametrize(("reverse", "chosen"), [(0.5, True), (0.4999, False)])
def test_it_must_reach_one_half(judge, source, reverse, chosen):
    assert (judge([("A", reverse, True, {})], source=source) is not None) is chosen


@pytest.mark.parametrize("candidates", [[], [("A", 0.9, False, {})], [("A", None, True, {})]])
def test_without_evidence_over_a_path_there_is_no_verdict(judge, candidates):
    assert judge(candidates) is None


def test_methods_for_other_shifts_are_refused_for_that_reason(judge):
    verdict = judge([("A", 0.9, True, {}), ("B", None, False, {"shifts": frozenset({"label"})})])
    assert "no label shift was found" in verdict.assessments["B"].why


def test_separation_vetoes(fabricate):
    rng = np.random.default_rng(0)
    right = np.repeat([0, 1], 50)
    graph = neighbour_graph(np.repeat([[4.0, 0.0], [-4.0, 0.0]], 50, axis=0) + rng.normal(size=(100, 2)))
    mixed = right.copy()
    mixed[::3] = 1 - mixed[::3]
    source_only = fabricate("source-only", right, role="source-only", reverse=0.8)
    bad = fabricate("A", mixed, reverse=0.95, intermediate=True)
    good = fabricate("B", right, reverse=0.9, intermediate=True)
    assert by_intermediate(source_only, [bad, good], graph, 0.9).chosen == "B"
    assert by_intermediate(source_only, [bad], graph, 0.9) is None
    assert by_intermediate(source_only, [bad], None, 0.9).chosen == "A"
