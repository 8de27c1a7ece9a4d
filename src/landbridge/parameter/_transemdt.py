"""TransEMDT: carry a decision tree to an unlabelled target by clustering its rows and moving the thresholds."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags
from landbridge.exceptions import InputError
from landbridge.parameter._flat_tree import FlatTree

__all__ = ["TransEMDT", "cluster_vote", "refit_tree"]


def cluster_vote(
    proba: NDArray[np.float64],
    Z: NDArray[np.float64],
    n_clusters: int,
    *,
    n_clusterings: int = 10,
    random_state: Any = None,
) -> NDArray[np.float64]:
    """Give each row the mean class probabilities of its cluster, averaged over several clusterings (expectation step).

    Rows that lie together should bear one label; where a tree cuts through a cluster, the majority decides.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
        Class probabilities of the rows by themselves.
    Z : ndarray of shape (n, d)
        Rows, scaled so that distances mean something.
    n_clusters : int
        Clusters of each k-means run.
    n_clusterings : int, default=10
        Runs from different starts.
    random_state : int, RandomState or None
        Draws the starts.

    Returns
    -------
    ndarray of shape (n, n_classes)
    """
    rng = check_random_state(random_state)
    n_clusters = min(n_clusters, len(np.unique(Z, axis=0)))
    total = np.zeros_like(proba)
    for _ in range(n_clusterings):
        labels = KMeans(n_clusters, n_init=1, random_state=rng.randint(2**31 - 1)).fit(Z).labels_
        sums = np.zeros((n_clusters, proba.shape[1]))
        np.add.at(sums, labels, proba)
        total += (sums / np.maximum(np.bincount(labels, minlength=n_clusters), 1)[:, None])[labels]
    return total / n_clusterings


def refit_tree(
    tree: FlatTree,
    sizes: NDArray[np.float64],
    X: NDArray[np.float64],
    proba: NDArray[np.float64],
    *,
    prior_rows: float = 5.0,
    margin: float = 0.3,
) -> FlatTree:
    """Move the thresholds and leaves of a tree to suit softly labelled rows (maximisation step).

    Topology and columns stay. At each node a row wishes to go left by as much as the classes it may have went left in
    the source; the threshold moves where that meets clearly more wishes. A leaf takes the classes of its rows, with
    the source's shares counted as some rows more.

    Parameters
    ----------
    tree : FlatTree
        The source's tree; not changed.
    sizes : ndarray of shape (n_nodes,)
        Source rows in each node.
    X : ndarray of shape (n, d)
        Target rows.
    proba : ndarray of shape (n, n_classes)
        Their class probabilities.
    prior_rows : float, default=5.0
        How many rows the source's shares count in a leaf.
    margin : float, default=0.3
        Gain in wishes met, as a share of the rows, below which a threshold stays.

    Returns
    -------
    FlatTree
    """
    new = tree.copy()
    for node, rows in new.walk(X):
        if new.left[node] < 0:
            if len(rows):
                shares = prior_rows * tree.value[node] + proba[rows].sum(axis=0)
                new.value[node] = shares / shares.sum()
            continue
        if len(rows) > 1:
            mass = [sizes[child] * tree.value[child] for child in (tree.left[node], tree.right[node])]
            both = mass[0] + mass[1]
            goes_left = np.divide(mass[0], both, out=np.full(len(both), 0.5), where=both > 0)
            wish = 2.0 * (proba[rows] @ goes_left) - 1.0
            new.threshold[node] = _better_threshold(X[rows, tree.feature[node]], wish, tree.threshold[node], margin)
    return new


class TransEMDT(ClassifierMixin, TransferEstimator):
    """Carry a decision tree to another person or place without any label there.

    In turns, the tree's answers on the target rows are smoothed over clusters of like rows, and the tree's thresholds
    and leaves are moved to suit. The tree keeps its questions, so that it stays readable.

    Parameters
    ----------
    estimator : DecisionTreeClassifier, optional
        Grown on the source; left out, by information gain with at least five rows a leaf. A fitted one in
        :class:`sklearn.frozen.FrozenEstimator` is taken as it is.
    n_clusters : int or None, default=None
        Clusters of each k-means run; None takes one for five target rows, at least one a class and at most 200.
    n_clusterings : int, default=10
        Runs that are averaged.
    self_weight : float, default=0.3
        Weight of a row's own answer against its clusters'.
    prior_rows : float, default=5.0
        How many target rows the source's class shares count in a leaf.
    margin : float, default=0.3
        Gain, as a share of the rows at a node, below which its threshold stays.
    max_iter : int, default=3
        Rounds.
    random_state : int, RandomState or None, default=None
        Grows the tree and starts the clusterings.

    Attributes
    ----------
    estimator_ : DecisionTreeClassifier
        The source's tree.
    tree_ : FlatTree
        The target's tree.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.
    n_iter_ : int
        Rounds until no answer changed, at most `max_iter`.

    Notes
    -----
    The clusters are k-means clusters of the target rows, standardised by the target's own statistics and weighted by
    the tree's feature importances; several small clusterings are averaged where the paper takes one cluster a class,
    which cannot follow a class with several forms.

    Helps when the classes form groups in the target and the limits between them have moved: another person wearing
    the sensor. Hurts when like rows have unlike labels, or when the tree is wrong on most of a class: the clusters
    then confirm its error.

    Time O(n n_clusters d) a clustering and O(n log n) a level of the tree, memory O(n (d + n_classes)), for n target
    rows. The source's rows are needed for the tree only.

    References
    ----------
    .. [1] Z. Zhao, Y. Chen, J. Liu, Z. Shen, M. Liu. Cross-people mobile-phone based activity recognition.
       IJCAI 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import TransEMDT
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> X = rng.normal(size=(100, 2)) + 8.0 * y[:, None]
    >>> model = TransEMDT(n_clusters=2, margin=0.0, random_state=0).fit(X, y, X_target=X + 3.0)
    >>> bool(model.estimator_.score(X + 3.0, y) < model.score(X + 3.0, y))
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n n_clusters d) a clustering, memory O(n (d + n_classes)), n target rows",
        reference="Zhao et al.: Cross-people mobile-phone based activity recognition. IJCAI 2011",
    )
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "n_clusterings": [Interval(Integral, 1, None, closed="left")],
        "self_weight": [Interval(Real, 0, 1, closed="both")],
        "prior_rows": [Interval(Real, 0, None, closed="left")],
        "margin": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_clusters: int | None = None,
        n_clusterings: int = 10,
        self_weight: float = 0.3,
        prior_rows: float = 5.0,
        margin: float = 0.3,
        max_iter: int = 3,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_clusters = n_clusters
        self.n_clusterings = n_clusterings
        self.self_weight = self_weight
        self.prior_rows = prior_rows
        self.margin = margin
        self.max_iter = max_iter
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Grow the source's tree, then move it to the target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the tree stays as it is.
        y_target : array-like of shape (n_target,), optional
            Not used.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        if self.estimator is None:
            model: Any = DecisionTreeClassifier(criterion="entropy", min_samples_leaf=5)
        else:
            model = clone(self.estimator)
        if "random_state" in model.get_params() and model.random_state is None:
            model.set_params(random_state=rng.randint(2**31 - 1))
        self._keep(model.fit(read.Xs, read.ys))
        if X_target is not None:
            self._adapt(read.Xt, rng)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Move the source's tree to a target, without the source's rows; always starts from the source's tree.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            All target rows.
        y_target : array-like of shape (n_target,), optional
            Not used.

        Returns
        -------
        self
        """
        if not hasattr(self, "estimator_"):
            if self.estimator is None:
                check_is_fitted(self, "estimator_")
            self._keep(self.estimator)
            self.n_features_in_ = self.estimator_.n_features_in_
        X = self._read_target(X_target)
        self._adapt(X, check_random_state(self.random_state))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return self.tree_.predict_proba(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def _keep(self, model: Any) -> None:
        if not hasattr(model, "tree_"):
            raise InputError(
                f"estimator={type(model).__name__} has no tree: give a DecisionTreeClassifier, a fitted one wrapped "
                "in sklearn.frozen.FrozenEstimator so that clones keep it."
            )
        self.estimator_, self.classes_ = model, model.classes_
        self.tree_, self.n_iter_ = FlatTree.of(model), 1

    def _adapt(self, X: NDArray[np.float64], rng: np.random.RandomState) -> None:
        source, sizes = FlatTree.of(self.estimator_), self.estimator_.tree_.weighted_n_node_samples
        spread = X.std(axis=0)
        # distances in the columns that the tree asks for, each by how much it tells
        weight = np.sqrt(self.estimator_.feature_importances_) / np.where(spread > 0, spread, 1.0)
        used = weight > 0
        Z = (X[:, used] - X[:, used].mean(axis=0)) * weight[used] if used.any() else np.zeros((len(X), 1))
        n_clusters = self.n_clusters
        if n_clusters is None:
            n_clusters = max(len(self.classes_), min(len(X) // 5, 200))
        self.tree_, before = source, None
        for n_iter in range(1, self.max_iter + 1):
            self.n_iter_ = n_iter
            own = self.tree_.predict_proba(X)
            voted = cluster_vote(own, Z, n_clusters, n_clusterings=self.n_clusterings, random_state=rng)
            proba = self.self_weight * own + (1.0 - self.self_weight) * voted
            self.tree_ = refit_tree(source, sizes, X, proba, prior_rows=self.prior_rows, margin=self.margin)
            answers = self.tree_.predict_proba(X).argmax(axis=1)
            if before is not None and (answers == before).all():
                break
            before = answers


def _better_threshold(x: NDArray[np.float64], wish: NDArray[np.float64], threshold: float, margin: float) -> float:
    """The threshold that sends most wishes the right way, if it is better than the old one by enough."""
    order = np.argsort(x, kind="stable")
    x = x[order].astype(np.float32).astype(np.float64)
    met = np.concatenate([[0.0], np.cumsum(wish[order])])  # when the first 0, 1, ..., n rows go left
    met[1:-1][x[1:] <= x[:-1]] = -np.inf  # equal rows cannot be parted
    now = np.searchsorted(x, threshold, side="right")
    if met.max() - met[now] <= margin * len(x):
        return threshold
    best = np.flatnonzero(met >= met.max() - 1e-9)
    edges = np.concatenate([[np.nextafter(x[0], -np.inf, dtype=np.float32)], (x[1:] + x[:-1]) / 2, x[-1:]])
    return float(edges[best][np.abs(edges[best] - threshold).argmin()])
