"""Regression: one value per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from landbridge.tasks._base import Task, paired

__all__ = ["Regression"]


class Regression(Task):
    """Predict one value per sample; scored by R².

    Parameters
    ----------
    scoring : Scoring, default=None
        Scorer in its place. If None, there is none.

    Examples
    --------
    >>> from landbridge.tasks import get_task
    >>> task = get_task("regression")
    >>> task.score([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    >>> task.sample_scores([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    array([ 1. ,  1. , -0.5])
    """

    name = "regression"
    default_metric = "R²"
    default_scorer = "r2"

    def _default_score(self, y_true: NDArray[Any], predicted: NDArray[Any], all_labels: Any) -> float:
        spread = float(np.var(y_true if all_labels is None else all_labels))
        return 1.0 - float(np.mean((predicted - y_true) ** 2)) / max(spread, 1e-12)

    def score(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return R², the share of the variance that is explained.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Values and predictions.
        sample_weight : array-like of shape (n_samples,), default=None
            If None, all samples count alike.

        Returns
        -------
        float
            At most 1. With constant `y_true`: 1 for exact predictions and 0 for others.
        """
        y_true, y_pred = (np.asarray(v, dtype=np.float64) for v in paired(y_true, y_pred))
        if np.ptp(y_true) == 0.0:
            return float(np.array_equal(y_true, y_pred))
        return float(r2_score(y_true, y_pred, sample_weight=sample_weight))

    def sample_scores(self, y_true: Any, y_pred: Any) -> NDArray[np.float64]:
        """Return 1 minus the squared error over the variance of `y_true`, per sample.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            Values and predictions.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        y_true, y_pred = (np.asarray(v, dtype=np.float64) for v in paired(y_true, y_pred))
        variance = float(np.var(y_true))
        if variance == 0.0:
            return np.full(len(y_true), float(np.array_equal(y_true, y_pred)))
        return 1.0 - (y_true - y_pred) ** 2 / variance

    def agreement(self, a: Any, b: Any) -> NDArray[np.float64]:
        """Return ``exp(-(a - b)² / (2 v))`` per sample, with `v` the mean of the variances of both predictions.

        Parameters
        ----------
        a, b : array-like of shape (n_samples,)
            Predictions.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        a, b = (np.asarray(v, dtype=np.float64) for v in paired(a, b))
        variance = 0.5 * float(np.var(a) + np.var(b))
        if variance == 0.0:
            return np.asarray(a == b, dtype=np.float64)
        return np.exp(-((a - b) ** 2) / (2.0 * variance))

    def learner(self) -> Any:
        """Return a ridge regression.

        Returns
        -------
        Ridge
        """
        return Ridge()
