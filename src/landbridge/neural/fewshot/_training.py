"""Training loop over episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network
from landbridge.neural._phase import Phase
from landbridge.neural._random import seed_from
from landbridge.neural._resume import History
from landbridge.neural._samples import digest_of
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
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
    settings: Training | None = None,
) -> History:
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
    settings : Training, optional
        Device, precision, checkpoints and logs; epochs, batch size and learning rate are those of the episodes. If
        None, the run stays on the device of `model`.

    Returns
    -------
    History

    Raises
    ------
    InputError
        If there are too few classes or samples for an episode.
    """
    _, labels = np.unique(np.asarray(y), return_inverse=True)
    random_state = seed_from(random_state)
    inputs = to_tensors(network, np.asarray(X))
    codes = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    phase = _Episodes(model, network, objective, inputs, labels, sizes)
    phase.groups, phase.augment, phase.progress = codes, augment, progress
    phase.seed, phase.learning_rate = random_state, learning_rate
    own = {"epochs": 1, "learning_rate": learning_rate, "random_state": random_state}
    history = run_phase(phase, own_settings(settings, model, **own))
    model.eval()
    return history


class _Episodes(Phase):
    """One episode a step."""

    name = "training on episodes"
    groups: Any
    augment: Any
    progress: Any
    seed: int
    learning_rate: float

    def __init__(
        self, model: nn.Module, network: Network, objective: Any, inputs: Any, labels: Any, sizes: EpisodeSizes
    ) -> None:
        super().__init__()
        self.module, self.network, self.objective = model, network, objective
        self.inputs, self.labels, self.sizes = inputs, labels, sizes
        self.n_steps = sizes.n_episodes
        self.seen: list[tuple[float, float]] = []

    def start(self, run: Any) -> None:
        super().start(run)
        self.optimizers = {"main": torch.optim.Adam(self.module.parameters(), lr=self.learning_rate)}
        self.generators = {"augment": torch.Generator().manual_seed(self.seed)}

    def rate(self, step: int, total: int) -> float:
        return 0.5 ** (5 * step // total)

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        how = self.sizes._asdict()
        free = alike = episodes(self.labels, **how, random_state=2 * self.seed)
        if self.groups is not None:
            alike = episodes(self.labels, **how, groups=self.groups, random_state=2 * self.seed + 1)
        for step in range(self.n_steps):
            episode = next(alike if step % 2 else free)
            if step >= first:  # a resumed run passes over those that it has seen
                yield episode

    def step(self, batch: Any, share: float) -> None:
        rows = self.inputs[torch.from_numpy(np.concatenate(batch))].to(self.run.fabric.device)
        if self.augment is not None:
            rows = self.augment(rows, self.generators["augment"])
        loss, accuracy = self.objective(self.network.embed(rows))
        self.descend(loss)
        self.run.means.add("task", loss, 1)
        self.seen = [*self.seen[-99:], (float(loss.detach()), float(accuracy))]
        done = self.run.state.step + 1
        if self.progress is not None and done % 100 == 0:
            self.progress(done, *np.mean(self.seen, axis=0).tolist())

    def fingerprint(self) -> dict[str, Any]:
        groups = None if self.groups is None else torch.as_tensor(self.groups)
        content = digest_of((self.inputs, torch.as_tensor(self.labels), groups, list(self.sizes)))
        return {"samples": content, "layers": repr([tuple(p.shape) for p in self.module.parameters()])}

    def state(self) -> dict[str, Tensor]:
        return {"seen": torch.tensor(self.seen, dtype=torch.float64)} if self.seen else {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.seen = [tuple(pair) for pair in state["seen"].tolist()] if "seen" in state else []
