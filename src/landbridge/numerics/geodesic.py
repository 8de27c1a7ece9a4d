"""Subspaces of two domains: principal bases, the angles between them and the geodesic flow kernel in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge.numerics.covariance import covariance

__all__ = ["complete_basis", "geodesic_factor", "geodesic_kernel", "principal_angles", "principal_basis"]


def principal_basis(X: NDArray[np.float64], n_components: int | None = None) -> NDArray[np.float64]:
    """Compute orthonormal directions of largest variance, without those of none.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples; they are centred here.
    n_components : int, optional
        Largest number of directions.

    Returns
    -------
    ndarray of shape (d, k)
        ``k <= min(n_components, n - 1, d)``; signs are fixed so that the largest entry of each column is positive.

    Notes
    -----
    Time O(n d min(n, d) + min(n, d)³), memory O(min(n, d)²) beside the samples.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.geodesic import principal_basis
    >>> principal_basis(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]])).tolist()
    [[1.0], [0.0]]
    """
    n, d = X.shape
    k = min(d, n - 1) if n_components is None else min(n_components, d, n - 1)
    if k < 1:
        return np.empty((d, 0))
    mean = X.mean(axis=0)
    if d <= n:
        values, basis = linalg.eigh(covariance(X) * (n - 1), subset_by_index=[d - k, d - 1])
        basis = basis[:, ::-1]
    else:
        centred = X - mean
        values, left = linalg.eigh(centred @ centred.T, subset_by_index=[n - k, n - 1])
        basis = centred.T @ left[:, ::-1]
    values = values[::-1]
    # Equal samples leave rounding errors of the mean after centring, not a direction.
    scale = max(values[0], n * float(mean @ mean) * np.finfo(float).eps, np.finfo(float).tiny)
    basis = basis[:, values > scale * max(n, d) * np.finfo(float).eps]
    if d > n and basis.shape[1]:
        basis = np.linalg.qr(basis)[0]
    largest = np.abs(basis).argmax(axis=0)
    return basis * np.where(basis[largest, np.arange(basis.shape[1])] < 0, -1.0, 1.0)


def complete_basis(P: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Extend a basis with directions of another one until it has as many.

    A domain of three samples spans two directions; the others are then taken from the other domain, so that no unseen
    direction is rotated.

    Parameters
    ----------
    P : ndarray of shape (d, j)
        Orthonormal columns.
    reference : ndarray of shape (d, k)
        Orthonormal columns, ``k >= j``.

    Returns
    -------
    ndarray of shape (d, k)
        Orthonormal; the first ``j`` columns are `P`, cut to ``k``.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.geodesic import complete_basis
    >>> complete_basis(np.empty((2, 0)), np.eye(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    k = reference.shape[1]
    if P.shape[1] >= k:
        return P[:, :k]
    if P.shape[1] == 0:
        return reference.copy()
    # The directions of `reference` least explained by `P` come last in the singular values of P'R.
    _, _, turned = np.linalg.svd(P.T @ reference)
    rest = reference @ turned.T[:, P.shape[1] :]
    rest = rest - P @ (P.T @ rest)
    return np.hstack([P, np.linalg.qr(rest)[0]])


def principal_angles(P: NDArray[np.float64], Q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the angles between two subspaces, ascending, exact near zero as well.

    Parameters
    ----------
    P, Q : ndarray of shape (d, k)
        Orthonormal columns.

    Returns
    -------
    ndarray of shape (k,)
        In [0, π/2].

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.geodesic import principal_angles
    >>> principal_angles(np.eye(3)[:, :1], np.array([[1.0], [1.0], [0.0]]) / np.sqrt(2)).round(4).tolist()
    [0.7854]
    """
    return _aligned(P, Q)[3]


def geodesic_factor(P: NDArray[np.float64], Q: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Compute a low-rank root of the geodesic flow kernel: ``X @ F`` has its inner products and distances.

    The subspaces between the two are :math:`\Phi(t) = A \cos(t\Theta) + B \sin(t\Theta)`, where `A` spans the first,
    `B` the part of the second that is orthogonal to it and :math:`\Theta` holds the principal angles. Then

    .. math::

        G = \int_0^1 \Phi(t)\Phi(t)^\top dt = [A\; B] \begin{bmatrix}\Lambda_1 & \Lambda_2\\ \Lambda_2 & \Lambda_3
        \end{bmatrix} [A\; B]^\top,\quad
        \lambda_{1,3} = \tfrac12 \Bigl(1 \pm \frac{\sin 2\theta}{2\theta}\Bigr),\;
        \lambda_2 = \frac{1-\cos 2\theta}{4\theta},

    which decomposes into one symmetric 2 x 2 root per angle.

    Parameters
    ----------
    P, Q : ndarray of shape (d, k)
        Orthonormal bases of the two subspaces.

    Returns
    -------
    ndarray of shape (d, r)
        ``G = F @ F.T``, with ``r = min(2 k, d)``.

    References
    ----------
    .. [1] B. Gong, Y. Shi, F. Sha, K. Grauman. Geodesic flow kernel for unsupervised domain adaptation. CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.geodesic import geodesic_factor
    >>> F = geodesic_factor(np.eye(3)[:, :1], np.eye(3)[:, 1:2])
    >>> (F @ F.T)[:2, :2].round(3).tolist()
    [[0.5, 0.318], [0.318, 0.5]]
    """
    U, A, B, theta = _aligned(P, Q)
    d, k = P.shape
    double = 2.0 * theta
    ratio = np.sinc(double / np.pi)
    first, last = 0.5 * (1.0 + ratio), 0.5 * (1.0 - ratio)
    # (1 - cos 2t) / (4t) = sin(t)² / (2t), which has no cancellation near zero
    cross = 0.5 * np.sin(theta) * np.sinc(theta / np.pi)
    blocks = np.stack([np.stack([first, cross], -1), np.stack([cross, last], -1)], -2)
    values, vectors = np.linalg.eigh(blocks)
    roots = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    # Rotating back by U makes the root a function of the subspaces' bases: where angles are equal, or zero, the
    # singular vectors alone are arbitrary.
    F = np.hstack([(A * roots[:, 0, j] + B * roots[:, 1, j]) @ U.T for j in (0, 1)])
    if 2 * k <= d:
        return F
    left, singular, _ = np.linalg.svd(F, full_matrices=False)
    return (left * singular) @ left.T


def geodesic_kernel(P: NDArray[np.float64], Q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the geodesic flow kernel ``G``, the mean projection onto all subspaces between two.

    Parameters
    ----------
    P, Q : ndarray of shape (d, k)
        Orthonormal bases of the two subspaces.

    Returns
    -------
    ndarray of shape (d, d)
        Symmetric, positive semi-definite; the projection ``P @ P.T`` when both subspaces are one. Prefer
        :func:`geodesic_factor` where ``d`` is large.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.geodesic import geodesic_kernel
    >>> geodesic_kernel(np.eye(2)[:, :1], np.eye(2)[:, :1]).round(12).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    F = geodesic_factor(P, Q)
    return F @ F.T


def _aligned(
    P: NDArray[np.float64], Q: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Align both bases column by column: the rotation, A, the orthogonal directions B, the angles."""
    U, cosine, Vt = np.linalg.svd(P.T @ Q)
    A = P @ U
    rest = Q @ Vt.T - A * cosine
    sine = np.linalg.norm(rest, axis=0)
    B = np.divide(rest, sine, out=np.zeros_like(rest), where=sine > 1e-12)
    # arctan2 keeps small angles exact, where arccos alone loses half the digits
    return U, A, B, np.arctan2(sine, np.clip(cosine, 0.0, 1.0))
