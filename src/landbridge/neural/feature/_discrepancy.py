"""Base of the methods that align source and target features."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge.neural._checks import POSITIVE, STAGES
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network, pool

__all__ = ["FeatureDiscrepancy", "rise", "strength_at"]

EMBEDDING = "embedding"


def rise(progress: float, steepness: float = 10.0) -> float:
    r"""Compute the schedule :math:`2 / (1 + e^{-\gamma p}) - 1`, which rises from 0 to 1.

    Parameters
    ----------
    progress : float
        From 0 to 1.
    steepness : float, default=10.0

    Returns
    -------
    float
    """
    return float(2.0 / (1.0 + torch.exp(torch.tensor(-steepness * progress))) - 1.0)


def strength_at(method: Any, progress: float) -> float:
    """Compute a method's strength at a given progress of the training.

    Parameters
    ----------
    method : Method
        With ``strength``, and ``ramp_up`` that says whether it rises.
    progress : float
        From 0 to 1.

    Returns
    -------
    float
    """
    return method.strength * (rise(progress) if method.ramp_up else 1.0)


class FeatureDiscrepancy(Method):
    """Base of methods that add a distance between the features of source and target, stage by stage.

    Parameters
    ----------
    strength : float, default=1.0
    stages : tuple of str, optional
        Stages to adapt. If None, the embedding.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "stages": STAGES,
        "ramp_up": ["boolean"],
    }

    reads_target: ClassVar[bool] = True

    def __init__(self, strength: float = 1.0, *, stages: tuple[str, ...] | None = None, ramp_up: bool = True) -> None:
        self.strength = strength
        self.stages = stages
        self.ramp_up = ramp_up

    def prepare(self, network: Network, task: Any) -> None:
        self.stages_ = network._check_names(self.stages or (EMBEDDING,), extra=(EMBEDDING,))

    def distance(self, source: list[Tensor], target: list[Tensor], batches: tuple[Batch, Batch]) -> Tensor:
        """Compute the distance to minimize.

        Parameters
        ----------
        source, target : list of Tensor of shape (n, d)
            Pooled features, one entry per stage.
        batches : (Batch, Batch)

        Returns
        -------
        Tensor
            A scalar.
        """
        raise NotImplementedError

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        seen = [n for n in self.stages_ if n in source.features]
        own, other = ([pool(b.features[n]) for n in seen] for b in (source, target))
        weight = strength_at(self, progress)
        return {type(self).__name__.lower(): weight * self.distance(own, other, (source, target))}
