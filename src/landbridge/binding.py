"""Two bindings that turn a transfer estimator into an ordinary one, for every tool of scikit-learn.

``with_target`` keeps the target whole and leaves an ordinary ``fit(X, y)`` over *source* rows; ``with_source`` keeps
the source whole and leaves an ordinary ``fit(X, y)`` over *labelled target* rows. The bound data are no parameters:
clones share them, and nothing slices them.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from landbridge.exceptions import InputError

__all__ = ["SourceBound", "TargetBound", "with_source", "with_target"]


def _delegates(name: str) -> Any:
    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


class _Bound(BaseEstimator):
    """What both bindings share: an estimator's parameters, tags and predictions."""

    estimator: Any

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return f"{type(self).__name__}({self.estimator.__repr__(N_CHAR_MAX)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the bound estimator, so that grids need no prefix.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include nested parameters.

        Returns
        -------
        dict
        """
        return self.estimator.get_params(deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the bound estimator.

        Parameters
        ----------
        **params
            Names as in ``get_params``.

        Returns
        -------
        self
        """
        self.estimator.set_params(**params)
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes that the fitted estimator knows."""
        return self.estimator_.classes_

    @available_if(_delegates("predict"))
    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_delegates("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_delegates("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the decision values of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    @available_if(_delegates("transform"))
    def transform(self, X: Any) -> Any:
        """Take target rows to the common space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        return self.estimator_.transform(X)

    @available_if(_delegates("score"))
    def score(self, X: Any, y: Any) -> float:
        """Return the estimator's own score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return self.estimator_.score(X, y)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")


class TargetBound(_Bound):
    """An estimator with its target; made by :func:`with_target`.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_target : array-like of shape (n_target, n_features)
        All target rows.
    y_target : array-like of shape (n_target,), optional
        Labels of some of them.
    """

    def __init__(self, estimator: Any, X_target: Any, y_target: Any = None) -> None:
        self.estimator = estimator
        self.X_target = X_target
        self.y_target = y_target

    def __sklearn_clone__(self) -> TargetBound:
        return TargetBound(clone(self.estimator), self.X_target, self.y_target)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit on source rows, with the whole target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,), optional
            Source labels.

        Returns
        -------
        self
        """
        target = {"X_target": self.X_target}
        if self.y_target is not None:
            target["y_target"] = self.y_target
        self.estimator_ = clone(self.estimator).fit(X, y, **target)
        return self


class SourceBound(_Bound):
    """An estimator with its source; made by :func:`with_source`.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_source : array-like of shape (n_source, n_features)
        Source rows.
    y_source : array-like of shape (n_source,)
        Source labels.
    X_unlabelled : array-like of shape (n_unlabelled, n_features), optional
        Target rows without labels, there in every fit.
    """

    def __init__(self, estimator: Any, X_source: Any, y_source: Any, X_unlabelled: Any = None) -> None:
        self.estimator = estimator
        self.X_source = X_source
        self.y_source = y_source
        self.X_unlabelled = X_unlabelled

    def __sklearn_clone__(self) -> SourceBound:
        return SourceBound(clone(self.estimator), self.X_source, self.y_source, self.X_unlabelled)

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on labelled target rows, with the whole source.

        Parameters
        ----------
        X : array-like of shape (n_labelled, n_features)
            Labelled target rows.
        y : array-like of shape (n_labelled,)
            Their labels.

        Returns
        -------
        self
        """
        labels = np.asarray(y)
        if self.X_unlabelled is None:
            X_target, y_target = X, labels
        else:
            n = self.X_unlabelled.shape[0] if hasattr(self.X_unlabelled, "shape") else len(self.X_unlabelled)
            X_target = _stack_rows(X, self.X_unlabelled)
            blank: Any = np.full(n, np.nan) if labels.dtype.kind == "f" else np.full(n, None, dtype=object)
            y_target = np.concatenate([labels if labels.dtype.kind == "f" else labels.astype(object), blank])
        # Marked as object labels, so that a class -1 is never read as "no label".
        if labels.dtype.kind in "iu":
            y_target = np.asarray(y_target, dtype=object)
        self.estimator_ = clone(self.estimator).fit(self.X_source, self.y_source, X_target=X_target, y_target=y_target)
        return self


def with_target(estimator: Any, X_target: Any, y_target: Any = None) -> TargetBound:
    """Bind a target: the rest is an ordinary ``fit(X, y)`` over source rows.

    ``GridSearchCV``, ``cross_val_score``, calibration and stacking then cut the source and leave the target whole.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X_target : array-like of shape (n_target, n_features)
        All target rows; shared by clones, never copied or cut.
    y_target : array-like of shape (n_target,), optional
        Labels of some target rows; ``None``, NaN or -1 where there is none.

    Returns
    -------
    TargetBound

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge import make_pipeline, with_target
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import CORAL
    >>> source, target = make_shift("concept", random_state=0)
    >>> model = make_pipeline(CORAL(), LogisticRegression())
    >>> search = GridSearchCV(with_target(model, target.X), {"coral__reg_covar": [0.1, 1.0]}, cv=3)
    >>> sorted(search.fit(source.X, source.y).best_params_)
    ['coral__reg_covar']
    """
    return TargetBound(estimator, X_target, y_target)


def with_source(estimator: Any, X: Any, y: Any, X_unlabelled: Any = None) -> SourceBound:
    """Bind a source: the rest is an ordinary ``fit(X, y)`` over labelled target rows.

    Cross-validation then cuts the labelled target rows, which is what should be cut when a few target labels exist;
    ``learning_curve`` over it tells how many target labels are worth having.

    Parameters
    ----------
    estimator : estimator
        A transfer estimator or a transfer pipeline.
    X : array-like of shape (n_source, n_features)
        Source rows.
    y : array-like of shape (n_source,)
        Source labels.
    X_unlabelled : array-like of shape (n_unlabelled, n_features), optional
        Target rows without labels, there in every fit.

    Returns
    -------
    SourceBound

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from landbridge import with_source
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import SourcePriorLogistic
    >>> source, target = make_shift("covariate", random_state=0)
    >>> bound = with_source(SourcePriorLogistic(), source.X, source.y)
    >>> cross_val_score(bound, target.X[:40], target.y[:40], cv=4).shape
    (4,)
    """
    return SourceBound(estimator, X, y, X_unlabelled)


def _stack_rows(A: Any, B: Any) -> Any:
    if hasattr(A, "columns") != hasattr(B, "columns"):
        raise InputError("X_unlabelled must be of the same type as the labelled rows: both DataFrames or both arrays.")
    if hasattr(A, "columns"):
        import pandas as pd

        return pd.concat([A, B], ignore_index=True)
    if sparse.issparse(A) or sparse.issparse(B):
        return sparse.vstack([A, B], format="csr")
    return np.concatenate([np.asarray(A), np.asarray(B)])
