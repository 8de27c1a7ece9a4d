"""What methods share that are told of which source each training row is."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._method import Batch, Method

__all__ = ["GroupedSources", "closeness"]


def closeness(distances: Tensor, sharpness: float) -> Tensor:
    """Shares of sources that fall with their distance to the target, over the mean distance; their sum is 1.

    Parameters
    ----------
    distances : Tensor of shape (n_sources,)
    sharpness : float
        0 makes all alike.

    Returns
    -------
    Tensor of shape (n_sources,)
    """
    return (-sharpness * distances / distances.mean().clamp_min(1e-12)).softmax(dim=0)


class GroupedSources(Method):
    """Base of methods that are told a source's number for each training row.

    Parameters
    ----------
    groups : array-like of int, shape (n_source,), optional
        Left out, the estimator tells the sources where its ``fit`` is given ``source_domain``; otherwise all rows are
        of one source.
    """

    _shown: ClassVar[str]  # the parameter that a printed method tells

    def __init__(self, groups: Any = None) -> None:
        groups = None if groups is None else np.asarray(groups)  # an array, not a tensor, so that it can be saved
        if groups is not None and (groups.ndim != 1 or groups.dtype.kind not in "iub" or not len(groups)):
            raise InputError(f"groups must be one whole number a training row; got shape {groups.shape}.")
        self.groups = groups

    def __repr__(self) -> str:
        groups = None if self.groups is None else f"<{len(self.groups)} rows>"
        return f"{type(self).__name__}({groups}, {self._shown}={getattr(self, self._shown)!r})"

    def take_sources(self, sources: NDArray[Any]) -> None:
        """Take the name of each training row's source, where no groups were given.

        Parameters
        ----------
        sources : ndarray of shape (n_source,)
            Numbers or strings.
        """
        if self.groups is None:
            self.groups = np.asarray(sources)

    def order(self, labels: Any, epoch: int, generator: torch.Generator) -> Tensor | None:
        """Check that there is a group for each row; the order stays the plain one.

        Parameters
        ----------
        labels : Tensor
        epoch : int
        generator : torch.Generator

        Returns
        -------
        None
        """
        if self.groups is not None and len(labels) != len(self.groups):
            raise InputError(
                f"groups has {len(self.groups)} entries but there are {len(labels)} training rows; give one a row. "
                "Where patience holds rows out, or labelled target rows are learned from, leave groups out and give "
                "fit source_domain instead."
            )
        return None

    def _number_sources(self, like: Tensor) -> None:
        """Name the sources and number them from zero, on the device of a tensor."""
        names, self._numbers = np.zeros(1, dtype=int), None
        if self.groups is not None:
            names, numbers = np.unique(self.groups, return_inverse=True)
            self._numbers = torch.as_tensor(numbers, device=like.device)
        self.sources_ = tuple(names.tolist())

    def _sources_of(self, batch: Batch) -> Tensor:
        """The number of each row's source in a batch, on the device of its logits."""
        if self._numbers is None:
            return torch.zeros(len(batch.logits), dtype=torch.int64, device=batch.logits.device)
        return self._numbers[batch.rows.to(self._numbers.device)]
