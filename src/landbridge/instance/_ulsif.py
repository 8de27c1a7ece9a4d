"""uLSIF and RuLSIF: estimate the (relative) density ratio by least squares, in closed form."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.numerics.kernels import kernel, median_gamma, row_blocks, squared_distances

__all__ = ["ULSIF", "leave_one_out_scores", "ulsif_coefficients"]

# Candidate widths, as multiples of the median heuristic, and candidate penalties.
WIDTHS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.3, 1.8, 2.5, 4.0)
ALPHAS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Samples of each domain that width and penalty are selected on; the coefficients are fitted on all of them.
CV_SAMPLES = 5_000


def ulsif_coefficients(
    H: NDArray[np.float64], h: NDArray[np.float64], alpha: float, *, non_negative: bool = False
) -> NDArray[np.float64]:
    r"""Compute the coefficients of the least-squares density ratio, equation (19) of [1]_.

    .. math:: \hat\theta = (\hat H + \lambda I)^{-1} \hat h

    Parameters
    ----------
    H : ndarray of shape (n_centers, n_centers)
        Mean outer product of the kernels over the samples of the denominator.
    h : ndarray of shape (n_centers,)
        Mean of the kernels over the target.
    alpha : float
        Weight of the L2 penalty, :math:`\lambda`.
    non_negative : bool, default=False
        Whether to set negative coefficients to zero, as the paper does.

    Returns
    -------
    coefficients : ndarray of shape (n_centers,)
        Coefficients of the kernels.

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
    factor = linalg.cho_factor(H + alpha * np.eye(len(H)))
    theta = linalg.cho_solve(factor, h)
    return np.maximum(theta, 0.0) if non_negative else theta


def leave_one_out_scores(
    Ps: NDArray[np.float64],
    Pt: NDArray[np.float64],
    alphas: Any,
    *,
    mixture_weight: float = 0.0,
    non_negative: bool = False,
) -> NDArray[np.float64]:
    r"""Compute the leave-one-out error of the least-squares density ratio for several penalties, without refitting.

    The i-th source and the i-th target sample are excluded together, which is an update of rank two (one, for
    ``mixture_weight=0``), see section 3.3 of [1]_. The error is, up to a constant, half the squared distance to the
    true ratio,

    .. math:: J = \tfrac{\alpha}{2} \overline{r(z)^2} + \tfrac{1 - \alpha}{2} \overline{r(x)^2} - \overline{r(z)}

    Parameters
    ----------
    Ps : ndarray of shape (n_source, n_centers)
        Kernel values of the source samples.
    Pt : ndarray of shape (n_target, n_centers)
        Kernel values of the target samples.
    alphas : sequence of float
        Weights of the L2 penalty.
    mixture_weight : float, default=0.0
        Weight of the target in the denominator, :math:`\alpha`.
    non_negative : bool, default=False
        Whether to set negative coefficients to zero; negative ratios are in any case.

    Returns
    -------
    errors : ndarray of shape (len(alphas),)
        Leave-one-out error of each penalty.

    References
    ----------
    .. [1] T. Kanamori, S. Hido, M. Sugiyama. A least-squares approach to direct importance estimation. JMLR 10, 2009.
    """
    ns, nt = len(Ps), len(Pt)
    a, c = mixture_weight / max(nt - 1, 1), (1.0 - mixture_weight) / max(ns - 1, 1)
    S = c * (Ps.T @ Ps)
    if mixture_weight > 0:
        S += a * (Pt.T @ Pt)
    h_sum = Pt.sum(axis=0)
    pairs = min(ns, nt)
    X, Z = Ps[:pairs], Pt[:pairs]
    scores = np.empty(len(alphas))
    for k, alpha in enumerate(alphas):
        factor = linalg.cho_factor(S + alpha * np.eye(len(S)))
        MX, MZ = linalg.cho_solve(factor, X.T).T, linalg.cho_solve(factor, Z.T).T
        # coefficients without the target sample's part of h, with the complete H
        theta = (linalg.cho_solve(factor, h_sum) - MZ) / max(nt - 1, 1)
        xx, zz, zx = np.sum(X * MX, axis=1), np.sum(Z * MZ, axis=1), np.sum(Z * MX, axis=1)
        u, v = np.sum(Z * theta, axis=1), np.sum(X * theta, axis=1)
        # Woodbury's identity for M - a z z' - c x x': a system of two unknowns for each pair
        det = (1.0 - a * zz) * (1.0 - c * xx) - a * c * zx**2
        det = np.maximum(det, 1e-12)
        s_z = a * ((1.0 - c * xx) * u + c * zx * v) / det
        s_x = c * ((1.0 - a * zz) * v + a * zx * u) / det
        theta = theta + s_z[:, None] * MZ + s_x[:, None] * MX
        if non_negative:
            theta = np.maximum(theta, 0.0)
        rx, rz = np.maximum(np.sum(X * theta, axis=1), 0.0), np.maximum(np.sum(Z * theta, axis=1), 0.0)
        scores[k] = float(np.mean(0.5 * mixture_weight * rz**2 + 0.5 * (1.0 - mixture_weight) * rx**2 - rz))
    return scores


class ULSIF(InstanceTransfer):
    r"""Least-squares importance fitting (uLSIF, RuLSIF): reweight source samples by a density ratio.

    Parameters
    ----------
    estimator : estimator, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    mixture_weight : float, default=0.0
        Weight :math:`\alpha` of the target in the denominator of the ratio
        :math:`p_T / (\alpha p_T + (1 - \alpha) p_S)`, which is at most :math:`1 / \alpha`. 0 is uLSIF, a positive value
        is RuLSIF; about 0.1 bounds the weights if the domains hardly overlap.
    gamma : float, default=None
        Coefficient of the Gaussian kernel. If None, selected by leave-one-out cross-validation.
    alpha : float, default=None
        Weight of the L2 penalty. If None, selected by leave-one-out cross-validation.
    n_centers : int, default=100
        Number of kernels, each centred on a target sample.
    non_negative : bool, default=False
        Whether to set negative coefficients to zero, as in [1]_. By default only negative ratios are, as in [2]_:
        truncating the coefficients of many overlapping kernels degrades the fit, and requires a penalty that flattens
        the weights.
    random_state : int, RandomState instance or None, default=None
        Draws the centres, and a subset of the samples for cross-validation if there are many.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : estimator
        Fitted base learner.
    centers_ : ndarray of shape (n_centers, n_features)
        Centres of the kernels.
    coefficients_ : ndarray of shape (n_centers,)
        Coefficients of the kernels.
    gamma_ : float
        Kernel coefficient used.
    alpha_ : float
        Weight of the L2 penalty used.

    Notes
    -----
    Helps under covariate shift if the domains overlap; closed form, hence the fastest of the density ratios. With many
    features no width fits. Hurts if the labelling rule or the class shares differ.

    Time O((n_s + n_t) b (d + b)) for b centres, memory O(n_s) beside the samples.

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
    >>> model = ULSIF(random_state=0).fit(X, (X[:, 0] > 1).astype(int), X_target=X_target)
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
        "mixture_weight": [Interval(Real, 0, 1, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [Interval(Real, 0, None, closed="neither"), None],
        "n_centers": [Interval(Integral, 1, None, closed="left")],
        "non_negative": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        mixture_weight: float = 0.0,
        gamma: float | None = None,
        alpha: float | None = None,
        n_centers: int = 100,
        non_negative: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.mixture_weight = mixture_weight
        self.gamma = gamma
        self.alpha = alpha
        self.n_centers = n_centers
        self.non_negative = non_negative
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        rng = check_random_state(self.random_state)
        self.centers_ = Xt[np.sort(rng.permutation(len(Xt))[: self.n_centers])]
        self.gamma_, self.alpha_ = self._choose(Xs, Xt, rng)
        h, Ht = _moments(Xt, self.centers_, self.gamma_, second=self.mixture_weight > 0)
        _, Hs = _moments(Xs, self.centers_, self.gamma_, second=True)
        H = (1.0 - self.mixture_weight) * Hs + self.mixture_weight * Ht
        self.coefficients_ = ulsif_coefficients(H, h, self.alpha_, non_negative=self.non_negative)
        weights = np.empty(len(Xs))
        for rows in row_blocks(len(Xs), len(self.centers_)):
            weights[rows] = kernel(Xs[rows], self.centers_, gamma=self.gamma_) @ self.coefficients_
        return np.maximum(weights, 0.0)

    def _choose(self, Xs: Any, Xt: Any, rng: Any) -> tuple[float, float]:
        if self.gamma is not None and self.alpha is not None:
            return float(self.gamma), float(self.alpha)
        gammas = median_gamma(Xs, Xt, random_state=rng) / np.square(WIDTHS)
        gammas = gammas if self.gamma is None else np.array([float(self.gamma)])
        alphas = ALPHAS if self.alpha is None else (float(self.alpha),)
        # The pairs that are excluded together are random.
        Ds, Dt = (squared_distances(X[rng.permutation(len(X))[:CV_SAMPLES]], self.centers_) for X in (Xs, Xt))
        how: dict[str, Any] = {"mixture_weight": self.mixture_weight, "non_negative": self.non_negative}
        table = np.array([leave_one_out_scores(np.exp(-g * Ds), np.exp(-g * Dt), alphas, **how) for g in gammas])
        i, j = np.unravel_index(int(np.argmin(table)), table.shape)
        return float(gammas[i]), float(alphas[j])


def _moments(X: Any, centers: Any, gamma: float, *, second: bool) -> tuple[NDArray[np.float64], Any]:
    """Compute the mean of the kernels and, if `second`, of their outer product."""
    mean, outer = np.zeros(len(centers)), np.zeros((len(centers),) * 2)
    for rows in row_blocks(len(X), len(centers)):
        P = kernel(X[rows], centers, gamma=gamma)
        mean += P.sum(axis=0)
        if second:
            outer += P.T @ P
    return mean / len(X), outer / len(X)
