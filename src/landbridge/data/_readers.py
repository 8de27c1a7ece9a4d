"""Reading domains: one file or folder strictly, or a pair of them with all that real tables bring along."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from landbridge.data._builtin import load_builtin
from landbridge.data._encoder import Encoder
from landbridge.data._files import (
    apply_label_rule,
    existing,
    kind_of,
    pick_label,
    read_arrays,
    read_images,
    read_table,
    take_sources,
)
from landbridge.domain import Domain, missing_labels
from landbridge.exceptions import InputError, LabelError, ReadError

__all__ = ["read", "read_pair"]

BUILTIN = "builtin:"


def read(
    path: Any,
    *,
    label: str | None = None,
    name: str | None = None,
    image_size: int | Sequence[int] | None = None,
    text: str | None = None,
    sources: str | None = None,
) -> Domain:
    """Read one domain from a file or a folder; every column must be a number without gaps.

    Parameters
    ----------
    path : str, Path or DataFrame
        A csv, tsv, parquet, jsonl, npz, mat or svmlight file; a folder of images; ``"builtin:NAME"``; or a table
        that is in memory already.
    label : str, optional
        Name of the label column or array, or a rule that makes two classes of a column, such as ``"num>0"``. Left
        out: a column named label, target, class or y, if there is just one.
    name : str, optional
        What to call it; the file's name if left out.
    image_size : int or (height, width), optional
        Common size of images, 32 x 32 if left out.
    text : str, optional
        A column of running text; it becomes the only feature, as components of TF-IDF. They mean something within
        this file only: ``read_pair`` gives two files the same ones.
    sources : str, optional
        The column of a table that tells several sources apart; it is no feature and becomes ``source_domain``.

    Returns
    -------
    Domain

    Raises
    ------
    ReadError
        If it cannot be read.
    LabelError
        If there is no such label column.

    See Also
    --------
    read_pair : Two tables with text columns and gaps.

    Examples
    --------
    >>> from landbridge.data import read
    >>> read("builtin:tumours-small").regime
    'labelled'
    """
    kind = _side_kind(path, "path")
    _check_sources(sources, label, kind)
    if kind == "builtin":
        domain = load_builtin(str(path)[len(BUILTIN) :])
        return domain if name is None else domain.replace(name=name)
    name = name or _name(path, "table")
    if kind == "images":
        X, y, _, shape, _ = read_images(existing(path), _size(image_size))
        return Domain(X, y, name=name, kind="images", image_shape=shape)
    if kind == "arrays":
        X, y = read_arrays(existing(path), label)
        return _array_domain(X, y, name)
    where = "the DataFrame" if hasattr(path, "columns") else str(path)
    frame, origin = _frame(path, where), None
    if sources is not None:
        frame, origin = take_sources(frame, sources, where)
    frame, _ = apply_label_rule(frame, label)
    column = pick_label(frame, label, where, required=label is not None)
    y = None if column is None else _clean_labels(frame[column])
    rows = frame if column is None else frame.drop(columns=[column])
    if text is not None:
        if text not in rows.columns:
            raise InputError(f"text={text!r} is no column of {where}; choose from {', '.join(rows.columns[:12])}.")
        encoder = Encoder(text=text).fit(rows[[text]], rows[[text]])
        domain = Domain(encoder.transform(rows), y, name=name, kind="text", source_domain=origin)
        return domain._with_columns(list(encoder.columns_))
    return Domain(_strict(rows, where), y, name=name, source_domain=origin)


def read_pair(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    image_size: int | Sequence[int] | None = None,
    text: str | None = None,
    sources: str | None = None,
) -> tuple[Domain, Domain, Encoder | None]:
    """Read source and target together, so that both get the same numeric columns.

    Parameters
    ----------
    source, target : path or DataFrame
        Two tables, two folders of images, two array files; ``"builtin:NAME"`` for either.
    label : str, optional
        Name of the label column, or a rule that makes two classes of one, such as ``"num>0"``. The source needs it; in
        the target it may be missing or have gaps. Left out: the one column of the source named label, target, class
        or y.
    image_size : int or (height, width), optional
        Common size of images, 32 x 32 if left out.
    text : str, optional
        The column of running text, if there is one and it is not plain to see.
    sources : str, optional
        The column of the source's table that tells several sources apart; it is no feature and becomes
        ``source_domain``. A column of that name in the target is left out.

    Returns
    -------
    source, target : Domain
    encoder : Encoder or None
        Reads and encodes new rows in the same way; None if a side is built-in.

    Raises
    ------
    ReadError, LabelError, InputError
        In one line, with the remedy.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data import read_pair
    >>> a = pd.DataFrame({"age": [30, 50], "sex": ["f", "m"], "ill": [0, 1]})
    >>> b = pd.DataFrame({"sex": ["m", "f"], "age": [70, 60]})
    >>> source, target, encoder = read_pair(a, b, label="ill")
    >>> target.columns, target.regime
    (['age', 'sex=f', 'sex=m'], 'unlabelled')
    """
    kinds = (_side_kind(source, "source"), _side_kind(target, "target"))
    _check_sources(sources, label, kinds[0])
    if "builtin" in kinds:
        return read(source, label=label, sources=sources), _read_target(target, label), None
    if kinds[0] != kinds[1]:
        raise InputError(f"source holds {kinds[0]} but target holds {kinds[1]}; give both sides as the same kind.")
    if kinds[0] == "images":
        return _image_pair(source, target, _size(image_size))
    if kinds[0] == "arrays":
        return _array_pair(source, target, label)
    return _table_pair(source, target, label, text, sources)


def _check_sources(sources: str | None, label: str | None, kind: str) -> None:
    """Refuse a column of sources where there is no table, or where it is the label.

    Parameters
    ----------
    sources, label : str or None
    kind : {"table", "images", "arrays", "builtin", ...}
        What the source holds.

    Raises
    ------
    InputError
    """
    if sources is None:
        return
    if kind != "table":
        raise InputError(
            f"sources={sources!r} names a column of a table, but source holds {kind}; give a table (a DataFrame or a "
            "csv, tsv, parquet or jsonl file), or a Domain that was made with source_domain."
        )
    if sources == label:
        raise InputError(f"sources and label both name the column {label!r}; name another one for sources.")


def _table_pair(
    source: Any, target: Any, label: str | None, text: str | None, sources: str | None
) -> tuple[Domain, Domain, Encoder]:
    names = _name(source, "source"), _name(target, "target")
    A, B, origin = _frame(source, "source"), _frame(target, "target"), None
    where = "the source" if hasattr(source, "columns") else str(source)
    if sources is not None:
        A, origin = take_sources(A, sources, where)
        B = B.drop(columns=[sources], errors="ignore")
    A, rule = apply_label_rule(A, label)
    B, _ = apply_label_rule(B, label)
    column = pick_label(A, label, where, required=True)
    assert column is not None
    if column not in B.columns:  # "Class" here and "class" there are one column
        alike = [c for c in B.columns if c.lower() == column.lower() and c not in A.columns]
        B = B.rename(columns={alike[0]: column}) if len(alike) == 1 else B
    y = _clean_labels(A[column])
    yt = _clean_labels(B[column]) if column in B.columns else None
    if missing_labels(y).all():
        raise LabelError(f"the label column {column!r} of the source is empty; fill it or name another.")
    y, yt = _one_type(y, yt)
    encoder = Encoder(ignore=column if rule is None else rule, text=text).fit(
        *(side.drop(columns=[column], errors="ignore") if rule else side for side in (A, B))
    )
    only_text = encoder.text_ is not None and not encoder.numbers_ and not encoder.categories_
    one, two = (
        Domain(
            encoder.transform(frame), labels, name=n, kind="text" if only_text else "table", source_domain=of
        )._with_columns(list(encoder.columns_))
        for frame, labels, n, of in ((A, y, names[0], origin), (B, yt, names[1], None))
    )
    return one, two, encoder


def _image_pair(source: Any, target: Any, size: tuple[int, int] | None) -> tuple[Domain, Domain, Encoder]:
    sides = [existing(source), existing(target)]
    held = [read_images(side, size) for side in sides]
    mode = "RGB" if any(h[4] == "RGB" for h in held) else "L"
    # One side has colour: the other is read in colour too, so that the columns agree.
    held = [h if h[4] == mode else read_images(side, size, mode) for h, side in zip(held, sides, strict=True)]
    (X, y, _, shape, _), (Xt, yt, _, _, _) = held
    encoder = Encoder(image_size=size).fit_images(mode, shape)
    one = Domain(X, y, name=_name(source, "source"), kind="images", image_shape=shape)
    return one, Domain(Xt, yt, name=_name(target, "target"), kind="images", image_shape=shape), encoder


def _array_pair(source: Any, target: Any, label: str | None) -> tuple[Domain, Domain, Encoder]:
    X, y = read_arrays(existing(source), label)
    try:
        Xt, yt = read_arrays(existing(target), label)
    except LabelError:  # the target need not have the label array
        Xt, yt = read_arrays(existing(target), None)[0], None
    if sparse.issparse(X) and sparse.issparse(Xt):
        # A svmlight file does not say how wide it is: columns at the end that are zero throughout are not in it.
        width = max(X.shape[1], Xt.shape[1])
        for rows in (X, Xt):
            rows.resize(rows.shape[0], width)
    one, two = _array_domain(X, y, _name(source, "source")), _array_domain(Xt, yt, _name(target, "target"))
    return one, two, Encoder().fit_arrays(one.X.shape[1])


def _array_domain(X: Any, y: Any, name: str) -> Domain:
    return Domain(X, y, name=name, kind="images" if np.ndim(X) > 2 else "table")


def _read_target(target: Any, label: str | None) -> Domain:
    try:
        return read(target, label=label)
    except LabelError:  # the target need not have the label column
        return read(target)


def _side_kind(side: Any, argument: str) -> str:
    if hasattr(side, "columns") and hasattr(side, "dtypes"):
        return "table"
    if not isinstance(side, str | Path):
        raise InputError(
            f"{argument} must be a path, 'builtin:NAME' or a DataFrame; got {type(side).__name__}. Arrays need no "
            "reading: landbridge.Domain takes them."
        )
    return "builtin" if str(side).startswith(BUILTIN) else kind_of(existing(side))


def _frame(side: Any, where: str) -> Any:
    """Return the table of a file, or a DataFrame with text for column names."""
    if not hasattr(side, "columns"):
        return read_table(existing(side))
    columns = [str(c) for c in side.columns]
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(f"{where} has the column {twice!r} twice; give every column its own name.")
    if not len(side) or not columns:
        raise InputError(f"{where} is an empty table; give at least one row and one column.")
    return side.set_axis(columns, axis=1)


def _strict(rows: Any, where: str) -> Any:
    """Return the table as numbers, or say which column is not."""
    remedy = "read both sides together with landbridge.data.read_pair, which"
    for c in rows.columns:
        if rows[c].dtype.kind not in "iufb":
            held = "dates" if rows[c].dtype.kind in "mM" else "text"
            raise ReadError(f"{where}: column {c!r} holds {held}; {remedy} encodes text, or leave it out.")
    out = rows.apply(lambda column: column.to_numpy(dtype=float, na_value=np.nan))
    gaps = (~np.isfinite(out.to_numpy())).sum(axis=0)
    if gaps.any():
        i = int(np.argmax(gaps > 0))
        raise ReadError(
            f"{where}: column {out.columns[i]!r} has {gaps[i]} empty cells (NaN or infinity); fill them, or {remedy} "
            "fills them."
        )
    return out


def _clean_labels(column: Any) -> NDArray[Any]:
    """Labels of their own type: whole numbers stay whole although gaps made floats or objects of them."""
    values = [v.strip() if isinstance(v, str) else v for v in column.astype(object)]
    gaps = missing_labels(column) | np.array([isinstance(v, str) and not v for v in values], dtype=bool)
    told = [v for v, gap in zip(values, gaps, strict=True) if not gap]
    if not told:
        return np.full(len(values), None, dtype=object)
    if all(isinstance(v, bool | np.bool_) for v in told):
        convert: Any = bool
    elif any(isinstance(v, bool | np.bool_) or not isinstance(v, int | float | np.number) for v in told):
        convert = str
    elif all(isinstance(v, Integral) for v in told):
        convert = int
    else:
        # A gap turns whole numbers into floats on the way in; without gaps the file itself says 1.0.
        convert = int if gaps.any() and all(float(v).is_integer() for v in told) else float
    if not gaps.any():
        return np.array([convert(v) for v in told])
    if convert is float:
        return np.array([np.nan if gap else float(v) for v, gap in zip(values, gaps, strict=True)])
    return np.array([None if gap else convert(v) for v, gap in zip(values, gaps, strict=True)], dtype=object)


def _one_type(y: NDArray[Any], yt: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Labels 1 and 2 of one side are the labels "1" and "2" of the other, if that one also has "x"."""
    if yt is None or missing_labels(yt).all():
        return y, yt
    words = [isinstance(side[~missing_labels(side)][0], str) for side in (y, yt)]
    if words[0] == words[1]:
        return y, yt
    return (y, _worded(yt)) if words[0] else (_worded(y), yt)


def _worded(y: NDArray[Any]) -> NDArray[Any]:
    gaps = missing_labels(y)
    words = [None if gap else _word(v) for v, gap in zip(y, gaps, strict=True)]
    return np.array(words, dtype=object if gaps.any() else None)


def _word(label: Any) -> str:
    whole = not isinstance(label, bool | np.bool_) and float(label).is_integer()
    return str(int(label)) if whole else str(label)


def _size(image_size: Any) -> tuple[int, int] | None:
    if image_size is None:
        return None
    both = (image_size, image_size) if isinstance(image_size, Integral) else image_size
    try:
        height, width = (int(s) for s in both)
        whole = all(s == int(s) for s in both)
    except (TypeError, ValueError):
        whole = False
    if not whole or min(height, width) < 1:
        raise InputError(f"image_size must be (height, width) in dots, both at least 1; got {image_size!r}.")
    return height, width


def _name(side: Any, default: str) -> str:
    return default if hasattr(side, "columns") else _stem(Path(side))


def _stem(path: Path) -> str:
    path = path.resolve() if path.name in ("", "..") else path
    return path.name.removesuffix(".gz").rsplit(".", 1)[0] if path.is_file() else path.name
