"""Trial of one candidate: fitted, its predictions and evidence kept, its warnings and errors with it."""

from __future__ import annotations

import time
import traceback
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge._process_state import Seen, recorded_warnings
from landbridge.candidates._specification import CandidateSpec
from landbridge.exceptions import WriteError
from landbridge.guard import Trial, held_out_predictions, in_class_order, probabilities
from landbridge.problem._problem import Problem
from landbridge.problem._structured import listed
from landbridge.runner._cross_validation import SplitScores, source_classes, validate_on_splits
from landbridge.runner._fit import fit_candidate, unfitted
from landbridge.runner._store import RunStore

__all__ = ["try_candidate"]

# Distinct warnings that are kept of one candidate.
MOST_WARNINGS = 20
# Pairs of overlapping subsets on which a clustering is repeated, and their share of the samples.
N_DRAWS, SUBSET = 4, 0.75


def try_candidate(
    spec: CandidateSpec,
    problem: Problem,
    *,
    held_out: bool = False,
    predict: bool = True,
    store: RunStore | None = None,
    raise_errors: bool = False,
) -> Trial:
    """Fit one candidate and collect what the guard needs to know about it.

    Parameters
    ----------
    spec : CandidateSpec
    problem : Problem
    held_out : bool, default=False
        Also predict held-out source samples, for shifts under which reweighted source samples represent the target.
    predict : bool, default=True
        Predict every target sample.
    store : RunStore, optional
        Where a finished trial is kept and found again.
    raise_errors : bool, default=False
        Raise what a candidate raises, instead of recording it.

    Returns
    -------
    Trial
        With ``error`` and ``traceback`` set if anything was raised.
    """
    if store is not None and (kept := store.trial(spec)) is not None:
        return kept
    started = time.perf_counter()
    found: dict[str, Any] = {}
    with recorded_warnings() as seen:
        try:
            if spec.cluster is not None:
                found = _stability(spec, problem)
            else:
                found = _evaluate(spec, problem, held_out=held_out, predict=predict, store=store)
        except WriteError:  # no candidate could be kept
            raise
        except Exception as error:  # the failure of one method must not affect the others; it is shown in the table
            if raise_errors:
                raise
            found = {"error": _first_line(error), "traceback": traceback.format_exc()}
    trial = Trial(
        spec.name,
        spec.family,
        shifts=spec.shifts,
        role=spec.role,
        preference=spec.preference,
        seconds=time.perf_counter() - started,
        warnings=_distinct(seen),
        **found,
    )
    if store is not None:
        store.keep_trial(trial)
    return trial


def _evaluate(
    spec: CandidateSpec, problem: Problem, *, held_out: bool, predict: bool, store: RunStore | None
) -> dict[str, Any]:
    model = unfitted(spec, problem)
    splits = problem.splits
    # A network is validated before it is fitted on everything, so that an interrupted run resumes in order.
    scores: SplitScores | None = None
    if splits is not None and spec.fit_on == "target":
        scores = validate_on_splits(spec, model, None, problem, store)
    fitted = fit_candidate(spec, model, problem, part="all", store=store)
    found: dict[str, Any] = {"model": fitted}
    if predict:
        found |= _predictions(fitted, spec, problem)
    if splits is not None:
        scores = validate_on_splits(spec, model, fitted, problem, store) if scores is None else scores
        found |= {"splits": scores.scores, "validated": scores.predicted, "validated_proba": scores.proba}
    if held_out:
        found["held_out"] = held_out_predictions(fitted, *problem.domains, random_state=problem.random_state)
    uses_path = spec.fit_on == "both" and getattr(_last(fitted), "intermediate_domains_", None) is not None
    return found | {"intermediate": bool(uses_path and problem.intermediate_domains)}


def _predictions(fitted: Any, spec: CandidateSpec, problem: Problem) -> dict[str, Any]:
    Xt = problem.target.frame()
    predicted = fitted.predict(Xt)
    if problem.task.structured:
        return {"predicted": listed(predicted)}
    if is_regressor(fitted):
        if not np.isfinite(np.asarray(predicted, dtype=float)).all():
            raise ValueError("it predicted values that are not finite")
        return {"predicted": predicted}
    classes = source_classes(problem)
    proba = in_class_order(probabilities(fitted, Xt), fitted.classes_, classes)
    return {"predicted": predicted, "classes": classes, "proba": proba}


def _stability(spec: CandidateSpec, problem: Problem) -> dict[str, Any]:
    """Adjusted Rand index of clusterings of overlapping subsets, and a classifier that extends the clusters."""
    assert spec.cluster is not None
    n = len(problem.target)
    seed = 0 if problem.random_state is None else int(problem.random_state)
    rng = np.random.default_rng(seed)
    draws = [tuple(np.sort(rng.permutation(n)[: int(SUBSET * n)]) for _ in range(2)) for _ in range(N_DRAWS)]
    scores = []
    for one, two in draws:
        both = np.intersect1d(one, two)
        first, second = spec.cluster(one), spec.cluster(two)
        scores.append(float(adjusted_rand_score(first[np.searchsorted(one, both)], second[np.searchsorted(two, both)])))
    labels = spec.cluster(np.arange(n))
    model = make_pipeline(StandardScaler(), NearestCentroid()).fit(problem.target.X, labels)
    return {"model": model, "predicted": labels, "splits": np.array(scores)}


def _distinct(seen: list[Seen]) -> tuple[str, ...]:
    lines = dict.fromkeys(f"{w.category.__name__}: {_first_line(w.message)}" for w in seen)
    return tuple(list(lines)[:MOST_WARNINGS])


def _first_line(error: Any) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _last(model: Any) -> Any:
    from sklearn.pipeline import Pipeline

    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    return model
