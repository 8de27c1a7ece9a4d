"""Copies of the source's weights, for several methods."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from landbridge.neural._network import Network

__all__ = ["frozen_copy", "stage_names", "stage_weights"]


def stage_weights(network: Network) -> dict[str, Tensor]:
    """Copy the weights of all stages as they are now.

    Parameters
    ----------
    network : Network

    Returns
    -------
    dict of str to Tensor
        By the name of the parameter within ``network.stages``.
    """
    return {name: p.detach().clone() for name, p in network.stages.named_parameters()}


def frozen_copy(network: Network) -> Network:
    """Copy a network that will not learn any more.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Network
        In eval mode.
    """
    source = copy.deepcopy(network)
    source.requires_grad_(False)
    with torch.no_grad():
        return source.eval()


def stage_names(network: Network, names: tuple[str, ...] | None, fallback: int = 4) -> tuple[str, ...]:
    """Choose stages: those named, or some spread evenly over the depth.

    Parameters
    ----------
    network : Network
    names : tuple of str or None
    fallback : int, default=4
        How many, where none are named; the last is always among them.

    Returns
    -------
    tuple of str
    """
    known = network.stage_names
    if names is not None:
        return network._check_names(names)
    step = max(1, len(known) // fallback)
    return tuple(known[::-1][::step][:fallback][::-1])
