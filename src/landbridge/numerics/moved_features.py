"""Features that were multiplied or moved, as by a change of unit, where nearly all others were not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["MovedFeature", "moved_features"]

Array = NDArray[np.float64]

LEVELS = np.linspace(0.05, 0.95, 19)
# A feature moved if its spread grew or shrank by this factor, or its median moved by this number of spreads.
FACTOR = 3.0
SPREADS = 2.0
# It must stand out from the other features by this factor of their 75 % quantile.
DISTINCT = 3.0
# The quantiles of the target are an affine image of those of the source up to this share of their spread.
RESIDUAL = 0.15
# Else every feature moved, and no single one is to be named.
MOST = 1 / 3
# Beyond doubt: a pure factor of this size, and domains that hardly overlap in the feature.
UNIT_FACTOR = 5.0
UNIT_SEPARATES = 0.99


@dataclass(frozen=True)
class MovedFeature:
    """Feature whose target values are an affine image of those of the source.

    Parameters
    ----------
    index : int
        Position of the feature.
    scale : float
        Factor; 1 if the values only moved.
    offset : float
        Added after multiplication; 0 if the values were only multiplied.
    separates : float, default=0.5
        AUC of separating the domains by this feature, at least one half.

    Examples
    --------
    >>> from landbridge.discrepancy import MovedFeature
    >>> print(MovedFeature(2, 38.67, 0.0))
    multiplied by 38.7
    """

    index: int
    scale: float
    offset: float
    separates: float = 0.5

    def __str__(self) -> str:
        if self.offset == 0.0:
            return f"multiplied by {self.scale:.3g}"
        move = f"moved by {self.offset:+.3g}"
        return move if self.scale == 1.0 else f"multiplied by {self.scale:.3g} and {move}"


def moved_features(Xs: Array, Xt: Array, *, source_weights: Array | None = None) -> tuple[MovedFeature, ...]:
    """Find features that were multiplied or moved, where at least two thirds of the features were not.

    A feature is named if its quantiles in the target are an affine image of those in the source, by a factor of 3 or an
    offset of two spreads at least, and three times as far as the 75 % quantile over all features; where it was
    multiplied by 5 or more and the domains do not overlap in it, three times as far as two thirds of the features, so
    that several units are found side by side. Features that hardly
    vary between the 5 % and the 95 % quantile, such as indicators of rare events, are never named.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples, in their own units.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    source_weights : ndarray of shape (n_source,), optional
        For example by class, where the class shares differ, which makes the factors more exact.

    Returns
    -------
    tuple of MovedFeature
        Empty if no feature, or too many of them, moved.

    Notes
    -----
    Time O(n_features n log n).

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import moved_features
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(5.0, 1.0, size=(300, 4)), rng.normal(5.0, 1.0, size=(300, 4))
    >>> moved_features(X, X_target)
    ()
    >>> [(f.index, round(f.scale, -2), f.offset) for f in moved_features(X, X_target * [1.0, 1.0, 1000.0, 1.0])]
    [(2, 1000.0, 0.0)]
    """
    d = Xs.shape[1]
    if d < 3:
        return ()
    qs, qt = _quantiles(Xs, source_weights), np.quantile(Xt, LEVELS, axis=0)
    spread_s, spread_t = qs[-1] - qs[0], qt[-1] - qt[0]
    varied = (spread_s > 0) & (spread_t > 0)
    ratio, move = np.zeros(d), np.zeros(d)
    middle = len(LEVELS) // 2
    ratio[varied] = np.abs(np.log(spread_t[varied] / spread_s[varied]))
    move[varied] = np.abs(qt[middle] - qs[middle])[varied] / spread_s[varied]
    far = np.zeros(d, dtype=bool)
    for size, least in ((ratio, np.log(FACTOR)), (move, SPREADS)):
        far |= size > max(least, DISTINCT * float(np.quantile(size[varied], 0.75)) if varied.any() else np.inf)
    factors = np.zeros(d, dtype=bool)
    if varied.any():
        usual = float(np.quantile(ratio[varied], 1 - MOST, method="lower"))
        factors = (ratio > max(np.log(UNIT_FACTOR), DISTINCT * usual)) & ~far
    # Indicators have no unit.
    several = np.array([len(np.unique(Xs[:, j])) > 2 and len(np.unique(Xt[:, j])) > 2 for j in range(d)])
    found = {}
    for j in np.flatnonzero((far | factors) & several):
        feature = _affine(int(j), qs[:, j], qt[:, j], spread_t[j])
        if feature is not None:
            feature = replace(feature, separates=_area(Xs[:, j], Xt[:, j]))
        if far[j] or (feature is not None and _is_unit(feature)):
            found[int(j)] = feature
    if not 0 < len(found) <= MOST * d:
        return ()
    return tuple(feature for feature in found.values() if feature is not None)


def _is_unit(feature: MovedFeature) -> bool:
    """Whether a feature is in another unit beyond doubt."""
    return feature.offset == 0.0 and feature.scale > 0 and feature.separates >= UNIT_SEPARATES


def _area(source: Array, target: Array) -> float:
    n, m = len(source), len(target)
    ranks = rankdata(np.concatenate([source, target]))
    area = float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))
    return max(area, 1.0 - area)


def _affine(index: int, qs: Array, qt: Array, spread: float) -> MovedFeature | None:
    """Fit the simplest of a factor, an offset and both that maps the quantiles; None if none does."""
    scale, offset = np.polyfit(qs, qt, 1)
    least = _error(qt - scale * qs - offset)
    factor, move = float(qs @ qt / (qs @ qs)) if qs.any() else 1.0, float((qt - qs).mean())
    enough = max(2.0 * least, 0.03 * spread)
    if least > RESIDUAL * spread:
        return None
    if _error(qt - factor * qs) <= enough:
        return MovedFeature(index, factor, 0.0)
    if _error(qt - qs - move) <= enough:
        return MovedFeature(index, 1.0, move)
    return MovedFeature(index, float(scale), float(offset))


def _error(residual: Array) -> float:
    return float(np.sqrt((residual**2).mean()))


def _quantiles(X: Array, weights: Any) -> Array:
    if weights is None:
        return np.quantile(X, LEVELS, axis=0)
    order = np.argsort(X, axis=0, kind="stable")
    out = np.empty((len(LEVELS), X.shape[1]))
    for j in range(X.shape[1]):
        w = weights[order[:, j]]
        out[:, j] = np.interp(LEVELS, (np.cumsum(w) - w / 2) / w.sum(), X[order[:, j], j])
    return out
