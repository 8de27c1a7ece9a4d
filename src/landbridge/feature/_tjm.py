"""Transfer joint matching (TJM)."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.feature._kernel_feature import KERNEL_CONSTRAINTS, KernelFeature
from landbridge.numerics.mmd import mmd_factor, unit_factor
from landbridge.numerics.stacked import FeatureRows, KernelRows

__all__ = ["TJM", "joint_matching"]


def joint_matching(
    rows: FeatureRows | KernelRows,
    n_components: int,
    alpha: float = 1.0,
    *,
    max_iter: int = 10,
    tol: float = 1e-3,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    r"""Minimise the joint objective by iterative reweighting, equations (9) to (11) of [1]_.

    .. math:: \min_A \operatorname{tr}(A^\top K M K A) + r \bigl(\lVert A_S \rVert_{2,1} + \lVert A_T \rVert_F^2\bigr)
              \quad\text{with } A^\top K H K A = I

    The norm of the source coefficients is replaced by :math:`\sum_i \lVert a_i \rVert^2 g_i` with
    :math:`g_i = 1 / (2 \lVert a_i \rVert)` from the previous iteration, which is an eigenproblem. In each iteration the
    columns of `A` have unit length under these penalties.

    Parameters
    ----------
    rows : FeatureRows or KernelRows
        Stacked samples in the dual form, from :func:`landbridge.numerics.stacked.stack_rows`.
    n_components : int
    alpha : float, default=1.0
        Weight of the L2 penalty; `M` has Frobenius norm one.
    max_iter : int, default=10
        Maximum number of iterations.
    tol : float, default=1e-3
        Stops when the norms of the source coefficients change by less, relative to their sum.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    values : ndarray of shape (n_components,)
    directions : ndarray of shape (rows.n_features, n_components)
    lengths : ndarray of shape (n_source,)
        Norms of the source coefficients: small for samples that do not match the target.
    n_iter : int

    References
    ----------
    .. [1] M. Long, J. Wang, G. Ding, J. Sun, P. S. Yu. Transfer joint matching for unsupervised domain adaptation.
       CVPR 2014.
    """
    n_source = rows.n_source
    E = unit_factor(mmd_factor(n_source, rows.n_samples - n_source))
    penalty = np.ones(rows.n_samples)
    directions: Any = None
    lengths = np.full(n_source, np.inf)
    n_iter = 0
    for _ in range(max_iter):
        n_iter += 1
        values, directions = rows.components(
            E, n_components, reg=alpha, penalty=penalty, start=directions, random_state=random_state
        )
        previous, lengths = lengths, rows.row_norms(directions, penalty)[:n_source]
        # A sample whose coefficients vanish would get an infinite penalty; a millionth of the mean counts as zero.
        floor = max(1e-6 * float(lengths.mean()), np.finfo(float).tiny ** 0.5)
        if np.abs(previous - lengths).sum() <= tol * lengths.sum():
            break
        penalty = penalty.copy()
        penalty[:n_source] = 0.5 / np.maximum(lengths, floor)
    return values, directions, lengths, n_iter


class TJM(KernelFeature):
    """Transfer joint matching (TJM): align the domain means and reweight the source samples.

    Components with large variance and similar domain means, as in TCA, with a sparse penalty on the coefficients of the
    source samples. Defaults differ from `skada`: the linear kernel (there "rbf"), 20 components (all) and at most 10
    iterations (100).

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer if the samples span fewer.
    alpha : float, default=1.0
        Weight of the L2 penalty on the coefficients. The matrix of the mean difference has Frobenius norm one.
        For the linear kernel it depends on the scale of the data: scale the samples to unit length, or adapt it.
    max_iter : int, default=10
        Maximum number of iterations.
    tol : float, default=1e-3
        Stops when the norms of the source coefficients change by less, relative to their sum.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel.
    gamma : float, default=None
        Coefficient of "rbf", ``exp(-gamma ||x - y||²)``. If None, the median heuristic.
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
    source_relevance_ : ndarray of shape (n_source,)
        Norms of the coefficients of the source samples, scaled to mean one; small if a sample does not match
        the target.
    n_iter_ : int
        Number of iterations.
    gamma_ : float or None
        Kernel coefficient in use.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps if part of the source is unlike any target sample. Hurts, like TCA, if the class proportions differ.
    Standardise each domain first (:class:`~landbridge.feature.DomainScaler`); the published tables also scale every
    sample to unit length.

    Time and memory per iteration are those of :class:`~landbridge.feature.TCA` in its dual form, O(n² (d + k)) with an
    exact kernel.

    References
    ----------
    .. [1] M. Long, J. Wang, G. Ding, J. Sun, P. S. Yu. Transfer joint matching for unsupervised domain adaptation.
       CVPR 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import TJM
    >>> rng = np.random.default_rng(0)
    >>> Xs, Xt = rng.normal(size=(100, 4)), rng.normal(size=(80, 4)) + [5.0, 0.0, 0.0, 0.0]
    >>> mapper = TJM(n_components=2).fit(Xs, X_target=Xt)
    >>> mapper.transform(Xt).shape, mapper.source_relevance_.shape
    ((80, 2), (100,))
    """

    transfer_tags = TransferTags(
        family="feature",
        shifts=frozenset({"covariate", "subspace"}),
        growth="per iteration: linear O(n d² + d³); rbf time O(n² d), memory O(n²), m landmarks O(n m²) and O(m²)",
        reference="Long et al.: Transfer joint matching for unsupervised domain adaptation. CVPR 2014",
    )
    _parameter_constraints = {
        **{k: v for k, v in KERNEL_CONSTRAINTS.items() if k != "form"},
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
        alpha: float = 1.0,
        max_iter: int = 10,
        tol: float = 1e-3,
        kernel: str = "linear",
        gamma: float | None = None,
        n_landmarks: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.kernel = kernel
        self.gamma = gamma
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        rows = self._stack(Xs, Xt, rng, form="dual")
        self.eigenvalues_, directions, lengths, self.n_iter_ = joint_matching(
            rows, self.n_components, self.alpha, max_iter=self.max_iter, tol=self.tol, random_state=rng
        )
        total = float(lengths.mean())
        self.source_relevance_ = lengths / total if total > 0 else np.ones(len(Xs))
        self._keep(rows, directions)
