"""Pairwise distances between the samples of two batches."""

from __future__ import annotations

from torch import Tensor

__all__ = ["squared_distances"]


def squared_distances(A: Tensor, B: Tensor) -> Tensor:
    """Compute pairwise squared Euclidean distances from inner products, in memory of the result alone.

    Parameters
    ----------
    A : Tensor of shape (n, d)
    B : Tensor of shape (m, d)

    Returns
    -------
    Tensor of shape (n, m)
        Never negative, though rounding would have it so for samples that are nearly the same.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._distances import squared_distances
    >>> squared_distances(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[25.,  1.]])
    """
    return (A.square().sum(dim=1)[:, None] + B.square().sum(dim=1)[None] - 2 * A @ B.T).clamp_min(0.0)
