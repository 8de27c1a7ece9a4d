"""The problem: frozen, with derived facts."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from landbridge import Domain
from landbridge.problem import ModelTarget, Problem
from landbridge.tasks import get_task

TASK = get_task("classification")
TARGET = Domain(np.eye(4), ["a", None, "b", None])


def test_it_is_frozen():
    problem = Problem("tables", TARGET, TASK)
    with pytest.raises(FrozenInstanceError):
        problem.task = None


def test_labelled_target_samples():
    problem = Problem("tables", TARGET, TASK)
    assert problem.labelled.tolist() == [0, 2] and problem.n_labelled == 2
    assert problem.target_labels.tolist() == ["a", "b"]
    assert Problem("tables", TARGET.without_labels(), TASK).target_labels.size == 0


def test_sources_are_counted():
    source = Domain(np.eye(4), [0, 1, 0, 1])
    assert Problem("tables", TARGET, TASK, source=source).n_sources == 1
    assert Problem("tables", TARGET, TASK, source=source.replace(source_domain=[0, 0, 1, 2])).n_sources == 3


def test_domains_need_both_sides():
    source = Domain(np.eye(4), [0, 1, 0, 1])
    assert Problem("tables", TARGET, TASK, source=source).domains == (source, TARGET)
    with pytest.raises(AssertionError):
        _ = Problem("fitted model", ModelTarget("t", np.eye(2), None, ["0", "1"]), TASK).domains
