"""Source-free adaptation (SHOT): adapt a trained network on unlabelled target samples only."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._network import Network
from landbridge.neural._random import seed_from
from landbridge.neural._samples import mix
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
    random_state = seed_from(random_state)
    adapted = copy.deepcopy(network)
    adapted.requires_grad_(True)
    adapted.head.requires_grad_(False)
    optimizer = torch.optim.Adam(adapted.stages.parameters(), lr=learning_rate)
    for epoch in range(epochs):
        adapted.eval()
        with torch.no_grad():
            embedded = torch.cat([adapted.embed(part) for part in inputs.split(256)])
            labels = centroid_labels(embedded, adapted.head(embedded).softmax(dim=1))
        adapted.train()
        rng = torch.Generator().manual_seed(mix(random_state, epoch))
        for rows in torch.randperm(len(inputs), generator=rng).split(batch_size):
            if len(rows) < 2:
                continue
            logits = adapted(inputs[rows])
            loss = information_loss(logits) + pseudo_label_weight * F.cross_entropy(logits, labels[rows])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    return adapted.eval()
