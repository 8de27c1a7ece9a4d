"""Transfer subspace learning (TSL) with Bregman divergence regularisation."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.feature._kernel_feature import label_codes
from landbridge.numerics.covariance import covariance
from landbridge.numerics.geodesic import complete_basis, principal_basis
from landbridge.numerics.kernels import KernelOperator, median_gamma
from landbridge.numerics.resampling import subsample

__all__ = ["TransferSubspaceLearning", "divergence_gradient"]

# Bytes of one block of the kernel matrix.
BLOCK_BYTES = 2**20

Objective = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]


def divergence_gradient(
    W: NDArray[np.float64], Xs: NDArray[np.float64], Xt: NDArray[np.float64], gamma: float, *, dtype: Any = np.float64
) -> tuple[float, NDArray[np.float64]]:
    r"""Compute the quadratic divergence of the projected domains and its gradient, equations (10) to (14) of [1]_.

    .. math:: D(W) = \int (p_S - p_T)^2 \propto \sum_{ij} c_i c_j \exp(-\gamma \lVert W^\top (x_i - x_j) \rVert^2)

    with densities by Gaussian windows, :math:`c = 1/n_s` on the source and :math:`-1/n_t` on the target.

    Parameters
    ----------
    W : ndarray of shape (n_features, k)
        Projection.
    Xs : ndarray of shape (n_source, n_features)
    Xt : ndarray of shape (n_target, n_features)
    gamma : float
        Kernel coefficient, ``1 / (4 width²)`` for the width of the density windows.
    dtype : dtype, default=float64
        Of the kernel values; in float32 their exponential takes a third of the time. The sums are in float64.

    Returns
    -------
    value : float
    gradient : ndarray of shape (n_features, k)

    References
    ----------
    .. [1] S. Si, D. Tao, B. Geng. Bregman divergence-based regularization for transfer subspace learning. IEEE
       Transactions on Knowledge and Data Engineering 22, 2010.
    """
    X = np.concatenate([Xs, Xt])
    c = np.concatenate([np.full(len(Xs), 1.0 / len(Xs)), np.full(len(Xt), -1.0 / len(Xt))])
    Y = X @ W
    weighted = c[:, None] * np.column_stack([np.ones(len(Y)), Y])
    # Only the lower half of the symmetric kernel matrix G is computed, in blocks that stay in the cache.
    product = np.zeros_like(weighted)
    kernel = KernelOperator(Y, kernel="rbf", gamma=gamma)
    for rows, values in kernel.blocks(dtype, lower=True, block_bytes=BLOCK_BYTES):
        block = values.astype(np.float64, copy=False)
        product[rows] += block @ weighted[: rows.stop]
        product[: rows.start] += block[:, : rows.start].T @ weighted[rows]
    product *= c[:, None]
    sums, GY = product[:, 0], product[:, 1:]
    # Σ g_ij (x_i - x_j)(x_i - x_j)ᵀ = 2 Xᵀ (diag(sums) - G) X
    return float(sums.sum()), -4.0 * gamma * (X.T @ (sums[:, None] * Y - GY))


class TransferSubspaceLearning(FeatureTransfer):
    """Transfer subspace learning (TSL): a projection with separated classes and similar domain densities.

    A subspace objective of the source, Fisher's criterion or the variance, plus the quadratic Bregman divergence
    between the projected domains, is minimised over orthonormal projections by gradient descent. Defaults differ from
    `skada`: 20 components (there all), and the divergence is scaled to one at the start with `adaptation=10`.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; at most the number of features.
    objective : {"fisher", "pca"}, default="fisher"
        Scatter within classes relative to that between them, or the variance that the projection loses (needs no
        labels).
    adaptation : float, default=10.0
        Weight of the divergence, which is scaled to one at the start.
    max_iter : int, default=100
        Maximum number of steps.
    tol : float, default=1e-4
        Stops when ten steps lower the objective by less, relatively.
    gamma : float, default=None
        Kernel coefficient of the density windows. If None, the median heuristic in the initial projection.
    max_samples : int, default=500
        Maximum number of samples of each domain for the densities, drawn at random; the scatters use all samples.
    random_state : int, RandomState or None, default=None
        Draws the samples if there are more than `max_samples`.

    Attributes
    ----------
    components_ : ndarray of shape (n_features, n_components_)
        Orthonormal columns.
    objective_ : ndarray of shape (n_steps + 1,)
        Value at the start and after each step that lowered it.
    n_iter_ : int
        Number of steps, at least one.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps if some directions separate the classes in both domains and others only separate the domains. Hurts if the
    class proportions differ, because the densities then differ although P(x given y) does not. The problem is not
    convex: the result depends on the start, which is the principal subspace of the pooled domains. Standardise each
    domain first (:class:`~landbridge.feature.DomainScaler`).

    Time O(n d² + d³) once and O(m² k + (m + d) d k) per step for m drawn samples, memory O(d² + m²) beside the data.

    References
    ----------
    .. [1] S. Si, D. Tao, B. Geng. Bregman divergence-based regularization for transfer subspace learning. IEEE
       Transactions on Knowledge and Data Engineering 22, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import TransferSubspaceLearning
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> Xs = rng.normal(size=(100, 3)) + 4.0 * np.outer(y, [1.0, 1.0, 0.0])
    >>> Xt = rng.normal(size=(100, 3)) + 4.0 * np.outer(y, [0.0, 1.0, 0.0])
    >>> mapper = TransferSubspaceLearning(n_components=1, random_state=0).fit(Xs, y, X_target=Xt)
    >>> int(abs(mapper.components_[:, 0]).argmax())
    1
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
        growth="time O(n d² + d³) and O(m² k + d² k) per step, memory O(d² + m²); m drawn samples",
        reference="Si, Tao, Geng: Bregman divergence-based regularization for transfer subspace learning. TKDE 2010",
    )
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "objective": [StrOptions({"fisher", "pca"})],
        "adaptation": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
        objective: str = "fisher",
        adaptation: float = 10.0,
        max_iter: int = 100,
        tol: float = 1e-4,
        gamma: float | None = None,
        max_samples: int = 500,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.objective = objective
        self.adaptation = adaptation
        self.max_iter = max_iter
        self.tol = tol
        self.gamma = gamma
        self.max_samples = max_samples
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        if self.objective == "fisher":
            classes, source, known = label_codes(self, ys, yt, len(Xt))
            labelled = np.flatnonzero(known >= 0)
            X, codes = np.concatenate([Xs, Xt[labelled]]), np.concatenate([source, known[labelled]])
            objective = _fisher(X, codes, len(classes))
        else:
            objective = _lost_variance(Xs)
        ms, mt = (X[subsample(len(X), self.max_samples, rng)] for X in (Xs, Xt))
        k = min(self.n_components, Xs.shape[1])
        both = np.concatenate([ms, mt])
        W = complete_basis(principal_basis(both, k), np.eye(Xs.shape[1], k))
        gamma = median_gamma(both @ W, random_state=0) if self.gamma is None else float(self.gamma)
        unit = divergence_gradient(W, ms, mt, gamma, dtype=np.float32)[0]
        weight = self.adaptation / unit if unit > 1e-12 else 0.0

        def whole(W: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            (a, A), (b, B) = objective(W), divergence_gradient(W, ms, mt, gamma, dtype=np.float32)
            return a + weight * b, A + weight * B

        self.components_, self.objective_ = _descend(whole, W, self.max_iter, self.tol)
        self.n_iter_, self.n_components_ = max(len(self.objective_) - 1, 1), k

    def _map_source(self, X: Any) -> Any:
        return X @ self.components_

    def _map_target(self, X: Any) -> Any:
        return X @ self.components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.objective == "fisher"
        return tags


def _fisher(X: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int) -> Objective:
    """Return tr(Wᵀ S_W W) / tr(Wᵀ S_B W) and its gradient as a function of W."""
    counts = np.bincount(codes, minlength=n_classes).astype(float)
    means = np.stack([X[codes == c].mean(axis=0) for c in range(n_classes)]) - X.mean(axis=0)
    between = (means * (counts / len(X))[:, None]).T @ means
    within = covariance(X) * ((len(X) - 1) / len(X)) - between
    # Without scatter between classes the ratio is unbounded; this keeps it finite.
    floor = 1e-6 * float(np.trace(within) + np.trace(between)) + np.finfo(float).tiny

    def value(W: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        A, B = within @ W, between @ W
        w, b = float((W * A).sum()), float((W * B).sum()) + floor
        return w / b, 2.0 * (A / b - (w / b**2) * B)

    return value


def _lost_variance(X: NDArray[np.float64]) -> Objective:
    """Return the fraction of the source variance that the projection loses, and its gradient, as a function of W."""
    C = covariance(X)
    total = float(np.trace(C)) + np.finfo(float).tiny

    def value(W: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        A = C @ W
        return 1.0 - float((W * A).sum()) / total, -2.0 / total * A

    return value


def _descend(
    objective: Objective, W: NDArray[np.float64], max_iter: int, tol: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Run gradient descent over orthonormal columns, with Barzilai-Borwein steps and backtracking."""
    value, gradient = objective(W)
    values = [value]
    D = _tangent(W, gradient)
    step = 1.0 / max(float(np.linalg.norm(D)), np.finfo(float).tiny)
    for _ in range(max_iter):
        slope = float((D * D).sum())
        if not slope > 1e-16 * max(1.0, abs(value)):
            break
        # Longer steps do not change the retraction; the bound also keeps the step finite.
        step = min(step, 10.0 / np.sqrt(slope))
        while True:
            new = _orthonormal(W - step * D)
            new_value, new_gradient = objective(new)
            if new_value <= value - 1e-4 * step * slope or not step * np.sqrt(slope) >= 1e-10:
                break
            step *= 0.5
        if not new_value < value:
            break
        new_D = _tangent(new, new_gradient)
        moved, turned = new - W, new_D - D
        W, value, D = new, new_value, new_D
        values.append(value)
        curved = abs(float((moved * turned).sum()))
        step = float((moved**2).sum()) / curved if curved > 0 else 2.0 * step
        if len(values) > 10 and values[-11] - values[-1] <= tol * max(abs(values[-1]), np.finfo(float).tiny):
            break
    return W, np.array(values)


def _tangent(W: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    inner = W.T @ gradient
    return gradient - W @ (0.5 * (inner + inner.T))


def _orthonormal(W: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormalise the columns by QR, keeping their signs."""
    Q, R = np.linalg.qr(W)
    return Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
