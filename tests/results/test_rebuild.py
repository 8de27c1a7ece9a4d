"""Rebuilding of dataclasses from JSON."""

import json
import math
from dataclasses import fields

import pytest

from landbridge.discrepancy import MovedFeature
from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.measurement import Measurement
from landbridge.results import Candidate, Decision, Expected
from landbridge.results._rebuild import rebuild

M = Measurement("mmd", 0.5, low=0.25, details={"n": [1, 2]})
HELD = [
    M,
    Decision(True, "CORAL", "because", "labels", M),
    Candidate("CORAL", "feature", estimate=M, evidence={"a": M}, warnings=("w",)),
    Expected(0.5, 0.25, 0.75, "accuracy", estimates={"a": M}),
]


@pytest.mark.parametrize("held", HELD, ids=lambda h: type(h).__name__)
def test_dataclasses_come_back(held):
    assert rebuild(type(held), json.loads(json.dumps(held.to_dict()))) == held


@pytest.mark.parametrize("held", HELD, ids=lambda h: type(h).__name__)
def test_every_field_is_checked(held):
    """No field takes an object of a type that no field has."""
    for field in fields(held):
        if field.name in ("details", "held_out"):
            continue
        with pytest.raises(TypeError):
            rebuild(type(held), held.to_dict() | {field.name: object()})


def test_null_is_nan_where_a_number_is_required():
    assert math.isnan(rebuild(Measurement, {"name": "a", "value": None}).value)
    assert rebuild(Measurement, {"name": "a", "value": 1, "low": None}).low is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        "x",
        5,
        {},
        {"name": "a"},
        {"name": "a", "value": True},
        {"name": 1, "value": 1.0},
        {"name": "a", "value": 1.0, "more": 1},
        {"name": "a", "value": 1.0, "details": []},
    ],
)
def test_other_types_are_refused(value):
    with pytest.raises(TypeError):
        rebuild(Measurement, value)


def test_parts_are_objects_again():
    made = Diagnosis("none", "low", "words", columns={"age": MovedFeature(3, 2.0, 0.0)}, kinds=("label",))
    again = rebuild(Diagnosis, json.loads(json.dumps(made.to_dict())))
    assert again == made and again.to_dict() == made.to_dict()
