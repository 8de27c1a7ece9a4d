import gzip

import numpy as np
import pytest
from PIL import Image

from landbridge.data import read, read_pair
from landbridge.data._files import read_table
from landbridge.exceptions import ReadError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2,0\n3,4,1\n", "line 2 has 3 cells but the header has 2"),
        ("a,b,ill\n1,2,0\n3,4\n5,6,1\n", "line 3 has 2 cells but the header has 3"),
    ],
    ids=["long", "short"],
)
def test_ragged_tables_are_refused(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with gzip.open(tmp_path / "b.csv.gz", "wt") as file:
        file.write(content)
    (tmp_path / "c.tsv").write_text(content.replace(",", "\t"))
    for name in ("a.csv", "b.csv.gz", "c.tsv"):
        with pytest.raises(ReadError, match=message):
            read(tmp_path / name)
    with pytest.raises(ReadError, match=message):
        read_pair(tmp_path / "a.csv", tmp_path / "a.csv", label="b")


def test_quoted_separators_blank_lines_and_empty_cells_are_not_ragged(tmp_path):
    (tmp_path / "a.csv").write_text('\ufeffa,"b, c",y\n1,"2",0\n\n"3",4,\n', encoding="utf-8")
    domain = read(tmp_path / "a.csv")
    assert domain.columns == ["a", "b, c"] and domain.X.tolist() == [[1, 2], [3, 4]] and domain.labelled.sum() == 1


def test_other_encodings_are_named(tmp_path):
    (tmp_path / "a.csv").write_bytes("a,b\n1,é\n".encode("latin-1"))
    frame = read_table(tmp_path / "a.csv")
    assert frame["b"].tolist() == ["é"]
    assert any("not UTF-8 (line 2), read as cp1252" in note for note in frame.attrs["notes"])


def test_linked_folders_outside_are_refused_and_hidden_files_passed_over(tmp_path):
    for folder in (tmp_path / "in" / "cat", tmp_path / "out"):
        folder.mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(folder / "a.png")
    (tmp_path / "in" / "cat" / "._a.png").write_bytes(b"not an image")
    assert len(read(tmp_path / "in")) == 1
    (tmp_path / "in" / "dog").symlink_to(tmp_path / "out", target_is_directory=True)
    with pytest.raises(ReadError, match="dog is a link that leads out"):
        read(tmp_path / "in")


def test_images_too_large_are_named(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((40, 40), dtype=np.uint8)).save(tmp_path / "big.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ReadError, match=r"big\.png is too large"):
        read(tmp_path)


def test_numbers_with_a_decimal_comma_are_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("x;n;name;label\n3,14;1.000,5;a,b;0\n-2,5;7;c;1\n;2.000;d;0\n")
    frame = read_table(tmp_path / "a.csv")
    np.testing.assert_allclose(frame["x"].to_numpy(), [3.14, -2.5, np.nan])
    np.testing.assert_allclose(frame["n"].to_numpy(), [1000.5, 7.0, 2000.0])
    assert frame["name"].tolist() == ["a,b", "c", "d"] and "x, n" in frame.attrs["notes"][0]
