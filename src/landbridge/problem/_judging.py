"""What target labels are judged by: the score, the groups that stay together, and the splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.guard import LabelledSplits
from landbridge.problem._arguments import Arguments
from landbridge.problem._labels import LEAST_GROUPS, target_splits
from landbridge.problem._model_target import ModelTarget
from landbridge.problem._repeats import find_repeats

__all__ = ["Judging", "prepare_judging"]

# Two classes of which one has a smaller share than this are scored by balanced accuracy; with k classes, 2 / k of it.
LEAST_SHARE = 0.2


@dataclass(frozen=True)
class Judging:
    """What target labels are judged by.

    Parameters
    ----------
    task : Task
        With its scorer.
    splits : LabelledSplits or None
        None where too few target samples are labelled.
    hidden_groups : ndarray of shape (n_target,) or None
        Which target samples belong together where hidden labels are scored.
    inferred : tuple of str
        What was inferred.
    notes : tuple of str
        What limits the evidence.
    """

    task: Any
    splits: LabelledSplits | None
    hidden_groups: NDArray[Any] | None
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prepare_judging(
    target: Domain | ModelTarget,
    hidden: NDArray[Any] | None,
    task: Any,
    arguments: Arguments,
    *,
    random_state: int | None,
    n_repeats: int = 2,
) -> Judging:
    """Choose the score, find repeats where no groups were given, and split the labelled target samples.

    Parameters
    ----------
    target : Domain or ModelTarget
        With the labels to learn from, and its groups if there are any.
    hidden : ndarray of object, shape (n_target,), or None
        Labels that only score the outcome.
    task : Task
    arguments : Arguments
        ``scoring``.
    random_state : int or None
        Draws the splits.
    n_repeats : int, default=2
        How often the folds are drawn.

    Returns
    -------
    Judging

    Raises
    ------
    InputError
        If ``scoring`` was given and no label is there to score on, or it does not score such labels.
    """
    shown = np.asarray(target.labelled_part().y) if target.labelled.any() else np.empty(0)
    kept = None if hidden is None else np.array([v for v in hidden if v is not None])
    notes, groups, hidden_groups = [], target.groups, target.groups
    if groups is None:
        groups, found = _repeats(target, target.labelled, shown, task, random_state)
        notes += [_note(found, len(shown), "labelled")] if found else []
        if hidden is not None and kept is not None:
            at = np.array([v is not None for v in hidden])
            hidden_groups, found = _repeats(target, at, kept, task, random_state)
            notes += [_note(found, len(kept), "hidden")] if found else []
    splits = target_splits(
        target, regression=task.name == "regression", random_state=random_state, n_repeats=n_repeats, groups=groups
    )
    if splits is None and groups is not None and len(shown):
        n = len(np.unique(groups[target.labelled]))
        notes.append(
            f"The {len(shown)} labelled target samples are of {n} group{'' if n == 1 else 's'}, too few to "
            f"cross-validate on; label at least {LEAST_GROUPS}, two of each class."
        )
    notes += _fewer_than_asked(arguments.target_labels, shown, task)
    judged = shown if splits is not None else kept
    if judged is None and arguments.scoring is not None:
        raise InputError(
            "scoring does not apply, because there are too few target labels to cross-validate on and none are hidden; "
            "omit it, or label at least six target samples, two of each class."
        )
    task, inferred = _with_score(task, arguments.scoring, judged)
    if splits is not None:
        splits.task = task
    return Judging(task, splits, hidden_groups, inferred, tuple(notes))


def _fewer_than_asked(asked: Any, shown: NDArray[Any], task: Any) -> list[str]:
    """Say which classes have fewer labels than were asked for."""
    if not isinstance(asked, int) or not len(shown) or task.name == "regression":
        return []
    classes, counts = np.unique(shown, return_counts=True)
    few = [f"{c!r} has {n}" for c, n in zip(classes.tolist(), counts.tolist(), strict=True) if n < asked]
    return (
        [f"target_labels={asked} asks for more labels than there are, and all are used: {', '.join(few)}."]
        if few
        else []
    )


def _with_score(task: Any, scoring: Any, judged: NDArray[Any] | None) -> tuple[Any, tuple[str, ...]]:
    """The task with its scorer; balanced accuracy where one class is rare."""
    if scoring is not None:
        task = task.with_scoring(scoring)
        if task.scoring is not None and judged is not None and len(judged):
            try:
                task.score_predictions(judged, judged, classes=_classes(task, judged))
            except Exception as error:
                why = str(error).strip().splitlines()[0].rstrip(".")
                raise InputError(f"scoring={task.metric!r} cannot score these labels ({why}); give another.") from error
        return task, ()
    if task.name == "regression" or judged is None or len(judged) == 0:
        return task, ()
    counts = np.unique(judged, return_counts=True)[1]
    share = float(counts.min() / counts.sum())
    if len(counts) < 2 or share >= LEAST_SHARE * 2 / len(counts):
        return task, ()
    reason = (
        f"scoring='balanced_accuracy' was inferred from labels of which the rarest class is {100 * share:.0f} %; pass "
        "scoring='accuracy' to count all samples alike."
    )
    return task.with_scoring("balanced_accuracy"), (reason,)


def _classes(task: Any, judged: NDArray[Any]) -> NDArray[Any] | None:
    return None if task.name == "regression" else np.unique(judged)


def _repeats(
    target: Domain | ModelTarget, at: NDArray[np.bool_], labels: NDArray[Any], task: Any, random_state: int | None
) -> tuple[NDArray[Any] | None, int]:
    """Groups of all target samples where those at hand look like repeats, and the number of clusters among them."""
    rows = np.flatnonzero(at)
    X = target.X
    if len(rows) == 0 or not (hasattr(X, "tocsr") or (isinstance(X, np.ndarray) and X.dtype.kind in "fiu")):
        return None, 0
    X = X if hasattr(X, "tocsr") else X.reshape(len(X), -1)
    clusters = find_repeats(X[rows], labels, regression=task.name == "regression", random_state=random_state)
    if clusters is None:
        return None, 0
    groups = np.arange(len(target)) + len(rows)
    groups[rows] = clusters
    return groups, len(np.unique(clusters))


def _note(n_clusters: int, n_samples: int, which: str) -> str:
    return (
        f"The {n_samples} {which} target samples look like repeats of {n_clusters}: those of equal label are far "
        f"nearer to one another than by chance. They are counted as {n_clusters} samples, which stay together in every "
        "split and resample; name the column of groups with groups= (or --groups)."
    )
