"""Balanced batches: classes, or source domains, are sampled equally often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import StrOptions
from landbridge.exceptions import InputError
from landbridge.neural._source_aware import SourceAware

__all__ = ["BalancedBatches"]


class BalancedBatches(SourceAware):
    """Balance batches: sample each epoch so that every class, or every source domain, is seen equally often.

    Parameters
    ----------
    balance : {"class", "source"}, default="class"
        What is balanced: classes, or the source domains given to ``fit`` as ``source_domain``.
    shares : mapping of class or source to float, optional
        Share of each class number or source domain; scaled to sum to one. If None, all are equal.

    Notes
    -----
    Helps where one class, or one of several sources, would drown the others. Samples of small groups come several times
    an epoch, so that they are overfitted sooner.

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

    method_tags = MethodTags("instance", reads=frozenset({"source_domain"}), shifts=frozenset({"label"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "balance": [StrOptions({"class", "source"})],
        "shares": [Mapping, None],
    }

    def __init__(self, balance: str = "class", *, shares: Any = None) -> None:
        self.balance = balance
        self.shares = shares

    def order(self, labels: Any, epoch: int, generator: torch.Generator) -> Tensor | None:
        n = len(labels)
        if self.balance == "source":
            super().order(labels, epoch, generator)
            if self.source_domain_ is None:  # one source: nothing to balance
                return None
        groups = labels.numpy() if self.balance == "class" else np.asarray(self.source_domain_)
        if groups.ndim != 1:
            raise InputError(f"balance='class' needs one class per sample; labels have the shape {groups.shape}.")
        names, codes = np.unique(groups, return_inverse=True)
        weights = np.ones(len(names))
        if self.shares is not None:
            if missing := [g for g in names.tolist() if g not in self.shares]:
                raise InputError(f"shares lacks {missing[0]!r}; give one share per {self.balance}.")
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
