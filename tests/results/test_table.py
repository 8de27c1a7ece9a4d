"""Rows of a result, from specifications, trials and assessments."""

from types import SimpleNamespace

import numpy as np

from landbridge.candidates import CandidateSpec
from landbridge.guard import Assessment, EvidenceKind, Trial, Verdict
from landbridge.measurement import Measurement
from landbridge.results import Candidate
from landbridge.results._table import _same_as, candidate_rows, rows_shown
from landbridge.tasks import get_task

GAIN = Measurement("gain", 0.2, p_value=0.01)


def test_what_was_tried_failed_and_skipped():
    specs = [
        CandidateSpec("source-only", "baseline", object(), "a way of not transferring", role="source-only"),
        CandidateSpec("A", "feature", object(), "made for concept shift"),
        CandidateSpec("B", "feature", object(), ""),
        CandidateSpec("C", "feature", object(), ""),
        CandidateSpec("D", "feature", None, "needs target labels"),
    ]
    trials = [
        Trial("source-only", "baseline", role="source-only", predicted=np.array([0, 0])),
        Trial("A", "feature", predicted=np.array([0, 1]), evidence={EvidenceKind.REVERSE_VALIDATION: GAIN}),
        Trial("B", "feature", error="no luck", traceback="Traceback", warnings=("w",)),
        Trial("C", "feature", error="skipped: the time budget was used up"),
    ]
    assessments = {
        "A": Assessment(None, GAIN, True, "better"),
        "source-only": Assessment(None, None, True, "a baseline"),
    }
    verdict = Verdict("A", True, "", "target labels", GAIN, assessments)
    hidden = np.array([0, 1], dtype=object)
    problem = SimpleNamespace(hidden_labels=hidden, hidden_groups=None, task=get_task("classification"))
    rows = {c.name: c for c in candidate_rows(specs, trials, verdict, problem)}
    assert list(rows) == ["source-only", "A", "B", "C", "D"]
    assert [c.status for c in rows.values()] == ["tried", "tried", "failed", "skipped", "skipped"]
    assert rows["A"].why == "made for concept shift; better" and rows["A"].hidden.value == 1.0
    assert rows["A"].defensible and rows["A"].evidence == {"reverse validation": GAIN}
    assert rows["source-only"].why == "a way of not transferring" and rows["source-only"].hidden.value == 0.5
    assert rows["B"].why == "no luck" and rows["B"].traceback == "Traceback" and rows["B"].warnings == ("w",)
    assert rows["C"].why == "the time budget was used up" and rows["D"].why == "needs target labels"


def test_candidates_with_the_same_predictions_are_one_row():
    rows = [
        Candidate("source-only", "baseline"),
        Candidate("TCA", "feature"),
        Candidate("JDA", "feature", same_as="TCA"),
        Candidate("CORAL", "feature"),
        Candidate("BDA", "feature", same_as="TCA"),
    ]
    assert [(c.name, twins) for c, twins in rows_shown(rows, "CORAL")] == [
        ("source-only", []),
        ("TCA", ["JDA", "BDA"]),
        ("CORAL", []),
    ]
    # the chosen one stands for its row
    assert rows_shown(rows, "BDA")[1][0].name == "BDA"


def test_the_first_of_several_with_the_same_predictions_is_named():
    same, other = np.array([0, 1, 1, 0]), np.array([1, 1, 1, 0])
    proba = np.full((4, 2), 0.5)
    trials = [
        Trial("source-only", "baseline", role="source-only", predicted=same, proba=proba),
        Trial("A", "feature", predicted=other, proba=proba),
        Trial("B", "feature", predicted=other, proba=proba),
        Trial("C", "feature", predicted=same, proba=proba),
    ]
    assert _same_as(trials) == {"B": "A"}
