"""What the guard concludes: about one candidate, and in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from landbridge.measurement import Measurement

__all__ = ["Judged", "Verdict"]


@dataclass(frozen=True)
class Judged:
    """What the guard concluded about one candidate.

    Parameters
    ----------
    estimate : Measurement or None
        Quality on the target, as far as it can be known.
    gain : Measurement or None
        Over the better way of not transferring.
    defensible : bool
    why : str
        One clause.
    """

    estimate: Measurement | None
    gain: Measurement | None
    defensible: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """The guard's decision with every candidate's judgement.

    Parameters
    ----------
    chosen : str
    transferred : bool
    reason : str
    evidence : str
        ``"target labels"`` or ``"no target labels"``.
    gain : Measurement or None
    judged : mapping of str to Judged
    """

    chosen: str
    transferred: bool
    reason: str
    evidence: str
    gain: Measurement | None
    judged: Mapping[str, Judged]
