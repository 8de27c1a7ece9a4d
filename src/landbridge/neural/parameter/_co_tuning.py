"""Co-tuning: the source's head goes on learning, from what target classes look like in source classes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import frozen_copy, positive

__all__ = ["CoTuning", "class_relations"]


def class_relations(probabilities: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Estimate what source classes the rows of each target class look like.

    Parameters
    ----------
    probabilities : Tensor of shape (n, n_source_classes)
        The source head's answers.
    labels : Tensor of int64, shape (n,)
        Target classes.
    n_classes : int

    Returns
    -------
    Tensor of shape (n_classes, n_source_classes)
        Rows sum to one; even where a class has no row.
    """
    sums = torch.zeros(n_classes, probabilities.shape[1], dtype=probabilities.dtype, device=probabilities.device)
    sums.index_add_(0, labels, probabilities)
    counts = torch.bincount(labels, minlength=n_classes).to(sums)[:, None]
    even = torch.full_like(sums, 1.0 / sums.shape[1])
    return torch.where(counts > 0, sums / counts.clamp_min(1), even)


class CoTuning(Method):
    """Train the source's head along, on the mixture of source classes that each target class looks like.

    The mixture is that of the source network's answers on the rows of a class; it is learned while training, as a mean
    over the batches seen so far, so that no pass over the data comes before.

    Parameters
    ----------
    head : Module
        The source's head: takes the embedding to the source classes' logits. A copy is trained.
    strength : float, default=1.0

    Notes
    -----
    Helps where target classes resemble source classes, as other species do, because the whole source network transfers
    and not its stages alone. Worth nothing where no source class resembles any of the target's. Each step costs a
    forward pass of the source network.

    References
    ----------
    .. [1] K. You, Z. Kou, M. Long, J. Wang. Co-tuning for transfer learning. NeurIPS 2020.

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

    stages = ("embedding",)

    def __init__(self, head: nn.Module, strength: float = 1.0) -> None:
        positive(strength=strength)
        self.head, self.strength = head, strength

    def prepare(self, network: Network, task: Any) -> None:
        """Keep the source network and train its head along.

        Parameters
        ----------
        network : Network
        task : Task
        """
        import copy

        self._source = frozen_copy(network).replace_head(copy.deepcopy(self.head))
        self._source.requires_grad_(False).eval()
        network.extras["source_head"] = copy.deepcopy(self.head).requires_grad_(True)
        self._n_classes = int(task.n_outputs)
        self._sums: Tensor | None = None
        self._counts: Tensor | None = None

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        """Give the cross-entropy of the source's head with the mixtures.

        Parameters
        ----------
        network : Network
        source : Batch
        target : Batch or None
        progress : float

        Returns
        -------
        dict of str to Tensor
        """
        self._source.to(source.logits.device)
        labels = source.labels if source.labels.ndim == 1 else source.labels.argmax(dim=1)
        with torch.no_grad():
            told = F.softmax(self._source(source.inputs, start=source.start), dim=1)
            if self._sums is None or self._counts is None:
                self._sums = torch.zeros(self._n_classes, told.shape[1], dtype=told.dtype, device=told.device)
                self._counts = torch.zeros(self._n_classes, dtype=told.dtype, device=told.device)
            self._sums.index_add_(0, labels, told)
            self._counts.index_add_(0, labels, torch.ones_like(told[:, 0]))
            mixtures = (self._sums / self._counts.clamp_min(1)[:, None])[labels]
        logits = network.extras["source_head"](source.features["embedding"])
        return {"co-tuning": self.strength * F.cross_entropy(logits, mixtures)}

    def state(self) -> dict[str, Tensor]:
        """Give the mixtures as they stand.

        Returns
        -------
        dict of str to Tensor
        """
        return {} if self._sums is None or self._counts is None else {"sums": self._sums, "counts": self._counts}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take the mixtures back.

        Parameters
        ----------
        state : dict of str to Tensor
        """
        self._sums, self._counts = state.get("sums"), state.get("counts")
