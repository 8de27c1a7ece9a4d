"""Domain scaler: standardise each domain by its own statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.base import FeatureTransfer, TransferTags

__all__ = ["DomainScaler", "column_statistics"]


def column_statistics(
    X: NDArray[np.float64], *, robust: bool = False, block: int = 65536
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre and the spread of each column; the spread of a constant column is exactly zero.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    robust : bool, default=False
        Median and interquartile range / 1.349 (the standard deviation of a Gaussian) for mean and population standard
        deviation.
    block : int, default=65536
        Rows centred at a time.

    Returns
    -------
    centre, spread : ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import column_statistics
    >>> centre, spread = column_statistics(np.array([[0.0, 5.0], [2.0, 5.0]]))
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
    # the mean of equal numbers need not be that number to the last digit
    spread[spread <= np.abs(centre) * len(X) ** 0.5 * np.finfo(float).eps] = 0.0
    return centre, spread


class DomainScaler(FeatureTransfer):
    """Standardise the source by the source's statistics and the target by the target's.

    The preparation behind most published comparisons: afterwards every column has mean zero and standard deviation
    one in both domains, so that a shift or a change of unit in single columns is gone.

    Parameters
    ----------
    with_std : bool, default=True
        Also divide by the standard deviation; False only centres.
    robust : bool, default=False
        Median and interquartile range for mean and standard deviation.

    Attributes
    ----------
    source_center_, target_center_ : ndarray of shape (n_features,)
        Mean (median) of each column.
    source_scale_, target_scale_ : ndarray of shape (n_features,)
        What each column is divided by; 1 for a column without spread, which is thus left at zero.

    Notes
    -----
    Helps when columns are measured in another unit or from another zero: another sensor, laboratory or camera. Hurts
    when the domains differ because their class proportions do: centring then moves the classes apart. A target of a
    single row has no statistics and lands on zero.

    Time O((n_s + n_t) d), memory O(d) beside the rows.

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
        center, spread = column_statistics(X, robust=self.robust)
        if not self.with_std:
            return center, np.ones_like(spread)
        return center, np.where(spread > 0, spread, 1.0)


def _standardise(
    X: NDArray[np.float64], center: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    Z = X - center
    Z /= scale
    return Z
