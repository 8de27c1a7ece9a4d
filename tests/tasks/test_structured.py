"""Structured tasks as the engine knows them: found by their tags, scored by their own metric."""

import subprocess
import sys

import pytest

from landbridge.exceptions import InputError
from landbridge.tasks import get_task, structured_tasks


def test_they_are_found_without_torch():
    code = "import sys; from landbridge.tasks import structured_tasks as s; print(s(), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'tagging'" in done.stdout and done.stdout.rstrip().endswith("False")


def test_they_are_those_of_the_networks():
    from landbridge.neural.tasks import task_classes

    assert set(structured_tasks()) == {name for name, cls in task_classes().items() if cls.structured}


def test_score_and_agreement():
    task = get_task("tagging")
    true, found = [["B-PER", "O"], ["O"]], [["B-PER", "O"], ["B-PER"]]
    assert task.score(true, found) == pytest.approx(2 / 3)
    assert task.agreement(true, found).tolist() == [1.0, 0.0]
    assert task.in_words(0.031, sign=True) == "+3.1 points of entity F1"
    assert task.within_range is not None and task.score_range == (0.0, 1.0)


def test_other_scorers_and_learners_do_not_apply():
    task = get_task("tagging")
    assert task.with_scoring(None) is task
    with pytest.raises(InputError, match="scoring does not apply"):
        task.with_scoring("accuracy")
    with pytest.raises(InputError, match="no learner but networks"):
        task.learner()
