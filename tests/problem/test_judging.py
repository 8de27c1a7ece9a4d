"""What target labels are judged by: the score, the groups and the splits."""

import numpy as np
import pytest

from landbridge import Domain
from landbridge.exceptions import InputError
from landbridge.problem import Arguments, prepare_judging, split_target_labels
from landbridge.tasks import get_task

TASK = get_task("classification")
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
Y = np.arange(60) % 2


def _judge(y=Y, hidden=None, X=X, groups=None, task=TASK, **given):
    return prepare_judging(Domain(X, y, groups=groups), hidden, task, Arguments.of(**given), random_state=0)


def test_rare_classes_are_scored_by_balanced_accuracy_and_the_result_says_so():
    rare = (np.arange(60) % 10 == 0).astype(int)
    judging = _judge(rare)
    assert judging.task.metric == judging.splits.task.metric == "balanced_accuracy"
    assert "scoring='balanced_accuracy' was inferred" in judging.inferred[0] and "10 %" in judging.inferred[0]
    assert _judge(rare, scoring="accuracy").task.metric == "accuracy" and not _judge(rare, scoring="accuracy").inferred
    assert _judge().task.metric == "accuracy" and not _judge().inferred


def test_many_classes_of_one_size_are_not_rare():
    assert _judge(np.arange(60) % 6).task.metric == "accuracy"


def test_hidden_labels_judge_where_there_are_no_others():
    hidden = (np.arange(60) % 10 == 0).astype(int).astype(object)
    assert _judge(None, hidden).task.metric == "balanced_accuracy"


def test_scoring_without_labels_does_not_apply():
    with pytest.raises(InputError, match="scoring does not apply"):
        _judge(None, scoring="f1")
    with pytest.raises(InputError, match="cannot score these labels"):
        _judge(np.where(Y == 1, "ill", "well"), scoring="f1")


def test_groups_stay_on_one_side():
    groups = np.repeat(np.arange(12), 5)
    for train, test in _judge(groups % 2, groups=groups).splits.splits:
        assert set(groups[train].tolist()).isdisjoint(groups[test].tolist())


def test_too_few_groups_are_said():
    judging = _judge(Y, groups=np.arange(60) // 30)
    assert judging.splits is None and "are of 2 groups" in judging.notes[0]
    judging = _judge((np.arange(60) < 20).astype(int), groups=np.arange(60) // 20)
    assert judging.splits is None


def test_repeats_are_counted_as_one_sample_each():
    persons = np.repeat(np.arange(12), 5)
    repeated = rng.normal(size=(12, 4))[persons] + 0.05 * rng.normal(size=(60, 4))
    judging = _judge(persons % 2, X=repeated)
    assert "look like repeats of" in judging.notes[0] and "groups=" in judging.notes[0]
    for train, test in judging.splits.splits:
        assert set(persons[train].tolist()).isdisjoint(persons[test].tolist())
    assert not _judge(persons % 2, X=repeated, groups=persons).notes
    target, hidden = split_target_labels(Domain(repeated, persons % 2), np.array([0, 1]), "hide", 0)
    judging = prepare_judging(target, hidden, TASK, Arguments.of(), random_state=0)
    assert len(np.unique(judging.hidden_groups)) <= 15 and "hidden target samples" in judging.notes[0]
