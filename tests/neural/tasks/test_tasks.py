"""Heads, losses and metrics against naive computation."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from sklearn.metrics import f1_score, r2_score  # noqa: E402

from landbridge.exceptions import InputError, LabelError, ReadError  # noqa: E402
from landbridge.neural.tasks import Classification, MultiLabel, Regression, find_task, task_classes  # noqa: E402
from landbridge.neural.tasks._task import TAKES  # noqa: E402


def test_classification_round_trip_and_loss():
    task = Classification(np.array(["a", "b", "c"]))
    y = np.array(["c", "a", "b", "c"])
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    codes = task.encode(y)
    assert codes.tolist() == [2, 0, 1, 2]
    p = task.probabilities(logits)
    assert np.allclose(p, np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True), atol=1e-6)
    assert float(task.mean_loss(logits, codes)) == pytest.approx(
        -np.log(p[np.arange(4), codes.numpy()]).mean(), rel=1e-5
    )
    shares = torch.nn.functional.one_hot(codes, 3).float()
    assert torch.allclose(task.mean_loss(logits, shares), task.mean_loss(logits, codes))
    assert task.score(logits, codes) == pytest.approx((task.predict(logits) == y).mean())
    assert task.head(7).weight.shape == (3, 7)


def test_more_classes_than_the_head_knows():
    with pytest.raises(LabelError, match=r"class zebra, which the head of 2 classes"):
        Classification(["cat", "dog"]).encode(["dog", "zebra"])


def test_multilabel_against_scikit_learn():
    task = MultiLabel(4)
    dice = np.random.default_rng(0)
    y, logits = (dice.random((9, 4)) < 0.4).astype(int), torch.from_numpy(dice.normal(size=(9, 4)))
    assert task.score(logits, task.encode(y)) == pytest.approx(f1_score(y, task.predict(logits), average="micro"))
    p = task.probabilities(logits)
    by_hand = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    assert float(task.mean_loss(logits, task.encode(y))) == pytest.approx(by_hand, rel=1e-6)
    with pytest.raises(LabelError, match="MultiLabelBinarizer"):
        task.encode([0, 1, 2])


@pytest.mark.parametrize("outputs", [1, 2])
def test_regression_scales_and_scores(outputs):
    dice = np.random.default_rng(0)
    y = 100 + 30 * dice.normal(size=(20, outputs))
    task = Regression.of(y)
    coded = task.encode(y)
    assert np.allclose(coded.mean(0), 0) and np.allclose(coded.std(0, correction=0), 1)
    answers = coded + 0.3 * torch.from_numpy(dice.normal(size=coded.shape))
    back = task.predict(answers).reshape(20, outputs)
    assert task.score(answers, coded) == pytest.approx(r2_score(y, back))
    assert task.predict(coded).shape == ((20,) if outputs == 1 else (20, 2))


def test_regression_of_a_constant_is_finite():
    task = Regression.of([3.0, 3.0])
    assert task.encode([3.0]).item() == 0.0


def test_collate_joins_tensors_and_pads_dicts():
    task = MultiLabel(2)
    assert task.collate([torch.zeros(3), torch.ones(3)]).shape == (2, 3)
    joined = task.collate([{"ids": torch.tensor([1, 2])}, {"ids": torch.tensor([3])}])
    assert joined["ids"].tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize("name", ["classification", "multilabel", "regression", "regression of two"])
def test_sums_over_batches_are_those_of_all_samples(name):
    rng = np.random.default_rng(1)
    tasks = {
        "classification": (Classification([0, 1, 2]), rng.integers(3, size=23)),
        "multilabel": (MultiLabel(3), (rng.random((23, 3)) < 0.4).astype(int)),
        "regression": (Regression.of(y := 5 + rng.normal(size=23)), y),
        "regression of two": (Regression.of(z := 1e6 + rng.normal(size=(23, 2))), z),
    }
    task, labels = tasks[name]
    codes, output = task.encode(labels), torch.from_numpy(rng.normal(size=(23, task.n_outputs)))
    metric, total, weight = task.metric(), 0.0, 0
    for cut in torch.arange(23).split(7):  # the last batch is smaller
        loss, n = task.loss(output[cut], codes[cut])
        metric.update(output[cut], codes[cut])
        total, weight = total + float(loss), weight + n
    assert weight == 23 and total / weight == pytest.approx(float(task.mean_loss(output, codes)))
    assert metric.compute() == pytest.approx(task.score(output, codes))
    if name.startswith("regression"):
        assert metric.compute() == pytest.approx(r2_score(codes, output))


def test_agreement_of_two_models_needs_no_labels():
    assert Classification(["a", "b"]).agreement(np.array(["a", "b"]), np.array(["a", "a"])) == 0.5
    assert MultiLabel(2).agreement(np.array([[1, 0]]), np.array([[1, 1]])) == 0.5
    near = Regression.of([0.0, 2.0])  # of spread 1
    assert near.agreement(np.array([0.0, 1.0]), np.array([0.05, 1.5])) == 0.5
    assert Classification(["a"]).agreement([["a", "a"], ["a"]], [["a", "b"], ["a"]]) == pytest.approx(2 / 3)


def test_predictions_come_back_from_a_file(tmp_path):
    kinds = [
        (Classification(["a,b", "c"]), np.array(["c", "a,b"])),
        (Classification([3, 5]), np.array([5, 3])),
        (MultiLabel(3), np.array([[1, 0, 1], [0, 0, 0]])),
        (Regression(1), np.array([0.1, 1e-7])),
        (Regression(2), np.array([[0.1, 2.0], [3.0, 4.0]])),
    ]
    for task, predictions in kinds:
        ids, found = task.read(task.write(tmp_path / "p.csv", ["x", "y"], predictions))
        assert ids == ["x", "y"] and np.array_equal(found, predictions) and found.dtype == predictions.dtype
    with pytest.raises(ReadError, match="cannot be read"):
        Classification(["q"]).read(tmp_path / "p.csv")


def test_a_task_is_found_by_the_name_that_its_file_gives():
    known = task_classes()
    assert {"classification", "multilabel", "regression"} <= set(known)
    assert find_task("multilabel") is MultiLabel and "_Taught" not in {c.__name__ for c in known.values()}
    assert all(c.takes in TAKES for c in known.values())
    with pytest.raises(InputError, match="task='poetry' is unknown; choose from classification"):
        find_task("poetry")


def test_what_a_report_shows_is_plain_data():
    import json

    shown = [
        Classification(["a", "b"]).show(None, np.str_("a"), np.str_("b")),
        MultiLabel(3).show(None, np.array([1, 0, 1]), np.array([0, 0, 1])),
        Regression(1).show(None, np.float64(2.0), np.float64(3.0)),
    ]
    assert json.loads(json.dumps(shown))[1] == {"prediction": [2], "label": [0, 2]}
