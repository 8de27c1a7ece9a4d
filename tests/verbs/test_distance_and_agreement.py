"""Sources without target labels: near ones first, and not those whose labels contradict the others'."""

import numpy as np
import pytest

from landbridge import rank
from landbridge.data import make_gradual_shift, make_shift
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.verbs._distance_and_agreement import agreement_with_others, distance_and_agreement


def bound(half, error):
    details = {"half_distance": half, "source_error": error, "joint_error": error}
    value = min(half + 2 * error, 1.0)
    return Measurement("risk_bound", value, value - 0.1, min(value + 0.1, 1.0), details=details)


def test_the_terms_and_the_interval():
    near, far = distance_and_agreement([bound(0.2, 0.1), bound(0.9, 0.1)], [0.8, 0.7])
    assert near.value == pytest.approx(0.8 - 0.2 - 0.05) and near.higher_is_better
    assert near.low == pytest.approx(near.value - 0.1) and near.high == pytest.approx(near.value + 0.1)
    assert far.value < near.value and far.low is None  # the bound was cut


def test_one_model_agrees_with_nobody():
    assert agreement_with_others([np.eye(2)]).tolist() == [0.0]


def test_labels_that_contradict_the_other_sources_do_not_come_first():
    """The same samples three times, once with swapped labels: the distance is the same for all."""
    source, target = make_shift("translation", severity=0.3, random_state=0)
    half = np.random.default_rng(0).permutation(len(source))
    parts = {name: source.take(np.sort(half[i::3])) for i, name in enumerate(("a", "b", "swapped"))}
    parts["swapped"] = parts["swapped"].replace(y=1 - parts["swapped"].y)
    ranking = rank(parts, target.without_labels())
    assert ranking.score == "distance_and_agreement" and ranking.names[-1] == "swapped"
    assert "agrees with those of the other sources" in str(ranking)


def test_near_sources_come_first():
    far, *_, near, target = make_gradual_shift(8, angle=90, random_state=0)
    ranking = rank({"far": far, "near": near}, target.without_labels())
    assert ranking.names == ("near", "far")


def test_values_and_single_sources_keep_the_bound():
    source, target = make_shift("translation", random_state=0)
    assert rank({"one": source}, target.without_labels()).score == "risk_bound"
    with pytest.raises(InputError, match="two classes or more"):
        rank(
            {"values": source.replace(y=source.X[:, 0] + 0.5)}, target.without_labels(), score="distance_and_agreement"
        )
