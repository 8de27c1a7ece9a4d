"""MultiTask: tasks with rows and labels of different kinds in one model, repeatable, with faults that are named."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from landbridge.data import load_builtin
from landbridge.exceptions import InputError, LabelError
from landbridge.neural import load_backbone
from landbridge.neural.multitask import MultiTask


@pytest.fixture(scope="module")
def digits():
    part = load_builtin("handwritten").take(range(600))
    return part.X, part.y


def left_minus_right(X):
    dots = X.reshape(-1, 8, 8)
    return dots[:, :, :4].mean(axis=(1, 2)) - dots[:, :, 4:].mean(axis=(1, 2))


def two_tasks(digits):
    X, y = digits
    return {"digit": (X[:150], y[:150]), "lean": (X[150:350], left_minus_right(X[150:350]))}


@pytest.mark.parametrize("balance", ["equal", "uncertainty", "gradnorm", "pcgrad"])
@pytest.mark.parametrize("sharing", ["hard", "soft"])
def test_two_kinds_of_labels_on_different_rows_beat_a_dummy(digits, balance, sharing):
    X, y = digits
    model = MultiTask(sharing=sharing, balance=balance, epochs=12, device="cpu", random_state=0).fit(two_tasks(digits))
    assert model.score("digit", X[350:], y[350:]) > 0.7  # a dummy: 0.1
    assert model.score("lean", X[350:], left_minus_right(X[350:])) > 0.5  # a dummy: 0
    assert model.weights_.shape == (12, 2) and (model.weights_ > 0).all()
    assert model.history_["digit"][-1] < 0.5 * model.history_["digit"][0]
    assert -1 <= model.cosines_[0, 1] <= 1


@pytest.mark.parametrize("balance", ["uncertainty", "gradnorm", "pcgrad"])
def test_the_same_seed_gives_the_same_bits_and_no_global_seed_moves(digits, balance):
    X = digits[0]
    how = {"image_shape": (8, 8), "balance": balance, "epochs": 2, "device": "cpu", "shared_until": "parts"}
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, two = (MultiTask(**how, random_state=3).fit(two_tasks(digits)) for _ in range(2))
    other = MultiTask(**how, random_state=4).fit(two_tasks(digits))
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    np.testing.assert_array_equal(one.predict_proba("digit", X), two.predict_proba("digit", X))
    np.testing.assert_array_equal(one.predict("lean", X), two.predict("lean", X))
    np.testing.assert_array_equal(one.weights_, two.weights_)
    assert not np.array_equal(one.predict("lean", X), other.predict("lean", X))


def test_kinds_are_told_by_labels_or_by_name(digits):
    X, y = digits[0][:60], digits[1][:60]
    traits = np.stack([y % 2, y >= 5], axis=1)
    data = {
        "digit": (X, y),
        "word": (X, np.array(["odd" if v % 2 else "even" for v in y])),
        "lean": (X, left_minus_right(X)),
        "traits": (X, traits),
        "both": (X, np.stack([left_minus_right(X), X.mean(axis=1)], axis=1)),
    }
    model = MultiTask(epochs=3, device="cpu", random_state=0).fit(data)
    kinds = {name: task.name for name, task in model.tasks_.items()}
    assert kinds == {
        "digit": "classification",
        "word": "classification",
        "lean": "regression",
        "traits": "multilabel",
        "both": "regression",
    }
    assert model.predict("traits", X).shape == (60, 2) and model.predict("both", X).shape == (60, 2)
    assert set(model.predict("word", X)) <= {"odd", "even"} and set(model.classes_) == {"digit", "word"}
    assert 0 <= model.score("traits", X, traits) <= 1
    np.testing.assert_allclose(model.predict_proba("digit", X).sum(axis=1), 1.0)
    named = MultiTask(tasks={"digit": "regression"}, epochs=1, device="cpu", random_state=0).fit({"digit": (X, y)})
    assert named.tasks_["digit"].name == "regression"
    with pytest.raises(InputError, match="'digit' is a task of regression"):
        named.predict_proba("digit", X)


def test_the_same_rows_are_passed_once(digits, monkeypatch):
    X, y = digits[0][:64], digits[1][:64]
    seen = []
    with_hook = load_backbone("builtin")
    with_hook.part("edges").register_forward_hook(lambda m, a, out: seen.append(len(out)))
    how = {"image_shape": (8, 8), "epochs": 1, "device": "cpu", "random_state": 0}
    MultiTask(with_hook, **how).fit({"digit": (X, y), "lean": (X, left_minus_right(X))})
    assert seen == [32, 32]


def test_short_data_sets_are_repeated(digits):
    X, y = digits
    data = {"few": (X[:10], y[:10]), "many": (X[10:210], y[10:210])}
    model = MultiTask(epochs=15, device="cpu", random_state=0).fit(data)
    assert model.score("few", X[:10], y[:10]) == 1.0
    alone = LogisticRegression(max_iter=500).fit(X[:10], y[:10])
    assert model.score("many", X[300:], y[300:]) > alone.score(X[300:], y[300:])


def test_clone_and_pickle(digits):
    X = digits[0]
    model = MultiTask(epochs=1, sharing="soft", device="cpu", random_state=2).fit(two_tasks(digits))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict("lean", X), model.predict("lean", X))
    assert clone(model).get_params() == model.get_params() and not hasattr(clone(model), "network_")


def test_nothing_that_was_given_is_changed(digits):
    X, y = digits[0][:50].copy(), digits[1][:50].copy()
    for a in (X, y):
        a.flags.writeable = False
    given = load_backbone("builtin")
    before = {k: v.clone() for k, v in given.state_dict().items()}
    MultiTask(given, image_shape=(8, 8), epochs=1, device="cpu", random_state=0).fit({"digit": (X, y)})
    assert all(torch.equal(v, before[k]) for k, v in given.state_dict().items())


def test_one_row_is_enough_for_regression(digits):
    X = digits[0]
    model = MultiTask(image_shape=(8, 8), epochs=1, device="cpu", random_state=0).fit({"one": (X[:1], np.array([2.5]))})
    assert np.isfinite(model.predict("one", X[:3])).all()


A = np.arange(12.0).reshape(6, 2)
B = np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("data", "how", "kind", "message"),
    [
        ({}, {}, InputError, "data must be a dict"),
        ([(A, B)], {}, InputError, "data must be a dict"),
        ({"a": A}, {}, InputError, r"data\['a'\] must be a pair"),
        ({1: (A, B)}, {}, InputError, "name tasks by strings"),
        ({"a": (A, None)}, {}, LabelError, r"data\['a'\]: y is None"),
        ({"a": (A, [0.0, 1.0, np.nan, 1.0, 2.0, 3.0])}, {}, LabelError, r"data\['a'\]: y has samples without a label"),
        ({"a": (A, np.array([0, 1, None, 1, 0, 1]))}, {}, LabelError, r"data\['a'\]: y has samples without a label"),
        ({"a": (A, B), "b": (A, B[:4])}, {}, LabelError, r"data\['b'\]: y has shape \(4,\) but X has 6 samples"),
        ({"a": (A[:0], B[:0])}, {}, InputError, r"data\['a'\]: X has no samples"),
        ({"a": (None, B)}, {}, InputError, r"data\['a'\]: X is None"),
        ({"a": (A * np.nan, B)}, {}, InputError, r"data\['a'\]: X contains NaN"),
        ({"a": (A, B * 0)}, {}, LabelError, r"data\['a'\]: y holds one class only"),
        ({"a": (A, B), "b": (A[:, :1], B)}, {}, InputError, r"data\['b'\]: X has 1 columns but that of 'a' has 2"),
        ({"a": (A, B), "b": (np.zeros((6, 8, 8)), B)}, {}, InputError, r"data\['b'\]: X has another form"),
        ({"a": (A, B)}, {"tasks": {"b": "regression"}}, InputError, "tasks names 'b', which data does not have"),
        ({"a": (A, B)}, {"tasks": {"a": "ranking"}}, InputError, r"tasks\['a'\]='ranking' is unknown"),
        ({"a": (A, B)}, {"tasks": {"a": "multilabel"}}, LabelError, "zeros and ones"),
        ({"a": (A, ["x"] * 6)}, {"tasks": {"a": "regression"}}, LabelError, "must be numbers"),
        ({"a": (A, B)}, {"shared_until": "knees"}, InputError, "shared_until='knees' is no stage"),
    ],
)
def test_faults_are_named(data, how, kind, message):
    with pytest.raises(kind, match=message):
        MultiTask(**how, epochs=1, device="cpu").fit(data)


def test_faults_after_fitting_are_named():
    model = MultiTask(epochs=1, device="cpu", random_state=0).fit({"a": (A, B)})
    with pytest.raises(InputError, match="name='b' is no task of this model; choose from a"):
        model.predict("b", A)
    with pytest.raises(InputError, match="X has 1 columns but the model was fitted on 2"):
        model.predict("a", A[:, :1])
    with pytest.raises(LabelError, match="y has shape"):
        model.score("a", A, B[:3])
    with pytest.raises(ValueError, match="balance"):
        MultiTask(balance="fair", random_state=0).fit({"a": (A, B)})
