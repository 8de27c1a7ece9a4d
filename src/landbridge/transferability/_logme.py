"""LogME: the evidence of a linear model on a source model's features, maximised over its two precisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.transferability._inputs import class_codes, feature_rows, regression_values
from landbridge.transferability._replicates import measured
from landbridge.transferability._spectrum import one_hot, precise_left_vectors

__all__ = ["log_evidence", "logme"]

# Share of the labels' mean square that counts as noise even under a perfect fit, whose evidence has no bound.
LEAST_ERROR = 1e-14


def log_evidence(features: NDArray[np.float64], Y: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Compute the maximum log evidence per sample of :math:`y = F w + \epsilon`, one model per column of `Y`.

    With :math:`F = U \Sigma V^\top`, prior :math:`w \sim N(0, \alpha^{-1} I)` and noise :math:`\beta^{-1}`, everything
    depends on :math:`z = (U^\top y)^2` and :math:`\sigma = \operatorname{diag} \Sigma^2` alone. The best
    :math:`\beta` is known for each ratio :math:`\rho = \alpha / \beta`, which leaves

    .. math:: \max_\rho \; \tfrac12 \log \frac{n}{\sum_i \frac{\rho z_i}{\rho + \sigma_i} + z_\perp}
              - \tfrac1{2n} \sum_i \log \frac{\rho + \sigma_i}{\rho} - \tfrac12 (1 + \log 2 \pi)

    with :math:`z_\perp = \lVert y \rVert^2 - \sum_i z_i`. The fixed point of [1]_ stops at the same place if it
    converges; here the maximum is bracketed on a grid and bisected, so that it does not depend on the scale of the
    features or of `Y`.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Target samples as the source model represents them.
    Y : ndarray of shape (n_samples, n_outputs)
        One-hot classes, or values.

    Returns
    -------
    ndarray of shape (n_outputs,)

    References
    ----------
    .. [1] K. You, Y. Liu, J. Wang, M. Long. LogME: practical assessment of pre-trained models for transfer learning.
       ICML 2021.
    """
    return _evidence(*precise_left_vectors(features), Y)


def logme(
    *,
    features: Any,
    target_labels: Any,
    task: str = "classification",
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Compute LogME: the maximum evidence of a linear model of the labels on the features.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n_samples, n_features)
        Target samples as the source model represents them, for example the input of its last layer.
    target_labels : array-like of shape (n_samples,)
        Their classes, or values.
    task : {"classification", "regression"}, default="classification"
        For classes, the mean over one-against-rest models.
    n_bootstrap : int, default=100
        Random halves of the samples for a 95 % interval. If 0, no interval.
    n_permutations : int, default=100
        Permutations of the labels for the null and the p-value. If 0, neither.
    random_state : int, RandomState or None, default=None
        Draws halves and permutations.

    Returns
    -------
    Measurement
        ``"logme"`` in nats per sample, higher is better; may have either sign.

    Raises
    ------
    InputError
        If features and labels differ in length, or are not valid.

    Notes
    -----
    The evidence is largest at the right precision, so nothing needs to be held out or tuned. Time O(n d min(n, d))
    once, and O(n k c) for each permutation, with k directions and c classes; memory O(n d).

    References
    ----------
    .. [1] K. You, Y. Liu, J. Wang, M. Long. LogME: practical assessment of pre-trained models for transfer learning.
       ICML 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.transferability import logme
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(200) % 2
    >>> good, poor = rng.normal(y[:, None], 0.3, (200, 4)), rng.normal(y[:, None], 3.0, (200, 4))
    >>> logme(features=good, target_labels=y, random_state=0).low > logme(features=poor, target_labels=y).value
    True
    """
    F = feature_rows(features)
    if task == "regression":
        y = regression_values(target_labels, len(F))
        flat = np.zeros(len(y), dtype=np.intp)
        return measured("logme", _values, (F,), y, n_bootstrap, n_permutations, random_state, strata=flat)
    if task != "classification":
        raise InputError(f"task={task!r} is unknown; give 'classification' or 'regression'.")
    _, codes = class_codes(target_labels, len(F))
    return measured("logme", _scorer, (F,), codes, n_bootstrap, n_permutations, random_state)


def _scorer(F: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    U, squares = precise_left_vectors(F)
    return lambda codes: float(_evidence(U, squares, one_hot(codes)).mean())


def _values(F: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], float]:
    U, squares = precise_left_vectors(F)
    return lambda y: float(_evidence(U, squares, y[:, None])[0])


def _evidence(U: NDArray[np.float64], squares: NDArray[np.float64], Y: NDArray[np.float64]) -> NDArray[np.float64]:
    n, k = len(Y), len(squares)
    unit = np.maximum(np.sqrt((Y**2).mean(axis=0)), np.finfo(np.float64).tiny)
    Y = Y / unit
    constant = -0.5 * (1.0 + np.log(2 * np.pi)) - np.log(unit)
    if not k:
        return constant
    scale = squares[0]
    s = (squares / scale)[:, None]
    Z = U.T @ Y
    unexplained = ((Y - U @ Z) ** 2).sum(axis=0)  # what no weights can explain
    z = Z**2

    def value(log_ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        ratio = np.exp(log_ratio)
        error = np.maximum((ratio * z / (ratio + s)).sum(axis=0) + unexplained, LEAST_ERROR * n)
        return 0.5 * (np.log(n / error) - np.log1p(s / ratio).sum(axis=0) / n)

    def slope(log_ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        ratio = np.exp(log_ratio)
        error = np.maximum((ratio * z / (ratio + s)).sum(axis=0) + unexplained, LEAST_ERROR * n)
        return (s / (ratio + s)).sum(axis=0) - n * (ratio * s * z / (ratio + s) ** 2).sum(axis=0) / error

    # The evidence may have more than one maximum: bracket the best on a grid, then bisect its slope.
    grid = np.arange(np.log(s[-1, 0]) - np.log(n) - 16.0, np.log(n) + 16.0, 1.0)
    best = grid[np.argmax([value(np.full(Y.shape[1], point)) for point in grid], axis=0)]
    low, high = best - 1.0, best + 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        up = slope(middle) > 0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return constant + np.maximum(value(0.5 * (low + high)), 0.0)  # zero: all weights are zero
