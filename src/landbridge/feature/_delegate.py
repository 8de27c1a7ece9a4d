"""Base class of feature-based methods that fit an estimator themselves."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from landbridge.base import TransferEstimator, predicts_as

__all__ = ["DelegatesToEstimator", "DelegatingTransfer"]


def _delegates(name: str) -> Any:
    def check(self: Any) -> bool:
        inner = getattr(self, "estimator_", None)
        getattr(inner if inner is not None else self._base(), name)  # raises AttributeError where it is missing
        return True

    return check


class DelegatesToEstimator(MetaEstimatorMixin):
    """Mixin that exposes the prediction methods and tags of ``estimator_``, or of ``_base()`` before fitting.

    Classes may override ``_base`` (the estimator used if `estimator` is None) and ``_query`` (the input of
    ``estimator_`` for given target samples).
    """

    estimator: Any
    estimator_: Any
    _read_rows: Any
    _accept_sparse: bool

    def _base(self) -> Any:
        return LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator

    def _query(self, X: Any) -> Any:
        return X

    @property
    def classes_(self) -> NDArray[Any]:
        """Classes of the fitted estimator."""
        return self.estimator_.classes_

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._read_rows(X)
        return self.estimator_.predict(self._query(X))

    @available_if(_delegates("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return self.estimator_.predict_proba(self._query(X))

    @available_if(_delegates("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the decision function for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return self.estimator_.decision_function(self._query(X))

    @available_if(_delegates("score"))
    def score(self, X: Any, y: Any) -> float:
        """Return the score of the fitted estimator on labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.
        y : array-like of shape (n_samples,)
            Labels or values.

        Returns
        -------
        float
        """
        X = self._read_rows(X)
        return self.estimator_.score(self._query(X), y)

    def __sklearn_tags__(self) -> Any:
        inner = get_tags(self._base())
        tags = predicts_as(super().__sklearn_tags__(), inner)
        tags.input_tags.sparse = self._accept_sparse and inner.input_tags.sparse
        return tags


class DelegatingTransfer(DelegatesToEstimator, TransferEstimator):
    """Base class of methods that fit an estimator on transformed samples or labels, and predict with it.

    Subclasses implement ``fit``, which sets ``estimator_``.
    """

    @abstractmethod
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit on both domains.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples.

        Returns
        -------
        self
        """

    def _regresses(self) -> bool:
        return is_regressor(self._base())
