"""Numbers as they are printed: percent, points, intervals and p-values."""

from __future__ import annotations

import math
import re
from typing import Any

from landbridge.measurement import Measurement

__all__ = ["between", "count", "journal", "number", "p_value", "plain", "shown"]

MINUS = "\N{MINUS SIGN}"


def number(value: float | None, percent: bool = False, *, sign: bool = False) -> str:
    """Return a value as it is printed, without its unit.

    Parameters
    ----------
    value : float or None
    percent : bool, default=False
        Whether it is a share, printed in percent.
    sign : bool, default=False
        Whether a plus is printed as well.

    Returns
    -------
    str
        Empty for None and NaN.

    Examples
    --------
    >>> from landbridge.report._words import number
    >>> number(0.968, True), number(0.0278), number(1234.5678), number(0.5)
    ('96.8', '0.028', '1,235', '0.50')
    """
    if value is None or not math.isfinite(value):
        return ""
    if percent:
        text = f"{100 * value:+.1f}" if sign else f"{100 * value:.1f}"
    else:
        size = abs(value)
        places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.095 or size == 0 else 3
        if 0 < size < 0.0095:
            text = f"{value:+.2g}" if sign else f"{value:.2g}"
        else:
            text = f"{value:+,.{places}f}" if sign else f"{value:,.{places}f}"
    return text.replace("-", MINUS)


def between(low: float | None, high: float | None, percent: bool = False, *, sign: bool = False) -> str:
    """Return an interval as it is printed.

    Parameters
    ----------
    low, high : float or None
    percent : bool, default=False
    sign : bool, default=False

    Returns
    -------
    str
        Empty where an end is not known.

    Examples
    --------
    >>> from landbridge.report._words import between
    >>> between(0.942, 0.994, True)
    '94.2 to 99.4'
    """
    ends = number(low, percent, sign=sign), number(high, percent, sign=sign)
    return f"{ends[0]} to {ends[1]}" if all(ends) else ""


def shown(m: Measurement | None, percent: bool = False, *, sign: bool = False) -> str:
    """Return the value of a measurement as it is printed.

    Parameters
    ----------
    m : Measurement or None
    percent : bool, default=False
    sign : bool, default=False

    Returns
    -------
    str
    """
    return "" if m is None else number(m.value, percent, sign=sign)


def p_value(p: float | None) -> str:
    """Return a p-value as journals print it.

    Parameters
    ----------
    p : float or None

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.report._words import p_value
    >>> p_value(0.00004), p_value(0.0042), p_value(0.65), p_value(0.999)
    ('< 0.001', '0.004', '0.65', '> 0.99')
    """
    if p is None or not math.isfinite(p):
        return ""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.01 else "> 0.99" if p > 0.99 else f"{p:.2f}"


def journal(text: str) -> str:
    """Return a sentence with its p-values as journals print them.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.report._words import journal
    >>> journal("The gain is significant (p = 1.2e-05).")
    'The gain is significant (p < 0.001).'
    """

    def printed(found: re.Match[str]) -> str:
        p = p_value(float(found.group(1)))
        return f"p {p}" if p[0] in "<>" else f"p = {p}"

    return re.sub(r"\bp = (\d[\d.]*(?:e[+-]?\d+)?(?<!\.))", printed, text)


def count(n: Any, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    Parameters
    ----------
    n : int
    one, many : str
        Singular, and plural where that is not the singular with an s.

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.report._words import count
    >>> count(1, "sample"), count(1200, "sample"), count(2, "class", "classes")
    ('1 sample', '1,200 samples', '2 classes')
    """
    return f"{int(n):,} {one if int(n) == 1 else many or one + 's'}"


def plain(metric: str) -> str:
    """Return the name of a metric in words.

    Parameters
    ----------
    metric : str

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.report._words import plain
    >>> plain("balanced_accuracy"), plain("r2"), plain("roc_auc")
    ('balanced accuracy', 'R²', 'AUC')
    """
    names = {"balanced_accuracy": "balanced accuracy", "r2": "R²", "roc_auc": "AUC"}
    return names.get(metric, metric)
