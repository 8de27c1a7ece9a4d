"""Estimators of other settings: clones, and a saved form that needs no pickle, as results are saved."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

from landbridge.data import load_builtin  # noqa: E402
from landbridge.neural import load_backbone  # noqa: E402
from landbridge.neural.fewshot import (  # noqa: E402
    PrototypicalClassifier,
    SiameseClassifier,
    conv_embedding,
    train_siamese,
)
from landbridge.neural.multitask import MultiTask  # noqa: E402
from landbridge.neural.progressive import ProgressiveClassifier  # noqa: E402
from landbridge.neural.selftaught import AutoencoderFeatures, DistantTransfer  # noqa: E402
from landbridge.trusted import check_trees, import_skops, trusted_types  # noqa: E402

DIGITS = load_builtin("handwritten").take(range(80))
X, Y, IMAGES = DIGITS.X, DIGITS.y, DIGITS.X.reshape(-1, 8, 8)
QUICK = {"epochs": 1, "device": "cpu", "random_state": 0}


def saved_and_loaded(model):
    skops = import_skops()
    data = skops.dumps(model)
    again = skops.loads(data, trusted=trusted_types(data))
    check_trees(again)
    return again


def prototypical(network):
    model = PrototypicalClassifier(network, reject=0.1).fit(IMAGES[:60], Y[:60])
    return model, lambda m: m.distances(IMAGES)


def siamese():
    pairs = train_siamese(
        conv_embedding(8, width=4, depth=2, random_state=0), IMAGES, Y, n_way=5, n_batches=2, random_state=0
    )
    return SiameseClassifier(pairs).fit(IMAGES[:30], Y[:30]), lambda m: m.decision_function(IMAGES)


def distant():
    half = Y % 2
    options = {"n_steps": 2, "n_pretrain_steps": 2, "max_iter": 2, "random_state": 0, "device": "cpu"}
    model = DistantTransfer(8, hidden_layer_sizes=(12, 10), **options)
    model.fit(X[:40], half[:40], X_target=X[40:50], y_target=half[40:50], intermediate_domains=[X[50:]])
    return model, lambda m: m.predict_proba(X)


def codes():
    model = AutoencoderFeatures(4, hidden_layer_sizes=(9,), **QUICK).fit(X)
    return model, lambda m: np.hstack([m.transform(X), m.inverse_transform(m.transform(X))])


def several_tasks(**options):
    data = {"digit": (X, Y), "ink": (X, X.mean(axis=1))}
    model = MultiTask(**QUICK, **options).fit(data)
    return model, lambda m: np.hstack([m.predict_proba("digit", X), m.predict("ink", X).reshape(len(X), -1)])


def grown(**options):
    model = ProgressiveClassifier(**QUICK, **options).fit({"digit": (X, Y), "even": (X, Y % 2), "low": (X, Y < 5)})
    return model, lambda m: np.hstack([m.predict_proba(name, X) for name in ("digit", "even", "low")])


MAKERS = {
    "prototypical, built-in": lambda: prototypical(load_backbone("builtin")),
    "prototypical, blocks": lambda: prototypical(conv_embedding(8, width=4, depth=2, random_state=0)),
    "siamese": siamese,
    "distant": distant,
    "codes": codes,
    "hard sharing": several_tasks,
    "hard sharing of some stages": lambda: several_tasks(
        backbone="builtin", image_shape=(8, 8), shared_until="strokes"
    ),
    "soft sharing": lambda: several_tasks(sharing="soft"),
    "columns": grown,
    "columns of images": lambda: grown(backbone=load_backbone("builtin"), image_shape=(8, 8), adapter_width=3),
}


@pytest.mark.parametrize("name", MAKERS)
def test_saved_without_pickle_and_with(name):
    model, answers = MAKERS[name]()
    wanted, state = answers(model), torch.get_rng_state()
    for again in (saved_and_loaded(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(answers(again), wanted)
        assert type(again) is type(model) and list(again.get_params()) == list(model.get_params())
    np.testing.assert_array_equal(answers(model), wanted)  # saving changes nothing
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", MAKERS)
def test_a_clone_has_the_parameters_and_nothing_learned(name):
    model = MAKERS[name]()[0]
    copied = clone(model)
    assert [k for k in vars(copied) if k.endswith("_")] == []
    for key, value in model.get_params(deep=False).items():
        assert isinstance(value, torch.nn.Module) or copied.get_params(deep=False)[key] == value


def test_a_loaded_progressive_classifier_grows_on():
    model = ProgressiveClassifier(**QUICK).fit({"digit": (X, Y)})
    again = saved_and_loaded(model)
    for m in (model, again):
        m.grow("even", X, Y % 2)
    np.testing.assert_array_equal(again.predict_proba("even", X), model.predict_proba("even", X))
