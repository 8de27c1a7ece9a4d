"""Task affinity: scores of tasks learned alone and in pairs, on held-out samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from sklearn.base import clone

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import _safe_indexing
from landbridge.exceptions import InputError
from landbridge.neural._fitting import draw_seed
from landbridge.neural.multitask._multi_task import MultiTask

__all__ = ["TaskAffinity", "task_affinity"]


@dataclass(frozen=True)
class TaskAffinity:
    """Task affinity: gain of each task from being learned in a pair.

    Parameters
    ----------
    names : tuple of str
        The tasks.
    alone : ndarray of shape (n_tasks,)
        Held-out score of each task learned alone, averaged over seeds.
    gain : ndarray of shape (n_tasks, n_tasks)
        ``gain[i, j]``: held-out score of task i learned together with j, minus that alone; NaN on the diagonal.
    error : ndarray of shape (n_tasks, n_tasks)
        Standard errors of the gains over seeds.
    cosine : ndarray of shape (n_tasks, n_tasks)
        Mean cosine between the two tasks' gradients on the shared parameters, over training and seeds.
    n_seeds : int
    confidence : float, default=0.95
        Of the intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.multitask import TaskAffinity
    >>> gain, error = np.array([[np.nan, 0.2], [-0.1, np.nan]]), np.full((2, 2), 0.02)
    >>> found = TaskAffinity(("few", "many"), np.array([0.6, 0.9]), gain, error, np.eye(2), n_seeds=3)
    >>> found.helpful(), found.harmful()
    ([('few', 'many')], [('many', 'few')])
    """

    names: tuple[str, ...]
    alone: NDArray[np.float64]
    gain: NDArray[np.float64]
    error: NDArray[np.float64]
    cosine: NDArray[np.float64]
    n_seeds: int
    confidence: float = 0.95

    @property
    def low(self) -> NDArray[np.float64]:
        """Lower ends of the gains' intervals."""
        return self.gain - self._reach() * self.error

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper ends of the gains' intervals."""
        return self.gain + self._reach() * self.error

    def harmful(self) -> list[tuple[str, str]]:
        """List the pairs with negative transfer between tasks: those whose whole interval lies below zero.

        Returns
        -------
        list of (str, str)
            The task that loses and the one it was learned with, the greatest loss first.
        """
        return self._pairs(self.high < 0, self.gain)

    def helpful(self) -> list[tuple[str, str]]:
        """List the pairs whose whole interval lies above zero.

        Returns
        -------
        list of (str, str)
            The task that gains and the one it was learned with, the greatest gain first.
        """
        return self._pairs(self.low > 0, -self.gain)

    def __str__(self) -> str:
        width = max(10, *(len(n) + 2 for n in self.names))
        head = f"{'task':{width}s}{'with':{width}s}{'alone':>8s}{'gain':>9s}  {f'{self.confidence:.0%} interval':18s}"
        lines = [f"{head}{'cosine':>7s}"]
        for i, j in self._order():
            ends = f"[{self.low[i, j]:+.3f}, {self.high[i, j]:+.3f}]"
            verdict = "  helps" if self.low[i, j] > 0 else "  hurts" if self.high[i, j] < 0 else ""
            lines.append(
                f"{self.names[i]:{width}s}{self.names[j]:{width}s}{self.alone[i]:8.3f}{self.gain[i, j]:+9.3f}  "
                f"{ends:18s}{self.cosine[i, j]:+7.2f}{verdict}"
            )
        bad = ", ".join(f"{a} with {b}" for a, b in self.harmful())
        lines.append(f"negative transfer between tasks: {bad or 'none found'} ({self.n_seeds} seeds)")
        return "\n".join(lines)

    def _reach(self) -> float:
        return float(stdtrit(self.n_seeds - 1, 0.5 + self.confidence / 2))

    def _order(self) -> list[tuple[int, int]]:
        n = len(self.names)
        return [(i, j) for i in range(n) for j in range(n) if i != j]

    def _pairs(self, chosen: NDArray[np.bool_], key: NDArray[np.float64]) -> list[tuple[str, str]]:
        found = sorted(((i, j) for i, j in self._order() if chosen[i, j]), key=lambda p: float(key[p]))
        return [(self.names[i], self.names[j]) for i, j in found]


def task_affinity(
    tasks: Mapping[str, tuple[Any, Any]],
    model: MultiTask | None = None,
    *,
    n_seeds: int = 3,
    validation_fraction: float | Mapping[str, float] = 0.25,
    confidence: float = 0.95,
    random_state: Any = None,
) -> TaskAffinity:
    """Train every task alone and in every pair, and compare the held-out scores.

    Parameters
    ----------
    tasks : mapping of str to (X, y)
        As for :meth:`MultiTask.fit`; two tasks at least.
    model : MultiTask, optional
        How to train; it is not changed. If None, ``MultiTask()``.
    n_seeds : int, default=3
        Repetitions, each with another split and other weights; two at least.
    validation_fraction : float or mapping of str to float, default=0.25
        Share of each task's samples that is scored and not learned from, or shares by task; where few samples are to be
        learned from and many are at hand to score on, name that task a large share. Tasks with the same object for
        `X` hold out the same samples, by the share of the first of them.
    confidence : float, default=0.95
        Of the intervals, from Student's t.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    TaskAffinity
        ``print()`` it, or ask for ``harmful()``.

    Raises
    ------
    InputError
        If there are fewer than two tasks, or a task has too few samples to hold some out.

    Notes
    -----
    All runs take the same number of steps, that of the largest task, and a task sees the same samples in the same order
    alone and in company: what differs is the company.

    For k tasks ``n_seeds * k * (k + 1) / 2`` runs. The gradients' cosine [1]_ costs nothing more and may hint at which
    pairs are worth a run; it is the scores that decide.

    References
    ----------
    .. [1] C. Fifty, E. Amid, Z. Zhao, T. Yu, R. Anil, C. Finn. Efficiently identifying task groupings for multi-task
       learning. NeurIPS 2021.
    .. [2] T. Standley, A. Zamir, D. Chen, L. Guibas, J. Malik, S. Savarese. Which tasks should be learned together in
       multi-task learning? ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.multitask import MultiTask, task_affinity
    >>> X = np.random.default_rng(0).normal(size=(80, 5))
    >>> tasks = {"sum": (X, X.sum(axis=1)), "sign": (X, (X.sum(axis=1) > 0).astype(int))}
    >>> found = task_affinity(tasks, MultiTask(epochs=5, device="cpu", random_state=0), n_seeds=2, random_state=0)
    >>> found.gain.shape
    (2, 2)
    """
    if not isinstance(tasks, Mapping) or len(tasks) < 2:
        raise InputError("tasks must be a dict of name: (X, y) with two tasks at least.")
    if n_seeds < 2:
        raise InputError(f"n_seeds={n_seeds} leaves nothing to tell the spread from; take two at least.")
    shares = _shares(tasks, validation_fraction)
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1; got {confidence}.")
    model = MultiTask() if model is None else model
    clone(model)._take_in(tasks)  # finds fault before anything is trained
    names = tuple(tasks)
    n = len(names)
    alone = np.empty((n_seeds, n))
    pair = np.full((n_seeds, n, n), np.nan)
    cosine = np.ones((n_seeds, n, n))
    rng = check_random_state(random_state)
    for s in range(n_seeds):
        seed = draw_seed(rng)
        learned, scored = _split(tasks, shares, np.random.RandomState(seed))
        sizes = [len(learned[name][1]) for name in names]
        steps = max(math.ceil(size / min(size, model.batch_size)) for size in sizes)
        for i, name in enumerate(names):
            alone[s, i] = _run(model, learned, (name,), steps, seed).score(name, *scored[name])
        for i, j in combinations(range(n), 2):
            fitted = _run(model, learned, (names[i], names[j]), steps, seed)
            pair[s, i, j] = fitted.score(names[i], *scored[names[i]])
            pair[s, j, i] = fitted.score(names[j], *scored[names[j]])
            cosine[s, i, j] = cosine[s, j, i] = fitted.cosines_[0, 1]
    gains = pair - alone[:, :, None]
    return TaskAffinity(
        names,
        alone.mean(axis=0),
        gains.mean(axis=0),
        gains.std(axis=0, ddof=1) / math.sqrt(n_seeds),
        cosine.mean(axis=0),
        n_seeds,
        confidence,
    )


def _run(model: MultiTask, data: dict[str, Any], names: tuple[str, ...], steps: int, seed: int) -> MultiTask:
    kinds = None if model.tasks is None else {k: v for k, v in model.tasks.items() if k in names}
    fresh = clone(model).set_params(tasks=kinds, random_state=seed)
    fresh._validate_params()
    return fresh._fit({name: data[name] for name in names}, steps)


def _shares(tasks: Mapping[str, Any], validation_fraction: float | Mapping[str, float]) -> dict[str, float]:
    given = (
        validation_fraction if isinstance(validation_fraction, Mapping) else dict.fromkeys(tasks, validation_fraction)
    )
    for name, share in given.items():
        if name not in tasks:
            raise InputError(
                f"validation_fraction names {name!r}, which is no task; choose from {', '.join(map(str, tasks))}."
            )
        if not 0 < share < 1:
            raise InputError(f"validation_fraction must lie between 0 and 1; got {share} for {name!r}.")
    return {name: float(given.get(name, 0.25)) for name in tasks}


def _split(
    tasks: Mapping[str, tuple[Any, Any]], shares: dict[str, float], rng: np.random.RandomState
) -> tuple[dict[str, tuple[Any, Any]], dict[str, tuple[Any, Any]]]:
    """Cut every task in two, evenly over its labels; tasks with the same `X` are cut alike and keep sharing it."""
    cuts: dict[int, tuple[Any, Any, Any, Any]] = {}
    learned, scored = {}, {}
    for name, (X, y) in tasks.items():
        labels = np.asarray(y)
        if id(X) not in cuts:
            order = rng.permutation(len(labels))
            if labels.ndim == 1:
                order = order[np.argsort(labels[order], kind="stable")]
            places = np.arange(len(order)) * shares[name] + rng.rand()
            out = np.floor(places + shares[name]) > np.floor(places)
            if len(out) < 2:
                raise InputError(f"tasks[{name!r}] has one sample only; give two at least, to learn from and to score.")
            if out.all() or not out.any():
                out[rng.randint(len(out))] ^= True
            inside, outside = np.sort(order[~out]), np.sort(order[out])
            cuts[id(X)] = (inside, outside, _safe_indexing(X, inside), _safe_indexing(X, outside))
        inside, outside, X_in, X_out = cuts[id(X)]
        learned[name], scored[name] = (X_in, labels[inside]), (X_out, labels[outside])
    return learned, scored
