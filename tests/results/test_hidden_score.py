"""Scores on hidden labels."""

import numpy as np
import pytest

from landbridge.results import hidden_score


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
