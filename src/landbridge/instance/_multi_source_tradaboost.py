"""Boosting for transfer from several source domains: MultiSourceTrAdaBoost and TaskTrAdaBoost."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags, fit_weighted
from landbridge.domain import missing_labels, unmasked
from landbridge.exceptions import InputError
from landbridge.instance._boosting import (
    Rounds,
    all_rounds,
    default_classifier,
    initial_weights,
    labelled_target,
    majority,
    stack_samples,
    training_weights,
    vote_error,
    vote_shares,
)
from landbridge.instance._tradaboost import source_decay, tradaboost_step

__all__ = ["MultiSourceTrAdaBoost", "TaskTrAdaBoost"]


class _SourceBoosting(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """Template of both methods: several source domains in `fit`, and the weighted majority vote of all rounds."""

    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True, "source_domain": True}
    _accept_sparse = True

    estimator: Any
    random_state: Any

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities: the share of each class in the weighted vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Share of each class in the vote.
        """
        X = self._read_rows(X)
        predictions = np.column_stack([model.predict(X) for model in self.estimators_])
        return vote_shares(predictions, self.votes_, self.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict classes by weighted majority vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted classes.
        """
        return majority(self.predict_proba(X), self.classes_)

    def _keep_rounds(self, rounds: Rounds, labels: NDArray[Any]) -> None:
        """Store the rounds whose vote is not worse on the labelled target samples than the first round alone."""
        name = type(self).__name__
        rounds.stop_where_worse(lambda p, v: vote_error(p, v, labels, self.classes_), name, all_rounds)
        self.estimators_ = [model for model, _ in rounds.models]
        self.chosen_ = [source for _, source in rounds.models]
        self.n_estimators_, self.votes_ = len(rounds.models), np.array(rounds.votes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_classifier(self.estimator)).input_tags.sparse
        return tags


class MultiSourceTrAdaBoost(_SourceBoosting):
    """MultiSourceTrAdaBoost: boost on labelled target samples, in each round with the source that fits them best.

    Parameters
    ----------
    estimator : classifier, default=None
        Weak learner, fitted in every round on each source joined with the labelled target samples; its ``fit`` takes
        ``sample_weight``. If None, a decision tree of depth
        ``ceil(log2(n_classes))``: a stump for two classes, as in AdaBoost.
    n_estimators : int, default=20
        Maximum number of rounds M.
    target_share : float or None, default=None
        Share of the total weight that the labelled target samples have in the first round. If None, every sample has
        the same weight: with more, every source fits the target, and the best of them cannot be identified.
    random_state : int, RandomState instance or None, default=None
        Seeds the default learner.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_domains_ : ndarray of shape (n_sources,)
        Names of the source domains.
    chosen_ : list
        Source domain of each round.
    estimators_ : list of classifiers
        Learner of each round in use.
    n_estimators_ : int
        Number of rounds in use.
    votes_ : ndarray of shape (n_estimators_,)
        Weights of the learners in the vote.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples after the last round, scaled to mean one over all samples.

    Warns
    -----
    EarlyStoppingWarning
        If the vote of all rounds is worse on the labelled target samples than the first round alone. The rounds
        after the last one at which the vote is not worse are then discarded.

    Notes
    -----
    Helps if several sources exist and it is unknown which of them fit the target: a bad one is not chosen. Without
    `source_domain` in ``fit`` there is one source.

    Time O(M S) fits for S sources, each on one source and the labelled target samples.

    References
    ----------
    .. [1] Y. Yao, G. Doretto. Boosting for transfer learning with multiple sources. CVPR 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import MultiSourceTrAdaBoost
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(400, 2)), rng.normal(size=(200, 2))
    >>> source = np.repeat(["good", "bad"], 200)
    >>> y = np.where(source == "good", X[:, 0] > 0, X[:, 0] < 0)
    >>> y_target = X_target[:, 0] > 0
    >>> partly = np.where(np.arange(200) < 20, y_target, None)
    >>> model = MultiSourceTrAdaBoost(n_estimators=5, random_state=0)
    >>> model = model.fit(X, y, X_target=X_target, y_target=partly, source_domain=source)
    >>> str(model.chosen_[0]), bool(model.score(X_target, y_target) > 0.9)
    ('good', True)
    """

    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "y_target", "source_domain"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        growth="time of n_estimators x n_sources fits, memory of one",
        reference="Yao, Doretto: Boosting for transfer learning with multiple sources. CVPR 2010",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "target_share": [Interval(Real, 0, 1, closed="neither"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 20,
        target_share: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.target_share = target_share
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Boost on all sources and the labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples of all source domains.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source is used as the target, with its labels.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; the marker of a missing label elsewhere.
        source_domain : array-like of shape (n_source,), default=None
            Source domain of each source sample. If None, there is one source domain.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        Xl, yl = labelled_target(read)
        self.classes_ = np.unique(read.ys)
        self.source_domains_, code = read_sources(source_domain, len(read.ys))
        n, total = len(read.ys), len(read.ys) + len(yl)
        beta = source_decay(n, self.n_estimators)
        source, target = initial_weights(n, len(yl), self.target_share)
        groups = [np.flatnonzero(code == k) for k in range(len(self.source_domains_))]
        joined = [(stack_samples(read.Xs[g], Xl), np.concatenate([read.ys[g], yl])) for g in groups]
        learner = default_classifier(self.estimator, self.random_state, len(self.classes_))
        rounds = Rounds()
        for _ in range(self.n_estimators):
            least = np.inf
            for k, (samples, labels) in enumerate(joined):
                weights = training_weights(np.concatenate([source[groups[k]], target]))
                candidate = fit_classifier(learner, samples, labels, weights)
                error = float(target @ (candidate.predict(Xl) != yl))
                if error < least:
                    least, model, which = error, candidate, k
            wrong_source, wrong_target = model.predict(read.Xs) != read.ys, model.predict(Xl) != yl
            step = tradaboost_step(source, target, wrong_source, wrong_target, beta, len(self.classes_))
            rounds.add((model, self.source_domains_[which]), step.vote, step.error, model.predict(Xl))
            if not wrong_source.any() and not wrong_target.any():
                break
            source, target = step.source, step.target
        self._keep_rounds(rounds, yl)
        self.source_weights_ = source * total
        return self


class TaskTrAdaBoost(_SourceBoosting):
    """TaskTrAdaBoost: fit weak classifiers on every source, then boost on the target by selecting among them.

    Parameters
    ----------
    estimator : classifier, default=None
        Weak learner; its ``fit`` takes ``sample_weight``. If None, a decision tree of depth
        ``ceil(log2(n_classes))``: a stump for two classes, as in AdaBoost.
    n_estimators : int, default=20
        Maximum number of rounds of AdaBoost on each source, and of selection on the target.
    threshold : float, default=0.0
        Weak classifiers with a larger weight in the AdaBoost of their source become candidates.
    random_state : int, RandomState instance or None, default=None
        Seeds the default learner.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_domains_ : ndarray of shape (n_sources,)
        Names of the source domains.
    chosen_ : list
        Source domain of the classifier of each round.
    estimators_ : list of classifiers
        Classifiers selected, one per round in use.
    n_estimators_ : int
        Number of rounds in use.
    votes_ : ndarray of shape (n_estimators_,)
        Weights of the classifiers in the vote.
    n_candidates_ : int
        Number of weak classifiers to select from.

    Warns
    -----
    EarlyStoppingWarning
        If the vote of all rounds is worse on the labelled target samples than the first round alone. The rounds
        after the last one at which the vote is not worse are then discarded.

    Notes
    -----
    Helps if each source follows a part of the target's rule and target labels are very few: on the target only the
    weights of the classifiers are learned, so it hardly overfits and is fast. Cannot learn what is in no source.

    Time O(M S) fits for S sources, plus M S predictions on the labelled target samples.

    References
    ----------
    .. [1] Y. Yao, G. Doretto. Boosting for transfer learning with multiple sources. CVPR 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import TaskTrAdaBoost
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(400, 2)), rng.normal(size=(200, 2))
    >>> source = np.repeat(["good", "bad"], 200)
    >>> y = np.where(source == "good", X[:, 0] > 0, X[:, 0] < 0)
    >>> y_target = X_target[:, 0] > 0
    >>> partly = np.where(np.arange(200) < 20, y_target, None)
    >>> model = TaskTrAdaBoost(n_estimators=5, random_state=0)
    >>> model = model.fit(X, y, X_target=X_target, y_target=partly, source_domain=source)
    >>> str(model.chosen_[0]), bool(model.score(X_target, y_target) > 0.9)
    ('good', True)
    """

    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "y_target", "source_domain"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept"}),
        growth="time of n_estimators x n_sources fits, memory of as many models",
        reference="Yao, Doretto: Boosting for transfer learning with multiple sources. CVPR 2010",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self, estimator: Any = None, *, n_estimators: int = 20, threshold: float = 0.0, random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.threshold = threshold
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Fit weak classifiers on every source, then select among them on the labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples of all source domains.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source is used as the target, with its labels.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; the marker of a missing label elsewhere.
        source_domain : array-like of shape (n_source,), default=None
            Source domain of each source sample. If None, there is one source domain.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        Xl, yl = labelled_target(read)
        self.classes_ = np.unique(read.ys)
        k = len(self.classes_)
        self.source_domains_, code = read_sources(source_domain, len(read.ys))
        learner = default_classifier(self.estimator, self.random_state, len(self.classes_))
        candidates: list[Any] = []
        origin: list[Any] = []
        for s, name in enumerate(self.source_domains_):
            own = np.flatnonzero(code == s)
            found = adaboost(learner, read.Xs[own], read.ys[own], k, self.n_estimators, self.threshold)
            candidates += found
            origin += [name] * len(found)
        self.n_candidates_ = len(candidates)
        predicted = [model.predict(Xl) for model in candidates]
        wrong = np.array([p != yl for p in predicted])
        target = np.full(len(yl), 1.0 / len(yl))
        left = np.ones(len(candidates), dtype=bool)
        rounds = Rounds()
        for _ in range(min(self.n_estimators, len(candidates))):
            errors = np.where(left, wrong @ target, np.inf)
            best = int(np.argmin(errors))
            if errors[best] >= 1.0 - 1.0 / k and rounds.models:
                break
            step = tradaboost_step(np.zeros(0), target, np.zeros(0, dtype=bool), wrong[best], 1.0, k)
            rounds.add((candidates[best], origin[best]), step.vote, step.error, predicted[best])
            left[best], target = False, step.target
            if not wrong[best].any():
                break
        self._keep_rounds(rounds, yl)
        return self


def adaboost(
    learner: Any, X: Any, y: NDArray[Any], n_classes: int, n_estimators: int, threshold: float = 0.0
) -> list[Any]:
    """Fit AdaBoost (SAMME) on one source, and return its classifiers whose weight is above the threshold.

    Parameters
    ----------
    learner : classifier
        Weak learner.
    X : array of shape (n_samples, n_features)
        Samples of the source.
    y : ndarray of shape (n_samples,)
        Labels.
    n_classes : int
        Number of classes over all sources.
    n_estimators : int
        Maximum number of rounds.
    threshold : float, default=0.0
        Classifiers with a larger weight are returned; the first one if there is none.

    Returns
    -------
    models : list of classifiers
        Fitted classifiers.
    """
    weights = np.full(len(y), 1.0 / len(y))
    models, kept = [], []
    for _ in range(n_estimators):
        model = fit_classifier(learner, X, y, training_weights(weights))
        wrong = model.predict(X) != y
        step = tradaboost_step(np.zeros(0), weights, np.zeros(0, dtype=bool), wrong, 1.0, n_classes)
        models.append(model)
        if step.vote > threshold:
            kept.append(model)
        # without an error the weights do not change; at chance boosting ends
        if not wrong.any() or step.vote <= 0.0:
            break
        weights = step.target
    return kept or models[:1]


class _OneClass:
    """Classifier of a source that has one class only."""

    def __init__(self, label: Any) -> None:
        self.label = label

    def predict(self, X: Any) -> NDArray[Any]:
        return np.repeat(np.asarray([self.label]), X.shape[0])


def fit_classifier(estimator: Any, X: Any, y: NDArray[Any], weights: NDArray[np.float64]) -> Any:
    """Fit the learner with sample weights, or a constant classifier if there is one class only.

    Parameters
    ----------
    estimator : classifier
        Base learner.
    X : array of shape (n_samples, n_features)
        Samples.
    y : ndarray of shape (n_samples,)
        Labels.
    weights : ndarray of shape (n_samples,)
        Sample weights.

    Returns
    -------
    classifier
        Fitted classifier.
    """
    if len(y) and (y == y[0]).all():
        return _OneClass(y[0])
    return fit_weighted(estimator, X, y, weights)


def read_sources(source_domain: Any, n: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Encode the source domains as integers.

    Parameters
    ----------
    source_domain : array-like of shape (n_source,) or None
        Source domain of each source sample. If None, there is one source domain.
    n : int
        Number of source samples.

    Returns
    -------
    names : ndarray of shape (n_sources,)
        Names of the source domains.
    codes : ndarray of int, shape (n_source,)
        Position of the source domain of each sample among the names.

    Raises
    ------
    InputError
        If it has another length than the source.
    """
    if source_domain is None:
        return np.array(["source"]), np.zeros(n, dtype=np.intp)
    missing = missing_labels(source_domain)
    given = np.asarray(unmasked(source_domain))
    if given.shape != (n,):
        raise InputError(f"source_domain has shape {given.shape} but X has {n} samples; give one entry per sample.")
    if missing.any():
        raise InputError(f"source_domain has {int(missing.sum())} missing entries; name the source of each sample.")
    names, codes = np.unique(given, return_inverse=True)
    return names, codes
