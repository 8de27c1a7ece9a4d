"""Classification: one class per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from landbridge.tasks._base import Task, paired

__all__ = ["Classification"]


class Classification(Task):
    """Predict one class per sample; scored by accuracy.

    Parameters
    ----------
    scoring : Scoring, default=None
        Scorer in its place. If None, there is none.

    Examples
    --------
    >>> from landbridge.tasks import get_task
    >>> task = get_task("classification")
    >>> task.score(["a", "b", "b"], ["a", "b", "a"])
    0.666...
    """

    name = "classification"
    default_metric = "accuracy"
    default_scorer = "accuracy"

    def _default_score(self, y_true: NDArray[Any], predicted: NDArray[Any], all_labels: Any) -> float:
        return float(np.mean(predicted == y_true))

    def score(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Classes and predictions.
        sample_weight : array-like of shape (n_samples,), default=None
            If None, all samples count alike.

        Returns
        -------
        float
        """
        return float(np.average(self.sample_scores(y_true, y_pred), weights=sample_weight))

    def sample_scores(self, y_true: Any, y_pred: Any) -> NDArray[np.float64]:
        """Return 1 for each right prediction and 0 for each wrong one.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Classes and predictions.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.agreement(y_true, y_pred)

    def agreement(self, a: Any, b: Any) -> NDArray[np.float64]:
        """Return 1 where two predictions are the same class and 0 elsewhere.

        Parameters
        ----------
        a, b : array-like of shape (n_samples,)
            Predictions.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        a, b = paired(a, b)
        return np.asarray(a == b, dtype=np.float64)

    def learner(self) -> Any:
        """Return a logistic regression.

        Returns
        -------
        LogisticRegression
        """
        return LogisticRegression(max_iter=1000)
