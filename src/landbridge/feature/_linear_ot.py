"""Linear optimal transport: carry the source's Gaussian onto the target's by the cheapest linear map."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.covariance import covariance, matrix_power

__all__ = ["LinearOT", "gaussian_transport"]


def gaussian_transport(Cs: NDArray[np.float64], Ct: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return the optimal linear map between two centred Gaussians.

    .. math:: A = C_S^{-1/2} \bigl(C_S^{1/2} C_T C_S^{1/2}\bigr)^{1/2} C_S^{-1/2}

    It is symmetric, and the only positive semi-definite map with :math:`A C_S A = C_T`.

    Parameters
    ----------
    Cs, Ct : ndarray of shape (d, d)
        Covariances of source and target.

    Returns
    -------
    ndarray of shape (d, d)

    References
    ----------
    .. [1] R. Flamary, K. Lounici, A. Ferrari. Concentration bounds for linear Monge mapping estimation and optimal
       transport domain adaptation. arXiv:1905.10155, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import gaussian_transport
    >>> gaussian_transport(np.diag([1.0, 4.0]), np.diag([9.0, 4.0])).round(6).tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    root, inverse = matrix_power(Cs, 0.5), matrix_power(Cs, -0.5)
    middle = root @ Ct @ root
    return inverse @ matrix_power((middle + middle.T) / 2, 0.5) @ inverse


class LinearOT(FeatureTransfer):
    """Carry the source onto the target by the optimal affine map (linear Monge mapping).

    As CORAL it matches means and covariances, but of all maps that do, it is the one that moves the rows least: it
    never turns what need not be turned.

    Parameters
    ----------
    reg : float, default=1e-6
        Added to the diagonal of both covariances, as a share of their mean variance; larger moves less.

    Attributes
    ----------
    map_ : ndarray of shape (n_features, n_features)
        The map applied to centred source rows.
    source_mean_, target_mean_ : ndarray of shape (n_features,)
        Column means of both domains.

    Notes
    -----
    Helps when columns are moved, rescaled or mixed linearly. Hurts when class proportions differ: means and
    covariances then differ for a good reason.

    Time O((n_s + n_t) d² + d³), memory O(d²) beside the rows.

    References
    ----------
    .. [1] R. Flamary, K. Lounici, A. Ferrari. Concentration bounds for linear Monge mapping estimation and optimal
       transport domain adaptation. arXiv:1905.10155, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import LinearOT
    >>> Xs = np.random.default_rng(0).normal(size=(100, 2))
    >>> Xt = Xs * [2.0, 0.5] + [3.0, 0.0]
    >>> bool(np.allclose(LinearOT().fit_transform(Xs, X_target=Xt), Xt, atol=1e-3))
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept"}),
        growth="time O((n_s + n_t) d² + d³), memory O(d²)",
        reference="Flamary, Lounici, Ferrari: Concentration bounds for linear Monge mapping estimation. 2019",
    )
    preserves_columns = True
    _parameter_constraints = {"reg": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, reg: float = 1e-6) -> None:
        self.reg = reg

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.source_mean_, self.target_mean_ = Xs.mean(axis=0), Xt.mean(axis=0)
        Cs, Ct = covariance(Xs), covariance(Xt)
        if len(Xt) == 1:  # one row has a place but no shape
            Ct = Cs
        scale = (np.trace(Cs) + np.trace(Ct)) / (2 * len(Cs))
        ridge = self.reg * (scale if scale > 0 else 1.0) * np.eye(len(Cs))
        self.map_ = gaussian_transport(Cs + ridge, Ct + ridge)

    def _map_source(self, X: Any) -> Any:
        return (X - self.source_mean_) @ self.map_ + self.target_mean_

    def _map_target(self, X: Any) -> Any:
        return X.copy()
