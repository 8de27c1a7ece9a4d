"""Adversarial adaptation of predicted masks: a discriminator is not to find the domain of a mask."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.neural._checks import COUNT, POSITIVE
from landbridge.neural._method import Batch
from landbridge.neural._network import Network
from landbridge.neural.feature._adversarial import reverse_gradient
from landbridge.neural.structured._map_target import MapTargetMethod

__all__ = ["MapAdversarial"]


class MapAdversarial(MapTargetMethod):
    """Output-space adversarial adaptation: a discriminator cannot infer the domain from the predicted masks.

    Needs labelled source images beside the images of the target.

    Parameters
    ----------
    strength : float, default=0.01
        Of the reversed gradient.
    width : int, default=32
        Channels of the first layer of the discriminator; each of the further two has twice as many.

    Notes
    -----
    Helps where scenes of both domains are laid out alike and look different. Hurts where classes have other shares or
    places. Costs the passes of the discriminator, O(pixels width^2 / 16) per batch.

    References
    ----------
    .. [1] Y.-H. Tsai, W.-C. Hung, S. Schulter, K. Sohn, M.-H. Yang, M. Chandraker. Learning to adapt structured output
       space for semantic segmentation. CVPR 2018.

    Examples
    --------
    >>> from landbridge.neural.structured import MapAdversarial
    >>> MapAdversarial().strength
    0.01
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"strength": POSITIVE, "width": COUNT}
    source_free = False

    def __init__(self, strength: float = 0.01, *, width: int = 32) -> None:
        self.strength = strength
        self.width = width

    def prepare(self, network: Network, task: Any) -> None:
        w = self.width
        layers: list[nn.Module] = []
        for narrow, wide in ((int(task.n_outputs), w), (w, 2 * w), (2 * w, 4 * w)):
            layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=2), nn.LeakyReLU(0.2)]
        network.extras["discriminator"] = nn.Sequential(*layers, nn.Conv2d(4 * w, 1, 4, padding=2)).to(
            next(network.parameters())
        )

    def finish(self, network: Network) -> None:
        del network.extras["discriminator"]

    def _terms(self, network: Network, source: Batch, unlabelled: Batch, progress: float) -> dict[str, Tensor]:
        terms = []
        for batch, side in ((source, 1.0), (unlabelled, 0.0)):
            shares = reverse_gradient(batch.logits.softmax(1), self.strength)
            answers = network.extras["discriminator"](shares)
            terms.append(F.binary_cross_entropy_with_logits(answers, torch.full_like(answers, side)))
        return {"adversarial": 0.5 * (terms[0] + terms[1])}
