"""Forward transfer: gain of later tasks from earlier ones, on held-out samples, over seeds."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from sklearn.base import clone

from landbridge._random_state import check_random_state
from landbridge.exceptions import InputError
from landbridge.neural._fitting import draw_seed
from landbridge.neural.progressive._progressive import ProgressiveClassifier

__all__ = ["ForwardTransfer", "forward_transfer"]


@dataclass(frozen=True)
class ForwardTransfer:
    """Forward transfer: scores of tasks in a progressive network and alone.

    Parameters
    ----------
    names : tuple of str
        The tasks, in the order of growth.
    progressive : ndarray of shape (n_seeds, n_tasks)
        Held-out accuracy in the progressive column.
    alone : ndarray of shape (n_seeds, n_tasks)
        Of a single network with the same start, samples and epochs.
    untrained : ndarray of shape (n_seeds, n_tasks) or None
        Of a column over earlier columns that learned nothing: what the further weights do by themselves.
    confidence : float, default=0.95
        Of the intervals, which hold for the mean over seeds by Student's t.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.progressive import ForwardTransfer
    >>> found = ForwardTransfer(
    ...     ("old", "new"), np.array([[0.9, 0.8], [0.8, 0.82]]), np.array([[0.9, 0.7], [0.8, 0.7]])
    ... )
    >>> np.round(found.gain, 3).tolist()
    [0.0, 0.11]
    """

    names: tuple[str, ...]
    progressive: NDArray[np.float64]
    alone: NDArray[np.float64]
    untrained: NDArray[np.float64] | None = None
    confidence: float = 0.95

    @property
    def gain(self) -> NDArray[np.float64]:
        """Forward transfer of each task: mean over seeds of the progressive score minus that alone."""
        return (self.progressive - self.alone).mean(axis=0)

    @property
    def low(self) -> NDArray[np.float64]:
        """Lower ends of the gains' intervals."""
        return self.gain - self._reach(self.progressive - self.alone)

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper ends of the gains' intervals."""
        return self.gain + self._reach(self.progressive - self.alone)

    @property
    def mean_gain(self) -> tuple[float, float, float]:
        """Mean forward transfer of all tasks but the first, and the ends of its interval."""
        return self._mean(self.alone)

    @property
    def mean_gain_over_untrained(self) -> tuple[float, float, float]:
        """The same against columns over untrained ones: what earlier tasks' learning itself is worth."""
        if self.untrained is None:
            raise InputError("untrained was not measured; call forward_transfer with control=True.")
        return self._mean(self.untrained)

    def __str__(self) -> str:
        width = max(8, *(len(n) + 2 for n in self.names))
        lines = [f"{'task':{width}s}{'alone':>8s}{'grown':>8s}{'gain':>9s}  {self.confidence:.0%} interval"]
        rows = zip(self.names, self.alone.mean(0), self.progressive.mean(0), strict=True)
        for k, (name, alone, grown) in enumerate(rows):
            ends = f"[{self.low[k]:+.3f}, {self.high[k]:+.3f}]" if k else "the first: nothing to gain from"
            lines.append(f"{name:{width}s}{alone:8.3f}{grown:8.3f}{self.gain[k]:+9.3f}  {ends}")
        gain, low, high = self.mean_gain
        lines.append(f"mean forward transfer {gain:+.3f} [{low:+.3f}, {high:+.3f}], {len(self.alone)} seeds")
        if self.untrained is not None:
            gain, low, high = self.mean_gain_over_untrained
            lines.append(f"against columns over untrained ones {gain:+.3f} [{low:+.3f}, {high:+.3f}]")
        return "\n".join(lines)

    def _mean(self, other: NDArray[np.float64]) -> tuple[float, float, float]:
        each = (self.progressive - other)[:, 1:].mean(axis=1)
        reach = float(self._reach(each[:, None])[0])
        return float(each.mean()), float(each.mean()) - reach, float(each.mean()) + reach

    def _reach(self, differences: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(differences)
        return stdtrit(n - 1, 0.5 + self.confidence / 2) * differences.std(axis=0, ddof=1) / np.sqrt(n)


def forward_transfer(
    tasks: Mapping[str, tuple[Any, Any, Any, Any]],
    model: ProgressiveClassifier | None = None,
    *,
    n_seeds: int = 3,
    control: bool = False,
    random_state: Any = None,
) -> ForwardTransfer:
    """Measure what each task gains from the tasks before it.

    Parameters
    ----------
    tasks : mapping of str to (X_train, y_train, X_test, y_test)
        In the order in which they are learned.
    model : ProgressiveClassifier, optional
        Gives the settings; it is cloned.
    n_seeds : int, default=3
        Repetitions, two or more.
    control : bool, default=False
        Also measure a column whose earlier columns learned nothing. What such a column gains over a single network
        comes from more weights and random features; what it lacks is transfer.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    ForwardTransfer

    Raises
    ------
    InputError
        If there are fewer than two tasks or seeds.

    Notes
    -----
    The single network begins with the column's weights and sees its batches, so that the difference is that of the
    lateral connections. Time is that of twice as many trainings as there are tasks, for each seed.

    References
    ----------
    .. [1] A. Rusu et al. Progressive neural networks. arXiv:1606.04671, 2016.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.progressive import ProgressiveClassifier, forward_transfer
    >>> digits = load_builtin("handwritten")
    >>> train, test = digits.take(range(100)), digits.take(range(1000, 1200))
    >>> tasks = {
    ...     "digit": (train.X, train.y, test.X, test.y),
    ...     "even": (train.X, train.y % 2, test.X, test.y % 2),
    ... }
    >>> model = ProgressiveClassifier(epochs=3, device="cpu")
    >>> found = forward_transfer(tasks, model, n_seeds=2, random_state=0)
    >>> found.gain.shape, float(found.gain[0])
    ((2,), 0.0)
    """
    if not isinstance(tasks, Mapping) or len(tasks) < 2:
        raise InputError("tasks must be a dict of name: (X_train, y_train, X_test, y_test) with two tasks at least.")
    for name, parts in tasks.items():
        if not isinstance(parts, (tuple, list)) or len(parts) != 4:
            raise InputError(f"tasks[{name!r}] must be (X_train, y_train, X_test, y_test).")
    if n_seeds < 2:
        raise InputError(f"n_seeds={n_seeds} gives no interval; take two or more.")
    model = ProgressiveClassifier() if model is None else model
    rng = check_random_state(random_state)
    runs = [one_series(tasks, model, draw_seed(rng), control=control) for _ in range(n_seeds)]
    grown, alone, untrained = np.array(runs).transpose(1, 0, 2)
    return ForwardTransfer(tuple(tasks), grown, alone, untrained if control else None)


def one_series(
    tasks: Mapping[str, tuple[Any, Any, Any, Any]], model: ProgressiveClassifier, seed: int, *, control: bool = False
) -> NDArray[np.float64]:
    """Compute the accuracies of one seed.

    Parameters
    ----------
    tasks : mapping of str to (X_train, y_train, X_test, y_test)
    model : ProgressiveClassifier
    seed : int
    control : bool, default=False

    Returns
    -------
    ndarray of shape (3, n_tasks)
        Grown, alone, and over untrained columns (NaN without `control`).
    """
    fresh = clone(model).set_params(random_state=seed)
    series, blank = clone(fresh), clone(fresh)
    scores = np.full((3, len(tasks)), np.nan)
    for k, (name, (X, y, X_test, y_test)) in enumerate(tasks.items()):
        scores[0, k] = series.grow(name, X, y).score(name, X_test, y_test)
        if k == 0:
            scores[1:, 0] = scores[0, 0]
        else:
            scores[1, k] = clone(fresh).grow(name, X, y).score(name, X_test, y_test)
        if control:
            if k:
                # A copy learns the task; the series goes on with a column that did not.
                scores[2, k] = copy.deepcopy(blank).grow(name, X, y).score(name, X_test, y_test)
            blank._grow(name, X, y, trained=False)
    return scores
