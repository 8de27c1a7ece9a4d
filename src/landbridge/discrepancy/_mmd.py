"""MMD: distance of two samples as the distance of their mean embeddings in a kernel's space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from landbridge.discrepancy._samples import two_samples
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.kernels import KernelOperator, median_gamma
from landbridge.numerics.resampling import percentile_interval, permutation_p_value, random_generator

__all__ = ["mixture_kernel", "mmd", "permuted_mmd2", "weighted_mmd2"]


def weighted_mmd2(
    K: NDArray[np.float64],
    source_weights: NDArray[np.float64],
    target_weights: NDArray[np.float64],
    *,
    unbiased: bool = True,
) -> NDArray[np.float64]:
    r"""Compute the squared MMD for many weightings of the same samples, as two products with one kernel matrix.

    .. math:: \widehat{MMD}^2 = \frac{\sum_{i \ne j} a_i a_j k_{ij}}{(\sum a)^2 - \sum a^2}
              + \frac{\sum_{i \ne j} b_i b_j k_{ij}}{(\sum b)^2 - \sum b^2}
              - 2 \frac{\sum_{ij} a_i b_j k_{ij}}{\sum a \sum b}

    With weights 0 and 1 this is the unbiased estimate; a permutation, a bootstrap draw and an importance weighting
    are all just other weights. The biased one keeps ``i = j`` and divides by the squared sums.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix of all samples.
    source_weights, target_weights : ndarray of shape (n_samples,) or (n, n_weightings)
        Weight of each sample in either domain.
    unbiased : bool, default=True
        Whether to exclude the pairs of a sample with itself.

    Returns
    -------
    ndarray of shape () or (n_weightings,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import weighted_mmd2
    >>> source, target = np.array([1.0, 1, 0, 0]), np.array([0, 0, 1.0, 1])
    >>> weighted_mmd2(np.eye(4), source, target, unbiased=False).item()
    1.0
    """
    A, B = np.asarray(source_weights, dtype=float), np.asarray(target_weights, dtype=float)
    KB = K @ B
    cross = (A * KB).sum(axis=0) / (A.sum(axis=0) * B.sum(axis=0))
    value = -2.0 * cross
    diagonal = K.diagonal() if A.ndim == 1 else K.diagonal()[:, None]
    for W, KW in ((A, K @ A), (B, KB)):
        pairs, total = (W * KW).sum(axis=0), W.sum(axis=0) ** 2
        if unbiased:
            squares = W**2
            pairs, total = pairs - (squares * diagonal).sum(axis=0), total - squares.sum(axis=0)
        # without pairs of different groups there is nothing to take a mean of
        value = value + np.divide(pairs, total, out=np.zeros_like(np.asarray(pairs, dtype=float)), where=total > 0)
    return value


def mixture_kernel(
    X: NDArray[np.float64], Y: NDArray[np.float64] | None = None, *, gammas: Sequence[float]
) -> NDArray[np.float64]:
    """Compute the mean of Gaussian kernels of several widths.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    Y : ndarray of shape (m_samples, n_features), optional
        If None, `X`.
    gammas : sequence of float
        The kernel is the mean of ``exp(-gamma ||x - y||²)``.

    Returns
    -------
    ndarray of shape (n, m)
    """
    widths = sorted(gammas)
    operator = KernelOperator(X, Y, kernel="rbf", gamma=widths[0])
    K = np.empty(operator.shape)
    for rows, block in operator.blocks(lower=Y is None):
        part = K[rows, : block.shape[1]]
        part[...] = block
        for before, gamma in pairwise(widths):
            part += _raise(block, gamma / before)
        if Y is None:
            K[: rows.start, rows] = part[:, : rows.start].T
    if len(widths) > 1:
        K /= len(widths)
    if Y is None:
        np.fill_diagonal(K, 1.0)
    return K


def _raise(A: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Raise to a power in place; powers of two by squaring, which takes a fraction of the time."""
    doublings = np.log2(power)
    if doublings != int(doublings) or doublings > 8:
        return np.power(A, power, out=A)
    for _ in range(int(doublings)):
        np.multiply(A, A, out=A)
    return A


def mmd(
    X_source: Any,
    X_target: Any,
    *,
    gamma: float | None = None,
    widths: Sequence[float] = (1.0,),
    method: str = "unbiased",
    n_permutations: int = 200,
    n_bootstrap: int = 0,
    max_samples: int | None = 2000,
    random_state: Any = None,
) -> Measurement:
    """Measure the squared maximum mean discrepancy with a Gaussian kernel and test it by permutations.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features; bring the features to comparable scales first.
    gamma : float, optional
        Width parameter of ``exp(-gamma ||x - y||²)``. If None, the median heuristic on at most 1,000 samples.
    widths : sequence of float, default=(1.0,)
        Multiples of `gamma` whose kernels are averaged; ``(0.25, 0.5, 1, 2, 4)`` is the usual mixture when the scale
        of the difference is unknown.
    method : {"unbiased", "biased", "linear"}, default="unbiased"
        The U-statistic, the V-statistic, or the linear-time estimate, which pairs each sample once and has a
        normal-theory p-value instead of permutations.
    n_permutations : int, default=200
        For the p-value; 0 for none. The smallest p-value is ``1 / (n_permutations + 1)``.
    n_bootstrap : int, default=0
        For a 95 % interval; the bootstrap is too narrow when the two samples come from one population.
    max_samples : int or None, default=2000
        Larger samples are cut to that many samples each; ``method="linear"`` uses all samples.
    random_state : int, RandomState or None, default=None
        Seeds permutations and resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"mmd"``; the unbiased and the linear estimate may be slightly negative. ``details`` has ``gamma`` and the
        numbers of samples used.

    Notes
    -----
    Time grows with r² (d + n_permutations + n_bootstrap) and memory with r² for r = samples used of both sides: at the
    default at most 16 million kernel values, 128 MB. The kernel matrix is computed once; permutations are products
    with it. The linear estimate takes time and memory linear in samples.

    References
    ----------
    .. [1] A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf, A. Smola. A kernel two-sample test. JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import mmd
    >>> rng = np.random.default_rng(0)
    >>> m = mmd(rng.normal(size=(100, 2)), rng.normal(1.0, size=(100, 2)), random_state=0)
    >>> m.value > 0.1, m.p_value < 0.01
    (True, True)
    """
    if method not in ("unbiased", "biased", "linear"):
        raise InputError(f"method must be unbiased, biased or linear; got {method!r}.")
    rng = random_generator(random_state)
    Xs, Xt = two_samples(X_source, X_target, None if method == "linear" else max_samples, rng)
    if gamma is None:
        gamma = median_gamma(Xs, Xt, random_state=rng)
    gammas = [gamma * w for w in widths]
    details: dict[str, Any] = {"gamma": float(gamma), "method": method, "n_samples": [len(Xs), len(Xt)]}
    if method == "linear":
        return _linear_mmd(Xs, Xt, gammas, details, rng)
    K = mixture_kernel(np.concatenate([Xs, Xt]), gammas=gammas)
    n, m = len(Xs), len(Xt)
    unbiased = method == "unbiased"
    member = np.repeat([1.0, 0.0], [n, m])
    value = float(weighted_mmd2(K, member, 1.0 - member, unbiased=unbiased))
    null = p_value = low = high = None
    if n_permutations:
        shuffled = np.stack([rng.permutation(member) for _ in range(n_permutations)], axis=1)
        draws = permuted_mmd2(K, shuffled, unbiased=unbiased)
        null, p_value = float(draws.mean()), permutation_p_value(value, draws)
    if n_bootstrap:
        A, B = np.zeros((n + m, n_bootstrap)), np.zeros((n + m, n_bootstrap))
        A[:n] = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap).T
        B[n:] = rng.multinomial(m, np.full(m, 1 / m), size=n_bootstrap).T
        low, high = percentile_interval(weighted_mmd2(K, A, B, unbiased=unbiased))
    return Measurement("mmd", value, low, high, null, p_value, False, details)


def permuted_mmd2(K: NDArray[np.float64], member: NDArray[np.float64], *, unbiased: bool = True) -> NDArray[np.float64]:
    """Compute `weighted_mmd2` for weights 0 and 1, with one product where that takes two.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix of all samples.
    member : ndarray of shape (n, n_permutations)
        1 for the samples of the first domain; as many in every column.
    unbiased : bool, default=True
        Whether to exclude the pairs of a sample with itself.

    Returns
    -------
    ndarray of shape (n_permutations,)
    """
    n, m = member[:, 0].sum(), (1 - member[:, 0]).sum()
    KA, sums, diagonal = K @ member, K.sum(axis=1), K.diagonal()
    ss = (member * KA).sum(axis=0)
    st = sums @ member - ss
    tt = sums.sum() - ss - 2 * st
    if not unbiased:
        return ss / n**2 + tt / m**2 - 2 * st / (n * m)
    own = diagonal @ member
    return (ss - own) / (n * (n - 1)) + (tt - (diagonal.sum() - own)) / (m * (m - 1)) - 2 * st / (n * m)


def _linear_mmd(
    Xs: NDArray[np.float64], Xt: NDArray[np.float64], gammas: Sequence[float], details: dict, rng: Any
) -> Measurement:
    half = min(len(Xs), len(Xt)) // 2
    if half < 2:
        raise InputError("method='linear' needs at least four rows of each domain; use method='unbiased'.")
    a, b = (X[rng.permutation(len(X))[: 2 * half]] for X in (Xs, Xt))

    def k(X: NDArray, Y: NDArray) -> NDArray:
        D = ((X - Y) ** 2).sum(axis=1)
        return np.mean([np.exp(-g * D) for g in gammas], axis=0)

    h = k(a[:half], a[half:]) + k(b[:half], b[half:]) - k(a[:half], b[half:]) - k(a[half:], b[:half])
    value, spread = float(h.mean()), float(h.std(ddof=1) / np.sqrt(half))
    # identical samples everywhere: no spread, and nothing to see either
    p_value = float(1.0 - ndtr(value / spread)) if spread > 0 else (1.0 if value <= 0 else 0.0)
    reach = 1.959963984540054 * spread
    return Measurement("mmd", value, value - reach, value + reach, 0.0, p_value, False, details)
