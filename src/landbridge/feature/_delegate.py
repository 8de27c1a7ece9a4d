"""Base class of feature-based methods that fit an estimator themselves."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

from sklearn.base import MetaEstimatorMixin, is_regressor

from landbridge.base import DelegatesToEstimator, TransferEstimator

__all__ = ["DelegatingTransfer"]


class DelegatingTransfer(DelegatesToEstimator, MetaEstimatorMixin, TransferEstimator):
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
