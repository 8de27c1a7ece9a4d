"""Boosted trees as the baseline, where they are better on the source than the regularised linear model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from landbridge._process_state import one_thread
from landbridge._random_state import seed_unseeded
from landbridge.domain import Domain
from landbridge.guard import corrected_gain
from landbridge.numerics.resampling import subsample
from landbridge.tasks import Task

__all__ = ["better_trees"]

N_FOLDS = 5
# Trees are compared where they cost little: features times trees per boosting iteration, and the fewest samples.
MAX_WORK = 500
MIN_SAMPLES = 50
# At most this many samples are used for the comparison.
MAX_SAMPLES = 5_000
# Level of the one-sided test; the linear model is simpler, and smoother to adapt.
LEVEL = 0.05


def better_trees(
    linear: Any, task: Task, source: Domain, *, random_state: int | None = None
) -> tuple[Any, float, tuple[str, ...]]:
    """Return histogram-based gradient boosting if it is better than the linear model by cross-validation on the source.

    Not transferring must be strong for a gain over it to mean anything: the baseline is the better of the two. Trees
    are chosen if they are significantly better by the corrected resampled t-test. The methods keep the linear model,
    which is smoother to adapt and much faster to fit.

    Parameters
    ----------
    linear : estimator
        Unfitted.
    task : Task
    source : Domain
        Labelled.
    random_state : int, optional
        Draws the folds and the samples.

    Returns
    -------
    trees : estimator or None
        Unfitted; None where they are not better.
    advantage : float
        By how much their score is higher.
    inferred : tuple of str
        What was inferred, and the option that overrides it; empty where there are no trees.

    Notes
    -----
    Trees are compared for dense samples only, from 50 samples on (of five groups or more, where there are groups), and
    where the number of features times that of classes (one for two classes or values) is at most 500. The comparison
    fits both five times on at most 5,000 samples.
    """
    if sparse.issparse(source.X) or source.X.ndim != 2 or len(source) < MIN_SAMPLES:
        return None, 0.0, ()
    assert source.y is not None
    classes = None if task.name == "regression" else np.unique(source.y, return_counts=True)
    per_iteration = 1 if classes is None or len(classes[0]) <= 2 else len(classes[0])
    if per_iteration * source.X.shape[1] > MAX_WORK or (classes is not None and classes[1].min() < N_FOLDS):
        return None, 0.0, ()
    if source.groups is not None and len(np.unique(source.groups)) < N_FOLDS:
        return None, 0.0, ()
    kind = HistGradientBoostingRegressor if classes is None else HistGradientBoostingClassifier
    trees = kind(random_state=random_state)
    with one_thread():
        before, after = _scores(linear, trees, source, task, random_state)
    gain = corrected_gain(after - before, 1 / N_FOLDS)
    if not (gain.value > 0 and gain.p_value is not None and gain.p_value <= LEVEL):
        return None, 0.0, ()
    words = (
        f"The baseline is {type(trees).__name__}(), because it is {task.in_words(gain.value)} better than a linear "
        "model by cross-validation on the source; pass estimator to choose the learner of all candidates."
    )
    return trees, gain.value, (words,)


def _scores(
    linear: Any, trees: Any, source: Domain, task: Task, random_state: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.RandomState(random_state)
    y = np.asarray(source.y)
    rows = subsample(len(y), MAX_SAMPLES, rng, None if task.name == "regression" else y)
    X, y, groups = source.X[rows], y[rows], None if source.groups is None else source.groups[rows]
    found = [
        [
            task.score(y[test], seed_unseeded(clone(model), 0).fit(X[train], y[train]).predict(X[test]))
            for model in (linear, trees)
        ]
        for train, test in _folds(y, groups, task, random_state)
    ]
    before, after = np.array(found).T
    return before, after


def _folds(
    y: NDArray[Any], groups: Any, task: Task, random_state: int | None
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    options: dict[str, Any] = {"shuffle": True, "random_state": random_state}
    if groups is not None:
        kind = GroupKFold if task.name == "regression" else StratifiedGroupKFold
        yield from kind(N_FOLDS, **options).split(y, y, groups)
        return
    yield from (KFold if task.name == "regression" else StratifiedKFold)(N_FOLDS, **options).split(y, y)
