"""Reading of source and target: whatever a verb was given becomes two domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.domain import Domain
from landbridge.exceptions import InputError, LabelError

__all__ = ["read_domains", "read_intermediate", "read_one", "share_features"]

BUILTIN = "builtin:"


def read_domains(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    sources: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
    other_features: bool = False,
    image_size: tuple[int, int] | None = None,
    require_label: bool = True,
) -> tuple[Domain, Domain, Any]:
    """Read source and target as two domains with the same features.

    Parameters
    ----------
    source, target : Domain, tuple, array, DataFrame, path or str
        A domain; a pair ``(X, y)``; an array; a DataFrame (the column `label` becomes the labels, text columns are
        encoded); a file or folder; or ``"builtin:NAME"``. Arrays must hold numbers.
    label : str, optional
        Name of the label column of DataFrames and files.
    sources : str, optional
        Name of the column that identifies the source domain of each sample, where the source is a table.
    groups : str, optional
        Name of the column that identifies the group of each sample, where both sides are tables.
    read_options : ReadOptions or mapping, optional
        How tables are read.
    other_features : bool, default=False
        Whether the target may have features of its own: another number of them, or other names throughout.
    image_size : (height, width), optional
        Common size of images that are read from folders.
    require_label : bool, default=True
        Whether a source table without a label column is an error.

    Returns
    -------
    source, target : Domain
    encoder : object or None
        What encoded both sides, or of a target with features of its own; None where they were numbers
        already.

    Raises
    ------
    InputError
        If a side cannot be read, if the features differ where they must not, or if `label` names a column and no side
        is a table.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.problem import read_domains
    >>> source, target, encoder = read_domains((np.eye(3), ["a", "b", "a"]), np.eye(3))
    >>> source
    Domain('source', 3 samples x 3 features, table, labelled)
    >>> target
    Domain('target', 3 samples x 3 features, table, no labels)
    """
    source, target = in_memory(source, "source"), in_memory(target, "target")
    if label is not None and not (_is_raw(source) or _is_raw(target)):
        raise InputError(f"label={label!r} names a column of a table, but neither side is a table; omit it.")
    if read_options and not (_is_raw(source) or _is_raw(target)):
        raise InputError("read_options say how tables are read, but neither side is a table or file; omit them.")
    encoder = None
    if _is_raw(source) and _is_raw(target):
        names = {"label": label, "sources": sources, "groups": groups, "read_options": read_options}
        names |= {} if require_label else {"require_label": False}
        one, two, encoder = _read_both(source, target, names, other_features, image_size)
    else:
        one = read_one(source, "source", label, sources, groups, read_options)
        two = read_one(target, "target", label, None, groups, read_options)
    one, two = _of_one_form(one, two)
    n, m = one.X.shape[1], two.X.shape[1]
    if not share_features(one, two) and other_features:
        return one, two, encoder
    if n != m:
        raise InputError(
            f"target has {m} columns but source has {n}; give both the same features in the same order, or "
            "drop those that only one side has; transfer() alone takes domains with different features."
        )
    return one, _in_order(one, two), encoder


def read_intermediate(domains: Any, source: Domain, encoder: Any) -> tuple[Any, ...]:
    """Read the domains between source and target, with the source's features.

    Parameters
    ----------
    domains : sequence of Domain, array, DataFrame, path or str
        Nearest to the source first; labels are not used.
    source : Domain
        As it was read.
    encoder : Encoder or None
        What encoded source and target.

    Returns
    -------
    tuple of ndarray or csr_matrix of shape (n_samples, n_features)

    Raises
    ------
    InputError
        If one of them cannot be read, or has other features.
    """
    if isinstance(domains, (str, Path, Domain)) or not hasattr(domains, "__len__"):
        raise InputError(
            "intermediate_domains must be a list of domains between source and target, nearest to the source first."
        )
    read = []
    for i, side in enumerate(domains):
        if encoder is not None and _is_raw(side) and not str(side).startswith(BUILTIN):
            X = encoder.read(side)[0] if isinstance(side, (str, Path)) else encoder.transform(side)
        else:
            X = _in_order(source, read_one(side, f"intermediate_domains[{i}]", None)).X
        if X.shape[1] != source.X.shape[1]:
            raise InputError(
                f"intermediate_domains[{i}] has {X.shape[1]} features but source has {source.X.shape[1]}; give it the "
                "same."
            )
        read.append(X)
    return tuple(read)


def share_features(source: Domain, target: Domain) -> bool:
    """Return whether two domains are meant to have the same features.

    Parameters
    ----------
    source, target : Domain

    Returns
    -------
    bool
        With names on both sides: whether any name is on both. Otherwise whether there are equally many.
    """
    if source.columns is not None and target.columns is not None:
        return not set(source.columns).isdisjoint(target.columns)
    return bool(source.X.shape[1] == target.X.shape[1])


def _read_both(
    source: Any,
    target: Any,
    names: dict[str, Any],
    other_features: bool,
    image_size: tuple[int, int] | None = None,
) -> tuple[Domain, Domain, Any]:
    from landbridge.data import Encoder, read_pair

    try:
        one, two, encoder = read_pair(source, target, image_size=image_size, **names)
    except LabelError:
        raise
    except InputError:
        names.pop("require_label", None)
        apart = _read_apart(source, target, **names) if other_features else None
        if apart is None:
            raise
        return apart
    if encoder is not None and not share_features(one, two):
        encoder = Encoder().fit_arrays(two.X.shape[1])
    return one, two, encoder


def _read_apart(
    source: Any,
    target: Any,
    label: str | None,
    sources: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
) -> tuple[Domain, Domain, Any] | None:
    """Two tables without a common feature, each read by itself; None for any other two sides."""
    from landbridge.data import ReadOptions, read_pair
    from landbridge.data._column_kinds import is_feature
    from landbridge.data._files import existing, kind_of, pick_label, read_table
    from landbridge.data._headers import match_headers, rename_columns

    special = [name for name in (label, sources, groups) if name is not None]
    if len(set(special)) < len(special):
        return None
    frames, options = [], ReadOptions.of(read_options)
    for side in (source, target):
        if hasattr(side, "columns"):
            frames.append(side.set_axis([str(c) for c in side.columns], axis=1))
        elif kind_of(existing(side)) == "table" and not str(side).startswith(BUILTIN):
            frames.append(read_table(existing(side), options).rename(columns=str))
        else:
            return None
    if any(frame.columns.duplicated().any() for frame in frames):
        return None
    A, B = rename_columns(frames, options.rename)
    B, _ = match_headers(A, B)
    extra = [*options.drop, *(n for n in (options.id, options.weights) if n)]
    A, B = (side.drop(columns=extra, errors="ignore") for side in (A, B))
    B = B if sources is None else B.drop(columns=[sources], errors="ignore")
    features = A.drop(columns=[name for name in (sources, groups) if name is not None], errors="ignore")
    column = pick_label(features, label, "the source", required=True)
    assert column is not None
    shared = [c for c in features.columns if c != column and c in B.columns and c not in special]
    if any(is_feature(c, A[c], B[c]) for c in shared if c not in options.keep) or set(shared) & set(options.keep):
        return None
    A, B = A.drop(columns=shared), B.drop(columns=shared)
    if set(A.columns) <= {column, *special} or set(B.columns) <= {column, *special}:
        return None
    if groups is not None and not all(groups in side.columns for side in (A, B)):
        return None
    one, _, first = read_pair(A, A, label=column, sources=sources, groups=groups)
    has_labels = column in B.columns
    B = B if has_labels else B.assign(**{column: 0})
    _, two, encoder = read_pair(B, B, label=column, groups=groups)
    assert first is not None and encoder is not None
    encoder.facts_ = _facts_apart(first.facts_, encoder.facts_, has_labels)
    if shared := [c for c in shared if c != options.id]:
        encoder.remarks_ = [f"In both, but no feature: {', '.join(map(repr, shared[:6]))}.", *encoder.remarks_]
    names = [Path(str(s)).stem if isinstance(s, str | Path) else n for s, n in ((source, "source"), (target, "target"))]
    return _named(one, names[0]), _named(two if has_labels else two.without_labels(), names[1], two.columns), encoder


def _facts_apart(source: list[Any], target: list[Any], target_has_labels: bool) -> list[Any]:
    """Facts on the columns of two tables without a common one, each with the gaps of its own side."""
    labels = [f for f in target if f["kind"] == "label"] if target_has_labels else []
    found = []
    for side, facts in (("source", source), ("target", target)):
        for fact in facts:
            gaps = {side: fact["gaps"].get(side, 0)}
            if fact["kind"] == "label":
                if side == "target":
                    continue
                gaps |= {"target": labels[0]["gaps"].get("target", 0)} if labels else {}
            odd = {s: n for s, n in fact["not_numbers"].items() if s == side}
            found.append({**fact, "gaps": gaps, "not_numbers": odd})
    return found


def _of_one_form(one: Domain, two: Domain) -> tuple[Domain, Domain]:
    """Two domains that are both sparse or both dense; where they differ, the sparse one becomes dense."""
    if sparse.issparse(one.X) == sparse.issparse(two.X):
        return one, two
    dense = [d.replace(X=d.X.toarray())._with_columns(d.columns) if sparse.issparse(d.X) else d for d in (one, two)]
    return dense[0], dense[1]


def _named(domain: Domain, name: str, columns: list[str] | None = None) -> Domain:
    return domain.replace(name=name)._with_columns(columns or domain.columns)


def _is_raw(side: Any) -> bool:
    """DataFrames, files and folders go through the reader, which encodes both sides alike."""
    if isinstance(side, str | Path):
        return not str(side).startswith(BUILTIN)
    return hasattr(side, "columns") and not isinstance(side, Domain)


def in_memory(side: Any, where: str) -> Any:
    """Return a table or data set of another library as a DataFrame or as arrays; anything else as it is.

    Parameters
    ----------
    side : object
    where : str
        Its name in messages.

    Returns
    -------
    object
    """
    from landbridge.data.formats._frames import as_table

    if side is None or isinstance(side, Domain | str | Path | tuple | list | np.ndarray) or sparse.issparse(side):
        return side
    found = as_table(side, where)
    if found is None:
        return side
    return found[0] if isinstance(found, tuple) and found[1] is None else found


def read_one(
    side: Any,
    name: str,
    label: str | None,
    sources: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
) -> Domain:
    """Read one side by itself.

    Parameters
    ----------
    side : object
        As it was given.
    name : str
        Of the argument, for messages.
    label, sources, groups : str or None
        Names of columns, where it is a table.
    read_options : ReadOptions or mapping, optional
        How it is read, where it is a table.

    Returns
    -------
    Domain
    """
    side = in_memory(side, name)
    kind = "a Domain" if isinstance(side, Domain) else "a built-in domain" if isinstance(side, str) else "arrays"
    if groups is not None and not _is_raw(side):
        raise InputError(
            f"groups={groups!r} names a column of tables, but {name} is {kind}; give DataFrames or the files of "
            "tables, or landbridge.Domain(X, y, groups=...) and no groups."
        )
    if sources is not None and not _is_raw(side):
        raise InputError(
            f"sources={sources!r} names a column of a table, but source is {kind}; give a DataFrame or the file of a "
            "table, or landbridge.Domain(X, y, source_domain=...)."
        )
    if isinstance(side, Domain):
        return side
    if _is_raw(side):
        from landbridge.data import read

        domain = read(side, label=label, sources=sources, groups=groups, read_options=read_options)
        return domain[0] if isinstance(domain, tuple) else domain
    if isinstance(side, str):
        from landbridge.data import load_builtin

        return load_builtin(side[len(BUILTIN) :])
    if isinstance(side, tuple):
        if len(side) != 2:
            raise InputError(f"{name} is a tuple of {len(side)}; give (X, y), or X alone.")
        return _arrays(side[0], side[1], name)
    if side is None:
        raise InputError(f"{name} is None; give a Domain, (X, y), an array, a DataFrame, a path or 'builtin:NAME'.")
    return _arrays(side, None, name)


def _arrays(X: Any, y: Any, name: str) -> Domain:
    try:
        flat = sparse.issparse(X) or hasattr(X, "columns") or np.ndim(X) not in (3, 4)
    except ValueError:  # samples of different lengths, which the domain refuses
        flat = True
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
