"""KMM: kernel mean matching of the weighted source and the target."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.numerics.boxqp import BoxQP, box_qp
from landbridge.numerics.kernels import KernelOperator, median_gamma
from landbridge.numerics.nystroem import NystroemMap, landmark_rows

__all__ = ["KMM", "KMMWeights", "kmm_weights"]

# Above this number of source samples the kernel matrix is replaced by Nystroem features by default.
EXACT_SAMPLES = 10_000
# Landmarks of the approximation, and of the preconditioner of the exact kernel matrix.
LANDMARKS, PRECONDITIONER = 200, 250
# Matrices above this size are stored in single precision.
DOUBLE_BYTES = 2**28


class KMMWeights(NamedTuple):
    """Result of :func:`kmm_weights`.

    Parameters
    ----------
    weights : ndarray of shape (n_source,)
        Weights of the source samples.
    objective : float
        Value of the quadratic programme.
    gap : float
        Certified bound on the distance of the objective from the optimum.
    n_iter : int
        Number of steps of the solver.
    """

    weights: NDArray[np.float64]
    objective: float
    gap: float
    n_iter: int


def kmm_weights(
    Xs: NDArray[np.float64],
    Xt: NDArray[np.float64],
    *,
    kernel: str = "rbf",
    gamma: float | None = None,
    max_weight: float = 1000.0,
    eps: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 100,
    n_landmarks: int | None = None,
    random_state: Any = None,
) -> KMMWeights:
    r"""Solve the quadratic programme of kernel mean matching, equation (5) of [1]_.

    .. math:: \min_\beta \tfrac12 \beta^\top K \beta - \kappa^\top \beta \quad \text{s.t.} \quad
              0 \le \beta_i \le B, \; \bigl|\textstyle\sum_i \beta_i - n_s\bigr| \le n_s \epsilon,
              \qquad \kappa_i = \frac{n_s}{n_t} \sum_j k(x_i, z_j)

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    kernel : {"rbf", "linear", "poly"}, default="rbf"
        Kernel of the feature space.
    gamma : float, default=None
        Kernel coefficient. If None, the median heuristic over both domains for "rbf", ``1 / n_features`` for "poly".
    max_weight : float, default=1000
        Upper bound of the weights, ``B``.
    eps : float, default=None
        Largest distance of the mean weight from one. If None, :math:`(\sqrt{n_s} - 1)/\sqrt{n_s}`.
    tol : float, default=1e-6
        Stop if the duality gap is below ``tol * |objective|``.
    max_iter : int, default=100
        Maximum number of steps of the solver.
    n_landmarks : int, default=None
        Number of landmarks of the Nystroem approximation of the kernel matrix. If None, the exact matrix up to 10,000
        source samples, 200 landmarks above.
    random_state : int, RandomState instance or None, default=None
        Draws the landmarks.

    Returns
    -------
    result : KMMWeights
        The weights, the objective, its certified gap (both for the kernel used) and the number of steps.

    References
    ----------
    .. [1] J. Huang, A. J. Smola, A. Gretton, K. M. Borgwardt, B. Schölkopf. Correcting sample selection bias by
       unlabeled data. NIPS 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import kmm_weights
    >>> Xs = np.array([[0.0], [0.1], [5.0]])
    >>> kmm_weights(Xs, np.array([[0.05]]), gamma=1.0, random_state=0).weights.round(1).tolist()
    [1.5, 1.5, 0.0]
    """
    rng = check_random_state(random_state)
    ns, nt = len(Xs), len(Xt)
    if eps is None:
        eps = (np.sqrt(ns) - 1.0) / np.sqrt(ns)
    band = (max_weight, ns * max(1.0 - eps, 0.0), ns * (1.0 + eps))
    if kernel == "linear":
        # X is a factor of the kernel matrix: exact for any number of samples
        c = -(ns / nt) * (Xs @ Xt.sum(axis=0))
        return _weights(box_qp(c, *band, factor=Xs, diagonal=np.zeros(ns), tol=tol, max_iter=max_iter))
    if kernel == "rbf":
        Xs, Xt = _centred(Xs, Xt)
        gamma = median_gamma(Xs, Xt, random_state=rng) if gamma is None else float(gamma)
    else:
        gamma = 1.0 / Xs.shape[1] if gamma is None else float(gamma)
    how: dict[str, Any] = {"kernel": kernel, "gamma": gamma}
    if n_landmarks is None and ns <= EXACT_SAMPLES:
        return _weights(_exact(Xs, Xt, how, band, tol, max_iter))
    n_landmarks = min(LANDMARKS if n_landmarks is None else n_landmarks, ns)
    return _weights(_approximate(Xs, Xt, how, band, tol, max_iter, n_landmarks, rng))


class KMM(InstanceTransfer):
    """Kernel mean matching: reweight source samples so that their kernel mean matches that of the target.

    Parameters
    ----------
    estimator : estimator, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    kernel : {"rbf", "linear", "poly"}, default="rbf"
        Kernel of the feature space; a Gaussian kernel matches the distributions, a linear one their means only.
    gamma : float, default=None
        Kernel coefficient. If None, the median heuristic over both domains, ``1 / (2 median ||x - z||²)``, for
        "rbf", and ``1 / n_features`` for "poly". skada always takes the latter.
    max_weight : float, default=1000
        Upper bound of the weights, ``B`` in the paper. Small values reduce the variance and add bias.
    eps : float, default=None
        Largest distance of the mean weight from one. If None, ``(sqrt(n_source) - 1) / sqrt(n_source)``.
    tol : float, default=1e-6
        Stop if the duality gap is below ``tol * |objective|``.
    max_iter : int, default=100
        Maximum number of steps of the solver; 10 to 25 are usual.
    n_landmarks : int, default=None
        Number of landmarks of the Nystroem approximation of the kernel matrix. If None, the exact matrix up to 10,000
        source samples, 200 landmarks above.
    random_state : int, RandomState instance or None, default=None
        Draws the landmarks of the approximation, and the samples of the median heuristic if there are many.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : estimator
        Fitted base learner.
    objective_ : float
        Value of the quadratic programme.
    duality_gap_ : float
        Certified bound on the distance of `objective_` from the optimum.
    n_iter_ : int
        Number of steps of the solver.

    Notes
    -----
    Helps under covariate shift if the domains overlap. It estimates no density, which is an advantage over density
    ratios with many features. Hurts if the labelling rule or the class shares differ, and adds noise without shift.

    Time O(n_s n_t d + p n_s²) with about a hundred products p, memory n_s²/2 numbers in single precision up to 10,000
    source samples; above, O((n_s + n_t) m d + n_s m²) per step and O(n_s m) for m landmarks. The linear kernel is exact
    and linear in the number of samples.

    References
    ----------
    .. [1] J. Huang, A. J. Smola, A. Gretton, K. M. Borgwardt, B. Schölkopf. Correcting sample selection bias by
       unlabeled data. NIPS 2006.
    .. [2] A. Gretton, A. Smola, J. Huang, M. Schmittfull, K. Borgwardt, B. Schölkopf. Covariate shift by kernel mean
       matching. In: Dataset Shift in Machine Learning, MIT Press 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import KMM
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(size=(300, 1)), rng.normal(1.0, 0.5, size=(300, 1))
    >>> model = KMM(random_state=0).fit(X, (X[:, 0] > 1).astype(int), X_target=X_target)
    >>> bool(abs(np.average(X[:, 0], weights=model.source_weights_) - X_target.mean()) < 0.05)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        shifts=frozenset({"covariate"}),
        growth="time O(n_s n_t d + n_s²), memory O(n_s²) to 10,000 source samples; O(n_s + n_t) above",
        reference="Huang, Smola, Gretton, Borgwardt, Schölkopf: Correcting sample selection bias by unlabeled data. "
        "NIPS 2006",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "kernel": [StrOptions({"rbf", "linear", "poly"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "max_weight": [Interval(Real, 0, None, closed="neither")],
        "eps": [Interval(Real, 0, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        kernel: str = "rbf",
        gamma: float | None = None,
        max_weight: float = 1000.0,
        eps: float | None = None,
        tol: float = 1e-6,
        max_iter: int = 100,
        n_landmarks: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.kernel = kernel
        self.gamma = gamma
        self.max_weight = max_weight
        self.eps = eps
        self.tol = tol
        self.max_iter = max_iter
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        found = kmm_weights(
            Xs,
            Xt,
            kernel=self.kernel,
            gamma=self.gamma,
            max_weight=self.max_weight,
            eps=self.eps,
            tol=self.tol,
            max_iter=self.max_iter,
            n_landmarks=self.n_landmarks,
            random_state=self.random_state,
        )
        self.objective_, self.duality_gap_, self.n_iter_ = found.objective, found.gap, found.n_iter
        return found.weights


def _weights(solution: BoxQP) -> KMMWeights:
    return KMMWeights(solution.x, solution.objective, solution.gap, solution.n_iter)


def _centred(Xs: NDArray[np.float64], Xt: NDArray[np.float64]) -> tuple[Any, Any]:
    """Centre both domains if they are far from the origin, where squared distances lose precision."""
    centre, spread = Xs.mean(axis=0), Xs[:10_000].var(axis=0).sum() + Xt[:10_000].var(axis=0).sum()
    # copy the data only if needed
    far = float(centre @ centre) > 1e4 * float(spread + ((Xt.mean(axis=0) - centre) ** 2).sum())
    return (Xs - centre, Xt - centre) if far else (Xs, Xt)


def _exact(Xs: Any, Xt: Any, how: Any, band: Any, tol: float, max_iter: int) -> BoxQP:
    """Solve with the exact kernel matrix; random landmarks only precondition it, so their seed is fixed."""
    ns = len(Xs)
    small = 8 * ns * ns <= DOUBLE_BYTES
    dtype = np.float64 if small else np.float32
    K, c = KernelOperator(Xs, **how, max_bytes=0), np.empty(ns)
    for rows, block in KernelOperator(Xs, Xt, **how, max_bytes=0).blocks(dtype):
        c[rows] = (-ns / len(Xt)) * block.sum(axis=1, dtype=np.float64)
    nystroem = NystroemMap(Xs[landmark_rows(Xs, min(PRECONDITIONER, ns), **how, n_sample=ns, random_state=0)], **how)
    F = nystroem(Xs)
    rest = K.diagonal() - np.einsum("ij,ij->i", F, F)
    if rest.max() <= 0.1 * tol * K.diagonal().max():
        # the kernel is so smooth that the low-rank factor is exact
        return box_qp(c, *band, factor=F, diagonal=rest, tol=tol, max_iter=max_iter)
    # Stored around their mean, the entries have an error below 1e-7 in single precision.
    mean = 0.0 if small else float(np.mean(F @ F.mean(axis=0)))
    H = np.empty(ns * (ns + 1) // 2, dtype=dtype)  # lower triangle, packed by rows
    for rows, block in K.blocks(dtype, lower=True):
        block -= dtype(mean)
        for row, values in enumerate(block, rows.start):
            H[_packed(row)] = values[: row + 1]
    times = get_blas_funcs("spmv", dtype=dtype)

    def fast(v: NDArray[np.float64]) -> NDArray[np.float64]:
        out = times(ns, 1.0, H, v.astype(dtype, copy=False), lower=0)
        return out if small else out.astype(np.float64) + mean * float(v.sum())

    def product(v: NDArray[np.float64]) -> NDArray[np.float64]:
        if small:
            return fast(v)
        out = np.full(ns, mean * float(v.sum()))
        wide = np.zeros((min(ns, 64), ns))
        for start in range(0, ns, 64):
            stop = min(start + 64, ns)
            for row in range(start, stop):
                wide[row - start, : row + 1] = H[_packed(row)]
            block = wide[: stop - start, :stop]
            out[start:stop] += block @ v[:stop]
            block[:, start:][np.diag_indices(stop - start)] = 0.0
            out[:stop] += v[start:stop] @ block
            block[:, start:] = 0.0
        return out

    return box_qp(c, *band, factor=F, diagonal=rest, product=product, fast_product=fast, tol=tol, max_iter=max_iter)


def _packed(row: int) -> slice:
    """Return the slice of a row of the packed lower triangle."""
    return slice(row * (row + 1) // 2, (row + 1) * (row + 2) // 2)


def _approximate(Xs: Any, Xt: Any, how: Any, band: Any, tol: float, max_iter: int, n_landmarks: int, rng: Any) -> BoxQP:
    """Solve with Nystroem features plus the exact diagonal; of the target only the mean feature vector is used."""
    ns = len(Xs)
    # Half of the pool from each domain, so that the target mean is represented as well as the source samples.
    pool = np.concatenate([A[rng.choice(len(A), min(len(A), 5000), replace=False)] for A in (Xs, Xt)])
    nystroem = NystroemMap(pool[landmark_rows(pool, n_landmarks, **how, random_state=rng)], **how)
    F = nystroem(Xs, dtype=np.float64 if 8 * ns * nystroem.n_features <= DOUBLE_BYTES else np.float32)
    c = -ns * _times(F, nystroem.mean(Xt))
    rest = KernelOperator(Xs, **how, max_bytes=0).diagonal() - np.einsum("ij,ij->i", F, F, dtype=np.float64)
    # The residual diagonal of a landmark is zero, which would give landmarks larger weights.
    rest = np.maximum(rest, rest.mean())
    return box_qp(c, *band, factor=F, diagonal=rest, tol=tol, max_iter=max_iter)


def _times(F: NDArray[Any], w: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.empty(len(F))
    for start in range(0, len(F), 16384):
        out[start : start + 16384] = F[start : start + 16384].astype(np.float64, copy=False) @ w
    return out
