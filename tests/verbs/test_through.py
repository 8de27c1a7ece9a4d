"""Stepping stones: a wide gap crossed in steps, given by hand or found in the target."""

import numpy as np
import pandas as pd
import pytest

from landbridge import Domain, transfer
from landbridge.data import make_gradual_shift
from landbridge.exceptions import InputError


@pytest.fixture(scope="module")
def path():
    return make_gradual_shift(8, angle=140, random_state=0)


def test_stones_carry_over_a_gap_that_no_single_step_crosses(path):
    source, *stones, target = path
    result = transfer(source, target, through=stones, target_labels="hide")
    assert result.decision.transferred and result.decision.chosen == "GradualSelfTraining"
    assert "intermediate domains" in result.decision.reason
    assert result[result.decision.chosen].hidden.value > 0.95
    assert result["source-only"].hidden.value < 0.2
    assert result.settings["through"] == [s.name for s in stones]


def test_stones_in_the_wrong_order_do_not_come_back(path):
    """Far stones first: the first step is too wide already, and what comes back is no longer the source's."""
    source, *stones, target = path
    result = transfer(source, target, through=stones[::-1], target_labels="hide", methods=["GradualSelfTraining"])
    chosen = result[result.decision.chosen].hidden.value
    assert not result.decision.transferred or chosen >= result["source-only"].hidden.value


def test_without_stones_a_narrow_gap_is_crossed_in_one_step():
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + 0.2
    result = transfer((X, X[:, 0] > 0), Xt)
    assert "one step" in result["GradualSelfTraining"].why


def test_stones_may_be_tables(path, tmp_path):
    for i, side in enumerate(path):
        frame = pd.DataFrame(side.X, columns=["a", "b"]).assign(label=np.where(side.y > 0, "up", "down"))
        frame.to_csv(tmp_path / f"{i}.csv", index=False)
    files = [str(tmp_path / f"{i}.csv") for i in range(len(path))]
    result = transfer(files[0], files[-1], through=files[1:-1], target_labels="hide", methods=["GradualSelfTraining"])
    assert result["GradualSelfTraining"].hidden.value > 0.95


@pytest.mark.parametrize(
    "through,message",
    [("stone.csv", "through must be a list"), ([np.ones((5, 3))], r"through\[0\] has 3 columns but source has 2")],
)
def test_bad_stones(path, through, message):
    with pytest.raises(InputError, match=message):
        transfer(path[0], Domain(path[-1].X), through=through)
