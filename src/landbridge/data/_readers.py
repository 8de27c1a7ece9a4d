"""Read one domain from a numeric file, or source and target together with text, categories and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from landbridge.data._audio import read_audio, read_audio_pair
from landbridge.data._builtin import load_builtin
from landbridge.data._cells import restore_class, tidy_cells
from landbridge.data._encoder import Encoder
from landbridge.data._file_tables import listed_files
from landbridge.data._files import (
    apply_label_rule,
    counts_from_zero,
    existing,
    kind_of,
    pick_label,
    read_arrays,
    read_table,
    take_groups,
    take_sources,
    take_weights,
)
from landbridge.data._headers import drop_columns, match_headers, rename_columns
from landbridge.data._image_arrays import read_pixel_pair, read_pixels
from landbridge.data._images import read_image_pair, read_images
from landbridge.data._inspection import Column
from landbridge.data._labels import clean_labels, unify_labels
from landbridge.data._named_columns import refuse_complex
from landbridge.data._read_options import ReadOptions
from landbridge.data._weights import resample_by_weight
from landbridge.data.formats._svmlight import alike
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
    groups: str | None = None,
    read_options: Any = None,
) -> Domain:
    """Read one domain from a file or folder; a table must be numeric without missing values.

    Parameters
    ----------
    path : str, Path or DataFrame
        A csv, tsv, parquet, jsonl, npz, mat or svmlight file, a folder of images, ``"builtin:NAME"``, or a table.
    label : str, default=None
        Name of the label column or array, or a rule for two classes, such as ``"num>0"``. If None, the column named
        label, target, class or y, if there is exactly one.
    name : str, default=None
        Name of the domain. If None, the name of the file.
    image_size : int or (height, width), default=None
        Common size of images. If None, 32 x 32.
    text : str, default=None
        A column of running text, which becomes the only feature, as components of TF-IDF. These are specific to this
        file; ``read_pair`` computes the same ones for two files. If None, no column is read as text.
    sources : str, default=None
        The column of a table that holds the source domain of each sample; it is not a feature and becomes
        ``source_domain``. If None, there is one source.
    groups : str, default=None
        The column of a table that holds the group of each sample (a person, a machine); it is not a feature and becomes
        ``groups``. If None, samples are independent.
    read_options : ReadOptions or mapping, default=None
        How tables are read: columns to drop, marks of missing values, encoding; see
        :class:`~landbridge.data.ReadOptions`. If None, the content decides.

    Returns
    -------
    Domain
        The domain. None, NaN and empty text mark missing labels; -1 is a class like any other.

    Raises
    ------
    ReadError
        If it cannot be read.
    LabelError
        If there is no such label column.

    See Also
    --------
    read_pair : Read two tables with text columns and missing values.

    Examples
    --------
    >>> from landbridge.data import read
    >>> read("builtin:tumours-small").regime
    'labelled'
    """
    options = ReadOptions.of(read_options)
    text = text if text is not None else options.text
    kind = _side_kind(path, "path")
    name = name or (_name(path, "table") if kind != "builtin" else None)
    path, kind = listed_files(path, kind, label)
    _check_sources(sources, label, kind)
    _check_groups(groups, label, sources, [kind])
    if kind == "builtin":
        domain = load_builtin(str(path)[len(BUILTIN) :])
        return domain if name is None else domain.replace(name=name)
    assert name is not None
    if kind == "audio":
        sounds = read_audio(path, skip_corrupt=options.skip_corrupt)
        return Domain(sounds.X, sounds.y, name=name, kind="audio")
    if kind == "images":
        pictures = read_images(
            existing(path) if isinstance(path, str | Path) else path,
            _size(image_size),
            features=options.features,
            skip_corrupt=options.skip_corrupt,
        )
        return Domain(pictures.X, pictures.y, name=name, kind="images", image_shape=pictures.image_shape)
    if kind == "arrays":
        X, y = read_arrays(existing(path), label)
        return _array_domain(read_pixels(X)[0] if np.ndim(X) > 2 else X, y, name)
    where = "the DataFrame" if hasattr(path, "columns") else str(path)
    frame, origin, of = _frame(path, where, options), None, None
    (frame,) = rename_columns([frame], options.rename)
    (frame,) = drop_columns([frame], options.drop)
    (frame,) = drop_columns([frame], [n for n in (options.id, options.weights) if n and n != groups], "id or weights")
    if sources is not None:
        frame, origin = take_sources(frame, sources, where)
    if groups is not None:
        frame, of = take_groups(frame, groups, where)
    frame, _ = apply_label_rule(frame, label)
    column = pick_label(frame, label, where, required=label is not None)
    frame = frame if column is None else restore_class(frame, column)[0]
    y = None if column is None else clean_labels(frame[column], f"{where}: the label column {column!r}")
    table = frame if column is None else frame.drop(columns=[column])
    if text is not None:
        if text not in table.columns:
            raise InputError(f"text={text!r} is no column of {where}; choose from {', '.join(table.columns[:12])}.")
        encoder = Encoder(text_column=text).fit(table[[text]], table[[text]])
        domain = Domain(encoder.transform(table), y, name=name, kind="text", source_domain=origin, groups=of)
        return domain._with_columns(list(encoder.columns_))
    return Domain(_numeric(table, where), y, name=name, source_domain=origin, groups=of)


def read_pair(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    image_size: int | Sequence[int] | None = None,
    text: str | None = None,
    sources: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
    require_label: bool = True,
) -> tuple[Domain, Domain, Encoder | None]:
    """Read source and target together, so that both have the same numeric features.

    Parameters
    ----------
    source, target : path or DataFrame
        Two tables, two folders of images or two array files; either may be ``"builtin:NAME"``.
    label : str, default=None
        Name of the label column, or a rule for two classes, such as ``"num>0"``. The source must have it; in the target
        it may be absent or partly empty. If None, the one column of the source named label, target, class or y.
    image_size : int or (height, width), default=None
        Common size of images. If None, 32 x 32.
    text : str, default=None
        The column of running text. If None, it is inferred.
    sources : str, default=None
        The column of the source table that holds the source domain of each sample; it is not a feature and becomes
        ``source_domain``. A column of this name in the target is not used. If None, there is one source.
    groups : str, default=None
        The column of both tables that holds the group of each sample (a person, a machine); it is not a feature and
        becomes ``groups``. If None, samples are independent.
    read_options : ReadOptions or mapping, default=None
        How tables are read: columns to drop, marks of missing values, encoding; see
        :class:`~landbridge.data.ReadOptions`. If None, the content decides.
    require_label : bool, default=True
        Whether a source table without a label column is an error.

    Returns
    -------
    source, target : Domain
        The domains. Their labels have one common type: the labels 1, 1.0 and ``"1"`` are equal. None, NaN and empty
        text mark missing labels; -1 is a class like any other.
    encoder : Encoder or None
        Reads and encodes new samples in the same way; its ``notes_`` list what was converted and what is not used. None
        if a domain is built-in.

    Raises
    ------
    ReadError, LabelError, InputError
        If the files, the labels or the arguments are invalid.

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
    options = ReadOptions.of(read_options)
    found = [listed_files(s, _side_kind(s, n), label) for s, n in ((source, "source"), (target, "target"))]
    sides, kinds = tuple(side for side, _ in found), tuple(kind for _, kind in found)
    _check_options(options, kinds)
    _check_sources(sources, label, kinds[0])
    _check_groups(groups, label, sources, kinds)
    if "builtin" in kinds:
        one, two = read(source, label=label, sources=sources), _read_target(target, label)
        y, yt, _ = unify_labels(one.y, two.y)
        return _with_labels(one, y), _with_labels(two, yt), None
    if kinds[0] != kinds[1]:
        raise InputError(f"source holds {kinds[0]} but target holds {kinds[1]}; give both as the same kind.")
    if kinds[0] == "images":
        named = _name(source, "source"), _name(target, "target")
        return _image_pair(sides, named, _size(image_size), options)
    if kinds[0] == "audio":
        return _audio_pair(sides, (_name(source, "source"), _name(target, "target")), options)
    if kinds[0] == "arrays":
        return _array_pair(source, target, label)
    return _table_pair(
        source,
        target,
        Columns(label, text if text is not None else options.text, sources, groups, options, require_label),
    )


@dataclass(frozen=True)
class Columns:
    """Which columns mean something else than a feature, and how tables are read."""

    label: str | None
    text: str | None
    sources: str | None
    groups: str | None
    options: ReadOptions
    require_label: bool = True


def _check_options(options: ReadOptions, kinds: Sequence[str]) -> None:
    """Raise an error if options of tables are given for something else."""
    given = options.to_dict()
    skipping = given.pop("skip_corrupt", False)
    if skipping and not {"images", "audio"} & set(kinds):
        raise InputError(f"skip_corrupt applies to images and sounds, but the sides hold {kinds[0]}; omit it.")
    describing = given.pop("features", None)
    if describing is not None and "images" not in kinds:
        raise InputError(f"features={describing!r} applies to images, but the sides hold {kinds[0]}; omit it.")
    if given and "table" not in kinds:
        raise InputError(
            f"read_options {next(iter(given))!r} applies to tables, but the sides hold {kinds[0]}; omit it."
        )


def _check_sources(sources: str | None, label: str | None, kind: str) -> None:
    """Raise an error if `sources` is given without a table, or is the label column."""
    if sources is None:
        return
    if kind != "table":
        raise InputError(
            f"sources={sources!r} needs a column of a table, but source holds {kind}; give a table (a DataFrame or a "
            "csv, tsv, parquet or jsonl file), or a Domain that was made with source_domain."
        )
    if sources == label:
        raise InputError(f"sources and label both name the column {label!r}; choose another column for sources.")


def _check_groups(groups: str | None, label: str | None, sources: str | None, kinds: Sequence[str]) -> None:
    """Raise an error if `groups` is given without tables, or names a column that means something else."""
    if groups is None:
        return
    for kind in kinds:
        if kind != "table":
            raise InputError(
                f"groups={groups!r} needs a column of tables, but one side holds {kind}; give tables, or Domains that "
                "were made with groups."
            )
    for name, other in (("label", label), ("sources", sources)):
        if groups == other:
            raise InputError(f"groups and {name} both name the column {groups!r}; choose another column for groups.")


def _table_pair(source: Any, target: Any, columns: Columns) -> tuple[Domain, Domain, Encoder]:
    names = _name(source, "source"), _name(target, "target")
    A, B, taken, notes = _two_tables(source, target, columns)
    label = columns.label
    where = "the source" if hasattr(source, "columns") else str(source)
    A, rule = apply_label_rule(A, label)
    B, _ = apply_label_rule(B, label)
    column = pick_label(A, label, where, required=columns.require_label or label is not None)
    y, yt, said, (A, B) = (None, None, [], (A, B)) if column is None else _labels(A, B, column)
    options = columns.options
    encoder = Encoder(
        ignored_column=column if rule is None else rule,
        text_column=columns.text,
        keep=list(options.keep),
        read_options=options.to_dict() or None,
    ).fit(*(side.drop(columns=[column], errors="ignore") if rule else side for side in (A, B)))
    remarks = [*notes, *said]
    facts = taken.facts if column is None else (*taken.facts, _label_fact(column, y, yt))
    encoder.facts_ += [_fact(f) for f in facts]
    encoder.add_remarks([*remarks, *_of_sides(A.attrs.get("notes", ()), B.attrs.get("notes", ()))])
    only_text = encoder.text_ is not None and not encoder.numbers_ and not encoder.categories_
    one, two = (
        Domain(
            encoder.transform(frame), labels, name=n, kind="text" if only_text else "table", source_domain=sd, groups=g
        )._with_columns(list(encoder.columns_))
        for frame, labels, n, sd, g in (
            (A, y, names[0], taken.source_domain, taken.groups[0]),
            (B, yt, names[1], None, taken.groups[1]),
        )
    )
    if taken.weights is not None:
        one, words = resample_by_weight(one, taken.weights)
        encoder.add_remarks([words])
    return one, two, encoder


def _labels(A: Any, B: Any, column: str) -> tuple[Any, Any, list[str], tuple[Any, Any]]:
    """Labels of both sides, what was done to them, and the tables with a class that reads as a missing value."""
    words = A.attrs.get("words", {}).get(column, {})
    if len(words) > 1 and sum(map(len, words.values())) == len(A):  # nothing else stands there: they are the classes
        for word in words:
            A, B = (restore_class(side, column, word)[0] if column in side.columns else side for side in (A, B))
        for side in (A, B):
            said = f" is read as a missing value in {column} ("
            side.attrs["notes"] = [note for note in side.attrs.get("notes", ()) if said not in note]
    A, word, restored = restore_class(A, column)
    if word is not None and column in B.columns:
        B, _, _ = restore_class(B, column, word)
    y = clean_labels(A[column], f"the label column {column!r} of the source")
    named = f"the label column {column!r} of the target"
    yt = clean_labels(B[column], named) if column in B.columns else None
    if missing_labels(y).all():
        raise LabelError(
            f"the label column {column!r} of the source is empty; fill it or choose another column with label=."
        )
    y, yt, unified = unify_labels(y, yt)
    return y, yt, [*unified, *restored], (A, B)


@dataclass(frozen=True)
class _Taken:
    """Columns that were taken out of the tables."""

    source_domain: Any
    groups: tuple[Any, Any]
    weights: Any
    facts: tuple[Column, ...]


def _two_tables(source: Any, target: Any, columns: Columns) -> tuple[Any, Any, _Taken, list[str]]:
    """Both tables with features and labels only, and what was taken out of them."""
    options = columns.options
    where = "the source" if hasattr(source, "columns") else str(source)
    there = "the target" if hasattr(target, "columns") else str(target)
    A, B = _frame(source, "source", options), _frame(target, "target", options)
    A, B = rename_columns([A, B], options.rename)
    B, notes = match_headers(A, B)
    notes += _units_that_differ(A, B)
    A, B = _same_words(A, B)
    for name in options.keep:
        if name not in A.columns or name not in B.columns:
            raise InputError(f"keep: {name!r} is no column of both tables; check the name.")
    facts: list[Column] = []
    for argument, names in (
        ("drop", options.drop),
        ("id", (options.id,) if options.id and options.id != columns.groups else ()),
    ):
        A, B = drop_columns([A, B], names, argument)
        reason = "dropped on request" if argument == "drop" else "carried into predictions"
        kind = "other" if argument == "drop" else "id"
        facts += [Column(n, kind, used=False, reason=reason, n_features=0) for n in names]
    weights, origin = None, None
    of: list[Any] = [None, None]
    if options.weights is not None:
        A, weights = take_weights(A, options.weights, where)
        B = B.drop(columns=[options.weights], errors="ignore")
        facts.append(Column(options.weights, "sample weight", used=False, n_features=0))
    if columns.sources is not None:
        A, origin = take_sources(A, columns.sources, where)
        B = B.drop(columns=[columns.sources], errors="ignore")
        facts.append(Column(columns.sources, "source domain", used=False, n_features=0))
    if columns.groups is not None:
        A, of[0] = take_groups(A, columns.groups, where)
        B, of[1] = take_groups(B, columns.groups, there)
        facts.append(Column(columns.groups, "group", used=False, n_features=0))
    return A, B, _Taken(origin, (of[0], of[1]), weights, tuple(facts)), notes


def _units_that_differ(A: Any, B: Any) -> list[str]:
    """Name the columns whose cells were written with one unit in the source and another in the target."""
    one, two = (side.attrs.get("units", {}) for side in (A, B))
    return [
        f"Column {name!r} is in {one[name]} in the source and in {two[name]} in the target; convert one of them."
        for name in one
        if name in two and one[name] != two[name]
    ]


def _same_words(A: Any, B: Any) -> tuple[Any, Any]:
    """Words for "no value" that are categories of one table are categories of the other as well."""
    for name, word in A.attrs.get("kept_words", {}).items():
        if name in B.columns:
            B, _, _ = restore_class(B, name, word)
    for name, word in B.attrs.get("kept_words", {}).items():
        if name in A.columns:
            A, _, _ = restore_class(A, name, word)
    return A, B


def _fact(column: Column) -> dict[str, Any]:
    return {**asdict(column), "examples": list(column.examples)}


def _label_fact(name: str, y: Any, yt: Any) -> Column:
    gaps = {"source": int(missing_labels(y).sum())}
    if yt is not None:
        gaps["target"] = int(missing_labels(yt).sum())
    return Column(name, "label", used=False, n_features=0, gaps=gaps)


def _of_sides(source: Sequence[str], target: Sequence[str]) -> list[str]:
    """Notes on both files, with the side where they are not on both."""
    both = [note for note in source if note in target]
    alone = ((side, note) for side, notes in (("source", source), ("target", target)) for note in notes)
    return [*both, *(f"{note[:-1]} ({side})." for side, note in alone if note not in both)]


def _image_pair(
    sides: tuple[Any, ...], names: tuple[str, str], size: tuple[int, int] | None, options: ReadOptions
) -> tuple[Domain, Domain, Encoder]:
    first_side, second_side = (existing(s) if isinstance(s, str | Path) else s for s in sides)
    one, two = read_image_pair(
        first_side, second_side, size, features=options.features, skip_corrupt=options.skip_corrupt
    )
    encoder = Encoder(image_size=size, read_options=options.to_dict() or None).fit_images(one)
    encoder.add_remarks(_of_sides(one.notes, two.notes))
    first, second = (
        Domain(pictures.X, pictures.y, name=name, kind="images", image_shape=pictures.image_shape)
        for pictures, name in zip((one, two), names, strict=True)
    )
    return first, second, encoder


def _audio_pair(sides: tuple[Any, ...], names: tuple[str, str], options: ReadOptions) -> tuple[Domain, Domain, Encoder]:
    one, two = read_audio_pair(*sides, skip_corrupt=options.skip_corrupt)
    encoder = Encoder(read_options=options.to_dict() or None).fit_audio(one)
    encoder.add_remarks(_of_sides(one.notes, two.notes))
    first, second = (
        Domain(sounds.X, sounds.y, name=name, kind="audio") for sounds, name in zip((one, two), names, strict=True)
    )
    return first, second, encoder


def _array_pair(source: Any, target: Any, label: str | None) -> tuple[Domain, Domain, Encoder]:
    # one file says for both whether features are counted from 0: an empty first feature is in no svmlight file
    bases = [counts_from_zero(existing(side)) for side in (source, target)]
    zero_based = None if None in bases else any(bases)
    X, y = read_arrays(existing(source), label, zero_based=zero_based)
    try:
        Xt, yt = read_arrays(existing(target), label, zero_based=zero_based)
    except LabelError:  # the target need not have the label array
        Xt, yt = read_arrays(existing(target), None, zero_based=zero_based)[0], None
    if zero_based is not None or (sparse.issparse(X) and sparse.issparse(Xt)):
        X, Xt = alike(X, Xt)
    y, yt, notes = unify_labels(y, yt)
    level = None
    if np.ndim(X) > 2 and np.ndim(Xt) > 2:
        X, Xt, level, said = read_pixel_pair(X, Xt)
        notes += said
    one, two = _array_domain(X, y, _name(source, "source")), _array_domain(Xt, yt, _name(target, "target"))
    encoder = Encoder().fit_arrays(one.X.shape[1], zero_based=zero_based, sparse=sparse.issparse(X), level=level)
    encoder.add_remarks(notes)
    return one, two, encoder


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
            "reading: use landbridge.Domain(X, y)."
        )
    return "builtin" if str(side).startswith(BUILTIN) else kind_of(existing(side))


def _frame(side: Any, where: str, options: ReadOptions) -> Any:
    """Read a file, or return a DataFrame, with unique column names of type str."""
    if not hasattr(side, "columns"):
        return read_table(existing(side), options)
    columns = [str(c) for c in side.columns]
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(f"{where} has the column {twice!r} twice; give every column its own name.")
    if not len(side) or not columns:
        raise InputError(f"{where} is an empty table; give at least one row and one column.")
    return tidy_cells(side.set_axis(columns, axis=1), options, typed=True)


def _numeric(table: Any, where: str) -> Any:
    """Return the table as floats; raise an error if a column is not numeric or has missing values."""
    refuse_complex(table, where)
    remedy = "read both sides together with landbridge.data.read_pair, which"
    for c in table.columns:
        if table[c].dtype.kind not in "iufb":
            held = "dates" if table[c].dtype.kind in "mM" else "text"
            raise ReadError(f"{where}: column {c!r} holds {held}; {remedy} encodes text, or drop it.")
    out = table.apply(lambda column: column.to_numpy(dtype=float, na_value=np.nan))
    gaps = (~np.isfinite(out.to_numpy())).sum(axis=0)
    if gaps.any():
        i = int(np.argmax(gaps > 0))
        raise ReadError(
            f"{where}: column {out.columns[i]!r} has {gaps[i]} empty cells (NaN or infinity); fill them, or {remedy} "
            "fills them."
        )
    return out


def _with_labels(domain: Domain, y: Any) -> Domain:
    return domain if y is domain.y else domain.replace(y=y)._with_columns(domain.columns)


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
        raise InputError(f"image_size must be (height, width) in pixels, both at least 1; got {image_size!r}.")
    return height, width


def _name(side: Any, default: str) -> str:
    return default if hasattr(side, "columns") else _stem(Path(side))


def _stem(path: Path) -> str:
    path = path.resolve() if path.name in ("", "..") else path
    return path.name.removesuffix(".gz").rsplit(".", 1)[0] if path.is_file() else path.name
