"""Kernel CCA: directions of source and of target that say the same, for sides with different columns."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.domain import missing_labels
from landbridge.exceptions import InputError, LabelError
from landbridge.feature._domain_scaler import column_statistics
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.nystroem import NystroemMap, landmark_rows

__all__ = ["KernelCCA", "canonical_directions", "class_pairs"]


def class_pairs(ys: NDArray[Any], yt: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""Weights of all pairs of a source row and a labelled target row of one class, in factors.

    Every labelled target row is paired with all source rows of its class, which share its weight:

    .. math:: W_{ij} = \frac{[y_i = y_j]}{m \, n_{y_j}} = (P Q^\top)_{ij}

    with ``m`` labelled target rows and ``n_c`` source rows of class ``c``. A product with `W` costs one pass over the
    rows, and `W` itself is never formed.

    Parameters
    ----------
    ys : ndarray of shape (n_source,)
        Source labels.
    yt : ndarray of shape (n_labelled,)
        Labels of the labelled target rows.

    Returns
    -------
    P : ndarray of shape (n_source, n_shared_classes)
        One column a class that both sides have; each sums to one.
    Q : ndarray of shape (n_labelled, n_shared_classes)
        Everything sums to one.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import class_pairs
    >>> P, Q = class_pairs(np.array(["a", "a", "b"]), np.array(["b", "a"]))
    >>> (P @ Q.T).tolist()
    [[0.0, 0.25], [0.0, 0.25], [0.5, 0.0]]
    """
    shared = np.array(sorted(set(ys.tolist()) & set(yt.tolist())), dtype=ys.dtype)
    P = (ys[:, None] == shared).astype(float)
    Q = (yt[:, None] == shared).astype(float)
    total = max(float(Q.sum()), 1.0)
    return P / np.maximum(P.sum(axis=0), 1.0), Q / total


def canonical_directions(
    A: NDArray[np.float64], B: NDArray[np.float64], cross: NDArray[np.float64], reg: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Directions of two sets of centred features with the largest correlation, section 2 of [1]_.

    .. math:: \max_{a, b}\; a^\top C_{st} b \quad\text{s.t.}\quad a^\top (C_{ss} + \rho_s I) a =
        b^\top (C_{tt} + \rho_t I) b = 1

    They are the singular vectors of :math:`(C_{ss} + \rho_s I)^{-1/2} C_{st} (C_{tt} + \rho_t I)^{-1/2}`, taken back.
    The covariances within a side are over all of its rows, paired or not, as in [2]_; :math:`\rho` is `reg` times the
    mean variance of a side's features.

    Parameters
    ----------
    A : ndarray of shape (n_source, p)
        Source features, centred.
    B : ndarray of shape (n_target, q)
        Target features, centred.
    cross : ndarray of shape (p, q)
        Covariance of paired rows.
    reg : float
        Penalty, above 0.

    Returns
    -------
    source : ndarray of shape (p, k)
        Directions, by falling correlation.
    target : ndarray of shape (q, k)
    correlations : ndarray of shape (k,)

    References
    ----------
    .. [1] D. R. Hardoon, S. Szedmak, J. Shawe-Taylor. Canonical correlation analysis: an overview with application to
       learning methods. Neural Computation 16(12), 2004.
    .. [2] M. B. Blaschko, C. H. Lampert, A. Gretton. Semi-supervised Laplacian regularization of kernel canonical
       correlation analysis. ECML PKDD 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import canonical_directions
    >>> rng = np.random.default_rng(0)
    >>> A = rng.normal(size=(500, 2))
    >>> B = A @ [[0.0, 1.0, 1.0], [2.0, 0.0, 0.0]]
    >>> A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    >>> canonical_directions(A, B, A.T @ B / 500, 1e-9)[2].round(3).tolist()
    [1.0, 1.0]
    """
    R, S = _inverse_root(A, reg), _inverse_root(B, reg)
    U, values, Vt = linalg.svd(R.T @ cross @ S, full_matrices=False)
    source, target = R @ U, S @ Vt.T
    # a direction and its opposite are equally good; the sign is settled by the largest coefficient
    sign = np.sign(source[np.abs(source).argmax(axis=0), np.arange(source.shape[1])])
    sign[sign == 0.0] = 1.0
    return source * sign, target * sign, values


class KernelCCA(FeatureTransfer):
    """Bring two domains with different columns into one space by kernel canonical correlation analysis.

    Each side is standardised by itself and gets its own directions, chosen so that what they say about paired rows is
    as correlated as can be. Pairs are either given, rows of both sides that show the same thing, or made from labels:
    each labelled target row goes with all source rows of its class.

    Parameters
    ----------
    n_components : int or None, default=None
        Directions kept, fewer where there are fewer; None keeps all whose correlation is not negligible: with pairs
        from labels, one less than there are classes. With given pairs choose a number, 20 or so.
    pairs : array-like of int, shape (n_pairs, 2), optional
        Source row and target row of each pair. Left out, pairs are made from the labels of the target.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel of both sides.
    gamma : float, optional
        Of "rbf", for standardised columns; left out, the median heuristic of each side.
    reg : float, default=1.0
        Penalty on the directions, relative to the mean variance of a side's columns or kernel features. More for few
        pairs and many columns.
    power : float, default=1.0
        Directions are multiplied by their correlation to this power: what is hardly correlated counts little.
    n_landmarks : int, default=300
        For "rbf": Nystroem features of each side from so many of its rows.
    random_state : int, RandomState or None, default=None
        Chooses the landmarks.

    Attributes
    ----------
    source_features_, target_features_ : callable
        Take rows of a side to its features: standardised columns, or kernel features.
    source_directions_ : ndarray of shape (n_source_features, n_components_)
    target_directions_ : ndarray of shape (n_target_features, n_components_)
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of directions over the pairs, shrunk by `reg`.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps when the same classes, or the same things, are described by other columns on each side: pixels and words, two
    sensors, two hospitals' forms. True pairs say far more than labels: a few hundred of them, none labelled, can stand
    in for all target labels. Pairs from a handful of labels say no more about the target's columns than those labels
    do: what can be gained comes from the unlabelled target rows, whose spread tells which directions are noise, and
    from which classes are alike on the source; on handwritten digits (USPS pixels to MNIST pixels, three labels a
    class) it was worse than a classifier on the labelled target rows alone. Hurts when a class looks one way in the
    labelled rows and another in the rest. With one class labelled nothing can be learnt.

    With no target the source's rows are paired with themselves.

    Linear: time O(n d² + d³) a side, or O(n² d + n³) where a side has fewer rows than columns; memory O(min(n, d)²)
    beside the rows. "rbf" with m landmarks: time O(n m (d + m)), memory O(n m). Linear in the rows in both.

    References
    ----------
    .. [1] Y.-R. Yeh, C.-H. Huang, Y.-C. F. Wang. Heterogeneous domain adaptation and classification by exploiting the
       correlation subspace. IEEE Transactions on Image Processing 23(5), 2014.
    .. [2] D. R. Hardoon, S. Szedmak, J. Shawe-Taylor. Canonical correlation analysis: an overview with application to
       learning methods. Neural Computation 16(12), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import KernelCCA
    >>> rng = np.random.default_rng(0)
    >>> hidden, y = rng.normal(size=(300, 2)), np.arange(300) % 2
    >>> hidden[:, 0] += 4 * y
    >>> Xs, Xt = hidden[:200] @ rng.normal(size=(2, 5)), hidden[200:] @ rng.normal(size=(2, 3))
    >>> told = np.where(np.arange(100) < 10, y[200:], -1)
    >>> mapper = KernelCCA().fit(Xs, y[:200], X_target=Xt, y_target=told)
    >>> mapper.transform_source(Xs).shape, mapper.transform(Xt).shape
    ((200, 1), (100, 1))
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"subspace"}),
        growth="linear: time O(n d² + d³), memory O(d²) beside the rows; rbf, m landmarks: O(n m (d + m)) and O(n m)",
        reference="Yeh, Huang, Wang: Heterogeneous domain adaptation and classification by exploiting the correlation "
        "subspace. IEEE TIP 23(5), 2014",
        heterogeneous=True,
    )
    own_scaling = True
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "pairs": ["array-like", None],
        "kernel": [StrOptions({"linear", "rbf"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "reg": [Interval(Real, 0, None, closed="neither")],
        "power": [Interval(Real, 0, None, closed="left")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        pairs: Any = None,
        kernel: str = "linear",
        gamma: float | None = None,
        reg: float = 1.0,
        power: float = 1.0,
        n_landmarks: int = 300,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.pairs = pairs
        self.kernel = kernel
        self.gamma = gamma
        self.reg = reg
        self.power = power
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _needs(self) -> frozenset[str]:
        # Pairs stand in for labels; without either, _fit says so with both remedies.
        return frozenset()

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        self.source_features_ = self._side(Xs, rng)
        self.target_features_ = self.source_features_ if Xt is Xs else self._side(Xt, rng)
        A, B = self.source_features_(Xs), self.target_features_(Xt)
        source, target, values = canonical_directions(A, B, self._cross(A, ys, B, yt, Xt is Xs), self.reg)
        known = max(int(np.sum(values > 1e-9 * max(values[0], 1e-300))), 1)
        k = min(known, len(values) if self.n_components is None else self.n_components)
        weight = values[:k] ** self.power
        self.source_directions_, self.target_directions_ = source[:, :k] * weight, target[:, :k] * weight
        self.correlations_, self.n_components_ = values[:k], k

    def _map_source(self, X: Any) -> Any:
        return self.source_features_(X) @ self.source_directions_

    def _map_target(self, X: Any) -> Any:
        return self.target_features_(X) @ self.target_directions_

    def _side(self, X: NDArray[np.float64], rng: np.random.RandomState) -> SideFeatures:
        return SideFeatures(self.kernel, self.gamma, self.n_landmarks).fit(X, rng)

    def _cross(
        self, A: NDArray[np.float64], ys: Any, B: NDArray[np.float64], yt: Any, same: bool
    ) -> NDArray[np.float64]:
        """Covariance of paired rows."""
        if self.pairs is not None:
            i, j = _checked_pairs(self.pairs, len(A), len(B)).T
            return _covariance(A[i], B[j])
        if same and yt is None:
            return _covariance(A, B)
        rows = np.empty(0, dtype=np.intp) if yt is None else np.flatnonzero(~missing_labels(yt))
        if ys is None or len(rows) == 0:
            raise LabelError(
                "KernelCCA needs y_target or pairs, and X_target came with neither: label at least one target row of "
                "each class, or give pairs of (source row, target row) that show the same thing."
            )
        P, Q = class_pairs(np.asarray(ys), np.array([yt[r] for r in rows.tolist()]))
        if P.shape[1] == 0:
            raise LabelError("y_target and y share no class, so no rows can be paired; give both the same classes.")
        # the mean of the pairs is taken away from them, as labelled rows need not lie around the target's mean
        source, target = P.T @ A, Q.T @ B[rows]
        share = Q.sum(axis=0)
        return source.T @ (target - share[:, None] * target.sum(axis=0))


class SideFeatures(BaseEstimator):
    """Rows of one side to centred features: standardised columns, or Nystroem features of them."""

    def __init__(self, kernel: str, gamma: float | None, n_landmarks: int) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.n_landmarks = n_landmarks

    def fit(self, X: NDArray[np.float64], rng: np.random.RandomState) -> Self:
        self.mean_, scale = column_statistics(X)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        if self.kernel == "rbf":
            Z = (X - self.mean_) / self.scale_
            self.gamma_ = median_gamma(Z, random_state=rng) if self.gamma is None else float(self.gamma)
            chosen = landmark_rows(Z, self.n_landmarks, gamma=self.gamma_, random_state=rng)
            self.landmarks_ = Z[chosen]
            self.middle_ = NystroemMap(self.landmarks_, gamma=self.gamma_).mean(Z)
        return self

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        Z = (X - self.mean_) / self.scale_
        if self.kernel == "linear":
            return Z
        return NystroemMap(self.landmarks_, gamma=self.gamma_)(Z) - self.middle_


def _covariance(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    return (A - A.mean(axis=0)).T @ B / len(A)


def _inverse_root(A: NDArray[np.float64], reg: float) -> NDArray[np.float64]:
    """Whitening map of centred rows, within the span of the rows."""
    n, p = A.shape
    if p <= n:
        values, basis = linalg.eigh(A.T @ A / n)
    else:
        values, left = linalg.eigh(A @ A.T / n)
        basis = A.T @ (left / np.sqrt(np.maximum(n * values, np.finfo(float).tiny)))
    values = np.maximum(values, 0.0)
    total = float(values.sum())
    if total <= 0.0:
        return np.eye(p, 1)
    keep = values > 1e-12 * values[-1]
    return basis[:, keep] / np.sqrt(values[keep] + reg * total / p)


def _checked_pairs(pairs: Any, n_source: int, n_target: int) -> NDArray[np.intp]:
    given = np.asarray(pairs)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu" or len(given) == 0:
        raise InputError(
            f"pairs must be whole numbers of shape (n_pairs, 2): source row, target row; got shape {given.shape} "
            f"of type {given.dtype}."
        )
    if given.min() < 0 or given[:, 0].max() >= n_source or given[:, 1].max() >= n_target:
        raise InputError(
            f"pairs names a row beyond the {n_source} source rows or {n_target} target rows; rows are counted from 0."
        )
    return given.astype(np.intp)
