import datetime

import numpy as np
import pytest

from landbridge.data._files import kind_of, read_table
from landbridge.data._read_options import ReadOptions
from landbridge.exceptions import ReadError

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine", reason="needs the extra landbridge[excel]")


def book(path, merge=(), **sheets):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for i, row in enumerate(rows, 1):
            for j, value in enumerate(row, 1):
                if value is not None:
                    sheet.cell(i, j, value)
        for area in merge:
            sheet.merge_cells(area)
    workbook.save(path)
    return path


ROWS = [["age", "sex", "seen"], [30, "f", datetime.date(2020, 1, 2)], [40.5, "m", datetime.date(2020, 2, 3)]]


def notes(frame):
    return " ".join(frame.attrs["notes"])


@pytest.mark.parametrize("name", ["a.xlsx", "a.dat"])
def test_a_sheet(tmp_path, name):
    path = book(tmp_path / name, one=ROWS)
    assert kind_of(path) == "table"
    frame = read_table(path)
    assert frame["age"].tolist() == [30, 40.5] and frame["sex"].tolist() == ["f", "m"]
    assert frame["seen"].dtype.kind == "M" and frame.attrs["notes"] == []


def test_sheets_are_chosen(tmp_path):
    path = book(tmp_path / "a.xlsx", empty=[], first=ROWS, second=[["x"], [1]])
    frame = read_table(path)
    assert list(frame.columns) == ["age", "sex", "seen"]
    assert "Only the sheet 'first' is read, not empty, second; set sheet= (--sheet) to choose." in frame.attrs["notes"]
    assert read_table(path, ReadOptions(sheet="second"))["x"].tolist() == [1]
    with pytest.raises(ReadError, match=r"no sheet 'secnd'; did you mean 'second'\? It has empty, first, second"):
        read_table(path, ReadOptions(sheet="secnd"))
    with pytest.raises(ReadError, match="the sheet 'empty' is empty"):
        read_table(path, ReadOptions(sheet="empty"))


def test_titles_offsets_and_empty_ends(tmp_path):
    rows = [
        ["Ward 7"],
        [],
        [None, "a", "b", None],
        [None, 1, "x", None],
        [],
        [None, 2, "y", None],
        [None, " ", None, None],
    ]
    frame = read_table(book(tmp_path / "a.xlsx", one=rows))
    assert {"a", "b"} <= set(frame.columns) and frame["a"].tolist() == [1, 2] and len(frame) == 2
    assert "1 row above the header is not read, such as" in notes(frame)


def test_merged_cells(tmp_path):
    rows = [["Title", None, None], ["site", "x", "y"], ["A", 1, 2], [None, 3, 4], ["B", 5, 6]]
    frame = read_table(book(tmp_path / "a.xlsx", merge=["A1:C1", "A3:A4"], one=rows))
    assert frame["site"].tolist() == ["A", "A", "B"] and "Merged cells (1) give each" in notes(frame)


def test_headers_of_two_rows(tmp_path):
    rows = [["id", "blood", None], [None, "crp", "hb"], [1, 2.5, 3], [2, 3.5, 4]]
    frame = read_table(book(tmp_path / "a.xlsx", merge=["A1:A2", "B1:C1"], one=rows))
    assert list(frame.columns) == ["id", "blood crp", "blood hb"] and frame["id"].tolist() == [1, 2]


def test_errors_and_formulas_without_values(tmp_path):
    path = tmp_path / "a.xlsx"
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in (["a", "b", "c"], [1, 2, 5], ["#N/A", "=A2+1", 6], [3, 4, 7]):
        sheet.append(row)
    assert sheet["A3"].data_type == "e"
    workbook.save(path)
    frame = read_table(path)
    np.testing.assert_array_equal(frame["a"], [1, np.nan, 3])
    assert "missing values (1)." in notes(frame) and "Formulas without a saved value" in notes(frame)


def test_codes_and_notations_in_cells_of_text(tmp_path):
    rows = [["zip", "x", "mixed"], ["01234", "1,5", 1], ["99999", "2,5", "NA"], ["00001", "3,5", 3]]
    frame = read_table(book(tmp_path / "a.xlsx", one=rows))
    assert frame["zip"].tolist() == ["01234", "99999", "00001"] and frame["x"].tolist() == [1.5, 2.5, 3.5]
    np.testing.assert_array_equal(frame["mixed"], [1, np.nan, 3])


def test_without_a_header(tmp_path):
    frame = read_table(book(tmp_path / "a.xlsx", one=[[1, "a"], [2, "b"]]), ReadOptions(header=False))
    assert frame.to_dict("list") == {"column_1": [1, 2], "column_2": ["a", "b"]}


def test_a_damaged_workbook(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<x")
    with pytest.raises(ReadError, match=r"a\.xlsx cannot be read as a"):
        read_table(tmp_path / "a.xlsx")


ODS = """<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="one">{rows}</table:table></office:spreadsheet></office:body>
</office:document-content>"""


def test_ods(tmp_path):
    import zipfile

    def cell(v):
        kind = f'"float" office:value="{v}"' if isinstance(v, float) else '"string"'
        return f"<table:table-cell office:value-type={kind}><text:p>{v}</text:p></table:table-cell>"

    rows = [["a", "b"], [1.5, "x"], [2.5, "y"]]
    body = "".join(f"<table:table-row>{''.join(map(cell, r))}</table:table-row>" for r in rows)
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.format(rows=body))
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
    assert read_table(tmp_path / "a.ods").to_dict("list") == {"a": [1.5, 2.5], "b": ["x", "y"]}
