"""Text of users' files, safe to print and to open in a spreadsheet."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["defused", "one_line", "printable"]

# Escape sequences of terminals: colours, cursor movements, titles of windows; then any other control character.
SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x9b[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]", re.DOTALL
)
# Controls of C0 and C1 but for tab and line feed; marks that turn the direction of text; separators of lines.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]")
# A cell that begins like this is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# Digits with marks of decimals and thousands, an exponent, a percent sign.
NUMBER = re.compile(r"[+-]?[.,]?[0-9][0-9.,' \u00a0\u202f]*(?:[eE][+-]?[0-9]+)?\s?%?")


def printable(value: Any) -> str:
    """Return text without control characters and escape sequences; tabs and line ends stay.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.cli._text import printable
    >>> printable("\\x1b[31mred\\x1b[0m")
    'red'
    """
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return CONTROLS.sub("", SEQUENCES.sub("", text))


def one_line(value: Any) -> str:
    """Return text on one line, without control characters and escape sequences.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    return " ".join(printable(value).split())


def defused(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it.

    Parameters
    ----------
    value : object
        Text; numbers, and text that is a number, stay.

    Returns
    -------
    object

    Examples
    --------
    >>> from landbridge.cli._text import defused
    >>> defused("=1+1"), defused("-3"), defused(-3), defused("@home")
    ("'=1+1", '-3', -3, "'@home")
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    if not (value.startswith(FORMULA) or text.startswith(FORMULA)) or _is_number(text):
        return text
    return "'" + text


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
