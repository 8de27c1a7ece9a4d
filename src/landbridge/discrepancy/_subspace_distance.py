"""Subspace distance: how much of one domain's variance the leading directions of the other miss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._samples import checked_pair_groups, permuted_sides, two_samples
from landbridge.measurement import Measurement
from landbridge.numerics.covariance import covariance
from landbridge.numerics.resampling import permutation_p_value, random_generator

__all__ = ["missed_variance", "subspace_distance"]

# directions kept before anything else: a permutation then costs an eigen-decomposition of this size at most
WIDEST = 50


def missed_variance(
    Cs: NDArray[np.float64], Ct: NDArray[np.float64], variance_fraction: float = 0.8
) -> tuple[float, NDArray[np.float64]]:
    r"""Compute the share of variance that each domain's leading subspace misses in the other, beyond its own loss.

    .. math:: 1 - \tfrac12 \left( \frac{\mathrm{tr}\, P_S^\top C_T P_S}{\mathrm{tr}\, P_T^\top C_T P_T}
              + \frac{\mathrm{tr}\, P_T^\top C_S P_T}{\mathrm{tr}\, P_S^\top C_S P_S} \right)

    Unlike bare angles it does not move when directions of equal variance swap places.

    Parameters
    ----------
    Cs, Ct : ndarray of shape (d, d)
        Covariances.
    variance_fraction : float, default=0.8
        The subspaces have the fewest directions that hold this share of the source's variance (at least 1, at most
        d - 1).

    Returns
    -------
    missed : float
        0 if each subspace serves the other domain as well as its own.
    angles : ndarray of shape (k,)
        Principal angles between the subspaces in degrees, smallest first.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import missed_variance
    >>> missed, angles = missed_variance(np.diag([4.0, 0.0]), np.diag([0.0, 4.0]))
    >>> missed, angles.round(1).tolist()
    (1.0, [90.0])
    """
    d = len(Cs)
    if d < 2:
        return 0.0, np.zeros(min(d, 1))
    values, Vs = np.linalg.eigh(Cs)
    values_t, Vt = np.linalg.eigh(Ct)
    if values[-1] <= 0 or values_t[-1] <= 0:
        return 0.0, np.zeros(1)
    held = np.cumsum(values[::-1].clip(0)) / values.clip(0).sum()
    k = int(np.clip(np.searchsorted(held, variance_fraction) + 1, 1, d - 1))
    Ps, Pt = Vs[:, -k:], Vt[:, -k:]
    kept = 0.5 * (((Ct @ Ps) * Ps).sum() / values_t[-k:].sum() + ((Cs @ Pt) * Pt).sum() / values[-k:].sum())
    cosines = np.clip(np.linalg.svd(Ps.T @ Pt, compute_uv=False), 0.0, 1.0)
    return float(max(1.0 - kept, 0.0)), np.degrees(np.arccos(cosines))


def subspace_distance(
    X_source: Any,
    X_target: Any,
    *,
    variance_fraction: float = 0.8,
    n_permutations: int = 100,
    max_samples: int | None = 2000,
    groups: Any = None,
    random_state: Any = None,
) -> Measurement:
    """Measure how far the leading principal subspaces of the domains differ.

    Parameters
    ----------
    X_source, X_target : array-like or sparse matrix of shape (n_samples, n_features)
        Samples with the same features, on comparable scales.
    variance_fraction : float, default=0.8
        Share of the source's variance that the subspaces hold.
    n_permutations : int, default=100
        For the p-value; each domain is centred first, and scaled to the same total variance.
    max_samples : int or None, default=2000
        Larger domains are reduced to this many samples each.
    groups : ndarray of shape (n_source + n_target,), optional
        Samples that stay together in folds, permutations and resamples, source samples first; only where
        `max_samples` keeps all samples. If None, each sample is a group.
    random_state : int, RandomState or None, default=None
        Seeds permutations and resampling; an int gives the same numbers every time.

    Returns
    -------
    Measurement
        ``"subspace_distance"``: share of variance missed, from 0 to 1. ``details`` has the ``angles`` in degrees and
        ``variance_ratio``, target over source in total.

    Notes
    -----
    Samples with more than 50 features are first brought to the 50 leading directions of both domains together. Time
    then grows with n d² once and 50² n a permutation.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import subspace_distance
    >>> source, target = make_shift("subspace", random_state=0)
    >>> m = subspace_distance(source.X, target.X, random_state=0)
    >>> m.value > 0.3, m.p_value < 0.05
    (True, True)
    """
    rng = random_generator(random_state)
    Xs, Xt = two_samples(X_source, X_target, max_samples, rng)
    A, B = Xs - Xs.mean(axis=0), Xt - Xt.mean(axis=0)
    totals = [float((X**2).sum() / max(len(X) - 1, 1)) for X in (A, B)]
    A, B = (X / np.sqrt(total) if total > 0 else X for X, total in zip((A, B), totals, strict=True))
    if A.shape[1] > WIDEST:
        _, vectors = np.linalg.eigh(covariance(A) + covariance(B))
        A, B = A @ vectors[:, -WIDEST:], B @ vectors[:, -WIDEST:]
    value, angles = missed_variance(covariance(A), covariance(B), variance_fraction)
    null = p_value = None
    if n_permutations:
        Z, member = np.concatenate([A, B]), np.repeat([1.0, 0.0], [len(A), len(B)])
        groups = checked_pair_groups(groups, len(Z))
        draws = np.empty(n_permutations)
        for i in range(n_permutations):
            one, two = permuted_sides(Z, member, groups, rng)
            draws[i] = missed_variance(covariance(one), covariance(two), variance_fraction)[0]
        null, p_value = float(draws.mean()), permutation_p_value(value, draws)
    details = {
        "angles": angles.round(2).tolist(),
        "variance_ratio": totals[1] / totals[0] if totals[0] > 0 else 1.0,
        "n_samples": [len(Xs), len(Xt)],
    }
    return Measurement("subspace_distance", value, None, None, null, p_value, False, details)
