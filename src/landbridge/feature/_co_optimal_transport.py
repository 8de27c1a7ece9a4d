"""CO-Optimal transport (COOT): match samples and features of two domains that have different features."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.domain import missing_labels
from landbridge.feature._domain_scaler import feature_statistics
from landbridge.feature._ot_mapping import barycentric_map, transport_plan
from landbridge.feature._task import TASK_CONSTRAINT, TaskParameter
from landbridge.numerics.resampling import subsample

__all__ = ["CoOptimalTransport", "co_optimal_couplings"]


def co_optimal_couplings(
    A: NDArray[np.float64],
    B: NDArray[np.float64],
    *,
    reg_e: float = 0.0,
    reg_e_features: float = 0.0,
    mismatch: NDArray[np.float64] | None = None,
    start: NDArray[np.float64] | None = None,
    max_iter: int = 20,
    tol: float = 1e-4,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[float]]:
    r"""Compute couplings of the samples and of the features of two matrices, problem (2) of [1]_.

    .. math:: \min_{\pi^s, \pi^v} \sum_{ijkl} (A_{ik} - B_{jl})^2 \pi^s_{ij} \pi^v_{kl}
        + r_s \mathrm{KL}(\pi^s) + r_v \mathrm{KL}(\pi^v)

    over couplings of the samples, :math:`\pi^s`, and of the features, :math:`\pi^v`, with uniform masses. Two transport
    problems are solved in alternation (algorithm 1), exactly if the entropic penalty is zero.

    Parameters
    ----------
    A : ndarray of shape (n_source, p)
    B : ndarray of shape (n_target, q)
    reg_e, reg_e_features : float, default=0.0
        Weight of the entropic penalty of the sample coupling and of the feature coupling, in units of squared entries.
    mismatch : ndarray of shape (n_source, n_target), default=None
        1 for pairs of samples with different labels, whose cost exceeds every other cost.
    start : ndarray of shape (p, q), default=None
        Initial coupling of the features. If None, uniform.
    max_iter : int, default=20
        Maximum number of alternations.
    tol : float, default=1e-4
        Stops when an alternation changes the cost by less, relatively.

    Returns
    -------
    samples : ndarray of shape (n_source, n_target)
    features : ndarray of shape (p, q)
    costs : list of float
        Cost after each alternation.

    References
    ----------
    .. [1] I. Redko, T. Vayer, R. Flamary, N. Courty. CO-Optimal Transport. NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import co_optimal_couplings
    >>> A = np.array([[0.0, 1.0, 5.0], [3.0, 2.0, 4.0], [9.0, 0.0, 0.0]])
    >>> samples, features, costs = co_optimal_couplings(A, A[[2, 0, 1]][:, [1, 2, 0]])
    >>> samples.argmax(axis=1).tolist(), features.argmax(axis=1).tolist(), round(costs[-1], 6)
    ([1, 2, 0], [2, 0, 1], 0.0)
    """
    uniform = [np.full(k, 1.0 / k) for k in (*A.shape, *B.shape)]
    features = np.outer(uniform[1], uniform[3]) if start is None else start
    samples, costs = np.outer(uniform[0], uniform[2]), [np.inf]
    # the squared terms of either cost do not depend on the other coupling
    sample_squares = (A**2).mean(axis=1)[:, None] + (B**2).mean(axis=1)
    if mismatch is not None:
        # (a - b)² is at most 2 (a² + b²): no other cost exceeds this, so mismatched samples are coupled last
        sample_squares = sample_squares + 2.0 * sample_squares.max() * mismatch
    feature_squares = (A**2).mean(axis=0)[:, None] + (B**2).mean(axis=0)
    for _ in range(max_iter):
        samples = _coupling(sample_squares - 2.0 * (A @ features) @ B.T, uniform[0], uniform[2], reg_e)
        cost = feature_squares - 2.0 * (A.T @ samples) @ B
        features = _coupling(cost, uniform[1], uniform[3], reg_e_features)
        costs.append(float(np.sum(cost * features)))
        if abs(costs[-2] - costs[-1]) <= tol * abs(costs[-1]):
            break
    return samples, features, costs[1:]


class CoOptimalTransport(TaskParameter, FeatureTransfer):
    """CO-Optimal transport (COOT) between domains with different features.

    Source samples are coupled with target samples and source features with target features, in alternation, so that
    coupled entries are similar. The couplings then map each source sample to the target features; target samples stay
    unchanged. `skada` has no COOT.

    Parameters
    ----------
    reg_e : float, default=0.0
        Weight of the entropic penalty of the sample coupling; 0 is exact transport. The scaled entries have mean
        square one.
    reg_e_features : float, default=0.0
        Weight of the entropic penalty of the feature coupling. A positive value takes about 200 passes per iteration.
    carry : {"features", "samples"}, default="features"
        Coupling that maps a source sample. "features": each target feature is the mean of the source features coupled
        with it. "samples": the sample moves to the mean of the target samples coupled with it.
    scaling : {"standard", "range", None}, default="standard"
        Scaling of each domain before the comparison. "standard": mean zero and variance one per feature. "range": all
        entries to [0, 1], for non-negative entries such as pixels and counts. If None, no scaling.
    max_samples : int or None, default=500
        Maximum number of samples of each domain in the coupling, drawn at random (labelled target samples first). Other
        source samples move like the nearest one in the coupling. If None, all samples.
    max_iter : int, default=20
        Maximum number of alternations.
    task : {"classification", "regression"} or None, default=None
        Whether labels are classes or values. Labelled target samples guide the coupling for classes only. If None,
        inferred from `y`.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    sample_coupling_ : ndarray of shape (n_kept_source, n_kept_target)
        Sums to one.
    feature_coupling_ : ndarray of shape (n_source_features, n_target_features)
        Sums to one.
    source_samples_ : ndarray of shape (n_kept_source, n_source_features)
        Source samples in the coupling.
    carried_samples_ : ndarray of shape (n_kept_source, n_target_features)
        Their images.
    cost_ : float
        Cost of the couplings; zero for two copies of the same matrix.
    n_iter_ : int
        Number of alternations.

    Notes
    -----
    Needs neither labels nor pairs. Helps if the target features correspond to some of the source features and the
    correspondence is unknown: features renamed, reordered or dropped. Without labels, groups of samples and features
    with similar distributions may be swapped. A few labelled target samples of each class prevent this: they are
    coupled within their class, and the features with them. Hurts if features have no counterpart, if the class
    proportions differ, as in every balanced transport, and if a feature is the negative of its counterpart.

    Features are matched even if source and target have the same features.

    Time O(r (m² (d_s + d_t) + m d_s d_t)) plus the transport problems of r iterations, about O(m³) and O(d³) each if
    exact, O(m² + d²) per solver iteration if entropic; memory O(m² + d_s d_t); ``m = min(n, max_samples)``. Linear in
    the number of samples beyond `max_samples`.

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
    >>> mapper.feature_coupling_.argmax(axis=0).tolist()
    [2, 0, 3]
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"subspace"}),
        requires=("ot",),
        growth="per iteration: time O(m² d + m d²) and two transport problems, memory O(m² + d²); m <= max_samples",
        reference="Redko, Vayer, Flamary, Courty: CO-Optimal Transport. NeurIPS 2020",
        heterogeneous=True,
    )
    preserves_columns = True
    own_scaling = True
    _parameter_constraints = {
        "reg_e": [Interval(Real, 0, None, closed="left")],
        "reg_e_features": [Interval(Real, 0, None, closed="left")],
        "carry": [StrOptions({"samples", "features"})],
        "scaling": [StrOptions({"standard", "range"}), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "task": TASK_CONSTRAINT,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        reg_e: float = 0.0,
        *,
        reg_e_features: float = 0.0,
        carry: str = "features",
        scaling: str | None = "standard",
        max_samples: int | None = 500,
        max_iter: int = 20,
        task: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.reg_e = reg_e
        self.reg_e_features = reg_e_features
        self.carry = carry
        self.scaling = scaling
        self.max_samples = max_samples
        self.max_iter = max_iter
        self.task = task
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        classes = ys is not None and self._task(ys) == "classification"
        labelled = ~missing_labels(yt) if classes and yt is not None else np.zeros(len(Xt), dtype=bool)
        strata = ys if classes and len(np.unique(ys)) <= 0.1 * len(ys) else None
        drawn = subsample(len(Xs), self.max_samples, rng, strata=strata)
        met = _draw_labelled_first(labelled, self.max_samples, rng)
        self.source_centre_, self.source_spread_ = _scales(Xs, self.scaling)
        self.target_centre_, self.target_spread_ = _scales(Xt, self.scaling)
        self._same = Xs.shape == Xt.shape and np.array_equal(Xs, Xt)
        if self._same:  # identical domains: the entropic penalty would only blur them
            self.sample_coupling_, self.feature_coupling_ = (np.eye(k) / k for k in (len(drawn), Xs.shape[1]))
            self.source_samples_ = self.carried_samples_ = Xs[drawn]
            self.cost_, self.n_iter_ = 0.0, 1
            return
        A, B = self._scaled_source(Xs[drawn]), (Xt[met] - self.target_centre_) / self.target_spread_
        unit = float(np.mean(A**2) + np.mean(B**2)) / 2.0 or 1.0
        mismatch = start = None
        if labelled[met].any():
            labels = [yt[j] for j in met[labelled[met]].tolist()]
            mismatch = np.zeros((len(A), len(B)))
            mismatch[:, labelled[met]] = np.asarray(ys)[drawn][:, None] != np.array(labels)
            start = _from_labels(A, np.asarray(ys)[drawn], B[labelled[met]], np.array(labels))
        self.sample_coupling_, self.feature_coupling_, costs = co_optimal_couplings(
            A,
            B,
            reg_e=self.reg_e * unit,
            reg_e_features=self.reg_e_features * unit,
            mismatch=mismatch,
            start=start,
            max_iter=self.max_iter,
        )
        self.cost_, self.n_iter_ = costs[-1] / unit, len(costs)
        self.source_samples_ = Xs[drawn]
        self.carried_samples_ = barycentric_map(self.sample_coupling_, Xt[met])

    def _scaled_source(self, X: Any) -> Any:
        return (X - self.source_centre_) / self.source_spread_

    def _map_source(self, X: Any) -> Any:
        if self._same:
            return X.copy()
        if self.carry == "samples":
            return self.carried_samples_[pairwise_distances_argmin(X, self.source_samples_)]
        carried = barycentric_map(self.feature_coupling_.T, self._scaled_source(X).T).T
        return carried * self.target_spread_ + self.target_centre_

    def _map_target(self, X: Any) -> Any:
        return X.copy()


def _coupling(cost: Any, a: NDArray[np.float64], b: NDArray[np.float64], reg_e: float) -> NDArray[np.float64]:
    if reg_e == 0.0:
        return transport_plan(cost, a, b, solver="emd", max_iter=1000)[0]
    # A constant does not change the plan; non-negative costs let the entropic solver choose its logarithmic form.
    return transport_plan(cost - cost.min(), a, b, solver="sinkhorn", reg_e=reg_e, max_iter=200)[0]


def _scales(X: NDArray[np.float64], scaling: str | None) -> tuple[Any, Any]:
    if scaling == "standard":
        centre, spread = feature_statistics(X)
        return centre, np.where(spread > 0, spread, 1.0)
    if scaling == "range":
        low, high = float(X.min()), float(X.max())
        return low, (high - low) or 1.0
    return 0.0, 1.0


def _draw_labelled_first(
    labelled: NDArray[np.bool_], max_samples: int | None, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """Draw target samples, labelled ones first."""
    if max_samples is None or len(labelled) <= max_samples:
        return np.arange(len(labelled))
    known, rest = np.flatnonzero(labelled), np.flatnonzero(~labelled)
    known = known[subsample(len(known), max_samples, rng)]
    return np.sort(np.concatenate([known, rest[subsample(len(rest), max_samples - len(known), rng)]]))


def _from_labels(A: Any, ys: NDArray[Any], B: Any, yt: NDArray[Any]) -> NDArray[np.float64] | None:
    """Couple features with similar class means, as initial coupling."""
    import ot

    shared = sorted(set(ys.tolist()) & set(yt.tolist()))
    if len(shared) < 2:
        return None
    means = [np.stack([X[y == c].mean(axis=0) for c in shared]) for X, y in ((A, ys), (B, yt))]
    cost = ot.dist(means[0].T, means[1].T)
    uniform = [np.full(k, 1.0 / k) for k in cost.shape]
    return ot.emd(*uniform, cost, numItermax=1_000_000)
