"""Training loop over episodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network
from landbridge.neural._random import seed_from
from landbridge.neural.fewshot._episodes import episodes

__all__ = ["EpisodeSizes", "train_on_episodes"]


class EpisodeSizes(NamedTuple):
    """Size of an episode, and how many there are.

    Parameters
    ----------
    n_way : int
        Classes of an episode.
    n_shot : int
        Support samples per class.
    n_queries : int
        Queries per class.
    n_episodes : int
    """

    n_way: int
    n_shot: int
    n_queries: int
    n_episodes: int


def train_on_episodes(
    model: nn.Module,
    network: Network,
    objective: Callable[[Tensor], tuple[Tensor, Tensor]],
    X: Any,
    y: Any,
    *,
    sizes: EpisodeSizes,
    learning_rate: float,
    groups: Any = None,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    random_state: Any = None,
    progress: Callable[[int, float, float], None] | None = None,
) -> None:
    """Train in place, by Adam, at a rate that is halved four times on the way.

    Parameters
    ----------
    model : Module
        What learns, `network` within it or the same.
    network : Network
        Gives the embeddings.
    objective : callable
        From an episode's embeddings, the support's before the queries', to (loss, accuracy).
    X : array-like
        Samples as the network reads them.
    y : array-like of shape (n,)
        Classes.
    sizes : EpisodeSizes
    learning_rate : float
    groups : array-like of shape (n,), optional
        Draw every other episode from the classes of one group.
    augment : callable, optional
        Changes a batch of images at random.
    random_state : int, RandomState instance or None, default=None
    progress : callable, optional
        Called every hundred episodes with (episode, loss, accuracy).

    Raises
    ------
    InputError
        If there are too few classes or samples for an episode.
    """
    _, labels = np.unique(np.asarray(y), return_inverse=True)
    random_state = seed_from(random_state)
    inputs = to_tensors(network, np.asarray(X))
    n_episodes = sizes.n_episodes
    free = alike = episodes(labels, **sizes._asdict(), random_state=2 * random_state)
    if groups is not None:
        _, codes = np.unique(np.asarray(groups), return_inverse=True)
        alike = episodes(labels, **sizes._asdict(), groups=codes, random_state=2 * random_state + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    rng = torch.Generator().manual_seed(random_state)
    device = next(network.parameters()).device
    seen: list[tuple[float, float]] = []
    model.train()
    for step in range(n_episodes):
        episode = next(alike if step % 2 else free)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * 0.5 ** (5 * step // n_episodes)
        rows = inputs[torch.from_numpy(np.concatenate(episode))].to(device)
        loss, accuracy = objective(network.embed(rows if augment is None else augment(rows, rng)))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        seen.append((float(loss.detach()), float(accuracy)))
        if progress is not None and (step + 1) % 100 == 0:
            progress(step + 1, *np.mean(seen[-100:], axis=0).tolist())
    model.eval()
