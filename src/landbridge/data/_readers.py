"""Reading domains: one file or folder strictly, or a pair of them with all that real tables bring along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.data._builtin import load_builtin
from landbridge.data._encoder import Encoder
from landbridge.data._files import existing, kind_of, pick_label, read_arrays, read_images, read_table
from landbridge.domain import Domain, missing_labels
from landbridge.exceptions import InputError, LabelError, ReadError

__all__ = ["read", "read_pair"]

BUILTIN = "builtin:"


def read(
    path: str | Path, *, label: str | None = None, name: str | None = None, image_size: Sequence[int] | None = None
) -> Domain:
    """Read one domain from a file or a folder; every column must be a number without gaps.

    Parameters
    ----------
    path : str or Path
        A csv, tsv, parquet, jsonl, npz, mat or svmlight file; a folder of images; or ``"builtin:NAME"``.
    label : str, optional
        Name of the label column or array. Left out: a column named label, target, class or y, if there is just one.
    name : str, optional
        What to call it; the file's name if left out.
    image_size : (height, width), optional
        Common size of images, 32 x 32 if left out.

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
    if str(path).startswith(BUILTIN):
        return load_builtin(str(path)[len(BUILTIN) :])
    path = existing(path)
    name = name or _stem(path)
    kind = kind_of(path)
    if kind == "images":
        X, y, _, shape, _ = read_images(path, image_size)
        return Domain(X, y, name=name, kind="images", image_shape=shape)
    if kind == "arrays":
        X, y = read_arrays(path, label)
        return Domain(X, y, name=name, kind="images" if np.ndim(X) > 2 else "table")
    frame = read_table(path)
    column = pick_label(frame, label, str(path), required=label is not None)
    y = None if column is None else frame[column].to_numpy()
    rows = frame if column is None else frame.drop(columns=[column])
    words = [c for c in rows.columns if rows[c].dtype.kind not in "iufb"]
    if words:
        raise ReadError(
            f"{path}: column {words[0]!r} holds text; read both sides together with landbridge.data.read_pair, which "
            "encodes it."
        )
    return Domain(rows.astype(float), y, name=name)


def read_pair(
    source: Any, target: Any, *, label: str | None = None, image_size: Sequence[int] | None = None
) -> tuple[Domain, Domain, Encoder | None]:
    """Read source and target together, so that both get the same numeric columns.

    Parameters
    ----------
    source, target : path or DataFrame
        Two tables, two folders of images, two array files; ``"builtin:NAME"`` for either.
    label : str, optional
        Name of the label column. The source needs it; in the target it may be missing or have gaps.
    image_size : (height, width), optional
        Common size of images.

    Returns
    -------
    source, target : Domain
    encoder : Encoder or None
        Reads and encodes new rows in the same way; None for arrays and built-in domains.

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
    kinds = {side: _side_kind(side_data) for side, side_data in (("source", source), ("target", target))}
    if kinds["source"] != "table" or kinds["target"] != "table":
        return _read_like(source, target, kinds, label, image_size)
    frames = {}
    for side, data in (("source", source), ("target", target)):
        frames[side] = data if hasattr(data, "columns") else read_table(existing(data))
    column = pick_label(frames["source"], label, _name(source, "the source"), required=True)
    encoder = Encoder(ignore=column).fit(frames["source"], frames["target"])
    domains = []
    for side, data in (("source", source), ("target", target)):
        frame = frames[side]
        y = _clean_labels(frame[column]) if column in frame.columns else None
        X = encoder.transform(frame)
        domain = Domain(X, y, name=_name(data, side))
        domains.append(domain._with_columns(list(encoder.columns_)))
    if domains[0].regime == "unlabelled":
        raise LabelError(f"the label column {column!r} of the source is empty; fill it or name another.")
    return domains[0], domains[1], encoder


def _read_like(
    source: Any, target: Any, kinds: dict[str, str], label: str | None, image_size: Sequence[int] | None
) -> tuple[Domain, Domain, Encoder | None]:
    plain = {"arrays", "builtin"}
    if kinds["source"] == kinds["target"] == "images":
        first = existing(source)
        X, y, _, shape, mode = read_images(first, image_size)
        Xt, yt, _, _, mode_t = read_images(existing(target), image_size)
        if mode != mode_t:  # one side has colour: both are read in colour, so that the columns agree
            mode = "RGB"
            X, y, _, shape, _ = read_images(first, image_size, mode)
            Xt, yt, _, _, _ = read_images(existing(target), image_size, mode)
        encoder = Encoder(image_size=image_size).fit_images(mode, shape)
        domains = (
            Domain(X, y, name=_name(source, "source"), kind="images", image_shape=shape),
            Domain(Xt, yt, name=_name(target, "target"), kind="images", image_shape=shape),
        )
        return *domains, encoder
    if set(kinds.values()) <= plain:
        target_label = label
        try:
            b = read(target, label=target_label)
        except LabelError:
            b = read(target)
        return read(source, label=label), b, None
    raise InputError(
        f"source holds {kinds['source']} but target holds {kinds['target']}; give both sides as the same kind."
    )


def _side_kind(side: Any) -> str:
    if hasattr(side, "columns"):
        return "table"
    if str(side).startswith(BUILTIN):
        return "builtin"
    return kind_of(existing(side))


def _clean_labels(column: Any) -> Any:
    """Labels as their own type: whole numbers stay whole although gaps made floats of them."""
    y = column.to_numpy()
    if y.dtype == object or column.dtype.kind not in "iufb":
        values = [None if m else str(v).strip() for v, m in zip(column, missing_labels(column), strict=True)]
        return np.array(values, dtype=object)
    if y.dtype.kind == "f" and np.isnan(y).any():
        told = y[~np.isnan(y)]
        if len(told) and np.all(told == np.floor(told)):
            return np.array([None if v != v else int(v) for v in y], dtype=object)
    return y


def _name(side: Any, default: str) -> str:
    return default if hasattr(side, "columns") else _stem(Path(side))


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0] if path.is_file() else path.name
