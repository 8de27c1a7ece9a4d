"""Rounds of boosting, their sample weights and their weighted vote; shared by the TrAdaBoost methods."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.tree import DecisionTreeClassifier

from landbridge._random_state import check_random_state
from landbridge.base import Read
from landbridge.exceptions import EarlyStoppingWarning

__all__ = [
    "Rounds",
    "all_rounds",
    "balanced",
    "default_classifier",
    "initial_weights",
    "labelled_target",
    "later_half",
    "majority",
    "seed_of",
    "stack_samples",
    "training_weights",
    "vote_error",
    "vote_shares",
]


class Rounds:
    """Rounds of boosting: the learners, their weights in the vote, and their predictions on the target labels.

    A learner at chance has no weight in the vote, and is kept only until a round is better than chance.
    """

    def __init__(self) -> None:
        self.models: list[Any] = []
        self.votes: list[float] = []
        self.errors: list[float] = []
        self.predictions: list[NDArray[Any]] = []
        self.first: tuple[Any, float, float, NDArray[Any]] | None = None

    def add(self, model: Any, vote: float, error: float, predicted: NDArray[Any]) -> None:
        """Append a round.

        Parameters
        ----------
        model : estimator
            Fitted learner.
        vote : float
            Its weight in the vote.
        error : float
            Its weighted error on the labelled target samples.
        predicted : ndarray of shape (n_labelled,)
            Its predictions for the labelled target samples.
        """
        if self.first is None:
            self.first = model, vote, error, predicted
        if vote > 0 and self.votes and self.votes[0] == 0.0:
            self._keep([])
        if vote > 0 or not self.models:
            self.models.append(model)
            self.votes.append(vote)
            self.errors.append(error)
            self.predictions.append(predicted)

    def stop_where_worse(
        self,
        loss: Callable[[NDArray[Any], NDArray[np.float64]], float],
        name: str | None,
        used: Callable[[int], slice] | None = None,
    ) -> None:
        """Discard the last rounds if the vote with them is worse than the first round alone.

        Parameters
        ----------
        loss : callable
            Takes predictions of shape (n_labelled, n_rounds) and weights of shape (n_rounds,), returns the loss of
            their vote on the labelled target samples.
        name : str or None
            Name of the method for the warning. If None, no warning.
        used : callable, default=None
            Takes a number of rounds, returns the slice of them that votes. If None, :func:`later_half`.
        """
        assert self.first is not None
        used = later_half if used is None else used
        table, votes, n = np.column_stack(self.predictions), np.array(self.votes), len(self.models)
        bound = loss(self.first[3][:, None], np.ones(1))
        kept = n
        # a difference within rounding is none
        while kept and loss(table[:, :kept][:, used(kept)], votes[:kept][used(kept)]) > bound * (1 + 1e-9) + 1e-12:
            kept -= 1
        if kept == n:
            return
        if kept:
            self._keep(range(kept))
        else:
            model, vote, error, predicted = self.first
            self.models, self.votes, self.errors, self.predictions = [model], [vote], [error], [predicted]
        if name is not None:
            warnings.warn(
                f"{name}: the vote of {n} rounds is worse on the labelled target samples than the first round alone; "
                f"{len(self.models)} rounds are used. Use a weaker estimator or fewer n_estimators.",
                EarlyStoppingWarning,
                stacklevel=4,
            )

    def _keep(self, indices: Any) -> None:
        for values in (self.models, self.votes, self.errors, self.predictions):
            values[:] = [values[i] for i in indices]  # type: ignore[index]


def default_classifier(estimator: Any, random_state: Any = None, n_classes: int = 2) -> Any:
    """Return the weak learner; if None, the shallowest decision tree that can predict every class.

    Parameters
    ----------
    estimator : classifier or None
        Base learner.
    random_state : int, RandomState instance or None, default=None
        Seeds the decision tree.
    n_classes : int, default=2
        Number of classes.

    Returns
    -------
    estimator : classifier
        Unfitted learner.
    """
    if estimator is not None:
        return estimator
    depth = max(1, int(np.ceil(np.log2(n_classes))))
    return DecisionTreeClassifier(max_depth=depth, random_state=seed_of(random_state))


def seed_of(random_state: Any) -> Any:
    """Draw an integer seed from a random number generator, so that every round fits the same learner.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None and integers are returned as they are.

    Returns
    -------
    seed : int or None
        Seed.
    """
    if random_state is None or isinstance(random_state, Integral):
        return random_state
    return check_random_state(random_state).randint(2**31 - 1)


def later_half(n_rounds: int) -> slice:
    """Return the rounds that vote: from the ``ceil(n_rounds / 2)``-th, counted from one, to the last.

    Parameters
    ----------
    n_rounds : int
        Number of rounds.

    Returns
    -------
    rounds : slice
        Positions of the rounds, counted from zero.
    """
    return slice((n_rounds + 1) // 2 - 1, n_rounds)


def all_rounds(n_rounds: int) -> slice:
    """Return all rounds.

    Parameters
    ----------
    n_rounds : int
        Number of rounds.

    Returns
    -------
    rounds : slice
        Positions of the rounds.
    """
    return slice(0, n_rounds)


def labelled_target(read: Read) -> tuple[Any, NDArray[Any]]:
    """Return the labelled target samples; without a target, the source with its labels.

    Parameters
    ----------
    read : Read
        Validated input.

    Returns
    -------
    X : array of shape (n_labelled, n_features)
        Samples.
    y : ndarray of shape (n_labelled,)
        Labels.
    """
    return (read.Xt[read.rows], read.yt) if len(read.rows) else (read.Xs, read.ys)


def initial_weights(
    n_source: int, n_labelled: int, target_share: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the weights of the first round, which sum to one.

    Parameters
    ----------
    n_source : int
        Number of source samples.
    n_labelled : int
        Number of labelled target samples.
    target_share : float or None
        Total weight of the target samples. If None, every sample has the same weight.

    Returns
    -------
    source : ndarray of shape (n_source,)
        Weights of the source samples.
    target : ndarray of shape (n_labelled,)
        Weights of the labelled target samples.
    """
    share = n_labelled / (n_source + n_labelled) if target_share is None else target_share
    return np.full(n_source, (1.0 - share) / n_source), np.full(n_labelled, share / n_labelled)


def stack_samples(A: Any, B: Any) -> Any:
    """Concatenate the samples of two arrays.

    Parameters
    ----------
    A : ndarray or sparse matrix of shape (n_first, n_features)
        First samples.
    B : ndarray or sparse matrix of shape (n_second, n_features)
        Further samples.

    Returns
    -------
    samples : ndarray or csr_matrix of shape (n_first + n_second, n_features)
        All samples.
    """
    return sparse.vstack([A, B], format="csr") if sparse.issparse(A) else np.concatenate([A, B])


def training_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale weights to mean one, so that the penalty of a learner keeps its meaning, and bound them from below.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
        Non-negative weights.

    Returns
    -------
    scaled : ndarray of shape (n_samples,)
        Positive weights.
    """
    scaled = weights * (len(weights) / weights.sum())
    return np.maximum(scaled, 1e-12)


def balanced(weights: NDArray[np.float64], labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Scale weights so that every class has the same total.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
        Weights.
    labels : ndarray of shape (n_samples,)
        Labels.
    classes : ndarray of shape (n_classes,)
        Classes, sorted.

    Returns
    -------
    balanced : ndarray of shape (n_samples,)
        Weights.
    """
    codes = np.searchsorted(classes, labels)
    totals = np.bincount(codes, weights=weights, minlength=len(classes))
    return weights * (weights.sum() / len(classes) / totals)[codes]


def vote_shares(predictions: NDArray[Any], votes: NDArray[np.float64], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Compute the share of each class in a weighted vote.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_models)
        Class predicted by each model.
    votes : ndarray of shape (n_models,)
        Weights of the models. If all are zero, every model has the same weight.
    classes : ndarray of shape (n_classes,)
        Classes, sorted.

    Returns
    -------
    shares : ndarray of shape (n_samples, n_classes)
        Shares, which sum to one for each sample.
    """
    votes = votes if votes.sum() > 0 else np.ones(len(votes))
    out = np.zeros((len(predictions), len(classes)))
    samples = np.arange(len(predictions))
    for j, vote in enumerate(votes / votes.sum()):
        if vote > 0:
            out[samples, np.searchsorted(classes, predictions[:, j])] += vote
    return out


def majority(shares: NDArray[np.float64], classes: NDArray[Any]) -> NDArray[Any]:
    """Return the class with the largest share; of ties the last one, as "at least half" in the paper means.

    Parameters
    ----------
    shares : ndarray of shape (n_samples, n_classes)
        Shares of the vote.
    classes : ndarray of shape (n_classes,)
        Classes, sorted.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        Class of each sample.
    """
    most = shares.max(axis=1, keepdims=True)
    return classes[shares.shape[1] - 1 - np.argmax((shares >= most - 1e-12)[:, ::-1], axis=1)]


def vote_error(
    predictions: NDArray[Any], votes: NDArray[np.float64], labels: NDArray[Any], classes: NDArray[Any]
) -> float:
    """Compute the error rate of a weighted majority vote.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_models)
        Class predicted by each model.
    votes : ndarray of shape (n_models,)
        Weights of the models.
    labels : ndarray of shape (n_samples,)
        True labels.
    classes : ndarray of shape (n_classes,)
        Classes, sorted.

    Returns
    -------
    error : float
        Share of the samples that the vote misclassifies.
    """
    return float(np.mean(majority(vote_shares(predictions, votes, classes), classes) != labels))
