"""Transfer subspace learning: an orthonormal projection that serves a task and hides which domain a row came from."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.feature._kernel_feature import label_codes
from landbridge.numerics.covariance import covariance
from landbridge.numerics.geodesic import complete_basis, principal_basis
from landbridge.numerics.kernels import median_gamma, squared_distances
from landbridge.numerics.resampling import subsample

__all__ = ["TransferSubspaceLearning", "divergence_gradient"]

Objective = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]


def divergence_gradient(
    W: NDArray[np.float64], Xs: NDArray[np.float64], Xt: NDArray[np.float64], gamma: float
) -> tuple[float, NDArray[np.float64]]:
    r"""Quadratic divergence of the projected domains and its gradient, equations (10) to (14) of [1]_.

    .. math:: D(W) = \int (p_S - p_T)^2 \propto \sum_{ij} c_i c_j \exp(-\gamma \lVert W^\top (x_i - x_j) \rVert^2)

    with densities by Gaussian windows, :math:`c = 1/n_s` on the source and :math:`-1/n_t` on the target.

    Parameters
    ----------
    W : ndarray of shape (n_features, k)
        Projection.
    Xs : ndarray of shape (n_source, n_features)
    Xt : ndarray of shape (n_target, n_features)
    gamma : float
        Of the windows' overlap: ``1 / (4 width²)``.

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
    G = squared_distances(Y, Y)
    G *= -gamma
    np.exp(G, out=G)
    G *= c[:, None]
    G *= c[None, :]
    sums = G.sum(axis=1)
    # Σ g_ij (x_i - x_j)(x_i - x_j)ᵀ = 2 Xᵀ (diag(sums) - G) X
    return float(sums.sum()), -4.0 * gamma * (X.T @ (sums[:, None] * Y - G @ Y))


class TransferSubspaceLearning(FeatureTransfer):
    """Find a projection that separates the classes and in which both domains have the same density.

    A subspace objective of the source, Fisher's criterion or the variance, plus the quadratic Bregman divergence
    between the projected domains, is minimised over orthonormal projections by gradient descent.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer where there are fewer columns.
    objective : {"fisher", "pca"}, default="fisher"
        Scatter within classes relative to that between them, or the variance that is lost (needs no labels).
    adaptation : float, default=10.0
        Weight of the divergence, which is scaled to one at the start.
    max_iter : int, default=100
        Most steps.
    tol : float, default=1e-4
        Stops once ten steps lower the objective by less, relative to its size.
    gamma : float, optional
        Of the density windows; left out, the median heuristic in the first projection.
    max_samples : int, default=500
        Rows of each domain from which the densities are estimated; the scatters use all rows.
    random_state : int, RandomState or None, default=None
        Draws these rows.

    Attributes
    ----------
    components_ : ndarray of shape (n_features, n_components_)
        Orthonormal columns.
    objective_ : ndarray of shape (n_steps + 1,)
        Value at the start and after each step that lowered it.
    n_iter_ : int
        Steps done, at least one.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps when some directions separate the classes in both domains and others only tell the domains apart. Hurts when
    class proportions differ, because the densities then differ for a good reason. The problem is not convex: the result
    depends on the start, which is the principal subspace of both domains together. Scale each domain's columns before
    (:class:`~landbridge.feature.DomainScaler`).

    Time O(n d² + d³) once and O(m² k + (m + d) d k) a step for m sampled rows, memory O(d² + m²) beside the rows.

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
        growth="time O(n d² + d³) and O(m² k + d² k) a step, memory O(d² + m²); m sampled rows",
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
            told = np.flatnonzero(known >= 0)
            task = _fisher(np.concatenate([Xs, Xt[told]]), np.concatenate([source, known[told]]), len(classes))
        else:
            task = _lost_variance(Xs)
        ms, mt = (X[subsample(len(X), self.max_samples, rng)] for X in (Xs, Xt))
        k = min(self.n_components, Xs.shape[1])
        both = np.concatenate([ms, mt])
        W = complete_basis(principal_basis(both, k), np.eye(Xs.shape[1], k))
        gamma = median_gamma(both @ W) if self.gamma is None else float(self.gamma)
        unit = divergence_gradient(W, ms, mt, gamma)[0]
        weight = self.adaptation / unit if unit > 1e-12 else 0.0

        def whole(W: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            (a, A), (b, B) = task(W), divergence_gradient(W, ms, mt, gamma)
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
    """tr(Wᵀ S_W W) / tr(Wᵀ S_B W) and its gradient."""
    counts = np.bincount(codes, minlength=n_classes).astype(float)
    means = np.stack([X[codes == c].mean(axis=0) for c in range(n_classes)]) - X.mean(axis=0)
    between = (means * (counts / len(X))[:, None]).T @ means
    within = covariance(X) * ((len(X) - 1) / len(X)) - between
    # Without any scatter between classes the ratio has no bound; this keeps it finite.
    floor = 1e-6 * float(np.trace(within) + np.trace(between)) + np.finfo(float).tiny

    def value(W: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        A, B = within @ W, between @ W
        w, b = float((W * A).sum()), float((W * B).sum()) + floor
        return w / b, 2.0 * (A / b - (w / b**2) * B)

    return value


def _lost_variance(X: NDArray[np.float64]) -> Objective:
    """Share of the source's variance that the projection loses, and its gradient."""
    C = covariance(X)
    total = float(np.trace(C)) + np.finfo(float).tiny

    def value(W: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        A = C @ W
        return 1.0 - float((W * A).sum()) / total, -2.0 / total * A

    return value


def _descend(
    objective: Objective, W: NDArray[np.float64], max_iter: int, tol: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradient descent over orthonormal columns, with Barzilai-Borwein steps, halved until the value falls."""
    value, gradient = objective(W)
    values = [value]
    D = _tangent(W, gradient)
    step = 1.0 / max(float(np.linalg.norm(D)), np.finfo(float).tiny)
    for _ in range(max_iter):
        slope = float((D * D).sum())
        if not slope > 1e-16 * max(1.0, abs(value)):
            break
        # Beyond a few lengths of W the retraction turns no further; the bound also keeps the step finite.
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
    """Nearest orthonormal columns by QR, with signs that keep the columns' direction."""
    Q, R = np.linalg.qr(W)
    return Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
