"""Expected quality of the chosen model: what a run and a fitted model have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from landbridge._process_state import quiet
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.guard import (
    MAJORITY_VOTE,
    EvidenceKind,
    Trial,
    Verdict,
    in_class_order,
    predict_source,
    probabilities,
    reads_target,
    source_model,
    worth_refitting,
)
from landbridge.guard._by_weighting import ASSUMPTIONS
from landbridge.guard._fitting import held_out_fits, take
from landbridge.guard._verdict import NO_LABELS
from landbridge.guard._views import last_step
from landbridge.measurement import Measurement
from landbridge.numerics.target_shift import weighted_moments
from landbridge.performance import (
    PerformanceEstimate,
    Predictions,
    calibrated_confidence,
    estimate_performance,
    performance_under_label_shift,
    revised_performance,
    wilson_interval,
)
from landbridge.performance._labelled import weighted_by_precision
from landbridge.problem import Problem
from landbridge.problem._judging import LEAST_SHARE
from landbridge.results import Expected

__all__ = [
    "describe",
    "digest_of",
    "expected_of_run",
    "expected_of_source",
    "held_out_source",
    "predictions_of",
    "to_expected",
]

# Source samples whose held-out predictions are kept with a result.
MAX_SAMPLES = 2000
# Evidence for a model that maps the features of the target.
MAPS = (EvidenceKind.SHARE_PROFILE, EvidenceKind.ENSEMBLE, EvidenceKind.UNITS)
# Metrics that can be estimated, under their names as scorers; for any other, the default one of the task is.
ESTIMATED = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "balanced accuracy": "balanced accuracy",
    "r2": "R²",
    "R²": "R²",
}
# From so many source samples on, one third of them is held out once, instead of each third in turn.
ONE_FOLD = 600
# From an interval of 95 % to one of 90 %.
Z90 = 1.6449
NARROWER = Z90 / 1.9600
# Standard deviation of the agreement of a vote with a held-out member about its accuracy, on older pairs of the audit.
AGREEMENT_ERROR = 0.15
# Why the mean recall of the classes is estimated where no score was asked for.
RARE_CLASS = "It is balanced, because a class of the source is rare."
# Wider intervals, in units of accuracy or R², are commented on.
WIDE = 0.25
OUTSIDE = 0.15


def expected_of_run(problem: Problem, chosen: Trial, trials: Sequence[Trial], verdict: Verdict) -> Expected | None:
    """Estimate how good the chosen model of a run is on the target.

    Parameters
    ----------
    problem : Problem
    chosen : Trial
        With its model.
    trials : sequence of Trial
    verdict : Verdict

    Returns
    -------
    Expected or None
        None for clusterings, which have no labels to be right about, and where nothing can be said.
    """
    if verdict.evidence == "stability of clusters" or chosen.model is None:
        return None
    if problem.task.structured:
        return None  # without labels nothing can be said, and with labels the table of candidates says it
    metric = _metric_of(problem)
    if problem.task.metric not in ESTIMATED and problem.splits is not None:
        return None  # it is measured by a score that cannot be estimated, and another would contradict it
    labelled = _of_splits(chosen, verdict, problem) if problem.task.metric in ESTIMATED else None
    vote = chosen.name == MAJORITY_VOTE
    tried: Any = source_model(trials) if vote else chosen
    rows, held_out = None, None
    with quiet():  # the fits of the candidate have shown them already
        model = problem.baseline_learner if vote or tried.role == "source-only" else tried.model
        if _can_hold_out(problem, tried, model):
            assert problem.source is not None
            every = vote or tried.role == "source-only" or len(problem.source) < ONE_FOLD
            rows, held_out = held_out_source(
                model, *problem.domains, random_state=problem.random_state, every_fold=every
            )
        # the values of a vote are judged by the errors of the source model; its classes are compared with that model's
        judged = chosen if vote and problem.task.name == "regression" else tried
        target = predictions_of_trial(judged, problem)
    if held_out is None and labelled is None:
        if target.confidence is None:
            return None
        metric = "accuracy"  # confidences alone say nothing about the recall of each class
    samples: dict[str, Any] = {}
    if held_out is not None and problem.source is not None:
        samples = {"X_source": problem.source.X[rows], "X_target": problem.domains[1].X}
        if _maps(verdict, chosen):
            samples = {side: _standardised(X) for side, X in samples.items()}
    found = estimate_performance(
        held_out, target, labelled=labelled, metric=metric, random_state=problem.random_state, **samples
    )
    if labelled is not None and labelled.low is not None and labelled.high is not None:
        if not labelled.low <= found.combined.value <= labelled.high:  # what was measured outweighs what was estimated
            found = found._replace(combined=labelled)
    if _is_label_shift(verdict) and labelled is None and held_out is not None and held_out.confidence is not None:
        held = replace(held_out, y=np.asarray(held_out.y))
        found = found._replace(combined=performance_under_label_shift(found.combined, held, target, metric))
    if vote and held_out is not None and held_out.confidence is not None:
        found = _of_vote(found, held_out, target, predictions_of_trial(chosen, problem))
        found = _with_agreement(found, verdict, metric)
    kept = None if held_out is None or vote else {**held_out.to_dict(), "rows": rows.tolist()}  # type: ignore[union-attr]
    expected = to_expected(found, metric, problem.n_labelled if labelled is not None else 0, kept)
    if metric == "balanced accuracy" and problem.task.scoring is None:
        return replace(expected, words=f"{expected.words} {RARE_CLASS}")
    return expected


def _is_label_shift(verdict: Verdict) -> bool:
    """Whether the decision rests on the assumption that only the class shares differ."""
    return verdict.assumption == ASSUMPTIONS["label"]


def _metric_of(problem: Problem) -> str:
    """The metric to estimate: balanced accuracy where a class of the source is rare and nothing else was asked for."""
    metric = ESTIMATED.get(problem.task.metric, problem.task.default_metric)
    source = problem.source
    if metric != "accuracy" or problem.splits is not None or problem.task.scoring is not None:
        return metric
    if not isinstance(source, Domain) or source.y is None or not source.labelled.any():
        return metric
    counts = np.unique(np.asarray(source.labelled_part().y).astype(str), return_counts=True)[1]
    rare = len(counts) > 1 and counts.min() / counts.sum() < 2 * LEAST_SHARE / len(counts)
    return "balanced accuracy" if rare else metric


def digest_of(X: Any) -> str:
    """Return a digest of samples, by which the target of a run is recognised.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    str
    """
    parts = (X.tocsr().data, X.tocsr().indices) if hasattr(X, "tocsr") else (np.asarray(X, dtype=float),)
    digest = hashlib.blake2b(repr(X.shape).encode(), digest_size=8)
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def expected_of_source(
    problem: Problem, chosen: Trial, trials: Sequence[Trial], verdict: Verdict
) -> Measurement | None:
    """Estimate how good the source model alone is on the target, to stand beside the chosen model.

    Parameters
    ----------
    problem : Problem
    chosen : Trial
    trials : sequence of Trial
    verdict : Verdict

    Returns
    -------
    Measurement or None
        Named after the metric, with an interval of 90 %. None where target labels judge it, where it is the chosen one,
        and where it would have to be fitted again at a high price.
    """
    source = next((t for t in trials if t.role == "source-only" and not t.error), None)
    if source is None or chosen.role == "source-only" or verdict.evidence != NO_LABELS or source.predicted is None:
        return None
    fitted, learner = source.model, problem.baseline_learner
    if learner is None or hasattr(fitted, "network_") or hasattr(learner, "network"):
        return None
    if not _can_hold_out(problem, source, learner) or not worth_refitting(learner, *map(len, problem.domains)):
        return None
    assert problem.source is not None
    metric = _metric_of(problem)
    with quiet():  # its fit has shown them already
        rows, held_out = held_out_source(learner, *problem.domains, random_state=problem.random_state)
        target = predictions_of_trial(source, problem)
    samples = {"X_source": problem.source.X[rows], "X_target": problem.domains[1].X}
    found = estimate_performance(held_out, target, metric=metric, random_state=problem.random_state, **samples)
    return replace(found.combined, name=metric)


def held_out_source(
    model: Any, source: Domain, target: Domain, *, random_state: int | None = None, every_fold: bool = True
) -> tuple[NDArray[np.intp], Predictions]:
    """Predict for source samples with clones of a model that were fitted without them.

    Parameters
    ----------
    model : estimator
    source : Domain
        Labelled.
    target : Domain
    random_state : int, optional
        Draws the folds and the samples.
    every_fold : bool, default=True
        Whether each third is held out in turn. If False, one third is, once.

    Returns
    -------
    rows : ndarray of int
        Which source samples, at most 2,000.
    predictions : Predictions
        Of these, with their labels.
    """
    assert source.y is not None
    classes = np.unique(source.y)
    regression = is_regressor(model)
    rows: list[NDArray[np.intp]] = []
    made: list[NDArray[Any]] = []
    for fitted, test in held_out_fits(model, source, target, 3, random_state):
        X = take(source.frame(), test)
        if regression:
            made.append(np.asarray(predict_source(fitted, X), dtype=float))
        else:
            made.append(in_class_order(probabilities(fitted, X, side="source"), fitted.classes_, classes))
        rows.append(np.asarray(test))
        if not every_fold:
            break
    order = np.concatenate(rows)
    kept = np.sort(np.random.default_rng(random_state).permutation(len(order))[:MAX_SAMPLES])
    order, values = order[kept], np.concatenate(made)[kept]
    y = np.asarray(source.y)[order]
    return order, Predictions(values, None, y) if regression else Predictions.of_probabilities(values, classes, y)


def predictions_of(model: Any, X: Any, y: Any = None) -> Predictions:
    """Predict with a fitted model, with the confidence in each prediction for classifiers.

    Parameters
    ----------
    model : estimator
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Target samples, as the model takes them.
    y : ndarray of object, shape (n_samples,), optional
        Labels, None where there is none.

    Returns
    -------
    Predictions
    """
    predicted = np.asarray(model.predict(X))
    if is_regressor(model) or not hasattr(model, "classes_"):
        return Predictions(predicted.astype(float), None, y)
    return Predictions(predicted, _confidence(predicted, probabilities(model, X), np.asarray(model.classes_)), y)


def predictions_of_trial(trial: Trial, problem: Problem) -> Predictions:
    """Return the predictions of a trial for the target samples, without labels.

    Parameters
    ----------
    trial : Trial
    problem : Problem

    Returns
    -------
    Predictions
    """
    if trial.predicted is None:
        return predictions_of(trial.model, problem.target.frame())
    predicted = np.asarray(trial.predicted)
    if problem.task.name == "regression":
        return Predictions(predicted.astype(float))
    if trial.proba is None:
        proba, classes = probabilities(trial.model, problem.target.frame()), np.asarray(trial.model.classes_)
        return Predictions(predicted, _confidence(predicted, proba, classes))
    return Predictions(predicted, _confidence(predicted, trial.proba, np.asarray(trial.classes)))


def to_expected(
    found: PerformanceEstimate, metric: str, n_labelled: int, held_out: Mapping[str, Any] | None
) -> Expected:
    """Turn an estimate into what a verb returns.

    Parameters
    ----------
    found : PerformanceEstimate
    metric : str
    n_labelled : int
    held_out : mapping or None

    Returns
    -------
    Expected
    """
    combined, domains = found.combined, found.domains
    assert combined.low is not None and combined.high is not None
    outside = None if domains is None else domains.outside_support.value
    return Expected(
        value=combined.value,
        low=combined.low,
        high=combined.high,
        metric=metric,
        words=describe(combined, metric, n_labelled, outside, known=domains is not None),
        estimates=found.estimates,
        outside_support=outside,
        distance=None if domains is None else domains.distance,
        n_labelled=n_labelled,
        held_out=held_out,
    )


def describe(combined: Measurement, metric: str, n_labelled: int, outside: float | None, *, known: bool) -> str:
    """Say in words what is expected.

    Parameters
    ----------
    combined : Measurement
    metric : str
    n_labelled : int
    outside : float or None
        Share of target samples outside the support of the source.
    known : bool
        Whether source samples were at hand.

    Returns
    -------
    str
    """
    ends = (combined.value, combined.low, combined.high)
    if metric in ("accuracy", "balanced accuracy"):
        value, low, high = (f"{100 * v:.1f}" for v in ends if v is not None)
        text = f"Expected {metric} on the target: {value} % (90 % interval {low} to {high} %)"
    else:
        value, low, high = (f"{v:.3g}" for v in ends if v is not None)
        text = f"Expected {metric} on the target: {value} (90 % interval {low} to {high})"
    text += f", from {n_labelled:,} labelled target samples." if n_labelled else ", without target labels."
    if outside is not None and outside > OUTSIDE:
        text += f" {100 * outside:.0f} % of the target samples lie outside the support of the source."
    wide = combined.low is not None and combined.high is not None and combined.high - combined.low > WIDE
    if wide and metric != "RMSE":
        more = "More" if n_labelled else "A few"
        text += f" {more} labelled target samples would narrow the interval."
    if not known and not n_labelled:
        text += " Source samples were not compared with the target."
    return text


def _can_hold_out(problem: Problem, trial: Trial, model: Any) -> bool:
    """Whether clones can be fitted on parts of the source, at little cost."""
    if not isinstance(problem.source, Domain) or not isinstance(problem.target, Domain) or not problem.same_features:
        return False
    if trial.role not in ("candidate", "source-only") or model is None or hasattr(model, "network_"):
        return False
    if "y_target" in getattr(getattr(last_step(model), "transfer_tags", None), "needs", ()):
        return False
    source = problem.source
    if source.y is None or not source.labelled.all() or len(source) < 12:
        return False
    if problem.task.name == "classification" and np.unique(source.y, return_counts=True)[1].min() < 2:
        return False
    return worth_refitting(model, len(source), len(problem.target)) or trial.role == "source-only"


def _of_splits(chosen: Trial, verdict: Verdict, problem: Problem) -> Measurement | None:
    """Score on the splits of the labelled target samples, with an interval of 90 %."""
    assessment = verdict.assessments.get(chosen.name)
    if assessment is None or assessment.kind is not EvidenceKind.TARGET_LABELS or assessment.estimate is None:
        return None
    m = assessment.estimate
    if m.low is None or m.high is None or not np.isfinite([m.value, m.low, m.high]).all():
        return None
    low, high = (m.value + NARROWER * (end - m.value) for end in (m.low, m.high))
    if problem.task.name == "classification":
        # Splits that agree say less than they seem to: they share their few samples.
        ends = wilson_interval(m.value, max(problem.n_labelled, 1))
        low, high = min(low, ends[0]), max(high, ends[1])
    error = max(high - m.value, m.value - low, 1e-3) / Z90
    return Measurement("labelled", m.value, low, high, higher_is_better=True, details={"error": error})


def _of_vote(
    found: PerformanceEstimate, held_out: Predictions, source_only: Predictions, vote: Predictions
) -> PerformanceEstimate:
    assert held_out.confidence is not None
    p = calibrated_confidence(held_out.confidence, held_out.correct, source_only.confidence)
    revised = revised_performance(found.combined, p, vote.predicted, source_only.predicted, vote.confidence)
    return found._replace(combined=revised, estimates={**found.estimates, "revised": revised})


def _maps(verdict: Verdict, chosen: Trial) -> bool:
    """Return whether the chosen model maps the features of the target to those of the source."""
    assessment = verdict.assessments.get(chosen.name)
    return assessment is not None and assessment.kind in MAPS


def _standardised(X: Any) -> Any:
    """Bring each feature of a domain to mean zero and variance one; sparse samples stay as they are."""
    if hasattr(X, "tocsr"):
        return X
    X = np.asarray(X, dtype=float)
    mean, scale = weighted_moments(X)
    return (X - mean) / scale


def _with_agreement(found: PerformanceEstimate, verdict: Verdict, metric: str) -> PerformanceEstimate:
    """Combine the estimate of a vote with its agreement with members that were held out of it, by their precision."""
    assessment = verdict.assessments.get(MAJORITY_VOTE)
    agreed = None if assessment is None else assessment.estimate
    if agreed is None or agreed.name != "agreement" or metric != "accuracy":
        return found
    known = Measurement("agreement", agreed.value, higher_is_better=True, details={"error": AGREEMENT_ERROR})
    value, error = weighted_by_precision(known, found.combined)
    low, high = max(value - Z90 * error, 0.0), min(value + Z90 * error, 1.0)
    details = {**found.combined.details, "error": error}
    combined = Measurement("combined", value, low, high, higher_is_better=True, details=details)
    return found._replace(combined=combined, estimates={**found.estimates, "agreement of the vote": known})


def _confidence(predicted: NDArray[Any], proba: NDArray[np.float64], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Probability of the class that was predicted, which need not be the most probable one."""
    at = np.clip(np.searchsorted(classes, predicted), 0, len(classes) - 1)
    return np.asarray(proba[np.arange(len(predicted)), at], dtype=float)


def refit_kind(model: Any, source: Domain, target: Domain, random_state: int | None) -> tuple[Any, Predictions]:
    """Return held-out source predictions of a fitted model's kind, or say why there are none.

    Parameters
    ----------
    model : estimator
        Fitted; clones of it are fitted on parts of the source.
    source, target : Domain
    random_state : int or None

    Returns
    -------
    rows, predictions
        As :func:`held_out_source` returns them.

    Raises
    ------
    InputError
        If it cannot be fitted again.
    """
    try:
        return held_out_source(model, source, target, random_state=random_state)
    except (TypeError, ValueError, AttributeError) as error:
        again = "with a target" if reads_target(model) else "on the source"
        raise InputError(
            f"the model cannot be fitted {again} again ({str(error).splitlines()[0][:120]}); give source samples that "
            "it was not fitted on, and fitted_on_source=False."
        ) from error
