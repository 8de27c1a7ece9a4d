"""Processes that try candidates: started early, they load the library while the first one reads and measures."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

__all__ = ["end_processes", "parallel", "start_processes"]

# Seconds between two looks of a process at whether the one that started it still runs.
INTERVAL = 1.0


def parallel(n_jobs: int, calls: Iterable[Any]) -> Iterable[Any]:
    """Run delayed calls in other processes and yield what they return, in the order in which they end.

    Parameters
    ----------
    n_jobs : int
        Number of processes; -1 for one per core, 1 for none.
    calls : iterable of tuple
        From :func:`joblib.delayed`.

    Returns
    -------
    iterable of object
    """
    import joblib

    if n_jobs == 1:
        return (function(*args, **kwargs) for function, args, kwargs in calls)
    here = os.getpid()
    bound: Iterator[Any] = ((_call, (here, function, args, kwargs), {}) for function, args, kwargs in calls)
    return joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(bound)


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
    started = () if number == 1 else parallel(n_jobs, (joblib.delayed(_load)() for _ in range(number)))
    try:
        yield
    finally:
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


def _call(parent: int, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _end_with(parent)
    return function(*args, **kwargs)


_watched: set[int] = set()


def _end_with(parent: int) -> None:
    """End this process when the one that started it ends, even by a signal, and leave Ctrl-C to that one."""
    if os.getpid() in _watched or os.name == "nt" or os.getppid() != parent:
        return
    _watched.add(os.getpid())
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
        os._exit(1)

    threading.Thread(target=watch, name="landbridge-parent", daemon=True).start()


def _load() -> None:
    # By name: the verbs stand above this module.
    import_module("landbridge.verbs._transfer")
