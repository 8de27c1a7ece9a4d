"""Rows of a result: what was planned, tried and assessed, put together per candidate."""

from __future__ import annotations

from typing import Any

from landbridge.results._candidate import Candidate
from landbridge.results._hidden_score import hidden_score

__all__ = ["candidate_rows"]


def candidate_rows(specs: Any, trials: Any, verdict: Any, problem: Any) -> tuple[Candidate, ...]:
    """Build the candidates of a result.

    Parameters
    ----------
    specs : list of CandidateSpec
    trials : list of Trial
    verdict : Verdict
    problem : Problem

    Returns
    -------
    tuple of Candidate
        Those that were tried, then those that were skipped.
    """
    reasons = {s.name: s.reason for s in specs}
    rows = [_row(t, reasons.get(t.name, ""), verdict.assessments.get(t.name), problem) for t in trials]
    return (*rows, *(Candidate(s.name, s.family, "skipped", s.reason) for s in specs if s.skipped))


def _row(trial: Any, why: str, assessment: Any, problem: Any) -> Candidate:
    facts: dict[str, Any] = {
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
