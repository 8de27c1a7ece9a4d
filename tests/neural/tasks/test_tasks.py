"""Heads, losses and metrics against naive computation."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from sklearn.metrics import f1_score, r2_score  # noqa: E402

from landbridge.exceptions import LabelError  # noqa: E402
from landbridge.neural.tasks import Classification, MultiLabel, Regression  # noqa: E402


def test_classification_round_trip_and_loss():
    task = Classification(np.array(["a", "b", "c"]))
    y = np.array(["c", "a", "b", "c"])
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    codes = task.encode(y)
    assert codes.tolist() == [2, 0, 1, 2]
    p = task.probabilities(logits)
    assert np.allclose(p, np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True), atol=1e-6)
    assert float(task.loss(logits, codes)) == pytest.approx(-np.log(p[np.arange(4), codes.numpy()]).mean(), rel=1e-5)
    shares = torch.nn.functional.one_hot(codes, 3).float()
    assert torch.allclose(task.loss(logits, shares), task.loss(logits, codes))
    assert task.metric(logits, codes) == pytest.approx((task.predict(logits) == y).mean())
    assert task.head(7).weight.shape == (3, 7)


def test_more_classes_than_the_head_knows():
    with pytest.raises(LabelError, match=r"class zebra, which the head of 2 classes"):
        Classification(["cat", "dog"]).encode(["dog", "zebra"])


def test_multilabel_against_scikit_learn():
    task = MultiLabel(4)
    dice = np.random.default_rng(0)
    y, logits = (dice.random((9, 4)) < 0.4).astype(int), torch.from_numpy(dice.normal(size=(9, 4)))
    assert task.metric(logits, task.encode(y)) == pytest.approx(f1_score(y, task.predict(logits), average="micro"))
    p = task.probabilities(logits)
    by_hand = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    assert float(task.loss(logits, task.encode(y))) == pytest.approx(by_hand, rel=1e-6)
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
    assert task.metric(answers, coded) == pytest.approx(r2_score(y, back))
    assert task.predict(coded).shape == ((20,) if outputs == 1 else (20, 2))


def test_regression_of_a_constant_is_finite():
    task = Regression.of([3.0, 3.0])
    assert task.encode([3.0]).item() == 0.0


def test_collate_joins_tensors_and_pads_dicts():
    task = MultiLabel(2)
    assert task.collate([torch.zeros(3), torch.ones(3)]).shape == (2, 3)
    joined = task.collate([{"ids": torch.tensor([1, 2])}, {"ids": torch.tensor([3])}])
    assert joined["ids"].tolist() == [[1, 2], [3, 0]]
