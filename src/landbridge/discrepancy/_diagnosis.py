"""Result of a diagnosis: the kind of shift between two domains, its strength and the risk of transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from landbridge.discrepancy._share_profile import ShareProfile
from landbridge.measurement import Measurement
from landbridge.numerics.moved_features import MovedFeature
from landbridge.presentation import Presentable

__all__ = ["SHIFTS", "Diagnosis"]

SHIFTS = ("covariate", "label", "concept", "subspace")


@dataclass(frozen=True, repr=False)
class Diagnosis(Presentable):
    """Result of :func:`diagnose`: the kind of dataset shift, its evidence and the risk of plain transfer.

    Parameters
    ----------
    kind : str
        ``"none"``, ``"covariate"``, ``"label"``, ``"concept"`` or ``"subspace"``: the shift that explains most.
    risk : str
        ``"low"``, ``"moderate"`` or ``"high"``: how likely plain transfer is to hurt.
    words : str
        The diagnosis in one to three sentences.
    evidence : mapping of str to float
        Strength in [0, 1] for each kind of shift.
    measurements : mapping of str to Measurement
        Every distance and estimate that was taken.
    kinds : tuple of str
        All kinds of shift that were found, `kind` first; more than one where class shares and features changed
        together. Empty for ``"none"``.
    concept : str
        What ``"concept"`` means here: ``"rescaled"`` if features were rescaled or moved, so that standardising helps;
        ``"contradicted"`` if labelled target samples contradict the source model, so that only labels help; else empty.
    columns : mapping of str to MovedFeature
        Features, by name or else by number, that were multiplied or moved where nearly all others were not.
    share_profile : ShareProfile or None
        Possible class shares of the target with and without a map of the features; None without classes or without a
        difference.

    Examples
    --------
    >>> from landbridge import Diagnosis
    >>> Diagnosis("label", "high", "Other class shares explain the difference.")
    Diagnosis('label', risk='high', 0 measurements)
    """

    kind: str
    risk: str
    words: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    concept: str = ""
    columns: Mapping[str, MovedFeature] = field(default_factory=dict)
    share_profile: ShareProfile | None = None

    def __post_init__(self) -> None:
        if not self.kinds and self.kind in SHIFTS:
            object.__setattr__(self, "kinds", (self.kind,))

    def __repr__(self) -> str:
        return f"Diagnosis({self.kind!r}, risk={self.risk!r}, {len(self.measurements)} measurements)"

    def _title(self) -> str:
        return f"Shift: {self.kind}, risk of plain transfer: {self.risk}"

    def _sentences(self) -> list[str]:
        return [self.words]

    def to_frame(self) -> Any:
        """Return the measurements as a table; one row with the kind if there are none.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        rows = [
            {"measurement": n, "value": m.value, "low": m.low, "high": m.high, "p_value": m.p_value}
            for n, m in self.measurements.items()
        ]
        return pd.DataFrame(rows or [{"measurement": "kind", "value": self.kind}])

    def __str__(self) -> str:
        lines = [self.words, f"shift: {self.kind}   risk: {self.risk}"]
        return "\n".join([*lines, *(f"  {m}" for m in self.measurements.values())])

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "kind": self.kind,
            "risk": self.risk,
            "words": self.words,
            "evidence": {k: float(v) for k, v in self.evidence.items()},
            "measurements": {k: m.to_dict() for k, m in self.measurements.items()},
            "kinds": list(self.kinds),
            "concept": self.concept,
            "columns": {k: {"index": f.index, "scale": f.scale, "offset": f.offset} for k, f in self.columns.items()},
            "share_profile": None if self.share_profile is None else self.share_profile.to_dict(),
        }
