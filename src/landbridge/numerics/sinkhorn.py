"""Entropic optimal transport by Sinkhorn's algorithm, in a scaled kernel that does not underflow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["sinkhorn"]

# The scalings are absorbed into the kernel when their logarithms exceed this, or after so many iterations.
LARGEST, EVERY = 30.0, 50
# Iterations between two checks of the marginals.
CHECK = 10


def sinkhorn(
    cost: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    reg_e: float,
    *,
    max_iter: int = 200,
    tol: float = 1e-6,
) -> tuple[NDArray[np.float64], int]:
    r"""Solve entropic optimal transport by alternating scaling [1]_, stabilised as in [2]_.

    .. math:: \min_{\gamma \ge 0} \langle \gamma, C \rangle + r \sum_{ij} \gamma_{ij} \log \gamma_{ij}
        \quad \text{s.t.}\quad \gamma 1 = a,\; \gamma^\top 1 = b

    The first iteration and every absorption are done with logarithms; between them an iteration is two products with
    the kernel :math:`\exp((f_i + g_j - C_{ij}) / r)`, whose row sums are the marginal.

    Parameters
    ----------
    cost : ndarray of shape (n_source, n_target)
    a : ndarray of shape (n_source,)
        Source marginal, positive; sums to one.
    b : ndarray of shape (n_target,)
        Target marginal, positive; sums to one.
    reg_e : float
        Weight r of the entropy.
    max_iter : int, default=200
    tol : float, default=1e-6
        Stops when the norm of the error of the target marginal is smaller; checked every tenth iteration.

    Returns
    -------
    plan : ndarray of shape (n_source, n_target)
    n_iter : int

    Notes
    -----
    Time O(n_source n_target max_iter), memory O(n_source n_target).

    References
    ----------
    .. [1] M. Cuturi. Sinkhorn distances: lightspeed computation of optimal transport. NeurIPS 2013.
    .. [2] B. Schmitzer. Stabilized sparse scaling algorithms for entropy regularized transport problems. SIAM Journal
       on Scientific Computing 41(3), 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.sinkhorn import sinkhorn
    >>> plan, _ = sinkhorn(np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones(2) / 2, np.ones(2) / 2, 0.01)
    >>> plan.round(3).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    M = cost / -reg_e
    log_a, log_b = np.log(a), np.log(b)
    f, g = np.zeros(len(a)), np.zeros(len(b))
    u, v, kernel = np.ones(len(a)), np.ones(len(b)), M
    for i in range(max_iter):
        if i % EVERY == 0 or not _tame(u, v):
            if _finite(u, v):
                f, g = f + np.log(u), g + np.log(v)
            g = log_b - _log_sum(M + f[:, None], 0)
            f = log_a - _log_sum(M + g, 1)
            kernel = np.exp(M + f[:, None] + g)
            u, v = np.ones(len(a)), np.ones(len(b))
        else:
            v = b / (u @ kernel)
            u = a / (kernel @ v)
        if i % CHECK == 0 and np.linalg.norm(v * (u @ kernel) - b) < tol:
            break
    return u[:, None] * kernel * v, i + 1


def _log_sum(X: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    largest = X.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(X - largest).sum(axis=axis)) + largest.squeeze(axis))


def _finite(u: NDArray[np.float64], v: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(u).all() and np.isfinite(v).all() and (u > 0).all() and (v > 0).all())


def _tame(u: NDArray[np.float64], v: NDArray[np.float64]) -> bool:
    return _finite(u, v) and float(max(np.abs(np.log(u)).max(), np.abs(np.log(v)).max())) < LARGEST
