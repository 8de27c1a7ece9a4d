"""Cross-validated domain classifier that several discrepancies share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge._process_state import quiet
from landbridge.numerics.grouping import fold_of_groups
from landbridge.numerics.resampling import balanced_folds

__all__ = ["balanced_error", "cross_fitted_domain", "linear_classifier", "whitened_classifier"]

# Principal components of the classifier for collinear features.
N_COMPONENTS = 20


def linear_classifier() -> Any:
    """Return a logistic regression on standardised features, regularised for a few hundred samples.

    Returns
    -------
    Pipeline
    """
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200, tol=1e-3))


def whitened_classifier(n_samples: int, n_features: int) -> Pipeline:
    """Return logistic regression on the leading principal components, each scaled to variance one.

    Instruments differ in directions of little variance, which a classifier on collinear features, such as spectra, does
    not find. The features have to be on a common scale.

    Parameters
    ----------
    n_samples : int
        Of both domains together.
    n_features : int

    Returns
    -------
    Pipeline
    """
    k = max(1, min(N_COMPONENTS, n_features, n_samples // 4))
    components = PCA(k, whiten=True, svd_solver="full")
    return make_pipeline(components, LogisticRegression(C=10.0, max_iter=500, tol=1e-3))


def cross_fitted_domain(
    Xs: NDArray[np.float64],
    Xt: NDArray[np.float64],
    rng: np.random.RandomState,
    *,
    source_weights: NDArray[np.float64] | None = None,
    domain_classifier: Any = None,
    n_splits: int = 5,
    groups: NDArray[np.intp] | None = None,
) -> NDArray[np.float64]:
    """Cross-validate the probability of each sample to come from the target; both domains have the same total weight.

    Parameters
    ----------
    Xs, Xt : ndarray of shape (n_samples, n_features)
        Samples.
    rng : RandomState
        Draws the folds.
    source_weights : ndarray of shape (n_source,), optional
        How much each source sample counts.
    domain_classifier : classifier, optional
        Needs ``predict_proba`` and takes ``sample_weight``. If None, logistic regression on standardised features.
    n_splits : int, default=5
        Folds.
    groups : ndarray of int, shape (n_source + n_target,), optional
        Samples that stay in one fold. If None, each sample is a group.

    Returns
    -------
    ndarray of shape (n_source + n_target,)
        Source samples first; one half where no fold can hold out a group and train on both domains.
    """
    X = np.concatenate([Xs, Xt])
    domain = np.repeat([0, 1], [len(Xs), len(Xt)])
    weights = np.concatenate([np.ones(len(Xs)) if source_weights is None else source_weights, np.ones(len(Xt))])
    n_splits = min(n_splits, len(Xs), len(Xt))
    folds = balanced_folds(domain, n_splits, rng) if groups is None else fold_of_groups(groups, n_splits, rng, domain)
    proba = np.full(len(X), 0.5)
    for fold in range(folds.max() + 1):
        train, test = folds != fold, folds == fold
        if len(np.unique(domain[train])) < 2:
            continue
        w = weights[train].copy()
        for side in (0, 1):
            here = domain[train] == side
            w[here] *= len(w) / (2 * max(w[here].sum(), 1e-300))
        proba[test] = fit_quietly(domain_classifier, X[train], domain[train], w).predict_proba(X[test])[:, 1]
    return proba


def balanced_error(
    p_target: NDArray[np.float64], n_source: int, source_weights: NDArray[np.float64] | None = None
) -> float:
    """Compute the balanced error of the domain classifier; 0.5 is chance.

    Parameters
    ----------
    p_target : ndarray of shape (n_source + n_target,)
        From :func:`cross_fitted_domain`.
    n_source : int
        Samples of the source.
    source_weights : ndarray of shape (n_source,), optional
        How much each source sample counts.

    Returns
    -------
    float
    """
    wrong_source, wrong_target = sample_errors(p_target, n_source)
    return float((np.average(wrong_source, weights=source_weights) + wrong_target.mean()) / 2)


def sample_errors(p_target: NDArray[np.float64], n_source: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the error of each sample; a probability of exactly one half is half an error.

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
    """Fit a clone without convergence warnings.

    Parameters
    ----------
    classifier : classifier or None
        None for the linear one.
    X, y, weights : array
        Training samples.

    Returns
    -------
    classifier
    """
    with quiet(ConvergenceWarning, UserWarning):  # the latter where most samples have a class of their own
        model = linear_classifier() if classifier is None else clone(classifier)
        if weights is None:
            return model.fit(X, y)
        # a pipeline wants the weights addressed to its last step
        name = f"{model.steps[-1][0]}__sample_weight" if isinstance(model, Pipeline) else "sample_weight"
        return model.fit(X, y, **{name: weights})
