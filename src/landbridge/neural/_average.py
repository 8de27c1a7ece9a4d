"""Averages of the weights over the steps of a training run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """Running average of the trainable parameters.

    Parameters
    ----------
    module : Module
    kind : {"ema", "tail"}
        Exponential average, or the plain mean over the last quarter of the run.
    total : int
        Number of steps of the run.
    decay : float, default=0.999
        Of the exponential average; smaller at the start, so that the first weights are forgotten.
    """

    def __init__(self, module: nn.Module, kind: str, total: int, decay: float = 0.999) -> None:
        self.params = [p for p in module.parameters() if p.requires_grad]
        self.kind, self.total, self.decay = kind, total, decay
        self.mean = [p.detach().clone() for p in self.params]
        self.count = 0

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step.

        Parameters
        ----------
        step : int
            Steps done.
        """
        if self.kind == "tail" and step < 0.75 * self.total:
            weight = 1.0  # so far it is simply the last step
        else:
            self.count += 1
            k = self.count
            weight = 1.0 / k if self.kind == "tail" else 1.0 - min(self.decay, (1.0 + k) / (10.0 + k))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.params], weight)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average in the parameters' place for a while.

        Yields
        ------
        None
        """
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        with torch.no_grad():
            for p, m in zip(self.params, self.mean, strict=True):
                kept = p.detach().clone()
                p.copy_(m)
                m.copy_(kept)

    def keep(self) -> None:
        """Copy the average into the parameters."""
        with torch.no_grad():
            torch._foreach_copy_([p.detach() for p in self.params], self.mean)

    def state(self) -> dict[str, Tensor]:
        """Return the tensors for a checkpoint.

        Returns
        -------
        dict of str to Tensor
        """
        return {str(i): m for i, m in enumerate(self.mean)} | {"count": torch.tensor(self.count)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take back what ``state`` gave.

        Parameters
        ----------
        state : dict of str to Tensor
        """
        for i, m in enumerate(self.mean):
            m.copy_(state[str(i)])
        self.count = int(state["count"])
