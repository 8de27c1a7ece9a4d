"""Pairs that no rule of the guard was chosen with: they were drawn up afterwards, and only counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

from benchmarks.guard_audit.made import SHIFTS, maker
from benchmarks.guard_audit.pairs import MAX_FEATURES, Pair, Sides, split
from benchmarks.guard_audit.real import (
    _adult,
    _by_rule,
    _heart,
    _movements,
    _oil,
    _pair,
    _returns,
    _spam,
    _table,
    activity,
)
from benchmarks.guard_audit.texts import sides_of_topics
from benchmarks.ledger.sets import _spectra, file, wine
from landbridge.data import Encoder, shared_data

__all__ = ["fresh_pairs"]

Rule = Callable[[Any], Any]


def fresh_pairs() -> Iterator[Pair]:
    """Go through the pairs; none where the files are not there.

    Yields
    ------
    Pair
    """
    needed = ("adult.csv.gz", "heart_cleveland.csv", "activity.npz", "spoken_digits.npz", "corn_nir.npz")
    if any(shared_data(f) is None for f in needed):
        return
    for part in (_tables, _people, _speakers, _instruments, _series, _more):
        yield from part()
    yield from _made()


# Name, data, how the table is read, label, column of the rule, rule of the source, rule of the target.
TABLES: tuple[tuple[str, str, Callable[[], pd.DataFrame], str, str, Rule, Rule], ...] = (
    ("heart younger > older", "heart", lambda: _heart("cleveland"), "num", "age", lambda v: v < 54, lambda v: v >= 58),
    ("heart older > younger", "heart", lambda: _heart("cleveland"), "num", "age", lambda v: v >= 58, lambda v: v < 54),
    ("heart high > low cholesterol", "heart", lambda: _heart("cleveland"), "num", "chol", lambda v: v > 250,
     lambda v: v < 230),
    ("census clerks > sales", "census", _adult, "income", "occupation", lambda v: v == "Adm-clerical",
     lambda v: v == "Sales"),
    ("census crafts > managers", "census", _adult, "income", "occupation", lambda v: v == "Craft-repair",
     lambda v: v == "Exec-managerial"),
    ("census married > never married", "census", _adult, "income", "marital_status",
     lambda v: v == "Married-civ-spouse", lambda v: v == "Never-married"),
    ("census full time > part time", "census", _adult, "income", "hours_per_week", lambda v: v >= 40,
     lambda v: v < 35),
    ("census white > black", "census", _adult, "income", "race", lambda v: v == "White", lambda v: v == "Black"),
    ("credit own > rent", "credit", lambda: _table("credit_german.csv"), "class", "housing", lambda v: v == "A152",
     lambda v: v == "A151"),
    ("credit long > short", "credit", lambda: _table("credit_german.csv"), "class", "duration_months",
     lambda v: v > 20, lambda v: v <= 15),
    ("credit A3", "credit", lambda: _table("credit_australian.csv"), "class", "A3", lambda v: v < 2.0,
     lambda v: v > 5.0),
    ("credit A8", "credit", lambda: _table("credit_australian.csv"), "class", "A8", lambda v: v == 1,
     lambda v: v == 0),
    ("mushrooms several > solitary", "mushrooms",
     lambda: _table("mushrooms.csv.gz").drop(columns=["odor", "spore-print-color"]), "class", "population",
     lambda v: v == "v", lambda v: v == "y"),
    ("mushrooms grass > woods", "mushrooms",
     lambda: _table("mushrooms.csv.gz").drop(columns=["odor", "spore-print-color"]), "class", "habitat",
     lambda v: v == "g", lambda v: v == "d"),
    ("spambase free > not free", "spambase", _spam, "spam", "word_freq_free", lambda v: v > 0, lambda v: v == 0),
    ("spambase calm > loud", "spambase", _spam, "spam", "char_freq_exclamation", lambda v: v == 0,
     lambda v: v > 0),
)  # fmt: skip


def _tables() -> Iterator[Pair]:
    for name, data, read, label, column, source, target in TABLES:
        yield _by_rule(
            name, data, read, label,
            lambda t, c=column, f=source: f(t[c]), lambda t, c=column, f=target: f(t[c]), [column],
        )  # fmt: skip


def _people() -> Iterator[Pair]:
    people = activity()[3]
    for i in range(1, 12, 2):

        def make(rng: np.random.Generator, a: int = people[i], b: int = people[(i + 7) % len(people)]) -> Sides:
            X, y, person, _ = activity()
            return split(X[person == a], y[person == a], X[person == b], y[person == b], rng)

        # the loss on one of them led to a rule
        yield _pair(f"activity {people[i]} > {people[(i + 7) % len(people)]}", "activity", make, set_on=True)


def _speakers() -> Iterator[Pair]:
    for b in range(6):

        def make(rng: np.random.Generator, b: int = b) -> Sides:
            X, y, speaker = _spectra()
            source = speaker == (b + 1) % 6
            return split(X[source], y[source], X[speaker == b], y[speaker == b], rng, features=MAX_FEATURES)

        # `WELL` of the share profile was set on these and on the pairs of persons above
        yield _pair(f"spoken digits, speaker {(b + 1) % 6} > {b}", "spoken digits", make, set_on=True)


def _instruments() -> Iterator[Pair]:
    for a, b, value in (("m5", "mp5", 2), ("mp5", "m5", 2), ("m5", "mp6", 1), ("m5", "mp5", 3), ("mp6", "m5", 1)):

        def make(rng: np.random.Generator, a: str = a, b: str = b, value: int = value) -> Sides:
            with np.load(file("corn_nir.npz")) as d:
                half, y = rng.permutation(80), d["y"][:, value]
                return split(d[a][half[:40]], y[half[:40]], d[b][half[40:]], y[half[40:]], rng)

        yield _pair(f"corn {('moisture', 'oil', 'protein', 'starch')[value]} {a} > {b}, spectra", "corn", make)


def _series() -> Iterator[Pair]:
    for name, a, b, classes in (
        ("station 2 > 1", ("ETTh2", 0), ("ETTh1", 0), False),
        ("station 2, year 1 > 2", ("ETTh2", 0), ("ETTh2", 1), False),
        ("station 1 > 2, direction", ("ETTh1", 0), ("ETTh2", 0), True),
    ):

        def make(rng: np.random.Generator, a: Any = a, b: Any = b, classes: bool = classes) -> Sides:
            return split(*_oil(*a, classes), *_oil(*b, classes), rng)

        yield _pair(f"oil temperature {name}", "ett", make)
    for name, column, first, second in (
        ("2015 > 2018", "date", "2015", "2018"),
        ("health > technology", "sector", "health", "technology"),
    ):

        def shares(rng: np.random.Generator, c: str = column, a: str = first, b: str = second) -> Sides:
            table = _returns()
            of = table[c].str[:4] if c == "date" else table[c]
            X = table[[k for k in table.columns if k.startswith("past")]].to_numpy()
            y = table["up"].to_numpy()
            return split(X[of == a], y[of == a], X[of == b], y[of == b], rng)

        yield _pair(f"stocks {name}", "stocks", shares)


def _more() -> Iterator[Pair]:
    for a, b in (("red", "white"), ("white", "red")):

        def bands(rng: np.random.Generator, a: str = a, b: str = b) -> Sides:
            (Xs, ys), (Xt, yt) = wine()[a], wine()[b]
            return split(Xs, np.digitize(ys, [5.5, 6.5]), Xt, np.digitize(yt, [5.5, 6.5]), rng)

        yield _pair(f"wine {a} > {b}, three bands", "wine", bands)

    def movements(rng: np.random.Generator) -> Sides:
        X, y, subject = _movements("msraction3d")
        source = subject % 2 == 0
        return split(X[source], y[source], X[~source], y[~source], rng, features=60)

    yield _pair("skeletons msraction3d even > odd", "skeletons", movements)
    for name, first, second in (
        ("comp or talk", (("comp.graphics", "comp.os"), ("talk.politics.guns", "talk.politics.misc")),
         (("comp.sys", "comp.windows"), ("talk.politics.mideast", "talk.religion"))),
        ("rec or comp", (("rec.autos", "rec.motorcycles"), ("comp.graphics", "comp.os")),
         (("rec.sport.baseball", "rec.sport.hockey"), ("comp.sys", "comp.windows"))),
    ):  # fmt: skip
        yield _pair(f"newsgroups {name}", "newsgroups", lambda rng, a=first, b=second: sides_of_topics(a, b, rng))


@lru_cache(maxsize=1)
def _bases() -> dict[str, tuple[NDArray[np.float64], NDArray[Any]]]:
    """Tables on which no shift was made before."""
    X, y = wine()["white"]
    found = {"white wine": (X, (y >= 6).astype(int)), "iris": load_iris(return_X_y=True)}
    australian = _table("credit_australian.csv")
    found["australian credit"] = australian.drop(columns="class").to_numpy(float), australian["class"].to_numpy(int)
    census = _adult().iloc[:3000]
    rows = census.drop(columns="income").reset_index(drop=True)
    encoded = np.asarray(Encoder().fit(rows, rows).transform(rows), float)
    found["census"] = encoded, (census["income"] == census["income"].iloc[7]).to_numpy().astype(int)
    with np.load(file("usps_mnist_256.npz")) as d:
        found["usps"] = PCA(30, random_state=0).fit_transform(d["usps_X"].astype(float)), d["usps_y"].astype(int)
    X, y, _, _ = activity()
    two = np.isin(y, np.unique(y)[:2])
    found["two activities"] = X[two], y[two]
    table = _table("parkinsons.csv")
    found["recordings"] = table.drop(columns=["name", "status"]).to_numpy(float), table["status"].to_numpy(int)
    return found


# Shifts of the made pairs, on other tables.
ON = {
    "moved, shares 50 > 98": "white wine, two activities",
    "moved, shares 50 > 4": "australian credit, census",
    "moved, shares 70 > 25": "two activities, recordings, white wine",
    "moved one way, shares 60 > 25": "australian credit, two activities",
    "moved alone": "white wine, usps, two activities",
    "a unit": "australian credit, iris, recordings",
    "units and offsets": "white wine, usps",
    "units, shares 50 > 15": "two activities, white wine",
    "permuted labels": "australian credit, usps",
    "noise": "iris, white wine",
    "shares 50 > 90": "two activities, australian credit",
    "shares 50 > 10": "census, white wine",
    "selected": "australian credit, usps, two activities",
    "rotated": "usps, recordings",
    "drift": "two activities, usps, white wine",
    "five per person": "australian credit, two activities",
    "class missing in the source": "usps, iris",
    "class missing in the target": "usps, iris",
    "identical": "australian credit, usps",
    "10 target samples": "iris, white wine",
    "30 target samples": "two activities, usps",
    "a feature reversed": "australian credit, white wine",
}


def _made() -> Iterator[Pair]:
    for name, on in ON.items():
        for table in on.split(", "):
            yield Pair(f"{table}: {name}", "made", table, maker(lambda t=table: _bases()[t], SHIFTS[name][0]))
