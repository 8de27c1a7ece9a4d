"""The result of every score and validator: a value with its interval and its null value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement:
    """A measured value with its confidence interval, null value and p-value.

    Parameters
    ----------
    name : str
        What was measured, for example ``"mmd"``.
    value : float
        The point estimate.
    low, high : float or None
        Ends of the interval (95 % unless the function says otherwise), or None where none was asked for.
    null : float or None
        The value to expect if there were nothing to see (mean over permutations, or chance level).
    p_value : float or None
        Share of the null that is at least as extreme as `value`.
    higher_is_better : bool or None
        True for scores, False for distances and errors, None where neither applies.
    details : mapping
        Further figures of the same measurement, JSON-ready.

    Examples
    --------
    >>> from landbridge.measurement import Measurement
    >>> m = Measurement("mmd", 0.25, low=0.2, high=0.3, p_value=0.01)
    >>> float(m)
    0.25
    >>> print(m)
    mmd 0.25 [0.2, 0.3], p = 0.01
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    null: float | None = None
    p_value: float | None = None
    higher_is_better: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __float__(self) -> float:
        """Return the point estimate, so that a measurement can be used as a number."""
        return float(self.value)

    def __str__(self) -> str:
        text = f"{self.name} {self.value:.4g}"
        if self.low is not None and self.high is not None:
            text += f" [{self.low:.4g}, {self.high:.4g}]"
        if self.null is not None:
            text += f", by chance {self.null:.4g}"
        if self.p_value is not None:
            text += f", p = {self.p_value:.3g}"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as a plain, JSON-ready dict.

        Returns
        -------
        dict
            One entry per field.
        """
        return {
            "name": self.name,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "null": self.null,
            "p_value": self.p_value,
            "higher_is_better": self.higher_is_better,
            "details": dict(self.details),
        }
