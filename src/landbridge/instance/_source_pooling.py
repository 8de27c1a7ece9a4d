"""Several sources in one pool: each source domain weighs as much as the target looks like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from sklearn.utils import check_random_state

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import InstanceTransfer, TransferTags
from landbridge.instance._multi_source_tradaboost import read_sources
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.nystroem import NystroemMap, landmark_rows

__all__ = ["SourcePooling", "mixture_weights"]

# Rows of which the landmarks are drawn.
POOL = 5000


def mixture_weights(source_means: NDArray[np.float64], target_mean: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Weights of the mixture of sources whose mean is nearest to the target's.

    .. math:: \min_{w \ge 0,\, \sum_k w_k = 1} \; \Bigl\lVert \sum_k w_k \mu_k - \mu_t \Bigr\rVert^2

    This is the second stage of [1]_ with whole domains in place of rows.

    Parameters
    ----------
    source_means : ndarray of shape (n_sources, n_features)
        Mean feature vector of each source; with the features of a kernel the distance is the MMD.
    target_mean : ndarray of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_sources,)
        Sum to one.

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
    # The sum is held by a row that outweighs all others: non-negative least squares then knows no other constraint.
    heavy = 1e4 * max(float(np.abs(source_means).max()), float(np.abs(target_mean).max()), np.finfo(float).tiny)
    A = np.vstack([source_means.T, np.full(len(source_means), heavy)])
    w, _ = nnls(A, np.append(target_mean, heavy))
    total = w.sum()
    return w / total if total > 0 else np.full(len(w), 1.0 / len(w))


class SourcePooling(InstanceTransfer):
    """Pool several sources, each weighed so that their mixture looks like the target.

    Parameters
    ----------
    estimator : estimator, optional
        Fitted on the weighted pool; anything that takes ``sample_weight``. Logistic regression if left out.
    gamma : float, optional
        Width of the Gaussian kernel under which mixture and target are compared; the median heuristic if left out.
    floor : float, default=0.05
        Least share of the pool's weight a source keeps, relative to equal shares, so that classes that only an
        unlike source knows are not lost.
    n_components : int, default=200
        Landmarks that stand for the kernel.
    random_state : int, RandomState instance or None, default=0
        Draws landmarks and the sample of the median heuristic.

    Attributes
    ----------
    domain_weights_ : ndarray of shape (n_sources,)
        Share of each source in the pool; sums to one.
    source_domains_ : ndarray of shape (n_sources,)
        Names of the sources, in the order of the weights.
    source_weights_ : ndarray of shape (n_source,)
        Weights of the rows, with mean one.
    estimator_ : estimator
        The fitted learner.

    Notes
    -----
    Helps when several sources exist and some look much more like the target than others; needs no target label.
    Hurts when the source that looks alike labels its rows by another rule. Without `source_domain` there is one
    source, and all rows weigh the same.

    Time O(n m d) and memory O(n) beside blocks of rows, for n rows in all and m landmarks.

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
    >>> model = SourcePooling().fit(X, y, X_target=rng.normal(size=(200, 2)), source_domain=source)
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
        "floor": [Interval(Real, 0, 1, closed="both")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: float | None = None,
        floor: float = 0.05,
        n_components: int = 200,
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.floor = floor
        self.n_components = n_components
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Weigh the sources and fit the estimator on their pool.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows, of all sources.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows; not read.
        source_domain : array-like of shape (n_source,), optional
            Which source each row came from; left out, there is one.

        Returns
        -------
        self
        """
        self._told = source_domain
        try:
            return super().fit(X, y, X_target=X_target, y_target=y_target)
        finally:
            del self._told

    def _compute_weights(self, Xs: Any, ys: Any, Xt: Any, yt: Any) -> NDArray[np.float64]:
        self.source_domains_, code = read_sources(self._told, len(Xs))
        sizes = np.bincount(code)
        if len(sizes) == 1:
            self.domain_weights_ = np.ones(1)
            return np.ones(len(Xs))
        rng = check_random_state(self.random_state)
        gamma = median_gamma(Xs, Xt, random_state=rng) if self.gamma is None else self.gamma
        pool = np.concatenate([_some(Xs[code == k], rng, POOL // len(sizes)) for k in range(len(sizes))])
        pool = np.concatenate([pool, _some(Xt, rng, POOL)])
        chosen = landmark_rows(pool, min(self.n_components, len(pool)), gamma=gamma, random_state=rng)
        features = NystroemMap(pool[chosen], gamma=gamma)
        means: Sequence[Any] = [features.mean(Xs[code == k]) for k in range(len(sizes))]
        w = mixture_weights(np.stack(means), features.mean(Xt))
        self.domain_weights_ = (1.0 - self.floor) * w + self.floor / len(w)
        return (self.domain_weights_ / sizes)[code]


def _some(X: NDArray[np.float64], rng: Any, most: int) -> NDArray[np.float64]:
    return X if len(X) <= most else X[rng.choice(len(X), most, replace=False)]
