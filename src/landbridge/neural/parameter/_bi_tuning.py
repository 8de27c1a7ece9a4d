"""Bi-tuning: contrastive losses against keys of previous batches."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval
from landbridge.neural._checks import COUNT, POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import frozen_copy

__all__ = ["BiTuning", "contrast", "supervised_contrast"]


def contrast(similarities: Tensor, alike: Tensor, candidates: Tensor) -> Tensor:
    r"""Compute the cross-entropy in which all keys of a query's class are positives, in equal shares.

    .. math:: -\frac1n \sum_i \frac{1}{|P_i|} \sum_{j \in P_i} \log \frac{\exp(s_{ij})}{\sum_{k \in K_i} \exp(s_{ik})}

    Parameters
    ----------
    similarities : Tensor of shape (n, n_keys)
        Of queries and keys, over the temperature.
    alike : Tensor of bool, shape (n, n_keys)
        Which keys are right; they are among the candidates.
    candidates : Tensor of bool, shape (n, n_keys)
        Which keys count at all.

    Returns
    -------
    Tensor
        A scalar; zero where no query has a right key.
    """
    # Not minus infinity, of which the gradient is no number where a query has no candidate.
    logits = similarities.masked_fill(~candidates, torch.finfo(similarities.dtype).min)
    log_share = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    counts = alike.sum(dim=1)
    per_row = log_share.masked_fill(~alike, 0.0).sum(dim=1) / counts.clamp_min(1)
    has = (counts > 0).to(per_row)
    return -(per_row * has).sum() / has.sum().clamp_min(1.0)


def supervised_contrast(projected: Tensor, labels: Tensor, temperature: float) -> Tensor:
    r"""Compute the contrastive loss within a batch, with all other samples of the same class as positives.

    .. math:: -\frac1n \sum_i \frac{1}{|P_i|} \sum_{j \in P_i} \log \frac{\exp(z_i^\top z_j / \tau)}{\sum_{k \ne i}
        \exp(z_i^\top z_k / \tau)}

    Parameters
    ----------
    projected : Tensor of shape (n, d)
        Samples of unit length.
    labels : Tensor of int64, shape (n,)
    temperature : float

    Returns
    -------
    Tensor
        A scalar; zero where no class has two samples.
    """
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    alike = (labels[:, None] == labels[None]) & others
    return contrast(projected @ projected.T / temperature, alike, others)


class BiTuning(Method):
    r"""Bi-tuning: add two contrastive losses against keys of this and of previous batches.

    Keys come from a second network that follows the trained one slowly, and stay in a queue. The *categorical* contrast
    compares each sample, projected, with the keys: those of its class are to be near. The *classifying* contrast asks
    the head's row of a class for the samples of that class, among all embeddings in the queue.

    Parameters
    ----------
    strength : float, default=0.5
        Of both.
    n_components : int, default=64
        Width of the projection, which is learned and discarded afterwards.
    temperature : float, default=0.1
    queue : int, default=512
        How many keys are kept, the newest. With 0 there are no keys, and the samples of a batch are compared with one
        another: cheaper, and enough where batches hold several samples per class.
    momentum : float, default=0.999
        Share of its weights that the keys' network keeps in a step.

    Notes
    -----
    Helps backbones that were trained without labels most, as their embedding has structure that one label per sample
    does not use. Hurts where labels are wrong, as samples are drawn to the wrong class. The paper shows two views of an
    image to the two networks; here both see the same batch. Adapters that are added later are unknown to the keys'
    network. The classifying contrast needs a linear head and is omitted with others. Each step costs a forward pass of
    the keys' network and O(n queue d); memory for a second network and queue x (d + `n_components`) numbers.

    References
    ----------
    .. [1] J. Zhong, X. Wang, Z. Kou, J. Wang, M. Long. Bi-tuning of pre-trained representations. 2020.
    .. [2] K. He, H. Fan, Y. Wu, S. Xie, R. Girshick. Momentum contrast for unsupervised visual representation learning.
       CVPR 2020.
    .. [3] P. Khosla and others. Supervised contrastive learning. NeurIPS 2020.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import BiTuning
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[BiTuning()], epochs=5, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags(
        "parameter",
        reads=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "n_components": COUNT,
        "temperature": POSITIVE,
        "queue": [Interval(Integral, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
    }

    stages = ("embedding",)

    def __init__(
        self,
        strength: float = 0.5,
        *,
        n_components: int = 64,
        temperature: float = 0.1,
        queue: int = 512,
        momentum: float = 0.999,
    ) -> None:
        self.strength = strength
        self.n_components = n_components
        self.temperature = temperature
        self.queue = queue
        self.momentum = momentum

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.head.parameters())
        network.extras["projection"] = nn.Linear(network.in_features, self.n_components).to(like)
        self._keys: Network | None = None
        if self.queue:
            self._keys = frozen_copy(network)
            self._embeddings = like.new_zeros(self.queue, network.in_features).detach()
            self._projected = like.new_zeros(self.queue, self.n_components).detach()
            self._labels = torch.full((self.queue,), -1, device=like.device)
            self._end = torch.zeros((), dtype=torch.int64)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        labels = source.labels if source.labels.ndim == 1 else source.labels.argmax(dim=1)
        embedding = source.features["embedding"]
        projected = F.normalize(network.extras["projection"](embedding), dim=1)
        if self._keys is None:
            return {"contrast": self.strength * supervised_contrast(projected, labels, self.temperature)}
        self._put(source, labels)
        known = self._labels >= 0
        alike = labels[:, None] == self._labels[None]
        pairs = projected @ self._projected.T / self.temperature
        total = contrast(pairs, alike, known.expand_as(alike))
        if isinstance(network.head, nn.Linear):
            total = total + self._classifying(network.head, embedding, labels, alike, known)
        return {"contrast": self.strength * total}

    def step(self, network: Network, progress: float) -> None:
        if self._keys is None:
            return
        # By name, as methods that come later may have added parameters, which the keys then do without.
        parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())
        with torch.no_grad():
            for name, key in self._keys.named_parameters():
                if name in parameters and parameters[name].shape == key.shape:
                    key.lerp_(parameters[name].to(key.device), 1.0 - self.momentum)
            for name, kept in self._keys.named_buffers():
                if name in buffers:
                    kept.copy_(buffers[name])

    def finish(self, network: Network) -> None:
        del network.extras["projection"]
        self._keys = None

    def state(self) -> dict[str, Tensor]:
        if self._keys is None:
            return {}
        queue = {"embeddings": self._embeddings, "projected": self._projected, "labels": self._labels, "end": self._end}
        return queue | {f"keys.{name}": value for name, value in self._keys.state_dict().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        if self._keys is None or not state:
            return
        for name, own in self.state().items():
            own.copy_(state[name])

    def _put(self, source: Batch, labels: Tensor) -> None:
        """Compute this batch's keys and put them over the oldest."""
        assert self._keys is not None
        device = source.logits.device
        if self._labels.device != device:
            self._embeddings, self._projected = self._embeddings.to(device), self._projected.to(device)
            self._labels = self._labels.to(device)
        self._keys.to(device)
        with torch.no_grad():
            embedding = self._keys.embed(source.inputs, source.start)[-self.queue :]
            n = len(embedding)
            at = (int(self._end) + torch.arange(n, device=device)) % self.queue
            # Out of place: the tensors of the step before may still be part of a graph that waits for its backward.
            self._embeddings = self._embeddings.index_copy(0, at, embedding.to(self._embeddings.dtype))
            keys = F.normalize(self._keys.extras["projection"](embedding), dim=1)
            self._projected = self._projected.index_copy(0, at, keys.to(self._projected.dtype))
            self._labels = self._labels.index_copy(0, at, labels[-self.queue :])
            self._end = (self._end + n) % self.queue

    def _classifying(self, head: nn.Linear, embedding: Tensor, labels: Tensor, alike: Tensor, known: Tensor) -> Tensor:
        """Contrast of the head's samples with embeddings: those of this batch as they are, the queue's as keys."""
        rows = head.weight if head.bias is None else torch.cat([head.weight, head.bias[:, None]], dim=1)
        asked = F.normalize(rows, dim=1)[labels]
        keys = torch.cat([embedding, self._embeddings])
        if head.bias is not None:
            keys = torch.cat([keys, keys.new_ones(len(keys), 1)], dim=1)
        pairs = asked @ F.normalize(keys, dim=1).T / self.temperature
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        return contrast(pairs, torch.cat([itself, alike], 1), torch.cat([itself, known.expand_as(alike)], 1))
