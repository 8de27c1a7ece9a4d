"""What a fitted model says about the samples it was fitted on: class shares, and means of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from landbridge.fitted_models import unwrap

__all__ = ["SourceFeatures", "class_shares", "penalised_logistic", "source_features"]


@dataclass(frozen=True)
class SourceFeatures:
    """Target samples in features whose source mean is zero and source variance one.

    Parameters
    ----------
    Z : ndarray of shape (n_target, n_known)
        Target samples.
    n_source : int
        Number of source samples that the mean was taken over.
    direct : bool
        True where these are exactly what the last step of the pipeline receives.
    """

    Z: NDArray[np.float64]
    n_source: int
    direct: bool


def class_shares(model: Any) -> NDArray[np.float64] | None:
    """Return the class shares under which a fitted classifier's probabilities hold, where the model stores them.

    With ``class_weight="balanced"`` these are equal shares, whatever the source samples were.

    Parameters
    ----------
    model : classifier
        Fitted. Naive Bayes, discriminant analysis, trees and forests, gradient boosting, nearest neighbours, Gaussian
        processes and dummy classifiers store their shares; of a pipeline, the last step counts.

    Returns
    -------
    ndarray of shape (n_classes,) or None
        None where they are not stored, as in logistic regression, support vector machines and neural networks.

    Examples
    --------
    >>> from landbridge.parameter import class_shares
    >>> from sklearn.naive_bayes import GaussianNB
    >>> class_shares(GaussianNB().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 0, 1])).tolist()
    [0.75, 0.25]
    """
    model = unwrap(model)
    if isinstance(model, Pipeline):
        return class_shares(model[-1])
    n_classes = len(model.classes_)
    shares = _stored(model, n_classes)
    if shares is None and getattr(model, "class_weight", None) == "balanced":
        shares = np.ones(n_classes)
    if shares is None:
        return None
    shares = np.asarray(shares, dtype=np.float64).ravel()
    if shares.shape != (n_classes,) or not np.isfinite(shares).all() or shares.min() < 0 or shares.sum() <= 0:
        return None
    return shares / shares.sum()


def _stored(model: Any, n_classes: int) -> Any:
    name = type(model).__name__
    for attribute in ("class_prior_", "priors_"):
        if hasattr(model, attribute):
            return getattr(model, attribute)
    if hasattr(model, "class_log_prior_") and name != "ComplementNB":
        return np.exp(model.class_log_prior_)
    if hasattr(model, "tree_"):
        return model.tree_.value[0, 0] if model.tree_.value.shape[1:] == (1, n_classes) else None
    if name in ("RandomForestClassifier", "ExtraTreesClassifier"):
        return np.mean([_stored(tree, n_classes) for tree in model.estimators_], axis=0)
    if name == "HistGradientBoostingClassifier":
        raw = np.ravel(model._baseline_prediction).astype(np.float64)
        return softmax(raw) if len(raw) > 1 else [1 - expit(raw[0]), expit(raw[0])]
    if name == "GradientBoostingClassifier":
        return getattr(getattr(model, "init_", None), "class_prior_", None)
    if name == "KNeighborsClassifier":
        return np.bincount(np.ravel(model._y), minlength=n_classes)
    if name == "GaussianProcessClassifier" and n_classes == 2:
        return np.bincount(np.ravel(model.base_estimator_.y_train_).astype(int), minlength=2)
    if name == "CalibratedClassifierCV":
        inner = [class_shares(c.estimator) for c in model.calibrated_classifiers_]
        plain = all(_last(c.estimator).get_params().get("class_weight") is None for c in model.calibrated_classifiers_)
        known = [shares for shares in inner if shares is not None]
        return np.mean(known, axis=0) if plain and len(known) == len(inner) else None
    return None


def _last(model: Any) -> Any:
    model = unwrap(model)
    return unwrap(model[-1]) if isinstance(model, Pipeline) else model


def source_features(model: Any, X: Any) -> SourceFeatures | None:
    """Take target samples to the last features of a pipeline whose means over the source samples are stored.

    Parameters
    ----------
    model : classifier
        Fitted. A pipeline with a ``StandardScaler``, ``PowerTransformer`` or ``PCA``, by itself or within a
        ``ColumnTransformer``; else a Gaussian naive Bayes classifier, whose means count, or trees, whose nodes store
        how many source samples reached them.
    X : array-like of shape (n_target, n_features)
        Target samples as the model takes them.

    Returns
    -------
    SourceFeatures or None
        None where no step stores means.
    """
    model = unwrap(model)
    found: SourceFeatures | None = None
    for _, step in model.steps[:-1] if isinstance(model, Pipeline) else ():
        if step is None or step == "passthrough":
            continue
        X = step.transform(X)
        known = _known_outputs(unwrap(step), X.shape[1])
        if known is not None:
            columns, centre, scale, n_source = known
            Z = X.tocsc()[:, columns].toarray() if sparse.issparse(X) else np.asarray(X)[:, columns]
            direct = len(columns) == X.shape[1] and not centre.any()
            found = SourceFeatures((Z.astype(np.float64) - centre) / scale, n_source, direct)
        elif found is not None and hasattr(step, "get_support") and found.Z.shape[1] == len(step.get_support()):
            found = SourceFeatures(found.Z[:, step.get_support()], found.n_source, found.direct)
        elif found is not None:
            found = SourceFeatures(found.Z, found.n_source, False)
    if found is not None and getattr(_last(model), "class_weight", None) is not None:
        return None  # the means are those of the source, the probabilities those of a weighted one
    if found is None:
        found = _from_last(_last(model), X)
    return found if found is not None and found.Z.shape[1] and np.isfinite(found.Z).all() else None


def _known_outputs(step: Any, width: int) -> tuple[NDArray[np.intp], NDArray, NDArray, int] | None:
    """Output features of a transformer whose source mean and deviation it stores: which, mean, deviation, count."""
    if isinstance(step, Pipeline):
        return _known_outputs(unwrap(step[-1]), width)
    every = np.arange(width)
    if isinstance(step, PowerTransformer) and step.standardize:
        step = step._scaler
    if isinstance(step, StandardScaler) and step.mean_ is not None:
        scale = np.ones(width) if step.scale_ is None else step.scale_
        centre = np.zeros(width) if step.with_mean else step.mean_ / scale
        deviation = np.ones(width) if step.var_ is None else np.sqrt(step.var_) / scale
        return every, centre, np.where(deviation > 0, deviation, 1.0), int(np.min(step.n_samples_seen_))
    if isinstance(step, PCA | IncrementalPCA):
        n = int(step.n_samples_seen_ if isinstance(step, IncrementalPCA) else step.n_samples_)
        deviation = np.ones(width) if step.whiten else np.sqrt(step.explained_variance_)
        return every, np.zeros(width), np.where(deviation > 0, deviation, 1.0), n
    if not isinstance(step, ColumnTransformer):
        return None
    parts = []
    for name, inner, _ in step.transformers_:
        place = step.output_indices_.get(name, slice(0, 0))
        part = None if isinstance(inner, str) else _known_outputs(unwrap(inner), place.stop - place.start)
        if part is not None and len(part[0]):
            parts.append((part[0] + place.start, *part[1:]))
    if not parts:
        return None
    columns, centres, scales = (np.concatenate([p[i] for p in parts]) for i in range(3))
    return columns, centres, scales, min(p[3] for p in parts)


def _from_last(last: Any, X: Any) -> SourceFeatures | None:
    """Statistics that a classifier stores of the samples it receives."""
    name = type(last).__name__
    if name == "GaussianNB":
        shares = last.class_prior_[:, None]
        mean = (shares * last.theta_).sum(axis=0)
        variance = (shares * (last.var_ + (last.theta_ - mean) ** 2)).sum(axis=0)
        Z = (np.asarray(X, dtype=np.float64) - mean) / np.sqrt(np.maximum(variance, 1e-300))
        return SourceFeatures(Z, int(last.class_count_.sum()), False)
    if sparse.issparse(X):
        return None
    nodes: dict[tuple[Any, ...], list[float]] = {}
    if name == "HistGradientBoostingClassifier":
        if last.is_categorical_ is not None and np.any(last.is_categorical_):
            return None
        X = np.asarray(X, dtype=np.float64)
        for round_ in last._predictors[:20]:
            for tree in round_:
                _add_nodes(nodes, tree.nodes, ("left", "right", "feature_idx", "num_threshold", "count"))
    else:
        trees = [last] if hasattr(last, "tree_") else list(np.ravel(getattr(last, "estimators_", [])))[:100]
        if not trees or not all(hasattr(tree, "tree_") for tree in trees):
            return None
        X = np.asarray(X, dtype=np.float32)  # as trees compare
        for tree in trees:
            t = tree.tree_
            arrays = (t.children_left, t.children_right, t.feature, t.threshold, t.weighted_n_node_samples)
            _add_nodes(nodes, dict(zip("abcde", arrays, strict=True)), tuple("abcde"))
    columns, n = [], max((shares[0] for shares in nodes.values()), default=0.0)
    for path, shares in nodes.items():
        reached = np.ones(len(X), dtype=bool)
        for feature, threshold, left in path:
            reached &= (X[:, feature] <= threshold) == left
        share = float(np.mean(shares[1:]))
        if 0.05 < share < 0.95:
            columns.append((reached - share) / np.sqrt(share * (1 - share)))
    if not columns or n < 1:
        return None
    return SourceFeatures(np.column_stack(columns[:100]), int(n), False)


def _add_nodes(nodes: dict[tuple[Any, ...], list[float]], tree: Any, names: tuple[str, ...]) -> None:
    """Add the nodes of the upper two levels: how they are reached, and by which share of the source samples."""
    left, right, feature, threshold, count = (tree[n] for n in names)
    open_nodes: list[tuple[int, tuple[Any, ...]]] = [(0, ())]
    total = float(count[0])
    while open_nodes:
        node, path = open_nodes.pop()
        if left[node] <= 0 or len(path) == 2:  # a leaf, or deep enough
            continue
        question = (int(feature[node]), float(threshold[node]))
        for child, goes_left in ((int(left[node]), True), (int(right[node]), False)):
            way = (*path, (*question, goes_left))
            # Both children of the root say the same.
            if path or goes_left:
                nodes.setdefault(way, [total]).append(float(count[child]) / total)
            open_nodes.append((child, way))


def penalised_logistic(model: Any) -> Any:
    """Return the last step where it is an unweighted logistic regression with an L2 penalty or none, else None.

    Parameters
    ----------
    model : classifier
        Fitted.

    Returns
    -------
    LogisticRegression or None
    """
    last = _last(model)
    # The class itself: subclasses such as LogisticRegressionCV choose their penalty per class.
    if type(last) is not LogisticRegression or last.class_weight is not None or not last.fit_intercept:
        return None
    if last.penalty not in ("l2", None, "deprecated") or (last.l1_ratio or 0.0) != 0.0:
        return None
    # One coefficient vector for two classes, else a multinomial model.
    return last if len(last.classes_) < 3 or last.solver != "liblinear" else None
