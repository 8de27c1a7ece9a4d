"""Source and target samples stacked in the feature space of a kernel, for methods that find directions in it.

A direction is ``f = F a``, where `F` has one row per sample and methods penalise the length of `a`:

* *dual* form: ``F = K``, the kernel matrix; one coefficient per sample;
* *primal* form: ``F`` holds features whose inner products are the kernel: those of the data for the linear
  kernel, Nystroem features otherwise.

Where the kernel has explicit features ``Φ`` of dimension p the dual form is a p x p problem as well: the part of `a`
outside the range of `Φ` changes nothing, and with ``ΦᵀΦ = V S² Vᵀ`` the rest is the primal form in ``Φ V S``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge.numerics.eigen import regularised_components
from landbridge.numerics.kernels import KernelOperator, resolve_gamma, row_blocks
from landbridge.numerics.nystroem import NystroemMap, landmark_rows
from landbridge.numerics.resampling import random_generator

__all__ = ["FeatureRows", "KernelRows", "project", "stack_rows"]

# Above this number of samples n_landmarks="auto" takes Nystroem features: the kernel matrix fills the 1 GB kept.
EXACT_ROWS = 11_000
EXPLICIT_ROWS = 2_000
AUTO_LANDMARKS = 500
KEPT_BYTES = 2**30


def stack_rows(
    Xs: NDArray[np.float64],
    Xt: NDArray[np.float64],
    *,
    kernel: str = "linear",
    gamma: float | None = None,
    form: str = "dual",
    n_landmarks: Any = "auto",
    explicit: bool = False,
    random_state: Any = None,
) -> FeatureRows | KernelRows:
    """Stack source and target samples in the feature space of a kernel, in the cheapest exact representation.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
    Xt : ndarray of shape (n_target, n_features)
    kernel : {"linear", "rbf"}, default="linear"
    gamma : float, optional
        Of "rbf". If None, the median heuristic.
    form : {"dual", "primal"}, default="dual"
        Which coefficients are penalised, see the module's docstring.
    n_landmarks : int, "auto" or None, default="auto"
        Nystroem features of this number of landmarks in place of a kernel other than the linear one. None is exact,
        ``"auto"`` is exact up to 11,000 stacked samples and takes 500 landmarks beyond.
    explicit : bool, default=False
        Always give features, for problems that need more than products with the kernel; exactness then costs O(n³),
        and ``"auto"`` is exact up to 2,000 samples only.
    random_state : int, RandomState or None, default=None
        Draws the landmarks.

    Returns
    -------
    FeatureRows or KernelRows

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.stacked import stack_rows
    >>> stack_rows(np.zeros((4, 3)), np.ones((5, 3))).n_features
    3
    """
    n = len(Xs) + len(Xt)
    if kernel == "linear":
        basis = None if Xs.shape[1] <= n else _row_space(np.vstack([Xs, Xt]))
        return FeatureRows(Xs, Xt, basis=basis, form=form)
    gamma = resolve_gamma(Xs, Xt, kernel, gamma)
    if n_landmarks == "auto":
        n_landmarks = None if n <= (EXPLICIT_ROWS if explicit or form == "primal" else EXACT_ROWS) else AUTO_LANDMARKS
    if n_landmarks is None and form == "dual" and not explicit:
        return KernelRows(np.vstack([Xs, Xt]), len(Xs), kernel=kernel, gamma=gamma)
    how: dict[str, Any] = {"kernel": kernel, "gamma": gamma}
    if n_landmarks is None or n_landmarks >= n:
        landmarks = np.vstack([Xs, Xt])
    else:
        pool = _pool(Xs, Xt, random_state)
        landmarks = pool[landmark_rows(pool, int(n_landmarks), **how, random_state=random_state)]
    return FeatureRows(Xs, Xt, nystroem=NystroemMap(landmarks, **how, tol=1e-10), form=form)


class FeatureRows:
    """Stacked samples with explicit features; moments are summed in blocks, so that the features need not be stored.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
    Xt : ndarray of shape (n_target, n_features)
    basis : ndarray of shape (d, p), optional
        Orthonormal; the features are ``X @ basis``.
    nystroem : NystroemMap, optional
        The features otherwise. If both are None, those of the data.
    form : {"dual", "primal"}, default="dual"

    Attributes
    ----------
    n_features : int
        Number of features.
    scatter : ndarray of shape (n_features, n_features)
        ``Φᵀ H Φ``, the centred second moments times the number of samples.
    mean : ndarray of shape (n_features,)
    gamma : float or None
        Kernel coefficient in use.
    """

    def __init__(
        self,
        Xs: NDArray[np.float64],
        Xt: NDArray[np.float64],
        *,
        basis: NDArray[np.float64] | None = None,
        nystroem: NystroemMap | None = None,
        form: str = "dual",
    ) -> None:
        self.Xs, self.Xt, self.basis, self.nystroem, self.form = Xs, Xt, basis, nystroem, form
        self.n_source, self.n_samples = len(Xs), len(Xs) + len(Xt)
        self.gamma = None if nystroem is None else nystroem.gamma
        width = Xs.shape[1] if basis is None else basis.shape[1]
        self.n_features = width if nystroem is None else nystroem.n_features
        self._kept: dict[str, NDArray[np.float64]] = {}
        self._keep = (nystroem is not None or basis is not None) and 8 * self.n_samples * self.n_features <= KEPT_BYTES
        self._turn: Any = None
        # A shift near the mean keeps the second moments from cancelling.
        shift = self.features(Xs[:1024]).mean(axis=0)
        total, scatter = np.zeros(self.n_features), np.zeros((self.n_features, self.n_features))
        for _, F in self.blocks():
            F = F - shift
            total += F.sum(axis=0)
            scatter += F.T @ F
        away = total / self.n_samples
        self.mean = shift + away
        self.scatter = scatter - self.n_samples * np.outer(away, away)

    def features(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the features of samples.

        Parameters
        ----------
        X : ndarray of shape (m, d)

        Returns
        -------
        ndarray of shape (m, n_features)
        """
        if self.nystroem is not None:
            return self.nystroem(X)
        return X if self.basis is None else X @ self.basis

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Iterate over the stacked samples in blocks.

        Yields
        ------
        rows : slice
            Of the stacked samples.
        features : ndarray of shape (n_block, n_features)
        """
        for name, X, first in (("source", self.Xs, 0), ("target", self.Xt, self.n_source)):
            if self._keep and name not in self._kept:
                self._kept[name] = self.features(X)
            for rows in row_blocks(len(X), 4 * self.n_features):
                F = self._kept[name][rows] if self._keep else self.features(X[rows])
                yield slice(first + rows.start, first + rows.stop), F

    def cross(self, E: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the product ``Φᵀ E``.

        Parameters
        ----------
        E : ndarray of shape (n_samples, r)

        Returns
        -------
        ndarray of shape (n_features, r)
        """
        out = np.zeros((self.n_features, E.shape[1]))
        for rows, F in self.blocks():
            out += F.T @ E[rows]
        return out

    def quadratic(self, A: Any) -> NDArray[np.float64]:
        """Compute the product ``Φᵀ A Φ`` with a sparse matrix, by blocks of columns.

        Parameters
        ----------
        A : sparse matrix of shape (n_samples, n_samples)

        Returns
        -------
        ndarray of shape (n_features, n_features)
        """
        out = np.empty((self.n_features, self.n_features))
        step = int(max(16, KEPT_BYTES // (32 * self.n_samples)))
        for start in range(0, self.n_features, step):
            unit = np.eye(self.n_features)[:, start : start + step]
            out[:, start : start + step] = self.cross(A @ self.embed(unit))
        return 0.5 * (out + out.T)

    def gram(self, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Compute the second moments ``Φᵀ diag(weight) Φ``.

        Parameters
        ----------
        weight : ndarray of shape (n_samples,), optional
            If None, ones.

        Returns
        -------
        ndarray of shape (n_features, n_features)
        """
        if weight is None:
            return self.scatter + self.n_samples * np.outer(self.mean, self.mean)
        out = np.zeros((self.n_features, self.n_features))
        for rows, F in self.blocks():
            out += F.T @ (F * weight[rows, None])
        return out

    def turn(self, weight: NDArray[np.float64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the bases of the dual form: with ``Φᵀ diag(weight) Φ = V S² Vᵀ``, ``V S`` and ``V / S``.

        The penalised coefficients belong to the features ``Φ V S``.

        Parameters
        ----------
        weight : ndarray of shape (n_samples,), optional
            Inverse penalties of the samples.

        Returns
        -------
        turn, inverse : ndarray of shape (n_features, rank)
        """
        if self._turn is None or not _same(self._turn[0], weight):
            squares, V = linalg.eigh(self.gram(weight))
            live = squares > len(squares) * np.finfo(float).eps * max(float(squares[-1]), np.finfo(float).tiny)
            live[-1] = True
            scale = np.sqrt(np.maximum(squares[live], np.finfo(float).tiny))
            self._turn = (None if weight is None else weight.copy(), V[:, live] * scale, V[:, live] / scale)
        return self._turn[1:]

    def components(
        self,
        E: NDArray[np.float64],
        k: int,
        *,
        reg: float = 1.0,
        penalty: NDArray[np.float64] | None = None,
        start: Any = None,
        random_state: Any = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find directions of large scatter whose means under `E` are close; see :meth:`KernelRows.components`.

        Parameters
        ----------
        E : ndarray of shape (n_samples, r)
        k : int
        reg : float, default=1.0
        penalty : ndarray of shape (n_samples,), optional
        start : None
            Not needed here.
        random_state : int, RandomState or None, default=None

        Returns
        -------
        values : ndarray of shape (j,)
        directions : ndarray of shape (n_features, j)
        """
        U = self.cross(E)
        if self.form == "primal":
            values, W = regularised_components(self.scatter, U, k, reg=reg, random_state=random_state)
            return values, self.signed(W)
        R, _ = self.turn(None if penalty is None else 1.0 / penalty)
        S = R.T @ self.scatter @ R
        values, B = regularised_components(S, R.T @ U, k, reg=reg, random_state=random_state)
        return values, self.signed(R @ B)

    def signed(self, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """Choose the signs of directions so that the largest kept coefficient of each is positive.

        Parameters
        ----------
        W : ndarray of shape (n_features, k)

        Returns
        -------
        ndarray of shape (n_features, k)
        """
        kept = self.coefficients(W)[1]
        return W * np.where(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])] < 0, -1.0, 1.0)

    def row_norms(self, W: NDArray[np.float64], penalty: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the norm of each sample's coefficients in the dual form.

        Parameters
        ----------
        W : ndarray of shape (n_features, k)
            Directions found with this penalty.
        penalty : ndarray of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        _, inverse = self.turn(1.0 / penalty)
        C = inverse @ (inverse.T @ W)
        out = np.empty(self.n_samples)
        for rows, F in self.blocks():
            out[rows] = np.linalg.norm(F @ C, axis=1) / penalty[rows]
        return out

    def embed(self, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project the stacked samples onto directions.

        Parameters
        ----------
        W : ndarray of shape (n_features, k)

        Returns
        -------
        ndarray of shape (n_samples, k)
        """
        out = np.empty((self.n_samples, W.shape[1]))
        for rows, F in self.blocks():
            out[rows] = F @ W
        return out

    def coefficients(self, W: NDArray[np.float64]) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
        """Return the coefficients that :func:`project` needs for new samples.

        Parameters
        ----------
        W : ndarray of shape (n_features, k)

        Returns
        -------
        rows : ndarray of shape (m, d) or None
            Samples that the kernel is evaluated with; None for the linear kernel.
        components : ndarray of shape (m, k) or (d, k)
        """
        if self.nystroem is not None:
            return self.nystroem.landmarks, self.nystroem.whitening @ W
        return None, W if self.basis is None else self.basis @ W


class KernelRows:
    """Stacked samples with their exact kernel matrix, which is applied in blocks (dual form).

    Parameters
    ----------
    X : ndarray of shape (n_samples, d)
        Source samples, then target samples.
    n_source : int
    kernel, gamma
        As in :func:`stack_rows`.

    Attributes
    ----------
    n_features : int
        The number of samples: there is one coefficient per sample.
    gamma : float or None
        Kernel coefficient in use.
    """

    def __init__(self, X: NDArray[np.float64], n_source: int, *, kernel: str, gamma: float | None) -> None:
        self.X, self.n_source, self.n_samples, self.n_features = X, n_source, len(X), len(X)
        self.K = KernelOperator(X, kernel=kernel, gamma=gamma, max_bytes=KEPT_BYTES)
        self.gamma = self.K.gamma if kernel == "rbf" else None
        self._stored = 8 * len(X) ** 2 <= KEPT_BYTES
        self._sums: NDArray[np.float64] | None = None
        self._scatter: NDArray[np.float64] | None = None

    def scatter_product(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the product with ``K H K``, in one pass over a matrix that is not stored.

        Parameters
        ----------
        V : ndarray of shape (n_samples, b)

        Returns
        -------
        ndarray of shape (n_samples, b)
        """
        if self._stored:
            KV = self.K @ V
            return self.K @ (KV - KV.mean(axis=0))
        if self._sums is None:
            self._sums = self.K.rsum()
        mean, out = self._sums @ V / self.n_samples, np.zeros_like(V)
        for _, block in self.K.blocks():
            out += block.T @ (block @ V - mean)
        return out

    def components(
        self,
        E: NDArray[np.float64],
        k: int,
        *,
        reg: float = 1.0,
        penalty: NDArray[np.float64] | None = None,
        start: NDArray[np.float64] | None = None,
        random_state: Any = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        r"""Find directions of large scatter whose means under `E` are close.

        .. math:: K H K a = \varphi\, (K E E^\top K + r\, \mathrm{diag}(g))\, a

        Parameters
        ----------
        E : ndarray of shape (n_samples, r)
            Mean differences to shrink, see :mod:`landbridge.numerics.mmd`.
        k : int
            Number of directions.
        reg : float, default=1.0
            Weight of the penalty.
        penalty : ndarray of shape (n_samples,), optional
            Penalty ``g`` of each sample, positive. If None, ones.
        start : ndarray of shape (n_samples, j), optional
            Initial directions.
        random_state : int, RandomState or None, default=None

        Returns
        -------
        values : ndarray of shape (j,)
        directions : ndarray of shape (n_samples, j)
            Columns with ``aᵀ diag(g) a = 1``.
        """
        if self._scatter is None and self.n_samples <= 600:
            S = self.scatter_product(np.eye(self.n_samples))
            self._scatter = 0.5 * (S + S.T)
        operator: Any = self.scatter_product if self._scatter is None else self._scatter
        U = self.K @ E
        return regularised_components(operator, U, k, reg=reg, diagonal=penalty, start=start, random_state=random_state)

    def row_norms(self, W: NDArray[np.float64], penalty: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the norm of each sample's coefficients.

        Parameters
        ----------
        W : ndarray of shape (n_samples, k)
        penalty : ndarray of shape (n_samples,)
            Not needed here.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.linalg.norm(W, axis=1)

    def embed(self, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project the stacked samples onto directions.

        Parameters
        ----------
        W : ndarray of shape (n_samples, k)

        Returns
        -------
        ndarray of shape (n_samples, k)
        """
        return self.K @ W

    def coefficients(self, W: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the coefficients that :func:`project` needs for new samples.

        Parameters
        ----------
        W : ndarray of shape (n_samples, k)

        Returns
        -------
        rows : ndarray of shape (n_samples, d)
        components : ndarray of shape (n_samples, k)
        """
        return self.X, W


def project(
    X: NDArray[np.float64],
    rows: NDArray[np.float64] | None,
    components: NDArray[np.float64],
    *,
    kernel: str = "linear",
    gamma: float | None = None,
) -> NDArray[np.float64]:
    """Project samples onto fitted directions.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    rows : ndarray of shape (m, d) or None
        None for the linear kernel.
    components : ndarray of shape (m, k) or (d, k)
    kernel, gamma
        As in :func:`stack_rows`.

    Returns
    -------
    ndarray of shape (n, k)
    """
    if rows is None:
        return X @ components
    return KernelOperator(X, rows, kernel=kernel, gamma=gamma, max_bytes=0) @ components


def _same(a: NDArray[np.float64] | None, b: NDArray[np.float64] | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)


def _row_space(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute an orthonormal basis of the span of fewer samples than features."""
    values, left = linalg.eigh(X @ X.T)
    live = values > len(X) * np.finfo(float).eps * max(float(values[-1]), np.finfo(float).tiny)
    live[-1] = True
    return np.linalg.qr(X.T @ left[:, live])[0]


def _pool(Xs: NDArray[np.float64], Xt: NDArray[np.float64], random_state: Any, size: int = 5000) -> NDArray[np.float64]:
    """Draw samples of both domains, in proportion to their sizes, from which landmarks are chosen."""
    rng = random_generator(random_state)
    n = len(Xs) + len(Xt)
    if n <= 2 * size:
        return np.vstack([Xs, Xt])
    chosen = np.sort(rng.choice(n, 2 * size, replace=False))
    return np.vstack([Xs[chosen[chosen < len(Xs)]], Xt[chosen[chosen >= len(Xs)] - len(Xs)]])
