"""Location-scale conditional shift: each class has another scale and offset of each feature in the target."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import TransferTags
from landbridge.feature._location_scale import ClassMaps, LocationScaleTransfer, class_location_scale
from landbridge.numerics.target_shift import weighted_moments

__all__ = ["LSConS"]


class LSConS(LocationScaleTransfer):
    """LS-ConS: each class has another scale and offset of each feature in the target, the class shares are the same.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner, fitted on the mapped source samples; its ``fit`` takes ``sample_weight``. If None, logistic
        regression.
    alpha : float, default=0.01
        Weight of the L2 penalty on the departure of a class from the map that all classes share.
    max_iter : int, default=100
        Largest number of iterations.
    max_samples : int or None, default=1000
        The maps are estimated from at most this number of samples per domain, drawn at random. If None, all samples.
    random_state : int, RandomState instance or None, default=None
        Draws the samples and the frequencies of the Fourier features.

    Attributes
    ----------
    estimator_ : classifier
        Fitted base learner.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.
    source_priors_, target_priors_ : ndarray of shape (n_classes,)
        Class shares of the source, for both domains.
    source_weights_ : ndarray of shape (n_source,)
        One for every source sample.
    source_center_, source_scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of each feature in the source.
    target_center_, target_scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of each feature in the target.
    n_iter_ : int
        Number of iterations of the maps per class.

    Notes
    -----
    Helps where classes moved or spread by different amounts. Hurts where the class shares differ, as every alignment
    does; :class:`LSGeTarS` estimates them as well. The paper maps the source to the target and penalises the departure
    from no change at all; here both domains are standardised first, so that the penalty does not depend on units.

    Time O(m d k) per iteration for m = min(n, max_samples) samples and k = 200 Fourier features, and the fit of the
    estimator; memory O(m k).

    References
    ----------
    .. [1] K. Zhang, B. Schölkopf, K. Muandet, Z. Wang. Domain adaptation under target and conditional shift.
       ICML 2013.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import LSConS
    >>> source, target = make_shift("concept", random_state=0)
    >>> model = LSConS(random_state=0).fit(source.X, source.y, X_target=target.X)
    >>> model.score(target.X, target.y) > 0.95
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept"}),
        growth="time O(m d k) per iteration with k = 200, memory O(m k), m = min(n, max_samples), and a fit of the "
        "estimator",
        reference="Zhang, Schölkopf, Muandet, Wang: Domain adaptation under target and conditional shift. ICML 2013",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        alpha: float = 0.01,
        max_iter: int = 100,
        max_samples: int | None = 1000,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.max_iter = max_iter
        self.max_samples = max_samples
        self.random_state = random_state

    def _solve(self, Xs: Any, codes: Any, Xt: Any, rng: Any) -> ClassMaps:
        shares = self.source_priors_
        centre, scale = weighted_moments(Xs, (shares / np.bincount(codes))[codes])
        target_centre, target_scale = weighted_moments(Xt)
        return class_location_scale(
            (Xs - centre) / scale,
            codes,
            (Xt - target_centre) / target_scale,
            shares,
            alpha=self.alpha,
            max_iter=self.max_iter,
            random_state=rng,
        )
