"""EasyTL: align, then give every target row to a class by one linear programme; nothing to tune."""

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
    r"""Give each row to a class at the least total cost, no class left empty: the linear programme (4) of [1]_.

    .. math:: \min_M \sum_{jc} D_{jc} M_{jc} \quad \text{s.t.} \quad 0 \le M_{jc} \le 1,\;
        \sum_c M_{jc} = 1,\; \sum_j M_{jc} \ge 1

    The constraints are totally unimodular, and a class binds at most one row: the programme is the cheapest
    assignment of one row to every class, counted as regret against each row's own best class, and that is solved
    exactly without a general solver.

    Parameters
    ----------
    cost : ndarray of shape (n_samples, n_classes)
        Cost of giving a row to a class.

    Returns
    -------
    codes : ndarray of int, shape (n_samples,)
        Class of each row.
    prices : ndarray of shape (n_classes,)
        Dual prices of "at least one row": ``(cost - prices).argmin(axis=1)`` gives the same classes, and extends them
        to further rows. All zero where every class gets a row anyway, or where there are fewer rows than classes (the
        condition is then dropped).

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
    """Classify by distance to the source's class centres, after alignment and with no class left empty.

    The source is first aligned with the target (CORAL), which needs no parameter on standardised columns. Every
    target row then goes to the nearest class centre, under the condition that each class gets at least one row.

    Parameters
    ----------
    align : {"coral", None}, default="coral"
        Align the source's covariance with the target's first, or leave the rows as they are.

    Attributes
    ----------
    centers_ : ndarray of shape (n_classes, n_features)
        Class centres of the aligned source.
    prices_ : ndarray of shape (n_classes,)
        What is taken off the distance to a class that would else be empty; mostly zero.
    target_labels_ : ndarray of shape (n_target,)
        Classes that the programme gives to the target rows.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.

    Notes
    -----
    Helps when classes are compact and the columns are standardised by domain
    (:class:`~landbridge.feature.DomainScaler`). Hurts when a class has several clusters, or when the target lacks a
    class: with few rows a row is then forced into it.

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
        """Align the source, take its class centres and give every target row a class.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Not used.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        self.classes_, codes = class_codes(read.ys)
        self.centers_ = class_means(read.Xs, codes, len(self.classes_))
        if self.align is not None:  # the map is linear, so mapping the centres is mapping the rows
            self.centers_ = self.centers_ @ coral_map(read.Xs, read.Xt)
        cost = euclidean_distances(read.Xt, self.centers_)
        target_codes, self.prices_ = assign_classes(cost)
        self.target_labels_ = self.classes_[target_codes]
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the negative distances to the class centres, less the prices; their difference for two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows, seen or new.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        X = self._read_rows(X)
        scores = self.prices_ - euclidean_distances(X, self.centers_)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows, seen or new.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]


def class_codes(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Number the classes; complain of continuous values and of a single class.

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
        raise LabelError(f"y holds one class only, {classes[0]!r}; give rows of at least two classes.")
    return classes, codes


def class_means(X: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    """Mean row of each class.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    codes : ndarray of int, shape (n,)
        Class numbers.
    n_classes : int
        How many classes there are.

    Returns
    -------
    ndarray of shape (n_classes, d)
    """
    from scipy import sparse

    n = len(codes)
    member = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), shape=(n_classes, n))
    return (member @ X) / np.bincount(codes, minlength=n_classes)[:, None]


def _prices(cost: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Dual prices of the programme by complementary slackness.

    A row of class ``a`` stays there when ``price_b <= price_a + gap[a, b]`` for all ``b``, and a class with rows to
    spare has price zero. The smallest prices that do it are longest paths over the classes.
    """
    k = cost.shape[1]
    own = cost[np.arange(len(cost)), codes]
    gap = np.stack([(cost[codes == c] - own[codes == c, None]).min(axis=0) for c in range(k)])
    spare = np.bincount(codes, minlength=k) > 1
    # The smallest prices leave the bound rows on a tie. Asking for a small margin decides it; where equal rows or
    # costs leave no room for one, the margin shrinks to nothing.
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
