"""Samples in memory, and the order in which a run visits them, which depends on seed and epoch only."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor

from landbridge.exceptions import InputError

__all__ = ["Samples", "batches", "permutation", "stream"]


class Samples:
    """Inputs and, optionally, labels as tensors, indexed in batches.

    Parameters
    ----------
    inputs : Tensor of shape (n, ...) or dict of str to Tensor
    labels : Tensor of shape (n, ...), optional

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import Samples
    >>> rows = Samples(torch.arange(6.0).reshape(3, 2), torch.tensor([0, 1, 0]))
    >>> rows.take(torch.tensor([2, 0]))[1].tolist()
    [0, 0]
    """

    def __init__(self, inputs: Any, labels: Tensor | None = None) -> None:
        self.inputs, self.labels = inputs, labels
        if labels is not None and len(labels) != len(self):
            raise InputError(
                f"labels has {len(labels)} entries but there are {len(self)} samples; give one per sample."
            )

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())) if isinstance(self.inputs, dict) else self.inputs)

    def take(self, rows: Tensor, device: Any = None) -> tuple[Any, Tensor | None]:
        """Select a batch.

        Parameters
        ----------
        rows : Tensor of int64
            Sample indices.
        device : torch.device, optional
            Where the batch should be. If None, where the samples are.

        Returns
        -------
        inputs, labels
        """
        x = self.inputs
        cut: Any = {k: v[rows] for k, v in x.items()} if isinstance(x, dict) else x.index_select(0, rows)
        y = None if self.labels is None else self.labels.index_select(0, rows)
        if device is not None:
            cut, y = _move(cut, device), None if y is None else y.to(device, non_blocking=True)
        return cut, y

    def to(self, device: Any) -> Self:
        """Move the samples to a device.

        Parameters
        ----------
        device : torch.device or str

        Returns
        -------
        Samples
        """
        return type(self)(_move(self.inputs, device), None if self.labels is None else self.labels.to(device))

    def pinned(self) -> Self:
        """Copy the samples to page-locked memory, from which copies to a GPU are asynchronous.

        Returns
        -------
        Samples
        """
        x = self.inputs
        x = {k: v.pin_memory() for k, v in x.items()} if isinstance(x, dict) else x.pin_memory()
        return type(self)(x, None if self.labels is None else self.labels.pin_memory())

    @property
    def device(self) -> torch.device:
        """Where the inputs are."""
        return (next(iter(self.inputs.values())) if isinstance(self.inputs, dict) else self.inputs).device

    @property
    def nbytes(self) -> int:
        """Size of the inputs in memory."""
        tensors = self.inputs.values() if isinstance(self.inputs, dict) else (self.inputs,)
        return sum(t.numel() * t.element_size() for t in tensors)


def permutation(n: int, seed: int, epoch: int) -> Tensor:
    """Compute the order of samples in an epoch.

    Parameters
    ----------
    n, seed, epoch : int

    Returns
    -------
    Tensor of int64, shape (n,)
    """
    return torch.randperm(n, generator=torch.Generator().manual_seed(mix(seed, epoch)))


def batches(order: Tensor, size: int, smallest: int = 2) -> list[Tensor]:
    """Cut an order into batches; a rest of fewer than `smallest` samples joins the batch before it.

    Parameters
    ----------
    order : Tensor of shape (n,)
    size : int
    smallest : int, default=2
        Batch norm needs two samples, several processes need a sample each.

    Returns
    -------
    list of Tensor
    """
    cuts = list(order.split(size))
    if len(cuts) > 1 and len(cuts[-1]) < smallest:
        cuts[-2:] = [torch.cat(cuts[-2:])]
    return cuts


def stream(n: int, first: int, last: int, seed: int) -> Tensor:
    """Return a section of an infinite stream of sample indices: consecutive random permutations.

    Parameters
    ----------
    n : int
        Number of samples.
    first, last : int
        Where the piece begins, and where the next one does.
    seed : int

    Returns
    -------
    Tensor of int64, shape (last - first,)
    """
    parts = [permutation(n, seed, k) for k in range(first // n, (last - 1) // n + 1)]
    return torch.cat(parts)[first % n :][: last - first]


def mix(seed: int, *numbers: int) -> int:
    """Compute one seed from several numbers.

    Parameters
    ----------
    seed : int
    *numbers : int

    Returns
    -------
    int
        Of 63 bits.
    """
    for number in numbers:
        # The multiplier and the shift are splitmix64's.
        seed = (seed ^ (number + 0x9E3779B97F4A7C15)) * 0xBF58476D1CE4E5B9 % 2**64
        seed ^= seed >> 31
    return seed % 2**63


def _move(x: Any, device: Any) -> Any:
    if isinstance(x, dict):
        return {k: v.to(device, non_blocking=True) for k, v in x.items()}
    return x.to(device, non_blocking=True)
