"""A source that cannot be learned: its model errs on the source itself, so that there is nothing to transfer."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge.discrepancy import Diagnosis
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict

__all__ = ["MOST_ERROR", "unlearnable"]

ASSUMPTION = "Methods that agree on the target have learned something on the source."
# Share of the error of guessing, with all classes counted alike; a source model with more has learned too little for
# its followers to be believed.
MOST_ERROR = 0.7


def unlearnable(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    """Keep the source model where it is hardly better than guessing on held-out source samples.

    What methods have in common that were fitted on such a source is no evidence that they are right.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    diagnosis : Diagnosis
        With the error of the source model on the source, and that of guessing.

    Returns
    -------
    Verdict or None
        None where the source can be learned, or its error is not known.
    """
    measured = diagnosis.measurements.get("source_error")
    if measured is None or "balanced_error" not in measured.details:
        return None
    error, chance = measured.details["balanced_error"], measured.details["balanced_chance"]
    if not error >= MOST_ERROR * chance:
        return None
    why = "the source model is hardly better than guessing on the source itself"
    refused = {t.name: Assessment(None, None, False, why) for t in candidates}
    errors = (
        f"{100 * error:.0f} % of held-out source samples of each class on average, and guessing on {100 * chance:.0f} %"
    )
    reason = (
        f"A source model errs on {errors}: too little was learned for a gain to be defended without target labels, and "
        f"{source_only.name} is kept."
    )
    refused[source_only.name] = BASELINE
    return Verdict(source_only.name, False, reason, NO_LABELS, None, refused, ASSUMPTION)
