"""Both sides made ready for a transfer: the task, the labels to learn from and those to hide, splits to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from landbridge.domain import Domain, split_labelled
from landbridge.exceptions import InputError, LabelError
from landbridge.guard._splits import LabelledSplits

__all__ = ["label_splits", "ready_source", "ready_target", "split_names", "told_task"]


def split_names(methods: Sequence[Any] | str | None) -> Sequence[Any] | None:
    """Methods one by one, where they were named in one string.

    Parameters
    ----------
    methods : sequence, str or None
        Names in a string stand between commas.

    Returns
    -------
    sequence or None
    """
    return [m.strip() for m in methods.split(",") if m.strip()] if isinstance(methods, str) else methods


def ready_source(source: Domain, task: str | None, estimator: Any) -> tuple[Domain, str]:
    """Keep the source's labelled rows, and tell the task.

    Parameters
    ----------
    source : Domain
    task : {"classification", "regression"} or None
        None is told from the labels or the estimator.
    estimator : estimator or None

    Returns
    -------
    source : Domain
    task : str

    Raises
    ------
    InputError, LabelError
        If there is nothing to learn from, or no such task.
    """
    if source.y is None or not source.labelled.any():
        raise LabelError(
            f"source {source.name!r} has no labels; give y, name the label column, or swap source and target."
        )
    part = source.labelled_part() if source.regime != "labelled" else source
    task = task or told_task(part, estimator)
    if task not in ("classification", "regression"):
        raise InputError(f"task must be 'classification' or 'regression'; got {task!r}.")
    if task == "classification" and len(np.unique(part.y)) < 2:
        raise LabelError(
            f"source {source.name!r} has the single class {np.unique(part.y)[0]!r}; a classifier needs at least two. "
            "Check the label column."
        )
    return part, task


def told_task(source: Domain, estimator: Any) -> str:
    """Tell classes from values: by the estimator if there is one, else by the labels.

    Parameters
    ----------
    source : Domain
        All of it labelled.
    estimator : estimator or None

    Returns
    -------
    str
    """
    if estimator is not None:
        return "regression" if is_regressor(estimator) else "classification"
    y = np.asarray(source.y)
    if y.dtype.kind == "f" and not np.all(y == np.floor(y)):
        return "regression"
    return "regression" if y.dtype.kind in "iuf" and len(np.unique(y)) > max(20, 0.1 * len(y)) else "classification"


def ready_target(
    source: Domain, target: Domain, task: str, use: str | int, seed: int | None
) -> tuple[Domain, NDArray[Any] | None]:
    """Sort the target's labels into those to learn from and those to hide.

    Parameters
    ----------
    source, target : Domain
    task : {"classification", "regression"}
    use : {"use", "hide"} or int
        All, none, or so many of each class.
    seed : int or None
        Draws which.

    Returns
    -------
    target : Domain
        With the labels to learn from.
    hidden : ndarray of object or None
        The others, None where a label is not hidden.

    Raises
    ------
    InputError, LabelError
        If `use` is none of these, or the target has a class that the source has not.
    """
    if isinstance(use, bool) or not (use in ("use", "hide") or (isinstance(use, int) and use > 0)):
        raise InputError(f"target_labels must be 'use', 'hide' or a positive number a class; got {use!r}.")
    if target.y is None:
        return target, None
    classes = np.unique(source.y) if task == "classification" else None
    rows, labels = split_labelled(target.y, len(target), classes)
    if classes is not None and len(labels) and (new := sorted(set(labels.tolist()) - set(classes.tolist()), key=str)):
        raise LabelError(
            f"target {target.name!r} has the label {new[0]!r}, which the source does not know (it knows "
            f"{', '.join(map(str, classes[:8].tolist()))}); use the same spelling on both sides."
        )
    if len(rows) == 0:
        return target.without_labels(), None
    keep = np.zeros(len(target), dtype=bool)
    if use == "use":
        keep[rows] = True
    elif use != "hide":
        rng = np.random.default_rng(seed)
        groups = [rows] if classes is None else [rows[labels == c] for c in classes]
        for group in groups:
            keep[rng.permutation(group)[: int(use)]] = True
    full: Any = np.full(len(target), None, dtype=object)
    full[rows] = labels
    hidden = full.copy()
    hidden[keep] = None
    shown = full.copy()
    shown[~keep] = None
    if task == "regression":
        shown = shown.astype(float)
    visible = target.replace(y=shown)._with_columns(target.columns) if keep.any() else target.without_labels()
    return visible._with_columns(target.columns), None if (hidden == None).all() else hidden  # noqa: E711


def label_splits(target: Domain, task: str, seed: int | None) -> LabelledSplits | None:
    """Splits of the labelled target rows to judge candidates by.

    Parameters
    ----------
    target : Domain
    task : {"classification", "regression"}
    seed : int or None

    Returns
    -------
    LabelledSplits or None
        None where too few are labelled.
    """
    rows = np.flatnonzero(target.labelled)
    if len(rows) < 6:
        return None
    y = target.labelled_part().y
    if task == "classification" and (y is None or np.unique(y, return_counts=True)[1].min() < 2):
        return None
    if task == "classification" and y is not None and len(np.unique(y)) < 2:
        return None
    return LabelledSplits(rows, np.asarray(y), regression=task == "regression", random_state=seed)
