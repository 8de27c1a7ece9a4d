"""SSTCA: transfer components that also depend on the labels and keep neighbours together."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import Interval
from landbridge.base import TransferTags
from landbridge.domain import missing_labels
from landbridge.feature._kernel_feature import KERNEL_CONSTRAINTS, KernelFeature, label_codes, labelled_tags
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
    reg: float = 1.0,
    label_weight: float = 0.5,
    locality: float = 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the semi-supervised transfer components, section IV of [1]_.

    They are the leading eigenvectors of

    .. math:: \bigl(K (L + \lambda \mathcal{L}) K + r I\bigr)^{-1} K H \tilde K_{yy} H K, \qquad
              \tilde K_{yy} = \gamma\, Y Y^\top + (1 - \gamma) I

    with `L` of the mean difference, :math:`\mathcal{L}` of the neighbourhood graph and `Y` of the labels.

    Parameters
    ----------
    rows : FeatureRows
        Stacked rows with explicit features.
    Y : ndarray of shape (rows.n_samples, r)
        Labels: one column a class, or the values; zeros for rows without label.
    laplacian : sparse matrix of shape (rows.n_samples, rows.n_samples)
    n_components : int
    reg : float, default=1.0
        `L` and :math:`\mathcal{L}` both have Frobenius norm one.
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
    B = 0.5 * (B + B.T) + reg * np.eye(len(B))
    k = min(n_components, len(B))
    values, A = linalg.eigh(0.5 * (S + S.T), B, subset_by_index=[len(B) - k, len(B) - 1])
    values, A = np.maximum(values[::-1], 0.0), A[:, ::-1]
    live = values > len(B) * np.finfo(float).eps * max(float(values[0]), np.finfo(float).tiny)
    live[0] = True
    A = A[:, live] / np.linalg.norm(A[:, live], axis=0)
    return values[live], rows.signed(turn @ A)


class SSTCA(KernelFeature):
    """Transfer components that depend on the labels and keep neighbours together (semi-supervised TCA).

    Beside a small mean difference and much variance, as in TCA, the components shall depend on the labels (by the
    Hilbert-Schmidt independence criterion) and vary little between neighbouring rows.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer where the rows span fewer.
    reg : float, default=1.0
        Weight of the penalty on the coefficients; the matrices of the mean difference and of the graph have Frobenius
        norm one.
    label_weight : float, default=0.5
        Between 0 (variance only) and 1 (dependence on the labels only).
    locality : float, default=1.0
        Weight of the neighbourhood graph.
    n_neighbors : int, default=10
        Neighbours of a row in the graph.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel.
    gamma : float, optional
        Of "rbf", ``exp(-gamma ||x - y||²)``; left out, the median heuristic.
    form : {"dual", "primal"}, default="dual"
        What is penalised: the coefficients of the rows, or those of the columns or features.
    n_landmarks : int, "auto" or None, default="auto"
        For "rbf": Nystroem features from so many rows. None is exact; "auto" is exact up to 2,000 rows in all and
        takes 500 landmarks beyond. The linear kernel is always exact.
    random_state : int, RandomState or None, default=None
        Choice of landmarks.

    Attributes
    ----------
    components_ : ndarray of shape (n_kernel_rows, n_components_) or (n_features, n_components_)
        Coefficients of the kernel values with ``kernel_rows_``, or of the columns.
    kernel_rows_ : ndarray of shape (n_kernel_rows, n_features) or None
        The training rows, or the landmarks; None for the linear kernel.
    eigenvalues_ : ndarray of shape (n_components_,)
        Ratio of what is sought to what is penalised, descending.
    gamma_ : float or None
        Width of the kernel in use.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Labels may be classes or values. Labelled target rows count like source rows. Helps when the variance of the rows
    says little about the label, and when neighbours across the domains share theirs. Hurts when class proportions
    differ. Scale each domain's columns before (:class:`~landbridge.feature.DomainScaler`).

    Time O(n p² + p³) for p features (the columns or the landmarks, all rows where exact) beside the search for
    neighbours, which is up to O(n² d); memory O(n k + p²) beside the rows.

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
        growth="time O(n p² + p³) and the neighbours' O(n² d), memory O(p²); p columns or landmarks",
        reference="Pan et al.: Domain adaptation via transfer component analysis. IEEE TNN 22, 2011",
    )
    _parameter_constraints = {
        **KERNEL_CONSTRAINTS,
        "label_weight": [Interval(Real, 0, 1, closed="both")],
        "locality": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
        reg: float = 1.0,
        label_weight: float = 0.5,
        locality: float = 1.0,
        n_neighbors: int = 10,
        kernel: str = "linear",
        gamma: float | None = None,
        form: str = "dual",
        n_landmarks: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.reg = reg
        self.label_weight = label_weight
        self.locality = locality
        self.n_neighbors = n_neighbors
        self.kernel = kernel
        self.gamma = gamma
        self.form = form
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rows = self._stack(Xs, Xt, check_random_state(self.random_state), explicit=True)
        laplacian = neighbour_laplacian(np.vstack([Xs, Xt]), self.n_neighbors, affinity="rbf")
        self.eigenvalues_, directions = supervised_components(
            rows,
            _label_columns(self, ys, yt, len(Xt)),
            laplacian,
            self.n_components,
            reg=self.reg,
            label_weight=self.label_weight,
            locality=self.locality,
        )
        self._keep(rows, directions)

    def __sklearn_tags__(self) -> Any:
        return labelled_tags(super().__sklearn_tags__())


def _label_columns(method: Any, ys: Any, yt: Any, n_target: int) -> NDArray[np.float64]:
    """One column a class, or the standardised values; zeros where there is no label."""
    if ys is None or ys.dtype.kind in "OSUb" or (np.all(ys == np.floor(ys)) and len(np.unique(ys)) <= 50):
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
