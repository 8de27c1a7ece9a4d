"""Target shift: reweight source samples by class, with class shares that match the mean embedding of the target."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.nystroem import NystroemMap, landmark_rows
from landbridge.numerics.target_shift import simplex_least_squares

__all__ = ["TargetShift", "target_shares"]


def target_shares(
    features: NDArray[np.float64], codes: NDArray[np.intp], target_features: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Estimate class shares of the target by matching the mean embedding through the classes, equation (9) of [1]_.

    .. math:: \min_{\pi} \Bigl\lVert \sum_c \pi_c \hat\mu_{X \mid c} - \hat\mu_{X}^{T} \Bigr\rVert^2,
              \qquad \pi \ge 0, \quad \sum_c \pi_c = 1

    Parameters
    ----------
    features : ndarray of shape (n_source, n_components)
        Source samples in a space whose inner product is the kernel.
    codes : ndarray of int, shape (n_source,)
        Their classes, numbered from 0.
    target_features : ndarray of shape (n_target, n_components)
        Target samples in the same space.

    Returns
    -------
    ndarray of shape (n_classes,)
        Shares that sum to one.

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import target_shares
    >>> target_shares(np.eye(2), np.array([0, 1]), np.eye(2)[[0, 1, 1, 1]]).round(3).tolist()
    [0.25, 0.75]
    """
    means = np.stack([features[codes == c].mean(axis=0) for c in range(codes.max() + 1)], axis=1)
    return simplex_least_squares(means, target_features.mean(axis=0))


class TargetShift(InstanceTransfer):
    """TarS: reweight source samples by class, with target class shares from kernel mean matching (label shift).

    The kernel mean of the target is matched by a mixture of the kernel means of the source's classes. No classifier is
    trained for it, so that nothing has to be calibrated.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    gamma : float, default=None
        Coefficient of the Gaussian kernel. If None, the median heuristic over both domains.
    n_landmarks : int, default=200
        Number of samples, of both domains, that the low-rank kernel approximation uses.
    random_state : int, RandomState instance or None, default=None
        Draws the landmarks.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : classifier
        Fitted base learner.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_priors_ : ndarray of shape (n_classes,)
        Class shares of the source.
    target_priors_ : ndarray of shape (n_classes,)
        Estimated class shares of the target.
    gamma_ : float
        Coefficient of the kernel.

    Notes
    -----
    For label shift: the distribution of each class is the same in both domains, only the class shares differ. Wrong if
    the distribution of a class differs; :class:`~landbridge.feature.LSGeTarS` allows for another scale and offset of
    each feature. The paper weights by a smooth function of y, which for classes is one weight per class; only
    classification is provided here.

    Time O((n_s + n_t) n_landmarks (d + n_landmarks)), memory O((n_s + n_t) n_landmarks).

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.instance import TargetShift
    >>> source, target = make_shift("label", random_state=0)
    >>> model = TargetShift(random_state=0).fit(source.X, source.y, X_target=target.X)
    >>> bool(abs(model.target_priors_[0] - 0.2) < 0.05)
    True
    """

    transfer_tags = TransferTags(
        family="instance",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"label"}),
        growth="time O((n_s + n_t) m (d + m)), memory O((n_s + n_t) m), m = n_landmarks",
        reference="Zhang, Schölkopf, Muandet, Wang: Domain adaptation under target and conditional shift. ICML 2013",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self, estimator: Any = None, *, gamma: float | None = None, n_landmarks: int = 200, random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        rng = check_random_state(self.random_state)
        _, codes = np.unique(ys, return_inverse=True)
        self.source_priors_ = np.bincount(codes) / len(codes)
        self.gamma_ = median_gamma(Xs, Xt, random_state=rng) if self.gamma is None else float(self.gamma)
        both = np.concatenate([Xs, Xt])
        landmarks = both[landmark_rows(both, self.n_landmarks, gamma=self.gamma_, random_state=rng)]
        embed = NystroemMap(landmarks, gamma=self.gamma_, tol=1e-8)
        self.target_priors_ = target_shares(embed(Xs), codes, embed(Xt))
        return (self.target_priors_ / self.source_priors_)[codes]
