"""Labels of every reader: -1 is a class, missing labels, bytes, and one common type for source and target."""

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from landbridge.data import read, read_pair
from landbridge.data._labels import clean_labels, unify_labels
from landbridge.exceptions import InputError, LabelError, ReadError

X = np.random.default_rng(0).normal(size=(6, 2))


def _write(path, y):
    """Write the samples with these labels in the format of the path."""
    if path.suffix == ".csv":
        pd.DataFrame(X, columns=["a", "b"]).assign(y=y).to_csv(path, index=False)
    elif path.suffix == ".npz":
        np.savez(path, X=X, y=y)
    elif path.suffix == ".mat":
        savemat(path, {"X": X, "y": np.asarray(y)[:, None]})
    else:
        lines = (f"{b} " + " ".join(f"{j + 1}:{v:.4f}" for j, v in enumerate(a)) for a, b in zip(X, y, strict=True))
        path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("ending", ["csv", "npz", "mat", "svm"])
def test_minus_and_plus_one_are_two_classes(tmp_path, ending):
    a = _write(tmp_path / f"a.{ending}", [-1, 1, 1, -1, 1, -1])
    b = _write(tmp_path / f"b.{ending}", [1, 1, -1, -1, -1, 1])
    assert read(a).classes.tolist() == [-1, 1] and read(a).regime == "labelled"
    source, target, _ = read_pair(a, b)
    for domain in (source, target):
        assert domain.regime == "labelled" and domain.y.dtype.kind == "i" and domain.classes.tolist() == [-1, 1]


FORMS = {
    "int": [0, 1, 1, 0, 1, 0],
    "float": [0.0, 1.0, 1.0, 0.0, 1.0, 0.0],
    "bool": [False, True, True, False, True, False],
    "digits": ["0", "1", "1", "0", "1", "0"],
    "decimals": ["0.0", "1.0", "1.0", "0.0", "1.0", "0.0"],
    "words": ["False", "True", "True", "False", "True", "False"],
}


@pytest.mark.parametrize("ending", ["csv", "npz", "frame"])
@pytest.mark.parametrize("one", FORMS)
@pytest.mark.parametrize("two", FORMS)
def test_zero_and_one_are_the_same_labels_in_every_form(tmp_path, ending, one, two):
    if ending == "frame":
        sides = [pd.DataFrame(X, columns=["a", "b"]).assign(y=FORMS[k]) for k in (one, two)]
    else:
        sides = [_write(tmp_path / f"{n}.{ending}", FORMS[k]) for n, k in (("one", one), ("two", two))]
    source, target, encoder = read_pair(*sides)
    assert source.y.tolist() == target.y.tolist() and source.y.dtype == target.y.dtype
    assert len(source.classes) == 2
    if ending == "npz":  # in tables text that stands for numbers is read as numbers
        assert len(encoder.notes_) == (one != two)


@pytest.mark.parametrize(
    ("one", "two", "wanted", "common"),
    [
        ([1, 2], [2.0, 1.0], ([1, 2], [2, 1]), "integers"),
        ([1, 2], [0.5, 1.0], ([1.0, 2.0], [0.5, 1.0]), "numbers"),
        ([1, 2], ["x", "1"], (["1", "2"], ["x", "1"]), "text"),
        ([True, False], ["x", "True"], (["True", "False"], ["x", "True"]), "text"),
        (["01", "02"], [1, 2], (["01", "02"], ["1", "2"]), "text"),
        (["-1", "1"], [-1, 1], ([-1, 1], [-1, 1]), "integers"),
        (["1", "2"], ["2.0", "1.0"], ([1, 2], [2, 1]), "integers"),
        (["True", "False"], ["TRUE", "FALSE"], ([True, False], [True, False]), "booleans"),
    ],
)
def test_the_common_type(one, two, wanted, common):
    for a, b, right in ((one, two, wanted), (two, one, wanted[::-1])):
        y, yt, notes = unify_labels(np.array(a), np.array(b))
        assert (y.tolist(), yt.tolist()) == right and [type(v) for v in y.tolist()] == [type(v) for v in right[0]]
        assert len(notes) == 1 and notes[0].endswith(f"both are read as {common}.")


def test_labels_that_cannot_mean_the_same_are_not_converted():
    pairs = [([True, False], [1, 2]), ([True, False], [-1, 1]), (["1", "2"], ["1", "3"]), (["a", "1"], ["b", "1.0"])]
    for a, b in pairs:
        y, yt, notes = unify_labels(np.array(a), np.array(b))
        assert y.tolist() == a and yt.tolist() == b and notes == []


def test_many_whole_values_stay_numbers():
    y, yt, _ = unify_labels(np.arange(80), np.arange(80) + 0.0)
    assert y.dtype.kind == yt.dtype.kind == "f"


def test_the_mark_of_a_missing_label_survives_the_conversion_to_text():
    y, yt, notes = unify_labels(np.array(["1", "x"]), np.array([1, -1, 2]))
    assert yt.tolist() == ["1", None, "2"] and "1 labels -1" in notes[1] and y.tolist() == ["1", "x"]
    assert unify_labels(np.array(["1", "x"]), np.array([1, -1, 1]))[1].tolist() == ["1", "-1", "1"]
    assert unify_labels(np.array(["1", "-1", "x"]), np.array([1, -1, 2]))[1].tolist() == ["1", "-1", "2"]


def test_missing_labels_stay_missing(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=[0.0, 1.0, np.nan, 1.0, 0.0, 1.0])
    np.savez(tmp_path / "b.npz", X=X, y=["0", "1", "", "1", "0", "1"])
    source, target, encoder = read_pair(tmp_path / "a.npz", tmp_path / "b.npz")
    assert source.y.tolist() == target.y.tolist() == [0, 1, None, 1, 0, 1]
    assert encoder.notes_ == ["Labels are integers in the source and text in the target; both are read as integers."]


def test_bytes_are_text(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=np.array([b"a", b"b"] * 3))
    np.savez(tmp_path / "b.npz", X=X, y=np.array(["b", "a"] * 3))
    source, target, encoder = read_pair(tmp_path / "a.npz", tmp_path / "b.npz")
    assert source.classes.tolist() == target.classes.tolist() == ["a", "b"] and encoder.notes_ == []
    assert clean_labels(np.array(["é".encode("latin-1")], dtype=object), "y").tolist() == ["é"]


def test_complex_numbers_are_errors(tmp_path):
    frame = pd.DataFrame({"x": np.arange(6) + 1j, "y": [0, 1] * 3})
    for call in (lambda: read_pair(frame, frame), lambda: read(frame), lambda: read(frame.astype({"x": object}))):
        with pytest.raises(InputError, match="column 'x' holds complex numbers; replace it by columns of real numbers"):
            call()
    with pytest.raises(LabelError, match="holds complex numbers"):
        read(frame.rename(columns={"x": "y", "y": "x"}))


def test_labels_choose_the_array_of_samples(tmp_path):
    A, B = X, X + 1
    np.savez(tmp_path / "a.npz", x_train=A, y_train=[0, 1] * 3, x_test=B, y_test=[0, 1, 2] * 2)
    assert read(tmp_path / "a.npz", label="y_test").X.tolist() == B.tolist()
    assert read(tmp_path / "a.npz", label="y_train").X.tolist() == A.tolist()
    savemat(tmp_path / "a.mat", {"Xs": A, "Ys": np.ones((6, 1)), "Xt": B, "Yt": np.ones((6, 1))})
    assert read(tmp_path / "a.mat", label="Yt").X.tolist() == B.tolist()
    for name in ("a.npz", "a.mat"):
        with pytest.raises(ReadError, match=r"several arrays of samples, (x_train, x_test|Xs, Xt); choose"):
            read(tmp_path / name)
    np.savez(tmp_path / "b.npz", first=A, second=B[:4], ill=[0, 1] * 2)
    assert len(read(tmp_path / "b.npz", label="ill")) == 4
    np.savez(tmp_path / "c.npz", X=A, y=np.eye(6))
    with pytest.raises(LabelError, match=r"y has shape \(6, 6\) but X has 6 samples"):
        read(tmp_path / "c.npz")


def test_the_fields_of_one_struct_are_read(tmp_path):
    savemat(tmp_path / "a.mat", {"data": {"X": X, "y": np.arange(6) % 2}})
    domain = read(tmp_path / "a.mat")
    assert domain.X.tolist() == X.tolist() and domain.y.tolist() == [0, 1] * 3
    savemat(tmp_path / "b.mat", {"data": {"X": X, "y": np.arange(6) % 2}, "other": 1})
    with pytest.raises(ReadError, match="data is a struct with the fields X, y"):
        read(tmp_path / "b.mat")


def test_whole_numbers_beyond_64_bits_stay_apart():
    labels = clean_labels(np.array([10**25, 10**25 + 1], dtype=object), "y")
    assert labels.tolist() == ["10000000000000000000000000", "10000000000000000000000001"]
    one, two, _ = unify_labels(np.array(["9007199254740993", "1"]), np.array(["9007199254740993.0", "1"]))
    assert one.tolist() == two.tolist() == [9007199254740993, 1]
