"""The pairs of the audit: names, what each is made of, and the tools that cut them to size."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from landbridge.data import Encoder

__all__ = ["MAX_FEATURES", "N_SAMPLES", "Pair", "Sides", "all_pairs", "encoded", "limited", "reduced", "split"]

# Samples per side and features per pair, so that one run takes seconds.
N_SAMPLES, MAX_FEATURES = 300, 100


class Sides(NamedTuple):
    """Source and target of one draw, both with all labels.

    Parameters
    ----------
    Xs, ys : array or sparse matrix, ndarray
        Source.
    Xt, yt : array or sparse matrix, ndarray
        Target; its labels score, and are learned from only where a regime says so.
    """

    Xs: Any
    ys: NDArray[Any]
    Xt: Any
    yt: NDArray[Any]


@dataclass(frozen=True)
class Pair:
    """A pair of domains.

    Parameters
    ----------
    name : str
    kind : {"real", "made"}
        Whether the shift is that of the data, or was made.
    data : str
        The data that it is from, for grouping.
    make : callable
        From a generator of random numbers to `Sides`.
    set_on : bool, default=False
        Whether a constant or a rule of the guard was chosen with this pair in sight (see docs/guard.md).
    """

    name: str
    kind: str
    data: str
    make: Callable[[np.random.Generator], Sides]
    set_on: bool = False

    def sides(self, seed: int) -> Sides:
        """Draw the two sides; every pair has its own random numbers.

        Parameters
        ----------
        seed : int

        Returns
        -------
        Sides
            At most `N_SAMPLES` samples per side.
        """
        return self.make(np.random.default_rng([seed, zlib.crc32(self.name.encode())]))


@lru_cache(maxsize=1)
def all_pairs() -> dict[str, Pair]:
    """Every pair whose data is there, by name.

    Returns
    -------
    dict of str to Pair

    Raises
    ------
    ValueError
        If two pairs have the same name.
    """
    from benchmarks.guard_audit.fresh import fresh_pairs
    from benchmarks.guard_audit.made import made_pairs
    from benchmarks.guard_audit.real import real_pairs

    found: dict[str, Pair] = {}
    for pair in (*real_pairs(), *made_pairs(), *fresh_pairs()):
        if pair.name in found:
            raise ValueError(f"two pairs are called {pair.name!r}")
        found[pair.name] = pair
    return found


def limited(X: Any, y: Any, rng: np.random.Generator, n: int = N_SAMPLES) -> tuple[Any, NDArray[Any]]:
    """Draw at most n samples without replacement; classes keep their shares up to chance.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    rng : numpy.random.Generator
    n : int

    Returns
    -------
    X, y
        In the order in which they stood.
    """
    y = np.asarray(y)
    rows = np.sort(rng.permutation(len(y))[:n])
    return X[rows], y[rows]


def split(
    Xs: Any, ys: Any, Xt: Any, yt: Any, rng: np.random.Generator, *, n: int = N_SAMPLES, features: int | None = None
) -> Sides:
    """Cut both sides to size, and reduce the features of both together where asked.

    Parameters
    ----------
    Xs, ys, Xt, yt
        Source and target.
    rng : numpy.random.Generator
    n : int
        Samples per side.
    features : int or None, default=None
        Leading components of both sides together that are kept.

    Returns
    -------
    Sides
    """
    (Xs, ys), (Xt, yt) = limited(Xs, ys, rng, n), limited(Xt, yt, rng, n)
    if features is not None and Xs.shape[1] > features:
        Xs, Xt = reduced(Xs, Xt, features)
    return Sides(Xs, ys, Xt, yt)


def reduced(Xs: Any, Xt: Any, n_components: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of the leading singular vectors of both sides together; no label is used.

    Parameters
    ----------
    Xs, Xt : array or sparse matrix
    n_components : int

    Returns
    -------
    Xs, Xt : ndarray
    """
    stacked = sparse.vstack([Xs, Xt]).tocsr() if sparse.issparse(Xs) else np.vstack([Xs, Xt]).astype(float)
    k = min(n_components, min(stacked.shape) - 1)
    Z = TruncatedSVD(k, random_state=0).fit_transform(stacked)
    return Z[: Xs.shape[0]], Z[Xs.shape[0] :]


def encoded(
    source: pd.DataFrame, target: pd.DataFrame, label: str, rng: np.random.Generator, *, drop: Any = ()
) -> Sides:
    """Two tables as numbers, by the encoder that ``transfer`` uses, after they were cut to size.

    Parameters
    ----------
    source, target : DataFrame
    label : str
        Column that is predicted.
    rng : numpy.random.Generator
    drop : sequence of str
        Columns that are no features, such as the one by which the sides were split.

    Returns
    -------
    Sides
    """
    source = source.iloc[np.sort(rng.permutation(len(source))[:N_SAMPLES])]
    target = target.iloc[np.sort(rng.permutation(len(target))[:N_SAMPLES])]
    ys, yt = source[label].to_numpy(), target[label].to_numpy()
    A, B = (t.drop(columns=[label, *drop]).reset_index(drop=True) for t in (source, target))
    encoder = Encoder().fit(A, B)
    return Sides(np.asarray(encoder.transform(A), float), ys, np.asarray(encoder.transform(B), float), yt)
