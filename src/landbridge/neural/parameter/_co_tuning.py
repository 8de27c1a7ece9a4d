"""Co-tuning: the source's head is trained along, on mixtures of source classes."""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import frozen_copy

__all__ = ["CoTuning", "calibration_temperature", "class_relations", "class_shares"]


def class_relations(probabilities: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Estimate what source classes the samples of each target class look like.

    Parameters
    ----------
    probabilities : Tensor of shape (n, n_source_classes)
        The source head's answers.
    labels : Tensor of shape (n,) or (n, n_classes)
        Target classes, or shares of them.
    n_classes : int

    Returns
    -------
    Tensor of shape (n_classes, n_source_classes)
        Rows sum to one; even where a class has no sample.
    """
    shares = class_shares(labels, n_classes).to(probabilities)
    return _mean_rows(shares.T @ probabilities, shares.sum(dim=0))


def class_shares(labels: Tensor, n_classes: int) -> Tensor:
    """Write labels as shares of classes; those that are shares already, as mixed samples have, stay as they are.

    Parameters
    ----------
    labels : Tensor of shape (n,) or (n, n_classes)
    n_classes : int

    Returns
    -------
    Tensor of float, shape (n, n_classes)
    """
    return labels if labels.ndim == 2 else F.one_hot(labels, n_classes).to(torch.get_default_dtype())


def calibration_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find the temperature at which logits, divided by it, are the likeliest for the labels.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)
        Of samples that the network has not been trained on.
    labels : Tensor of int64, shape (n,)

    Returns
    -------
    float
        Between 1/100 and 100, to four digits.

    Notes
    -----
    The loss is convex in 1/temperature, so that halving the interval by the sign of its slope finds the one minimum.
    Time O(n n_classes).

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.parameter import calibration_temperature
    >>> logits, labels = torch.tensor([[4.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1])
    >>> round(calibration_temperature(logits, labels), 2)  # right three times of four, at 98 % confidence
    3.64
    """
    logits = logits.detach().double()
    right = logits.gather(1, labels[:, None])[:, 0]
    low, high = math.log(0.01), math.log(100.0)  # of 1/temperature
    for _ in range(40):
        middle = 0.5 * (low + high)
        expected = (F.softmax(math.exp(middle) * logits, dim=1) * logits).sum(dim=1)
        if float((expected - right).mean()) > 0:
            high = middle
        else:
            low = middle
    return math.exp(-0.5 * (low + high))


class CoTuning(Method):
    """Co-tuning: also train the source's head, on the mixture of source classes of each target class.

    The mixture is that of the source network's predictions on the samples of a class; it is learned while training, as
    a mean over the batches seen so far, so that no pass over the data comes before.

    Parameters
    ----------
    head : Module
        The source's head: takes the embedding to the source classes' logits. A copy is trained.
    strength : float, default=1.0
    temperature : float, default=1.0
        Divides the source head's logits before the mixtures are taken. Networks are as a rule too confident about
        themselves; where source samples are at hand that the network has not seen, `calibration_temperature` finds the
        value.

    Notes
    -----
    Helps where target classes resemble source classes, as other species do, because the whole source network transfers
    and not its stages alone. Worth nothing where no source class resembles any of the target's, and hurts a little
    there, as the embedding has to serve a second task. Each step costs a forward pass of the source network; memory
    for a second network and one row of source-class probabilities per target class.

    References
    ----------
    .. [1] K. You, Z. Kou, M. Long, J. Wang. Co-tuning for transfer learning. NeurIPS 2020.
    .. [2] C. Guo, G. Pleiss, Y. Sun, K. Weinberger. On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import CoTuning
    >>> how = {"epochs": 5, "image_shape": (8, 8), "random_state": 0}
    >>> printed, digits = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(200))
    >>> old = NeuralClassifier("builtin", **how).fit(printed.X, printed.y)
    >>> new = NeuralClassifier(old.network_, methods=[CoTuning(old.network_.head)], **how).fit(digits.X, digits.y)
    >>> new.score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags(
        "parameter",
        reads=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "head": [nn.Module],
        "strength": POSITIVE,
        "temperature": POSITIVE,
    }

    stages = ("embedding",)

    def __init__(self, head: nn.Module, strength: float = 1.0, *, temperature: float = 1.0) -> None:
        self.head = head
        self.strength = strength
        self.temperature = temperature

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.parameters())
        self._source = frozen_copy(network).replace_head(copy.deepcopy(self.head).to(like))
        self._source.requires_grad_(False).eval()
        network.extras["source_head"] = copy.deepcopy(self.head).to(like).requires_grad_(True)
        self._n_classes = int(task.n_outputs)
        self._sums: Tensor | None = None
        self._counts: Tensor | None = None

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        self._source.to(source.logits.device)
        with torch.no_grad():
            source_probabilities = F.softmax(self._source(source.inputs, start=source.start) / self.temperature, dim=1)
            shares = class_shares(source.labels, self._n_classes).to(source_probabilities)
            sums, counts = shares.T @ source_probabilities, shares.sum(dim=0)
            if self._sums is not None and self._counts is not None:
                sums, counts = sums + self._sums.to(sums.device), counts + self._counts.to(counts.device)
            self._sums, self._counts = sums, counts
            mixtures = shares @ _mean_rows(sums, counts)
        logits = network.extras["source_head"](source.features["embedding"])
        return {"co-tuning": self.strength * F.cross_entropy(logits, mixtures)}

    def state(self) -> dict[str, Tensor]:
        return {} if self._sums is None or self._counts is None else {"sums": self._sums, "counts": self._counts}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._sums, self._counts = state.get("sums"), state.get("counts")


def _mean_rows(sums: Tensor, counts: Tensor) -> Tensor:
    even = torch.full_like(sums, 1.0 / sums.shape[1])
    return torch.where(counts[:, None] > 0, sums / counts.clamp_min(1e-12)[:, None], even)
