"""Stochastic normalisation: batch norms with running statistics for a random subset of the channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._checks import FRACTION
from landbridge.neural._method import Method
from landbridge.neural._network import Network, is_folded

__all__ = ["StochasticNorm", "two_branches"]


def two_branches(norm: Any, by_batch: Callable[[Tensor], Tensor], x: Tensor, probability: float) -> Tensor:
    r"""Normalise each channel by the batch's statistics with chance p, else by the running ones.

    .. math:: y_c = \gamma_c \left( s_c \frac{x_c - \mu_c}{\sqrt{\sigma^2_c + \epsilon}} + (1 - s_c)
        \frac{x_c - \tilde\mu_c}{\sqrt{\tilde\sigma^2_c + \epsilon}} \right) + \beta_c, \quad P(s_c = 1) = p

    Parameters
    ----------
    norm : BatchNorm1d, BatchNorm2d or BatchNorm3d
        Gives weights and running statistics, as they were before this batch.
    by_batch : callable
        The plain batch norm in train mode, which also moves the running statistics.
    x : Tensor of shape (n, channels, ...)
    probability : float
        :math:`p`.

    Returns
    -------
    Tensor
        Of the shape of `x`.
    """
    # Copies, because the plain norm moves the statistics in place and the backward pass needs those of before.
    mean, var = norm.running_mean.clone(), norm.running_var.clone()
    batch = by_batch(x)
    running = nn.functional.batch_norm(x, mean, var, norm.weight, norm.bias, False, 0.0, norm.eps)
    chosen = torch.rand(norm.num_features, device=x.device) < probability
    return torch.where(chosen.view(1, -1, *[1] * (x.ndim - 2)), batch, running)


class _StochasticNorm1d(nn.BatchNorm1d):
    """Stochastic normalisation of features, or of channels along time; made by :class:`StochasticNorm`."""

    probability: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Parameters
        ----------
        x : Tensor of shape (n, channels) or (n, channels, length)

        Returns
        -------
        Tensor
        """
        return two_branches(self, super().forward, x, self.probability) if self.training else super().forward(x)


class _StochasticNorm2d(nn.BatchNorm2d):
    """Stochastic normalisation of maps; made by :class:`StochasticNorm`."""

    probability: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)

        Returns
        -------
        Tensor
        """
        return two_branches(self, super().forward, x, self.probability) if self.training else super().forward(x)


class _StochasticNorm3d(nn.BatchNorm3d):
    """Stochastic normalisation of volumes or clips; made by :class:`StochasticNorm`."""

    probability: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Parameters
        ----------
        x : Tensor of shape (n, channels, depth, height, width)

        Returns
        -------
        Tensor
        """
        return two_branches(self, super().forward, x, self.probability) if self.training else super().forward(x)


_STOCHASTIC: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: _StochasticNorm1d,
    nn.BatchNorm2d: _StochasticNorm2d,
    nn.BatchNorm3d: _StochasticNorm3d,
}
_PLAIN = {stochastic: plain for plain, stochastic in _STOCHASTIC.items()}


class StochasticNorm(Method):
    """Stochastic normalisation: batch norms mix batch and running statistics at random, channel by channel.

    Parameters
    ----------
    probability : float, default=0.5
        Chance with which a channel goes by the batch's statistics, below 1.

    Notes
    -----
    Helps networks with batch norms on few labels, a little: the running statistics are what the source taught, and
    half of the channels go by them. Hurts where the target's inputs are so unlike the source's that the old statistics
    do not fit. Batch norms that the network keeps in eval mode (folded ones) and those without running statistics are
    left alone; a network that has no others is refused, as nothing would change. Costs a second normalisation a layer;
    nothing is kept. Afterwards the layers are plain batch norms again.

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

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "probability": FRACTION,
    }

    def __init__(self, probability: float = 0.5) -> None:
        self.probability = probability

    def prepare(self, network: Network, task: Any) -> None:
        kept = {id(norm) for norm in network._folded}
        found = False
        for norm in network.stages.modules():
            if type(norm) in _STOCHASTIC and norm.running_mean is not None:
                if id(norm) not in kept and not is_folded(norm):
                    _turn(norm, _STOCHASTIC[type(norm)])
                    cast(Any, norm).probability = self.probability
                    found = True
        if not found:
            raise InputError(
                "methods holds StochasticNorm, but the network has no batch norm whose statistics are in use (none at "
                "all, or folded or frozen ones); omit it."
            )

    def finish(self, network: Network) -> None:
        for norm in network.stages.modules():
            if type(norm) in _PLAIN:
                _turn(norm, _PLAIN[type(norm)])
                del cast(Any, norm).probability


def _turn(layer: Any, kind: type[nn.Module]) -> None:
    # A new layer would lose what others hold on to: hooks, frozen parameters, the list of norms kept in eval mode.
    layer.__class__ = kind
