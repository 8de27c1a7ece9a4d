"""TrAdaBoost: boost on labelled target samples and decrease the weights of source samples that contradict them."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags, fit_weighted
from landbridge.instance._boosting import (
    Rounds,
    balanced,
    default_classifier,
    initial_weights,
    labelled_target,
    later_half,
    majority,
    stack_samples,
    training_weights,
    vote_error,
    vote_shares,
)

__all__ = ["BoostingStep", "TrAdaBoost", "source_decay", "tradaboost_step"]

# A learner without an error on the target would have an infinite weight in the vote.
SMALLEST_ERROR = 1e-10


class BoostingStep(NamedTuple):
    """Sample weights after one round of boosting, and the weight of its learner in the vote.

    Parameters
    ----------
    source : ndarray of shape (n_source,)
        Weights of the source samples in the next round; source and target weights sum to one.
    target : ndarray of shape (n_labelled,)
        Weights of the labelled target samples in the next round.
    vote : float
        Weight of the learner in the final vote, ``log(1 / beta_t)``; zero for a learner no better than chance.
    error : float
        Weighted error of the learner on the labelled target samples.
    """

    source: NDArray[np.float64]
    target: NDArray[np.float64]
    vote: float
    error: float


def source_decay(n_source: int, n_rounds: int) -> float:
    r"""Compute the factor that decreases the weight of a misclassified source sample, figure 1 of [1]_.

    .. math:: \beta = \frac{1}{1 + \sqrt{2 \ln n / N}}

    Parameters
    ----------
    n_source : int
        Number of source samples, n.
    n_rounds : int
        Number of rounds, N.

    Returns
    -------
    beta : float
        Factor between zero and one.

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
) -> BoostingStep:
    r"""Update the sample weights after one round, figure 1 of [1]_; for more than two classes as in SAMME [2]_.

    .. math:: \epsilon_t = \frac{\sum_{T} w_i [h_t(x_i) \ne y_i]}{\sum_{T} w_i}, \qquad
              \beta_t = \frac{\epsilon_t}{(1 - \epsilon_t)(K - 1)}

    Weights of misclassified source samples are multiplied by :math:`\beta`, those of misclassified target samples
    divided by :math:`\beta_t`. An error at or above chance counts as chance: the target weights then do not change and
    the learner has no weight in the vote, while the weights of contradicting source samples still decrease.

    Parameters
    ----------
    source : ndarray of shape (n_source,)
        Weights of the source samples.
    target : ndarray of shape (n_labelled,)
        Weights of the labelled target samples.
    wrong_source : ndarray of bool, shape (n_source,)
        Source samples that the learner misclassifies.
    wrong_target : ndarray of bool, shape (n_labelled,)
        Labelled target samples that the learner misclassifies.
    beta : float
        From :func:`source_decay`.
    n_classes : int, default=2
        Number of classes, K.

    Returns
    -------
    step : BoostingStep
        New weights, weight in the vote, and error.

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
    return BoostingStep(source / total, target / total, vote, error)


class TrAdaBoost(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """TrAdaBoost: boost on labelled target samples and decrease the weights of contradicting source samples.

    Parameters
    ----------
    estimator : classifier, default=None
        Weak learner, fitted in every round on source and labelled target samples; its ``fit`` takes
        ``sample_weight``. If None, a decision tree of depth
        ``ceil(log2(n_classes))``: a stump for two classes, as in AdaBoost.
    n_estimators : int, default=50
        Maximum number of rounds N. The second half of them votes.
    target_share : float or None, default=0.5
        Share of the total weight that the labelled target samples have in the first round (the paper leaves the first
        weights to the user). If None, every sample has the same weight: a few labelled samples then hardly count, and
        a learner that classifies all of them correctly is never boosted.
    balance_classes : bool, default=False
        Whether to give every class the same total weight before each fit, as the experiments of the paper do.
    random_state : int, RandomState instance or None, default=None
        Seeds the default learner.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    estimators_ : list of classifiers
        Learners of the rounds in use: those better than chance on the target.
    n_estimators_ : int
        Number of rounds in use.
    votes_ : ndarray of shape (n_estimators_,)
        ``log(1 / beta_t)`` of each round; the vote counts those from the ``ceil(n_estimators_ / 2)``-th on.
    errors_ : ndarray of shape (n_estimators_,)
        Weighted error of each round on the labelled target samples.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples after the last fitted round, scaled to mean one over all samples.

    Warns
    -----
    EarlyStoppingWarning
        If the vote of all rounds is worse on the labelled target samples than the first round alone. The rounds
        after the last one at which the vote is not worse are then discarded.

    Notes
    -----
    Helps if the labelling rule differs in part of the source and some target samples are labelled. With enough of them
    to learn the target alone it gains little: compare with a learner on those samples only. Needs a weak learner: one
    without an error on the labelled target samples in the first round has nothing to boost. Stops before N rounds
    if no sample is misclassified. Every sample is in every fit, so no class is lost.

    Time and memory are those of N fits on n_s + n_t samples.

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
    >>> model = TrAdaBoost(random_state=0).fit(X, y, X_target=X_target, y_target=partly)
    >>> bool(model.score(X_target[60:], y_target[60:]) > 0.8)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        growth="time and memory of n_estimators fits on n_s + n_t samples",
        reference="Dai, Yang, Xue, Yu: Boosting for transfer learning. ICML 2007",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "target_share": [Interval(Real, 0, 1, closed="neither"), None],
        "balance_classes": ["boolean"],
        "random_state": ["random_state"],
    }
    _accept_sparse = True

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        target_share: float | None = 0.5,
        balance_classes: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.target_share = target_share
        self.balance_classes = balance_classes
        self.random_state = random_state

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
            Labels of some target samples, the marker of a missing label elsewhere.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        Xl, yl = labelled_target(read)
        self.classes_ = np.unique(read.ys)
        n, k = len(read.ys), len(self.classes_)
        samples, labels = stack_samples(read.Xs, Xl), np.concatenate([read.ys, yl])
        learner = default_classifier(self.estimator, self.random_state, k)
        beta = source_decay(n, self.n_estimators)
        source, target = initial_weights(n, len(yl), self.target_share)
        rounds = Rounds()
        for _ in range(self.n_estimators):
            weights = training_weights(np.concatenate([source, target]))
            if self.balance_classes:
                weights = balanced(weights, labels, self.classes_)
            model = fit_weighted(learner, samples, labels, weights)
            predicted = model.predict(samples)
            wrong = predicted != labels
            step = tradaboost_step(source, target, wrong[:n], wrong[n:], beta, k)
            rounds.add(model, step.vote, step.error, predicted[n:])
            if not wrong.any():
                break
            source, target = step.source, step.target
        rounds.stop_where_worse(
            lambda predictions, votes: vote_error(predictions, votes, yl, self.classes_), type(self).__name__
        )
        self.estimators_, self.n_estimators_ = rounds.models, len(rounds.models)
        self.votes_, self.errors_ = np.array(rounds.votes), np.array(rounds.errors)
        self.source_weights_ = source * len(labels)
        return self

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
        late = later_half(self.n_estimators_)
        predictions = np.column_stack([model.predict(X) for model in self.estimators_[late]])
        return vote_shares(predictions, self.votes_[late], self.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict classes by the weighted majority vote of the later rounds.

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_classifier(self.estimator)).input_tags.sparse
        return tags
