"""Pairs with a known shift, made on real tables: the kinds by which guards are broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import StandardScaler

from benchmarks.guard_audit.pairs import N_SAMPLES, Pair, Sides
from benchmarks.ledger.sets import file
from landbridge.data import shared_data

__all__ = ["SHIFTS", "base_tables", "made_pairs", "maker"]

# From the two sides, cut out of one table at random, and a generator to the sides with the shift.
Shift = Callable[[Sides, np.random.Generator], Sides]


@lru_cache(maxsize=1)
def base_tables() -> dict[str, tuple[NDArray[np.float64], NDArray[Any]]]:
    """Real tables on which the shifts are made.

    Returns
    -------
    dict of str to (X, y)
        Without those whose file is not there.
    """
    X, y = load_digits(return_X_y=True)
    found = {"tumours": load_breast_cancer(return_X_y=True), "grapes": load_wine(return_X_y=True), "digits": (X, y)}
    found["two digits"] = X[np.isin(y, (3, 8))], y[np.isin(y, (3, 8))]
    if shared_data("heart_cleveland.csv") is not None:
        heart = pd.read_csv(file("heart_cleveland.csv")).dropna()
        found["heart"] = heart.iloc[:, :-1].to_numpy(float), (heart["num"] > 0).to_numpy().astype(int)
    if shared_data("spambase.csv.gz") is not None:
        spam = pd.read_csv(file("spambase.csv.gz"))
        found["spam"] = np.log1p(spam.iloc[:, :-1].to_numpy(float)), spam.iloc[:, -1].to_numpy(int)
    return found


def made_pairs() -> Iterator[Pair]:
    """Go through the shifts and the tables that each is made on.

    Yields
    ------
    Pair
    """
    tables = base_tables()
    for name, (shift, on) in SHIFTS.items():
        for table in on.split(", "):
            if table in tables:
                made = maker(lambda t=table: tables[t], shift)
                yield Pair(f"{table}: {name}", "made", table, made, set_on=True)


def maker(read: Callable[[], Any], shift: Shift) -> Callable[[np.random.Generator], Sides]:
    """Cut a table in two at random, and shift one half.

    Parameters
    ----------
    read : callable
        Returns ``X`` and ``y``.
    shift : callable

    Returns
    -------
    callable
        From a generator of random numbers to `Sides`.
    """

    def make(rng: np.random.Generator) -> Sides:
        X, y = read()
        order = rng.permutation(len(y))
        source, target = order[: len(y) // 2], order[len(y) // 2 :]
        made = shift(Sides(X[source], y[source], X[target], y[target]), rng)
        a, b = rng.permutation(len(made.ys))[:N_SAMPLES], rng.permutation(len(made.yt))[:N_SAMPLES]
        return Sides(made.Xs[a], made.ys[a], made.Xt[b], made.yt[b])

    return make


def _with_shares(X: Any, y: Any, share: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """As many samples as there can be with this share of the last class; the others keep their proportions."""
    last = np.unique(y)[-1]
    of, rest = rng.permutation(np.flatnonzero(y == last)), rng.permutation(np.flatnonzero(y != last))
    n = int(min(len(of) / share, len(rest) / (1 - share)))
    rows = np.concatenate([of[: max(2, round(n * share))], rest[: max(2, round(n * (1 - share)))]])
    return X[rows], y[rows]


def _spread(X: Any) -> Any:
    return np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)


def shares(source: float, target: float) -> Shift:
    """Other class shares and nothing else."""

    def shift(s: Sides, rng: np.random.Generator) -> Sides:
        return Sides(*_with_shares(s.Xs, s.ys, source, rng), *_with_shares(s.Xt, s.yt, target, rng))

    return shift


def moved(shift_first: Shift | None, size: float, random_signs: bool = True) -> Shift:
    """All target samples moved by the same vector, after another shift."""

    def shift(s: Sides, rng: np.random.Generator) -> Sides:
        s = s if shift_first is None else shift_first(s, rng)
        signs = rng.choice([-1, 1], s.Xs.shape[1]) if random_signs else 1
        return s._replace(Xt=s.Xt + size * signs * _spread(s.Xs))

    return shift


def unit(s: Sides, rng: np.random.Generator) -> Sides:
    """One feature in another unit."""
    Xt = s.Xt.copy()
    Xt[:, int(rng.integers(Xt.shape[1]))] *= 38.67
    return s._replace(Xt=Xt)


def unit_and_offset(s: Sides, rng: np.random.Generator) -> Sides:
    """A third of the features in another unit with another zero."""
    Xt, chosen = s.Xt.copy(), rng.permutation(s.Xt.shape[1])[: max(1, s.Xt.shape[1] // 3)]
    Xt[:, chosen] = 1.8 * Xt[:, chosen] + 32.0
    return s._replace(Xt=Xt)


def unit_and_shares(s: Sides, rng: np.random.Generator) -> Sides:
    """Another unit, and other class shares."""
    return unit_and_offset(shares(0.5, 0.15)(s, rng), rng)


def permuted(s: Sides, rng: np.random.Generator) -> Sides:
    """Source labels in random order, and a moved target: there is nothing to learn."""
    return moved(None, 0.7)(s._replace(ys=rng.permutation(s.ys)), rng)


def noise(s: Sides, rng: np.random.Generator) -> Sides:
    """Features without information, moved in the target."""
    Xs, Xt = rng.normal(size=s.Xs.shape), rng.normal(size=s.Xt.shape) + 0.8
    return Sides(Xs, s.ys, Xt, s.yt)


def selected(s: Sides, rng: np.random.Generator) -> Sides:
    """Samples chosen by where they stand on the first component: covariate shift."""
    scaler = StandardScaler().fit(np.vstack([s.Xs, s.Xt]))
    A, B = scaler.transform(s.Xs), scaler.transform(s.Xt)
    direction = np.linalg.svd(np.vstack([A, B]), full_matrices=False)[2][0]
    z = np.concatenate([A @ direction, B @ direction])
    z = (z - z.mean()) / z.std()
    kept = rng.random(len(z)) < 1 / (1 + np.exp(2 * z * np.repeat([1, -1], [len(A), len(B)])))
    a, b = kept[: len(A)], kept[len(A) :]
    return Sides(s.Xs[a], s.ys[a], s.Xt[b], s.yt[b])


def rotated(s: Sides, rng: np.random.Generator) -> Sides:
    """Pairs of standardised features turned by 40 degrees."""
    centre, spread = s.Xs.mean(axis=0), _spread(s.Xs)
    Z = (s.Xt - centre) / spread
    order = rng.permutation(Z.shape[1])
    c, d = np.cos(np.deg2rad(40)), np.sin(np.deg2rad(40))
    for i, j in zip(order[::2], order[1::2], strict=False):
        Z[:, i], Z[:, j] = c * Z[:, i] - d * Z[:, j], d * Z[:, i] + c * Z[:, j]
    return s._replace(Xt=Z * spread + centre)


def drift(s: Sides, rng: np.random.Generator) -> Sides:
    """Every sensor's gain and zero have drifted by its own factor and offset."""
    gain = np.exp(rng.normal(0, 0.5, s.Xt.shape[1]))
    return s._replace(Xt=s.Xt * gain + rng.normal(0, 0.5, s.Xt.shape[1]) * _spread(s.Xs))


def five_each(s: Sides, rng: np.random.Generator) -> Sides:
    """Five noisy samples per person, and a moved target: samples are not independent."""
    spread, sides = _spread(s.Xs), []
    for X, y in ((s.Xs, s.ys), (s.Xt, s.yt)):
        people = rng.permutation(len(y))[: N_SAMPLES // 5]
        rows = np.repeat(people, 5)
        sides += [X[rows] + rng.normal(0, 0.15, (len(rows), X.shape[1])) * spread, y[rows]]
    return moved(None, 0.5)(Sides(*sides), rng)


def class_missing(s: Sides, rng: np.random.Generator) -> Sides:
    """The source lacks the last of three or more classes."""
    kept = s.ys != np.unique(s.ys)[-1]
    return moved(None, 0.3)(Sides(s.Xs[kept], s.ys[kept], s.Xt, s.yt), rng)


def class_missing_in_target(s: Sides, rng: np.random.Generator) -> Sides:
    """The target lacks one class, and has moved."""
    kept = s.yt != np.unique(s.yt)[0]
    return moved(None, 0.5)(Sides(s.Xs, s.ys, s.Xt[kept], s.yt[kept]), rng)


def identical(s: Sides, rng: np.random.Generator) -> Sides:
    """No shift."""
    return s


def tiny(n: int, size: float) -> Shift:
    """A target of a few samples, moved."""

    def shift(s: Sides, rng: np.random.Generator) -> Sides:
        s = moved(None, size)(s, rng)
        rows = rng.permutation(len(s.yt))[:n]
        return s._replace(Xt=s.Xt[rows], yt=s.yt[rows])

    return shift


def swapped(s: Sides, rng: np.random.Generator) -> Sides:
    """Classes exchanged where the strongest feature is large: concept shift that the features hardly show."""
    Xt, yt = s.Xt.copy(), s.yt.copy()
    means = np.array([s.Xs[s.ys == c].mean(axis=0) for c in np.unique(s.ys)])
    j = int(np.argmax(np.ptp(means, axis=0) / _spread(s.Xs)))
    Xt[:, j] = s.Xs[:, j].min() + s.Xs[:, j].max() - Xt[:, j]
    return s._replace(Xt=Xt, yt=yt)


# Name of the shift to what makes it and the tables that it is made on.
SHIFTS: dict[str, tuple[Shift, str]] = {
    "moved, shares 50 > 98": (moved(shares(0.5, 0.98), 1.0), "tumours, heart"),
    "moved, shares 50 > 4": (moved(shares(0.5, 0.04), 1.0), "tumours, spam"),
    "moved, shares 70 > 25": (moved(shares(0.7, 0.25), 1.0), "tumours, heart, two digits"),
    "moved one way, shares 60 > 25": (moved(shares(0.6, 0.25), 0.5, random_signs=False), "spam, grapes"),
    "moved alone": (moved(None, 1.0), "tumours, heart, spam"),
    "a unit": (unit, "tumours, heart, grapes"),
    "units and offsets": (unit_and_offset, "tumours, spam"),
    "units, shares 50 > 15": (unit_and_shares, "tumours, heart"),
    "permuted labels": (permuted, "tumours, digits, spam"),
    "noise": (noise, "heart, grapes"),
    "shares 50 > 90": (shares(0.5, 0.9), "heart, spam"),
    "shares 50 > 10": (shares(0.5, 0.1), "tumours, two digits"),
    "selected": (selected, "tumours, heart, spam"),
    "rotated": (rotated, "tumours, digits"),
    "drift": (drift, "tumours, heart, digits, spam"),
    "five per person": (five_each, "heart, spam"),
    "class missing in the source": (class_missing, "grapes, digits"),
    "class missing in the target": (class_missing_in_target, "grapes, digits"),
    "identical": (identical, "heart, spam, digits"),
    "10 target samples": (tiny(10, 0.5), "tumours, heart"),
    "30 target samples": (tiny(30, 1.0), "spam, grapes"),
    "a feature reversed": (swapped, "heart, spam"),
}
