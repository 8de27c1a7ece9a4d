"""Fitted scikit-learn models as the source of a transfer: what counts as one, and which features it expects."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier, is_clusterer, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError

__all__ = ["check_fitted_model", "is_fitted_model", "match_features", "unwrap"]


def is_fitted_model(obj: Any) -> bool:
    """Check whether an object is a fitted classifier or regressor.

    Parameters
    ----------
    obj : object
        Anything.

    Returns
    -------
    bool
        False for unfitted estimators, transformers, clusterers, classes, data and file names.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import is_fitted_model
    >>> is_fitted_model(LogisticRegression()), is_fitted_model(LogisticRegression().fit([[0], [1]], [0, 1]))
    (False, True)
    """
    try:
        check_fitted_model(obj)
    except InputError:
        return False
    return True


def check_fitted_model(model: Any, name: str = "source_estimator") -> Any:
    """Check that an object is a fitted classifier or regressor of scikit-learn's kind.

    Parameters
    ----------
    model : object
        Checked; not changed.
    name : str, default="source_estimator"
        Which argument or file it is, for the message.

    Returns
    -------
    object
        The model.

    Raises
    ------
    InputError
        If it has no ``predict``, is a clusterer or an outlier detector, is not fitted, or names no classes.
    """
    kind = type(model).__name__
    if isinstance(model, type) or not hasattr(model, "fit"):
        raise InputError(f"{name}={kind} is no scikit-learn model; give a fitted classifier or regressor.")
    if is_clusterer(model):
        raise InputError(f"{name}={kind} is a clusterer; give a fitted classifier or regressor.")
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise InputError(f"{name}={kind} is not fitted; call its fit on the source samples first.") from error
    except TypeError as error:
        raise InputError(f"{name}={kind} is no scikit-learn model; give a fitted classifier or regressor.") from error
    if not hasattr(model, "predict"):
        raise InputError(f"{name}={kind} has no predict; give a fitted classifier or regressor, not a transformer.")
    if not (is_classifier(model) or is_regressor(model)):
        raise InputError(f"{name}={kind} is neither a classifier nor a regressor; give a fitted one of these.")
    if is_classifier(model):
        classes = getattr(model, "classes_", None)
        if classes is None or isinstance(classes, list):
            raise InputError(
                f"{name}={kind} has no single list of classes_; give a classifier with one label per sample."
            )
    return model


def unwrap(model: Any) -> Any:
    """Return the model within frozen estimators, searches and other wrappers that pass predictions on unchanged.

    Parameters
    ----------
    model : estimator
        Fitted.

    Returns
    -------
    estimator
    """
    while True:
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif type(model).__name__ == "FittedSource":
            model = model.source_estimator
        else:
            return model


def match_features(model: Any, X: Any, name: str = "X_target") -> Any:
    """Return samples as a fitted model expects them: features matched by name where both have names.

    Parameters
    ----------
    model : estimator
        Fitted.
    X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
        Samples.
    name : str, default="X_target"
        Name of the argument, for the message.

    Returns
    -------
    DataFrame, ndarray or sparse matrix of shape (n_samples, n_features)
        A DataFrame where the model was fitted with feature names.

    Raises
    ------
    InputError
        If features are missing or their number differs.
    """
    import pandas as pd

    refuse_masked(X, name)
    names = getattr(model, "feature_names_in_", None)
    expected = getattr(model, "n_features_in_", None)
    if hasattr(X, "columns"):
        given = [str(c) for c in X.columns]
        if names is not None:
            if missing := [c for c in names.tolist() if c not in given]:
                raise InputError(
                    f"{name} has no feature {missing[0]!r}, which source_estimator was fitted on; give all "
                    f"{len(names)} features under the same names."
                )
            return X if given == names.tolist() else X.loc[:, names.tolist()]
        if all(d.kind in "biuf" for d in X.dtypes if hasattr(d, "kind")):
            X = X.to_numpy()  # fitted without names, so that names would only bring a warning
    if not sparse.issparse(X) and not hasattr(X, "columns"):
        try:
            X = np.asarray(X)
        except ValueError as error:
            raise InputError(f"{name} is no table: samples have different numbers of features.") from error
    if len(X.shape) != 2:
        raise InputError(f"{name} has shape {X.shape}; give a table of shape (n_samples, n_features).")
    if X.shape[0] == 0:
        raise InputError(f"{name} has no samples; give at least one.")
    if expected is not None and X.shape[1] != expected:
        raise InputError(
            f"{name} has {X.shape[1]} features but source_estimator was fitted on {expected}; give the same features "
            "in the same order."
        )
    if names is not None and not sparse.issparse(X):
        return pd.DataFrame(X, columns=names)
    return X
