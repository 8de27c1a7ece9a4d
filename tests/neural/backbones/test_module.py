"""Any module as stages, and the bare weights whose layout is known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import nn  # noqa: E402

from landbridge.data import shared_data, shared_weights  # noqa: E402
from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import load_backbone, predict_logits  # noqa: E402


class Odd(nn.Module):
    """Does more between its layers than calling them."""

    def __init__(self):
        super().__init__()
        self.start = nn.Conv2d(1, 4, 3)
        self.first = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU())
        self.last = nn.Linear(6, 5)

    def forward(self, x):
        x = self.first(self.start(2 * x)) + 1
        return self.last(self.second(x).mean((2, 3)) ** 2)


def test_named_submodules_become_stages():
    module, x = Odd().eval(), torch.randn(3, 1, 12, 12)
    net = load_backbone(module, stages=["first", "second"], example=x[:1])
    assert net.stage_names == ("embeddings", "first", "second", "pooler")
    with torch.no_grad():
        assert torch.allclose(net.embed(x), module(x))
        features = net.features(x, pooled=False)
        assert torch.equal(features["embeddings"], module.start(2 * x))
        assert torch.equal(features["first"], module.first(module.start(2 * x)))
        state = net.activations(x, "second")
        assert torch.allclose(net.embed(state, start="pooler"), module(x))


def test_sequential_and_what_cannot_be_split():
    net = load_backbone(nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    assert net.stage_names == ("0", "1") and net.in_features == 4
    with pytest.raises(InputError, match="needs example="):
        load_backbone(Odd())
    with pytest.raises(InputError, match="no submodule 'third'"):
        load_backbone(Odd(), stages=["third"], example=torch.randn(1, 1, 12, 12))
    with pytest.raises(InputError, match="in the order given"):
        load_backbone(Odd(), stages=["second", "first"], example=torch.randn(1, 1, 12, 12))


def test_unknown_layout_is_an_error(tmp_path):
    save_file({"w": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="no layout known here"):
        load_backbone(tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="cannot be read"):
        load_backbone(tmp_path / "none.safetensors")


@pytest.mark.data
def test_resnet20_classifies_cifar():
    weights, data = shared_weights("resnet20_cifar10.safetensors"), shared_data("cifar10_5k.npz")
    if weights is None or data is None:
        pytest.skip("the shared weights or data are not there")
    net = load_backbone(weights)
    head = nn.Linear(64, 10)
    raw = load_file(weights)
    head.load_state_dict({"weight": raw["linear.weight"], "bias": raw["linear.bias"]})
    with np.load(data) as file:
        X, y = file["test_X"][:200], file["test_y"][:200]
    logits = predict_logits(net.replace_head(head), torch.tensor(X).permute(0, 3, 1, 2).contiguous())
    # 91 % on the original images; these went through JPEG
    assert (logits.argmax(1).numpy() == y).mean() > 0.7


@pytest.mark.data
def test_squeezenet_is_loaded_and_composes():
    weights = shared_weights("squeezenet1_1_imagenet_fp16.safetensors")
    if weights is None:
        pytest.skip("the shared weights are not there")
    net = load_backbone(weights)
    assert net.stage_names[0] == "stem" and net.stage_names[-1] == "fire9"
    assert net.embed(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape == (1, 512)
