"""Attributes of prototypes and of names: components by hand, classes out of sample, relations, bad input."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from landbridge.exceptions import InputError, LabelError
from landbridge.zeroshot import ESZSL
from landbridge.zeroshot._class_attributes import classical_scaling, name_attributes, prototype_attributes


def clouds(n_classes=8, n=30, d=12, seed=0):
    rng = np.random.default_rng(seed)
    centres = 5 * rng.normal(size=(n_classes, d))
    y = np.repeat(np.arange(n_classes), n)
    return centres[y] + rng.normal(size=(len(y), d)), y


def test_all_components_keep_all_distances():
    P = np.random.default_rng(0).normal(size=(9, 4))
    D = cdist(P, P)
    Z, _ = classical_scaling(D)
    assert Z.shape == (9, 4)
    np.testing.assert_allclose(cdist(Z, Z), D, atol=1e-9)


def test_euclidean_attributes_are_principal_components_of_the_means():
    X, y = clouds()
    seen = y < 6
    found = prototype_attributes(X[seen], y[seen], 3, X_few=X[~seen], y_few=y[~seen])
    means = np.array([X[y == c].mean(axis=0) for c in range(8)])
    pca = PCA(3).fit(means[:6])
    wanted = pca.transform(means)
    got = np.array([found[c] for c in range(8)])
    signs = np.sign((got * wanted).sum(axis=0))
    np.testing.assert_allclose(got, wanted * signs, atol=1e-8)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "cityblock", "correlation"])
def test_an_out_of_sample_class_gets_the_coordinates_of_its_seen_twin(metric):
    X, y = clouds()
    seen = y < 6
    twin = prototype_attributes(X[seen], y[seen], 3, metric=metric, X_few=X[y == 2], y_few=["twin"] * 30)
    assert list(twin) == [0, 1, 2, 3, 4, 5, "twin"]
    np.testing.assert_allclose(twin["twin"], twin[2], atol=1e-8)
    assert twin[0].shape == (3,)


def test_a_few_samples_of_new_digits_are_enough():
    X, y = load_digits(return_X_y=True)
    seen = y < 7
    few = np.concatenate([np.flatnonzero(y == c)[:5] for c in (7, 8, 9)])
    rest = np.setdiff1d(np.flatnonzero(~seen), few)
    attributes = prototype_attributes(X[seen], y[seen], X_few=X[few], y_few=y[few])
    model = ESZSL().fit(X[seen], y[seen], attributes=attributes)
    assert set(model.classes_) == {7, 8, 9}
    assert model.score(X[rest], y[rest]) > 0.6  # by chance 0.33


def test_relations_mix_what_is_there():
    X, y = clouds()
    found = prototype_attributes(X, y, relations={"between": {0: 3, 1: 1}, "later": {"between": 1, 2: 1}})
    np.testing.assert_allclose(found["between"], 0.75 * found[0] + 0.25 * found[1])
    np.testing.assert_allclose(found["later"], 0.5 * found["between"] + 0.5 * found[2])


def test_input_is_not_modified_and_the_order_does_not_matter():
    X, y = clouds()
    X.setflags(write=False)
    mixed = np.random.default_rng(1).permutation(len(X))
    one, two = prototype_attributes(X, y, 4), prototype_attributes(X[mixed], y[mixed], 4)
    for c in one:
        np.testing.assert_allclose(one[c], two[c], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"metric": "angle"}, InputError, "metric='angle'"),
        ({"n_components": 0}, InputError, "n_components must be 1"),
        ({"y": [0, 0, 0]}, LabelError, "one class only"),
        ({"y": [0, 1]}, LabelError, "one label per sample"),
        ({"X": [[np.nan], [1.0], [2.0]]}, InputError, "X must be a two-dimensional"),
        ({"X_few": [[1.0]]}, InputError, "go together"),
        ({"X_few": [[1.0]], "y_few": [1]}, LabelError, "which y has too"),
        ({"X_few": [[1.0, 2.0]], "y_few": [5]}, InputError, "X_few has 2 features"),
        ({"relations": {5: {9: 1}}}, InputError, "holds 9, which has no attributes"),
        ({"relations": {0: {1: 1}}}, InputError, "relations holds 0, which has samples"),
        ({"relations": {5: {0: 1, 1: -1}}}, InputError, "sum to 0"),
        ({"relations": {5: 0}}, InputError, "must be a dict"),
    ],
)
def test_prototypes_at_fault_are_named(change, error, message):
    given = {"X": [[0.0], [1.0], [2.0]], "y": [0, 1, 1]} | change
    with pytest.raises(error, match=message) as caught:
        prototype_attributes(**given)
    assert "\n" not in str(caught.value)


def test_names_by_spelling_and_by_a_callable():
    found = name_attributes(["polar+bear", "grizzly bear", "Otter"])
    assert list(found) == ["polar+bear", "grizzly bear", "Otter"]
    for v in found.values():
        assert v.shape == (256,) and np.linalg.norm(v) == pytest.approx(1.0)
    assert found["polar+bear"] @ found["grizzly bear"] > 0.3 > found["polar+bear"] @ found["Otter"]
    seen = []

    def embed(texts):
        seen.extend(texts)
        return [[len(t), 1.0] for t in texts]

    found = name_attributes(["killer_whale", "mole"], embed)
    assert seen == ["killer whale", "mole"]
    np.testing.assert_allclose(found["mole"], np.array([4.0, 1.0]) / np.sqrt(17.0))


@pytest.mark.slow
def test_names_by_a_text_model_in_a_folder(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "bear", "polar", "otter"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    config = transformers.BertConfig(
        vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertModel(config).save_pretrained(tmp_path)
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    both, alone = name_attributes(["polar bear", "otter"], tmp_path), name_attributes(["otter"], str(tmp_path))
    assert both["otter"].shape == (8,)
    # the longer name beside it is padding, which does not count
    np.testing.assert_allclose(both["otter"], alone["otter"], atol=1e-5)


@pytest.mark.parametrize(
    ("names", "embed", "message"),
    [
        ([], None, "names is empty"),
        (["a", "a"], None, "twice"),
        (["a", " _ "], None, "no letters"),
        (["a", "b"], lambda t: [[1.0]], "shape \\(1, 1\\) for 2 names"),
        (["a"], lambda t: [[np.inf]], "NaN or infinity"),
        (["a"], "/nowhere/at/all", "no folder of a text model"),
    ],
)
def test_names_at_fault_are_named(names, embed, message):
    with pytest.raises(InputError, match=message):
        name_attributes(names, embed)
