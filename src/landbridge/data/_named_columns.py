"""Tables with unique column names of type str."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.exceptions import InputError

__all__ = ["named", "refuse_complex"]


def named(frame: Any, side: str) -> Any:
    """Return the table with unique column names of type str, at least one row, and no complex numbers.

    Parameters
    ----------
    frame : DataFrame
        It is not modified.
    side : str
        Its name in messages.

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        If it is no such table.
    """
    if not hasattr(frame, "columns"):
        raise InputError(f"{side} must be a DataFrame; got {type(frame).__name__}.")
    columns = [str(c) for c in frame.columns]
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(f"{side} has the column {twice!r} twice; give every column its own name.")
    if not len(frame):
        raise InputError(f"{side} has no rows; give at least one row.")
    frame = frame.set_axis(columns, axis=1)
    refuse_complex(frame, side)
    return frame


def refuse_complex(frame: Any, where: str) -> None:
    """Raise an error if a column of a table holds complex numbers.

    Parameters
    ----------
    frame : DataFrame
        The table.
    where : str
        Name of the table in the error message.

    Raises
    ------
    InputError
        If a column holds complex numbers.
    """
    for name, column in frame.items():
        held = column.dropna().head(1) if column.dtype.kind == "O" else ()
        if column.dtype.kind == "c" or any(isinstance(v, complex | np.complexfloating) for v in held):
            raise InputError(
                f"{where}: column {name!r} holds complex numbers; replace it by columns of real numbers, such as real "
                "and imaginary part, or modulus and phase."
            )
