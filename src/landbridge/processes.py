"""Processes that try candidates: started early, they load the library while the first one reads and measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

__all__ = ["parallel", "start_processes"]


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
    return joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(calls)


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


def _load() -> None:
    # By name: the verbs stand above this module.
    import_module("landbridge.verbs._transfer")
