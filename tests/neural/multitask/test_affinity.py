"""task_affinity: company that helps, company that hurts, and the same split for the same rows."""

import numpy as np
import pytest
import torch

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural import Network
from landbridge.neural.multitask import MultiTask, TaskAffinity, task_affinity
from landbridge.neural.multitask._affinity import _split

WORDS = np.array("zero one two three four five six seven eight nine".split())


@pytest.fixture(scope="module")
def digits():
    return load_builtin("handwritten")


def narrow(width):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Network({"narrow": torch.nn.Linear(64, width)}, in_features=width)


def test_many_rows_of_a_like_task_help_few(digits):
    # Three digits in a row, of which the first is asked for: 40 rows do not tell which third of the dots matters.
    dice = np.random.default_rng(0)
    cards = np.hstack([digits.X[:1000], *(digits.X[dice.integers(0, 1797, 1000)] for _ in range(2))])
    tasks = {"number": (cards[:400], digits.y[:400]), "word": (cards[400:], WORDS[digits.y[400:1000]])}
    found = task_affinity(
        tasks,
        MultiTask(epochs=8, device="cpu", random_state=0),
        validation_fraction={"number": 0.9},
        n_seeds=4,
        random_state=0,
    )
    assert ("number", "word") in found.helpful()
    assert found.gain[0, 1] > 0.1
    assert found.harmful() == []
    assert "number" in str(found) and "helps" in str(found)


def test_contrary_tasks_through_a_narrow_network_hurt(digits):
    X = digits.X[:400] / 8
    X = X - X.mean(axis=0)
    dots = X.reshape(-1, 8, 8)
    tasks = {"left": (X, dots[:, :, :4].mean(axis=(1, 2))), "bottom": (X, dots[:, 4:].mean(axis=(1, 2)))}
    how = {"epochs": 30, "balance": "equal", "learning_rate": 0.02, "device": "cpu", "random_state": 0}
    found = task_affinity(tasks, MultiTask(narrow(1), **how), random_state=0)
    assert set(found.harmful()) == {("left", "bottom"), ("bottom", "left")}
    # The best single direction explains (1 + |r|) / 2 of each.
    r = abs(np.corrcoef(tasks["left"][1], tasks["bottom"][1])[0, 1])
    np.testing.assert_allclose(found.alone + np.array([found.gain[0, 1], found.gain[1, 0]]), (1 + r) / 2, atol=0.1)
    assert found.cosine[0, 1] < 0
    assert "hurts" in str(found) and "left with bottom" in str(found)
    for wide in (MultiTask(narrow(2), **how), MultiTask(narrow(1), sharing="soft", **how)):
        assert task_affinity(tasks, wide, n_seeds=2, random_state=0).harmful() == []  # room for both


def test_figures_and_lists():
    gain = np.array([[np.nan, -0.3, 0.0], [-0.1, np.nan, 0.2], [0.01, 0.3, np.nan]])
    found = TaskAffinity(("a", "b", "c"), np.array([0.5, 0.6, 0.7]), gain, np.full((3, 3), 0.02), np.eye(3), 3)
    # Student's t with two degrees of freedom: 4.303
    np.testing.assert_allclose(found.high[0, 1], -0.3 + 4.303 * 0.02, atol=1e-4)
    np.testing.assert_allclose(found.low[0, 1], -0.3 - 4.303 * 0.02, atol=1e-4)
    assert found.harmful() == [("a", "b"), ("b", "a")]
    assert found.helpful() == [("c", "b"), ("b", "c")]
    assert str(found).endswith("negative transfer between tasks: a with b, b with a (3 seeds)")


def test_the_same_seed_gives_the_same_table(digits):
    X, y = digits.X[:80], digits.y[:80]
    tasks = {"digit": (X, y), "odd": (X, y % 2), "ink": (digits.X[80:200], digits.X[80:200].mean(axis=1))}
    one, two = (
        task_affinity(tasks, MultiTask(epochs=2, device="cpu", random_state=0), n_seeds=2, random_state=1)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.gain, two.gain)
    np.testing.assert_array_equal(one.cosine, one.cosine.swapaxes(0, 1))
    assert np.isnan(np.diag(one.gain)).all() and np.isfinite(one.gain[~np.eye(3, dtype=bool)]).all()


def test_splits_are_even_and_shared():
    X, y = np.arange(80.0).reshape(40, 2), np.repeat(np.arange(4), 10)
    other = np.arange(20.0)[:, None]
    tasks = {"a": (X, y), "b": (X, y > 1), "c": (other, other[:, 0])}
    learned, scored = _split(tasks, dict.fromkeys(tasks, 0.25), np.random.RandomState(0))
    assert learned["a"][0] is learned["b"][0] and scored["a"][0] is scored["b"][0]
    assert len(scored["a"][1]) == 10 and len(scored["c"][1]) == 5
    assert set(np.bincount(scored["a"][1])) <= {2, 3}
    together = np.concatenate([learned["a"][0], scored["a"][0]])
    np.testing.assert_array_equal(np.sort(together[:, 0]), X[:, 0])
    few = {"d": (other[:2], other[:2, 0])}
    for seed in range(9):
        assert len(_split(few, {"d": 0.1}, np.random.RandomState(seed))[1]["d"][1]) == 1
    np.testing.assert_array_equal(y[(scored["a"][0][:, 0] / 2).astype(int)], scored["a"][1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": {}}, "tasks must be a dict"),
        ({"n_seeds": 1}, "n_seeds=1 leaves nothing"),
        ({"validation_fraction": 1.0}, "validation_fraction must lie between 0 and 1; got 1.0"),
        ({"validation_fraction": {"z": 0.5}}, "validation_fraction names 'z'"),
        ({"confidence": 0.0}, "confidence must lie between"),
        ({"tasks": {"a": (np.eye(2), [0, 1]), "b": (np.eye(2)[:1], [1.5])}}, r"tasks\['b'\] has one sample only"),
        ({"tasks": {"a": (np.eye(2), [0, 1]), "b": (np.eye(2), None)}}, r"data\['b'\]: y is None"),
    ],
)
def test_faults_are_named(change, message):
    tasks = {"a": (np.eye(4), [0, 1, 0, 1]), "b": (np.eye(4), [0, 1, 1, 0])}
    with pytest.raises(InputError, match=message):
        task_affinity(**{"tasks": tasks, **change})
