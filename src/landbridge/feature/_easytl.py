"""EasyTL: nearest class centroid after correlation alignment, with no empty class."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.base import ClassifierMixin
from sklearn.metrics.pairwise import euclidean_distances

from landbridge._sklearn_compat import StrOptions, _fit_context
from landbridge.base import TransferEstimator, TransferTags
from landbridge.exceptions import LabelError
from landbridge.feature._coral import coral_map

__all__ = ["EasyTL", "assign_classes"]


def assign_classes(cost: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    r"""Assign each sample to a class at minimal total cost, with no class empty: linear programme (4) of [1]_.

    .. math:: \min_M \sum_{jc} D_{jc} M_{jc} \quad \text{s.t.} \quad 0 \le M_{jc} \le 1,\;
        \sum_c M_{jc} = 1,\; \sum_j M_{jc} \ge 1

    The constraints are totally unimodular, and at most one sample per class is bound. The solution is therefore the
    cheapest assignment of one sample to every class, where costs are relative to each sample's best class; it is exact.

    Parameters
    ----------
    cost : ndarray of shape (n_samples, n_classes)
        Cost of assigning a sample to a class.

    Returns
    -------
    codes : ndarray of int, shape (n_samples,)
        Class of each sample.
    prices : ndarray of shape (n_classes,)
        Dual variables of the constraint that no class is empty: ``(cost - prices).argmin(axis=1)`` gives the same
        classes, and extends them to new samples. All zero if the constraint is inactive, or if there are fewer samples
        than classes (the constraint is then dropped).

    References
    ----------
    .. [1] J. Wang, Y. Chen, H. Yu, M. Huang, Q. Yang. Easy transfer learning by exploiting intra-domain structures.
       ICME 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.feature import assign_classes
    >>> assign_classes(np.array([[0.0, 5.0], [0.0, 3.0], [0.0, 4.0]]))[0].tolist()
    [0, 1, 0]
    """
    n, k = cost.shape
    codes = cost.argmin(axis=1)
    prices = np.zeros(k)
    if n < k or len(np.unique(codes)) == k:
        return codes, prices
    regret = cost - cost.min(axis=1, keepdims=True)
    classes, rows = linear_sum_assignment(regret.T)
    codes[rows] = classes
    return codes, _prices(cost, codes)


class EasyTL(ClassifierMixin, TransferEstimator):
    """EasyTL classifier: nearest class centroid after correlation alignment, with no empty class.

    The source is aligned with the target by :func:`coral_map` with its default ridge. Every target sample is then
    assigned to the nearest class centroid, under the constraint that no class is empty. `skada` has no EasyTL.

    Parameters
    ----------
    align : {"coral", None}, default="coral"
        Alignment of the source with the target. If None, no alignment.

    Attributes
    ----------
    centers_ : ndarray of shape (n_classes, n_features)
        Class centroids of the aligned source.
    prices_ : ndarray of shape (n_classes,)
        Reduction of the distance to a class that would otherwise be empty; mostly zero.
    target_labels_ : ndarray of shape (n_target,)
        Classes of the target samples.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.

    Notes
    -----
    Helps if classes are compact and each domain is standardised (:class:`~landbridge.feature.DomainScaler`). Hurts if
    a class has several clusters, or if a class is absent from the target: one sample is then assigned to it.

    Time O((n_s + n_t) d² + d³) for the alignment and O(n_t k (d + k)) for the classes, memory O(d² + n_t k).

    References
    ----------
    .. [1] J. Wang, Y. Chen, H. Yu, M. Huang, Q. Yang. Easy transfer learning by exploiting intra-domain structures.
       ICME 2019.

    Examples
    --------
    >>> from landbridge import make_pipeline
    >>> from landbridge.data import make_shift
    >>> from landbridge.feature import DomainScaler, EasyTL
    >>> source, target = make_shift("translation", random_state=0)
    >>> model = make_pipeline(DomainScaler(), EasyTL()).fit(source.X, source.y, X_target=target.X)
    >>> bool(model.score(target.X, target.y) > 0.8)
    True
    """

    transfer_tags = TransferTags(
        family="feature",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "subspace"}),
        growth="time O((n_s + n_t) d² + d³ + n_t k (d + k)), memory O(d² + n_t k)",
        reference="Wang et al.: Easy transfer learning by exploiting intra-domain structures. ICME 2019",
    )
    _parameter_constraints = {"align": [StrOptions({"coral"}), None]}

    def __init__(self, align: str | None = "coral") -> None:
        self.align = align

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Align the source, compute its class centroids and assign every target sample to a class.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), default=None
            Not used.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        self.classes_, codes = class_codes(read.ys)
        self.centers_ = class_means(read.Xs, codes, len(self.classes_))
        if self.align is not None:  # the map is linear: the centroids can be mapped instead of the samples
            self.centers_ = self.centers_ @ coral_map(read.Xs, read.Xt)
        cost = euclidean_distances(read.Xt, self.centers_)
        target_codes, self.prices_ = assign_classes(cost)
        self.target_labels_ = self.classes_[target_codes]
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Compute the prices minus the distances to the class centroids; their difference for two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        X = self._read_rows(X)
        scores = self.prices_ - euclidean_distances(X, self.centers_)
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


def class_codes(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the classes and the class index of each sample; raise for continuous values and for a single class.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int, shape (n,)
    """
    from sklearn.utils.multiclass import check_classification_targets

    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise LabelError(f"y holds one class only, {classes[0]!r}; give samples of at least two classes.")
    return classes, codes


def class_means(X: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    """Compute the mean of each class.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Samples.
    codes : ndarray of int, shape (n,)
        Class indices.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray of shape (n_classes, d)
    """
    from scipy import sparse

    n = len(codes)
    member = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), shape=(n_classes, n))
    return (member @ X) / np.bincount(codes, minlength=n_classes)[:, None]


def _prices(cost: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Compute dual variables of the linear programme by complementary slackness.

    A sample of class ``a`` stays there if ``price_b <= price_a + gap[a, b]`` for all ``b``, and a class with several
    samples has price zero. The smallest such prices are longest paths over the classes.
    """
    k = cost.shape[1]
    own = cost[np.arange(len(cost)), codes]
    gap = np.stack([(cost[codes == c] - own[codes == c, None]).min(axis=0) for c in range(k)])
    spare = np.bincount(codes, minlength=k) > 1
    # The smallest prices leave ties at the bound samples. A small margin breaks them; with equal samples or costs
    # the margin shrinks to zero.
    for margin in (*(np.abs(gap).max() * 10.0 ** -np.arange(3, 13)), 0.0):
        wanted = gap - margin * (1.0 - np.eye(k))
        prices = np.zeros(k)
        for _ in range(k):
            prices = np.maximum(prices, (prices[None, :] - wanted).max(axis=1))
        settled = (prices[None, :] - wanted).max(axis=1) <= prices + 1e-15 * np.abs(gap).max()
        if settled.all() and not prices[spare].any():
            break
    prices[spare] = 0.0
    return prices
