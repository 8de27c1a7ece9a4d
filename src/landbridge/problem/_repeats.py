"""Repeats: labelled samples that look like measurements of one and the same thing, where no groups were given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import AgglomerativeClustering

__all__ = ["find_repeats"]

# More samples than this are not looked at: the distances of all pairs are computed.
MAX_SAMPLES = 4000
# Nor are more numbers than this, such as those of large images.
MAX_SIZE = 20_000_000
# Fewer samples of a class than this say nothing about distances by chance.
MIN_SAMPLES = 8
# Samples are repeats if the median distance to the nearest is below this share of that by chance.
NEAR = 0.75
# Clusters are cut at this multiple of the distance by chance: rather too few than too many clusters.
CUT = 1.3
N_PERMUTATIONS = 5
# Share of the variance that the principal components hold on which distances are computed.
KEPT_VARIANCE = 0.99


def find_repeats(
    X: Any, y: NDArray[Any], *, regression: bool, random_state: int | None = None
) -> NDArray[np.intp] | None:
    """Find samples of equal labels that are far nearer to one another than by chance, and number their clusters.

    Distances are those of standardised features on the principal components that hold 99 % of the variance. By chance
    means: after permuting each principal component of the samples of a class on its own, which keeps the mean and the
    covariances of the class and takes repeats apart, or each feature on its own, which keeps its values, as those of
    categories; the smaller of both medians over five permutations. If the median distance of a sample to its nearest
    neighbour of equal label is below 0.75 times the median by chance, the samples are repeats; clusters are those of
    average linkage within the class below 1.3 times the median distance by chance.

    Parameters
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Labels.
    regression : bool
        Whether chance is that of all samples; only samples of one value can be repeats in either case.
    random_state : int, optional
        Draws the permutations.

    Returns
    -------
    ndarray of int, shape (n_samples,), or None
        Cluster of each sample; None where samples are not repeats, or are too few, or too many or too large (above
        4000 samples, or 20 million numbers).

    Notes
    -----
    The share 0.75 was set on digits, wine, iris, breast cancer, heart disease, credit, activity, USPS, MNIST and the
    generators of ``landbridge.data``, where the ratio of the medians is between 0.8 and 1.5; on five rows of each of
    40 drawn persons it is 0.2 to 0.65 where rows of a person spread 0.1 to 0.4 times as far as persons, and 0.66 on six
    recordings of speech of each of 32 persons. The factor 1.3 was set on the same persons, of whom it finds 35 to 40
    clusters where there are 40 persons, and 64 in the worst case.

    Time and memory grow with the square of the number of samples.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.problem._repeats import find_repeats
    >>> rng = np.random.default_rng(0)
    >>> persons, y = rng.normal(size=(20, 5)), np.repeat(np.arange(20) % 2, 4)
    >>> X = np.repeat(persons, 4, axis=0) + 0.1 * rng.normal(size=(80, 5))
    >>> 15 <= len(np.unique(find_repeats(X, y, regression=False, random_state=0))) <= 20
    True
    >>> find_repeats(rng.normal(size=(80, 5)), y, regression=False, random_state=0) is None
    True
    """
    y = np.asarray(y)
    if not MIN_SAMPLES <= len(y) <= MAX_SAMPLES:
        return None
    if X.shape[0] * X.shape[1] > MAX_SIZE:
        return None
    S, V = _components(X)
    if S.shape[1] == 0:
        return None
    Z = S @ V
    codes = np.unique(y, return_inverse=True)[1]
    strata = np.zeros(len(y), dtype=np.intp) if regression else codes
    rng = np.random.RandomState(random_state)
    own, chance = np.full(len(y), np.nan), np.full(int(strata.max()) + 1, np.nan)
    for c in range(len(chance)):
        rows = np.flatnonzero(strata == c)
        if len(rows) < MIN_SAMPLES:
            continue
        own[rows] = _nearest(Z[rows], codes[rows])
        scores = Z[rows] @ _directions(Z[rows])
        draws = [
            [np.median(_nearest(_permuted(scores, rng))), np.median(_nearest(_permuted(S[rows], rng) @ V))]
            for _ in range(N_PERMUTATIONS)
        ]
        chance[c] = float(np.median(draws, axis=0).min())
    seen = ~np.isnan(own) & (chance[strata] > 0)
    if not seen.any() or np.median(own[seen] / chance[strata][seen]) >= NEAR:
        return None
    return _clusters(Z, codes, strata, chance)


def _clusters(Z: NDArray, codes: NDArray, strata: NDArray, chance: NDArray) -> NDArray[np.intp]:
    out, following = np.empty(len(codes), dtype=np.intp), 0
    for c in range(int(codes.max()) + 1):
        rows = np.flatnonzero(codes == c)
        reach = chance[strata[rows[0]]]
        found = np.arange(len(rows))
        if len(rows) > 1 and reach > 0:
            linkage = AgglomerativeClustering(None, linkage="average", distance_threshold=CUT * reach)
            found = linkage.fit_predict(Z[rows])
        out[rows] = found + following
        following = int(out[rows].max()) + 1
    return out


def _nearest(Z: NDArray[np.float64], codes: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """Distance of each sample to the nearest other one, of the same code; infinite where there is none."""
    distances = squareform(pdist(Z))
    np.fill_diagonal(distances, np.inf)
    if codes is not None and len(np.unique(codes)) > 1:
        distances[codes[:, None] != codes] = np.inf
    return np.asarray(distances.min(axis=1))


def _permuted(X: NDArray[np.float64], rng: np.random.RandomState) -> NDArray[np.float64]:
    return np.column_stack([rng.permutation(column) for column in X.T])


def _components(X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standardised features, and the leading directions of their variance."""
    X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    spread = X.std(axis=0)
    varied = spread > 1e-12 * np.maximum(np.abs(X).max(axis=0), 1.0)
    # Indicators of one category exclude one another: permuted on their own they are nothing that chance could give.
    several = varied & np.array([len(np.unique(column)) > 2 for column in X.T])
    varied = several if several.sum() >= 2 else varied
    S = (X[:, varied] - X[:, varied].mean(axis=0)) / spread[varied]
    return S, _directions(S, KEPT_VARIANCE)


def _directions(X: NDArray[np.float64], kept: float = 1.0) -> NDArray[np.float64]:
    """Principal directions, one per column."""
    if X.shape[1] == 0:
        return np.zeros((0, 0))
    X = X - X.mean(axis=0)
    if X.shape[1] <= X.shape[0]:
        variances, V = np.linalg.eigh(X.T @ X)
        variances, V = np.maximum(variances[::-1], 0.0), V[:, ::-1]
    else:
        _, S, Vt = np.linalg.svd(X, full_matrices=False)
        variances, V = S**2, Vt.T
    total = float(variances.sum())
    k = len(variances) if kept >= 1.0 or total == 0 else int(np.searchsorted(np.cumsum(variances) / total, kept)) + 1
    return np.asarray(V[:, :k])
