"""JDOT: transport rows and labels jointly, and learn the target's predictor on what arrives."""

from __future__ import annotations

from inspect import signature
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferTags
from landbridge.feature._delegate import DelegatingTransfer
from landbridge.feature._ot_label_propagation import fit_soft, one_hot, propagate
from landbridge.feature._ot_mapping import normalised_cost, transport_plan
from landbridge.numerics.resampling import subsample

__all__ = ["JDOTClassifier", "JDOTRegressor", "joint_cost"]


def joint_cost(
    distance: NDArray[np.float64], values: NDArray[np.float64], predicted: NDArray[np.float64], alpha: float
) -> NDArray[np.float64]:
    r"""Return the cost of carrying a labelled source row to a target row with a predicted label, equation (4) of [1]_.

    .. math:: D_{ij} = \alpha \, d(x_i, x_j) + \tfrac12 \lVert y_i - f(x_j) \rVert^2

    Parameters
    ----------
    distance : ndarray of shape (n_source, n_target)
        Costs between rows.
    values : ndarray of shape (n_source, k)
        Source values, or one-hot classes.
    predicted : ndarray of shape (n_target, k)
        Predicted values, or class probabilities.
    alpha : float
        Weight of the rows against the labels.

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
    return alpha * distance + 0.5 * np.maximum(squares, 0.0)


class _JDOT(DelegatingTransfer):
    """What the classifier and the regressor share: the turns between plan and predictor."""

    alpha: float
    solver: str
    reg: float
    max_iter: int
    tol: float
    max_samples: int | None
    random_state: Any

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Find plan and predictor in turns.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the source is its own target and the estimator is fitted on it.
        y_target : array-like of shape (n_target,), optional
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
        # The first plan knows the rows only: the source's own predictor would hold the labels where they were.
        plan, prices = self._plan(distance, a, b)
        self.estimator_ = self._learn(Xt, propagate(plan, values))
        for _ in range(self.max_iter):
            cost = joint_cost(distance, values, self._predicted(Xt), self.alpha)
            plan, prices = self._plan(cost, a, b, prices)
            history.append(float((plan * cost).sum()))
            self.estimator_ = self._learn(Xt, propagate(plan, values))
            if len(history) > 1 and abs(history[-2] - history[-1]) <= self.tol * max(abs(history[-2]), 1e-300):
                break
        self.n_iter_, self.objective_ = len(history), np.array(history)
        return self

    def _plan(self, cost: Any, a: Any, b: Any, prices: Any = None) -> tuple[NDArray[np.float64], Any]:
        """A plan, and for the exact solver its dual prices, from which the next turn's plan is not far."""
        if self.solver != "emd":
            return transport_plan(cost, a, b, solver=self.solver, reg=self.reg)[0], None
        import ot

        known = prices is not None and "potentials_init" in signature(ot.emd).parameters
        start = {"potentials_init": prices} if known else {}
        plan, log = ot.emd(a, b, cost, numItermax=200_000, log=True, **start)
        return plan, (log["u"], log["v"])


class JDOTClassifier(_JDOT):
    """Classifier learned by joint distribution optimal transport.

    In turns, a plan carries labelled source rows to target rows, at a cost that counts both the distance between the
    rows and the disagreement of the label with the current prediction; and the classifier is learned again on the
    target rows with the labels that arrive.

    Parameters
    ----------
    estimator : classifier, optional
        Takes ``sample_weight`` and has ``predict_proba``. Logistic regression if left out.
    alpha : float, default=1.0
        Weight of the distance, which is divided by its maximum, against the label's disagreement.
    solver : {"emd", "sinkhorn"}, default="emd"
        Exact or entropic transport.
    reg : float, default=0.01
        Strength of the entropy, for ``"sinkhorn"``.
    max_iter : int, default=10
        Turns.
    tol : float, default=1e-4
        Stop when the joint cost changes by less, relatively.
    max_samples : int or None, default=2000
        Largest number of rows of each domain in the plan; more are drawn at random.
    random_state : int, RandomState or None, default=None
        Draws the rows where there are more than `max_samples`.

    Attributes
    ----------
    estimator_ : classifier
        The learned classifier.
    objective_ : ndarray of shape (n_iter_,)
        Joint transport cost after each turn.
    n_iter_ : int
        Turns taken.

    Notes
    -----
    Helps when the labelling rule moves along with the rows. Hurts when class shares differ: the plan hands the
    source's shares to the target.

    Time O(m³) a turn with ``"emd"`` in the worst case and a fit of the estimator, memory O(m²),
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
        growth="time O(m³) a turn and a fit of the estimator, memory O(m²), m = min(n, max_samples)",
        reference="Courty et al.: Joint distribution optimal transportation for domain adaptation. NIPS 2017",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "solver": [StrOptions({"emd", "sinkhorn"})],
        "reg": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        alpha: float = 1.0,
        solver: str = "emd",
        reg: float = 0.01,
        max_iter: int = 10,
        tol: float = 1e-4,
        max_samples: int | None = 2000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.solver = solver
        self.reg = reg
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
    """Regressor learned by joint distribution optimal transport.

    As :class:`~landbridge.feature.JDOTClassifier`, with squared differences of values, in units of their variance.

    Parameters
    ----------
    estimator : regressor, optional
        Ridge regression if left out.
    alpha : float, default=1.0
        Weight of the distance, which is divided by its maximum, against the squared difference of the values.
    solver : {"emd", "sinkhorn"}, default="emd"
        Exact or entropic transport.
    reg : float, default=0.01
        Strength of the entropy, for ``"sinkhorn"``.
    max_iter : int, default=10
        Turns.
    tol : float, default=1e-4
        Stop when the joint cost changes by less, relatively.
    max_samples : int or None, default=2000
        Largest number of rows of each domain in the plan; more are drawn at random.
    random_state : int, RandomState or None, default=None
        Draws the rows where there are more than `max_samples`.

    Attributes
    ----------
    estimator_ : regressor
        The learned regressor.
    objective_ : ndarray of shape (n_iter_,)
        Joint transport cost after each turn.
    n_iter_ : int
        Turns taken.

    Notes
    -----
    Helps when the relation moves along with the rows. Hurts when the values are distributed otherwise in the target:
    the plan hands the source's values over, all of them.

    Time O(m³) a turn with ``"emd"`` in the worst case and a fit of the estimator, memory O(m²),
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
        growth="time O(m³) a turn and a fit of the estimator, memory O(m²), m = min(n, max_samples)",
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
        alpha: float = 1.0,
        solver: str = "emd",
        reg: float = 0.01,
        max_iter: int = 10,
        tol: float = 1e-4,
        max_samples: int | None = 2000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.solver = solver
        self.reg = reg
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
