"""Scores on hidden labels."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from landbridge.results import hidden_score
from landbridge.tasks import get_task


def test_accuracy_counts_hidden_labels_only():
    hidden = np.array(["a", None, "b", "b"], dtype=object)
    found = hidden_score(np.array(["a", "b", "b", "a"]), hidden, "classification")
    assert found.value == pytest.approx(2 / 3) and found.low <= found.value <= found.high and found.name == "accuracy"


def test_r2():
    hidden = np.array([1.0, 2.0, 3.0, None], dtype=object)
    assert hidden_score(np.array([1.0, 2.0, 3.0, 9.0]), hidden, "regression").value == 1.0
    assert hidden_score(np.array([2.0, 2.0, 2.0, 9.0]), hidden, "regression").value == pytest.approx(0.0)


def test_nothing_to_score():
    assert hidden_score(None, np.array([1], dtype=object), "classification") is None
    assert hidden_score(np.array([1]), None, "classification") is None


def test_groups_widen_the_interval():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 10)
    hidden = np.repeat(rng.integers(2, size=20), 10).astype(object)
    predicted = np.repeat(rng.integers(2, size=20), 10)
    apart, together = (hidden_score(predicted, hidden, "classification", groups=g) for g in (None, groups))
    assert apart.value == together.value
    assert together.high - together.low > 2 * (apart.high - apart.low)


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "roc_auc", "neg_log_loss", "matthews_corrcoef"])
def test_any_scorer_within_its_range(name):
    task = get_task("classification").with_scoring(name)
    y = np.array([0, 1] * 10, dtype=object)
    p = np.linspace(0.05, 0.95, 20)[np.argsort(np.argsort(y.astype(int), kind="stable"))]
    said = y.astype(int)
    found = hidden_score(said, y, task, proba=np.column_stack([1 - p, p]), classes=np.array([0, 1]))
    low, high = task.score_range
    assert found.name == name and low <= found.low <= found.high <= high
    if name != "neg_log_loss":
        assert found.value == pytest.approx(1.0)


def test_balanced_accuracy_is_drawn_as_it_is_scored():
    rng = np.random.default_rng(0)
    y, said = (rng.uniform(size=200) < 0.1).astype(int), (rng.uniform(size=200) < 0.3).astype(int)
    found = hidden_score(said, y.astype(object), get_task("classification").with_scoring("balanced_accuracy"))
    assert found.value == pytest.approx(balanced_accuracy_score(y, said)) and found.low < found.value < found.high
