"""Readers of file formats: samples and labels, or an error in one line."""

from __future__ import annotations

import difflib
import re
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._cells import decimal_commas, words_for_nothing
from landbridge.data._labels import clean_labels
from landbridge.exceptions import InputError, LabelError, MissingExtraError, ReadError

__all__ = [
    "TABLES",
    "counts_from_zero",
    "existing",
    "pick_label",
    "read_arrays",
    "read_table",
    "take_groups",
    "take_sources",
    "take_weights",
]

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson")
ARRAYS = (".npz", ".mat", ".svm", ".libsvm", ".svmlight")
# Names of a label column if `label` is None.
LABEL_COLUMNS = ("label", "target", "class", "y")


def kind_of(path: Path) -> str:
    """Return the kind of a file or folder.

    Parameters
    ----------
    path : Path
        File or folder.

    Returns
    -------
    {"table", "arrays", "images"}
        Kind, from the extension; a folder holds images.

    Raises
    ------
    ReadError
        If the extension is unknown.
    """
    if path.is_dir():
        return "images"
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(TABLES):
        return "table"
    if name.endswith(ARRAYS):
        return "arrays"
    raise ReadError(
        f"{path} has an ending that cannot be read; give {', '.join((*TABLES, *ARRAYS))} or a folder of images."
    )


def existing(path: str | Path) -> Path:
    """Return a path that exists and is not an empty file.

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
        If it does not exist, or is an empty file.
    """
    path = Path(path)
    if not path.exists():
        raise ReadError(f"{path} does not exist; check the name and the folder you are in.")
    if path.is_file() and path.stat().st_size == 0:
        raise ReadError(f"{path} is empty; it needs a header line and rows.")
    return path


def read_table(path: Path) -> Any:
    """Read a csv, tsv, parquet or jsonl file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    DataFrame
        The table, with unique column names of type str.

    Raises
    ------
    ReadError
        If the file cannot be read, or has no rows.
    MissingExtraError
        If pyarrow is needed and not installed.
    """
    import pandas as pd

    name = path.name.lower().removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            try:
                frame = pd.read_parquet(path)
            except ImportError as error:
                raise MissingExtraError(
                    f'{path} needs pyarrow to be read; install it with: pip install "landbridge[parquet]"'
                ) from error
        elif name.endswith((".jsonl", ".ndjson")):
            frame = pd.read_json(path, lines=True)
        else:
            separator = "\t" if name.endswith(".tsv") else ";" if _semicolons(path) else ","
            _check_lines(path, separator)
            frame = pd.read_csv(path, sep=separator, skipinitialspace=True)
            frame = frame if separator == "," else decimal_commas(frame)
            frame.attrs["words"] = words_for_nothing(frame, path, separator)
    except (MissingExtraError, ReadError):
        raise
    except UnicodeDecodeError as error:
        raise ReadError(f"{path} is not written in UTF-8; save it again in that encoding.") from error
    except Exception as error:  # every error of the parser becomes one line
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(
            f"{path} cannot be read as a table: {why}. Check that every line has the same columns."
        ) from error
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise ReadError(f"{path} has no rows below its header; give at least one row.")
    frame.columns = [str(c).strip() for c in frame.columns]
    if frame.columns.duplicated().any():
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ReadError(f"{path} has the column {twice!r} twice; give every column its own name.")
    return frame


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
    columns = list(frame.columns)
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
    columns = list(frame.columns)
    if weights not in columns:
        near = difflib.get_close_matches(weights, columns, n=3) or columns[:8]
        raise InputError(f"weights={weights!r} is no column of {where}; its columns are like {', '.join(near)}.")
    values = _numbers(frame[weights]).to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
        raise InputError(
            f"weights={weights!r} of {where} must hold numbers from 0 on, with a positive sum; correct it."
        )
    return frame.drop(columns=[weights]), values


def _names_in_column(frame: Any, name: str, argument: str, where: str) -> NDArray[Any]:
    """The values of a column that names something for each row, as integers or text."""
    columns = list(frame.columns)
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=3) or columns[:8]
        raise InputError(f"{argument}={name!r} is no column of {where}; its columns are like {', '.join(near)}.")
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


SVMLIGHT = (".svm", ".libsvm", ".svmlight")


def counts_from_zero(path: Path) -> bool | None:
    """Return whether a svmlight file has a feature with the index 0; None for other files.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool or None
    """
    if not path.name.lower().removesuffix(".gz").endswith(SVMLIGHT):
        return None
    from sklearn.datasets import load_svmlight_file

    try:
        return bool(load_svmlight_file(str(path), zero_based=True)[0][:, 0].nnz)
    except Exception:  # what is wrong with the file is said where it is read
        return None


def read_arrays(path: Path, label: str | None, *, zero_based: bool | None = None) -> tuple[Any, Any]:
    """Read an npz, mat or svmlight file.

    Parameters
    ----------
    path : Path
        The file.
    label : str or None
        Name of the label array. If None, y, labels, label or target, if there is one.
    zero_based : bool, optional
        Whether the features of a svmlight file are counted from 0. If None, they are if one has the index 0.

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
    """
    name = path.name.lower().removesuffix(".gz")
    try:
        if name.endswith(SVMLIGHT):
            from sklearn.datasets import load_svmlight_file

            X, y = load_svmlight_file(str(path), zero_based="auto" if zero_based is None else zero_based)
            return X, clean_labels(y, f"{path}: the label", whole=True)
        if name.endswith(".mat"):
            from scipy.io import loadmat

            held = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
        else:
            with np.load(path, allow_pickle=False) as file:
                held = {k: file[k] for k in file.files}
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(f"{path} cannot be read: {why}. Save it again with numpy.savez(file, X=..., y=...).") from error
    return _pick_arrays(held, label, path)


# Names of an array of samples, and of labels if `label` is None.
SAMPLE_ARRAYS = ("X", "x", "data", "fts", "features")
LABEL_ARRAYS = ("y", "labels", "label", "target")


def _pick_arrays(held: dict[str, Any], label: str | None, path: Path) -> tuple[Any, Any]:
    if len(held) == 1 and _is_struct(only := next(iter(held.values()))):
        held = {name: only[name].flat[0] for name in only.dtype.names}
    names = [label] if label is not None else list(LABEL_ARRAYS)
    found = next((k for k in names if k in held), None)
    if label is not None and found is None:
        raise LabelError(f"label={label!r} is no array of {path}; it holds {', '.join(held)}.")
    samples = _sample_array(held, found if label is not None else None, path)
    X = held[samples]
    if _is_struct(X):
        raise ReadError(
            f"{path}: {samples} is a struct with the fields {', '.join(X.dtype.names)}; save them as variables X and y."
        )
    X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)
    if found is None:
        return X, None
    y = np.ravel(held[found])
    if len(y) != X.shape[0]:
        raise LabelError(
            f"{path}: {found} has shape {np.shape(held[found])} but {samples} has {X.shape[0]} samples; set "
            "label= to an array with one label per sample."
        )
    return X, clean_labels(y, f"{path}: {found}", whole=path.name.lower().endswith(".mat"))


def _sample_array(held: dict[str, Any], label: str | None, path: Path) -> str:
    """Find the array of samples: the counterpart of the named labels, X, or the only array with two dimensions."""
    if label is not None:  # x_test belongs to y_test, and Xs to ys
        stem = re.fullmatch(r"(?:y|labels?|target)(.*)", label, re.IGNORECASE)
        for k in held:
            if stem and k != label and k.lower() in {f"{n.lower()}{stem.group(1).lower()}" for n in SAMPLE_ARRAYS}:
                return k
    if usual := next((k for k in SAMPLE_ARRAYS if k in held), None):
        return usual
    wide = [
        k
        for k, v in held.items()
        if k != label
        and np.ndim(v) >= 2
        and min(np.shape(v)[:2]) > 1
        and not re.match(r"(y|label|target)", k, re.IGNORECASE)
    ]
    if label is not None and len(wide) > 1:
        wide = [k for k in wide if np.shape(held[k])[0] == np.size(held[label])] or wide
    if not wide:
        raise ReadError(f"{path} holds no two-dimensional array; save the samples under the name X.")
    if len(wide) > 1:
        raise ReadError(
            f"{path} holds several arrays of samples, {', '.join(wide)}; choose the labels of one of them with "
            "label=, or save one of them under the name X."
        )
    return wide[0]


def _is_struct(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.names is not None and value.size == 1


def _check_lines(path: Path, separator: str) -> None:
    """Raise an error if a line has more or fewer cells than the header, which pandas would accept."""
    import csv
    import gzip

    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=separator, skipinitialspace=True)
        try:
            header = next((len(line) for line in lines if line), 0)
            odd = next((len(line) for line in lines if line and len(line) != header), None)
        except csv.Error:  # a limit of this module, such as a very long cell: the parser of pandas decides
            return
    if odd is not None:
        raise ReadError(
            f"{path} cannot be read as a table: line {lines.line_num} has {odd} cells but the header has {header}. "
            "Check that every line has the same columns."
        )


def _semicolons(path: Path) -> bool:
    import gzip

    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace") as file:
            head = file.readline()
    except OSError as error:
        raise ReadError(f"{path} cannot be opened: {error}.") from error
    return head.count(";") > head.count(",")
