"""Expected quality of a fitted model on a target, as a verb returns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from landbridge.measurement import Measurement
from landbridge.presentation import Presentable

__all__ = ["Expected"]


@dataclass(frozen=True, repr=False)
class Expected(Presentable):
    """Expected score of a fitted model on a target, with its interval and the single estimates behind it.

    Parameters
    ----------
    value : float
        Expected score.
    low, high : float
        Ends of the interval of 90 %.
    metric : str
        ``"accuracy"``, ``"balanced accuracy"``, ``"R²"`` or ``"RMSE"``.
    words : str, default=""
        What was found, in words.
    estimates : mapping of str to Measurement
        Single estimates by name, each with an interval of 90 %, which allows for sampling only.
    outside_support : float, optional
        Share of target samples outside the support of the source. If None, source samples were not at hand.
    distance : float, optional
        How well source and target can be separated, from 0 to 1. If None, likewise.
    n_labelled : int, default=0
        Number of labelled target samples that were used.
    held_out : mapping, optional
        Held-out source predictions, from which another target can be estimated; saved with a result. If None, there are
        none.

    Examples
    --------
    >>> from landbridge import Expected
    >>> Expected(0.81, 0.74, 0.87, "accuracy")
    Expected(accuracy 0.810 [0.740, 0.870])
    """

    value: float
    low: float
    high: float
    metric: str
    words: str = ""
    estimates: Mapping[str, Measurement] = field(default_factory=dict)
    outside_support: float | None = None
    distance: float | None = None
    n_labelled: int = 0
    held_out: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Expected({self.metric} {self.value:.3f} [{self.low:.3f}, {self.high:.3f}])"

    def __str__(self) -> str:
        return self.words or repr(self)

    def __float__(self) -> float:
        """Return the expected score, so that it can stand wherever a number can."""
        return float(self.value)

    def _title(self) -> str:
        return f"Expected {self.metric}: {self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def _sentences(self) -> list[str]:
        return [self.words]

    def to_frame(self) -> Any:
        """Return the estimates as a table: the expected score first, then every single estimate.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        rows = [{"estimate": "expected", "value": self.value, "low": self.low, "high": self.high}]
        rows += [{"estimate": k, "value": m.value, "low": m.low, "high": m.high} for k, m in self.estimates.items()]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the held-out predictions as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "metric": self.metric,
            "words": self.words,
            "estimates": {k: m.to_dict() for k, m in self.estimates.items()},
            "outside_support": self.outside_support,
            "distance": self.distance,
            "n_labelled": self.n_labelled,
        }
