"""measure(): every form a side may have, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import landbridge
from landbridge import Domain
from landbridge.data import make_shift
from landbridge.exceptions import InputError
from landbridge.problem import read_domains

FEW = {"n_permutations": 20, "n_bootstrap": 5, "random_state": 0}


@pytest.fixture
def pair():
    return make_shift("label", n_source=100, n_target=80, random_state=0)


def test_domains_tuples_and_arrays_agree(pair):
    source, target = pair
    bare = target.without_labels()
    one = landbridge.measure(source, bare, **FEW)
    two = landbridge.measure((source.X, source.y), target.X, **FEW)
    three = landbridge.measure((source.X.tolist(), source.y.tolist()), bare, **FEW)
    assert one.to_dict() == two.to_dict() == three.to_dict()
    assert one.kind == "label"


def test_data_frames_name_their_label_column(pair):
    source, target = (
        pd.DataFrame({"age": d.X[:, 0], "dose": d.X[:, 1], "ill": np.array(["no", "yes"])[d.y]}) for d in pair
    )
    d = landbridge.measure(source, target.drop(columns="ill"), label="ill", **FEW)
    assert d.kind == "label" and "no 80 %" in d.words


def test_files(pair, tmp_path):
    for name, d in zip(("a", "b"), pair, strict=True):
        pd.DataFrame({"age": d.X[:, 0], "dose": d.X[:, 1], "ill": d.y}).to_csv(tmp_path / f"{name}.csv", index=False)
    d = landbridge.measure(tmp_path / "a.csv", str(tmp_path / "b.csv"), label="ill", **FEW)
    assert d.kind == "label"


def test_builtin_domains_differ_by_more_than_their_classes():
    d = landbridge.measure("builtin:printed", "builtin:handwritten", **FEW)
    assert d.kind != "label" and d.evidence["label"] < 0.5 and d.risk == "high"


def test_unequal_columns_are_refused_with_both_counts():
    with pytest.raises(InputError, match=r"target has 2 columns but source has 3.*same features"):
        landbridge.measure(np.eye(3), np.ones((4, 2)))


def test_named_columns_are_brought_into_order():
    a = Domain(pd.DataFrame({"x": [1.0, 2.0], "z": [5.0, 6.0]}))
    b = Domain(pd.DataFrame({"z": [7.0, 8.0], "x": [3.0, 4.0]}), name="there")
    _, target, _ = read_domains(a, b)
    assert target.columns == ["x", "z"] and target.X.tolist() == [[3.0, 7.0], [4.0, 8.0]] and target.name == "there"
    with pytest.raises(InputError, match="lacks the source's column 'z'"):
        read_domains(a, Domain(pd.DataFrame({"y": [7.0], "x": [3.0]})))


def test_what_cannot_be_a_side_is_refused():
    with pytest.raises(InputError, match="source is None"):
        read_domains(None, np.eye(2))
    with pytest.raises(InputError, match="tuple of 3"):
        read_domains((np.eye(2), [0, 1], [0, 1]), np.eye(2))
    with pytest.raises(InputError, match="NaN"):
        read_domains(np.full((2, 2), np.nan), np.eye(2))


def test_images_are_kept_flat():
    images = np.random.default_rng(0).uniform(size=(6, 4, 4))
    source, target, encoder = read_domains((images, [0, 1] * 3), images)
    assert target.kind == "images" and target.image_shape == (4, 4) and encoder is None
    assert source.X.shape == (6, 16)


def test_groups_by_name_and_scoring():
    rng = np.random.default_rng(0)
    one, two = (
        pd.DataFrame(rng.normal(size=(15, 3))[np.repeat(np.arange(15), 8)], columns=list("abc")).assign(
            who=np.repeat(np.arange(k, k + 15), 8), ill=np.repeat(np.arange(15) % 2, 8)
        )
        for k in (0, 100)
    )
    named = landbridge.measure(one, two, label="ill", groups="who", **FEW)
    assert named.kind == "none" and landbridge.measure(one.drop(columns="who"), two, label="ill", **FEW).kind != "none"
    with pytest.raises(InputError, match="groups='who' names a column of tables, but source is arrays"):
        landbridge.measure((np.eye(6), [0, 1] * 3), np.eye(6), groups="who", **FEW)
    with pytest.raises(InputError, match="scoring does not apply to measure"):
        landbridge.measure(one, two, label="ill", scoring="f1", **FEW)


def test_what_was_read_is_handed_over_before_anything_is_measured():
    source, target = make_shift("translation", random_state=0)
    seen = []
    landbridge.measure(source, target, n_permutations=20, n_bootstrap=0, on_inspection=seen.append)
    assert [len(i.sides) for i in seen] == [2] and seen[0].sides[0].n_samples == len(source)
    seen.clear()
    landbridge.rank({"a": source, "b": target}, target, n_bootstrap=0, n_permutations=0, on_inspection=seen.append)
    assert len(seen) == 2 and seen[1].n_shared_samples == len(target)
    with pytest.raises(InputError, match="on_inspection must be a function"):
        landbridge.rank({"a": source}, target, on_inspection=3)


def test_labels_of_the_whole_target_are_counted():
    source, target = make_shift("label", random_state=0)
    words = landbridge.measure(source, target, n_permutations=50, n_bootstrap=0).words
    share = 100 * float(np.mean(target.y == 1))
    assert "The labels of both domains say" in words and f"{share:.0f} %" in words.split("labels of both")[1]
    half = target.replace(y=[v if i % 2 else None for i, v in enumerate(target.y.tolist())])
    assert "labels of both" not in landbridge.measure(source, half, n_permutations=50, n_bootstrap=0).words
