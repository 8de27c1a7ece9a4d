"""Sample weights of a source table."""

import numpy as np
import pandas as pd
import pytest

from landbridge import Domain, transfer
from landbridge.data import read_pair
from landbridge.data._weights import resample_by_weight
from landbridge.exceptions import InputError


def test_copies_are_in_proportion_and_one_group():
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 3, 200)
    found, words = resample_by_weight(Domain(np.arange(200.0)[:, None]), weights)
    copies = np.bincount(found.X.ravel().astype(int), minlength=200)
    expected = 200 * weights / weights.sum()
    assert (np.abs(copies - expected) < 1.0).all() and len(found) == 200 and "resampled" in words
    assert len(np.unique(found.groups)) == len(np.unique(found.X))


def test_groups_are_kept():
    groups = np.repeat(["a", "b"], 5)
    found, _ = resample_by_weight(Domain(np.arange(10.0)[:, None], groups=groups), np.ones(10))
    assert found.groups.tolist() == groups.tolist()


def test_a_weighted_source_is_that_of_the_repeated_table():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=60), "z": rng.normal(size=60), "y": [0, 1] * 30, "w": [3, 1, 0] * 20})
    source, target, encoder = read_pair(frame, frame, label="y", read_options={"weights": "w"})
    assert source.columns == target.columns == ["x", "z"] and any("resampled" in n for n in encoder.notes_)
    assert transfer(frame, frame, label="y", read_options={"weights": "w"}, methods=["CORAL"]).settings["read_options"]


@pytest.mark.parametrize("weights", [[-1.0, 1.0], [0.0, 0.0], [np.nan, 1.0], ["a", "b"]])
def test_weights_at_fault(weights):
    frame = pd.DataFrame({"x": [1.0, 2.5] * 10, "y": [0, 1] * 10, "w": weights * 10})
    with pytest.raises(InputError, match="weights='w'"):
        read_pair(frame, frame, label="y", read_options={"weights": "w"})
