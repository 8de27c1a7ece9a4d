"""Labels of both domains: what is learned from, what stays hidden, what is validated on."""

import numpy as np
import pytest

from landbridge import Domain
from landbridge.exceptions import LabelError
from landbridge.problem import labelled_source, split_target_labels, target_splits
from landbridge.tasks import get_task

CLASSES = np.array([0, 1])


def _target(y):
    return Domain(np.arange(2.0 * len(y)).reshape(-1, 2), y, name="there")


def test_unlabelled_source_samples_are_dropped():
    source = labelled_source(_target([0, None, 1]), get_task("classification"))
    assert source.y.tolist() == [0, 1] and len(source) == 2


@pytest.mark.parametrize(("y", "message"), [(None, "has no labels"), ([1, 1], "single class")])
def test_a_source_that_cannot_teach_is_refused(y, message):
    source = Domain(np.eye(2), y, name="here")
    with pytest.raises(LabelError, match=message):
        labelled_source(source, get_task("classification"))


def test_all_none_or_some_labels_are_hidden():
    target = _target([0, 1] * 5)
    shown, hidden = split_target_labels(target, CLASSES, "use", 0)
    assert hidden is None and shown.labelled.all()
    shown, hidden = split_target_labels(target, CLASSES, "hide", 0)
    assert not shown.labelled.any() and hidden.tolist() == [0, 1] * 5
    shown, hidden = split_target_labels(target, CLASSES, 2, 0)
    known = np.flatnonzero(shown.labelled)
    assert sorted(shown.labelled_part().y.tolist()) == [0, 0, 1, 1]
    assert all(hidden[i] is None for i in known) and sum(v is not None for v in hidden) == 6


def test_the_same_seed_hides_the_same_labels():
    a, b, c = (split_target_labels(_target([0, 1] * 20), CLASSES, 3, seed)[0].labelled for seed in (0, 0, 1))
    assert (a == b).all() and (a != c).any()


def test_a_class_that_the_source_does_not_have_is_named():
    with pytest.raises(LabelError, match="label 2, which the source does not have"):
        split_target_labels(_target([0, 1, 2]), CLASSES, "use", 0)


def test_minus_one_and_plus_one_are_classes_where_the_source_has_them():
    shown, _ = split_target_labels(_target([-1, 1, -1]), np.array([-1, 1]), "use", 0)
    assert shown.labelled.all()
    shown, _ = split_target_labels(_target([-1, 1, 0]), CLASSES, "use", 0)
    assert shown.labelled.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("y", "enough"),
    [([0, 1] * 3, True), ([0, 1] * 2, False), ([0] * 6, False), ([0] * 6 + [1], False), ([0] * 6 + [1, 1], True)],
)
def test_too_few_labels_are_not_validated_on(y, enough):
    assert (target_splits(_target(y), regression=False, random_state=0) is not None) is enough


def test_a_number_per_class_draws_whole_groups():
    groups = np.repeat(np.arange(8), 5)
    target = Domain(np.random.default_rng(0).normal(size=(40, 2)), groups % 2, groups=groups)
    shown, hidden = split_target_labels(target, CLASSES, 6, 0)
    for g in range(8):
        assert len(set(shown.labelled[groups == g].tolist())) == 1
    counts = np.bincount(np.asarray(shown.labelled_part().y))
    assert counts.tolist() == [10, 10] and sum(v is not None for v in hidden) == 20


def test_splits_hold_out_whole_groups():
    groups = np.repeat(np.arange(8), 5)
    target = Domain(np.random.default_rng(0).normal(size=(40, 2)), groups % 2, groups=groups)
    splits = target_splits(target, regression=False, random_state=0)
    assert all(set(groups[a].tolist()).isdisjoint(groups[b].tolist()) for a, b in splits.splits)
    assert target_splits(target.replace(groups=groups % 2), regression=False, random_state=0) is None


def test_labels_are_asked_for_where_there_are_none():
    for target in (Domain(np.zeros((4, 1))), Domain(np.zeros((4, 1)), [None] * 4)):
        with pytest.raises(LabelError, match="target_labels=5 asks for labelled target samples, and target"):
            split_target_labels(target, np.array([0, 1]), 5, 0)
        assert split_target_labels(target, np.array([0, 1]), "hide", 0)[1] is None
