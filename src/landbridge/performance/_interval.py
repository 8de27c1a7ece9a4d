"""Intervals of 90 % that every estimator shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement

__all__ = ["Z90", "bounded", "finite"]

# Normal quantile of a two-sided interval of 90 %.
Z90 = 1.6449


def bounded(
    name: str,
    value: float,
    error: float,
    *,
    least: float = 0.0,
    most: float = 1.0,
    details: Mapping[str, Any] | None = None,
) -> Measurement:
    """Return a measurement with the normal interval of 90 %, cut to the range of the metric.

    Parameters
    ----------
    name : str
    value : float
    error : float
        Standard error.
    least, most : float, default=0.0, 1.0
        Range of the metric.
    details : mapping, optional
        Further values.

    Returns
    -------
    Measurement
    """
    value = float(min(max(value, least), most))
    error = float(error) if math.isfinite(error) else most - least
    low, high = max(value - Z90 * error, least), min(value + Z90 * error, most)
    return Measurement(name, value, low, high, higher_is_better=True, details={"error": error, **(details or {})})


def finite(values: Any, argument: str) -> np.ndarray:
    """Return a vector of finite numbers, at least one.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
    argument : str
        Its name in messages.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    InputError
        If it is no such vector.
    """
    out = np.asarray(values, dtype=float)
    if out.ndim != 1 or not len(out) or not np.isfinite(out).all():
        raise InputError(f"{argument} has shape {out.shape} or is not finite; give one finite number per sample.")
    return out
