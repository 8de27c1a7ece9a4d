"""TrAdaBoost.R2 and its two-stage form: boosting for transfer in regression."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin, RegressorMixin
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferEstimator, TransferTags, fit_weighted
from landbridge.instance._boosting import (
    Rounds,
    all_rounds,
    labelled_target,
    later_half,
    seed_of,
    stack_samples,
    training_weights,
)
from landbridge.instance._tradaboost import SMALLEST_ERROR, source_decay

__all__ = ["TrAdaBoostR2", "TwoStageTrAdaBoostR2", "adjusted_errors", "decay_for_share", "weighted_median"]


def adjusted_errors(
    y: NDArray[np.float64], predicted: NDArray[np.float64], loss: str = "linear"
) -> NDArray[np.float64]:
    """Compute the adjusted errors of AdaBoost.R2, between zero and one.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        True values.
    predicted : ndarray of shape (n_samples,)
        Predicted values.
    loss : {"linear", "square", "exponential"}, default="linear"
        Loss of the relative errors.

    Returns
    -------
    errors : ndarray of shape (n_samples,)
        Loss of the absolute errors divided by the largest of them.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import adjusted_errors
    >>> adjusted_errors(np.array([0.0, 1.0, 4.0]), np.zeros(3)).tolist()
    [0.0, 0.25, 1.0]
    """
    errors = np.abs(y - predicted)
    largest = float(errors.max())
    # errors within rounding are zero
    if largest <= 1e-12 * max(float(np.abs(y).max()), np.finfo(float).tiny):
        return np.zeros(len(y))
    errors = errors / largest
    return errors if loss == "linear" else errors**2 if loss == "square" else 1.0 - np.exp(-errors)


def weighted_median(predictions: NDArray[np.float64], votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the weighted median of several predictions for each sample.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_models)
        Prediction of each model.
    votes : ndarray of shape (n_models,)
        Weights of the models. If all are zero, every model has the same weight.

    Returns
    -------
    median : ndarray of shape (n_samples,)
        Weighted median of each sample.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import weighted_median
    >>> weighted_median(np.array([[1.0, 5.0, 9.0]]), np.array([1.0, 1.0, 3.0])).tolist()
    [9.0]
    """
    votes = votes if votes.sum() > 0 else np.ones(len(votes))
    order = np.argsort(predictions, axis=1, kind="stable")
    reached = np.cumsum(votes[order], axis=1)
    # slightly below the half, so that rounding does not decide a tie
    middle = np.argmax(reached >= (0.5 - 1e-12) * reached[:, -1:], axis=1)
    every = np.arange(len(predictions))
    return predictions[every, order[every, middle]]


def decay_for_share(
    source: NDArray[np.float64], target_total: float, errors: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    r"""Decrease source weights by their errors until the target has a given share, step 4 of stage one of [1]_.

    .. math:: w_i \leftarrow w_i \beta^{e_i} \quad \text{with } \beta \in [0, 1] \text{ such that } \;
              \frac{W_T}{W_T + \sum_S w_i \beta^{e_i}} = \text{share}

    If no such :math:`\beta` exists (too many source samples without an error), all source weights are scaled.

    Parameters
    ----------
    source : ndarray of shape (n_source,)
        Weights of the source samples.
    target_total : float
        Total weight of the target samples.
    errors : ndarray of shape (n_source,)
        Adjusted errors.
    share : float
        Share of the target, in (0, 1].

    Returns
    -------
    weights : ndarray of shape (n_source,)
        New source weights, for unchanged target weights.

    References
    ----------
    .. [1] D. Pardoe, P. Stone. Boosting for regression transfer. ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import decay_for_share
    >>> decay_for_share(np.ones(2), 1.0, np.array([0.0, 1.0]), 0.4).round(6).tolist()
    [1.0, 0.5]
    """
    wanted = target_total * (1.0 - share) / share
    if source.sum() <= wanted:
        return source
    low, high = 0.0, 1.0
    for _ in range(100):
        beta = 0.5 * (low + high)
        low, high = (beta, high) if float(source @ beta**errors) < wanted else (low, beta)
    shrunk = source * np.maximum(high, np.finfo(float).tiny) ** errors
    total = float(shrunk.sum())
    return shrunk * (wanted / total) if total > wanted else shrunk


class TrAdaBoostR2(RegressorMixin, MetaEstimatorMixin, TransferEstimator):
    """TrAdaBoost.R2: boost a regressor on labelled target samples and decrease contradicting source weights.

    Parameters
    ----------
    estimator : regressor, default=None
        Weak learner, fitted in every round on source and labelled target samples; its ``fit`` takes
        ``sample_weight``. If None, a regression tree of depth three.
    n_estimators : int, default=50
        Maximum number of rounds N. The prediction is the weighted median of the second half of them.
    loss : {"linear", "square", "exponential"}, default="linear"
        Loss of the relative errors.
    random_state : int, RandomState instance or None, default=None
        Seeds the default learner.

    Attributes
    ----------
    estimators_ : list of regressors
        Learners of the rounds in use: those with an adjusted error below one half on the target.
    n_estimators_ : int
        Number of rounds in use.
    votes_ : ndarray of shape (n_estimators_,)
        ``log(1 / beta_t)`` of each round.
    errors_ : ndarray of shape (n_estimators_,)
        Weighted adjusted error of each round on the labelled target samples.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples after the last round, scaled to mean one over all samples.

    Warns
    -----
    EarlyStoppingWarning
        If the median of all rounds has a larger mean absolute error on the labelled target samples than the first
        round alone. The rounds after the last one at which it is not worse are then discarded.

    Notes
    -----
    Helps if part of the source follows the target's rule and some target samples are labelled. Source weights decrease
    even for small errors, so that a good source may be lost with many rounds; :class:`TwoStageTrAdaBoostR2` avoids
    that. A round whose error on the target is one half or more has no weight in the median and does not change the
    target weights, but source weights still decrease.

    Time and memory are those of N fits on n_s + n_t samples.

    References
    ----------
    .. [1] D. Pardoe, P. Stone. Boosting for regression transfer. ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import TrAdaBoostR2
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.uniform(size=(300, 1)), rng.uniform(size=(100, 1))
    >>> y, y_target = np.sin(6 * X[:, 0]) + 0.5 * (X[:, 0] > 0.7), np.sin(6 * X_target[:, 0])
    >>> partly = np.where(np.arange(100) < 40, y_target, np.nan)
    >>> model = TrAdaBoostR2(n_estimators=20, random_state=0).fit(X, y, X_target=X_target, y_target=partly)
    >>> bool(model.score(X_target[40:], y_target[40:]) > 0.9)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        growth="time and memory of n_estimators fits on n_s + n_t samples",
        reference="Pardoe, Stone: Boosting for regression transfer. ICML 2010",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"linear", "square", "exponential"})],
        "random_state": ["random_state"],
    }
    _accept_sparse = True

    def __init__(
        self, estimator: Any = None, *, n_estimators: int = 50, loss: str = "linear", random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.loss = loss
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Boost on source and labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source values.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source is used as the target, with its values.
        y_target : array-like of shape (n_target,), default=None
            Values of some target samples; NaN elsewhere.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        Xl, yl = labelled_target(read)
        n = len(read.ys)
        samples, values = stack_samples(read.Xs, Xl), np.concatenate([read.ys, yl]).astype(np.float64)
        learner = default_regressor(self.estimator, self.random_state)
        beta = source_decay(n, self.n_estimators)
        weights = np.full(len(values), 1.0 / len(values))
        rounds = Rounds()
        for _ in range(self.n_estimators):
            model = fit_weighted(learner, samples, values, training_weights(weights))
            predicted = np.asarray(model.predict(samples), dtype=np.float64)
            errors = adjusted_errors(values, predicted, self.loss)
            error = float(weights[n:] @ errors[n:]) / float(weights[n:].sum())
            vote = vote_of(error)
            rounds.add(model, vote, error, predicted[n:])
            if not errors.any():
                break
            weights[:n] *= beta ** errors[:n]
            weights[n:] *= np.exp(vote * errors[n:])
            weights /= weights.sum()
        rounds.stop_where_worse(lambda p, v: median_error(p, v, values[n:]), type(self).__name__)
        self.estimators_, self.n_estimators_ = rounds.models, len(rounds.models)
        self.votes_, self.errors_ = np.array(rounds.votes), np.array(rounds.errors)
        self.source_weights_ = weights[:n] * len(values)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict values by the weighted median of the later rounds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted values.
        """
        X = self._read_rows(X)
        late = later_half(self.n_estimators_)
        return weighted_median(predictions(self.estimators_[late], X), self.votes_[late])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_regressor(self.estimator, 0)).input_tags.sparse
        return tags


class TwoStageTrAdaBoostR2(RegressorMixin, MetaEstimatorMixin, TransferEstimator):
    """Two-stage TrAdaBoost.R2: move weight from source to target in steps and keep the step with the best CV error.

    Parameters
    ----------
    estimator : regressor, default=None
        Weak learner; its ``fit`` takes ``sample_weight``. If None, a regression tree of depth three.
    n_steps : int, default=10
        Number of steps S of the first stage, from equal sample weights to all weight on the target.
    n_estimators : int, default=10
        Maximum number of rounds of boosting within each step.
    cv : int, default=5
        Number of folds of the labelled target samples; the step with the least cross-validated error is kept.
    loss : {"linear", "square", "exponential"}, default="linear"
        Loss of the relative errors.
    selection : {"boosted", "single"}, default="boosted"
        What is cross-validated at each step: the boosted model, as in [1]_, or a single fit of the learner with the
        weights of the step, which takes a fraction of the time and often selects the same step.
    random_state : int, RandomState instance or None, default=None
        Draws the folds and seeds the default learner.

    Attributes
    ----------
    estimators_ : list of regressors
        Learners of the best step.
    n_estimators_ : int
        Number of rounds in use at the best step.
    votes_ : ndarray of shape (n_estimators_,)
        Weights of the learners in the median.
    cv_errors_ : ndarray of shape (n_steps,)
        Mean squared error of each step on held-out target samples.
    best_step_ : int
        Position of the best step.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples in the best step, scaled to mean one over all samples.

    Warns
    -----
    EarlyStoppingWarning
        If at the best step the median of all rounds has a larger mean absolute error on the labelled target samples
        than the first round alone. The rounds after the last one at which it is not worse are then discarded.

    Notes
    -----
    Helps if part of the source follows the target's rule; the weight of the source is selected by cross-validation,
    down to zero. Needs enough labelled target samples for folds.

    Time O(S (F + 1) N) fits for S steps, F folds and N rounds, O(S (F + N)) with ``selection="single"``. Samples of
    weight zero are excluded, so that the last step costs what the target alone costs.

    References
    ----------
    .. [1] D. Pardoe, P. Stone. Boosting for regression transfer. ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import TwoStageTrAdaBoostR2
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.uniform(size=(300, 1)), rng.uniform(size=(100, 1))
    >>> y, y_target = np.sin(6 * X[:, 0]) + 0.5 * (X[:, 0] > 0.7), np.sin(6 * X_target[:, 0])
    >>> partly = np.where(np.arange(100) < 40, y_target, np.nan)
    >>> model = TwoStageTrAdaBoostR2(n_steps=5, random_state=0).fit(X, y, X_target=X_target, y_target=partly)
    >>> bool(model.score(X_target[40:], y_target[40:]) > 0.9)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        growth="time of n_steps (cv + 1) n_estimators fits on n_s + n_t samples",
        reference="Pardoe, Stone: Boosting for regression transfer. ICML 2010",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "loss": [StrOptions({"linear", "square", "exponential"})],
        "selection": [StrOptions({"boosted", "single"})],
        "random_state": ["random_state"],
    }
    _accept_sparse = True

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_steps: int = 10,
        n_estimators: int = 10,
        cv: int = 5,
        loss: str = "linear",
        selection: str = "boosted",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_steps = n_steps
        self.n_estimators = n_estimators
        self.cv = cv
        self.loss = loss
        self.selection = selection
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Select the step with the least error on held-out target samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source values.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source is used as the target, with its values.
        y_target : array-like of shape (n_target,), default=None
            Values of some target samples; NaN elsewhere.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        Xl, yl = labelled_target(read)
        n, m = len(read.ys), len(yl)
        samples, values = stack_samples(read.Xs, Xl), np.concatenate([read.ys, yl]).astype(np.float64)
        rng = check_random_state(self.random_state)
        learner = default_regressor(self.estimator, rng.randint(2**31 - 1))
        folds = rng.permutation(np.arange(m) % min(self.cv, m))
        weights = np.full(n + m, 1.0 / (n + m))
        best, scores = np.inf, []
        for step in range(self.n_steps):
            rounds = self._boost(learner, samples, values, weights, n, self.n_estimators)
            first = rounds.models[0]
            scores.append(self._held_out(learner, samples, values, weights, n, folds) if self.n_steps > 1 else 0.0)
            if scores[-1] < best:
                best, self.best_step_ = scores[-1], step
                kept, self.source_weights_ = rounds, weights[:n] * (n + m)
            if step == self.n_steps - 1:
                break
            # the first round was fitted under exactly these weights
            errors = adjusted_errors(values, first.predict(samples), self.loss)
            share = m / (n + m) + (step + 1) / (self.n_steps - 1) * (1.0 - m / (n + m))
            weights = weights.copy()
            weights[:n] = decay_for_share(weights[:n], float(weights[n:].sum()), errors[:n], share)
            weights /= weights.sum()
        kept.stop_where_worse(lambda p, v: median_error(p, v, yl), type(self).__name__, all_rounds)
        self.estimators_, self.n_estimators_, self.votes_ = kept.models, len(kept.models), np.array(kept.votes)
        self.cv_errors_ = np.array(scores)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict values by the weighted median of the rounds of the best step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted values.
        """
        X = self._read_rows(X)
        return weighted_median(predictions(self.estimators_, X), self.votes_)

    def _boost(
        self, learner: Any, samples: Any, values: NDArray[np.float64], weights: NDArray[np.float64], n: int, rounds: int
    ) -> Rounds:
        """AdaBoost.R2 with constant weights of the first n samples."""
        targets = slice(n, None)
        heavy = weights > 0
        if not heavy.all():
            samples, values, weights, n = samples[heavy], values[heavy], weights[heavy], int(heavy[:n].sum())
            targets = slice(n, None)
        weights = weights / weights.sum()
        total = float(weights[targets].sum())
        found = Rounds()
        for _ in range(rounds):
            model = fit_weighted(learner, samples, values, training_weights(weights))
            predicted = np.asarray(model.predict(samples), dtype=np.float64)
            errors = adjusted_errors(values, predicted, self.loss)
            error = float(weights @ errors)
            vote = 1.0 if rounds == 1 else vote_of(error)
            if vote > 0 or not found.models:
                found.add(model, vote, error, predicted[targets])
            if vote <= 0 or not errors.any():
                break
            # AdaBoost.R2 multiplies by beta_t^(1 - e); scaling the target keeps the share of the source
            weights[targets] *= np.exp(-vote * (1.0 - errors[targets]))
            weights[targets] *= total / weights[targets].sum()
        return found

    def _held_out(
        self, learner: Any, samples: Any, values: Any, weights: NDArray[np.float64], n: int, folds: NDArray[np.intp]
    ) -> float:
        """Compute the mean squared error on held-out target samples; the source is in every fit."""
        rounds = 1 if self.selection == "single" else self.n_estimators
        if folds.max() == 0:
            found = self._boost(learner, samples, values, weights, n, rounds)
            predicted = weighted_median(predictions(found.models, samples[n:]), np.array(found.votes))
            return float(np.mean((predicted - values[n:]) ** 2))
        total = 0.0
        for fold in range(folds.max() + 1):
            kept = np.concatenate([np.arange(n), n + np.flatnonzero(folds != fold)])
            out = n + np.flatnonzero(folds == fold)
            found = self._boost(learner, samples[kept], values[kept], weights[kept], n, rounds)
            predicted = weighted_median(predictions(found.models, samples[out]), np.array(found.votes))
            total += float(np.sum((predicted - values[out]) ** 2))
        return total / len(folds)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_regressor(self.estimator, 0)).input_tags.sparse
        return tags


def default_regressor(estimator: Any, random_state: Any) -> Any:
    """Return the weak learner, a shallow regression tree if None.

    Parameters
    ----------
    estimator : regressor or None
        Base learner.
    random_state : int, RandomState instance or None
        Seeds the regression tree.

    Returns
    -------
    estimator : regressor
        Unfitted learner.
    """
    if estimator is not None:
        return estimator
    return DecisionTreeRegressor(max_depth=3, random_state=seed_of(random_state))


def vote_of(error: float) -> float:
    """Compute the weight of a round in the median, ``log((1 - error) / error)``.

    Parameters
    ----------
    error : float
        Weighted adjusted error.

    Returns
    -------
    vote : float
        Weight; zero if the error is one half or more.
    """
    bounded = min(max(error, SMALLEST_ERROR), 0.5)
    return float(np.log((1.0 - bounded) / bounded))


def median_error(predictions: NDArray[np.float64], votes: NDArray[np.float64], values: NDArray[Any]) -> float:
    """Compute the mean absolute error of a weighted median.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_models)
        Prediction of each model.
    votes : ndarray of shape (n_models,)
        Weights of the models.
    values : ndarray of shape (n_samples,)
        True values.

    Returns
    -------
    error : float
        Mean absolute error.
    """
    return float(np.mean(np.abs(weighted_median(predictions, votes) - values)))


def predictions(models: list[Any], X: Any) -> NDArray[np.float64]:
    """Compute the prediction of each model.

    Parameters
    ----------
    models : list of regressors
        Fitted regressors.
    X : array of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    predictions : ndarray of shape (n_samples, n_models)
        One prediction per sample and model.
    """
    return np.column_stack([np.asarray(model.predict(X), dtype=np.float64) for model in models])
