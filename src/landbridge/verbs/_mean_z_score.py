"""Several scores as one: the mean over scores of each candidate's z-score among the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement

__all__ = ["mean_z_score", "mean_z_score_draws"]


def mean_z_score(by_score: Mapping[str, Sequence[Measurement]]) -> list[Measurement]:
    """Compute the mean over scores of each candidate's z-score among the candidates.

    Scores that err for different reasons correct one another: LogME is the evidence under one variance for all
    features, the H-score measures the separation of classes after whitening.

    Parameters
    ----------
    by_score : mapping of str to sequence of Measurement
        For each score, one measurement per candidate, in one order.

    Returns
    -------
    list of Measurement
        One per candidate. Intervals and chance levels are those of the scores, brought to the same scale and averaged;
        the p-value is the largest.

    Examples
    --------
    >>> from landbridge.measurement import Measurement
    >>> from landbridge.verbs._mean_z_score import mean_z_score
    >>> one = [Measurement("a", 1.0), Measurement("a", 3.0)]
    >>> two = [Measurement("b", 10.0), Measurement("b", 30.0)]
    >>> [m.value for m in mean_z_score({"a": one, "b": two})]
    [-1.0, 1.0]
    """
    levels = {name: _level([m.value for m in found]) for name, found in by_score.items()}

    def mean(field: str, i: int) -> float | None:
        values = [getattr(found[i], field) for found in by_score.values()]
        if any(v is None for v in values):
            return None
        return float(np.mean([(v - levels[n][0]) / levels[n][1] for n, v in zip(by_score, values, strict=True)]))

    out = []
    for i in range(len(next(iter(by_score.values())))):
        p_values = [found[i].p_value for found in by_score.values()]
        known = [p for p in p_values if p is not None]
        value = mean("value", i)
        assert value is not None
        out.append(
            Measurement(
                "mean_z_score",
                value,
                mean("low", i),
                mean("high", i),
                mean("null", i),
                max(known) if len(known) == len(p_values) else None,
                higher_is_better=True,
                details={name: found[i].value for name, found in by_score.items()},
            )
        )
    return out


def mean_z_score_draws(
    by_score: Mapping[str, Sequence[Measurement]], draws: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Compute the mean z-score of resampled scores, on the scale of the measurements.

    Parameters
    ----------
    by_score : mapping of str to sequence of Measurement
    draws : mapping of str to ndarray of shape (n_candidates, n_draws)

    Returns
    -------
    ndarray of shape (n_candidates, n_draws)
    """
    scaled = []
    for name, found in by_score.items():
        middle, spread = _level([m.value for m in found])
        scaled.append((draws[name] - middle) / spread)
    return np.asarray(np.mean(scaled, axis=0))


def _level(values: Sequence[float]) -> tuple[float, float]:
    spread = float(np.std(values))
    return float(np.mean(values)), spread if spread > 1e-12 else 1.0
