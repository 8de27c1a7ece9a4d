"""Multi-label classification: any number of classes per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.exceptions import LabelError
from landbridge.neural.tasks._task import Task

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

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the binary cross-entropy, averaged over samples and classes.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)
        y : Tensor of shape (n, n_classes)

        Returns
        -------
        Tensor
        """
        return F.binary_cross_entropy_with_logits(logits, y.to(logits.dtype))

    def metric(self, logits: Tensor, y: Tensor) -> float:
        """Compute F1 over all decisions together (micro average).

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)
        y : Tensor of shape (n, n_classes)

        Returns
        -------
        float
        """
        said, true = torch.sigmoid(logits) >= self.threshold, y > 0.5
        both = float((said & true).sum())
        total = float(said.sum() + true.sum())
        return 2.0 * both / total if total else 1.0

    def predict(self, logits: Tensor) -> np.ndarray:
        """Predict indicators.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of int, shape (n, n_classes)
        """
        return (torch.sigmoid(logits) >= self.threshold).long().numpy()

    def probabilities(self, logits: Tensor) -> np.ndarray:
        """Compute the probability of each class.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        return torch.sigmoid(logits.double()).numpy()
