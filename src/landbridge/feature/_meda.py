"""Manifold embedded distribution alignment (MEDA)."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import normalize

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.base import TransferEstimator, TransferTags
from landbridge.exceptions import LabelError
from landbridge.feature._bda import balanced_mmd_factor
from landbridge.feature._kernel_feature import label_codes
from landbridge.numerics.balance import balance_factor
from landbridge.numerics.geodesic import complete_basis, geodesic_factor, principal_basis
from landbridge.numerics.graph import neighbour_laplacian
from landbridge.numerics.stacked import FeatureRows, KernelRows, project, stack_rows

__all__ = ["MEDA", "adaptation_solver"]

Solver = Callable[[NDArray[np.float64], float], NDArray[np.float64]]


def adaptation_solver(
    rows: FeatureRows | KernelRows, Y: NDArray[np.float64], laplacian: Any, alpha: float, locality: float
) -> Solver:
    r"""Factorise the regularised least squares problem of equation (11) in [1]_ for many discrepancy matrices.

    .. math:: \beta = \bigl((A + \lambda M + \rho L) K + \eta I\bigr)^{-1} A Y

    with `A` diagonal, 1 for labelled samples. As :math:`M = E E^\top` has low rank, one factorisation without it serves
    every `E` and :math:`\lambda` by the Woodbury identity. With explicit features the problem is the same in their
    weights, :math:`w = (\Phi^\top (A + \lambda M + \rho L) \Phi + \eta I)^{-1} \Phi^\top A Y`.

    Parameters
    ----------
    rows : FeatureRows or KernelRows
        Stacked samples; features in the primal form.
    Y : ndarray of shape (rows.n_samples, n_classes)
        One column per class, zeros for unlabelled samples.
    laplacian : sparse matrix of shape (rows.n_samples, rows.n_samples)
    alpha : float
        :math:`\eta`.
    locality : float
        :math:`\rho`.

    Returns
    -------
    callable
        Maps `E` of shape (rows.n_samples, r) and :math:`\lambda` to the weights of shape (rows.n_features, n_classes).

    References
    ----------
    .. [1] J. Wang, W. Feng, Y. Chen, H. Yu, M. Huang, P. S. Yu. Visual domain adaptation with manifold embedded
       distribution alignment. ACM Multimedia 2018.
    """
    labelled = Y.any(axis=1).astype(float)
    if isinstance(rows, KernelRows):
        K = rows.K.to_array()
        system = labelled[:, None] * K + locality * (laplacian @ K)
        system[np.diag_indices_from(system)] += alpha
        factor = linalg.lu_factor(system, overwrite_a=True)

        def solve(B: NDArray[np.float64]) -> NDArray[np.float64]:
            return linalg.lu_solve(factor, B)

        def sides(E: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            return E, K @ E

        free = solve(Y)
    else:
        system = rows.gram(labelled) + locality * rows.quadratic(laplacian)
        system[np.diag_indices_from(system)] += alpha
        root = linalg.cho_factor(system)

        def solve(B: NDArray[np.float64]) -> NDArray[np.float64]:
            return linalg.cho_solve(root, B)

        def sides(E: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            U = rows.cross(E)
            return U, U

        free = solve(rows.cross(Y))

    def weights(E: NDArray[np.float64], adaptation: float) -> NDArray[np.float64]:
        left, right = sides(np.sqrt(adaptation) * E)
        G = solve(left)
        return free - G @ linalg.solve(np.eye(E.shape[1]) + right.T @ G, right.T @ free)

    return weights


class MEDA(ClassifierMixin, TransferEstimator):
    """Manifold embedded distribution alignment (MEDA) classifier.

    Samples are mapped by the geodesic flow kernel of the two domains. A kernel classifier is fitted there with two
    penalties: the discrepancy of the domain means and of the class means, and the variation between neighbours. Its
    predictions are the pseudo-labels of the next iteration. `skada` has no MEDA.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the subspaces of the geodesic flow kernel.
    adaptation : float, default=10.0
        Weight of the discrepancy of the means, whose matrix has Frobenius norm one.
    locality : float, default=1.0
        Weight of the neighbourhood graph.
    alpha : float, default=0.1
        Weight of the L2 penalty on the classifier.
    n_neighbors : int, default=10
        Number of neighbours of a sample in the graph.
    balance : float or "auto", default="auto"
        Weight of the class means against the domain means, between 0 and 1; "auto" estimates it in each iteration.
    max_iter : int, default=10
        Maximum number of iterations; stops earlier once the pseudo-labels no longer change.
    gamma : float, default=0.5
        Coefficient of the Gaussian kernel on the manifold features, scaled to unit length.
    n_landmarks : int, "auto" or None, default="auto"
        Number of samples of the Nystroem approximation. If None, the kernel is exact; "auto" is exact up to 2,500
        samples in all and takes 500 landmarks beyond.
    random_state : int, RandomState or None, default=None
        Choice of the landmarks.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    pseudo_labels_ : ndarray of shape (n_target,)
        Labels of the target samples, given or predicted in the last iteration.
    balance_ : float
        Balance of the last iteration.
    manifold_ : ndarray of shape (n_features, n_features)
        Root of the geodesic flow kernel.
    kernel_samples_ : ndarray of shape (n_kernel_samples, n_features)
        Samples that the kernel is evaluated with.
    coefficients_ : ndarray of shape (n_kernel_samples, n_classes)
        Coefficients of the kernel values.
    n_iter_ : int
        Number of iterations.

    Notes
    -----
    Helps if both domains lie near subspaces and classes form clusters. Hurts if the class proportions differ, and if
    the first pseudo-labels (1-nearest-neighbour on the manifold features) are poor. Standardise each domain first
    (:class:`~landbridge.feature.DomainScaler`).

    Exact: time O(n³) once and O(n² C) per iteration for n samples in all, memory O(n²). With m landmarks: time
    O(n m² + m³) once and O(n m C) per iteration, memory O(n m). The neighbours take up to O(n² k).

    References
    ----------
    .. [1] J. Wang, W. Feng, Y. Chen, H. Yu, M. Huang, P. S. Yu. Visual domain adaptation with manifold embedded
       distribution alignment. ACM Multimedia 2018.

    Examples
    --------
    >>> from landbridge import make_pipeline
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import MEDA, DomainScaler
    >>> source, target = make_shift("translation", random_state=0)
    >>> model = make_pipeline(DomainScaler(), MEDA()).fit(source.X, source.y, X_target=target.X)
    >>> bool(model.score(target.X, target.y) > 0.8)
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "concept", "subspace"}),
        growth="exact time O(n³), memory O(n²); with m landmarks time O(n m² + m³), memory O(n m)",
        reference="Wang et al.: Visual domain adaptation with manifold embedded distribution alignment. ACM MM 2018",
    )
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "adaptation": [Interval(Real, 0, None, closed="left")],
        "locality": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "balance": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="neither")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
        adaptation: float = 10.0,
        locality: float = 1.0,
        alpha: float = 0.1,
        n_neighbors: int = 10,
        balance: Any = "auto",
        max_iter: int = 10,
        gamma: float = 0.5,
        n_landmarks: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.adaptation = adaptation
        self.locality = locality
        self.alpha = alpha
        self.n_neighbors = n_neighbors
        self.balance = balance
        self.max_iter = max_iter
        self.gamma = gamma
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Compute the geodesic flow kernel and fit the classifier iteratively.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples; ``None``, NaN or -1 where there is none.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        self.classes_, source, _ = label_codes(self, read.ys, None, 0)
        if len(self.classes_) < 2:
            raise LabelError(f"y holds one class only, {self.classes_[0]!r}; give samples of at least two classes.")
        known = np.full(len(read.Xt), -1, dtype=np.intp)
        known[read.rows] = np.searchsorted(self.classes_, read.yt) if len(read.rows) else known[read.rows]
        self.manifold_ = _manifold(read.Xs, read.Xt, self.n_components)
        Zs, Zt = normalize(read.Xs @ self.manifold_), normalize(read.Xt @ self.manifold_)
        rng = check_random_state(self.random_state)
        n, n_classes = len(Zs) + len(Zt), len(self.classes_)
        landmarks = (None if n <= EXACT_ROWS else 500) if self.n_landmarks == "auto" else self.n_landmarks
        rows = stack_rows(
            Zs,
            Zt,
            kernel="rbf",
            gamma=self.gamma,
            form="dual" if landmarks is None else "primal",
            n_landmarks=landmarks,
            random_state=rng,
        )
        Y = (np.concatenate([source, known])[:, None] == np.arange(n_classes)).astype(float)
        laplacian = neighbour_laplacian(np.vstack([Zs, Zt]), self.n_neighbors)
        solve = adaptation_solver(rows, Y, laplacian, self.alpha, self.locality)
        target = KNeighborsClassifier(n_neighbors=1).fit(Zs, source).predict(Zt)
        target = np.where(known >= 0, known, target)
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            self.n_iter_ += 1
            automatic = self.balance == "auto"
            self.balance_ = balance_factor(Zs, Zt, source, target, n_classes) if automatic else float(self.balance)
            weights = solve(balanced_mmd_factor(source, target, n_classes, self.balance_), float(self.adaptation))
            previous, target = target, rows.embed(weights)[len(Zs) :].argmax(axis=1)
            target = np.where(known >= 0, known, target)
            if np.array_equal(previous, target):
                break
        self.pseudo_labels_ = self.classes_[target]
        kept, self.coefficients_ = rows.coefficients(weights)
        self.kernel_samples_ = kept
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the decision function, one column per class; the difference of both for two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        Z = normalize(self._read_rows(X) @ self.manifold_)
        scores = project(Z, self.kernel_samples_, self.coefficients_, kernel="rbf", gamma=float(self.gamma))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]


# Number of samples up to which one factorisation of the whole system takes seconds.
EXACT_ROWS = 2_500


def _manifold(Xs: NDArray[np.float64], Xt: NDArray[np.float64], n_components: int) -> NDArray[np.float64]:
    Ps = principal_basis(Xs, n_components)
    if Ps.shape[1] == 0:  # a source without variance: any axis will do
        Ps = np.eye(Xs.shape[1], 1)
    return geodesic_factor(Ps, complete_basis(principal_basis(Xt, Ps.shape[1]), Ps))
