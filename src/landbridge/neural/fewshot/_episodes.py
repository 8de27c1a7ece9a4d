"""Episodes: small tasks drawn from many classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.neural._random import seed_from

__all__ = ["Episode", "episodes"]


class Episode(NamedTuple):
    """Samples of one small task.

    Parameters
    ----------
    support : ndarray of int, shape (n_way * n_shot,)
        Samples to learn from, class by class.
    query : ndarray of int, shape (n_way * n_queries,)
        Samples to answer, class by class.
    """

    support: NDArray[np.intp]
    query: NDArray[np.intp]


def episodes(
    labels: NDArray[np.intp],
    *,
    n_way: int,
    n_shot: int,
    n_queries: int,
    n_episodes: int,
    groups: NDArray[np.intp] | None = None,
    random_state: Any = None,
) -> Iterator[Episode]:
    """Draw small tasks of any way and shot.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Class of each sample.
    n_way : int
        Classes of a task.
    n_shot : int
        Samples per class to learn from.
    n_queries : int
        Samples per class to answer.
    n_episodes : int
        Tasks.
    groups : ndarray of int, shape (n,), optional
        Draw all classes of a task from one group, as from one alphabet: harder, as they are alike.
    random_state : int, RandomState instance or None, default=None

    Yields
    ------
    Episode

    Raises
    ------
    InputError
        If too few classes have samples enough.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.fewshot import episodes
    >>> labels = np.repeat(np.arange(10), 6)
    >>> episode = next(episodes(labels, n_way=3, n_shot=1, n_queries=2, n_episodes=1, random_state=0))
    >>> np.unique(labels[episode.support]).size, len(episode.query)
    (3, 6)
    """
    rng = np.random.default_rng(seed_from(random_state))
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    members = [m for m in members if len(m) >= n_shot + n_queries]
    pools = [members]
    if groups is not None:
        of = np.array([groups[m[0]] for m in members])
        pools = [[members[i] for i in np.flatnonzero(of == g)] for g in np.unique(of)]
    pools = [pool for pool in pools if len(pool) >= n_way]
    if not pools:
        raise InputError(
            f"n_way={n_way}: too few classes{' of one group' if groups is not None else ''} have n_shot + n_queries = "
            f"{n_shot + n_queries} samples; ask for fewer."
        )
    sizes = np.array([len(pool) for pool in pools], dtype=float)
    for _ in range(n_episodes):
        pool = pools[rng.choice(len(pools), p=sizes / sizes.sum())]
        drawn = [
            rng.choice(pool[i], n_shot + n_queries, replace=False) for i in rng.choice(len(pool), n_way, replace=False)
        ]
        yield Episode(np.concatenate([d[:n_shot] for d in drawn]), np.concatenate([d[n_shot:] for d in drawn]))
