"""CO-optimal transport: rows and columns of two domains matched at once, for sides with different columns."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.domain import missing_labels
from landbridge.feature._domain_scaler import column_statistics
from landbridge.feature._ot_mapping import barycentric_map, transport_plan
from landbridge.numerics.resampling import subsample

__all__ = ["CoOptimalTransport", "co_optimal_couplings"]


def co_optimal_couplings(
    A: NDArray[np.float64],
    B: NDArray[np.float64],
    *,
    reg: float = 0.0,
    reg_columns: float = 0.0,
    mismatch: NDArray[np.float64] | None = None,
    start: NDArray[np.float64] | None = None,
    max_iter: int = 20,
    tol: float = 1e-4,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[float]]:
    r"""Couple the rows and the columns of two matrices, problem (2) of [1]_.

    .. math:: \min_{\pi^s, \pi^v} \sum_{ijkl} (A_{ik} - B_{jl})^2 \pi^s_{ij} \pi^v_{kl}
        + r_s \mathrm{KL}(\pi^s) + r_v \mathrm{KL}(\pi^v)

    over couplings of the rows, :math:`\pi^s`, and of the columns, :math:`\pi^v`, with even masses: two transport
    problems in turn (algorithm 1), exact ones where the entropy is zero.

    Parameters
    ----------
    A : ndarray of shape (n_source, p)
    B : ndarray of shape (n_target, q)
    reg, reg_columns : float
        Strength of the entropy of either coupling, in units of squared entries.
    mismatch : ndarray of shape (n_source, n_target), optional
        1 where two rows are known not to belong together: coupling them costs more than any other way.
    start : ndarray of shape (p, q), optional
        First coupling of the columns; even if left out.
    max_iter : int
        Rounds.
    tol : float
        Stop when a round changes the cost by less than this part of it.

    Returns
    -------
    rows : ndarray of shape (n_source, n_target)
    columns : ndarray of shape (p, q)
    costs : list of float
        After every round.

    References
    ----------
    .. [1] I. Redko, T. Vayer, R. Flamary, N. Courty. CO-Optimal Transport. NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import co_optimal_couplings
    >>> A = np.array([[0.0, 1.0, 5.0], [3.0, 2.0, 4.0], [9.0, 0.0, 0.0]])
    >>> rows, columns, costs = co_optimal_couplings(A, A[[2, 0, 1]][:, [1, 2, 0]])
    >>> rows.argmax(axis=1).tolist(), columns.argmax(axis=1).tolist(), round(costs[-1], 6)
    ([1, 2, 0], [2, 0, 1], 0.0)
    """
    even = [np.full(k, 1.0 / k) for k in (*A.shape, *B.shape)]
    columns = np.outer(even[1], even[3]) if start is None else start
    rows, costs = np.outer(even[0], even[2]), [np.inf]
    # what the squares add to either cost does not depend on the other coupling
    row_squares = (A**2).mean(axis=1)[:, None] + (B**2).mean(axis=1)
    if mismatch is not None:
        # (a - b)² is at most 2 (a² + b²): no other cost exceeds this, so that mismatched rows are coupled last of all
        row_squares = row_squares + 2.0 * row_squares.max() * mismatch
    column_squares = (A**2).mean(axis=0)[:, None] + (B**2).mean(axis=0)
    for _ in range(max_iter):
        rows = _coupling(row_squares - 2.0 * (A @ columns) @ B.T, even[0], even[2], reg)
        cost = column_squares - 2.0 * (A.T @ rows) @ B
        columns = _coupling(cost, even[1], even[3], reg_columns)
        costs.append(float(np.sum(cost * columns)))
        if abs(costs[-2] - costs[-1]) <= tol * abs(costs[-1]):
            break
    return rows, columns, costs[1:]


class CoOptimalTransport(FeatureTransfer):
    """Carry source rows into the target's columns by CO-optimal transport.

    Rows of the source are matched with rows of the target and, in turn, columns with columns, so that matched entries
    of matched rows are alike. Each source row then goes to the target's columns, by what it is matched with; target
    rows stay as they are.

    Parameters
    ----------
    reg : float, default=0.0
        Strength of the entropy in the matching of rows; 0 is exact transport. The scaled entries have mean square one.
    reg_columns : float, default=0.0
        The same for the matching of columns. Entropy costs far more time, about 200 passes a round.
    carry : {"columns", "rows"}, default="columns"
        What takes a source row to the target: column by column, the mean of its own entries in the columns matched with
        it; or the mean of the target rows it is matched with.
    scaling : {"standard", "range", None}, default="standard"
        What each side's columns are brought to before they are compared: mean zero and variance one; the whole side to
        [0, 1], for entries that are zero where there is nothing, such as ink and counts; or left.
    max_samples : int or None, default=500
        Rows of each domain in the matching, drawn at random where there are more (labelled target rows first); other
        source rows are carried like the nearest one that is in it. None takes all.
    max_iter : int, default=20
        Rounds of matching rows and columns in turn.
    random_state : int, RandomState or None, default=None
        Draws the rows where there are more than `max_samples`.

    Attributes
    ----------
    row_coupling_ : ndarray of shape (n_kept_source, n_kept_target)
        Sums to one.
    column_coupling_ : ndarray of shape (n_source_columns, n_target_columns)
        Sums to one: which columns were taken to say the same.
    source_rows_ : ndarray of shape (n_kept_source, n_source_columns)
        The source rows in the matching.
    carried_rows_ : ndarray of shape (n_kept_source, n_target_columns)
        Where they go.
    cost_ : float
        Of the couplings; zero for two copies of one table.
    n_iter_ : int
        Rounds taken.

    Notes
    -----
    Needs neither labels nor pairs. Helps when the target's columns measure what some of the source's do, and it is not
    known which: lost or foreign names, another order, some dropped. Without labels it matches shapes: groups of rows
    and columns that lie alike may be swapped, and nothing in the data tells; label a few target rows of each class,
    which are then matched within their class, and the columns with them. Hurts where no column has a counterpart, when
    class shares differ, as every balanced transport does, and where a column is another's negative: choose signs, or
    features that grow with what they measure.

    Where source and target have the same columns, they are matched all the same.

    Time O(r (m² (d_s + d_t) + m d_s d_t)) and the transport problems of r rounds, about O(m³) and O(d³) for exact
    ones, O(m² + d²) an iteration for entropic ones; memory O(m² + d_s d_t); ``m = min(n, max_samples)``. Linear in the
    rows beyond `max_samples`.

    References
    ----------
    .. [1] I. Redko, T. Vayer, R. Flamary, N. Courty. CO-Optimal Transport. NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import CoOptimalTransport
    >>> rng = np.random.default_rng(0)
    >>> Xs = rng.exponential(size=(60, 4)) * [1.0, 2.0, 4.0, 8.0]
    >>> Xt = Xs[:, [2, 0, 3]]
    >>> mapper = CoOptimalTransport(scaling="range").fit(Xs, X_target=Xt)
    >>> mapper.column_coupling_.argmax(axis=0).tolist()
    [2, 0, 3]
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"subspace"}),
        requires=("ot",),
        growth="time O(m² d + m d² + transport of m rows and d columns) a round, memory O(m² + d²); m <= max_samples",
        reference="Redko, Vayer, Flamary, Courty: CO-Optimal Transport. NeurIPS 2020",
        heterogeneous=True,
    )
    preserves_columns = True
    own_scaling = True
    _parameter_constraints = {
        "reg": [Interval(Real, 0, None, closed="left")],
        "reg_columns": [Interval(Real, 0, None, closed="left")],
        "carry": [StrOptions({"rows", "columns"})],
        "scaling": [StrOptions({"standard", "range"}), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        reg: float = 0.0,
        *,
        reg_columns: float = 0.0,
        carry: str = "columns",
        scaling: str | None = "standard",
        max_samples: int | None = 500,
        max_iter: int = 20,
        random_state: Any = None,
    ) -> None:
        self.reg = reg
        self.reg_columns = reg_columns
        self.carry = carry
        self.scaling = scaling
        self.max_samples = max_samples
        self.max_iter = max_iter
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        told = np.zeros(len(Xt), dtype=bool) if yt is None or ys is None else ~missing_labels(yt)
        drawn, met = (
            subsample(len(Xs), self.max_samples, rng, strata=_strata(ys)),
            _told_first(told, self.max_samples, rng),
        )
        self.source_centre_, self.source_spread_ = _scales(Xs, self.scaling)
        self.target_centre_, self.target_spread_ = _scales(Xt, self.scaling)
        self._same = Xs.shape == Xt.shape and np.array_equal(Xs, Xt)
        if self._same:  # nothing to match; the entropy would only blur it
            self.row_coupling_, self.column_coupling_ = (np.eye(k) / k for k in (len(drawn), Xs.shape[1]))
            self.source_rows_ = self.carried_rows_ = Xs[drawn]
            self.cost_, self.n_iter_ = 0.0, 1
            return
        A, B = self._scaled_source(Xs[drawn]), (Xt[met] - self.target_centre_) / self.target_spread_
        unit = float(np.mean(A**2) + np.mean(B**2)) / 2.0 or 1.0
        mismatch = start = None
        if told[met].any():
            labels = [yt[j] for j in met[told[met]].tolist()]
            mismatch = np.zeros((len(A), len(B)))
            mismatch[:, told[met]] = np.asarray(ys)[drawn][:, None] != np.array(labels)
            start = _from_labels(A, np.asarray(ys)[drawn], B[told[met]], np.array(labels))
        self.row_coupling_, self.column_coupling_, costs = co_optimal_couplings(
            A,
            B,
            reg=self.reg * unit,
            reg_columns=self.reg_columns * unit,
            mismatch=mismatch,
            start=start,
            max_iter=self.max_iter,
        )
        self.cost_, self.n_iter_ = costs[-1] / unit, len(costs)
        self.source_rows_ = Xs[drawn]
        self.carried_rows_ = barycentric_map(self.row_coupling_, Xt[met])

    def _scaled_source(self, X: Any) -> Any:
        return (X - self.source_centre_) / self.source_spread_

    def _map_source(self, X: Any) -> Any:
        if self._same:
            return X.copy()
        if self.carry == "rows":
            return self.carried_rows_[pairwise_distances_argmin(X, self.source_rows_)]
        carried = barycentric_map(self.column_coupling_.T, self._scaled_source(X).T).T
        return carried * self.target_spread_ + self.target_centre_

    def _map_target(self, X: Any) -> Any:
        return X.copy()


def _coupling(cost: Any, a: NDArray[np.float64], b: NDArray[np.float64], reg: float) -> NDArray[np.float64]:
    if reg == 0.0:
        return transport_plan(cost, a, b, solver="emd", max_iter=1000)[0]
    # A constant changes no plan; from zero upwards the entropic solver knows when to work with logarithms.
    return transport_plan(cost - cost.min(), a, b, solver="sinkhorn", reg=reg, max_iter=200)[0]


def _scales(X: NDArray[np.float64], scaling: str | None) -> tuple[Any, Any]:
    if scaling == "standard":
        centre, spread = column_statistics(X)
        return centre, np.where(spread > 0, spread, 1.0)
    if scaling == "range":
        low, high = float(X.min()), float(X.max())
        return low, (high - low) or 1.0
    return 0.0, 1.0


def _strata(ys: Any) -> Any:
    """Classes keep their shares in the draw; values, nearly all different, have none to keep."""
    return ys if ys is not None and len(np.unique(ys)) <= 0.1 * len(ys) else None


def _told_first(told: NDArray[np.bool_], max_samples: int | None, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Draw target rows, the labelled ones before the others."""
    if max_samples is None or len(told) <= max_samples:
        return np.arange(len(told))
    labelled, rest = np.flatnonzero(told), np.flatnonzero(~told)
    labelled = labelled[subsample(len(labelled), max_samples, rng)]
    return np.sort(np.concatenate([labelled, rest[subsample(len(rest), max_samples - len(labelled), rng)]]))


def _from_labels(A: Any, ys: NDArray[Any], B: Any, yt: NDArray[Any]) -> NDArray[np.float64] | None:
    """First coupling of the columns: those whose means over the classes are alike."""
    import ot

    shared = sorted(set(ys.tolist()) & set(yt.tolist()))
    if len(shared) < 2:
        return None
    means = [np.stack([X[y == c].mean(axis=0) for c in shared]) for X, y in ((A, ys), (B, yt))]
    cost = ot.dist(means[0].T, means[1].T)
    even = [np.full(k, 1.0 / k) for k in cost.shape]
    return ot.emd(*even, cost, numItermax=1_000_000)
