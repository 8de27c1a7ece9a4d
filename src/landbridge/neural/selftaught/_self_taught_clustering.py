"""Self-taught clustering: target rows and unlabelled source rows, clustered together over the same feature clusters."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state

from landbridge._sklearn_compat import Interval, _fit_context
from landbridge.exceptions import InputError

__all__ = ["CoClusters", "SelfTaughtClustering", "co_cluster", "information_loss"]


@dataclass
class CoClusters:
    """What :func:`co_cluster` found.

    Parameters
    ----------
    rows, source_rows, columns : ndarray of int
        Clusters of target rows, source rows and columns.
    objective : ndarray of shape (n_iter + 1,)
        At the start and after each round.
    """

    rows: NDArray[np.intp]
    source_rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    objective: NDArray[np.float64]


def information_loss(P: Any, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
    r"""Mutual information that a co-clustering loses, :math:`I(X; Z) - I(\tilde X; \tilde Z)`.

    Parameters
    ----------
    P : ndarray or sparse matrix of shape (n, d)
        Non-negative; scaled to sum to one.
    rows : ndarray of int, shape (n,)
        Cluster of each row.
    columns : ndarray of int, shape (d,)
        Cluster of each column.

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
    >>> from landbridge.neural.selftaught import information_loss
    >>> P, halves = np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 0, 1, 1])
    >>> round(information_loss(P, halves, halves), 4)
    0.0
    >>> round(information_loss(P, 0 * halves, halves), 4)  # log 2
    0.6931
    """
    P = P / P.sum()
    small = _hot(rows, int(rows.max()) + 1).T @ (P @ _hot(columns, int(columns.max()) + 1))
    return max(_information(P) - _information(_dense(small)), 0.0)


def co_cluster(
    P: Any,
    Q: Any,
    rows: NDArray[np.intp],
    source_rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    *,
    n_clusters: tuple[int, int, int],
    lam: float = 1.0,
    max_iter: int = 50,
) -> CoClusters:
    r"""Lower the information lost in target and source together, their columns' clusters in common.

    The objective of [1]_ is

    .. math:: J = I(X; Z) - I(\tilde X; \tilde Z) + \lambda \bigl( I(Y; Z) - I(\tilde Y; \tilde Z) \bigr)

    In the form :math:`J = D(p \| \tilde p) + \lambda D(q \| \tilde q)` with
    :math:`\tilde p(x, z) = p(\tilde x, \tilde z)\, p(x | \tilde x)\, p(z | \tilde z)` each of the three steps of a
    round takes the best cluster for every row or column with the other clusters held, so that no step can raise J:

    * a target row :math:`x` that of least :math:`D(p(Z | x) \| \tilde p(Z | \tilde x))`, a source row likewise;
    * a column that of least
      :math:`p(z) D(p(X | z) \| \tilde p(X | \tilde z)) + \lambda q(z) D(q(Y | z) \| \tilde q(Y | \tilde z))`.

    A cluster that has run empty is given the row or column that fits its own cluster worst, which cannot raise J
    either.

    Parameters
    ----------
    P : ndarray or csr_matrix of shape (n_target, d)
        Non-negative target rows.
    Q : ndarray or csr_matrix of shape (n_source, d)
        Non-negative source rows.
    rows, source_rows, columns : ndarray of int
        First clusters of target rows, source rows and columns.
    n_clusters : tuple of int
        How many clusters of each.
    lam : float, default=1.0
        Weight of the source; zero is co-clustering of the target alone.
    max_iter : int, default=50
        Most rounds.

    Returns
    -------
    CoClusters

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Self-taught clustering. ICML 2008.
    """
    k, h, m = n_clusters
    P, Q = P / P.sum(), Q / Q.sum()
    joint = _information(P) + lam * _information(Q)
    a, b, c = (np.array(x, dtype=np.intp) for x in (rows, source_rows, columns))

    def objective() -> float:
        C = _hot(c, m)
        kept = _information(_dense(_hot(a, k).T @ (P @ C))) + lam * _information(_dense(_hot(b, h).T @ (Q @ C)))
        return float(joint - kept)

    history = [objective()]
    for _ in range(max_iter):
        before = (a, b, c)
        C = _hot(c, m)
        a = _best([(_dense(P @ C), 1.0)], a, k)
        b = _best([(_dense(Q @ C), 1.0)], b, h)
        c = _best([(_dense(P.T @ _hot(a, k)), 1.0), (_dense(Q.T @ _hot(b, h)), lam)], c, m)
        history.append(objective())
        if all(np.array_equal(x, y) for x, y in zip(before, (a, b, c), strict=True)):
            break
    return CoClusters(a, b, c, np.array(history))


class SelfTaughtClustering(BaseEstimator):
    """Cluster few target rows with the help of many unlabelled rows that share their columns.

    Parameters
    ----------
    n_clusters : int, default=8
        Clusters of the target rows.
    n_source_clusters : int, optional
        Clusters of the unlabelled rows; left out, as many as of the target's.
    n_feature_clusters : int, default=16
        Clusters of the columns, which both share.
    lam : float, default=1.0
        Weight of the unlabelled rows; zero leaves them out.
    max_iter : int, default=50
        Most rounds.
    n_init : int, default=10
        Starts, of which the one with the lowest objective is kept.
    random_state : int, RandomState or None, default=None
        Draws the starts.

    Attributes
    ----------
    labels_ : ndarray of shape (n_target,)
        Clusters of the target rows.
    source_labels_ : ndarray of shape (n_source,)
        Clusters of the unlabelled rows.
    feature_labels_ : ndarray of shape (n_features_in_,)
        Clusters of the columns.
    objective_ : ndarray of shape (n_iter_ + 1,)
        Information lost, at the start and after each round; it never rises.
    n_iter_ : int
    n_features_in_ : int

    Notes
    -----
    Helps where the target has too few rows to show which columns belong together and the unlabelled rows show it.
    Hurts where columns hang together otherwise in the unlabelled rows: lower `lam` then.

    Entries are counts, or shares of a whole: words, dots of ink, visits. A row's length tells only its weight. A round
    takes O(nnz + (n + d) k m) time for k row and m feature clusters, and O((n + d) m) memory beyond the rows.

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Self-taught clustering. ICML 2008.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.selftaught import SelfTaughtClustering
    >>> digits = load_builtin("handwritten")
    >>> model = SelfTaughtClustering(10, n_init=1, random_state=0).fit(digits.X[200:700], digits.X[:200])
    >>> model.labels_.shape, bool(model.objective_[-1] < model.objective_[0])
    ((200,), True)
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "n_source_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "n_feature_clusters": [Interval(Integral, 1, None, closed="left")],
        "lam": [Interval(Real, 0, None, closed="left")],
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
        lam: float = 1.0,
        max_iter: int = 50,
        n_init: int = 10,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_source_clusters = n_source_clusters
        self.n_feature_clusters = n_feature_clusters
        self.lam = lam
        self.max_iter = max_iter
        self.n_init = n_init
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X_unlabelled: Any, X_target: Any) -> Self:
        """Cluster target rows, unlabelled rows and columns.

        Parameters
        ----------
        X_unlabelled : array-like or sparse matrix of shape (n_source, n_features)
            Non-negative rows of any related source.
        X_target : array-like or sparse matrix of shape (n_target, n_features)
            Non-negative rows to be clustered.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If entries are negative, all zero or missing, columns differ, or there are fewer rows than clusters.
        """
        Q, P = _counts(X_unlabelled, "X_unlabelled"), _counts(X_target, "X_target")
        if P.shape[1] != Q.shape[1]:
            raise InputError(
                f"X_target has {P.shape[1]} columns but X_unlabelled has {Q.shape[1]}; give both the same columns in "
                "the same order."
            )
        n_source = self.n_clusters if self.n_source_clusters is None else self.n_source_clusters
        sizes = (self.n_clusters, n_source, self.n_feature_clusters)
        names = ("n_clusters", "n_source_clusters", "n_feature_clusters")
        what = ((P.shape[0], "target rows"), (Q.shape[0], "unlabelled rows"), (P.shape[1], "columns"))
        for size, name, (n, kind) in zip(sizes, names, what, strict=True):
            if size > n:
                raise InputError(f"{name}={size} is more than there are {kind} ({n}); ask for fewer clusters.")
        rng = check_random_state(self.random_state)
        both = sparse.vstack([_csr(P) / P.sum(), self.lam * _csr(Q) / Q.sum()]).T.tocsr()
        best: CoClusters | None = None
        for turn in range(self.n_init):
            columns = _start(both, sizes[2], rng)
            # every other start of the rows is from the columns' clusters, which few thin rows alone do not show
            small = _hot(columns, sizes[2])
            sides = (P, Q) if turn % 2 == 0 else (P @ small, Q @ small)
            start = (_start(sides[0], sizes[0], rng), _start(sides[1], sizes[1], rng), columns)
            found = co_cluster(P, Q, *start, n_clusters=sizes, lam=self.lam, max_iter=self.max_iter)
            if best is None or found.objective[-1] < best.objective[-1]:
                best = found
        assert best is not None
        self.n_features_in_ = P.shape[1]
        self.labels_, self.source_labels_, self.feature_labels_ = best.rows, best.source_rows, best.columns
        self.objective_, self.n_iter_ = best.objective, len(best.objective) - 1
        return self

    def fit_predict(self, X_unlabelled: Any, X_target: Any) -> NDArray[np.intp]:
        """Cluster, and give the clusters of the target rows.

        Parameters
        ----------
        X_unlabelled : array-like or sparse matrix of shape (n_source, n_features)
        X_target : array-like or sparse matrix of shape (n_target, n_features)

        Returns
        -------
        ndarray of shape (n_target,)
        """
        return self.fit(X_unlabelled, X_target).labels_


def _best(parts: list[tuple[NDArray[np.float64], float]], current: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The best of k clusters for every item; each part is the items' mass over the other side's clusters."""
    n = len(current)
    cost, forbidden = np.zeros((n, k)), np.zeros((n, k), dtype=bool)
    for mass, weight in parts:
        if weight == 0:
            continue
        total = _dense(_hot(current, k).T @ mass)
        share = total / np.maximum(total.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        # mass where a cluster has none costs without bound
        forbidden |= (mass > 0).astype(float) @ (share <= 0).T.astype(float) > 0
        cost -= weight * (mass @ np.log(np.where(share > 0, share, 1.0)).T)
    cost[forbidden] = np.inf
    items = np.arange(n)
    own = cost[items, current].copy()
    chosen = cost.argmin(axis=1)
    # a tie, within rounding, leaves an item where it is
    chosen = np.where(cost[items, chosen] < own - 1e-14, chosen, current)
    sizes = np.bincount(chosen, minlength=k)
    if (empty := np.flatnonzero(sizes == 0)).size:
        misfit = cost[items, chosen]
        for mass, weight in parts:  # what is left of the divergence once the cost of the best fit is taken off
            share = mass / np.maximum(mass.sum(axis=1, keepdims=True), np.finfo(float).tiny)
            misfit = misfit + weight * (mass * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
        for item in np.argsort(-misfit, kind="stable"):
            if not empty.size or misfit[item] <= 1e-14:
                break
            if sizes[chosen[item]] > 1:
                sizes[chosen[item]] -= 1
                chosen[item], empty = empty[0], empty[1:]
    return chosen


def _start(X: Any, k: int, rng: Any) -> NDArray[np.intp]:
    """Clusters by k-means of the rows' shares under a square root, where distances are Hellinger's."""
    X = _csr(X)
    total = np.maximum(np.asarray(X.sum(axis=1)).ravel(), np.finfo(float).tiny)
    shares = (sparse.diags_array(1.0 / total) @ X).sqrt()
    shares = shares.toarray() if X.shape[1] <= 500 else sparse.csr_matrix(shares)
    seed = int(rng.randint(2**31 - 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # rows alike: fewer clusters will do to begin with
        return KMeans(k, n_init=1, max_iter=20, random_state=seed).fit_predict(shares).astype(np.intp)


def _counts(X: Any, name: str) -> Any:
    try:
        X = check_array(X, accept_sparse="csr", dtype=np.float64, input_name=name)
    except ValueError as error:
        told = str(error).split("\n")[0]
        raise InputError(told if name in told else f"{name}: {told}") from error
    entries = X.data if sparse.issparse(X) else X
    if entries.size and entries.min() < 0:
        raise InputError(f"{name} has negative entries; give counts, or shift the columns to start at zero.")
    if X.sum() <= 0:
        raise InputError(f"{name} is zero throughout; give rows with counts.")
    return X


def _information(P: Any) -> float:
    p, q = np.asarray(P.sum(axis=1)).ravel(), np.asarray(P.sum(axis=0)).ravel()
    entries = P.data if sparse.issparse(P) else np.asarray(P).ravel()
    return _negative_entropy(entries) - _negative_entropy(p) - _negative_entropy(q)


def _negative_entropy(p: NDArray[np.float64]) -> float:
    p = p[p > 0]
    return float(p @ np.log(p))


def _hot(labels: NDArray[np.intp], k: int) -> Any:
    return sparse.csr_matrix((np.ones(len(labels)), (np.arange(len(labels)), labels)), shape=(len(labels), k))


def _dense(X: Any) -> NDArray[np.float64]:
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def _csr(X: Any) -> Any:
    return sparse.csr_array(X)
