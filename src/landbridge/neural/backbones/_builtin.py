"""Backbones without a download: a small convolutional network with weights, and a multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._network import Network
from landbridge.neural._random import seed_from, seeded
from landbridge.neural.backbones._images import read_images

__all__ = ["WEIGHTS", "builtin_backbone", "mlp_backbone"]

WEIGHTS = Path(__file__).parent / "weights" / "printed_digits.safetensors"
WIDTHS = {"edges": 16, "strokes": 32, "parts": 48, "shapes": 64}
SIDES = {"edges": 16, "strokes": 8, "parts": 4, "shapes": 4}


class Standardize(nn.Module):
    """Standardisation: subtract the mean and divide by the standard deviation, per feature or per channel.

    Parameters
    ----------
    width : int
        Number of columns or channels.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def learn(self, x: Tensor) -> None:
        """Compute mean and standard deviation of samples.

        Parameters
        ----------
        x : Tensor of shape (n, width, ...)
        """
        axes = [0, *range(2, x.ndim)]
        x = x.double()
        spread = x.std(axes, correction=0)
        self.mean.copy_(x.mean(axes))
        self.scale.copy_(torch.where(spread > 1e-12 * x.abs().amax(axes), spread, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Standardise samples.

        Parameters
        ----------
        x : Tensor of shape (n, width, ...)

        Returns
        -------
        Tensor
        """
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return (x.to(self.mean.dtype) - self.mean.view(shape)) / self.scale.view(shape)


class Dots(Standardize):
    """``Standardize`` for images, which can be read from files as well."""

    def read(self, paths: Sequence[str]) -> Tensor:
        """Read image files at 32 x 32 pixels.

        Parameters
        ----------
        paths : sequence of path-like

        Returns
        -------
        Tensor of uint8, shape (n, channels, 32, 32)
        """
        return read_images(paths, (32, 32), 32, channels=len(self.mean))[0]


def builtin_backbone(*, channels: int = 1, pretrained: bool = True, random_state: Any = None) -> Network:
    """Make the small convolutional network for grey or colour images of 8 to 32 pixels a side.

    Four stages of 3 x 3 convolutions with batch norm (real statistics); trained on the built-in printed digits.

    Parameters
    ----------
    channels : int, default=1
        1 or 3. With 3, the first layer's weights are spread over the colours.
    pretrained : bool, default=True
    random_state : int, RandomState instance or None, default=None
        Of new weights.

    Returns
    -------
    Network
        Without a head; 64 features.
    """
    if channels not in (1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (colour); got {channels}.")
    with seeded(0 if pretrained else seed_from(random_state)):
        stages: dict[str, nn.Module] = {}
        width = channels
        for name, wider in WIDTHS.items():
            stages[name] = nn.Sequential(
                nn.Conv2d(width, wider, 3, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.ReLU(),
                _Shrink(SIDES[name]),
            )
            width = wider
    network = Network(
        stages,
        in_features=width,
        preprocess=Dots(channels),
        spec={"kind": "builtin", "channels": channels},
    )
    if pretrained:
        state = load_file(WEIGHTS)
        if channels == 3:
            state["stages.edges.0.weight"] = state["stages.edges.0.weight"].repeat(1, 3, 1, 1) / 3.0
        own = network.preprocess.state_dict(prefix="preprocess.")
        network.load_state_dict(state | own)
    return network.eval()


class _Shrink(nn.Module):
    """Average pooling by integer factors down to about `side` pixels, for images of 8 to 32 pixels."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        step = max(1, min(x.shape[-2:]) // self.side)
        return nn.functional.avg_pool2d(x, step) if step > 1 else x


def mlp_backbone(in_features: int, widths: Sequence[int] = (64, 32), *, random_state: Any = None) -> Network:
    """Make a multilayer perceptron for tables, with random weights; one stage per layer.

    Parameters
    ----------
    in_features : int
        Number of columns.
    widths : sequence of int, default=(64, 32)
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    Network
        Without a head.
    """
    with seeded(seed_from(random_state)):
        stages: dict[str, nn.Module] = {}
        width = in_features
        for i, wider in enumerate(widths):
            stages[f"layer{i + 1}"] = nn.Sequential(nn.Linear(width, wider), nn.ReLU())
            width = wider
    return Network(
        stages,
        in_features=width,
        preprocess=Standardize(in_features),
        spec={"kind": "mlp", "in_features": in_features, "widths": list(widths)},
    )
