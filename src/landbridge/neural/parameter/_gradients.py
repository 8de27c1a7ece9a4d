"""Constrained gradients: clipping, projection, and a trust region around the source's weights."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import NOT_NEGATIVE, POSITIVE
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

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "max_norm": POSITIVE,
    }

    def __init__(self, max_norm: float = 1.0) -> None:
        self.max_norm = max_norm

    def gradients(self, network: Network, progress: float) -> None:
        for p in network.parameters():
            if p.grad is not None:
                p.grad.mul_((self.max_norm / p.grad.norm().clamp_min(1e-12)).clamp_max(1.0))


class GradientProjection(Method):
    r"""Gradient projection: remove the part of each step that leads away from the source's weights.

    With :math:`d = \theta - \theta_S` for each parameter, a step :math:`u` leads further out where
    :math:`u^\top d > 0`; that part is removed, :math:`u - (u^\top d / \lVert d \rVert^2)\, d`, and what is left turns
    around the source or comes nearer to it.

    Parameters
    ----------
    slack : float, default=0.01
        Distance from the source, relative to the size of its weights, up to which nothing is removed.

    Notes
    -----
    The removal is the projection of gradient episodic memory, with the direction towards the source in place of a past
    task. It is made on the optimiser's step: momentum and rates per weight would turn a projected gradient outwards
    again. Beyond the slack, steps add to the distance by turning only, so that it grows with the root of the number of
    steps, where plain training moves steadily in one direction.

    Helps where the source must not be forgotten; a gain in accuracy on the target has not been measured. Hurts where
    the target needs other features: in one run from a network of printed digits to handwritten ones, with 100 labels,
    0.77 of the others were right against 0.87 after plain training. Nothing changes as long as plain training stays
    within the slack: at a learning rate of 0.0001, 20 epochs on 25 to 100 images moved no parameter of a pretrained
    network by a hundredth of its size. Costs two copies of the weights and two passes over them a step.

    References
    ----------
    .. [1] D. Lopez-Paz, M. Ranzato. Gradient episodic memory for continual learning. NeurIPS 2017.

    Examples
    --------
    >>> from landbridge.neural.parameter import GradientProjection
    >>> GradientProjection(slack=0.05)
    GradientProjection(slack=0.05)
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "slack": NOT_NEGATIVE,
    }

    def __init__(self, slack: float = 0.01) -> None:
        self.slack = slack

    def prepare(self, network: Network, task: Any) -> None:
        self._source = stage_weights(network)
        self._before: dict[str, Tensor] = {}

    def gradients(self, network: Network, progress: float) -> None:
        # What other methods add to the stages, such as adapters, has no source value.
        self._before = {
            name: p.detach().clone()
            for name, p in network.stages.named_parameters()
            if p.grad is not None and name in self._source
        }

    @torch.no_grad()
    def step(self, network: Network, progress: float) -> None:
        parameters = dict(network.stages.named_parameters())
        for name, before in self._before.items():
            source = self._source[name] = self._source[name].to(before.device)
            away, moved = before - source, parameters[name].detach() - before
            square, out = away.square().sum(), (moved * away).sum()
            far = square > (self.slack * source.norm()) ** 2
            remove = torch.where(far & (out > 0), out / square.clamp_min(1e-24), torch.zeros_like(out))
            parameters[name].sub_(remove * away)
        self._before = {}


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

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "radius": POSITIVE,
    }

    def __init__(self, radius: float = 0.1) -> None:
        self.radius = radius

    def prepare(self, network: Network, task: Any) -> None:
        self._source: dict[str, dict[str, Tensor]] = {
            stage: {name: p.detach().clone() for name, p in network.part(stage).named_parameters()}
            for stage in network.stage_names
        }

    @torch.no_grad()
    def step(self, network: Network, progress: float) -> None:
        for stage, source in self._source.items():
            # What other methods add to a stage, such as adapters, has no source value.
            params = {name: p for name, p in network.part(stage).named_parameters() if name in source}
            if not params or stage in network.frozen:
                continue
            for name, p in params.items():
                source[name] = source[name].to(p.device)
            moved = torch.stack([(p - source[name]).square().sum() for name, p in params.items()]).sum().sqrt()
            reach = self.radius * torch.stack([s.square().sum() for s in source.values()]).sum().sqrt()
            factor = (reach / moved.clamp_min(1e-12)).clamp_max(1.0)
            for name, p in params.items():
                p.copy_(source[name] + factor * (p - source[name]))
