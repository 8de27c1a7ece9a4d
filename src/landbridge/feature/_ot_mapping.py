"""Optimal transport mapping: carry source rows onto the target at the least cost."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.resampling import subsample

__all__ = ["OTMapping", "barycentric_map", "transport_plan"]


def transport_plan(
    cost: NDArray[np.float64],
    source_weights: NDArray[np.float64],
    target_weights: NDArray[np.float64],
    *,
    solver: str = "sinkhorn",
    reg: float = 0.05,
    reg_mass: float = 1.0,
    max_iter: int = 200,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], int]:
    r"""Solve one transport problem, equation (9) of [1]_ for ``"sinkhorn"`` and (5) for ``"emd"``.

    .. math:: \min_{\gamma \ge 0} \langle \gamma, C \rangle + r \sum_{ij} \gamma_{ij} \log \gamma_{ij}
        \quad \text{s.t.}\quad \gamma 1 = a,\; \gamma^\top 1 = b

    Parameters
    ----------
    cost : ndarray of shape (n_source, n_target)
        Cost of moving each source row to each target row, about 1 in the middle.
    source_weights, target_weights : ndarray
        Masses; each sums to one.
    solver : {"sinkhorn", "emd", "unbalanced"}
        Entropic, exact, or entropic with masses that need not be met: their Kullback-Leibler divergence is paid for.
    reg : float
        Strength of the entropy, relative to the costs.
    reg_mass : float
        Price of missing the masses, for ``"unbalanced"``.
    max_iter : int
        Iterations; the exact solver gets a thousand times as many, which are cheaper.
    tol : float
        Stop when the masses are met this well.

    Returns
    -------
    plan : ndarray of shape (n_source, n_target)
    n_iter : int

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain adaptation. IEEE TPAMI
       39(9), 2017.
    """
    import ot

    if solver == "emd":
        plan, _ = ot.emd(source_weights, target_weights, cost, numItermax=1000 * max_iter, log=True)
        return plan, 1
    options = {"numItermax": max_iter, "stopThr": tol, "log": True}
    if solver == "unbalanced":
        method = "sinkhorn" if cost.max() < 300 * reg else "sinkhorn_stabilized"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an early stop is bounded by max_iter on purpose
            plan, log = ot.unbalanced.sinkhorn_unbalanced(
                source_weights, target_weights, cost, reg, reg_mass, method=method, **options
            )
        return plan, len(log["err"]) or 1
    # exp(-C / reg) underflows beyond about 700: from there on, work with logarithms throughout (slower).
    method = "sinkhorn" if cost.max() < 300 * reg else "sinkhorn_log"
    plan, log = ot.sinkhorn(source_weights, target_weights, cost, reg, method=method, warn=False, **options)
    return plan, int(log.get("niter", max_iter)) + 1


def barycentric_map(plan: NDArray[np.float64], Xt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Send each source row to the mean of the target rows its mass goes to, equation (14) of [1]_.

    Parameters
    ----------
    plan : ndarray of shape (n_source, n_target)
        Transport plan.
    Xt : ndarray of shape (n_target, n_features)
        Target rows.

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
    """Template of the mappings by a transport plan; a method gives the hook ``_plan``."""

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
        if Xs.shape == Xt.shape and np.array_equal(Xs, Xt):  # nothing to carry; the entropy would only blur it
            self.source_rows_, self.source_shift_ = Xs[:1].copy(), np.zeros((1, Xs.shape[1]))
            return
        rng = check_random_state(self.random_state)
        drawn, met = subsample(len(Xs), self.max_samples, rng), subsample(len(Xt), self.max_samples, rng)
        Xs, Xt = Xs[drawn], Xt[met]
        ys, yt = (None if y is None else y[rows] for y, rows in ((ys, drawn), (yt, met)))
        # Equal rows move together, so that the map is a function of the row.
        self.source_rows_, group, counts = np.unique(Xs, axis=0, return_inverse=True, return_counts=True)
        if ys is None:
            plan, self.n_iter_ = self._plan(self.source_rows_, counts / len(Xs), None, Xt, yt)
            self.source_shift_ = _places(plan, self.source_rows_, Xt) - self.source_rows_
            return
        plan, self.n_iter_ = self._plan(Xs, np.full(len(Xs), 1.0 / len(Xs)), ys, Xt, yt)
        moved = np.zeros_like(self.source_rows_)
        np.add.at(moved, group.ravel(), _places(plan, Xs, Xt) - Xs)
        self.source_shift_ = moved / counts[:, None]

    def _map_source(self, X: Any) -> Any:
        return X + self.source_shift_[pairwise_distances_argmin(X, self.source_rows_)]

    def _map_target(self, X: Any) -> Any:
        return X.copy()


class OTMapping(BarycentricMapping):
    """Carry source rows onto the target by optimal transport.

    A plan moves the source's mass onto the target's at the least total squared distance; each source row then goes to
    the mean of the target rows it is matched with. Target rows stay as they are. A source row that was not in the plan
    moves like the nearest one that was.

    Parameters
    ----------
    solver : {"sinkhorn", "emd", "unbalanced"}, default="sinkhorn"
        Entropic transport, smooth and fast; exact transport; or entropic transport whose masses need not be met, so
        that a group which is larger in one domain may stay in part unmatched.
    reg : float, default=0.05
        Strength of the entropy, relative to the normalised costs; larger is smoother and draws rows together.
        Not for ``"emd"``.
    reg_mass : float, default=1.0
        Price of missing the masses, relative to the normalised costs. Only for ``"unbalanced"``.
    norm : {"median", "max", None}, default="median"
        What the costs are divided by, so that `reg` means the same whatever the units.
    max_samples : int or None, default=1000
        Largest number of rows of each domain in the plan; more are drawn at random, the others follow their
        neighbours. None takes all.
    max_iter : int, default=200
        Iterations of the entropic solver.
    tol : float, default=1e-6
        Tolerance of the entropic solver on the masses.
    random_state : int, RandomState or None, default=None
        Draws the rows where there are more than `max_samples`.

    Attributes
    ----------
    source_rows_ : ndarray of shape (n_plan_source, n_features)
        The distinct source rows in the plan.
    source_shift_ : ndarray of shape (n_plan_source, n_features)
        How far each of them moves.
    n_iter_ : int
        Iterations of the solver.

    Notes
    -----
    Helps when the domains differ by a smooth, even non-linear, deformation and the classes keep their shares. Hurts
    when the shares differ: mass of one class is then carried onto another. Scale the columns before.

    Time O(m² (d + iterations)) with ``"sinkhorn"`` and about O(m³) with ``"emd"``, memory O(m²), where
    ``m = min(n, max_samples)``; mapping a further row costs O(m d). Linear in the rows beyond `max_samples`.

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
        "reg": [Interval(Real, 0, None, closed="neither")],
        "reg_mass": [Interval(Real, 0, None, closed="neither")],
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
        reg: float = 0.05,
        reg_mass: float = 1.0,
        norm: str | None = "median",
        max_samples: int | None = 1000,
        max_iter: int = 200,
        tol: float = 1e-6,
        random_state: Any = None,
    ) -> None:
        self.solver = solver
        self.reg = reg
        self.reg_mass = reg_mass
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
            reg=self.reg,
            reg_mass=self.reg_mass,
            max_iter=self.max_iter,
            tol=self.tol,
        )


def normalised_cost(Xs: NDArray[np.float64], Xt: NDArray[np.float64], norm: str | None) -> NDArray[np.float64]:
    """Squared Euclidean costs, divided by their median or maximum.

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

    # Moving both by one constant changes no distance and keeps the digits where the rows lie far from zero.
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
    """Where the source rows go; a row whose mass the plan leaves out stays."""
    out = plan.sum(axis=1) <= np.finfo(float).tiny
    if not out.any():
        return barycentric_map(plan, Xt)
    places = Xs.copy()
    places[~out] = barycentric_map(plan[~out], Xt)
    return places
