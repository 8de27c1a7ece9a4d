"""Scores of the chosen model beside the one that decided: AUC, sensitivity, calibration; RMSE and MAE."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from landbridge.results._details import class_details, subgroup_scores, value_details

__all__ = ["N_BINS", "calibration_error", "chosen_scores", "class_scores", "value_scores"]

# Bins of equal width of the largest class probability, for the calibration error.
N_BINS = 10
# Samples with structured labels that are shown: so many wrong ones, and as many others.
N_SHOWN = 4


def chosen_scores(trial: Any, problem: Any) -> dict[str, Any]:
    """Compute the scores of the chosen candidate on labels that it was not fitted on.

    Parameters
    ----------
    trial : Trial
    problem : Problem

    Returns
    -------
    dict
        ``labels`` says which: hidden target labels if there are any, else the labelled target samples, each predicted
        by a model that was fitted without its label. Empty without either. ``intervals``, ``confusion``, ``roc``,
        ``calibration``, ``pairs`` and ``subgroups`` hold what stands behind the scores.
    """
    classes, groups = trial.classes, None
    if problem.hidden_labels is not None and trial.predicted is not None:
        at = np.flatnonzero([v is not None for v in problem.hidden_labels])
        truth = problem.hidden_labels[at]
        truth = truth if problem.task.structured else np.array(truth.tolist())
        predicted, proba = np.asarray(trial.predicted)[at], None if trial.proba is None else np.asarray(trial.proba)[at]
        labels = "hidden target labels"
        groups = None if problem.hidden_groups is None else np.asarray(problem.hidden_groups)[at]
    elif problem.splits is not None and trial.validated is not None:
        truth, predicted, proba = problem.splits.labels, np.asarray(trial.validated), trial.validated_proba
        at, given = problem.splits.indices, getattr(problem.target, "groups", None)
        groups = None if given is None else np.asarray(given)[at]
        labels = "labelled target samples, each predicted by a model that was fitted without its label"
    else:
        return {}
    if problem.task.structured:
        return _structured_scores(labels, problem, trial.model, at, list(truth), list(predicted))
    if problem.task.name == "regression":
        found = {"labels": labels, **value_scores(truth, predicted), **value_details(truth, predicted, groups)}
        return found | {"subgroups": subgroup_scores(problem, at, truth, predicted, None, None)}
    if classes is None:
        source = problem.source if problem.source is not None and problem.source.y is not None else None
        model_classes = getattr(problem.source_model, "classes_", np.unique(problem.target_labels))
        classes = np.unique(source.y) if source is not None else np.asarray(model_classes)
    found = {"labels": labels, **class_scores(truth, predicted, proba, classes)}
    found |= class_details(truth, predicted, proba, classes, groups)
    return found | {"subgroups": subgroup_scores(problem, at, truth, predicted, proba, classes)}


def _structured_scores(
    labels: str, problem: Any, model: Any, at: NDArray[np.intp], truth: list[Any], predicted: list[Any]
) -> dict[str, Any]:
    """Scores of structured labels by type, and some samples: wrong ones first, then others that hold something."""
    kind, show = problem.task.kind, getattr(getattr(model, "task_", None), "show", None)
    wrong = [i for i in range(len(truth)) if not np.array_equal(truth[i], predicted[i])]
    right = [i for i in range(len(truth)) if i not in set(wrong) and kind.stratum(truth[i])]
    shown = [*wrong[:N_SHOWN], *right[:N_SHOWN]]
    X = problem.target.X[at]
    examples = [] if show is None else [show(X[i], truth[i], predicted[i]) for i in shown]
    found = {"labels": labels, "n": len(truth), "metric": problem.task.metric}
    found |= {"value": problem.task.score(truth, predicted), **kind.details(truth, predicted)}
    return found | {"examples": [e for e in examples if e is not None]}


def class_scores(
    truth: NDArray[Any], predicted: NDArray[Any], proba: NDArray[np.float64] | None, classes: NDArray[Any]
) -> dict[str, Any]:
    """Compute scores of predicted classes and of their probabilities.

    Parameters
    ----------
    truth, predicted : ndarray of shape (n_samples,)
    proba : ndarray of shape (n_samples, n_classes) or None
        If None, only scores of classes are computed.
    classes : ndarray of shape (n_classes,)
        The second of two is the positive one.

    Returns
    -------
    dict
        ``accuracy``, ``balanced_accuracy``; ``sensitivity``, ``specificity`` and ``positive`` for two classes, else
        ``per_class`` with one dict each; ``auc`` (macro average of one class against the rest), ``brier`` (mean
        squared error of the probabilities summed over classes; for two classes of the positive one),
        ``calibration_error`` with ``calibration_bins``. None where a score is not defined for these labels.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results._scores import class_scores
    >>> y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.7, 0.9])
    >>> found = class_scores(y, (p > 0.5).astype(int), np.column_stack([1 - p, p]), np.array([0, 1]))
    >>> found["sensitivity"], found["specificity"], found["auc"]
    (1.0, 0.5, 1.0)
    """
    rates = []
    for c in classes:
        is_class, said = truth == c, predicted == c
        rates.append(
            {
                "class": c.item() if hasattr(c, "item") else c,
                "n": int(is_class.sum()),
                "sensitivity": _share(said & is_class, is_class),
                "specificity": _share(~said & ~is_class, ~is_class),
            }
        )
    recalls = [r["sensitivity"] for r in rates if r["sensitivity"] is not None]
    found: dict[str, Any] = {
        "n": len(truth),
        "accuracy": float(np.mean(predicted == truth)),
        "balanced_accuracy": float(np.mean(recalls)) if recalls else None,
    }
    if len(classes) == 2:
        found |= {"positive": rates[1]["class"]}
        found |= {k: rates[1][k] for k in ("sensitivity", "specificity")}
    else:
        found["per_class"] = rates
    if proba is None:
        return found
    hot = (truth[:, None] == classes).astype(float)
    squares = (proba - hot) ** 2
    found["auc"] = _auc(hot, proba)
    found["brier"] = float(squares[:, 1].mean() if len(classes) == 2 else squares.sum(axis=1).mean())
    found["calibration_error"] = calibration_error(truth, proba, classes)
    return found | {"calibration_bins": N_BINS}


def calibration_error(truth: NDArray[Any], proba: NDArray[np.float64], classes: NDArray[Any]) -> float:
    """Compute the expected calibration error: how far the largest probability is from the share of right predictions.

    Parameters
    ----------
    truth : ndarray of shape (n_samples,)
    proba : ndarray of shape (n_samples, n_classes)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    float
        Mean over 10 bins of equal width, weighted by their numbers of samples; 0 is best.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper, M. Hauskrecht. Obtaining well calibrated probabilities using Bayesian binning.
       AAAI 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results._scores import calibration_error
    >>> round(calibration_error(np.array([0, 1]), np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])), 3)
    0.4
    """
    sure = proba.max(axis=1)
    right = classes[proba.argmax(axis=1)] == truth
    bins = np.clip((sure * N_BINS).astype(int), 0, N_BINS - 1)
    gap = np.bincount(bins, weights=sure - right, minlength=N_BINS)
    return float(np.abs(gap).sum() / len(truth))


def value_scores(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, Any]:
    """Compute scores of predicted values.

    Parameters
    ----------
    truth, predicted : ndarray of shape (n_samples,)

    Returns
    -------
    dict
        ``r2``, ``rmse`` and ``mae``; R² is None where the values do not vary.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results._scores import value_scores
    >>> value_scores(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    {'n': 2, 'r2': 0.0, 'rmse': 1.0, 'mae': 1.0}
    """
    truth, predicted = (np.asarray(v, dtype=float) for v in (truth, predicted))
    error, variance = predicted - truth, float(np.var(truth))
    return {
        "n": len(truth),
        "r2": 1.0 - float(np.mean(error**2)) / variance if variance > 0 else None,
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
    }


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float | None:
    return float(part.sum() / whole.sum()) if whole.any() else None


def _auc(hot: NDArray[np.float64], proba: NDArray[np.float64]) -> float | None:
    """Mean over the classes that some samples are of, and some are not."""
    some = (hot.sum(axis=0) > 0) & (hot.sum(axis=0) < len(hot))
    if not some.any():
        return None
    return float(np.mean([roc_auc_score(hot[:, j], proba[:, j]) for j in np.flatnonzero(some)]))
