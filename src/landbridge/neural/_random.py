"""Seeds, and torch's random number generator with a temporary seed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import torch

from landbridge._random_state import check_random_state

__all__ = ["seed_from", "seeded"]

# The state belongs to the whole process: threads that drew from it at once would get one another's numbers.
_TURN = threading.RLock()


@contextlib.contextmanager
def seeded(seed: int | None, devices: Sequence[Any] = ()) -> Iterator[None]:
    """Seed torch's random number generator temporarily, and restore its state afterwards.

    Threads of one process wait for one another, so that each draws as if it ran alone.

    Parameters
    ----------
    seed : int or None
        If None, the current state is used.
    devices : sequence, default=()
        GPUs whose state is kept as well.

    Yields
    ------
    None

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._random import seeded
    >>> before = torch.random.get_rng_state()
    >>> with seeded(3):
    ...     first = torch.rand(2)
    >>> with seeded(3):
    ...     again = torch.rand(2)
    >>> torch.equal(first, again), torch.equal(before, torch.random.get_rng_state())
    (True, True)
    """
    with _TURN, torch.random.fork_rng(devices=devices):
        if seed is not None:
            torch.manual_seed(seed)
        yield


def seed_from(random_state: Any) -> int:
    """Return the seed that a ``random_state`` stands for.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int is the seed itself. If None, the seed is drawn from the operating system.

    Returns
    -------
    int
    """
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
