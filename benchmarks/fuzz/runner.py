"""Cases in other processes: a case that ends its process, or never comes back, fails and the rest goes on."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.case import SECONDS, Outcome, Place, run_case
from benchmarks.fuzz.kinds import KINDS
from benchmarks.fuzz.tables import command, in_range, measured, plain_pair, tables, transferred

__all__ = ["plan", "run_all"]

# Seconds beyond the limit of a case after which its process is ended.
GRACE = 15
Key = tuple[str, int]


def plan(n: int, only: list[str] | None = None) -> list[Key]:
    """Return kind and index of each of `n` cases, by the shares of the kinds.

    Parameters
    ----------
    n : int
    only : list of str, optional
        Kinds that are run. If None, all.

    Returns
    -------
    list of (str, int)

    Examples
    --------
    >>> from benchmarks.fuzz.runner import plan
    >>> len(plan(100)) >= 100
    True
    """
    kinds = {name: kind for name, kind in KINDS.items() if not only or name in only}
    total = sum(kind.share for kind in kinds.values())
    return [(name, i) for name, kind in kinds.items() for i in range(-(-n * kind.share // total))]


def run_all(keys: list[Key], seed: int, jobs: int) -> Iterator[Outcome]:
    """Run cases side by side.

    Parameters
    ----------
    keys : list of (str, int)
    seed : int
    jobs : int

    Yields
    ------
    Outcome
        In the order in which they end.
    """
    parts = [keys[i::jobs] for i in range(jobs)]
    workers = [_Worker(part, seed) for part in parts if part]
    while workers:
        ready = wait([w.connection for w in workers], timeout=1)
        for worker in list(workers):
            if worker.connection in ready:
                yield from worker.received()
            elif worker.current is not None and time.monotonic() - worker.since > SECONDS + GRACE:
                yield worker.lost(f"more than {SECONDS + GRACE} s; its process was ended")
            if worker.finished:
                workers.remove(worker)


class _Worker:
    """A process that runs cases one after the other, and is started again after the one that ended it."""

    def __init__(self, keys: list[Key], seed: int) -> None:
        self.keys, self.seed = list(keys), seed
        self.finished = False
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(self.keys, self.seed, theirs))
        self.process.start()
        theirs.close()
        self.current: Key | None = None
        self.since = time.monotonic()

    def received(self) -> Iterator[Outcome]:
        try:
            message = self.connection.recv()
        except EOFError:
            self.process.join()
            if self.keys and self.current is not None:
                yield self.lost(f"the process ended with {self.process.exitcode}")
            else:
                self.finished = True
            return
        if isinstance(message, Outcome):
            self.keys.remove((message.kind, message.index))
            self.current = None
            yield message
        else:
            self.current, self.since = message, time.monotonic()

    def lost(self, why: str) -> Outcome:
        assert self.current is not None
        kind, index = self.current
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.keys.remove(self.current)
        self.finished = not self.keys
        if self.keys:
            self._start()
        return Outcome(kind, index, "", "failed", why)


def _work(keys: list[Key], seed: int, connection: Connection) -> None:
    prepare()
    for kind, index in list(keys):
        connection.send((kind, index))
        connection.send(run_case(kind, KINDS[kind].make, index, seed))
    connection.close()


def prepare() -> None:
    """Set what the command line sets for the whole process, and what keeps it from the network."""
    settings: dict[str, Any] = {f"POT_BACKEND_DISABLE_{b}": "1" for b in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW")}
    settings |= {"HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "COLUMNS": "100"}
    os.environ.update(settings)
    with warnings.catch_warnings():  # libraries add warning filters when they are first imported
        warnings.simplefilter("ignore")
        _warm_up()


def _warm_up() -> None:
    """Call everything once, so that no case pays for imports, or is blamed for what they change."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    place = Place(np.random.default_rng(0), folder)
    A, B = tables(place, 20, m=20)
    result = transferred(A, B, label="ill")
    in_range(B, m=20)(result)
    result.save(folder / "out")
    command("inspect", *plain_pair(place, A, B), "--json")
    measured(A, B, label="ill")
    shutil.rmtree(folder)
