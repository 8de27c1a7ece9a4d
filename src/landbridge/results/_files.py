"""Files of a result: written completely or not at all, and JSON without NaN."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import platform
import re
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from landbridge.exceptions import WriteError

__all__ = [
    "is_running",
    "make_folder",
    "one_line_errors",
    "refuse_other_kinds",
    "remove_leftovers",
    "strict",
    "write_atomically",
]

# Temporary files bear the name of the file, the process that writes them and its machine.
TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)-(?P<host>[0-9a-f]{8})-[0-9a-f]{32}\.part", re.DOTALL)
# Seconds after which a temporary file of another machine, whose processes cannot be seen, is no longer being written.
ABANDONED = 24 * 3600.0
# What the user can do about the usual reasons for which a file cannot be written.
REMEDIES = {
    errno.ENOSPC: "free some space, or name a folder on another disk",
    errno.EDQUOT: "free some space, or name a folder on another disk",
    errno.EFBIG: "raise the limit of file sizes, or name a folder on another disk",
    errno.EACCES: "name a folder that can be written",
    errno.EPERM: "name a folder that can be written",
    errno.EROFS: "name a folder that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file completely or not at all, with the permissions of the user's umask.

    A symbolic link at `path` is replaced, not followed.

    Parameters
    ----------
    path : Path
    data : bytes

    Raises
    ------
    WriteError
        If the file cannot be written; what was there before is unchanged.
    """
    with one_line_errors(path):
        refuse_other_kinds(path)
        remove_leftovers(path.parent, lambda name: name == path.name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{_host()}-{uuid.uuid4().hex}.part")
        # os.open heeds the umask; tempfile and chmod do not, and a result may be about patients. No link is followed.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def make_folder(folder: Path) -> Path:
    """Make a folder and those that contain it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Path

    Raises
    ------
    WriteError
        If it cannot be made, for example because a file has this name.
    """
    with one_line_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_leftovers(folder: Path, of: Callable[[str], bool] = bool) -> None:
    """Delete temporary files of processes that have ended; all other files are kept.

    Parameters
    ----------
    folder : Path
    of : callable, optional
        Says whether the temporary files of a file name are meant. If None, those of all names are.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        match = TEMPORARY.fullmatch(name)
        if match is None or not of(match["name"]):
            continue
        file = folder / name
        try:
            held = file.lstat()
            if match["host"] == _host():
                ended = not is_running(int(match["pid"]))
            else:
                ended = time.time() - held.st_mtime > ABANDONED
            if ended and stat.S_ISREG(held.st_mode):
                file.unlink()
        except OSError:
            continue


def is_running(pid: int) -> bool:
    """Check whether a process of this machine is running.

    Parameters
    ----------
    pid : int

    Returns
    -------
    bool
        True where it cannot be known.
    """
    if pid <= 0:
        return False
    if os.name == "nt":  # os.kill would end it there
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the file and what to do.

    Parameters
    ----------
    path : Path
        What is written.

    Yields
    ------
    None
    """
    try:
        yield
    except WriteError:
        raise
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if number in (errno.EEXIST, errno.ENOTDIR):
            blocking = next((p for p in (path, *path.parents) if os.path.lexists(p) and not p.is_dir()), path)
            raise WriteError(f"{path} cannot be written: {blocking} is not a folder; name another one.") from error
        remedy = REMEDIES.get(number or 0, "name another folder")
        raise WriteError(f"{path} cannot be written: {why}; {remedy}.") from error


def strict(value: Any) -> Any:
    """Reduce to plain JSON types; NaN and infinity, which JSON has not, become null.

    Parameters
    ----------
    value : object

    Returns
    -------
    object
    """
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def refuse_other_kinds(path: Path) -> None:
    """Raise if a folder, pipe or device is in the place of a file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    WriteError
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise WriteError(f"{path} cannot be written, because it is {kind}; move it away, or name another folder.")


def _host() -> str:
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a new name outlast a loss of power, where the system allows it."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
