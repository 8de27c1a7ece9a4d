"""Regression: one number per sample, or several."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.neural.tasks._task import Metric, Task

__all__ = ["Regression"]

# Values agree that differ by no more than this share of the spread of the values learned from.
TOLERANCE = 0.1


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

    def loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int]:
        """Compute the squared error, averaged over outputs and summed over samples, and their number.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)
        labels : Tensor of shape (n, n_outputs)

        Returns
        -------
        total : Tensor
        weight : int
        """
        total = F.mse_loss(output, labels.to(output.dtype), reduction="sum")
        return total if self.n_outputs == 1 else total / self.n_outputs, len(labels)

    def metric(self) -> Metric:
        """Make an accumulator of R squared, the share of explained variance, averaged over outputs.

        Returns
        -------
        Metric
        """
        return _R2(self.n_outputs)

    def agreement(self, first: Any, second: Any) -> float:
        """Compute the share of values in which two models agree.

        Parameters
        ----------
        first, second : ndarray of shape (n,) or (n, n_outputs)

        Returns
        -------
        float
            Values agree that differ by no more than a tenth of the spread of those learned from.
        """
        shape = (-1, self.n_outputs)
        apart = np.abs(np.reshape(first, shape) - np.reshape(second, shape))
        return float(np.mean(apart <= TOLERANCE * self.scale))

    def show(self, x: Any, y: Any, prediction: Any) -> dict[str, Any]:
        """Describe value and prediction of a sample.

        Parameters
        ----------
        x, y : object
            The sample, and its value or None.
        prediction : float or array-like of shape (n_outputs,)

        Returns
        -------
        dict
        """
        return {"prediction": np.asarray(prediction).tolist()} | (
            {} if y is None else {"value": np.asarray(y).tolist()}
        )

    def predict(self, output: Tensor) -> np.ndarray:
        """Predict values in the units of the labels.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)

        Returns
        -------
        ndarray of shape (n,) or (n, n_outputs)
        """
        y = output.double().numpy() * self.scale + self.mean
        return y[:, 0] if self.n_outputs == 1 else y

    def _from_text(self, cells: np.ndarray) -> np.ndarray:
        return cells.astype(np.float64)


class _R2(Metric):
    """Sums in double precision; means and squares are updated batch by batch (Chan, Golub and LeVeque)."""

    def __init__(self, n_outputs: int) -> None:
        self.n = 0
        self.mean, self.around, self.rest = (torch.zeros(n_outputs, dtype=torch.float64) for _ in range(3))

    def update(self, output: Tensor, labels: Tensor) -> None:
        found, true = (t.detach().reshape(len(labels), -1).double().cpu() for t in (output, labels))
        if not len(true):
            return
        n, mean = len(true), true.mean(0)
        apart = mean - self.mean
        self.around += ((true - mean) ** 2).sum(0) + apart**2 * (self.n * n / (self.n + n))
        self.mean += apart * (n / (self.n + n))
        self.n += n
        self.rest += ((found - true) ** 2).sum(0)

    def compute(self) -> float:
        return float((1.0 - self.rest / self.around.clamp_min(torch.finfo(torch.float64).tiny)).mean())
