"""What the guard concludes about each candidate, and its decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._trial import Trial
from landbridge.measurement import Measurement

__all__ = ["BASELINE", "NO_LABELS", "Assessment", "Verdict", "unsuited"]

NO_LABELS = "no target labels"


@dataclass(frozen=True)
class Assessment:
    """What the guard concluded about one candidate.

    Parameters
    ----------
    estimate : Measurement or None
        Its quality on the target, as far as it can be estimated.
    gain : Measurement or None
        Its gain over the better baseline.
    defensible : bool
        Whether the evidence is enough to choose it.
    why : str
        The reason; one clause.
    kind : EvidenceKind, optional
        What the assessment rests on. If None, no evidence was needed or none was found.
    evidence : tuple of Evidence, default=()
        Every piece of evidence that was combined, with its assumption.
    """

    estimate: Measurement | None
    gain: Measurement | None
    defensible: bool
    why: str
    kind: EvidenceKind | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The guard's decision with the assessment of every candidate.

    Parameters
    ----------
    chosen : str
        Name of the candidate or baseline.
    transferred : bool
        Whether a candidate was chosen.
    reason : str
    evidence : str
        ``"target labels"``, ``"no target labels"`` or ``"stability of clusters"``.
    gain : Measurement or None
        Gain of the chosen candidate over the baseline; with target labels also that of a refused one.
    assessments : mapping of str to Assessment
    assumption : str, default=""
        What must hold for the evidence to be valid.
    members : tuple of str, default=()
        Names of the members of the vote, if it was assessed without smoothing; empty for the members that
        :func:`ensemble_members` gives.
    """

    chosen: str
    transferred: bool
    reason: str
    evidence: str
    gain: Measurement | None
    assessments: Mapping[str, Assessment]
    assumption: str = ""
    members: tuple[str, ...] = ()


BASELINE = Assessment(None, None, True, "a baseline")


def no_gain(gain: Measurement, baseline: str) -> str:
    """Say in one clause why a gain is not enough.

    Parameters
    ----------
    gain : Measurement
    baseline : str

    Returns
    -------
    str
    """
    if gain.value <= 0:
        return f"not better than {baseline}"
    return f"gain over {baseline} is not statistically significant"


def unsuited(candidates: Iterable[Trial]) -> dict[str, Assessment]:
    """Refuse the candidates that are made for other shifts than concept and subspace shift.

    Parameters
    ----------
    candidates : iterable of Trial

    Returns
    -------
    dict of str to Assessment
        Empty where all are suited.
    """
    return {
        t.name: Assessment(None, None, False, f"no {' or '.join(sorted(t.shifts))} shift was found")
        for t in candidates
        if not t.suits_conditional_shift
    }
