"""Evidence from single features in another unit: a factor that no selection of samples explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landbridge.discrepancy import Diagnosis
from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict
from landbridge.measurement import Measurement

__all__ = ["UNITS", "by_units"]

# The method that undoes the factors of single features.
UNITS = "UnitScaler"
# A factor from here on, without an offset, and domains that hardly overlap in the feature.
FACTOR = 5.0
SEPARATES = 0.99
ASSUMPTION = "Target values of these features are those of the source in another unit; the other features keep theirs."


def by_units(source_only: Trial, candidates: Sequence[Trial], diagnosis: Diagnosis) -> Verdict | None:
    """Choose the model in the units of the source, if single features are in another unit beyond doubt.

    A source model cannot be right for samples whose feature is five times as large as any it was fitted on, whatever
    the class shares are. A pure factor between all quantiles of a feature, where the other features keep their scale,
    is no selection of samples: that would change the shape of the feature, not only its scale.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    diagnosis : Diagnosis

    Returns
    -------
    Verdict or None
        None where no feature, or one that is not beyond doubt, is in another unit.
    """
    moved = diagnosis.columns
    chosen = next((t for t in candidates if t.name == UNITS), None)
    if chosen is None or not moved:
        return None
    for feature in moved.values():
        size = abs(float(np.log(abs(feature.scale)))) if feature.scale else 0.0
        if feature.offset != 0.0 or feature.scale <= 0 or size < np.log(FACTOR) or not feature.separates >= SEPARATES:
            return None
    least = min(f.separates for f in moved.values())
    measured = Measurement("separates", least, null=0.5, higher_is_better=False, details={"features": list(moved)})
    others = "the rest of the shift allows no map of all features"
    assessments = {t.name: Assessment(None, None, False, others) for t in candidates} | {source_only.name: BASELINE}
    evidence = (Evidence(EvidenceKind.UNITS, measured, ASSUMPTION),)
    assessments[chosen.name] = Assessment(
        None, None, True, "features are in another unit", EvidenceKind.UNITS, evidence
    )
    shown = ", ".join(f"{name} is {feature}" for name, feature in moved.items())
    reason = (
        f"In the target, {shown}, and the domains do not overlap there: another unit. The source "
        f"model cannot apply; {chosen.name} converts these features back and leaves the others as they are."
    )
    return Verdict(chosen.name, True, reason, NO_LABELS, None, assessments, ASSUMPTION)
