import gzip
import zipfile

import numpy as np
import pytest

from landbridge.data._files import read_table
from landbridge.data._read_options import ReadOptions
from landbridge.exceptions import InputError, ReadError


def table(folder, content, name="a.csv", **options):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    return read_table(folder / name, ReadOptions.of(options))


def notes(frame):
    return " ".join(frame.attrs["notes"])


@pytest.mark.parametrize(
    ("separator", "word"), [(";", "semicolon"), ("\t", "tab"), ("|", "vertical bar"), ("   ", "blank"), (",", None)]
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.DAT", "noending"])
def test_separators_are_found_and_noted(tmp_path, separator, word, name):
    rows = [["x", "kind", "z"], ["1.5", "p", "3"], ["2", "q", "4"]]
    frame = table(tmp_path, "\n".join(separator.join(r) for r in rows) + "\n", name)
    assert frame["x"].tolist() == [1.5, 2.0] and frame["kind"].tolist() == ["p", "q"] and frame["z"].dtype == np.int64
    assert (word in notes(frame)) if word else frame.attrs["notes"] == []


def test_a_tsv_needs_no_note(tmp_path):
    assert table(tmp_path, "a\tb\n1\t2\n", "a.tsv").attrs["notes"] == []


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_ends_of_lines_of_all_systems(tmp_path, end):
    frame = table(tmp_path, f"a,b{end}1,x{end}2,y{end}")
    assert frame["a"].tolist() == [1, 2] and frame["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("encoding", "word"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16-LE"), ("cp1252", "cp1252")],
)
def test_encodings(tmp_path, encoding, word):
    frame = table(tmp_path, "größe,ort\n1,Köln\n2,Bern\n".encode(encoding))
    assert list(frame.columns) == ["größe", "ort"] and frame["ort"].tolist() == ["Köln", "Bern"]
    assert (word in notes(frame)) if word else frame.attrs["notes"] == []


def test_an_encoding_that_is_given_is_used(tmp_path):
    data = "a,ort\n1,Москва\n".encode("cp1251")
    assert table(tmp_path, data, encoding="cp1251")["ort"].tolist() == ["Москва"]
    assert "most letters are not Latin" in notes(table(tmp_path, data))
    with pytest.raises(InputError, match="encoding='klingon' is no encoding"):
        table(tmp_path, data, encoding="klingon")
    with pytest.raises(InputError, match="encoding='rot13' is no encoding"):
        table(tmp_path, data, encoding="rot13")
    with pytest.raises(ReadError, match=r"not written in utf-8 \(line 2\)"):
        table(tmp_path, data, encoding="utf-8")


def test_comments_titles_and_blank_lines_above_the_header(tmp_path):
    frame = table(tmp_path, "# made in 2020\n# by hand\n\na,b\n1,x\n2,y\n")
    assert list(frame.columns) == ["a", "b"] and "comments" in notes(frame)
    frame = table(tmp_path, "Results of the ward\n\na;b;c\n1;2;x\n3;4;y\n")
    assert list(frame.columns) == ["a", "b", "c"] and "'Results of the ward'" in notes(frame)
    frame = table(tmp_path, "Results;;\na;b;c\n1;2;x\n3;4;y\n")
    assert list(frame.columns) == ["a", "b", "c"]


def test_names_in_a_comment_line(tmp_path):
    frame = table(tmp_path, "# made by numpy\n# x y z\n1 2 3\n4 5 6\n", "a.txt")
    assert list(frame.columns) == ["x", "y", "z"] and len(frame) == 2
    frame = table(tmp_path, "#,name\n1,a\n2,b\n")
    assert list(frame.columns) == ["#", "name"]
    frame = table(tmp_path, "#chrom\tstart\nchr1\t5\nchr2\t6\n", "a.bed")
    assert list(frame.columns) == ["chrom", "start"] and frame["start"].tolist() == [5, 6]


def test_the_line_that_names_the_separator(tmp_path):
    frame = table(tmp_path, "sep=;\na;b\n1;x,y\n")
    assert frame["b"].tolist() == ["x,y"]


def test_separators_at_the_ends_of_lines(tmp_path):
    frame = table(tmp_path, "a,b\n1,2,\n3,4,\n")
    assert frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]} and "empty last cell" in notes(frame)
    frame = table(tmp_path, "a,b,\n1,2,\n3,4,\n")
    assert list(frame.columns) == ["a", "b"] and "without name" in notes(frame)


def test_columns_without_a_name(tmp_path):
    assert list(table(tmp_path, ",a\n0,5\n1,6\n").columns) == ["Unnamed: 0", "a"]
    frame = table(tmp_path, '"a" "b"\n"1" 5 "x"\n"2" 6 "y"\n', "r.txt")
    assert list(frame.columns) == ["Unnamed: 0", "a", "b"] and frame["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize("content", ["a,b\n1,2,0\n3,4\n", "a,b\n1,2\n3\n", "a;b\n1;2\n3;4;5\n", "a b\n1 2\n3 4 5\n"])
def test_lines_of_another_length_are_named(tmp_path, content):
    with pytest.raises(ReadError, match=r"line [23] has [123] cells but the header has 2"):
        table(tmp_path, content)


def test_the_number_of_the_line_counts_lines_above_the_header(tmp_path):
    with pytest.raises(ReadError, match="line 4 has 3 cells"):
        table(tmp_path, "# one\n\na,b\n1,2,3\n4,5\n")


def test_without_a_header(tmp_path):
    frame = table(tmp_path, "5.1,3.5,a\n4.9,3.0,b\n", header=False)
    assert list(frame.columns) == ["column_1", "column_2", "column_3"] and len(frame) == 2
    assert "header=False" in notes(table(tmp_path, "5.1,3.5,a\n4.9,3.0,b\n"))
    assert table(tmp_path, "town,2019,2020\na,1,2\n").attrs["notes"] == []
    assert table(tmp_path, "0,1,2\n7,8,9\n").attrs["notes"] == []


def test_quoted_cells_keep_separators_and_line_breaks(tmp_path):
    frame = table(tmp_path, 'a,b\n"x, y","one\ntwo"\n"say ""hi""",z\n')
    assert frame["a"].tolist() == ["x, y", 'say "hi"'] and frame["b"].tolist() == ["one\ntwo", "z"]


def test_quotation_marks_that_enclose_nothing_are_text(tmp_path):
    frame = table(tmp_path, 'kind\ttext\nham\t"so he said\nspam\tfree\nham\tand "then\nham\t"go\n', "a.tsv")
    assert frame["text"].tolist() == ['"so he said', "free", 'and "then', '"go'] and "read as text" in notes(frame)


def test_blanks_as_separator_with_tabs_and_quotes(tmp_path):
    frame = table(tmp_path, '18.0   8\t"chevrolet chevelle"\n15.0   8\t"buick skylark"\n', "a.data", header=False)
    assert frame.iloc[0].tolist() == [18.0, 8, "chevrolet chevelle"]
    frame = table(tmp_path, "1.0  2.0\t3.0\n 4.0  5.0\t6.0\n", "a.data", header=False)
    assert frame.to_numpy().tolist() == [[1, 2, 3], [4, 5, 6]]


def test_sentences_are_not_split_at_blanks(tmp_path):
    frame = table(tmp_path, "text,n\ngood film,1\nbad film,2\n")
    assert list(frame.columns) == ["text", "n"]
    frame = table(tmp_path, "first name\tlast name\nAnna Maria\tSmith Jones\nEva Lena\tMay Hill\n", "a.txt")
    assert list(frame.columns) == ["first name", "last name"]


@pytest.mark.parametrize("pack", ["gzip", "zip", "bz2", "xz"])
def test_packed_files(tmp_path, pack):
    import bz2
    import lzma

    data = b"a;b\n1,5;x\n2,5;y\n"
    path = tmp_path / f"a.csv.{pack}"
    if pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner/a.csv", data)
            archive.writestr("__MACOSX/._a.csv", b"x")
    else:
        path.write_bytes({"gzip": gzip, "bz2": bz2, "xz": lzma}[pack].compress(data))
    assert read_table(path)["a"].tolist() == [1.5, 2.5]


def test_columns_are_renamed(tmp_path):
    frame = table(tmp_path, "Age, sex\n1,f\n", rename={"Age": "age", "other": "x"})
    assert list(frame.columns) == ["age", "sex"]
    with pytest.raises(ReadError, match="the column 'sex' twice"):
        table(tmp_path, "Age,sex\n1,f\n", rename={"Age": "sex"})


def test_names_that_repeat(tmp_path):
    assert list(table(tmp_path, "a,a,a.1\n1,2,3\n").columns) == ["a", "a.2", "a.1"]
    with pytest.raises(ReadError, match="the column 'a' twice"):
        table(tmp_path, 'a,"a "\n1,2\n')


def test_binary_content_is_no_text(tmp_path):
    with pytest.raises(ReadError, match="neither text nor"):
        table(tmp_path, bytes(range(256)) * 4)


def test_names_that_are_points_of_a_scale_are_names(tmp_path):
    rows = "\n".join(f"{i},0.1,0.2,0.3,0.4,0.5" for i in range(3))
    assert "looks like a sample" not in notes(table(tmp_path, f"sample,1100.5,1108,1115.5,1123,1130.5\n{rows}\n"))
    assert "looks like a sample" in notes(table(tmp_path, f"0,0.3,0.1,0.2,0.5,0.4\n{rows}\n"))


def test_notes_bear_the_names_of_the_source(tmp_path):
    from landbridge.data._headers import match_headers

    one = table(tmp_path, "Preis (EUR);Quote;Nr\n1,5;7 %;007\n2,5;8 %;008\n")
    two = table(tmp_path, " PREIS (EUR) ;quote;nr\n1,5;7 %;007\n2,5;8 %;008\n", "b.csv")
    found, matched = match_headers(one, two)
    assert found.attrs["notes"] == one.attrs["notes"] and len(matched) == 1
    assert found.attrs["units"] == {"Quote": "%"}


@pytest.mark.parametrize("content", ["\n\n\n", "   \n", "\r\n"])
def test_nothing_but_empty_lines(tmp_path, content):
    with pytest.raises(ReadError, match="nothing but empty lines"):
        table(tmp_path, content)


def test_thousands_of_columns_of_one_name(tmp_path):
    n = 3000
    frame = table(tmp_path, ",".join(["x"] * n) + "\n" + ",".join(["1.5"] * n) + "\n")
    assert list(frame.columns[:3]) == ["x", "x.1", "x.2"] and frame.columns[-1] == f"x.{n - 1}"
