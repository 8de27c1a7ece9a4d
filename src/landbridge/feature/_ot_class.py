"""Class-regularised optimal transport mapping."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._process_state import quiet
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.domain import missing_labels
from landbridge.feature._ot_mapping import BarycentricMapping, normalised_cost, transport_plan

__all__ = ["ClassRegularizedOT", "forbid_known_mismatches"]


def forbid_known_mismatches(cost: NDArray[np.float64], ys: Any, yt: Any) -> NDArray[np.float64]:
    """Raise the cost between source samples and labelled target samples of another class, section 4.4 of [1]_.

    Parameters
    ----------
    cost : ndarray of shape (n_source, n_target)
        Costs.
    ys : ndarray of shape (n_source,)
        Source labels.
    yt : ndarray of shape (n_target,) or None
        Target labels, None or NaN where there is none.

    Returns
    -------
    ndarray of shape (n_source, n_target)
        `cost` itself if no target sample is labelled.

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain adaptation. IEEE TPAMI
       39(9), 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import forbid_known_mismatches
    >>> labels = np.array(["b", None], dtype=object)
    >>> forbid_known_mismatches(np.ones((2, 2)), np.array(["a", "b"]), labels).tolist()
    [[11.0, 1.0], [1.0, 1.0]]
    """
    if yt is None:
        return cost
    labelled = np.flatnonzero(~missing_labels(yt))
    wrong = np.asarray(ys)[:, None] != np.array([yt[j] for j in labelled.tolist()])[None, :]
    raised = cost.copy()
    # ten times the largest cost is never optimal, and keeps the precision of the solvers
    raised[:, labelled] += 10.0 * cost.max() * wrong
    return raised


class ClassRegularizedOT(BarycentricMapping):
    """Class-regularised optimal transport mapping (OTDA).

    As :class:`~landbridge.feature.OTMapping`, with a penalty that uses the source labels: the mass of a target sample
    should come from one class (group lasso), or similar samples of one class should stay similar (Laplacian). Labelled
    target samples receive mass from their own class only. Defaults differ from `skada`: the group lasso and costs
    divided by their median with `reg_e=0.05` (there "lpl1" and `reg_e=1` on raw costs).

    Parameters
    ----------
    penalty : {"group_lasso", "lpl1", "laplace"}, default="group_lasso"
        Convex L1-L2 group lasso, non-convex lp-l1, or a graph Laplacian with exact transport.
    reg_e : float, default=0.05
        Weight of the entropic penalty, relative to the normalised costs; at least 1/300 of the largest cost. Not used
        by "laplace".
    reg_cl : float, default=0.1
        Weight of the class penalty.
    norm : {"median", "max", None}, default="median"
        Statistic that the costs are divided by.
    max_samples : int or None, default=1000
        Maximum number of samples of each domain in the plan, drawn at random; the others move like their nearest
        neighbour. If None, all samples.
    max_iter : int, default=10
        Maximum number of outer iterations.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    source_samples_ : ndarray of shape (n_plan_source, n_features)
        Distinct source samples in the plan.
    source_shift_ : ndarray of shape (n_plan_source, n_features)
        Displacement of each of them.
    n_iter_ : int
        Maximum number of outer iterations.

    Notes
    -----
    Helps if unregularised transport mixes classes at their boundaries. Hurts if the class proportions differ: mass of
    one class is then transported to another, as in every balanced transport. Without source labels it is entropic
    transport. Standardise the features first.

    Time O(max_iter · m² · inner iterations), memory O(m²), ``m = min(n, max_samples)``.

    References
    ----------
    .. [1] N. Courty, R. Flamary, D. Tuia, A. Rakotomamonjy. Optimal transport for domain adaptation. IEEE TPAMI
       39(9), 2017.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import ClassRegularizedOT
    >>> source, target = make_shift("translation", random_state=0)
    >>> ClassRegularizedOT().fit_transform(source.X, source.y, X_target=target.X).shape == source.X.shape
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept"}),
        requires=("ot",),
        growth="time O(max_iter · m² · inner iterations), memory O(m²), m = min(n, max_samples)",
        reference="Courty, Flamary, Tuia, Rakotomamonjy: Optimal transport for domain adaptation. TPAMI 39(9), 2017",
    )
    _parameter_constraints = {
        "penalty": [StrOptions({"group_lasso", "lpl1", "laplace"})],
        "reg_e": [Interval(Real, 0, None, closed="neither")],
        "reg_cl": [Interval(Real, 0, None, closed="left")],
        "norm": [StrOptions({"median", "max"}), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        penalty: str = "group_lasso",
        *,
        reg_e: float = 0.05,
        reg_cl: float = 0.1,
        norm: str | None = "median",
        max_samples: int | None = 1000,
        max_iter: int = 10,
        random_state: Any = None,
    ) -> None:
        self.penalty = penalty
        self.reg_e = reg_e
        self.reg_cl = reg_cl
        self.norm = norm
        self.max_samples = max_samples
        self.max_iter = max_iter
        self.random_state = random_state

    def _plan(
        self, Xs: NDArray[np.float64], weights: NDArray[np.float64], ys: Any, Xt: NDArray[np.float64], yt: Any
    ) -> tuple[NDArray[np.float64], int]:
        import ot

        b = np.full(len(Xt), 1.0 / len(Xt))
        cost = normalised_cost(Xs, Xt, self.norm)
        if ys is None:
            return transport_plan(cost, weights, b, reg_e=self.reg_e)
        cost = forbid_known_mismatches(cost, ys, yt)
        neighbours = min(3, len(Xs) - 1, len(Xt) - 1)
        if self.penalty == "laplace" and neighbours < 1:  # a single sample has no neighbour
            return transport_plan(cost, weights, b, solver="emd")
        codes = np.unique(ys, return_inverse=True)[1]
        with quiet(UserWarning):  # max_iter bounds the iterations on purpose
            if self.penalty == "laplace":
                scale = np.sqrt(max(float(np.median(((Xs - Xs.mean(axis=0)) ** 2).sum(axis=1))), 1e-300))
                plan = ot.da.emd_laplace(
                    weights,
                    b,
                    Xs / scale,
                    Xt / scale,
                    cost,
                    sim="knn",
                    sim_param=neighbours,
                    eta=self.reg_cl,
                    numItermax=self.max_iter,
                )
            else:
                solve = ot.da.sinkhorn_l1l2_gl if self.penalty == "group_lasso" else ot.da.sinkhorn_lpl1_mm
                reg_e = max(self.reg_e, float(cost.max()) / 300)
                plan = solve(weights, codes, b, cost, reg_e, eta=self.reg_cl, numItermax=self.max_iter)
        return plan, self.max_iter
