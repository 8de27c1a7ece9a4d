"""MDD: margin disparity discrepancy, estimated by an auxiliary head."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.feature._adversarial import reverse_gradient
from landbridge.neural.feature._discrepancy import strength_at
from landbridge.neural.feature._mcd import fresh_copy

__all__ = ["MDD", "margin_disparity"]


def margin_disparity(
    own: Tensor, own_other: Tensor, target: Tensor, target_other: Tensor, margin: float = 4.0
) -> Tensor:
    r"""Compute the loss of the auxiliary head, :math:`\gamma L(h', h; S) + L^-(h', h; T)` (eqs. 28 to 30 of [1]_).

    The labels are the classes that the head predicts with. On the source the auxiliary head's cross-entropy with them
    counts `margin` times; on the target it is the negative logarithm of giving them no probability.

    Parameters
    ----------
    own, own_other : Tensor of shape (n, n_classes)
        Logits of the head and of the auxiliary head on source samples.
    target, target_other : Tensor of shape (m, n_classes)
        The same on target samples.
    margin : float, default=4.0
        The factor :math:`\gamma`, the exponential of the margin.

    Returns
    -------
    Tensor
        A scalar.

    References
    ----------
    .. [1] Y. Zhang, T. Liu, M. Long, M. I. Jordan. Bridging theory and algorithm for domain adaptation. ICML 2019.
    """
    agrees = F.cross_entropy(own_other, own.detach().argmax(dim=1))
    answers = target.detach().argmax(dim=1, keepdim=True)
    # log(1 - p) from the logits of the other classes: exact where p is near one
    others = target_other.scatter(1, answers, -torch.inf).logsumexp(dim=1)
    leaves = (target_other.logsumexp(dim=1) - others).mean()
    return margin * agrees + leaves


class MDD(Method):
    """MDD: minimize the margin disparity discrepancy of source and target, estimated by an auxiliary head.

    Parameters
    ----------
    strength : float, default=0.1
        Of the reversed gradient.
    margin : float, default=4.0
        Factor of the source's term; the larger, the more confident the auxiliary head has to be on the source.
    ramp_up : bool, default=True
        Whether the reversal rises from zero over the training.

    Notes
    -----
    The auxiliary head has the architecture of the head and is trained on the head's predictions, so no domain label is
    needed. Where the features are adapted, no head that agrees on the source can disagree on the target.

    Helps with many classes, more than :class:`DANN`. Hurts under label shift, and where the first predictions are
    mostly wrong. Costs the auxiliary head.

    References
    ----------
    .. [1] Y. Zhang, T. Liu, M. Long, M. I. Jordan. Bridging theory and algorithm for domain adaptation. ICML 2019.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import MDD
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[MDD()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
        adversarial=True,
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "margin": POSITIVE,
        "ramp_up": ["boolean"],
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True

    def __init__(self, strength: float = 0.1, *, margin: float = 4.0, ramp_up: bool = True) -> None:
        self.strength = strength
        self.margin = margin
        self.ramp_up = ramp_up

    def prepare(self, network: Network, task: Any) -> None:
        network.extras["auxiliary_head"] = fresh_copy(network.head)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        factor = strength_at(self, progress)
        seen = (reverse_gradient(b.features["embedding"], factor) for b in (source, target))
        own, other = (network.extras["auxiliary_head"](x) for x in seen)
        return {"mdd": margin_disparity(source.logits, own, target.logits, other, self.margin)}

    def finish(self, network: Network) -> None:
        del network.extras["auxiliary_head"]
