"""Rebuilding of dataclasses from JSON: every entry is checked against the type of its field."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

__all__ = ["rebuild"]


def rebuild(kind: Any, value: Any) -> Any:
    """Make an object of a type from plain JSON.

    Parameters
    ----------
    kind : type
        A dataclass, or what annotates one of its fields: ``str``, ``bool``, ``int``, ``float``, ``tuple[str, ...]``,
        ``Mapping[str, ...]``, or one of them or None.
    value : object
        As :func:`json.loads` returned it. A float may be null, which stands for NaN.

    Returns
    -------
    object

    Raises
    ------
    TypeError
        If an entry is missing, unknown or of another type.

    Examples
    --------
    >>> from landbridge.measurement import Measurement
    >>> from landbridge.results._rebuild import rebuild
    >>> rebuild(Measurement, {"name": "mmd", "value": 1}).value
    1.0
    >>> rebuild(Measurement, {"name": "mmd", "value": "1"})
    Traceback (most recent call last):
    ...
    TypeError: float expected, got str
    """
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _dataclass(kind, value)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (part for part in parts if part is not type(None))
        return None if value is None else rebuild(inner, value)
    if origin is tuple:
        return tuple(rebuild(parts[0], v) for v in _expect(list, value))
    if origin is Mapping:
        return {_expect(str, k): rebuild(parts[1], v) for k, v in _expect(dict, value).items()}
    if kind is float:
        return math.nan if value is None else float(_expect((int, float), value, "float"))
    return _expect(kind, value)


def _dataclass(kind: Any, value: Any) -> Any:
    value = _expect(dict, value)
    hints = _hints(kind)
    known = {f.name: value[f.name] for f in fields(kind) if f.name in value}
    # Properties are written for readers, and follow from the fields.
    if unknown := [k for k in value if k not in known and not isinstance(getattr(kind, k, None), property)]:
        raise TypeError(f"{kind.__name__} has no {unknown[0]!r}")
    return kind(**{name: rebuild(hints[name], v) for name, v in known.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _expect(kind: Any, value: Any, name: str = "") -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{name or kind.__name__} expected, got {type(value).__name__}")
    return value
