"""What the verbs accept as source and target, turned into two domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.domain import Domain
from landbridge.exceptions import InputError

__all__ = ["as_pair", "read_stones", "share_columns"]

BUILTIN = "builtin:"


def as_pair(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    sources: str | None = None,
    other_columns: bool = False,
    image_size: tuple[int, int] | None = None,
) -> tuple[Domain, Domain, Any]:
    """Turn whatever was given for source and target into two domains, with the same columns if need be.

    Parameters
    ----------
    source, target : Domain, tuple, array, DataFrame, path or str
        A domain; a pair ``(X, y)``; rows alone; a DataFrame (the column `label` becomes the labels, text columns are
        encoded); a file or folder; or ``"builtin:NAME"``. Rows must be numbers unless they come as DataFrames or files.
    label : str, optional
        Name of the label column of DataFrames and files.
    sources : str, optional
        Name of the column that tells several sources apart, where the source is a DataFrame or the file of a table.
    other_columns : bool, default=False
        Whether the target may have columns of its own: another number of them, or other names throughout.
    image_size : (height, width), optional
        Common size of images that are read from folders.

    Returns
    -------
    source, target : Domain
    encoder : object or None
        What turned raw rows of both sides, or of a target with columns of its own, into numbers; None where they were
        numbers already.

    Raises
    ------
    InputError
        If a side cannot be read, or the columns differ where they must not.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.verbs._sides import as_pair
    >>> source, target, encoder = as_pair((np.eye(3), ["a", "b", "a"]), np.eye(3))
    >>> source
    Domain('source', 3 samples x 3 features, table, labelled)
    >>> target
    Domain('target', 3 samples x 3 features, table, no labels)
    """
    encoder = None
    if _is_raw(source) and _is_raw(target):
        one, two, encoder = _read_both(source, target, label, sources, other_columns, image_size)
    else:
        one, two = _one(source, "source", label, sources), _one(target, "target", label)
    n, m = one.X.shape[1], two.X.shape[1]
    if not share_columns(one, two) and other_columns:
        return one, two, encoder
    if n != m:
        raise InputError(
            f"target has {m} columns but source has {n}; give both the same columns in the same order and form, or "
            "drop those that only one side has; transfer() alone can go on with arrays of different widths."
        )
    return one, _in_order(one, two), encoder


def read_stones(through: Any, source: Domain, encoder: Any) -> list[Any]:
    """Read the domains between source and target, with the source's columns.

    Parameters
    ----------
    through : sequence of Domain, array, DataFrame, path or str
        From the one nearest to the source to the one nearest to the target; labels, where there are some, are not
        read.
    source : Domain
        As it was read.
    encoder : Encoder or None
        What turned raw rows of source and target into numbers.

    Returns
    -------
    list of ndarray or csr_matrix of shape (n_samples, n_features)

    Raises
    ------
    InputError
        If one of them cannot be read, or has other columns.
    """
    if isinstance(through, (str, Path, Domain)) or not hasattr(through, "__len__"):
        raise InputError(
            "through must be a list of the domains between source and target, nearest to the source first."
        )
    stones = []
    for i, side in enumerate(through):
        if encoder is not None and _is_raw(side) and not str(side).startswith(BUILTIN):
            rows = encoder.read(side)[0] if isinstance(side, (str, Path)) else encoder.transform(side)
        else:
            rows = _in_order(source, _one(side, f"through[{i}]", None)).X
        if rows.shape[1] != source.X.shape[1]:
            raise InputError(
                f"through[{i}] has {rows.shape[1]} columns but source has {source.X.shape[1]}; give it the same."
            )
        stones.append(rows)
    return stones


def share_columns(source: Domain, target: Domain) -> bool:
    """Say whether the columns of two domains are meant to be the same.

    Parameters
    ----------
    source, target : Domain

    Returns
    -------
    bool
        With names on both sides: whether any is on both. Otherwise whether there are equally many.
    """
    if source.columns is not None and target.columns is not None:
        return not set(source.columns).isdisjoint(target.columns)
    return bool(source.X.shape[1] == target.X.shape[1])


def _read_both(
    source: Any,
    target: Any,
    label: str | None,
    sources: str | None,
    other_columns: bool,
    image_size: tuple[int, int] | None = None,
) -> tuple[Domain, Domain, Any]:
    from landbridge.data import Encoder, read_pair

    try:
        one, two, encoder = read_pair(source, target, label=label, image_size=image_size, sources=sources)
    except InputError:
        apart = _read_apart(source, target, label, sources) if other_columns else None
        if apart is None:
            raise
        return apart
    if encoder is not None and not share_columns(one, two):
        encoder = Encoder().fit_arrays(two.X.shape[1])
    return one, two, encoder


def _read_apart(
    source: Any, target: Any, label: str | None, sources: str | None = None
) -> tuple[Domain, Domain, Any] | None:
    """Two tables without a common column but the label's, each read by itself; None for any other two sides."""
    from landbridge.data import read_pair
    from landbridge.data._files import existing, kind_of, pick_label, read_table

    if sources is not None and sources == label:
        return None
    frames = []
    for side in (source, target):
        if hasattr(side, "columns"):
            frames.append(side.rename(columns=str))
        elif kind_of(existing(side)) == "table" and not str(side).startswith(BUILTIN):
            frames.append(read_table(existing(side)).rename(columns=str))
        else:
            return None
    A, B = frames
    B = B if sources is None else B.drop(columns=[sources], errors="ignore")
    features = A if sources is None else A.drop(columns=[sources], errors="ignore")
    column = pick_label(features, label, "the source", required=True)
    assert column is not None
    if not (set(features.columns) - {column}).isdisjoint(B.columns):
        return None
    one = read_pair(A, A, label=column, sources=sources)[0]
    told = column in B.columns
    B = B if told else B.assign(**{column: 0})
    _, two, encoder = read_pair(B, B, label=column)
    names = [Path(str(s)).stem if isinstance(s, str | Path) else n for s, n in ((source, "source"), (target, "target"))]
    return _named(one, names[0]), _named(two if told else two.without_labels(), names[1], two.columns), encoder


def _named(domain: Domain, name: str, columns: list[str] | None = None) -> Domain:
    return domain.replace(name=name)._with_columns(columns or domain.columns)


def _is_raw(side: Any) -> bool:
    """DataFrames, files and folders go through the reader, which encodes both sides alike."""
    if isinstance(side, str | Path):
        return not str(side).startswith(BUILTIN)
    return hasattr(side, "columns") and not isinstance(side, Domain)


def _one(side: Any, name: str, label: str | None, sources: str | None = None) -> Domain:
    if sources is not None and not _is_raw(side):
        kind = "a Domain" if isinstance(side, Domain) else "a built-in domain" if isinstance(side, str) else "arrays"
        raise InputError(
            f"sources={sources!r} names a column of a table, but source is {kind}; give a DataFrame or the file of a "
            "table, or landbridge.Domain(X, y, source_domain=...)."
        )
    if isinstance(side, Domain):
        return side
    if _is_raw(side):
        from landbridge.data import read

        domain = read(side, label=label, sources=sources)
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
