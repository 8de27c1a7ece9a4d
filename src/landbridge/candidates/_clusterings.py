"""Clusterings of the target where neither domain has labels: alone, and together with the source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from landbridge.candidates._specification import CandidateSpec
from landbridge.exceptions import LabelError
from landbridge.problem._problem import Problem

__all__ = ["clusterings", "number_of_clusters"]

MOST_CLUSTERS = 10


def clusterings(problem: Problem) -> list[CandidateSpec]:
    """List k-means on the target alone, and co-clustering with the source.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    list of CandidateSpec
    """
    from landbridge.selftaught import SelfTaughtClustering

    assert problem.source is not None
    seed = 0 if problem.random_state is None else int(problem.random_state)
    low = np.minimum(problem.source.X.min(axis=0), problem.target.X.min(axis=0))
    Xs, Xt = problem.source.X - low, problem.target.X - low  # co-clustering takes non-negative values
    k = number_of_clusters(problem.target.X, seed)

    def alone(rows: NDArray[np.intp]) -> NDArray[np.intp]:
        return KMeans(k, n_init=5, random_state=seed).fit_predict(StandardScaler().fit_transform(Xt[rows]))

    def together(rows: NDArray[np.intp]) -> NDArray[np.intp]:
        return SelfTaughtClustering(k, random_state=seed).fit(Xs, X_target=Xt[rows]).labels_

    why = "co-clustering of both domains with shared feature clusters"
    return [
        CandidateSpec(
            "target-only", "baseline", None, "k-means on the target", role="target-only", fit_on="target", cluster=alone
        ),
        CandidateSpec("SelfTaughtClustering", "feature", None, why, fit_on="target", cluster=together),
    ]


def number_of_clusters(X: Any, random_state: int) -> int:
    """Choose the number of k-means clusters by the silhouette.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    random_state : int

    Returns
    -------
    int
        Between 2 and 10.

    Raises
    ------
    LabelError
        If there are too few samples to cluster.
    """
    Z = StandardScaler().fit_transform(X)
    most = min(MOST_CLUSTERS, len(X) - 1)
    if most < 2:
        raise LabelError("neither side has labels, and the target has too few samples to cluster; give at least four.")
    values = {}
    for k in range(2, most + 1):
        labels = KMeans(k, n_init=3, random_state=random_state).fit_predict(Z)
        if 1 < len(np.unique(labels)) < len(Z):
            size = min(1000, len(Z))
            values[k] = float(silhouette_score(Z, labels, sample_size=size, random_state=random_state))
    return max(values, key=values.__getitem__) if values else 2
