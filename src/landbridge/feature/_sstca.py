"""Semi-supervised transfer component analysis (SSTCA)."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.domain import missing_labels
from landbridge.feature._kernel_feature import KERNEL_CONSTRAINTS, KernelFeature, label_codes, labelled_tags
from landbridge.feature._task import TASK_CONSTRAINT, TaskParameter
from landbridge.numerics.graph import neighbour_laplacian
from landbridge.numerics.mmd import mmd_factor, unit_factor
from landbridge.numerics.stacked import FeatureRows

__all__ = ["SSTCA", "supervised_components"]


def supervised_components(
    rows: FeatureRows,
    Y: NDArray[np.float64],
    laplacian: Any,
    n_components: int,
    *,
    alpha: float = 1.0,
    label_weight: float = 0.5,
    locality: float = 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute the semi-supervised transfer components, section IV of [1]_.

    They are the leading eigenvectors of

    .. math:: \bigl(K (L + \lambda \mathcal{L}) K + r I\bigr)^{-1} K H \tilde K_{yy} H K, \qquad
              \tilde K_{yy} = \gamma\, Y Y^\top + (1 - \gamma) I

    with `L` of the mean difference, :math:`\mathcal{L}` of the neighbourhood graph and `Y` of the labels.

    Parameters
    ----------
    rows : FeatureRows
        Stacked samples with explicit features.
    Y : ndarray of shape (rows.n_samples, r)
        Labels: one column per class, or the values; zeros for unlabelled samples.
    laplacian : sparse matrix of shape (rows.n_samples, rows.n_samples)
    n_components : int
    alpha : float, default=1.0
        Weight of the L2 penalty; `L` and :math:`\mathcal{L}` both have Frobenius norm one.
    label_weight : float, default=0.5
        :math:`\gamma`.
    locality : float, default=1.0
        :math:`\lambda`.

    Returns
    -------
    values : ndarray of shape (n_components,)
    directions : ndarray of shape (rows.n_features, n_components)

    References
    ----------
    .. [1] S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang. Domain adaptation via transfer component analysis. IEEE
       Transactions on Neural Networks 22, 2011.
    """
    u = rows.cross(unit_factor(mmd_factor(rows.n_source, rows.n_samples - rows.n_source)))
    V = rows.cross(Y - Y.mean(axis=0))
    S = (1.0 - label_weight) * rows.scatter + label_weight * (V @ V.T)
    B = u @ u.T
    size = np.sqrt(laplacian.multiply(laplacian).sum())
    if locality > 0 and size > 0:
        B = B + locality / size * rows.quadratic(laplacian)
    turn = rows.turn()[0] if rows.form == "dual" else np.eye(rows.n_features)
    S, B = turn.T @ S @ turn, turn.T @ B @ turn
    B = 0.5 * (B + B.T) + alpha * np.eye(len(B))
    k = min(n_components, len(B))
    values, A = linalg.eigh(0.5 * (S + S.T), B, subset_by_index=[len(B) - k, len(B) - 1])
    values, A = np.maximum(values[::-1], 0.0), A[:, ::-1]
    live = values > len(B) * np.finfo(float).eps * max(float(values[0]), np.finfo(float).tiny)
    live[0] = True
    A = A[:, live] / np.linalg.norm(A[:, live], axis=0)
    return values[live], rows.signed(turn @ A)


class SSTCA(TaskParameter, KernelFeature):
    """Semi-supervised transfer component analysis (SSTCA).

    The components have a small mean difference and a large variance, as in TCA. In addition they depend on the labels
    (by the Hilbert-Schmidt independence criterion) and vary little between neighbouring samples. `skada` has no SSTCA.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer if the samples span fewer.
    alpha : float, default=1.0
        Weight of the L2 penalty on the coefficients. The matrices of the mean difference and of the graph have
        Frobenius norm one.
        For the linear kernel it depends on the scale of the data: scale the samples to unit length, or adapt it.
    label_weight : float, default=0.5
        Weight of the dependence on the labels, between 0 (variance only) and 1 (labels only).
    locality : float, default=1.0
        Weight of the neighbourhood graph.
    n_neighbors : int, default=10
        Number of neighbours of a sample in the graph.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel.
    gamma : float, default=None
        Coefficient of "rbf", ``exp(-gamma ||x - y||²)``. If None, the median heuristic.
    form : {"dual", "primal"}, default="dual"
        What is penalised: the coefficients of the samples, or those of the features.
    n_landmarks : int, "auto" or None, default="auto"
        For "rbf": number of samples of the Nystroem approximation. If None, the kernel is exact; "auto" is exact
        up to 2,000 samples in all and takes 500 landmarks beyond. The linear kernel is always exact.
    task : {"classification", "regression"} or None, default=None
        Whether labels are classes or values. If None, inferred from `y`.
    random_state : int, RandomState or None, default=None
        Choice of the landmarks.

    Attributes
    ----------
    components_ : ndarray of shape (n_kernel_samples, n_components_) or (n_features, n_components_)
        Coefficients of the kernel values with ``kernel_samples_``, or of the features.
    kernel_samples_ : ndarray of shape (n_kernel_samples, n_features) or None
        The training samples, or the landmarks; None for the linear kernel.
    eigenvalues_ : ndarray of shape (n_components_,)
        Ratio of the maximised to the minimised term, descending.
    gamma_ : float or None
        Kernel coefficient in use.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Labels are classes or values. Labelled target samples count like source samples. Helps if the directions of large
    variance are not informative about the label, and if neighbours of different domains have the same label. Hurts if
    the class proportions differ. Standardise each domain first (:class:`~landbridge.feature.DomainScaler`).

    Time O(n p² + p³) for p features (the input features or the landmarks; all samples if exact) plus up to O(n² d) for
    the neighbours; memory O(n k + p²) beside the data.

    References
    ----------
    .. [1] S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang. Domain adaptation via transfer component analysis. IEEE
       Transactions on Neural Networks 22, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import SSTCA
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> Xs = rng.normal(size=(100, 3)) * [1.0, 1.0, 5.0] + 3.0 * np.outer(y, [1.0, 0.0, 0.0])
    >>> Z = SSTCA(n_components=1, label_weight=1.0).fit_transform(Xs, y, X_target=Xs + [0.0, 4.0, 0.0])
    >>> bool(abs(np.corrcoef(Z[:, 0], y)[0, 1]) > 0.6)
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        shifts=frozenset({"covariate", "subspace"}),
        growth="time O(n p² + p³) and the neighbours' O(n² d), memory O(p²); p features or landmarks",
        reference="Pan et al.: Domain adaptation via transfer component analysis. IEEE TNN 22, 2011",
    )
    _parameter_constraints = {
        **KERNEL_CONSTRAINTS,
        "label_weight": [Interval(Real, 0, 1, closed="both")],
        "locality": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "task": TASK_CONSTRAINT,
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
        alpha: float = 1.0,
        label_weight: float = 0.5,
        locality: float = 1.0,
        n_neighbors: int = 10,
        kernel: str = "linear",
        gamma: float | None = None,
        form: str = "dual",
        n_landmarks: Any = "auto",
        task: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.label_weight = label_weight
        self.locality = locality
        self.n_neighbors = n_neighbors
        self.kernel = kernel
        self.gamma = gamma
        self.form = form
        self.n_landmarks = n_landmarks
        self.task = task
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rows = self._stack(Xs, Xt, check_random_state(self.random_state), explicit=True)
        laplacian = neighbour_laplacian(np.vstack([Xs, Xt]), self.n_neighbors, affinity="rbf")
        self.eigenvalues_, directions = supervised_components(
            rows,
            _label_columns(self, ys, yt, len(Xt)),
            laplacian,
            self.n_components,
            alpha=self.alpha,
            label_weight=self.label_weight,
            locality=self.locality,
        )
        self._keep(rows, directions)

    def __sklearn_tags__(self) -> Any:
        return labelled_tags(super().__sklearn_tags__())


def _label_columns(method: Any, ys: Any, yt: Any, n_target: int) -> NDArray[np.float64]:
    """Return one column per class, or the standardised values; zeros for unlabelled samples."""
    if ys is None or method._task(ys) == "classification":
        classes, source, target = label_codes(method, ys, yt, n_target)
        return (np.concatenate([source, target])[:, None] == np.arange(len(classes))).astype(float)
    values = np.asarray(ys, dtype=float)
    spread = float(values.std()) or 1.0
    out = np.zeros((len(values) + n_target, 1))
    out[: len(values), 0] = (values - values.mean()) / spread
    if yt is not None:
        known = ~missing_labels(yt)
        out[len(values) :][known, 0] = (yt[known].astype(float) - values.mean()) / spread
    return out
