"""One estimate from all single ones, with an interval that widens with the shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement

__all__ = ["combined_performance"]


@dataclass(frozen=True)
class _Constants:
    """Constants of the combination: set on pairs of domains, as ``docs/performance-estimation.md`` says."""

    weights: Mapping[str, float]
    # Share of the distance from chance that is lost at full shift.
    lost: float
    # Standard deviation of what no estimator sees: always, per unit of spread, of outside support, of distance.
    unseen: float
    by_spread: float
    by_outside: float
    by_distance: float
    # Ends of the interval in standard deviations.
    below: float
    above: float


CLASSIFICATION = _Constants(
    weights={"average_thresholded_confidence": 0.2, "agreement": 0.8},
    lost=0.52,
    unseen=0.015,
    by_spread=0.886,
    by_outside=0.124,
    by_distance=0.038,
    below=1.86,
    above=1.43,
)
WITHOUT_SAMPLES = _Constants(
    weights={"cbpe": 0.27, "average_thresholded_confidence": 0.64, "difference_of_confidences": 0.09},
    lost=0.0,
    unseen=0.176,
    by_spread=0.874,
    by_outside=0.0,
    by_distance=0.0,
    below=2.36,
    above=1.3,
)
BALANCED = _Constants(
    weights={"cbpe": 0.48, "multicalibrated_cbpe": 0.52},
    lost=0.83,
    unseen=0.037,
    by_spread=0.0,
    by_outside=0.231,
    by_distance=0.079,
    below=2.03,
    above=1.48,
)


def combined_performance(
    estimates: Mapping[str, Measurement],
    *,
    metric: str = "accuracy",
    chance: float = 0.0,
    outside_support: float | None = None,
    distance: float | None = None,
) -> Measurement:
    r"""Combine single estimates of the performance on a target into one, with an interval of 90 %.

    With weights :math:`w_k`, share outside the support :math:`o` and distance :math:`d`,

    .. math:: \bar a = \sum_k w_k \hat a_k, \qquad \hat a = c + (\bar a - c)(1 - \lambda\, o\, d),

        \sigma^2 = \bar\sigma^2 + s_0^2 + s_1^2 \operatorname{var}_k \hat a_k + s_2^2 o^2 + s_3^2 d^2 .

    The lower end is at most :math:`(1 - o) \bar a`, as every prediction outside the support may be wrong, and the upper
    end at least the median of the estimates.

    Parameters
    ----------
    estimates : mapping of str to Measurement
        Single estimates, each with ``details["error"]``.
    metric : {"accuracy", "balanced accuracy"}, default="accuracy"
    chance : float, default=0.0
        Score of a prediction at random.
    outside_support : float, optional
        Share of target samples outside the support of the source. If None, it is unknown, and so the interval is that
        of an unknown shift.
    distance : float, optional
        How well the domains can be separated, from 0 to 1. If None, likewise.

    Returns
    -------
    Measurement
        ``"combined"``; ``details`` has the standard deviation and its parts.

    Raises
    ------
    InputError
        If there is no estimate.

    Notes
    -----
    A change of P(y given x) inside the support leaves no trace in the samples; the interval allows for as much of it as
    there was on the pairs that the constants were set on, and no more.

    References
    ----------
    .. [1] S. Ben-David, J. Blitzer, K. Crammer, F. Pereira. Analysis of representations for domain adaptation.
       NIPS 2006.

    Examples
    --------
    >>> from landbridge.performance import cbpe, combined_performance
    >>> found = {"cbpe": cbpe([0.6, 0.6, 0.9, 0.9] * 50, [0, 1, 1, 1] * 50, [0.6, 0.9] * 50)}
    >>> near = combined_performance(found, outside_support=0.05, distance=0.0)
    >>> far = combined_performance(found, outside_support=0.9, distance=0.9)
    >>> far.high - far.low > near.high - near.low
    True
    """
    if not estimates:
        raise InputError("estimates is empty; give one at least.")
    known = outside_support is not None and distance is not None
    constants = BALANCED if metric == "balanced accuracy" else CLASSIFICATION
    if not known:
        constants = WITHOUT_SAMPLES
    names = list(estimates)
    w = np.array([constants.weights.get(n, 0.0) for n in names])
    w = np.full(len(names), 1 / len(names)) if w.sum() <= 0 else w / w.sum()
    values = np.array([estimates[n].value for n in names])
    mean = float(w @ values)
    outside, far = (outside_support or 0.0, distance or 0.0) if known else (0.0, 0.0)
    value = chance + (mean - chance) * (1 - constants.lost * outside * far)
    parts = {
        "sampling": float(w @ [estimates[n].details["error"] for n in names]),
        "unseen": constants.unseen,
        "spread": constants.by_spread * float(np.std(values)),
        "outside": constants.by_outside * outside,
        "distance": constants.by_distance * far,
    }
    error = float(np.sqrt(sum(p**2 for p in parts.values())))
    # Outside the support nothing is known: every prediction there may be wrong. And the interval holds the median of
    # the single estimates, which the weights may have left behind.
    low = max(min(value - constants.below * error, (1 - outside) * mean), 0.0)
    high = min(max(value + constants.above * error, float(np.median(values))), 1.0)
    return Measurement(
        "combined", value, low, high, higher_is_better=True, details={"error": error, "mean": mean, "parts": parts}
    )
