"""Label shift with class shares that the features do not tell: there is nothing to correct the source to."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge.discrepancy import Diagnosis
from landbridge.discrepancy._share_profile import WIDTH
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict

__all__ = ["shares_unknown"]

ASSUMPTION = "P(x given y) is the same in both domains."


def shares_unknown(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    """Keep the source model where the target allows nearly any class shares.

    Methods for label shift correct the source to estimated class shares, and are assessed on a source that is weighted
    to them: if the estimate is wrong, so is the assessment. With few source samples of a class, or classes that look
    alike, the samples allow a wide interval of shares.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    diagnosis : Diagnosis
        Of label shift.

    Returns
    -------
    Verdict or None
        None where the shares are known well enough, or nothing is known about them.
    """
    profile = diagnosis.share_profile
    if diagnosis.kind != "label" or profile is None:
        return None
    found = profile.hypotheses["shares"]
    if found.width <= WIDTH:
        return None
    widest = max(range(len(found.low)), key=lambda i: found.high[i] - found.low[i])
    interval = f"{100 * found.low[widest]:.0f} to {100 * found.high[widest]:.0f} %"
    why = "the target allows nearly any class shares"
    assessments = {t.name: Assessment(None, None, False, why) for t in candidates} | {source_only.name: BASELINE}
    reason = (
        f"Label shift explains the difference between the domains, but the target allows class shares of {interval} of "
        f"{profile.classes[widest]}: a correction to estimated shares may be wrong, and {source_only.name} is kept. "
        "Give a few target labels, or more source samples of the rarest class."
    )
    return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
