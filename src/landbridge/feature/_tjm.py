"""TJM: match the domains' means and let source rows that do not fit fade, both in one eigenproblem."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.feature._kernel_feature import KERNEL_CONSTRAINTS, KernelFeature
from landbridge.numerics.mmd import mmd_factor, unit_factor
from landbridge.numerics.stacked import FeatureRows, KernelRows

__all__ = ["TJM", "joint_matching"]


def joint_matching(
    rows: FeatureRows | KernelRows,
    n_components: int,
    reg: float = 1.0,
    *,
    max_iter: int = 10,
    tol: float = 1e-3,
    random_state: Any = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    r"""Minimise the joint objective by re-weighting, equations (9) to (11) of [1]_.

    .. math:: \min_A \operatorname{tr}(A^\top K M K A) + r \bigl(\lVert A_S \rVert_{2,1} + \lVert A_T \rVert_F^2\bigr)
              \quad\text{with } A^\top K H K A = I

    The norm of the source's coefficients is replaced by :math:`\sum_i \lVert a_i \rVert^2 g_i` with
    :math:`g_i = 1 / (2 \lVert a_i \rVert)` from the round before, which is an eigenproblem. In each round the columns
    of `A` have unit length under these penalties.

    Parameters
    ----------
    rows : FeatureRows or KernelRows
        Stacked rows in the dual form, from :func:`landbridge.numerics.stacked.stack_rows`.
    n_components : int
    reg : float, default=1.0
        `M` has Frobenius norm one.
    max_iter : int, default=10
        Most rounds.
    tol : float, default=1e-3
        Stops once the lengths of the source's coefficients change by less, relative to their sum.
    random_state : int, RandomState or None, default=0

    Returns
    -------
    values : ndarray of shape (n_components,)
    directions : ndarray of shape (rows.n_features, n_components)
    lengths : ndarray of shape (n_source,)
        Of the source's coefficients: small where a row was found not to fit.
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
            E, n_components, reg=reg, penalty=penalty, start=directions, random_state=random_state
        )
        previous, lengths = lengths, rows.row_norms(directions, penalty)[:n_source]
        # A row whose coefficients vanish would get an infinite penalty; a millionth of the mean is as good as zero.
        floor = max(1e-6 * float(lengths.mean()), np.finfo(float).tiny ** 0.5)
        if np.abs(previous - lengths).sum() <= tol * lengths.sum():
            break
        penalty = penalty.copy()
        penalty[:n_source] = 0.5 / np.maximum(lengths, floor)
    return values, directions, lengths, n_iter


class TJM(KernelFeature):
    """Match the domains' means while source rows that do not fit lose influence (transfer joint matching).

    Components with much variance in which both domains have the same mean, with a sparse penalty on the source rows'
    coefficients: a feature method and an instance method in one.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer where the rows span fewer.
    reg : float, default=1.0
        Weight of the penalty on the coefficients; the matrix of the mean difference has Frobenius norm one.
    max_iter : int, default=10
        Most rounds of re-weighting.
    tol : float, default=1e-3
        Stops once the lengths of the source's coefficients change by less, relative to their sum.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel.
    gamma : float, optional
        Of "rbf", ``exp(-gamma ||x - y||²)``; left out, the median heuristic.
    n_landmarks : int, "auto" or None, default="auto"
        For "rbf": Nystroem features from so many rows. None is exact; "auto" is exact up to 11,000 rows in all and
        takes 500 landmarks beyond. The linear kernel is always exact.
    random_state : int, RandomState or None, default=None
        Start of the iteration and choice of landmarks.

    Attributes
    ----------
    components_ : ndarray of shape (n_kernel_rows, n_components_) or (n_features, n_components_)
        Coefficients of the kernel values with ``kernel_rows_``, or of the columns.
    kernel_rows_ : ndarray of shape (n_kernel_rows, n_features) or None
        The training rows, or the landmarks; None for the linear kernel.
    eigenvalues_ : ndarray of shape (n_components_,)
        Ratio of variance to penalty, descending.
    source_relevance_ : ndarray of shape (n_source,)
        Lengths of the source rows' coefficients, scaled to mean one; small where a row does not fit the target.
    n_iter_ : int
        Rounds done.
    gamma_ : float or None
        Width of the kernel in use.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps when part of the source is unlike anything in the target. Hurts, as TCA does, when class proportions differ.
    Scale each domain's columns before (:class:`~landbridge.feature.DomainScaler`); the published tables also bring
    every row to unit length.

    Time O(n² d + rounds n² k) with an exact kernel: the penalty is diagonal and the matrix of the mean difference has
    rank one, so that a round grows as
    :class:`~landbridge.feature.TCA` in its dual form.

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
        growth="a round: linear time O(n d² + d³); rbf time O(n² d), memory O(n²), with m landmarks O(n m²) and O(m²)",
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
        reg: float = 1.0,
        max_iter: int = 10,
        tol: float = 1e-3,
        kernel: str = "linear",
        gamma: float | None = None,
        n_landmarks: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.reg = reg
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
            rows, self.n_components, self.reg, max_iter=self.max_iter, tol=self.tol, random_state=rng
        )
        total = float(lengths.mean())
        self.source_relevance_ = lengths / total if total > 0 else np.ones(len(Xs))
        self._keep(rows, directions)
