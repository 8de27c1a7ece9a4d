import csv

import numpy as np
import pandas as pd
import pytest

from landbridge.data._files import read_table
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats import _delimited
from landbridge.data.formats._typed import find_layout, read_typed

CELLS = [
    ["1", "2", "3", "44"], ["1.5", "2.25", ".5", "1."], ["007", "12", "03"], ["", "NA", "1"], ["None", "a", "b"],
    ["1e3", "2"], ['"x,y"', '"a""b"', "z"], ["1,5"], ['"1,234"', '"5,6"'], ["True", "False"], ["inf", "1.0"],
    ["9007199254740993", "1"], ["nan", "NaN", "5"], [" 7", "8 "], ["-", "3"], ["5 kg", "6 kg"], ["1.234", "2.345"],
    ['"01"', "2"], ["#", "b"], ['5" pipe', "x"], ["é", "ü"], ["", ""], ["99999999999999999999", "1"], ["2020-01-01"],
]  # fmt: skip


def made(seed):
    """A text of a few columns of cells of some kinds, with ragged and blank lines now and then."""
    rng = np.random.default_rng(seed)
    separator = str(rng.choice(list(",;\t|")))
    kinds = [rng.choice(len(CELLS), size=rng.integers(1, 3)) for _ in range(rng.integers(2, 5))]
    rows = [[str(rng.choice(CELLS[rng.choice(k)])) for k in kinds] for _ in range(rng.integers(1, 12))]
    rows.insert(0, [f"{rng.choice(['a', 'b', 'c d', '', '01'])}{i}" for i in range(len(kinds))])
    if rng.random() < 0.2:
        rows[rng.integers(len(rows))].append("z")
    if rng.random() < 0.1:
        rows.insert(rng.integers(len(rows)), [""])
    return "\n".join(separator.join(row) for row in rows)


def outcome(path, options):
    try:
        return read_table(path, options)
    except Exception as error:
        return repr(error)


@pytest.mark.parametrize("first", [0, 60, 120])
def test_the_short_way_reads_what_the_long_way_reads(tmp_path, monkeypatch, first):
    path, n_tables = tmp_path / "a.csv", 0
    for seed in range(first, first + 60):
        path.write_text(made(seed))
        options = ReadOptions.of([{}, {"header": False}, {"missing": ["44"]}][seed % 3])
        short = outcome(path, options)
        with monkeypatch.context() as patch:
            patch.setattr(_delimited, "find_layout", lambda *given: None)
            long = outcome(path, options)
        if isinstance(short, str) or isinstance(long, str):
            assert short == long, seed
            continue
        pd.testing.assert_frame_equal(short, long, check_exact=True)
        assert short.attrs == long.attrs, seed
        n_tables += 1
    assert n_tables > 20


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("a,b\n1,2\n\n3,4", 2),
        ('a,b\n"x,1",2\n"say ""no""",4\n', 2),
        ("a,b\n1\n", None),
        ('a,b\n"x\ny",2\n', None),
        ('a,b\n5" pipe,2\n', None),
        ("a\n1\n", None),
    ],
)
def test_lines_with_the_same_cells(text, width):
    found = find_layout(text, ",")
    assert found is None if width is None else found.width == width


def test_quotation_marks_that_are_text_do_not_enclose():
    assert find_layout('a,b\n5",2\n', ",", csv.QUOTE_NONE).width == 2


@pytest.mark.parametrize(("cells", "columns"), [("007,0", {0}), ("0.5, 01", {1}), ('1,"09"', {1}), ("-01,10", set())])
def test_codes_are_found_by_column(cells, columns):
    assert find_layout(f"a,b\n5,5\n{cells}\n", ",").coded == columns


def test_a_code_far_down_is_found():
    lines = ["1,2,3"] * 300_000
    lines[250_000] = "1,2,03"
    layout = find_layout("a,b,c\n" + "\n".join(lines), ",")
    assert layout.coded == {2} and layout.width == 3
    frame = read_typed(layout, ",", csv.QUOTE_MINIMAL, header=True)
    assert [frame[c].dtype.kind for c in "abc"] == ["i", "i", "O"] and frame["c"].iloc[250_000] == "03"


def test_a_word_far_down_keeps_every_cell_as_it_is_written(tmp_path):
    cells = ["1.50"] * 3000 + ["high"]
    (tmp_path / "a.csv").write_text("a,b\n" + "\n".join(f"{c},2" for c in cells))
    frame = read_table(tmp_path / "a.csv")
    assert frame["a"].tolist() == cells and frame["b"].dtype == np.int64


def test_a_decimal_comma_makes_the_point_a_thousands_mark(tmp_path):
    (tmp_path / "a.csv").write_text("a;b;c\n1.234;1,5;2\n2.345;2,5;3\n")
    assert read_table(tmp_path / "a.csv")["a"].tolist() == [1234, 2345]
