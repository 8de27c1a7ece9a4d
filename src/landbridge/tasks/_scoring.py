"""Scores of predictions: any scikit-learn scorer, its range, and the words for a difference in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names

from landbridge._process_state import quiet
from landbridge.exceptions import InputError

__all__ = ["Scoring", "difference_in_words", "get_scoring", "is_share", "scoring_name"]

# Beginnings of the names of scores that are shares, from 0 to 1; differences of them are points.
SHARES = (
    "accuracy", "balanced_accuracy", "top_k_accuracy", "f1", "fbeta", "precision", "recall", "jaccard", "roc_auc",
    "average_precision",
)  # fmt: skip
# Beginnings of the names of scores from -1 to 1, and of those of at most 1.
CORRELATIONS = ("matthews_corrcoef", "cohen_kappa")
AT_MOST_ONE = ("r2", "R²", "explained_variance", "d2_")
# What the modules of scikit-learn that define metrics are for.
MODULES = {"_regression": "regression", "_classification": "classification", "_ranking": "classification"}


def scoring_name(scoring: Any) -> str:
    """Return the name of a scorer, as it is printed.

    Parameters
    ----------
    scoring : str or callable

    Returns
    -------
    str
        That of its metric, with ``neg_`` before an error; that of the callable where it was not made by
        ``make_scorer``.

    Examples
    --------
    >>> from sklearn.metrics import f1_score, make_scorer, max_error
    >>> from landbridge.tasks import scoring_name
    >>> scoring_name(make_scorer(f1_score, average="macro"))
    'f1'
    >>> scoring_name(make_scorer(max_error, greater_is_better=False))
    'neg_max_error'
    """
    if isinstance(scoring, str):
        return scoring
    function = getattr(scoring, "_score_func", None)
    if function is None:
        return str(getattr(scoring, "__name__", type(scoring).__name__))
    name = str(getattr(function, "__name__", type(function).__name__)).removesuffix("_score")
    return name if getattr(scoring, "_sign", 1) > 0 else f"neg_{name}"


def is_share(metric: str) -> bool:
    """Return whether a score is a share, from 0 to 1, so that it is shown in percent and differences in points.

    Parameters
    ----------
    metric : str

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.tasks import is_share
    >>> is_share("balanced_accuracy"), is_share("R²"), is_share("neg_log_loss")
    (True, False, False)
    """
    return metric.startswith(SHARES)


@dataclass(frozen=True)
class Scoring:
    """One score of predictions; higher is better.

    Parameters
    ----------
    name : str
    scorer : callable
        ``scorer(estimator, X, y) -> float``.
    task : {"classification", "regression"}

    Examples
    --------
    >>> from landbridge.tasks import get_scoring
    >>> f1 = get_scoring("f1_macro", "classification")
    >>> f1.score([0, 1, 1], [0, 1, 1]), f1.in_words(0.031), get_scoring("neg_max_error", "regression").in_words(-0.5)
    (1.0, '3.1 points of f1_macro', '-0.500 neg_max_error')
    """

    name: str
    scorer: Callable[..., float]
    task: str

    @property
    def low(self) -> float:
        """Least value."""
        return 0.0 if is_share(self.name) else -1.0 if self.name.startswith(CORRELATIONS) else -math.inf

    @property
    def high(self) -> float:
        """Largest value."""
        if self.name.startswith("neg_"):
            return 0.0
        return 1.0 if is_share(self.name) or self.name.startswith((*CORRELATIONS, *AT_MOST_ONE)) else math.inf

    def score(
        self, y_true: Any, predicted: Any, proba: NDArray[np.float64] | None = None, classes: Any = None
    ) -> float:
        """Score predictions.

        Parameters
        ----------
        y_true, predicted : array-like of shape (n_samples,)
        proba : ndarray of shape (n_samples, n_classes), optional
            Class probabilities in the order of `classes`. If None, certain of the predictions.
        classes : array-like of shape (n_classes,), optional
            If None, those of the labels and predictions.

        Returns
        -------
        float
            NaN where the score is not defined for these labels, as the area under the curve of a single class.
        """
        y_true, predicted = np.asarray(y_true), np.asarray(predicted)
        if classes is None and self.task == "classification":
            classes = np.unique(np.concatenate([np.unique(y_true), np.unique(predicted)]))
        known = (_Values if self.task == "regression" else _Classes)(
            predicted, proba, None if classes is None else np.asarray(classes)
        )
        with quiet():
            try:
                return float(self.scorer(known, np.arange(len(y_true))[:, None], y_true))
            except ValueError:
                if self.task == "classification" and len(np.unique(y_true)) < len(classes):
                    return math.nan
                raise

    def in_words(self, difference: float, *, sign: bool = False) -> str:
        """Write a difference of scores: points for a share, else the plain number with the name of the score.

        Parameters
        ----------
        difference : float
        sign : bool, default=False
            Write a plus sign before positive ones.

        Returns
        -------
        str
        """
        return difference_in_words(difference, self.name, sign=sign)


def difference_in_words(difference: float, metric: str, *, sign: bool = False) -> str:
    """Write a difference of scores: points for a share, else the plain number with the name of the score.

    Parameters
    ----------
    difference : float
    metric : str
    sign : bool, default=False
        Write a plus sign before positive ones.

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.tasks import difference_in_words
    >>> difference_in_words(0.02, "accuracy", sign=True), difference_in_words(0.02, "R²")
    ('+2.0 points', '0.020 R²')
    """
    plus = "+" if sign else ""
    if is_share(metric):
        of = "" if metric == "accuracy" else f" of {metric}"
        return f"{100 * difference:{plus}.1f} points{of}"
    return f"{difference:{plus}.3f} {metric}"


def get_scoring(scoring: Any, task: str) -> Scoring:
    """Return a scorer, after checking that it scores predictions of a task.

    Parameters
    ----------
    scoring : str or callable
        Name of a scorer of scikit-learn, or ``scorer(estimator, X, y) -> float``, as from ``make_scorer``.
    task : {"classification", "regression"}

    Returns
    -------
    Scoring

    Raises
    ------
    InputError
        If there is no such scorer, or it is made for another task.
    """
    if isinstance(scoring, str):
        if scoring not in get_scorer_names():
            raise InputError(f"scoring={scoring!r} is no scorer of scikit-learn; {_near(scoring)}")
        scorer = get_scorer(scoring)
    elif callable(scoring):
        scorer = scoring
    else:
        raise InputError(
            f"scoring must be the name of a scorer of scikit-learn or the result of make_scorer; got {scoring!r}."
        )
    function = getattr(scorer, "_score_func", None)
    if not isinstance(scoring, str) and function is None and getattr(scoring, "__module__", "").startswith("sklearn."):
        raise InputError(
            f"scoring={scoring_name(scoring)} is a metric, not a scorer; give its name as text, or "
            f"make_scorer({scoring_name(scoring)})."
        )
    module = str(getattr(function, "__module__", ""))
    made_for = MODULES.get(module.rpartition(".")[2])
    if made_for is None and module.startswith("sklearn.metrics"):
        made_for = "clusterings"
    if made_for not in (None, task):
        raise InputError(f"scoring={scoring_name(scoring)!r} is made for {made_for}, and the task is {task}.")
    return Scoring(scoring_name(scoring), scorer, task)


def _near(name: str) -> str:
    import difflib

    begun = sorted((n for n in get_scorer_names() if name and n.startswith(name.lower())), key=len)
    near = begun[:1] or difflib.get_close_matches(name, get_scorer_names(), n=1)
    return f"did you mean {near[0]!r}?" if near else "sklearn.metrics.get_scorer_names() lists them."


class _Values(RegressorMixin, BaseEstimator):
    """Values that were predicted before, looked up by the number of the sample."""

    def __init__(self, predicted: Any, proba: Any = None, classes: Any = None) -> None:
        self.predicted, self.proba, self.classes = predicted, proba, classes
        self.n_features_in_ = 1

    def predict(self, X: Any) -> Any:
        return self.predicted[np.asarray(X)[:, 0]]


class _Classes(ClassifierMixin, BaseEstimator):
    """Classes and probabilities that were predicted before, looked up by the number of the sample."""

    def __init__(self, predicted: Any, proba: Any, classes: Any) -> None:
        self.predicted, self.proba, self.classes = predicted, proba, classes
        self.classes_ = classes

    def predict(self, X: Any) -> Any:
        return self.predicted[np.asarray(X)[:, 0]]

    def predict_proba(self, X: Any) -> Any:
        rows = np.asarray(X)[:, 0]
        if self.proba is None:
            return (self.predicted[rows][:, None] == self.classes).astype(float)
        return self.proba[rows]
