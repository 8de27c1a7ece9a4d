"""Sides whose labels are more than one class or value: read by their task, with labels to learn from and to hide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from landbridge._checks import shown
from landbridge.exceptions import InputError, LabelError
from landbridge.guard import LabelledSplits
from landbridge.tasks import get_task

__all__ = [
    "StructuredReader",
    "StructuredSide",
    "listed",
    "read_structured",
    "split_structured_labels",
    "stated_options",
    "structured_splits",
]

# Fits of networks are costly: so many splits, of so many labelled samples at least.
N_SPLITS, LEAST_LABELLED, LEAST_TELLING = 5, 10, 5


@dataclass(frozen=True)
class StructuredSide:
    """Samples of a structured task, some or all of them labelled.

    Parameters
    ----------
    name : str
    X : ndarray of object, shape (n_samples,)
        One sample each, such as a list of words.
    y : ndarray of object, shape (n_samples,), or None
        One label each, None where a sample is not labelled.
    held : object, optional
        What else the file or folder states, as the task's ``read_file`` returned it.
    groups, source_domain : None
        Samples are independent, and of one source.
    """

    name: str
    X: NDArray[Any]
    y: NDArray[Any] | None
    held: Any = None
    groups: None = None
    source_domain: None = None

    def __len__(self) -> int:
        return len(self.X)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Mask of the labelled samples."""
        return np.zeros(len(self), dtype=bool) if self.y is None else np.array([v is not None for v in self.y])

    def frame(self) -> NDArray[Any]:
        """Return the samples as estimators take them.

        Returns
        -------
        ndarray
        """
        return self.X

    def take(self, rows: Any) -> StructuredSide:
        """Select samples.

        Parameters
        ----------
        rows : ndarray of int

        Returns
        -------
        StructuredSide
        """
        return replace(self, X=self.X[rows], y=None if self.y is None else self.y[rows])

    def labelled_part(self) -> StructuredSide:
        """Return the labelled samples only.

        Returns
        -------
        StructuredSide
        """
        return self.take(np.flatnonzero(self.labelled))


class StructuredReader(BaseEstimator):
    """Reader of samples of a structured task; saved with a result.

    Parameters
    ----------
    task : str
    """

    # Samples are passed on as they are, not turned into a table.
    keeps_rows = True
    kind_ = "samples"

    def __init__(self, task: str) -> None:
        self.task = task

    def read(self, path: str | Path) -> tuple[NDArray[Any], list[str]]:
        """Read the samples of a file or folder.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        X : ndarray of object
        names : list of str
        """
        X, _, _ = self.held(path)
        return X, [str(i) for i in range(len(X))]

    def held(self, path: str | Path) -> tuple[NDArray[Any], NDArray[Any] | None, Any]:
        """Read samples and labels, and from what predictions are written in the form of the file.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        X, y : ndarray of object, or None
        held : object
        """
        kind = get_task(self.task).kind  # type: ignore[attr-defined]
        X, y, held = kind.read_file(path)
        X, y = kind.check(X, y)
        return listed(X), None if y is None else listed(y), held

    def transform(self, X: Any) -> NDArray[Any]:
        """Check samples.

        Parameters
        ----------
        X : sequence

        Returns
        -------
        ndarray of object
        """
        return listed(get_task(self.task).kind.check(X)[0])  # type: ignore[attr-defined]


def listed(values: Any) -> NDArray[Any]:
    """Return an array of one axis, whatever its entries are.

    Parameters
    ----------
    values : sequence

    Returns
    -------
    ndarray of object

    Examples
    --------
    >>> from landbridge.problem._structured import listed
    >>> listed([["a", "b"], ["c", "d"]]).shape
    (2,)
    """
    out = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def read_structured(side: Any, task: Any, name: str) -> StructuredSide:
    """Read a side.

    Parameters
    ----------
    side : path-like, (X, y) tuple or sequence of samples
    task : StructuredTask
    name : {"source", "target"}
        For messages.

    Returns
    -------
    StructuredSide

    Raises
    ------
    InputError
        If it holds no such samples.
    """
    if isinstance(side, str | Path):
        if str(side).startswith("builtin:"):
            raise InputError(f"{name} {str(side)!r} holds a table, not samples of {task.name}; name a file.")
        X, y, held = StructuredReader(task.name).held(side)
        return StructuredSide(Path(side).name, X, y, held)
    X, y = side if isinstance(side, tuple) and len(side) == 2 else (side, None)
    try:
        X, y = task.kind.check(X, y)
    except InputError as error:
        raise type(error)(f"{name}: {error}") from error
    return StructuredSide(name, listed(X), None if y is None else listed(y))


def split_structured_labels(
    target: StructuredSide, use: str | int, random_state: int | None
) -> tuple[StructuredSide, NDArray[Any] | None]:
    """Split the target's labels into those to learn from and those to hide.

    Parameters
    ----------
    target : StructuredSide
    use : {"use", "hide"} or int
        All, none, or this many samples.
    random_state : int or None
        Selects which.

    Returns
    -------
    target : StructuredSide
    hidden : ndarray of object or None
    """
    known = np.flatnonzero(target.labelled)
    if use == "use" or (len(known) == 0 and use == "hide"):
        return target, None
    if len(known) == 0:
        raise LabelError(f"target_labels={use} asks for labelled target samples, and the target has none; omit it.")
    assert target.y is not None
    kept: Any = [] if use == "hide" else np.random.default_rng(random_state).permutation(known)[: int(use)]
    shown, hidden = listed([None] * len(target)), listed(list(target.y))
    for i in kept:
        shown[i], hidden[i] = target.y[i], None
    return replace(target, y=shown), hidden if any(v is not None for v in hidden) else None


def stated_options(kind: Any, source: Any, target: Any) -> dict[str, Any]:
    """Return the options of the task that the files of the two sides state, such as the names of classes.

    Parameters
    ----------
    kind : type
        Class of the task of the network.
    source, target : StructuredSide

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the two state different ones.
    """
    ours, theirs = kind.options_of(source.held), kind.options_of(target.held)
    for name in ours:
        if name in theirs and ours[name] != theirs[name]:
            raise InputError(
                f"source {source.name!r} and target {target.name!r} state different {name}, {shown(ours[name])} and "
                f"{shown(theirs[name])}; store both in the same way."
            )
    return {**theirs, **ours}


def structured_splits(target: StructuredSide, task: Any, random_state: int | None) -> LabelledSplits | None:
    """Return splits of the labelled target samples, few enough for networks.

    Parameters
    ----------
    target : StructuredSide
    task : StructuredTask
        Says by what samples are spread evenly over the splits, and which labels teach nothing.
    random_state : int or None

    Returns
    -------
    LabelledSplits or None
        None where fewer than ten samples are labelled, or fewer than five of their labels hold anything.
    """
    known = np.flatnonzero(target.labelled)
    if len(known) == 0 or target.y is None:
        return None
    strata = [task.kind.stratum(v) for v in target.y[known]]
    if len(known) < LEAST_LABELLED or sum(map(bool, strata)) < LEAST_TELLING:
        return None
    codes = np.unique([repr(s) for s in strata], return_inverse=True)[1]
    rare = np.bincount(codes).min() < N_SPLITS
    splits = LabelledSplits(
        known, codes, regression=bool(rare), n_splits=N_SPLITS, n_repeats=1, random_state=random_state
    )
    # Scores are compared split by split; single samples are neither right nor wrong.
    splits.labels, splits.regression, splits.task = target.y[known], True, task
    return splits
