"""KLIEP: estimate the density ratio as a mixture of Gaussian kernels, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.numerics.kernels import kernel, median_gamma, row_blocks, squared_distances

__all__ = ["KLIEP", "kliep_coefficients"]

# Widths of the kernel, as multiples of the median heuristic.
WIDTHS = (0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.3, 1.8, 2.5, 4.0)
# Target samples that the width is selected on; the coefficients are fitted on all of them.
CV_SAMPLES = 5_000
# Kernel values up to this size are kept between iterations; larger ones are recomputed in blocks.
KEEP_BYTES = 2**28

Blocks = Callable[[], Iterator[NDArray[np.float64]]]


def kliep_coefficients(
    target_kernel: NDArray[np.float64],
    source_mean: NDArray[np.float64],
    *,
    tol: float = 1e-6,
    max_iter: int = 100,
) -> NDArray[np.float64]:
    r"""Solve the convex programme of KLIEP, equation (7) of [1]_.

    .. math:: \max_{\alpha \ge 0} \frac{1}{n_t} \sum_j \log \sum_l \alpha_l \phi_l(z_j) \quad \text{s.t.} \quad
              \sum_l \alpha_l \bar\phi_l = 1, \qquad \bar\phi_l = \frac{1}{n_s} \sum_i \phi_l(x_i)

    In the shares :math:`a_l = \alpha_l \bar\phi_l` this is the likelihood of a mixture's proportions. It is solved by
    Newton steps under :math:`a \ge 0` with a line search, until the gap :math:`\max_l \partial_l - 1` (an upper bound
    on the log-likelihood still to be gained) is at most `tol`.

    Parameters
    ----------
    target_kernel : ndarray of shape (n_target, n_centers)
        :math:`\phi_l(z_j)`.
    source_mean : ndarray of shape (n_centers,)
        :math:`\bar\phi_l`, positive.
    tol : float, default=1e-6
        Tolerance of the gap, in mean log-likelihood.
    max_iter : int, default=100
        Maximum number of Newton steps; 5 to 20 are usual.

    Returns
    -------
    ndarray of shape (n_centers,)
        :math:`\alpha`.

    References
    ----------
    .. [1] M. Sugiyama, S. Nakajima, H. Kashima, P. von Bünau, M. Kawanabe. Direct importance estimation with model
       selection and its application to covariate shift adaptation. NIPS 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import kliep_coefficients
    >>> kliep_coefficients(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0.5, 0.5])).round(3).tolist()
    [1.333, 0.667]
    """
    return _proportions(lambda: iter([target_kernel / source_mean]), len(source_mean), tol, max_iter)[0] / source_mean


class KLIEP(InstanceTransfer):
    """KLIEP: reweight source samples by a density ratio fitted by maximum likelihood.

    The Kullback-Leibler importance estimation procedure.

    Parameters
    ----------
    estimator : estimator, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    gamma : float, default=None
        Coefficient of the Gaussian kernel. If None, selected by likelihood cross-validation on the target, among ten
        multiples of the median heuristic.
    n_centers : int, default=100
        Number of kernels, each centred on a target sample.
    cv : int, default=5
        Number of folds of the target that select `gamma`.
    tol : float, default=1e-6
        Stop if at most this much mean log-likelihood can be gained.
    max_iter : int, default=100
        Maximum number of Newton steps.
    random_state : int, RandomState instance or None, default=None
        Draws the centres and the folds.

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
    n_iter_ : int
        Number of Newton steps.
    cv_scores_ : dict of float to float
        Held-out mean log-ratio of each candidate `gamma`; empty if `gamma` is given.

    Notes
    -----
    Helps under covariate shift with few features and overlapping domains. With many features no width fits, and a few
    samples have most of the weight. Hurts if the labelling rule or the class shares differ. skada has no
    default of `gamma`, and 1,000 steps.

    Time O((n_s + n_t) b (d + k) + n_t b²) per step for b centres and k widths; memory O(n_s + n_t) beside the samples.

    References
    ----------
    .. [1] M. Sugiyama, S. Nakajima, H. Kashima, P. von Bünau, M. Kawanabe. Direct importance estimation with model
       selection and its application to covariate shift adaptation. NIPS 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import KLIEP
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(300, 1)), rng.normal(1.0, 0.5, size=(300, 1))
    >>> model = KLIEP(random_state=0).fit(X, (X[:, 0] > 1).astype(int), X_target=X_target)
    >>> bool(abs(np.average(X[:, 0], weights=model.source_weights_) - X_target.mean()) < 0.1)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        shifts=frozenset({"covariate"}),
        growth="time O((n_s + n_t) b d + n_t b²) for b centres, memory O(n_s + n_t)",
        reference="Sugiyama, Nakajima, Kashima, von Bünau, Kawanabe: Direct importance estimation with model selection "
        "and its application to covariate shift adaptation. NIPS 2007",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "n_centers": [Interval(Integral, 1, None, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: float | None = None,
        n_centers: int = 100,
        cv: int = 5,
        tol: float = 1e-6,
        max_iter: int = 100,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.n_centers = n_centers
        self.cv = cv
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        rng = check_random_state(self.random_state)
        centers = Xt[np.sort(rng.permutation(len(Xt))[: self.n_centers])]
        self.cv_scores_ = {}
        gammas = np.array([self.gamma], dtype=float)
        if self.gamma is None:
            gammas = median_gamma(Xs, Xt, random_state=rng) / np.square(WIDTHS)
        means = _source_means(Xs, centers, gammas)
        best = 0
        if self.gamma is None:
            scores = _held_out(Xt, centers, gammas, means, self.cv, rng)
            self.cv_scores_ = dict(zip(gammas.tolist(), scores, strict=True))
            best = int(np.argmax(scores))
        self.gamma_ = float(gammas[best])
        # a centre without a source sample near it has no effect on any weight
        near = means[best] > np.finfo(float).tiny
        if not near.any():
            self.centers_, self.coefficients_, self.n_iter_ = centers, np.zeros(len(centers)), 1
            return np.ones(len(Xs))
        self.centers_, mean = centers[near], means[best][near]
        blocks = _blocks(Xt, self.centers_, self.gamma_, mean)
        shares, self.n_iter_ = _proportions(blocks, len(mean), self.tol, self.max_iter)
        self.coefficients_ = shares / mean
        return _ratio(Xs, self.centers_, self.gamma_, self.coefficients_)


def _ratio(X: Any, centers: Any, gamma: float, coefficients: Any) -> NDArray[np.float64]:
    out = np.empty(len(X))
    for rows in row_blocks(len(X), len(centers)):
        out[rows] = kernel(X[rows], centers, gamma=gamma) @ coefficients
    return out


def _source_means(Xs: Any, centers: Any, gammas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the mean of every kernel over the source, for every width, in one pass over the samples."""
    total = np.zeros((len(gammas), len(centers)))
    for rows in row_blocks(len(Xs), len(centers)):
        D = squared_distances(Xs[rows], centers)
        for k, gamma in enumerate(gammas):
            total[k] += np.exp(-gamma * D).sum(axis=0)
    return total / len(Xs)


def _blocks(Xt: Any, centers: Any, gamma: float, mean: NDArray[np.float64]) -> Blocks:
    """Return blocks of the likelihood of target samples under each centre, stored if they are small."""
    if 8 * len(Xt) * len(centers) <= KEEP_BYTES:
        P = kernel(Xt, centers, gamma=gamma) / mean
        return lambda: iter([P])
    return lambda: (kernel(Xt[rows], centers, gamma=gamma) / mean for rows in row_blocks(len(Xt), len(centers)))


def _held_out(Xt: Any, centers: Any, gammas: Any, means: Any, cv: int, rng: Any) -> list[float]:
    """Compute the mean log-ratio of held-out target samples, for each width."""
    rows = rng.permutation(len(Xt))[:CV_SAMPLES]
    folds = np.arange(len(rows)) % max(min(cv, len(rows)), 1)
    D = squared_distances(Xt[rows], centers)
    scores = []
    for gamma, mean in zip(gammas, means, strict=True):
        near = mean > np.finfo(float).tiny
        if not near.any():
            scores.append(-np.inf)
            continue
        P = np.exp(-gamma * D[:, near]) / mean[near]
        logs = np.empty(len(rows))
        start = None
        for fold in range(folds.max() + 1):
            out = folds == fold
            train = P if out.all() else P[~out]
            # the optimum of one fold starts the next; four digits are enough to select a width
            start, _ = _proportions(lambda: iter([train]), P.shape[1], 1e-4, 50, start)  # noqa: B023
            logs[out] = np.log(np.maximum(P[out] @ start, np.finfo(float).tiny))
        scores.append(float(logs.mean()))
    return scores


def _proportions(
    blocks: Blocks, b: int, tol: float, max_iter: int, start: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], int]:
    """Compute the shares a >= 0, summing to one, that maximise the mean of log(P a); return them and the steps."""
    a = np.full(b, 1.0 / b) if start is None else 0.99 * start + 0.01 / b
    # Minimise -mean log(P a) + sum(a) over a >= 0: the sum is one at the optimum.
    value, g, H, n = _derivatives(blocks, a)
    if n == 0:
        return a, 1
    step = 1
    while step < max_iter and float(g.max()) - 1.0 > tol:
        step += 1
        new = _newton_point(H, g, a)
        d = new - a
        slope = float(d @ (1.0 - g))
        t = 1.0
        for _ in range(30):
            trial = a + t * d
            total = float(trial.sum())
            if total > 0:
                f, g_new, H_new, _ = _derivatives(blocks, trial)
                if f + total <= value + float(a.sum()) + 1e-4 * t * slope + 1e-14 * abs(value):
                    break
            t *= 0.5
        else:
            break
        # scaling back to the simplex never lowers the likelihood's objective
        a, value, g, H = trial / total, f + np.log(total), g_new * total, H_new * total**2
    return a / a.sum(), step


def _newton_point(H: NDArray[np.float64], g: NDArray[np.float64], a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the minimiser of the local quadratic over the non-negative orthant."""
    M = H + (1e-10 * np.trace(H) / len(H)) * np.eye(len(H))
    R = np.linalg.cholesky(M).T
    # 0.5 (y - a)' M (y - a) + (1 - g)'(y - a) as a least-squares problem in y
    return nnls(R, np.linalg.solve(R.T, M @ a + g - 1.0))[0]


def _derivatives(blocks: Blocks, a: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64], int]:
    """Compute -mean log(P a), the mean of P / (P a) and of its outer product; skip samples without any kernel."""
    value, g, H, n = 0.0, np.zeros(len(a)), np.zeros((len(a), len(a))), 0
    for P in blocks():
        q = P @ a
        seen = P.max(axis=1) > 0
        if not seen.all():
            P, q = P[seen], q[seen]
        if len(q) and q.min() <= 0.0:
            return np.inf, g, H, len(q)
        R = P / q[:, None]
        value -= float(np.log(q).sum())
        g += R.sum(axis=0)
        H += R.T @ R
        n += len(q)
    return value / max(n, 1), g / max(n, 1), H / max(n, 1), n
