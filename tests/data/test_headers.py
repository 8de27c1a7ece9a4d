"""Names of columns: renamed, matched, dropped; marks of missing values."""

import pandas as pd
import pytest

from landbridge.data._headers import drop_columns, mark_missing, match_headers, plain_header, rename_columns
from landbridge.exceptions import InputError


@pytest.mark.parametrize("other", ["age", " AGE ", "Age", "a-g-e", "Âge"])
def test_writing_does_not_matter(other):
    assert plain_header(other) == plain_header("age")


def test_wavelengths_keep_their_points_and_signs():
    assert len({plain_header(n) for n in ("1100.5", "11005", "-1.5", "1.5")}) == 4


def test_only_clear_matches_are_made():
    one = pd.DataFrame(columns=["Age", "x_1", "X1", "both"])
    two = pd.DataFrame(columns=["age", "x 1", "both"])
    found, notes = match_headers(one, two)
    assert list(found.columns) == ["Age", "x 1", "both"] and len(notes) == 1  # x_1 and X1 could both be "x 1"
    assert list(two.columns) == ["age", "x 1", "both"]


def test_renaming_in_either_table():
    A, B = pd.DataFrame({"old": [1]}), pd.DataFrame({"new": [2]})
    A, B = rename_columns([A, B], [("old", "new")])
    assert list(A.columns) == list(B.columns) == ["new"]
    with pytest.raises(InputError, match="did you mean new"):
        rename_columns([A, B], [("nwe", "x")])
    with pytest.raises(InputError, match="has both"):
        rename_columns([A.assign(x=1)], [("new", "x")])


def test_dropping_what_is_nowhere_is_an_error():
    A, B = pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"a": [1]})
    assert [list(f.columns) for f in drop_columns([A, B], ["b"])] == [["a"], ["a"]]
    with pytest.raises(InputError, match="drop: 'c' is no column"):
        drop_columns([A, B], ["c"])


def test_marks_are_compared_as_numbers_and_as_text():
    frame = pd.DataFrame({"x": [1, -999], "y": ["-999", "a"], "z": [-999.0, 2.0], "b": [True, False]})
    found = mark_missing(frame, ["-999"])
    assert found.isna().sum().tolist() == [1, 1, 1, 0] and frame.isna().sum().sum() == 0
