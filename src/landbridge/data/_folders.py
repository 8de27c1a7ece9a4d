"""Folders of one file per sample: one subfolder for each class, or unlabelled files without subfolders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._pictures import printable
from landbridge.exceptions import ReadError

__all__ = ["Listing", "is_system_file", "list_folder", "without"]

# Files and folders that systems write beside the data; so are all names that start with a dot, such as ._0001.jpg.
SYSTEM = {"thumbs.db", "desktop.ini", "ehthumbs.db", "__macosx", "$recycle.bin", "@eadir"}


@dataclass(frozen=True)
class Listing:
    """Files of samples, with their classes.

    Parameters
    ----------
    files : list of Path
    y : ndarray of shape (n_samples,) or None
        Labels; None where there are none.
    names : list of str
        One per file, one line each.
    notes : list of str
        Sentences on what was not used.
    """

    files: list[Path]
    y: NDArray[Any] | None
    names: list[str]
    notes: list[str]


def without(listing: Listing, errors: dict[int, ReadError], what: str) -> Listing:
    """Return a listing without the files that cannot be read, with a note.

    Parameters
    ----------
    listing : Listing
    errors : dict of int to ReadError
        By place in `listing.files`.
    what : str
        What the files are, in the plural.

    Returns
    -------
    Listing

    Raises
    ------
    ReadError
        The first of `errors`, if no file can be read.
    """
    if not errors:
        return listing
    if len(errors) == len(listing.files):
        raise errors[0]
    kept = [i for i in range(len(listing.files)) if i not in errors]
    first, n = listing.names[min(errors)], len(errors)
    was = "cannot be read and is skipped" if n == 1 else "cannot be read and are skipped"
    note = f"{n:,} of {len(listing.files):,} {what} {was}: {first}{' and others' * (n > 1)}."
    y = None if listing.y is None else listing.y[kept]
    return Listing([listing.files[i] for i in kept], y, [listing.names[i] for i in kept], [note, *listing.notes])


def is_system_file(name: str) -> bool:
    """Return whether a file or folder belongs to the system and not to the data.

    Parameters
    ----------
    name : str

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.data._folders import is_system_file
    >>> [is_system_file(name) for name in ("Thumbs.db", "._a.png", "a.png")]
    [True, True, False]
    """
    return name.startswith(".") or name.lower() in SYSTEM


def list_folder(
    folder: Path, endings: Collection[str], what: str, recognised: Callable[[Path], bool] | None = None
) -> Listing:
    """List the files of a folder: one subfolder for each class, or unlabelled files without subfolders.

    Links are not followed into folders, so that a link to a folder above never ends in a circle.

    Parameters
    ----------
    folder : Path
    endings : collection of str
        Of file names, in lower case.
    what : str
        What the files are, for messages: ``"images"`` or ``"sounds"``.
    recognised : callable, default=None
        Whether a file with another ending is one by its content. If None, endings decide.

    Returns
    -------
    Listing

    Raises
    ------
    ReadError
        If there are no such files, a class folder is empty, a link leads out of the folder, or files are outside the
        class folders.
    """
    if not folder.is_dir():
        raise ReadError(f"{printable(folder)} is no folder; give a folder with one subfolder of {what} for each class.")
    found, notes = _files_below(folder)
    files, others = [], []
    for file in found:
        known = file.suffix.lower() in endings
        if file.is_symlink() and not file.exists():
            if known:
                raise ReadError(f"{printable(file)} is a link to no file; put the file there, or remove the link.")
            continue
        if file.is_file() and (known or (recognised is not None and recognised(file))):
            files.append(file)
        else:
            others.append(file)
    if not files:
        raise ReadError(
            f"{printable(folder)} holds no {what}{_counted(others)}; put them into one subfolder for each class, or "
            "all into the folder."
        )
    if others:
        was = "was" if len(others) == 1 else "were"
        notes.append(f"{len(others):,} {'file' if len(others) == 1 else 'files'} of {printable(folder.name)} {was} not "
                     f"read, being no {what}{_counted(others)}.")  # fmt: skip
    files.sort()
    return Listing(files, _classes(folder, files, what), [printable(f.relative_to(folder)) for f in files], notes)


def _files_below(folder: Path) -> tuple[list[Path], list[str]]:
    """Files below a folder without those of the system, and a note on links to folders."""

    def refuse(error: OSError) -> None:
        raise ReadError(f"{printable(error.filename)} cannot be listed ({error.strerror}); check its permissions.")

    root, found, linked = folder.resolve(), [], 0
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(n for n in folders if not is_system_file(n))
        for name in sorted(n for n in (*folders, *names) if not is_system_file(n)):
            path = Path(place) / name
            if path.is_symlink():
                end = _end(path)
                if end is not None and end != root and root not in end.parents:
                    raise ReadError(
                        f"{printable(path)} is a link that leads out of {printable(folder)}; copy the files into the "
                        "folder."
                    )
                if name in folders or end is None:
                    linked += name in folders
                    found += [path] if end is None else []
                    continue
            if name not in folders:
                found.append(path)
    links = "1 link to a folder was" if linked == 1 else f"{linked} links to folders were"
    return found, [f"{links} not followed in {printable(folder.name)}."] if linked else []


def _end(link: Path) -> Path | None:
    """Where a link leads, None where it leads in a circle."""
    try:
        end = link.resolve()
        os.stat(link)
    except FileNotFoundError:
        return end
    except (OSError, RuntimeError):
        return None
    return end


def _classes(folder: Path, files: list[Path], what: str) -> NDArray[Any] | None:
    parts = [f.relative_to(folder).parts for f in files]
    beside = [len(p) == 1 for p in parts]
    if all(beside):
        return None
    if any(beside):
        raise ReadError(
            f"{printable(folder)} has {what} beside its class folders ({printable(files[beside.index(True)].name)}); "
            "move them into a class folder or remove them."
        )
    names = [p[0] for p in parts]
    held = {p.name for p in folder.iterdir() if p.is_dir() and not p.is_symlink() and not is_system_file(p.name)}
    if empty := sorted(held - set(names)):
        raise ReadError(
            f"{printable(folder / empty[0])} holds no {what}; put the class's {what} into it, or remove the folder."
        )
    return np.array([printable(n) for n in names])


def _counted(files: list[Path]) -> str:
    """Endings with counts, in brackets."""
    if not files:
        return ""
    counts = Counter(printable(f.suffix.lower()) or "without ending" for f in files)
    shown = ", ".join(f"{ending} {n:,}" for ending, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:4])
    hint = "; .heic needs pip install pillow-heif" if ".heic" in counts else ""
    return f" ({shown}{hint})"
