"""Every single estimator that applies, on the same predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import NearestNeighbors

from landbridge.measurement import Measurement
from landbridge.performance._agreement import agreement_on_the_line
from landbridge.performance._atc import average_thresholded_confidence
from landbridge.performance._balanced import expected_balanced_accuracy
from landbridge.performance._cbpe import calibrated_confidence, cbpe
from landbridge.performance._class_shares import class_share_performance
from landbridge.performance._direct import direct_performance, expected_scores
from landbridge.performance._doc import difference_of_confidences
from landbridge.performance._domain_comparison import DomainComparison
from landbridge.performance._doubly_robust import doubly_robust_performance
from landbridge.performance._importance_weighted import (
    effective_sample_size,
    weighted_balanced_accuracy,
    weighted_performance,
)
from landbridge.performance._multicalibrated import multicalibrated_cbpe
from landbridge.performance._predictions import Predictions

__all__ = ["classification_estimates", "regression_estimates"]

N_TREES, N_NEIGHBORS = 20, 5


def classification_estimates(
    held_out: Predictions,
    target: Predictions,
    domains: DomainComparison | None = None,
    *,
    metric: str = "accuracy",
    random_state: int | None = None,
) -> dict[str, Measurement]:
    """Estimate the accuracy or balanced accuracy on the target in every way that applies.

    Parameters
    ----------
    held_out : Predictions
        Of source samples that the model was not fitted on, with labels and confidences.
    target : Predictions
        With confidences.
    domains : DomainComparison, optional
        The same samples. If None, only estimators that need no samples are used.
    metric : {"accuracy", "balanced accuracy"}, default="accuracy"
    random_state : int, optional
        Seeds forests.

    Returns
    -------
    dict of str to Measurement
        By name.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import Predictions, classification_estimates
    >>> y, confidence = np.array([0, 1, 0, 1]), np.array([0.6, 0.9, 0.8, 0.9])
    >>> held_out = Predictions(np.array([1, 1, 0, 1]), confidence, y)
    >>> sorted(classification_estimates(held_out, Predictions(y, confidence)))[:2]
    ['average_thresholded_confidence', 'cbpe']
    """
    pairs = (held_out.confidence, held_out.correct, target.confidence)
    balanced = metric == "balanced accuracy"
    labels = (target.predicted, held_out.predicted, held_out.y)
    if balanced:
        found = [expected_balanced_accuracy("cbpe", calibrated_confidence(*pairs), *labels)]
    else:
        found = [
            cbpe(*pairs),
            average_thresholded_confidence(*pairs),
            difference_of_confidences(*pairs),
            class_share_performance(held_out.predicted, held_out.y, target.predicted),
        ]
    if domains is not None:
        w, n = domains.weights, effective_sample_size(domains.weights)
        if balanced:
            p = calibrated_confidence(*pairs, weights=w)
            found += [
                expected_balanced_accuracy("multicalibrated_cbpe", p, *labels, n_effective=n),
                weighted_balanced_accuracy(np.asarray(held_out.predicted), np.asarray(held_out.y), w),
            ]
        else:
            found += [
                multicalibrated_cbpe(*pairs, w),
                weighted_performance(held_out.correct, w, n_target=len(target)),
                _doubly_robust(held_out, target, domains, random_state),
                _agreement(held_out, target, domains, random_state),
            ]
    return {m.name: m for m in found}


def regression_estimates(
    held_out: Predictions,
    target: Predictions,
    domains: DomainComparison,
    *,
    metric: str = "R²",
    random_state: int | None = None,
) -> dict[str, Measurement]:
    """Estimate R² or RMSE on the target in every way that applies.

    Parameters
    ----------
    held_out : Predictions
        Of source samples that the model was not fitted on, with labels.
    target : Predictions
    domains : DomainComparison
        The same samples.
    metric : {"R²", "RMSE"}, default="R²"
    random_state : int, optional
        Seeds forests.

    Returns
    -------
    dict of str to Measurement
        By name. The variance of the target's values, which R² needs, is that of a forest's predictions plus its
        residual variance, or the weighted variance of the source.
    """
    losses, w = held_out.squared_errors, domains.weights
    y = np.asarray(held_out.y, dtype=float)
    on_source, on_target = expected_scores(domains.X_source, y, domains.X_target, random_state=random_state)
    noise = float(np.mean((y - on_source) ** 2))
    # The loss that a forest of the values expects: its distance from the prediction, and what it does not explain.
    q_source = (on_source - np.asarray(held_out.predicted, dtype=float)) ** 2 + noise
    q_target = (on_target - np.asarray(target.predicted, dtype=float)) ** 2 + noise
    mse = [
        direct_performance(losses, q_source, q_target, most=np.inf),
        doubly_robust_performance(losses, q_source, q_target, w, most=np.inf),
        weighted_performance(losses, w, n_target=len(target), most=np.inf),
    ]
    modelled = float(np.var(on_target)) + noise
    weighted = float(np.average((y - np.average(y, weights=w)) ** 2, weights=w))
    least = 1e-12 + 1e-3 * float(np.var(y))
    variances = [max(v, least) for v in (modelled, (modelled + weighted) / 2, weighted)]
    return {m.name: _of_squared_error(m, v, metric) for m, v in zip(mse, variances, strict=True)}


def _of_squared_error(mse: Measurement, variance: float, metric: str) -> Measurement:
    assert mse.low is not None and mse.high is not None
    if metric == "RMSE":
        value, low, high = (max(v, 0.0) ** 0.5 for v in (mse.value, mse.low, mse.high))
        error = mse.details["error"] / max(2 * value, 1e-12)
    else:
        value, low, high = (1 - v / variance for v in (mse.value, mse.high, mse.low))
        error = mse.details["error"] / variance
    details = {**mse.details, "error": error, "mean_squared_error": mse.value, "variance": variance}
    return Measurement(mse.name, value, low, high, higher_is_better=metric != "RMSE", details=details)


def _features(
    held_out: Predictions, target: Predictions, domains: DomainComparison, scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Samples with what the model made of them, and the scores between them as :func:`expected_scores` takes them."""
    parts = []
    for X, p in ((domains.X_source, held_out), (domains.X_target, target)):
        made = np.asarray(p.predicted if p.confidence is None else p.confidence, dtype=float)
        parts.append(np.column_stack([X, made]))
    return parts[0], scores, parts[1]


def _doubly_robust(held_out: Predictions, target: Predictions, domains: DomainComparison, seed: Any) -> Measurement:
    right = held_out.correct
    q_source, q_target = expected_scores(*_features(held_out, target, domains, right), random_state=seed)
    return doubly_robust_performance(right, q_source, q_target, domains.weights)


def _agreement(held_out: Predictions, target: Predictions, domains: DomainComparison, seed: Any) -> Measurement:
    """Agreement with two models that err in other ways: a forest out of bag, and nearest neighbours without itself."""
    Xs, Xt, y = domains.X_source, domains.X_target, np.asarray(held_out.y)
    classes, codes = np.unique(y, return_inverse=True)
    forest = RandomForestClassifier(N_TREES, min_samples_leaf=2, random_state=seed).fit(Xs, codes)
    votes = np.zeros((len(Xs), len(classes)))
    for tree, bag in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.ones(len(Xs), dtype=bool)
        out[bag] = False
        if out.any():
            votes[out] += tree.predict_proba(Xs[out])
    by_forest = (classes[votes.argmax(axis=1)], classes[forest.predict(Xt)])
    scale = Xs.std(axis=0)
    scale[scale < 1e-12] = 1.0
    index = NearestNeighbors(n_neighbors=min(N_NEIGHBORS, len(Xs) - 1)).fit(Xs / scale)
    near = (index.kneighbors(return_distance=False), index.kneighbors(Xt / scale, return_distance=False))
    by_neighbours = [classes[np.eye(len(classes))[codes[i]].sum(axis=1).argmax(axis=1)] for i in near]
    on_source, on_target = zip(by_forest, tuple(by_neighbours), strict=True)
    return agreement_on_the_line(
        np.stack([np.asarray(held_out.predicted), *on_source]), y, np.stack([np.asarray(target.predicted), *on_target])
    )
