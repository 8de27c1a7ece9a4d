"""Lock of a folder: one process writes it at a time, and a process that has ended holds nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from landbridge.exceptions import WriteError
from landbridge.results._files import _host, is_running, make_folder, one_line_errors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK", "FolderLock"]

LOCK = ".landbridge.lock"
# Attempts to lock a file that another process deletes in the meantime.
ATTEMPTS = 20


class FolderLock:
    """Lock of a folder, held from :meth:`acquire` to :meth:`release`, or as a context manager.

    The operating system drops the lock when its process ends, in whatever way. On file systems without locks, the file
    holds the number of the process, and the lock of a process that has ended is ignored.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    keep : bool, default=False
        Whether the file stays in the folder after the release.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from landbridge.results._lock import FolderLock
    >>> with tempfile.TemporaryDirectory() as name, FolderLock(Path(name)):
    ...     try:
    ...         FolderLock(Path(name)).acquire()
    ...     except ValueError:
    ...         print("in use")
    in use
    """

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        self.folder, self.keep = folder, keep
        self.path = folder / LOCK
        self._handle: int | None = None

    def acquire(self) -> Self:
        """Take the lock.

        Returns
        -------
        FolderLock

        Raises
        ------
        WriteError
            If another process or thread holds it, or the folder cannot be written.
        """
        make_folder(self.folder)
        with one_line_errors(self.folder):
            for _ in range(ATTEMPTS):
                handle = self._open()
                try:
                    taken = self._take(handle)
                except BaseException:
                    os.close(handle)
                    raise
                if taken:
                    self._handle = handle
                    return self
                os.close(handle)
        raise self._in_use()

    def release(self) -> None:
        """Give the lock back; without effect where it is not held."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            if os.name == "nt":  # an open file cannot be deleted there
                os.truncate(handle, 0)
            elif self.keep:
                os.ftruncate(handle, 0)
            else:
                self.path.unlink(missing_ok=True)
        except OSError:
            pass
        finally:
            os.close(handle)

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        if self._handle is not None:
            self.release()

    def __getstate__(self) -> dict[str, Any]:
        # Other processes of a run write its files, and do not hold the lock.
        return self.__dict__ | {"_handle": None}

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(self.path, flags, 0o666)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise WriteError(f"{self.path} is no regular file; delete it, or name another folder.")
        return handle

    def _take(self, handle: int) -> bool:
        """Return whether the lock is held now; False where its file was deleted in the meantime."""
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._in_use(handle) from None
            except OSError:  # no locks on this file system
                self._refuse_running(handle)
            if not self._is_current(handle):
                return False
        else:
            self._refuse_running(handle)
        os.ftruncate(handle, 0) if hasattr(os, "ftruncate") else None
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, f"{os.getpid()} {_host()}\n".encode())
        return True

    def _is_current(self, handle: int) -> bool:
        try:
            named = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        held = os.fstat(handle)
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

    def _refuse_running(self, handle: int) -> None:
        pid, host = _holder(handle)
        if pid is not None and (host != _host() or is_running(pid)):
            raise self._in_use(handle)

    def _in_use(self, handle: int | None = None) -> WriteError:
        pid, _ = (None, "") if handle is None else _holder(handle)
        who = "another run" if pid is None else f"another run (process {pid})"
        return WriteError(f"{self.folder} is being written by {who}; wait until it ends, or name another folder.")


def _holder(handle: int) -> tuple[int | None, str]:
    """Number of the process that a lock file names, and its machine."""
    os.lseek(handle, 0, os.SEEK_SET)
    words = os.read(handle, 100).decode("ascii", "replace").split()
    if len(words) != 2 or not words[0].isdigit():
        return None, ""
    return int(words[0]), words[1]
