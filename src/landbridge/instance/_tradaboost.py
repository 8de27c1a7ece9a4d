"""TrAdaBoost: boost on a few labelled target samples while source samples that contradict them fade."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import Read, TransferEstimator, TransferTags, fit_weighted

__all__ = ["Step", "TrAdaBoost", "source_decay", "tradaboost_step"]

# A learner without any error on the target would have an infinite vote.
SMALLEST_ERROR = 1e-10


class Step(NamedTuple):
    """What one round of boosting makes of the weights.

    Parameters
    ----------
    source, target : ndarray
        Weights for the next round; together they sum to one.
    vote : float
        The learner's weight in the final vote, ``log(1 / beta_t)``; zero for a learner no better than chance.
    error : float
        Its weighted error on the labelled target samples.
    """

    source: NDArray[np.float64]
    target: NDArray[np.float64]
    vote: float
    error: float


def source_decay(n_source: int, n_rounds: int) -> float:
    r"""Factor by which the weight of a misjudged source sample shrinks, figure 1 of [1]_.

    .. math:: \beta = \frac{1}{1 + \sqrt{2 \ln n / N}}

    Parameters
    ----------
    n_source : int
        Source samples n.
    n_rounds : int
        Rounds N.

    Returns
    -------
    float

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Boosting for transfer learning. ICML 2007.

    Examples
    --------
    >>> from landbridge.instance import source_decay
    >>> round(source_decay(1000, 20), 3)
    0.546
    """
    return float(1.0 / (1.0 + np.sqrt(2.0 * np.log(max(n_source, 1)) / n_rounds)))


def tradaboost_step(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    wrong_source: NDArray[np.bool_],
    wrong_target: NDArray[np.bool_],
    beta: float,
    n_classes: int = 2,
) -> Step:
    r"""Change the weights after one round, figure 1 of [1]_; for more than two classes as in SAMME [2]_.

    .. math:: \epsilon_t = \frac{\sum_{T} w_i [h_t(x_i) \ne y_i]}{\sum_{T} w_i}, \qquad
              \beta_t = \frac{\epsilon_t}{(1 - \epsilon_t)(K - 1)}

    Misjudged source weights are multiplied by :math:`\beta`, misjudged target weights divided by :math:`\beta_t`. An
    error at or above chance counts as chance: the target weights then stay and the learner has no vote, while
    contradicting source samples go on fading.

    Parameters
    ----------
    source : ndarray of shape (n_source,)
        Weights of the source samples.
    target : ndarray of shape (n_labelled,)
        Weights of the labelled target samples.
    wrong_source, wrong_target : ndarray of bool
        Which rows the learner got wrong.
    beta : float
        From :func:`source_decay`.
    n_classes : int, default=2
        Classes K.

    Returns
    -------
    Step

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Boosting for transfer learning. ICML 2007.
    .. [2] J. Zhu, H. Zou, S. Rosset, T. Hastie. Multi-class AdaBoost. Statistics and Its Interface 2, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import tradaboost_step
    >>> step = tradaboost_step(np.ones(2), np.ones(4), np.array([True, False]), np.arange(4) == 0, 0.5)
    >>> step.error, round(float(step.target[0] / step.target[1]), 6), float(step.source[0] / step.source[1])
    (0.25, 3.0, 0.5)
    """
    error = float(target @ wrong_target) / max(float(target.sum()), np.finfo(float).tiny)
    bounded = min(max(error, SMALLEST_ERROR), 1.0 - 1.0 / n_classes)
    vote = float(np.log((1.0 - bounded) * (n_classes - 1) / bounded)) if n_classes > 1 else 1.0
    vote = max(vote, 0.0)
    source = np.where(wrong_source, source * beta, source)
    target = np.where(wrong_target, target * np.exp(vote), target)
    total = source.sum() + target.sum()
    return Step(source / total, target / total, vote, error)


class TrAdaBoost(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """Boost on a few labelled target samples while source samples that contradict them fade away.

    Parameters
    ----------
    estimator : classifier, default=None
        Fitted in every round on source and labelled target samples; anything that takes ``sample_weight``. Logistic
        regression if left out.
    n_estimators : int, default=50
        Rounds N. The vote is held among the second half of them.
    target_share : float or None, default=0.5
        Share of the whole weight that the labelled target samples begin with (the paper leaves the first weights to the
        user). None gives every row the same weight: a few labelled samples then hardly count, and a learner that gets
        all of them right at once never moves on.
    balance_classes : bool, default=False
        Give every class the same total weight before each fit, as the paper's experiments do.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    estimators_ : list of classifiers
        One for each round whose learner was better than chance on the target.
    votes_ : ndarray of shape (n_rounds,)
        ``log(1 / beta_t)`` of each; the final vote counts those from the ``ceil(n_rounds / 2)``-th on.
    errors_ : ndarray of shape (n_rounds,)
        Weighted error of each on the labelled target samples.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples after the last round, scaled to mean one over all samples.

    Notes
    -----
    Helps when the labelling rule differs in part of the source and some target samples are labelled. With enough of them
    to learn the target alone it gains little: compare with a learner on those rows only. Stops before N rounds once
    no row is misjudged, since nothing changes from there on. Every row stays in every fit, so no class is ever lost.

    Time and memory are those of N fits on n_s + n_t rows.

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Boosting for transfer learning. ICML 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import TrAdaBoost
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(400, 2)), rng.normal(size=(200, 2))
    >>> y, y_target = X[:, 0] > 0, X_target.sum(axis=1) > 0
    >>> partly = np.where(np.arange(200) < 60, y_target, None)
    >>> model = TrAdaBoost().fit(X, y, X_target=X_target, y_target=partly)
    >>> bool(model.score(X_target[60:], y_target[60:]) > 0.9)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        growth="time and memory of n_estimators fits on n_s + n_t rows",
        reference="Dai, Yang, Xue, Yu: Boosting for transfer learning. ICML 2007",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "target_share": [Interval(Real, 0, 1, closed="neither"), None],
        "balance_classes": ["boolean"],
    }
    _accept_sparse = True

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        target_share: float | None = 0.5,
        balance_classes: bool = False,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.target_share = target_share
        self.balance_classes = balance_classes

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Boost on source and labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source is used as the target, with its labels.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; the marker of a missing label elsewhere.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        Xl, yl = labelled_target(read)
        self.classes_ = np.unique(read.ys)
        n, k = len(read.ys), len(self.classes_)
        rows, labels = stack_rows(read.Xs, Xl), np.concatenate([read.ys, yl])
        beta = source_decay(n, self.n_estimators)
        source, target = first_weights(n, len(yl), self.target_share)
        self.estimators_: list[Any] = []
        votes: list[float] = []
        errors: list[float] = []
        for _ in range(self.n_estimators):
            weights = training_weights(np.concatenate([source, target]))
            if self.balance_classes:
                weights = balanced(weights, labels, self.classes_)
            model = fit_weighted(default_classifier(self.estimator), rows, labels, weights)
            wrong = model.predict(rows) != labels
            step = tradaboost_step(source, target, wrong[:n], wrong[n:], beta, k)
            # at chance a learner has no vote: it only lets contradicting source samples fade
            if step.vote > 0 or not self.estimators_:
                if votes and votes[0] == 0.0:
                    self.estimators_, votes, errors = [], [], []
                self.estimators_.append(model)
                votes.append(step.vote)
                errors.append(step.error)
            if not wrong.any():
                break
            source, target = step.source, step.target
        self.votes_, self.errors_ = np.array(votes), np.array(errors)
        self.source_weights_ = source * len(labels)
        return self

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
        # rounds ceil(N/2) to N, counted from one
        first = (len(self.estimators_) + 1) // 2 - 1
        return vote_shares(self.estimators_[first:], self.votes_[first:], X, self.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict by the vote of the later rounds.

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


def default_classifier(estimator: Any) -> Any:
    """Give logistic regression where no learner was chosen.

    Parameters
    ----------
    estimator : classifier or None

    Returns
    -------
    classifier
    """
    return LogisticRegression(max_iter=1000) if estimator is None else estimator


def labelled_target(read: Read) -> tuple[Any, NDArray[Any]]:
    """Take the labelled target samples; without a target, the source with its labels.

    Parameters
    ----------
    read : Read

    Returns
    -------
    X : array of shape (n_labelled, n_features)
    y : ndarray of shape (n_labelled,)
    """
    return (read.Xt[read.rows], read.yt) if len(read.rows) else (read.Xs, read.ys)


def first_weights(
    n_source: int, n_labelled: int, target_share: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights before the first round, which sum to one.

    Parameters
    ----------
    n_source, n_labelled : int
    target_share : float or None
        None gives every row the same weight.

    Returns
    -------
    source : ndarray of shape (n_source,)
    target : ndarray of shape (n_labelled,)
    """
    share = n_labelled / (n_source + n_labelled) if target_share is None else target_share
    return np.full(n_source, (1.0 - share) / n_source), np.full(n_labelled, share / n_labelled)


def stack_rows(A: Any, B: Any) -> Any:
    """Put rows under rows.

    Parameters
    ----------
    A, B : ndarray or sparse matrix

    Returns
    -------
    ndarray or csr_matrix
    """
    return sparse.vstack([A, B], format="csr") if sparse.issparse(A) else np.concatenate([A, B])


def training_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale weights to mean one, the scale on which learners' penalties are set, and let none of them vanish.

    Parameters
    ----------
    weights : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
    """
    scaled = weights * (len(weights) / weights.sum())
    return np.maximum(scaled, 1e-12)


def balanced(weights: NDArray[np.float64], labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Scale weights so that every class has the same total.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    labels : ndarray of shape (n,)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n,)
    """
    codes = np.searchsorted(classes, labels)
    totals = np.bincount(codes, weights=weights, minlength=len(classes))
    return weights * (weights.sum() / len(classes) / totals)[codes]


def vote_shares(models: list[Any], votes: NDArray[np.float64], X: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Count weighted votes.

    Parameters
    ----------
    models : list of classifiers
    votes : ndarray of shape (n_models,)
        If all are zero, every model counts the same.
    X : array of shape (n, n_features)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n, n_classes)
        Rows sum to one.
    """
    votes = votes if votes.sum() > 0 else np.ones(len(votes))
    out = np.zeros((X.shape[0], len(classes)))
    every = np.arange(X.shape[0])
    for model, vote in zip(models, votes / votes.sum(), strict=True):
        if vote > 0:
            out[every, np.searchsorted(classes, model.predict(X))] += vote
    return out


def winners(shares: NDArray[np.float64], classes: NDArray[Any]) -> NDArray[Any]:
    """Class with most votes; of equals the last one, as the paper's "at least half" has it.

    Parameters
    ----------
    shares : ndarray of shape (n, n_classes)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n,)
    """
    most = shares.max(axis=1, keepdims=True)
    return classes[shares.shape[1] - 1 - np.argmax((shares >= most - 1e-12)[:, ::-1], axis=1)]
