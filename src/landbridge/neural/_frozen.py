"""Frozen backbones as readers: pictures in, pooled features out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.neural._features import cached_features
from landbridge.neural._network import Network
from landbridge.neural.backbones import load_backbone
from landbridge.neural.backbones._images import ImageInput

__all__ = ["frozen_features", "frozen_size"]

BATCH = 64
# Decimals that are kept: further ones depend on the order in which a processor adds up.
DECIMALS = 5


def frozen_size(name: str) -> tuple[int, int]:
    """Return the size of the images that a backbone takes.

    Parameters
    ----------
    name : str
        Folder, file, or name on the hub.

    Returns
    -------
    height, width : int

    Raises
    ------
    InputError
        If it takes no images.
    """
    preprocess = _loaded(name).preprocess
    assert isinstance(preprocess, ImageInput)
    return preprocess.size


def frozen_features(name: str, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the pooled features of a frozen backbone.

    Parameters
    ----------
    name : str
        Folder, file, or name on the hub.
    pixels : ndarray of uint8, shape (n, height, width[, 3])

    Returns
    -------
    ndarray of shape (n, n_features)
        Rounded to five decimals, so that they do not depend on the processor.

    Raises
    ------
    InputError
        If it takes no images.

    Notes
    -----
    Time grows linearly with the number of images; memory is that of 64 images.
    """
    network = _loaded(name)
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    parts = []
    for i in range(0, len(pixels), BATCH):
        images = torch.tensor(np.ascontiguousarray(np.moveaxis(pixels[i : i + BATCH], 3, 1)))
        parts.append(cached_features(network, images, batch_size=BATCH).double().numpy())
    return np.round(np.concatenate(parts), DECIMALS)


@lru_cache(maxsize=1)
def _loaded(name: str) -> Network:
    network: Any = load_backbone(name).eval()
    if not isinstance(network.preprocess, ImageInput):
        raise InputError(f"features={name!r} is a network that takes no images; name an image model.")
    return network
