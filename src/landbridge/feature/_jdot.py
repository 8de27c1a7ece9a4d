"""Joint distribution optimal transport (JDOT)."""

from __future__ import annotations

from inspect import signature
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import Ridge

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferTags
from landbridge.feature._delegate import DelegatingTransfer
from landbridge.feature._ot_label_propagation import fit_soft, one_hot, propagate
from landbridge.feature._ot_mapping import normalised_cost, transport_plan
from landbridge.numerics.resampling import subsample

__all__ = ["JDOTClassifier", "JDOTRegressor", "joint_cost"]


def joint_cost(
    distance: NDArray[np.float64], values: NDArray[np.float64], predicted: NDArray[np.float64], feature_cost: float
) -> NDArray[np.float64]:
    r"""Compute the joint cost of source samples with labels and target samples with predictions, equation (4) of [1]_.

    .. math:: D_{ij} = \alpha \, d(x_i, x_j) + \tfrac12 \lVert y_i - f(x_j) \rVert^2

    Parameters
    ----------
    distance : ndarray of shape (n_source, n_target)
        Distances between source and target samples.
    values : ndarray of shape (n_source, k)
        Source values, or one-hot classes.
    predicted : ndarray of shape (n_target, k)
        Predicted values, or class probabilities.
    feature_cost : float
        Weight of the distance between samples against the distance between labels.

    Returns
    -------
    ndarray of shape (n_source, n_target)

    References
    ----------
    .. [1] N. Courty, R. Flamary, A. Habrard, A. Rakotomamonjy. Joint distribution optimal transportation for domain
       adaptation. NIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import joint_cost
    >>> joint_cost(np.array([[1.0, 2.0]]), np.array([[0.0]]), np.array([[0.0], [2.0]]), 0.5).tolist()
    [[0.5, 3.0]]
    """
    squares = (values**2).sum(axis=1)[:, None] + (predicted**2).sum(axis=1)[None, :] - 2.0 * values @ predicted.T
    return feature_cost * distance + 0.5 * np.maximum(squares, 0.0)


class _JDOT(DelegatingTransfer):
    """Base class of the JDOT classifier and regressor: alternates between plan and predictor."""

    feature_cost: float
    solver: str
    reg_e: float
    max_iter: int
    tol: float
    max_samples: int | None
    random_state: Any

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Alternate between the transport plan and the estimator.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the estimator is fitted on the source.
        y_target : array-like of shape (n_target,), default=None
            Not used.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        values = self._values(read.ys)
        self.n_iter_, self.objective_ = 1, np.zeros(1)
        self.estimator_ = self._learn(read.Xs, values)
        if read.Xs.shape == read.Xt.shape and np.array_equal(read.Xs, read.Xt):
            return self
        kept = subsample(len(read.Xs), self.max_samples, rng)
        met = subsample(len(read.Xt), self.max_samples, rng)
        Xs, Xt, values = read.Xs[kept], read.Xt[met], values[kept]
        a, b = np.full(len(Xs), 1.0 / len(Xs)), np.full(len(Xt), 1.0 / len(Xt))
        distance, history = normalised_cost(Xs, Xt, "max"), []
        # The first plan uses the samples only, so that the source model does not determine it.
        plan, duals = self._plan(distance, a, b)
        self.estimator_ = self._learn(Xt, propagate(plan, values))
        for _ in range(self.max_iter):
            cost = joint_cost(distance, values, self._predicted(Xt), self.feature_cost)
            plan, duals = self._plan(cost, a, b, duals)
            history.append(float((plan * cost).sum()))
            self.estimator_ = self._learn(Xt, propagate(plan, values))
            if len(history) > 1 and abs(history[-2] - history[-1]) <= self.tol * max(abs(history[-2]), 1e-300):
                break
        self.n_iter_, self.objective_ = len(history), np.array(history)
        return self

    def _plan(self, cost: Any, a: Any, b: Any, duals: Any = None) -> tuple[NDArray[np.float64], Any]:
        """Compute a plan and, for the exact solver, its dual variables for a warm start."""
        if self.solver != "emd":
            return transport_plan(cost, a, b, solver=self.solver, reg_e=self.reg_e)[0], None
        import ot

        known = duals is not None and "potentials_init" in signature(ot.emd).parameters
        start = {"potentials_init": duals} if known else {}
        plan, log = ot.emd(a, b, cost, numItermax=200_000, log=True, **start)
        return plan, (log["u"], log["v"])


class JDOTClassifier(_JDOT):
    """Joint distribution optimal transport (JDOT) classifier.

    Alternates between two steps: a transport plan between labelled source samples and target samples, whose cost is the
    distance between the samples plus the disagreement of label and current prediction; and a fit of the classifier on
    the target samples with the transported labels. Defaults differ from `skada`: the distance is divided by its maximum
    and `feature_cost` is 1 (`alpha=0.5` there), with at most 10 iterations (100) and 1,000 samples per domain (all).

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner with ``predict_proba`` that accepts ``sample_weight``. If None, logistic regression.
    feature_cost : float, default=1.0
        Weight of the distance between samples, which is divided by its maximum, against the disagreement of the labels.
    solver : {"emd", "sinkhorn"}, default="emd"
        Exact or entropic transport.
    reg_e : float, default=0.01
        Weight of the entropic penalty, for "sinkhorn".
    max_iter : int, default=10
        Maximum number of iterations.
    tol : float, default=1e-4
        Stops when the joint cost changes by less, relatively.
    max_samples : int or None, default=1000
        Maximum number of samples of each domain in the plan, drawn at random. If None, all samples.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    estimator_ : classifier
        Fitted classifier.
    objective_ : ndarray of shape (n_iter_,)
        Joint transport cost after each iteration.
    n_iter_ : int
        Number of iterations.

    Notes
    -----
    Helps if P(y given x) moves with the samples. Hurts if the class proportions differ: the plan imposes those of the
    source on the target.

    Time O(m³) per iteration with "emd" in the worst case plus a fit of the estimator, memory O(m²),
    ``m = min(n, max_samples)``.

    References
    ----------
    .. [1] N. Courty, R. Flamary, A. Habrard, A. Rakotomamonjy. Joint distribution optimal transportation for domain
       adaptation. NIPS 2017.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import JDOTClassifier
    >>> source, target = make_shift("translation", random_state=0)
    >>> model = JDOTClassifier().fit(source.X, source.y, X_target=target.X)
    >>> model.predict(target.X).shape == target.y.shape
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        requires=("ot",),
        growth="time O(m³) per iteration and a fit of the estimator, memory O(m²), m = min(n, max_samples)",
        reference="Courty et al.: Joint distribution optimal transportation for domain adaptation. NIPS 2017",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "feature_cost": [Interval(Real, 0, None, closed="neither")],
        "solver": [StrOptions({"emd", "sinkhorn"})],
        "reg_e": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        feature_cost: float = 1.0,
        solver: str = "emd",
        reg_e: float = 0.01,
        max_iter: int = 10,
        tol: float = 1e-4,
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.feature_cost = feature_cost
        self.solver = solver
        self.reg_e = reg_e
        self.max_iter = max_iter
        self.tol = tol
        self.max_samples = max_samples
        self.random_state = random_state

    def _values(self, y: NDArray[Any]) -> NDArray[np.float64]:
        values, self._classes = one_hot(y)
        return values

    def _learn(self, X: NDArray[np.float64], values: NDArray[np.float64]) -> Any:
        return fit_soft(self._base(), X, values, self._classes)

    def _predicted(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.estimator_.predict_proba(X)


class JDOTRegressor(_JDOT):
    """Joint distribution optimal transport (JDOT) regressor.

    As :class:`~landbridge.feature.JDOTClassifier`, with squared differences of the values in units of their variance.
    Defaults differ from `skada`: `feature_cost` is 1 (`alpha=0.5` there), with at most 10 iterations (100) and 1,000
    samples per domain (all).

    Parameters
    ----------
    estimator : regressor, default=None
        Base learner. If None, ridge regression.
    feature_cost : float, default=1.0
        Weight of the distance between samples, which is divided by its maximum, against the squared difference of the
        values.
    solver : {"emd", "sinkhorn"}, default="emd"
        Exact or entropic transport.
    reg_e : float, default=0.01
        Weight of the entropic penalty, for "sinkhorn".
    max_iter : int, default=10
        Maximum number of iterations.
    tol : float, default=1e-4
        Stops when the joint cost changes by less, relatively.
    max_samples : int or None, default=1000
        Maximum number of samples of each domain in the plan, drawn at random. If None, all samples.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    estimator_ : regressor
        Fitted regressor.
    objective_ : ndarray of shape (n_iter_,)
        Joint transport cost after each iteration.
    n_iter_ : int
        Number of iterations.

    Notes
    -----
    Helps if the regression function moves with the samples. Hurts if P(y) differs: the plan imposes the source values
    on the target.

    Time O(m³) per iteration with "emd" in the worst case plus a fit of the estimator, memory O(m²),
    ``m = min(n, max_samples)``.

    References
    ----------
    .. [1] N. Courty, R. Flamary, A. Habrard, A. Rakotomamonjy. Joint distribution optimal transportation for domain
       adaptation. NIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import JDOTRegressor
    >>> Xs = np.linspace(0.0, 1.0, 50)[:, None]
    >>> model = JDOTRegressor().fit(Xs, 3.0 * Xs[:, 0], X_target=Xs + 2.0)
    >>> bool(abs(model.predict([[2.5]])[0] - 1.5) < 0.1)
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        tasks=frozenset({"regression"}),
        shifts=frozenset({"concept", "covariate"}),
        requires=("ot",),
        growth="time O(m³) per iteration and a fit of the estimator, memory O(m²), m = min(n, max_samples)",
        reference="Courty et al.: Joint distribution optimal transportation for domain adaptation. NIPS 2017",
    )
    _parameter_constraints = {
        **JDOTClassifier._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        feature_cost: float = 1.0,
        solver: str = "emd",
        reg_e: float = 0.01,
        max_iter: int = 10,
        tol: float = 1e-4,
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.feature_cost = feature_cost
        self.solver = solver
        self.reg_e = reg_e
        self.max_iter = max_iter
        self.tol = tol
        self.max_samples = max_samples
        self.random_state = random_state

    def _base(self) -> Any:
        return Ridge() if self.estimator is None else self.estimator

    def _values(self, y: NDArray[Any]) -> NDArray[np.float64]:
        y = y.astype(np.float64)
        spread = float(y.std())
        self._scale = spread if spread > 0 else 1.0
        return y[:, None] / self._scale

    def _learn(self, X: NDArray[np.float64], values: NDArray[np.float64]) -> Any:
        return clone(self._base()).fit(X, values[:, 0] * self._scale)

    def _predicted(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.estimator_.predict(X), dtype=np.float64).reshape(-1, 1) / self._scale
