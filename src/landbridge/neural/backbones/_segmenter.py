"""A network that classifies pixels, as ordered stages and a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError

__all__ = ["Segmenter", "normalise_pixels"]


@dataclass
class Segmenter:
    """Stages and head of a network that classifies pixels.

    Parameters
    ----------
    stages : dict of str to Module
        In the order in which they run; each takes what the one before gives, the first normalised images.
    head : Module
        Takes the ``hidden`` of the last stage, or the last stage's output if that is a tensor, and gives one score per
        class and pixel.
    in_features : int
        Channels that the head takes.
    classes : tuple of str
        By number.
    mean, std : tuple of float
        Of channels between 0 and 255, in the order that the network takes them.
    reverse : bool, default=False
        Whether the network takes blue, green, red.
    multiple : int, default=1
        Heights and widths of images are multiples of this.
    size : tuple of int, optional
        Height and width that the network was trained with.
    """

    stages: dict[str, nn.Module]
    head: nn.Module
    in_features: int
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    reverse: bool = False
    multiple: int = 1
    size: tuple[int, int] | None = None
    modules: nn.ModuleDict = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Hold stages and head as one module."""
        self.modules = nn.ModuleDict({"stages": nn.ModuleDict(self.stages), "head": self.head})

    def normalise(self, images: Tensor) -> Tensor:
        """Normalise images as the network was trained with.

        Parameters
        ----------
        images : Tensor of shape (n, 3, height, width)
            Red, green and blue from 0 to 255.

        Returns
        -------
        Tensor of float32, shape (n, 3, height, width)
        """
        return normalise_pixels(images, self.mean, self.std, self.reverse)

    def logits(self, images: Tensor) -> Tensor:
        """Compute the scores of the classes of each pixel.

        Parameters
        ----------
        images : Tensor of shape (n, 3, height, width)
            Red, green and blue from 0 to 255.

        Returns
        -------
        Tensor of shape (n, n_classes, height, width)
            At the size of the images, by bilinear interpolation where the head gives fewer pixels.

        Raises
        ------
        InputError
            If the size is no multiple of `multiple`.
        """
        height, width = images.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise InputError(
                f"images have {height} x {width} pixels; this network takes multiples of {self.multiple}: resize or "
                "pad them."
            )
        x: Any = self.normalise(images)
        for stage in self.stages.values():
            x = stage(x)
        scores = self.head(x if isinstance(x, Tensor) else x.hidden)
        if scores.shape[-2:] == (height, width):
            return scores
        return nn.functional.interpolate(scores, (height, width), mode="bilinear", align_corners=False)

    def eval(self) -> Segmenter:
        """Set stages and head to eval mode.

        Returns
        -------
        Segmenter
            The same object.
        """
        self.modules.eval()
        return self


def normalise_pixels(images: Tensor, mean: Sequence[float], std: Sequence[float], reverse: bool = False) -> Tensor:
    """Subtract the mean of each channel and divide by its scale.

    Parameters
    ----------
    images : Tensor of shape (n, n_channels, height, width)
    mean, std : sequence of float
        One per channel, after the order is reversed.
    reverse : bool, default=False
        Whether red, green, blue becomes blue, green, red first.

    Returns
    -------
    Tensor of float32, shape (n, n_channels, height, width)

    Raises
    ------
    InputError
        If there is another number of channels.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.backbones._segmenter import normalise_pixels
    >>> normalise_pixels(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1), (1, 1, 1), (1, 2, 4), reverse=True).flatten()
    tensor([2.0000, 0.5000, 0.0000])
    """
    if images.ndim != 4 or images.shape[1] != len(mean):
        raise InputError(f"images must have the shape (n, {len(mean)}, height, width); got {tuple(images.shape)}.")
    x = images.float()
    x = x.flip(1) if reverse else x
    low, scale = (torch.tensor(v, dtype=torch.float32, device=x.device).view(1, -1, 1, 1) for v in (mean, std))
    return (x - low) / scale
