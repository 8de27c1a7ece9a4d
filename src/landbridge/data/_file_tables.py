"""Tables that name one file per sample: a column of paths, and a column of labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.data._audio import SOUNDS
from landbridge.data._folders import Listing
from landbridge.data._images import IMAGES
from landbridge.data._labels import clean_labels
from landbridge.data._pictures import printable
from landbridge.exceptions import LabelError, ReadError

__all__ = ["file_column", "list_files_of_csv", "listed_files"]

# Names of a column of files; any column whose cells all end as image or sound files do is one as well.
FILE_COLUMNS = (
    "path paths file files filename filenames filepath image images img imagepath imagefile imagename imageid audio "
    "audiopath audiofile audiofilename sound wav wavfile"
).split()
LABEL_COLUMNS = ("label", "labels", "target", "class", "y", "category")
# Cells that are looked at.
MOST_CELLS = 200


def file_column(frame: Any) -> str | None:
    """Find the column of a table that names image or sound files.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    str or None
        Name of the column; None if there is none, and the table is an ordinary one.

    Examples
    --------
    >>> import pandas as pd
    >>> from landbridge.data._file_tables import file_column
    >>> file_column(pd.DataFrame({"image": ["a.PNG", "cats/b.jpg"], "label": [0, 1]}))
    'image'
    """
    shares = {c: _share_of_files(frame[c]) for c in frame.columns}
    named = [c for c in frame.columns if re.sub(r"[\s_.-]", "", str(c).lower()) in FILE_COLUMNS]
    for column in named:
        if shares[column] >= 0.5:
            return str(column)
    whole = [c for c in frame.columns if shares[c] == 1.0]
    return str(whole[0]) if len(whole) == 1 else None


def list_files_of_csv(
    frame: Any, folder: str | Path, *, label: str | None = None, column: str | None = None
) -> tuple[Listing, str]:
    """List the image or sound files that a table names, with their labels.

    Parameters
    ----------
    frame : DataFrame
        A table with a column of paths, and one of labels unless there are none.
    folder : path-like
        Folder of the table; relative paths start there.
    label : str, default=None
        The label column. If None, the one named label, target, class or y, or the only other column.
    column : str, default=None
        The column of paths. If None, it is inferred.

    Returns
    -------
    listing : Listing
        Files in the order of the table, as :func:`~landbridge.data._images.read_images` and
        :func:`~landbridge.data.read_audio` take them.
    kind : {"images", "audio"}

    Raises
    ------
    ReadError
        If there is no column of paths, or files do not exist.
    LabelError
        If there is no such label column.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> from landbridge.data._file_tables import list_files_of_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (pathlib.Path(folder) / "a.png").write_bytes(b"")
    ...     listing, kind = list_files_of_csv(pd.DataFrame({"file": ["a.png"], "label": ["cat"]}), folder)
    >>> listing.names, listing.y.tolist(), kind
    (['a.png'], ['cat'], 'images')
    """
    column = file_column(frame) if column is None else column
    if column is None or column not in frame.columns:
        shown = ", ".join(map(str, list(frame.columns)[:8]))
        raise ReadError(f"no column of the table names image or sound files; its columns are {shown}.")
    cells = ["" if _is_gap(v) else str(v).strip() for v in frame[column]]
    root = Path(folder)
    found = [_found(root, cell) for cell in cells]
    files = [f for f in found if f is not None]
    missing = [cell for cell, f in zip(cells, found, strict=True) if f is None]
    if missing:
        shown = next((m for m in missing if m), "an empty cell")
        web = " Download files from the web first." if re.match(r"[a-z]+://", shown) else ""
        verb = "names no file" if len(missing) == 1 else "name no file"
        raise ReadError(
            f"{len(missing):,} of {len(cells):,} cells of column {column!r} {verb} in {printable(root)}, such as "
            f"{printable(shown)}; paths are relative to the folder of the table.{web}"
        )
    y, notes = None, []
    of_label = _label_column(frame, label, column)
    if of_label is not None:
        y = clean_labels(frame[of_label], f"the label column {of_label!r}")
    if others := [str(c) for c in frame.columns if c not in (column, of_label)]:
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        one = "Column" if len(others) == 1 else "Columns"
        notes.append(f"{one} {', '.join(others[:8])}{more} of the table of files not used.")
    if twice := len(files) - len({str(f) for f in files}):
        notes.append(f"{twice:,} of {len(files):,} rows name a file that an earlier row names.")
    sounds = np.mean([f.suffix.lower() in SOUNDS for f in files]) > 0.5
    return Listing(files, y, [printable(c) for c in cells], notes), "audio" if sounds else "images"


def listed_files(side: Any, kind: str, label: str | None = None) -> tuple[Any, str]:
    """Return the images or sounds that a table in a file names; any other side as it is.

    Parameters
    ----------
    side : object
        A side as it was given.
    kind : str
        What it holds.
    label : str, optional
        The label column; a table need not have it.

    Returns
    -------
    side : Listing or object
    kind : str
        ``"images"`` or ``"audio"`` for such a table.
    """
    from landbridge.data._files import read_table

    if kind != "table" or not isinstance(side, str | Path) or not _mentions_files(Path(side)):
        return side, kind
    frame = read_table(Path(side))
    if (column := file_column(frame)) is None:
        return side, kind
    if label is not None and label not in frame.columns:
        frame, label = frame[[column]], None
    return list_files_of_csv(frame, Path(side).parent, label=label, column=column)


def _mentions_files(path: Path) -> bool:
    """Return whether the beginning of a text file names images or sounds."""
    with path.open("rb") as file:
        head = file.read(4096).lower()
    return any(ending.encode() in head for ending in (*IMAGES, *SOUNDS))


def _found(root: Path, cell: str) -> Path | None:
    """The file that a cell names; with slashes of other systems, or without its ending, where only that exists."""
    if not cell or "\0" in cell:
        return None
    for name in dict.fromkeys((cell, cell.replace("\\", "/"))):
        path = root / name
        try:
            if path.is_file():
                return path
        except OSError:  # such as a name that is too long
            return None
        if path.suffix.lower() not in (*IMAGES, *SOUNDS):
            for ending in (".jpg", ".png", ".jpeg", ".wav", ".flac", ".ogg", ".mp3", ".tif", ".bmp"):
                longer = path.with_name(path.name + ending) if path.name else path
                if longer.is_file():
                    return longer
    return None


def _label_column(frame: Any, label: str | None, column: str) -> Any:
    others = [c for c in frame.columns if c != column]
    if label is not None:
        if label in others:
            return label
        raise LabelError(f"label={label!r} is no column of the table; its columns are {', '.join(map(str, others))}.")
    usual = [c for c in others if str(c).lower() in LABEL_COLUMNS]
    if len(usual) == 1:
        return usual[0]
    if len(usual) > 1:
        raise LabelError(f"several columns could be the label, {', '.join(map(str, usual))}; name it with label=.")
    return others[0] if len(others) == 1 else None


def _share_of_files(cells: Any) -> float:
    """Share of the cells that end as image or sound files do."""
    if cells.dtype.kind in "biufcmM":
        return 0.0
    known = [str(v).strip().lower() for v in cells.head(MOST_CELLS) if not _is_gap(v)]
    return float(np.mean([v.endswith((*IMAGES, *SOUNDS)) for v in known])) if known else 0.0


def _is_gap(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and value != value)
