"""A candidate's row in the table of a result."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from landbridge.guard._trial import Trial
from landbridge.guard._verdict import Assessment
from landbridge.verbs._hidden import hidden_quality
from landbridge.verbs._result import Candidate

__all__ = ["table_row"]


def table_row(trial: Trial, why: str, judged: Assessment | None, hidden: NDArray[Any] | None, task: str) -> Candidate:
    """Say what became of a candidate that was tried.

    Parameters
    ----------
    trial : Trial
    why : str
        Why it was tried; what the guard said of it is added.
    judged : Assessment or None
        The guard's verdict on it.
    hidden : ndarray of object or None
        Target labels that only score the outcome.
    task : {"classification", "regression"}

    Returns
    -------
    Candidate
        With the error in the place of the reason where it failed.
    """
    if trial.error:
        return Candidate(trial.name, trial.family, "failed", trial.error, seconds=trial.seconds)
    if judged is not None and judged.why and not trial.baseline:
        why = f"{why}; {judged.why}" if why else judged.why
    return Candidate(
        trial.name,
        trial.family,
        "tried",
        why,
        estimate=None if judged is None else judged.estimate,
        gain=None if judged is None else judged.gain,
        validators={kind.value: m for kind, m in trial.evidence.items()},
        hidden=hidden_quality(trial, hidden, task),
        seconds=trial.seconds,
        defensible=judged is not None and judged.defensible,
    )
