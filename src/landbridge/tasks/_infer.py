"""Decide between classification and regression by the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.base import is_classifier, is_regressor

from landbridge.exceptions import LabelError
from landbridge.tasks._registry import get_task

__all__ = ["InferredTask", "check_labels_fit", "infer_task"]

# So many distinct whole numbers are codes of classes, whatever they are.
FEW = 10
# With more of them, classes have at least so many samples on average.
PER_CLASS = 10
# Counts whose standard deviation is below so much of their mean are those of balanced classes.
BALANCED = 1 / 3
# Standard deviations by which the counts of neighbouring values are more alike than by chance (p < 0.01).
ALIKE = 2.33


@dataclass(frozen=True)
class InferredTask:
    """The task of a data set, and why.

    Parameters
    ----------
    name : str
        ``"classification"`` or ``"regression"``.
    reason : str
        One sentence that names what was inferred, from what, and the option that overrides it.
    """

    name: str
    reason: str


def infer_task(y: Any, estimator: Any = None, *, task: str | None = None) -> InferredTask:
    r"""Infer whether labels are classes or values.

    In this order:

    1. `task`, if given;
    2. `estimator`, if it is a classifier or a regressor;
    3. text, booleans and other objects are classes;
    4. numbers with fractions are values;
    5. whole numbers, stored as integers, floats or objects, are

       * classes if there are at most 10 distinct ones (0/1, -1/+1, digits, grades from 3 to 8), unless nearly every
         sample has one of its own;
       * values if they do not run from 0 or 1 without gaps, as codes of classes do (ages from 20 to 80, prices);
       * values if they have fewer than 10 samples each on average, and not all the same number;
       * classes if they are about equally frequent (letters from 0 to 25): the standard deviation of the counts is at
         most a third of their mean;
       * values if neighbouring numbers are more alike in frequency than by chance, as in every distribution with a
         mode (ages from 0 to 95, grades from 0 to 20): the rank von Neumann ratio [1]_ of the counts lies below its
         expectation 2 by :math:`2.33` standard deviations :math:`2 / \sqrt{k}`, with :math:`k` distinct numbers;
       * classes otherwise.

    Missing labels (None, NaN) are not looked at.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    estimator : estimator, default=None
        If None, the labels decide.
    task : {"classification", "regression"}, default=None
        If None, the task is inferred.

    Returns
    -------
    InferredTask

    Raises
    ------
    InputError
        If there is no such task.
    LabelError
        If it has to be inferred from no labels, or from several per sample.

    Notes
    -----
    Time :math:`O(n \log n)`, memory :math:`O(n)`.

    References
    ----------
    .. [1] R. Bartels. The rank version of von Neumann's ratio test for randomness. Journal of the American Statistical
       Association 77, 1982.

    Examples
    --------
    >>> from landbridge.tasks import infer_task
    >>> infer_task([0, 1, 1, 0]).name, infer_task(["no", "yes"]).name, infer_task([0.5, 1.25]).name
    ('classification', 'classification', 'regression')
    >>> print(infer_task(range(20, 80)).reason)
    task='regression' was inferred from 60 whole numbers from 20 to 79; pass task='classification' if they are classes.
    """
    if task is not None:
        return InferredTask(get_task(task).name, f"task={task!r} was given.")
    if estimator is not None and (name := _of_estimator(estimator)) is not None:
        return InferredTask(
            name,
            f"task={name!r} was inferred from estimator={type(estimator).__name__}; pass another one to change it.",
        )
    labels = _present(y)
    if labels.dtype.kind not in "iuf":
        kind = "booleans" if labels.dtype.kind == "b" else "text"
        return InferredTask(
            "classification",
            f"task='classification' was inferred from labels that are {kind}; convert y to numbers for regression.",
        )
    whole = bool(np.all(labels == np.floor(labels)))
    if not whole:
        return _reason("regression", "numbers with fractions")
    values, counts = np.unique(labels, return_counts=True)
    name = "classification" if _are_codes(values, counts) else "regression"
    return _reason(name, f"{len(values)} whole numbers from {values[0]:.0f} to {values[-1]:.0f}")


def _reason(name: str, what: str) -> InferredTask:
    other, they = ("regression", "values") if name == "classification" else ("classification", "classes")
    return InferredTask(name, f"task={name!r} was inferred from {what}; pass task={other!r} if they are {they}.")


def check_labels_fit(y: Any, name: str) -> None:
    """Raise an error if labels are text but values are needed, or numbers with fractions but classes are.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; missing ones are not looked at.
    name : {"classification", "regression"}

    Raises
    ------
    LabelError

    Examples
    --------
    >>> from landbridge.tasks import check_labels_fit
    >>> check_labels_fit([0, 1, 1], "classification")
    """
    try:
        labels = _present(y)
    except LabelError:  # nothing to look at
        return
    if name == "regression" and labels.dtype.kind not in "iufb":
        raise LabelError(
            f"the labels are no numbers, such as {str(labels[0])[:60]!r}, and a regression needs numbers; convert "
            "them, or give task='classification'."
        )
    if name == "classification" and labels.dtype.kind == "f" and not np.all(labels == np.floor(labels)):
        fraction = labels[labels != np.floor(labels)][0]
        raise LabelError(
            f"the labels are numbers with fractions, such as {fraction:.4g}, and a classification needs classes; give "
            "task='regression', or a rule such as label='y>0.5'."
        )


def _of_estimator(estimator: Any) -> str | None:
    try:
        return "regression" if is_regressor(estimator) else "classification" if is_classifier(estimator) else None
    except AttributeError:  # no estimator of scikit-learn
        return None


def _present(y: Any) -> NDArray[Any]:
    """Return the labels that are not missing, as numbers where all of them are."""
    if isinstance(y, np.ma.MaskedArray):
        y = y.compressed()
    labels = y.dropna().to_numpy() if hasattr(y, "dropna") else np.asarray(y if hasattr(y, "__len__") else list(y))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise LabelError(f"y has the shape {labels.shape}; give one label per sample, or task=.")
    if labels.dtype == object:
        labels = labels[[v is not None and v == v for v in labels]]
        kinds = {type(v) for v in labels}
        if kinds and all(issubclass(k, (int, float, np.number, np.bool_)) for k in kinds):
            labels = np.array(labels.tolist())
    elif labels.dtype.kind == "f":
        labels = labels[~np.isnan(labels)]
    if len(labels) == 0:
        raise LabelError("y holds no labels, so the task cannot be inferred; pass task=.")
    return labels


def _are_codes(values: NDArray[Any], counts: NDArray[np.intp]) -> bool:
    """Return whether whole numbers are codes of classes rather than values."""
    k, n = len(values), int(counts.sum())
    codes = values[0] in (0, 1) and values[-1] - values[0] == k - 1
    if k <= FEW:
        return codes or k <= 2 or n >= 2 * k
    if not codes:
        return False
    if counts.max() - counts.min() <= 1:
        return True
    if n < PER_CLASS * k:
        return False
    return bool(counts.std() <= BALANCED * counts.mean()) or not _smooth(counts)


def _smooth(counts: NDArray[np.intp]) -> bool:
    """Return whether neighbouring counts are more alike than in random order."""
    ranks = rankdata(counts)
    spread = float(((ranks - ranks.mean()) ** 2).sum())
    ratio = float((np.diff(ranks) ** 2).sum()) / spread
    return 2.0 - ratio > ALIKE * 2.0 / np.sqrt(len(counts))
