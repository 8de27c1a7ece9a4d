"""Multi-label classification: any number of classes per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.exceptions import LabelError
from landbridge.neural.tasks._task import Metric, Task

__all__ = ["MultiLabel"]


class MultiLabel(Task):
    """Multi-label classification: sigmoid, binary cross-entropy, F1 over all decisions.

    Parameters
    ----------
    n_classes : int
    threshold : float, default=0.5
        A class is predicted from this probability on.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.tasks import MultiLabel
    >>> task = MultiLabel(3)
    >>> task.predict(torch.tensor([[2.0, -1.0, 0.5]]))
    array([[1, 0, 1]])
    """

    name = "multilabel"
    metric_name = "F1"

    def __init__(self, n_classes: int, threshold: float = 0.5) -> None:
        self.n_outputs = n_classes
        self.threshold = threshold

    def encode(self, y: Any) -> Tensor:
        """Encode indicators as floats.

        Parameters
        ----------
        y : array-like of shape (n, n_classes)
            Zeros and ones.

        Returns
        -------
        Tensor of shape (n, n_classes)
        """
        y = np.asarray(y)
        if y.ndim != 2 or y.shape[1] != self.n_outputs or not np.isin(y, (0, 1)).all():
            raise LabelError(
                f"multi-label targets must be zeros and ones of shape (n, {self.n_outputs}); got shape {y.shape}. "
                "sklearn.preprocessing.MultiLabelBinarizer makes them from lists of classes."
            )
        return torch.from_numpy(y.astype(np.float32))

    def loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int]:
        """Compute the binary cross-entropy, averaged over classes and summed over samples, and their number.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes)
            Logits.
        labels : Tensor of shape (n, n_classes)

        Returns
        -------
        total : Tensor
        weight : int
        """
        total = F.binary_cross_entropy_with_logits(output, labels.to(output.dtype), reduction="sum")
        return total / self.n_outputs, len(labels)

    def metric(self) -> Metric:
        """Make an accumulator of F1 over all decisions together (micro average).

        Returns
        -------
        Metric
        """
        return _MicroF1(self.threshold)

    def show(self, x: Any, y: Any, prediction: Any) -> dict[str, list[int]]:
        """Describe the classes of a sample and those predicted, by number.

        Parameters
        ----------
        x, y : object
            The sample, and its indicators or None.
        prediction : array-like of shape (n_classes,)

        Returns
        -------
        dict of str to list of int
        """
        found = {"prediction": np.flatnonzero(prediction).tolist()}
        return found | ({} if y is None else {"label": np.flatnonzero(y).tolist()})

    def predict(self, output: Tensor) -> np.ndarray:
        """Predict indicators.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of int, shape (n, n_classes)
        """
        return (torch.sigmoid(output) >= self.threshold).long().numpy()

    def probabilities(self, output: Tensor) -> np.ndarray:
        """Compute the probability of each class.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        return torch.sigmoid(output.double()).numpy()

    def _from_text(self, cells: np.ndarray) -> np.ndarray:
        return cells.astype(int)


class _MicroF1(Metric):
    def __init__(self, threshold: float) -> None:
        self.threshold, self.both, self.total = threshold, 0, 0

    def update(self, output: Tensor, labels: Tensor) -> None:
        predicted, true = torch.sigmoid(output) >= self.threshold, labels > 0.5
        self.both += int((predicted & true).sum())
        self.total += int(predicted.sum() + true.sum())

    def compute(self) -> float:
        return 2.0 * self.both / self.total if self.total else 1.0
