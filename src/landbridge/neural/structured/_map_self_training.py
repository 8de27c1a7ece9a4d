"""Self-training on unlabelled images, with the confident pixels of the network as it was."""

from __future__ import annotations

import copy
from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge._sklearn_compat import Interval
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch
from landbridge.neural._network import Network
from landbridge.neural.structured._map_target import MapTargetMethod

__all__ = ["MapSelfTraining", "pseudo_masks"]

UNCLASSED = 255


def pseudo_masks(logits: Tensor, threshold: float = 0.9) -> Tensor:
    """Return the classes of confident pixels, and 255 for the others.

    A pixel is confident if its probability reaches the threshold, or the median of the pixels of its class where that
    is lower, so that hard classes are learned too.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes, height, width)
    threshold : float, default=0.9

    Returns
    -------
    Tensor of int64, shape (n, height, width)

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import pseudo_masks
    >>> pseudo_masks(torch.tensor([[[[9.0, 0.0, 0.0]], [[0.0, 2.0, 1.0]]]])).tolist()
    [[[0, 1, 255]]]
    """
    confidence, found = logits.detach().float().softmax(1).max(1)
    needed = torch.full((logits.shape[1],), float(threshold), device=logits.device)
    for c in found.unique().tolist():
        mine = confidence[found == c].sort().values
        needed[c] = torch.minimum(needed[c], mine[len(mine) // 2])
    return torch.where(confidence >= needed[found], found, torch.full_like(found, UNCLASSED))


class MapSelfTraining(MapTargetMethod):
    """Self-training: learn the confident pixels of unlabelled images as if they were labelled.

    The labels come from a copy of the network as it was before the training, so that errors are not reinforced.

    Parameters
    ----------
    threshold : float, default=0.9
        Least probability of a pixel that is learned; for each class at most the median of its pixels.
    strength : float, default=1.0
    source_free : bool, default=False
        Whether there are no labelled images.

    Notes
    -----
    Helps where confident pixels are mostly right. Hurts where they are not, because it learns them. Costs one more
    forward pass per batch.

    References
    ----------
    .. [1] Y. Zou, Z. Yu, B. V. K. Vijaya Kumar, J. Wang. Unsupervised domain adaptation for semantic segmentation via
       class-balanced self-training. ECCV 2018.
    .. [2] Y. Li, L. Yuan, N. Vasconcelos. Bidirectional learning for domain adaptation of semantic segmentation.
       CVPR 2019.

    Examples
    --------
    >>> from landbridge.neural.structured import MapSelfTraining
    >>> MapSelfTraining().reads_target
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "strength": POSITIVE,
        "source_free": ["boolean"],
    }

    def __init__(self, threshold: float = 0.9, *, strength: float = 1.0, source_free: bool = False) -> None:
        self.threshold = threshold
        self.strength = strength
        self.source_free = source_free

    def prepare(self, network: Network, task: Any) -> None:
        self._teacher = copy.deepcopy(network).eval().requires_grad_(False)

    def finish(self, network: Network) -> None:
        del self._teacher

    def _terms(self, network: Network, source: Batch, unlabelled: Batch, progress: float) -> dict[str, Tensor]:
        with torch.no_grad():
            labels = pseudo_masks(self._teacher(unlabelled.inputs, None, unlabelled.start), self.threshold)
        counted = (labels != UNCLASSED).sum().clamp_min(1)
        total = F.cross_entropy(unlabelled.logits, labels, ignore_index=UNCLASSED, reduction="sum")
        return {"self-training": self.strength * total / counted}
