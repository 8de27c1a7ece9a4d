"""Parameter methods behind the fitted transformers of a pipeline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from landbridge.base import TransferTags, predicts_as
from landbridge.fitted_models import match_features

__all__ = ["AfterTransform"]


def _method_has(name: str) -> Any:
    def check(self: Any) -> bool:
        getattr(getattr(self, "method_", self.method), name)  # raises AttributeError where it is missing
        return True

    return check


class AfterTransform(MetaEstimatorMixin, BaseEstimator):
    """Source-free parameter method that adapts the last step of a fitted pipeline.

    Parameters
    ----------
    transform : transformer
        Fitted steps before the last one; wrap them in ``sklearn.frozen.FrozenEstimator``, so that clones keep them.
    method : estimator
        Parameter method whose ``source_estimator`` is the last step.

    Attributes
    ----------
    method_ : estimator
        Adapted.
    classes_ : ndarray of shape (n_classes,)
        Classification only.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import AfterTransform, SourcePriorLogistic
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> source, target = make_shift("translation", random_state=0)
    >>> pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)
    >>> method = SourcePriorLogistic(source_estimator=FrozenEstimator(pipe[-1]))
    >>> model = AfterTransform(FrozenEstimator(pipe[:-1]), method).adapt(target.X, target.y)
    >>> bool(model.predict(target.X).shape == target.y.shape)
    True
    """

    def __init__(self, transform: Any, method: Any) -> None:
        self.transform = transform
        self.method = method

    @property
    def transfer_tags(self) -> TransferTags:
        """Tags of the method."""
        return self.method.transfer_tags

    @property
    def classes_(self) -> NDArray[Any]:
        """Classes of the adapted method."""
        return self.method_.classes_

    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Adapt the method to transformed target samples.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target samples as the pipeline takes them.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples.

        Returns
        -------
        self
        """
        self.method_ = clone(self.method).adapt(self._transformed(X_target), y_target)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.method_.predict(self._transformed(X))

    @available_if(_method_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self.method_.predict_proba(self._transformed(X))

    @available_if(_method_has("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the decision values of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self.method_.decision_function(self._transformed(X))

    def __sklearn_tags__(self) -> Any:
        return predicts_as(super().__sklearn_tags__(), get_tags(self.method))

    def _transformed(self, X: Any) -> Any:
        return self.transform.transform(match_features(self.transform, X))
