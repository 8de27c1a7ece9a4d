"""One estimate of R² from all single ones, on the logarithm of the unexplained share of the variance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement

__all__ = ["combined_loss"]

# Standard deviations of the logarithm that no estimator sees: always, per unit of spread, of outside support, of
# distance; and the ends of the interval. Set on pairs of domains, as ``docs/performance-estimation.md`` says.
UNSEEN, BY_SPREAD, BY_OUTSIDE, BY_DISTANCE = 0.05, 1.238, 0.386, 0.0
WORSE, BETTER = 1.88, 1.3
# Share of the target outside the support from which the model may be as right as on the source.
OUTSIDE = 0.5


def combined_loss(
    estimates: Mapping[str, Measurement], *, outside_support: float, distance: float, on_source: float | None = None
) -> Measurement:
    r"""Combine single estimates of R² into one, with an interval of 90 %.

    The median of :math:`\log(1 - R^2)` over the estimates, with

    .. math:: \sigma^2 = \bar\sigma^2 + s_0^2 + s_1^2 r^2 + s_2^2 o^2 + s_3^2 d^2,

    where :math:`r` is the distance from the median to the nearest other estimate, :math:`o` the share outside the
    support and :math:`d` the distance of the domains. A model that extrapolates may be worse than the mean by any
    factor; on this scale, neither it nor a single estimate that is off by as much outweighs the rest.

    Parameters
    ----------
    estimates : mapping of str to Measurement
        Of R², each with ``details["error"]``.
    outside_support : float
        Share of target samples outside the support of the source.
    distance : float
        How well the domains can be separated, from 0 to 1.
    on_source : float, optional
        R² on held-out source samples. Where more than half of the target lies outside the support, the upper end is at
        least that: a model may be as right where it extrapolates. If None, it is not known.

    Returns
    -------
    Measurement
        ``"combined"``, in R²; ``details`` has the standard deviation of the logarithm.

    Raises
    ------
    InputError
        If there is no estimate.

    Examples
    --------
    >>> from landbridge.measurement import Measurement
    >>> from landbridge.performance import combined_loss
    >>> found = {name: Measurement(name, r2, details={"error": 0.02}) for name, r2 in (("a", 0.8), ("b", 0.7))}
    >>> near, far = (combined_loss(found, outside_support=o, distance=o) for o in (0.0, 1.0))
    >>> far.low < near.low
    True
    """
    if not estimates:
        raise InputError("estimates is empty; give one at least.")
    rest = np.array([max(1 - m.value, 1e-6) for m in estimates.values()])
    logs = np.log(rest)
    middle = float(np.median(logs))
    others = np.sort(np.abs(logs - middle))
    sampling = np.median(np.minimum([m.details["error"] for m in estimates.values()] / rest, 1.0))
    parts = {
        "sampling": float(sampling),
        "unseen": UNSEEN,
        "spread": BY_SPREAD * float(others[min(1, len(others) - 1)]),
        "outside": BY_OUTSIDE * outside_support,
        "distance": BY_DISTANCE * distance,
    }
    error = float(np.sqrt(sum(p**2 for p in parts.values())))
    value, low, high = (1 - float(np.exp(v)) for v in (middle, middle + WORSE * error, middle - BETTER * error))
    if on_source is not None and outside_support > OUTSIDE:
        high = max(high, on_source)
    details = {"error": error, "parts": parts}
    return Measurement("combined", value, low, high, higher_is_better=True, details=details)
