"""PARC: whether samples with similar features have the same label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from landbridge.measurement import Measurement
from landbridge.numerics.resampling import random_generator, subsample
from landbridge.transferability._inputs import class_codes, feature_rows
from landbridge.transferability._replicates import measured
from landbridge.transferability._spectrum import one_hot

__all__ = ["parc", "parc_score"]


def parc_score(features: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    r"""Compute the Spearman correlation, over all pairs of samples, of the distances of features and of labels.

    One-hot labels have two distances only, so it is the point-biserial correlation of the ranks with "other class":
    sums of ranks within classes give it without a pass over label distances.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Target samples as the source model represents them.
    codes : ndarray of int, shape (n_samples,)
        Target classes.

    Returns
    -------
    float
        In [-1, 1]; zero where all pairs are alike.

    References
    ----------
    .. [1] D. Bolya, R. Mittapalli, J. Hoffman. Scalable diverse model selection for accessible transfer learning.
       NeurIPS 2021.
    """
    return _scorer(features)(codes)


def parc(
    *,
    features: Any,
    target_labels: Any,
    n_components: int | None = None,
    max_samples: int | None = 1000,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Compute PARC: the rank correlation of pairwise distances of features and of labels.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Target samples as the source model represents them.
    target_labels : array-like of shape (n_samples,)
        Class labels of these samples.
    n_components : int, optional
        Reduce the features to that many principal components first, as the authors do with 32 for models of different
        width.
    max_samples : int or None, default=1000
        Larger data are reduced to this many samples, stratified by class.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws samples, halves and permutations.

    Returns
    -------
    Measurement
        ``"parc"`` in [-1, 1], higher is better; the paper gives it in percent.

    Raises
    ------
    InputError
        If features and labels differ in length, or are not valid.

    Notes
    -----
    Time O(n² (d + log n)) for each replicate and memory O(n²), n the samples that are kept.

    References
    ----------
    .. [1] D. Bolya, R. Mittapalli, J. Hoffman. Scalable diverse model selection for accessible transfer learning.
       NeurIPS 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.transferability import parc
    >>> y = np.arange(60) % 3
    >>> F = np.eye(3)[y] + 0.1 * np.random.default_rng(0).normal(size=(60, 3))
    >>> m = parc(features=F, target_labels=y, random_state=0)
    >>> m.value > 0.7, abs(m.null) < 0.05
    (True, True)
    """
    rng = random_generator(random_state)
    F = feature_rows(features)
    _, codes = class_codes(target_labels, len(F))
    rows = subsample(len(F), max_samples, rng, codes)
    F, codes = F[rows], codes[rows]
    if n_components is not None:
        F = F - F.mean(axis=0)
        _, _, V = np.linalg.svd(F, full_matrices=False)
        F = F @ V[:n_components].T
    return measured("parc", _scorer, (F,), codes, n_bootstrap, n_permutations, rng)


def _scorer(F: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    Z = F - F.mean(axis=1, keepdims=True)
    Z[np.abs(Z).max(axis=1) <= 1e-14 * np.abs(F).max(axis=1)] = 0.0  # the mean of a constant is off by rounding errors
    Z = Z / np.maximum(np.linalg.norm(Z, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    n = len(Z)
    upper = np.triu_indices(n, 1)
    distances = (1.0 - Z @ Z.T)[upper]
    if distances.max(initial=0.0) < 1e-4:
        # a feature far larger than the rest makes all samples nearly proportional: the difference from one cancels
        A = Z - Z.mean(axis=0)
        squares = (A**2).sum(axis=1)
        distances = (0.5 * (squares[:, None] + squares) - A @ A.T)[upper]
    ranks = rankdata(distances)
    ranks -= ranks.mean()
    R = np.zeros((n, n))
    R[upper] = ranks
    spread, pairs = float((ranks**2).sum()), len(ranks)

    def score(codes: NDArray[np.intp]) -> float:
        Y = one_hot(codes)
        within = float(np.sum(Y * (R @ Y)))  # ranks of pairs of one class; the others sum to its negative
        sizes = Y.sum(axis=0)
        share = float((sizes * (sizes - 1)).sum() / 2) / pairs
        scale = np.sqrt(spread * pairs * share * (1 - share))
        return -within / scale if scale > 0 else 0.0

    return score
