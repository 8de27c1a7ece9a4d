"""Fitting any model on source and target, what it reads of them, and its held-out predictions on the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from landbridge._random_state import seed_unseeded
from landbridge.base import TransferEstimator
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.guard._views import last_step, predict_source
from landbridge.numerics.grouping import fold_of_groups
from landbridge.pipeline import TransferPipeline

__all__ = ["fit_transfer", "held_out_predictions", "reads", "reads_labels", "reads_target"]


def fit_transfer(
    model: Any,
    Xs: Any,
    ys: Any,
    Xt: Any,
    yt: Any = None,
    *,
    source_domain: Any = None,
    intermediate_domains: Any = None,
) -> Any:
    """Fit any model on source and target; an estimator that reads no target is fitted on the source alone.

    Parameters
    ----------
    model : estimator
    Xs, ys : array-like of shapes (n_source, n_features) and (n_source,)
        Source samples and labels.
    Xt : array-like of shape (n_target, n_features)
        Target samples.
    yt : array-like of shape (n_target,), optional
        Target labels. If None, all are missing.
    source_domain : array-like of shape (n_source,), optional
        Which source each sample came from; passed on to models whose tags read it. If None, there is one source.
    intermediate_domains : sequence of array-like, optional
        Unlabelled domains between source and target, the one nearest to the source first; passed on to models whose
        tags read them. If None, there are none.

    Returns
    -------
    estimator
        The same object, fitted.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import fit_transfer
    >>> from landbridge.instance import ClassifierDensityRatio
    >>> source, target = make_shift("covariate", random_state=0)
    >>> fit_transfer(ClassifierDensityRatio(), source.X, source.y, target.X).predict(target.X).shape == (len(target),)
    True
    """
    if not reads_target(model):
        return model.fit(Xs, ys)
    given = {"X_target": Xt} if yt is None else {"X_target": Xt, "y_target": yt}
    if source_domain is not None and reads(model, "source_domain"):
        given["source_domain"] = source_domain
    if intermediate_domains is not None and reads(model, "intermediate_domains"):
        given["intermediate_domains"] = intermediate_domains
    return model.fit(Xs, ys, **given)


def reads_target(model: Any) -> bool:
    """Return whether a model, or a step of it, is fitted on the target as well.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    bool
    """
    if isinstance(model, TransferPipeline):
        return any(reads_target(step) for _, step in model.steps)
    return isinstance(model, TransferEstimator)


def reads(model: Any, name: str) -> bool:
    """Return whether a model, or a step of it, reads a piece of fit metadata by its tags.

    Parameters
    ----------
    model : estimator
    name : {"X_target", "y_target", "source_domain", "intermediate_domains"}

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.guard import reads
    >>> from landbridge.instance import KMM, SourcePooling
    >>> reads(KMM(), "source_domain"), reads(SourcePooling(), "source_domain")
    (False, True)
    """
    if isinstance(model, Pipeline):
        return any(reads(step, name) for _, step in model.steps)
    return isinstance(model, TransferEstimator) and name in model.transfer_tags.reads


def reads_labels(model: Any) -> bool:
    """Return whether target labels change what a model learns.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    bool
    """
    return reads(model, "y_target")


def held_out_predictions(
    estimator: Any,
    source: Domain,
    target: Domain,
    *,
    cv: int = 3,
    intermediate_domains: Any = None,
    random_state: Any = None,
) -> NDArray[Any]:
    """Predict for each source sample with a clone that was fitted without it, and without its group.

    Parameters
    ----------
    estimator : estimator
    source : Domain
        Labelled.
    target : Domain
    cv : int, default=3
        Number of folds.
    intermediate_domains : sequence of array-like, optional
        Passed on to models that read them. If None, there are none.
    random_state : int, optional
        Seeds the folds; give the same to every model, so that losses can be compared sample by sample.

    Returns
    -------
    ndarray of shape (n_source,)
        Labels or values.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import held_out_predictions
    >>> source, target = make_shift("covariate", random_state=0)
    >>> float((held_out_predictions(LogisticRegression(), source, target) == source.y).mean()) > 0.5
    True
    """
    out: Any = None
    for model, test in held_out_fits(estimator, source, target, cv, random_state, intermediate_domains):
        predicted = predict_source(model, take(source.frame(), test))
        out = np.empty(len(source), dtype=predicted.dtype) if out is None else out
        if predicted.dtype.kind in "SU":  # strings of one fold may be longer than those of another
            out = out.astype(object)
        out[test] = predicted
    return np.array(out.tolist())


def held_out_fits(
    estimator: Any, source: Domain, target: Domain, cv: int, random_state: Any, intermediate_domains: Any = None
) -> Iterator[tuple[Any, NDArray[np.intp]]]:
    """Yield, for each fold of the source, a clone that was fitted without it and the fold's indices.

    Parameters
    ----------
    estimator : estimator
    source, target : Domain
    cv : int
    random_state : int or None
    intermediate_domains : sequence of array-like, optional

    Yields
    ------
    model : estimator
    test : ndarray of int
    """
    Xs, ys, Xt = source.frame(), source.y, target.frame()
    assert ys is not None
    for train, test in _folds(estimator, source, cv, random_state):
        if not is_regressor(last_step(estimator)) and len(np.unique(ys[train])) < 2:
            # the only sample of a class is held out: all that is left to learn is the other class
            yield DummyClassifier(strategy="most_frequent").fit(take(Xs, train), ys[train]), test
            continue
        origin = None if source.source_domain is None else source.source_domain[train]
        model = fit_transfer(
            seed_unseeded(clone(estimator), random_state),
            take(Xs, train),
            ys[train],
            Xt,
            source_domain=origin,
            intermediate_domains=intermediate_domains,
        )
        yield model, test


def _folds(estimator: Any, source: Domain, cv: int, random_state: Any) -> Any:
    if source.groups is not None:
        return _group_folds(source, cv, random_state, regression=is_regressor(last_step(estimator)))
    if is_regressor(last_step(estimator)):
        return KFold(cv, shuffle=True, random_state=random_state).split(source.X)
    smallest = int(np.unique(source.y, return_counts=True)[1].min())
    if smallest < 2:
        return KFold(cv, shuffle=True, random_state=random_state).split(source.X)
    return StratifiedKFold(min(cv, smallest), shuffle=True, random_state=random_state).split(source.X, source.y)


def _group_folds(source: Domain, cv: int, random_state: Any, *, regression: bool) -> Any:
    """Folds of whole groups; without a class in training, or with a single group, nothing can be held out."""
    rng = np.random.RandomState(random_state)
    folds = fold_of_groups(source.groups, cv, rng, None if regression else source.y)
    if folds.max() == 0:
        raise InputError(
            "groups holds a single group of source samples, so that none can be held out; give groups with "
            "several values, or no groups."
        )
    return [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(int(folds.max()) + 1)]


def take(X: Any, indices: Any) -> Any:
    """Select samples by position, of arrays and DataFrames alike.

    Parameters
    ----------
    X : array or DataFrame of shape (n_samples, n_features)
    indices : ndarray of int

    Returns
    -------
    array or DataFrame
    """
    return X.iloc[indices] if hasattr(X, "iloc") else X[indices]
