"""The consensus model: several fitted models that vote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from sklearn.preprocessing import normalize

from landbridge.guard._views import probabilities

__all__ = ["Consensus", "consensus_proba", "neighbour_graph", "smooth_votes"]

# Probabilities only break ties between equal votes.
TIE_BREAK = 1e-3
# How far a row listens to its neighbours, and how many it has.
SMOOTHING = 0.5
NEIGHBOURS = 10
# Beyond this a graph of neighbours costs more than all candidates together.
MOST_ROWS = 20_000


def consensus_proba(labels: NDArray[np.intp], proba: NDArray[np.float64], weights: ArrayLike) -> NDArray[np.float64]:
    """Share of the votes each class gets, with mean probabilities to break ties.

    Parameters
    ----------
    labels : ndarray of int, shape (n_models, n_samples)
        Class numbers.
    proba : ndarray of shape (n_models, n_samples, n_classes)
    weights : array-like of shape (n_models,)
        Votes of each model.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import consensus_proba
    >>> p = np.array([[[0.6, 0.4]], [[0.1, 0.9]]])
    >>> int(consensus_proba(p.argmax(2), p, [1, 1]).argmax())
    1
    """
    w = np.asarray(weights, dtype=float) / np.sum(weights)
    shares = np.einsum("m,mrc->rc", TIE_BREAK * w, proba)
    rows = np.arange(labels.shape[1])
    for one, weight in zip(labels, w, strict=True):
        shares[rows, one] += weight
    return shares / shares.sum(axis=1, keepdims=True)


def neighbour_graph(X: Any, n_neighbors: int = NEIGHBOURS) -> sparse.csr_matrix:
    """Normalised graph of nearest neighbours by angle, after standardising the columns.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
        Target rows; sparse rows are not standardised.
    n_neighbors : int, default=10

    Returns
    -------
    csr_matrix of shape (n_samples, n_samples)
        ``D^(-1/2) W D^(-1/2)`` of the symmetric 0/1 graph.
    """
    Z = _on_sphere(X, *_moments(X))
    links = kneighbors_graph(Z, min(n_neighbors, Z.shape[0] - 1))
    W = links.maximum(links.T)
    root = sparse.diags(1.0 / np.sqrt(np.maximum(np.asarray(W.sum(axis=1)).ravel(), 1e-12)))
    return sparse.csr_matrix(root @ W @ root)


def smooth_votes(
    votes: NDArray[np.float64], graph: sparse.csr_matrix, alpha: float = SMOOTHING, *, n_iter: int = 20
) -> NDArray[np.float64]:
    r"""Let every row hear its neighbours: local and global consistency, equation (1) of [1]_.

    .. math:: F \leftarrow \alpha S F + (1 - \alpha) Y

    Parameters
    ----------
    votes : ndarray of shape (n_samples, n_classes)
    graph : csr_matrix of shape (n_samples, n_samples)
    alpha : float, default=0.5
        0 leaves the votes as they are.
    n_iter : int, default=20
        The error falls by `alpha` each time.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)

    References
    ----------
    .. [1] D. Zhou, O. Bousquet, T. Lal, J. Weston, B. Schölkopf. Learning with local and global consistency. NIPS 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import neighbour_graph, smooth_votes
    >>> X = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [-1.0, 0.0], [-1.0, 0.1]])
    >>> votes = np.array([[0.4, 0.6], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> smooth_votes(votes, neighbour_graph(X, 2)).argmax(axis=1).tolist()
    [0, 0, 0, 1, 1]
    """
    F = votes
    for _ in range(n_iter if alpha > 0 else 0):
        F = alpha * (graph @ F) + (1 - alpha) * votes
    return F


class Consensus(BaseEstimator):
    """Fitted models that vote, and rows that listen to their neighbours; for regression the median of the models.

    Parameters
    ----------
    models : sequence of estimator
        Already fitted; ``predict`` takes target rows.
    weights : sequence of float
        Votes of each.
    names : sequence of str
        What to call them.
    smoothing : float, default=0.5
        How far a row listens to its nearest neighbours among the target rows; 0 for not at all.
    n_neighbors : int, default=10

    Attributes
    ----------
    classes_ : ndarray
        Classification only.

    Notes
    -----
    The vote of models that err in different ways is never worse than their average, and mostly better than the best
    of them that can be found without labels; neighbouring target rows mostly share a class, whatever the source
    thinks of them. New rows listen to the target rows seen in ``fit``.

    Predicting costs the sum of the models and, for the neighbours, O(n_t) a new row; the graph is left out beyond
    20,000 target rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.guard import Consensus
    >>> X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    >>> Consensus([LogisticRegression().fit(X, y)], [1.0], ["source-only"]).fit(X).predict(X).tolist()
    [0, 1]
    """

    def __init__(
        self,
        models: Sequence[Any],
        weights: Sequence[float],
        names: Sequence[str],
        *,
        smoothing: float = SMOOTHING,
        n_neighbors: int = NEIGHBOURS,
    ) -> None:
        self.models = models
        self.weights = weights
        self.names = names
        self.smoothing = smoothing
        self.n_neighbors = n_neighbors

    def fit(self, X: Any, y: Any = None) -> Self:
        """Collect the votes for the target rows and smooth them; the models are fitted already.

        Parameters
        ----------
        X : array-like of shape (n_target, n_features)
            Target rows.
        y : ignored

        Returns
        -------
        self
        """
        self.smooths_ = False
        if not hasattr(self.models[0], "classes_"):
            return self
        self.classes_ = np.asarray(self.models[0].classes_)
        rows = _rows(X)
        if self.smoothing > 0 and self.n_neighbors < rows.shape[0] <= MOST_ROWS:
            votes = self._shares(X)
            self.mean_, self.scale_ = _moments(rows)
            self.target_ = _on_sphere(rows, self.mean_, self.scale_)
            self.votes_ = smooth_votes(votes, neighbour_graph(rows, self.n_neighbors), self.smoothing)
            self.smooths_ = True
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        if hasattr(self, "classes_"):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return np.median(np.stack([m.predict(X) for m in self.models]), axis=0)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the share of the votes each class gets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        shares = self._shares(X)
        if not self.smooths_:
            return shares
        # a row that was there in fit keeps its smoothed vote; a new one hears its nearest neighbours
        Z = _on_sphere(_rows(X), self.mean_, self.scale_)
        near = NearestNeighbors(n_neighbors=self.n_neighbors).fit(self.target_)
        distance, at = near.kneighbors(Z)
        heard = self.smoothing * self.votes_[at].mean(axis=1) + (1 - self.smoothing) * shares
        heard[distance[:, 0] < 1e-9] = self.votes_[at[distance[:, 0] < 1e-9, 0]]
        return heard / heard.sum(axis=1, keepdims=True)

    def _shares(self, X: Any) -> NDArray[np.float64]:
        labels, proba = [], []
        for model in self.models:
            known = np.searchsorted(self.classes_, model.classes_)
            p = np.zeros((X.shape[0], len(self.classes_)))
            p[:, known] = probabilities(model, X)
            proba.append(p)
            labels.append(np.searchsorted(self.classes_, model.predict(X)))
        return consensus_proba(np.stack(labels), np.stack(proba), self.weights)


def _rows(X: Any) -> Any:
    return X.to_numpy(dtype=float) if hasattr(X, "to_numpy") else X


def _moments(X: Any) -> tuple[Any, Any]:
    if sparse.issparse(X):
        return 0.0, 1.0
    spread = X.std(axis=0)
    return X.mean(axis=0), np.where(spread > 0, spread, 1.0)


def _on_sphere(X: Any, mean: Any, scale: Any) -> Any:
    return normalize(X if sparse.issparse(X) else (X - mean) / scale)
