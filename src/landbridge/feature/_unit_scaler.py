"""Single features of the target back in the units of the source."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.moved_features import moved_features

__all__ = ["UnitScaler"]


class UnitScaler(FeatureTransfer):
    """Bring features of the target that are in another unit back to the unit of the source.

    A feature is taken to be in another unit if its quantiles in the target are an affine image of those in the source,
    by a factor of 3 or an offset of two spreads at least, and at least two thirds of the features did not change so.
    All other features stay as they are, in both domains.

    Parameters
    ----------
    with_mean : bool, default=True
        If True, undo offsets as well; else convert only features that changed by a factor alone.

    Attributes
    ----------
    scale_, offset_ : ndarray of shape (n_features,)
        A target value is ``scale_`` times the source's plus ``offset_``; 1 and 0 for features that stay as they are.

    See Also
    --------
    DomainScaler : Standardise every feature of each domain.

    Notes
    -----
    Helps if a few columns are in another unit (mmol/l and mg/dl) or have a batch offset. Unlike standardising each
    domain, it does not undo what changed in the other features, so that other class shares do no harm. Hurts if samples
    were selected by such a feature.

    Time O((n_s + n_t) d log(n_s + n_t)), memory O(d) beside the data.

    References
    ----------
    .. [1] K. Zhang, B. Schoelkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift. ICML 2013
       (changes of location and scale, here of single features).

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import UnitScaler
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(5.0, 1.0, size=(300, 4)), rng.normal(5.0, 1.0, size=(300, 4)) * [1.0, 38.67, 1.0, 1.0]
    >>> UnitScaler().fit(X, X_target=X_target).scale_.round(-1).tolist()
    [0.0, 40.0, 0.0, 0.0]
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept"}),
        growth="time O((n_s + n_t) d log(n_s + n_t)), memory O(d)",
        reference="Zhang, Schoelkopf, Muandet, Wang: Domain adaptation under target and conditional shift. ICML 2013",
        moved_features=True,
    )
    preserves_columns = True
    own_scaling = True

    _parameter_constraints = {"with_mean": ["boolean"]}

    def __init__(self, *, with_mean: bool = True) -> None:
        self.with_mean = with_mean

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.scale_, self.offset_ = np.ones(Xs.shape[1]), np.zeros(Xs.shape[1])
        for moved in moved_features(Xs, Xt):
            if moved.scale > 0 and (self.with_mean or moved.offset == 0.0):
                self.scale_[moved.index], self.offset_[moved.index] = moved.scale, moved.offset

    def _map_source(self, X: Any) -> Any:
        return np.array(X, dtype=float)

    def _map_target(self, X: Any) -> Any:
        return (X - self.offset_) / self.scale_
