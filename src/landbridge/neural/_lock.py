"""Lock of a folder of checkpoints: one run writes it at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from landbridge.exceptions import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["one_run"]

# Folders that runs of this process write; locks of the operating system are between processes.
_HELD: set[tuple[int, str]] = set()
_TURN = threading.Lock()


@contextlib.contextmanager
def one_run(folder: Any) -> Iterator[None]:
    """Hold a folder while a run writes its checkpoints there; a run that was killed holds nothing.

    Parameters
    ----------
    folder : path-like or None
        Made if it does not exist. If None, nothing is held.

    Yields
    ------
    None

    Raises
    ------
    InputError
        If another run holds it.
    """
    if folder is None:
        yield
        return
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    name = (os.getpid(), str(path.resolve()))  # a forked process holds nothing of its parent's
    with _TURN:
        if name in _HELD:
            raise _in_use(path)
        _HELD.add(name)
    handle = -1
    try:
        handle = _taken(path)
        yield
    finally:
        if handle >= 0:
            os.close(handle)  # which drops the lock
        with _TURN:
            _HELD.discard(name)


def _taken(folder: Path) -> int:
    handle = os.open(folder / ".run.lock", os.O_RDWR | os.O_CREAT, 0o666)
    if fcntl is not None:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(handle)
            raise _in_use(folder) from None
        except OSError:  # no locks on this file system
            pass
    return handle


def _in_use(folder: Path) -> InputError:
    return InputError(
        f"checkpoint_dir={str(folder)!r} is being written by another run; wait until it ends, or name another folder."
    )
