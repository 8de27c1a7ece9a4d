"""Image input: read by Pillow, resized and cropped as the backbone expects, normalised on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.data._pictures import Picture, UnreadablePicture, common_spans, open_picture
from landbridge.exceptions import InputError, ReadError

__all__ = ["ImageInput", "open_pictures", "read_image", "read_images", "to_tensor"]

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
    path: str | Path,
    size: tuple[int, int],
    edge: int | None = None,
    resample: int = 2,
    channels: int = 3,
    spans: Mapping[str, Sequence[float]] | None = None,
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
    spans : mapping of str to (float, float), optional
        Darkest and brightest value of pixels of more than eight bits, by kind of number. If None, those that such files
        are usually stored with.

    Returns
    -------
    ndarray of uint8, shape (channels, height, width)

    Raises
    ------
    ReadError
        If Pillow cannot read it; the message names the file.
    """
    return _pixels(_open(path, size, edge, resample), channels, spans)


def _open(path: str | Path, size: tuple[int, int], edge: int | None, resample: int) -> Picture:
    """Open an image file at the size that a backbone takes."""
    height, width = size
    try:
        picture = open_picture(path, max(*size, edge or 0))
    except UnreadablePicture as error:
        raise ReadError(
            f"image {error.name} cannot be read ({error.why}); mend or remove it, or skip such files with "
            "skip_corrupt=True."
        ) from error
    if edge is None:
        return picture.resized(size, resample)
    scale = edge / min(picture.image.size)
    wide, high = (max(round(s * scale), t) for s, t in zip(picture.image.size, (width, height), strict=True))
    picture = picture.resized((high, wide), resample)
    left, top = (wide - width) // 2, (high - height) // 2
    return replace(picture, image=picture.image.crop((left, top, left + width, top + height)))


def _pixels(picture: Picture, channels: int, spans: Mapping[str, Sequence[float]] | None) -> Any:
    image = picture.colours(spans)
    pixels = np.asarray(image if channels == 3 else image.convert("L"), dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


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

    pictures, read = open_pictures(paths, size, edge, resample, skip_corrupt=skip_corrupt, n_jobs=n_jobs)
    spans = {d: s for d, s in common_spans(pictures).items() if not any(p.wide and p.depth == d for p in pictures)}
    return to_tensor(pictures, channels, spans), read


def open_pictures(
    paths: Sequence[Any],
    size: tuple[int, int],
    edge: int | None = None,
    resample: int = 2,
    *,
    skip_corrupt: bool = False,
    n_jobs: int = 4,
) -> tuple[list[Picture], list[int]]:
    """Open image files at one size, several at once.

    Parameters
    ----------
    paths, size, edge, resample, skip_corrupt, n_jobs
        As in :func:`read_images`.

    Returns
    -------
    pictures : list of Picture
    read : list of int
        Which of the paths were read.
    """

    def one(path: Any) -> Picture | None:
        try:
            return _open(path, size, edge, resample)
        except ReadError:
            if skip_corrupt:
                return None
            raise

    with ThreadPoolExecutor(n_jobs) as pool:
        found = list(pool.map(one, paths))
    read = [i for i, image in enumerate(found) if image is not None]
    if not read:
        raise ReadError("no image could be read; give files that Pillow knows, such as JPEG or PNG.")
    return [p for p in found if p is not None], read


def to_tensor(pictures: Sequence[Picture], channels: int, spans: Mapping[str, Sequence[float]] | None) -> Tensor:
    """Stack pictures of one size.

    Parameters
    ----------
    pictures : sequence of Picture
    channels : int
        1 or 3.
    spans : mapping of str to (float, float) or None
        As in :func:`read_image`.

    Returns
    -------
    Tensor of uint8, shape (n, channels, height, width)
    """
    return torch.from_numpy(np.stack([_pixels(p, channels, spans) for p in pictures]))


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        if "height" in size:
            return int(size["height"]), int(size["width"])
        size = size.get("shortest_edge", 224)
    if isinstance(size, (list, tuple)):
        return (int(size[0]), int(size[-1]))
    return int(size), int(size)
