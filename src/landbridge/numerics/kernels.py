"""Kernel matrices, and their products in blocks that never hold the whole matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import row_norms, safe_sparse_dot

from landbridge.numerics.resampling import random_generator

__all__ = [
    "KERNELS",
    "KernelOperator",
    "draw_rows",
    "kernel",
    "kernel_diagonal",
    "median_gamma",
    "with_squares",
]

KERNELS = ("linear", "poly", "rbf")
# Bytes of one block of a kernel matrix: large enough for BLAS, small enough for the cache of a laptop.
BLOCK_BYTES = 32 * 2**20
CACHE_BYTES = 4 * 2**20


def median_gamma(X: Any, Y: Any = None, *, n_sample: int = 1000, random_state: Any = None) -> float:
    r"""Compute the median heuristic for the width of the Gaussian kernel ``exp(-gamma ||x - y||²)``.

    .. math:: \gamma = \frac{1}{2 \, \mathrm{median}_{i<j} \lVert x_i - x_j \rVert^2}

    over all pairs of a subsample, so that two samples at the median distance have the kernel value ``exp(-1/2)``. With
    two sets the pairs are those of both together. If more than half of the distances are zero,
    the median is over the others; if all are zero, gamma is ``1 / n_features``.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    Y : ndarray or sparse matrix of shape (n_samples_Y, n_features), optional
        Further samples, pooled with the first.
    n_sample : int, default=1000
        Size of the subsample (half from each set, if there are two).
    random_state : int, RandomState or None, default=None
        Draws the subsample.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import median_gamma
    >>> median_gamma(np.array([[0.0], [1.0], [2.0]]))
    0.5
    """
    rng = random_generator(random_state)
    sets = [X] if Y is None else [X, Y]
    share = max(n_sample // len(sets), 2)
    drawn = [A if A.shape[0] <= share else A[np.sort(draw_rows(rng, A.shape[0], share))] for A in sets]
    Z = drawn[0] if Y is None else sparse.vstack(drawn, format="csr") if sparse.issparse(X) else np.concatenate(drawn)
    distances = squared_distances(Z, Z)[np.triu_indices(Z.shape[0], k=1)]
    if len(distances) == 0:
        return 1.0 / X.shape[1]
    middle = float(np.median(distances))
    # Distances are differences of large sums: what is below their rounding error counts as zero.
    floor = 1e-12 * max(float(distances.max()), float(np.max(row_norms(Z, squared=True))))
    if middle <= floor:
        positive = distances[distances > floor]
        if len(positive) == 0:
            return 1.0 / X.shape[1]
        middle = float(np.median(positive))
    return 1.0 / (2.0 * middle)


def squared_distances(X: Any, Y: Any) -> NDArray[np.float64]:
    """Compute squared Euclidean distances between two sets of samples, never negative.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    Y : ndarray or sparse matrix of shape (n_samples_Y, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_samples_Y)
    """
    D = safe_sparse_dot(X, Y.T, dense_output=True)
    D *= -2.0
    D += row_norms(X, squared=True)[:, None]
    D += row_norms(Y, squared=True)[None, :]
    np.maximum(D, 0.0, out=D)
    if X is Y:
        np.fill_diagonal(D, 0.0)
    return D


def kernel(
    X: Any,
    Y: Any = None,
    *,
    kernel: str = "rbf",
    gamma: float | None = None,
    degree: int = 3,
    coef0: float = 1.0,
) -> NDArray[np.float64]:
    """Compute the kernel matrix between two sets of samples.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    Y : ndarray or sparse matrix of shape (n_samples_Y, n_features), optional
        If None, `X`.
    kernel : {"rbf", "linear", "poly"}, default="rbf"
        ``exp(-gamma ||x - y||²)``, ``x·y`` or ``(gamma x·y + coef0) ** degree``.
    gamma : float, optional
        If None, the median heuristic over both sets for "rbf", ``1 / n_features`` for "poly".
    degree : int, default=3
        Of "poly".
    coef0 : float, default=1.0
        Of "poly".

    Returns
    -------
    ndarray of shape (n_samples, n_samples_Y)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import kernel
    >>> kernel(np.array([[0.0], [1.0]]), gamma=1.0).round(3).tolist()
    [[1.0, 0.368], [0.368, 1.0]]
    """
    gamma = resolve_gamma(X, Y, kernel, gamma)
    if Y is None:
        Y = X
    if kernel == "rbf":
        K = squared_distances(X, Y)
        K *= -gamma
        return np.exp(K, out=K)
    K = np.asarray(safe_sparse_dot(X, Y.T, dense_output=True), dtype=np.float64)
    if kernel == "poly":
        K *= gamma
        K += coef0
        K **= degree
    return K


def kernel_diagonal(
    X: Any, *, kernel: str = "rbf", gamma: float | None = None, degree: int = 3, coef0: float = 1.0
) -> NDArray[np.float64]:
    """Compute the kernel value of each sample with itself.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    kernel, gamma, degree, coef0
        As in :func:`kernel`.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if kernel == "rbf":
        return np.ones(X.shape[0])
    squares = row_norms(X, squared=True)
    return squares if kernel == "linear" else (resolve_gamma(X, None, kernel, gamma) * squares + coef0) ** degree


def resolve_gamma(X: Any, Y: Any, kernel: str, gamma: float | None) -> float:
    """Return `gamma`, or its default if None.

    Parameters
    ----------
    X, Y : array or None
        Samples.
    kernel : {"rbf", "linear", "poly"}
    gamma : float or None
        Returned if not None.

    Returns
    -------
    float
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}.")
    if gamma is not None:
        return float(gamma)
    # a fixed seed: the same samples give the same kernel
    return median_gamma(X, Y, random_state=0) if kernel == "rbf" else 1.0 / X.shape[1]


class KernelOperator:
    """Kernel matrix of two sets of samples as a linear operator, whatever its size.

    Products are made in blocks of rows. The matrix is kept after the first product only if it fits in `max_bytes`;
    the linear kernel never forms it.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    Y : ndarray or sparse matrix of shape (n_samples_Y, n_features), optional
        If None, `X`.
    kernel, gamma, degree, coef0
        As in :func:`kernel`.
    max_bytes : int, default=2**29
        Keep the matrix if it takes no more than this; 0 never keeps it.

    Attributes
    ----------
    shape : tuple of int
        ``(n_samples, n_samples_Y)``.
    gamma : float
        The kernel coefficient in use.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import KernelOperator, kernel
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> K = KernelOperator(X, gamma=0.5, max_bytes=0)
    >>> np.allclose(K @ np.ones(50), kernel(X, gamma=0.5).sum(axis=1))
    True
    """

    def __init__(
        self,
        X: Any,
        Y: Any = None,
        *,
        kernel: str = "rbf",
        gamma: float | None = None,
        degree: int = 3,
        coef0: float = 1.0,
        max_bytes: int = 2**29,
    ) -> None:
        self.gamma = resolve_gamma(X, Y, kernel, gamma)
        self.X, self.Y = X, X if Y is None else Y
        self.shape = (X.shape[0], self.Y.shape[0])
        self._how: dict[str, Any] = {"kernel": kernel, "gamma": self.gamma, "degree": degree, "coef0": coef0}
        self._keep = 8 * self.shape[0] * self.shape[1] <= max_bytes
        self._matrix: NDArray[np.float64] | None = None

    dtype = np.dtype(np.float64)

    @property
    def T(self) -> KernelOperator:
        """Return the transposed operator."""
        flipped = KernelOperator(self.Y, self.X, **self._how, max_bytes=0)
        flipped._keep = self._keep
        flipped._matrix = None if self._matrix is None else self._matrix.T
        return flipped

    def __matmul__(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply from the right with a vector or a matrix.

        Parameters
        ----------
        V : ndarray of shape (n_samples_Y,) or (n_samples_Y, r)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, r)
        """
        if self._how["kernel"] == "linear":
            return safe_sparse_dot(self.X, safe_sparse_dot(self.Y.T, V, dense_output=True), dense_output=True)
        if self._keep:
            return self.to_array() @ V
        out = np.empty((self.shape[0], *V.shape[1:]))
        for rows, block in self.blocks():
            out[rows] = block @ V
        return out

    matvec = matmat = __matmul__

    def rsum(self) -> NDArray[np.float64]:
        """Sum each row: the product with ones.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self @ np.ones(self.shape[1])

    def diagonal(self) -> NDArray[np.float64]:
        """Compute the kernel value of each sample of `X` with itself.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return kernel_diagonal(self.X, **self._how)

    def columns(self, index: Any) -> NDArray[np.float64]:
        """Compute some columns of the matrix.

        Parameters
        ----------
        index : int array or slice
            Which samples of `Y`.

        Returns
        -------
        ndarray of shape (n_samples, len(index))
        """
        return kernel(self.X, self.Y[index], **self._how) if self._matrix is None else self._matrix[:, index]

    def blocks(
        self, dtype: Any = np.float64, *, lower: bool = False, block_bytes: int = CACHE_BYTES
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Iterate over the matrix by blocks of rows.

        Parameters
        ----------
        dtype : dtype, default=float64
            Of the blocks; in float32 a Gaussian kernel of dense samples takes a quarter of the time.
        lower : bool, default=False
            Only the columns up to the last row of each block: what a symmetric matrix needs.
        block_bytes : int
            Bytes per block, for a Gaussian kernel of dense samples.

        Yields
        ------
        rows : slice
        block : ndarray of shape (n_block, n_samples_Y), or (n_block, rows.stop) if `lower`
            Valid until the next one is asked for; free to be written to.
        """
        if self._how["kernel"] == "rbf" and not sparse.issparse(self.X) and not sparse.issparse(self.Y):
            yield from self._gaussian_blocks(dtype, lower, block_bytes)
            return
        for rows in row_blocks(self.shape[0], self.shape[1]):
            Y = self.Y[: rows.stop] if lower else self.Y
            yield rows, kernel(self.X[rows], Y, **self._how).astype(dtype, copy=False)

    def _gaussian_blocks(self, dtype: Any, lower: bool, block_bytes: int) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Compute the exponent as one product with two more columns, in one buffer that stays in the cache."""
        right = with_squares(self.Y, self.gamma, dtype, right=True)
        buffer: NDArray[Any] | None = None
        for rows in row_blocks(self.shape[0], self.shape[1], block_bytes):
            if buffer is None:
                buffer = np.empty(rows.stop * self.shape[1], dtype=dtype)
            shape = (rows.stop - rows.start, rows.stop if lower else self.shape[1])
            block = buffer[: shape[0] * shape[1]].reshape(shape)
            np.dot(with_squares(self.X[rows], self.gamma, dtype, right=False), right[: shape[1]].T, out=block)
            np.minimum(block, 0.0, out=block)
            yield rows, np.exp(block, out=block)

    def to_array(self) -> NDArray[np.float64]:
        """Return the whole matrix, whatever its size.

        Returns
        -------
        ndarray of shape (n_samples, n_samples_Y)
        """
        if self._matrix is not None:
            return self._matrix
        matrix = np.empty(self.shape)
        for rows, block in self.blocks():
            matrix[rows] = block
        if self._keep:
            self._matrix = matrix
        return matrix


def row_blocks(n: int, width: int, block_bytes: int = BLOCK_BYTES) -> Iterator[slice]:
    """Split row indices into blocks of bounded size.

    Parameters
    ----------
    n : int
        Number of rows.
    width : int
        Entries per row.
    block_bytes : int
        Bytes per block.

    Yields
    ------
    slice
    """
    step = int(max(16, block_bytes // (8 * max(width, 1))))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def with_squares(A: NDArray[Any], gamma: float, dtype: Any, *, right: bool) -> NDArray[Any]:
    r"""Append the columns that make the product of two such matrices :math:`-\gamma \lVert a - b \rVert^2`.

    Parameters
    ----------
    A : ndarray or sparse matrix of shape (n_samples, n_features)
        Samples.
    gamma : float
        Of the Gaussian kernel.
    dtype : dtype
        Of the result.
    right : bool
        Which factor of the product.

    Returns
    -------
    ndarray of shape (n_samples, n_features + 2)
    """
    out = np.empty((A.shape[0], A.shape[1] + 2), dtype=dtype)
    np.multiply(A, np.sqrt(2.0 * gamma), out=out[:, :-2], casting="same_kind")
    out[:, -1 if right else -2] = -gamma * row_norms(A, squared=True)
    out[:, -2 if right else -1] = 1.0
    return out


def draw_rows(rng: Any, n: int, size: int) -> NDArray[np.intp]:
    """Draw sample indices at random, in random order.

    Parameters
    ----------
    rng : RandomState
    n : int
        Number of samples.
    size : int
        Number to draw.

    Returns
    -------
    ndarray of int
    """
    if n <= 10 * size:
        return rng.permutation(n)[:size]
    # A permutation of all samples would cost more than the subsample it is for.
    drawn = np.unique(rng.randint(0, n, size=int(1.3 * size) + 8))
    return rng.permutation(drawn)[:size] if len(drawn) >= size else rng.permutation(n)[:size]
