"""Kernel canonical correlation analysis (KCCA) for domains with different features."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import BaseEstimator

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.domain import missing_labels
from landbridge.exceptions import InputError, LabelError
from landbridge.feature._domain_scaler import feature_statistics
from landbridge.feature._task import TASK_CONSTRAINT, TaskParameter
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.nystroem import NystroemMap, landmark_rows

__all__ = ["KernelCCA", "canonical_directions", "class_pairs"]


def class_pairs(ys: NDArray[Any], yt: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""Compute the weights of all pairs of source and labelled target samples of the same class, as factors.

    Every labelled target sample is paired with all source samples of its class, which share its weight:

    .. math:: W_{ij} = \frac{[y_i = y_j]}{m \, n_{y_j}} = (P Q^\top)_{ij}

    with ``m`` labelled target samples and ``n_c`` source samples of class ``c``. `W` itself is never
    formed.

    Parameters
    ----------
    ys : ndarray of shape (n_source,)
        Source labels.
    yt : ndarray of shape (n_labelled,)
        Labels of the labelled target samples.

    Returns
    -------
    P : ndarray of shape (n_source, n_shared_classes)
        One column per class of both domains; each sums to one.
    Q : ndarray of shape (n_labelled, n_shared_classes)
        All entries sum to one.

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
    A: NDArray[np.float64], B: NDArray[np.float64], cross: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute the canonical directions of two sets of centred features, section 2 of [1]_.

    .. math:: \max_{a, b}\; a^\top C_{st} b \quad\text{s.t.}\quad a^\top (C_{ss} + \rho_s I) a =
        b^\top (C_{tt} + \rho_t I) b = 1

    They are the singular vectors of :math:`(C_{ss} + \rho_s I)^{-1/2} C_{st} (C_{tt} + \rho_t I)^{-1/2}`, mapped back.
    The covariances within a domain are over all of its samples, paired or not, as in [2]_; :math:`\rho` is `alpha`
    times the mean variance of the features of a domain.

    Parameters
    ----------
    A : ndarray of shape (n_source, p)
        Source features, centred.
    B : ndarray of shape (n_target, q)
        Target features, centred.
    cross : ndarray of shape (p, q)
        Covariance of paired samples.
    alpha : float
        Weight of the L2 penalty, above 0.

    Returns
    -------
    source : ndarray of shape (p, k)
        Directions, by descending correlation.
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
    R, S = _inverse_root(A, alpha), _inverse_root(B, alpha)
    U, values, Vt = linalg.svd(R.T @ cross @ S, full_matrices=False)
    source, target = R @ U, S @ Vt.T
    # the sign of a direction is arbitrary; the largest coefficient is positive
    sign = np.sign(source[np.abs(source).argmax(axis=0), np.arange(source.shape[1])])
    sign[sign == 0.0] = 1.0
    return source * sign, target * sign, values


class KernelCCA(TaskParameter, FeatureTransfer):
    """Kernel canonical correlation analysis (KCCA) between domains with different features.

    Each domain is standardised and projected on its own directions, chosen so that the projections of paired samples
    have maximal correlation. Pairs are either passed to ``fit`` or made from class labels: each labelled target sample
    is paired with all source samples of its class. `skada` has no KCCA.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of directions. If None, all with a correlation that is not negligible: with pairs from labels, the number
        of classes less one. With given pairs choose a number, for example 20.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel of both domains.
    gamma : float, default=None
        Coefficient of "rbf" on standardised features. If None, the median heuristic of each domain.
    alpha : float, default=1.0
        Weight of the L2 penalty on the directions, relative to the mean variance of the features of a domain. Increase
        for few pairs and many features.
    power : float, default=1.0
        Directions are multiplied by their correlation to this power, so that weak ones count little.
    n_landmarks : int, default=300
        For "rbf": number of samples of the Nystroem approximation of each domain.
    task : {"classification", "regression"} or None, default=None
        Whether labels are classes or values. Pairs can be made from classes only; for values pass `pairs` to ``fit``.
        If None, inferred from `y`.
    random_state : int, RandomState or None, default=None
        Choice of the landmarks.

    Attributes
    ----------
    source_features_, target_features_ : callable
        Map the samples of a domain to standardised features, or to kernel features of these.
    source_directions_ : ndarray of shape (n_source_features, n_components_)
    target_directions_ : ndarray of shape (n_target_features, n_components_)
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of directions over the paired samples, shrunk by `alpha`.
    pairs_ : ndarray of shape (n_pairs, 2) or None
        Pairs passed to ``fit``.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps if the domains describe the same objects by different features: pixels and words, two sensors, the forms of
    two hospitals. True pairs carry far more information than labels: a few hundred unlabelled pairs can replace all
    target labels. Pairs from a few labels carry no more information about the target features than those labels; any
    gain comes from the covariance of the unlabelled target samples and from the similarity of classes in the source.
    On handwritten digits (USPS pixels to MNIST pixels, three labels per class) it was worse than a classifier fitted
    on the labelled target samples. Hurts if the labelled samples of a class do not represent it. Labels of a single
    class carry no information.

    Without a target, the source samples are paired with themselves.

    Linear kernel: time O(n d² + d³) per domain, or O(n² d + n³) if n < d; memory O(min(n, d)²) beside the data. "rbf"
    with m landmarks: time O(n m (d + m)), memory O(n m). Both are linear in the number of samples.

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
    >>> y_target = np.where(np.arange(100) < 10, y[200:], -1)
    >>> mapper = KernelCCA().fit(Xs, y[:200], X_target=Xt, y_target=y_target)
    >>> mapper.transform_source(Xs).shape, mapper.transform(Xt).shape
    ((200, 1), (100, 1))
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target", "pairs"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"subspace"}),
        growth="linear: time O(n d² + d³), memory O(d²) beside the data; rbf, m landmarks: O(n m (d + m)) and O(n m)",
        reference="Yeh, Huang, Wang: Heterogeneous domain adaptation and classification by exploiting the correlation "
        "subspace. IEEE TIP 23(5), 2014",
        heterogeneous=True,
    )
    own_scaling = True
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True, "pairs": True}
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "kernel": [StrOptions({"linear", "rbf"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "power": [Interval(Real, 0, None, closed="left")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "task": TASK_CONSTRAINT,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        kernel: str = "linear",
        gamma: float | None = None,
        alpha: float = 1.0,
        power: float = 1.0,
        n_landmarks: int = 300,
        task: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.alpha = alpha
        self.power = power
        self.n_landmarks = n_landmarks
        self.task = task
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None, pairs: Any = None) -> Self:
        """Compute the canonical directions of both domains.

        Parameters
        ----------
        X : array-like of shape (n_source, n_source_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels; not needed with `pairs`.
        X_target : array-like of shape (n_target, n_target_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; not needed with `pairs`.
        pairs : array-like of int, shape (n_pairs, 2), default=None
            Indices of the source sample and of the target sample of each pair. If None, pairs are made from the class
            labels of both domains.

        Returns
        -------
        self
        """
        self.pairs_ = None if pairs is None else np.asarray(pairs)
        return super().fit(X, y, X_target=X_target, y_target=y_target)

    def fit_transform(
        self, X: Any, y: Any = None, *, X_target: Any = None, y_target: Any = None, pairs: Any = None
    ) -> Any:
        """Compute the canonical directions and return the source samples in the common space.

        Parameters
        ----------
        X : array-like of shape (n_source, n_source_features)
            Source samples.
        y : array-like of shape (n_source,), default=None
            Source labels; not needed with `pairs`.
        X_target : array-like of shape (n_target, n_target_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; not needed with `pairs`.
        pairs : array-like of int, shape (n_pairs, 2), default=None
            Indices of the source sample and of the target sample of each pair.

        Returns
        -------
        ndarray of shape (n_source, n_components)
            Source samples in the common space.
        """
        self.pairs_ = None if pairs is None else np.asarray(pairs)
        return super().fit_transform(X, y, X_target=X_target, y_target=y_target)

    def _needs(self) -> frozenset[str]:
        # Pairs replace labels; without either, _fit raises.
        return frozenset()

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        self.source_features_ = self._side(Xs, rng)
        self.target_features_ = self.source_features_ if Xt is Xs else self._side(Xt, rng)
        A, B = self.source_features_(Xs), self.target_features_(Xt)
        source, target, values = canonical_directions(A, B, self._cross(A, ys, B, yt, Xt is Xs), self.alpha)
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
        """Covariance of paired samples."""
        if self.pairs_ is not None:
            i, j = _checked_pairs(self.pairs_, len(A), len(B)).T
            return _covariance(A[i], B[j])
        if same and yt is None:
            return _covariance(A, B)
        rows = np.empty(0, dtype=np.intp) if yt is None else np.flatnonzero(~missing_labels(yt))
        if ys is None or len(rows) == 0:
            raise LabelError(
                "KernelCCA needs y_target or pairs, and neither was given with X_target; label at least one target "
                "sample of each class, or pass pairs of (source index, target index)."
            )
        if self._task(ys) == "regression":
            raise LabelError(
                "KernelCCA makes pairs from class labels, and y holds values; pass pairs of (source index, target "
                "index), or set task='classification' if they are classes."
            )
        P, Q = class_pairs(np.asarray(ys), np.array([yt[r] for r in rows.tolist()]))
        if P.shape[1] == 0:
            raise LabelError("y_target and y share no class, so no samples can be paired; give both the same classes.")
        # centred at the mean of the pairs: labelled samples need not be centred at the target mean
        source, target = P.T @ A, Q.T @ B[rows]
        share = Q.sum(axis=0)
        return source.T @ (target - share[:, None] * target.sum(axis=0))


class SideFeatures(BaseEstimator):
    """Map the samples of one domain to centred features: standardised ones, or Nystroem features of these."""

    def __init__(self, kernel: str, gamma: float | None, n_landmarks: int) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.n_landmarks = n_landmarks

    def fit(self, X: NDArray[np.float64], rng: np.random.RandomState) -> Self:
        self.mean_, scale = feature_statistics(X)
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


def _inverse_root(A: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Compute the whitening map of centred samples, within their span."""
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
    return basis[:, keep] / np.sqrt(values[keep] + alpha * total / p)


def _checked_pairs(pairs: Any, n_source: int, n_target: int) -> NDArray[np.intp]:
    given = np.asarray(pairs)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu" or len(given) == 0:
        raise InputError(
            f"pairs must be whole numbers of shape (n_pairs, 2), source index and target index; got {given.shape} "
            f"of type {given.dtype}."
        )
    if given.min() < 0 or given[:, 0].max() >= n_source or given[:, 1].max() >= n_target:
        raise InputError(
            f"pairs holds an index beyond the {n_source} source samples or {n_target} target samples; count from 0."
        )
    return given.astype(np.intp)
