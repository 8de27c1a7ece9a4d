"""Evidence from the share profile: whether a map of the features is called for, and with which class shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landbridge.discrepancy import Diagnosis, ShareProfile
from landbridge.discrepancy._share_profile import OUTSIDE
from landbridge.discrepancy._words import columns_in_words
from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._majority_vote import ensemble_members, majority_vote
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict
from landbridge.measurement import Measurement

__all__ = ["MAP_AND_SHARES", "by_share_profile"]

KIND = EvidenceKind.SHARE_PROFILE
ASSUMPTION = (
    "Every feature of the target is a feature of the source with another scale and offset, the same for all classes."
)
KEPT = "Class shares are the same in both domains, and features were rescaled or moved for all classes alike."
UNKNOWN = "The target labels may have any distribution that the features allow."
# Least share of the target outside the source for a map with other class shares, or with shares that are not known. The
# more a hypothesis may change, the more it explains: selected samples, too. Set on tumours split by size.
OUTSIDE_IF_MOVED = 0.5
# Features are points of one curve if no larger share of their principal directions holds 99 % of the variance.
COLLINEAR = 0.2
# Of several classes, shares that moved by no more (total variation) do not keep the ensemble from deciding.
SMALL_MOVE = 0.2
# Shares of several classes that are not identified object only if they fit so well, in misfits of a split.
WELL = 0.7
# Where the class shares are not known, a map is allowed only if it predicts the same with either estimate of them, for
# this share of the samples.
SAME_EITHER_WAY = 0.85
# Where nothing explains the target: how much better a map must fit if the shares may move as well, for that to be a
# sign that they did; and within how many misfits of a split of the source it must be.
BETTER, NEARLY = 2.0, 3.0
# How much better it may fit where the ensemble is still asked.
AS_GOOD = 1.5
# The method that estimates the class shares together with scales and offsets.
MAP_AND_SHARES = "LSGeTarS"


def by_share_profile(
    source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis, shares_kept: bool = False
) -> Verdict | None:
    """Decide by the class shares that the unlabelled target allows, where they allow a decision.

    Methods that align the domains assume that the class shares are the same in both. Where the features say that the
    shares moved as well, only a map that is estimated together with the shares can be right, and only if the target
    allows a narrow interval of them; else the source model is kept.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    diagnosis : Diagnosis
        Of concept or subspace shift.
    shares_kept : bool, default=False
        Whether the user knows that the class shares, or the distribution of the values, are the same in both domains.

    Returns
    -------
    Verdict or None
        None where the profile does not object to methods that align the domains.
    """
    if source_only.proba is None:
        return None if shares_kept else _by_support(source_only, candidates, diagnosis)
    verdict = _by_profile(source_only, candidates, diagnosis)
    # what is known overrules objections, and not a map that the profile allows in any case
    return None if shares_kept and verdict is not None and not verdict.transferred else verdict


def _by_profile(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    profile = diagnosis.share_profile
    if profile is None:
        return None
    chosen = next((t for t in candidates if t.name == MAP_AND_SHARES), None)
    if profile.explanation in ("map", "map and shares"):
        return _explained_by_map(source_only, candidates, diagnosis, chosen)
    return _explained_by_nothing(source_only, candidates, diagnosis)


def _explained_by_map(
    source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis, chosen: Trial | None
) -> Verdict | None:
    """Decide where a scale and an offset per feature explain the target, with the source's class shares or others."""
    profile = diagnosis.share_profile
    assert profile is not None
    kept = profile.explanation == "map"
    # A feature in another unit is seen better by itself than in distances over all features.
    several = len(profile.classes) > 2
    needed = bool(diagnosis.columns) or profile.outside > (OUTSIDE if kept or several else OUTSIDE_IF_MOVED)
    if profile.identified and needed and chosen is not None:
        return _choose(chosen, source_only, candidates, diagnosis, ASSUMPTION)
    if not kept:
        if several and (profile.move <= SMALL_MOVE or not (profile.identified or _fits_well(profile))):
            return None
        return _keep(source_only, candidates, _objection(profile))
    members = ensemble_members([source_only, *candidates])
    if not needed or len(members) < 2:
        return _keep(source_only, candidates, profile.reason())
    if not profile.identified and chosen is not None and len(profile.classes) == 2:
        same = float(np.mean(majority_vote(members) == chosen.predicted))
        if same < SAME_EITHER_WAY or (profile.outside <= OUTSIDE_IF_MOVED and not diagnosis.columns):
            return _keep(source_only, candidates, profile.reason() + _depends(same))
    return _choose(members[1], source_only, candidates, diagnosis, KEPT) if len(members) == 2 else None


def _fits_well(profile: ShareProfile) -> bool:
    """Return whether moved shares fit better than two parts of the source fit each other.

    One of several classes and a map come near any target: only a close fit is a sign that the shares moved.
    """
    moved = profile.hypotheses["map and shares"]
    return moved.misfit <= WELL * max(moved.split_misfit, 1.0)


def _depends(same: float) -> str:
    if same >= SAME_EITHER_WAY:
        return ""
    return (
        " With the class shares of the source and with those estimated together with the map, predictions are equal "
        f"for only {100 * same:.0f} % of the samples."
    )


def _explained_by_nothing(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    """Decide where no map explains the target: object where moved class shares explain much of it."""
    profile = diagnosis.share_profile
    assert profile is not None
    if len(profile.classes) != 2:
        return None
    kept, moved = profile.hypotheses["map"], profile.hypotheses["map and shares"]
    better = kept.misfit / max(moved.misfit, 1e-12)
    if profile.explanation == "shares":
        return _keep(source_only, candidates, _mixed(profile))
    if profile.explanation is None:
        if better >= BETTER and moved.misfit <= NEARLY * max(moved.split_misfit, 1.0):
            return _keep(source_only, candidates, f"{profile.reason()} Other class shares come closest.")
        if not profile.identified and profile.outside > OUTSIDE_IF_MOVED and better <= AS_GOOD:
            return None
    if not profile.identified:
        return _keep(source_only, candidates, _objection(profile))
    return None


def _mixed(profile: ShareProfile) -> str:
    return f"{profile.reason()} Methods that align the domains would mix the classes."


def _objection(profile: ShareProfile) -> str:
    if profile.explanation == "map and shares":
        if profile.allows_map and profile.outside <= OUTSIDE_IF_MOVED:
            return (
                f"{profile.reason()} But {100 * (1 - profile.outside):.0f} % of the target lies inside the source, so "
                "that selected samples explain it as well."
            )
        return profile.reason()
    return f"{profile.reason()} The features allow nearly any class shares."


def _by_support(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    """For values: the features do not tell their distribution, unless an instrument moved what values cannot move.

    Where features are points of one curve, such as spectra, values move few directions of much variance. Domains that
    separate fully in the others differ by their instruments.
    """
    measured = diagnosis.measurements.get("domain_accuracy")
    if measured is None or (measured.value >= 1.0 and measured.details.get("collinear", 1.0) <= COLLINEAR):
        return None
    return _keep(
        source_only,
        candidates,
        "The features moved, and without labels nothing tells whether the values moved with them: a map of the "
        "features would undo both.",
    )


def _evidence(profile: ShareProfile, assumption: str) -> Evidence:
    best = profile.hypotheses[profile.explanation or "map and shares"]
    details = {"outside": profile.outside, "width": best.width, "explanation": profile.explanation}
    misfit = Measurement("misfit", best.misfit, null=1.0, higher_is_better=False, details=details)
    return Evidence(KIND, misfit, assumption)


HYPOTHESIS = {
    "map": "A scale and an offset per feature explain the target, with the class shares of the source.",
    "map and shares": "A scale and an offset per feature explain the target, together with other class shares.",
}


def _choose(
    chosen: Trial, source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis, assumption: str
) -> Verdict:
    profile = diagnosis.share_profile
    assert profile is not None
    others = "assumes equal class shares, or another kind of shift"
    assessments = {t.name: Assessment(None, None, False, others) for t in candidates} | {source_only.name: BASELINE}
    evidence = (_evidence(profile, assumption),)
    why = "a scale and an offset per feature explain the target"
    assessments[chosen.name] = Assessment(None, None, True, why, KIND, evidence)
    where = f"{100 * profile.outside:.0f} % of the target samples lie where the source has none"
    if diagnosis.columns:
        where = f"In the target, {columns_in_words(diagnosis.columns)} changed by a scale or an offset"
    explained = HYPOTHESIS[str(profile.explanation)]
    reason = f"{explained} {where}, so that the source model does not apply there; {chosen.name} is chosen."
    return Verdict(chosen.name, True, reason, NO_LABELS, None, assessments, assumption)


def _keep(source_only: Trial, candidates: Sequence[Trial], why: str) -> Verdict:
    refused = "the class shares or values may have moved with the features"
    assessments = {t.name: Assessment(None, None, False, refused) for t in candidates} | {source_only.name: BASELINE}
    reason = (
        f"{why} Without target labels no gain can be defended, and {source_only.name} is kept. If the labels are known "
        "to have the same distribution in both domains, say so with assume='shares-kept' (--assume shares-kept); a few "
        "target labels decide in any case."
    )
    return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, UNKNOWN)
