"""Batches of samples of several lengths, and outputs that are a tensor, a dict of tensors or a list of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["IGNORED", "collate", "concatenate", "moved", "n_samples_of", "pad", "padded", "select"]

IGNORED = -100  # label of positions that do not count


def pad(rows: Sequence[Tensor], value: float = 0) -> Tensor:
    """Stack tensors, each filled up at the ends of its axes to the largest.

    Parameters
    ----------
    rows : sequence of Tensor
        With one number of axes.
    value : float, default=0

    Returns
    -------
    Tensor of shape (n, ...)

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._ragged import pad
    >>> pad([torch.tensor([1, 2]), torch.tensor([3])], value=-100).tolist()
    [[1, 2], [3, -100]]
    """
    if all(r.shape == rows[0].shape for r in rows):
        return torch.stack(tuple(rows))
    shape = [max(sizes) for sizes in zip(*(r.shape for r in rows), strict=True)]
    whole = rows[0].new_full((len(rows), *shape), value)
    for place, row in zip(whole, rows, strict=True):
        place[tuple(slice(0, size) for size in row.shape)] = row
    return whole


def padded(x: Tensor, length: int, value: float = 0) -> Tensor:
    """Fill up the second axis at its end.

    Parameters
    ----------
    x : Tensor of shape (n, time, ...)
    length : int
        At least `time`.
    value : float, default=0

    Returns
    -------
    Tensor of shape (n, length, ...)
    """
    missing = length - x.shape[1]
    return nn.functional.pad(x, (*(0, 0) * (x.ndim - 2), 0, missing), value=value) if missing else x


def collate(rows: Sequence[Any]) -> Any:
    """Join single inputs to a batch, padded with zeros at the end; dicts are joined key by key.

    Parameters
    ----------
    rows : sequence of Tensor or of dict of Tensor

    Returns
    -------
    Tensor or dict of Tensor
    """
    if isinstance(rows[0], dict):
        return {k: pad([r[k] for r in rows]) for k in rows[0]}
    return pad(rows)


def n_samples_of(output: Any) -> int:
    """Return the number of samples of an output.

    Parameters
    ----------
    output : Tensor, dict of Tensor, or list

    Returns
    -------
    int
    """
    return len(next(iter(output.values())) if isinstance(output, dict) else output)


def select(output: Any, rows: Any) -> Any:
    """Select samples of an output.

    Parameters
    ----------
    output : Tensor, dict of Tensor, or list
    rows : Tensor of int64 or of bool, or slice
        A list takes numbers and slices.

    Returns
    -------
    Tensor, dict of Tensor, or list
    """
    if isinstance(output, dict):
        return {k: select(v, rows) for k, v in output.items()}
    if isinstance(output, list):
        return output[rows] if isinstance(rows, slice) else [output[i] for i in rows.tolist()]
    return output[rows]


def moved(output: Any, device: Any) -> Any:
    """Move an output, or inputs, to a device.

    Parameters
    ----------
    output : Tensor, dict, list or tuple of Tensor
    device : torch.device or str

    Returns
    -------
    Tensor, dict, list or tuple
    """
    if isinstance(output, Tensor):
        return output.to(device, non_blocking=True)
    if isinstance(output, dict):
        return {k: moved(v, device) for k, v in output.items()}
    if isinstance(output, (list, tuple)):
        return type(output)(moved(v, device) for v in output)
    return output


def concatenate(parts: Sequence[Any], device: Any = None) -> Any:
    """Concatenate the outputs of several batches.

    Parameters
    ----------
    parts : sequence of Tensor, of dict of Tensor, or of list
    device : torch.device or str, optional
        Where the result should be. If None, where the parts are.

    Returns
    -------
    Tensor, dict of Tensor, or list
        A list with the output of each sample where batches have different lengths.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._ragged import concatenate
    >>> concatenate([torch.zeros(2, 3), torch.ones(1, 3)]).shape
    torch.Size([3, 3])
    >>> [len(x) for x in concatenate([torch.zeros(2, 3), torch.ones(1, 5)])]
    [3, 3, 5]
    """
    if device is not None:
        return moved(concatenate(parts), device)
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if isinstance(first, Tensor) and all(isinstance(p, Tensor) and p.shape[1:] == first.shape[1:] for p in parts):
        return torch.cat(list(parts))
    if isinstance(first, dict):
        whole = {k: concatenate([p[k] for p in parts]) for k in first}
        if not any(isinstance(v, list) for v in whole.values()):
            return whole
        return [{k: v[i] for k, v in whole.items()} for i in range(n_samples_of(whole))]
    return [sample for part in parts for sample in part]
