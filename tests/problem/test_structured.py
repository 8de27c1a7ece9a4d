"""Sides with structured labels: read by their task, labels hidden or limited, splits of sentences."""

import numpy as np
import pytest

from landbridge.exceptions import InputError
from landbridge.problem._structured import (
    StructuredReader,
    StructuredSide,
    listed,
    read_structured,
    split_structured_labels,
    structured_splits,
)
from landbridge.tasks import get_task

TASK = get_task("tagging")


def side(n, n_entities):
    words = [["Anna", "ran"]] * n
    tags = [["B-PER", "O"] if i < n_entities else ["O", "O"] for i in range(n)]
    return read_structured((words, tags), TASK, "target")


def test_lists_of_one_length_stay_one_entry_each():
    assert listed([["a", "b"], ["c", "d"]]).shape == (2,)
    assert listed([np.zeros((2, 2)), np.zeros((2, 2))]).shape == (2,)


def test_a_side_knows_its_labels():
    one = StructuredSide("x", listed([["a"], ["b"]]), listed([["O"], None]))
    assert one.labelled.tolist() == [True, False]
    assert list(one.labelled_part().y) == [["O"]]
    assert StructuredSide("x", listed([["a"]]), None).labelled.tolist() == [False]


def test_labels_to_learn_from_are_drawn_by_the_seed():
    target = side(20, 10)
    first, hidden = split_structured_labels(target, 8, 3)
    again, _ = split_structured_labels(target, 8, 3)
    assert first.labelled.tolist() == again.labelled.tolist()
    assert first.labelled.sum() == 8
    assert [v is not None for v in hidden] == (~first.labelled).tolist()
    assert target.labelled.all()


def test_splits_need_some_labels_that_hold_something():
    assert structured_splits(side(9, 9), TASK, 0) is None
    assert structured_splits(side(20, 4), TASK, 0) is None
    splits = structured_splits(side(20, 5), TASK, 0)
    assert len(splits.splits) == 5 and splits.task is TASK
    assert all((test < 5).sum() == 1 for _, test in splits.splits)


def test_the_reader_reads_files_and_checks_samples(tmp_path):
    (tmp_path / "a.conll").write_text("In\tO\nRome\tB-LOC\n")
    X, names = StructuredReader("tagging").read(tmp_path / "a.conll")
    assert (X[0], names) == (["In", "Rome"], ["0"])
    with pytest.raises(InputError, match="list of words"):
        StructuredReader("tagging").transform(["In Rome"])
