import gzip
import io
import json
import os
import pickle
import sqlite3
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat
from sklearn.datasets import dump_svmlight_file

from landbridge.data import _content
from landbridge.data._content import recognise
from landbridge.data._files import existing, kind_of, read_table
from landbridge.exceptions import ReadError

FRAME = pd.DataFrame({"a": [1.5, 2.5], "label": [0, 1]})


def _write(form, path):
    X = np.array([[1.0, 2.0], [3.0, 4.5]])
    if form == "parquet":
        pytest.importorskip("pyarrow")
        FRAME.to_parquet(path)
    elif form == "arrow":
        pytest.importorskip("pyarrow")
        FRAME.to_feather(path)
    elif form == "npz":
        np.savez(path.open("wb"), X=X)
    elif form == "npy":
        np.save(path.open("wb"), X)
    elif form == "mat":
        savemat(path.open("wb"), {"X": X})
    elif form == "svmlight":
        dump_svmlight_file(X, [0, 1], path.open("wb"))
    elif form == "sqlite":
        with sqlite3.connect(path) as database:
            FRAME.to_sql("t", database, index=False)
        database.close()
    elif form == "json":
        path.write_text(json.dumps(FRAME.to_dict("records")))
    elif form == "lines":
        FRAME.to_json(path, orient="records", lines=True)
    elif form == "arff":
        path.write_text("% by hand\n@relation r\n@attribute a real\n@data\n1.5\n2.5\n")
    else:
        FRAME.to_csv(path, index=False)


KINDS = {
    **dict.fromkeys(("parquet", "arrow", "sqlite", "json", "lines", "arff", "csv"), "table"),
    **dict.fromkeys(("npz", "npy", "mat", "svmlight"), "arrays"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", ["x.dat", "x.CSV", "noending", "x.unknown"])
@pytest.mark.parametrize("form", KINDS)
def test_the_content_decides(tmp_path, form, name):
    _write(form, tmp_path / name)
    assert kind_of(tmp_path / name) == KINDS[form]
    if KINDS[form] == "table":
        assert read_table(tmp_path / name)["a"].tolist() == [1.5, 2.5]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("form", ["parquet", "npy", "svmlight", "json", "arff", "csv", "mat"])
def test_the_content_of_packed_files_decides(tmp_path, form):
    _write(form, tmp_path / "x")
    (tmp_path / "x.gz").write_bytes(gzip.compress((tmp_path / "x").read_bytes()))
    assert kind_of(tmp_path / "x.gz") == KINDS[form]
    if KINDS[form] == "table":
        assert read_table(tmp_path / "x.gz")["a"].tolist() == [1.5, 2.5]


@pytest.mark.parametrize("text", ["[id],b\n1,2\n", "{x},b\n1,2\n", "1 2:3\nx y\n", "a,b:c\n1,2\n"])
def test_text_that_only_begins_as_another_format_does(tmp_path, text):
    (tmp_path / "a").write_text(text)
    assert recognise(tmp_path / "a").format == "delimited"


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib", "a.pt", "a.csv", "a"])
def test_pickles_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(FRAME))
    for call in (kind_of, read_table):
        with pytest.raises(ReadError, match="pickle") as caught:
            call(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_archives_of_models_are_refused(tmp_path):
    for inner in ("archive/data.pkl", "schema.json"):
        with zipfile.ZipFile(tmp_path / "m.bin", "w") as archive:
            archive.writestr(inner, b"x")
        with pytest.raises(ReadError, match="model or pickle"):
            kind_of(tmp_path / "m.bin")


def test_pipes_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for call in (existing, kind_of, read_table):
        with pytest.raises(ReadError, match="no regular file"):
            call(tmp_path / "pipe")
    with pytest.raises(ReadError, match="no regular file"):
        existing("/dev/null")


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_the_unpacked_size_is_limited(tmp_path, monkeypatch, pack):
    data = b"a,b\n" + b"1,2\n" * 5000
    path = tmp_path / f"bomb.{pack}"
    if pack == "gz":
        path.write_bytes(gzip.compress(data))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", data)
    assert len(read_table(path)) == 5000
    monkeypatch.setattr(_content, "LIMIT", 10_000)
    with pytest.raises(ReadError, match="more than 10,000 bytes unpacked"):
        read_table(path)


def test_damaged_archives_end_in_one_line(tmp_path):
    whole = gzip.compress(b"a,b\n" + np.random.default_rng(0).bytes(100_000).hex().encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b.gz").write_bytes(b"\x1f\x8b nonsense")
    (tmp_path / "c.zip").write_bytes(b"PK\x03\x04 nonsense")
    for name in ("a.gz", "b.gz", "c.zip"):
        with pytest.raises(ReadError, match=r"cannot be unpacked|damaged"):
            read_table(tmp_path / name)


def test_archives_of_several_files_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("train.csv", "test.csv"):
            archive.writestr(name, b"a,b\n1,2\n")
    with pytest.raises(ReadError, match=r"holds 2 files: train\.csv, test\.csv"):
        read_table(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n....", "one image"),
        (b"%PDF-1.4 ...", "PDF"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"RDX3\n", "file of R"),
        (bytes(range(256)), "neither text nor"),
    ],
)
def test_other_content_is_named(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ReadError, match=message):
        kind_of(tmp_path / "a.csv")


def test_folders_are_of_the_kind_of_most_files(tmp_path):
    for name in ("a/1.wav", "a/2.FLAC", "b/3.ogg", "b/cover.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert kind_of(tmp_path) == "audio"
    (tmp_path / "b" / "3.ogg").unlink()
    for i in range(3):
        (tmp_path / "b" / f"{i}.png").write_bytes(b"x")
    assert kind_of(tmp_path) == "images"
    with pytest.raises(ReadError, match="is a folder"):
        read_table(tmp_path)


def test_arrays_are_no_table(tmp_path):
    file = io.BytesIO()
    np.save(file, np.eye(2))
    (tmp_path / "a.csv").write_bytes(file.getvalue())
    with pytest.raises(ReadError, match="holds arrays, not a table"):
        read_table(tmp_path / "a.csv")
