"""Image input of networks that classify pixels: any size, normalised, brought to a multiple."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.exceptions import InputError
from landbridge.neural.backbones._images import read_images

__all__ = ["PixelInput"]


class PixelInput(nn.Module):
    """Image preprocessing that keeps the size: scaling of pixel values and normalisation.

    Parameters
    ----------
    mean, std : sequence of float
        One per channel, of shares between 0 and 1.
    reverse : bool, default=False
        Whether the network takes blue, green, red; then `mean` and `std` have that order.
    multiple : int, default=1
        Heights and widths are interpolated up to a multiple of this.
    size : tuple of int, default=(256, 512)
        Height and width at which files are read for tasks with one label per image; other images keep their size.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.backbones._pixel_input import PixelInput
    >>> PixelInput((0.5,) * 3, (0.5,) * 3, multiple=8)(torch.zeros(1, 3, 12, 16, dtype=torch.uint8)).shape
    torch.Size([1, 3, 16, 16])
    """

    mean: Tensor
    std: Tensor
    # As of an ImageInput: files are stretched, by bilinear interpolation.
    edge = None
    resample = 2

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        reverse: bool = False,
        multiple: int = 1,
        size: Sequence[int] = (256, 512),
    ) -> None:
        super().__init__()
        self.size = (int(size[0]), int(size[1]))
        self.reverse, self.multiple = bool(reverse), int(multiple)
        self.register_buffer("mean", torch.tensor(list(mean), dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(list(std), dtype=torch.float32).view(1, -1, 1, 1))

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain data.

        Returns
        -------
        dict
        """
        return {
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "reverse": self.reverse,
            "multiple": self.multiple,
            "size": list(self.size),
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> PixelInput:
        """Undo ``describe``.

        Parameters
        ----------
        description : dict

        Returns
        -------
        PixelInput
        """
        return cls(**description)

    def read(self, paths: Sequence[str]) -> Tensor:
        """Read image files at `size`.

        Parameters
        ----------
        paths : sequence of path-like

        Returns
        -------
        Tensor of uint8, shape (n, n_channels, height, width)
        """
        return read_images(paths, self.size, channels=self.mean.shape[1])[0]

    def forward(self, x: Tensor) -> Tensor:
        """Preprocess images.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)
            Bytes, or shares between 0 and 1. Grey images are repeated.

        Returns
        -------
        Tensor of shape (n, channels, height, width)
        """
        x = x.to(self.mean.dtype) / 255.0 if x.dtype == torch.uint8 else x.to(self.mean.dtype)
        n_channels = self.mean.shape[1]
        if x.shape[1] == 1:
            x = x.expand(-1, n_channels, -1, -1)
        elif x.shape[1] != n_channels:
            raise InputError(f"images have {x.shape[1]} channels; give 1 (grey) or {n_channels} (colour).")
        height, width = (-(-s // self.multiple) * self.multiple for s in x.shape[-2:])
        if x.shape[-2:] != (height, width):
            x = F.interpolate(x, (height, width), mode="bilinear", align_corners=False)
        return ((x.flip(1) if self.reverse else x) - self.mean) / self.std

    def extra_repr(self) -> str:
        """Return the settings for ``repr``.

        Returns
        -------
        str
        """
        return f"reverse={self.reverse}, multiple={self.multiple}"
