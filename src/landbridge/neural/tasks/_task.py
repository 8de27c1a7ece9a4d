"""Base class of tasks: head, loss, metric, and labels to tensors and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Task"]


class Task(ABC):
    """Base class of tasks.

    Attributes
    ----------
    name : str
    metric_name : str
        What ``metric`` measures; higher is better.
    n_outputs : int
        Width of the logits.
    """

    name: ClassVar[str]
    metric_name: ClassVar[str]
    n_outputs: int

    def head(self, in_features: int) -> nn.Module:
        """Make a new head.

        Parameters
        ----------
        in_features : int
            Width of the pooled features.

        Returns
        -------
        Module
        """
        return nn.Linear(in_features, self.n_outputs)

    @abstractmethod
    def encode(self, y: Any) -> Tensor:
        """Turn labels into a tensor.

        Parameters
        ----------
        y : array-like of shape (n, ...)

        Returns
        -------
        Tensor
        """

    @abstractmethod
    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the mean loss over the samples.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)
        y : Tensor
            As ``encode`` gives it.

        Returns
        -------
        Tensor
            A scalar.
        """

    @abstractmethod
    def metric(self, logits: Tensor, y: Tensor) -> float:
        """Compute the quality of the predictions; higher is better.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)
        y : Tensor

        Returns
        -------
        float
        """

    @abstractmethod
    def predict(self, logits: Tensor) -> np.ndarray:
        """Turn logits into predictions in the labels' own terms.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)

        Returns
        -------
        ndarray
        """

    def probabilities(self, logits: Tensor) -> np.ndarray:
        """Turn logits into probabilities.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)

        Returns
        -------
        ndarray of shape (n, n_outputs)
        """
        raise NotImplementedError(f"{self.name} has no probabilities.")

    def collate(self, rows: list[Any]) -> Any:
        """Join single inputs to a batch; dicts (token ids, masks) are joined key by key and padded at the end.

        Parameters
        ----------
        rows : list of Tensor or of dict of Tensor

        Returns
        -------
        Tensor or dict of Tensor
        """
        if isinstance(rows[0], dict):
            return {k: nn.utils.rnn.pad_sequence([r[k] for r in rows], batch_first=True) for k in rows[0]}
        return torch.stack(rows)
