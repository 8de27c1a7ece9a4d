"""Base class of phases: what a training run optimises, and what its steps do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from landbridge.neural._schedule import schedule_factor

__all__ = ["Phase"]


class Phase(ABC):
    """Base class of phases: one kind of training, with its own optimisers and its own step.

    A :class:`~landbridge.neural._trainer.Trainer` runs it: epochs, checkpoints, resuming, early stopping, averages of
    weights, progress, logs and device are the trainer's. A phase is a class with the hooks below, in the file of the
    method that needs it.

    Attributes
    ----------
    name : str
        For messages.
    module : Module
        All that learns, and all that a checkpoint keeps.
    optimizers : dict of str to Optimizer
    generators : dict of str to Generator
        From which steps draw one after another; a checkpoint keeps their states. A generator that is seeded anew for
        each step needs no entry.
    n_steps : int
        Steps per epoch.
    metric_name : str
        What ``evaluate`` measures beside the loss.
    """

    name: ClassVar[str] = "training"
    metric_name: str = "score"
    module: Any
    optimizers: dict[str, Any]
    n_steps: int
    run: Any

    def __init__(self) -> None:
        self.optimizers = {}
        self.generators: dict[str, torch.Generator] = {}

    def start(self, run: Any) -> None:
        """Begin: called once, before a checkpoint is read.

        Parameters
        ----------
        run : Trainer
        """
        self.run = run

    def begin(self, epoch: int) -> None:
        """Begin an epoch; after a run was resumed within one, called for it again.

        Parameters
        ----------
        epoch : int
        """
        self.module.train()

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        """Iterate over the batches of an epoch.

        Parameters
        ----------
        epoch : int
        first : int
            Steps of this epoch that were done before the run was resumed.

        Yields
        ------
        object
            What ``step`` takes; by default the number of the step within the epoch.
        """
        yield from range(first, self.n_steps)

    @abstractmethod
    def step(self, batch: Any, share: float) -> None:
        """Take a step: the forward and backward passes, and the optimisers' steps.

        Parameters
        ----------
        batch : object
            As ``batches`` yields it.
        share : float
            Share of the run that is done, from 0 to 1.
        """

    def descend(self, loss: Tensor, optimizer: str = "main") -> None:
        """Take a step of an optimiser along the gradient of a loss.

        Parameters
        ----------
        loss : Tensor
            A scalar.
        optimizer : str, default="main"
        """
        chosen = self.optimizers[optimizer]
        params = [p for group in chosen.param_groups for p in group["params"]]
        chosen.zero_grad()
        self.run.fabric.backward(loss, inputs=params)
        if self.run.settings.clip is not None:
            nn.utils.clip_grad_norm_(params, self.run.settings.clip)
        chosen.step()

    def rate(self, step: int, total: int) -> float | None:
        """Return the factor of the learning rates before a step.

        Parameters
        ----------
        step, total : int

        Returns
        -------
        float or None
            None to leave the rates alone.
        """
        return schedule_factor(self.run.settings, step, total)

    def evaluate(self) -> dict[str, float]:
        """Compute loss and metric on held-out samples at the end of an epoch.

        Returns
        -------
        dict of str to float
            ``held_out_loss`` and ``held_out_<metric_name>``; empty where nothing is held out.
        """
        return {}

    def end(self, epoch: int) -> bool:
        """End an epoch, after its losses were read.

        Parameters
        ----------
        epoch : int

        Returns
        -------
        bool
            Whether the run is to stop.
        """
        return False

    def fingerprint(self) -> dict[str, Any]:
        """Describe what must be unchanged for a run to resume, besides the settings.

        Returns
        -------
        dict
            Plain data for JSON.
        """
        return {}

    def state(self) -> dict[str, Tensor]:
        """Return tensors that change during training and that are neither in the module nor in the optimisers.

        Returns
        -------
        dict of str to Tensor
        """
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Take back what ``state`` gave.

        Parameters
        ----------
        state : dict of str to Tensor
        """
