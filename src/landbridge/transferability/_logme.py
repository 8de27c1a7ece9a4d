"""LogME: the evidence of a linear model on a source model's features, maximised over its two precisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.transferability._replicates import measured
from landbridge.transferability._rows import class_codes, feature_rows, regression_values
from landbridge.transferability._spectrum import left_vectors, one_hot

__all__ = ["log_evidence", "logme"]

TINY = 1e-12


def log_evidence(
    features: NDArray[np.float64], Y: NDArray[np.float64], *, n_iter: int = 100, tol: float = 1e-6
) -> NDArray[np.float64]:
    r"""Maximum log evidence a row of :math:`y = F w + \epsilon`, one model for each column of `Y`.

    With :math:`F = U \Sigma V^\top`, prior :math:`w \sim N(0, \alpha^{-1} I)` and noise :math:`\beta^{-1}`, everything
    depends on :math:`z = (U^\top y)^2` and :math:`\sigma = \operatorname{diag} \Sigma^2` alone; the fixed point of
    MacKay, :math:`\gamma = \sum_i \beta\sigma_i / (\alpha + \beta\sigma_i)`, :math:`\alpha = \gamma / \lVert m
    \rVert^2`, :math:`\beta = (n - \gamma) / \lVert F m - y \rVert^2`, runs for all columns at once.

    Parameters
    ----------
    features : ndarray of shape (n, d)
        Target rows as the source model sees them.
    Y : ndarray of shape (n, c)
        One-hot classes, or values.
    n_iter : int, default=100
        Most steps of the fixed point.
    tol : float, default=1e-6
        Stop when alpha / beta moves by less than this share.

    Returns
    -------
    ndarray of shape (c,)

    References
    ----------
    .. [1] K. You, Y. Liu, J. Wang, M. Long. LogME: practical assessment of pre-trained models for transfer learning.
       ICML 2021.
    """
    return _evidence(*left_vectors(features), Y, n_iter=n_iter, tol=tol)


def logme(
    *,
    features: Any,
    target_labels: Any,
    task: str = "classification",
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    random_state: Any = None,
) -> Measurement:
    """Log maximum evidence: how well a linear model on the features explains the labels, complexity paid for.

    Parameters
    ----------
    features : array-like or sparse matrix of shape (n, d)
        Target rows as the source model sees them, for example the input of its last layer.
    target_labels : array-like of shape (n,)
        Their classes, or values.
    task : {"classification", "regression"}, default="classification"
        For classes, the mean over one-against-rest models.
    n_bootstrap : int, default=100
        Random halves of the rows, for a 95 % interval.
    n_permutations : int, default=100
        Permutations of the labels, for what chance gives.
    random_state : int, RandomState or None, default=None
        Draws both.

    Returns
    -------
    Measurement
        ``"logme"`` in nats a row, higher is better; may have either sign.

    Raises
    ------
    InputError
        If the two do not fit.

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
    U, squares = left_vectors(F)
    return lambda codes: float(_evidence(U, squares, one_hot(codes)).mean())


def _values(F: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], float]:
    U, squares = left_vectors(F)
    return lambda y: float(_evidence(U, squares, y[:, None])[0])


def _evidence(
    U: NDArray[np.float64],
    squares: NDArray[np.float64],
    Y: NDArray[np.float64],
    *,
    n_iter: int = 100,
    tol: float = 1e-6,
) -> NDArray[np.float64]:
    n, s = len(Y), squares[:, None]
    z = (U.T @ Y) ** 2
    beyond = np.maximum((Y**2).sum(axis=0) - z.sum(axis=0), 0.0)  # what no w can explain
    alpha, beta = np.ones(Y.shape[1]), np.ones(Y.shape[1])
    for _ in range(n_iter):
        before = alpha / beta
        shrunk = alpha + beta * s
        gamma = (beta * s / shrunk).sum(axis=0)
        m2 = (beta**2 * s * z / shrunk**2).sum(axis=0)
        residual = (alpha**2 * z / shrunk**2).sum(axis=0) + beyond
        alpha = np.maximum(gamma / np.maximum(m2, TINY), TINY)
        beta = (n - gamma) / np.maximum(residual, TINY)
        if (np.abs(alpha / beta - before) <= tol * before).all():
            break
    shrunk = alpha + beta * s
    m2 = (beta**2 * s * z / shrunk**2).sum(axis=0)
    residual = (alpha**2 * z / shrunk**2).sum(axis=0) + beyond
    log_det = np.log(shrunk).sum(axis=0) - len(squares) * np.log(alpha)
    return 0.5 * (n * np.log(beta) - log_det - beta * residual - alpha * m2 - n * np.log(2 * np.pi)) / n
