"""GBC: how little the classes overlap, each taken for a Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.transferability._replicates import measured
from landbridge.transferability._rows import class_codes, feature_rows
from landbridge.transferability._spectrum import centred, left_vectors, one_hot

__all__ = ["bhattacharyya_overlap", "gbc"]


def bhattacharyya_overlap(means: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Bhattacharyya coefficients of Gaussians with diagonal covariances, all pairs.

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
    r"""Gaussian Bhattacharyya coefficient: the overlap of all pairs of classes, negated.

    .. math:: -\sum_{i \ne j} \exp(-D_B(c_i, c_j))

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n, d)
        Target rows as the source model sees them.
    target_labels : array-like of shape (n,)
        Their classes.
    covariance : {"spherical", "diagonal"}, default="spherical"
        Of each class. The spherical one needs few rows a class.
    n_components : int or None, default=64
        Principal components that are kept; None keeps the columns as they are.
    n_bootstrap : int, default=100
        Random halves of the rows, for a 95 % interval.
    n_permutations : int, default=100
        Permutations of the labels, for what chance gives.
    random_state : int, RandomState or None, default=None
        Draws both.

    Returns
    -------
    Measurement
        ``"gbc"``, higher is better, at most 0 and at least minus the number of ordered pairs.

    Raises
    ------
    InputError
        If the two do not fit, or `covariance` is unknown.

    Notes
    -----
    Sees means and spreads alone: a class of two clumps looks broad. Time O(n d min(n, d)) once and O(n k + c² k) for
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
            if len(squares):  # where no row differs, the zeros will do
                Z = U[:, :n_components] * np.sqrt(squares[:n_components])
        # a class of one row, or of equal rows, has a little of the common spread
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
