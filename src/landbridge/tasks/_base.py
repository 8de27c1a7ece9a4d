"""The interface of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from landbridge.exceptions import InputError

__all__ = ["Task", "paired"]


class Task(ABC):
    """What belongs to one kind of label: metric, scores per sample, agreement, default learner.

    Attributes
    ----------
    name : str
        ``"classification"`` or ``"regression"``.
    metric : str
        Name of the score, as it is printed.
    """

    name: ClassVar[str]
    metric: ClassVar[str]

    @abstractmethod
    def score(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Score predictions; the greater the better, 1 for perfect ones.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Labels and predictions.
        sample_weight : array-like of shape (n_samples,), default=None
            If None, all samples count alike.

        Returns
        -------
        float
        """

    @abstractmethod
    def sample_scores(self, y_true: Any, y_pred: Any) -> NDArray[np.float64]:
        """Score each prediction; their mean is :meth:`score`.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Labels and predictions.

        Returns
        -------
        ndarray of shape (n_samples,)
        """

    @abstractmethod
    def agreement(self, a: Any, b: Any) -> NDArray[np.float64]:
        """Compare two predictions of the same samples.

        Parameters
        ----------
        a, b : array-like of shape (n_samples,)
            Predictions.

        Returns
        -------
        ndarray of shape (n_samples,)
            From 0 to 1, where 1 means the same.
        """

    @abstractmethod
    def learner(self) -> Any:
        """Return the default base learner, unfitted.

        Returns
        -------
        estimator
        """

    def default_estimator(self, is_sparse: bool = False) -> Pipeline:
        """Return the default learner with the scaling it needs, unfitted.

        Parameters
        ----------
        is_sparse : bool, default=False
            Whether the features come as a sparse matrix, which must not be centred.

        Returns
        -------
        Pipeline
        """
        return make_pipeline(MaxAbsScaler() if is_sparse else StandardScaler(), self.learner())

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


def paired(a: Any, b: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return two label arrays of one length.

    Parameters
    ----------
    a, b : array-like of shape (n_samples,)

    Returns
    -------
    a, b : ndarray of shape (n_samples,)

    Raises
    ------
    InputError
        If the shapes differ or there are no samples.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise InputError(
            f"labels and predictions have the shapes {a.shape} and {b.shape}; give one of each per sample."
        )
    return a, b
