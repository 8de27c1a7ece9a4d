import gzip

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat
from sklearn.datasets import dump_svmlight_file

from landbridge import transfer
from landbridge.data import read, read_pair, shared_data
from landbridge.exceptions import InputError, LabelError, ReadError


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.normal(50, 10, 40), "dose": rng.normal(size=40), "ill": np.arange(40) % 2})


def _images(folder, *, grey=True, classes=("cat", "dog"), n=4):
    rng = np.random.default_rng(0)
    for c in classes:
        (folder / c).mkdir(parents=True)
        for i in range(n):
            shape = (20, 24) if grey else (20, 24, 3)
            Image.fromarray(rng.integers(0, 255, size=shape, dtype=np.uint8)).save(folder / c / f"{i}.png")


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "parquet", "jsonl"])
def test_tables(frame, tmp_path, ending):
    path = tmp_path / f"ward.{ending}"
    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra landbridge[parquet]")
        frame.to_parquet(path)
    elif ending == "jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    domain = read(path, label="ill")
    assert domain.name == "ward" and domain.columns == ["age", "dose"]
    np.testing.assert_allclose(domain.X, frame[["age", "dose"]], rtol=1e-9)
    assert domain.y.tolist() == frame["ill"].tolist()


def test_array_files(frame, tmp_path):
    X, y = frame[["age", "dose"]].to_numpy(), frame["ill"].to_numpy()
    np.savez(tmp_path / "a.npz", X=X, y=y)
    savemat(tmp_path / "a.mat", {"fts": X, "labels": y})
    dump_svmlight_file(X, y, str(tmp_path / "a.svm"))
    for name in ("a.npz", "a.mat", "a.svm"):
        domain = read(tmp_path / name)
        dense = domain.X.toarray() if hasattr(domain.X, "toarray") else domain.X
        np.testing.assert_allclose(dense, X, rtol=1e-6)
        assert domain.y.tolist() == y.tolist()


def test_pickled_arrays_are_never_loaded(tmp_path):
    np.savez(tmp_path / "evil.npz", X=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ReadError, match="cannot be read"):
        read(tmp_path / "evil.npz")


def test_image_folders(tmp_path):
    _images(tmp_path / "a")
    domain = read(tmp_path / "a")
    assert domain.X.shape == (8, 32 * 32) and domain.classes.tolist() == ["cat", "dog"]
    assert domain.X.min() >= 0 and domain.X.max() <= 1
    _images(tmp_path / "b", grey=False)
    source, target, encoder = read_pair(tmp_path / "a", tmp_path / "b", image_size=(8, 8))
    assert source.image_shape == target.image_shape == (8, 8, 3)
    rows, names = encoder.read(tmp_path / "a")
    np.testing.assert_allclose(rows, source.X)
    assert names[0].endswith("0.png")


def test_mixed_tables_get_the_same_columns(tmp_path):
    a = pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(12)],
            "sex": ["f", "m"] * 6,
            "age": [*range(30, 41), None],
            "lab": range(12),
            "only_here": 1,
            "ill": [0, 1] * 6,
        }
    )
    b = pd.DataFrame(
        {"id": [f"q{i}" for i in range(11)], "age": range(11), "sex": ["m"] * 10 + ["x"], "lab": [None] * 11}
    )
    source, target, encoder = read_pair(a, b, label="ill")
    assert source.columns == target.columns == ["sex=f", "sex=m", "sex=x", "age"]
    assert target.regime == "unlabelled" and source.classes.tolist() == [0, 1]
    notes = " ".join(encoder.notes_)
    for told in ("only_here", "'lab' is empty in the target", "'id' names each row", "filled with the median"):
        assert told in notes
    np.testing.assert_allclose(encoder.transform(b[["lab", "sex", "age", "id"]]), target.X)
    with pytest.raises(InputError, match="lack the column 'age'"):
        encoder.transform(b.drop(columns="age"))


def test_gaps_among_target_labels(frame):
    target = frame.assign(ill=[1.0, 0.0] + [None] * 38)
    _, other, _ = read_pair(frame, target, label="ill")
    assert other.labelled.sum() == 2 and other.labelled_part().y.tolist() == [1, 0]


def test_running_text(tmp_path):
    words = np.array(["good calm happy film that I would see again", "bad dull boring film that I left quite early"])
    rng = np.random.default_rng(0)
    rows = [{"text": f"{words[i % 2]} number {rng.integers(1000)} today", "label": "np"[i % 2]} for i in range(60)]
    pd.DataFrame(rows).to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    source, target, encoder = read_pair(tmp_path / "a.jsonl", tmp_path / "a.jsonl")
    assert source.X.shape[0] == 60 and source.columns[0] == "text:0"
    np.testing.assert_allclose(encoder.read(tmp_path / "a.jsonl")[0], target.X)


def test_labels_are_guessed_only_when_clear(frame):
    read_pair(frame.rename(columns={"ill": "Label"}), frame)
    with pytest.raises(LabelError, match="no column is named label, target, class or y"):
        read_pair(frame, frame)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2\n1,2,3,4\n", "cannot be read as a table"),
        (b"a,a\n1,2\n", None),
    ],
)
def test_bad_tables(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    if message is None:
        read(path)  # pandas renames the second column
        return
    with pytest.raises(ReadError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_bad_paths_columns_and_images(frame, tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        read(tmp_path / "nowhere.csv")
    (tmp_path / "a.xyz").write_text("1")
    with pytest.raises(ReadError, match="ending"):
        read(tmp_path / "a.xyz")
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(LabelError, match=r"label='il' is no column .* ill"):
        read(tmp_path / "a.csv", label="il")
    frame.assign(ward="x").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(ReadError, match="column 'ward' holds text"):
        read(tmp_path / "b.csv")
    frame.assign(age=np.nan).to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(InputError, match="NaN"):
        read(tmp_path / "c.csv")
    with pytest.raises(InputError, match="share no column"):
        read_pair(frame, frame.rename(columns=lambda c: c.upper()), label="ill")
    (tmp_path / "none").mkdir()
    with pytest.raises(ReadError, match="holds no images"):
        read(tmp_path / "none")
    _images(tmp_path / "pics")
    (tmp_path / "pics" / "cat" / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(ReadError, match=r"bad\.png is no image"):
        read(tmp_path / "pics")
    (tmp_path / "pics" / "cat" / "bad.png").unlink()
    (tmp_path / "pics" / "dog" / "link.png").symlink_to(tmp_path / "elsewhere.png")
    Image.new("L", (4, 4)).save(tmp_path / "elsewhere.png")
    with pytest.raises(ReadError, match="leads out of"):
        read(tmp_path / "pics")
    with pytest.raises(InputError, match="source holds table but target holds images"):
        read_pair(tmp_path / "a.csv", tmp_path / "pics", label="ill")
    with gzip.open(tmp_path / "d.csv.gz", "wt") as file:
        frame.to_csv(file, index=False)
    assert len(read(tmp_path / "d.csv.gz", label="ill")) == 40


@pytest.mark.data
def test_two_hospitals():
    one, other = shared_data("heart_cleveland.csv"), shared_data("heart_hungarian.csv")
    if one is None or other is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    result = transfer(one, other, label="num", target_labels="hide", methods=["CORAL", "KMM", "BBSE"])
    assert result.encoder.notes_ and result["source-only"].hidden.value > 0.6
