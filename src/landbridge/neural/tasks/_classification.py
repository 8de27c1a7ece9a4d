"""Classification: one class per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.exceptions import LabelError
from landbridge.neural.tasks._task import Task

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

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the cross-entropy.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)
        y : Tensor of shape (n,) or (n, n_classes)
            Class numbers, or shares of classes.

        Returns
        -------
        Tensor
        """
        return F.cross_entropy(logits, y, label_smoothing=self.label_smoothing)

    def metric(self, logits: Tensor, y: Tensor) -> float:
        """Compute the accuracy.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)
        y : Tensor of shape (n,)

        Returns
        -------
        float
        """
        return float((logits.argmax(1) == y).double().mean())

    def predict(self, logits: Tensor) -> np.ndarray:
        """Predict the most probable classes.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.classes[logits.argmax(1).numpy()]

    def probabilities(self, logits: Tensor) -> np.ndarray:
        """Compute class probabilities by softmax.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        return torch.softmax(logits.double(), 1).numpy()
