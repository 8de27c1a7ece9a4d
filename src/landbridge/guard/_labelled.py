"""Evidence from a few target labels: cross-validation over them, with every candidate on the same splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.pipeline import Pipeline

from landbridge.base import TransferEstimator
from landbridge.guard._importance_weighted import fit_transfer
from landbridge.guard._paired import corrected_gain
from landbridge.measurement import Measurement

__all__ = ["LabelledSplits", "nested_gain", "reads_labels", "scores_on_splits"]


class LabelledSplits:
    """Splits of the labelled target rows, the same for every candidate.

    Parameters
    ----------
    rows : ndarray of int, shape (n_labelled,)
        Target rows with a label.
    labels : ndarray of shape (n_labelled,)
        Their labels.
    regression : bool
        Whether to cut without regard to classes.
    n_splits : int, default=5
        Folds; fewer where a class has fewer rows.
    n_repeats : int, default=2
        Times the folds are drawn anew.
    random_state : int, default=0

    Attributes
    ----------
    splits : list of (train, test)
        Positions within `rows`.
    test_fraction : float
    """

    def __init__(
        self,
        rows: NDArray[np.intp],
        labels: NDArray[Any],
        *,
        regression: bool,
        n_splits: int = 5,
        n_repeats: int = 2,
        random_state: Any = 0,
    ) -> None:
        self.rows, self.labels = rows, labels
        smallest = len(rows) if regression else int(np.unique(labels, return_counts=True)[1].min())
        n_splits = max(2, min(n_splits, smallest if smallest > 1 else 2, len(rows)))
        if regression or smallest < 2:
            cutter: Any = RepeatedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
        else:
            cutter = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
        self.splits = list(cutter.split(rows, None if regression else labels))
        self.test_fraction = 1.0 / n_splits


def reads_labels(model: Any) -> bool:
    """Say whether target labels change what a model learns.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    bool
    """
    if isinstance(model, Pipeline):
        return any(reads_labels(step) for _, step in model.steps)
    return isinstance(model, TransferEstimator) and "y_target" in model.transfer_tags.reads


def scores_on_splits(
    model: Any,
    fitted: Any,
    Xs: Any,
    ys: Any,
    Xt: Any,
    folds: LabelledSplits,
    *,
    target_only: bool = False,
    source_domain: Any = None,
    intermediate_domains: Any = None,
) -> NDArray[np.float64]:
    """Score one candidate on every split of the labelled target rows.

    A model that reads no target labels is fitted once for all splits; the others learn from each split's training
    labels, always with all target rows in sight.

    Parameters
    ----------
    model : estimator
        Unfitted.
    fitted : estimator or None
        The model fitted without any target labels, where it reads none.
    Xs, ys : source rows and labels
    Xt : target rows
    folds : LabelledSplits
    target_only : bool, default=False
        Fit on the labelled target rows alone.
    source_domain : array-like of shape (n_source,), optional
        Which source each source row came from.
    intermediate_domains : list of array-like, optional
        Domains between source and target, nearest to the source first.

    Returns
    -------
    ndarray of shape (n_splits,)
        Accuracy, or R² against the labelled rows' variance.
    """
    again = target_only or reads_labels(model) or fitted is None
    out = np.empty(len(folds.splits))
    for j, (train, test) in enumerate(folds.splits):
        if not again:
            predicted = fitted.predict(_take(Xt, folds.rows[test]))
        else:
            given = {"source_domain": source_domain, "intermediate_domains": intermediate_domains}
            one = _fit_on(model, Xs, ys, Xt, folds, train, target_only, given)
            predicted = one.predict(_take(Xt, folds.rows[test])) if one is not None else _constant(folds, train, test)
        out[j] = _quality(predicted, folds.labels[test], folds.labels, is_regressor(model))
    return out


def nested_gain(
    scores: NDArray[np.float64], baselines: Sequence[int], candidates: Sequence[int], test_fraction: float
) -> Measurement:
    """Gain of *choosing the best candidate* over *choosing the better baseline*, free of the winner's curse.

    On each split the choice is made from the other splits and scored on this one.

    Parameters
    ----------
    scores : ndarray of shape (n_models, n_splits)
    baselines, candidates : sequence of int
        Row numbers in `scores`.
    test_fraction : float
        Share of the rows held out in each split.

    Returns
    -------
    Measurement

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


def _fit_on(
    model: Any,
    Xs: Any,
    ys: Any,
    Xt: Any,
    folds: LabelledSplits,
    train: NDArray[np.intp],
    target_only: bool,
    given: dict[str, Any],
) -> Any:
    rows, labels = folds.rows[train], folds.labels[train]
    if target_only:
        if not is_regressor(model) and len(np.unique(labels)) < 2:
            return None
        return clone(model).fit(_take(Xt, rows), labels)
    yt = np.full(Xt.shape[0], np.nan) if labels.dtype.kind == "f" else np.full(Xt.shape[0], None, dtype=object)
    yt[rows] = labels
    return fit_transfer(clone(model), Xs, ys, Xt, yt, **given)


def _constant(folds: LabelledSplits, train: NDArray[np.intp], test: NDArray[np.intp]) -> NDArray[Any]:
    return np.repeat(folds.labels[train][:1], len(test))


def _quality(predicted: Any, truth: Any, everything: Any, regression: bool) -> float:
    if regression:
        return 1.0 - float(np.mean((predicted - truth) ** 2)) / max(float(np.var(everything)), 1e-12)
    return float(np.mean(predicted == truth))


def _take(X: Any, rows: Any) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
