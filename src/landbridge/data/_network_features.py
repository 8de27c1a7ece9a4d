"""Features of images by a frozen backbone: which one is at hand, and where it is run."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import MissingExtraError

__all__ = ["NETWORK", "VARIABLE", "network_at_hand", "network_features", "network_size"]

# Kind of features, before the name of the network.
NETWORK = "network:"
# Environment variable that names the backbone; "none" means that there is no default one.
VARIABLE = "LANDBRIDGE_BACKBONE"
# Model types of the hub whose pooled features describe photographs, and the largest file that counts as small.
TYPES = frozenset(
    "convnext convnextv2 dinov2 efficientnet levit mobilenet_v1 mobilenet_v2 mobilevit poolformer regnet resnet swin "
    "vit".split()
)
MOST_BYTES = 120_000_000
LIBRARIES = ("torch", "lightning_fabric", "safetensors", "transformers")


def network_at_hand() -> str | None:
    """Return the backbone that describes photographs by default, if there is one on this machine.

    It is the one that the environment variable ``LANDBRIDGE_BACKBONE`` names, or the smallest image model in the cache
    of the Hugging Face hub. Nothing is downloaded.

    Returns
    -------
    str or None
        Folder, file, or name on the hub; None where there is none, or the libraries for networks are not installed.
    """
    if any(importlib.util.find_spec(library) is None for library in LIBRARIES):
        return None
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return None if given.lower() == "none" else given
    found = sorted(_cached_models())
    return found[0][1] if found else None


def network_size(name: str) -> tuple[int, int]:
    """Return the size of the images that a backbone takes.

    Parameters
    ----------
    name : str

    Returns
    -------
    height, width : int
    """
    return _frozen().frozen_size(name)


def network_features(name: str, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the pooled features of a frozen backbone.

    Parameters
    ----------
    name : str
    pixels : ndarray of uint8, shape (n, height, width[, 3])

    Returns
    -------
    ndarray of shape (n, n_features)
    """
    return _frozen().frozen_features(name, pixels)


def _frozen() -> Any:
    """The neural side lies above this package and may be absent, so it is looked up when it is wanted."""
    for library in LIBRARIES:
        if importlib.util.find_spec(library) is None:
            raise MissingExtraError(
                f'features of a network need the library {library!r}; install it with: pip install "landbridge[neural]"'
            )
    return importlib.import_module("landbridge.neural._frozen")


def _cached_models() -> list[tuple[int, str]]:
    """Size and name of the small image models in the hub's cache."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    found = []
    for config in cache.glob("models--*/snapshots/*/config.json"):
        weights = config.with_name("model.safetensors")
        try:
            size, kind = weights.stat().st_size, json.loads(config.read_text(encoding="utf-8")).get("model_type")
        except (OSError, ValueError, AttributeError):
            continue
        if kind in TYPES and size <= MOST_BYTES:
            found.append((size, config.parents[2].name.removeprefix("models--").replace("--", "/")))
    return found
