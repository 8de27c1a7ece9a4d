"""H-score: the share of the features' variance that lies between the classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from landbridge.measurement import Measurement
from landbridge.transferability._inputs import class_codes, feature_rows
from landbridge.transferability._replicates import measured
from landbridge.transferability._spectrum import centred, left_vectors, one_hot

__all__ = ["h_score", "h_value", "regularised_h_score"]


def h_value(features: NDArray[np.float64], codes: NDArray[np.intp], *, shrinkage: float = 0.0) -> float:
    r"""Compute the trace of the inverse covariance times the covariance of the class means.

    .. math:: H = \operatorname{tr}\bigl(\Sigma_\rho^{-1}\, (1 - \rho)\, \operatorname{cov}(E[f \mid y])\bigr), \quad
        \Sigma_\rho = (1 - \rho) \Sigma + \rho\, \tfrac{\operatorname{tr} \Sigma}{d} I

    Without shrinkage :math:`\rho` this is the definition of [1]_, with the pseudo-inverse; with it that of [2]_.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Target samples as the source model represents them.
    codes : ndarray of int, shape (n_samples,)
        Target classes.
    shrinkage : float, default=0.0
        :math:`\rho` in [0, 1].

    Returns
    -------
    float

    References
    ----------
    .. [1] Y. Bao, Y. Li, S. Huang, L. Zhang, L. Zheng, A. Zamir, L. Guibas. An information-theoretic approach to
       transferability in task transfer learning. ICIP 2019.
    .. [2] S. Ibrahim, N. Ponomareva, R. Mazumder. Newer is not always better: rethinking transferability metrics, their
       peculiarities, stability and performance. ECML PKDD 2022.
    """
    return _with(features, shrinkage)(codes)


def h_score(
    *,
    features: Any,
    target_labels: Any,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Compute the H-score: the variance of the class means relative to that of all samples.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Target samples as the source model represents them, for example the input of its last layer.
    target_labels : array-like of shape (n_samples,)
        Class labels of these samples.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"h_score"``, higher is better, at most the number of classes less one.

    Raises
    ------
    InputError
        If features and labels differ in length, or are not valid.

    Notes
    -----
    Meant for many more samples than features: with as many features as samples it reaches its maximum whatever the
    labels are, as the null shows. Then use :func:`regularised_h_score`. Time O(n d min(n, d)) once, O(n k c) for each
    permutation with k directions and c classes; memory O(n d).

    References
    ----------
    .. [1] Y. Bao, Y. Li, S. Huang, L. Zhang, L. Zheng, A. Zamir, L. Guibas. An information-theoretic approach to
       transferability in task transfer learning. ICIP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.transferability import h_score
    >>> y = np.arange(300) % 3
    >>> m = h_score(features=np.eye(3)[y] + 1e-3 * np.random.default_rng(0).normal(size=(300, 3)), target_labels=y)
    >>> round(m.value, 2)
    2.0
    """
    F = feature_rows(features)
    _, codes = class_codes(target_labels, len(F))
    return measured("h_score", _scorer, (F,), codes, n_bootstrap, n_permutations, random_state)


def regularised_h_score(
    *,
    features: Any,
    target_labels: Any,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Compute the H-score with a Ledoit-Wolf covariance, for more features than samples.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Target samples as the source model represents them, for example the input of its last layer.
    target_labels : array-like of shape (n_samples,)
        Class labels of these samples.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"regularised_h_score"``, higher is better.

    Raises
    ------
    InputError
        If features and labels differ in length, or are not valid.

    Notes
    -----
    Time O(n d min(n, d) + n d²) once for the shrinkage, O(n k c) for each permutation with k directions and c classes;
    memory O(n d).

    References
    ----------
    .. [1] S. Ibrahim, N. Ponomareva, R. Mazumder. Newer is not always better: rethinking transferability metrics, their
       peculiarities, stability and performance. ECML PKDD 2022.

    Examples
    --------
    Sixty samples in a hundred features of noise: the plain score is at its maximum, and so is its null.

    >>> import numpy as np
    >>> from landbridge.transferability import h_score, regularised_h_score
    >>> F, y = np.random.default_rng(0).normal(size=(60, 100)), np.arange(60) % 3
    >>> round(h_score(features=F, target_labels=y).value, 2)
    2.0
    >>> regularised_h_score(features=F, target_labels=y).value < 0.5
    True
    """
    F = feature_rows(features)
    _, codes = class_codes(target_labels, len(F))
    return measured("regularised_h_score", _shrunk, (F,), codes, n_bootstrap, n_permutations, random_state)


def _scorer(F: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    return _with(F, 0.0)


def _shrunk(F: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    return _with(F, float(ledoit_wolf_shrinkage(centred(F))))


def _with(F: NDArray[np.float64], shrinkage: float) -> Callable[[NDArray[np.intp]], float]:
    Z = centred(F)
    if shrinkage == 0.0:
        # the score does not depend on the units of the features, the rounding errors do
        norms = np.linalg.norm(Z, axis=0)
        Z = Z / np.where(norms > 0, norms, 1.0)
    U, squares = left_vectors(Z)
    part = (1 - shrinkage) * squares
    weight = part / np.maximum(part + shrinkage * squares.sum() / F.shape[1], np.finfo(np.float64).tiny)

    def score(codes: NDArray[np.intp]) -> float:
        Y = one_hot(codes)
        return float((((Y.T @ U) ** 2 @ weight) / Y.sum(axis=0)).sum())

    return score
