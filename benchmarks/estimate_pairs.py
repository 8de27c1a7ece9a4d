"""Pairs of domains with known target labels, on which estimates of performance are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

from landbridge.data import shared_data

MOST = 1000
Pair = tuple[str, Any, Any, Any, Any]


def _open(name: str) -> Any:
    path = shared_data(name)
    if path is None:
        raise SystemExit(f"{name} is missing; set LANDBRIDGE_DATA to the folder that holds it.")
    if name.endswith(".npz"):
        return np.load(path, allow_pickle=False)
    return pd.read_csv(path, sep="\t" if ".tsv" in name else ",")


def _numbers(frame: pd.DataFrame) -> np.ndarray:
    """Numbers with medians for gaps; other columns one-hot."""
    frame = frame.copy()
    for c in frame.columns:
        if frame[c].dtype.kind in "if":
            frame[c] = frame[c].fillna(frame[c].median()).fillna(0)
        else:
            frame[c] = frame[c].astype(str)
    return pd.get_dummies(frame).to_numpy(dtype=float)


def _split(name: str, X: Any, y: Any, source: Any, target: Any) -> Pair:
    """At most 1,000 samples of each side, chosen at random."""
    rng = np.random.default_rng(0)
    a, b = (rng.permutation(np.flatnonzero(m))[:MOST] for m in (source, target))
    return name, X[a], y[a], X[b], y[b]


def activity() -> Iterator[Pair]:
    """Yield groups of people against others."""
    d = _open("activity.npz")
    X, y, who = np.nan_to_num(d["X"].astype(float)), d["y"].astype(int), d["subject"]
    people = np.unique(who)
    for k in range(4):
        there = np.isin(who, people[k * 9 : k * 9 + 9])
        known = np.isin(y, np.unique(y[~there]))
        yield _split(f"activity, people {k}", X, y, ~there, there & known)


def breast_cancer() -> Iterator[Pair]:
    """Yield tumours with resampled class shares, by size, with noise, gain and offset."""
    X, y = load_breast_cancer(return_X_y=True)
    yield from _resampled("tumours", X, y, by=0)


def census() -> Iterator[Pair]:
    """Yield adults by age, sex, employer and country."""
    d = _open("adult.csv.gz")
    y = (d["income"].str.contains(">50K")).to_numpy().astype(int)
    age, sex, work = d["age"].to_numpy(), d["sex"].str.strip().to_numpy(), d["workclass"].astype(str).str.strip()
    country = d["native-country"].astype(str).str.strip() if "native-country" in d else d.iloc[:, 13].astype(str)
    numeric = d.drop(columns=[c for c in ("income", "split") if c in d])
    X = _numbers(numeric.drop(columns=[c for c in numeric if "country" in c]))
    yield _split("census, young to old", X, y, age < 35, age >= 45)
    yield _split("census, old to young", X, y, age >= 45, age < 35)
    yield _split("census, men to women", X, y, sex == "Male", sex == "Female")
    yield _split("census, private to public", X, y, work == "Private", work.str.contains("gov"))
    yield _split("census, country", X, y, country == "United-States", country != "United-States")


def credit() -> Iterator[Pair]:
    """Yield German credit by age and amount."""
    d = _open("credit_german.csv")
    y = (d["class"].to_numpy() == 1).astype(int)
    numbers = d.drop(columns=["class"])
    X = _numbers(numbers)
    wide = [c for c in numbers if numbers[c].dtype.kind in "if" and numbers[c].nunique() > 30]
    for c in wide[:3]:
        v = numbers[c].to_numpy()
        yield _split(f"credit, low to high {c}", X, y, v <= np.quantile(v, 0.6), v > np.quantile(v, 0.6))


def digits() -> Iterator[Pair]:
    """Yield digits with resampled class shares, by ink, with noise and gain."""
    X, y = load_digits(return_X_y=True)
    yield from _resampled("digits", X, y, by=None)


def heart() -> Iterator[Pair]:
    """Yield two hospitals in both directions, and patients by age."""
    a, b = _open("heart_cleveland.csv"), _open("heart_hungarian.csv")
    both = pd.concat([a, b], ignore_index=True)
    X = _numbers(both.drop(columns=["num"]).apply(pd.to_numeric, errors="coerce"))
    y, first = (both["num"].to_numpy() > 0).astype(int), np.arange(len(both)) < len(a)
    yield _split("heart, Cleveland to Hungary", X, y, first, ~first)
    yield _split("heart, Hungary to Cleveland", X, y, ~first, first)
    age = both["age"].to_numpy()
    yield _split("heart, young to old", X, y, age < 55, age >= 55)


def mushrooms() -> Iterator[Pair]:
    """Yield mushrooms by shape of stalk and by habitat."""
    d = _open("mushrooms.csv.gz")
    label = next(c for c in d if c.lower() in ("class", "type", "poisonous"))
    y = (d[label] == d[label].iloc[0]).to_numpy().astype(int)
    for c in ("stalk-shape", "population", "habitat"):
        column = next(k for k in d if k.replace("_", "-") == c)
        first = (d[column] == d[column].mode()[0]).to_numpy()
        X = _numbers(d.drop(columns=[label, column]))
        yield _split(f"mushrooms, {c}", X, y, first, ~first)
        yield _split(f"mushrooms, {c}, reverse", X, y, ~first, first)


def newsgroups() -> Iterator[Pair]:
    """Yield two topics each, with other groups of the topics as the target."""
    d = _open("newsgroups20_bydate.npz")
    offsets, names, y = d["offsets"], [str(c) for c in d["classes"]], d["y"]
    whole = d["text"].tobytes()
    texts = [whole[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets)]
    topics = {t: [i for i, n in enumerate(names) if n.startswith(t)] for t in ("comp", "rec", "sci", "talk")}
    rng = np.random.default_rng(0)
    for one, two in (("comp", "sci"), ("rec", "talk"), ("sci", "rec"), ("comp", "talk")):
        parts = [topics[t][half::2][:2] for half in (0, 1) for t in (one, two)]
        sides = [np.flatnonzero(np.isin(y, parts[i] + parts[i + 1])) for i in (0, 2)]
        sides = [rng.permutation(s)[:MOST] for s in sides]
        rows = np.concatenate(sides)
        words = TfidfVectorizer(min_df=3, sublinear_tf=True, max_features=20000).fit_transform([texts[i] for i in rows])
        X = TruncatedSVD(50, random_state=0).fit_transform(words)
        labels, n = np.isin(y[rows], topics[one]).astype(int), len(sides[0])
        yield f"newsgroups, {one} and {two}", X[:n], labels[:n], X[n:], labels[n:]


def office() -> Iterator[Pair]:
    """Yield pictures of objects from shops and cameras."""
    d = _open("office_caltech_surf.npz")
    for a, b in (("amazon", "caltech"), ("caltech", "amazon"), ("amazon", "webcam"), ("caltech", "webcam")):
        X = np.concatenate([d[f"{a}_X"], d[f"{b}_X"]]).astype(float)
        X = TruncatedSVD(50, random_state=0).fit_transform(np.sqrt(X / np.maximum(X.sum(axis=1, keepdims=True), 1)))
        y = np.concatenate([d[f"{a}_y"], d[f"{b}_y"]]).astype(int)
        n = len(d[f"{a}_y"])
        yield _split(f"office, {a} to {b}", X, y, np.arange(len(y)) < n, np.arange(len(y)) >= n)


def reviews() -> Iterator[Pair]:
    """Yield reviews of books and of films."""
    d = _open("amazon_reviews_books_dvd.npz")
    parts, labels = {}, {}
    for k in ("books", "dvd"):
        p = f"{k}_train_"
        parts[k] = sparse.csr_matrix(
            (d[p + "data"], d[p + "indices"].astype(np.int32), d[p + "indptr"].astype(np.int32)), shape=(2000, 5000)
        )
        labels[k] = d[p + "y"].astype(int)
    words = TfidfTransformer(sublinear_tf=True).fit_transform(sparse.vstack([parts["books"], parts["dvd"]]))
    X = TruncatedSVD(100, random_state=0).fit_transform(words)
    y, first = np.concatenate([labels["books"], labels["dvd"]]), np.arange(4000) < 2000
    yield _split("reviews, books to films", X, y, first, ~first)
    yield _split("reviews, films to books", X, y, ~first, first)
    rng = np.random.default_rng(1)
    kept = np.flatnonzero(~first & ((y == 1) | (rng.random(4000) < 0.25)))
    yield _split("reviews, films mostly good", X, y, first, np.isin(np.arange(4000), kept))


def spambase() -> Iterator[Pair]:
    """Yield mail by length of capital runs, with class shares, noise and gain."""
    d = _open("spambase.csv.gz")
    y = d.iloc[:, -1].to_numpy().astype(int)
    X = np.log1p(d.iloc[:, :-1].to_numpy(dtype=float))
    yield from _resampled("spam", X, y, by=56)


def spoken() -> Iterator[Pair]:
    """Yield spoken digits of one speaker, from the others; four of the six speakers, for time."""
    d = _open("spoken_digits.npz")
    keys = list(d.keys())
    offsets, samples = d["offsets"], d["samples"]
    digit = d[next(k for k in keys if k in ("digit", "digits", "y", "label"))].astype(int)
    who = d[next(k for k in keys if "speaker" in k and "name" not in k)]
    X = np.array([_bands(samples[a:b].astype(float)) for a, b in pairwise(offsets)])
    for speaker in np.unique(who)[:4]:
        yield _split(f"spoken digits, speaker {speaker}", X, digit, who != speaker, who == speaker)


def usps() -> Iterator[Pair]:
    """Yield two collections of handwritten digits."""
    d = _open("usps_mnist_256.npz")
    a, b = (d["usps_X"], d["usps_y"].ravel()), (d["mnist_X"], d["mnist_y"].ravel())
    X, y = np.concatenate([a[0], b[0]]).astype(float), np.concatenate([a[1], b[1]]).astype(int)
    X = TruncatedSVD(60, random_state=0).fit_transform(X)
    first = np.arange(len(y)) < len(a[1])
    yield _split("USPS to MNIST", X, y, first, ~first)
    yield _split("MNIST to USPS", X, y, ~first, first)


def wine_quality() -> Iterator[Pair]:
    """Yield good wine by colour, and by alcohol."""
    X, quality, red = _wine()
    y = (quality >= 6).astype(int)
    yield _split("wine, red to white", X, y, red, ~red)
    yield _split("wine, white to red", X, y, ~red, red)
    alcohol = X[:, 10]
    yield _split("wine, weak to strong", X, y, ~red & (alcohol < 10.5), ~red & (alcohol >= 11))


def wine_types() -> Iterator[Pair]:
    """Yield three sorts of wine with resampled class shares, by alcohol, with noise and gain."""
    X, y = load_wine(return_X_y=True)
    yield from _resampled("sorts of wine", X, y, by=0)


def regression_pairs() -> Iterator[Pair]:
    """Yield pairs with values instead of classes."""
    X, quality, red = _wine()
    yield _split("wine quality, red to white", X, quality, red, ~red)
    yield _split("wine quality, white to red", X, quality, ~red, red)
    strong = X[:, 10] > 10.5
    yield _split("wine quality, weak to strong", X, quality, ~strong & ~red, strong & ~red)
    A, b = load_diabetes(return_X_y=True)
    for i, name in ((0, "age"), (2, "weight"), (3, "pressure")):
        v = A[:, i]
        yield _split(f"diabetes, by {name}", A, b, v <= np.quantile(v, 0.6), v > np.quantile(v, 0.6))
    d = _open("adult.csv.gz")
    hours = d["hours-per-week"] if "hours-per-week" in d else d.iloc[:, 12]
    B = _numbers(d[[c for c in d if c not in ("income", "split") and "country" not in c and c != hours.name]])
    men = (d["sex"].str.strip() == "Male").to_numpy()
    yield _split("hours of work, men to women", B, hours.to_numpy(dtype=float), men, ~men)
    young = (d["age"] < 35).to_numpy()
    yield _split("hours of work, young to old", B, hours.to_numpy(dtype=float), young, ~young)


def _wine() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frames = []
    for colour in ("red", "white"):
        d = _open(f"wine_quality_{colour}.csv.gz")
        if d.shape[1] == 1:
            d = pd.read_csv(shared_data(f"wine_quality_{colour}.csv.gz"), sep=";")
        frames.append(d)
    both = pd.concat(frames, ignore_index=True)
    return (
        both.iloc[:, :11].to_numpy(dtype=float),
        both.iloc[:, 11].to_numpy(float),
        np.arange(len(both)) < len(frames[0]),
    )


def _resampled(name: str, X: np.ndarray, y: np.ndarray, *, by: int | None) -> Iterator[Pair]:
    """Two random halves, the second one with a known shift."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    a, b = order[: len(y) // 2][:MOST], order[len(y) // 2 :][:MOST]
    classes = np.unique(y)
    yield f"{name}, no shift", X[a], y[a], X[b], y[b]
    keep = np.where(y[b] == classes[0], 1.0, 0.25 + 0.5 * np.isin(y[b], classes[1::2]) * (len(classes) > 2))
    few = b[rng.random(len(b)) < keep]
    yield f"{name}, class shares", X[a], y[a], X[few], y[few]
    other = b[rng.random(len(b)) < np.where(y[b] == classes[0], 0.15, 1.0)]
    yield f"{name}, other class shares", X[a], y[a], X[other], y[other]
    direction = X.sum(axis=1) if by is None else X[:, by]
    rank = direction.argsort().argsort() / len(y)
    low, high = a[rng.random(len(a)) < 1.1 - rank[a]], b[rng.random(len(b)) < rank[b] ** 2]
    yield f"{name}, biased sample", X[low], y[low], X[high], y[high]
    noise = rng.normal(size=X[b].shape) * X.std(axis=0)
    yield f"{name}, noise", X[a], y[a], X[b] + 0.7 * noise, y[b]
    yield f"{name}, much noise", X[a], y[a], X[b] + 1.5 * noise, y[b]
    yield f"{name}, gain", X[a], y[a], X[b] * rng.uniform(0.6, 1.6, size=X.shape[1]), y[b]
    moved = rng.normal(size=X.shape[1]) * X.std(axis=0)
    yield f"{name}, offset", X[a], y[a], X[b] + 0.5 * moved, y[b]


def _bands(sound: np.ndarray, n_times: int = 8, n_bands: int = 10) -> np.ndarray:
    """Logarithm of the energy by time and frequency, relative to the loudest."""
    edges = np.geomspace(100, 3500, n_bands + 1)
    out = []
    for part in np.array_split(sound, n_times):
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        f = np.fft.rfftfreq(len(part), 1 / 8000)
        bands = [power[(f >= lo) & (f < hi)] for lo, hi in pairwise(edges)]
        out += [band.mean() if len(band) else 0.0 for band in bands]
    log = np.log(np.array(out) + 1e-3)
    return log - log.max()


FAMILIES: dict[str, Callable[[], Iterator[Pair]]] = {
    f.__name__: f
    for f in (
        activity, breast_cancer, census, credit, digits, heart, mushrooms, newsgroups, office, reviews, spambase,
        spoken, usps, wine_quality, wine_types,
    )
}  # fmt: skip
# The halves are families in alphabetical order, taken in turn.
SET = tuple(sorted(FAMILIES))[0::2]
REPORTED = tuple(sorted(FAMILIES))[1::2]
