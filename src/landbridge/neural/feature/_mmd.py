"""Maximum mean discrepancy of batches: multi-kernel, joint over stages, and in linear time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from landbridge.neural._distances import squared_distances

__all__ = ["joint_mmd", "linear_mmd", "mixed_kernel", "multi_kernel_mmd"]

# Bandwidths as multiples of the mean squared distance within the two batches.
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)


def mixed_kernel(A: Tensor, B: Tensor, scales: Sequence[float] = SCALES, bandwidth: Tensor | None = None) -> Tensor:
    r"""Compute the mean of Gaussian kernels :math:`\exp(-\lVert a - b \rVert^2 / (s\, \sigma^2))`.

    Parameters
    ----------
    A : Tensor of shape (n, d)
    B : Tensor of shape (m, d)
    scales : sequence of float
        The s.
    bandwidth : Tensor, optional
        :math:`\sigma^2`. If None, the mean squared distance of different samples of both together, as a constant.

    Returns
    -------
    Tensor of shape (n, m)
    """
    if bandwidth is None:
        bandwidth = mean_square_distance(torch.cat([A, B]))
    squares = squared_distances(A, B)
    return torch.stack([torch.exp(-squares / (s * bandwidth)) for s in scales]).mean(dim=0)


def mean_square_distance(X: Tensor) -> Tensor:
    """Compute the mean squared distance between distinct samples, without gradient.

    Parameters
    ----------
    X : Tensor of shape (n, d)

    Returns
    -------
    Tensor
        A scalar, positive.
    """
    X = X.detach()
    n = len(X)
    # twice the variance, by way of the mean, without any distance
    return (2 * n / max(n - 1, 1) * (X - X.mean(dim=0)).square().sum(dim=1).mean()).clamp_min(1e-12)


def multi_kernel_mmd(Xs: Tensor, Xt: Tensor, scales: Sequence[float] = SCALES, *, unbiased: bool = False) -> Tensor:
    r"""Compute the squared MMD of two batches under the mean of several Gaussian kernels.

    Parameters
    ----------
    Xs : Tensor of shape (n, d)
    Xt : Tensor of shape (m, d)
    scales : sequence of float
        Bandwidths, as multiples of the mean squared distance.
    unbiased : bool, default=False
        Leave the samples' products with themselves out; the estimate may then be negative.

    Returns
    -------
    Tensor
        A scalar.

    References
    ----------
    .. [1] A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf, A. Smola. A kernel two-sample test. JMLR 13, 2012.
    """
    both = torch.cat([Xs, Xt])
    return _weighted(mixed_kernel(both, both, scales, mean_square_distance(both)), len(Xs), unbiased)


def joint_mmd(source: Sequence[Tensor], target: Sequence[Tensor], scales: Sequence[float] = SCALES) -> Tensor:
    """Compute the squared MMD under the product of one kernel per layer.

    Parameters
    ----------
    source : sequence of Tensor of shape (n, d)
    target : sequence of Tensor of shape (m, d)
    scales : sequence of float

    Returns
    -------
    Tensor
        A scalar.

    References
    ----------
    .. [1] M. Long, H. Zhu, J. Wang, M. Jordan. Deep transfer learning with joint adaptation networks. ICML 2017.
    """
    K: Tensor | None = None
    for Xs, Xt in zip(source, target, strict=True):
        both = torch.cat([Xs, Xt])
        own = mixed_kernel(both, both, scales, mean_square_distance(both))
        K = own if K is None else K * own
    assert K is not None
    return _weighted(K, len(source[0]), unbiased=False)


def linear_mmd(Xs: Tensor, Xt: Tensor, scales: Sequence[float] = SCALES) -> Tensor:
    r"""Compute the unbiased MMD estimate over disjoint pairs of samples, in linear time and memory.

    .. math:: \frac{2}{n} \sum_{i=1}^{n/2} k(s_{2i-1}, s_{2i}) + k(t_{2i-1}, t_{2i}) - k(s_{2i-1}, t_{2i})
        - k(s_{2i}, t_{2i-1})

    Parameters
    ----------
    Xs : Tensor of shape (n, d)
    Xt : Tensor of shape (m, d)
    scales : sequence of float

    Returns
    -------
    Tensor
        A scalar, which may be negative.

    References
    ----------
    .. [1] M. Long, Y. Cao, J. Wang, M. Jordan. Learning transferable features with deep adaptation networks. ICML 2015.
    """
    pairs = min(len(Xs), len(Xt)) // 2
    if pairs == 0:
        return Xs.sum() * 0.0
    bandwidth = mean_square_distance(torch.cat([Xs, Xt]))
    s1, s2, t1, t2 = Xs[: 2 * pairs : 2], Xs[1 : 2 * pairs : 2], Xt[: 2 * pairs : 2], Xt[1 : 2 * pairs : 2]

    def k(a: Tensor, b: Tensor) -> Tensor:
        squares = (a - b).square().sum(dim=1)
        return torch.stack([torch.exp(-squares / (s * bandwidth)) for s in scales]).mean(dim=0)

    return (k(s1, s2) + k(t1, t2) - k(s1, t2) - k(s2, t1)).mean()


def _weighted(K: Tensor, n: int, unbiased: bool) -> Tensor:
    within, across, theirs = K[:n, :n], K[:n, n:], K[n:, n:]
    m = len(K) - n
    if unbiased and n > 1 and m > 1:
        first = (within.sum() - within.diagonal().sum()) / (n * (n - 1))
        second = (theirs.sum() - theirs.diagonal().sum()) / (m * (m - 1))
        return first + second - 2 * across.mean()
    return within.mean() + theirs.mean() - 2 * across.mean()
