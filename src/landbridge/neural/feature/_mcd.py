"""MCD: maximum classifier discrepancy of two heads on target samples, minimized by the features."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.feature._adversarial import reverse_gradient
from landbridge.neural.feature._discrepancy import strength_at

__all__ = ["MCD", "classifier_discrepancy", "fresh_copy"]


def classifier_discrepancy(one: Tensor, two: Tensor) -> Tensor:
    """Compute the mean absolute difference of the probabilities of two classifiers (eq. 2 of [1]_).

    Parameters
    ----------
    one, two : Tensor of shape (n, n_classes)
        Logits.

    Returns
    -------
    Tensor
        A scalar between 0 and ``2 / n_classes``.

    References
    ----------
    .. [1] K. Saito, K. Watanabe, Y. Ushiku, T. Harada. Maximum classifier discrepancy for unsupervised domain
       adaptation. CVPR 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import classifier_discrepancy
    >>> float(classifier_discrepancy(torch.tensor([[40.0, 0.0]]), torch.tensor([[0.0, 40.0]])))
    1.0
    """
    return (one.softmax(dim=1) - two.softmax(dim=1)).abs().mean()


def fresh_copy(head: nn.Module) -> nn.Module:
    """Copy a head and reinitialize its weights.

    Parameters
    ----------
    head : Module

    Returns
    -------
    Module
    """
    fresh = copy.deepcopy(head)
    for layer in fresh.modules():
        reset: Any = getattr(layer, "reset_parameters", None)
        if callable(reset):
            reset()
    return fresh.requires_grad_(True)


class MCD(Method):
    """MCD (maximum classifier discrepancy): two heads disagree on the target, and the features make them agree.

    Parameters
    ----------
    strength : float, default=3.0
        Of the heads' disagreement.
    reversal : float, default=1.0
        How much stronger the features follow the disagreement than the heads do; they follow it the other way round.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    Samples on which two heads that are right on the source disagree lie outside the source's support; the features move
    such samples back in. The alternating steps of the paper are taken as one, with the gradient reversed between heads
    and features. Where both heads are one linear layer the mean of the two is kept as the head, which gives the mean of
    their logits; else the first is kept.

    Helps where classes are well separated in the target but near the source's boundaries. Hurts where the first
    predictions are mostly wrong: the heads may agree on the wrong class. Costs a second head.

    References
    ----------
    .. [1] K. Saito, K. Watanabe, Y. Ushiku, T. Harada. Maximum classifier discrepancy for unsupervised domain
       adaptation. CVPR 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import MCD
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[MCD()], epochs=3, image_shape=(8, 8), random_state=0)
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
        "reversal": POSITIVE,
        "ramp_up": ["boolean"],
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True

    def __init__(self, strength: float = 3.0, *, reversal: float = 1.0, ramp_up: bool = True) -> None:
        self.strength = strength
        self.reversal = reversal
        self.ramp_up = ramp_up

    def prepare(self, network: Network, task: Any) -> None:
        self._task = task
        network.extras["second_head"] = fresh_copy(network.head)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        second = network.extras["second_head"]
        terms = {"second_head": self._task.mean_loss(second(source.features["embedding"]), source.labels)}
        if target is not None:
            weight = strength_at(self, progress)
            turned = reverse_gradient(target.features["embedding"], self.reversal)
            apart = classifier_discrepancy(network.head(turned), second(turned))
            terms["discrepancy"] = -weight * target.logits.shape[1] / 2 * apart  # between 0 and 1 for any classes
        return terms

    def finish(self, network: Network) -> None:
        second: Any = network.extras["second_head"]
        head: Any = network.head
        if type(head) is nn.Linear and head.weight.requires_grad:
            with torch.no_grad():
                head.weight.lerp_(second.weight, 0.5)
                if head.bias is not None:
                    head.bias.lerp_(second.bias, 0.5)
        del network.extras["second_head"]
