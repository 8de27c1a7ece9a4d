"""Pairs whose shift is that of the data: people, hospitals, cameras, instruments, years, topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from benchmarks.guard_audit.pairs import MAX_FEATURES, Pair, Sides, encoded, split
from benchmarks.guard_audit.texts import text_pairs
from benchmarks.ledger.sets import _spectra, file, wine
from landbridge.data import load_builtin, shared_data

__all__ = ["activity", "office", "real_pairs"]


def real_pairs() -> Iterator[Pair]:
    """Go through the pairs; those of files that are not there are skipped.

    Yields
    ------
    Pair
    """
    for group, files in GROUPS.items():
        if all(shared_data(f) is not None for f in files):
            # the rules of the guard were chosen while the losses on all of these were looked at
            yield from (replace(pair, set_on=True) for pair in group())


def _pair(name: str, data: str, make: Callable[[np.random.Generator], Sides], set_on: bool = False) -> Pair:
    return Pair(name, "real", data, make, set_on)


def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(file(name))


def _by_rule(
    name: str, data: str, read: Callable[[], pd.DataFrame], label: str, source: Any, target: Any, drop: Any,
    set_on: bool = False,
) -> Pair:  # fmt: skip
    """A pair of two parts of one table."""

    def make(rng: np.random.Generator) -> Sides:
        table = read()
        return encoded(table[source(table)], table[target(table)], label, rng, drop=drop)

    return _pair(name, data, make, set_on)


@cache
def _heart(name: str) -> pd.DataFrame:
    table = _table(f"heart_{name}.csv")
    return table.assign(num=(table["num"] > 0).astype(int))


def _hospitals() -> Iterator[Pair]:
    for a, b in (("cleveland", "hungarian"), ("hungarian", "cleveland")):
        yield _pair(f"heart {a} > {b}", "heart", lambda rng, a=a, b=b: encoded(_heart(a), _heart(b), "num", rng))
    for name, low, high in (("women > men", 0, 1), ("men > women", 1, 0)):
        yield _by_rule(
            f"heart {name}", "heart", lambda: _heart("cleveland"), "num",
            lambda t, low=low: t["sex"] == low, lambda t, high=high: t["sex"] == high, ["sex"],
        )  # fmt: skip


def _builtins() -> Iterator[Pair]:
    for a, b, data in (
        ("tumours-small", "tumours-large", "tumours"),
        ("tumours-large", "tumours-small", "tumours"),
        ("patients-younger", "patients-older", "diabetes"),
        ("patients-older", "patients-younger", "diabetes"),
        ("printed", "handwritten", "printed digits"),
        ("handwritten", "printed", "printed digits"),
    ):

        def make(rng: np.random.Generator, a: str = a, b: str = b) -> Sides:
            s, t = load_builtin(a), load_builtin(b)
            return split(s.X.reshape(len(s), -1), s.y, t.X.reshape(len(t), -1), t.y, rng)

        yield _pair(f"{a} > {b}", data, make)


@lru_cache(maxsize=1)
def _adult() -> pd.DataFrame:
    return _table("adult.csv.gz").drop(columns=["split", "fnlwgt"])


CENSUS = (
    ("under 30 > over 50", "age", lambda v: v < 30, lambda v: v > 50),
    ("over 50 > under 30", "age", lambda v: v > 50, lambda v: v < 30),
    ("men > women", "sex", lambda v: v == "Male", lambda v: v == "Female"),
    ("women > men", "sex", lambda v: v == "Female", lambda v: v == "Male"),
    ("private > self-employed", "workclass", lambda v: v == "Private", lambda v: v.str.startswith("Self")),
    ("private > government", "workclass", lambda v: v == "Private", lambda v: v.str.endswith("gov")),
    ("school > degree", "education_num", lambda v: v <= 9, lambda v: v >= 13),
    ("degree > school", "education_num", lambda v: v >= 13, lambda v: v <= 9),
    ("born here > abroad", "native_country", lambda v: v == "United-States", lambda v: v != "United-States"),
)


def _census() -> Iterator[Pair]:
    for name, column, source, target in CENSUS:
        yield _by_rule(
            f"census {name}", "census", _adult, "income",
            lambda t, c=column, f=source: f(t[c]), lambda t, c=column, f=target: f(t[c]),
            ["education", "education_num"] if column == "education_num" else [column], set_on=True,
        )  # fmt: skip


def _credit() -> Iterator[Pair]:
    german = lambda: _table("credit_german.csv")  # noqa: E731
    australian = lambda: _table("credit_australian.csv")  # noqa: E731
    for name, column, source, target in (
        ("under 30 > over 40", "age", lambda v: v < 30, lambda v: v > 40),
        ("goods > cars", "purpose", lambda v: v.isin(["A42", "A43"]), lambda v: v.isin(["A40", "A41"])),
        ("large > small", "credit_amount", lambda v: v > 3000, lambda v: v < 1800),
    ):
        yield _by_rule(
            f"credit {name}", "credit", german, "class",
            lambda t, c=column, f=source: f(t[c]), lambda t, c=column, f=target: f(t[c]), [column],
        )  # fmt: skip
    yield _by_rule("credit A1", "credit", australian, "class", lambda t: t["A1"] == 1, lambda t: t["A1"] == 0, ["A1"])
    yield _by_rule("credit A2", "credit", australian, "class", lambda t: t["A2"] < 26, lambda t: t["A2"] > 34, ["A2"])


def _wine() -> Iterator[Pair]:
    for a, b in (("red", "white"), ("white", "red")):

        def make(rng: np.random.Generator, a: str = a, b: str = b, classes: bool = True) -> Sides:
            wines = wine()
            (Xs, ys), (Xt, yt) = wines[a], wines[b]
            if classes:
                ys, yt = (ys >= 6).astype(int), (yt >= 6).astype(int)
            return split(Xs, ys, Xt, yt, rng)

        yield _pair(f"wine {a} > {b}", "wine", make, set_on=True)
        yield _pair(f"wine {a} > {b}, values", "wine", lambda rng, make=make: make(rng, classes=False), set_on=True)


@lru_cache(maxsize=1)
def activity() -> tuple[Any, Any, Any, list[int]]:
    """Accelerometer windows without missing values, activities, people, and who did all six activities.

    Returns
    -------
    X, y, person, people
    """
    with np.load(file("activity.npz")) as data:
        X, y, person = data["X"].astype(float), data["y"].astype(int), data["subject"].astype(int)
    X = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    return X, y, person, [int(p) for p in np.unique(person) if len(np.unique(y[person == p])) == 6]


def _people() -> Iterator[Pair]:
    people = activity()[3]
    for a, b in [(people[i], people[(i + 5) % len(people)]) for i in range(0, 12, 2)]:

        def make(rng: np.random.Generator, a: int = a, b: int = b) -> Sides:
            X, y, person, _ = activity()
            return split(X[person == a], y[person == a], X[person == b], y[person == b], rng)

        yield _pair(f"activity {a} > {b}", "activity", make, set_on=True)
    for b in (people[3], people[9]):

        def make_all(rng: np.random.Generator, b: int = b) -> Sides:
            X, y, person, _ = activity()
            return split(X[person != b], y[person != b], X[person == b], y[person == b], rng)

        yield _pair(f"activity others > {b}", "activity", make_all, set_on=True)


def _speakers() -> Iterator[Pair]:
    names = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    for b in range(6):

        def make(rng: np.random.Generator, b: int = b, others: bool = False) -> Sides:
            X, y, speaker = _spectra()
            source = speaker != b if others else speaker == (b + 2) % 6
            return split(X[source], y[source], X[speaker == b], y[speaker == b], rng, features=MAX_FEATURES)

        yield _pair(f"spoken digits {names[(b + 2) % 6]} > {names[b]}", "spoken digits", make, set_on=True)
        if b in (1, 4):
            yield _pair(
                f"spoken digits others > {names[b]}", "spoken digits",
                lambda rng, make=make: make(rng, others=True), set_on=True,
            )  # fmt: skip


def _digits() -> Iterator[Pair]:
    for a, b in (("usps", "mnist"), ("mnist", "usps")):

        def make(rng: np.random.Generator, a: str = a, b: str = b) -> Sides:
            with np.load(file("usps_mnist_256.npz")) as d:
                return split(
                    d[f"{a}_X"].astype(float), d[f"{a}_y"].astype(int), d[f"{b}_X"].astype(float),
                    d[f"{b}_y"].astype(int), rng, features=MAX_FEATURES,
                )  # fmt: skip

        yield _pair(f"{a} > {b}", "usps and mnist", make)


@lru_cache(maxsize=1)
def office() -> dict[str, tuple[Any, Any]]:
    """Images of four cameras as normalised counts of visual words.

    Returns
    -------
    dict of str to (X, y)
    """
    with np.load(file("office_caltech_surf.npz")) as d:
        found = {}
        for name in ("amazon", "caltech", "dslr", "webcam"):
            counts = d[f"{name}_X"].astype(float)
            found[name] = np.sqrt(counts / counts.sum(axis=1, keepdims=True)), d[f"{name}_y"].astype(int)
    return found


def _cameras() -> Iterator[Pair]:
    names = ("amazon", "caltech", "dslr", "webcam")
    for a, b in [(a, b) for a in names for b in names if a != b]:

        def make(rng: np.random.Generator, a: str = a, b: str = b) -> Sides:
            return split(*office()[a], *office()[b], rng, features=MAX_FEATURES)

        yield _pair(f"office {a} > {b}", "office-caltech", make)


def _mushrooms() -> Iterator[Pair]:
    for name, column, a, b in (
        ("enlarging > tapering", "stalk-shape", "e", "t"),
        ("tapering > enlarging", "stalk-shape", "t", "e"),
        ("woods > grass", "habitat", "d", "g"),
    ):
        yield _by_rule(
            f"mushrooms {name}", "mushrooms",
            lambda: _table("mushrooms.csv.gz").drop(columns=["odor", "spore-print-color"]), "class",
            lambda t, c=column, v=a: t[c] == v, lambda t, c=column, v=b: t[c] == v, [column], set_on=True,
        )  # fmt: skip


def _mails() -> Iterator[Pair]:
    for name, column, a, b in (
        ("short > long", "capital_run_length_total", lambda v: v < 60, lambda v: v > 150),
        ("long > short", "capital_run_length_total", lambda v: v > 150, lambda v: v < 60),
        ("you > no you", "word_freq_you", lambda v: v > 0, lambda v: v == 0),
    ):
        yield _by_rule(
            f"spambase {name}", "spambase", lambda: _spam(), "spam",
            lambda t, c=column, f=a: f(t[c]), lambda t, c=column, f=b: f(t[c]), [column],
        )  # fmt: skip


@lru_cache(maxsize=1)
def _spam() -> pd.DataFrame:
    table = _table("spambase.csv.gz")
    return table.rename(columns={table.columns[-1]: "spam"})


def _voices_of_patients() -> Iterator[Pair]:
    def read() -> pd.DataFrame:
        table = _table("parkinsons.csv")
        return table.assign(person=table["name"].str.rsplit("_", n=1).str[0]).drop(columns="name")

    for half in (0, 1):

        def make(rng: np.random.Generator, half: int = half) -> Sides:
            table = read()
            people = sorted(table["person"].unique())
            chosen = table["person"].isin(people[half::2])
            return encoded(table[chosen], table[~chosen], "status", rng, drop=["person"])

        yield _pair(f"parkinson half {half + 1} > other half", "parkinson", make)
    pitch = "MDVP:Fo(Hz)"
    yield _by_rule(
        "parkinson low > high", "parkinson", read, "status",
        lambda t: t[pitch] < 148, lambda t: t[pitch] >= 148, ["person", pitch],
    )  # fmt: skip


def _skeletons() -> Iterator[Pair]:
    for name, odd in (("utkinect", 1), ("utkinect", 0), ("msraction3d", 1)):

        def make(rng: np.random.Generator, name: str = name, odd: int = odd) -> Sides:
            X, y, subject = _movements(name)
            source = subject % 2 == odd
            return split(X[source], y[source], X[~source], y[~source], rng, features=60)

        yield _pair(f"skeletons {name} {'odd > even' if odd else 'even > odd'}", "skeletons", make)


@cache
def _movements(name: str) -> tuple[Any, Any, Any]:
    with np.load(file(f"skeleton_{name}.npz")) as d:
        joints, offsets = d["joints_mm"].astype(float), d["offsets"]
        y, subject = d["y"].astype(int), d["subject"].astype(int)
    rows = []
    for a, b in pairwise(offsets):
        frames = joints[np.linspace(a, b - 1, 16).round().astype(int)]
        rows.append((frames - frames[:, :1]).ravel() / 1000)
    return np.array(rows), y, subject


def _instruments() -> Iterator[Pair]:
    for a, b, value in (("m5", "mp5", 0), ("m5", "mp6", 0), ("mp5", "mp6", 1), ("mp6", "m5", 3), ("mp6", "mp5", 0)):

        def make(rng: np.random.Generator, a: str = a, b: str = b, value: int = value) -> Sides:
            with np.load(file("corn_nir.npz")) as d:
                half = rng.permutation(80)
                y = d["y"][:, value]
                return split(d[a][half[:50]], y[half[:50]], d[b][half[30:]], y[half[30:]], rng, features=20)

        what = ("moisture", "oil", "protein", "starch")[value]
        yield _pair(f"corn {what} {a} > {b}", "corn", make)


def _shares() -> Iterator[Pair]:
    for name, rule in (
        ("2016 > 2019", lambda t: (t["date"].str[:4] == "2016", t["date"].str[:4] == "2019")),
        ("technology > health", lambda t: (t["sector"] == "technology", t["sector"] == "health")),
    ):

        def make(rng: np.random.Generator, rule: Any = rule) -> Sides:
            table = _returns()
            source, target = rule(table)
            columns = [c for c in table.columns if c.startswith("past")]
            return split(
                table.loc[source, columns].to_numpy(), table.loc[source, "up"].to_numpy(),
                table.loc[target, columns].to_numpy(), table.loc[target, "up"].to_numpy(), rng,
            )  # fmt: skip

        yield _pair(f"stocks {name}", "stocks", make)


@lru_cache(maxsize=1)
def _returns() -> pd.DataFrame:
    parts = []
    for _, one in _table("stocks_three_sectors.csv.gz").sort_values("date").groupby("ticker"):
        change = np.log(one["adj_close"]).diff()
        volume = np.log(one["volume"].clip(lower=1)).diff()
        part = pd.DataFrame({f"past{k}": change.shift(k) for k in range(10)} | {"pastv": volume})
        spread = np.log(one["high"] / one["low"])
        part = part.assign(past_spread=spread, date=one["date"], sector=one["sector"])
        part["up"] = (spread.shift(-1) > spread.rolling(20).mean()).astype(int)
        parts.append(part.dropna().iloc[:-1])
    return pd.concat(parts, ignore_index=True)


def _transformers() -> Iterator[Pair]:
    for name, a, b, classes in (
        ("station 1, year 1 > 2", ("ETTh1", 0), ("ETTh1", 1), False),
        ("station 1 > 2", ("ETTh1", 0), ("ETTh2", 0), False),
        ("station 2 > 1, direction", ("ETTh2", 0), ("ETTh1", 0), True),
    ):

        def make(rng: np.random.Generator, a: Any = a, b: Any = b, classes: bool = classes) -> Sides:
            return split(*_oil(*a, classes), *_oil(*b, classes), rng)

        yield _pair(f"oil temperature {name}", "ett", make)


def _oil(station: str, year: int, classes: bool) -> tuple[Any, Any]:
    with np.load(file("ett_hourly.npz")) as d:
        rows = d[station].astype(float)[8700 * year : 8700 * (year + 1)]
    now, before, later = rows[24:-12], rows[:-36], rows[36:, -1]
    X = np.hstack([now, now - before])
    return X, (later > now[:, -1]).astype(int) if classes else later


def _tables() -> Iterator[Pair]:
    for name, first in (("men > women", True), ("women > men", False)):

        def make(rng: np.random.Generator, first: bool = first) -> Sides:
            X, y = load_diabetes(return_X_y=True)
            source = (X[:, 1] > 0) == first
            X = np.delete(X, 1, axis=1)
            return split(X[source], y[source], X[~source], y[~source], rng)

        yield _pair(f"diabetes {name}", "diabetes", make)

    def grapes(rng: np.random.Generator) -> Sides:
        X, y = load_wine(return_X_y=True)
        source = X[:, 1] < np.median(X[:, 1])
        X = np.delete(X, 1, axis=1)
        return split(X[source], y[source], X[~source], y[~source], rng)

    def texture(rng: np.random.Generator) -> Sides:
        X, y = load_breast_cancer(return_X_y=True)
        source = X[:, 1] < np.median(X[:, 1])
        return split(X[source], y[source], X[~source], y[~source], rng)

    yield _pair("grapes low > high acid", "grapes", grapes)
    yield _pair("tumours smooth > rough", "tumours", texture)


# The files that each group of pairs reads.
GROUPS: dict[Callable[[], Iterator[Pair]], tuple[str, ...]] = {
    _builtins: (),
    _tables: (),
    _hospitals: ("heart_cleveland.csv", "heart_hungarian.csv"),
    _census: ("adult.csv.gz",),
    _credit: ("credit_german.csv", "credit_australian.csv"),
    _wine: ("wine_quality_red.csv.gz", "wine_quality_white.csv.gz"),
    _people: ("activity.npz",),
    _speakers: ("spoken_digits.npz",),
    _digits: ("usps_mnist_256.npz",),
    _cameras: ("office_caltech_surf.npz",),
    _mushrooms: ("mushrooms.csv.gz",),
    _mails: ("spambase.csv.gz",),
    _voices_of_patients: ("parkinsons.csv",),
    _skeletons: ("skeleton_utkinect.npz", "skeleton_msraction3d.npz"),
    _instruments: ("corn_nir.npz",),
    _shares: ("stocks_three_sectors.csv.gz",),
    _transformers: ("ett_hourly.npz",),
    text_pairs: ("amazon_reviews_books_dvd.npz", "newsgroups20_bydate.npz", "sms_spam.tsv.gz"),
}
