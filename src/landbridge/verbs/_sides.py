"""What the verbs accept as source and target, turned into two domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.domain import Domain
from landbridge.exceptions import InputError

__all__ = ["as_pair"]

BUILTIN = "builtin:"


def as_pair(source: Any, target: Any, *, label: str | None = None) -> tuple[Domain, Domain, Any]:
    """Turn whatever was given for source and target into two domains with the same columns.

    Parameters
    ----------
    source, target : Domain, tuple, array, DataFrame, path or str
        A domain; a pair ``(X, y)``; rows alone; a DataFrame (the column `label` becomes the labels, text columns are
        encoded); a file or folder; or ``"builtin:NAME"``. Rows must be numbers unless they come as DataFrames or files.
    label : str, optional
        Name of the label column of DataFrames and files.

    Returns
    -------
    source, target : Domain
    encoder : object or None
        What turned raw rows of both sides into numbers; None where they were numbers already.

    Raises
    ------
    InputError
        If a side cannot be read, or the numbers of columns differ.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.verbs._sides import as_pair
    >>> source, target, encoder = as_pair((np.eye(3), ["a", "b", "a"]), np.eye(3))
    >>> source, target
    (Domain('source', 3 rows x 3 columns, table, labelled), Domain('target', 3 rows x 3 columns, table, no labels))
    """
    encoder = None
    if _is_raw(source) and _is_raw(target):
        from landbridge.data import read_pair

        read = read_pair(source, target, label=label)
        one, two, encoder = read[0], read[1], read[2] if len(read) > 2 else None
    else:
        one, two = _one(source, "source", label), _one(target, "target", label)
    n, m = one.X.shape[1], two.X.shape[1]
    if n != m:
        raise InputError(
            f"target has {m} columns but source has {n}; give both the same columns in the same order and form, or "
            "drop those that only one side has."
        )
    return one, _in_order(one, two), encoder


def _is_raw(side: Any) -> bool:
    """DataFrames, files and folders go through the reader, which encodes both sides alike."""
    if isinstance(side, str | Path):
        return not str(side).startswith(BUILTIN)
    return hasattr(side, "columns") and not isinstance(side, Domain)


def _one(side: Any, name: str, label: str | None) -> Domain:
    if isinstance(side, Domain):
        return side
    if _is_raw(side):
        from landbridge.data import read

        domain = read(side, label=label)
        return domain[0] if isinstance(domain, tuple) else domain
    if isinstance(side, str):
        from landbridge.data import load_builtin

        return load_builtin(side[len(BUILTIN) :])
    if isinstance(side, tuple):
        if len(side) != 2:
            raise InputError(f"{name} is a tuple of {len(side)}; give (X, y), or X alone.")
        return _rows(side[0], side[1], name)
    if side is None:
        raise InputError(f"{name} is None; give a Domain, (X, y), rows, a DataFrame, a path or 'builtin:NAME'.")
    return _rows(side, None, name)


def _rows(X: Any, y: Any, name: str) -> Domain:
    flat = sparse.issparse(X) or hasattr(X, "columns") or np.ndim(X) not in (3, 4)
    return Domain(X, y, name=name, kind="table" if flat else "images")


def _in_order(source: Domain, target: Domain) -> Domain:
    """Bring named target columns into the order of the source's."""
    a, b = source.columns, target.columns
    if a is None or b is None or a == b:
        return target
    if sorted(a) != sorted(b):
        missing = [c for c in a if c not in set(b)]
        raise InputError(
            f"target lacks the source's column {missing[0]!r}; rename or drop columns so that both have the same."
        )
    order = [b.index(c) for c in a]
    return target.replace(X=target.X[:, order])._with_columns(list(a))
