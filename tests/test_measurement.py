import dataclasses
import json

import pytest

from landbridge import Measurement


def test_it_stands_wherever_a_number_can():
    assert float(Measurement("mmd", 0.25)) == 0.25
    assert isinstance(float(Measurement("rows", 3)), float)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "score 0.5"),
        ({"low": 0.4, "high": 0.6}, "score 0.5 [0.4, 0.6]"),
        ({"low": 0.4}, "score 0.5"),  # half an interval is none
        ({"null": 0.1}, "score 0.5, by chance 0.1"),
        (
            {"low": 0.4, "high": 0.6, "null": 0.0, "p_value": 0.0123},
            "score 0.5 [0.4, 0.6], by chance 0, p = 0.0123",
        ),
    ],
)
def test_it_says_what_it_knows(fields, text):
    assert str(Measurement("score", 0.5, **fields)) == text


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Measurement("score", 0.5).value = 0.9


def test_the_dict_has_every_field_and_is_json():
    m = Measurement("score", 0.5, low=0.4, high=0.6, higher_is_better=True, details={"rows": 3})
    assert set(m.to_dict()) == {f.name for f in dataclasses.fields(m)}
    assert Measurement(**json.loads(json.dumps(m.to_dict()))) == m


def test_the_dict_is_a_copy():
    m = Measurement("score", 0.5, details={"rows": 3})
    m.to_dict()["details"]["rows"] = 4
    assert m.details["rows"] == 3


def test_details_are_not_shared_between_measurements():
    assert Measurement("a", 1.0).details is not Measurement("b", 1.0).details
