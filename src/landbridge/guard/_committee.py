"""The consensus model: several fitted models that vote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from landbridge.guard._views import probabilities

__all__ = ["Consensus", "consensus_proba"]

# Probabilities only break ties between equal votes.
TIE_BREAK = 1e-3


def consensus_proba(labels: NDArray[np.intp], proba: NDArray[np.float64], weights: ArrayLike) -> NDArray[np.float64]:
    """Share of the votes each class gets, with mean probabilities to break ties.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_rows)
        Class numbers.
    proba : ndarray of shape (n_models, n_rows, n_classes)
    weights : array-like of shape (n_models,)
        Votes of each model.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import consensus_proba
    >>> p = np.array([[[0.6, 0.4]], [[0.1, 0.9]]])
    >>> int(consensus_proba(p.argmax(2), p, [1, 1]).argmax())
    1
    """
    w = np.asarray(weights, dtype=float) / np.sum(weights)
    shares = np.einsum("m,mrc->rc", TIE_BREAK * w, proba)
    rows = np.arange(labels.shape[1])
    for one, weight in zip(labels, w, strict=True):
        shares[rows, one] += weight
    return shares / shares.sum(axis=1, keepdims=True)


class Consensus(BaseEstimator):
    """Fitted models that vote (classification) or give the median of their values (regression).

    Parameters
    ----------
    models : sequence of estimator
        Already fitted; ``predict`` takes target rows.
    weights : sequence of float
        Votes of each.
    names : sequence of str
        What to call them.

    Attributes
    ----------
    classes_ : ndarray
        Classification only.

    Notes
    -----
    The vote of models that err in different ways is never worse than their average, and mostly better than the best
    of them that can be found without labels. Predicting costs the sum of the models.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.guard import Consensus
    >>> X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    >>> Consensus([LogisticRegression().fit(X, y)], [1.0], ["source-only"]).fit().predict(X).tolist()
    [0, 1]
    """

    def __init__(self, models: Sequence[Any], weights: Sequence[float], names: Sequence[str]) -> None:
        self.models = models
        self.weights = weights
        self.names = names

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Learn nothing: the models are fitted already.

        Parameters
        ----------
        X, y : ignored

        Returns
        -------
        self
        """
        if hasattr(self.models[0], "classes_"):
            self.classes_ = np.asarray(self.models[0].classes_)
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        if hasattr(self, "classes_"):
            return self.classes_[self._shares(X).argmax(axis=1)]
        return np.median(np.stack([m.predict(X) for m in self.models]), axis=0)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the share of the votes each class gets.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
        """
        return self._shares(X)

    def _shares(self, X: Any) -> NDArray[np.float64]:
        labels, proba = [], []
        for model in self.models:
            known = np.searchsorted(self.classes_, model.classes_)
            p = np.zeros((X.shape[0], len(self.classes_)))
            p[:, known] = probabilities(model, X)
            proba.append(p)
            labels.append(np.searchsorted(self.classes_, model.predict(X)))
        return consensus_proba(np.stack(labels), np.stack(proba), self.weights)
