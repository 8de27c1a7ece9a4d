"""Views of a fitted model: predictions for source samples, the common space, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import is_regressor
from sklearn.pipeline import Pipeline

from landbridge.base import FeatureTransfer
from landbridge.exceptions import InputError

__all__ = [
    "before_last_step",
    "check_classifier",
    "common_space",
    "in_class_order",
    "last_step",
    "predict_source",
    "probabilities",
]


def before_last_step(model: Any, X: Any, *, side: str) -> Any:
    """Transform samples by every step of a pipeline but the last.

    Parameters
    ----------
    model : estimator
        Fitted; anything but a pipeline returns `X` as it is.
    X : array-like of shape (n_samples, n_features)
    side : {"source", "target"}
        Whose map a feature method applies.

    Returns
    -------
    array of shape (n_samples, n_components)
    """
    if not isinstance(model, Pipeline):
        return X
    for _, _, step in model._iter(with_final=False):
        X = step.transform_source(X) if side == "source" and isinstance(step, FeatureTransfer) else step.transform(X)
    last = model.steps[-1][1]
    return before_last_step(last, X, side=side) if isinstance(last, Pipeline) else X


def predict_source(model: Any, X: Any) -> NDArray[Any]:
    """Predict for *source* samples: a pipeline's feature methods apply their source map.

    Parameters
    ----------
    model : estimator
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Source samples.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    return last_step(model).predict(before_last_step(model, X, side="source"))


def common_space(model: Any, Xs: Any, Xt: Any) -> tuple[Any, Any]:
    """Return both domains as the last step of a fitted model is given them.

    Parameters
    ----------
    model : estimator
        Fitted.
    Xs : array-like of shape (n_source, n_features)
    Xt : array-like of shape (n_target, n_features)

    Returns
    -------
    source, target : array
    """
    return before_last_step(model, Xs, side="source"), before_last_step(model, Xt, side="target")


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
    """Return class probabilities, from decision values or hard labels where the model has none.

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
        X, model = before_last_step(model, X, side="source"), last_step(model)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X), dtype=float)
    if hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=float)
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        if scores.shape[1] == len(model.classes_):
            return softmax(scores, axis=1)
    return (np.asarray(model.predict(X))[:, None] == model.classes_).astype(float)


def in_class_order(proba: NDArray[np.float64], classes: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.float64]:
    """Put class probabilities into the order of other classes.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    classes : ndarray of shape (n_classes,)
        Classes of `proba`.
    wanted : ndarray of shape (n_wanted,)
        Those that the result is to have.

    Returns
    -------
    ndarray of shape (n_samples, n_wanted)
        Zero for classes that `proba` lacks.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import in_class_order
    >>> in_class_order(np.array([[0.2, 0.8]]), np.array(["b", "a"]), np.array(["a", "b", "c"])).tolist()
    [[0.8, 0.2, 0.0]]
    """
    if len(classes) == len(wanted) and np.array_equal(classes, wanted):
        return proba
    out = np.zeros((len(proba), len(wanted)))
    for j, c in enumerate(classes):
        at = np.flatnonzero(wanted == c)
        if len(at):
            out[:, at[0]] = proba[:, j]
    return out


def check_classifier(estimator: Any, validator: str) -> None:
    """Raise unless a validator of class probabilities is given a classifier.

    Parameters
    ----------
    estimator : estimator
    validator : str
        Name of the validator.

    Raises
    ------
    InputError
        If the estimator is a regressor.
    """
    if is_regressor(estimator):
        name = type(last_step(estimator)).__name__
        raise InputError(
            f"{validator} validates classifiers, but estimator is a regressor ({name}); use importance_weighted, "
            "embedded_validation or reverse_validation."
        )
