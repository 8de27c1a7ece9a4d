"""Everything together: from held-out source predictions and target predictions to one estimate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.resampling import random_generator, subsample
from landbridge.performance._combined import combined_performance
from landbridge.performance._combined_loss import combined_loss
from landbridge.performance._domain_comparison import DomainComparison, compare_domains
from landbridge.performance._importance_weighted import weighted_balanced_accuracy
from landbridge.performance._interval import Z90
from landbridge.performance._labelled import labelled_performance, weighted_by_precision
from landbridge.performance._predictions import Predictions
from landbridge.performance._singles import classification_estimates, regression_estimates

__all__ = ["METRICS", "PerformanceEstimate", "estimate_performance"]

METRICS = {"classification": ("accuracy", "balanced accuracy"), "regression": ("R²", "RMSE")}
MAX_SAMPLES = 2000


class PerformanceEstimate(NamedTuple):
    """What :func:`estimate_performance` returns.

    Parameters
    ----------
    combined : Measurement
        With an interval of 90 %.
    estimates : dict of str to Measurement
        Single estimates.
    domains : DomainComparison or None
        None where source samples were not given.
    """

    combined: Measurement
    estimates: dict[str, Measurement]
    domains: DomainComparison | None


def estimate_performance(
    held_out: Predictions | None,
    target: Predictions,
    *,
    X_source: Any = None,
    X_target: Any = None,
    labelled: Measurement | None = None,
    metric: str = "accuracy",
    max_samples: int = MAX_SAMPLES,
    random_state: int | None = None,
) -> PerformanceEstimate:
    """Estimate how good a model is on a target, in every way that applies, and combine the estimates.

    Parameters
    ----------
    held_out : Predictions or None
        Of source samples that the model was not fitted on, with labels. If None, there are target labels or confidences
        only.
    target : Predictions
        With labels where some samples are labelled and the model was not fitted on them; None elsewhere.
    X_source, X_target : array-like of shape (n_samples, n_features), optional
        The same samples, as numbers. If None, only estimators that need no samples are used.
    labelled : Measurement, optional
        Estimate from labelled target samples, with an interval of 90 %, such as one by cross-validation. If None, it is
        made from the labels of `target`.
    metric : {"accuracy", "balanced accuracy", "R²", "RMSE"}, default="accuracy"
    max_samples : int, default=2000
        Larger domains are reduced to this many samples each.
    random_state : int, optional
        Seeds samples, folds and forests.

    Returns
    -------
    PerformanceEstimate

    Raises
    ------
    InputError
        If nothing can be estimated from what was given.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.performance import Predictions, estimate_performance
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.uniform(0.5, 1.0, 400)
    >>> y = (rng.random(400) < confidence).astype(int)
    >>> held_out = Predictions(np.ones(400, dtype=int), confidence, y)
    >>> found = estimate_performance(held_out, Predictions(np.ones(400, dtype=int), confidence))
    >>> abs(found.combined.value - 0.75) < 0.05
    True
    """
    labelled = _labelled(target, metric) if labelled is None else labelled
    estimates: dict[str, Measurement] = {}
    domains, combined = None, None
    if held_out is not None:
        rng = random_generator(random_state)
        a, b = (np.asarray(subsample(len(p), max_samples, rng)) for p in (held_out, target))
        held_out, target = held_out.take(a), target.take(b)
        if X_source is not None and X_target is not None:
            domains = compare_domains(_rows(X_source, a), _rows(X_target, b), random_state=random_state)
        combined, estimates = _combined(held_out, target, domains, metric, random_state)
    elif target.confidence is not None and metric == "accuracy":
        combined = _by_confidence_alone(target)
        estimates = {"confidence": combined}
    if labelled is not None:
        estimates = {"labelled": labelled, **estimates}
        combined = labelled if combined is None else _with_labels(combined, labelled, metric)
    if combined is None:
        raise InputError(
            f"{metric} cannot be estimated without held-out source predictions or target labels; give source samples."
        )
    return PerformanceEstimate(combined, estimates, domains)


def _combined(
    held_out: Predictions, target: Predictions, domains: DomainComparison | None, metric: str, seed: int | None
) -> tuple[Measurement, dict[str, Measurement]]:
    shift = {} if domains is None else {"outside_support": domains.outside_support.value, "distance": domains.distance}
    if metric in METRICS["classification"]:
        estimates = classification_estimates(held_out, target, domains, metric=metric, random_state=seed)
        chance = 1 / max(len(np.unique(np.asarray(held_out.y))), 2)
        return combined_performance(estimates, metric=metric, chance=chance, **shift), estimates
    if domains is None:
        raise InputError(f"{metric} cannot be estimated without source samples; give them.")
    estimates = regression_estimates(held_out, target, domains, random_state=seed)
    y = np.asarray(held_out.y, dtype=float)
    on_source = 1 - float(np.mean(held_out.squared_errors)) / max(float(np.var(y)), 1e-12)
    combined = combined_loss(estimates, **shift, on_source=on_source)
    if metric == "R²":
        return combined, estimates
    # In the unit of the errors: R² is 1 - MSE / variance, with the variance that the estimates share.
    variance = float(np.median([m.details["variance"] for m in estimates.values()]))
    assert combined.low is not None and combined.high is not None
    value, low, high = ((max(1 - v, 0.0) * variance) ** 0.5 for v in (combined.value, combined.high, combined.low))
    rmse = Measurement(
        "combined", value, low, high, higher_is_better=False, details={"error": (high - low) / (2 * Z90)}
    )
    return rmse, regression_estimates(held_out, target, domains, metric="RMSE", random_state=seed)


def _by_confidence_alone(target: Predictions) -> Measurement:
    """Mean confidence, with an interval that allows for any miscalibration: from chance to one."""
    assert target.confidence is not None
    value = float(np.mean(target.confidence))
    chance = 1 / max(len(np.unique(target.predicted)), 2)
    details = {"error": (1 - min(chance, value)) / (2 * Z90)}
    return Measurement("combined", value, min(chance, value), 1.0, higher_is_better=True, details=details)


def _labelled(target: Predictions, metric: str) -> Measurement | None:
    if target.y is None:
        return None
    known = np.array([v is not None and v == v for v in np.asarray(target.y, dtype=object)], dtype=bool)
    if not known.any():
        return None
    some = target.take(known)
    y = np.array(np.asarray(some.y).tolist())
    some = replace(some, y=y)
    if metric == "accuracy":
        return labelled_performance(some.correct)
    if metric == "balanced accuracy":
        found = weighted_balanced_accuracy(np.asarray(some.predicted), y, np.ones(len(y)))
        return replace(found, name="labelled", details={"error": found.details["error"]})
    if len(y) < 3:
        return None
    loss = labelled_performance(some.squared_errors, binary=False)
    assert loss.low is not None and loss.high is not None
    if metric == "RMSE":
        low, value, high = (max(v, 0.0) ** 0.5 for v in (loss.low, loss.value, loss.high))
    else:
        variance = max(float(np.var(y)), 1e-12)
        low, value, high = (1 - v / variance for v in (loss.high, loss.value, loss.low))
    better, details = metric == "R²", {"error": (high - low) / (2 * Z90)}
    return Measurement("labelled", value, low, high, higher_is_better=better, details=details)


def _with_labels(combined: Measurement, labelled: Measurement, metric: str) -> Measurement:
    assert combined.low is not None and combined.high is not None
    # The labelled estimate is unbiased; the other one counts as little as its interval is wide.
    half = max(combined.high - combined.value, combined.value - combined.low, 1e-6) / Z90
    value, error = weighted_by_precision(labelled, replace(combined, details={"error": half}))
    least, most = {"R²": (-np.inf, 1.0), "RMSE": (0.0, np.inf)}.get(metric, (0.0, 1.0))
    low, high = max(value - Z90 * error, least), min(value + Z90 * error, most)
    better = combined.higher_is_better
    return Measurement(
        "combined", value, low, high, higher_is_better=better, details={**combined.details, "error": error}
    )


def _rows(X: Any, rows: NDArray[np.intp]) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
