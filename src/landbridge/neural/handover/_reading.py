"""Access to the network of a model, and conversion of samples to its input."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._estimator import NeuralClassifier, NeuralRegressor
from landbridge.neural._inputs import is_plain, read_plain, to_tensors
from landbridge.neural._network import Network
from landbridge.neural._samples import Samples

__all__ = ["for_inference", "model_of", "network_of", "tensors_of"]


def model_of(model: Any, name: str = "model") -> Network | NeuralClassifier | NeuralRegressor:
    """Return the network or fitted neural estimator of a model.

    Parameters
    ----------
    model : Network, NeuralClassifier, NeuralRegressor, or a result of ``transfer`` with such a model
    name : str, default="model"
        Of the argument, for messages.

    Returns
    -------
    Network, NeuralClassifier or NeuralRegressor
    """
    if hasattr(model, "decision") and hasattr(model, "model"):
        model = model.model
    if not isinstance(model, nn.Module) and isinstance(getattr(model, "network", None), Network):
        model = model.network  # what quantise gave
    if isinstance(model, Network):
        return model
    if isinstance(model, NeuralClassifier | NeuralRegressor):
        if not hasattr(model, "network_"):
            raise InputError(f"{name} is a {type(model).__name__} that was not fitted; call fit first.")
        return model
    raise InputError(
        f"{name} must be a Network, a fitted NeuralClassifier or NeuralRegressor, or a result that holds one; "
        f"got {type(model).__name__}."
    )


def network_of(model: Any, name: str = "model") -> Network:
    """Return the network of a model.

    Parameters
    ----------
    model : Network, NeuralClassifier, NeuralRegressor or Result
    name : str, default="model"

    Returns
    -------
    Network
    """
    found = model_of(model, name)
    return found if isinstance(found, Network) else found.network_


def tensors_of(model: Any, rows: Any, name: str = "inputs") -> Any:
    """Convert samples to the raw input of a model's network, which has its own preprocessing.

    Parameters
    ----------
    model : Network, NeuralClassifier, NeuralRegressor or Result
    rows : Tensor, dict of Tensor, array-like, or sequence of path or of str
        Arrays of images are (n, height, width[, channels]), tensors of images (n, channels, height, width).
    name : str, default="inputs"

    Returns
    -------
    Tensor or dict of Tensor
        On the CPU, at least one sample.
    """
    found = model_of(model)
    network = network_of(found)
    if isinstance(rows, dict):
        if not rows or not all(isinstance(v, Tensor) for v in rows.values()):
            raise InputError(f"{name} is a dict that holds something other than tensors; give a tensor for each name.")
        tensors: Any = {k: v.detach().cpu() for k, v in rows.items()}
        if len({len(v) for v in tensors.values()}) > 1:
            raise InputError(f"{name} has tensors of different numbers of samples; give the same samples in each.")
    elif isinstance(rows, Tensor):
        if rows.ndim == 0:
            raise InputError(f"{name} is a single number; give rows.")
        tensors = rows.detach().cpu()
    elif isinstance(rows, str) or not hasattr(rows, "__len__"):
        raise InputError(f"{name} must hold samples (an array, a tensor, paths or texts); got {type(rows).__name__}.")
    else:
        if len(rows) == 0:
            raise InputError(f"{name} has no samples; give at least one.")
        if not isinstance(found, Network):
            checked = found._read_rows(rows) if is_plain(rows) else read_plain(found, rows, reset=False)
            return to_tensors(network, checked, found.image_shape)
        checked = np.asarray(rows, dtype=None if isinstance(rows, np.ndarray) else _kind(rows))
        tensors = to_tensors(network, checked)
    if len(Samples(tensors)) == 0:
        raise InputError(f"{name} has no samples; give at least one.")
    floats = [t for t in (tensors.values() if isinstance(tensors, dict) else (tensors,)) if t.is_floating_point()]
    if not all(bool(torch.isfinite(t).all()) for t in floats):
        raise InputError(f"{name} contains NaN or infinity; drop or fill such samples.")
    return tensors


def for_inference(network: Network) -> Network:
    """Copy a network for answering only: on the CPU, in eval mode, nothing to learn, no modules of methods.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Network
    """
    copied = copy.deepcopy(network).cpu()
    copied.extras = nn.ModuleDict()
    return copied.requires_grad_(False).eval()


def _kind(rows: Any) -> Any:
    return None if len(rows) and not hasattr(rows[0], "__fspath__") else object
