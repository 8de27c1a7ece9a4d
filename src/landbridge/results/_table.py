"""Rows of a result: what was planned, tried and assessed, put together per candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.guard._majority_vote import is_same_model
from landbridge.measurement import Measurement
from landbridge.results._candidate import Candidate
from landbridge.results._hidden_score import hidden_score

__all__ = ["candidate_rows", "rows_shown"]


def candidate_rows(
    specs: Any, trials: Any, verdict: Any, problem: Any, *, expected_of_source: Measurement | None = None
) -> tuple[Candidate, ...]:
    """Build the candidates of a result.

    Parameters
    ----------
    specs : list of CandidateSpec
    trials : list of Trial
    verdict : Verdict
    problem : Problem
    expected_of_source : Measurement, optional
        Expected score of source-only on the target, kept as its evidence ``"expected"``. If None, it is not known.

    Returns
    -------
    tuple of Candidate
        Those that were tried, then those that were skipped.
    """
    reasons = {s.name: s.reason for s in specs}
    same = _same_as(trials)
    rows = [
        _row(t, reasons.get(t.name, ""), verdict.assessments.get(t.name), problem, same.get(t.name, "")) for t in trials
    ]
    if expected_of_source is not None:
        known = {"expected": expected_of_source}
        rows = [replace(c, evidence={**c.evidence, **known}) if c.name == "source-only" else c for c in rows]
    return (*rows, *(Candidate(s.name, s.family, "skipped", s.reason) for s in specs if s.skipped))


def rows_shown(candidates: Sequence[Candidate], chosen: str) -> list[tuple[Candidate, list[str]]]:
    """Return the candidates that a table shows, each with the names of others that have the same predictions.

    Parameters
    ----------
    candidates : sequence of Candidate
    chosen : str
        Name of the chosen one, which stands for those with its predictions.

    Returns
    -------
    list of tuple of (Candidate, list of str)
        In the given order.
    """
    groups: dict[str, list[Candidate]] = {}
    for c in candidates:
        groups.setdefault(c.same_as or c.name, []).append(c)
    shown = []
    for group in groups.values():
        first = next((c for c in group if c.name == chosen), group[0])
        shown.append((first, [c.name for c in group if c is not first]))
    return shown


def _same_as(trials: Any) -> dict[str, str]:
    """Name of the first candidate with the same predictions, for each that has one."""
    first: list[Any] = []
    same: dict[str, str] = {}
    for trial in trials:
        # Structured labels are no plain array, whose entries could be compared.
        if trial.error or trial.baseline or trial.predicted is None or np.asarray(trial.predicted).dtype == object:
            continue
        twin = next((o for o in first if is_same_model(trial, o)), None)
        if twin is None:
            first.append(trial)
        else:
            same[trial.name] = twin.name
    return same


def _row(trial: Any, why: str, assessment: Any, problem: Any, same_as: str) -> Candidate:
    facts: dict[str, Any] = {
        "same_as": same_as,
        "seconds": trial.seconds,
        "warnings": trial.warnings,
        "traceback": trial.traceback,
    }
    if trial.error:
        status = "skipped" if trial.error.startswith("skipped: ") else "failed"
        return Candidate(trial.name, trial.family, status, trial.error.removeprefix("skipped: "), **facts)
    if assessment is not None and assessment.why and not trial.baseline:
        why = f"{why}; {assessment.why}" if why else assessment.why
    return Candidate(
        trial.name,
        trial.family,
        "tried",
        why,
        estimate=None if assessment is None else assessment.estimate,
        gain=None if assessment is None else assessment.gain,
        evidence={str(kind): m for kind, m in trial.evidence.items()},
        hidden=hidden_score(
            trial.predicted,
            problem.hidden_labels,
            problem.task,
            proba=trial.proba,
            classes=trial.classes,
            groups=problem.hidden_groups,
        ),
        defensible=assessment is not None and assessment.defensible,
        **facts,
    )
