"""Self-taught clustering: co-cluster target samples and unlabelled source samples over shared feature clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from landbridge._method_tags import MethodTags
from landbridge._process_state import quiet
from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, _fit_context
from landbridge.exceptions import InputError

__all__ = ["CoClusters", "SelfTaughtClustering", "co_cluster", "information_loss"]


@dataclass
class CoClusters:
    """Result of :func:`co_cluster`.

    Parameters
    ----------
    labels, source_labels, feature_labels : ndarray of int
        Cluster of each target sample, source sample and feature.
    objective : ndarray of shape (n_iter + 1,)
        Objective at the start and after each iteration.
    """

    labels: NDArray[np.intp]
    source_labels: NDArray[np.intp]
    feature_labels: NDArray[np.intp]
    objective: NDArray[np.float64]


def information_loss(P: Any, labels: NDArray[np.intp], feature_labels: NDArray[np.intp]) -> float:
    r"""Compute the mutual information that a co-clustering loses, :math:`I(X; Z) - I(\tilde X; \tilde Z)`.

    Parameters
    ----------
    P : ndarray or sparse matrix of shape (n_samples, n_features)
        Non-negative; scaled to sum to one.
    labels : ndarray of int, shape (n_samples,)
        Cluster of each sample.
    feature_labels : ndarray of int, shape (n_features,)
        Cluster of each feature.

    Returns
    -------
    float
        In nats, never below zero.

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Self-taught clustering. ICML 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.selftaught import information_loss
    >>> P, halves = np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 0, 1, 1])
    >>> round(information_loss(P, halves, halves), 4)
    0.0
    >>> round(information_loss(P, 0 * halves, halves), 4)  # log 2
    0.6931
    """
    P = P / P.sum()
    small = _one_hot(labels, int(labels.max()) + 1).T @ (P @ _one_hot(feature_labels, int(feature_labels.max()) + 1))
    return max(_information(P) - _information(_dense(small)), 0.0)


def co_cluster(
    P: Any,
    Q: Any,
    labels: NDArray[np.intp],
    source_labels: NDArray[np.intp],
    feature_labels: NDArray[np.intp],
    *,
    n_clusters: int,
    n_source_clusters: int,
    n_feature_clusters: int,
    source_weight: float = 1.0,
    max_iter: int = 50,
) -> CoClusters:
    r"""Minimize the information lost in target and source together, with feature clusters in common.

    The objective of [1]_ is

    .. math:: J = I(X; Z) - I(\tilde X; \tilde Z) + \lambda \bigl( I(Y; Z) - I(\tilde Y; \tilde Z) \bigr)

    In the form :math:`J = D(p \| \tilde p) + \lambda D(q \| \tilde q)` with
    :math:`\tilde p(x, z) = p(\tilde x, \tilde z)\, p(x | \tilde x)\, p(z | \tilde z)` each of the three steps of an
    iteration assigns every sample or feature to its best cluster with the other assignments fixed, so that no step
    can increase J:

    * a target sample :math:`x` to that of least :math:`D(p(Z | x) \| \tilde p(Z | \tilde x))`, and a source sample
      likewise;
    * a feature to that of least
      :math:`p(z) D(p(X | z) \| \tilde p(X | \tilde z)) + \lambda q(z) D(q(Y | z) \| \tilde q(Y | \tilde z))`.

    An empty cluster receives the sample or feature that fits its own cluster worst, which cannot increase J either.

    Parameters
    ----------
    P : ndarray or csr_matrix of shape (n_target, n_features)
        Non-negative target samples.
    Q : ndarray or csr_matrix of shape (n_source, n_features)
        Non-negative source samples.
    labels, source_labels, feature_labels : ndarray of int
        Initial clusters of target samples, source samples and features.
    n_clusters, n_source_clusters, n_feature_clusters : int
        Number of clusters of each.
    source_weight : float, default=1.0
        Weight :math:`\lambda` of the source; zero is co-clustering of the target alone.
    max_iter : int, default=50
        Maximum number of iterations.

    Returns
    -------
    CoClusters

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Self-taught clustering. ICML 2008.
    """
    k, h, m = n_clusters, n_source_clusters, n_feature_clusters
    P, Q = P / P.sum(), Q / Q.sum()
    joint = _information(P) + source_weight * _information(Q)
    a, b, c = (np.array(x, dtype=np.intp) for x in (labels, source_labels, feature_labels))

    def objective() -> float:
        C = _one_hot(c, m)
        kept = _information(_dense(_one_hot(a, k).T @ (P @ C)))
        kept += source_weight * _information(_dense(_one_hot(b, h).T @ (Q @ C)))
        return float(joint - kept)

    history = [objective()]
    for _ in range(max_iter):
        before = (a, b, c)
        C = _one_hot(c, m)
        a = _reassign([(_dense(P @ C), 1.0)], a, k)
        b = _reassign([(_dense(Q @ C), 1.0)], b, h)
        c = _reassign([(_dense(P.T @ _one_hot(a, k)), 1.0), (_dense(Q.T @ _one_hot(b, h)), source_weight)], c, m)
        history.append(objective())
        if all(np.array_equal(x, y) for x, y in zip(before, (a, b, c), strict=True)):
            break
    return CoClusters(a, b, c, np.array(history))


class SelfTaughtClustering(ClusterMixin, BaseEstimator):
    """Self-taught clustering: cluster few target samples with the help of many unlabelled source samples.

    Source and target samples are co-clustered over the same feature clusters.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters of the target samples.
    n_source_clusters : int, optional
        Number of clusters of the source samples. If None, `n_clusters`.
    n_feature_clusters : int, default=16
        Number of clusters of the features, which source and target share.
    source_weight : float, default=1.0
        Weight of the source in the objective; zero ignores the source.
    max_iter : int, default=50
        Maximum number of iterations of each initialization.
    n_init : int, default=10
        Number of initializations; the result with the lowest objective is kept.
    random_state : int, RandomState instance or None, default=None
        Draws the initializations. Pass an int for reproducible results.

    Attributes
    ----------
    labels_ : ndarray of shape (n_target,)
        Cluster of each target sample.
    source_labels_ : ndarray of shape (n_source,)
        Cluster of each source sample.
    feature_labels_ : ndarray of shape (n_features_in_,)
        Cluster of each feature.
    objective_ : ndarray of shape (n_iter_ + 1,)
        Information lost, at the start and after each iteration; it never increases.
    n_iter_ : int
        Number of iterations of the best initialization.
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    Helps where the target has too few samples to show which features belong together, and the source shows it.
    Hurts where features belong together differently in the source: lower `source_weight` then.

    Entries are counts or shares of a whole: words, pixel intensities, visits. The sum of a sample is only its weight.
    An iteration takes O(nnz + (n + d) k m) time for n samples, d features, k sample clusters and m feature clusters,
    and O((n + d) m) memory beyond the samples.

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Self-taught clustering. ICML 2008.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.selftaught import SelfTaughtClustering
    >>> digits = load_builtin("handwritten")
    >>> model = SelfTaughtClustering(10, n_init=1, random_state=0).fit(digits.X[200:700], X_target=digits.X[:200])
    >>> model.labels_.shape, bool(model.objective_[-1] < model.objective_[0])
    ((200,), True)
    """

    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True}
    method_tags = MethodTags("self-taught", tasks=frozenset({"clustering"}))
    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "n_source_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "n_feature_clusters": [Interval(Integral, 1, None, closed="left")],
        "source_weight": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        n_source_clusters: int | None = None,
        n_feature_clusters: int = 16,
        *,
        source_weight: float = 1.0,
        max_iter: int = 50,
        n_init: int = 10,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_source_clusters = n_source_clusters
        self.n_feature_clusters = n_feature_clusters
        self.source_weight = source_weight
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, X_target: Any = None) -> Self:
        """Cluster target samples, source samples and features.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_source, n_features)
            Non-negative, unlabelled samples of any related source.
        y : object
            Ignored.
        X_target : array-like or sparse matrix of shape (n_target, n_features), optional
            Non-negative samples to cluster. If None, the source is its own target.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If entries are negative, all zero or missing, the numbers of features differ, or there are fewer samples
            than clusters.
        """
        Q = _counts(X, "X")
        P = Q if X_target is None else _counts(X_target, "X_target")
        if P.shape[1] != Q.shape[1]:
            raise InputError(
                f"X_target has {P.shape[1]} features but X has {Q.shape[1]}; give both the same features in the same "
                "order."
            )
        n_source_clusters = self.n_clusters if self.n_source_clusters is None else self.n_source_clusters
        sizes = (self.n_clusters, n_source_clusters, self.n_feature_clusters)
        names = ("n_clusters", "n_source_clusters", "n_feature_clusters")
        available = ((P.shape[0], "target samples"), (Q.shape[0], "source samples"), (P.shape[1], "features"))
        for size, name, (n, what) in zip(sizes, names, available, strict=True):
            if size > n:
                raise InputError(f"{name}={size} is greater than the number of {what} ({n}); ask for fewer clusters.")
        rng = check_random_state(self.random_state)
        both = sparse.vstack([_csr(P) / P.sum(), self.source_weight * _csr(Q) / Q.sum()]).T.tocsr()
        best: CoClusters | None = None
        for i in range(self.n_init):
            feature_labels = _initialize(both, sizes[2], rng)
            # every other initialization clusters samples by feature clusters: few sparse samples need it
            one_hot = _one_hot(feature_labels, sizes[2])
            samples = (P, Q) if i % 2 == 0 else (P @ one_hot, Q @ one_hot)
            start = (_initialize(samples[0], sizes[0], rng), _initialize(samples[1], sizes[1], rng), feature_labels)
            counts: dict[str, Any] = dict(zip(names, sizes, strict=True))
            found = co_cluster(P, Q, *start, **counts, source_weight=self.source_weight, max_iter=self.max_iter)
            if best is None or found.objective[-1] < best.objective[-1]:
                best = found
        assert best is not None
        self.n_features_in_ = P.shape[1]
        self.labels_, self.source_labels_, self.feature_labels_ = best.labels, best.source_labels, best.feature_labels
        self.objective_, self.n_iter_ = best.objective, len(best.objective) - 1
        return self

    def fit_predict(self, X: Any, y: Any = None, *, X_target: Any = None) -> NDArray[np.intp]:
        """Fit, and return the clusters of the target samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_source, n_features)
            Source samples.
        y : object
            Ignored.
        X_target : array-like or sparse matrix of shape (n_target, n_features), optional
            Samples to cluster. If None, the source is its own target.

        Returns
        -------
        ndarray of shape (n_target,)
            Cluster of each target sample.
        """
        return self.fit(X, X_target=X_target).labels_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.positive_only = True
        return tags


def _reassign(parts: list[tuple[NDArray[np.float64], float]], current: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Assign every item to the best of k clusters; each part is the items' mass over the other axis' clusters."""
    n = len(current)
    cost, forbidden = np.zeros((n, k)), np.zeros((n, k), dtype=bool)
    for mass, weight in parts:
        if weight == 0:
            continue
        total = _dense(_one_hot(current, k).T @ mass)
        share = total / np.maximum(total.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        # mass where a cluster has none has infinite cost
        forbidden |= (mass > 0).astype(float) @ (share <= 0).T.astype(float) > 0
        cost -= weight * (mass @ np.log(np.where(share > 0, share, 1.0)).T)
    cost[forbidden] = np.inf
    items = np.arange(n)
    own = cost[items, current].copy()
    chosen = cost.argmin(axis=1)
    # in a tie, within rounding, an item keeps its cluster
    chosen = np.where(cost[items, chosen] < own - 1e-14, chosen, current)
    sizes = np.bincount(chosen, minlength=k)
    if (empty := np.flatnonzero(sizes == 0)).size:
        misfit = cost[items, chosen]
        for mass, weight in parts:  # the divergence minus the cost of the best fit
            share = mass / np.maximum(mass.sum(axis=1, keepdims=True), np.finfo(float).tiny)
            misfit = misfit + weight * (mass * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
        for item in np.argsort(-misfit, kind="stable"):
            if not empty.size or misfit[item] <= 1e-14:
                break
            if sizes[chosen[item]] > 1:
                sizes[chosen[item]] -= 1
                chosen[item], empty = empty[0], empty[1:]
    return chosen


def _initialize(X: Any, k: int, rng: Any) -> NDArray[np.intp]:
    """Cluster by k-means of the square roots of normalized samples, whose distances are Hellinger distances."""
    X = _csr(X)
    total = np.maximum(np.asarray(X.sum(axis=1)).ravel(), np.finfo(float).tiny)
    shares = (sparse.diags_array(1.0 / total) @ X).sqrt()
    shares = shares.toarray() if X.shape[1] <= 500 else sparse.csr_matrix(shares)
    seed = int(rng.randint(2**31 - 1))
    with quiet(ConvergenceWarning):  # identical samples: fewer clusters are enough at the start
        return KMeans(k, n_init=1, max_iter=20, random_state=seed).fit_predict(shares).astype(np.intp)


def _counts(X: Any, name: str) -> Any:
    try:
        X = check_array(X, accept_sparse="csr", dtype=np.float64, input_name=name)
    except ValueError as error:
        message = str(error).split("\n")[0]
        raise InputError(message if f"Input {name} " in message else f"{name}: {message}") from error
    entries = X.data if sparse.issparse(X) else X
    if entries.size and entries.min() < 0:
        raise InputError(
            f"Negative values in data: {name} has negative entries; give counts, or shift the features to start at 0."
        )
    if X.sum() <= 0:
        raise InputError(f"{name} is all zero; give samples with counts.")
    return X


def _information(P: Any) -> float:
    p, q = np.asarray(P.sum(axis=1)).ravel(), np.asarray(P.sum(axis=0)).ravel()
    entries = P.data if sparse.issparse(P) else np.asarray(P).ravel()
    return _negative_entropy(entries) - _negative_entropy(p) - _negative_entropy(q)


def _negative_entropy(p: NDArray[np.float64]) -> float:
    p = p[p > 0]
    return float(p @ np.log(p))


def _one_hot(labels: NDArray[np.intp], k: int) -> Any:
    return sparse.csr_matrix((np.ones(len(labels)), (np.arange(len(labels)), labels)), shape=(len(labels), k))


def _dense(X: Any) -> NDArray[np.float64]:
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def _csr(X: Any) -> Any:
    return sparse.csr_array(X)
