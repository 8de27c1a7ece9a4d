"""Joint distribution adaptation (JDA): align the domain means and the class means with pseudo-labels."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import TransferTags
from landbridge.feature._kernel_feature import (
    KERNEL_CONSTRAINTS,
    KernelFeature,
    label_codes,
    labelled_tags,
    pseudo_codes,
)
from landbridge.numerics.mmd import class_mmd_factor, mmd_factor, unit_factor

__all__ = ["JDA", "joint_mmd_factor"]


def joint_mmd_factor(
    source_codes: NDArray[np.intp], target_codes: NDArray[np.intp], n_classes: int
) -> NDArray[np.float64]:
    r"""Return the factor of the joint discrepancy matrix, equations (6) to (8) of [1]_.

    .. math:: \sum_{c=0}^{C} M_c = E E^\top, \qquad \lVert E E^\top \rVert_F = 1

    with :math:`M_0` for the domains as a whole, counted C times, so that it has the weight of all classes together (as
    in the code of the authors), and :math:`M_c` for class c.

    Parameters
    ----------
    source_codes : ndarray of int, shape (n_source,)
        Class of each source sample, 0 ... n_classes - 1.
    target_codes : ndarray of int, shape (n_target,)
        Known or presumed class of each target sample; -1 where there is none.
    n_classes : int

    Returns
    -------
    ndarray of shape (n_source + n_target, n_classes + 1)

    References
    ----------
    .. [1] M. Long, J. Wang, G. Ding, J. Sun, P. S. Yu. Transfer feature learning with joint distribution adaptation.
       ICCV 2013.
    """
    whole = mmd_factor(len(source_codes), len(target_codes)) * np.sqrt(n_classes)
    return unit_factor(np.hstack([whole, class_mmd_factor(source_codes, target_codes, n_classes)]))


class JDA(KernelFeature):
    """Joint distribution adaptation (JDA): align the domain means and the class means with pseudo-labels.

    Each iteration finds components in which the domain means and the class means agree, predicts the target labels
    there, and uses them for the class means of the next iteration. `skada` has no JDA.

    Parameters
    ----------
    n_components : int, default=20
        Dimension of the common space; fewer if the samples span fewer.
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
    Helps if the classes keep their relative positions. Hurts if the first pseudo-labels are poor, because later
    iterations confirm them, and if a class is absent from the target. Standardise each domain first
    (:class:`~landbridge.feature.DomainScaler`); the published tables also scale every sample to unit length.

    The matrix of mean differences has rank C + 1 and is never formed. Time and memory per iteration
    are those of :class:`~landbridge.feature.TCA`, with a warm start, plus those of the classifier.

    References
    ----------
    .. [1] M. Long, J. Wang, G. Ding, J. Sun, P. S. Yu. Transfer feature learning with joint distribution adaptation.
       ICCV 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import JDA
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> Xs = rng.normal(size=(100, 3)) + 4.0 * y[:, None]
    >>> Xt = Xs[:, [1, 0, 2]] + [3.0, 0.0, 0.0]
    >>> mapper = JDA(n_components=2).fit(Xs, y, X_target=Xt)
    >>> mapper.pseudo_labels_.shape, mapper.transform(Xt).shape
    ((100,), (100, 2))
    """

    transfer_tags = TransferTags(
        family="feature",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "concept", "subspace"}),
        growth="per iteration: linear O(n d² + d³); rbf time O(n² d), memory O(n²), m landmarks O(n m²) and O(m²)",
        reference="Long et al.: Transfer feature learning with joint distribution adaptation. ICCV 2013",
    )
    _parameter_constraints = {
        **KERNEL_CONSTRAINTS,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "estimator": [HasMethods(["fit", "predict"]), None],
    }

    def __init__(
        self,
        n_components: int = 20,
        *,
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
        self.alpha = alpha
        self.max_iter = max_iter
        self.estimator = estimator
        self.kernel = kernel
        self.gamma = gamma
        self.form = form
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _fit(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> None:
        self.classes_, source, known = label_codes(self, ys, yt, len(Xt))
        rng = check_random_state(self.random_state)
        rows, target = self._stack(Xs, Xt, rng), known
        directions: Any = None
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            self.n_iter_ += 1
            E = joint_mmd_factor(source, target, len(self.classes_))
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
