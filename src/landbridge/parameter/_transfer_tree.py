"""Transfer trees and forests: refine a source model in its structure (SER) or in its thresholds (STRUT)."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, StrOptions
from landbridge.base import TransferTags
from landbridge.parameter._flat_tree import FlatTree
from landbridge.parameter._template import ParameterClassifier, fit_seeded

__all__ = ["TransferForest", "TransferTree", "ser", "strut"]


def ser(
    tree: FlatTree, X: NDArray[np.float64], codes: NDArray[np.intp], *, random_state: Any = None, **grow: Any
) -> FlatTree:
    """Refine a tree by structure expansion and reduction, algorithm 1 of [1]_.

    *Expansion*: every leaf that target samples reach grows a full subtree on them. *Reduction*: bottom-up, every node
    that target samples reach becomes a leaf if that makes no more errors on them than its subtree. Nodes that no
    target sample reaches do not change.

    Parameters
    ----------
    tree : FlatTree
        Tree of the source; not changed.
    X : ndarray of shape (n_labelled, n_features)
        Labelled target samples.
    codes : ndarray of int, shape (n_labelled,)
        Their class codes.
    random_state : int, RandomState instance or None, default=None
        Breaks ties between splits.
    **grow
        Parameters of the grown ``DecisionTreeClassifier``.

    Returns
    -------
    tree : FlatTree
        Refined tree.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on target: a model transfer
       learning framework with random forests. IEEE TPAMI 39(9), 2017.
    """
    rng = check_random_state(random_state)
    new, k = tree.copy(), tree.value.shape[1]
    for node, rows in tree.visit(X):
        if tree.left[node] < 0 and len(rows):
            grown = DecisionTreeClassifier(random_state=rng.randint(2**31 - 1), **grow).fit(X[rows], codes[rows])
            new.graft(node, FlatTree.of(grown, grown.classes_, k))
    counts = np.zeros((len(new), k))
    order = []
    for node, rows in new.visit(X):
        order.append(node)
        counts[node] = np.bincount(codes[rows], minlength=k)
    reached = counts.sum(axis=1)
    errors = np.zeros(len(new))
    for node in reversed(order):  # children come after their parents
        as_leaf = reached[node] - counts[node].max()
        if new.left[node] < 0:
            errors[node] = reached[node] - counts[node, new.value[node].argmax()]
            continue
        errors[node] = errors[new.left[node]] + errors[new.right[node]]
        if reached[node] and as_leaf <= errors[node]:
            new.cut(node, counts[node] / reached[node])
            errors[node] = as_leaf
    return new


def strut(tree: FlatTree, X: NDArray[np.float64], codes: NDArray[np.intp]) -> FlatTree:
    r"""Refine a tree by moving its thresholds, algorithm 2 of [1]_ (structure transfer).

    Features and topology do not change. At every node, top-down, the new threshold is the local maximum of the
    information gain at which the class shares on both sides are nearest to those of the source:

    .. math:: \mathrm{DG}(\tau) = 1 - \sum_{s \in \{L, R\}} \frac{|S_s|}{|S|} \, \mathrm{JSD}(Q_s^T \| Q_s^S)

    The sides are swapped if the divergence gain is then larger. Leaves take the class shares of the target; a node that
    no target sample reaches becomes a leaf with the class shares of the source.

    Parameters
    ----------
    tree : FlatTree
        Tree of the source; not changed.
    X : ndarray of shape (n_labelled, n_features)
        Labelled target samples.
    codes : ndarray of int, shape (n_labelled,)
        Their class codes.

    Returns
    -------
    tree : FlatTree
        Refined tree.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on target: a model transfer
       learning framework with random forests. IEEE TPAMI 39(9), 2017.
    """
    new, k = tree.copy(), tree.value.shape[1]
    for node, rows in new.visit(X):
        if len(rows) == 0:
            new.cut(node, new.value[node])
            continue
        counts = np.bincount(codes[rows], minlength=k)
        if new.left[node] < 0:
            new.value[node] = counts / len(rows)
            continue
        sides = tree.value[tree.left[node]], tree.value[tree.right[node]]
        new.threshold[node], swap = _moved(X[rows, new.feature[node]], codes[rows], sides, new.threshold[node])
        if swap:
            new.left[node], new.right[node] = new.right[node], new.left[node]
        new.value[node] = counts / len(rows)
    return new


class _TransferTrees(ParameterClassifier):
    """Template of the tree and the forest: the source trees, and the mean probability of the refined ones."""

    estimator: Any
    _source_attributes = (("tree_", "estimators_"), ("classes_",))
    _source_kind = "DecisionTreeClassifier or forest"

    @abstractmethod
    def _default_estimator(self) -> Any: ...

    @abstractmethod
    def _refine(
        self, X: NDArray[np.float64], codes: NDArray[np.intp], rng: np.random.RandomState
    ) -> list[FlatTree]: ...

    def _fit_source(self, Xs: Any, ys: Any, rng: np.random.RandomState) -> Any:
        return fit_seeded(self._default_estimator() if self.estimator is None else self.estimator, Xs, ys, rng)

    def _start(self, model: Any) -> None:
        members = model.estimators_ if hasattr(model, "estimators_") else [model]
        self.source_trees_ = self.trees_ = [FlatTree.of(member) for member in members]

    def _adapt(self, Xt: Any, yt: NDArray[Any], rows: NDArray[np.intp], rng: np.random.RandomState) -> None:
        if len(rows):
            self.trees_ = self._refine(Xt[rows], yt, rng)

    def _proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.mean([tree.predict_proba(X) for tree in self.trees_], axis=0)


class TransferTree(_TransferTrees):
    """Transfer tree: refine a source decision tree on a few labelled target samples (SER or STRUT).

    Parameters
    ----------
    method : {"ser", "strut"}, default="ser"
        Structure expansion and reduction, or structure transfer, which moves the thresholds only.
    estimator : DecisionTreeClassifier, default=None
        Base learner, fitted on the source samples. If None, a decision tree with default parameters.
    source_estimator : DecisionTreeClassifier, default=None
        Fitted source model. Wrap it in :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If
        None, `estimator` is fitted on the source samples.
    random_state : int, RandomState instance or None, default=None
        Breaks ties between splits.

    Attributes
    ----------
    source_estimator_ : DecisionTreeClassifier
        The source tree.
    source_trees_ : list of one FlatTree
        The source tree as arrays.
    trees_ : list of one FlatTree
        The refined tree.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source model.

    Notes
    -----
    ``"strut"`` helps if the same splits matter but their thresholds have moved (another sensor, another population);
    ``"ser"`` if parts of the target follow finer or coarser rules. Both hurt with so few target samples that a leaf
    depends on one of them; a forest (:class:`TransferForest`) is more robust.

    Time O(n d log n) per level for ``"ser"`` and O(n log n) for ``"strut"``, memory that of the trees.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on target: a model transfer
       learning framework with random forests. IEEE TPAMI 39(9), 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.parameter import TransferTree
    >>> X = np.linspace(0.0, 1.0, 101)[:, None]
    >>> y, shifted = (X[:, 0] > 0.5).astype(int), (X[:, 0] > 0.7).astype(int)
    >>> model = TransferTree("strut", random_state=0).fit(X, y, X_target=X[::5], y_target=shifted[::5])
    >>> round(float(model.trees_[0].threshold[0]), 3)
    0.675
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="time O(n d log n) per level, memory that of the tree; n labelled target samples",
        reference="Segev et al.: Learn on source, refine on target. TPAMI 39(9), 2017",
    )
    _parameter_constraints = {
        "method": [StrOptions({"ser", "strut"})],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "source_estimator": [HasMethods(["predict"]), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        method: str = "ser",
        *,
        estimator: Any = None,
        source_estimator: Any = None,
        random_state: Any = None,
    ) -> None:
        self.method = method
        self.estimator = estimator
        self.source_estimator = source_estimator
        self.random_state = random_state

    def _default_estimator(self) -> DecisionTreeClassifier:
        return DecisionTreeClassifier()

    def _refine(self, X: NDArray[np.float64], codes: NDArray[np.intp], rng: Any) -> list[FlatTree]:
        if self.method == "strut":
            return [strut(tree, X, codes) for tree in self.source_trees_]
        return [ser(tree, X, codes, random_state=rng) for tree in self.source_trees_]


class TransferForest(_TransferTrees):
    """Transfer forest: refine a source random forest on a few labelled target samples (SER, STRUT or MIX).

    Parameters
    ----------
    method : {"ser", "strut", "mix"}, default="mix"
        Structure expansion and reduction, structure transfer, which moves the thresholds only, or both forests
        together.
    n_estimators : int, default=50
        Number of trees of the source forest; ignored if `estimator` or `source_estimator` is given.
    estimator : forest, default=None
        Base learner, fitted on the source samples. If None, a random forest of `n_estimators` trees.
    source_estimator : forest, default=None
        Fitted source model. Wrap it in :class:`sklearn.frozen.FrozenEstimator`, so that clones keep it fitted. If
        None, `estimator` is fitted on the source samples.
    random_state : int, RandomState instance or None, default=None
        Draws the bootstrap samples and the features of the splits.

    Attributes
    ----------
    source_estimator_ : RandomForestClassifier
        The source forest.
    source_trees_ : list of FlatTree
        The source trees as arrays.
    trees_ : list of FlatTree
        The refined trees; twice as many with ``"mix"``.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source model.

    Notes
    -----
    Each tree is refined on a bootstrap sample of the labelled target samples for ``"ser"``, on all of them for
    ``"strut"``. Helps with a few labelled samples per class; ``"mix"`` is seldom far from the better of the two. Hurts
    with one or two labelled samples, on which most leaves then depend.

    Time and memory are those of `n_estimators` times :class:`TransferTree`.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on target: a model transfer
       learning framework with random forests. IEEE TPAMI 39(9), 2017.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.parameter import TransferForest
    >>> source, target = make_shift("concept", random_state=0)
    >>> y_target = target.y.astype(object)
    >>> y_target[40:] = None
    >>> model = TransferForest(random_state=0).fit(source.X, source.y, X_target=target.X, y_target=y_target)
    >>> source_only = model.source_estimator_.score(target.X[40:], target.y[40:])
    >>> bool(model.score(target.X[40:], target.y[40:]) > source_only)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        source_free=True,
        growth="n_estimators times TransferTree",
        reference="Segev et al.: Learn on source, refine on target. TPAMI 39(9), 2017",
    )
    _parameter_constraints = {
        "method": [StrOptions({"ser", "strut", "mix"})],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "source_estimator": [HasMethods(["predict"]), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        method: str = "mix",
        *,
        n_estimators: int = 50,
        estimator: Any = None,
        source_estimator: Any = None,
        random_state: Any = None,
    ) -> None:
        self.method = method
        self.n_estimators = n_estimators
        self.estimator = estimator
        self.source_estimator = source_estimator
        self.random_state = random_state

    def _default_estimator(self) -> RandomForestClassifier:
        return RandomForestClassifier(self.n_estimators)

    def _refine(self, X: NDArray[np.float64], codes: NDArray[np.intp], rng: Any) -> list[FlatTree]:
        refined = []
        if self.method in ("ser", "mix"):
            for tree in self.source_trees_:
                drawn = rng.randint(len(X), size=len(X))
                refined.append(ser(tree, X[drawn], codes[drawn], random_state=rng, max_features="sqrt"))
        if self.method in ("strut", "mix"):
            refined += [strut(tree, X, codes) for tree in self.source_trees_]
        return refined


def _moved(
    x: NDArray[np.float64],
    codes: NDArray[np.intp],
    sides: tuple[NDArray[np.float64], NDArray[np.float64]],
    threshold: float,
) -> tuple[float, bool]:
    """Compute the new threshold of one node, and whether to swap its sides."""
    order = np.argsort(x, kind="stable")
    x, n = x[order], len(x)
    cuts = np.flatnonzero(x[1:].astype(np.float32) > x[:-1].astype(np.float32)) + 1  # number of samples that go left
    if len(cuts) == 0:
        return threshold, False
    one_hot = np.zeros((n, len(sides[0])))
    one_hot[np.arange(n), codes[order]] = 1.0
    below = np.cumsum(one_hot, axis=0)
    left, right = below[cuts - 1], below[-1] - below[cuts - 1]
    weight = cuts / n
    left, right = left / cuts[:, None], right / (n - cuts)[:, None]
    gain = -weight * _entropy(left) - (1 - weight) * _entropy(right)  # up to a constant
    padded = np.concatenate([[-np.inf], gain, [-np.inf]])
    peak = (gain >= padded[:-2]) & (gain >= padded[2:])
    agreement = {}
    for swap in (False, True):
        first, second = sides[::-1] if swap else sides
        agreement[swap] = 1.0 - weight * _divergence(left, first) - (1 - weight) * _divergence(right, second)
        agreement[swap][~peak] = -np.inf
    swap = bool(agreement[True].max() > agreement[False].max() + 1e-12)
    best = cuts[agreement[swap].argmax()]
    return float((x[best - 1].astype(np.float32) + x[best].astype(np.float32)) / 2), swap


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -xlogy(p, p).sum(axis=-1)


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the Jensen-Shannon divergence in bits, between 0 and 1."""
    return (_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2) / np.log(2.0)
