"""Source-free adaptation (SHOT): adapt a trained network on unlabelled target samples only."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._network import Network
from landbridge.neural._phase import Phase
from landbridge.neural._random import seed_from
from landbridge.neural._samples import digest_of, mix
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
from landbridge.neural.feature._target_side import information_loss

__all__ = ["adapt_shot", "centroid_labels"]


def centroid_labels(embedding: Tensor, probabilities: Tensor, *, max_iter: int = 2) -> Tensor:
    """Label samples by the nearest class centroid in direction, the centroids being means weighted by the predictions.

    Parameters
    ----------
    embedding : Tensor of shape (n, d)
    probabilities : Tensor of shape (n, n_classes)
        The network's answers.
    max_iter : int, default=2
        After the first, centroids are the means of the samples that the round before labelled.

    Returns
    -------
    Tensor of int64, shape (n,)
        A class that no sample is given keeps its centroid.

    References
    ----------
    .. [1] J. Liang, D. Hu, J. Feng. Do we really need to access the source data? Source hypothesis transfer for
       unsupervised domain adaptation. ICML 2020.
    """
    rows = F.normalize(torch.cat([embedding, torch.ones_like(embedding[:, :1])], dim=1), dim=1)
    weights = probabilities
    centroids = torch.zeros(0)
    for k in range(max_iter):
        fresh = weights.T @ rows / weights.sum(dim=0)[:, None].clamp_min(1e-8)
        if k:
            fresh = torch.where((weights.sum(dim=0) > 0)[:, None], fresh, centroids)
        centroids = fresh
        labels = (rows @ F.normalize(centroids, dim=1).T).argmax(dim=1)
        weights = F.one_hot(labels, probabilities.shape[1]).to(rows)
    return labels


def adapt_shot(
    network: Network,
    inputs: Tensor,
    *,
    epochs: int = 15,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    pseudo_label_weight: float = 0.3,
    random_state: Any = None,
    settings: Training | None = None,
) -> Network:
    """Adapt a trained network to unlabelled target samples without source samples (SHOT).

    The head, which is what the source knows of the classes, stays as it is. The stages learn to give confident
    predictions that are spread over the classes, and to agree with labels from class centroids in the embedding,
    recomputed in each epoch.

    Parameters
    ----------
    network : Network
        Trained on the source, with a head; it is not changed.
    inputs : Tensor of shape (n, ...)
        Target samples as the network takes them.
    epochs : int, default=15
    batch_size : int, default=64
    learning_rate : float, default=1e-3
    pseudo_label_weight : float, default=0.3
        Weight of agreeing with the centroids' labels.
    random_state : int, RandomState instance or None, default=None
    settings : Training, optional
        Device, precision, checkpoints, clipping and logs of the run; what has an argument here is taken from here. If
        None, the run stays on the network's device.

    Returns
    -------
    Network
        The adapted copy.

    Raises
    ------
    InputError
        If there are fewer than two samples.

    Notes
    -----
    Helps where classes are about equally frequent in the target and the source model is right more often than not;
    hurts under label shift, because it asks for equal shares. Costs an epoch's training, and one more pass for the
    centroids.

    References
    ----------
    .. [1] J. Liang, D. Hu, J. Feng. Do we really need to access the source data? Source hypothesis transfer for
       unsupervised domain adaptation. ICML 2020.

    Examples
    --------
    >>> import torch
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import adapt_shot
    >>> source, target = load_builtin("printed").take(range(400)), load_builtin("handwritten").take(range(400))
    >>> model = NeuralClassifier("builtin", epochs=5, image_shape=(8, 8), random_state=0).fit(source.X, source.y)
    >>> rows = torch.tensor(target.X.reshape(-1, 1, 8, 8), dtype=torch.float32)
    >>> adapt_shot(model.network_, rows, epochs=2, random_state=0)(rows).shape
    torch.Size([400, 10])
    """
    if len(inputs) < 2:
        raise InputError(f"inputs has {len(inputs)} sample; give the target's unlabelled samples.")
    adapted = copy.deepcopy(network)
    adapted.requires_grad_(True)
    adapted.head.requires_grad_(False)
    own = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    own |= {"random_state": seed_from(random_state)}
    run_phase(_Hypothesis(adapted, inputs, pseudo_label_weight), own_settings(settings, adapted, **own))
    return adapted.eval()


class _Hypothesis(Phase):
    """Confident and diverse predictions, and agreement with labels from class centroids."""

    name = "adaptation without source samples"

    def __init__(self, adapted: Network, inputs: Tensor, pseudo_label_weight: float) -> None:
        super().__init__()
        self.module, self.inputs, self.pseudo_label_weight = adapted, inputs, pseudo_label_weight
        self.labels = torch.zeros(0, dtype=torch.int64)

    def start(self, run: Any) -> None:
        super().start(run)
        self.inputs = self.inputs.to(run.fabric.device)
        self.optimizers = {"main": torch.optim.Adam(self.module.stages.parameters(), lr=run.settings.learning_rate)}
        self.n_steps = len(self._cut(torch.arange(len(self.inputs))))

    def rate(self, step: int, total: int) -> None:
        return None

    def begin(self, epoch: int) -> None:
        if self.run.state.at == 0:  # a resumed epoch goes on with the labels that it began with
            self.module.eval()
            with torch.no_grad():
                embedded = torch.cat([self.module.embed(part) for part in self.inputs.split(256)])
                self.labels = centroid_labels(embedded, self.module.head(embedded).softmax(dim=1))
        self.module.train()

    def batches(self, epoch: int, first: int) -> Iterator[Tensor]:
        rng = torch.Generator().manual_seed(mix(self.run.settings.random_state, epoch))
        yield from self._cut(torch.randperm(len(self.inputs), generator=rng))[first:]

    def _cut(self, order: Tensor) -> list[Tensor]:
        return [rows for rows in order.split(self.run.settings.batch_size) if len(rows) > 1]

    def step(self, batch: Tensor, share: float) -> None:
        logits = self.module(self.inputs[batch])
        loss = information_loss(logits) + self.pseudo_label_weight * F.cross_entropy(logits, self.labels[batch])
        self.descend(loss)
        self.run.means.add("task", loss, len(batch))

    def fingerprint(self) -> dict[str, Any]:
        return {"pseudo_label_weight": self.pseudo_label_weight, "samples": digest_of(self.inputs)}

    def state(self) -> dict[str, Tensor]:
        return {"labels": self.labels}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.labels = state["labels"].to(self.inputs.device)
