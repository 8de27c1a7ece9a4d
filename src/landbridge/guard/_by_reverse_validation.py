"""Evidence for a single candidate: whether the source's labels survive a transfer to the target and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict, no_gain, unsuited
from landbridge.measurement import Measurement

__all__ = ["REVERSE_VALIDATION_MARGIN", "by_reverse_validation", "lost_labels"]

KIND = EvidenceKind.REVERSE_VALIDATION
ASSUMPTION = "The candidate does not swap classes consistently, which reverse validation cannot detect."
# A score on the source is indirect evidence: a difference in it must exceed its systematic error.
REVERSE_VALIDATION_MARGIN = 0.03


def by_reverse_validation(source_only: Trial, candidates: Sequence[Trial]) -> Verdict:
    """Choose the single suited candidate if its reverse validation beats the source model's by three points.

    With no other candidate to compare its predictions with, reverse validation is the only evidence. It has no
    p-value, so a margin takes its place.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
        One of them, at most, is made for concept or subspace shift, or for no shift in particular.

    Returns
    -------
    Verdict
    """
    assessments = unsuited(candidates) | {source_only.name: BASELINE}
    suited = [t for t in candidates if t.suits_conditional_shift]
    for trial in suited:
        assessment = assessments[trial.name] = _assess(trial, source_only)
        if assessment.defensible:
            assert assessment.gain is not None
            reason = (
                f"Reverse validation of {trial.name} is {_better(assessment.gain.value, trial)} better than that of "
                "the source model: a model fitted on its target predictions gets more of the source's labels right."
            )
            return Verdict(trial.name, True, reason, NO_LABELS, assessment.gain, assessments, ASSUMPTION)
    why = "No candidate that could be fitted is made for such a shift"
    if suited:
        name = suited[0].name
        why = f"A single candidate cannot be compared with others, and {name} is refused ({assessments[name].why})"
    reason = f"{why}; without target labels no gain can be defended, and {source_only.name} is kept."
    return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, ASSUMPTION)


def _better(gain: float, trial: Trial) -> str:
    return f"{gain:.3f} R²" if trial.proba is None else f"{100 * gain:.1f} points of accuracy averaged over classes"


def _assess(trial: Trial, source_only: Trial) -> Assessment:
    own, of_source = trial.evidence.get(KIND), source_only.evidence.get(KIND)
    if own is None or of_source is None:
        return Assessment(None, None, False, "cannot be assessed without target labels")
    gain = Measurement("gain", own.value - of_source.value, null=0.0, higher_is_better=True)
    enough, lost = gain.value > REVERSE_VALIDATION_MARGIN, lost_labels(trial, source_only)
    why = lost or ("better in reverse validation" if enough else no_gain(gain, source_only.name))
    return Assessment(own, gain, enough and not lost, why, KIND, (Evidence(KIND, gain, ASSUMPTION),))


def lost_labels(trial: Trial, source_only: Trial) -> str:
    """Return why a candidate is refused whatever else speaks for it; empty if it is not.

    It is if it predicts a single class where the source model does not, or if its reverse validation is more than
    three points worse than the source model's.

    Parameters
    ----------
    trial, source_only : Trial

    Returns
    -------
    str
    """
    if trial.proba is not None and len(np.unique(trial.predicted)) < 2 <= len(np.unique(source_only.predicted)):
        return "predicts the same class for every target sample"
    own, of_source = trial.evidence.get(KIND), source_only.evidence.get(KIND)
    if own is not None and of_source is not None and own.value < of_source.value - REVERSE_VALIDATION_MARGIN:
        return "worse than the source model in reverse validation"
    return ""
