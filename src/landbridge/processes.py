"""Processes that try candidates: started early, they load the library while the first one reads and measures."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any

from landbridge._process_state import quiet

__all__ = ["Results", "end_processes", "end_with_parent", "parallel", "start_processes"]

# Seconds between two looks at the parent, where the system cannot report its end.
INTERVAL = 0.5
_WATCHED: set[int] = set()


class Results(Iterator[Any]):
    """What calls in other processes return; :meth:`close` stops those that have not ended.

    Parameters
    ----------
    made : generator
    """

    def __init__(self, made: Generator[Any, None, None]) -> None:
        self._made = made

    def __next__(self) -> Any:
        return next(self._made)

    def close(self) -> None:
        """Stop the calls that have not ended."""
        with quiet(UserWarning):  # joblib counts what was stopped
            self._made.close()

    def __del__(self) -> None:
        self.close()


def parallel(n_jobs: int, calls: Iterable[Any]) -> Results:
    """Run delayed calls in other processes and yield what they return, in the order in which they end.

    The processes end with this one, in whatever way it ends, and are stopped if the iteration is.

    Parameters
    ----------
    n_jobs : int
        Number of processes; -1 for one per core, 1 for none.
    calls : iterable of tuple
        From :func:`joblib.delayed`.

    Returns
    -------
    Results
        To be iterated, and closed if not to the end.
    """
    import joblib

    if n_jobs == 1:
        return Results(function(*args, **kwargs) for function, args, kwargs in calls)
    here = os.getpid()
    watched = (joblib.delayed(_call)(here, function, args, kwargs) for function, args, kwargs in calls)
    # Begun here, not when the first result is asked for: the processes load meanwhile.
    return Results(joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(watched))


@contextmanager
def start_processes(n_jobs: int) -> Iterator[None]:
    """Start the processes of :func:`parallel`; they load the library while the block runs, and are ready at its end.

    Parameters
    ----------
    n_jobs : int
        As in :func:`parallel`.

    Yields
    ------
    None

    Examples
    --------
    >>> from landbridge.processes import start_processes
    >>> with start_processes(1):
    ...     print("reading and measuring")
    reading and measuring
    """
    import joblib

    number = joblib.effective_n_jobs(n_jobs)
    if number == 1:
        yield
        return
    # Closed after an error: nobody waits for processes that have nothing to do.
    with closing(parallel(n_jobs, (joblib.delayed(_load)() for _ in range(number)))) as started:
        yield
        for _ in started:
            pass


def end_processes() -> None:
    """End the processes of :func:`parallel` at once, whatever they are at; without any, nothing happens.

    Examples
    --------
    >>> from landbridge.processes import end_processes
    >>> end_processes()
    """
    pool = getattr(sys.modules.get("joblib.externals.loky.reusable_executor"), "_executor", None)
    if pool is not None:
        pool.shutdown(wait=True, kill_workers=True)


def end_with_parent(parent: int) -> None:
    """Let this process end when its parent has ended, even if the parent was killed.

    Parameters
    ----------
    parent : int
        Number of the parent process; without effect for any other one.

    Notes
    -----
    A signal at the parent's death (``PR_SET_PDEATHSIG``) would also come when only the thread ends that started this
    process.
    """
    if parent in _WATCHED or os.getppid() != parent or parent <= 1:
        return
    _WATCHED.add(parent)
    threading.Thread(target=_watch, args=(parent,), name="landbridge-parent", daemon=True).start()


def _call(parent: int, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if os.getpid() != parent:
        end_with_parent(parent)
    return function(*args, **kwargs)


def _watch(parent: int) -> None:
    try:
        handle = os.pidfd_open(parent)
    except (AttributeError, OSError):  # not Linux, or an old kernel
        handle = None
    while os.getppid() == parent:
        if handle is None:
            time.sleep(INTERVAL)
        else:
            select.select([handle], [], [])
            # The end is reported before this process has another parent.
            time.sleep(0.01)
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _load() -> None:
    # By name: the verbs stand above this module.
    import_module("landbridge.verbs._transfer")
