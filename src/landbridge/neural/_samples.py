"""Samples in memory, and the order in which a run visits them, which depends on seed and epoch only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._ragged import IGNORED, collate, moved, pad

__all__ = ["Samples", "batches", "by_length", "digest_of", "permutation", "stream"]


class Samples:
    """Inputs and, optionally, labels in memory, indexed in batches.

    Parameters
    ----------
    inputs : Tensor of shape (n, ...), dict of str to Tensor, or list
        A list holds one tensor, or dict of tensors, per sample; their lengths may differ.
    labels : Tensor of shape (n, ...) or list of Tensor, optional
    collate : callable, optional
        Joins a list of inputs to those of a batch. If None, shorter ones are filled up with zeros.
    collate_labels : callable, optional
        Joins a list of labels. If None, shorter ones are filled up with -100, which a loss ignores.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import Samples
    >>> rows = Samples(torch.arange(6.0).reshape(3, 2), torch.tensor([0, 1, 0]))
    >>> rows.take(torch.tensor([2, 0]))[1].tolist()
    [0, 0]
    >>> texts = Samples([torch.tensor([4, 5, 6]), torch.tensor([7])], [torch.tensor([1, 0, 2]), torch.tensor([1])])
    >>> texts.take(torch.tensor([0, 1]))[1].tolist()
    [[1, 0, 2], [1, -100, -100]]
    """

    def __init__(
        self,
        inputs: Any,
        labels: Any = None,
        *,
        collate: Callable[[list[Any]], Any] | None = None,
        collate_labels: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.inputs, self.labels = inputs, labels
        self.collate, self.collate_labels = collate, collate_labels
        if labels is not None and len(labels) != len(self):
            raise InputError(
                f"labels has {len(labels)} entries but there are {len(self)} samples; give one per sample."
            )

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())) if isinstance(self.inputs, dict) else self.inputs)

    def take(self, rows: Tensor, device: Any = None) -> tuple[Any, Any]:
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
        x, y = self.inputs, self.labels
        if isinstance(x, Tensor):
            cut: Any = x.index_select(0, rows)
        elif isinstance(x, dict):
            cut = {k: v[rows] for k, v in x.items()}
        else:
            cut = (self.collate or collate)([x[i] for i in rows.tolist()])
        if isinstance(y, Tensor):
            y = y.index_select(0, rows)
        elif y is not None:
            y = (self.collate_labels or _ignored)([y[i] for i in rows.tolist()])
        if device is not None:
            cut, y = moved(cut, device), None if y is None else moved(y, device)
        return cut, y

    def feed(self, cuts: Sequence[Tensor], device: Any = None) -> Iterator[tuple[Any, Any]]:
        """Iterate over batches.

        Parameters
        ----------
        cuts : sequence of Tensor of int64
            Sample indices, batch by batch.
        device : torch.device, optional

        Yields
        ------
        inputs, labels
        """
        for rows in cuts:
            yield self.take(rows, device)

    def subset(self, rows: Tensor, labels: Any = None) -> Self:
        """Select samples, with other labels where they are given.

        Parameters
        ----------
        rows : Tensor of int64
            Sample indices.
        labels : Tensor or list of Tensor, optional
            Of the selected samples.

        Returns
        -------
        Samples
        """
        x, y = (None if part is None else _selected(part, rows) for part in (self.inputs, self.labels))
        labels = y if labels is None else labels
        return type(self)(x, labels, collate=self.collate, collate_labels=self.collate_labels)

    def lengths(self) -> Tensor:
        """Return the length of each sample: places of the mask, entries of a list's tensors, else the same for all.

        Returns
        -------
        Tensor of int64, shape (n,)
        """
        x = self.inputs
        if isinstance(x, dict):
            mask = x.get("attention_mask")
            return torch.zeros(len(self), dtype=torch.int64) if mask is None else mask.sum(1).cpu()
        if isinstance(x, Tensor):
            return torch.zeros(len(self), dtype=torch.int64)
        return torch.tensor([len(next(iter(s.values())) if isinstance(s, dict) else s) for s in x])

    def bound(self, task: Any) -> Self:
        """Return the same samples, joined to batches as a task does it.

        Parameters
        ----------
        task : Task

        Returns
        -------
        Samples
        """
        if not isinstance(self.inputs, list) and not isinstance(self.labels, list):
            return self
        return type(self)(
            self.inputs,
            self.labels,
            collate=self.collate or getattr(task, "collate", None),
            collate_labels=self.collate_labels or getattr(task, "collate_labels", None),
        )

    def to(self, device: Any) -> Self:
        """Move the samples to a device.

        Parameters
        ----------
        device : torch.device or str

        Returns
        -------
        Samples
        """
        return self._each(lambda x: x.to(device, non_blocking=True))

    def pinned(self) -> Self:
        """Copy the samples to page-locked memory, from which copies to a GPU are asynchronous.

        Returns
        -------
        Samples
        """
        return self._each(lambda x: x.pin_memory())

    @property
    def device(self) -> torch.device:
        """Where the inputs are."""
        x = self.inputs[0] if isinstance(self.inputs, list) and self.inputs else self.inputs
        x = next(iter(x.values())) if isinstance(x, dict) else x
        return x.device if isinstance(x, Tensor) else torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """Size of the inputs in memory."""
        return sum(t.numel() * t.element_size() for t in _tensors(self.inputs))

    def digest(self) -> str:
        """Return a number that changes with inputs and labels.

        Returns
        -------
        str
        """
        return digest_of((self.inputs, self.labels))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        x, y = (_mapped(part, change) for part in (self.inputs, self.labels))
        return type(self)(x, y, collate=self.collate, collate_labels=self.collate_labels)


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


def by_length(order: Tensor, lengths: Tensor, size: int, seed: int, window: int = 50) -> Tensor:
    """Rearrange an order so that the samples of a batch have similar lengths.

    Parameters
    ----------
    order : Tensor of int64, shape (n,)
    lengths : Tensor of int64, shape (n,)
        By sample index.
    size : int
        Samples per batch.
    seed : int
        Draws the order of the batches.
    window : int, default=50
        Samples are sorted within so many batches.

    Returns
    -------
    Tensor of int64, shape (n,)
        Full batches in random order; what is not a full batch comes last.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._samples import by_length
    >>> lengths = torch.tensor([9, 1, 8, 2])
    >>> sorted(lengths[cut].tolist() for cut in by_length(torch.arange(4), lengths, 2, 0).split(2))
    [[1, 2], [8, 9]]
    """
    cuts: list[Tensor] = []
    for part in order.split(size * window):
        cuts += part[lengths[part.cpu()].argsort(stable=True).to(part.device)].split(size)
    rest = [cut for cut in cuts if len(cut) < size]
    full = [cut for cut in cuts if len(cut) == size]
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([full[i] for i in torch.randperm(len(full), generator=generator).tolist()] + rest)


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


def digest_of(content: Any) -> str:
    """Return a number that changes with the content of tensors, alone or within dicts and lists.

    Parameters
    ----------
    content : Tensor, dict, list or tuple

    Returns
    -------
    str
    """
    digest = hashlib.blake2b(digest_size=12)
    _add(digest, content)
    return digest.hexdigest()


def bytes_of(content: Tensor) -> Any:
    """Return the numbers of a tensor as bytes, whatever its strides are.

    Parameters
    ----------
    content : Tensor

    Returns
    -------
    bytes-like
    """
    # a copy: what is contiguous may still have the strides of a tensor that was expanded
    plain = torch.empty(content.shape, dtype=content.dtype).copy_(content.detach())
    return plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b""


def _add(digest: Any, content: Any) -> None:
    if isinstance(content, Tensor):
        digest.update(f"{content.dtype} {tuple(content.shape)}".encode())
        digest.update(bytes_of(content))
    elif isinstance(content, dict):
        for key, value in content.items():
            digest.update(f"{key}:".encode())
            _add(digest, value)
    elif isinstance(content, (list, tuple)):
        digest.update(f"{len(content)};".encode())
        for value in content:
            _add(digest, value)
    else:
        digest.update(repr(content).encode())


def _selected(x: Any, rows: Tensor) -> Any:
    if isinstance(x, list):
        return [x[i] for i in rows.tolist()]
    return {k: v[rows] for k, v in x.items()} if isinstance(x, dict) else x.index_select(0, rows)


def _ignored(labels: list[Tensor]) -> Tensor:
    return pad(labels, IGNORED)


def _tensors(x: Any) -> Iterator[Tensor]:
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, (dict, list)):
        for value in x.values() if isinstance(x, dict) else x:
            yield from _tensors(value)


def _mapped(x: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(x, Tensor):
        return change(x)
    if isinstance(x, dict):
        return {k: _mapped(v, change) for k, v in x.items()}
    return [_mapped(v, change) for v in x] if isinstance(x, list) else x
