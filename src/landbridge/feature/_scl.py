"""Structural correspondence learning: pivots that mean the same in both domains link the columns that do not."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.utils.extmath import randomized_svd, row_norms, safe_sparse_dot, svd_flip

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, TransferTags

__all__ = ["StructuralCorrespondence", "choose_pivots", "pivot_directions"]


def choose_pivots(presence_s: Any, presence_t: Any, codes: NDArray[np.intp] | None, n_pivots: int) -> NDArray[np.intp]:
    """Choose columns that are frequent in both domains and, given labels, tell the source's classes apart.

    Parameters
    ----------
    presence_s : ndarray or sparse matrix of shape (n_source, d)
        1 where a column is present (large) in a source row, else 0.
    presence_t : ndarray or sparse matrix of shape (n_target, d)
        The same for the target.
    codes : ndarray of int, shape (n_source,), or None
        Class numbers of the source; mutual information with them ranks the columns. Without them the rank is by the
        smaller of both frequencies.
    n_pivots : int
        Largest number of pivots.

    Returns
    -------
    ndarray of int, sorted
    """
    n, m = presence_s.shape[0], presence_t.shape[0]
    in_s = np.asarray(presence_s.sum(axis=0)).ravel()
    in_t = np.asarray(presence_t.sum(axis=0)).ravel()
    # present in at least 1 % (and two rows) of either domain, and never everywhere in both
    common = (in_s >= max(2.0, 0.01 * n)) & (in_t >= max(2.0, 0.01 * m)) & (in_s + in_t < n + m)
    score = np.minimum(in_s / n, in_t / m)
    if codes is not None:
        score = np.zeros(len(in_s))
        for c in range(int(codes.max()) + 1):
            here = codes == c
            share = here.mean()
            for joint, marginal in (
                (np.asarray(presence_s[here].sum(axis=0)).ravel() / n, in_s / n),
                (share - np.asarray(presence_s[here].sum(axis=0)).ravel() / n, 1.0 - in_s / n),
            ):
                expected = marginal * share
                live = (joint > 0) & (expected > 0)
                score[live] += joint[live] * np.log(joint[live] / expected[live])
    order = np.argsort(np.where(common, -score, np.inf), kind="stable")
    return np.sort(order[: min(n_pivots, int(common.sum()))])


def pivot_directions(
    X: Any, presence: Any, pivots: NDArray[np.intp], n_components: int, reg: float, random_state: Any = 0
) -> NDArray[np.float64]:
    r"""Predict every pivot from the other columns and return the main directions of the predictors, step 2 of [1]_.

    Ridge regressions stand for the paper's modified Huber losses, so that all pivots share one factorisation.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Rows of both domains.
    presence : ndarray or sparse matrix of shape (n, d)
        1 where a column is present.
    pivots : ndarray of int
        Columns to predict; they are taken out of the predictors.
    n_components : int
        Directions to return.
    reg : float
        Ridge, as a share of the mean squared column.
    random_state : int or RandomState
        Of the truncated decomposition.

    Returns
    -------
    ndarray of shape (d, k)
        ``θ``; zero for the pivots.

    References
    ----------
    .. [1] J. Blitzer, R. McDonald, F. Pereira. Domain adaptation with structural correspondence learning. EMNLP 2006.
    """
    n, d = X.shape
    rest = np.setdiff1d(np.arange(d), pivots)
    theta = np.zeros((d, min(n_components, len(pivots), len(rest))))
    if theta.shape[1] == 0:
        return theta
    A, P = X[:, rest], presence[:, pivots]
    P = P.toarray() if sparse.issparse(P) else np.asarray(P)
    P = 2.0 * P - 1.0
    P = P - P.mean(axis=0)
    mean = np.asarray(A.mean(axis=0)).ravel()
    gram = safe_sparse_dot(A.T, A, dense_output=True) - n * np.outer(mean, mean)
    ridge = reg * max(float(np.trace(gram)) / len(rest), np.finfo(float).tiny)
    gram[np.diag_indices_from(gram)] += ridge
    # P is centred, so centring the predictors does not change the right-hand side
    W = linalg.solve(gram, safe_sparse_dot(A.T, P), assume_a="pos", overwrite_a=True)
    k = theta.shape[1]
    if min(W.shape) <= 500:
        U, _, Vt = np.linalg.svd(W, full_matrices=False)
    else:
        U, _, Vt = randomized_svd(W, k, random_state=random_state)
    theta[rest] = svd_flip(U[:, :k], Vt[:k])[0]
    return theta


class StructuralCorrespondence(FeatureTransfer):
    """Add features that say what a row's other columns predict about columns common to both domains.

    *Pivots* are columns that are frequent in both domains. How the other columns predict them is learned on all rows,
    without labels; the main directions of these predictors are appended, so that columns of one domain only are read
    by what they say about the pivots.

    Parameters
    ----------
    n_pivots : int, default=100
        Pivots; chosen by mutual information with the source's labels where there are labels, else by frequency.
    n_components : int, default=20
        Directions that are appended.
    scale : float, default=1.0
        Mean length of the appended part, relative to that of the rows.
    reg : float, default=10.0
        Ridge of the pivot predictors, as a share of the mean squared column.

    Attributes
    ----------
    pivots_ : ndarray of int
        The pivot columns.
    directions_ : ndarray of shape (n_features, n_directions)
        What is appended is ``X @ directions_``.
    thresholds_ : ndarray of shape (n_features,)
        A column is present in a row where it is above this mean over both domains.

    Notes
    -----
    Helps on many sparse columns such as words, where domains use other words for the same thing. Hurts little. With
    dense columns a pivot is present above its mean, and much is lost.

    Time O((n_s + n_t) d² + d³), memory O(d² + d n_pivots) beside the rows. Sparse rows stay sparse until the output,
    whose appended part is dense.

    References
    ----------
    .. [1] J. Blitzer, R. McDonald, F. Pereira. Domain adaptation with structural correspondence learning. EMNLP 2006.
    .. [2] J. Blitzer, M. Dredze, F. Pereira. Biographies, Bollywood, boom-boxes and blenders: domain adaptation for
       sentiment classification. ACL 2007 (pivots by mutual information).

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import StructuralCorrespondence
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.poisson(0.5, size=(80, 10)), rng.poisson(0.5, size=(60, 10))
    >>> mapper = StructuralCorrespondence(n_pivots=4, n_components=2)
    >>> mapper.fit_transform(Xs, X_target=Xt).shape
    (80, 12)
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"covariate", "subspace"}),
        growth="time O((n_s + n_t) d² + d³), memory O(d² + d n_pivots)",
        reference="Blitzer, McDonald, Pereira: Domain adaptation with structural correspondence learning. EMNLP 2006",
    )
    _accept_sparse = True
    _parameter_constraints = {
        "n_pivots": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
        "reg": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, n_pivots: int = 100, *, n_components: int = 20, scale: float = 1.0, reg: float = 10.0) -> None:
        self.n_pivots = n_pivots
        self.n_components = n_components
        self.scale = scale
        self.reg = reg

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        X = sparse.vstack([Xs, Xt], format="csr") if sparse.issparse(Xs) else np.concatenate([Xs, Xt])
        self.thresholds_ = np.asarray(X.mean(axis=0)).ravel()
        presence = _present(X, self.thresholds_)
        n = Xs.shape[0]
        codes = np.unique(ys, return_inverse=True)[1] if ys is not None and _few(ys) else None
        self.pivots_ = choose_pivots(presence[:n], presence[n:], codes, self.n_pivots)
        theta = pivot_directions(X, presence, self.pivots_, self.n_components, self.reg)
        added = safe_sparse_dot(X, theta)
        length = float(np.sqrt((added**2).sum(axis=1)).mean())
        wanted = self.scale * float(row_norms(X).mean())
        self.directions_ = theta * (wanted / length if length > 0 else 1.0)

    def _map_source(self, X: Any) -> Any:
        added = safe_sparse_dot(X, self.directions_)
        return sparse.hstack([X, added], format="csr") if sparse.issparse(X) else np.hstack([X, added])

    def _map_target(self, X: Any) -> Any:
        return self._map_source(X)


def _present(X: Any, thresholds: NDArray[np.float64]) -> Any:
    if not sparse.issparse(X):
        return (X > thresholds).astype(np.float64)
    if (thresholds < 0).any():  # zeros would then be present: no longer sparse
        return (X.toarray() > thresholds).astype(np.float64)
    P = X.tocsr(copy=True)
    P.data = (P.data > thresholds[P.indices]).astype(np.float64)
    P.eliminate_zeros()
    return P


def _few(y: NDArray[Any]) -> bool:
    """Whether labels are classes rather than values."""
    return y.dtype.kind != "f" or len(np.unique(y)) <= 50
