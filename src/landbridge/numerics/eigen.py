"""Leading eigenvectors of large symmetric operators, and of ``S a = φ (U Uᵀ + diag) a`` where `U` has few columns."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from landbridge.numerics.resampling import random_generator

__all__ = ["LowRankRoot", "leading_eigh", "regularised_components"]

# Up to this size LAPACK's direct solver is as fast as a Krylov space, and always converges.
DENSE_ROWS = 1000
EPS = float(np.finfo(float).eps)


def leading_eigh(
    product: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    n: int,
    k: int,
    *,
    start: NDArray[np.float64] | None = None,
    block: int | None = None,
    tol: float = 1e-7,
    max_blocks: int = 300,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute leading eigenvectors of a positive semi-definite operator by block Lanczos with thick restarts.

    Only products with blocks of vectors are needed, so that each pass over a large matrix serves many vectors at
    once. It stops with a certificate: by Davis and Kahan the sine of the largest angle between the found and the true
    subspace is at most :math:`\lVert R \rVert_F / (\theta_k - \theta_{k+1})`, where `R` holds the residuals.

    Parameters
    ----------
    product : callable
        Takes an (n, b) array to its product with the operator.
    n : int
        Number of rows of the operator.
    k : int
        Number of eigenvectors.
    start : ndarray of shape (n, j), optional
        Initial vectors, for example the solution of a similar problem.
    block : int, optional
        Vectors per product. If None, ``min(max(k // 2, 16), 64)``.
    tol : float, default=1e-7
        Bound of the angle to the true subspace at which it stops. Where eigenvalues k and k + 1 are equal to rounding,
        it stops once the residuals are rounding errors.
    max_blocks : int, default=300
        Largest number of products with a block; a warning is issued if they do not suffice.
    random_state : int, RandomState or None, default=None
        Draws the start.

    Returns
    -------
    values : ndarray of shape (j,)
        Descending; ``j < k`` only where the operator's rank is smaller than k.
    vectors : ndarray of shape (n, j)
        Orthonormal.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.eigen import leading_eigh
    >>> values, vectors = leading_eigh(lambda V: V * np.arange(2000.0)[:, None], 2000, 2)
    >>> values.round(6).tolist()
    [1999.0, 1998.0]
    """
    rng = random_generator(random_state)
    k = min(k, n)
    b = min(block or min(max(k // 2, 16), 64), n)
    # Random directions beside the start: a start that happens to be invariant must not end the search.
    extra = b if start is None else min(8, n)
    Q = rng.normal(size=(n, extra)) if start is None else np.hstack([start, rng.normal(size=(n, extra))])
    Q = _orthonormal(Q[:, :n], np.empty((n, 0)))
    limit = min(n, max(4 * k, k + 6 * b, 2 * Q.shape[1] + 2 * b))
    V = np.empty((n, 0))
    H = np.empty((0, 0))
    for _ in range(max_blocks):
        W = product(Q)
        inner = Q.T @ W
        cross = V.T @ W
        H = np.block([[H, cross], [cross.T, 0.5 * (inner + inner.T)]])
        V = np.hstack([V, Q])
        theta, Y = np.linalg.eigh(H)
        theta, Y = theta[::-1], Y[:, ::-1]
        scale = max(float(abs(theta[0])), np.finfo(float).tiny)
        W -= V @ (V.T @ W)
        W -= V @ (V.T @ W)
        new = _orthonormal(W, V, floor=10 * EPS * scale * np.sqrt(n))
        done = V.shape[1] + new.shape[1] > n or new.shape[1] == 0
        if V.shape[1] > k and not done:
            # T V = V H + W on the last block only, so the residual of V y is W times the last entries of y.
            residual = float(np.linalg.norm(W @ Y[-Q.shape[1] :, :k]))
            done = residual <= max(tol * (theta[k - 1] - theta[k]), 10 * EPS * scale * np.sqrt(n))
        if done:
            break
        if V.shape[1] + new.shape[1] > limit:
            keep = min(k + b, V.shape[1])
            V, H = V @ Y[:, :keep], np.diag(theta[:keep])
        Q = new
    else:
        warnings.warn(f"leading_eigh: {max_blocks} products did not reach tol={tol:g}.", ConvergenceWarning)
    return np.maximum(theta[:k], 0.0), V @ Y[:, :k]


class LowRankRoot:
    r"""Inverse square root of ``U Uᵀ + reg I``, applied and never formed.

    With the thin singular value decomposition :math:`U = Q s W^\top`,

    .. math:: (UU^\top + r I)^{-1/2} = r^{-1/2} \bigl(I - Q\, \mathrm{diag}(1 - \sqrt{r / (r + s^2)})\, Q^\top\bigr).

    Parameters
    ----------
    U : ndarray of shape (n, r)
        Few columns.
    reg : float
        Positive.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.eigen import LowRankRoot
    >>> root = LowRankRoot(np.array([[3.0], [0.0]]), 16.0)
    >>> (root @ np.eye(2)).round(12).tolist()
    [[0.2, 0.0], [0.0, 0.25]]
    """

    def __init__(self, U: NDArray[np.float64], reg: float) -> None:
        Q, s, _ = np.linalg.svd(U, full_matrices=False)
        self.Q, self.shrink, self.scale = Q, 1.0 - np.sqrt(reg / (reg + s**2)), 1.0 / np.sqrt(reg)

    def __matmul__(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply by vectors.

        Parameters
        ----------
        V : ndarray of shape (n, b)

        Returns
        -------
        ndarray of shape (n, b)
        """
        return self.scale * (V - self.Q @ (self.shrink[:, None] * (self.Q.T @ V)))

    def solve(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo the multiplication.

        Parameters
        ----------
        V : ndarray of shape (n, b)

        Returns
        -------
        ndarray of shape (n, b)
        """
        grow = self.shrink / (1.0 - self.shrink)
        return (V + self.Q @ (grow[:, None] * (self.Q.T @ V))) / self.scale


def regularised_components(
    S: Any,
    U: NDArray[np.float64],
    k: int,
    *,
    reg: float = 1.0,
    diagonal: NDArray[np.float64] | None = None,
    start: NDArray[np.float64] | None = None,
    tol: float = 1e-7,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Find directions of large scatter and small penalty, the leading `k` solutions of a generalised eigenproblem.

    .. math:: S a = \varphi\, (U U^\top + r\, \mathrm{diag}(g))\, a

    As `U` has few columns, the right-hand side has a root in closed form, which leaves an ordinary eigenproblem.

    Parameters
    ----------
    S : ndarray of shape (n, n), or callable
        Symmetric, positive semi-definite; a callable takes an (n, b) array to its product with it.
    U : ndarray of shape (n, r)
        Few columns.
    k : int
        Number of directions.
    reg : float, default=1.0
        Positive.
    diagonal : ndarray of shape (n,), optional
        Positive. If None, ones.
    start : ndarray of shape (n, j), optional
        Initial directions, for a callable or large `S`.
    tol : float, default=1e-7
        Largest angle to the true subspace, see :func:`leading_eigh`.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    values : ndarray of shape (j,)
        Descending. Directions without scatter are dropped (but one), so that ``j`` may be smaller than `k`.
    vectors : ndarray of shape (n, j)
        Columns with :math:`a^\top \mathrm{diag}(g) a = 1`, that is of unit length without a diagonal, whose largest
        entry is positive.

    Notes
    -----
    Time O(n² r) and one direct eigen-decomposition up to n = 1,000; beyond, some tens of products with `S`.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.eigen import regularised_components
    >>> values, A = regularised_components(np.diag([4.0, 2.0]), np.array([[1.0], [0.0]]), 1)
    >>> values.tolist(), A.T.tolist()
    ([2.0], [[0.0, 1.0]])
    """
    n = U.shape[0]
    k = min(k, n)
    root = None if diagonal is None else 1.0 / np.sqrt(diagonal)
    scaled = _rows(U, root)
    P = LowRankRoot(scaled, reg)
    dense = None if callable(S) else np.asarray(S)
    if dense is not None and (n <= DENSE_ROWS or k > n // 6):
        T = dense if root is None else dense * root * root[:, None]
        T = P @ (P @ T).T
        values, W = linalg.eigh(0.5 * (T + T.T), subset_by_index=[n - k, n - 1])
        values, W = np.maximum(values[::-1], 0.0), W[:, ::-1]
    else:

        def product(V: NDArray[np.float64]) -> NDArray[np.float64]:
            V = _rows(P @ V, root)
            V = S(V) if dense is None else dense @ V
            return P @ _rows(V, root)

        begin = None if start is None else P.solve(start if root is None else start / root[:, None])
        values, W = leading_eigh(product, n, k, start=begin, tol=tol, random_state=random_state)
    live = values > n * EPS * max(float(values[0]), np.finfo(float).tiny)
    live[0] = True
    A = P @ W[:, live]
    A = _rows(A / np.linalg.norm(A, axis=0), root)
    largest = A[np.abs(A).argmax(axis=0), np.arange(A.shape[1])]
    return values[live], A * np.where(largest < 0, -1.0, 1.0)


def _rows(V: NDArray[np.float64], factor: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return V if factor is None else V * factor[:, None]


def _orthonormal(W: NDArray[np.float64], V: NDArray[np.float64], floor: float = 0.0) -> NDArray[np.float64]:
    """Compute an orthonormal basis of the columns of `W`, which are orthogonal to `V` up to rounding errors."""
    Q, R, _ = linalg.qr(W, mode="economic", pivoting=True)
    keep = np.abs(np.diagonal(R)) > max(floor, EPS * abs(R[0, 0]) if R.size else 0.0)
    Q = Q[:, keep]
    if V.shape[1] and Q.shape[1]:
        # Columns that were nearly dependent have lost their orthogonality to V.
        Q = Q - V @ (V.T @ Q)
        Q = np.linalg.qr(Q)[0]
    return Q
