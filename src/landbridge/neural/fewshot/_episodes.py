"""Episodes: small tasks drawn from many classes, to practise learning from one or a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError

__all__ = ["Episode", "episodes"]


class Episode(NamedTuple):
    """Rows of one small task.

    Parameters
    ----------
    support : ndarray of int, shape (way * shot,)
        Rows to learn from, class by class.
    query : ndarray of int, shape (way * n_queries,)
        Rows to answer, class by class.
    """

    support: NDArray[np.intp]
    query: NDArray[np.intp]


def episodes(
    labels: NDArray[np.intp],
    *,
    way: int,
    shot: int,
    n_queries: int,
    n_episodes: int,
    groups: NDArray[np.intp] | None = None,
    random_state: int = 0,
) -> Iterator[Episode]:
    """Draw small tasks of any way and shot.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Class of each row.
    way : int
        Classes of a task.
    shot : int
        Rows a class to learn from.
    n_queries : int
        Rows a class to answer.
    n_episodes : int
        Tasks.
    groups : ndarray of int, shape (n,), optional
        Draw all classes of a task from one group, as from one alphabet: harder, as they are alike.
    random_state : int, default=0

    Yields
    ------
    Episode

    Raises
    ------
    InputError
        If too few classes have rows enough.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.fewshot import episodes
    >>> labels = np.repeat(np.arange(10), 6)
    >>> episode = next(episodes(labels, way=3, shot=1, n_queries=2, n_episodes=1))
    >>> np.unique(labels[episode.support]).size, len(episode.query)
    (3, 6)
    """
    rng = np.random.default_rng(random_state)
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    members = [m for m in members if len(m) >= shot + n_queries]
    pools = [members]
    if groups is not None:
        of = np.array([groups[m[0]] for m in members])
        pools = [[members[i] for i in np.flatnonzero(of == g)] for g in np.unique(of)]
    pools = [pool for pool in pools if len(pool) >= way]
    if not pools:
        raise InputError(
            f"way={way}: too few classes{' of one group' if groups is not None else ''} have shot + n_queries = "
            f"{shot + n_queries} rows; ask for fewer."
        )
    sizes = np.array([len(pool) for pool in pools], dtype=float)
    for _ in range(n_episodes):
        pool = pools[rng.choice(len(pools), p=sizes / sizes.sum())]
        drawn = [
            rng.choice(pool[i], shot + n_queries, replace=False) for i in rng.choice(len(pool), way, replace=False)
        ]
        yield Episode(np.concatenate([d[:shot] for d in drawn]), np.concatenate([d[shot:] for d in drawn]))
