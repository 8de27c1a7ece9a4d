"""CORAL: give the source the target's second-order statistics."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.covariance import covariance, matrix_power

__all__ = ["CORAL", "coral_map"]


def coral_map(Xs: NDArray[np.float64], Xt: NDArray[np.float64], reg: float = 1.0) -> NDArray[np.float64]:
    r"""Return the linear map that recolours the source, equation (4) of [1]_.

    .. math:: A = (C_S + r I)^{-1/2} (C_T + r I)^{1/2}

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source rows.
    Xt : ndarray of shape (n_target, n_features)
        Target rows.
    reg : float, default=1.0
        Added to both diagonals; the paper uses 1 on standardised columns.

    Returns
    -------
    ndarray of shape (n_features, n_features)
        ``Xs @ A`` has, about, the target's covariance.

    References
    ----------
    .. [1] B. Sun, J. Feng, K. Saenko. Return of frustratingly easy domain adaptation. AAAI 2016.
    """
    return matrix_power(covariance(Xs), -0.5, reg) @ matrix_power(covariance(Xt), 0.5, reg)


class CORAL(FeatureTransfer):
    """Align the source's covariance with the target's (correlation alignment).

    Source rows are whitened with their own covariance and recoloured with the target's; target rows stay as they are.

    Parameters
    ----------
    reg : float, default=1.0
        Added to the diagonal of both covariances. 1 suits standardised columns.
    center : bool, default=False
        Also move the source's mean onto the target's. The paper works on centred columns; without a step that centres
        each domain, True does it here.

    Attributes
    ----------
    coral_map_ : ndarray of shape (n_features, n_features)
        The map applied to source rows.
    source_mean_, target_mean_ : ndarray of shape (n_features,)
        Column means of both domains.

    Notes
    -----
    Helps when columns are rescaled or mixed linearly between the domains. Hurts when class proportions differ: the
    covariance then differs for a good reason, and aligning it mixes the classes.

    Time O((n_s + n_t) d² + d³), memory O(d²) beside the rows.

    References
    ----------
    .. [1] B. Sun, J. Feng, K. Saenko. Return of frustratingly easy domain adaptation. AAAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import CORAL
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) * [3.0, 0.5]
    >>> Zs = CORAL(reg=1e-6).fit_transform(Xs, X_target=Xt)
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
    _parameter_constraints = {"reg": [Interval(Real, 0, None, closed="neither")], "center": ["boolean"]}

    def __init__(self, reg: float = 1.0, *, center: bool = False) -> None:
        self.reg = reg
        self.center = center

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.source_mean_, self.target_mean_ = Xs.mean(axis=0), Xt.mean(axis=0)
        self.coral_map_ = coral_map(Xs, Xt, self.reg)

    def _map_source(self, X: Any) -> Any:
        if not self.center:
            return X @ self.coral_map_
        return (X - self.source_mean_) @ self.coral_map_ + self.target_mean_

    def _map_target(self, X: Any) -> Any:
        return X.copy()
