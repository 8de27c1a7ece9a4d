"""Groups of samples that belong together: codes, folds, resamples and permutations of whole groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

__all__ = [
    "common_codes",
    "fold_of_groups",
    "permute_groups",
    "resample_counts",
    "resample_groups",
    "shuffle_groups",
]


def common_codes(groups: Sequence[Any], sizes: Sequence[int]) -> list[NDArray[np.intp]] | None:
    """Number the groups of several sets of samples; equal names are one group across all sets.

    Parameters
    ----------
    groups : sequence of array-like of shape (n_samples,), or None
        One entry per set; where it is None, each sample of the set is a group.
    sizes : sequence of int
        Number of samples of each set.

    Returns
    -------
    list of ndarray of int, or None
        None where no set has groups.

    Examples
    --------
    >>> from landbridge.numerics.grouping import common_codes
    >>> [c.tolist() for c in common_codes([["a", "a", "b"], ["b", "c"]], [3, 2])]
    [[0, 0, 1], [1, 2]]
    >>> [c.tolist() for c in common_codes([None, ["b", "b"]], [2, 2])]
    [[1, 2], [0, 0]]
    """
    if all(g is None for g in groups):
        return None
    number: dict[str, int] = {}
    out: list[NDArray[np.intp]] = []
    for given in groups:
        names = [] if given is None else [str(v) for v in np.asarray(given).tolist()]
        out.append(np.array([number.setdefault(v, len(number)) for v in names], dtype=np.intp))
    following = len(number)
    for i, (given, size) in enumerate(zip(groups, sizes, strict=True)):
        if given is None:
            out[i] = np.arange(following, following + size)
            following += size
    return out


def fold_of_groups(
    groups: ArrayLike, n_splits: int, rng: np.random.RandomState, strata: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Assign samples to folds at random, whole groups to one fold each.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
    n_splits : int
        Number of folds; fewer where there are fewer groups.
    rng : RandomState
        Draws the folds.
    strata : array-like of shape (n_samples,), optional
        Classes whose shares are kept as far as whole groups allow, where that leaves no fold empty. If None, folds are
        of about equal size.

    Returns
    -------
    ndarray of int, shape (n_samples,)
        Zeros where there is a single group.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.grouping import fold_of_groups
    >>> folds = fold_of_groups([0, 0, 1, 1, 2, 2], 3, np.random.RandomState(0))
    >>> bool(folds[0] == folds[1] != folds[2]), sorted(set(folds.tolist()))
    (True, [0, 1, 2])
    """
    groups = np.asarray(groups)
    n_splits = min(n_splits, len(np.unique(groups)))
    folds = np.zeros(len(groups), dtype=np.intp)
    if n_splits < 2:
        return folds
    seed = int(rng.randint(2**31 - 1))
    found: list[Any] = []
    if strata is not None:
        smallest = int(np.unique(np.asarray(strata), return_counts=True)[1].min())
        if smallest >= 2:
            cutter = StratifiedGroupKFold(min(n_splits, smallest), shuffle=True, random_state=seed)
            found = list(cutter.split(groups, np.asarray(strata), groups))
    if not found or any(len(train) == 0 or len(test) == 0 for train, test in found):
        found = list(GroupKFold(n_splits, shuffle=True, random_state=seed).split(groups, groups=groups))
    for k, (_, test) in enumerate(found):
        folds[test] = k
    return folds


def resample_groups(groups: ArrayLike, n_draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw bootstrap resamples of whole groups, as sample indices; rows are filled up with -1.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
    n_draws : int
    rng : Generator

    Returns
    -------
    ndarray of int, shape (n_draws, most samples of a resample)
        As many groups in each resample as there are, each with all its samples.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.grouping import resample_groups
    >>> drawn = resample_groups(["a", "a", "b", "b"], 100, np.random.default_rng(0))
    >>> {tuple(row) for row in drawn.tolist()} <= {(0, 1, 0, 1), (0, 1, 2, 3), (2, 3, 0, 1), (2, 3, 2, 3)}
    True
    """
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    members = [np.flatnonzero(codes == g) for g in range(int(codes.max()) + 1)]
    draws = [
        np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))]) for _ in range(n_draws)
    ]
    out = np.full((n_draws, max(len(d) for d in draws)), -1, dtype=np.intp)
    for row, drawn in zip(out, draws, strict=True):
        row[: len(drawn)] = drawn
    return out


def resample_counts(
    n: int, n_draws: int, rng: np.random.RandomState, groups: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Draw how often each sample is in each bootstrap resample; samples of a group are drawn together.

    Parameters
    ----------
    n : int
        Number of samples.
    n_draws : int
    rng : RandomState
    groups : ndarray of shape (n_samples,), optional
        If None, each sample is a group.

    Returns
    -------
    ndarray of shape (n_draws, n_samples)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.grouping import resample_counts
    >>> counts = resample_counts(4, 10, np.random.RandomState(0), np.array([0, 0, 1, 1]))
    >>> bool((counts[:, 0] == counts[:, 1]).all()), bool((counts.sum(axis=1) == 4).all())
    (True, True)
    """
    if groups is None:
        return rng.multinomial(n, np.full(n, 1.0 / n), size=n_draws).astype(float)
    codes = np.unique(groups, return_inverse=True)[1]
    k = int(codes.max()) + 1
    return rng.multinomial(k, np.full(k, 1.0 / k), size=n_draws)[:, codes].astype(float)


def shuffle_groups(
    member: NDArray[np.float64], groups: NDArray[Any] | None, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Permute which domain samples belong to: all samples that a group has in a domain move together.

    Parameters
    ----------
    member : ndarray of shape (n_samples,)
        1 for samples of the one domain, 0 for those of the other.
    groups : ndarray of shape (n_samples,) or None
        If None, each sample is a group.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n_samples,)
        As many groups in each domain as before; as many samples only where groups are of one size.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.grouping import shuffle_groups
    >>> moved = shuffle_groups(np.array([1.0, 1, 0, 0]), np.array([0, 0, 1, 1]), np.random.RandomState(0))
    >>> bool(moved[0] == moved[1] != moved[2] == moved[3])
    True
    """
    if groups is None:
        return rng.permutation(member)
    blocks = np.unique(np.stack([np.unique(groups, return_inverse=True)[1], member]), axis=1, return_inverse=True)
    of_block = blocks[0][1]
    return np.asarray(rng.permutation(of_block)[blocks[1].reshape(-1)])


def permute_groups(labels: NDArray[Any], groups: NDArray[Any] | None, rng: np.random.RandomState) -> NDArray[Any]:
    """Permute labels by whole groups: each group gets the labels of another one.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None
        If None, each sample is a group.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n_samples,)
        Where groups differ in size, the labels of a group are repeated or cut.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics.grouping import permute_groups
    >>> labels = permute_groups(np.array([0, 0, 1, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2]), np.random.RandomState(1))
    >>> bool((labels[::2] == labels[1::2]).all())
    True
    """
    if groups is None:
        return labels[rng.permutation(len(labels))]
    codes = np.unique(groups, return_inverse=True)[1]
    members = [np.flatnonzero(codes == g) for g in range(int(codes.max()) + 1)]
    out = labels.copy()
    for rows, other in zip(members, rng.permutation(len(members)), strict=True):
        out[rows] = np.resize(labels[members[other]], len(rows))
    return out
