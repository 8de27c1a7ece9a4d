"""Labels of both domains: which samples are learned from, which labels stay hidden, and the splits to validate on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.domain import Domain, split_labelled
from landbridge.exceptions import LabelError
from landbridge.guard import LabelledSplits
from landbridge.problem._model_target import ModelTarget

__all__ = ["labelled_source", "split_model_labels", "split_target_labels", "target_splits"]

# Fewer labelled target samples than this are not enough to cross-validate on.
LEAST_LABELLED = 6
# Fewer groups of labelled samples than this, or a single one with some class, are not enough either.
LEAST_GROUPS = 3


def labelled_source(source: Domain, task: Any) -> Domain:
    """Return the labelled samples of the source.

    Parameters
    ----------
    source : Domain
    task : Task

    Returns
    -------
    Domain

    Raises
    ------
    LabelError
        If no sample is labelled, or a classifier would see a single class.
    """
    require_labels(source)
    part = source.labelled_part() if source.regime != "labelled" else source
    if task.name == "classification" and len(np.unique(part.y)) < 2:
        single = np.unique(part.y).tolist()[0]
        raise LabelError(
            f"source {source.name!r} has the single class {single!r}; a classifier needs at least two. Check the label "
            "column."
        )
    return part


def require_labels(source: Domain) -> None:
    """Raise if no sample of the source is labelled.

    Parameters
    ----------
    source : Domain
    """
    if source.y is None or not source.labelled.any():
        raise LabelError(
            f"source {source.name!r} has no labels; give y, name the label column, or swap source and target."
        )


def split_target_labels(
    target: Domain, classes: NDArray[Any] | None, use: str | int, random_state: int | None
) -> tuple[Domain, NDArray[Any] | None]:
    """Split the target's labels into those to learn from and those to hide.

    Parameters
    ----------
    target : Domain
    classes : ndarray of shape (n_classes,) or None
        Classes of the source; None for regression.
    use : {"use", "hide"} or int
        All, none, or this many per class; where the target has groups, whole groups until a class has so many.
    random_state : int or None
        Selects which.

    Returns
    -------
    target : Domain
        With the labels to learn from.
    hidden : ndarray of object, shape (n_target,), or None
        The other labels, None where a label is not hidden.

    Raises
    ------
    LabelError
        If a number of labels is asked for and there is none, or a label to learn from is a class that the source does
        not have; hidden ones count as errors.
    """
    if target.y is None:
        known, labels = np.empty(0, dtype=np.intp), np.empty(0)
    else:
        known, labels = split_labelled(target.y, len(target), classes)
    if len(known) == 0:
        if not isinstance(use, str):
            raise LabelError(
                f"target_labels={use} asks for labelled target samples, and target {target.name!r} has none; omit it, "
                "or name the label column."
            )
        return target if target.y is None else target.without_labels(), None
    strata = [known] if classes is None else [known[labels == c] for c in np.unique(labels)]
    keep = _selected(known, strata, target, use, random_state)
    learned = set(labels[keep[known]].tolist())
    if classes is not None and (new := sorted(learned - set(classes.tolist()), key=str)):
        raise LabelError(
            f"target {target.name!r} has the label {new[0]!r}, which the source does not have (it has "
            f"{', '.join(map(str, classes[:8].tolist()))}); use the same spelling on both sides."
        )
    full: Any = np.full(len(target), None, dtype=object)
    full[known] = labels
    hidden, shown = full.copy(), full.copy()
    hidden[keep] = None
    shown[~keep] = None
    if classes is None:
        shown = shown.astype(float)
    visible = target.replace(y=shown) if keep.any() else target.without_labels()
    return visible._with_columns(target.columns), _or_none(hidden)


def split_model_labels(
    target: ModelTarget, use: str | int, random_state: int | None, *, regression: bool
) -> tuple[ModelTarget, NDArray[Any] | None]:
    """Split the labels of a model's target into those to learn from and those to hide.

    Parameters
    ----------
    target : ModelTarget
    use : "use" or int
    random_state : int or None
    regression : bool

    Returns
    -------
    target : ModelTarget
    hidden : ndarray of object or None
    """
    if use == "use":
        return target, None
    known = np.flatnonzero(target.labelled)
    labels = np.asarray(target.labelled_part().y)
    strata = [known] if regression else [known[labels == c] for c in np.unique(labels)]
    keep = _selected(known, strata, target, use, random_state)
    assert target.y is not None
    hidden, shown = (np.array(target.y, dtype=object) for _ in range(2))
    hidden[keep] = None
    shown[~keep] = None
    return target.with_labels(shown), _or_none(hidden)


def target_splits(
    target: Domain | ModelTarget,
    *,
    regression: bool,
    random_state: int | None,
    n_repeats: int = 2,
    groups: NDArray[Any] | None = None,
) -> LabelledSplits | None:
    """Return cross-validation splits of the labelled target samples.

    Parameters
    ----------
    target : Domain or ModelTarget
    regression : bool
    random_state : int or None
    n_repeats : int, default=2
    groups : ndarray of shape (n_target,), optional
        Which samples belong together. If None, those of the target, if it has any.

    Returns
    -------
    LabelledSplits or None
        None where fewer than six samples are labelled, or a class has fewer than two; with groups, also where these
        are of fewer than three groups, or a class is in a single one.
    """
    known = np.flatnonzero(target.labelled)
    if len(known) < LEAST_LABELLED:
        return None
    y = np.asarray(target.labelled_part().y)
    groups = target.groups if groups is None else groups
    of = None if groups is None else np.unique(groups[known], return_inverse=True)[1]
    if of is not None:
        few = not regression and min(len(np.unique(of[y == c])) for c in np.unique(y)) < 2
        if of.max() + 1 < LEAST_GROUPS or few:
            return None
    if not regression:
        counts = np.unique(y, return_counts=True)[1]
        if len(counts) < 2 or counts.min() < 2:
            return None
    return LabelledSplits(known, y, regression=regression, n_repeats=n_repeats, groups=of, random_state=random_state)


def _selected(
    known: NDArray[np.intp],
    strata: list[NDArray[np.intp]],
    target: Domain | ModelTarget,
    use: Any,
    seed: int | None,
) -> NDArray[np.bool_]:
    keep = np.zeros(len(target), dtype=bool)
    if use == "use":
        keep[known] = True
    elif use != "hide":
        rng = np.random.default_rng(seed)
        labelled = np.zeros(len(target), dtype=bool)
        labelled[known] = True
        for stratum in strata:
            if target.groups is None:
                keep[rng.permutation(stratum)[: int(use)]] = True
                continue
            for group in rng.permutation(np.unique(target.groups[stratum])):
                if keep[stratum].sum() >= int(use):
                    break
                keep |= labelled & (target.groups == group)
    return keep


def _or_none(labels: NDArray[Any]) -> NDArray[Any] | None:
    return labels if any(v is not None for v in labels) else None
