"""Stochastic normalisation: batch norms that take the running statistics for a random part of the channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from landbridge.neural._method import Method
from landbridge.neural._network import Network, is_folded
from landbridge.neural.parameter._source_weights import share

__all__ = ["StochasticNorm", "StochasticNorm2d"]


class StochasticNorm2d(nn.BatchNorm2d):
    """Batch normalisation in which each channel draws, at each step, whose statistics it goes by.

    Parameters
    ----------
    norm : BatchNorm2d
        The layer it replaces; its weights and statistics are taken over.
    p : float
        Chance of the running statistics.
    """

    def __init__(self, norm: nn.BatchNorm2d, p: float) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        self.load_state_dict(norm.state_dict())
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)

        Returns
        -------
        Tensor
        """
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(x)
        mean, var = self.running_mean.clone(), self.running_var.clone()
        by_batch = super().forward(x)
        scale = torch.rsqrt(var + self.eps)
        shape = (1, -1, 1, 1)
        by_run = (x - mean.view(shape)) * scale.view(shape)
        if self.affine:
            by_run = by_run * self.weight.view(shape) + self.bias.view(shape)
        running = (torch.rand(self.num_features, device=x.device) < self.p).view(shape)
        return torch.where(running, by_run, by_batch)


class StochasticNorm(Method):
    """Replace batch norms by ones that mix batch and running statistics at random, channel by channel.

    Parameters
    ----------
    p : float, default=0.5
        Chance with which a channel goes by the running statistics.

    Notes
    -----
    Helps networks with batch norms on few labels, a little: the running statistics are what the source taught. Layers
    whose statistics were folded away are left alone, and networks without batch norms are not changed.

    References
    ----------
    .. [1] Z. Kou, K. You, M. Long, J. Wang. Stochastic normalization. NeurIPS 2020.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import StochasticNorm
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[StochasticNorm()], epochs=5, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    def __init__(self, p: float = 0.5) -> None:
        share(p=p)
        self.p = p

    def prepare(self, network: Network, task: Any) -> None:
        """Replace the layers.

        Parameters
        ----------
        network : Network
        task : Task
        """
        for module in list(network.stages.modules()):
            for name, child in list(module.named_children()):
                if type(child) is nn.BatchNorm2d and not is_folded(child):
                    setattr(module, name, StochasticNorm2d(child, self.p).train(child.training))

    def finish(self, network: Network) -> None:
        """Put plain batch norms back, with what was learned.

        Parameters
        ----------
        network : Network
        """
        for module in list(network.stages.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, StochasticNorm2d):
                    plain = nn.BatchNorm2d(child.num_features, child.eps, child.momentum, child.affine)
                    plain.load_state_dict(child.state_dict())
                    plain.requires_grad_(next(iter(child.parameters())).requires_grad)
                    setattr(module, name, plain.to(next(iter(child.buffers())).device).train(child.training))
