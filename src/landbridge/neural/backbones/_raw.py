"""Pretrained networks stored as bare weights: ResNet-20 for CIFAR, and SqueezeNet 1.1 with Caffe's names."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.exceptions import InputError, ReadError
from landbridge.neural._network import Network
from landbridge.neural._random import seeded
from landbridge.neural.backbones._images import ImageInput

__all__ = ["empty_raw", "raw_backbone"]


def raw_backbone(path: Path) -> Network:
    """Load bare weights whose layout is known by their names.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` file.

    Returns
    -------
    Network
        Without a head.
    """
    try:
        weights = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ReadError(f"backbone={str(path)!r} cannot be read ({error}); give a safetensors file.") from error
    if "layer3.2.conv2.weight" in weights and weights["conv1.weight"].shape == (16, 3, 3, 3):
        name, places = "resnet20", {"conv1": "stem.0", "bn1": "stem.1"}
    elif "fire9/expand3x3.weight" in weights:
        name, places = "squeezenet", {"conv1": "stem.0"}
    else:
        raise InputError(
            f"backbone={str(path)!r}: these weights are of no layout known here (ResNet-20 for CIFAR, SqueezeNet 1.1); "
            "build the module yourself, load them and pass it."
        )
    network = empty_raw(name)
    state = {}
    for key, value in weights.items():
        layer, rest = key.replace("/", ".").split(".", 1)
        state[f"{places.get(layer, layer)}.{rest}"] = value
    missing, unknown = network.stages.load_state_dict(state, strict=False)
    if lost := [k for k in missing if "num_batches_tracked" not in k]:
        raise InputError(f"backbone={str(path)!r} lacks the weights of {lost[0]}; the file is not whole.")
    if odd := [k for k in unknown if not k.startswith(("linear.", "conv10."))]:
        raise InputError(f"backbone={str(path)!r} has weights {odd[0]} that this layout does not know.")
    return network.eval()


def empty_raw(name: str) -> Network:
    """Make the architecture without its weights.

    Parameters
    ----------
    name : {"resnet20", "squeezenet"}

    Returns
    -------
    Network
    """
    spec = {"kind": "raw", "name": name}
    with seeded(0):
        if name == "resnet20":
            prepare = ImageInput((32, 32), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
            return Network(_resnet20(), in_features=64, preprocess=prepare, spec=spec)
        blue_green_red = [m / 255.0 for m in (104.0, 117.0, 123.0)]
        prepare = ImageInput((227, 227), blue_green_red, [1 / 255.0] * 3, reverse=True)
        return Network(_squeezenet(), in_features=512, preprocess=prepare, spec=spec)


def _resnet20() -> dict[str, nn.Module]:
    stages: dict[str, nn.Module] = {
        "stem": nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    }
    width = 16
    for i, wider in enumerate((16, 32, 64)):
        stages[f"layer{i + 1}"] = nn.Sequential(*(_Block(width if k == 0 else wider, wider) for k in range(3)))
        width = wider
    return stages


class _Block(nn.Module):
    """Two convolutions and a shortcut without weights (option A: every second pixel, missing channels zero)."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.stride, self.more = (1, 0) if width == wider else (2, wider - width)
        self.conv1 = nn.Conv2d(width, wider, 3, stride=self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(wider)
        self.conv2 = nn.Conv2d(wider, wider, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(wider)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return F.relu(x + y)


class _Fire(nn.Module):
    """Squeeze to few channels, expand by two kinds of kernels; a pool before it where the image is halved."""

    def __init__(self, width: int, narrow: int, wider: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.squeeze1x1 = nn.Conv2d(width, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wider, 1)
        self.expand3x3 = nn.Conv2d(narrow, wider, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if self.halve:
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = F.relu(self.squeeze1x1(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


def _squeezenet() -> dict[str, nn.Module]:
    stages: dict[str, nn.Module] = {"stem": nn.Sequential(nn.Conv2d(3, 64, 3, stride=2), nn.ReLU())}
    width = 64
    for number, narrow, wider in zip(
        range(2, 10), (16, 16, 32, 32, 48, 48, 64, 64), (64, 64, 128, 128, 192, 192, 256, 256), strict=True
    ):
        stages[f"fire{number}"] = _Fire(width, narrow, wider, halve=number in (2, 4, 6))
        width = 2 * wider
    return stages
