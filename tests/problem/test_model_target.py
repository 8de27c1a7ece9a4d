"""Targets of models: what is a network, and target samples in a model's form."""

import numpy as np
import pytest

from landbridge.exceptions import LabelError
from landbridge.problem import ModelTarget, is_network, network_name


@pytest.mark.parametrize(
    ("side", "yes"),
    [("timm/inception", True), ("w.safetensors", True), ("a/b.csv", False), ("builtin:x", False), (np.eye(2), False)],
)
def test_networks_are_recognised_by_name(side, yes):
    assert is_network(side) is yes


def test_names():
    assert network_name("somewhere/weights.safetensors") == "weights" and network_name(np.eye(2)) == "ndarray"


def test_labelled_part():
    target = ModelTarget("t", np.arange(6).reshape(3, 2), np.array([1, None, 0], dtype=object), ["x", "y", "z"])
    part = target.labelled_part()
    assert len(target) == 3 and target.labelled.tolist() == [True, False, True]
    assert part.y.tolist() == [1, 0] and part.names == ["x", "z"] and target.classes.tolist() == [0, 1]
    none = target.with_labels(None)
    assert not none.labelled.any() and none.classes is None
    with pytest.raises(LabelError, match="no labelled sample"):
        none.labelled_part()


def test_sparse_samples_are_counted():
    from scipy import sparse

    from landbridge.problem._model_target import ModelTarget

    assert len(ModelTarget("t", sparse.csr_matrix([[1.0], [2.0]]), None, ["0", "1"])) == 2
