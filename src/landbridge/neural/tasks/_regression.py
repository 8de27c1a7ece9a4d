"""Regression: one number per sample, or several."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.neural.tasks._task import Task

__all__ = ["Regression"]


class Regression(Task):
    """Regression, one value per sample or several: squared error on values of unit variance, R squared.

    Parameters
    ----------
    n_outputs : int, default=1
    mean, scale : float or array-like of shape (n_outputs,)
        Values are learned as ``(y - mean) / scale``, so that learning rates mean the same for all units.

    Examples
    --------
    >>> from landbridge.neural.tasks import Regression
    >>> task = Regression.of([1.0, 3.0])
    >>> task.encode([1.0, 3.0]).flatten().tolist()
    [-1.0, 1.0]
    """

    name = "regression"
    metric_name = "R2"

    def __init__(self, n_outputs: int = 1, mean: Any = 0.0, scale: Any = 1.0) -> None:
        self.n_outputs = n_outputs
        self.mean = np.broadcast_to(np.asarray(mean, dtype=np.float64), (n_outputs,))
        self.scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), (n_outputs,))

    @classmethod
    def of(cls, y: Any) -> Regression:
        """Make the task for some values.

        Parameters
        ----------
        y : array-like of shape (n,) or (n, n_outputs)

        Returns
        -------
        Regression
        """
        y = np.asarray(y, dtype=np.float64)
        y = y.reshape(len(y), -1)
        spread = y.std(axis=0)
        return cls(y.shape[1], y.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def encode(self, y: Any) -> Tensor:
        """Encode values at zero mean and unit variance.

        Parameters
        ----------
        y : array-like of shape (n,) or (n, n_outputs)

        Returns
        -------
        Tensor of shape (n, n_outputs)
        """
        y = np.asarray(y, dtype=np.float64).reshape(len(y), self.n_outputs)
        return torch.from_numpy((y - self.mean) / self.scale)

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the mean squared error.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)
        y : Tensor of shape (n, n_outputs)

        Returns
        -------
        Tensor
        """
        return F.mse_loss(logits, y.to(logits.dtype))

    def metric(self, logits: Tensor, y: Tensor) -> float:
        """Compute R squared, the share of explained variance.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)
        y : Tensor of shape (n, n_outputs)

        Returns
        -------
        float
        """
        y = y.to(logits.dtype)
        rest, all_ = ((logits - y) ** 2).sum(0), ((y - y.mean(0)) ** 2).sum(0)
        return float((1.0 - rest / all_.clamp_min(torch.finfo(logits.dtype).tiny)).mean())

    def predict(self, logits: Tensor) -> np.ndarray:
        """Predict values in the units of the labels.

        Parameters
        ----------
        logits : Tensor of shape (n, n_outputs)

        Returns
        -------
        ndarray of shape (n,) or (n, n_outputs)
        """
        y = logits.double().numpy() * self.scale + self.mean
        return y[:, 0] if self.n_outputs == 1 else y
