"""GFK: the geodesic flow kernel, an average over all subspaces between source and target."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.base import FeatureTransfer, TransferTags
from landbridge.numerics.geodesic import complete_basis, geodesic_factor, principal_angles, principal_basis

__all__ = ["GFK", "subspace_disagreement"]


def subspace_disagreement(
    Xs: NDArray[np.float64], Xt: NDArray[np.float64], max_components: int | None = None
) -> NDArray[np.float64]:
    r"""Say for each dimension how far the domains' subspaces have parted, section 3.4 of [1]_.

    .. math:: D(d) = \tfrac12 (\sin \alpha_d + \sin \beta_d)

    where :math:`\alpha_d` (:math:`\beta_d`) is the largest angle between the first `d` principal directions of the
    source (target) and those of both domains together. At 1 the last directions are orthogonal: they say nothing
    about the other domain, and a larger dimension is not worth having.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source rows.
    Xt : ndarray of shape (n_target, n_features)
        Target rows.
    max_components : int, optional
        Largest dimension; at most half the columns, so that the subspaces can be orthogonal at all.

    Returns
    -------
    ndarray of shape (max_components,)
        ``D(1), D(2), ...``; empty where a domain spans nothing.

    References
    ----------
    .. [1] B. Gong, Y. Shi, F. Sha, K. Grauman. Geodesic flow kernel for unsupervised domain adaptation. CVPR 2012.
    """
    most = max(Xs.shape[1] // 2, 1)
    most = most if max_components is None else min(most, max_components)
    bases = [principal_basis(X, most) for X in (Xs, Xt, np.concatenate([Xs, Xt]))]
    S, T, B = bases
    most = min(P.shape[1] for P in bases)
    angles = [principal_angles(P[:, :d], B[:, :d])[-1] for d in range(1, most + 1) for P in (S, T)]
    return np.sin(np.array(angles).reshape(-1, 2)).mean(axis=1)


class GFK(FeatureTransfer):
    """Compare rows in all subspaces on the way from the source's to the target's (geodesic flow kernel).

    The principal subspaces of both domains are two points on a Grassmann manifold. The kernel averages the inner
    products of the projections onto every subspace of the geodesic between them. Rows come out so that their plain
    inner products and distances are the kernel's: any learner can follow, nearest neighbours above all.

    Parameters
    ----------
    n_components : int or "auto", default=20
        Dimension of the subspaces; fewer where there are fewer columns or source rows. ``"auto"`` takes the smallest
        dimension at which the subspace disagreement reaches 0.99.

    Attributes
    ----------
    projection_ : ndarray of shape (n_features, n_embedded)
        Root of the kernel, ``G = projection_ @ projection_.T``; ``n_embedded = min(2 n_components_, n_features)``.
    angles_ : ndarray of shape (n_components_,)
        Principal angles between the two subspaces.
    source_mean_, target_mean_ : ndarray of shape (n_features,)
        Column means of both domains.
    n_components_ : int
        Dimension of the subspaces.

    Notes
    -----
    Helps when the same things span another subspace: another camera, another vocabulary. Hurts when the subspaces
    differ because other classes are frequent. Scale the columns before, for example with
    :class:`~landbridge.feature.DomainScaler`.

    Time O((n_s + n_t) d min(n, d) + min(n, d)³), memory O(d k + min(n, d)²) beside the rows; the d x d kernel is
    never formed.

    References
    ----------
    .. [1] B. Gong, Y. Shi, F. Sha, K. Grauman. Geodesic flow kernel for unsupervised domain adaptation. CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import GFK
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(50, 6)), rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6))
    >>> mapper = GFK(n_components=2)
    >>> mapper.fit_transform(Xs, X_target=Xt).shape, mapper.transform(Xt).shape
    ((50, 4), (60, 4))
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"concept", "subspace"}),
        growth="time O((n_s + n_t) d min(n, d) + min(n, d)³), memory O(d k + min(n, d)²)",
        reference="Gong, Shi, Sha, Grauman: Geodesic flow kernel for unsupervised domain adaptation. CVPR 2012",
    )
    _parameter_constraints = {"n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})]}

    def __init__(self, n_components: int | str = 20) -> None:
        self.n_components = n_components

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.source_mean_, self.target_mean_ = Xs.mean(axis=0), Xt.mean(axis=0)
        wanted = self._chosen(Xs, Xt) if isinstance(self.n_components, str) else self.n_components
        Ps = principal_basis(Xs, wanted)
        if Ps.shape[1] == 0:  # a source without any variance: the first axis is as good as another
            Ps = np.eye(Xs.shape[1], 1)
        Pt = complete_basis(principal_basis(Xt, Ps.shape[1]), Ps)
        self.projection_ = geodesic_factor(Ps, Pt)
        self.angles_ = principal_angles(Ps, Pt)
        self.n_components_ = Ps.shape[1]

    def _map_source(self, X: Any) -> Any:
        return (X - self.source_mean_) @ self.projection_

    def _map_target(self, X: Any) -> Any:
        return (X - self.target_mean_) @ self.projection_

    def _chosen(self, Xs: NDArray[np.float64], Xt: NDArray[np.float64]) -> int:
        most = 32
        while True:
            # The rule stops early as a rule, so look a few dimensions ahead at a time.
            disagreement = subspace_disagreement(Xs - self.source_mean_, Xt - self.target_mean_, most)
            if (reached := np.flatnonzero(disagreement >= 0.99)).size:
                return int(reached[0]) + 1
            if len(disagreement) < most:
                return max(len(disagreement), 1)
            most *= 2
