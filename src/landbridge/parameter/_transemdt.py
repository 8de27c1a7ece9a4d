"""TransEMDT: adapt a decision tree to an unlabelled target by clustering its samples and moving the thresholds."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.tree import DecisionTreeClassifier

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval
from landbridge.base import TransferTags
from landbridge.parameter._flat_tree import FlatTree
from landbridge.parameter._template import ParameterClassifier, fit_seeded

__all__ = ["TransEMDT", "adapt_tree", "cluster_vote", "refit_tree"]


def cluster_vote(
    proba: NDArray[np.float64],
    Z: NDArray[np.float64],
    n_clusters: int,
    *,
    n_clusterings: int = 10,
    random_state: Any = None,
) -> NDArray[np.float64]:
    """Average class probabilities over clusters, and over several clusterings (expectation step).

    The samples of a cluster should have one label; if the tree splits a cluster, the majority decides.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities of the samples.
    Z : ndarray of shape (n_samples, n_features)
        Samples, with features scaled for Euclidean distances.
    n_clusters : int
        Number of clusters of each k-means run.
    n_clusterings : int, default=10
        Number of runs with different initialisations.
    random_state : int, RandomState instance or None, default=None
        Draws the initialisations.

    Returns
    -------
    smoothed : ndarray of shape (n_samples, n_classes)
        Mean class probabilities of the clusters of each sample.
    """
    return _average_over(proba, _clusterings(Z, n_clusters, n_clusterings, check_random_state(random_state)))


def _clusterings(Z: NDArray[np.float64], n_clusters: int, n: int, rng: Any) -> list[NDArray[np.intp]]:
    n_clusters = min(n_clusters, len(np.unique(Z, axis=0)))
    return [KMeans(n_clusters, n_init=1, random_state=rng.randint(2**31 - 1)).fit(Z).labels_ for _ in range(n)]


def _average_over(proba: NDArray[np.float64], clusterings: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    total = np.zeros_like(proba)
    for labels in clusterings:
        sizes = np.bincount(labels)
        sums = np.zeros((len(sizes), proba.shape[1]))
        np.add.at(sums, labels, proba)
        total += (sums / np.maximum(sizes, 1)[:, None])[labels]
    return total / len(clusterings)


def refit_tree(
    tree: FlatTree,
    sizes: NDArray[np.float64],
    X: NDArray[np.float64],
    proba: NDArray[np.float64],
    *,
    prior_samples: float = 5.0,
    margin: float = 0.3,
) -> FlatTree:
    """Refit the thresholds and leaves of a tree on samples with class probabilities (maximisation step).

    Topology and features do not change. At each node the preference of a sample for the left side is the share of its
    probable classes that went left in the source; the threshold moves if that satisfies clearly more preferences. A
    leaf takes the classes of its samples, with the class shares of the source counted as `prior_samples` samples.

    Parameters
    ----------
    tree : FlatTree
        Tree of the source; not changed.
    sizes : ndarray of shape (n_nodes,)
        Number of source samples in each node.
    X : ndarray of shape (n_target, n_features)
        Target samples.
    proba : ndarray of shape (n_target, n_classes)
        Their class probabilities.
    prior_samples : float, default=5.0
        Weight of the class shares of the source in a leaf, as a number of samples.
    margin : float, default=0.3
        Minimum gain in satisfied preferences, as a share of the samples of the node, that moves a threshold.

    Returns
    -------
    tree : FlatTree
        Refitted tree.
    """
    new = tree.copy()
    for node, rows in new.visit(X):
        if new.left[node] < 0:
            if len(rows):
                shares = prior_samples * tree.value[node] + proba[rows].sum(axis=0)
                new.value[node] = shares / shares.sum()
            continue
        if len(rows) > 1:
            mass = [sizes[child] * tree.value[child] for child in (tree.left[node], tree.right[node])]
            both = mass[0] + mass[1]
            goes_left = np.divide(mass[0], both, out=np.full(len(both), 0.5), where=both > 0)
            preference = 2.0 * (proba[rows] @ goes_left) - 1.0
            values = X[rows, tree.feature[node]]
            new.threshold[node] = _better_threshold(values, preference, tree.threshold[node], margin)
    return new


def adapt_tree(
    tree: FlatTree,
    sizes: NDArray[np.float64],
    X: NDArray[np.float64],
    Z: NDArray[np.float64],
    n_clusters: int,
    *,
    n_clusterings: int = 10,
    self_weight: float = 0.3,
    prior_samples: float = 5.0,
    margin: float = 0.3,
    max_iter: int = 3,
    random_state: Any = None,
) -> tuple[FlatTree, int]:
    """Alternate :func:`cluster_vote` and :func:`refit_tree` until no prediction changes, as in [1]_.

    The clusterings depend on the samples alone and are the same in every round.

    Parameters
    ----------
    tree : FlatTree
        Tree of the source; not changed.
    sizes : ndarray of shape (n_nodes,)
        Number of source samples in each node.
    X : ndarray of shape (n_target, n_features)
        Target samples.
    Z : ndarray of shape (n_target, n_selected)
        Target samples, with features scaled for Euclidean distances.
    n_clusters : int
        Number of clusters of each k-means run.
    n_clusterings : int, default=10
        Number of runs that are averaged.
    self_weight : float, default=0.3
        Weight of the prediction of a sample itself against that of its clusters.
    prior_samples : float, default=5.0
        Weight of the class shares of the source in a leaf, as a number of samples.
    margin : float, default=0.3
        Minimum gain, as a share of the samples of a node, that moves its threshold.
    max_iter : int, default=3
        Maximum number of rounds.
    random_state : int, RandomState instance or None, default=None
        Draws the initialisations of the clusterings.

    Returns
    -------
    tree : FlatTree
        Tree of the target.
    n_iter : int
        Number of rounds.

    References
    ----------
    .. [1] Z. Zhao, Y. Chen, J. Liu, Z. Shen, M. Liu. Cross-people mobile-phone based activity recognition.
       IJCAI 2011.
    """
    clusterings = _clusterings(Z, n_clusters, n_clusterings, check_random_state(random_state))
    adapted, before, n_iter, changed = tree, None, 0, True
    while changed and n_iter < max_iter:
        n_iter += 1
        own = adapted.predict_proba(X)
        voted = _average_over(own, clusterings)
        proba = self_weight * own + (1.0 - self_weight) * voted
        adapted = refit_tree(tree, sizes, X, proba, prior_samples=prior_samples, margin=margin)
        predicted = adapted.predict_proba(X).argmax(axis=1)
        changed = before is None or bool((predicted != before).any())
        before = predicted
    return adapted, n_iter


class TransEMDT(ParameterClassifier):
    """TransEMDT: adapt a decision tree to an unlabelled target, such as another person or place.

    Two steps alternate: the predictions of the tree on the target samples are smoothed over clusters of similar
    samples, and the thresholds and leaves of the tree are refitted to them. The splits keep their features, so that
    the tree stays interpretable.

    Parameters
    ----------
    estimator : DecisionTreeClassifier, default=None
        Base learner, fitted on the source samples. If None, a decision tree by information gain with at least five
        samples per leaf.
    source_estimator : DecisionTreeClassifier, default=None
        Fitted source tree. Wrap it in :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If
        None, `estimator` is fitted on the source samples.
    n_clusters : int or None, default=None
        Number of clusters of each k-means run. If None, one per five target samples, at least one per class and at
        most 200.
    n_clusterings : int, default=10
        Number of k-means runs that are averaged.
    self_weight : float, default=0.3
        Weight of the prediction of a sample itself against that of its clusters.
    prior_samples : float, default=5.0
        Weight of the class shares of the source in a leaf, as a number of target samples.
    margin : float, default=0.3
        Minimum gain, as a share of the samples of a node, that moves its threshold.
    max_iter : int, default=3
        Maximum number of rounds.
    random_state : int, RandomState instance or None, default=None
        Seeds the tree and the clusterings.

    Attributes
    ----------
    source_estimator_ : DecisionTreeClassifier
        The source tree.
    tree_ : FlatTree
        The target tree.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source tree.
    n_iter_ : int
        Number of rounds until no prediction changed, at most `max_iter`.

    Notes
    -----
    The clusters are k-means clusters of the target samples, standardised by the target itself and weighted by the
    feature importances of the tree. Several small clusterings are averaged; the paper uses one cluster per class,
    which cannot represent a class with several modes.

    Helps if the classes form clusters in the target and the boundaries between them have moved: another person wearing
    the sensor. Hurts if similar samples have different labels, or if the tree is wrong on most of a class: the clusters
    then confirm its error.

    Time O(n n_clusters d) per clustering and O(n log n) per level of the tree, memory O(n (d + n_classes)), for n
    target samples. The source samples are needed for the tree only.

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
    >>> bool(model.source_estimator_.score(X + 3.0, y) < model.score(X + 3.0, y))
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n n_clusters d) per clustering, memory O(n (d + n_classes)), n target samples",
        reference="Zhao et al.: Cross-people mobile-phone based activity recognition. IJCAI 2011",
    )
    _source_attributes = (("tree_",), ("classes_",))
    _source_kind = "DecisionTreeClassifier"
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "source_estimator": [HasMethods(["predict"]), None],
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "n_clusterings": [Interval(Integral, 1, None, closed="left")],
        "self_weight": [Interval(Real, 0, 1, closed="both")],
        "prior_samples": [Interval(Real, 0, None, closed="left")],
        "margin": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        source_estimator: Any = None,
        n_clusters: int | None = None,
        n_clusterings: int = 10,
        self_weight: float = 0.3,
        prior_samples: float = 5.0,
        margin: float = 0.3,
        max_iter: int = 3,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.source_estimator = source_estimator
        self.n_clusters = n_clusters
        self.n_clusterings = n_clusterings
        self.self_weight = self_weight
        self.prior_samples = prior_samples
        self.margin = margin
        self.max_iter = max_iter
        self.random_state = random_state

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> Any:
        default = DecisionTreeClassifier(criterion="entropy", min_samples_leaf=5)
        return fit_seeded(default if self.estimator is None else self.estimator, Xs, ys, rng)

    def _start(self, model: Any) -> None:
        self.tree_, self.n_iter_ = FlatTree.of(model), 1

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        n_clusters = self.n_clusters
        if n_clusters is None:
            n_clusters = max(len(self.classes_), min(len(Xt) // 5, 200))
        self.tree_, self.n_iter_ = adapt_tree(
            self.tree_,
            self.source_estimator_.tree_.weighted_n_node_samples,
            Xt,
            _scaled(Xt, self.source_estimator_.feature_importances_),
            n_clusters,
            n_clusterings=self.n_clusterings,
            self_weight=self.self_weight,
            prior_samples=self.prior_samples,
            margin=self.margin,
            max_iter=self.max_iter,
            random_state=rng,
        )

    def _proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.tree_.predict_proba(X)


def _scaled(X: NDArray[np.float64], importances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standardise the features that a tree splits on and weight them by their importance."""
    spread = X.std(axis=0)
    weight = np.sqrt(importances) / np.where(spread > 0, spread, 1.0)
    used = weight > 0
    return (X[:, used] - X[:, used].mean(axis=0)) * weight[used] if used.any() else np.zeros((len(X), 1))


def _better_threshold(
    x: NDArray[np.float64], preference: NDArray[np.float64], threshold: float, margin: float
) -> float:
    """Return the threshold that satisfies most preferences, or the old one if the gain is below the margin."""
    order = np.argsort(x, kind="stable")
    x = x[order].astype(np.float32).astype(np.float64)
    satisfied = np.concatenate([[0.0], np.cumsum(preference[order])])  # if the first 0, 1, ..., n samples go left
    satisfied[1:-1][x[1:] <= x[:-1]] = -np.inf  # equal values cannot be split
    now = np.searchsorted(x, threshold, side="right")
    if satisfied.max() - satisfied[now] <= margin * len(x):
        return threshold
    best = np.flatnonzero(satisfied >= satisfied.max() - 1e-9)
    edges = np.concatenate([[np.nextafter(x[0], -np.inf, dtype=np.float32)], (x[1:] + x[:-1]) / 2, x[-1:]])
    return float(edges[best][np.abs(edges[best] - threshold).argmin()])
