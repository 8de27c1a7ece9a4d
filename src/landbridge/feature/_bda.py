"""BDA: joint distribution adaptation with a balance between the marginal and the class terms."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.feature._kernel_feature import (
    KERNEL_CONSTRAINTS,
    KernelFeature,
    label_codes,
    labelled_tags,
    pseudo_codes,
)
from landbridge.numerics.balance import balance_factor
from landbridge.numerics.mmd import class_counts, class_mmd_factor, mmd_factor, unit_factor

__all__ = ["BDA", "balanced_mmd_factor"]


def balanced_mmd_factor(
    source_codes: NDArray[np.intp],
    target_codes: NDArray[np.intp],
    n_classes: int,
    balance: float = 0.5,
    weight_classes: bool = False,
) -> NDArray[np.float64]:
    r"""Return the factor of the balanced discrepancy matrix, equations (6) to (11) of [1]_.

    .. math:: (1 - \mu)\, C M_0 + \mu \sum_c M_c = E E^\top, \qquad \lVert E E^\top \rVert_F = 1

    With weighted classes the means in :math:`M_c` are multiplied by :math:`\sqrt{P_S(c)}` and :math:`\sqrt{P_T(c)}`.

    Parameters
    ----------
    source_codes : ndarray of int, shape (n_source,)
        Class of each source sample, 0 ... n_classes - 1.
    target_codes : ndarray of int, shape (n_target,)
        Known or presumed class of each target sample; -1 where there is none.
    n_classes : int
    balance : float, default=0.5
        :math:`\mu`: 0 matches the domains as a whole only (TCA), 1 the classes only, one half is JDA. If no class is
        known yet, only the marginal term counts.
    weight_classes : bool, default=False
        Weight the classes by their proportions (W-BDA).

    Returns
    -------
    ndarray of shape (n_source + n_target, n_classes + 1)

    References
    ----------
    .. [1] J. Wang, Y. Chen, S. Hao, W. Feng, Z. Shen. Balanced distribution adaptation for transfer learning.
       ICDM 2017.
    """
    n_source, n_target = len(source_codes), len(target_codes)
    classes = class_mmd_factor(source_codes, target_codes, n_classes)
    if not classes.any():
        balance = 0.0
    if weight_classes:
        for part, codes in ((slice(0, n_source), source_codes), (slice(n_source, None), target_codes)):
            share = class_counts(codes, n_classes)
            classes[part] *= np.sqrt(share / max(share.sum(), 1))
    whole = mmd_factor(n_source, n_target) * np.sqrt(n_classes * (1.0 - balance))
    return unit_factor(np.hstack([whole, classes * np.sqrt(balance)]))


class BDA(KernelFeature):
    """Balanced distribution adaptation (BDA): align the domain means and the class means with a balance between them.

    `n_components=20` and the linear kernel are the defaults; `skada` has no BDA.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer if the samples span fewer.
    balance : float or "auto", default="auto"
        Weight of the class terms: 0 is TCA, 0.5 is JDA, 1 matches the classes only. "auto" estimates it in each
        iteration from the error of linear classifiers between the domains and between the domains of each class.
    weight_classes : bool, default=False
        Weight each class by its proportion in either domain (W-BDA), for imbalanced classes.
    alpha : float, default=1.0
        Weight of the L2 penalty on the coefficients. The matrix of mean differences has Frobenius norm one.
        For the linear kernel it depends on the scale of the data: scale the samples to unit length, or adapt it.
    max_iter : int, default=10
        Maximum number of iterations; stops earlier once the pseudo-labels no longer change.
    estimator : classifier, default=None
        Gives the pseudo-labels. If None, 1-nearest-neighbour on samples of unit length.
    kernel : {"linear", "rbf"}, default="linear"
        Kernel.
    gamma : float, default=None
        Coefficient of "rbf", ``exp(-gamma ||x - y||²)``. If None, the median heuristic.
    form : {"dual", "primal"}, default="dual"
        What is penalised: the coefficients of the samples, or those of the features.
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
    balance_ : float
        Balance of the last iteration.
    pseudo_labels_ : ndarray of shape (n_target,)
        Labels of the target samples, given or predicted in the last iteration.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.
    n_iter_ : int
        Number of iterations.
    gamma_ : float or None
        Kernel coefficient in use.
    n_components_ : int
        Dimension of the common space.

    Notes
    -----
    Helps where JDA does, above all if the domains differ mostly within classes, or mostly as a whole. Hurts if the
    first pseudo-labels are poor. Standardise each domain first (:class:`~landbridge.feature.DomainScaler`).

    Time and memory per iteration are those of :class:`~landbridge.feature.JDA`, plus O(n d min(n, d)) for the balance.

    References
    ----------
    .. [1] J. Wang, Y. Chen, S. Hao, W. Feng, Z. Shen. Balanced distribution adaptation for transfer learning.
       ICDM 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import BDA
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> Xs = rng.normal(size=(100, 3)) + 4.0 * y[:, None]
    >>> mapper = BDA(n_components=2).fit(Xs, y, X_target=Xs[:, [1, 0, 2]] + [3.0, 0.0, 0.0])
    >>> 0.0 <= mapper.balance_ <= 1.0
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "concept", "subspace"}),
        growth="per iteration: linear O(n d² + d³); rbf time O(n² d), memory O(n²), m landmarks O(n m²) and O(m²)",
        reference="Wang et al.: Balanced distribution adaptation for transfer learning. ICDM 2017",
    )
    _parameter_constraints = {
        **KERNEL_CONSTRAINTS,
        "balance": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "weight_classes": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "estimator": [HasMethods(["fit", "predict"]), None],
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
        balance: Any = "auto",
        weight_classes: bool = False,
        alpha: float = 1.0,
        max_iter: int = 10,
        estimator: Any = None,
        kernel: str = "linear",
        gamma: float | None = None,
        form: str = "dual",
        n_landmarks: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.balance = balance
        self.weight_classes = weight_classes
        self.alpha = alpha
        self.max_iter = max_iter
        self.estimator = estimator
        self.kernel = kernel
        self.gamma = gamma
        self.form = form
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        rng = check_random_state(self.random_state)
        self.classes_, source, known = label_codes(self, ys, yt, len(Xt))
        n_classes = len(self.classes_)
        rows, target = self._stack(Xs, Xt, rng), known
        directions: Any = None
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            self.n_iter_ += 1
            automatic = self.balance == "auto"
            self.balance_ = balance_factor(Xs, Xt, source, target, n_classes) if automatic else float(self.balance)
            E = balanced_mmd_factor(source, target, n_classes, self.balance_, self.weight_classes)
            self.eigenvalues_, directions = rows.components(
                E, self.n_components, reg=self.alpha, start=directions, random_state=rng
            )
            previous, target = target, pseudo_codes(self.estimator, rows.embed(directions), source, known)
            if np.array_equal(previous, target):
                break
        self.pseudo_labels_ = self.classes_[target]
        self._keep(rows, directions)

    def __sklearn_tags__(self) -> Any:
        return labelled_tags(super().__sklearn_tags__())
