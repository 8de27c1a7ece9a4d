"""Score of a candidate on hidden target labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement
from landbridge.numerics.grouping import resample_groups
from landbridge.tasks import Task, get_task

__all__ = ["hidden_score"]

N_BOOTSTRAP = 500
# Resamples for scorers that are called once for each.
N_CALLS = 60


def hidden_score(
    predicted: Any,
    hidden: NDArray[Any] | None,
    task: str | Task,
    *,
    proba: NDArray[np.float64] | None = None,
    classes: Any = None,
    groups: Any = None,
) -> Measurement | None:
    """Compute the score on hidden target labels, with a bootstrap interval.

    Parameters
    ----------
    predicted : ndarray of shape (n_target,) or None
    hidden : ndarray of object, shape (n_target,), or None
        None where a label is not hidden.
    task : {"classification", "regression"} or Task
        Holds the score.
    proba : ndarray of shape (n_target, n_classes), optional
        For scores of probabilities. If None, certain of the predictions.
    classes : ndarray of shape (n_classes,), optional
        Their order.
    groups : array-like of shape (n_target,), optional
        Samples that are drawn together. If None, each sample is a group.

    Returns
    -------
    Measurement or None
        With a 95 % interval; NaN where the score is not defined for these labels.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results import hidden_score
    >>> hidden_score(np.array(["a", "b", "b"]), np.array(["a", "b", None], dtype=object), "classification").value
    1.0
    """
    if hidden is None or predicted is None:
        return None
    task = get_task(task)
    at = np.flatnonzero([v is not None for v in hidden])
    if task.structured:
        return _structured_score(task, hidden[at], predicted[at])
    truth, given = np.array(hidden[at].tolist()), np.asarray(predicted)[at]
    p = None if proba is None else np.asarray(proba)[at]
    value = task.score_predictions(truth, given, p, classes)
    rng = np.random.default_rng(0)
    n_draws = N_BOOTSTRAP if task.scoring is None or task.metric == "balanced_accuracy" else N_CALLS
    if groups is None:
        draws = rng.integers(len(at), size=(n_draws, len(at)))
    else:
        draws = resample_groups(np.asarray(groups)[at], n_draws, rng)
    spread = _spread(task, truth, given, p, classes, draws)
    spread = spread[np.isfinite(spread)]
    low, high = (float(v) for v in np.quantile(spread, [0.025, 0.975])) if len(spread) else (None, None)
    return task.within_range(Measurement(task.metric, value, low=low, high=high, higher_is_better=True))


def _structured_score(task: Task, truth: NDArray[Any], given: NDArray[Any]) -> Measurement:
    """Score whole labels, each drawn as one in the resamples."""
    draws = np.random.default_rng(0).integers(len(truth), size=(N_CALLS, len(truth)))
    spread = [task.score(truth[d], given[d]) for d in draws]
    low, high = (float(v) for v in np.quantile(spread, [0.025, 0.975]))
    return Measurement(task.metric, task.score(truth, given), low=low, high=high, higher_is_better=True)


def _spread(
    task: Task, truth: NDArray[Any], given: NDArray[Any], proba: Any, classes: Any, draws: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The score on each resample, whose index -1 means no sample."""
    if task.metric == "balanced_accuracy":
        right, recalls = given == truth, []
        for c in np.unique(truth):
            of_class = np.append(truth == c, False)
            n = of_class[draws].sum(axis=1)
            hits = np.append(right & (truth == c), False)[draws].sum(axis=1)
            recalls.append(np.divide(hits, n, out=np.full(len(draws), np.nan), where=n > 0))
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nanmean(recalls, axis=0))
    if task.scoring is not None:
        kept = [d[d >= 0] for d in draws]
        return np.array(
            [task.score_predictions(truth[d], given[d], None if proba is None else proba[d], classes) for d in kept]
        )
    counts = (draws >= 0).sum(axis=1)
    if task.name == "classification":
        return np.asarray(np.append((given == truth).astype(float), 0.0)[draws].sum(axis=1) / counts)
    loss, variance = (given - truth) ** 2, max(float(np.var(truth)), 1e-12)
    return np.asarray(1 - np.append(loss, 0.0)[draws].sum(axis=1) / counts / variance)
