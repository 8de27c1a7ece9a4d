"""Outputs of a network for many samples, batch by batch: predictions, and loss and metric on held-out samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._network import Network
from landbridge.neural._ragged import concatenate, moved
from landbridge.neural._samples import Samples

__all__ = ["evaluate", "outputs", "predict", "predict_logits"]


def outputs(module: Any, rows: Any, batch_size: int, start: str | None = None) -> Iterator[tuple[Any, Any]]:
    """Iterate over the outputs of a network, with the labels.

    Parameters
    ----------
    module : Network
        In eval mode.
    rows : Samples or StreamedSamples
    batch_size : int
    start : str, optional
        As in ``Network.forward``.

    Yields
    ------
    output : Tensor or dict of Tensor
        On the network's device.
    labels : Tensor or None
    """
    device = next(module.parameters()).device
    cuts = torch.arange(len(rows), device=rows.device).split(batch_size)
    for inputs, labels in rows.feed(cuts, device):
        with torch.inference_mode():
            output = module(inputs, None, start)
        yield output, labels


def predict_logits(network: Network, inputs: Any, batch_size: int = 256, start: str | None = None) -> Any:
    """Compute the outputs of many samples, in batches, on the network's device.

    Parameters
    ----------
    network : Network
    inputs : Tensor, dict of Tensor, list, or samples
    batch_size : int, default=256
    start : str, optional
        As in ``Network.forward``.

    Returns
    -------
    Tensor of shape (n, n_outputs), dict of Tensor, or list
        On the CPU. A list with an output per sample where batches have different lengths.
    """
    was_training = network.training
    network.eval()
    try:
        return concatenate([o for o, _ in outputs(network, _as_samples(inputs), batch_size, start)], "cpu")
    finally:
        network.train(was_training)


def predict(network: Network, task: Any, inputs: Any, batch_size: int = 256, **options: Any) -> Any:
    """Predict for many samples, in batches; outputs are turned into predictions one batch at a time.

    Parameters
    ----------
    network : Network
    task : Task
    inputs : Tensor, dict of Tensor, list, or samples
    batch_size : int, default=256
    **options : object
        Options of ``task.decode``.

    Returns
    -------
    ndarray, or list with an entry per sample
    """
    was_training = network.training
    network.eval()
    rows = _as_samples(inputs).bound(task)
    try:
        parts = [task.decode(moved(o, "cpu"), **options) for o, _ in outputs(network, rows, batch_size)]
    finally:
        network.train(was_training)
    if all(isinstance(p, np.ndarray) and p.shape[1:] == parts[0].shape[1:] for p in parts):
        return np.concatenate(parts)
    return [one for part in parts for one in part]


def evaluate(module: Any, task: Any, rows: Any, batch_size: int, start: str | None = None) -> dict[str, float]:
    """Compute loss and metric on held-out samples, batch by batch; outputs are not kept.

    Parameters
    ----------
    module : Network
        Put in eval mode.
    task : Task
    rows : Samples or StreamedSamples
    batch_size : int
    start : str, optional

    Returns
    -------
    dict of str to float
        ``held_out_loss`` and ``held_out_<metric>``.
    """
    module.eval()
    metric = task.metric()
    total, weight = 0.0, 0.0
    for output, labels in outputs(module, rows, batch_size, start):
        if labels is None:
            raise InputError("held_out has samples without labels; give labelled samples to hold out.")
        with torch.inference_mode():
            loss, count = task.loss(output, labels)
            metric.update(output, labels)
        total, weight = total + float(loss), weight + float(count)
    return {"held_out_loss": total / max(weight, 1e-12), f"held_out_{task.metric_name}": metric.compute()}


def _as_samples(inputs: Any) -> Any:
    return Samples(inputs) if isinstance(inputs, (Tensor, dict, list)) else inputs
