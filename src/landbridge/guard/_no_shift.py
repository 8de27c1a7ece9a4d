"""No shift between the domains: the source model applies as it is."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict

__all__ = ["no_shift"]

ASSUMPTION = "The features show every shift; a change of P(y given x) alone leaves no trace in them."


def no_shift(source_only: Trial, candidates: Sequence[Trial]) -> Verdict:
    """Keep the source model, as no shift was found.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial

    Returns
    -------
    Verdict
    """
    why = "not needed: no shift was found"
    refused = {t.name: Assessment(None, None, False, why) for t in candidates}
    return Verdict(
        source_only.name,
        False,
        "No shift was found between the domains, so the source model applies as it is.",
        NO_LABELS,
        None,
        {source_only.name: BASELINE, **refused},
        ASSUMPTION,
    )
