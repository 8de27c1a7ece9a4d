"""Means of loss terms over an epoch, kept on the device until it ends."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from landbridge.exceptions import InputError

__all__ = ["Means"]


class Means:
    """Sums and weights of named terms; read once an epoch, so that no step waits for the device.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.sums: dict[str, Tensor] = {}
        self.weights: dict[str, Any] = {}

    def add(self, name: str, value: Tensor, weight: Any, *, mean: bool = True) -> None:
        """Add a term of a batch.

        Parameters
        ----------
        name : str
        value : Tensor
            A scalar.
        weight : int or Tensor
            How much the batch counts.
        mean : bool, default=True
            Whether `value` is a mean, so that it counts `weight` times; else a sum.
        """
        if name not in self.sums:
            self.sums[name] = torch.zeros((), device=self.device)
            self.weights[name] = 0
        if mean:
            self.sums[name].add_(value.detach(), alpha=weight)
        else:
            self.sums[name].add_(value.detach())
        self.weights[name] = self.weights[name] + weight

    def read(self, fabric: Any, epoch: int) -> dict[str, float]:
        """Compute the means over all processes and forget the sums: the one moment at which the device is waited for.

        Parameters
        ----------
        fabric : Fabric
        epoch : int

        Returns
        -------
        dict of str to float
            ``epoch``, ``loss`` (the sum of all terms), and the mean of each term.

        Raises
        ------
        InputError
            If the loss is not finite.
        """
        names = sorted(self.sums)
        if not names:
            return {"epoch": epoch, "loss": 0.0}
        weights = torch.stack([torch.as_tensor(self.weights[k], device=self.device).float() for k in names])
        sums = torch.stack([self.sums[k] for k in names])
        sums, weights = fabric.all_reduce(torch.stack([sums, weights.to(sums)]), reduce_op="sum")
        # In double precision: an epoch's number of samples is divided by as it is.
        means = dict(zip(names, (sums.double() / weights.double().clamp_min(1e-12)).tolist(), strict=True))
        loss = sum(means.values())
        if not math.isfinite(loss):
            raise InputError(f"the loss is no longer finite in epoch {epoch}; lower learning_rate, or set clip=1.0.")
        self.clear()
        return {"epoch": epoch, "loss": loss, **means}

    def clear(self) -> None:
        """Forget the sums."""
        self.sums.clear()
        self.weights.clear()

    def state(self, fabric: Any) -> dict[str, Tensor]:
        """Return sums and weights over all processes, for a checkpoint.

        Parameters
        ----------
        fabric : Fabric

        Returns
        -------
        dict of str to Tensor
            Pairs of a sum and a weight.
        """
        pairs = {
            k: torch.stack([v, torch.as_tensor(self.weights[k], device=self.device).to(v)])
            for k, v in sorted(self.sums.items())
        }
        return {k: fabric.all_reduce(v, reduce_op="sum") for k, v in pairs.items()}

    def load(self, state: dict[str, Tensor], share: float = 1.0) -> None:
        """Take back what ``state`` gave.

        Parameters
        ----------
        state : dict of str to Tensor
        share : float, default=1.0
            0 in all processes but one, so that the sum over all is counted once.
        """
        for name, (value, weight) in state.items():
            self.sums[name] = (value * share).to(self.device)
            self.weights[name] = float(weight) * share
