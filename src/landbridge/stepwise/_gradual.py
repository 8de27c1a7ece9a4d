"""Gradual self-training: follow a slowly moving target with the model's own labels, one short step after another."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import Read, TransferEstimator, TransferTags
from landbridge.stepwise._stones import confidence, read_stone, stack_rows

__all__ = ["GradualSelfTraining", "gradual_self_training", "path_distance"]

# Target rows a class below which the target is not cut any further.
ROWS_A_CLASS = 10


def path_distance(Xs: Any, Xt: Any, *, n_neighbors: int = 10) -> NDArray[np.float64]:
    r"""Cost of the cheapest walk from the source to each target row, hopping from target row to target row.

    A hop costs its squared length, so that many short hops are cheaper than one leap. A walk starts with the hop from
    the nearest source row. Where the target goes round a bend, this follows it, and the straight distance does not.

    Parameters
    ----------
    Xs : array-like or sparse matrix of shape (n_source, d)
        Source rows.
    Xt : array-like or sparse matrix of shape (n_target, d)
        Target rows.
    n_neighbors : int, default=10
        Target rows within one hop of each.

    Returns
    -------
    ndarray of shape (n_target,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.stepwise import path_distance
    >>> path_distance(np.array([[0.0]]), np.array([[3.0], [1.0], [2.0]]), n_neighbors=1).tolist()
    [3.0, 1.0, 2.0]
    """
    m = Xt.shape[0]
    first = NearestNeighbors(n_neighbors=1).fit(Xs).kneighbors(Xt)[0][:, 0]
    rows, columns, hops = [np.full(m, m)], [np.arange(m)], [first]
    if (k := min(n_neighbors, m - 1)) > 0:
        far, near = NearestNeighbors(n_neighbors=k).fit(Xt).kneighbors()
        rows, columns, hops = [*rows, np.repeat(np.arange(m), k)], [*columns, near.ravel()], [*hops, far.ravel()]
    # a hop of no length would be read as no hop
    cost = np.maximum(np.concatenate(hops) ** 2, np.finfo(np.float64).tiny)
    graph = coo_array((cost, (np.concatenate(rows), np.concatenate(columns))), shape=(m + 1, m + 1)).tocsr()
    return dijkstra(graph.maximum(graph.T), directed=False, indices=m)[:m]


def gradual_self_training(
    model: Any,
    Xs: Any,
    ys: NDArray[Any],
    windows: list[Any],
    *,
    discard: float = 0.1,
    told: list[tuple[NDArray[np.intp], NDArray[Any]]] | None = None,
) -> tuple[Any, list[tuple[NDArray[Any], NDArray[np.bool_]]], list[dict[str, float]]]:
    r"""Walk a classifier over windows of unlabelled rows, Algorithm 1 of [1]_ with the hard labels it recommends.

    .. math:: \theta_{t+1} = \arg\min_\theta \sum_{x \in S_{t+1}} \ell\bigl(h_\theta(x), \operatorname{sign}
        h_{\theta_t}(x)\bigr) + r(\theta)

    The regulariser r is the classifier's own. A class that a window has no row of keeps the rows it was last fitted
    on, so that none is ever lost.

    Parameters
    ----------
    model : classifier
        Fitted on the source; not changed.
    Xs : array-like or sparse matrix of shape (n_source, d)
        Source rows.
    ys : ndarray of shape (n_source,)
        Source labels.
    windows : list of array-like or sparse matrix of shape (n_samples, d)
        Rows of each step, from the nearest to the source to the farthest.
    discard : float, default=0.1
        Share of each window, the least confident, that is not learned from.
    told : list of (rows, labels), optional
        For each window, rows whose label is known; these are kept with it.

    Returns
    -------
    model : classifier
        Fitted on the last window.
    labelled : list of (labels, kept)
        For each window, one label a row and which rows were learned from.
    steps : list of dict
        For each window ``size``, ``confidence`` (mean over its rows) and ``kept`` (share).

    References
    ----------
    .. [1] A. Kumar, T. Ma, P. Liang. Understanding self-training for gradual domain adaptation. ICML 2020.
    """
    fresh, labelled, steps = clone(model), [], []
    X_fit, y_fit = Xs, ys
    for number, X in enumerate(windows):
        labels = np.array(model.predict(X))
        sure = confidence(model, X) if discard > 0 or hasattr(model, "predict_proba") else np.ones(X.shape[0])
        kept = sure >= np.quantile(sure, discard)
        if told is not None and len(told[number][0]):
            rows, known = told[number]
            labels[rows], kept[rows] = known, True
        for c in np.unique(labels):  # the last of a class is never discarded
            if not kept[labels == c].any():
                kept[np.flatnonzero(labels == c)[sure[labels == c].argmax()]] = True
        X_fit, y_fit = _fill(X[kept], labels[kept], X_fit, y_fit)
        model = clone(fresh).fit(X_fit, y_fit)
        labelled.append((labels, kept))
        steps.append({"size": int(X.shape[0]), "confidence": float(sure.mean()), "kept": float(kept.mean())})
    return model, labelled, steps


def _passes_on(name: str) -> Any:
    def check(self: Any) -> bool:
        fitted = getattr(self, "estimator_", None)
        getattr(fitted if fitted is not None else self._base(), name)  # raises AttributeError where it is missing
        return True

    return check


class GradualSelfTraining(ClassifierMixin, MetaEstimatorMixin, TransferEstimator):
    """Cross a wide gap in short steps, at each of which the model is still mostly right and labels the rows itself.

    A model that fails at the far end of a path may be nearly right one step away. It labels the rows there, is fitted
    anew on what it is sure of, and takes the next step. The rows of the steps are given as `intermediate`, or found in
    the target by their distance from the source.

    Parameters
    ----------
    estimator : classifier, optional
        Fitted at every step; left out, logistic regression. It should be regularised: without that, a model that is
        fitted on its own labels has no reason to move.
    intermediate : list of array-like of shape (n_samples, n_features), optional
        Unlabelled rows between source and target, one table a step, the nearest to the source first; the target is the
        last step. A scaler before this method in a pipeline does not see them, so scale inside `estimator`.
    n_steps : int, default=5
        Steps into which rows without given steps are cut. A target with fewer than ten rows a class and step is cut in
        fewer steps, and into none with fewer than ten rows a class.
    order : {"auto", "given", "distance"}, default="auto"
        ``"given"`` follows the tables of `intermediate`, or without them the target's rows as they stand (by time, for
        example). ``"distance"`` sorts all unlabelled rows by :func:`path_distance` from the source and cuts them in
        `n_steps`. ``"auto"`` is ``"given"`` with `intermediate` and ``"distance"`` without.
    discard : float, default=0.1
        Share of each step's rows, the least confident, that is not learned from.
    n_neighbors : int, default=10
        Rows within one hop, for the distance along the path.

    Attributes
    ----------
    estimator_ : classifier
        Fitted on the last step; where the steps were found by distance, on the target's rows, each with the label of
        its own step, because these may lie all along the path.
    source_estimator_ : classifier
        Fitted on the source.
    steps_ : list of dict
        For each step its ``size``, the mean ``confidence`` of its labels and the share of rows ``kept``.
    classes_ : ndarray of shape (n_classes,)
        The source's classes.

    Notes
    -----
    Helps when the classes move little from step to step against the room between them, as with sensors that age or
    pictures that turn; the bound of [1]_ grows exponentially with the number of steps, so few that are short enough are
    best. Labels known in the target take the place of the model's own. Hurts when there is no path: where the target is
    far with nothing between, the first step is wrong and the rest confirm it; and where a window's share of classes
    differs much from the last one's.

    Time is that of one fit a step; ordering by distance adds O(n² d) time at worst and O(n n_neighbors) memory, n
    unlabelled rows.

    References
    ----------
    .. [1] A. Kumar, T. Ma, P. Liang. Understanding self-training for gradual domain adaptation. ICML 2020.

    Examples
    --------
    >>> from landbridge.data import make_gradual_shift
    >>> from landbridge.stepwise import GradualSelfTraining
    >>> source, *path, target = make_gradual_shift(8, angle=140, random_state=0)
    >>> model = GradualSelfTraining(intermediate=[step.X for step in path])
    >>> model = model.fit(source.X, source.y, X_target=target.X)
    >>> model.source_estimator_.score(target.X, target.y) < 0.2
    True
    >>> model.score(target.X, target.y) > 0.95
    True
    """

    transfer_tags = TransferTags(
        family="stepwise",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "subspace"}),
        growth="time one fit a step, and O(n² d) at worst for the order; memory O(n (d + n_neighbors))",
        reference="Kumar, Ma, Liang: Understanding self-training for gradual domain adaptation. ICML 2020",
        max_samples=20000,
    )
    _accept_sparse = True
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "intermediate": [list, tuple, None],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "order": [StrOptions({"auto", "given", "distance"})],
        "discard": [Interval(Real, 0, 1, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        intermediate: Any = None,
        n_steps: int = 5,
        order: str = "auto",
        discard: float = 0.1,
        n_neighbors: int = 10,
    ) -> None:
        self.estimator = estimator
        self.intermediate = intermediate
        self.n_steps = n_steps
        self.order = order
        self.discard = discard
        self.n_neighbors = n_neighbors

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Fit on the source, then walk to the target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source rows.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), optional
            All target rows; left out, the walk ends with `intermediate`, and without these it is not begun.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows; they are kept where the model would give its own.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        self.source_estimator_ = clone(self._base()).fit(read.Xs, read.ys)
        self.classes_ = np.unique(read.ys)
        stones = [
            read_stone(self, a, f"intermediate[{i}]")
            for i, a in enumerate(self.intermediate if self.intermediate is not None else [])
        ]
        order = self.order if self.order != "auto" else "given" if stones else "distance"
        blocks = [*stones, read.Xt] if X_target is not None else stones
        windows = self._windows(read.Xs, blocks, order, by_table=bool(stones))
        rows = read.rows + sum(b.shape[0] for b in blocks[:-1])
        labels = np.empty(sum(b.shape[0] for b in blocks), dtype=read.ys.dtype)
        known = np.zeros(len(labels), dtype=bool)
        if len(rows):
            # the source's dtype may be too narrow for a label's text
            labels = labels.astype(np.result_type(labels.dtype, read.yt.dtype))
            labels[rows], known[rows] = read.yt, True
        told = [(np.flatnonzero(known[w]), labels[w][known[w]]) for w in windows]
        everything = stack_rows(blocks) if blocks else read.Xs[:0]
        model, labelled, self.steps_ = gradual_self_training(
            self.source_estimator_, read.Xs, read.ys, [everything[w] for w in windows], discard=self.discard, told=told
        )
        if order == "distance" and len(windows) > 1:
            model = self._on_target(everything, windows, labelled, len(labels) - read.Xt.shape[0], read)
        self.estimator_ = model
        return self

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
        X = self._read_rows(X)
        return self.estimator_.predict(X)

    @available_if(_passes_on("predict_proba"))
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
        return self.estimator_.predict_proba(X)

    @available_if(_passes_on("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the decision values of target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        X = self._read_rows(X)
        return self.estimator_.decision_function(X)

    def _base(self) -> Any:
        return LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator

    def _windows(self, Xs: Any, blocks: list[Any], order: str, *, by_table: bool) -> list[NDArray[np.intp]]:
        """Row numbers of each step, counted over all unlabelled rows one table after another."""
        n = sum(b.shape[0] for b in blocks)
        if order == "given" and by_table:
            return np.split(np.arange(n), np.cumsum([b.shape[0] for b in blocks])[:-1])
        n_steps = min(self.n_steps, n // (ROWS_A_CLASS * len(self.classes_)))
        if n_steps == 0:
            return []
        where = np.arange(n)
        if order == "distance":
            where = np.argsort(path_distance(Xs, stack_rows(blocks), n_neighbors=self.n_neighbors), kind="stable")
        return np.array_split(where, n_steps)

    def _on_target(self, X: Any, windows: list[Any], labelled: list[Any], first: int, read: Read) -> Any:
        """Fit on the target's rows, each with the label of its own step; the rows before `first` are others."""
        kept = np.concatenate([k for _, k in labelled])
        labels, where = np.concatenate([c for c, _ in labelled])[kept], np.concatenate(windows)[kept]
        mine = where >= max(first, 0)
        return clone(self._base()).fit(*_fill(X[where[mine]], labels[mine], read.Xs, read.ys))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._base())
        tags.classifier_tags = inner.classifier_tags
        tags.classifier_tags.multi_label = False
        tags.input_tags.sparse = inner.input_tags.sparse
        return tags


def _fill(X: Any, y: NDArray[Any], X_before: Any, y_before: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
    """Add the rows that were last fitted on of the classes that these rows lack."""
    absent = ~np.isin(y_before, y)
    if not absent.any():
        return X, y
    return stack_rows([X, X_before[absent]]), np.concatenate([y, y_before[absent]])
