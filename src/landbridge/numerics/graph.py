"""Neighbourhood graphs of samples and their Laplacians."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

__all__ = ["neighbour_laplacian"]


def neighbour_laplacian(X: NDArray[np.float64], n_neighbors: int, *, affinity: str = "cosine") -> Any:
    r"""Compute the normalised Laplacian :math:`I - D^{-1/2} W D^{-1/2}` of the symmetric k-nearest-neighbour graph.

    Two samples are joined where one is among the other's neighbours.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    n_neighbors : int
        Neighbours of a sample, not counting itself; fewer where there are fewer samples.
    affinity : {"cosine", "rbf"}, default="cosine"
        Neighbours by angle, with the cosine as weight (zero where it is negative); or by distance, with the weight
        ``exp(-dist² / mean dist²)``, the mean over all edges.

    Returns
    -------
    csr_matrix of shape (n_samples, n_samples)
        Zeros for a sample without neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.graph import neighbour_laplacian
    >>> neighbour_laplacian(np.array([[1.0, 0.0], [2.0, 0.0]]), 1).toarray().tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    n = len(X)
    k = min(n_neighbors, n - 1)
    if k < 1:
        return sparse.csr_matrix((n, n))
    # Distances of unit vectors have the order of their angles.
    unit = normalize(X) if affinity == "cosine" else X
    distance, index = NearestNeighbors(n_neighbors=k).fit(unit).kneighbors()
    if affinity == "cosine":
        weight = np.maximum(1.0 - 0.5 * distance**2, 0.0)
    else:
        mean = float(np.mean(distance**2))
        weight = np.exp(-(distance**2) / mean) if mean > 0 else np.ones_like(distance)
    W = sparse.csr_matrix((weight.ravel(), index.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    W = W.maximum(W.T)
    degree = np.asarray(W.sum(axis=1)).ravel()
    root = np.divide(1.0, np.sqrt(degree), out=np.zeros(n), where=degree > 0)
    scale = sparse.diags(root)
    return sparse.csr_matrix(sparse.diags((degree > 0).astype(float)) - scale @ W @ scale)
