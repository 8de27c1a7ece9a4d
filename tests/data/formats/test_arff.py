import numpy as np
import pytest

from landbridge.data._files import read_table
from landbridge.exceptions import ReadError

HEAD = """% a comment
@RELATION 'two words'
@attribute age NUMERIC
@attribute 'blood group' {A, B, 'A B', 0}
@attribute n integer
@attribute code {01,02}
@attribute note string
@attribute seen date "yyyy-MM-dd"
@data
"""


def table(folder, body, head=HEAD):
    (folder / "a.arff").write_text(head + body)
    return read_table(folder / "a.arff")


def test_types_of_attributes(tmp_path):
    frame = table(tmp_path, "30.5,A,1,01,'it\\'s, so',2020-01-02\n% between\n?,'A B',2,02,?,\"2020-02-03\"\n")
    assert list(frame.columns) == ["age", "blood group", "n", "code", "note", "seen"]
    np.testing.assert_array_equal(frame["age"], [30.5, np.nan])
    assert frame["blood group"].tolist() == ["A", "A B"] and frame["n"].dtype == np.int64
    assert frame["code"].tolist() == ["01", "02"] and frame["note"].tolist()[0] == "it's, so"
    assert frame["note"].isna().tolist() == [False, True] and frame["seen"].tolist() == ["2020-01-02", "2020-02-03"]


@pytest.mark.parametrize(
    ("body", "head", "message"),
    [
        ("{0 1, 3 02}\n", HEAD, "sparse ARFF"),
        ("1,A\n", HEAD, "line 10 has 2 cells but there are 6 attributes"),
        ("x,A,1,01,a,b\n", HEAD, "'age' holds 'x'"),
        ("", HEAD, "no rows"),
        ("1\n", "@relation r\n@attribute a relational\n@data\n", "relational attribute"),
        ("", "@relation r\n@attribute a numeric\n", "without @data"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, body, head, message):
    with pytest.raises(ReadError, match=message):
        table(tmp_path, body, head)
