"""Comparing answers: what is found, and what is said when they part."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import load_backbone  # noqa: E402
from landbridge.neural.backbones import mlp_backbone  # noqa: E402
from landbridge.neural.handover import check_parity, compare  # noqa: E402


def test_compare_is_by_hand():
    a = np.array([[1.0, 2.0, 3.0], [0.0, 5.0, 1.0], [9.0, 0.0, 0.0]])
    b = a.copy()
    b[1, 2] = 5.5
    b[2, 0] = 8.9
    found = compare(a, torch.tensor(b))
    assert (found.largest, found.worst_sample, found.n_samples) == (4.5, 1, 3)
    assert found.agree == pytest.approx(2 / 3)
    assert compare([[-1.0], [2.0]], [[1.0], [3.0]]).agree == 0.5
    assert compare([[np.nan, 1.0]], [[np.nan, 1.0]]).largest == 0.0
    assert compare([[0.0, 1.0]], [[np.nan, 1.0]]).largest == np.inf
    assert compare([[np.inf]], [[np.inf]]).largest == 0.0


def test_the_worst_row_is_named():
    network = mlp_backbone(3, random_state=0)
    rows = torch.rand(6, 3)

    class Spoiled(nn.Module):
        def forward(self, x):
            y = network(x)
            y[4] += 0.5
            return y

    with pytest.raises(InputError, match=r"sample 4 differs by 0\.5"):
        check_parity(network, Spoiled(), rows)
    assert check_parity(network, Spoiled(), rows, tolerance=0.6).worst_sample == 4
    assert check_parity(network, load_backbone(network), rows).largest == 0.0


def test_bad_input_is_named(tmp_path):
    network, rows = mlp_backbone(3, random_state=0), torch.rand(2, 3)
    with pytest.raises(InputError, match="tolerance"):
        check_parity(network, network, rows, tolerance=0.0)
    with pytest.raises(InputError, match=r"artefact='none\.onnx'"):
        check_parity(network, tmp_path / "none.onnx", rows)
    with pytest.raises(InputError, match="artefact must be"):
        check_parity(network, 3, rows)
    (tmp_path / "some.txt").write_text("x")
    with pytest.raises(InputError, match="no kind known"):
        check_parity(network, tmp_path / "some.txt", rows)
    with pytest.raises(InputError, match="second has shape"):
        compare([[1.0]], [[1.0, 2.0]])
    for odd, found in [
        ({}, "inputs is a dict"),
        ("text", "inputs must hold samples"),
        (torch.zeros(0, 3), "no samples"),
    ]:
        with pytest.raises(InputError, match=found):
            check_parity(network, network, odd)
    with pytest.raises(InputError, match="different numbers of samples"):
        check_parity(network, network, {"a": torch.zeros(2), "b": torch.zeros(3)})
