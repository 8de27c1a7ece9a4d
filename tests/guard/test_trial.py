"""Trials: roles, and the shifts that a method suits."""

import pytest

from landbridge.exceptions import InputError
from landbridge.guard import Trial, source_model


@pytest.mark.parametrize(
    ("role", "baseline"), [("candidate", False), ("source-only", True), ("target-only", True), ("prior", True)]
)
def test_all_roles_but_one_are_baselines(role, baseline):
    assert Trial("any name", "any family", role=role).baseline is baseline


@pytest.mark.parametrize(
    ("shifts", "suits"),
    [
        ((), True),
        (("concept",), True),
        (("subspace", "label"), True),
        (("label",), False),
        (("covariate", "label"), False),
    ],
)
def test_methods_for_other_shifts_do_not_suit(shifts, suits):
    assert Trial("A", "feature", shifts=frozenset(shifts)).suits_conditional_shift is suits


def test_the_source_model_is_found_by_its_role_and_not_by_name():
    trials = [Trial("source-only", "feature"), Trial("target-only", "baseline", role="target-only")]
    with pytest.raises(InputError, match="source-only"):
        source_model(trials)
    named = Trial("anything", "baseline", role="prior")
    assert source_model([*trials, named]) is named


def test_defaults():
    trial = Trial("A", "feature")
    assert trial.role == "candidate" and trial.preference == 0 and not trial.intermediate
    assert dict(trial.evidence) == {} and trial.warnings == () and trial.traceback == ""
