"""The column of groups: taken out of the features, kept per sample."""

import numpy as np
import pandas as pd
import pytest

from landbridge.data import read, read_pair
from landbridge.exceptions import InputError

FRAME = pd.DataFrame({"age": [1.0, 2, 3, 4], "patient": ["a", "a", "b", "b"], "ill": [0, 0, 1, 1]})


def test_one_table():
    domain = read(FRAME, label="ill", groups="patient")
    assert domain.columns == ["age"] and domain.groups.tolist() == ["a", "a", "b", "b"]


def test_two_tables():
    one, two, encoder = read_pair(FRAME, FRAME.assign(patient=[7, 7, 8, 9]), label="ill", groups="patient")
    assert one.columns == two.columns == encoder.columns_ == ["age"]
    assert one.groups.tolist() == ["a", "a", "b", "b"] and two.groups.tolist() == [7, 7, 8, 9]


@pytest.mark.parametrize(
    ("source", "target", "groups", "message"),
    [
        (FRAME, FRAME.drop(columns="patient"), "patient", "is no column of the target"),
        (FRAME, FRAME, "pacient", "is no column of the source; its columns are like patient"),
        (FRAME, FRAME.assign(patient=[None, 1, 2, 3]), "patient", "1 rows have no entry"),
        (FRAME, FRAME, "ill", "groups and label both name"),
        ("builtin:tumours-small", FRAME, "patient", "needs a column of tables"),
    ],
)
def test_bad_columns_are_named(source, target, groups, message):
    with pytest.raises(InputError, match=message):
        read_pair(source, target, label="ill", groups=groups)


def test_samples_keep_their_groups():
    domain = read(FRAME, label="ill", groups="patient")
    assert domain.take([0, 3]).groups.tolist() == ["a", "b"]
    assert domain.without_labels().groups.tolist() == domain.groups.tolist()
    assert np.array_equal(domain.labelled_part().groups, domain.groups)
