"""The verb inspect, and the facts that transfer keeps."""

import numpy as np
import pandas as pd
import pytest

import landbridge
from landbridge.exceptions import InputError


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": 900 + np.arange(80), "age": rng.normal(50, 9, 80), "dose": rng.normal(5, 1, 80)})
    frame["ill"] = (frame.age + rng.normal(0, 3, 80) > 50).astype(int)
    return frame.iloc[:50], frame.iloc[50:].drop(columns="ill")


def test_files_frames_and_arrays(sides, tmp_path):
    A, B = sides
    A.to_csv(tmp_path / "a.csv", index=False)
    B.to_csv(tmp_path / "b.csv", index=False)
    by_file = landbridge.inspect(tmp_path / "a.csv", tmp_path / "b.csv", label="ill")
    by_frame = landbridge.inspect(A, B, label="ill")
    assert by_file.columns == by_frame.columns and by_file.sides[0].name == "a"
    assert landbridge.inspect((np.eye(5), [0, 1, 0, 1, 0])).n_features == 5


def test_one_side_without_a_label(sides):
    found = landbridge.inspect(sides[0].drop(columns="ill"))
    assert len(found.sides) == 1 and found.sides[0].n_missing_labels is None
    assert {c.name: c.used for c in found.columns} == {"id": False, "age": True, "dose": True}


def test_options_of_reading_reach_the_reader(sides):
    A, B = sides
    found = landbridge.inspect(A, B, label="ill", read_options={"drop": "dose", "keep": "id"})
    assert {c.name: c.used for c in found.columns if c.kind != "label"} == {"id": True, "age": True, "dose": False}
    with pytest.raises(InputError, match="did you mean drop"):
        landbridge.inspect(A, B, read_options={"dorp": "dose"})


def test_transfer_says_it_first_and_keeps_it(sides):
    seen = []
    result = landbridge.transfer(*sides, label="ill", methods=["CORAL"], on_inspection=seen.append)
    assert seen == [result.inspection] and result.inspection == landbridge.inspect(*sides, label="ill")


def test_nothing_of_the_callers_is_changed(sides):
    before = [side.copy() for side in sides]
    landbridge.inspect(*sides, label="ill", read_options={"rename": {"dose": "amount"}, "missing": ["5"]})
    for side, was in zip(sides, before, strict=True):
        pd.testing.assert_frame_equal(side, was)


def test_columns_stand_in_the_order_of_the_source_and_those_of_the_target_alone_last():
    names = [f"x{i}" for i in range(60)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 60)), columns=names)
    found = landbridge.inspect(frame.assign(ill=[0, 1] * 6), frame[names[::-1]].assign(more=1.0), label="ill")
    assert found.n_features == 60
    assert [c.name for c in found.columns if c.name != "ill"] == [*names, "more"]


def test_one_side_needs_no_label():
    found = landbridge.inspect(pd.DataFrame({"a": [1.0, 2.0, 4.0]}))
    assert found.sides[0].n_samples == 3 and len(found.sides) == 1
