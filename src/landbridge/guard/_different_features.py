"""Different features in the two domains and too few target labels: nothing is evidence."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge.guard._trial import Trial, source_model
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict

__all__ = ["different_features"]

ASSUMPTION = "None: without target labels no candidate can be assessed across different features."


def different_features(trials: Sequence[Trial]) -> Verdict:
    """Keep the baseline, as only target labels are evidence across different features.

    A matching that swaps classes consistently passes reverse validation, and there is no source model whose
    predictions candidates could be compared with.

    Parameters
    ----------
    trials : sequence of Trial

    Returns
    -------
    Verdict
    """
    target_only = next((t for t in trials if t.role == "target-only"), None)
    kept = source_model(trials) if target_only is None else target_only
    why = "cannot be assessed across different features without target labels"
    assessments = {t.name: BASELINE if t.baseline else Assessment(None, None, False, why) for t in trials}
    few = "no target labels" if target_only is None else "too few target labels to compare candidates with"
    reason = (
        f"Source and target have different features, and there are {few}: a matching that swaps classes looks as good "
        f"as the right one, so no gain can be defended, and {kept.name} is kept. Label at least three target samples "
        "of each class."
    )
    return Verdict(kept.name, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
