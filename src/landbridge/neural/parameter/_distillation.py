"""Distillation methods: keep the outputs of a teacher or of the source network."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import frozen_copy

__all__ = ["ConservativeTraining", "Distillation", "LearningWithoutForgetting", "soft_cross_entropy"]


def soft_cross_entropy(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    r"""Compute the Kullback-Leibler divergence from a teacher's softened predictions, times the temperature squared.

    Parameters
    ----------
    logits, teacher : Tensor of shape (n, n_classes)
    temperature : float

    Returns
    -------
    Tensor
        A scalar; zero where both predict the same.
    """
    log_target = F.log_softmax(teacher / temperature, dim=1)
    mine = F.log_softmax(logits / temperature, dim=1)
    return temperature**2 * (log_target.exp() * (log_target - mine)).sum(dim=1).mean()


class Distillation(Method):
    """Knowledge distillation: learn from a teacher's softened predictions and the labels.

    Parameters
    ----------
    teacher : Network
        Trained on the same classes; it is not changed.
    strength : float, default=1.0
    temperature : float, default=2.0

    Notes
    -----
    Helps to make a small network of a large one, and with few labels, as the teacher's doubts say which classes are
    alike. Hurts where the teacher is often wrong, as its mistakes are passed on. Each step costs a forward pass of the
    teacher.

    References
    ----------
    .. [1] G. Hinton, O. Vinyals, J. Dean. Distilling the knowledge in a neural network. 2015.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import Distillation
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> how = {"epochs": 5, "image_shape": (8, 8), "random_state": 0}
    >>> teacher = NeuralClassifier("builtin", **how).fit(digits.X, digits.y)
    >>> student = NeuralClassifier("builtin", methods=[Distillation(teacher.network_)], **how)
    >>> student.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags(
        "parameter",
        reads=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "teacher": [nn.Module],
        "strength": POSITIVE,
        "temperature": POSITIVE,
    }

    cacheable = False

    def __init__(self, teacher: Network, strength: float = 1.0, *, temperature: float = 2.0) -> None:
        self.teacher = teacher
        self.strength = strength
        self.temperature = temperature

    def prepare(self, network: Network, task: Any) -> None:
        self._teacher = frozen_copy(self.teacher).to(next(network.parameters()))

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        self._teacher.to(source.logits.device)
        with torch.no_grad():
            teacher_logits = self._teacher(source.inputs)
        return {"distillation": self.strength * soft_cross_entropy(source.logits, teacher_logits, self.temperature)}


class ConservativeTraining(Method):
    """Conservative training: keep the similarities between samples in the source network's embedding.

    The cosine similarities between the samples of a batch, in the embedding of the source network, are to be kept by
    the new one. The new task may have other classes, so that predictions cannot be compared, but resemblances can.

    Parameters
    ----------
    strength : float, default=1.0

    Notes
    -----
    Helps with few labels. Hurts where classes of the new task are what the source network saw alike. Each step costs a
    forward pass of the source network and O(n² d) for a batch of n samples; memory for a second network.

    References
    ----------
    .. [1] F. Tung, G. Mori. Similarity-preserving knowledge distillation. ICCV 2019.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import ConservativeTraining
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier(
    ...     "builtin", methods=[ConservativeTraining()], epochs=5, image_shape=(8, 8), random_state=0
    ... )
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
    }

    stages = ("embedding",)

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def prepare(self, network: Network, task: Any) -> None:
        self._source = frozen_copy(network)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        self._source.to(source.logits.device)
        with torch.no_grad():
            before = F.normalize(self._source.embed(source.inputs, source.start), dim=1)
        now = F.normalize(source.features["embedding"], dim=1)
        return {"conservative": self.strength * ((now @ now.T - before @ before.T) ** 2).mean()}


class LearningWithoutForgetting(Method):
    """Learning without forgetting (LwF): keep the old head's predictions on the new samples.

    Parameters
    ----------
    head : Module
        The old head: takes the embedding to the old classes' logits. It goes on learning beside the new one, in
        ``network.extras["old_head"]``, so that the old task can still be answered.
    strength : float, default=1.0
    temperature : float, default=2.0

    Notes
    -----
    Helps where the old task must still be done afterwards and its data are gone. The old predictions are those on
    samples of the new task; where the tasks look different, they say little, and they hurt the new task where it
    contradicts the old. Each step costs a forward pass of the old network; memory for a second network.

    References
    ----------
    .. [1] Z. Li, D. Hoiem. Learning without forgetting. ECCV 2016.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import LearningWithoutForgetting
    >>> how = {"epochs": 5, "image_shape": (8, 8), "random_state": 0}
    >>> printed, digits = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(200))
    >>> old = NeuralClassifier("builtin", **how).fit(printed.X, printed.y)
    >>> method = LearningWithoutForgetting(old.network_.head)
    >>> new = NeuralClassifier(old.network_, methods=[method], **how).fit(digits.X, digits.y)
    >>> new.score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "head": [nn.Module],
        "strength": POSITIVE,
        "temperature": POSITIVE,
    }

    stages = ("embedding",)

    def __init__(self, head: nn.Module, strength: float = 1.0, *, temperature: float = 2.0) -> None:
        self.head = head
        self.strength = strength
        self.temperature = temperature

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.parameters())
        self._old = frozen_copy(network).replace_head(copy.deepcopy(self.head).to(like))
        self._old.requires_grad_(False).eval()
        network.extras["old_head"] = copy.deepcopy(self.head).to(like).requires_grad_(True)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        self._old.to(source.logits.device)
        with torch.no_grad():
            teacher_logits = self._old(source.inputs, start=source.start)
        mine = network.extras["old_head"](source.features["embedding"])
        return {"old task": self.strength * soft_cross_entropy(mine, teacher_logits, self.temperature)}
