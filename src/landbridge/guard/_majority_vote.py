"""The weighted majority vote of several fitted models, with nearest-neighbour smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors

from landbridge.guard._neighbour_graph import (
    MAX_GRAPH_SAMPLES,
    N_NEIGHBORS,
    SMOOTHING,
    moments,
    neighbour_graph,
    on_sphere,
    smooth_votes,
)
from landbridge.guard._trial import Trial, source_model
from landbridge.guard._views import probabilities

__all__ = [
    "MAJORITY_VOTE",
    "MIN_MEMBERS",
    "SOURCE_WEIGHT",
    "MajorityVote",
    "different_models",
    "ensemble_members",
    "is_same_model",
    "majority_vote",
    "majority_vote_proba",
    "member_weights",
    "vote_as_trial",
]

# Name of the vote among the candidates.
MAJORITY_VOTE = "MajorityVote"
# Fewest models, the source model among them, whose vote is assessed.
MIN_MEMBERS = 3
# Votes of the source model; every other member has one.
SOURCE_WEIGHT = 2.0
# Weight of the mean probabilities, which break ties between equal votes.
TIE_BREAK = 1e-3
# Two candidates that share a larger part of their predictions count as one, and so does the source model.
SAME_MODEL = 0.99


def majority_vote_proba(
    labels: NDArray[np.intp], proba: NDArray[np.float64], weights: ArrayLike
) -> NDArray[np.float64]:
    """Compute the share of the votes that each class gets, with mean probabilities to break ties.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_samples)
        Class numbers.
    proba : ndarray of shape (n_models, n_samples, n_classes)
    weights : array-like of shape (n_models,)
        Votes of each model.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Sums to one over the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import majority_vote_proba
    >>> p = np.array([[[0.6, 0.4]], [[0.1, 0.9]]])
    >>> int(majority_vote_proba(p.argmax(2), p, [1, 1]).argmax())
    1
    """
    w = np.asarray(weights, dtype=float) / np.sum(weights)
    shares = np.einsum("m,msc->sc", TIE_BREAK * w, proba)
    samples = np.arange(labels.shape[1])
    for predicted, weight in zip(labels, w, strict=True):
        shares[samples, predicted] += weight
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def member_weights(n_members: int) -> list[float]:
    """Return the votes of each member: two for the source model, which is the first, and one for each other.

    Parameters
    ----------
    n_members : int

    Returns
    -------
    list of float

    Examples
    --------
    >>> from landbridge.guard import member_weights
    >>> member_weights(3)
    [2.0, 1.0, 1.0]
    """
    return [SOURCE_WEIGHT] + [1.0] * (n_members - 1)


def ensemble_members(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that vote: the source model, then every candidate suited to concept or subspace shift.

    Of several candidates with the same predictions only the first votes: one answer under several names is one vote.

    Parameters
    ----------
    trials : sequence of Trial
        Failed ones are ignored, and so are candidates with the predictions of the source model or of an earlier one.

    Returns
    -------
    list of Trial
    """
    suited = [t for t in trials if not t.error and not t.baseline and t.suits_conditional_shift]
    return different_models([source_model(trials), *suited])


def different_models(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials without those that have the predictions of an earlier one.

    Parameters
    ----------
    trials : sequence of Trial

    Returns
    -------
    list of Trial
    """
    different: list[Trial] = []
    for trial in trials:
        if not any(is_same_model(trial, other) for other in different):
            different.append(trial)
    return different


def is_same_model(trial: Trial, other: Trial) -> bool:
    """Return whether two trials have the same predictions, so that the vote of one adds nothing to the other's.

    Parameters
    ----------
    trial, other : Trial

    Returns
    -------
    bool
        True if more than 99 % of the labels are equal, or all values are.
    """
    if trial.proba is None:
        return bool(np.allclose(trial.predicted, other.predicted))
    return bool(np.mean(trial.predicted == other.predicted) > SAME_MODEL)


def majority_vote(members: Sequence[Trial], graph: Any = None, smoothing: float = SMOOTHING) -> NDArray[Any]:
    """Predict for the target samples by the weighted majority vote of several trials.

    Parameters
    ----------
    members : sequence of Trial
        The source model first.
    graph : csr_matrix of shape (n_target, n_target), optional
        From :func:`neighbour_graph`. If None, votes are not smoothed.
    smoothing : float, default=0.7
        Weight of the neighbours.

    Returns
    -------
    ndarray of shape (n_target,)
        Labels, or the median of values.
    """
    if members[0].proba is None:
        return np.asarray(np.median(np.stack([t.predicted for t in members]), axis=0))
    classes = members[0].classes
    labels = np.stack([np.searchsorted(classes, t.predicted) for t in members])
    votes = majority_vote_proba(labels, np.stack([t.proba for t in members]), member_weights(len(members)))
    return np.asarray(classes[(votes if graph is None else smooth_votes(votes, graph, smoothing)).argmax(axis=1)])


def vote_as_trial(members: Sequence[Trial]) -> Trial:
    """Return the vote of several trials as a trial: its predictions for the target and for held-out source samples.

    Parameters
    ----------
    members : sequence of Trial
        The source model first, all with predictions for held-out source samples. Votes are not smoothed.

    Returns
    -------
    Trial
        Under the name :data:`MAJORITY_VOTE`.
    """
    first, weights = members[0], member_weights(len(members))
    held_out: NDArray[Any]
    if first.proba is None:
        held_out = np.median(np.stack([np.asarray(t.held_out, dtype=float) for t in members]), axis=0)
        return Trial(MAJORITY_VOTE, "ensemble", predicted=majority_vote(members), held_out=held_out)
    classes = np.asarray(first.classes)
    labels = np.stack([np.searchsorted(classes, t.held_out) for t in members])
    certain = (labels[:, :, None] == np.arange(len(classes))).astype(float)
    held_out = classes[majority_vote_proba(labels, certain, weights).argmax(axis=1)]
    labels = np.stack([np.searchsorted(classes, t.predicted) for t in members])
    proba = majority_vote_proba(labels, np.stack([t.proba for t in members]), weights)
    predicted = classes[proba.argmax(axis=1)]
    return Trial(MAJORITY_VOTE, "ensemble", predicted=predicted, proba=proba, classes=classes, held_out=held_out)


class MajorityVote(BaseEstimator):
    """Weighted majority vote of fitted models, with nearest-neighbour smoothing; the median for regression.

    Parameters
    ----------
    models : sequence of estimator
        Already fitted; ``predict`` takes target samples.
    weights : sequence of float
        Votes of each.
    names : sequence of str
        Name of each.
    smoothing : float, default=0.7
        Weight of the nearest target samples in a sample's class scores; 0 for no smoothing.
    n_neighbors : int, default=10
        Number of those.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classification only.
    smooths_ : bool
        Whether votes are smoothed.
    votes_ : ndarray of shape (n_target, n_classes)
        Smoothed votes of the target samples given to ``fit``; only where votes are smoothed.
    target_ : ndarray or csr_matrix of shape (n_target, n_features)
        Those samples, standardised and scaled to length one.
    mean_, scale_ : ndarray of shape (n_features,) or float
        What they were standardised by.

    See Also
    --------
    sklearn.ensemble.VotingClassifier : Fits its models itself, without weights for neighbours.

    Notes
    -----
    The vote of models that err in different ways is never worse than their average, and mostly better than the best
    of them that can be found without labels. Neighbouring target samples mostly have the same class, whatever the
    source model predicts. New samples are smoothed over the target samples given to ``fit``.

    Predicting costs the sum of the models and, for the neighbours, O(n_target) for each new sample. Votes are not
    smoothed beyond 20,000 target samples.

    References
    ----------
    .. [1] L. Kuncheva. Combining pattern classifiers. Wiley, 2nd edition, 2014.
    .. [2] D. Zhou, O. Bousquet, T. Lal, J. Weston, B. Schölkopf. Learning with local and global consistency. NIPS 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.guard import MajorityVote
    >>> X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    >>> MajorityVote([LogisticRegression().fit(X, y)], [1.0], ["source-only"]).fit(X).predict(X).tolist()
    [0, 1]
    """

    def __init__(
        self,
        models: Sequence[Any],
        weights: Sequence[float],
        names: Sequence[str],
        *,
        smoothing: float = SMOOTHING,
        n_neighbors: int = N_NEIGHBORS,
    ) -> None:
        self.models = models
        self.weights = weights
        self.names = names
        self.smoothing = smoothing
        self.n_neighbors = n_neighbors

    def fit(self, X: Any, y: Any = None) -> Self:
        """Collect the votes for the target samples and smooth them; the models are fitted already.

        Parameters
        ----------
        X : array-like of shape (n_target, n_features)
            Target samples.
        y : ignored

        Returns
        -------
        self
        """
        self.smooths_ = False
        if not hasattr(self.models[0], "classes_"):
            return self
        self.classes_ = np.asarray(self.models[0].classes_)
        dense = _without_names(X)
        if self.smoothing > 0 and self.n_neighbors < dense.shape[0] <= MAX_GRAPH_SAMPLES:
            votes = self._shares(X)
            self.mean_, self.scale_ = moments(dense)
            self.target_ = on_sphere(dense, self.mean_, self.scale_)
            self.votes_ = smooth_votes(votes, neighbour_graph(dense, self.n_neighbors), self.smoothing)
            self.smooths_ = True
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        if hasattr(self, "classes_"):
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        return np.asarray(np.median(np.stack([m.predict(X) for m in self.models]), axis=0))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the share of the votes that each class gets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        shares = self._shares(X)
        if not self.smooths_:
            return shares
        # a sample that fit was given keeps its smoothed votes; a new one is smoothed over its nearest neighbours
        Z = on_sphere(_without_names(X), self.mean_, self.scale_)
        neighbours = NearestNeighbors(n_neighbors=self.n_neighbors).fit(self.target_)
        distance, nearest = neighbours.kneighbors(Z)
        smoothed = self.smoothing * self.votes_[nearest].mean(axis=1) + (1 - self.smoothing) * shares
        seen = distance[:, 0] < 1e-9
        smoothed[seen] = self.votes_[nearest[seen, 0]]
        return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))

    def _shares(self, X: Any) -> NDArray[np.float64]:
        labels, proba = [], []
        for model in self.models:
            known = np.searchsorted(self.classes_, model.classes_)
            p = np.zeros((X.shape[0], len(self.classes_)))
            p[:, known] = probabilities(model, X)
            proba.append(p)
            labels.append(np.searchsorted(self.classes_, model.predict(X)))
        return majority_vote_proba(np.stack(labels), np.stack(proba), self.weights)


def _without_names(X: Any) -> Any:
    return X.to_numpy(dtype=float) if hasattr(X, "to_numpy") else X
