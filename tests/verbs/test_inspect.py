"""inspect(): facts about one or two sides, of tables of any width."""

import numpy as np
import pandas as pd

import landbridge


def test_columns_stand_in_the_order_of_the_source_and_those_of_the_target_alone_last():
    names = [f"x{i}" for i in range(60)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 60)), columns=names)
    found = landbridge.inspect(frame.assign(ill=[0, 1] * 6), frame[names[::-1]].assign(more=1.0), label="ill")
    assert found.n_features == 60
    assert [c.name for c in found.columns if c.name != "ill"] == [*names, "more"]


def test_one_side_needs_no_label():
    found = landbridge.inspect(pd.DataFrame({"a": [1.0, 2.0, 4.0]}))
    assert found.sides[0].n_samples == 3 and len(found.sides) == 1
