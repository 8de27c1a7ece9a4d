"""The graph of nearest neighbours among samples, and smoothing of class scores over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

__all__ = ["MAX_GRAPH_SAMPLES", "N_NEIGHBORS", "SMOOTHING", "neighbour_graph", "smooth_votes"]

# Weight of the neighbours in smoothing, and their number.
SMOOTHING = 0.7
N_NEIGHBORS = 10
# Beyond this, a graph of neighbours costs more than all candidates together.
MAX_GRAPH_SAMPLES = 20_000


def neighbour_graph(X: Any, n_neighbors: int = N_NEIGHBORS) -> sparse.csr_matrix:
    """Build the normalised graph of nearest neighbours by angle, after standardising the features.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
        Sparse features are not standardised.
    n_neighbors : int, default=10

    Returns
    -------
    csr_matrix of shape (n_samples, n_samples)
        ``D^(-1/2) W D^(-1/2)`` of the symmetric 0/1 graph.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.guard import neighbour_graph
    >>> neighbour_graph(np.array([[1.0], [2.0], [-1.0], [-2.0]]), 1).toarray().tolist()
    [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
    """
    Z = on_sphere(X, *moments(X))
    links = kneighbors_graph(Z, min(n_neighbors, Z.shape[0] - 1))
    W = links.maximum(links.T)
    root = sparse.diags(1.0 / np.sqrt(np.maximum(np.asarray(W.sum(axis=1)).ravel(), 1e-12)))
    return sparse.csr_matrix(root @ W @ root)


def smooth_votes(
    votes: NDArray[np.float64], graph: sparse.csr_matrix, smoothing: float = SMOOTHING, *, n_iter: int = 40
) -> NDArray[np.float64]:
    r"""Average class scores over neighbouring samples: local and global consistency, equation (1) of [1]_.

    With :math:`\alpha` the `smoothing`, :math:`S` the graph and :math:`Y` the votes,

    .. math:: F \leftarrow \alpha S F + (1 - \alpha) Y

    Parameters
    ----------
    votes : ndarray of shape (n_samples, n_classes)
    graph : csr_matrix of shape (n_samples, n_samples)
        From :func:`neighbour_graph`.
    smoothing : float, default=0.7
        Weight of the neighbours; 0 leaves the votes as they are.
    n_iter : int, default=40
        Each iteration multiplies the error by `smoothing`.

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
    for _ in range(n_iter if smoothing > 0 else 0):
        F = smoothing * (graph @ F) + (1 - smoothing) * votes
    return F


def moments(X: Any) -> tuple[Any, Any]:
    """Compute the mean and the non-zero standard deviation of each feature; 0 and 1 for sparse features.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)

    Returns
    -------
    mean, scale : ndarray of shape (n_features,) or float
    """
    if sparse.issparse(X):
        return 0.0, 1.0
    spread = X.std(axis=0)
    return X.mean(axis=0), np.where(spread > 0, spread, 1.0)


def on_sphere(X: Any, mean: Any, scale: Any) -> Any:
    """Standardise samples by given moments and scale each to length one.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    mean, scale : ndarray of shape (n_features,) or float
        From :func:`moments`.

    Returns
    -------
    ndarray or csr_matrix of shape (n_samples, n_features)
    """
    return normalize(X if sparse.issparse(X) else (X - mean) / scale)
