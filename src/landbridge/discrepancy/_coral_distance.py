"""CORAL distance: how far apart two covariance matrices are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._samples import checked_pair_groups, permuted_sides, resampled_sides, two_samples
from landbridge.measurement import Measurement
from landbridge.numerics.covariance import covariance
from landbridge.numerics.resampling import debiased_interval, permutation_p_value, random_generator

__all__ = ["coral_distance", "coral_loss"]


def coral_loss(Xs: NDArray[np.float64], Xt: NDArray[np.float64]) -> float:
    r"""Compute the squared Frobenius distance of two covariances, :math:`\lVert C_S - C_T \rVert_F^2 / (4 d^2)`.

    The factor is that of Deep CORAL, so that the number is comparable across widths and with networks' losses.

    Parameters
    ----------
    Xs, Xt : ndarray of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import coral_loss
    >>> coral_loss(np.array([[0.0], [2.0]]), np.array([[0.0], [0.0]]))
    1.0
    """
    return float(((covariance(Xs) - covariance(Xt)) ** 2).sum() / (4 * Xs.shape[1] ** 2))


def coral_distance(
    X_source: Any,
    X_target: Any,
    *,
    n_permutations: int = 0,
    n_bootstrap: int = 100,
    max_samples: int | None = 20_000,
    groups: Any = None,
    random_state: Any = None,
) -> Measurement:
    """Measure the distance of the domains' covariance matrices, whatever their means.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features; the value depends on their scale.
    n_permutations : int, default=0
        For a p-value; each domain is centred first, so that a difference of means is not taken for one of spread.
    n_bootstrap : int, default=100
        Replicates for a 95 % interval (basic bootstrap against the upward bias, widened to hold the value).
    max_samples : int or None, default=20000
        Larger domains are reduced to this many samples each.
    groups : ndarray of shape (n_source + n_target,), optional
        Samples that stay together in folds, permutations and resamples, source samples first; only where
        `max_samples` keeps all samples. If None, each sample is a group.
    random_state : int, RandomState or None, default=None
        Seeds the resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"coral_distance"``.

    Notes
    -----
    Time grows with n d² (1 + n_permutations + n_bootstrap), memory with n d + d².

    References
    ----------
    .. [1] B. Sun, K. Saenko. Deep CORAL: correlation alignment for deep domain adaptation. ECCV workshops 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import coral_distance
    >>> rng = np.random.default_rng(0)
    >>> wider = coral_distance(rng.normal(size=(500, 2)), rng.normal(scale=3.0, size=(500, 2)), random_state=0)
    >>> wider.low > 5
    True
    """
    rng = random_generator(random_state)
    Xs, Xt = two_samples(X_source, X_target, max_samples, rng)
    value, n = coral_loss(Xs, Xt), len(Xs)
    groups = checked_pair_groups(groups, n + len(Xt))
    null = p_value = low = high = None
    if n_permutations:
        Z = np.concatenate([Xs - Xs.mean(axis=0), Xt - Xt.mean(axis=0)])
        member = np.repeat([1.0, 0.0], [n, len(Xt)])
        draws = np.array([coral_loss(*permuted_sides(Z, member, groups, rng)) for _ in range(n_permutations)])
        null, p_value = float(draws.mean()), permutation_p_value(value, draws)
    if n_bootstrap:
        draws = np.array([coral_loss(*resampled_sides(Xs, Xt, groups, rng)) for _ in range(n_bootstrap)])
        low, high = debiased_interval(value, draws)
    details = {"n_samples": [n, len(Xt)]}
    return Measurement("coral_distance", value, low, high, null, p_value, False, details)
