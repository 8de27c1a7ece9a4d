"""GBC: how little the classes overlap, each modelled as a Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.transferability._inputs import class_codes, feature_rows
from landbridge.transferability._replicates import measured
from landbridge.transferability._spectrum import centred, left_vectors, one_hot

__all__ = ["bhattacharyya_overlap", "gbc"]


def bhattacharyya_overlap(means: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Compute the Bhattacharyya coefficients of all pairs of Gaussians with diagonal covariances.

    .. math:: \exp\Bigl(-\tfrac18 \sum_k \frac{(\mu_{ik} - \mu_{jk})^2}{\bar v_{ijk}} - \tfrac12 \sum_k \log
        \frac{\bar v_{ijk}}{\sqrt{v_{ik} v_{jk}}}\Bigr), \quad \bar v_{ij} = (v_i + v_j) / 2

    Parameters
    ----------
    means, variances : ndarray of shape (n_classes, d)
        Variances are positive.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Ones on the diagonal.
    """
    middle = (variances[:, None] + variances[None]) / 2
    apart = ((means[:, None] - means[None]) ** 2 / middle).sum(axis=-1) / 8
    logs = np.log(variances).sum(axis=1)
    return np.exp(-apart - (np.log(middle).sum(axis=-1) - (logs[:, None] + logs[None]) / 2) / 2)


def gbc(
    *,
    features: Any,
    target_labels: Any,
    covariance: str = "spherical",
    n_components: int | None = 64,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    r"""Compute the Gaussian Bhattacharyya coefficient (GBC): the negated overlap of all pairs of classes.

    .. math:: -\sum_{i \ne j} \exp(-D_B(c_i, c_j))

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Target samples as the source model represents them.
    target_labels : array-like of shape (n_samples,)
        Class labels.
    covariance : {"spherical", "diagonal"}, default="spherical"
        Shape of the covariance of each class. The spherical one needs few samples per class.
    n_components : int or None, default=64
        Principal components that are kept; None keeps the features as they are.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"gbc"``, higher is better, at most 0 and at least minus the number of ordered pairs.

    Raises
    ------
    InputError
        If the lengths differ, or `covariance` is unknown.

    Notes
    -----
    Uses means and variances only: a class of two clusters looks broad. Time O(n d min(n, d)) once and O(n k + c² k) for
    each permutation with k components and c classes; memory O(n d + c² k).

    References
    ----------
    .. [1] M. Pándy, A. Agostinelli, J. Uijlings, V. Ferrari, T. Mensink. Transferability estimation using
       Bhattacharyya class separability. CVPR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.transferability import gbc
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(200) % 2
    >>> F = rng.normal(4.0 * y[:, None], size=(200, 2))
    >>> m = gbc(features=F, target_labels=y, random_state=0)
    >>> m.value > -0.1, m.null < -1.9
    (True, True)
    """
    if covariance not in ("spherical", "diagonal"):
        raise InputError(f"covariance={covariance!r} is unknown; give 'spherical' or 'diagonal'.")
    F = feature_rows(features)
    _, codes = class_codes(target_labels, len(F))

    def scorer(F: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
        Z = centred(F)
        if n_components is not None:
            U, squares = left_vectors(Z)
            if len(squares):  # where no sample differs, the zeros will do
                Z = U[:, :n_components] * np.sqrt(squares[:n_components])
        # a class of one sample, or of equal samples, has a little of the common spread
        least = np.maximum(1e-6 * Z.var(axis=0).mean(), np.finfo(np.float64).tiny)

        def score(codes: NDArray[np.intp]) -> float:
            Y = one_hot(codes)
            n = Y.sum(axis=0)[:, None]
            means = Y.T @ Z / n
            variances = np.maximum(Y.T @ Z**2 / n - means**2, 0.0)
            if covariance == "spherical":
                variances = np.repeat(variances.mean(axis=1, keepdims=True), Z.shape[1], axis=1)
            overlap = bhattacharyya_overlap(means, variances + least)
            return float(len(overlap) - overlap.sum())

        return score

    return measured("gbc", scorer, (F,), codes, n_bootstrap, n_permutations, random_state)
