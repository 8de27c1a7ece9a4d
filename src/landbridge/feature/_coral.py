"""Correlation alignment (CORAL)."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.covariance import covariance, matrix_power

__all__ = ["CORAL", "coral_map"]


def coral_map(Xs: NDArray[np.float64], Xt: NDArray[np.float64], reg_covar: float = 1.0) -> NDArray[np.float64]:
    r"""Compute the linear map of correlation alignment, equation (4) of [1]_.

    .. math:: A = (C_S + r s_S I)^{-1/2} (C_T + r s_T I)^{1/2}

    where :math:`s_S` and :math:`s_T` are the mean variances of the non-constant features of each domain. Rescaling a
    domain as a whole therefore rescales the map. On standardised features both are 1, as in the paper.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    reg_covar : float, default=1.0
        Added to the diagonal of both covariance matrices, relative to the mean variance of the domain; the paper uses
        1 on standardised features.

    Returns
    -------
    ndarray of shape (n_features, n_features)
        ``Xs @ A`` has approximately the covariance of the target.

    References
    ----------
    .. [1] B. Sun, J. Feng, K. Saenko. Return of frustratingly easy domain adaptation. AAAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import coral_map
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> coral_map(X, 0.001 * X).round(6).tolist()
    [[0.001, 0.0], [0.0, 0.001]]
    """
    Cs, Ct = covariance(Xs), covariance(Xt)
    source_scale, target_scale = _mean_variance(Xs, Cs), _mean_variance(Xt, Ct)
    # a domain without variance takes the scale of the other one
    source_scale = source_scale or target_scale or 1.0
    target_scale = target_scale or source_scale
    return matrix_power(Cs, -0.5, reg_covar * source_scale) @ matrix_power(Ct, 0.5, reg_covar * target_scale)


class CORAL(FeatureTransfer):
    """Correlation alignment (CORAL): align the source covariance with the target covariance.

    Source samples are whitened with the source covariance and recoloured with the target covariance; target samples
    stay unchanged. The ridge is relative to the mean variance of each domain (`skada`: absolute, by default the
    Ledoit-Wolf shrinkage).

    Parameters
    ----------
    reg_covar : float, default=1.0
        Added to the diagonal of both covariance matrices, relative to the mean variance of the non-constant features of
        the domain. On standardised features 1 is the setting of the paper. Smaller values align more.
    center : bool, default=False
        If True, also move the source mean to the target mean. The paper centres each domain first.

    Attributes
    ----------
    coral_map_ : ndarray of shape (n_features, n_features)
        Linear map of source samples.
    source_mean_, target_mean_ : ndarray of shape (n_features,)
        Feature means of both domains.

    Notes
    -----
    Helps if features are rescaled or mixed linearly between the domains. Hurts if the class proportions differ, because
    the covariances then differ although P(x given y) does not.

    Rescaling both domains by a common factor does not change the method. Features of very different scales share one
    ridge: standardise them first.

    Time O((n_s + n_t) d² + d³), memory O(d²) beside the data.

    References
    ----------
    .. [1] B. Sun, J. Feng, K. Saenko. Return of frustratingly easy domain adaptation. AAAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import CORAL
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) * [3.0, 0.5]
    >>> Zs = CORAL(reg_covar=1e-6).fit_transform(Xs, X_target=Xt)
    >>> bool(np.allclose(np.cov(Zs.T), np.cov(Xt.T), atol=1e-3))
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept", "subspace"}),
        growth="time O((n_s + n_t) d² + d³), memory O(d²)",
        reference="Sun, Feng, Saenko: Return of frustratingly easy domain adaptation. AAAI 2016",
    )
    preserves_columns = True
    _parameter_constraints = {"reg_covar": [Interval(Real, 0, None, closed="neither")], "center": ["boolean"]}

    def __init__(self, reg_covar: float = 1.0, *, center: bool = False) -> None:
        self.reg_covar = reg_covar
        self.center = center

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.source_mean_, self.target_mean_ = Xs.mean(axis=0), Xt.mean(axis=0)
        self.coral_map_ = coral_map(Xs, Xt, self.reg_covar)

    def _map_source(self, X: Any) -> Any:
        if not self.center:
            return X @ self.coral_map_
        return (X - self.source_mean_) @ self.coral_map_ + self.target_mean_

    def _map_target(self, X: Any) -> Any:
        return X.copy()


def _mean_variance(X: NDArray[np.float64], C: NDArray[np.float64]) -> float:
    """Compute the mean variance (divided by n) of the non-constant features, exactly 1 on standardised ones."""
    n = len(X)
    variance = np.diag(C) * (max(n - 1, 1) / n)
    # the mean of equal numbers may differ from them by rounding
    mean = np.abs(X.mean(axis=0))
    varying = variance > (mean * n**0.5 * np.finfo(float).eps) ** 2
    return float(variance[varying].mean()) if varying.any() else 0.0
