"""The interface of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from landbridge.exceptions import InputError
from landbridge.tasks._scoring import Scoring, difference_in_words, get_scoring, is_share

__all__ = ["Task", "paired"]


class Task(ABC):
    """What belongs to one kind of label: metric, scores per sample, agreement, default learner.

    Parameters
    ----------
    scoring : Scoring, default=None
        If None, accuracy or R².

    Attributes
    ----------
    name : str
        ``"classification"`` or ``"regression"``.
    metric : str
        Name of the score, as it is printed.
    structured : bool
        Whether a label is more than one class or value, such as a tag per word.
    """

    name: ClassVar[str]
    structured: ClassVar[bool] = False
    default_metric: ClassVar[str]
    default_scorer: ClassVar[str]

    def __init__(self, scoring: Scoring | None = None) -> None:
        self.scoring = scoring
        self.metric = self.default_metric if scoring is None else scoring.name

    def with_scoring(self, scoring: Any) -> Self:
        """Return the same task with another scorer.

        Parameters
        ----------
        scoring : str, callable or None
            As in :func:`get_scoring`; None, and the name of the default, give the default.

        Returns
        -------
        Task

        Raises
        ------
        InputError
            If there is no such scorer, or it is made for another task.
        """
        if scoring is None or (isinstance(scoring, str) and scoring == self.default_scorer):
            return type(self)()
        return type(self)(get_scoring(scoring, self.name))

    @property
    def is_share(self) -> bool:
        """Whether the score is a share, from 0 to 1."""
        return is_share(self.metric)

    def score_predictions(
        self, y_true: Any, predicted: Any, proba: Any = None, classes: Any = None, *, all_labels: Any = None
    ) -> float:
        """Score predictions by the scorer of the task; the greater the better.

        Parameters
        ----------
        y_true, predicted : array-like of shape (n_samples,)
        proba : ndarray of shape (n_samples, n_classes), optional
            Class probabilities, for scorers that need them. If None, certain of the predictions.
        classes : array-like of shape (n_classes,), optional
            Their order.
        all_labels : array-like, optional
            R² is in units of the variance of these labels. If None, of `y_true`.

        Returns
        -------
        float
            NaN where the score is not defined for these labels.
        """
        if self.scoring is not None:
            return self.scoring.score(y_true, predicted, proba, classes)
        return self._default_score(np.asarray(y_true), np.asarray(predicted), all_labels)

    @abstractmethod
    def _default_score(self, y_true: NDArray[Any], predicted: NDArray[Any], all_labels: Any) -> float:
        """Return the default score of predictions."""

    @property
    def score_range(self) -> tuple[float, float]:
        """Least and largest value of the score."""
        if self.scoring is not None:
            return self.scoring.low, self.scoring.high
        return (0.0 if self.is_share else -np.inf), 1.0

    def within_range(self, measured: Any, *, difference: bool = False) -> Any:
        """Limit an interval to the values that the score, or a difference of two scores, can take.

        Parameters
        ----------
        measured : Measurement
        difference : bool, default=False

        Returns
        -------
        Measurement
        """
        if measured.low is None or measured.high is None:
            return measured
        low, high = self.score_range
        low, high = (low - high, high - low) if difference else (low, high)
        return replace(measured, low=max(measured.low, low), high=min(measured.high, high))

    def in_words(self, difference: float, *, sign: bool = False) -> str:
        """Write a difference of scores: points for a share, else the plain number with the name of the score.

        Parameters
        ----------
        difference : float
        sign : bool, default=False
            Write a plus sign before positive ones.

        Returns
        -------
        str
        """
        return difference_in_words(difference, self.metric, sign=sign)

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
        return f"{type(self).__name__}({'' if self.scoring is None else repr(self.metric)})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.metric == getattr(other, "metric", None)

    def __hash__(self) -> int:
        return hash((type(self), self.metric))


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
