"""A cross-validated classifier that tells target rows from source rows, the engine of several discrepancies."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.numerics.resampling import balanced_folds

__all__ = ["balanced_error", "cross_fitted_domain", "linear_classifier"]


def linear_classifier() -> Any:
    """Logistic regression on standardised columns, as tight as a few hundred rows can bear.

    Returns
    -------
    Pipeline
    """
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200, tol=1e-3))


def cross_fitted_domain(
    Xs: NDArray[np.float64],
    Xt: NDArray[np.float64],
    rng: np.random.RandomState,
    *,
    source_weights: NDArray[np.float64] | None = None,
    classifier: Any = None,
    n_splits: int = 5,
) -> NDArray[np.float64]:
    """Probability of being a target row, for each row by a model that never saw it; both domains count the same.

    Parameters
    ----------
    Xs, Xt : ndarray of shape (n, d)
        Rows.
    rng : RandomState
        Draws the folds.
    source_weights : ndarray of shape (n_source,), optional
        How much each source row counts.
    classifier : classifier, optional
        Needs ``predict_proba`` and takes ``sample_weight``. Left out: logistic regression on standardised columns.
    n_splits : int, default=5
        Folds.

    Returns
    -------
    ndarray of shape (n_source + n_target,)
        Source rows first.
    """
    X = np.concatenate([Xs, Xt])
    domain = np.repeat([0, 1], [len(Xs), len(Xt)])
    weights = np.concatenate([np.ones(len(Xs)) if source_weights is None else source_weights, np.ones(len(Xt))])
    folds = balanced_folds(domain, min(n_splits, len(Xs), len(Xt)), rng)
    proba = np.full(len(X), 0.5)
    for fold in range(folds.max() + 1):
        train, test = folds != fold, folds == fold
        w = weights[train].copy()
        for side in (0, 1):
            here = domain[train] == side
            w[here] *= len(w) / (2 * max(w[here].sum(), 1e-300))
        proba[test] = fit_quietly(classifier, X[train], domain[train], w).predict_proba(X[test])[:, 1]
    return proba


def balanced_error(
    p_target: NDArray[np.float64], n_source: int, source_weights: NDArray[np.float64] | None = None
) -> float:
    """Error of the domain classifier when each domain counts one half; 0.5 is chance.

    Parameters
    ----------
    p_target : ndarray of shape (n_source + n_target,)
        From :func:`cross_fitted_domain`.
    n_source : int
        Rows of the source.
    source_weights : ndarray of shape (n_source,), optional
        How much each source row counts.

    Returns
    -------
    float
    """
    wrong_source, wrong_target = row_errors(p_target, n_source)
    return float((np.average(wrong_source, weights=source_weights) + wrong_target.mean()) / 2)


def row_errors(p_target: NDArray[np.float64], n_source: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Error of each row, a probability of exactly one half counting as half an error.

    Parameters
    ----------
    p_target : ndarray of shape (n_source + n_target,)
    n_source : int

    Returns
    -------
    source, target : ndarray
    """
    lean = 0.5 * (1 + np.sign(np.round(p_target - 0.5, 12)))
    return lean[:n_source], 1.0 - lean[n_source:]


def fit_quietly(classifier: Any, X: Any, y: Any, weights: Any = None) -> Any:
    """Fit a clone; an optimiser that stops early is no news here.

    Parameters
    ----------
    classifier : classifier or None
        None for the linear one.
    X, y, weights : array
        Training rows.

    Returns
    -------
    classifier
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = linear_classifier() if classifier is None else clone(classifier)
        if weights is None:
            return model.fit(X, y)
        # a pipeline wants the weights addressed to its last step
        name = f"{model.steps[-1][0]}__sample_weight" if isinstance(model, Pipeline) else "sample_weight"
        return model.fit(X, y, **{name: weights})
