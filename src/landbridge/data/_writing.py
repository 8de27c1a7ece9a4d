"""Files of data: written completely or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from landbridge._checks import check_path
from landbridge.exceptions import WriteError

__all__ = ["write_file"]


def write_file(path: str | Path, data: bytes) -> Path:
    """Write a file beside its place and rename it, so that a file that was there before is replaced as a whole.

    Parameters
    ----------
    path : path-like
        In a folder that exists.
    data : bytes

    Returns
    -------
    Path

    Raises
    ------
    WriteError
        If it cannot be written; what was there before is unchanged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from landbridge.data._writing import write_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(pathlib.Path(folder) / "a.txt", b"text").read_bytes()
    b'text'
    """
    check_path("path", path)
    place = Path(path)
    if place.exists() and not place.is_file():
        raise WriteError(f"{place} cannot be written, because it is no regular file; name another one.")
    part = place.with_name(f".{place.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(data)
        os.replace(part, place)
    except OSError as error:
        part.unlink(missing_ok=True)
        hint = "make the folder first" if not place.parent.is_dir() else "name a file that can be written"
        raise WriteError(f"{place} cannot be written: {error.strerror or error}; {hint}.") from error
    return place
