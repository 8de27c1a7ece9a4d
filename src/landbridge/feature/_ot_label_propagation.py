"""Optimal transport label propagation: carry the labels, not the rows, and learn on the target's own rows."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferTags, fit_weighted
from landbridge.exceptions import LabelError
from landbridge.feature._delegate import DelegatingTransfer
from landbridge.feature._ot_mapping import normalised_cost, transport_plan
from landbridge.numerics.resampling import subsample

__all__ = ["OTLabelPropagation", "propagate"]


def propagate(plan: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each target row the mean value of the source rows its mass comes from.

    Parameters
    ----------
    plan : ndarray of shape (n_source, n_target)
        Transport plan.
    values : ndarray of shape (n_source,) or (n_source, k)
        Source values, or one-hot classes.

    Returns
    -------
    ndarray of shape (n_target,) or (n_target, k)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import propagate
    >>> propagate(np.array([[0.25, 0.25], [0.0, 0.5]]), np.array([1.0, 4.0])).tolist()
    [1.0, 3.0]
    """
    mass = plan.sum(axis=0)
    mean = values.mean(axis=0)
    total = plan.T @ values
    mass = mass if values.ndim == 1 else mass[:, None]
    return np.divide(total, mass, out=np.broadcast_to(mean, total.shape).copy(), where=mass > 0)


class OTLabelPropagation(DelegatingTransfer):
    """Learn on target rows whose labels came over an optimal transport plan.

    A plan between the rows of both domains carries the source's labels to the target; the estimator then learns on
    the target's rows, each counted for every class by as much mass as it got from there.

    Parameters
    ----------
    estimator : estimator, optional
        Classifier that takes ``sample_weight``, or any regressor. Logistic regression if left out.
    solver : {"sinkhorn", "emd", "unbalanced"}, default="sinkhorn"
        As in :class:`~landbridge.feature.OTMapping`.
    reg : float, default=0.05
        Strength of the entropy, relative to the normalised costs.
    norm : {"median", "max", None}, default="median"
        What the costs are divided by.
    max_samples : int or None, default=1000
        Largest number of rows of each domain in the plan; more are drawn at random, by class for the source.
    random_state : int, RandomState or None, default=None
        Draws the rows where there are more than `max_samples`.

    Attributes
    ----------
    estimator_ : estimator
        The learner, fitted on target rows.
    target_rows_ : ndarray of int, shape (n_plan_target,)
        Which target rows the plan holds.
    target_proba_ : ndarray of shape (n_plan_target, n_classes)
        Class shares that came to them; absent for regression.
    target_values_ : ndarray of shape (n_plan_target,)
        Values that came to them; absent for classification.

    Notes
    -----
    Helps when the target is a deformed copy of the source. Hurts when class shares differ: the target gets the
    source's shares, whatever it holds. A class without labels of its own among the target rows stays known. Labelled
    target rows keep their labels.

    Time O(m² (d + iterations)) with ``"sinkhorn"``, about O(m³) with ``"emd"``, memory O(m²),
    ``m = min(n, max_samples)``.

    References
    ----------
    .. [1] I. Redko, N. Courty, R. Flamary, D. Tuia. Optimal transport for multi-source domain adaptation under target
       shift. AISTATS 2019.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import OTLabelPropagation
    >>> source, target = make_shift("translation", random_state=0)
    >>> model = OTLabelPropagation().fit(source.X, source.y, X_target=target.X)
    >>> model.target_proba_.shape == (len(target), 2)
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"concept"}),
        requires=("ot",),
        growth="time O(m² (d + iterations)) sinkhorn, O(m³) emd; memory O(m²); m = min(n, max_samples)",
        reference="Redko et al.: Optimal transport for multi-source domain adaptation under target shift. AISTATS 2019",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "solver": [StrOptions({"sinkhorn", "emd", "unbalanced"})],
        "reg": [Interval(Real, 0, None, closed="neither")],
        "norm": [StrOptions({"median", "max"}), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        solver: str = "sinkhorn",
        reg: float = 0.05,
        norm: str | None = "median",
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.solver = solver
        self.reg = reg
        self.norm = norm
        self.max_samples = max_samples
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Carry the labels over and fit the estimator on the target's rows.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows, which they keep.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        regresses = self._regresses()
        values, classes = (read.ys.astype(np.float64), np.empty(0)) if regresses else one_hot(read.ys)
        kept = subsample(len(read.Xs), self.max_samples, rng, None if regresses else read.ys)
        self.target_rows_ = subsample(len(read.Xt), self.max_samples, rng)
        Xs, Xt = read.Xs[kept], read.Xt[self.target_rows_]
        if Xs.shape == Xt.shape and np.array_equal(Xs, Xt):  # nothing to carry; the entropy would only blur it
            given = values[kept]
        else:
            a, b = np.full(len(Xs), 1.0 / len(Xs)), np.full(len(Xt), 1.0 / len(Xt))
            plan, _ = transport_plan(normalised_cost(Xs, Xt, self.norm), a, b, solver=self.solver, reg=self.reg)
            given = propagate(plan, values[kept])
        if len(read.rows):
            told = np.isin(self.target_rows_, read.rows)
            labels = read.yt[np.searchsorted(read.rows, self.target_rows_[told])]
            given[told] = labels.astype(np.float64) if regresses else classes[None, :] == labels[:, None]
        if regresses:
            self.target_values_ = given
            self.estimator_ = clone(self._base()).fit(Xt, given)
        else:
            self.target_proba_ = given
            self.estimator_ = fit_soft(self._base(), Xt, given, classes)
        return self


def one_hot(y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Write classes as rows of zeros with a single one.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.

    Returns
    -------
    ndarray of shape (n, n_classes)
    classes : ndarray of shape (n_classes,)
    """
    from sklearn.utils.multiclass import check_classification_targets

    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise LabelError(f"y holds one class only, {classes[0]!r}; give rows of at least two classes.")
    return np.eye(len(classes))[codes], classes


def fit_soft(estimator: Any, X: NDArray[np.float64], proba: NDArray[np.float64], classes: NDArray[Any]) -> Any:
    """Fit a clone on soft labels: every row once a class, weighted by the class's share.

    Parameters
    ----------
    estimator : classifier
        Takes ``sample_weight``.
    X : ndarray of shape (n, d)
        Rows.
    proba : ndarray of shape (n, n_classes)
        Class shares.
    classes : ndarray of shape (n_classes,)
        Their labels.

    Returns
    -------
    classifier
        It knows every class: one that no row has a share of gets a vanishing one.
    """
    shares = np.where(proba > 1e-3, proba, 0.0)
    for c in np.flatnonzero(shares.max(axis=0) == 0.0):
        shares[proba[:, c].argmax(), c] = 1e-6
    rows, codes = np.nonzero(shares)
    return fit_weighted(estimator, X[rows], classes[codes], shares[rows, codes])
