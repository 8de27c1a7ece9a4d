"""Types of arguments: each check raises an error in one line that names the argument and what it must be."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from landbridge.exceptions import InputError

__all__ = [
    "check_column",
    "check_count",
    "check_flag",
    "check_function",
    "check_learner",
    "check_path",
    "check_seed",
    "is_whole",
    "shown",
]

LONGEST = 60


def shown(value: Any) -> str:
    """Return a value as it is named in a message: short, on one line.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge._checks import shown
    >>> shown([1, 2]), shown(object()), shown(len)
    ('[1, 2]', 'object', '<built-in function len>')
    """
    text = " ".join(repr(value).split())
    if " at 0x" in text or hasattr(value, "iloc"):
        return type(value).__name__
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number, and no boolean.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_column(name: str, value: Any) -> None:
    """Raise an error unless a value is the name of a column, or None.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object

    Raises
    ------
    InputError
    """
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name} must be the name of a column, as text, or None; got {shown(value)}.")


def check_flag(name: str, value: Any) -> None:
    """Raise an error unless a value is True or False.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object

    Raises
    ------
    InputError
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False; got {shown(value)}.")


def check_count(name: str, value: Any, least: int = 0) -> None:
    """Raise an error unless a value is a whole number that is large enough.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    least : int, default=0

    Raises
    ------
    InputError

    Examples
    --------
    >>> from landbridge._checks import check_count
    >>> check_count("n_bootstrap", 100)
    """
    if not is_whole(value) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}; got {shown(value)}.")


def check_seed(value: Any, *, generator: bool = True) -> None:
    """Raise an error unless a value can seed a random number generator.

    Parameters
    ----------
    value : object
    generator : bool, default=True
        Whether it may be a RandomState.

    Raises
    ------
    InputError
    """
    if value is None or (generator and isinstance(value, np.random.RandomState)):
        return
    if not is_whole(value) or not 0 <= value < 2**32:
        what = "None, a RandomState or" if generator else "None or"
        raise InputError(f"random_state must be {what} a whole number in [0, 2**32); got {shown(value)}.")


def check_function(name: str, value: Any) -> None:
    """Raise an error unless a value can be called, or is None.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object

    Raises
    ------
    InputError
    """
    if value is not None and not callable(value):
        raise InputError(f"{name} must be a function or None; got {shown(value)}.")


def check_learner(name: str, value: Any) -> None:
    """Raise an error unless a value is an unfitted estimator, or None.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object

    Raises
    ------
    InputError
    """
    if value is None:
        return
    if isinstance(value, type) or not all(hasattr(value, m) for m in ("fit", "predict")):
        raise InputError(
            f"{name}={shown(value)} is no estimator; give an unfitted one with fit and predict, such as "
            "LogisticRegression()."
        )


def check_path(name: str, value: Any) -> None:
    """Raise an error unless a value is a path.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object

    Raises
    ------
    InputError
    """
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise InputError(f"{name} must be a path; got {shown(value)}.")
    if "\0" in os.fspath(value):
        raise InputError(f"{name} holds a NUL character, which no path can; remove it.")
