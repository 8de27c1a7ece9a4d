"""Heterogeneous domain adaptation by manifold alignment (DAMA)."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.domain import missing_labels
from landbridge.exceptions import LabelError
from landbridge.feature._kernel_cca import SideFeatures
from landbridge.feature._task import TASK_CONSTRAINT, TaskParameter
from landbridge.numerics.graph import neighbour_laplacian
from landbridge.numerics.resampling import subsample

__all__ = ["ManifoldAlignment", "alignment_matrices"]


def alignment_matrices(
    features: list[NDArray[np.float64]], labels: list[NDArray[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute the scatter of samples of equal and of different classes over all domains, section 3 of [1]_.

    With the labelled samples of all domains in a block matrix `Z`, one block of features per domain, they are
    :math:`Z^\top L_s Z` and :math:`Z^\top L_d Z` for the Laplacians of the graphs that join samples of the same class
    and samples of different classes. An edge has the weight :math:`w_i w_j`, where the weights of the samples of each
    domain sum to one, so that the domains count equally. Both are sums over classes; no graph is formed.

    Parameters
    ----------
    features : list of ndarray of shape (n_labelled, p)
        Labelled samples of each domain.
    labels : list of ndarray of shape (n_labelled,)

    Returns
    -------
    same, different : ndarray of shape (p_all, p_all)
        `p_all` is the total number of features of the domains.

    References
    ----------
    .. [1] C. Wang, S. Mahadevan. Heterogeneous domain adaptation using manifold alignment. IJCAI 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import alignment_matrices
    >>> X, y = np.array([[0.0], [2.0]]), np.array(["a", "b"])
    >>> same, different = alignment_matrices([X, X], [y, y])
    >>> same.tolist()  # the two samples of class "b"
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    classes = np.unique(np.concatenate([np.unique(y) for y in labels]))
    width = sum(X.shape[1] for X in features)
    sums, share, squares = np.zeros((len(classes), width)), np.zeros(len(classes)), np.zeros((width, width))
    apart = np.zeros((width, width))
    members = [(y[:, None] == classes).astype(float) / max(len(y), 1) for y in labels]
    for M in members:
        share += M.sum(axis=0)
    start = 0
    for X, M in zip(features, members, strict=True):
        here = slice(start, start + X.shape[1])
        sums[:, here] = M.T @ X
        degree = M @ share
        squares[here, here] = (X * degree[:, None]).T @ X
        apart[here, here] = (X * (M.sum(axis=1) * share.sum() - degree)[:, None]).T @ X
        start += X.shape[1]
    within, everything = sums.T @ sums, sums.sum(axis=0)
    return squares - within, apart - np.outer(everything, everything) + within


class ManifoldAlignment(TaskParameter, FeatureTransfer):
    """Manifold alignment (DAMA) of domains with different features.

    Each domain gets its own linear map. The maps bring samples of the same class of both domains close together,
    separate samples of different classes, and preserve neighbourhoods within each domain. `skada` has no DAMA.

    Parameters
    ----------
    n_components : int or None, default=None
        Dimension of the common space. If None, the number of classes.
    locality : float, default=0.1
        Weight of the neighbourhood graphs against the labels.
    n_neighbors : int, default=10
        Number of neighbours of a sample in the graphs.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel of both domains.
    gamma : float, default=None
        Coefficient of "rbf" on standardised features. If None, the median heuristic of each domain.
    alpha : float, default=1.0
        Weight of the L2 penalty on the maps, relative to the mean diagonal of the minimised matrix.
    n_landmarks : int, default=300
        For "rbf": number of samples of the Nystroem approximation of each domain.
    max_samples : int or None, default=2000
        Maximum number of samples in the neighbourhood graph of each domain, drawn at random. If None, all samples.
    task : {"classification", "regression"} or None, default=None
        Whether labels are classes or values; values cannot be used. If None, inferred from `y`.
    random_state : int, RandomState or None, default=None
        Choice of the landmarks and of the samples of the graphs.

    Attributes
    ----------
    source_features_, target_features_ : callable
        Map the samples of a domain to standardised features, or to kernel features of these.
    source_directions_ : ndarray of shape (n_source_features, n_components_)
    target_directions_ : ndarray of shape (n_target_features, n_components_)
    ratios_ : ndarray of shape (n_components_,)
        Ratio of the scatter between classes to what is minimised, descending.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps with very few labelled and many unlabelled target samples whose neighbours are mostly of the same class. The
    source only contributes the similarity of classes, so gains are small: with three labels per class on handwritten
    digits (USPS pixels to MNIST pixels) it was no better than a classifier fitted on the labelled target samples. Hurts
    if neighbours are often of different classes, as in many tables of mixed types. It needs target labels of at least
    two classes.

    Without a target, the source labels are those of both domains.

    Time O(n p² + p³) for p features in all, plus O(m² d) for the neighbours, ``m = min(n, max_samples)``; memory
    O(n p + p²). Linear in the number of samples beyond `max_samples`.

    References
    ----------
    .. [1] C. Wang, S. Mahadevan. Heterogeneous domain adaptation using manifold alignment. IJCAI 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import ManifoldAlignment
    >>> rng = np.random.default_rng(0)
    >>> hidden, y = rng.normal(size=(300, 2)), np.arange(300) % 2
    >>> hidden[:, 0] += 6 * y
    >>> Xs, Xt = hidden[:200] @ rng.normal(size=(2, 5)), hidden[200:] @ rng.normal(size=(2, 3))
    >>> y_target = np.where(np.arange(100) < 10, y[200:], -1)
    >>> mapper = ManifoldAlignment(random_state=0).fit(Xs, y[:200], X_target=Xt, y_target=y_target)
    >>> mapper.transform_source(Xs).shape, mapper.transform(Xt).shape
    ((200, 2), (100, 2))
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        needs=frozenset({"y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"subspace"}),
        growth="time O(n p² + p³ + m² d), memory O(n p + p²) for p features in all; m = min(n, max_samples)",
        reference="Wang, Mahadevan: Heterogeneous domain adaptation using manifold alignment. IJCAI 2011",
        heterogeneous=True,
    )
    own_scaling = True
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "locality": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "kernel": [StrOptions({"linear", "rbf"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "task": TASK_CONSTRAINT,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        locality: float = 0.1,
        n_neighbors: int = 10,
        kernel: str = "linear",
        gamma: float | None = None,
        alpha: float = 1.0,
        n_landmarks: int = 300,
        max_samples: int | None = 2000,
        task: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.locality = locality
        self.n_neighbors = n_neighbors
        self.kernel = kernel
        self.gamma = gamma
        self.alpha = alpha
        self.n_landmarks = n_landmarks
        self.max_samples = max_samples
        self.task = task
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        same = Xt is Xs and yt is None
        how = (self.kernel, self.gamma, self.n_landmarks)
        self.source_features_ = SideFeatures(*how).fit(Xs, rng)
        self.target_features_ = self.source_features_ if same else SideFeatures(*how).fit(Xt, rng)
        A, B = self.source_features_(Xs), self.target_features_(Xt)
        ys = np.zeros(len(Xs), dtype=int) if ys is None else np.asarray(ys)
        rows = np.arange(len(Xt)) if same else np.flatnonzero(~missing_labels(yt))
        labels = ys if same else np.array([yt[r] for r in rows.tolist()])
        if not same and self._task(ys) == "regression":
            raise LabelError(
                "ManifoldAlignment aligns classes, and y holds values; choose another method, or set "
                "task='classification' if they are classes."
            )
        if not same and not set(labels.tolist()) & set(ys.tolist()):
            raise LabelError(
                "y_target and y share no class, so the domains cannot be aligned; give both the same classes."
            )
        near, apart = alignment_matrices([A, B[rows]], [ys, labels])
        # the terms of the labels and of the graphs are brought to one scale, so that locality has no unit
        for X, F, here in ((Xs, A, slice(0, A.shape[1])), (Xt, B, slice(A.shape[1], None))):
            smooth = self._roughness(X, F, rng)
            total, labelled = float(np.trace(smooth)), float(np.trace(near[here, here]))
            near[here, here] += smooth * (self.locality * labelled / total if total > 0 else 0.0)
        k = len(np.unique(ys)) if self.n_components is None else self.n_components
        k = min(k, len(near))
        size = float(np.trace(near)) / len(near) or 1.0
        near[np.diag_indices_from(near)] += self.alpha * size
        values, vectors = linalg.eigh(apart, near, subset_by_index=[len(near) - k, len(near) - 1])
        values, vectors = values[::-1], vectors[:, ::-1]
        sign = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(k)])
        vectors = vectors * np.where(sign == 0.0, 1.0, sign) * np.sqrt(size)
        self.source_directions_, self.target_directions_ = vectors[: A.shape[1]], vectors[A.shape[1] :]
        if same:  # one domain, one map
            self.target_directions_ = self.source_directions_
        self.ratios_, self.n_components_ = values, k

    def _roughness(self, X: NDArray[np.float64], F: NDArray[np.float64], rng: Any) -> NDArray[np.float64]:
        """Compute the scatter of the features between neighbours."""
        drawn = subsample(len(X), self.max_samples, rng)
        scaled = (X[drawn] - X[drawn].mean(axis=0)) / np.maximum(X[drawn].std(axis=0), 1e-12)
        L = neighbour_laplacian(scaled, self.n_neighbors)
        return F[drawn].T @ (L @ F[drawn])

    def _map_source(self, X: Any) -> Any:
        return self.source_features_(X) @ self.source_directions_

    def _map_target(self, X: Any) -> Any:
        return self.target_features_(X) @ self.target_directions_
