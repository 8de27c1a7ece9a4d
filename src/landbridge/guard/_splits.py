"""Splits of the labelled target samples, scores on them, and the gain of choosing the best candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_regressor
from sklearn.model_selection import GroupKFold, RepeatedKFold, RepeatedStratifiedKFold, StratifiedGroupKFold

from landbridge._random_state import seed_unseeded
from landbridge.exceptions import InputError
from landbridge.guard._corrected_t_test import corrected_gain
from landbridge.guard._fitting import fit_transfer, reads_labels, take
from landbridge.measurement import Measurement
from landbridge.tasks import Task, get_task

__all__ = ["LabelledSplits", "nested_gain", "scores_on_splits"]


class LabelledSplits:
    """Cross-validation splits of the labelled target samples, the same for every candidate.

    Parameters
    ----------
    indices : ndarray of int, shape (n_labelled,)
        Target samples with a label.
    labels : ndarray of shape (n_labelled,)
        Their labels.
    regression : bool
        Whether to split without regard to classes.
    n_splits : int, default=5
        Number of folds; fewer where a class has fewer samples, or where there are fewer groups.
    n_repeats : int, default=2
        How often the folds are drawn.
    groups : array-like of shape (n_labelled,), optional
        Group of each labelled sample; no group is on both sides of a split. Equal folds are not repeated, so that there
        may be fewer than ``n_splits * n_repeats`` splits. If None, each sample is a group.
    random_state : int, optional
        Draws the folds.

    Attributes
    ----------
    indices, labels, regression : as given
    splits : list of (train, test)
        Positions within `indices`.
    test_fraction : float
        Mean share of the samples held out in a split.
    task : Task
        Holds the score that is computed on the splits; accuracy or R² unless it is replaced.

    Raises
    ------
    InputError
        If there are not as many groups as labelled samples, or fewer than two different ones.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import LabelledSplits
    >>> splits = LabelledSplits(np.arange(12), np.arange(12) % 2, regression=False, groups=np.arange(12) // 3)
    >>> len(splits.splits), splits.test_fraction
    (4, 0.25)
    """

    task: Task

    def __init__(
        self,
        indices: NDArray[np.intp],
        labels: NDArray[Any],
        *,
        regression: bool,
        n_splits: int = 5,
        n_repeats: int = 2,
        groups: ArrayLike | None = None,
        random_state: int | None = None,
    ) -> None:
        self.task = get_task("regression" if regression else "classification")
        self.indices, self.labels, self.regression = indices, labels, regression
        smallest = _smallest(labels, groups, regression)
        n_splits = max(2, min(n_splits, smallest if smallest > 1 else 2, len(indices)))
        stratified = not regression and smallest >= 2
        if groups is not None:
            self.splits, n_splits = _group_splits(labels, groups, stratified, n_splits, n_repeats, random_state)
        else:
            kind = RepeatedStratifiedKFold if stratified else RepeatedKFold
            cutter = kind(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
            self.splits = list(cutter.split(indices, None if regression else labels))
        self.test_fraction = 1.0 / n_splits


def _smallest(labels: NDArray[Any], groups: ArrayLike | None, regression: bool) -> int:
    """Number of samples of the rarest class, or of groups that hold it."""
    if regression:
        return len(labels)
    if groups is None or len(np.asarray(groups)) != len(labels):
        return int(np.unique(labels, return_counts=True)[1].min())
    groups = np.asarray(groups)
    return min(len(np.unique(groups[labels == c])) for c in np.unique(labels))


def _group_splits(
    labels: NDArray[Any],
    groups: ArrayLike,
    stratified: bool,
    n_splits: int,
    n_repeats: int,
    random_state: int | None,
) -> tuple[list[tuple[NDArray[np.intp], NDArray[np.intp]]], int]:
    """Draw folds of whole groups, stratified where that leaves no fold empty; folds drawn before are not repeated."""
    groups = np.asarray(groups)
    if len(groups) != len(labels):
        raise InputError(f"groups has {len(groups)} entries for {len(labels)} labelled samples; give one per sample.")
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise InputError("groups holds a single group, so that no split can hold one out; give two or more, or None.")
    n_splits = min(n_splits, n_groups)
    rng = np.random.RandomState(random_state)
    out, seen = [], set()
    for _ in range(n_repeats):
        seed = int(rng.randint(2**31 - 1))
        found: list[Any] = []
        if stratified:
            cutter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
            found = list(cutter.split(groups, labels, groups))
        if not found or any(len(train) == 0 or len(test) == 0 for train, test in found):
            found = list(GroupKFold(n_splits, shuffle=True, random_state=seed).split(groups, groups=groups))
        if (drawn := frozenset(tuple(test) for _, test in found)) not in seen:
            seen.add(drawn)
            out += found
    return out, n_splits


def scores_on_splits(
    model: Any,
    fitted: Any,
    Xs: Any,
    ys: Any,
    Xt: Any,
    splits: LabelledSplits,
    *,
    target_only: bool = False,
    source_domain: Any = None,
    intermediate_domains: Any = None,
) -> NDArray[np.float64]:
    """Score one candidate on every split of the labelled target samples.

    A model that reads no target labels is fitted once for all splits; any other is fitted on each split's training
    labels, always with all target samples.

    Parameters
    ----------
    model : estimator
        Unfitted.
    fitted : estimator or None
        The model fitted without any target labels, where it reads none.
    Xs, ys : array-like of shapes (n_source, n_features) and (n_source,)
        Source samples and labels.
    Xt : array-like of shape (n_target, n_features)
        Target samples.
    splits : LabelledSplits
    target_only : bool, default=False
        Whether to fit on the labelled target samples alone.
    source_domain : array-like of shape (n_source,), optional
        Which source each sample came from. If None, there is one source.
    intermediate_domains : sequence of array-like, optional
        Passed on to models that read them. If None, there are none.

    Returns
    -------
    ndarray of shape (n_splits,)
        Accuracy, or R² in units of the variance of all labelled target samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import make_shift
    >>> from landbridge.guard import LabelledSplits, scores_on_splits
    >>> source, target = make_shift("covariate", random_state=0)
    >>> model = LogisticRegression().fit(source.X, source.y)
    >>> splits = LabelledSplits(np.arange(20), target.y[:20], regression=False, n_splits=2, n_repeats=1)
    >>> scores_on_splits(model, model, source.X, source.y, target.X, splits).shape
    (2,)
    """
    refit = target_only or reads_labels(model) or fitted is None
    out = np.empty(len(splits.splits))
    for j, (train, test) in enumerate(splits.splits):
        one = fitted
        if refit and target_only:
            one = _fit_on_target(model, Xt, splits, train)
        elif refit:
            yt = _known_labels(Xt.shape[0], splits, train)
            one = fit_transfer(
                seed_unseeded(clone(model), 0),
                Xs,
                ys,
                Xt,
                yt,
                source_domain=source_domain,
                intermediate_domains=intermediate_domains,
            )
        if one is None:
            predicted = np.repeat(splits.labels[train][:1], len(test))
        else:
            predicted = one.predict(take(Xt, splits.indices[test]))
        out[j] = _score(predicted, splits.labels[test], splits.labels, is_regressor(model))
    return out


def nested_gain(
    scores: NDArray[np.float64], baselines: Sequence[int], candidates: Sequence[int], test_fraction: float
) -> Measurement:
    """Estimate the gain of choosing the best candidate over choosing the better baseline, by nested cross-validation.

    On each split the choice is made by the scores on the other splits, so that the best of many candidates does not
    gain by chance (the winner's curse).

    Parameters
    ----------
    scores : ndarray of shape (n_models, n_splits)
    baselines, candidates : sequence of int
        Which models are which.
    test_fraction : float
        Share of the samples held out in each split.

    Returns
    -------
    Measurement
        From :func:`corrected_gain`.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import nested_gain
    >>> s = np.array([[0.5, 0.5, 0.6, 0.5], [0.8, 0.7, 0.8, 0.8]])
    >>> round(float(nested_gain(s, [0], [1], 0.25)), 2)
    0.25
    """
    gains = []
    for j in range(scores.shape[1]):
        others = np.delete(scores, j, axis=1).mean(axis=1) if scores.shape[1] > 1 else scores[:, 0]
        best = max(candidates, key=lambda i: others[i])
        base = max(baselines, key=lambda i: others[i])
        gains.append(scores[best, j] - scores[base, j])
    return corrected_gain(gains, test_fraction)


def _fit_on_target(model: Any, Xt: Any, splits: LabelledSplits, train: NDArray[np.intp]) -> Any:
    """Fit on the training samples of a split; None where they are of a single class."""
    labels = splits.labels[train]
    if not is_regressor(model) and len(np.unique(labels)) < 2:
        return None
    return seed_unseeded(clone(model), 0).fit(take(Xt, splits.indices[train]), labels)


def _known_labels(n_target: int, splits: LabelledSplits, train: NDArray[np.intp]) -> NDArray[Any]:
    """Return the labels of all target samples, missing but for the training samples of a split."""
    labels = splits.labels[train]
    yt: Any = np.full(n_target, np.nan) if labels.dtype.kind == "f" else np.full(n_target, None, dtype=object)
    yt[splits.indices[train]] = labels
    return np.asarray(yt)


def _score(predicted: Any, y: Any, all_labels: Any, regression: bool) -> float:
    if regression:
        return 1.0 - float(np.mean((predicted - y) ** 2)) / max(float(np.var(all_labels)), 1e-12)
    return float(np.mean(predicted == y))
