"""Validation of numeric parameters."""

from __future__ import annotations

from numbers import Integral, Real

from landbridge._sklearn_compat import Interval
from landbridge.exceptions import InputError

__all__ = ["COUNT", "FRACTION", "NOT_NEGATIVE", "POSITIVE", "SHARE", "STAGES", "positive", "share"]

# Constraints of parameters that many methods have, as scikit-learn writes them.
POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
SHARE = [Interval(Real, 0, 1, closed="right")]
FRACTION = [Interval(Real, 0, 1, closed="neither")]
COUNT = [Interval(Integral, 1, None, closed="left")]
STAGES = [tuple, list, None]


def positive(**given: float) -> None:
    """Refuse arguments that are not positive.

    Parameters
    ----------
    **given : float

    Raises
    ------
    InputError
        Naming the first.
    """
    for name, value in given.items():
        if not value > 0:
            raise InputError(f"{name} must be positive; got {value}.")


def share(**given: float) -> None:
    """Refuse arguments that do not lie between 0 and 1.

    Parameters
    ----------
    **given : float

    Raises
    ------
    InputError
        Naming the first.
    """
    for name, value in given.items():
        if not 0 < value <= 1:
            raise InputError(f"{name} must lie in (0, 1]; got {value}.")
