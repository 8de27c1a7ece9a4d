"""Scores of one candidate on every split of the labelled target samples, and its predictions there."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from landbridge._sklearn_compat import _safe_indexing
from landbridge.candidates._specification import CandidateSpec
from landbridge.guard import in_class_order, probabilities, reads_labels
from landbridge.numerics.row_digests import equal_rows, row_digests
from landbridge.problem._problem import Problem
from landbridge.problem._structured import listed
from landbridge.runner._fit import fit_candidate
from landbridge.runner._store import RunStore

# Samples that are on both sides, by the splits they are held out in: the same for all candidates.
_TWINS: WeakKeyDictionary[Any, tuple[NDArray[Any], NDArray[Any]] | None] = WeakKeyDictionary()

__all__ = ["SplitScores", "scores_on_splits", "source_classes", "validate_on_splits"]


class SplitScores(NamedTuple):
    """What cross-validation found about a candidate.

    Parameters
    ----------
    scores : ndarray of shape (n_splits,)
    predicted : ndarray of shape (n_labelled,) or None
        Prediction for each labelled target sample by a model that was fitted without its label; None where scores come
        from a resumed run.
    proba : ndarray of shape (n_labelled, n_classes) or None
        Class probabilities in the order of :func:`source_classes`; None for regression.
    """

    scores: NDArray[np.float64]
    predicted: NDArray[Any] | None
    proba: NDArray[np.float64] | None


def scores_on_splits(
    spec: CandidateSpec, model: Any, fitted: Any, problem: Problem, store: RunStore | None = None
) -> NDArray[np.float64]:
    """Cross-validate a candidate on the labelled target samples.

    Parameters
    ----------
    spec : CandidateSpec
    model : estimator
        Unfitted.
    fitted : estimator
        Fitted with all target labels.
    problem : Problem
    store : RunStore, optional
        Keeps the score of every finished fit.

    Returns
    -------
    ndarray of shape (n_splits,)
    """
    return validate_on_splits(spec, model, fitted, problem, store).scores


def validate_on_splits(
    spec: CandidateSpec, model: Any, fitted: Any, problem: Problem, store: RunStore | None = None
) -> SplitScores:
    """Cross-validate a candidate on the labelled target samples, and keep its predictions.

    A model that uses no target labels was fitted once for all splits; the others are fitted again on each split's
    training labels, always with all target samples. Source samples of a group that is held out, or
    equal to a held-out sample in every feature, are excluded.

    Parameters
    ----------
    spec : CandidateSpec
    model : estimator
        Unfitted.
    fitted : estimator
        Fitted with all target labels.
    problem : Problem
    store : RunStore, optional
        Keeps the score of every finished fit.

    Returns
    -------
    SplitScores
        In the score of the task; R² is in units of the variance of all labelled samples.
    """
    splits = problem.splits
    assert splits is not None
    refit = spec.fit_on == "target" or reads_labels(model)
    classes = None if problem.task.structured or is_regressor(model) else source_classes(problem)
    out = np.empty(len(splits.splits))
    predictions: dict[int, Any] = {}
    probas: dict[int, NDArray[np.float64]] = {}
    for k, (train, test) in enumerate(splits.splits):
        score = None if store is None else store.score(spec.name, str(k))
        if score is None:
            X = _safe_indexing(problem.target.frame(), splits.indices[test])
            apart = _source_apart(spec, problem, splits.indices[test])
            single = classes is not None and len(np.unique(splits.labels[train])) < 2
            if not refit and apart is None:
                predicted, proba = fitted.predict(X), _proba(fitted, X, classes)
            elif spec.fit_on == "target" and single:
                predicted, proba = np.repeat(splits.labels[train][:1], len(test)), None
            else:
                again = fit_candidate(spec, model, problem, part=str(k), keep=train, source_rows=apart, store=store)
                predicted, proba = again.predict(X), _proba(again, X, classes)
            if classes is not None and proba is None:
                proba = (np.asarray(predicted)[:, None] == classes).astype(float)
            score = problem.task.score_predictions(
                splits.labels[test], predicted, proba, classes, all_labels=splits.labels
            )
            values = list(predicted) if problem.task.structured else np.asarray(predicted).tolist()
            predictions |= dict(zip(test.tolist(), values, strict=True))
            probas |= {} if proba is None else dict(zip(test.tolist(), proba, strict=True))
            if store is not None:
                store.keep_score(spec.name, str(k), score)
        out[k] = score
    if np.isnan(out).all():
        raise ValueError(f"{problem.task.metric} is not defined on any split of the labelled target samples")
    n = len(splits.labels)
    together = listed if problem.task.structured else np.array
    predicted = together([predictions[i] for i in range(n)]) if len(predictions) == n else None
    proba = np.array([probas[i] for i in range(n)]) if len(probas) == n else None
    return SplitScores(out, predicted, proba)


def source_classes(problem: Problem) -> NDArray[Any]:
    """Return the classes of the source, or of the target labels where the source has none.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    if problem.source is not None and problem.source.y is not None:
        return np.unique(problem.source.y)
    return np.asarray(getattr(problem.source_model, "classes_", np.unique(problem.target_labels)))


def _proba(model: Any, X: Any, classes: NDArray[Any] | None) -> NDArray[np.float64] | None:
    if classes is None or not hasattr(model, "classes_"):
        return None
    return in_class_order(probabilities(model, X), model.classes_, classes)


def _source_apart(spec: CandidateSpec, problem: Problem, held_out: NDArray[np.intp]) -> NDArray[np.intp] | None:
    """Source samples that are not held out, by their group or as the same sample; None where none is held out."""
    source, target = problem.source, problem.target
    if spec.fit_on != "both" or source is None or not problem.same_features:
        return None
    apart = np.ones(len(source), dtype=bool)
    if source.groups is not None and target.groups is not None:
        away = set(map(str, target.groups[held_out].tolist()))
        apart = np.array([str(g) not in away for g in source.groups.tolist()])
    twins = _digests_of_twins(problem)
    if twins is not None:
        apart &= ~np.isin(twins[0], twins[1][held_out])
    return None if apart.all() else np.flatnonzero(apart)


def _digests_of_twins(problem: Problem) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Numbers of the source and target samples where some are on both sides; None where none is."""
    assert problem.splits is not None and problem.source is not None
    if problem.splits not in _TWINS:
        Xs, Xt = problem.source.X, problem.target.X
        plain = isinstance(Xt, np.ndarray) and Xt.ndim == 2 and Xt.dtype.kind in "fiub"
        found = equal_rows(Xs, Xt) is not None if plain or hasattr(Xt, "tocsr") else False
        _TWINS[problem.splits] = (row_digests(Xs), row_digests(Xt)) if found else None
    return _TWINS[problem.splits]
