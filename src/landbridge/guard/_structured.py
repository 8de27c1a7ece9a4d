"""Structured labels without target labels: no evidence but agreement, which decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge.guard._trial import Trial, source_model
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict

__all__ = ["STRUCTURED", "structured_without_labels"]

# Kind of the diagnosis where labels are more than one class or value.
STRUCTURED = "structured"


def structured_without_labels(trials: Sequence[Trial]) -> Verdict:
    """Keep the source model, because nothing but target labels tells whether another one is better.

    Parameters
    ----------
    trials : sequence of Trial

    Returns
    -------
    Verdict
    """
    base = source_model(trials)
    found = {t.name: BASELINE if t.baseline else Assessment(None, None, False, "no evidence for it") for t in trials}
    reason = f"Too few target samples are labelled to judge anything else; {base.name} is kept."
    return Verdict(base.name, False, reason, NO_LABELS, None, found)
