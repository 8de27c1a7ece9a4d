"""A network as plain data: its description, and its weights as safetensors bytes."""

from __future__ import annotations

import copy
from typing import Any

import torch
from safetensors.torch import load, save

from landbridge.neural._heads import made_around, parts_of
from landbridge.neural._network import Network
from landbridge.neural.backbones import rebuild
from landbridge.neural.backbones._builtin import Standardize
from landbridge.neural.backbones._images import ImageInput
from landbridge.neural.backbones._pixel_head import PixelHead
from landbridge.neural.backbones._pixel_input import PixelInput

__all__ = ["load_weights", "pack", "pack_backbone", "unpack", "unpack_backbone", "weights_of"]

# Where a backbone that was given as a network lies in a saved estimator.
PACKED = "packed network"


def pack_backbone(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator with its parameter ``backbone`` as plain data, if it is a network.

    Parameters
    ----------
    state : dict

    Returns
    -------
    dict
    """
    given = state["backbone"]
    return {**state, "backbone": {PACKED: pack(given)}} if isinstance(given, Network) else dict(state)


def unpack_backbone(state: dict[str, Any]) -> dict[str, Any]:
    """Undo :func:`pack_backbone`.

    Parameters
    ----------
    state : dict

    Returns
    -------
    dict
    """
    given = state["backbone"]
    packed = isinstance(given, dict) and PACKED in given
    return {**state, "backbone": unpack(given[PACKED])} if packed else dict(state)


# Heads that a few numbers describe.
PLAIN_HEADS = (torch.nn.Identity, torch.nn.Linear, PixelHead)


def weights_of(module: torch.nn.Module) -> bytes:
    """Return the weights of a module as safetensors bytes.

    Parameters
    ----------
    module : Module

    Returns
    -------
    bytes
    """
    return save({k: torch.empty(v.shape, dtype=v.dtype).copy_(v.detach()) for k, v in module.state_dict().items()})


def load_weights(module: Any, weights: bytes) -> Any:
    """Put weights into a module of the same layers, in their precision.

    Parameters
    ----------
    module : Module
    weights : bytes
        As :func:`weights_of` gave them.

    Returns
    -------
    Module
        The same, in eval mode.
    """
    held = load(weights)
    dtype = next((v.dtype for v in held.values() if v.is_floating_point()), None)
    module.to(dtype).load_state_dict(held)
    return module.eval()


def pack(network: Network, *, with_head: bool = True) -> dict[str, Any]:
    """Turn a network into plain data.

    Parameters
    ----------
    network : Network
    with_head : bool, default=True
        False for heads that a task makes anew; only a network that nothing shorter describes is then kept with its own.

    Returns
    -------
    dict
        ``spec``, ``weights`` (bytes) and what else is needed; ``module`` instead of ``spec`` where a network was made
        from a module or changed by a method, so that nothing shorter describes it.
    """
    weights = {
        k: torch.empty(v.shape, dtype=v.dtype).copy_(v.detach())
        for k, v in network.state_dict().items()
        if with_head or not k.startswith("head.")
    }
    packed: dict[str, Any] = {"weights": save(weights), "frozen": list(network.frozen), "spec": None, "module": None}
    head, around = parts_of(network.head) if with_head else (torch.nn.Identity(), [])
    if network.spec is not None and type(head) in PLAIN_HEADS and not network.extras:
        like = rebuild(network.spec)
        nothing = type(like.preprocess) is type(network.preprocess) is torch.nn.Identity
        if isinstance(head, PixelHead) and isinstance(like.head, PixelHead):
            like.replace_head(like.head.for_classes(head.classes))
        if isinstance(head, torch.nn.Linear):
            plain = torch.nn.Linear(head.in_features, head.out_features, bias=head.bias is not None)
            like.replace_head(made_around(plain, *around))
        if network.preprocess is not None and type(like.preprocess) is not type(network.preprocess):
            like.preprocess = copy.deepcopy(network.preprocess)
        shapes = {k: v.shape for k, v in like.state_dict().items()}
        if shapes == {k: v.shape for k, v in weights.items()}:
            packed["spec"] = network.spec
            packed["head"] = None
            if isinstance(head, torch.nn.Linear):
                packed["head"] = [head.in_features, head.out_features, head.bias is not None, *around]
            if isinstance(head, PixelHead):
                packed["classes"] = [list(head.classes), list(head.kept), head.closed]
            if isinstance(network.preprocess, ImageInput | PixelInput):
                packed["images"] = network.preprocess.describe()
            elif not (
                nothing or isinstance(network.preprocess, Standardize) or getattr(network.preprocess, "in_spec", False)
            ):
                packed["preprocess"] = copy.deepcopy(network.preprocess).cpu()
            return packed
    packed["module"] = copy.deepcopy(network).cpu()
    return packed


def unpack(packed: dict[str, Any]) -> Network:
    """Turn plain data into the network again, on the CPU.

    Parameters
    ----------
    packed : dict
        As ``pack`` gave it.

    Returns
    -------
    Network
    """
    if packed["module"] is not None:
        return packed["module"].eval()
    weights = load(packed["weights"])
    network = rebuild(packed["spec"])
    if packed["head"] is not None:
        width, outputs, bias, *around = packed["head"]
        network.replace_head(made_around(torch.nn.Linear(width, outputs, bias=bias), *around))
    if "classes" in packed and isinstance(like := network.head, PixelHead):
        names, kept, closed = packed["classes"]
        network.replace_head(PixelHead(like.for_classes(names).layers, names, kept, closed))
    if "images" in packed:
        kind = PixelInput if isinstance(network.preprocess, PixelInput) else ImageInput
        network.preprocess = kind.from_description(packed["images"])
    if "preprocess" in packed:
        network.preprocess = packed["preprocess"]
    network.to(next(v.dtype for v in weights.values() if v.is_floating_point()))
    network.load_state_dict(weights)
    return network.freeze(packed["frozen"]).eval()
