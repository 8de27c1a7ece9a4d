"""Pooling of several source domains, weighted so that their mixture matches the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.instance._multi_source_tradaboost import read_sources
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.nystroem import NystroemMap, landmark_rows

__all__ = ["SourcePooling", "mixture_weights"]

# Number of samples that the landmarks are drawn from.
POOL = 5000


def mixture_weights(source_means: NDArray[np.float64], target_mean: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Compute the weights of the mixture of sources whose mean is nearest to the target mean.

    .. math:: \min_{w \ge 0,\, \sum_k w_k = 1} \; \Bigl\lVert \sum_k w_k \mu_k - \mu_t \Bigr\rVert^2

    This is the second stage of [1]_ with one weight per domain instead of one per sample.

    Parameters
    ----------
    source_means : ndarray of shape (n_sources, n_features)
        Mean feature vector of each source; with kernel features the distance is the MMD.
    target_mean : ndarray of shape (n_features,)
        Mean feature vector of the target.

    Returns
    -------
    weights : ndarray of shape (n_sources,)
        Weights, which sum to one.

    References
    ----------
    .. [1] Q. Sun, R. Chattopadhyay, S. Panchanathan, J. Ye. A two-stage weighting framework for multi-source domain
       adaptation. NIPS 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import mixture_weights
    >>> mixture_weights(np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]]), np.array([0.25, 0.0])).round(3).tolist()
    [0.75, 0.25, 0.0]
    """
    # The constraint on the sum is an equation of large weight in the non-negative least squares problem.
    heavy = 1e4 * max(float(np.abs(source_means).max()), float(np.abs(target_mean).max()), np.finfo(float).tiny)
    A = np.vstack([source_means.T, np.full(len(source_means), heavy)])
    w, _ = nnls(A, np.append(target_mean, heavy))
    total = w.sum()
    return w / total if total > 0 else np.full(len(w), 1.0 / len(w))


class SourcePooling(InstanceTransfer):
    """Pool several source domains, weighted so that their mixture matches the target in MMD.

    Parameters
    ----------
    estimator : estimator, default=None
        Base learner, fitted on the weighted pool samples; its ``fit`` takes ``sample_weight``. If None,
        logistic regression.
    gamma : float, default=None
        Coefficient of the Gaussian kernel that compares mixture and target. If None, the median heuristic.
    min_weight : float, default=0.05
        Lower bound of the weight of a source domain, relative to equal weights, so that classes that only a dissimilar
        source has are not lost.
    n_landmarks : int, default=200
        Number of landmarks of the kernel approximation.
    random_state : int, RandomState instance or None, default=None
        Draws the landmarks and the samples of the median heuristic.

    Attributes
    ----------
    domain_weights_ : ndarray of shape (n_sources,)
        Weight of each source domain; sums to one.
    source_domains_ : ndarray of shape (n_sources,)
        Names of the source domains, in the order of the weights.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the source samples, scaled to mean one.
    estimator_ : estimator
        Fitted base learner.

    Notes
    -----
    Helps if several sources exist and some are much more similar to the target than others; needs no target label.
    Hurts if a similar source has another labelling rule. Without `source_domain` there is one source, and all samples
    have the same weight.

    Time O(n m d) and memory O(n) beside blocks of samples, for n samples in total and m landmarks.

    References
    ----------
    .. [1] Q. Sun, R. Chattopadhyay, S. Panchanathan, J. Ye. A two-stage weighting framework for multi-source domain
       adaptation. NIPS 2011.
    .. [2] Y. Mansour, M. Mohri, A. Rostamizadeh. Domain adaptation with multiple sources. NIPS 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.instance import SourcePooling
    >>> rng = np.random.default_rng(0)
    >>> X, source = rng.normal(size=(400, 2)), np.repeat(["near", "far"], 200)
    >>> X[200:] += 4.0
    >>> y = np.where(source == "near", X[:, 0] > 0, X[:, 0] < 4)
    >>> model = SourcePooling(random_state=0).fit(X, y, X_target=rng.normal(size=(200, 2)), source_domain=source)
    >>> dict(zip(model.source_domains_.tolist(), model.domain_weights_.round(2).tolist()))
    {'far': 0.02, 'near': 0.98}
    """

    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True, "source_domain": True}
    transfer_tags = TransferTags(
        family="instance",
        reads=frozenset({"X_target", "source_domain"}),
        needs=frozenset({"source_domain"}),
        shifts=frozenset({"covariate", "concept"}),
        growth="time O(n m d), memory O(n)",
        reference="Sun, Chattopadhyay, Panchanathan, Ye: A two-stage weighting framework for multi-source domain "
        "adaptation. NIPS 2011",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "min_weight": [Interval(Real, 0, 1, closed="both")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: float | None = None,
        min_weight: float = 0.05,
        n_landmarks: int = 200,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.min_weight = min_weight
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Weight the source domains and fit the estimator on their pool.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples of all source domains.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), default=None
            Target samples. If None, the source is used as the target.
        y_target : array-like of shape (n_target,), default=None
            Ignored.
        source_domain : array-like of shape (n_source,), default=None
            Source domain of each source sample. If None, there is one source domain.

        Returns
        -------
        self
        """
        self._source_domain = source_domain
        try:
            return super().fit(X, y, X_target=X_target, y_target=y_target)
        finally:
            del self._source_domain

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        self.source_domains_, code = read_sources(self._source_domain, len(Xs))
        sizes = np.bincount(code)
        if len(sizes) == 1:
            self.domain_weights_ = np.ones(1)
            return np.ones(len(Xs))
        rng = check_random_state(self.random_state)
        gamma = median_gamma(Xs, Xt, random_state=rng) if self.gamma is None else self.gamma
        pool = np.concatenate([_subset(Xs[code == k], rng, POOL // len(sizes)) for k in range(len(sizes))])
        pool = np.concatenate([pool, _subset(Xt, rng, POOL)])
        chosen = landmark_rows(pool, min(self.n_landmarks, len(pool)), gamma=gamma, random_state=rng)
        features = NystroemMap(pool[chosen], gamma=gamma)
        means: Sequence[Any] = [features.mean(Xs[code == k]) for k in range(len(sizes))]
        w = mixture_weights(np.stack(means), features.mean(Xt))
        self.domain_weights_ = (1.0 - self.min_weight) * w + self.min_weight / len(w)
        return (self.domain_weights_ / sizes)[code]


def _subset(X: NDArray[np.float64], rng: Any, most: int) -> NDArray[np.float64]:
    return X if len(X) <= most else X[rng.choice(len(X), most, replace=False)]
