"""Evidence from given intermediate domains: reverse validation along the same path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from landbridge.guard._by_ensemble import vetoed
from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._separation import separation_gain
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict, unsuited
from landbridge.measurement import Measurement

__all__ = ["MIN_ACCURACY", "PATH_MARGIN", "by_intermediate"]

KIND = EvidenceKind.INTERMEDIATE_PATH
ASSUMPTION = "The given intermediate domains lie between source and target, in the given order."
# How far reverse validation over the path may stay behind the source model's, which is fitted back in one step.
PATH_MARGIN = 0.03
# Least reverse validation score of a candidate that is believed.
MIN_ACCURACY = 0.5


def by_intermediate(source_only: Trial, candidates: Sequence[Trial], graph: Any, confidence: float) -> Verdict | None:
    """Choose the candidate fitted over given intermediate domains whose reverse validation is best.

    Its reverse validation, over the same domains in the opposite order, must be at least the source model's less three
    points and at least one half, and its labels must not separate neighbouring target samples more often. Whoever
    gives intermediate domains states that a single step is too wide, so that methods that take it in one step are no
    ensemble to compare with.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    graph : csr_matrix of shape (n_target, n_target) or None
        Neighbouring target samples.
    confidence : float
        One-sided.

    Returns
    -------
    Verdict or None
        None where no candidate was fitted over intermediate domains or none passed.
    """
    of_source = source_only.evidence.get(EvidenceKind.REVERSE_VALIDATION)
    least = max((0.0 if of_source is None else of_source.value) - PATH_MARGIN, MIN_ACCURACY)
    best: tuple[Trial, Measurement] | None = None
    for trial in candidates:
        reverse = trial.evidence.get(EvidenceKind.REVERSE_VALIDATION)
        if not trial.intermediate or reverse is None or reverse.value < least:
            continue
        if best is not None and reverse.value <= best[1].value:
            continue
        if not _separates(trial, source_only, graph, confidence):
            best = trial, reverse
    if best is None:
        return None
    chosen, reverse = best
    why = "reaches the target in one step although intermediate domains were given"
    assessments = {t.name: Assessment(None, None, False, why) for t in candidates}
    assessments |= unsuited(candidates) | {source_only.name: BASELINE}
    why = "the source's labels survive reverse validation over the intermediate domains"
    evidence = (Evidence(KIND, reverse, ASSUMPTION),)
    assessments[chosen.name] = Assessment(reverse, None, True, why, KIND, evidence)
    reason = (
        f"{chosen.name} was fitted over the given intermediate domains, and reverse validation over them gives "
        f"{_again(chosen, reverse)}. That the intermediate domains lie "
        "between source and target is assumed."
    )
    return Verdict(chosen.name, True, reason, NO_LABELS, None, assessments, ASSUMPTION)


def _again(trial: Trial, reverse: Measurement) -> str:
    if trial.proba is None:
        return f"the source samples their own values again with an R² of {reverse.value:.2f}"
    return f"{100 * reverse.value:.0f} % of the source samples their own label again"


def _separates(trial: Trial, source_only: Trial, graph: Any, confidence: float) -> bool:
    """Return whether a candidate's labels separate neighbouring target samples more often than the source model's."""
    if graph is None or trial.classes is None:
        return False
    before, after = (np.searchsorted(trial.classes, t.predicted) for t in (source_only, trial))
    return vetoed(separation_gain(graph, before, after, len(trial.classes)), confidence)
