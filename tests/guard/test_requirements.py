"""What the decision needs beside the trials."""

import numpy as np
import pytest

from landbridge import Domain
from landbridge.data import make_shift
from landbridge.discrepancy import Diagnosis, diagnose
from landbridge.guard import Trial, needs_reverse_validation, target_graph, weighted_source

BASE = Trial("source-only", "baseline", role="source-only")
CONCEPT = Diagnosis("concept", "high", "")


@pytest.mark.parametrize(
    ("trials", "kind", "wanted"),
    [
        ([Trial("A", "feature")], "concept", ("source-only", "A")),
        ([Trial("A", "feature"), Trial("B", "feature")], "concept", ()),
        ([Trial("A", "feature")], "none", ()),
        ([], "concept", ()),
        ([Trial("A", "instance", shifts=frozenset({"covariate"}))], "concept", ()),
        ([Trial("A", "feature", error="no"), Trial("B", "feature")], "concept", ("source-only", "B")),
        (
            [Trial("A", "stepwise", intermediate=True), Trial("B", "feature"), Trial("C", "feature")],
            "concept",
            ("source-only", "A"),
        ),
    ],
)
def test_reverse_validation_is_run_where_it_decides(trials, kind, wanted):
    assert needs_reverse_validation([BASE, *trials], Diagnosis(kind, "high", "")) == wanted


def test_weights_exist_for_label_and_covariate_shift_only():
    for kind in ("label", "covariate"):
        source, target = make_shift(kind, random_state=0)
        diagnosis = diagnose(source, target.without_labels(), random_state=0)
        assert diagnosis.kind == kind
        weighted = weighted_source(diagnosis, source, target, regression=False, random_state=0)
        assert weighted.weights.shape == (len(source),) and (weighted.outcome_model is not None) == (
            kind == "covariate"
        )
        assert weighted_source(CONCEPT, source, target, regression=False) is None


@pytest.mark.parametrize(("n", "regression", "exists"), [(30, False, True), (10, False, False), (30, True, False)])
def test_the_graph_exists_for_classes_and_enough_samples(n, regression, exists):
    target = Domain(np.random.default_rng(0).normal(size=(n, 2)))
    assert (target_graph(target, regression=regression) is not None) is exists
