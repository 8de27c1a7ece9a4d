"""What stands behind the scores of the chosen model: confusion matrix, curves, intervals and scores by subgroup."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from landbridge.numerics.grouping import resample_groups
from landbridge.results._hidden_score import hidden_score

__all__ = ["class_details", "subgroup_scores", "value_details", "wilson"]

# Classes of a confusion matrix, points of a curve, and points of a scatter plot that are kept.
MOST_CLASSES, MOST_POINTS, MOST_PAIRS = 25, 60, 300
N_BINS, N_BOOTSTRAP = 10, 300
# Samples that are resampled for the intervals; more of them make an interval narrower than it needs to be known.
MOST_RESAMPLED = 10_000
Z95 = 1.959964
# Words of column names whose values are subgroups, and the ends of the bands of age.
SUBGROUP_WORDS = frozenset({"sex", "gender", "age"})
AGE_BANDS = (18, 40, 60, 80)
MOST_SUBGROUPS, FEWEST_OF_GROUP = 12, 5


def class_details(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    proba: NDArray[np.float64] | None,
    classes: NDArray[Any],
    groups: Any = None,
) -> dict[str, Any]:
    """Compute what stands behind scores of classes.

    Parameters
    ----------
    truth, predicted : ndarray of shape (n_samples,)
    proba : ndarray of shape (n_samples, n_classes) or None
    classes : ndarray of shape (n_classes,)
        The second of two is the positive one.
    groups : array-like of shape (n_samples,), optional
        Samples that are drawn together. If None, each sample is a group.

    Returns
    -------
    dict
        ``confusion`` with ``classes`` and ``counts`` (rows are the truth), or only ``n_classes`` where they are too
        many; ``intervals`` of 95 % by score; with probabilities ``calibration`` (a dict per bin) and, for two classes,
        ``roc`` (pairs of false and true positive rate).

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results._details import class_details
    >>> y = np.array(["a", "a", "b", "b"])
    >>> class_details(y, np.array(["a", "b", "b", "b"]), None, np.array(["a", "b"]))["confusion"]["counts"]
    [[1, 1], [0, 2]]
    """
    shown = np.unique(np.concatenate([np.asarray(classes).astype(str), truth.astype(str), predicted.astype(str)]))
    order = [str(c) for c in np.asarray(classes).tolist()]
    names = [*[c for c in order if c in set(shown.tolist())], *[c for c in shown.tolist() if c not in set(order)]]
    found: dict[str, Any] = {"confusion": {"n_classes": len(names)}}
    if len(names) <= MOST_CLASSES:
        at = {c: i for i, c in enumerate(names)}
        counts = np.zeros((len(names), len(names)), dtype=int)
        for a, p in zip(truth.astype(str).tolist(), predicted.astype(str).tolist(), strict=True):
            counts[at[a], at[p]] += 1
        found["confusion"] = {"n_classes": len(names), "classes": names, "counts": counts.tolist()}
    found["intervals"] = _class_intervals(truth, predicted, proba, classes, groups)
    if proba is not None:
        found["calibration"] = _calibration(truth, proba, classes)
        positive = truth == classes[-1]
        if len(classes) == 2 and 0 < positive.sum() < len(positive):
            found["roc"] = _roc(positive, proba[:, 1])
    return found


def value_details(truth: NDArray[Any], predicted: NDArray[Any], groups: Any = None) -> dict[str, Any]:
    """Compute what stands behind scores of values.

    Parameters
    ----------
    truth, predicted : ndarray of shape (n_samples,)
    groups : array-like of shape (n_samples,), optional
        Samples that are drawn together. If None, each sample is a group.

    Returns
    -------
    dict
        ``intervals`` of 95 % of R², RMSE and MAE; ``pairs`` of true and predicted values, at most 300.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.results._details import value_details
    >>> value_details(np.array([0.0, 2.0]), np.array([1.0, 1.0]))["pairs"]
    [[0.0, 1.0], [2.0, 1.0]]
    """
    truth, predicted = (np.asarray(v, dtype=float) for v in (truth, predicted))
    draws, _ = _draws(len(truth), groups)
    errors = np.append((predicted - truth) ** 2, 0.0)[draws]
    sizes = np.maximum((draws >= 0).sum(axis=1), 1)
    mse = errors.sum(axis=1) / sizes
    spread = {"rmse": np.sqrt(mse), "mae": np.append(np.abs(predicted - truth), 0.0)[draws].sum(axis=1) / sizes}
    first = np.append(truth - truth.mean(), 0.0)[draws]
    variance = (first**2).sum(axis=1) / sizes - (first.sum(axis=1) / sizes) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread["r2"] = 1 - mse / variance
    at = np.sort(np.random.default_rng(0).permutation(len(truth))[:MOST_PAIRS])
    pairs = [[float(f"{a:.6g}"), float(f"{b:.6g}")] for a, b in zip(truth[at], predicted[at], strict=True)]
    return {"intervals": {k: ends for k, v in spread.items() if (ends := _ends(v)) is not None}, "pairs": pairs}


def subgroup_scores(
    problem: Any, at: NDArray[np.intp], truth: NDArray[Any], predicted: NDArray[Any], proba: Any, classes: Any
) -> list[dict[str, Any]]:
    """Score subgroups of the labelled target samples: given groups, and columns named sex, gender or age.

    Parameters
    ----------
    problem : Problem
    at : ndarray of int
        Target samples whose labels are used.
    truth, predicted : ndarray of shape (n_samples,)
    proba : ndarray of shape (n_samples, n_classes) or None
    classes : ndarray of shape (n_classes,) or None

    Returns
    -------
    list of dict
        With ``name``, ``metric``, ``n_subgroups`` and ``rows`` of ``value``, ``n``, ``score``, ``low`` and ``high``
        (95 %). Accuracy has Wilson's interval; values are scored by the mean absolute error unless a scorer was given.
    """
    found = []
    for name, values in _subgroups(problem, at):
        names, numbers = np.unique(values, return_inverse=True)
        sizes = np.bincount(numbers)
        kept = [i for i in np.argsort(-sizes, kind="stable") if name != "group" or sizes[i] >= FEWEST_OF_GROUP]
        if len(kept) < 2:
            continue
        order = sorted(kept[:MOST_SUBGROUPS], key=lambda i: _place(str(names[i])))
        rows, metric = [], ""
        for i in order:
            own = numbers == i
            p = None if proba is None else proba[own]
            metric, score, low, high = _score(problem.task, truth[own], predicted[own], p, classes)
            rows.append({"value": str(names[i]), "n": int(sizes[i]), "score": score, "low": low, "high": high})
        found.append({"name": name, "metric": metric, "n_subgroups": len(names), "rows": rows})
    return found


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 % of a share.

    Parameters
    ----------
    share : float
    n : int

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> from landbridge.results._details import wilson
    >>> low, high = wilson(1.0, 20)
    >>> round(low, 3), high
    (0.839, 1.0)
    """
    if n < 1:
        return 0.0, 1.0
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    return max(middle - half, 0.0) if share > 0 else 0.0, min(middle + half, 1.0) if share < 1 else 1.0


def _draws(n: int, groups: Any) -> tuple[NDArray[np.intp], bool]:
    """Resamples, one per line, where index -1 means no sample; and whether samples were drawn one by one."""
    rng = np.random.default_rng(0)
    if groups is None or n > MOST_RESAMPLED:
        return rng.integers(n, size=(N_BOOTSTRAP, min(n, MOST_RESAMPLED))), groups is None
    return np.asarray(resample_groups(np.asarray(groups), N_BOOTSTRAP, rng)), False


def _ends(spread: NDArray[np.float64]) -> list[float] | None:
    spread = spread[np.isfinite(spread)]
    return [float(v) for v in np.quantile(spread, [0.025, 0.975])] if len(spread) else None


def _class_intervals(
    truth: NDArray[Any], predicted: NDArray[Any], proba: Any, classes: Any, groups: Any
) -> dict[str, list[float]]:
    draws, independent = _draws(len(truth), groups)
    right = np.append(predicted == truth, False)
    present = draws >= 0
    spread: dict[str, NDArray[np.float64]] = {"accuracy": right[draws].sum(axis=1) / np.maximum(present.sum(axis=1), 1)}
    recalls = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for c in np.unique(truth):
            of_class = np.append(truth == c, False)
            recalls.append((of_class & right)[draws].sum(axis=1) / of_class[draws].sum(axis=1))
    if len(recalls) > 1:
        spread["balanced_accuracy"] = np.nanmean(np.where(np.isfinite(recalls), recalls, np.nan), axis=0)
    if proba is not None:
        hot = (truth[:, None] == classes).astype(float)
        squares = (proba - hot) ** 2
        each = np.append(squares[:, 1] if len(classes) == 2 else squares.sum(axis=1), 0.0)
        spread["brier"] = each[draws].sum(axis=1) / np.maximum(present.sum(axis=1), 1)
        spread["auc"] = np.array([_auc(hot[d], proba[d]) for d in (line[line >= 0] for line in draws)])
    found = {k: ends for k, v in spread.items() if (ends := _ends(v)) is not None}
    n = len(truth)
    if independent:
        found["accuracy"] = list(wilson(float(right[:n].mean()), n))
    if len(classes) == 2:
        for name, c in (("sensitivity", classes[1]), ("specificity", classes[0])):
            own = truth == c
            if own.any():
                share, n_own = float(np.mean(predicted[own] == c)), int(own.sum())
                ends = None if independent else _ends(recalls[list(np.unique(truth)).index(c)])
                if ends is None or ends[0] == ends[1]:
                    # resamples of samples that are all right, or all wrong, do not vary
                    ends = list(wilson(share, n_own if groups is None else len(np.unique(np.asarray(groups)[own]))))
                found[name] = ends
    return found


def _auc(hot: NDArray[np.float64], proba: NDArray[np.float64]) -> float:
    """Mean area under the curve of the classes that some samples are of, and some are not."""
    n = hot.sum(axis=0)
    some = (n > 0) & (n < len(hot))
    if not some.any():
        return math.nan
    ranks = rankdata(proba[:, some], axis=0)
    n = n[some]
    return float(np.mean(((ranks * hot[:, some]).sum(axis=0) - n * (n + 1) / 2) / (n * (len(hot) - n))))


def _roc(positive: NDArray[np.bool_], p: NDArray[np.float64]) -> list[list[float]]:
    fpr, tpr, _ = roc_curve(positive, p)
    at = np.unique(np.linspace(0, len(fpr) - 1, min(MOST_POINTS, len(fpr))).round().astype(int))
    return [[round(float(a), 4), round(float(b), 4)] for a, b in zip(fpr[at], tpr[at], strict=True)]


def _calibration(truth: NDArray[Any], proba: NDArray[np.float64], classes: NDArray[Any]) -> list[dict[str, float]]:
    """Bins of the probability of the positive class, or of the most probable one where there are more than two."""
    two = len(classes) == 2
    p = proba[:, 1] if two else proba.max(axis=1)
    hit = truth == (classes[1] if two else np.asarray(classes)[proba.argmax(axis=1)])
    bins = np.clip((p * N_BINS).astype(int), 0, N_BINS - 1)
    rows = []
    for b in np.unique(bins):
        own = bins == b
        share, n = float(hit[own].mean()), int(own.sum())
        low, high = wilson(share, n)
        rows.append({"p": float(p[own].mean()), "share": share, "n": n, "low": low, "high": high})
    return rows


def _score(task: Any, truth: Any, predicted: Any, proba: Any, classes: Any) -> tuple[str, float, Any, Any]:
    if task.metric == "accuracy":
        share = float(np.mean(truth == predicted))
        return (task.metric, share, *wilson(share, len(truth)))
    if task.name == "regression" and task.scoring is None:
        errors = np.abs(np.asarray(predicted, dtype=float) - np.asarray(truth, dtype=float))
        half = Z95 * float(errors.std(ddof=1)) / math.sqrt(len(errors)) if len(errors) > 1 else math.nan
        ends = (max(errors.mean() - half, 0.0), errors.mean() + half) if math.isfinite(half) else (None, None)
        return ("mean absolute error", float(errors.mean()), *ends)
    labels = np.empty(len(truth), dtype=object)
    labels[:] = truth.tolist()
    measured = hidden_score(predicted, labels, task, proba=proba, classes=classes)
    assert measured is not None
    return task.metric, measured.value, measured.low, measured.high


def _subgroups(problem: Any, at: NDArray[np.intp]) -> list[tuple[str, NDArray[Any]]]:
    target = problem.target
    found: list[tuple[str, NDArray[Any]]] = []
    groups = getattr(target, "groups", None)
    if groups is not None:
        found.append(("group", np.asarray(groups)[at].astype(str)))
    columns = list(getattr(target, "columns", None) or ())
    encoded: dict[str, list[int]] = {}
    for i, column in enumerate(columns):
        name = column.rpartition("=")[0] or column
        if _words(name) & SUBGROUP_WORDS:
            encoded.setdefault(name, []).append(i)
    for name, places in encoded.items():
        X = target.X[at][:, places]
        X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)
        found.append((name, _values(X, [columns[i] for i in places], "age" in _words(name))))
    return found


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))


def _values(X: NDArray[np.float64], names: list[str], age: bool) -> NDArray[Any]:
    """Names of the subgroups of samples, from a column of numbers or from the columns of a category."""
    if X.shape[1] > 1 or "=" in names[0]:
        labels = np.array([*(n.rpartition("=")[2] for n in names), "other"], dtype=object)
        return np.asarray(labels[np.where(X.max(axis=1) > 0.5, X.argmax(axis=1), len(names))].astype(str))
    values = X[:, 0]
    if age and values.max() > 1 and len(np.unique(values)) > 6:
        in_years = values.min() >= 0 and 10 < values.max() <= 130
        ends = np.asarray(AGE_BANDS if in_years else np.unique(np.quantile(values, [0.25, 0.5, 0.75])), dtype=float)
        texts = [f"{v:.4g}" for v in ends]
        bands = [f"below {texts[0]}", *(f"{a} to below {b}" for a, b in pairwise(texts))]
        return np.array([*bands, f"{texts[-1]} and more"])[np.digitize(values, ends)]
    if len(np.unique(values)) > MOST_SUBGROUPS:
        return np.full(len(values), "all")
    return np.array([f"{v:.6g}" for v in values])


def _place(name: str) -> tuple[int, float, str]:
    """Bands in their order, numbers by size, other names by the alphabet."""
    number = re.search(r"-?\d+(\.\d+)?", name)
    if number is None:
        return 1, 0.0, name
    return 0, float(number.group()) - (0.5 if name.startswith("below") else 0.0), name
