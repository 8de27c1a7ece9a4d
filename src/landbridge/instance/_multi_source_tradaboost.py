"""Boosting from several sources: MultiSourceTrAdaBoost and TaskTrAdaBoost."""

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
from landbridge.exceptions import InputError
from landbridge.instance._tradaboost import (
    default_classifier,
    first_weights,
    labelled_target,
    source_decay,
    stack_rows,
    tradaboost_step,
    training_weights,
    vote_shares,
    winners,
)

__all__ = ["MultiSourceTrAdaBoost", "TaskTrAdaBoost"]


class _SourceBoosting(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """What both share: several sources in `fit`, and a vote of all rounds."""

    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True, "source_domain": True}
    _accept_sparse = True

    estimator: Any

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Share of the vote that each class gets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return vote_shares(self.estimators_, self.votes_, X, self.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict by the vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return winners(self.predict_proba(X), self.classes_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_classifier(self.estimator)).input_tags.sparse
        return tags


class MultiSourceTrAdaBoost(_SourceBoosting):
    """Boost on labelled target samples, in each round with the one source that serves the target best.

    Parameters
    ----------
    estimator : classifier, default=None
        Fitted in every round on each source joined with the labelled target samples; anything that takes
        ``sample_weight``. Logistic regression if left out.
    n_estimators : int, default=20
        Rounds M.
    target_share : float, optional
        Share of the whole weight that the labelled target samples begin with. Left out, every row weighs the same: with
        more, every source fits the target and there is nothing to choose the best of them by.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    source_domains_ : ndarray of shape (n_sources,)
        Names of the sources.
    chosen_ : list
        Which source served each round.
    estimators_ : list of classifiers
        One a round.
    votes_ : ndarray of shape (n_rounds,)
        Their weights in the vote.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples after the last round, scaled to mean one over all samples.

    Notes
    -----
    Helps when several sources exist and it is unknown which of them fit the target: a bad one is simply not chosen.
    Without `source_domain` in ``fit`` there is one source.

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
    >>> model = MultiSourceTrAdaBoost(n_estimators=5)
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
    }

    def __init__(self, estimator: Any = None, *, n_estimators: int = 20, target_share: float | None = None) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.target_share = target_share

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
        source, target = first_weights(n, len(yl), self.target_share)
        groups = [np.flatnonzero(code == k) for k in range(len(self.source_domains_))]
        joined = [(stack_rows(read.Xs[g], Xl), np.concatenate([read.ys[g], yl])) for g in groups]
        self.estimators_: list[Any] = []
        self.chosen_: list[Any] = []
        votes: list[float] = []
        for _ in range(self.n_estimators):
            least = np.inf
            for k, (rows, labels) in enumerate(joined):
                weights = training_weights(np.concatenate([source[groups[k]], target]))
                # a source may lack classes, even together with the target; one class is no learning task
                candidate = learn(self.estimator, rows, labels, weights)
                error = float(target @ (candidate.predict(Xl) != yl))
                if error < least:
                    least, model, which = error, candidate, k
            wrong_source, wrong_target = model.predict(read.Xs) != read.ys, model.predict(Xl) != yl
            step = tradaboost_step(source, target, wrong_source, wrong_target, beta, len(self.classes_))
            self.estimators_.append(model)
            self.chosen_.append(self.source_domains_[which])
            votes.append(step.vote)
            if not wrong_source.any() and not wrong_target.any():
                break
            source, target = step.source, step.target
        self.votes_ = np.array(votes)
        self.source_weights_ = source * total
        return self


class TaskTrAdaBoost(_SourceBoosting):
    """Learn weak classifiers on every source, then boost on the target by choosing among them.

    Parameters
    ----------
    estimator : classifier, default=None
        Weak learner; anything that takes ``sample_weight``. Logistic regression if left out.
    n_estimators : int, default=20
        Rounds of AdaBoost on each source, and of choosing on the target.
    threshold : float, default=0.0
        Only weak classifiers with a weight above it in their source's AdaBoost become candidates.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    source_domains_ : ndarray of shape (n_sources,)
        Names of the sources.
    chosen_ : list
        From which source each round's classifier came.
    estimators_ : list of classifiers
        Those chosen.
    votes_ : ndarray of shape (n_rounds,)
        Their weights in the vote.
    n_candidates_ : int
        Weak classifiers there were to choose from.

    Notes
    -----
    Helps when the sources hold parts of the answer and target labels are very few: on the target nothing is learned
    but which parts to trust, so it hardly overfits and is quick. Cannot learn what no source knows.

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
    >>> model = TaskTrAdaBoost(n_estimators=5)
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
    }

    def __init__(self, estimator: Any = None, *, n_estimators: int = 20, threshold: float = 0.0) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.threshold = threshold

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Learn on every source, then choose on the labelled target samples.

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
        candidates: list[Any] = []
        origin: list[Any] = []
        for s, name in enumerate(self.source_domains_):
            own = np.flatnonzero(code == s)
            found = self._adaboost(read.Xs[own], read.ys[own], k)
            candidates += found
            origin += [name] * len(found)
        self.n_candidates_ = len(candidates)
        wrong = np.array([model.predict(Xl) != yl for model in candidates])
        target = np.full(len(yl), 1.0 / len(yl))
        left = np.ones(len(candidates), dtype=bool)
        self.estimators_: list[Any] = []
        self.chosen_: list[Any] = []
        votes: list[float] = []
        for _ in range(min(self.n_estimators, len(candidates))):
            errors = np.where(left, wrong @ target, np.inf)
            best = int(np.argmin(errors))
            if errors[best] >= 1.0 - 1.0 / k and self.estimators_:
                break
            step = tradaboost_step(np.zeros(0), target, np.zeros(0, dtype=bool), wrong[best], 1.0, k)
            self.estimators_.append(candidates[best])
            self.chosen_.append(origin[best])
            votes.append(step.vote)
            left[best], target = False, step.target
            if not wrong[best].any():
                break
        self.votes_ = np.array(votes)
        return self

    def _adaboost(self, X: Any, y: Any, n_classes: int) -> list[Any]:
        """AdaBoost (SAMME) on one source; its classifiers whose weight is above the threshold, or the first."""
        weights = np.full(len(y), 1.0 / len(y))
        models, kept = [], []
        for _ in range(self.n_estimators):
            model = learn(self.estimator, X, y, training_weights(weights))
            wrong = model.predict(X) != y
            step = tradaboost_step(np.zeros(0), weights, np.zeros(0, dtype=bool), wrong, 1.0, n_classes)
            models.append(model)
            if step.vote > self.threshold:
                kept.append(model)
            # without an error nothing changes, at chance nothing more is to be learned
            if not wrong.any() or step.vote <= 0.0:
                break
            weights = step.target
        return kept or models[:1]


class _OneClass:
    """What can be learned from rows of one class."""

    def __init__(self, label: Any) -> None:
        self.label = label

    def predict(self, X: Any) -> NDArray[Any]:
        return np.repeat(np.asarray([self.label]), X.shape[0])


def learn(estimator: Any, X: Any, y: NDArray[Any], weights: NDArray[np.float64]) -> Any:
    """Fit the learner, or remember the class if there is only one in a source.

    Parameters
    ----------
    estimator : classifier or None
    X : array of shape (n, n_features)
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,)

    Returns
    -------
    classifier
    """
    if len(y) and (y == y[0]).all():
        return _OneClass(y[0])
    return fit_weighted(default_classifier(estimator), X, y, weights)


def read_sources(source_domain: Any, n: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Number the sources.

    Parameters
    ----------
    source_domain : array-like of shape (n,) or None
    n : int
        Source samples.

    Returns
    -------
    names : ndarray of shape (n_sources,)
    codes : ndarray of int, shape (n,)

    Raises
    ------
    InputError
        If it has another length than the source.
    """
    if source_domain is None:
        return np.array(["source"]), np.zeros(n, dtype=np.intp)
    given = np.asarray(source_domain)
    if given.shape != (n,):
        raise InputError(f"source_domain has shape {given.shape} but X has {n} rows; give one entry a row.")
    names, codes = np.unique(given, return_inverse=True)
    return names, codes
