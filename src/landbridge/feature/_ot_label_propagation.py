"""Label propagation by optimal transport."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferTags, fit_weighted
from landbridge.exceptions import LabelError
from landbridge.feature._delegate import DelegatingTransfer
from landbridge.feature._ot_mapping import normalised_cost, transport_plan
from landbridge.numerics.resampling import subsample

__all__ = ["OTLabelPropagation", "propagate"]


def propagate(plan: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute for each target sample the mean value of the source samples that its mass comes from.

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
    """Label propagation by optimal transport.

    A transport plan between the samples of both domains transports the source labels to the target. The estimator is
    then fitted on the target samples, each weighted for every class by the mass received from it. Defaults differ from
    `skada`: entropic transport with costs divided by their median (there exact transport on raw costs).

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier that accepts ``sample_weight``, or any regressor. If None, logistic regression.
    solver : {"sinkhorn", "emd", "unbalanced"}, default="sinkhorn"
        As in :class:`~landbridge.feature.OTMapping`.
    reg_e : float, default=0.05
        Weight of the entropic penalty, relative to the normalised costs.
    norm : {"median", "max", None}, default="median"
        Statistic that the costs are divided by.
    max_samples : int or None, default=1000
        Maximum number of samples of each domain in the plan, drawn at random, stratified by class in the source. If
        None, all samples.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on target samples.
    target_indices_ : ndarray of int, shape (n_plan_target,)
        Indices of the target samples in the plan.
    target_proba_ : ndarray of shape (n_plan_target, n_classes)
        Class probabilities transported to them; absent for regression.
    target_values_ : ndarray of shape (n_plan_target,)
        Values transported to them; absent for classification.

    Notes
    -----
    Helps if the target is a deformed copy of the source. Hurts if the class proportions differ: the plan imposes those
    of the source on the target. Labelled target samples keep their labels.

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
        "reg_e": [Interval(Real, 0, None, closed="neither")],
        "norm": [StrOptions({"median", "max"}), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        solver: str = "sinkhorn",
        reg_e: float = 0.05,
        norm: str | None = "median",
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.solver = solver
        self.reg_e = reg_e
        self.norm = norm
        self.max_samples = max_samples
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Transport the labels and fit the estimator on the target samples.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples, which they keep.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        regresses = self._regresses()
        values, classes = (read.ys.astype(np.float64), np.empty(0)) if regresses else one_hot(read.ys)
        kept = subsample(len(read.Xs), self.max_samples, rng, None if regresses else read.ys)
        self.target_indices_ = subsample(len(read.Xt), self.max_samples, rng)
        Xs, Xt = read.Xs[kept], read.Xt[self.target_indices_]
        if Xs.shape == Xt.shape and np.array_equal(
            Xs, Xt
        ):  # identical domains: the entropic penalty would only blur the labels
            given = values[kept]
        else:
            a, b = np.full(len(Xs), 1.0 / len(Xs)), np.full(len(Xt), 1.0 / len(Xt))
            plan, _ = transport_plan(normalised_cost(Xs, Xt, self.norm), a, b, solver=self.solver, reg_e=self.reg_e)
            given = propagate(plan, values[kept])
        if len(read.rows):
            known = np.isin(self.target_indices_, read.rows)
            labels = read.yt[np.searchsorted(read.rows, self.target_indices_[known])]
            given[known] = labels.astype(np.float64) if regresses else classes[None, :] == labels[:, None]
        if regresses:
            self.target_values_ = given
            self.estimator_ = clone(self._base()).fit(Xt, given)
        else:
            self.target_proba_ = given
            self.estimator_ = fit_soft(self._base(), Xt, given, classes)
        return self


def one_hot(y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the one-hot encoding of class labels.

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
        raise LabelError(f"y holds one class only, {classes[0]!r}; give samples of at least two classes.")
    return np.eye(len(classes))[codes], classes


def fit_soft(estimator: Any, X: NDArray[np.float64], proba: NDArray[np.float64], classes: NDArray[Any]) -> Any:
    """Fit a clone on soft labels: every sample once per class, weighted by the class probability.

    Parameters
    ----------
    estimator : classifier
        Accepts ``sample_weight``.
    X : ndarray of shape (n, d)
        Samples.
    proba : ndarray of shape (n, n_classes)
        Class probabilities.
    classes : ndarray of shape (n_classes,)
        Their labels.

    Returns
    -------
    classifier
        Fitted on every class; a class of probability zero everywhere gets a vanishing weight.
    """
    shares = np.where(proba > 1e-3, proba, 0.0)
    for c in np.flatnonzero(shares.max(axis=0) == 0.0):
        shares[proba[:, c].argmax(), c] = 1e-6
    rows, codes = np.nonzero(shares)
    return fit_weighted(estimator, X[rows], classes[codes], shares[rows, codes])
