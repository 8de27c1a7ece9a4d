"""Weights of source domains that decrease with their distance to the target."""

from __future__ import annotations

from torch import Tensor

__all__ = ["closeness"]


def closeness(distances: Tensor, sharpness: float) -> Tensor:
    """Compute weights of sources that decrease with the distance to the target; their sum is 1.

    Parameters
    ----------
    distances : Tensor of shape (n_sources,)
    sharpness : float
        0 makes all equal.

    Returns
    -------
    Tensor of shape (n_sources,)
    """
    return (-sharpness * distances / distances.mean().clamp_min(1e-12)).softmax(dim=0)
