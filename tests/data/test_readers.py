import csv
import gzip
import zipfile

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
    for note in (
        "only_here",
        "'lab' is empty in the target",
        "'id' has a different text in each row",
        "filled with the median",
    ):
        assert note in notes
    np.testing.assert_allclose(encoder.transform(b[["lab", "sex", "age", "id"]]), target.X)
    with pytest.raises(InputError, match="lacks the column 'age'"):
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
        read_pair(frame, frame.rename(columns=lambda c: f"other {c}"), label="ill")
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


def test_a_frame_is_read_like_a_file(frame, tmp_path):
    frame.to_csv(tmp_path / "a.csv", index=False)
    held, filed = read(frame, label="ill", name="ward"), read(tmp_path / "a.csv", label="ill")
    assert held.name == "ward" and held.columns == filed.columns and held.y.tolist() == filed.y.tolist()
    np.testing.assert_allclose(held.X, filed.X)
    assert read(frame.rename(columns={"age": 0}), label="ill").columns == ["0", "dose"]


def test_a_name_may_be_given():
    domain = read("builtin:tumours-small", name="clinic")
    assert domain.name == "clinic" and domain.columns == read("builtin:tumours-small").columns


def test_text_of_one_file(tmp_path):
    words, n = ["a good film", "a bad film", "good good"] * 5, [0.5, 1.5, 2.5] * 5
    said = pd.DataFrame({"said": words, "n": n, "y": [0, 1, 0] * 5})
    domain = read(said, text="said")
    assert domain.kind == "text" and domain.columns[0] == "said:0" and domain.y.tolist() == said["y"].tolist()
    with pytest.raises(InputError, match="text='sad' is no column of the DataFrame"):
        read(said, text="sad")
    source, _, encoder = read_pair(said, said, text="said")
    assert source.kind == "table" and encoder.text_ == "said" and "n" in source.columns
    assert read_pair(said.drop(columns="n"), said, text="said")[0].kind == "text"


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (pd.Series([1, 0], dtype=object), [1, 0]),
        (pd.Series([1, None], dtype=object), [1, None]),
        (pd.Series([1.0, np.nan]), [1, None]),
        (pd.Series([1.0, 2.0]), [1.0, 2.0]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series([1, 2], dtype="category"), [1, 2]),
        (pd.Series([True, None], dtype=object), [True, None]),
        (pd.Series([" ill", ""]), ["ill", None]),
        (pd.Series(["ill", None], dtype="string"), ["ill", None]),
    ],
    ids=lambda v: None if isinstance(v, list) else f"{v.dtype}-{v.isna().any()}",
)
def test_labels_keep_their_type(cells, labels):
    rows = pd.DataFrame({"a": [1.0, 2.0], "ill": cells})
    source = rows.assign(ill=labels[0])
    for domain in (read(rows, label="ill"), read_pair(source, rows, label="ill")[1]):
        assert domain.y.tolist() == labels
        assert [type(v) for v in domain.y.tolist()] == [type(v) for v in labels]


def test_fractions_with_gaps_stay_numbers():
    rows = pd.DataFrame({"a": [1.0, 2.0], "price": [0.5, None]})
    y = read(rows, label="price").y
    assert y.dtype == float and y[0] == 0.5 and np.isnan(y[1])


def test_labels_are_spelt_alike_on_both_sides(frame):
    grade = frame.assign(ill=["1", "2", "x", "1"] * 10)
    source, target, _ = read_pair(grade, frame.assign(ill=[1.0, None] * 20), label="ill")
    assert source.classes.tolist() == ["1", "2", "x"] and target.labelled_part().classes.tolist() == ["1"]


def test_the_label_column_of_the_target_may_have_other_capitals(frame):
    source, target, encoder = read_pair(frame.rename(columns={"ill": "Class"}), frame.rename(columns={"ill": "class"}))
    assert target.regime == "labelled" and target.columns == source.columns == ["age", "dose"]
    assert encoder.notes_ == ["Columns that differ in writing only were matched: 'class' is 'Class'."]


def test_a_source_without_labels_is_refused(frame):
    with pytest.raises(LabelError, match="'ill' of the source is empty"):
        read_pair(frame.assign(ill=None), frame, label="ill")
    with pytest.raises(LabelError, match="several columns could be the label"):
        read_pair(frame.assign(y=1, target=0), frame)


def test_svmlight_files_of_other_width(tmp_path):
    (tmp_path / "a.svm").write_text("1 1:1 3:2\n0 2:1\n")
    (tmp_path / "b.svm").write_text("1 1:1\n0 2:5\n")
    source, target, encoder = read_pair(tmp_path / "a.svm", tmp_path / "b.svm")
    assert source.X.toarray().tolist() == [[1, 0, 2], [0, 1, 0]]
    assert target.X.toarray().tolist() == [[1, 0, 0], [0, 5, 0]]
    assert encoder.read(tmp_path / "b.svm")[0].toarray().tolist() == target.X.toarray().tolist()


def test_arrays_whose_label_has_a_name(frame, tmp_path):
    X = frame[["age", "dose"]].to_numpy()
    np.savez(tmp_path / "a.npz", rows=X, ill=frame["ill"])
    np.savez(tmp_path / "b.npz", rows=X)
    source, target, _ = read_pair(tmp_path / "a.npz", tmp_path / "b.npz", label="ill")
    assert source.regime == "labelled" and target.regime == "unlabelled"
    with pytest.raises(LabelError, match="it holds rows, ill"):
        read(tmp_path / "a.npz", label="il")


def test_builtin_beside_a_file(tmp_path):
    large = read("builtin:tumours-large")
    large.frame().to_csv(tmp_path / "large.csv", index=False)
    source, target, encoder = read_pair("builtin:tumours-small", tmp_path / "large.csv", label="kind")
    assert encoder is None and source.columns == target.columns and target.regime == "unlabelled"
    np.testing.assert_allclose(target.X, large.X)


def test_images_without_classes_and_of_a_common_size(tmp_path):
    _images(tmp_path / "a", classes=("cat",), n=3)
    flat = read(tmp_path / "a" / "cat", image_size=8)
    assert flat.regime == "unlabelled" and flat.image_shape == (8, 8) and flat.name == "cat"
    for size in ((0, 4), "big", (8,), 7.5, (8, 8.5)):
        with pytest.raises(InputError, match="image_size must be"):
            read(tmp_path / "a", image_size=size)


def test_colour_is_remembered_for_new_images(tmp_path):
    _images(tmp_path / "grey")
    _images(tmp_path / "colour", grey=False)
    _, _, grey = read_pair(tmp_path / "grey", tmp_path / "grey", image_size=(6, 4))
    assert grey.read(tmp_path / "colour")[0].shape == (8, 24)
    np.testing.assert_allclose(grey.transform(np.zeros((2, 6, 4))), np.zeros((2, 24)))


@pytest.mark.parametrize("what", [None, 3, [1, 2], np.eye(2)], ids=["None", "int", "list", "array"])
def test_what_is_no_path_is_refused(what, frame):
    with pytest.raises(InputError, match="path must be a path"):
        read(what)
    with pytest.raises(InputError, match="target must be a path"):
        read_pair(frame, what, label="ill")


def test_gaps_and_dates_are_refused_by_their_column(frame):
    with pytest.raises(ReadError, match=r"column 'age' has 2 empty cells .*read_pair"):
        read(frame.assign(age=[np.nan, np.inf, *range(38)]), label="ill")
    with pytest.raises(ReadError, match="column 'age' holds dates"):
        read(frame.assign(age=pd.date_range("2020", periods=40)), label="ill")


@pytest.mark.data
def test_two_hospitals():
    one, other = shared_data("heart_cleveland.csv"), shared_data("heart_hungarian.csv")
    if one is None or other is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    result = transfer(one, other, label="num", target_labels="hide", methods=["CORAL", "KMM", "BBSE"])
    assert result.encoder.notes_ and result["source-only"].hidden.value > 0.6
    rows, names = result.encoder.read(other)
    np.testing.assert_array_equal(rows, result.encoder.transform(pd.read_csv(other)))
    assert rows.shape == (294, 13) and len(names) == 294


@pytest.mark.data
def test_photographs_and_paintings(tmp_path):
    packed = shared_data("pacs_photo_art.zip")
    if packed is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    with zipfile.ZipFile(packed) as file:
        file.extractall(tmp_path)
    source, target, encoder = read_pair(tmp_path / "photo", tmp_path / "art_painting")
    assert source.X.shape == target.X.shape == (420, 486) and source.classes.tolist() == target.classes.tolist()
    assert len(source.classes) == 7 and encoder.mode_ == "RGB"
    assert (source.name, target.name) == ("photo", "art_painting")


@pytest.mark.data
def test_short_messages_to_long_ones():
    path = shared_data("sms_spam.tsv.gz")
    if path is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    messages = pd.read_csv(path, sep="\t", header=None, names=["label", "text"], quoting=csv.QUOTE_NONE)
    long = messages["text"].str.len() > 60
    source, target, encoder = read_pair(messages[~long], messages[long])
    assert source.kind == "text" and source.X.shape[1] == 100 and len(source) + len(target) == 5574
    assert encoder.text_ == "text" and source.classes.tolist() == ["ham", "spam"]


def test_a_rule_makes_two_classes_of_a_column(tmp_path):
    pd.DataFrame({"age": [40.0, 50, 60, 70], "num": [0, 3, None, 1]}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"age": [45.0, 55], "num": [0, 1]}).to_csv(tmp_path / "b.csv", index=False)
    source, target, encoder = read_pair(tmp_path / "a.csv", tmp_path / "b.csv", label="num>0")
    assert source.X.shape == (4, 1) and target.X.shape == (2, 1)
    assert [source.y[0], source.y[1], source.y[3]] == ["num<=0", "num>0", "num>0"]
    assert not source.labelled[2]
    assert list(target.y) == ["num<=0", "num>0"]
    # the column is no feature of new rows either
    assert encoder.transform(pd.DataFrame({"num": [4], "age": [1.0]})).shape == (1, 1)
    kinds = pd.DataFrame({"x": [1.0, 2.0], "kind": ["cat", "dog"]})
    assert list(read(kinds, label="kind == cat").y) == ["kind==cat", "kind!=cat"]
    with pytest.raises(LabelError, match=r"compares column 'kind' with '3'.*use == or !="):
        read(kinds, label="kind>3")
    with pytest.raises(LabelError, match="is no column"):
        read(kinds, label="size>3")


def test_a_column_of_sources_is_taken_out(tmp_path):
    table = pd.DataFrame({"ward": [" n", "s ", "n"], "age": [3.0, 4.0, 5.0], "ill": [0, 1, 1]})
    other = pd.DataFrame({"age": [1.0, 2.0], "ward": ["x", None]})
    for side in (table, tmp_path / "a.csv"):
        table.to_csv(tmp_path / "a.csv", index=False)
        domain = read(side, label="ill", sources="ward")
        assert domain.columns == ["age"] and domain.source_domain.tolist() == ["n", "s", "n"]
        second = other if side is table else tmp_path / "b.csv"
        other.to_csv(tmp_path / "b.csv", index=False)
        one, two, encoder = read_pair(side, second, label="ill", sources="ward")
        assert one.columns == two.columns == ["age"] and encoder.notes_ == []
        assert one.source_domain.tolist() == ["n", "s", "n"] and two.source_domain is None
    years = read(table.assign(ward=[7, 7, 8]), label="ill", sources="ward")
    assert years.source_domain.tolist() == [7, 7, 8]
    assert read_pair(table, "builtin:patients-younger", label="ill", sources="ward")[0].source_domain is not None


def test_columns_of_sources_at_fault(tmp_path):
    table = pd.DataFrame({"ward": ["n", None, ""], "age": [3.0, 4.0, 4.0], "ill": [0, 1, 1]})
    (tmp_path / "pictures" / "c").mkdir(parents=True)
    Image.new("L", (4, 4)).save(tmp_path / "pictures" / "c" / "0.png")
    np.savez(tmp_path / "rows.npz", X=np.eye(3), y=[0, 1, 1])
    for side, changes, message in [
        (table, {"sources": "ward"}, "2 rows have no entry in the column 'ward'"),
        (table, {"sources": "wart"}, "sources='wart' is no column of the .*like ward"),
        (table, {"sources": "ill"}, "sources and label both name"),
        (tmp_path / "pictures", {"sources": "ward"}, "needs a column of a table, but source holds images"),
        (tmp_path / "rows.npz", {"sources": "ward"}, "but source holds arrays"),
        ("builtin:printed", {"sources": "ward"}, "but source holds builtin"),
    ]:
        for call in (lambda s, **k: read(s, **k), lambda s, **k: read_pair(s, s, **k)):
            with pytest.raises(InputError, match=message):
                call(side, label="ill", **changes)


def test_both_svmlight_files_count_features_from_where_one_does(tmp_path):
    """No sample of the target has the first feature; new files are read as the pair was."""
    (tmp_path / "a.svm").write_text("".join(f"{i % 2} 0:{1 + i % 3} 1:{i % 5} 2:{i % 2}\n" for i in range(12)))
    (tmp_path / "b.svm").write_text("".join(f"{i % 2} 1:{1 + i % 5} 2:{i % 2}\n" for i in range(12)))
    source, target, encoder = read_pair(tmp_path / "a.svm", tmp_path / "b.svm")
    assert source.X.shape[1] == target.X.shape[1] == 3
    assert target.X[:, 0].nnz == 0 and target.X[0, 1] == 1 and source.X[0, 0] == 1
    np.testing.assert_array_equal(encoder.read(tmp_path / "b.svm")[0].toarray(), target.X.toarray())
    (tmp_path / "c.svm").write_text("1 1:5\n0 1:6 2:1\n")
    one, two, _ = read_pair(tmp_path / "c.svm", tmp_path / "c.svm")
    assert one.X.shape[1] == two.X.shape[1] == 2


@pytest.mark.parametrize("word", ["None", "null", "NULL"])
def test_a_class_called_none_is_a_class(tmp_path, word):
    for name in "ab":
        rows = "".join(f"{i},{i % 7},{[word, 'Mild', 'Severe'][i % 3]}\n" for i in range(60))
        (tmp_path / f"{name}.csv").write_text("a,b,label\n" + rows)
    source, target, encoder = read_pair(tmp_path / "a.csv", tmp_path / "b.csv", label="label")
    assert (
        sorted(source.classes) == sorted(["Mild", word, "Severe"]) and source.labelled.all() and target.labelled.all()
    )
    assert any(f"{word!r} is read as a class" in note for note in encoder.notes_)


def test_labels_that_are_not_available_stay_missing_and_are_told_of(tmp_path):
    rows = "".join(f"{i},{i % 7},{['NA', 'Mild', 'Severe'][i % 3]}\n" for i in range(60))
    (tmp_path / "a.csv").write_text("a,b,label\n" + rows)
    source, _, encoder = read_pair(tmp_path / "a.csv", tmp_path / "a.csv", label="label")
    assert int(source.labelled.sum()) == 40
    assert (
        "20 labels are 'NA', read as missing; set not_missing='NA' (--not-missing NA) if it is a class."
        in encoder.notes_
    )


def test_spectra_on_two_scales_are_to_be_interpolated():
    one = pd.DataFrame(np.eye(6), columns=[f"{1100 + 10 * i}" for i in range(6)]).assign(y=range(6))
    two = pd.DataFrame(np.eye(6), columns=[f"{1103 + 7.5 * i:g}" for i in range(6)])
    with pytest.raises(InputError, match="interpolate both to the same points"):
        read_pair(one, two, label="y")
    with pytest.raises(InputError, match="rename columns with the same meaning"):
        read_pair(one.rename(columns=lambda c: c if c == "y" else f"a{c}"), two, label="y")


@pytest.mark.parametrize("kind", ["images", "audio"])
def test_damaged_files_are_skipped_on_request(tmp_path, kind):
    from PIL import Image
    from scipy.io import wavfile

    rng = np.random.default_rng(0)
    for side in ("a", "b"):
        for name in ("x/1", "x/2", "y/1"):
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "images":
                Image.fromarray(rng.integers(0, 255, (9, 9), dtype=np.uint8)).save(path.with_suffix(".png"))
            else:
                wavfile.write(path.with_suffix(".wav"), 8000, rng.integers(-999, 999, 2000).astype(np.int16))
    damaged = next((tmp_path / "b" / "x").glob("2.*"))
    damaged.write_bytes(damaged.read_bytes()[:20])
    with pytest.raises(ReadError, match=r"2\.\w+.*--skip-corrupt"):
        read_pair(tmp_path / "a", tmp_path / "b")
    one, two, encoder = read_pair(tmp_path / "a", tmp_path / "b", read_options={"skip_corrupt": True})
    assert len(one) == 3 and two.y.tolist() == ["x", "y"]
    assert any(
        note.startswith(f"1 of 3 {'images' if kind == 'images' else 'sounds'} cannot") for note in encoder.notes_
    )
    assert len(encoder.read(tmp_path / "b")[0]) == 2
    for path in (tmp_path / "b").rglob("*.*"):
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ReadError, match="1"):
        read_pair(tmp_path / "a", tmp_path / "b", read_options={"skip_corrupt": True})


def test_skipping_damaged_files_does_not_apply_to_tables(frame):
    with pytest.raises(InputError, match="skip_corrupt applies to images and sounds"):
        read_pair(frame, frame, read_options={"skip_corrupt": True})


def test_words_that_are_not_missing_are_classes_and_categories(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        y, grade = rng.choice(["NA", "good"], 60), rng.choice(["NA", "hi", "lo"], 60)
        frame = pd.DataFrame({"x": rng.normal(size=60).round(3).astype(str), "grade": grade, "y": y})
        frame.loc[3, "x"] = "NA"
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    pair = tmp_path / "a.csv", tmp_path / "b.csv"
    one, _, _ = read_pair(*pair, label="y")
    assert set(one.labelled_part().y) == {"good"}
    one, two, encoder = read_pair(*pair, label="y", read_options={"not_missing": ["NA"]})
    assert one.labelled.all() and set(one.y) == {"NA", "good"}
    assert "grade=NA" in encoder.columns_ and "x" in encoder.columns_
    # in a column of numbers it is no category
    assert np.isfinite(one.X).all() and one.X[3, 0] == encoder.numbers_["x"]
    np.testing.assert_array_equal(encoder.read(pair[1])[0], two.X)


def test_a_long_line_of_numbers_and_a_word_is_read_at_once(tmp_path):
    names = [f"{w}" for w in range(1100, 2500, 2)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(12, len(names))), columns=names).assign(oil=range(12))
    frame.to_csv(tmp_path / "spectra.csv", index=False)
    assert read(tmp_path / "spectra.csv", label="oil").X.shape == (12, 700)


def test_words_for_no_value_are_the_classes_where_nothing_else_is_there(tmp_path):
    y = ["None", "NA"] * 20
    pd.DataFrame({"x": range(40), "y": y}).assign(x=lambda f: f["x"] * 0.5).to_csv(tmp_path / "a.csv", index=False)
    one, two, encoder = read_pair(tmp_path / "a.csv", tmp_path / "a.csv", label="y")
    assert one.y.tolist() == y == two.y.tolist()
    assert not any("read as a missing value in y" in note for note in encoder.notes_)


def test_several_columns_of_one_name_are_said(tmp_path):
    (tmp_path / "a.csv").write_text("a,a,y\n" + "".join(f"{i * 0.5},{i * i * 0.25},{i % 2}\n" for i in range(20)))
    _, _, encoder = read_pair(tmp_path / "a.csv", tmp_path / "a.csv", label="y")
    assert any(note.startswith("Several columns are named 'a'") for note in encoder.notes_)
