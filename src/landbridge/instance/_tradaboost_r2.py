"""TrAdaBoost.R2 and its two-stage form: boosting for transfer in regression."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin, RegressorMixin
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_random_state, get_tags

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferEstimator, TransferTags, fit_weighted
from landbridge.instance._tradaboost import SMALLEST_ERROR, labelled_target, source_decay, stack_rows, training_weights

__all__ = ["TrAdaBoostR2", "TwoStageTrAdaBoostR2", "adjusted_errors", "decay_for_share", "weighted_median"]


def adjusted_errors(
    y: NDArray[np.float64], predicted: NDArray[np.float64], loss: str = "linear"
) -> NDArray[np.float64]:
    """Errors between zero and one, as AdaBoost.R2 has them.

    Parameters
    ----------
    y : ndarray of shape (n,)
    predicted : ndarray of shape (n,)
    loss : {"linear", "square", "exponential"}, default="linear"

    Returns
    -------
    ndarray of shape (n,)
        Absolute errors over the largest of them, then bent by the loss.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import adjusted_errors
    >>> adjusted_errors(np.array([0.0, 1.0, 4.0]), np.zeros(3)).tolist()
    [0.0, 0.25, 1.0]
    """
    errors = np.abs(y - predicted)
    largest = float(errors.max())
    # below rounding there is nothing left to learn
    if largest <= 1e-12 * max(float(np.abs(y).max()), np.finfo(float).tiny):
        return np.zeros(len(y))
    errors = errors / largest
    return errors if loss == "linear" else errors**2 if loss == "square" else 1.0 - np.exp(-errors)


def weighted_median(predictions: NDArray[np.float64], votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted median over models, row by row.

    Parameters
    ----------
    predictions : ndarray of shape (n, n_models)
    votes : ndarray of shape (n_models,)

    Returns
    -------
    ndarray of shape (n,)

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
    # a hair below the half, so that rounding does not move a tie
    middle = np.argmax(reached >= (0.5 - 1e-12) * reached[:, -1:], axis=1)
    every = np.arange(len(predictions))
    return predictions[every, order[every, middle]]


def decay_for_share(
    source: NDArray[np.float64], target_total: float, errors: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    r"""Shrink source weights by their errors until the target holds a given share, step 4 of stage one of [1]_.

    .. math:: w_i \leftarrow w_i \beta^{e_i} \quad \text{with } \beta \in [0, 1] \text{ such that } \;
              \frac{W_T}{W_T + \sum_S w_i \beta^{e_i}} = \text{share}

    Where no such :math:`\beta` exists (too many source samples without error) the source as a whole makes up the rest.

    Parameters
    ----------
    source : ndarray of shape (n_source,)
        Weights.
    target_total : float
        Weight of the target.
    errors : ndarray of shape (n_source,)
        Adjusted errors.
    share : float
        Wanted, in (0, 1].

    Returns
    -------
    ndarray of shape (n_source,)
        New source weights, for an unchanged target.

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
    """Boost a regressor on a few labelled target samples while source samples that contradict them fade.

    Parameters
    ----------
    estimator : regressor, default=None
        Fitted in every round; anything that takes ``sample_weight``. A regression tree of depth three if left out.
    n_estimators : int, default=50
        Rounds N. The median is taken among the second half of them.
    loss : {"linear", "square", "exponential"}, default="linear"
        How errors are adjusted.
    random_state : int, RandomState instance or None, default=None
        Seed of the tree that is the default learner.

    Attributes
    ----------
    estimators_ : list of regressors
        One a round.
    votes_ : ndarray of shape (n_rounds,)
        ``log(1 / beta_t)`` of each.
    errors_ : ndarray of shape (n_rounds,)
        Weighted adjusted error of each on the labelled target samples.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples after the last round, scaled to mean one over all samples.

    Notes
    -----
    Helps when part of the source follows the target's rule and some target samples are labelled. Source weights shrink
    even for small errors, so that a good source may be lost with many rounds; :class:`TwoStageTrAdaBoostR2` mends
    that. Stops once the error on the target reaches one half.

    Time and memory are those of N fits on n_s + n_t rows.

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
        growth="time and memory of n_estimators fits on n_s + n_t rows",
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
        rows, values = stack_rows(read.Xs, Xl), np.concatenate([read.ys, yl]).astype(np.float64)
        learner = default_regressor(self.estimator, self.random_state)
        beta = source_decay(n, self.n_estimators)
        weights = np.full(len(values), 1.0 / len(values))
        self.estimators_: list[Any] = []
        votes: list[float] = []
        found: list[float] = []
        for _ in range(self.n_estimators):
            model = fit_weighted(learner, rows, values, training_weights(weights))
            errors = adjusted_errors(values, model.predict(rows), self.loss)
            error = float(weights[n:] @ errors[n:]) / float(weights[n:].sum())
            if error >= 0.5 and self.estimators_:
                break
            bounded = min(max(error, SMALLEST_ERROR), 0.5)
            self.estimators_.append(model)
            votes.append(float(np.log((1.0 - bounded) / bounded)))
            found.append(error)
            if error >= 0.5 or not errors.any():
                break
            weights[:n] *= beta ** errors[:n]
            weights[n:] *= np.exp(votes[-1] * errors[n:])
            weights /= weights.sum()
        self.votes_, self.errors_ = np.array(votes), np.array(found)
        self.source_weights_ = weights[:n] * len(values)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict by the weighted median of the later rounds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._read_rows(X)
        first = (len(self.estimators_) + 1) // 2 - 1
        return weighted_median(predictions(self.estimators_[first:], X), self.votes_[first:])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_regressor(self.estimator, 0)).input_tags.sparse
        return tags


class TwoStageTrAdaBoostR2(RegressorMixin, MetaEstimatorMixin, TransferEstimator):
    """Shift weight from source to target step by step, boost on the target at each, and keep the best step.

    Parameters
    ----------
    estimator : regressor, default=None
        Base learner; anything that takes ``sample_weight``. A regression tree of depth three if left out.
    n_steps : int, default=10
        Steps S of the first stage, from the rows' natural share to all weight on the target.
    n_estimators : int, default=10
        Rounds of boosting within each step.
    cv : int, default=5
        Folds of the labelled target samples by which a step is judged.
    loss : {"linear", "square", "exponential"}, default="linear"
        How errors are adjusted.
    selection : {"boosted", "single"}, default="boosted"
        What is cross-validated at each step: the boosted model, as in [1]_, or one fit of the learner under the step's
        weights, which takes a fraction of the time and often names the same step.
    random_state : int, RandomState instance or None, default=None
        Draws the folds; seed of the tree that is the default learner.

    Attributes
    ----------
    estimators_ : list of regressors
        Those of the best step.
    votes_ : ndarray of shape (n_rounds,)
        Their weights in the median.
    cv_errors_ : ndarray of shape (n_steps,)
        Mean squared error of each step on held-out target samples.
    best_step_ : int
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples in the best step, scaled to mean one over all rows.

    Notes
    -----
    Helps when part of the source follows the target's rule; how far to trust the source is chosen by cross-validation,
    all the way down to not at all. Needs enough labelled target samples for folds.

    Time O(S (F + 1) N) fits for S steps, F folds and N rounds, O(S (F + N)) with ``selection="single"``. Rows whose weight
    has come to zero are left out, so that the last step costs what the target alone costs.

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
        growth="time of n_steps (cv + 1) n_estimators fits on n_s + n_t rows",
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
        """Find the step that predicts held-out target samples best.

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
        rows, values = stack_rows(read.Xs, Xl), np.concatenate([read.ys, yl]).astype(np.float64)
        rng = check_random_state(self.random_state)
        learner = default_regressor(self.estimator, rng.randint(2**31 - 1))
        folds = rng.permutation(np.arange(m) % min(self.cv, m))
        weights = np.full(n + m, 1.0 / (n + m))
        best, scores = np.inf, []
        for step in range(self.n_steps):
            models, votes = self._boost(learner, rows, values, weights, n, self.n_estimators)
            scores.append(self._held_out(learner, rows, values, weights, n, folds) if self.n_steps > 1 else 0.0)
            if scores[-1] < best:
                best, self.best_step_ = scores[-1], step
                self.estimators_, self.votes_, self.source_weights_ = models, votes, weights[:n] * (n + m)
            if step == self.n_steps - 1:
                break
            # the first round was fitted under exactly these weights
            errors = adjusted_errors(values, models[0].predict(rows), self.loss)
            share = m / (n + m) + (step + 1) / (self.n_steps - 1) * (1.0 - m / (n + m))
            weights = weights.copy()
            weights[:n] = decay_for_share(weights[:n], float(weights[n:].sum()), errors[:n], share)
            weights /= weights.sum()
        self.cv_errors_ = np.array(scores)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict by the weighted median of the best step's rounds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._read_rows(X)
        return weighted_median(predictions(self.estimators_, X), self.votes_)

    def _boost(
        self, learner: Any, rows: Any, values: NDArray[np.float64], weights: NDArray[np.float64], n: int, rounds: int
    ) -> tuple[list[Any], NDArray[np.float64]]:
        """AdaBoost.R2 in which the first n weights never change."""
        heavy = weights > 0
        if not heavy.all():
            rows, values, weights, n = rows[heavy], values[heavy], weights[heavy], int(np.count_nonzero(heavy[:n]))
        weights = weights / weights.sum()
        total = float(weights[n:].sum())
        models: list[Any] = []
        votes: list[float] = []
        for _ in range(rounds):
            model = fit_weighted(learner, rows, values, training_weights(weights))
            if rounds == 1:
                return [model], np.ones(1)
            errors = adjusted_errors(values, model.predict(rows), self.loss)
            error = float(weights @ errors)
            if error >= 0.5 and models:
                break
            bounded = min(max(error, SMALLEST_ERROR), 0.5)
            models.append(model)
            votes.append(float(np.log((1.0 - bounded) / bounded)))
            if error >= 0.5 or not errors.any():
                break
            # AdaBoost.R2 multiplies by beta_t^(1 - e); the source's share is kept by scaling the target back
            weights[n:] *= np.exp(-votes[-1] * (1.0 - errors[n:]))
            weights[n:] *= total / weights[n:].sum()
        return models, np.array(votes)

    def _held_out(
        self, learner: Any, rows: Any, values: Any, weights: NDArray[np.float64], n: int, folds: NDArray[np.intp]
    ) -> float:
        """Mean squared error on target samples that were left out; the source is in every fit."""
        rounds = 1 if self.selection == "single" else self.n_estimators
        if folds.max() == 0:
            models, votes = self._boost(learner, rows, values, weights, n, rounds)
            return float(np.mean((weighted_median(predictions(models, rows[n:]), votes) - values[n:]) ** 2))
        total = 0.0
        for fold in range(folds.max() + 1):
            kept = np.concatenate([np.arange(n), n + np.flatnonzero(folds != fold)])
            out = n + np.flatnonzero(folds == fold)
            models, votes = self._boost(learner, rows[kept], values[kept], weights[kept], n, rounds)
            total += float(np.sum((weighted_median(predictions(models, rows[out]), votes) - values[out]) ** 2))
        return total / len(folds)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(default_regressor(self.estimator, 0)).input_tags.sparse
        return tags


def default_regressor(estimator: Any, random_state: Any) -> Any:
    """Give a small tree where no learner was chosen.

    Parameters
    ----------
    estimator : regressor or None
    random_state : int, RandomState or None

    Returns
    -------
    regressor
    """
    return DecisionTreeRegressor(max_depth=3, random_state=random_state) if estimator is None else estimator


def predictions(models: list[Any], X: Any) -> NDArray[np.float64]:
    """Predictions side by side.

    Parameters
    ----------
    models : list of regressors
    X : array of shape (n, n_features)

    Returns
    -------
    ndarray of shape (n, n_models)
    """
    return np.column_stack([np.asarray(model.predict(X), dtype=np.float64) for model in models])
