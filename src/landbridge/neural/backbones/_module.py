"""Any torch module as ordered stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural._network import Network, pool

__all__ = ["module_backbone"]


def module_backbone(module: nn.Module, stages: Sequence[str] | None = None, *, example: Any = None) -> Network:
    """Make a network out of a torch module.

    A plain ``nn.Sequential`` becomes one stage a child. Of any other module, name the submodules that run one after
    another (for example ``["conv1", "layer1", "layer2"]``; pixels reach inside); what runs before the first belongs to
    the first, what runs after the last one (pooling, a projection) makes a stage of its own, ``"pooler"``.

    Parameters
    ----------
    module : Module
        Is used as it is, not copied.
    stages : sequence of str, optional
        Names of submodules, in the order in which they run. If None, the children.
    example : Tensor, optional
        Some samples of input; needed unless the module is a Sequential whose last layer tells its width.

    Returns
    -------
    Network
        Without a head.

    Examples
    --------
    >>> from torch import nn
    >>> from landbridge.neural.backbones import module_backbone
    >>> net = module_backbone(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    >>> net.stage_names, net.in_features
    (('0', '1', '2'), 3)
    """
    if stages is None and isinstance(module, nn.Sequential):
        parts = dict(module.named_children())
        return Network(parts, in_features=_width(parts, example))
    if example is None:
        raise InputError("a module that is not a plain Sequential needs example=, some samples of its input.")
    from landbridge.neural.backbones._split import split_model

    names = [n for n, _ in module.named_children()] if stages is None else list(stages)
    for name in names:
        if name not in dict(module.named_modules()):
            raise InputError(f"stages: the module has no submodule {name!r}; see its named_modules().")
    return split_model(module, {n.replace(".", "_"): module.get_submodule(n) for n in names}, example)


def _width(parts: dict[str, nn.Module], example: Any) -> int:
    if example is not None:
        with torch.inference_mode():
            x: Any = example
            for part in parts.values():
                x = part.eval()(x)
            return pool(x).shape[1]
    for module in reversed(list(nn.Sequential(*parts.values()).modules())):
        for name in ("out_features", "num_features", "out_channels"):
            if isinstance(width := getattr(module, name, None), int):
                return width
    raise InputError("the module's width cannot be read off its layers; give example=, some samples of its input.")
