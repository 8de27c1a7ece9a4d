"""Features of single pixels of labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from landbridge.neural._states import as_map
from landbridge.neural.structured._masks import UNCLASSED

__all__ = ["N_PIXELS", "pixel_features"]

# Pixels that are taken of each image, evenly spaced among those that count.
N_PIXELS = 100


def pixel_features(network: Any, task: Any, X: Sequence[Any], y: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Compute the vectors of the last stage at pixels of labelled images.

    Parameters
    ----------
    network : Network
    task : Task
        Reads the images and encodes the masks.
    X, y : sequence
        Images and masks.

    Returns
    -------
    features : ndarray of shape (n_pixels, n_features)
    labels : ndarray of int, shape (n_pixels,)
    groups : ndarray of int, shape (n_pixels,)
        The image of each pixel.
    """
    vectors, labels, groups = [], [], []
    network.eval()
    for i, (x, mask) in enumerate(zip(X, y, strict=True)):
        numbers = task.encode([mask])[0].numpy()
        at = np.flatnonzero(numbers.ravel() != UNCLASSED)
        at = at[np.linspace(0, len(at) - 1, min(N_PIXELS, len(at))).astype(int)] if len(at) else at
        with torch.inference_mode():
            found = as_map(network.activations(task.read_inputs(network, [x]), network.stage_names[-1]))[0].double()
        rows, columns = np.divmod(at, numbers.shape[1])
        high, wide = found.shape[-2:]
        rows, columns = rows * high // numbers.shape[0], columns * wide // numbers.shape[1]
        vectors.append(found.numpy()[:, rows, columns].T)
        labels.append(numbers.ravel()[at].astype(int))
        groups.append(np.full(len(at), i))
    return np.concatenate(vectors), np.concatenate(labels), np.concatenate(groups)
