"""Looking into a fitted model: its predictions for source rows, its common space, its probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from landbridge.base import FeatureTransfer

__all__ = ["common_space", "predict_source", "probabilities", "rows_before_last_step", "stones_of"]


def rows_before_last_step(model: Any, X: Any, *, side: str) -> Any:
    """Take rows through every step of a pipeline but the last.

    Parameters
    ----------
    model : estimator
        Fitted; anything but a pipeline returns `X` as it is.
    X : array-like of shape (n_samples, n_features)
    side : {"source", "target"}
        Which map a feature method applies.

    Returns
    -------
    array of shape (n_samples, n_components)
    """
    if not isinstance(model, Pipeline):
        return X
    for _, _, step in model._iter(with_final=False):
        X = step.transform_source(X) if side == "source" and isinstance(step, FeatureTransfer) else step.transform(X)
    last = model.steps[-1][1]
    return rows_before_last_step(last, X, side=side) if isinstance(last, Pipeline) else X


def predict_source(model: Any, X: Any) -> NDArray[Any]:
    """Predict for *source* rows: a pipeline's feature methods apply their source map.

    Parameters
    ----------
    model : estimator
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Source rows.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    return last_step(model).predict(rows_before_last_step(model, X, side="source"))


def common_space(model: Any, Xs: Any, Xt: Any) -> tuple[Any, Any]:
    """Both domains as the last step of a fitted model sees them.

    Parameters
    ----------
    model : estimator
        Fitted.
    Xs : array-like of shape (n_source, n_features)
    Xt : array-like of shape (n_target, n_features)

    Returns
    -------
    source, target : arrays
    """
    return rows_before_last_step(model, Xs, side="source"), rows_before_last_step(model, Xt, side="target")


def last_step(model: Any) -> Any:
    """Return the last step of a pipeline, however deep; any other model is its own last step.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    estimator
    """
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    return model


def probabilities(model: Any, X: Any, *, side: str = "target") -> NDArray[np.float64]:
    """Class probabilities, from decision values or hard labels where the model has none.

    Parameters
    ----------
    model : classifier
        Fitted.
    X : array-like of shape (n_samples, n_features)
    side : {"source", "target"}, default="target"

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    if side == "source":
        X, model = rows_before_last_step(model, X, side="source"), last_step(model)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X), dtype=float)
    if hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=float)
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        if scores.shape[1] == len(model.classes_):
            return softmax(scores, axis=1)
    return (np.asarray(model.predict(X))[:, None] == model.classes_).astype(float)


def stones_of(model: Any) -> Any:
    """Return the intermediate domains that a fitted model, or the last step of a pipeline, was fitted with.

    Parameters
    ----------
    model : estimator
        Fitted.

    Returns
    -------
    list of array or None
    """
    return getattr(last_step(model), "intermediate_domains_", None)
