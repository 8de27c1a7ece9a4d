"""Optimal transport mapping of the source onto the target."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin

from landbridge._process_state import quiet
from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.resampling import subsample
from landbridge.numerics.sinkhorn import sinkhorn

__all__ = ["OTMapping", "barycentric_map", "transport_plan"]


def transport_plan(
    cost: NDArray[np.float64],
    source_weights: NDArray[np.float64],
    target_weights: NDArray[np.float64],
    *,
    solver: str = "sinkhorn",
    reg_e: float = 0.05,
    reg_m: float = 1.0,
    max_iter: int = 200,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], int]:
    r"""Solve an optimal transport problem, equation (9) of [1]_ for "sinkhorn" and (5) for "emd".

    .. math:: \min_{\gamma \ge 0} \langle \gamma, C \rangle + r \sum_{ij} \gamma_{ij} \log \gamma_{ij}
        \quad \text{s.t.}\quad \gamma 1 = a,\; \gamma^\top 1 = b

    Parameters
    ----------
    cost : ndarray of shape (n_source, n_target)
        Cost between source and target samples, with a median of about 1.
    source_weights, target_weights : ndarray
        Marginals; each sums to one.
    solver : {"sinkhorn", "emd", "unbalanced"}, default="sinkhorn"
        Entropic, exact, or entropic with a Kullback-Leibler penalty on the marginals.
    reg_e : float, default=0.05
        Weight of the entropic penalty, relative to the costs.
    reg_m : float, default=1.0
        Weight of the marginal penalty of "unbalanced".
    max_iter : int, default=200
        Maximum number of iterations; a thousand times as many for the exact solver.
    tol : float, default=1e-6
        Stops when the marginals are met up to this error.

    Returns
    -------
    plan : ndarray of shape (n_source, n_target)
    n_iter : int

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain adaptation. IEEE TPAMI
       39(9), 2017.
    """
    if solver == "sinkhorn":
        return sinkhorn(cost, source_weights, target_weights, reg_e, max_iter=max_iter, tol=tol)
    import ot

    if solver == "emd":
        plan, _ = ot.emd(source_weights, target_weights, cost, numItermax=1000 * max_iter, log=True)
        return plan, 1
    method = "sinkhorn" if cost.max() < 300 * reg_e else "sinkhorn_stabilized"
    with quiet(UserWarning):  # max_iter bounds the iterations on purpose
        plan, log = ot.unbalanced.sinkhorn_unbalanced(
            source_weights,
            target_weights,
            cost,
            reg_e,
            reg_m,
            method=method,
            numItermax=max_iter,
            stopThr=tol,
            log=True,
        )
    return plan, len(log["err"]) or 1


def barycentric_map(plan: NDArray[np.float64], Xt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map each source sample to the mean of the target samples that its mass goes to, equation (14) of [1]_.

    Parameters
    ----------
    plan : ndarray of shape (n_source, n_target)
        Transport plan.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.

    Returns
    -------
    ndarray of shape (n_source, n_features)

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain adaptation. IEEE TPAMI
       39(9), 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import barycentric_map
    >>> barycentric_map(np.array([[0.25, 0.25], [0.0, 0.5]]), np.array([[0.0], [2.0]])).tolist()
    [[1.0], [2.0]]
    """
    return (plan @ Xt) / plan.sum(axis=1, keepdims=True)


class BarycentricMapping(FeatureTransfer):
    """Base class of barycentric mappings; subclasses implement ``_plan``."""

    preserves_columns = True
    norm: str | None
    max_samples: int | None
    random_state: Any

    @abstractmethod
    def _plan(
        self, Xs: NDArray[np.float64], weights: NDArray[np.float64], ys: Any, Xt: NDArray[np.float64], yt: Any
    ) -> tuple[NDArray[np.float64], int]: ...

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.n_iter_ = 1
        if Xs.shape == Xt.shape and np.array_equal(
            Xs, Xt
        ):  # identical domains: the entropic penalty would only blur them
            self.source_samples_, self.source_shift_ = Xs[:1].copy(), np.zeros((1, Xs.shape[1]))
            return
        rng = check_random_state(self.random_state)
        drawn, met = subsample(len(Xs), self.max_samples, rng), subsample(len(Xt), self.max_samples, rng)
        Xs, Xt = Xs[drawn], Xt[met]
        ys, yt = (None if y is None else y[rows] for y, rows in ((ys, drawn), (yt, met)))
        # Equal samples move equally, so that the map is a function.
        self.source_samples_, group, counts = np.unique(Xs, axis=0, return_inverse=True, return_counts=True)
        if ys is None:
            plan, self.n_iter_ = self._plan(self.source_samples_, counts / len(Xs), None, Xt, yt)
            self.source_shift_ = _places(plan, self.source_samples_, Xt) - self.source_samples_
            return
        plan, self.n_iter_ = self._plan(Xs, np.full(len(Xs), 1.0 / len(Xs)), ys, Xt, yt)
        moved = np.zeros_like(self.source_samples_)
        np.add.at(moved, group.ravel(), _places(plan, Xs, Xt) - Xs)
        self.source_shift_ = moved / counts[:, None]

    def _map_source(self, X: Any) -> Any:
        return X + self.source_shift_[pairwise_distances_argmin(X, self.source_samples_)]

    def _map_target(self, X: Any) -> Any:
        return X.copy()


class OTMapping(BarycentricMapping):
    """Optimal transport mapping: barycentric mapping of the source onto the target.

    A transport plan moves the source onto the target at minimal total squared distance; each source sample is mapped to
    the mean of the target samples that its mass goes to. Target samples stay unchanged. A source sample outside the
    plan moves like the nearest one in the plan. Defaults differ from `skada`: costs are divided by their median and
    the entropic penalty is `reg_e=0.05` (there exact transport, or `reg_e=1` on raw costs).

    Parameters
    ----------
    solver : {"sinkhorn", "emd", "unbalanced"}, default="sinkhorn"
        Entropic, exact, or unbalanced entropic transport, in which the marginals need not be met, so that a group which
        is larger in one domain may stay partly unmatched.
    reg_e : float, default=0.05
        Weight of the entropic penalty, relative to the normalised costs; larger values contract the mapped samples. Not
        used by "emd".
    reg_m : float, default=1.0
        Weight of the marginal penalty, relative to the normalised costs. Only used by "unbalanced".
    norm : {"median", "max", None}, default="median"
        Statistic that the costs are divided by, so that `reg_e` does not depend on the units.
    max_samples : int or None, default=1000
        Maximum number of samples of each domain in the plan, drawn at random; the others move like their nearest
        neighbour. If None, all samples.
    max_iter : int, default=200
        Maximum number of iterations of the entropic solver.
    tol : float, default=1e-6
        Tolerance of the entropic solver on the marginals.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    source_samples_ : ndarray of shape (n_plan_source, n_features)
        Distinct source samples in the plan.
    source_shift_ : ndarray of shape (n_plan_source, n_features)
        Displacement of each of them.
    n_iter_ : int
        Number of iterations of the solver.

    Notes
    -----
    Helps if the domains differ by a smooth, possibly non-linear, deformation and the class proportions agree. Hurts if
    they differ: mass of one class is then transported to another. Standardise the features first.

    Time O(m² (d + iterations)) with "sinkhorn" and about O(m³) with "emd", memory O(m²), where
    ``m = min(n, max_samples)``; mapping another sample takes O(m d). Linear in the number of samples beyond
    `max_samples`.

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain adaptation. IEEE TPAMI
       39(9), 2017.
    .. [2] S. Ferradans, N. Papadakis, G. Peyré, J.-F. Aujol. Regularized discrete optimal transport. SIAM Journal on
       Imaging Sciences 7(3), 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import OTMapping
    >>> Xs = np.array([[0.0], [1.0], [5.0]])
    >>> OTMapping(solver="emd").fit_transform(Xs, X_target=Xs + 10).tolist()
    [[10.0], [11.0], [15.0]]
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept"}),
        requires=("ot",),
        growth="time O(m² (d + iterations)) sinkhorn, O(m³) emd; memory O(m²); m = min(n, max_samples)",
        reference="Courty, Flamary, Tuia, Rakotomamonjy: Optimal transport for domain adaptation. TPAMI 39(9), 2017",
    )
    _parameter_constraints = {
        "solver": [StrOptions({"sinkhorn", "emd", "unbalanced"})],
        "reg_e": [Interval(Real, 0, None, closed="neither")],
        "reg_m": [Interval(Real, 0, None, closed="neither")],
        "norm": [StrOptions({"median", "max"}), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        solver: str = "sinkhorn",
        *,
        reg_e: float = 0.05,
        reg_m: float = 1.0,
        norm: str | None = "median",
        max_samples: int | None = 1000,
        max_iter: int = 200,
        tol: float = 1e-6,
        random_state: Any = None,
    ) -> None:
        self.solver = solver
        self.reg_e = reg_e
        self.reg_m = reg_m
        self.norm = norm
        self.max_samples = max_samples
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        super()._fit(Xs, None, Xt, None)

    def _plan(
        self, Xs: NDArray[np.float64], weights: NDArray[np.float64], ys: Any, Xt: NDArray[np.float64], yt: Any
    ) -> tuple[NDArray[np.float64], int]:
        return transport_plan(
            normalised_cost(Xs, Xt, self.norm),
            weights,
            np.full(len(Xt), 1.0 / len(Xt)),
            solver=self.solver,
            reg_e=self.reg_e,
            reg_m=self.reg_m,
            max_iter=self.max_iter,
            tol=self.tol,
        )


def normalised_cost(Xs: NDArray[np.float64], Xt: NDArray[np.float64], norm: str | None) -> NDArray[np.float64]:
    """Compute squared Euclidean distances, divided by their median or maximum.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
    Xt : ndarray of shape (n_target, n_features)
    norm : {"median", "max", None}

    Returns
    -------
    ndarray of shape (n_source, n_target)
    """
    from sklearn.metrics.pairwise import euclidean_distances

    # A common translation changes no distance and keeps precision if the samples are far from zero.
    middle = Xt.mean(axis=0)
    cost = euclidean_distances(Xs - middle, Xt - middle, squared=True)
    scale = 1.0
    if norm is not None:
        scale = float(np.median(cost)) if norm == "median" else 0.0
        scale = scale if scale > 0 else float(cost.max())
    if scale > 0:
        cost /= scale
    return cost


def _places(plan: NDArray[np.float64], Xs: NDArray[np.float64], Xt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map the source samples; those without mass in the plan stay unchanged."""
    massless = plan.sum(axis=1) <= np.finfo(float).tiny
    if not massless.any():
        return barycentric_map(plan, Xt)
    places = Xs.copy()
    places[~massless] = barycentric_map(plan[~massless], Xt)
    return places
