"""Domain-wise standardisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.base import FeatureTransfer, TransferTags

__all__ = ["DomainScaler", "feature_statistics"]


def feature_statistics(
    X: NDArray[np.float64], *, robust: bool = False, block: int = 65536
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the centre and the scale of each feature; the scale of a constant feature is exactly zero.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Samples.
    robust : bool, default=False
        If True, median and interquartile range / 1.349 (the standard deviation of a Gaussian); else mean and population
        standard deviation.
    block : int, default=65536
        Number of samples centred at a time.

    Returns
    -------
    centre, scale : ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import feature_statistics
    >>> centre, spread = feature_statistics(np.array([[0.0, 5.0], [2.0, 5.0]]))
    >>> centre.tolist(), spread.tolist()
    ([1.0, 5.0], [1.0, 0.0])
    """
    if robust:
        low, centre, high = np.percentile(X, [25, 50, 75], axis=0)
        return centre, (high - low) / 1.349
    centre = X.mean(axis=0)
    squares = np.zeros(X.shape[1])
    for start in range(0, len(X), block):
        Z = X[start : start + block] - centre
        squares += np.einsum("ij,ij->j", Z, Z)
    spread = np.sqrt(squares / len(X))
    # the mean of equal numbers may differ from them by rounding
    spread[spread <= np.abs(centre) * len(X) ** 0.5 * np.finfo(float).eps] = 0.0
    return centre, spread


class DomainScaler(FeatureTransfer):
    """Standardise each domain by its own mean and standard deviation.

    The preprocessing of most published comparisons: every feature has mean zero and standard deviation one in both
    domains, which removes translations and changes of unit of single features.

    Parameters
    ----------
    with_std : bool, default=True
        If True, divide by the standard deviation; else only centre.
    robust : bool, default=False
        If True, use median and interquartile range instead of mean and standard deviation.

    Attributes
    ----------
    source_center_, target_center_ : ndarray of shape (n_features,)
        Mean (or median) of each feature.
    source_scale_, target_scale_ : ndarray of shape (n_features,)
        Divisor of each feature; 1 for a constant feature, which becomes zero.

    Notes
    -----
    Helps if features are measured in another unit or with another offset: another sensor, laboratory or camera. Hurts
    if the class proportions differ: centring then separates the classes. A target of a single sample is mapped to
    zero.

    Time O((n_s + n_t) d), memory O(d) beside the data.

    References
    ----------
    .. [1] B. Gong, Y. Shi, F. Sha, K. Grauman. Geodesic flow kernel for unsupervised domain adaptation. CVPR 2012
       (the protocol).

    Examples
    --------
    >>> from landbridge.feature import DomainScaler
    >>> celsius, fahrenheit = [[10.0], [20.0], [30.0]], [[50.0], [68.0], [86.0]]
    >>> scaler = DomainScaler()
    >>> scaler.fit_transform(celsius, X_target=fahrenheit).round(2).ravel().tolist()
    [-1.22, 0.0, 1.22]
    >>> scaler.transform(fahrenheit).round(2).ravel().tolist()
    [-1.22, 0.0, 1.22]
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept"}),
        growth="time O((n_s + n_t) d), memory O(d)",
        reference="Gong, Shi, Sha, Grauman: Geodesic flow kernel for unsupervised domain adaptation. CVPR 2012",
    )
    preserves_columns = True
    _parameter_constraints = {"with_std": ["boolean"], "robust": ["boolean"]}

    def __init__(self, *, with_std: bool = True, robust: bool = False) -> None:
        self.with_std = with_std
        self.robust = robust

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.source_center_, self.source_scale_ = self._statistics(Xs)
        self.target_center_, self.target_scale_ = self._statistics(Xt)

    def _map_source(self, X: Any) -> Any:
        return _standardise(X, self.source_center_, self.source_scale_)

    def _map_target(self, X: Any) -> Any:
        return _standardise(X, self.target_center_, self.target_scale_)

    def _statistics(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        center, spread = feature_statistics(X, robust=self.robust)
        if not self.with_std:
            return center, np.ones_like(spread)
        return center, np.where(spread > 0, spread, 1.0)


def _standardise(
    X: NDArray[np.float64], center: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    Z = X - center
    Z /= scale
    return Z
