import json

import numpy as np
import pytest

from landbridge.data._files import read_table
from landbridge.data._read_options import ReadOptions
from landbridge.exceptions import ReadError


def table(folder, held, lines=False, **options):
    text = "\n".join(json.dumps(r) for r in held) if lines else held if isinstance(held, str) else json.dumps(held)
    (folder / "a.json").write_text(text)
    return read_table(folder / "a.json", ReadOptions.of(options))


RECORDS = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize(
    "held",
    [
        RECORDS,
        {"a": [1, 2], "b": ["x", "y"]},
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}},
        {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]},
        {"version": 1, "rows": RECORDS},
    ],
)
def test_forms(tmp_path, held):
    assert table(tmp_path, held).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_lines(tmp_path):
    assert table(tmp_path, RECORDS, lines=True)["a"].tolist() == [1, 2]
    assert table(tmp_path, RECORDS[:1], lines=True)["a"].tolist() == [1]
    assert table(tmp_path, '{"a": 1}\r\n\r\n{"b": 2}\r\n')["b"].isna().tolist() == [True, False]


@pytest.mark.parametrize("name", ["response_time", "modified", "date", "timestamp", "created_at"])
@pytest.mark.parametrize("lines", [True, False])
def test_numbers_are_no_dates_whatever_their_name(tmp_path, name, lines):
    frame = table(tmp_path, [{name: 40_000_000 + i, "day": f"2020-01-0{i}"} for i in range(1, 5)], lines)
    assert frame[name].dtype == np.int64 and frame[name].iloc[0] == 40_000_001
    assert frame["day"].tolist()[0] == "2020-01-01"


def test_strings_stay_strings(tmp_path):
    frame = table(tmp_path, [{"label": c, "n": n} for c, n in (("01", "1"), ("02", "2"), ("10", "3"))])
    assert frame["label"].tolist() == ["01", "02", "10"] and frame["n"].tolist() == ["1", "2", "3"]
    assert table(tmp_path, [{"x": "None"}, {"x": "NA"}, {"x": None}])["x"].tolist()[:2] == ["None", "NA"]


def test_missing_and_mixed_values(tmp_path):
    frame = table(
        tmp_path, [{"a": 1, "b": True, "c": None}, {"a": None, "b": None, "c": None}, {"a": -999}], missing="-999"
    )
    assert frame["a"].isna().tolist() == [False, True, True] and frame["b"].tolist()[0] is True
    assert frame["c"].isna().all()
    large = table(tmp_path, '[{"id": 9007199254740993}, {"id": null}]')
    assert large["id"].tolist()[0] == "9007199254740993"


def test_nested_objects_get_dotted_names(tmp_path):
    frame = table(tmp_path, [{"a": {"x": 1, "y": {"z": 2}}, "l": [1, 2]}, {"a": {"x": 3}, "l": []}])
    assert list(frame.columns) == ["a.x", "a.y.z", "l"] and "dotted names" in frame.attrs["notes"][0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1},\n{"a" 2}]', "is no JSON"),
        ('{"a": 1}\n{"a": }\n', "line 2 is no JSON"),
        ('{"a": 1}\n[1]\n', "line 2 holds no object"),
        ('{"a": [1, 2], "b": [1]}', "columns of different length"),
        ("[1, 2, 3]", "no table"),
        ('{"a": {"b": {"c": [1]}}, "d": 1}', "no table"),
        ("[" * 100_000, "nested too deeply|is no JSON"),
    ],
)
def test_what_is_no_table_ends_in_one_line(tmp_path, text, message):
    with pytest.raises(ReadError, match=message) as caught:
        table(tmp_path, text)
    assert "\n" not in str(caught.value)
