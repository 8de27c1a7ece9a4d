"""Opening files: each format to rows and labels, or a one-line error that says what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError, LabelError, MissingExtraError, ReadError

__all__ = ["IMAGES", "TABLES", "existing", "pick_label", "read_arrays", "read_images", "read_table", "take_sources"]

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson")
ARRAYS = (".npz", ".mat", ".svm", ".libsvm", ".svmlight")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
# Names a label column goes by when nobody says which it is.
USUAL = ("label", "target", "class", "y")


def kind_of(path: Path) -> str:
    """Say how a path is to be read.

    Parameters
    ----------
    path : Path

    Returns
    -------
    {"table", "arrays", "images"}
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
    """Return the path if there is something there.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Path

    Raises
    ------
    ReadError
        If there is nothing, or an empty file.
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

    Returns
    -------
    DataFrame
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
    except (MissingExtraError, ReadError):
        raise
    except UnicodeDecodeError as error:
        raise ReadError(f"{path} is not written in UTF-8; save it again in that encoding.") from error
    except Exception as error:  # whatever the parser says becomes one line
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(
            f"{path} cannot be read as a table: {why}. Check that every line has the same columns."
        ) from error
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise ReadError(f"{path} has no rows below its header; give at least one.")
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
    label : str or None
        None: the one column with a usual name.
    where : str
        What to call the table in an error.
    required : bool
        Whether to raise if there is none.

    Returns
    -------
    str or None

    Raises
    ------
    LabelError
        If it is required and not there.
    """
    columns = list(frame.columns)
    if label is not None:
        if label in columns:
            return label
        if not required:
            return None
        near = difflib.get_close_matches(label, columns, n=3) or columns[:8]
        raise LabelError(f"label={label!r} is no column of {where}; its columns are like {', '.join(near)}.")
    usual = [c for c in columns if c.lower() in USUAL]
    if len(usual) == 1:
        return str(usual[0])
    if not required:
        return None
    told = "several columns could be the label" if usual else "no column is named label, target, class or y"
    raise LabelError(f"{where}: {told}; name it with label= (or --label), one of {', '.join(columns[:12])}.")


def take_sources(frame: Any, sources: str, where: str) -> tuple[Any, NDArray[Any]]:
    """Take the column out of a table that tells several sources apart.

    Parameters
    ----------
    frame : DataFrame
        Left as it is.
    sources : str
        Name of the column.
    where : str
        What to call the table in an error.

    Returns
    -------
    frame : DataFrame
        Without the column.
    names : ndarray of shape (n_samples,)
        Whole numbers, or text.

    Raises
    ------
    InputError
        If there is no such column, or a row names no source, or each row one of its own.
    """
    columns = list(frame.columns)
    if sources not in columns:
        near = difflib.get_close_matches(sources, columns, n=3) or columns[:8]
        raise InputError(f"sources={sources!r} is no column of {where}; its columns are like {', '.join(near)}.")
    column = frame[sources]
    cells = [v.strip() if isinstance(v, str) else v for v in column.astype(object)]
    if gaps := int(column.isna().sum()) + sum(v == "" for v in cells if isinstance(v, str)):
        raise InputError(f"{where}: {gaps} rows have no entry in the column {sources!r} of sources; fill them.")
    whole = all(isinstance(v, Integral) and not isinstance(v, bool | np.bool_) for v in cells)
    names = np.array([int(v) if whole else str(v) for v in cells])
    if len(names) > 2 and len(np.unique(names)) == len(names):
        raise InputError(
            f"sources={sources!r} names each row of {where} a source of its own; name a column that several rows share."
        )
    return frame.drop(columns=[sources]), names


# What can stand between a column and a value in a label rule, and what is true of the other rows.
RULES = {">=": "<", "<=": ">", "==": "!=", "!=": "==", ">": "<=", "<": ">="}


def apply_label_rule(frame: Any, label: str | None) -> tuple[Any, str | None]:
    """Make a label column of two classes out of a rule such as ``"num>0"``.

    Parameters
    ----------
    frame : DataFrame
        Left as it is.
    label : str or None
        Name of a column, or ``column``, one of ``> >= < <= == !=``, and a value.

    Returns
    -------
    frame : DataFrame
        With a column called `label` in place of the rule's own, where `label` is a rule; its classes are the rule and
        its opposite, ``"num>0"`` and ``"num<=0"``, and gaps stay gaps.
    column : str or None
        The column that the rule reads; None if it is none.

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
            f"label={label!r} compares column {column!r} with {value!r}, but not all of that are numbers; use == or !=."
        ) from None
    classes = true.map({True: f"{column}{sign}{value}", False: f"{column}{RULES[sign]}{value}"}).astype(object)
    return frame.drop(columns=[column]).assign(**{str(label): classes.where(held.notna(), None)}), column


def _numbers(column: Any) -> Any:
    """Values of a column as numbers; what is none becomes NaN."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_arrays(path: Path, label: str | None) -> tuple[Any, Any]:
    """Read an npz, mat or svmlight file.

    Parameters
    ----------
    path : Path
    label : str or None
        Name of the label array.

    Returns
    -------
    X : array or csr_matrix
    y : array or None
    """
    name = path.name.lower().removesuffix(".gz")
    try:
        if name.endswith((".svm", ".libsvm", ".svmlight")):
            from sklearn.datasets import load_svmlight_file

            return load_svmlight_file(str(path))
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


def _pick_arrays(held: dict[str, Any], label: str | None, path: Path) -> tuple[Any, Any]:
    wide = [k for k, v in held.items() if np.ndim(v) >= 2 and min(np.shape(v)[:2]) > 1]
    rows = next((k for k in ("X", "x", "data", "fts", "features") if k in held), None) or (wide[0] if wide else None)
    if rows is None:
        raise ReadError(f"{path} holds no two-dimensional array; save the rows under the name X.")
    names = [label] if label is not None else ["y", "labels", "label", "target"]
    found = next((k for k in names if k in held), None)
    if label is not None and found is None:
        raise LabelError(f"label={label!r} is no array of {path}; it holds {', '.join(held)}.")
    X = held[rows]
    return (X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)), None if found is None else np.ravel(held[found])


def list_images(folder: Path) -> tuple[list[Path], NDArray[Any] | None]:
    """List the images of a folder: one sub-folder a class, or images alone (unlabelled).

    Parameters
    ----------
    folder : Path

    Returns
    -------
    files : list of Path
        Sorted.
    y : ndarray of str or None
        Names of the sub-folders.

    Raises
    ------
    ReadError
        If there are none, a class folder is empty, a link leads out, or some lie beside the class folders.
    """
    root = folder.resolve()
    # Names that begin with a dot are the system's own, such as macOS's ._0001.jpg beside each image.
    seen = [p for p in folder.rglob("*") if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    for link in seen:
        if link.is_symlink() and root not in link.resolve().parents:
            raise ReadError(f"{link} is a link that leads out of {folder}; copy the images into the folder.")
    files = sorted(p for p in seen if p.suffix.lower() in IMAGES and p.is_file())
    if not files:
        raise ReadError(f"{folder} holds no images; put them into one sub-folder a class, or all into the folder.")
    classes = [f.relative_to(folder).parts[0] if len(f.relative_to(folder).parts) > 1 else None for f in files]
    if all(c is None for c in classes):
        return files, None
    if None in classes:
        raise ReadError(
            f"{folder} has images beside its class folders ({files[classes.index(None)].relative_to(folder)}); move "
            "them into one or out of the way."
        )
    if empty := sorted({p.name for p in seen if p.is_dir() and p.parent == folder} - set(classes)):
        raise ReadError(f"{folder / empty[0]} holds no images; put the class's images into it, or remove the folder.")
    return files, np.array(classes)


def read_images(
    folder: Path, size: Sequence[int] | None, mode: str | None = None
) -> tuple[NDArray[np.float64], NDArray[Any] | None, list[str], tuple[int, ...], str]:
    """Read a folder of images: one sub-folder a class, or images alone (unlabelled).

    Parameters
    ----------
    folder : Path
    size : (height, width) or None
        Common size; 32 x 32 if left out.
    mode : {"L", "RGB"}, optional
        Grey or colour; colour if any image has colour.

    Returns
    -------
    X : ndarray of shape (n_images, height * width * channels)
        Values in [0, 1].
    y : ndarray of str or None
    names : list of str
        Path of each image within the folder.
    shape : tuple of int
    mode : str
    """
    from PIL import Image, UnidentifiedImageError

    height, width = (32, 32) if size is None else (int(size[0]), int(size[1]))
    files, y = list_images(folder)
    pictures = []
    for file in files:
        try:
            with Image.open(file) as image:
                image.load()
                pictures.append(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))
        except Image.DecompressionBombError as error:
            raise ReadError(f"{file} is too large an image to be read; make it smaller.") from error
        except (UnidentifiedImageError, OSError, ValueError) as error:
            raise ReadError(f"{file} is no image that can be read; mend it or take it out of the folder.") from error
    colours = np.stack([np.asarray(p, dtype=np.uint8) for p in pictures])
    if mode is None:
        grey = (colours[..., :1].astype(int) - colours).any()
        mode = "RGB" if grey else "L"
    if mode == "L":
        pixels = np.stack([np.asarray(p.convert("L"), dtype=np.uint8) for p in pictures])
        shape: tuple[int, ...] = (height, width)
    else:
        pixels, shape = colours, (height, width, 3)
    names = [str(f.relative_to(folder)) for f in files]
    return pixels.reshape(len(files), -1) / 255.0, y, names, shape, mode


def _check_lines(path: Path, separator: str) -> None:
    """Refuse lines of another length than the header: pandas takes the first column for an index, or fills up."""
    import csv
    import gzip

    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=separator, skipinitialspace=True)
        try:
            header = next((len(line) for line in lines if line), 0)
            odd = next((len(line) for line in lines if line and len(line) != header), None)
        except csv.Error:  # beyond what this module takes, such as a very long cell: the parser proper will say
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
