"""Label shift with class shares that the features do not tell: there is nothing to correct the source to."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge.discrepancy import Diagnosis
from landbridge.discrepancy._share_profile import WIDTH
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict

__all__ = ["shares_unknown"]

# Level of the test of what other class shares leave unexplained, on 400 samples per domain.
LEAST_P_VALUE = 0.1
ASSUMPTION = "P(x given y) is the same in both domains."


def shares_unknown(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    """Keep the source model where the target allows nearly any class shares, or other shares do not explain it all.

    Methods for label shift correct the source to estimated class shares, and are assessed on a source that is weighted
    to them: if the estimate is wrong, so is the assessment. With few source samples of a class, or classes that look
    alike, the samples allow a wide interval of shares. Samples that were selected by their features look like label
    shift as well, and have other class shares than those that are estimated; but a test of what remains sees it.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    diagnosis : Diagnosis
        Of label shift.

    Returns
    -------
    Verdict or None
        None where the shares are known well enough and explain the target, or nothing is known about them.
    """
    profile = diagnosis.share_profile
    if diagnosis.kind != "label" or profile is None:
        return None
    found = profile.hypotheses["shares"]
    if found.width <= WIDTH and found.p_value >= LEAST_P_VALUE:
        return None
    why = "other class shares alone do not explain the target"
    if found.width <= WIDTH:
        reason = (
            "Label shift explains most of the difference between the domains, but the samples of the classes differ as "
            f"well (p = {found.p_value:.2g}), so that estimates of the class shares may be wrong; {source_only.name} "
            "is kept. A few target labels decide."
        )
        return _keep(source_only, candidates, why, reason)
    widest = max(range(len(found.low)), key=lambda i: found.high[i] - found.low[i])
    interval = f"{100 * found.low[widest]:.0f} to {100 * found.high[widest]:.0f} %"
    why = "the target allows nearly any class shares"
    reason = (
        f"Label shift explains the difference between the domains, but the target allows class shares of {interval} of "
        f"{profile.classes[widest]}: a correction to estimated shares may be wrong, and {source_only.name} is kept. "
        "Give a few target labels, or more source samples of the rarest class."
    )
    return _keep(source_only, candidates, why, reason)


def _keep(source_only: Trial, candidates: Sequence[Trial], why: str, reason: str) -> Verdict:
    assessments = {t.name: Assessment(None, None, False, why) for t in candidates} | {source_only.name: BASELINE}
    return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
