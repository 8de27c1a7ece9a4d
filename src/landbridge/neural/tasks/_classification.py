"""Classification: one class per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.exceptions import LabelError
from landbridge.neural.tasks._task import Metric, Task

__all__ = ["Classification"]


class Classification(Task):
    """Classification, one class per sample: softmax, cross-entropy, accuracy.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        The classes, sorted.
    label_smoothing : float, default=0.0
        Share of the probability that is spread over all classes.

    Examples
    --------
    >>> from landbridge.neural.tasks import Classification
    >>> task = Classification(["cat", "dog"])
    >>> task.encode(["dog", "cat"])
    tensor([1, 0])
    """

    name = "classification"
    metric_name = "accuracy"

    def __init__(self, classes: Any, label_smoothing: float = 0.0) -> None:
        self.classes = np.asarray(classes)
        self.label_smoothing = label_smoothing
        self.n_outputs = len(self.classes)

    def encode(self, y: Any) -> Tensor:
        """Encode labels as class numbers.

        Parameters
        ----------
        y : array-like of shape (n,)

        Returns
        -------
        Tensor of int64, shape (n,)
        """
        y = np.asarray(y)
        at = np.searchsorted(self.classes, y)
        at = np.minimum(at, len(self.classes) - 1)
        unknown = self.classes[at] != y
        if np.any(unknown):
            raise LabelError(
                f"the labels hold the class {y[np.argmax(unknown)]!s}, which the head of {self.n_outputs} classes does "
                "not have; fit again with a head for all classes, or drop those samples."
            )
        return torch.from_numpy(at.astype(np.int64))

    def loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int]:
        """Compute the cross-entropy, summed over the samples, and their number.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes)
            Logits.
        labels : Tensor of shape (n,) or (n, n_classes)
            Class numbers, or shares of classes.

        Returns
        -------
        total : Tensor
        weight : int
        """
        total = F.cross_entropy(output, labels, label_smoothing=self.label_smoothing, reduction="sum")
        return total, len(labels)

    def metric(self) -> Metric:
        """Make an accumulator of the accuracy.

        Returns
        -------
        Metric
        """
        return _Accuracy()

    def show(self, x: Any, y: Any, prediction: Any) -> dict[str, str]:
        """Describe label and prediction of a sample.

        Parameters
        ----------
        x, y : object
            The sample, and its label or None.
        prediction : object

        Returns
        -------
        dict of str to str
        """
        return {"prediction": str(prediction)} | ({} if y is None else {"label": str(y)})

    def predict(self, output: Tensor) -> np.ndarray:
        """Predict the most probable classes.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.classes[output.argmax(1).numpy()]

    def probabilities(self, output: Tensor) -> np.ndarray:
        """Compute class probabilities by softmax.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        return torch.softmax(output.double(), 1).numpy()

    def _from_text(self, cells: np.ndarray) -> np.ndarray:
        known = {str(c): c for c in self.classes.tolist()}
        if unknown := [c for c in cells.ravel().tolist() if c not in known]:
            raise ValueError(f"it holds the class {unknown[0]!r}, which the task does not have")
        return np.array([[known[c] for c in row] for row in cells.tolist()], dtype=self.classes.dtype)


class _Accuracy(Metric):
    def __init__(self) -> None:
        self.right, self.n = 0, 0

    def update(self, output: Tensor, labels: Tensor) -> None:
        self.right += int((output.argmax(1) == labels).sum())
        self.n += len(labels)

    def compute(self) -> float:
        return self.right / self.n if self.n else float("nan")
