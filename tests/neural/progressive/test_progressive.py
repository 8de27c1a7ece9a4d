"""ProgressiveClassifier: nothing forgotten bit for bit, much taken over, repeatable, faults that are named."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from landbridge.data import load_builtin
from landbridge.exceptions import InputError, LabelError
from landbridge.neural import Network, load_backbone
from landbridge.neural.progressive import ProgressiveClassifier, forward_transfer

IMAGES = {"image_shape": (8, 8), "epochs": 3, "device": "cpu", "random_state": 0}
TABLES = {"epochs": 5, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def digits():
    part = load_builtin("handwritten").take(range(600))
    return part.X, part.y


def three_tasks(digits, n=40):
    """Classes 0 to 4, 5 to 9 by name, and even against odd with the colours inverted."""
    X, y = digits
    low, names = y < 5, np.array([f"digit {c}" for c in range(10)])
    return {
        "low": (X[low][:n], y[low][:n]),
        "high": (X[~low][:n], names[y[~low]][:n]),
        "even": (X.max() - X[:n], y[:n] % 2 == 0),
    }


@pytest.mark.parametrize("how", [TABLES, IMAGES], ids=["tables", "images"])
def test_earlier_answers_are_the_same_bits_after_growing_twice(digits, how):
    X = digits[0]
    model, before, weights = ProgressiveClassifier(**how), {}, {}
    for name, (rows, y) in three_tasks(digits).items():
        model.grow(name, rows, y)
        before[name] = model.predict_proba(name, X)
        weights[name] = {k: v.clone() for k, v in model.network_.column(len(before) - 1).state_dict().items()}
    for k, name in enumerate(before):
        np.testing.assert_array_equal(model.predict_proba(name, X), before[name])
        for key, value in model.network_.column(k).state_dict().items():  # batch norm's statistics among them
            assert torch.equal(value, weights[name][key]), key
    assert list(model.tasks_) == ["low", "high", "even"]
    assert model.predict("high", X[:3]).dtype.kind == "U"
    assert model.predict("even", X[:3]).dtype == bool


def test_each_task_is_learned(digits):
    X, y = digits
    model = ProgressiveClassifier(epochs=15, device="cpu", random_state=0).fit(three_tasks(digits, 100))
    low, names = y < 5, np.array([f"digit {c}" for c in range(10)])
    assert model.score("low", X[low][100:], y[low][100:]) > 0.85  # by chance 0.2
    assert model.score("high", X[~low][100:], names[y[~low]][100:]) > 0.75
    assert model.score("even", X.max() - X[100:], y[100:] % 2 == 0) > 0.8  # by chance 0.5
    assert model.histories_["low"].epochs[-1]["loss"] < 0.3 * model.histories_["low"].epochs[0]["loss"]


def test_the_same_seed_gives_the_same_bits_and_no_global_seed_moves(digits):
    X = digits[0]
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, two = (ProgressiveClassifier(**(IMAGES | {"random_state": 3})).fit(three_tasks(digits)) for _ in range(2))
    other = ProgressiveClassifier(**(IMAGES | {"random_state": 4})).fit(three_tasks(digits))
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    for name in one.tasks_:
        np.testing.assert_array_equal(one.predict_proba(name, X), two.predict_proba(name, X))
        assert not np.array_equal(one.predict_proba(name, X), other.predict_proba(name, X))
        assert one.leaning(name) == two.leaning(name)


def test_a_column_begins_as_a_network_of_its_own(digits):
    """Its lateral connections begin at zero, and its weights depend on the seed and its name alone."""
    X, tasks = digits[0], three_tasks(digits)
    series, alone = ProgressiveClassifier(**IMAGES), ProgressiveClassifier(**IMAGES)
    series._grow("low", *tasks["low"], trained=False)._grow("high", *tasks["high"], trained=False)
    alone._grow("high", *tasks["high"], trained=False)
    np.testing.assert_allclose(series.predict_proba("high", X), alone.predict_proba("high", X), atol=1e-6)
    series.grow("even", *tasks["even"])
    assert all(bool((m.up.weight != 0).any()) for m in series.network_.column(2).laterals.values())


def test_what_a_task_leans_on(digits):
    X = digits[0]
    tasks = three_tasks(digits)
    model = ProgressiveClassifier(epochs=10, device="cpu", random_state=0).fit(tasks)
    assert model.leaning("low") == {"layer1": {"low": 1.0}, "layer2": {"low": 1.0}}
    for shares in model.leaning("even").values():
        assert list(shares) == ["low", "high", "even"]
        assert sum(shares.values()) == pytest.approx(1.0)
        assert all(0 < s < 1 for s in shares.values())
    on_rows = model.leaning("even", X[:50])
    assert on_rows.keys() == model.leaning("even").keys()
    assert on_rows != model.leaning("even")
    # What is handed out is a copy.
    model.leaning("even")["layer1"]["low"] = 7.0
    assert model.leaning("even")["layer1"]["low"] < 1
    # A column that reads nothing leans on nothing else.
    with torch.no_grad():
        for lateral in model.network_.column(2).laterals.values():
            lateral.up.weight.zero_()
    assert all(shares["even"] == pytest.approx(1.0) for shares in model.leaning("even", X[:50]).values())


def test_a_task_leans_on_the_column_that_learned_something(digits):
    X, y = digits
    shuffled = np.random.default_rng(0).permutation(y[:200])
    model = ProgressiveClassifier(image_shape=(8, 8), epochs=10, device="cpu", random_state=0)
    model.grow("noise", X[200:400], shuffled).grow("digits", X[:200], y[:200]).grow("again", X[400:430], y[400:430])
    last = model.leaning("again")["shapes"]
    assert last["digits"] > 1.3 * last["noise"]
    assert last["digits"] + last["noise"] > 0.5


def test_a_task_known_already_is_leaned_on_and_learned_from_few_rows(digits):
    X, y = digits
    tasks = {
        "digit": (X[:400], y[:400], X[400:], y[400:]),
        "again": (X[:15], y[:15], X[400:], y[400:]),
    }
    found = forward_transfer(
        tasks, ProgressiveClassifier(epochs=20, device="cpu", random_state=0), n_seeds=3, control=True, random_state=0
    )
    assert found.gain[0] == 0
    assert found.low[1] > 0
    assert found.mean_gain[0] == pytest.approx(found.gain[1])
    assert found.mean_gain[1:] == pytest.approx((found.low[1], found.high[1]))
    assert found.mean_gain_over_untrained[0] > 0.05
    text = str(found)
    assert "mean forward transfer +" in text and "3 seeds" in text and "untrained" in text


def test_clone_has_no_task_and_a_pickle_grows_on(digits):
    X, tasks = digits[0], three_tasks(digits)
    model = ProgressiveClassifier(**IMAGES, adapter_width=4).fit({k: tasks[k] for k in ("low", "high")})
    bare = clone(model)
    assert bare.get_params() == model.get_params() and not hasattr(bare, "tasks_")
    with pytest.raises(NotFittedError):
        bare.predict("low", X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba("high", X), model.predict_proba("high", X))
    again.grow("even", *tasks["even"])
    model.grow("even", *tasks["even"])
    np.testing.assert_array_equal(again.predict_proba("even", X), model.predict_proba("even", X))
    assert not any(p.requires_grad for p in again.network_.parameters())
    model.fit({"even": tasks["even"]})
    assert list(model.tasks_) == ["even"]


def test_a_backbone_of_ones_own_and_its_weights(digits):
    tasks, given = three_tasks(digits), load_backbone("builtin")
    before = {k: v.clone() for k, v in given.state_dict().items()}
    kept = ProgressiveClassifier(given, **IMAGES, pretrained=True)._grow("low", *tasks["low"], trained=False)
    kept._grow("high", *tasks["high"], trained=False)
    fresh = ProgressiveClassifier(given, **IMAGES)._grow("low", *tasks["low"], trained=False)
    first = given.part("edges")[0].weight
    assert torch.equal(kept.network_.column(0).part("edges")[0].weight, first)
    assert not torch.equal(kept.network_.column(1).part("edges")[0].weight, first)
    assert not torch.equal(fresh.network_.column(0).part("edges")[0].weight, first)
    assert all(torch.equal(v, before[k]) for k, v in given.state_dict().items())


def test_backbones_that_run_otherwise_are_refused(digits):
    whole = Network({"all": torch.nn.Conv2d(1, 2, 3)}, in_features=2, body=lambda x, *_: x)
    with pytest.raises(InputError, match="one after another"):
        ProgressiveClassifier(whole, **IMAGES).grow("low", *three_tasks(digits)["low"])


def test_a_task_that_fails_leaves_the_model_as_it_was(digits):
    X, tasks = digits[0], three_tasks(digits)
    model = ProgressiveClassifier(**TABLES).grow("low", *tasks["low"])
    before = model.predict_proba("low", X)
    model.learning_rate = 1e200
    with pytest.raises(InputError, match="no longer finite"):
        model.grow("high", *tasks["high"])
    model.learning_rate = None
    assert list(model.tasks_) == ["low"] and len(model.network_.columns) == 1
    np.testing.assert_array_equal(model.predict_proba("low", X), before)
    model.grow("high", *tasks["high"])


@pytest.mark.parametrize(
    ("name", "X", "y", "error", "message"),
    [
        ("low", None, [0, 1], InputError, "is a task already"),
        ("", None, [0, 1], InputError, "not empty"),
        (3, None, [0, 1], InputError, "must be a string"),
        ("new", np.zeros((2, 5)), [0, 1], InputError, "5 columns but the first task has 64"),
        ("new", np.zeros((2, 8, 8)), [0, 1], InputError, "another form"),
        ("new", np.full((2, 64), np.nan), [0, 1], InputError, "NaN"),
        ("new", np.zeros((0, 64)), [], InputError, "no samples"),
        ("new", np.zeros((2, 64)), [0, 0], LabelError, "one class only"),
        ("new", np.zeros((2, 64)), [0, 1, 1], LabelError, "one label per sample"),
        ("new", np.zeros((2, 64)), [0, np.nan], LabelError, "without a label"),
        ("new", np.zeros((2, 64)), None, LabelError, "y is None"),
    ],
)
def test_bad_tasks_are_named(digits, name, X, y, error, message):
    model = ProgressiveClassifier(**TABLES)._grow("low", *three_tasks(digits)["low"], trained=False)
    X = np.zeros((2, 64)) if X is None else X
    with pytest.raises(error, match=message) as caught:
        model.grow(name, X, y)
    assert "\n" not in str(caught.value)
    assert list(model.tasks_) == ["low"]


def test_other_faults_are_named(digits):
    X, y = digits
    model = ProgressiveClassifier(**TABLES)._grow("low", X[:20], y[:20], trained=False)
    with pytest.raises(InputError, match="no task of this model; choose from low"):
        model.predict("high", X)
    with pytest.raises(InputError, match="3 columns"):
        model.predict("low", X[:, :3])
    with pytest.raises(InputError, match="takes tables of numbers only"):
        ProgressiveClassifier("mlp", image_shape=(8, 8), random_state=0).grow("low", X, y)
    with pytest.raises(ValueError, match="adapter_width"):
        ProgressiveClassifier(adapter_width=0, random_state=0).grow("low", X, y)
    with pytest.raises(InputError, match="data must be a dict"):
        ProgressiveClassifier(random_state=0).fit([(X, y)])
    with pytest.raises(InputError, match="must be a pair"):
        ProgressiveClassifier(random_state=0).fit({"low": X})
    with pytest.raises(InputError, match="two tasks at least"):
        forward_transfer({"low": (X, y, X, y)}, random_state=0)
    with pytest.raises(InputError, match="must be \\(X_train"):
        forward_transfer({"low": (X, y), "high": (X, y)}, random_state=0)
    with pytest.raises(InputError, match="n_seeds=1"):
        forward_transfer({"low": (X, y, X, y), "high": (X, y, X, y)}, n_seeds=1, random_state=0)
