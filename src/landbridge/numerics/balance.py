"""How much of the distance between two domains is marginal and how much lies within classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

__all__ = ["balance_factor", "linear_a_distance"]


def linear_a_distance(Xs: NDArray[np.float64], Xt: NDArray[np.float64], *, reg: float = 0.01) -> float:
    r"""Compute the proxy A-distance :math:`2 (1 - 2\varepsilon)` of a linear domain classifier without refitting.

    The error :math:`\varepsilon` is the leave-one-out error of ridge regression on +1 and -1, both domains counting
    one half, which is a closed form of one factorisation.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, d)
    Xt : ndarray of shape (n_target, d)
    reg : float, default=0.01
        Ridge penalty, relative to the mean variance of the features.

    Returns
    -------
    float
        Between 0 (the same) and 2 (separated without error); 0 where a domain has fewer than two samples.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.balance import linear_a_distance
    >>> rng = np.random.default_rng(0)
    >>> linear_a_distance(rng.normal(size=(50, 2)), rng.normal(size=(50, 2)) + 20.0)
    2.0
    """
    n_source, n_target = len(Xs), len(Xt)
    if min(n_source, n_target) < 2:
        return 0.0
    weight = np.concatenate([np.full(n_source, 0.5 / n_source), np.full(n_target, 0.5 / n_target)])
    sign = np.concatenate([np.ones(n_source), -np.ones(n_target)])
    X = np.vstack([Xs, Xt])
    # Weighted least squares with a free intercept: centre by weight, then scale samples by the root of the weight.
    centre = weight @ X
    root = np.sqrt(weight)
    Z = (X - centre) * root[:, None]
    ridge = reg * float((Z**2).sum()) / X.shape[1] + np.finfo(float).tiny
    if X.shape[1] <= len(X):
        A = Z.T @ Z
        A[np.diag_indices_from(A)] += ridge
        half = linalg.solve_triangular(linalg.cholesky(A, lower=True), Z.T, lower=True)
        fitted, leverage = half.T @ (half @ (root * sign)), (half**2).sum(axis=0)
    else:
        A = Z @ Z.T
        A[np.diag_indices_from(A)] += ridge
        inverse = linalg.inv(A)
        fitted, leverage = root * sign - ridge * (inverse @ (root * sign)), 1.0 - ridge * np.diagonal(inverse)
    # The intercept takes its share of the leverage; the signs' weighted mean is zero.
    left = np.maximum(1.0 - leverage - weight, 1e-12)
    out = sign - (sign - fitted / root) / left
    error = float(weight @ ((out * sign < 0) + 0.5 * (out == 0)))
    return 2.0 * max(0.0, 1.0 - 2.0 * min(error, 1.0))


def balance_factor(
    Xs: NDArray[np.float64],
    Xt: NDArray[np.float64],
    source_codes: NDArray[np.intp],
    target_codes: NDArray[np.intp],
    n_classes: int,
) -> float:
    r"""Compute the weight of the class terms relative to the marginal term.

    .. math:: \mu = \frac{\bar d_C}{d_M + \bar d_C}

    where :math:`d_M` is the A-distance of the domains and :math:`\bar d_C` the mean of those of the classes.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, d)
    Xt : ndarray of shape (n_target, d)
    source_codes : ndarray of int, shape (n_source,)
    target_codes : ndarray of int, shape (n_target,)
        Labels or pseudo-labels; -1 for none.
    n_classes : int

    Returns
    -------
    float
        In [0, 1]; one half where there is no distance at all.

    References
    ----------
    .. [1] J. Wang, W. Feng, Y. Chen, H. Yu, M. Huang, P. S. Yu. Visual domain adaptation with manifold embedded
       distribution alignment. ACM Multimedia 2018.
    """
    marginal = linear_a_distance(Xs, Xt)
    by_class = [linear_a_distance(Xs[source_codes == c], Xt[target_codes == c]) for c in range(n_classes)]
    within = float(np.mean(by_class)) if by_class else 0.0
    return within / (marginal + within) if marginal + within > 0 else 0.5
