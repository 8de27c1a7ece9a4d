"""Scores of one candidate on every split of the labelled target samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from landbridge._sklearn_compat import _safe_indexing
from landbridge.candidates._specification import CandidateSpec
from landbridge.guard import reads_labels
from landbridge.problem._problem import Problem
from landbridge.runner._fit import fit_candidate
from landbridge.runner._store import RunStore

__all__ = ["scores_on_splits"]


def scores_on_splits(
    spec: CandidateSpec, model: Any, fitted: Any, problem: Problem, store: RunStore | None = None
) -> NDArray[np.float64]:
    """Cross-validate a candidate on the labelled target samples.

    A model that uses no target labels was fitted once for all splits; the others are fitted again on each split's
    training labels, always with all target samples.

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
        Accuracy, or R² against the variance of all labelled samples.
    """
    splits = problem.splits
    assert splits is not None
    refit = spec.fit_on == "target" or reads_labels(model)
    out = np.empty(len(splits.splits))
    for k, (train, test) in enumerate(splits.splits):
        score = None if store is None else store.score(spec.name, str(k))
        if score is None:
            truth = splits.labels[test]
            X = _safe_indexing(problem.target.frame(), splits.indices[test])
            if not refit:
                predicted = fitted.predict(X)
            elif not is_regressor(model) and spec.fit_on == "target" and len(np.unique(splits.labels[train])) < 2:
                predicted = np.repeat(splits.labels[train][:1], len(test))
            else:
                predicted = fit_candidate(spec, model, problem, part=str(k), keep=train, store=store).predict(X)
            score = _score(predicted, truth, splits.labels, regression=is_regressor(model))
            if store is not None:
                store.keep_score(spec.name, str(k), score)
        out[k] = score
    return out


def _score(predicted: Any, truth: Any, everything: Any, *, regression: bool) -> float:
    if regression:
        return 1.0 - float(np.mean((predicted - truth) ** 2)) / max(float(np.var(everything)), 1e-12)
    return float(np.mean(predicted == truth))
