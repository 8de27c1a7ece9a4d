"""Entropy minimisation on unlabelled images."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch
from landbridge.neural._network import Network, batch_norms
from landbridge.neural.structured._entropy import map_entropy
from landbridge.neural.structured._map_target import MapTargetMethod

__all__ = ["MapEntropyMinimization"]


class MapEntropyMinimization(MapTargetMethod):
    """Entropy minimisation: confident predictions for the pixels of unlabelled images.

    Parameters
    ----------
    strength : float, default=0.1
    source_free : bool, default=False
        Whether there are no labelled images. Only scales and offsets of batch norms are then learned, and their
        statistics are those of the target [2]_.

    Notes
    -----
    Helps where predictions are mostly right, but for the boundaries. Hurts where they are mostly wrong, because it
    makes them confident as they are; without labels, long training predicts the frequent classes everywhere. Costs
    O(pixels) per batch.

    References
    ----------
    .. [1] T. Vu, H. Jain, M. Bucher, M. Cord, P. Pérez. ADVENT: adversarial entropy minimization for domain adaptation
       in semantic segmentation. CVPR 2019.
    .. [2] D. Wang, E. Shelhamer, S. Liu, B. Olshausen, T. Darrell. Tent: fully test-time adaptation by entropy
       minimization. ICLR 2021.

    Examples
    --------
    >>> from landbridge.neural.structured import MapEntropyMinimization
    >>> MapEntropyMinimization(source_free=True).replaces_task_loss
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"strength": POSITIVE, "source_free": ["boolean"]}

    def __init__(self, strength: float = 0.1, *, source_free: bool = False) -> None:
        self.strength = strength
        self.source_free = source_free

    def prepare(self, network: Network, task: Any) -> None:
        self._learned = [p.requires_grad for p in network.parameters()]
        norms = list(batch_norms(network))
        if self.source_free and norms:
            network.requires_grad_(False)
            for norm in norms:
                norm.requires_grad_(True)

    def finish(self, network: Network) -> None:
        for p, learned in zip(network.parameters(), self._learned, strict=True):
            p.requires_grad_(learned)
        del self._learned

    def _terms(self, network: Network, source: Batch, unlabelled: Batch, progress: float) -> dict[str, Tensor]:
        return {"entropy": self.strength * map_entropy(unlabelled.logits)}
