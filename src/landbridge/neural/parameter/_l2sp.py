"""L2-SP: an L2 penalty towards the source's weights instead of zero."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import NOT_NEGATIVE, POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import stage_weights

__all__ = ["L2SP"]


class L2SP(Method):
    r"""L2-SP: penalize the distance from the source's weights, and the norm of the head's.

    .. math:: \tfrac{\alpha}{2} \lVert \theta - \theta_S \rVert^2 + \tfrac{\beta}{2} \lVert \theta_{head} \rVert^2

    Parameters
    ----------
    strength : float, default=0.01
        :math:`\alpha`.
    head_strength : float, default=0.01
        :math:`\beta`; 0 leaves the head alone.

    Notes
    -----
    Helps with few labels where fine-tuning would forget; a large `strength` comes near a linear probe. Hurts where the
    target needs other features. It stands in place of the optimiser's weight decay, which would draw to zero, and which
    it therefore turns off. Parameters that other methods add to the stages, such as adapters, have no source value and
    are left free. Costs a copy of the weights and one pass over them a step.

    References
    ----------
    .. [1] X. Li, Y. Grandvalet, F. Davoine. Explicit inductive bias for transfer learning with convolutional networks.
       ICML 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import L2SP
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[L2SP(0.1)], epochs=5, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags(
        "parameter",
        reads=frozenset({"y_target"}),
        shifts=frozenset({"concept", "covariate"}),
        planned=frozenset({"classification", "regression"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "head_strength": NOT_NEGATIVE,
    }

    def __init__(self, strength: float = 0.01, *, head_strength: float = 0.01) -> None:
        self.strength = strength
        self.head_strength = head_strength

    def prepare(self, network: Network, task: Any) -> None:
        self._source = stage_weights(network)

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]] | None:
        held = [p for name, p in network.stages.named_parameters() if name in self._source]
        held += list(network.head.parameters()) if self.head_strength else []
        return [{"params": held, "weight_decay": 0.0}]

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        moved = [(n, p) for n, p in network.stages.named_parameters() if p.requires_grad and n in self._source]
        head = [p for p in network.head.parameters() if p.requires_grad]
        # Outputs of tasks may be dicts of tensors.
        like = source.logits if isinstance(source.logits, Tensor) else next(network.parameters())
        total = torch.zeros((), device=like.device, dtype=like.dtype)
        for name, p in moved:
            if self._source[name].device != p.device:
                self._source[name] = self._source[name].to(p.device)
            total = total + 0.5 * self.strength * ((p - self._source[name]) ** 2).sum()
        for p in head if self.head_strength else ():
            total = total + 0.5 * self.head_strength * (p**2).sum()
        return {"l2sp": total}
