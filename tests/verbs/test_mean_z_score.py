"""The mean of several scores on one scale."""

import numpy as np

from landbridge.measurement import Measurement
from landbridge.verbs._mean_z_score import mean_z_score, mean_z_score_draws

ONE = [Measurement("a", 1.0, 0.0, 2.0, null=0.0, p_value=0.01), Measurement("a", 3.0, 2.0, 4.0, null=0.0, p_value=0.2)]
TWO = [
    Measurement("b", 10.0, 5.0, 15.0, null=0.0, p_value=0.3),
    Measurement("b", 30.0, 25.0, 35.0, null=0.0, p_value=0.1),
]


def test_scores_count_alike_whatever_their_scale():
    found = mean_z_score({"a": ONE, "b": TWO})
    assert [m.value for m in found] == [-1.0, 1.0]
    assert [m.p_value for m in found] == [0.3, 0.2]
    assert found[0].low < found[0].value < found[0].high
    assert found[0].details == {"a": 1.0, "b": 10.0}


def test_opposite_scores_cancel():
    assert [m.value for m in mean_z_score({"a": ONE, "b": TWO[::-1]})] == [0.0, 0.0]


def test_equal_scores_do_not_divide_by_zero():
    assert [m.value for m in mean_z_score({"a": [ONE[0], ONE[0]]})] == [0.0, 0.0]


def test_draws_are_on_the_scale_of_the_measurements():
    draws = {"a": np.array([[1.0, 3.0], [3.0, 1.0]]), "b": np.array([[10.0, 30.0], [30.0, 10.0]])}
    np.testing.assert_allclose(mean_z_score_draws({"a": ONE, "b": TWO}, draws), [[-1.0, 1.0], [1.0, -1.0]])
