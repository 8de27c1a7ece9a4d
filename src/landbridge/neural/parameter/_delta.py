"""DELTA: the feature maps that mattered to the source stay as they were."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network, hidden
from landbridge.neural.parameter._source_weights import frozen_copy, positive, stage_names

__all__ = ["Delta"]


class Delta(Method):
    r"""Penalise how far feature maps move from the source network's, channel by channel as they matter.

    .. math:: \alpha \sum_{stages} \frac{1}{n} \sum_i \sum_c w_c \lVert F_c(x_i) - F^S_c(x_i) \rVert^2 / |F_c|

    The weight of a channel is the share of the source features' spread between batch rows that it carries, which needs
    no second training as the paper's does (there, the loss of a network without that filter).

    Parameters
    ----------
    strength : float, default=0.1
    stages : tuple of str, optional
        Stages whose output is kept; left out, four spread over the depth.

    Notes
    -----
    Helps where behaviour is to be kept and weights may move: a weaker bond than :class:`L2SP`. Hurts where the target
    needs other features. Each step costs one more forward pass, through the source network.

    References
    ----------
    .. [1] X. Li, H. Xiong, H. Wang, Y. Rao, L. Liu, J. Huan. DELTA: deep learning transfer using feature map with
       attention for convolutional networks. ICLR 2019.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import Delta
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[Delta()], epochs=5, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    def __init__(self, strength: float = 0.1, *, stages: tuple[str, ...] | None = None) -> None:
        positive(strength=strength)
        self.strength, self.at = strength, stages

    def prepare(self, network: Network, task: Any) -> None:
        """Keep the source network.

        Parameters
        ----------
        network : Network
        task : Task
        """
        self.stages = stage_names(network, self.at)
        self._source = frozen_copy(network)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        """Give the penalty.

        Parameters
        ----------
        network : Network
        source : Batch
        target : Batch or None
        progress : float

        Returns
        -------
        dict of str to Tensor
        """
        self._source.to(source.logits.device)
        with torch.no_grad():
            _, before = self._source(source.inputs, self.stages, source.start)
        total = torch.zeros((), device=source.logits.device, dtype=source.logits.dtype)
        for name in self.stages:
            if name not in source.features:
                continue
            now, then = hidden(source.features[name]), hidden(before[name])
            axis = 1 if now.ndim == 4 else now.ndim - 1  # channels come first in maps, last in tokens
            spread = then.var(dim=0, unbiased=False).movedim(axis - 1, 0).flatten(1).mean(dim=1)
            weight = spread / spread.sum().clamp_min(1e-12) * spread.numel()
            apart = ((now - then) ** 2).movedim(axis, 0).flatten(1).mean(dim=1)
            total = total + (weight * apart).mean()
        return {"delta": self.strength * total}
