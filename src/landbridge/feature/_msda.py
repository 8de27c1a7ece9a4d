"""Marginalised stacked denoising autoencoders (mSDA)."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from landbridge._sklearn_compat import Interval
from landbridge.base import FeatureTransfer, TransferTags

__all__ = ["MSDA", "marginalised_denoiser"]


def marginalised_denoiser(scatter: NDArray[np.float64], noise: float, alpha: float = 1e-5) -> NDArray[np.float64]:
    r"""Compute the linear map that removes masking noise, marginalised over the noise, equation (5) of [1]_.

    With the scatter :math:`S = \sum_i \tilde x_i \tilde x_i^\top` of the samples and a constant, each feature but the
    constant being set to zero with probability `p`, :math:`q = (1 - p, \ldots, 1 - p, 1)`:

    .. math:: W = P \, Q^{-1}, \qquad P_{ij} = S_{ij} q_j, \qquad
        Q_{ij} = S_{ij} q_i q_j \; (i \neq j), \quad Q_{ii} = S_{ii} q_i

    Parameters
    ----------
    scatter : ndarray of shape (d + 1, d + 1)
        ``S``; the constant comes last.
    noise : float
        ``p``.
    alpha : float, default=1e-5
        Added to the diagonal of ``Q``, relative to the mean diagonal.

    Returns
    -------
    ndarray of shape (d, d + 1)
        ``W``: a sample is mapped to ``W @ (x, 1)``.

    References
    ----------
    .. [1] M. Chen, Z. Xu, K. Weinberger, F. Sha. Marginalized denoising autoencoders for domain adaptation.
       ICML 2012.
    """
    keep = np.full(len(scatter), 1.0 - noise)
    keep[-1] = 1.0
    Q = scatter * np.outer(keep, keep)
    diagonal = scatter.diagonal() * keep
    Q[np.diag_indices_from(Q)] = diagonal + alpha * max(float(diagonal.mean()), np.finfo(float).tiny)
    return linalg.solve(Q, (scatter * keep)[:-1].T, assume_a="pos", overwrite_a=True, overwrite_b=True).T


class MSDA(FeatureTransfer):
    """Marginalised stacked denoising autoencoders (mSDA).

    A layer reconstructs samples whose features were set to zero at random, on both domains; in the limit of infinitely
    many corrupted copies it has a closed form. Layers are stacked with ``tanh`` between them, and the hidden layers are
    appended to the input, which links features of the target domain to features of both domains. `skada` has no mSDA.

    Parameters
    ----------
    n_layers : int, default=2
        Number of layers.
    noise : float, default=0.5
        Probability that a feature is set to zero.
    alpha : float, default=1e-5
        Weight of the L2 penalty, relative to the mean diagonal.
    keep_input : bool, default=True
        If True, the output begins with the input features.

    Attributes
    ----------
    layers_ : list of ndarray of shape (n_features, n_features + 1)
        Maps of the layers; the last column is the constant.

    Notes
    -----
    Helps with sparse non-negative features such as word counts, if the domains use different words for the same topic.
    Hurts little, but the output is dense with ``(n_layers + 1) d`` features. Scale dense features first, because
    ``tanh`` saturates.

    Time O(n_layers (n d² + d³)), memory O(d²) beside the output; the first layer uses sparse input directly.

    References
    ----------
    .. [1] M. Chen, Z. Xu, K. Weinberger, F. Sha. Marginalized denoising autoencoders for domain adaptation.
       ICML 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import MSDA
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.poisson(1.0, size=(50, 4)), rng.poisson(2.0, size=(60, 4))
    >>> MSDA(n_layers=2).fit_transform(Xs, X_target=Xt).shape
    (50, 12)
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"covariate", "subspace"}),
        growth="time O(n_layers (n d² + d³)), memory O(d²) beside the output",
        reference="Chen, Xu, Weinberger, Sha: Marginalized denoising autoencoders for domain adaptation. ICML 2012",
    )
    _accept_sparse = True
    _parameter_constraints = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, 1, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "keep_input": ["boolean"],
    }

    def __init__(self, n_layers: int = 2, *, noise: float = 0.5, alpha: float = 1e-5, keep_input: bool = True) -> None:
        self.n_layers = n_layers
        self.noise = noise
        self.alpha = alpha
        self.keep_input = keep_input

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.layers_: list[NDArray[np.float64]] = []
        hidden = [Xs, Xt]
        for layer in range(self.n_layers):
            scatter = _scatter(hidden[0]) + _scatter(hidden[1])
            self.layers_.append(marginalised_denoiser(scatter, self.noise, self.alpha))
            if layer + 1 < self.n_layers:
                hidden = [_through(H, self.layers_[-1]) for H in hidden]

    def _map_source(self, X: Any) -> Any:
        parts = [X.toarray() if sparse.issparse(X) else X] if self.keep_input else []
        for W in self.layers_:
            X = _through(X, W)
            parts.append(X)
        return np.hstack(parts)

    def _map_target(self, X: Any) -> Any:
        return self._map_source(X)


def _scatter(X: Any) -> NDArray[np.float64]:
    """Compute the scatter of the features and a constant, without a copy of the data."""
    d = X.shape[1]
    S = np.empty((d + 1, d + 1))
    products = X.T @ X
    S[:d, :d] = products.toarray() if sparse.issparse(products) else products
    S[d, :d] = S[:d, d] = np.asarray(X.sum(axis=0)).ravel()
    S[d, d] = X.shape[0]
    return S


def _through(X: Any, W: NDArray[np.float64]) -> NDArray[np.float64]:
    H = X @ W[:, :-1].T
    H += W[:, -1]
    return np.tanh(H, out=H)
