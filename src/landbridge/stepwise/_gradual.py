"""Gradual self-training over intermediate domains."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.neighbors import NearestNeighbors

from landbridge._sklearn_compat import HasMethods, Interval, StrOptions, _fit_context
from landbridge.base import DelegatesToEstimator, Read, TransferEstimator, TransferTags
from landbridge.stepwise._samples import METADATA, check_intermediate_list, confidence, stack_samples

__all__ = ["GradualSelfTraining", "gradual_self_training", "path_distance"]

# Minimum number of samples per class and step.
SAMPLES_PER_CLASS = 10


def path_distance(Xs: Any, Xt: Any, *, n_neighbors: int = 10) -> NDArray[np.float64]:
    r"""Compute the cost of the cheapest path from the source to each target sample over other target samples.

    An edge costs its squared length, so that many short edges are cheaper than one long edge. A path starts with the
    edge from the nearest source sample. Along a curved target this follows the curve, unlike the Euclidean distance.

    Parameters
    ----------
    Xs : array-like or sparse matrix of shape (n_source, d)
        Source samples.
    Xt : array-like or sparse matrix of shape (n_target, d)
        Target samples.
    n_neighbors : int, default=10
        Number of neighbours of each target sample.

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
    tails, heads, lengths = [np.full(m, m)], [np.arange(m)], [first]
    if (k := min(n_neighbors, m - 1)) > 0:
        far, near = NearestNeighbors(n_neighbors=k).fit(Xt).kneighbors()
        tails, heads = [*tails, np.repeat(np.arange(m), k)], [*heads, near.ravel()]
        lengths = [*lengths, far.ravel()]
    # a zero would be read as no edge
    cost = np.maximum(np.concatenate(lengths) ** 2, np.finfo(np.float64).tiny)
    # Older releases of dijkstra take indices of 32 bits only.
    ends = tuple(np.concatenate(e).astype(np.int32) for e in (tails, heads))
    graph = coo_array((cost, ends), shape=(m + 1, m + 1)).tocsr()
    return dijkstra(graph.maximum(graph.T), directed=False, indices=m)[:m]


def gradual_self_training(
    model: Any,
    Xs: Any,
    ys: NDArray[Any],
    windows: list[Any],
    *,
    discard: float = 0.1,
    known: list[tuple[NDArray[np.intp], NDArray[Any]]] | None = None,
) -> tuple[Any, list[tuple[NDArray[Any], NDArray[np.bool_]]], list[dict[str, float]]]:
    r"""Self-train a classifier on a sequence of unlabelled windows, Algorithm 1 of [1]_ with hard labels.

    .. math:: \theta_{t+1} = \arg\min_\theta \sum_{x \in S_{t+1}} \ell\bigl(h_\theta(x), \operatorname{sign}
        h_{\theta_t}(x)\bigr) + r(\theta)

    The regulariser r is that of the classifier. A class that is absent from a window keeps the samples of its last fit,
    so that no class is lost.

    Parameters
    ----------
    model : classifier
        Fitted on the source; not changed.
    Xs : array-like or sparse matrix of shape (n_source, d)
        Source samples.
    ys : ndarray of shape (n_source,)
        Source labels.
    windows : list of array-like or sparse matrix of shape (n_samples, d)
        Samples of each step, nearest to the source first.
    discard : float, default=0.1
        Fraction of each window that is discarded, the least confident samples.
    known : list of (indices, labels), default=None
        For each window, samples with a known label, which is kept. If None, no label is known.

    Returns
    -------
    model : classifier
        Fitted on the last window.
    labelled : list of (labels, kept)
        For each window, one label per sample and which samples were used.
    steps : list of dict
        For each window ``size``, mean ``confidence`` and fraction of samples ``kept``.

    References
    ----------
    .. [1] A. Kumar, T. Ma, P. Liang. Understanding self-training for gradual domain adaptation. ICML 2020.
    """
    fresh, labelled, steps = clone(model), [], []
    X_fit, y_fit = Xs, ys
    for number, X in enumerate(windows):
        labels = np.array(model.predict(X))
        margin = confidence(model, X) if discard > 0 or hasattr(model, "predict_proba") else np.ones(X.shape[0])
        kept = margin >= np.quantile(margin, discard)
        if known is not None and len(known[number][0]):
            indices, given = known[number]
            labels[indices], kept[indices] = given, True
        for c in np.unique(labels):  # keep at least one sample of each class
            if not kept[labels == c].any():
                kept[np.flatnonzero(labels == c)[margin[labels == c].argmax()]] = True
        X_fit, y_fit = _fill(X[kept], labels[kept], X_fit, y_fit)
        model = clone(fresh).fit(X_fit, y_fit)
        labelled.append((labels, kept))
        steps.append({"size": int(X.shape[0]), "confidence": float(margin.mean()), "kept": float(kept.mean())})
    return model, labelled, steps


class GradualSelfTraining(DelegatesToEstimator, MetaEstimatorMixin, TransferEstimator):
    """Gradual self-training over intermediate domains.

    A classifier that fails on a distant target may be accurate on a domain close to the source. It predicts labels
    there, is refitted on its confident predictions, and continues with the next domain up to the target. The
    intermediate domains are passed to ``fit``, or found in the target by the distance from the source. `skada` has
    `GradualEstimator`, which generates intermediate domains by optimal transport.

    Parameters
    ----------
    estimator : classifier, default=None
        Base learner, fitted at every step. It should be regularised: an unregularised model that is fitted on its own
        predictions does not change. If None, logistic regression.
    n_steps : int, default=5
        Number of steps if no intermediate domains are given, or `order` is "distance". Fewer steps with fewer than ten
        samples per class and step, and none with fewer than ten samples per class.
    order : {"auto", "given", "distance"}, default="auto"
        Order of the steps. "given": that of the intermediate domains, or without them that of the target samples (for
        example by time). "distance": all unlabelled samples are sorted by :func:`path_distance` from the source and
        split into `n_steps`. "auto": "given" with intermediate domains and "distance" without.
    discard : float, default=0.1
        Fraction of the samples of each step that is discarded, the least confident ones.
    n_neighbors : int, default=10
        Number of neighbours in the graph of :func:`path_distance`.

    Attributes
    ----------
    estimator_ : classifier
        Fitted on the last step. If the steps were found by distance, fitted on all target samples, each with the label
        predicted at its step.
    source_estimator_ : classifier
        Fitted on the source.
    steps_ : list of dict
        For each step its ``size``, the mean ``confidence`` of the predictions and the fraction of samples ``kept``.
    intermediate_domains_ : list of ndarray or csr_matrix of shape (n_samples, n_features)
        Intermediate domains passed to ``fit``; empty without.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source.

    Notes
    -----
    Helps if the classes move little from step to step compared with their distance, as with ageing sensors or rotating
    images; the bound of [1]_ grows exponentially with the number of steps, so use as few as possible. Labels of target
    samples replace the predictions. Hurts without a path: if the target is far from the source with no samples between,
    later steps confirm the errors of the first one. Hurts if the class proportions of consecutive steps differ much.

    Time is one fit of the estimator per step; ordering by distance adds at worst O(n² d) time and O(n n_neighbors)
    memory for n unlabelled samples.

    References
    ----------
    .. [1] A. Kumar, T. Ma, P. Liang. Understanding self-training for gradual domain adaptation. ICML 2020.

    Examples
    --------
    >>> from landbridge.data import make_gradual_shift
    >>> from landbridge.stepwise import GradualSelfTraining
    >>> source, *path, target = make_gradual_shift(8, angle=140, random_state=0)
    >>> steps = [step.X for step in path]
    >>> model = GradualSelfTraining().fit(source.X, source.y, X_target=target.X, intermediate_domains=steps)
    >>> model.source_estimator_.score(target.X, target.y) < 0.2
    True
    >>> model.score(target.X, target.y) > 0.95
    True
    """

    transfer_tags = TransferTags(
        family="stepwise",
        reads=frozenset({"X_target", "y_target", "intermediate_domains"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "subspace"}),
        growth="time one fit per step, and O(n² d) at worst for the order; memory O(n (d + n_neighbors))",
        reference="Kumar, Ma, Liang: Understanding self-training for gradual domain adaptation. ICML 2020",
        max_samples=20000,
    )
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = METADATA
    _accept_sparse = True
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "order": [StrOptions({"auto", "given", "distance"})],
        "discard": [Interval(Real, 0, 1, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_steps: int = 5,
        order: str = "auto",
        discard: float = 0.1,
        n_neighbors: int = 10,
    ) -> None:
        self.estimator = estimator
        self.n_steps = n_steps
        self.order = order
        self.discard = discard
        self.n_neighbors = n_neighbors

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, intermediate_domains: Any = None
    ) -> Self:
        """Fit on the source, then self-train over the intermediate domains to the target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples.
        y : array-like of shape (n_source,)
            Source labels.
        X_target : array-like of shape (n_target, n_features), default=None
            All target samples. If None, self-training ends with the last intermediate domain.
        y_target : array-like of shape (n_target,), default=None
            Labels of some target samples, which replace the predictions.
        intermediate_domains : list of array-like of shape (n_samples, n_features), default=None
            Unlabelled domains between source and target, nearest to the source first. If None, the steps are found in
            the target.

        Returns
        -------
        self
        """
        read = self._read(X, y, X_target, y_target, supervised=True)
        self.source_estimator_ = clone(self._base()).fit(read.Xs, read.ys)
        self._n_classes = len(np.unique(read.ys))
        self.intermediate_domains_ = check_intermediate_list(self, intermediate_domains)
        given = self.intermediate_domains_
        order = self.order if self.order != "auto" else "given" if given else "distance"
        blocks = [*given, read.Xt] if X_target is not None else given
        windows = self._windows(read.Xs, blocks, order, by_domain=bool(given))
        rows = read.rows + sum(b.shape[0] for b in blocks[:-1])
        labels = np.empty(sum(b.shape[0] for b in blocks), dtype=read.ys.dtype)
        known = np.zeros(len(labels), dtype=bool)
        if len(rows):
            # the dtype of the source labels may be too short for a string label
            labels = labels.astype(np.result_type(labels.dtype, read.yt.dtype))
            labels[rows], known[rows] = read.yt, True
        known_labels = [(np.flatnonzero(known[w]), labels[w][known[w]]) for w in windows]
        everything = stack_samples(blocks) if blocks else read.Xs[:0]
        model, labelled, self.steps_ = gradual_self_training(
            self.source_estimator_,
            read.Xs,
            read.ys,
            [everything[w] for w in windows],
            discard=self.discard,
            known=known_labels,
        )
        if order == "distance" and len(windows) > 1:
            model = self._on_target(everything, windows, labelled, len(labels) - read.Xt.shape[0], read)
        self.estimator_ = model
        return self

    def _windows(self, Xs: Any, blocks: list[Any], order: str, *, by_domain: bool) -> list[NDArray[np.intp]]:
        """Return the sample indices of each step, counted over all unlabelled domains in order."""
        n = sum(b.shape[0] for b in blocks)
        if order == "given" and by_domain:
            return np.split(np.arange(n), np.cumsum([b.shape[0] for b in blocks])[:-1])
        n_steps = min(self.n_steps, n // (SAMPLES_PER_CLASS * self._n_classes))
        if n_steps == 0:
            return []
        where = np.arange(n)
        if order == "distance":
            where = np.argsort(path_distance(Xs, stack_samples(blocks), n_neighbors=self.n_neighbors), kind="stable")
        return np.array_split(where, n_steps)

    def _on_target(self, X: Any, windows: list[Any], labelled: list[Any], first: int, read: Read) -> Any:
        """Fit on the target samples, which start at index `first`, each with the label predicted at its step."""
        kept = np.concatenate([k for _, k in labelled])
        labels, where = np.concatenate([c for c, _ in labelled])[kept], np.concatenate(windows)[kept]
        mine = where >= max(first, 0)
        return clone(self._base()).fit(*_fill(X[where[mine]], labels[mine], read.Xs, read.ys))


def _fill(X: Any, y: NDArray[Any], X_before: Any, y_before: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
    """Add the samples of the previous fit for classes that are absent."""
    absent = ~np.isin(y_before, y)
    if not absent.any():
        return X, y
    return stack_samples([X, X_before[absent]]), np.concatenate([y, y_before[absent]])
