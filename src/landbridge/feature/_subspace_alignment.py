"""Subspace alignment: turn the source's principal subspace into the target's."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.geodesic import complete_basis, principal_basis

__all__ = ["SubspaceAlignment", "subspace_alignment"]


def subspace_alignment(
    Xs: NDArray[np.float64], Xt: NDArray[np.float64], n_components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the projections of both domains, equations (1) to (3) of [1]_.

    With the principal bases :math:`P_S, P_T` the map :math:`M = P_S^\top P_T` minimises
    :math:`\lVert P_S M - P_T \rVert_F`; source rows are projected by :math:`P_S M`, target rows by :math:`P_T`.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source rows.
    Xt : ndarray of shape (n_target, n_features)
        Target rows.
    n_components : int
        Dimension of the subspaces; fewer where the source spans fewer. Directions that the target does not span are
        taken from the source, so that they stay as they are.

    Returns
    -------
    source_projection, target_projection : ndarray of shape (n_features, n_components)

    References
    ----------
    .. [1] B. Fernando, A. Habrard, M. Sebban, T. Tuytelaars. Unsupervised visual domain adaptation using subspace
       alignment. ICCV 2013.
    """
    Ps = principal_basis(Xs, n_components)
    if Ps.shape[1] == 0:  # a source without any variance: the first axis is as good as another
        Ps = np.eye(Xs.shape[1], 1)
    Pt = complete_basis(principal_basis(Xt, Ps.shape[1]), Ps)
    return Ps @ (Ps.T @ Pt), Pt


class SubspaceAlignment(FeatureTransfer):
    """Align the source's principal subspace with the target's.

    Both domains are centred and projected on their own principal components; a linear map then takes the source's
    coordinates to the target's.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the subspaces; fewer where there are fewer columns or source rows.

    Attributes
    ----------
    source_projection_, target_projection_ : ndarray of shape (n_features, n_components_)
        Projections of centred rows.
    source_mean_, target_mean_ : ndarray of shape (n_features,)
        Column means of both domains.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps when the same things span another subspace: another camera, another vocabulary. Hurts when the subspaces
    differ because other classes are frequent, and loses what lies outside the principal components. Scale the columns
    before, for example with :class:`~landbridge.feature.DomainScaler`.

    Time O((n_s + n_t) d min(n, d) + min(n, d)³), memory O(min(n, d)²) beside the rows.

    References
    ----------
    .. [1] B. Fernando, A. Habrard, M. Sebban, T. Tuytelaars. Unsupervised visual domain adaptation using subspace
       alignment. ICCV 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import SubspaceAlignment
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(50, 3)) * [3.0, 1.0, 0.1], rng.normal(size=(60, 3)) * [3.0, 0.1, 1.0]
    >>> mapper = SubspaceAlignment(n_components=2)
    >>> mapper.fit_transform(Xs, X_target=Xt).shape, mapper.transform(Xt).shape
    ((50, 2), (60, 2))
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept", "subspace"}),
        growth="time O((n_s + n_t) d min(n, d) + min(n, d)³), memory O(min(n, d)²)",
        reference="Fernando et al.: Unsupervised visual domain adaptation using subspace alignment. ICCV 2013",
    )
    _parameter_constraints = {"n_components": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, n_components: int = 20) -> None:
        self.n_components = n_components

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.source_mean_, self.target_mean_ = Xs.mean(axis=0), Xt.mean(axis=0)
        self.source_projection_, self.target_projection_ = subspace_alignment(Xs, Xt, self.n_components)
        self.n_components_ = self.target_projection_.shape[1]

    def _map_source(self, X: Any) -> Any:
        return (X - self.source_mean_) @ self.source_projection_

    def _map_target(self, X: Any) -> Any:
        return (X - self.target_mean_) @ self.target_projection_
