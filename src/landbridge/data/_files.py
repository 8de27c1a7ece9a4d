"""Readers of files: which kind they are, samples and labels, or an error in one line."""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._content import Content, recognise
from landbridge.data._images import IMAGES
from landbridge.data._labels import clean_labels
from landbridge.data._read_options import ReadOptions
from landbridge.data.formats._arrays import pick_arrays
from landbridge.domain import LARGEST
from landbridge.exceptions import InputError, LabelError, MissingExtraError, ReadError

__all__ = [
    "apply_label_rule",
    "counts_from_zero",
    "existing",
    "kind_of",
    "pick_label",
    "read_arrays",
    "read_table",
    "take_groups",
    "take_sources",
    "take_weights",
]

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
# Names of a label column if `label` is None.
LABEL_COLUMNS = ("label", "target", "class", "y")


def kind_of(path: str | Path) -> str:
    """Return the kind of a file or folder, from its content.

    Parameters
    ----------
    path : str or Path
        File or folder.

    Returns
    -------
    {"table", "arrays", "images", "audio"}
        A folder holds recordings if more of its files are recordings than images.

    Raises
    ------
    ReadError
        If it is no regular file, a pickle, or of no format that can be read.
    """
    path = Path(path)
    return _folder_kind(path) if path.is_dir() else recognise(path).kind


def _folder_kind(folder: Path) -> str:
    counts = Counter[str]()
    for _, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        endings = [Path(f).suffix.lower() for f in files if not f.startswith(".")]
        counts["images"] += sum(e in IMAGES for e in endings)
        counts["audio"] += sum(e in AUDIO for e in endings)
    return "audio" if counts["audio"] > counts["images"] else "images"


def existing(path: str | Path) -> Path:
    """Return a path that exists and is a folder or a file that is not empty.

    Parameters
    ----------
    path : str or Path
        File or folder.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    ReadError
        If it does not exist, is an empty file, or is a pipe or device.
    """
    if isinstance(path, str) and not path.strip():
        raise ReadError("the path is empty; give the path of a file or folder.")
    path = Path(path)
    try:
        found = path.exists()
    except (OSError, ValueError) as error:
        raise ReadError(f"{str(path)[:200]!r} is no path: {error}.") from error
    if not found:
        raise ReadError(f"{path} does not exist; check the name and the folder you are in.")
    if not path.is_file() and not path.is_dir():
        raise ReadError(f"{path} is no regular file (a pipe or device); save its content as a file.")
    if path.is_file() and path.stat().st_size == 0:
        raise ReadError(f"{path} is empty; it needs a header line and rows.")
    return path


def read_table(path: str | Path, options: ReadOptions | None = None) -> Any:
    """Read a file of one table, of whatever format its content is.

    Parameters
    ----------
    path : str or Path
        A text file with separators, JSON, ARFF, a workbook, parquet, Feather, or a database.
    options : ReadOptions, default=None
        Of which `missing`, `decimal`, `encoding`, `sheet`, `header` and `rename` apply here.

    Returns
    -------
    DataFrame
        The table, with unique column names of type str. ``attrs["notes"]`` lists in sentences how it was read.

    Raises
    ------
    ReadError
        If the file cannot be read, or has no rows.
    MissingExtraError
        If a library is needed that is not installed.
    """
    path, options = Path(path), options or ReadOptions()
    content = recognise(path)
    if content.kind != "table":
        raise ReadError(f"{path} holds arrays, not a table; give a table, such as a csv file.")
    try:
        frame = _reader(content.format)(content, options)
    except (MissingExtraError, InputError):
        raise
    except Exception as error:  # every error of the parser becomes one line
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        text = content.format in ("delimited", "arff")
        remedy = "Check that every line has the same columns" if text else "It seems to be damaged; get it again"
        raise ReadError(f"{path} cannot be read as a table: {why.rstrip('.')}. {remedy}.") from error
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise ReadError(f"{path} has no rows below its header; give at least one row.")
    renames = dict(options.rename)
    frame.columns = [renames.get(name, name) for name in (str(c).strip() for c in frame.columns)]
    if frame.columns.duplicated().any():
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ReadError(f"{path} has the column {twice!r} twice; give every column its own name.")
    for fact in ("words", "kept_words", "units"):
        held = {name.strip(): value for name, value in frame.attrs.get(fact, {}).items()}
        frame.attrs[fact] = {renames.get(name, name): value for name, value in held.items()}
    frame.attrs["codes"] = [renames.get(n.strip(), n.strip()) for n in frame.attrs.get("codes", ())]
    return frame


def _reader(form: str) -> Any:
    """Return the reader of a format of tables."""
    if form == "delimited":
        from landbridge.data.formats._delimited import read_delimited as reader
    elif form == "json":
        from landbridge.data.formats._json import read_json as reader
    elif form == "arff":
        from landbridge.data.formats._arff import read_arff as reader
    elif form == "excel":
        from landbridge.data.formats._excel import read_excel as reader
    elif form in ("sqlite", "duckdb"):
        from landbridge.data.formats._databases import read_database as reader
    else:
        from landbridge.data.formats._columnar import read_columnar as reader
    return reader


def pick_label(frame: Any, label: str | None, where: str, *, required: bool) -> str | None:
    """Find the label column of a table.

    Parameters
    ----------
    frame : DataFrame
        The table.
    label : str or None
        Name of the column. If None, the one column that is called label, target, class or y.
    where : str
        Name of the table in error messages.
    required : bool
        Whether to raise an error if there is no label column.

    Returns
    -------
    str or None
        Name of the column; None if there is none.

    Raises
    ------
    LabelError
        If the column is required and does not exist.
    """
    columns = [str(c) for c in frame.columns]
    if label is not None:
        if label in columns:
            return label
        if not required:
            return None
        near = difflib.get_close_matches(label, columns, n=3) or columns[:8]
        raise LabelError(f"label={label!r} is no column of {where}; its columns are like {', '.join(near)}.")
    usual = [c for c in columns if c.lower() in LABEL_COLUMNS]
    if len(usual) == 1:
        return str(usual[0])
    if not required:
        return None
    found = "several columns could be the label" if usual else "no column is named label, target, class or y"
    raise LabelError(f"{where}: {found}; name it with label= (or --label), one of {', '.join(columns[:12])}.")


def take_sources(frame: Any, sources: str, where: str) -> tuple[Any, NDArray[Any]]:
    """Split the column of source domains from a table.

    Parameters
    ----------
    frame : DataFrame
        The table; it is not modified.
    sources : str
        Name of the column.
    where : str
        Name of the table in error messages.

    Returns
    -------
    frame : DataFrame
        The table without the column.
    source_domain : ndarray of shape (n_samples,)
        Source domain of each sample, integers or text.

    Raises
    ------
    InputError
        If there is no such column, a value is missing, or the values are all equal or all different.
    """
    names = _names_in_column(frame, sources, "sources", where)
    if len(names) > 2 and len(np.unique(names)) == len(names):
        raise InputError(
            f"sources={sources!r} names each row of {where} a source of its own; choose a column with repeated values."
        )
    if len(np.unique(names)) == 1:
        raise InputError(f"sources={sources!r} has one value in {where}, so that there is one source; omit it.")
    return frame.drop(columns=[sources]), names


def take_groups(frame: Any, groups: str, where: str) -> tuple[Any, NDArray[Any]]:
    """Split the column of groups from a table.

    Parameters
    ----------
    frame : DataFrame
        The table; it is not modified.
    groups : str
        Name of the column.
    where : str
        Name of the table in error messages.

    Returns
    -------
    frame : DataFrame
        The table without the column.
    groups : ndarray of shape (n_samples,)
        Group of each sample, integers or text.

    Raises
    ------
    InputError
        If there is no such column, or a value is missing.
    """
    return frame.drop(columns=[groups], errors="ignore"), _names_in_column(frame, groups, "groups", where)


def take_weights(frame: Any, weights: str, where: str) -> tuple[Any, NDArray[np.float64]]:
    """Split the column of sample weights from a table.

    Parameters
    ----------
    frame : DataFrame
        The table; it is not modified.
    weights : str
        Name of the column.
    where : str
        Name of the table in error messages.

    Returns
    -------
    frame : DataFrame
        The table without the column.
    weights : ndarray of shape (n_samples,)

    Raises
    ------
    InputError
        If there is no such column, or it holds anything but finite numbers from 0 on, with a positive sum.
    """
    _check_column(frame, weights, "weights", where)
    values = _numbers(frame[weights]).to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(values).all() or (values < 0).any() or (values > LARGEST).any() or values.sum() <= 0:
        raise InputError(
            f"weights={weights!r} of {where} must hold numbers from 0 to {LARGEST:g}, with a positive sum; correct it."
        )
    return frame.drop(columns=[weights]), values


def _check_column(frame: Any, name: str, argument: str, where: str) -> None:
    """Raise an error, with similar names, if a table has no column of this name."""
    columns = list(frame.columns)
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=3) or columns[:8]
        raise InputError(f"{argument}={name!r} is no column of {where}; its columns are like {', '.join(near)}.")


def _names_in_column(frame: Any, name: str, argument: str, where: str) -> NDArray[Any]:
    """The values of a column that names something for each row, as integers or text."""
    _check_column(frame, name, argument, where)
    column = frame[name]
    cells = [v.strip() if isinstance(v, str) else v for v in column.astype(object)]
    if gaps := int(column.isna().sum()) + sum(v == "" for v in cells if isinstance(v, str)):
        raise InputError(f"{where}: {gaps} rows have no entry in the column {name!r} of {argument}; fill them.")
    whole = all(isinstance(v, Integral) and not isinstance(v, bool | np.bool_) for v in cells)
    return np.array([int(v) if whole else str(v) for v in cells])


# Operators of a label rule, and the operators of the other class.
RULES = {">=": "<", "<=": ">", "==": "!=", "!=": "==", ">": "<=", "<": ">="}


def apply_label_rule(frame: Any, label: str | None) -> tuple[Any, str | None]:
    """Compute a label column of two classes from a rule such as ``"num>0"``.

    Parameters
    ----------
    frame : DataFrame
        The table; it is not modified.
    label : str or None
        Name of a column, or ``column``, one of ``> >= < <= == !=``, and a value.

    Returns
    -------
    frame : DataFrame
        If `label` is a rule, the table with a column `label` in place of the column of the rule. Its classes are the
        rule and its negation, ``"num>0"`` and ``"num<=0"``; missing values stay missing.
    column : str or None
        Column of the rule; None if `label` is not a rule.

    Raises
    ------
    LabelError
        If the values cannot be compared.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._files import apply_label_rule
    >>> apply_label_rule(pd.DataFrame({"num": [0, 3]}), "num > 0")[0]["num > 0"].tolist()
    ['num<=0', 'num>0']
    """
    columns = list(frame.columns)
    found = (
        None if label is None or label in columns else re.fullmatch(r"\s*(.+?)\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*", label)
    )
    if found is None:
        return frame, None
    column, sign, value = found.groups()
    if column not in columns:
        return frame, None
    held = frame[column]
    try:
        if sign in ("==", "!="):
            true = held.astype(str).eq(value) | (_numbers(held) == _number(value))
            true = true if sign == "==" else ~true
        else:
            aim = _number(value)
            if aim != aim or _numbers(held).isna().gt(held.isna()).any():
                raise ValueError
            true = getattr(_numbers(held), {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}[sign])(aim)
    except ValueError:
        raise LabelError(
            f"label={label!r} compares column {column!r} with {value!r}, but they are not all numbers; use == or !=."
        ) from None
    classes = true.map({True: f"{column}{sign}{value}", False: f"{column}{RULES[sign]}{value}"}).astype(object)
    return frame.drop(columns=[column]).assign(**{str(label): classes.where(held.notna(), None)}), column


def _numbers(column: Any) -> Any:
    """Return the values of a column as numbers, NaN for other values."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def counts_from_zero(path: str | Path) -> bool | None:
    """Return whether a svmlight file has a feature with the index 0; None for other files.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    bool or None
    """
    from landbridge.data.formats._svmlight import has_index_zero

    content = recognise(Path(path))
    return has_index_zero(content) if content.format == "svmlight" else None


def read_arrays(
    path: str | Path,
    label: str | None,
    *,
    zero_based: bool | None = None,
    n_features: int | None = None,
    sparse: bool | None = None,
) -> tuple[Any, Any]:
    """Read an npz, npy, mat, HDF5 or svmlight file.

    Parameters
    ----------
    path : str or Path
        The file.
    label : str or None
        Name of the label array. If None, y, labels, label or target, if there is one.
    zero_based : bool, optional
        Whether the features of a svmlight file are counted from 0. If None, they are if one has the index 0.
    n_features : int, optional
        Number of features of a svmlight file, which does not store trailing features that are all zero. If None, the
        largest index decides.
    sparse : bool, optional
        Whether the samples of a svmlight file are returned as a sparse matrix. If None, they are unless more than half
        of the entries are not zero.

    Returns
    -------
    X : array or csr_matrix of shape (n_samples, n_features)
        Samples; images may have three or four dimensions.
    y : ndarray of shape (n_samples,) or None
        Labels.

    Raises
    ------
    ReadError
        If the file cannot be read, or it is unclear which array holds the samples.
    LabelError
        If there is no such label array, or it does not have one label per sample.
    MissingExtraError
        If h5py is needed and not installed.
    """
    path = Path(path)
    content = recognise(path)
    try:
        if content.format == "svmlight":
            from landbridge.data.formats._svmlight import in_form, load_svmlight

            X, y = load_svmlight(content, zero_based=zero_based)
            return in_form(X, n_features, sparse), clean_labels(y, f"{path}: the label", whole=True)
        held = _load_arrays(content)
    except (MissingExtraError, InputError):
        raise
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(f"{path} cannot be read: {why}. Save it again with numpy.savez(file, X=..., y=...).") from error
    return pick_arrays(held, label, path, whole=content.format in ("mat", "hdf5"))


def _load_arrays(content: Content) -> dict[str, Any]:
    if content.kind != "arrays":
        raise ReadError(f"{content.path} holds a table, not arrays; give an npz, mat or svmlight file.")
    if content.format in ("npz", "npy"):
        from landbridge.data.formats._npz import load_numpy

        return load_numpy(content)
    from landbridge.data.formats._mat import load_hdf5, load_mat

    return load_mat(content) if content.format == "mat" else load_hdf5(content)
