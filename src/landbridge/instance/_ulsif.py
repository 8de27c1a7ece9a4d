"""uLSIF: fit the (relative) density ratio of target to source by least squares, in closed form."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.numerics.kernels import kernel, median_gamma, row_blocks, squared_distances

__all__ = ["ULSIF", "leave_one_out_scores", "ulsif_coefficients"]

# Widths tried, as multiples of the median heuristic's, and ridges.
WIDTHS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.3, 1.8, 2.5, 4.0)
RIDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Rows of each domain that width and ridge are chosen on; the coefficients always come from all of them.
CV_ROWS = 5_000


def ulsif_coefficients(
    H: NDArray[np.float64], h: NDArray[np.float64], reg: float, *, non_negative: bool = False
) -> NDArray[np.float64]:
    r"""Coefficients of the least-squares density ratio, equation (19) of [1]_.

    .. math:: \hat\theta = (\hat H + \lambda I)^{-1} \hat h

    Parameters
    ----------
    H : ndarray of shape (n_centers, n_centers)
        Mean outer product of the kernels over the denominator's rows.
    h : ndarray of shape (n_centers,)
        Mean of the kernels over the target.
    reg : float
        Ridge.
    non_negative : bool, default=False
        Round negative coefficients up to zero, as the paper does.

    Returns
    -------
    ndarray of shape (n_centers,)

    References
    ----------
    .. [1] T. Kanamori, S. Hido, M. Sugiyama. A least-squares approach to direct importance estimation. JMLR 10, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import ulsif_coefficients
    >>> ulsif_coefficients(np.diag([1.0, 3.0]), np.array([2.0, -1.0]), 1.0).round(6).tolist()
    [1.0, -0.25]
    """
    factor = linalg.cho_factor(H + reg * np.eye(len(H)))
    theta = linalg.cho_solve(factor, h)
    return np.maximum(theta, 0.0) if non_negative else theta


def leave_one_out_scores(
    Ps: NDArray[np.float64], Pt: NDArray[np.float64], regs: Any, *, alpha: float = 0.0, non_negative: bool = False
) -> NDArray[np.float64]:
    r"""Leave-one-out error of the least-squares density ratio, for several ridges, without refitting.

    The i-th source and the i-th target row are left out together; what that does to the coefficients is a change of
    rank two (one, for ``alpha=0``), see section 3.3 of [1]_. The error is, up to a constant, half the squared distance
    to the true ratio,

    .. math:: J = \tfrac{\alpha}{2} \overline{r(z)^2} + \tfrac{1 - \alpha}{2} \overline{r(x)^2} - \overline{r(z)}

    Parameters
    ----------
    Ps : ndarray of shape (n_source, n_centers)
        Kernels at the source rows.
    Pt : ndarray of shape (n_target, n_centers)
        Kernels at the target rows.
    regs : sequence of float
        Ridges.
    alpha : float, default=0.0
        Share of the target in the denominator.
    non_negative : bool, default=False
        Whether negative coefficients are rounded up to zero; negative ratios are in any case.

    Returns
    -------
    ndarray of shape (len(regs),)

    References
    ----------
    .. [1] T. Kanamori, S. Hido, M. Sugiyama. A least-squares approach to direct importance estimation. JMLR 10, 2009.
    """
    ns, nt = len(Ps), len(Pt)
    a, c = alpha / max(nt - 1, 1), (1.0 - alpha) / max(ns - 1, 1)
    S = c * (Ps.T @ Ps)
    if alpha > 0:
        S += a * (Pt.T @ Pt)
    h_sum = Pt.sum(axis=0)
    pairs = min(ns, nt)
    X, Z = Ps[:pairs], Pt[:pairs]
    scores = np.empty(len(regs))
    for k, reg in enumerate(regs):
        factor = linalg.cho_factor(S + reg * np.eye(len(S)))
        MX, MZ = linalg.cho_solve(factor, X.T).T, linalg.cho_solve(factor, Z.T).T
        # coefficients with the target row's share of h taken away, H still complete
        theta = (linalg.cho_solve(factor, h_sum) - MZ) / max(nt - 1, 1)
        xx, zz, zx = np.sum(X * MX, axis=1), np.sum(Z * MZ, axis=1), np.sum(Z * MX, axis=1)
        u, v = np.sum(Z * theta, axis=1), np.sum(X * theta, axis=1)
        # Woodbury's identity for M - a z z' - c x x': a system of two unknowns a pair
        det = (1.0 - a * zz) * (1.0 - c * xx) - a * c * zx**2
        det = np.maximum(det, 1e-12)
        s_z = a * ((1.0 - c * xx) * u + c * zx * v) / det
        s_x = c * ((1.0 - a * zz) * v + a * zx * u) / det
        theta = theta + s_z[:, None] * MZ + s_x[:, None] * MX
        if non_negative:
            theta = np.maximum(theta, 0.0)
        rx, rz = np.maximum(np.sum(X * theta, axis=1), 0.0), np.maximum(np.sum(Z * theta, axis=1), 0.0)
        scores[k] = float(np.mean(0.5 * alpha * rz**2 + 0.5 * (1.0 - alpha) * rx**2 - rz))
    return scores


class ULSIF(InstanceTransfer):
    r"""Weigh source rows by a density ratio fitted by least squares (uLSIF; with ``alpha > 0`` RuLSIF).

    Parameters
    ----------
    estimator : estimator, optional
        Fitted on the weighted source; anything that takes ``sample_weight``. Logistic regression if left out.
    alpha : float, default=0.0
        Share of the target in the denominator: the ratio fitted is
        :math:`p_T / (\alpha p_T + (1 - \alpha) p_S)`, which is never above :math:`1 / \alpha`. 0 is uLSIF; about 0.1
        tames the weights where the domains hardly overlap.
    gamma : float, optional
        Width of the Gaussian kernel; left out, chosen by leave-one-out cross-validation.
    reg : float, optional
        Ridge; left out, chosen likewise.
    n_centers : int, default=100
        Kernels, centred on as many target rows.
    non_negative : bool, default=False
        Round negative coefficients up to zero, as [1]_ does. By default only negative ratios are, as in [2]_: rounding
        the coefficients of many overlapping kernels spoils the fit, and forces a ridge that flattens the weights.
    random_state : int, RandomState instance or None, default=0
        Draws centres, and rows for cross-validation where there are many.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights, with mean one.
    estimator_ : estimator
        The fitted learner.
    centers_ : ndarray of shape (n_centers, n_features)
        Target rows the kernels sit on.
    coefficients_ : ndarray of shape (n_centers,)
        Their coefficients.
    gamma_, reg_ : float
        Width and ridge in use.

    Notes
    -----
    Helps under covariate shift with overlap; closed form, hence the fastest of the density ratios. In many columns no
    width suits. Hurts when the labelling rule or the class shares differ.

    Time O((n_s + n_t) b (d + b)) for b centres, memory O(n_s) beside the rows.

    References
    ----------
    .. [1] T. Kanamori, S. Hido, M. Sugiyama. A least-squares approach to direct importance estimation. JMLR 10, 2009.
    .. [2] M. Yamada, T. Suzuki, T. Kanamori, H. Hachiya, M. Sugiyama. Relative density-ratio estimation for robust
       distribution comparison. Neural Computation 25, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import ULSIF
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(300, 1)), rng.normal(1.0, 0.5, size=(300, 1))
    >>> model = ULSIF().fit(X, (X[:, 0] > 1).astype(int), X_target=X_target)
    >>> bool(abs(np.average(X[:, 0], weights=model.source_weights_) - X_target.mean()) < 0.1)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        shifts=frozenset({"covariate"}),
        growth="time O((n_s + n_t) b (d + b)) for b centres, memory O(n_s)",
        reference="Kanamori, Hido, Sugiyama: A least-squares approach to direct importance estimation. JMLR 10, 2009",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "alpha": [Interval(Real, 0, 1, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "reg": [Interval(Real, 0, None, closed="neither"), None],
        "n_centers": [Interval(Integral, 1, None, closed="left")],
        "non_negative": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        alpha: float = 0.0,
        gamma: float | None = None,
        reg: float | None = None,
        n_centers: int = 100,
        non_negative: bool = False,
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.gamma = gamma
        self.reg = reg
        self.n_centers = n_centers
        self.non_negative = non_negative
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        rng = check_random_state(self.random_state)
        self.centers_ = Xt[np.sort(rng.permutation(len(Xt))[: self.n_centers])]
        self.gamma_, self.reg_ = self._choose(Xs, Xt, rng)
        h, Ht = _moments(Xt, self.centers_, self.gamma_, second=self.alpha > 0)
        _, Hs = _moments(Xs, self.centers_, self.gamma_, second=True)
        H = (1.0 - self.alpha) * Hs + self.alpha * Ht
        self.coefficients_ = ulsif_coefficients(H, h, self.reg_, non_negative=self.non_negative)
        weights = np.empty(len(Xs))
        for rows in row_blocks(len(Xs), len(self.centers_)):
            weights[rows] = kernel(Xs[rows], self.centers_, gamma=self.gamma_) @ self.coefficients_
        return np.maximum(weights, 0.0)

    def _choose(self, Xs: Any, Xt: Any, rng: Any) -> tuple[float, float]:
        if self.gamma is not None and self.reg is not None:
            return float(self.gamma), float(self.reg)
        gammas = median_gamma(Xs, Xt, random_state=rng) / np.square(WIDTHS)
        gammas = gammas if self.gamma is None else np.array([float(self.gamma)])
        regs = RIDGES if self.reg is None else (float(self.reg),)
        # The pairs left out together are pairs by chance.
        Ds, Dt = (squared_distances(X[rng.permutation(len(X))[:CV_ROWS]], self.centers_) for X in (Xs, Xt))
        how: dict[str, Any] = {"alpha": self.alpha, "non_negative": self.non_negative}
        table = np.array([leave_one_out_scores(np.exp(-g * Ds), np.exp(-g * Dt), regs, **how) for g in gammas])
        i, j = np.unravel_index(int(np.argmin(table)), table.shape)
        return float(gammas[i]), float(regs[j])


def _moments(X: Any, centers: Any, gamma: float, *, second: bool) -> tuple[NDArray[np.float64], Any]:
    """Mean of the kernels and, if asked for, of their outer product."""
    mean, outer = np.zeros(len(centers)), np.zeros((len(centers),) * 2)
    for rows in row_blocks(len(X), len(centers)):
        P = kernel(X[rows], centers, gamma=gamma)
        mean += P.sum(axis=0)
        if second:
            outer += P.T @ P
    return mean / len(X), outer / len(X)
