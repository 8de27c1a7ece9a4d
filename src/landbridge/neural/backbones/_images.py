"""Image input: read by Pillow, resized and cropped as the backbone expects, normalised on the device."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.data._pictures import to_colours
from landbridge.exceptions import InputError, ReadError

__all__ = ["ImageInput", "read_image", "read_images"]

# Brightest values that images are stored with: shares, scikit-learn's digits, bytes, two bytes.
BRIGHTEST = (1.0, 16.0, 255.0, 65535.0)


class ImageInput(nn.Module):
    """Image preprocessing: scaling of pixel values, resizing and normalisation.

    Parameters
    ----------
    size : tuple of int
        ``(height, width)``.
    mean, std : sequence of float
        One a channel, of shares between 0 and 1.
    edge : int, optional
        The shorter edge of a file's image is brought to this before the middle is cut out. If None, the image is
        stretched to `size`.
    resample : int, default=2
        Pillow's filter (2 bilinear, 3 bicubic).
    reverse : bool, default=False
        Whether the backbone takes blue, green, red.
    """

    mean: Tensor
    std: Tensor
    brightest: Tensor

    def __init__(
        self,
        size: tuple[int, int],
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
        edge: int | None = None,
        resample: int = 2,
        reverse: bool = False,
    ) -> None:
        super().__init__()
        self.reverse = reverse
        self.size, self.edge, self.resample = (int(size[0]), int(size[1])), edge, int(resample)
        if len(mean) != len(std):
            raise InputError(f"mean has {len(mean)} entries and std {len(std)}; give both one a channel.")
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("brightest", torch.tensor(255.0))

    @classmethod
    def of(cls, config: dict[str, Any], model: Any = None) -> ImageInput:
        """Make the preprocessing from a ``preprocessor_config.json``.

        Parameters
        ----------
        config : dict
        model : object, optional
            The model's configuration, for what the dict lacks.

        Returns
        -------
        ImageInput
        """
        own = getattr(model, "vision_config", model)
        size: Any = config.get("size", getattr(own, "image_size", 224) or 224)
        crop: Any = config.get("crop_size", size) if config.get("do_center_crop", False) else size
        edge = None
        if isinstance(size, dict) and "shortest_edge" in size:
            edge = int(size["shortest_edge"])
            if crop is size:
                # ConvNeXt keeps a margin: the image is resized to more and the middle cut out.
                edge, crop = int(edge / config.get("crop_pct", 1.0)), edge
        elif config.get("do_center_crop", False) and isinstance(size, int):
            edge = size
        channels = int(getattr(own, "num_channels", 3) or 3)
        mean, std = config.get("image_mean", [0.5] * channels), config.get("image_std", [0.5] * channels)
        if config.get("do_normalize", True) is False:
            mean, std = [0.0] * channels, [1.0] * channels
        return cls(_pair(crop), mean, std, edge, config.get("resample", 2))

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain data.

        Returns
        -------
        dict
        """
        return {
            "size": list(self.size),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "edge": self.edge,
            "resample": self.resample,
            "reverse": self.reverse,
            "brightest": float(self.brightest),
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> ImageInput:
        """Undo ``describe``.

        Parameters
        ----------
        description : dict

        Returns
        -------
        ImageInput
        """
        height, width = description["size"]
        made = cls(
            (height, width),
            description["mean"],
            description["std"],
            description["edge"],
            description["resample"],
            description["reverse"],
        )
        made.brightest.fill_(description["brightest"])
        return made

    def learn(self, x: Tensor) -> None:
        """Find out how bright the brightest pixel can be: the least usual value that no pixel exceeds.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)
        """
        top = float(x.max()) if x.dtype != torch.uint8 else 255.0
        fitting = [b for b in BRIGHTEST if top <= b]
        self.brightest.fill_(fitting[0] if fitting else top)

    def read(self, paths: Sequence[str]) -> Tensor:
        """Read image files.

        Parameters
        ----------
        paths : sequence of path-like

        Returns
        -------
        Tensor of uint8, shape (n, 3, height, width)
        """
        return read_images(paths, self.size, self.edge, self.resample, channels=self.mean.shape[1])[0]

    def forward(self, x: Tensor) -> Tensor:
        """Preprocess images.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)
            Stored pixels; grey images are repeated for a backbone that takes colours.

        Returns
        -------
        Tensor of shape (n, channels, height, width)
        """
        x = x.to(self.mean.dtype) / self.brightest
        if x.shape[1] != self.mean.shape[1]:
            if x.shape[1] == 1:
                x = x.expand(-1, self.mean.shape[1], -1, -1)
            elif self.mean.shape[1] == 1:
                x = x.mean(1, keepdim=True)
            else:
                raise InputError(f"images have {x.shape[1]} channels; give 1 (grey) or {self.mean.shape[1]} (colour).")
        if x.shape[-2:] != self.size:
            x = F.interpolate(x, self.size, mode="bilinear", antialias=True)
        if self.reverse:
            x = x.flip(1)
        return (x - self.mean) / self.std

    def extra_repr(self) -> str:
        """Return the settings for ``repr`` and the key of cached features.

        Returns
        -------
        str
        """
        return f"size={self.size}, edge={self.edge}, resample={self.resample}"


def read_image(
    path: str | Path, size: tuple[int, int], edge: int | None = None, resample: int = 2, channels: int = 3
) -> Any:
    """Read one image file.

    Parameters
    ----------
    path : path-like
    size : tuple of int
        ``(height, width)`` of the result.
    edge : int, optional
        Bring the shorter edge to this and cut out the middle. If None, stretch.
    resample : int, default=2
    channels : int, default=3
        1 or 3.

    Returns
    -------
    ndarray of uint8, shape (channels, height, width)

    Raises
    ------
    ReadError
        If Pillow cannot read it; the message names the file.
    """
    from PIL import Image

    height, width = size
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (2 * max(size), 2 * max(size)))  # large JPEGs are read small, which is faster
            image = to_colours(opened)
            image = image if channels == 3 else image.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ReadError(
            f"image {path} cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__}); "
            "mend or remove it, or skip such files with skip_corrupt=True."
        ) from error
    if edge is None:
        image = image.resize((width, height), resample)
    else:
        scale = edge / min(image.size)
        wide, high = (max(round(s * scale), t) for s, t in zip(image.size, (width, height), strict=True))
        image = image.resize((wide, high), resample)
        left, top = (wide - width) // 2, (high - height) // 2
        image = image.crop((left, top, left + width, top + height))
    dots = np.asarray(image, dtype=np.uint8)
    return dots[None] if dots.ndim == 2 else dots.transpose(2, 0, 1)


def read_images(
    paths: Sequence[Any],
    size: tuple[int, int],
    edge: int | None = None,
    resample: int = 2,
    *,
    channels: int = 3,
    skip_corrupt: bool = False,
    n_jobs: int = 4,
) -> tuple[Tensor, list[int]]:
    """Read image files, several at once.

    Parameters
    ----------
    paths : sequence of path-like
    size : tuple of int
    edge : int, optional
    resample : int, default=2
    channels : int, default=3
    skip_corrupt : bool, default=False
        Leave out files that cannot be read, instead of an error that names the first.
    n_jobs : int, default=4

    Returns
    -------
    images : Tensor of uint8, shape (n_read, channels, height, width)
    read : list of int
        Which of the paths were read.
    """

    def one(path: Any) -> Any:
        try:
            return read_image(path, size, edge, resample, channels)
        except ReadError:
            if skip_corrupt:
                return None
            raise

    with ThreadPoolExecutor(n_jobs) as pool:
        found = list(pool.map(one, paths))
    read = [i for i, image in enumerate(found) if image is not None]
    if not read:
        raise ReadError("no image could be read; give files that Pillow knows, such as JPEG or PNG.")
    return torch.from_numpy(np.stack([found[i] for i in read])), read


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        if "height" in size:
            return int(size["height"]), int(size["width"])
        size = size.get("shortest_edge", 224)
    if isinstance(size, (list, tuple)):
        return (int(size[0]), int(size[-1]))
    return int(size), int(size)
