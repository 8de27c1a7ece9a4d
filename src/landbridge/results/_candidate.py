"""Candidates and the decision, as they stand in a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from landbridge.measurement import Measurement
from landbridge.presentation import Presentable

__all__ = ["Candidate", "Decision"]


@dataclass(frozen=True, repr=False)
class Candidate(Presentable):
    """One way to get a model for the target, and the evidence about it.

    Parameters
    ----------
    name : str
        The method's name, or ``"source-only"`` / ``"target-only"``.
    family : str
        ``"baseline"``, ``"instance"``, ``"feature"``, ``"parameter"``, ...
    status : str
        ``"tried"``, ``"failed"`` or ``"skipped"``.
    why : str
        Why it was tried, skipped or how it failed.
    estimate : Measurement or None
        Estimated score on the target, with interval: what the guard used.
    gain : Measurement or None
        Estimated gain over the better baseline.
    evidence : mapping of str to Measurement
        Further evidence by kind, such as ``"reverse validation"``.
    hidden : Measurement or None
        Score on hidden target labels, if there are any.
    seconds : float
        Wall time of fitting and validating it.
    defensible : bool
        Whether the guard could choose it.
    warnings : tuple of str
        Distinct warnings that were raised while it was fitted.
    traceback : str
        Of the error, where it failed.
    same_as : str
        Name of an earlier candidate with the same predictions for the target samples; empty if there is none. Tables
        and reports show both as one row.

    Examples
    --------
    >>> from landbridge import Candidate
    >>> Candidate("CORAL", "feature", "skipped", "needs the same features")
    Candidate('CORAL', skipped)
    """

    name: str
    family: str
    status: str = "tried"
    why: str = ""
    estimate: Measurement | None = None
    gain: Measurement | None = None
    evidence: Mapping[str, Measurement] = field(default_factory=dict)
    hidden: Measurement | None = None
    seconds: float = 0.0
    defensible: bool = False
    warnings: tuple[str, ...] = ()
    traceback: str = ""
    same_as: str = ""

    def __repr__(self) -> str:
        gain = "" if self.gain is None else f", gain={self.gain.value:+.3f}"
        return f"Candidate({self.name!r}, {self.status}{gain})"

    def to_frame(self) -> Any:
        """Return the candidate as a table of one row.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        return pd.DataFrame([self.row()])

    def row(self) -> dict[str, Any]:
        """Return the candidate as a flat dict: one row of :meth:`Result.to_frame`.

        Returns
        -------
        dict
        """
        flat: dict[str, Any] = {"name": self.name, "family": self.family, "status": self.status}
        flat["defensible"] = self.defensible
        for key in ("estimate", "gain", "hidden"):
            measured = getattr(self, key)
            flat |= {key: None, f"{key}_low": None, f"{key}_high": None}
            if measured is not None:
                flat |= {key: measured.value, f"{key}_low": measured.low, f"{key}_high": measured.high}
        flat |= {"seconds": self.seconds, "warnings": len(self.warnings), "same_as": self.same_as}
        return flat | {"why": self.why}

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """

        def plain(m: Measurement | None) -> Any:
            return None if m is None else m.to_dict()

        return {
            "name": self.name,
            "family": self.family,
            "status": self.status,
            "why": self.why,
            "estimate": plain(self.estimate),
            "gain": plain(self.gain),
            "evidence": {k: m.to_dict() for k, m in self.evidence.items()},
            "hidden": plain(self.hidden),
            "seconds": self.seconds,
            "defensible": self.defensible,
            "warnings": list(self.warnings),
            "traceback": self.traceback,
            "same_as": self.same_as,
        }


@dataclass(frozen=True, repr=False)
class Decision(Presentable):
    """The guard's verdict.

    Parameters
    ----------
    transferred : bool
        False where the answer is not to transfer.
    chosen : str
        Name of the chosen candidate.
    reason : str
        Why, in a sentence or two.
    evidence : str
        What the verdict rests on: ``"target labels"`` or ``"no target labels"``.
    gain : Measurement or None
        Estimated gain of the chosen candidate over not transferring.
    assumption : str
        What must hold for the evidence to be valid.

    Examples
    --------
    >>> from landbridge import Decision
    >>> Decision(False, "source-only", "No gain is significant.", "target labels")
    Decision('source-only', transferred=False)
    """

    transferred: bool
    chosen: str
    reason: str
    evidence: str
    gain: Measurement | None = None
    assumption: str = ""

    def __repr__(self) -> str:
        return f"Decision({self.chosen!r}, transferred={self.transferred})"

    def _sentences(self) -> list[str]:
        return [self.reason, self.assumption]

    def to_frame(self) -> Any:
        """Return the decision as a table of one row.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        gain = None if self.gain is None else self.gain.value
        flat = {"chosen": self.chosen, "transferred": self.transferred, "evidence": self.evidence, "gain": gain}
        return pd.DataFrame([flat | {"reason": self.reason, "assumption": self.assumption}])

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "transferred": self.transferred,
            "chosen": self.chosen,
            "reason": self.reason,
            "evidence": self.evidence,
            "gain": None if self.gain is None else self.gain.to_dict(),
            "assumption": self.assumption,
        }
