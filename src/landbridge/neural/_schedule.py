"""Learning rates over a run, and the optimiser."""

from __future__ import annotations

import math
from typing import Any

import torch

from landbridge.exceptions import InputError

__all__ = ["make_optimizer", "schedule_factor"]


def schedule_factor(settings: Any, step: int, total: int) -> float:
    """Compute the factor of the learning rate before a step.

    Parameters
    ----------
    settings : Training
    step, total : int

    Returns
    -------
    float

    Examples
    --------
    >>> from landbridge.neural import Training, schedule_factor
    >>> plan = Training(schedule="linear", warmup=0.2, random_state=0)
    >>> [round(schedule_factor(plan, s, 10), 2) for s in range(10)]
    [0.5, 1.0, 1.0, 0.88, 0.75, 0.62, 0.5, 0.38, 0.25, 0.12]
    """
    warm = math.ceil(settings.warmup * total) if settings.warmup <= 1 else int(settings.warmup)
    if step < warm:
        return (step + 1) / warm
    share = (step - warm) / max(1, total - warm)
    if settings.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * share))
    return 1.0 - share if settings.schedule == "linear" else 1.0


def make_optimizer(network: Any, methods: Any, settings: Any) -> torch.optim.Optimizer:
    """Make the optimiser over the parameter groups of the methods.

    Parameters
    ----------
    network : Network
    methods : Methods
    settings : Training

    Returns
    -------
    Optimizer
    """
    groups = methods.parameter_groups(network, settings.learning_rate, settings.weight_decay)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=_can_fuse(groups))
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9, nesterov=True, fused=_can_fuse(groups))
    raise InputError(f"optimizer={settings.optimizer!r} is unknown; choose 'adamw' or 'sgd'.")


def _can_fuse(groups: list[dict[str, Any]]) -> bool:
    return all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for g in groups for p in g["params"])
