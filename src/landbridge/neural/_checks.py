"""Validation of numeric parameters."""

from __future__ import annotations

from landbridge.exceptions import InputError

__all__ = ["positive", "share"]


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
