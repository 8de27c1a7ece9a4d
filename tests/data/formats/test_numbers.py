"""Numbers in the notations that people use, in text files and in columns of text."""

import numpy as np
import pandas as pd
import pytest

from landbridge.data._cells import restore_class, tidy_cells
from landbridge.data._files import read_table
from landbridge.data._notation import infer_notation, parse_cell
from landbridge.data._read_options import ReadOptions


def tidy(**columns):
    return tidy_cells(pd.DataFrame(columns))


def notes(frame):
    return " ".join(frame.attrs["notes"])


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["3,14", "2,5"], [3.14, 2.5]),
        (["1,234.5", "1,000,000", "7"], [1234.5, 1e6, 7]),
        (["1.234,5", "1.000.000", "7"], [1234.5, 1e6, 7]),
        (["1 234,5", "7,25"], [1234.5, 7.25]),
        (["1\u00a0234,5", "7,25"], [1234.5, 7.25]),
        (["1\u202f234.5", "1\u2009000"], [1234.5, 1000]),
        (["1'234.5", "2’000"], [1234.5, 2000]),
        (["12,34,567", "1,234.5"], [1234567, 1234.5]),
        (["\u22125.5", "+3", "-2"], [-5.5, 3, -2]),
        (["\u22125", "3"], [-5, 3]),
        (["1,5e3", "2,5E-1"], [1500, 0.25]),
        (["12 %", "7.5%"], [12, 7.5]),
        (["$1,200", "-$5", "$ 7.50"], [1200, -5, 7.5]),
        (["1.200,50 €", "3 €"], [1200.5, 3]),
        (["EUR 5.5", "EUR 7"], [5.5, 7]),
        (["5.4 mmol/L", "6 mmol/L"], [5.4, 6]),
        (["5,4 mmol/L", "6 mmol/L"], [5.4, 6]),
        (["5kg", "7 kg", "0"], [5, 7, 0]),
        (["12 µg", "13 μg"], [12, 13]),
        (["24.5 kg/m2", "30 kg/m2"], [24.5, 30]),
        (["21.5°C", "-3 °C"], [21.5, -3]),
        (["4.5 ×10^9/L", "6 ×10^9/L"], [4.5, 6]),
        (["<0.5", "1.2", "3", ">100"], [0.5, 1.2, 3, 100]),
        (["≤ 0,5", "1,2", "3,7"], [0.5, 1.2, 3.7]),
        ([".5", "5.", "1e3", "-1.5E+02"], [0.5, 5, 1000, -150]),
        ([" 1", "2 ", "inf"], [1, 2, np.inf]),
    ],
)
def test_columns_that_are_numbers(cells, values):
    frame = tidy(x=cells)
    np.testing.assert_allclose(frame["x"].to_numpy(dtype=float), values)
    assert frame["x"].dtype.kind in "if"


@pytest.mark.parametrize(
    "cells",
    [
        ["1/2", "3/4"],
        ["2020-01-02", "2020-02-03"],
        ["12:30", "13:45"],
        ["10-20", "20-30"],
        ["<30", ">30", "NO"],
        ["<=50K", ">50K"],
        ["<18", "18-65", ">65"],
        ["192.168.1.1", "10.0.0.1"],
        ["1st", "2nd", "3rd"],
        ["A1", "B2"],
        ["5 kg", "7 lb"],
        ["12%", "0.5"],
        ["$5", "5 €"],
        ["555 123 4567", "1"],
        ["1,2,3", "4,5"],
        ["", "abc"],
        ["l’eau", "l'eau"],
        ["1_000", "3_000"],
        ["1A", "3A"],
        ["5a7", "6a7"],
        ["0x1F", "0x2A"],
    ],
)
def test_columns_that_stay_text(cells):
    column = tidy(x=cells)["x"]
    assert column.dtype.kind not in "if" and column.fillna("").tolist() == cells


@pytest.mark.parametrize("cells", [["007", "123"], ["01234", "99999"], ["00", "1"], ["01.5", "12.5"], ["0042"]])
def test_codes_with_leading_zeros_are_text(cells):
    frame = tidy(zip=cells)
    assert frame["zip"].tolist() == cells and frame.attrs["codes"] == ["zip"]
    assert "leading zeros: zip" in notes(frame)


def test_zero_and_fractions_are_no_codes():
    assert tidy(x=["0", "0.5", "-0.25", "0e3"])["x"].tolist() == [0, 0.5, -0.25, 0]


def test_whole_numbers_are_integers_and_large_ones_exact():
    assert tidy(x=["1", "-2"])["x"].dtype == np.int64
    assert tidy(x=["1", ""])["x"].dtype == float
    large = ["9007199254740993", "9007199254740995"]
    assert tidy(x=large)["x"].tolist() == [int(v) for v in large]
    assert tidy(x=[*large, ""])["x"].tolist()[:2] == large
    assert tidy(x=["123456789012345678901", "5"])["x"].tolist() == ["123456789012345678901", "5"]


def test_truth_values():
    assert tidy(x=["True", "false"])["x"].dtype == bool
    assert tidy(x=["TRUE", "", "FALSE"])["x"].tolist()[::2] == [True, False]


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ('x,y\n"1,234",2.5\n"2,345",3.5\n', 1234),  # another column has a decimal point
        ('x,y\n"1,234",a\n"2,345",b\n', 1234),  # the comma separates cells
        ("x;y\n1,234;a\n2,345;b\n", 1.234),  # a file of a country with decimal commas
        ("x;y\n1,234;2.5\n2,345;3.5\n", 1234),
        ("x;y\n1.234;2,5\n2.345;3,5\n", 1234),
        ("x;y\n1.234;a\n2.345;b\n", 1.234),
        ("x\ty\n1,234\t7,5\n2,345\t8,25\n", 1.234),
        ('x,y\n"0,234",a\n"2,345",b\n', 0.234),
        ("x;y\n1,234;a\n950;b\n12;b\n", 1234),
        ("x;y\n1,234;a\n9500;b\n", 1.234),
    ],
)
def test_marks_that_could_be_either_are_decided_by_the_file(tmp_path, content, value):
    (tmp_path / "a.csv").write_text(content)
    frame = read_table(tmp_path / "a.csv")
    assert frame["x"].iloc[0] == pytest.approx(value)
    other = read_table(tmp_path / "a.csv", ReadOptions(decimal="," if value > 1000 else "."))
    if "." not in content:
        assert other["x"].iloc[0] == pytest.approx(1.234 if value > 1000 else 1234 if value > 1 else other["x"].iloc[0])


def test_the_choice_is_said():
    frame = tidy(x=["1,234", "2,345"])
    assert "Column 'x': '1,234' is read as 1234, with a comma as thousands mark; set decimal= (--decimal)" in notes(
        frame
    )
    assert "decimal comma: x" in notes(tidy(x=["1,5", "2,25"]))
    assert "thousands marks: x" in notes(tidy(x=["1,234.5", "2.5"]))
    assert "Column 'x' is in percent; the unit is removed ('12 %' is read as 12)." in notes(tidy(x=["12 %", "13 %"]))
    frame = tidy(x=["5.4 mmol/L", "6 mmol/L"])
    assert "in mmol/L; the unit is removed" in notes(frame) and frame.attrs["units"] == {"x": "mmol/L"}
    assert "2 cells such as '<0.5' read as the limit of measurement 0.5" in notes(tidy(x=["<0.5", "<0.5", "1", "2"]))
    assert "mixes units ('5 kg', '7 lb')" in notes(tidy(x=["5 kg", "7 lb"]))
    assert notes(tidy(x=["1", "2.5"])) == ""


def test_a_few_cells_that_are_no_numbers_do_not_hide_the_notation():
    frame = tidy(x=[*(f"{i},5" for i in range(40)), "broken"])
    assert pd.to_numeric(frame["x"], errors="coerce").tolist()[:3] == [0.5, 1.5, 2.5]
    assert "1 cell, such as 'broken', is no number" in notes(frame)


def test_text_of_typed_tables_is_changed_only_where_it_is_clearly_a_measurement():
    frame = tidy_cells(
        pd.DataFrame(
            {"code": ["1", "2"], "x": ["1,5", "2,5"], "y": ["1.5", "2"], "word": ["NA", "b"], "p": ["1 %", "2 %"]}
        ),
        typed=True,
    )
    assert frame["code"].tolist() == ["1", "2"] and frame["word"].tolist() == ["NA", "b"]
    assert frame["x"].tolist() == [1.5, 2.5] and frame["y"].tolist() == [1.5, 2] and frame["p"].tolist() == [1, 2]


def test_the_table_given_is_not_changed_and_its_index_is_kept():
    given = pd.DataFrame({"x": ["1,5", "2,5"], "n": [1, 2]}, index=[7, 9])
    frame = tidy_cells(given)
    assert given["x"].tolist() == ["1,5", "2,5"] and given.attrs == {}
    assert frame.index.tolist() == [7, 9] and frame["n"].tolist() == [1, 2]


# Missing values


def test_words_for_nothing_in_columns_of_numbers():
    frame = tidy(x=["1", "NA", "2.5", "None", "null", "", "?", "-", "n/a", "#DIV/0!"])
    assert frame["x"].dtype == float and frame["x"].notna().sum() == 2
    assert "'?' is read as a missing value in x (1 cell)" in notes(frame)


def test_words_for_nothing_in_columns_of_text():
    frame = tidy(x=["a", "b", "NA", "b"])
    assert frame["x"].isna().tolist() == [False, False, True, False]
    assert "'NA' is read as a missing value in x (1 cell)." in frame.attrs["notes"]
    assert frame.attrs["words"] == {"x": {"NA": [2]}}


def test_words_that_are_categories():
    frame = tidy(x=["a", "b", "None", "b"])
    assert frame["x"].tolist() == ["a", "b", "None", "b"] and frame.attrs["kept_words"] == {"x": "None"}
    assert tidy(x=["a", "b", "None", "null"])["x"].isna().sum() == 2  # two words: neither is a category
    rare = tidy(x=["a", "b"] * 30 + ["None"])
    assert rare["x"].isna().sum() == 1 and "'None' is read as a missing value" in notes(rare)


def test_the_country_code_of_namibia():
    frame = tidy(land=["DE", "NA", "FR", "ZA"])
    assert frame["land"].tolist() == ["DE", "NA", "FR", "ZA"]
    assert restore_class(frame, "land")[2] == ["'NA' is read as a class of the label column 'land'."]


def test_further_marks_of_missing_values():
    given = pd.DataFrame({"x": ["1", "-999", "-999.0"], "n": [1.0, -999.0, 3.0], "w": ["a", "unknown", "-999"]})
    frame = tidy_cells(given, ReadOptions(missing=("-999", "unknown", "5")))
    assert frame["x"].isna().tolist() == [False, True, True] and frame["n"].isna().tolist() == [False, True, False]
    assert frame["w"].isna().tolist() == [False, True, True]
    assert "'-999' is read as a missing value in 4 cells." in frame.attrs["notes"]
    assert "'5' stands in no cell." in frame.attrs["notes"]


@pytest.mark.parametrize("value", [-999, -9999, 9999, 99999, -99, -999.25, 8888, 1e30])
def test_constants_far_away_are_pointed_out(value):
    x = [*np.linspace(20, 40, 18), value, value]
    frame = tidy_cells(pd.DataFrame({"x": x}))
    assert f"missing={value:g}" in notes(frame) and frame["x"].tolist() == x


@pytest.mark.parametrize(
    "x", [[*range(90, 110), 99, 99], [*np.linspace(0, 1e5, 20), 99999, 99999], [1, 2, 3, 4, 999], [0, 1, 0, 1, 99] * 1]
)
def test_constants_that_are_values_are_not(x):
    assert notes(tidy_cells(pd.DataFrame({"x": x}))) == ""


def test_cells_are_taken_apart():
    assert parse_cell("(5)") is None and parse_cell("5 - 6") is None and parse_cell("") is None
    assert infer_notation(["1,5", "2.5"], None, "", ".").numbers == {"1,5": "1.5", "2.5": "2.5"}
    assert infer_notation(["1,5", "2.5"], ".", "", ".") is None
