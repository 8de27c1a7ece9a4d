"""Location-scale generalised target shift: other class shares, and another scale and offset of each feature."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.feature._location_scale import ClassMaps, LocationScaleTransfer, class_location_scale
from landbridge.numerics.target_shift import ClassShareModel, weighted_moments

__all__ = ["LSGeTarS", "location_scale_shares"]

# A class is rare if its share is below this over the number of classes.
RARE = 0.4


def location_scale_shares(
    Xs: NDArray[np.float64], codes: NDArray[np.intp], Xt: NDArray[np.float64], *, random_state: Any = None
) -> NDArray[np.float64]:
    r"""Estimate class shares of a target whose features have other scales and offsets.

    .. math:: \min_\pi \Bigl\lVert \sum_c \pi_c \, \hat\mu\Bigl\{\frac{x - m(\pi)}{s(\pi)} : y = c\Bigr\}
              - \hat\mu\Bigl\{\frac{x - m_T}{s_T}\Bigr\} \Bigr\rVert^2

    where :math:`m(\pi), s(\pi)` are the moments of the source weighted to the shares, so that for each vector of shares
    the map is the one that matches mean and variance of every feature.

    Parameters
    ----------
    Xs : ndarray of shape (n_source, n_features)
        Source samples.
    codes : ndarray of int, shape (n_source,)
        Their classes, numbered from 0.
    Xt : ndarray of shape (n_target, n_features)
        Target samples.
    random_state : int, RandomState or None, default=None
        Draws the frequencies of the Fourier features.

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
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import location_scale_shares
    >>> source, target = make_shift("label+concept", random_state=0)
    >>> location_scale_shares(source.X, source.y, target.X, random_state=0).round(1).tolist()
    [0.2, 0.8]
    """
    return ClassShareModel(Xs, codes, Xt, random_state=random_state).best().shares


class LSGeTarS(LocationScaleTransfer):
    """LS-GeTarS: other class shares, and another scale and offset of each feature, estimated together.

    For each vector of class shares the source is weighted to it, and mean and variance of every feature are matched;
    the shares of least distance win. The target is then mapped to the scale of the source, and the estimator is fitted
    on the weighted source. By default the map of a feature is the same for all classes.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner, fitted on the weighted source samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    shared_map : bool, default=True
        If True, all classes have the same scale and offset per feature, as after a change of units or instruments. If
        False, each class may depart from it, as in the paper; this can explain nearly any target, and is rarely right
        without further knowledge.
    reweight : {"auto", "always", "never"}, default="auto"
        Whether the estimator is fitted on a source that is weighted to the estimated shares, which gives the highest
        accuracy, or on the source as it is, which gives a higher balanced accuracy where a class is rare. ``"auto"``
        weights unless a class has an estimated share below 0.4 / n_classes (20 % of two classes).
    alpha : float, default=0.01
        Weight of the L2 penalty on the departure of a class from the shared map; not used if `shared_map` is True.
    max_iter : int, default=100
        Largest number of iterations of the maps per class; not used if `shared_map` is True.
    max_samples : int or None, default=1000
        The shares are estimated from at most this number of samples per domain, drawn at random. If None, all samples.
    random_state : int, RandomState instance or None, default=None
        Draws the samples and the frequencies of the Fourier features.

    Attributes
    ----------
    estimator_ : classifier
        Fitted base learner.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_priors_, target_priors_ : ndarray of shape (n_classes,)
        Class shares of the source, and those estimated for the target.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples in the fit of the estimator, scaled to mean one.
    source_center_, source_scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of each feature in the weighted source.
    target_center_, target_scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of each feature in the target.
    n_iter_ : int
        Number of iterations of the maps per class; 1 if `shared_map` is True.

    Notes
    -----
    Helps where features were measured in other units or with other offsets *and* the class shares differ, where scaling
    each domain by itself would mix the classes. Wrong where classes are nearly mirror images of one another: two
    vectors of shares then fit equally well, and the wrong one swaps the classes. Ask
    :func:`~landbridge.discrepancy.share_profile` first whether the shares are identified. Also wrong under covariate
    or subspace shift, and for features that a scale and an offset do not change, such as indicators and counts.

    Time O(m (d + k) k) for each of about 30 vectors of shares, m = min(n, max_samples) samples and k = 280 Fourier
    features, and the fit of the estimator; memory O(m k).

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import LSGeTarS
    >>> source, target = make_shift("label+concept", random_state=0)
    >>> model = LSGeTarS(random_state=0).fit(source.X, source.y, X_target=target.X)
    >>> model.score(target.X, target.y) > 0.95
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept"}),
        growth="time O(m (d + k) k) with k = 280, memory O(m k), m = min(n, max_samples), and a fit of the estimator",
        reference="Zhang, Schölkopf, Muandet, Wang: Domain adaptation under target and conditional shift. ICML 2013",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "shared_map": ["boolean"],
        "reweight": [StrOptions({"auto", "always", "never"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        shared_map: bool = True,
        reweight: str = "auto",
        alpha: float = 0.01,
        max_iter: int = 100,
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.shared_map = shared_map
        self.reweight = reweight
        self.alpha = alpha
        self.max_iter = max_iter
        self.max_samples = max_samples
        self.random_state = random_state

    def _reweights(self, shares: NDArray[np.float64]) -> bool:
        if self.reweight == "auto":
            return bool(shares.min() >= RARE / len(shares))
        return self.reweight == "always"

    def _solve(self, Xs: Any, codes: Any, Xt: Any, rng: Any) -> ClassMaps:
        shares = location_scale_shares(Xs, codes, Xt, random_state=rng)
        if self.shared_map:
            return ClassMaps(shares)
        centre, scale = weighted_moments(Xs, (shares / np.bincount(codes))[codes])
        target_centre, target_scale = weighted_moments(Xt)
        return class_location_scale(
            (Xs - centre) / scale,
            codes,
            (Xt - target_centre) / target_scale,
            shares,
            alpha=self.alpha,
            fit_shares=True,
            max_iter=self.max_iter,
            random_state=rng,
        )
