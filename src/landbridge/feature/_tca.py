"""Transfer component analysis (TCA)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge.base import TransferTags
from landbridge.feature._kernel_feature import KERNEL_CONSTRAINTS, KernelFeature
from landbridge.numerics.mmd import mmd_factor, unit_factor
from landbridge.numerics.stacked import FeatureRows, KernelRows

__all__ = ["TCA", "transfer_components"]


def transfer_components(
    rows: FeatureRows | KernelRows, n_components: int, alpha: float = 1.0, random_state: Any = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute the transfer components, equation (12) of [1]_.

    They are the leading eigenvectors of :math:`(K L K + r I)^{-1} K H K` (dual form), or of
    :math:`(\Phi^\top L \Phi + r I)^{-1} \Phi^\top H \Phi` (primal form). As :math:`L = e e^\top` has rank one, the root
    of the first factor is known in closed form and only products with `K` are needed.

    Parameters
    ----------
    rows : FeatureRows or KernelRows
        Stacked samples, from :func:`landbridge.numerics.stacked.stack_rows`.
    n_components : int
        Number of components.
    alpha : float, default=1.0
        Weight of the L2 penalty. `L` is scaled to Frobenius norm one, so that ``alpha`` is :math:`\mu` of the paper
        divided by :math:`1/n_s + 1/n_t`.
    random_state : int, RandomState or None, default=None
        Start of the iteration.

    Returns
    -------
    values : ndarray of shape (n_components,)
        Descending.
    directions : ndarray of shape (rows.n_features, n_components)

    References
    ----------
    .. [1] S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang. Domain adaptation via transfer component analysis. IEEE
       Transactions on Neural Networks 22, 2011.
    """
    E = unit_factor(mmd_factor(rows.n_source, rows.n_samples - rows.n_source))
    return rows.components(E, n_components, reg=alpha, random_state=random_state)


class TCA(KernelFeature):
    """Transfer component analysis (TCA): components with large variance and similar domain means.

    Defaults differ from `skada`: the linear kernel (there "rbf") and 20 components (there all).

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer if the samples span fewer.
    alpha : float, default=1.0
        Weight of the L2 penalty on the coefficients. The matrix of the mean difference is scaled to Frobenius norm one,
        so that a value suits any number of samples; the constant of the paper is
        ``alpha * (1 / n_source + 1 / n_target)``.
        For the linear kernel it depends on the scale of the data: scale the samples to unit length, or adapt it.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel.
    gamma : float, default=None
        Coefficient of "rbf", ``exp(-gamma ||x - y||²)``. If None, the median heuristic.
    form : {"dual", "primal"}, default="dual"
        What is penalised: the coefficients of the samples (the kernel form of the paper), or those of the features. The
        two give different spaces with the same `alpha`.
    n_landmarks : int, "auto" or None, default="auto"
        For "rbf": number of samples of the Nystroem approximation. If None, the kernel is exact; "auto" is exact
        up to 11,000 samples in all and takes 500 landmarks beyond. The linear kernel is always exact.
    random_state : int, RandomState or None, default=None
        Start of the iteration and choice of the landmarks.

    Attributes
    ----------
    components_ : ndarray of shape (n_kernel_samples, n_components_) or (n_features, n_components_)
        Coefficients of the kernel values with ``kernel_samples_``, or of the features.
    kernel_samples_ : ndarray of shape (n_kernel_samples, n_features) or None
        The training samples, or the landmarks; None for the linear kernel.
    eigenvalues_ : ndarray of shape (n_components_,)
        Ratio of variance to penalty, descending.
    gamma_ : float or None
        Kernel coefficient in use.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps if the domains differ in a few directions that are not informative about the label: another sensor, another
    site. Hurts if the class proportions differ, because the domain means then differ although P(x given y) does not.
    Standardise each domain first (:class:`~landbridge.feature.DomainScaler`); the published tables also scale every
    sample to unit length, before and after.

    The matrix of the mean difference has rank one, so that only products with the kernel matrix are needed. Exact
    "rbf": time O(n² (d + k)) for n samples in all, memory 8 n² bytes up to 1 GB, beyond that O(n k). Landmarks:
    time O(n m (d + m)), memory O(m²) beside the data. Linear: time O(n d² + d³), or O(n² d + n³) where n < d.

    References
    ----------
    .. [1] S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang. Domain adaptation via transfer component analysis. IEEE
       Transactions on Neural Networks 22, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import TCA
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(100, 2)) * [1.0, 3.0], rng.normal(size=(100, 2)) * [1.0, 3.0] + [9.0, 0.0]
    >>> mapper = TCA(n_components=1).fit(Xs, X_target=Xt)
    >>> bool(abs(mapper.transform_source(Xs).mean() - mapper.transform(Xt).mean()) < 0.5)
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"covariate", "subspace"}),
        growth="linear: time O(n d² + d³); rbf: time O(n² d), memory O(n²), with m landmarks O(n m²) and O(m²)",
        reference="Pan et al.: Domain adaptation via transfer component analysis. IEEE TNN 22, 2011",
    )
    _parameter_constraints = {**KERNEL_CONSTRAINTS}

    def __init__(
        self,
        n_components: int = 20,
        *,
        alpha: float = 1.0,
        kernel: str = "linear",
        gamma: float | None = None,
        form: str = "dual",
        n_landmarks: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.form = form
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        rows = self._stack(Xs, Xt, rng)
        self.eigenvalues_, directions = transfer_components(rows, self.n_components, self.alpha, rng)
        self._keep(rows, directions)
