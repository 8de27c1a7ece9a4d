"""Base of the methods that know which source domain each training sample comes from."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._method import Batch, Method

__all__ = ["SourceAware"]


class SourceAware(Method):
    """Base of methods that know which source domain each training sample comes from.

    The estimators pass on the ``source_domain`` given to their ``fit``; in a training loop of your own, call
    :meth:`set_source_domain`. Without it all samples are taken for one source.
    """

    source_domain_: NDArray[Any] | None = None

    def set_source_domain(self, source_domain: Any) -> Self:
        """Set the source domain of each training sample.

        Parameters
        ----------
        source_domain : array-like of shape (n_source,)
            A number or a name per training sample.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If it is not one number or name per sample.
        """
        found = np.asarray(source_domain)  # an array, not a tensor, so that it can be saved
        if found.ndim != 1 or found.dtype.kind not in "iubUSO" or not len(found):
            raise InputError(
                f"source_domain must be one whole number or name per training sample; got shape {found.shape}."
            )
        self.source_domain_ = found
        return self

    def order(self, labels: Any, epoch: int, generator: torch.Generator) -> Tensor | None:
        if self.source_domain_ is not None and len(labels) != len(self.source_domain_):
            raise InputError(
                f"source_domain has {len(self.source_domain_)} entries but there are {len(labels)} training samples; "
                "give one per sample, or pass source_domain to fit, which also works with patience and y_target."
            )
        return None

    def __sklearn_clone__(self) -> Self:
        # The sources are given, not learned, and a clone is to be trained on the same samples.
        fresh = type(self)(**{name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()})
        fresh.source_domain_ = self.source_domain_
        return fresh

    def _number_sources(self, like: Tensor) -> None:
        """Name the sources and number them from zero, on the device of a tensor."""
        names, self._numbers = np.zeros(1, dtype=int), None
        if self.source_domain_ is not None:
            names, numbers = np.unique(self.source_domain_, return_inverse=True)
            self._numbers = torch.as_tensor(numbers, device=like.device)
        self.sources_ = tuple(names.tolist())

    def _sources_of(self, batch: Batch) -> Tensor:
        """The number of each sample's source in a batch, on the device of its logits."""
        if self._numbers is None:
            return torch.zeros(len(batch.logits), dtype=torch.int64, device=batch.logits.device)
        return self._numbers[batch.rows.to(self._numbers.device)]
