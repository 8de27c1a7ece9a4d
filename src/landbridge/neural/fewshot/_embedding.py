"""The small convolutional embedding that few-shot methods share."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from landbridge.neural._network import Network
from landbridge.neural._random import seed_from, seeded

__all__ = ["conv_embedding"]


class _Block(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
        )


class _Flat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Flatten the maps."""
        return x.flatten(1)


def conv_embedding(
    size: int = 28, channels: int = 1, width: int = 64, depth: int = 4, random_state: Any = None
) -> Network:
    """Make the embedding of the prototypical networks: blocks of convolution, batch norm, ReLU and pooling.

    Parameters
    ----------
    size : int, default=28
        Height and width of the images.
    channels : int, default=1
    width : int, default=64
        Channels of each block.
    depth : int, default=4
        Blocks.
    random_state : int, RandomState instance or None, default=None
        Of the random weights.

    Returns
    -------
    Network
        Without a head; the embedding is the last block's maps, laid out.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.fewshot import conv_embedding
    >>> conv_embedding(16, width=8, random_state=0).eval().embed(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 8])
    """
    with seeded(seed_from(random_state)):
        stages: dict[str, nn.Module] = {f"block{k + 1}": _Block(width if k else channels, width) for k in range(depth)}
    edge = size
    for _ in range(depth):
        edge = -(-edge // 2)
    stages["flat"] = _Flat()
    spec = {"kind": "blocks", "size": size, "channels": channels, "width": width, "depth": depth}
    return Network(stages, in_features=width * edge * edge, spec=spec)
