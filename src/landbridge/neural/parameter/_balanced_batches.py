"""Balanced batches: classes, or sources, are seen equally often however many rows they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._method import Method

__all__ = ["BalancedBatches"]


class BalancedBatches(Method):
    """Draw each epoch's rows so that every group comes equally often.

    Parameters
    ----------
    groups : array-like of shape (n_samples,), optional
        Which source each training row is from; left out, the classes are balanced.
    shares : mapping of group to float, optional
        Other shares than equal ones; they are scaled to sum to one.

    Notes
    -----
    Helps where one class, or one of several sources, would drown the others. Rows of small groups come several times an
    epoch, so that they are learned by heart sooner.

    References
    ----------
    .. [1] B. Kang and others. Decoupling representation and classifier for long-tailed recognition. ICLR 2020.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.parameter import BalancedBatches
    >>> labels = torch.tensor([0] * 90 + [1] * 10)
    >>> order = BalancedBatches().order(labels, 0, torch.Generator().manual_seed(0))
    >>> labels[order].bincount().tolist()
    [50, 50]
    """

    def __init__(self, groups: Any = None, *, shares: Any = None) -> None:
        self.groups, self.shares = groups, shares

    def order(self, labels: Any, epoch: int, generator: torch.Generator) -> Tensor | None:
        """Choose the rows of an epoch.

        Parameters
        ----------
        labels : Tensor
        epoch : int
        generator : torch.Generator

        Returns
        -------
        Tensor of int64, shape (n_samples,)

        Raises
        ------
        InputError
            If `groups` has another length than the rows, or `shares` lacks a group.
        """
        n = len(labels)
        groups = labels.numpy() if self.groups is None else np.asarray(self.groups)
        if groups.ndim != 1 or len(groups) != n:
            raise InputError(f"groups has the shape {groups.shape} but there are {n} training rows; give one a row.")
        names, codes = np.unique(groups, return_inverse=True)
        weights = np.ones(len(names))
        if self.shares is not None:
            if missing := [g for g in names.tolist() if g not in self.shares]:
                raise InputError(f"shares lacks the group {missing[0]!r}; give one share a group.")
            weights = np.array([float(self.shares[g]) for g in names.tolist()])
        ends = np.round(np.cumsum(weights / weights.sum()) * n).astype(int)
        parts = []
        for g, count in enumerate(np.diff(ends, prepend=0).tolist()):
            members = torch.from_numpy(np.flatnonzero(codes == g))
            rounds = -(-count // len(members))
            drawn = [members[torch.randperm(len(members), generator=generator)] for _ in range(rounds)]
            parts.append(torch.cat(drawn)[:count] if drawn else members[:0])
        chosen = torch.cat(parts)
        return chosen[torch.randperm(n, generator=generator)]
