"""Transfer trees: refine a source tree or forest on target rows, in its structure (SER) or its thresholds (STRUT)."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn.base import ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import TransferEstimator, TransferTags, split_labelled
from landbridge.exceptions import InputError, LabelError
from landbridge.parameter._flat_tree import FlatTree

__all__ = ["TransferForest", "TransferTree", "ser", "strut"]


def ser(
    tree: FlatTree, X: NDArray[np.float64], codes: NDArray[np.intp], *, random_state: Any = None, **grow: Any
) -> FlatTree:
    """Refine a tree by structure expansion and reduction, algorithm 1 of [1]_.

    *Expansion*: every leaf that target rows reach grows a full subtree on them. *Reduction*: from the bottom up, every
    node that target rows reach becomes a leaf where that makes no more errors on them than its subtree. What no
    target row reaches stays as the source made it.

    Parameters
    ----------
    tree : FlatTree
        The source's tree; not changed.
    X : ndarray of shape (n, d)
        Labelled target rows.
    codes : ndarray of int, shape (n,)
        Their class numbers.
    random_state : int, RandomState or None
        For ties between splits.
    **grow
        Parameters of the grown ``DecisionTreeClassifier``.

    Returns
    -------
    FlatTree

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on target: a model transfer
       learning framework with random forests. IEEE TPAMI 39(9), 2017.
    """
    rng = check_random_state(random_state)
    new, k = tree.copy(), tree.value.shape[1]
    for node, rows in tree.walk(X):
        if tree.left[node] < 0 and len(rows):
            grown = DecisionTreeClassifier(random_state=rng.randint(2**31 - 1), **grow).fit(X[rows], codes[rows])
            new.graft(node, FlatTree.of(grown, grown.classes_, k))
    counts = np.zeros((len(new), k))
    order = []
    for node, rows in new.walk(X):
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

    Columns and topology stay. At every node, from the top, the new threshold is the local maximum of the information
    gain at which the classes on both sides look most as they did in the source:

    .. math:: \mathrm{DG}(\tau) = 1 - \sum_{s \in \{L, R\}} \frac{|S_s|}{|S|} \, \mathrm{JSD}(Q_s^T \| Q_s^S)

    The sides are swapped where that looks more alike. Leaves take the target's class shares; a node that no target
    row reaches becomes a leaf with the source's.

    Parameters
    ----------
    tree : FlatTree
        The source's tree; not changed.
    X : ndarray of shape (n, d)
        Labelled target rows.
    codes : ndarray of int, shape (n,)
        Their class numbers.

    Returns
    -------
    FlatTree

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on target: a model transfer
       learning framework with random forests. IEEE TPAMI 39(9), 2017.
    """
    new, k = tree.copy(), tree.value.shape[1]
    for node, rows in new.walk(X):
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


class _TransferTrees(ClassifierMixin, TransferEstimator):
    """What the tree and the forest share: a source model, and the way from it to the target."""

    estimator: Any
    random_state: Any

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Grow the source model, then refine it on the labelled target rows.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows. Without any, the model is the source's.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        model = self._base() if self.estimator is None else clone(self.estimator)
        if "random_state" in model.get_params() and model.random_state is None:
            model.set_params(random_state=rng.randint(2**31 - 1))
        self._keep(model.fit(read.Xs, read.ys))
        self._adapt(read.Xt[read.rows], read.yt, rng)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Go from the source model to a target, without the source's rows; always starts from the source model.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            Target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows. Without any, the model is the source's.

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
        rows, labels = split_labelled(y_target, X.shape[0], self.classes_)
        self._adapt(X[rows], labels, check_random_state(self.random_state))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target rows, the mean over the trees.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return np.mean([tree.predict_proba(X) for tree in self.trees_], axis=0)

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
        if not hasattr(model, "tree_") and not hasattr(model, "estimators_"):
            raise InputError(
                f"estimator={type(model).__name__} has no trees: give a DecisionTreeClassifier or a forest, a fitted "
                "one wrapped in sklearn.frozen.FrozenEstimator so that clones keep it."
            )
        self.estimator_, self.classes_ = model, model.classes_
        members = model.estimators_ if hasattr(model, "estimators_") else [model]
        self.source_trees_ = [FlatTree.of(member) for member in members]

    def _adapt(self, X: NDArray[np.float64], labels: NDArray[Any], rng: np.random.RandomState) -> None:
        self.trees_ = self.source_trees_
        if len(X) == 0:
            return
        lookup = {c: i for i, c in enumerate(self.classes_.tolist())}
        if unknown := [v for v in labels.tolist() if v not in lookup]:
            raise LabelError(
                f"y_target holds the class {unknown[0]!r}, which the source does not know; its classes are "
                f"{self.classes_.tolist()} (same spelling and type)."
            )
        codes = np.array([lookup[v] for v in labels.tolist()], dtype=np.intp)
        self.trees_ = self._refined(X, codes, rng)


class TransferTree(_TransferTrees):
    """Refine a source decision tree on a few labelled target rows.

    Parameters
    ----------
    method : {"ser", "strut"}, default="ser"
        Structure expansion and reduction, or structure kept and thresholds moved.
    estimator : DecisionTreeClassifier, optional
        Grown on the source; a fitted one in :class:`sklearn.frozen.FrozenEstimator` is taken as it is.
    random_state : int, RandomState or None, default=None
        For ties between splits.

    Attributes
    ----------
    estimator_ : DecisionTreeClassifier
        The source's tree.
    trees_ : list of one FlatTree
        The refined tree.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.

    Notes
    -----
    ``"strut"`` helps when the same questions matter but their limits have moved (another sensor, another population);
    ``"ser"`` when parts of the target follow finer or coarser rules. Both hurt with so few target rows that a leaf
    hangs on one of them; a forest (:class:`TransferForest`) bears that better.

    Time O(n d log n) a level for ``"ser"`` and O(n log n) for ``"strut"``, memory that of the trees.

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
        growth="time O(n d log n) a level, memory that of the tree; n labelled target rows",
        reference="Segev et al.: Learn on source, refine on target. TPAMI 39(9), 2017",
    )
    _parameter_constraints = {
        "method": [StrOptions({"ser", "strut"})],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "random_state": ["random_state"],
    }

    def __init__(self, method: str = "ser", *, estimator: Any = None, random_state: Any = None) -> None:
        self.method = method
        self.estimator = estimator
        self.random_state = random_state

    def _base(self) -> DecisionTreeClassifier:
        return DecisionTreeClassifier()

    def _refined(self, X: NDArray[np.float64], codes: NDArray[np.intp], rng: Any) -> list[FlatTree]:
        if self.method == "strut":
            return [strut(tree, X, codes) for tree in self.source_trees_]
        return [ser(tree, X, codes, random_state=rng) for tree in self.source_trees_]


class TransferForest(_TransferTrees):
    """Refine a source random forest on a few labelled target rows.

    Parameters
    ----------
    method : {"ser", "strut", "mix"}, default="mix"
        Structure expansion and reduction, structure kept and thresholds moved, or both forests together.
    n_estimators : int, default=50
        Trees of the source's forest; not used with `estimator`.
    estimator : forest, optional
        Grown on the source; a fitted one in :class:`sklearn.frozen.FrozenEstimator` is taken as it is.
    random_state : int, RandomState or None, default=None
        Draws the bootstrap rows and the columns of the splits.

    Attributes
    ----------
    estimator_ : RandomForestClassifier
        The source's forest.
    trees_ : list of FlatTree
        The refined trees; twice as many with ``"mix"``.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.

    Notes
    -----
    Each tree is refined on a bootstrap sample of the labelled target rows for ``"ser"``, on all of them for
    ``"strut"``. Helps with a few labelled rows a class; ``"mix"`` is seldom far from the better of the two. Hurts with
    one or two labelled rows, on which most leaves then hang.

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
    >>> told = target.y.astype(object)
    >>> told[40:] = None
    >>> model = TransferForest(random_state=0).fit(source.X, source.y, X_target=target.X, y_target=told)
    >>> alone = model.estimator_.score(target.X[40:], target.y[40:])
    >>> bool(model.score(target.X[40:], target.y[40:]) > alone)
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
        "random_state": ["random_state"],
    }

    def __init__(
        self, method: str = "mix", *, n_estimators: int = 50, estimator: Any = None, random_state: Any = None
    ) -> None:
        self.method = method
        self.n_estimators = n_estimators
        self.estimator = estimator
        self.random_state = random_state

    def _base(self) -> RandomForestClassifier:
        return RandomForestClassifier(self.n_estimators)

    def _refined(self, X: NDArray[np.float64], codes: NDArray[np.intp], rng: Any) -> list[FlatTree]:
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
    """The new threshold of one node, and whether its sides are to be swapped."""
    order = np.argsort(x, kind="stable")
    x, n = x[order], len(x)
    cuts = np.flatnonzero(x[1:].astype(np.float32) > x[:-1].astype(np.float32)) + 1  # rows that go left
    if len(cuts) == 0:
        return threshold, False
    told = np.zeros((n, len(sides[0])))
    told[np.arange(n), codes[order]] = 1.0
    below = np.cumsum(told, axis=0)
    left, right = below[cuts - 1], below[-1] - below[cuts - 1]
    weight = cuts / n
    left, right = left / cuts[:, None], right / (n - cuts)[:, None]
    gain = -weight * _entropy(left) - (1 - weight) * _entropy(right)  # up to a constant
    padded = np.concatenate([[-np.inf], gain, [-np.inf]])
    peak = (gain >= padded[:-2]) & (gain >= padded[2:])
    alike = {}
    for swap in (False, True):
        first, second = sides[::-1] if swap else sides
        alike[swap] = 1.0 - weight * _divergence(left, first) - (1 - weight) * _divergence(right, second)
        alike[swap][~peak] = -np.inf
    swap = bool(alike[True].max() > alike[False].max() + 1e-12)
    best = cuts[alike[swap].argmax()]
    return float((x[best - 1].astype(np.float32) + x[best].astype(np.float32)) / 2), swap


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -xlogy(p, p).sum(axis=-1)


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jensen-Shannon divergence in bits: from 0 to 1."""
    return (_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2) / np.log(2.0)
