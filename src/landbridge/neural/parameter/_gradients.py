"""Constrained gradients: clipping, projection, and a trust region around the source's weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landbridge.neural._checks import positive
from landbridge.neural._method import Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import stage_weights

__all__ = ["GradientClipping", "GradientProjection", "TrustRegion"]


class GradientClipping(Method):
    """Gradient clipping, per parameter.

    Parameters
    ----------
    max_norm : float, default=1.0
        Largest norm of one parameter's gradient.

    Notes
    -----
    Unlike clipping by the norm over all parameters, a head that starts at random cannot drown the stages' gradients.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio. On the difficulty of training recurrent neural networks. ICML 2013.

    Examples
    --------
    >>> from landbridge.neural.parameter import GradientClipping
    >>> GradientClipping(0.5)
    GradientClipping(max_norm=0.5)
    """

    def __init__(self, max_norm: float = 1.0) -> None:
        positive(max_norm=max_norm)
        self.max_norm = max_norm

    def gradients(self, network: Network, progress: float) -> None:
        """Cut.

        Parameters
        ----------
        network : Network
        progress : float
        """
        for p in network.parameters():
            if p.grad is not None:
                p.grad.mul_((self.max_norm / p.grad.norm().clamp_min(1e-12)).clamp_max(1.0))


class GradientProjection(Method):
    r"""Gradient projection: remove the component that points away from the source's weights.

    With :math:`d = \theta - \theta_S` for each parameter, a step along :math:`-g` moves further out where
    :math:`g^\top d < 0`; that part of the gradient is removed, :math:`g - (g^\top d / \lVert d \rVert^2)\, d`, and what
    is left turns around the source or comes nearer to it.

    Parameters
    ----------
    slack : float, default=0.01
        Distance from the source, relative to the size of its weights, up to which nothing is removed.

    Notes
    -----
    Helps with few labels; the weights can turn around the source at the distance they reached, but hardly leave it. The
    removal is the projection of gradient episodic memory, with the direction towards the source in place of a past
    task.

    References
    ----------
    .. [1] D. Lopez-Paz, M. Ranzato. Gradient episodic memory for continual learning. NeurIPS 2017.

    Examples
    --------
    >>> from landbridge.neural.parameter import GradientProjection
    >>> GradientProjection()
    GradientProjection(slack=0.01)
    """

    def __init__(self, slack: float = 0.01) -> None:
        positive(slack=slack)
        self.slack = slack

    def prepare(self, network: Network, task: Any) -> None:
        """Keep the source's weights.

        Parameters
        ----------
        network : Network
        task : Task
        """
        self._source = stage_weights(network)

    def gradients(self, network: Network, progress: float) -> None:
        """Remove what leads out.

        Parameters
        ----------
        network : Network
        progress : float
        """
        for name, p in network.stages.named_parameters():
            if p.grad is None:
                continue
            source = self._source[name] = self._source[name].to(p.device)
            away = p.detach() - source
            square = away.square().sum()
            out = (p.grad * away).sum()
            far = square > (self.slack * source.norm()) ** 2
            remove = torch.where(far & (out < 0), out / square.clamp_min(1e-24), torch.zeros_like(out))
            p.grad.sub_(remove * away)


class TrustRegion(Method):
    """Trust region: keep each stage's weights in a ball around the source's.

    Parameters
    ----------
    radius : float, default=0.1
        Of the ball, relative to the size of the stage's weights in the source.

    Notes
    -----
    A hard bound where :class:`L2SP` is a soft one: however long the training, no stage leaves its ball. Costs one pass
    over the weights per step.

    References
    ----------
    .. [1] H. Gouk, T. Hospedales, M. Pontil. Distance-based regularisation of deep networks for fine-tuning.
       ICLR 2021.

    Examples
    --------
    >>> from landbridge.neural.parameter import TrustRegion
    >>> TrustRegion(0.05)
    TrustRegion(radius=0.05)
    """

    def __init__(self, radius: float = 0.1) -> None:
        positive(radius=radius)
        self.radius = radius

    def prepare(self, network: Network, task: Any) -> None:
        """Keep the source's weights.

        Parameters
        ----------
        network : Network
        task : Task
        """
        self._source: dict[str, dict[str, Tensor]] = {
            stage: {name: p.detach().clone() for name, p in network.part(stage).named_parameters()}
            for stage in network.stage_names
        }

    @torch.no_grad()
    def step(self, network: Network, progress: float) -> None:
        """Bring stages back that have left their ball.

        Parameters
        ----------
        network : Network
        progress : float
        """
        for stage, source in self._source.items():
            params = dict(network.part(stage).named_parameters())
            if not params or stage in network.frozen:
                continue
            for name, p in params.items():
                source[name] = source[name].to(p.device)
            moved = torch.stack([(p - source[name]).square().sum() for name, p in params.items()]).sum().sqrt()
            reach = self.radius * torch.stack([s.square().sum() for s in source.values()]).sum().sqrt()
            factor = (reach / moved.clamp_min(1e-12)).clamp_max(1.0)
            for name, p in params.items():
                p.copy_(source[name] + factor * (p - source[name]))
