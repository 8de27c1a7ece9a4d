"""Kinds of shift that happen together, and what concept shift means."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from landbridge.discrepancy._posterior import Posterior
from landbridge.discrepancy._share_profile import ShareProfile
from landbridge.discrepancy._words import contradicted
from landbridge.measurement import Measurement

__all__ = ["all_kinds", "meaning_of_concept"]

# Class shares changed beside covariate shift if two estimates are at least this far from the source's.
LEAST_MOVE = 0.15


def all_kinds(
    kind: str, profile: ShareProfile | None, posterior: Posterior | None, m: Mapping[str, Measurement]
) -> tuple[str, ...]:
    """Return the kind that explains most, and the kinds that are needed beside it.

    Parameters
    ----------
    kind : str
    profile : ShareProfile or None
    posterior : Posterior or None
    m : mapping of str to Measurement

    Returns
    -------
    tuple of str
    """
    if kind == "none" or profile is None:
        return () if kind == "none" else (kind,)
    if kind == "label":
        return ("label", "concept") if profile.explanation == "map and shares" and profile.allows_map else ("label",)
    if kind == "covariate":
        return ("covariate", "label") if _shares_moved(posterior, m) else ("covariate",)
    return (kind, "label") if profile.shares_moved and not contradicted(m) else (kind,)


def _shares_moved(posterior: Posterior | None, m: Mapping[str, Measurement]) -> bool:
    """Say whether class shares moved, whether P(x given y) stayed as it was or P(y given x) did."""
    shift = m.get("label_shift")
    if posterior is None or shift is None or shift.p_value is None or shift.p_value > 0.02:
        return False
    moves = [np.array(shift.details["target_priors"]), posterior.target.mean(axis=0)] - posterior.priors
    return bool((np.abs(moves).sum(axis=1) / 2 >= LEAST_MOVE).all() and moves[0] @ moves[1] > 0)


def meaning_of_concept(kind: str, m: Mapping[str, Measurement]) -> str:
    """Return which of its two meanings concept shift has; empty for other kinds.

    Parameters
    ----------
    kind : str
    m : mapping of str to Measurement

    Returns
    -------
    str
    """
    if kind != "concept":
        return ""
    return "contradicted" if contradicted(m) else "rescaled"
