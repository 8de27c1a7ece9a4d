"""Bi-tuning: classes are told apart, and rows of a class are drawn together, in the projected embedding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.parameter._source_weights import positive

__all__ = ["BiTuning", "supervised_contrast"]


def supervised_contrast(projected: Tensor, labels: Tensor, temperature: float) -> Tensor:
    r"""Contrastive cross-entropy with all rows of the same class as positives.

    .. math:: -\frac1n \sum_i \frac{1}{|P_i|} \sum_{j \in P_i} \log \frac{\exp(z_i^\top z_j / \tau)}{\sum_{k \ne i}
        \exp(z_i^\top z_k / \tau)}

    Parameters
    ----------
    projected : Tensor of shape (n, d)
        Rows of unit length.
    labels : Tensor of int64, shape (n,)
    temperature : float

    Returns
    -------
    Tensor
        A scalar; zero where no class has two rows.
    """
    n = len(labels)
    itself = torch.eye(n, dtype=torch.bool, device=labels.device)
    logits = (projected @ projected.T / temperature).masked_fill(itself, float("-inf"))
    log_share = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    alike = (labels[:, None] == labels[None]) & ~itself
    counts = alike.sum(dim=1)
    per_row = log_share.masked_fill(~alike, 0.0).sum(dim=1) / counts.clamp_min(1)
    has = (counts > 0).to(per_row)
    return -(per_row * has).sum() / has.sum().clamp_min(1.0)


class BiTuning(Method):
    """Add a supervised contrastive loss on a projected embedding to the loss of the classes.

    The contrast is between the rows of a batch; the paper's queue of momentum-encoded keys, which makes small batches
    look large, is left out.

    Parameters
    ----------
    strength : float, default=0.5
    n_components : int, default=64
        Width of the projection, which is learned and thrown away afterwards.
    temperature : float, default=0.1

    Notes
    -----
    Helps backbones that were trained without labels most, as their embedding has structure that one label a row does
    not use. Needs batches with several rows a class. Time O(n² d) a batch of n rows.

    References
    ----------
    .. [1] J. Zhong, X. Wang, Z. Kou, J. Wang, M. Long. Bi-tuning of pre-trained representations. 2020.
    .. [2] P. Khosla and others. Supervised contrastive learning. NeurIPS 2020.

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

    stages = ("embedding",)

    def __init__(self, strength: float = 0.5, *, n_components: int = 64, temperature: float = 0.1) -> None:
        positive(strength=strength, n_components=n_components, temperature=temperature)
        self.strength, self.n_components, self.temperature = strength, n_components, temperature

    def prepare(self, network: Network, task: Any) -> None:
        """Make the projection.

        Parameters
        ----------
        network : Network
        task : Task
        """
        like = next(network.head.parameters())
        network.extras["projection"] = nn.Linear(network.in_features, self.n_components).to(like)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        """Give the contrast.

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
        labels = source.labels if source.labels.ndim == 1 else source.labels.argmax(dim=1)
        projected = F.normalize(network.extras["projection"](source.features["embedding"]), dim=1)
        return {"contrast": self.strength * supervised_contrast(projected, labels, self.temperature)}

    def finish(self, network: Network) -> None:
        """Throw the projection away.

        Parameters
        ----------
        network : Network
        """
        del network.extras["projection"]
