"""``python -m benchmarks.target_shift``: rows that move and class shares that change together, without target labels.

Pairs from tables of the shared data folder and of scikit-learn: the target gets units, gains, offsets or nothing, and
other class shares; beside them pairs as they are found (hospitals, wines, tumours by size, people with sensors), and
covariate shifts made by a selection on one column. Target labels only score. Figures are points of accuracy of a
logistic regression: of the source model, after scaling each domain by itself, of LS-GeTarS, and of the strict rule,
which maps only where the share profile allows it, and else keeps the source model.

The thresholds of ``landbridge.discrepancy._share_profile`` were set on the pairs of the half ``set``; the half
``report`` was looked at afterwards.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge import make_pipeline
from landbridge.data import load_builtin, shared_data
from landbridge.discrepancy import share_profile
from landbridge.feature import DomainScaler, LSGeTarS

FILE = Path(__file__).parent / "target_shift.json"
Table = tuple[NDArray[np.float64], NDArray[np.intp]]
MOVES = ("none", "unit", "offset", "gain", "both")
SHARES = ((0.5, 0.5), (0.5, 0.04), (0.7, 0.25), (0.5, 0.98))
HOSPITAL_COLUMNS = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak"]


class Pair(NamedTuple):
    """A labelled source and a target whose labels only score.

    Parameters
    ----------
    name : str
    Xs, ys, Xt, yt : ndarray
    half : str
        ``"set"`` or ``"report"``.
    """

    name: str
    Xs: NDArray[np.float64]
    ys: NDArray[np.intp]
    Xt: NDArray[np.float64]
    yt: NDArray[np.intp]
    half: str


def main() -> None:
    """Run what has not been run yet, and print every pair and the sums of both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anew", action="store_true", help="forget the figures that are kept")
    parser.add_argument("--only", default="", help="pairs whose names hold this")
    given = parser.parse_args()
    held: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() and not given.anew else {}
    for pair in pairs():
        if given.only in pair.name and pair.name not in held:
            held[pair.name] = figures(pair)
            FILE.write_text(json.dumps(held, indent=1) + "\n")
            print(_line(pair.name, held[pair.name]), flush=True)
    for half in ("set", "report"):
        print(half, _summary([f for f in held.values() if f["half"] == half]))


def pairs() -> Iterator[Pair]:
    """Go through all pairs.

    Yields
    ------
    Pair
    """
    tables = _tables()
    for name, (X, y) in tables.items():
        for move in MOVES:
            for s, t in SHARES:
                yield _made(f"{name}, {move}, {s:g} to {t:g}", X, y, s, t, move)
        for column in range(3):
            yield _selected(f"{name}, selected by column {column}", X, y, column)
    for name, (one, other) in _found(tables).items():
        for source, target, way in ((one, other, "there"), (other, one, "back")):
            yield Pair(f"{name}, {way}", *source, *target, _half(f"{name}, {way}"))


def figures(pair: Pair) -> dict[str, Any]:
    """Score the ways of treating one pair.

    Parameters
    ----------
    pair : Pair

    Returns
    -------
    dict
    """
    learner = LogisticRegression(max_iter=1000)
    alone = plain_pipeline(StandardScaler(), learner).fit(pair.Xs, pair.ys)
    scaled = make_pipeline(DomainScaler(), learner).fit(pair.Xs, pair.ys, X_target=pair.Xt)
    mapped = make_pipeline(DomainScaler(), LSGeTarS(learner, random_state=0))
    mapped = mapped.fit(pair.Xs, pair.ys, X_target=pair.Xt)
    profile = share_profile(pair.Xs, pair.ys, pair.Xt, random_state=0)
    score = {
        name: 100 * float(np.mean(model.predict(pair.Xt) == pair.yt))
        for name, model in (("source-only", alone), ("scaled", scaled), ("LS-GeTarS", mapped))
    }
    score["rule"] = score["LS-GeTarS" if profile.allows_map else "source-only"]
    best = profile.hypotheses["map and shares"]
    return score | {
        "half": pair.half,
        "explanation": profile.explanation,
        "allowed": profile.allows_map,
        "outside": profile.outside,
        "true_share": float(pair.yt.mean()),
        "share": best.shares[1],
        "low": best.low[1],
        "high": best.high[1],
        "fits": {k: [h.misfit, h.split_misfit] for k, h in profile.hypotheses.items()},
    }


def _tables() -> dict[str, Table]:
    cancer, digits = load_breast_cancer(), load_digits()
    two = np.isin(digits.target, [3, 8])
    spam = pd.read_csv(_file("spambase.csv.gz"))
    wines = [pd.read_csv(_file(f"wine_quality_{c}.csv.gz")).to_numpy(float)[:, :11] for c in ("red", "white")]
    with np.load(_file("activity.npz")) as held:
        X, y = held["X"].astype(float), held["y"].astype(int)
    first, second = np.argsort(-np.bincount(y))[:2]
    moving = np.isin(y, [first, second]) & np.isfinite(X).all(axis=1)
    return {
        "cleveland": _hospital("cleveland"),
        "hungarian": _hospital("hungarian"),
        "tumours": (cancer.data, cancer.target),
        "digits 3 and 8": (digits.data[two], (digits.target[two] == 8).astype(int)),
        "spam": (spam.iloc[:, :-1].to_numpy(float), spam.iloc[:, -1].to_numpy(int)),
        "wine colour": (np.concatenate(wines), np.repeat([0, 1], [len(w) for w in wines])),
        "sensors": (X[moving], (y[moving] == second).astype(int)),
    }


def _found(tables: dict[str, Table]) -> dict[str, tuple[Table, Table]]:
    rng = np.random.default_rng(0)
    out = {"hospitals": (tables["cleveland"], tables["hungarian"])}
    wines = [pd.read_csv(_file(f"wine_quality_{c}.csv.gz")).to_numpy(float) for c in ("red", "white")]
    wines = [w[rng.permutation(len(w))[:800]] for w in wines]
    out["wine quality"] = tuple((w[:, :11], (w[:, 11] > 5).astype(int)) for w in wines)  # type: ignore[assignment]
    small, large = (load_builtin(f"tumours-{s}") for s in ("small", "large"))
    known = np.unique(np.asarray(small.y))
    out["tumours by size"] = tuple(  # type: ignore[assignment]
        (np.asarray(d.X), np.searchsorted(known, np.asarray(d.y))) for d in (small, large)
    )
    with np.load(_file("activity.npz")) as held:
        X, y, person = held["X"].astype(float), held["y"].astype(int), held["subject"].astype(int)
    first, second = np.argsort(-np.bincount(y))[:2]
    use = np.isin(y, [first, second]) & np.isfinite(X).all(axis=1)
    X, y, person = X[use], (y[use] == second).astype(int), person[use]
    for p in np.unique(person):
        one = person == p
        if one.sum() >= 150 and len(np.unique(y[one])) == 2 and len(out) < 9:
            rest = rng.permutation(np.flatnonzero(~one))[:800]
            out[f"person {p}"] = ((X[rest], y[rest]), (X[one], y[one]))
    return out


def _hospital(name: str) -> Table:
    table, known = pd.read_csv(_file(f"heart_{name}.csv")), pd.read_csv(_file("heart_cleveland.csv"))
    X = table[HOSPITAL_COLUMNS].fillna(known[HOSPITAL_COLUMNS].median()).to_numpy(float)
    return X, (table["num"] > 0).to_numpy().astype(int)


def _made(name: str, X: Any, y: Any, source_share: float, target_share: float, move: str) -> Pair:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    order = rng.permutation(len(y))
    halves = order[: len(y) // 2], order[len(y) // 2 :]
    rows = [_drawn(rng, y, h, s) for h, s in zip(halves, (source_share, target_share), strict=True)]
    (Xs, ys), (Xt, yt) = ((X[r], y[r]) for r in rows)
    spread, d = X.std(axis=0), X.shape[1]
    if move == "unit":
        factor = np.ones(d)
        factor[rng.integers(d)] = 38.67
        Xt = Xt * factor
    elif move != "none":
        gain, offset = {"offset": (0.0, 1.5), "gain": (0.7, 0.0), "both": (0.5, 1.0)}[move]
        Xt = Xt * np.exp(rng.normal(0.0, gain, d)) + spread * rng.normal(0.0, offset, d)
    return Pair(name, Xs, ys, Xt, yt, _half(name))


def _drawn(rng: Any, y: Any, rows: Any, share: float, n: int = 400) -> Any:
    """Draw at most 400 of some rows, so that class 1 has a share of them."""
    ones, others = rows[y[rows] == 1], rows[y[rows] == 0]
    n = int(min(n, len(ones) / share, len(others) / (1 - share)))
    k = max(round(n * share), 1)
    return np.concatenate([rng.permutation(ones)[:k], rng.permutation(others)[: max(n - k, 1)]])


def _selected(name: str, X: Any, y: Any, column: int) -> Pair:
    """Let the target have mostly the large values of one column, the source mostly the small ones."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    varied = np.argsort([-len(np.unique(c)) for c in X.T], kind="stable")[column]
    rank = np.argsort(np.argsort(X[:, varied], kind="stable"), kind="stable") / len(X)
    target = rng.uniform(size=len(X)) < 1 / (1 + np.exp(-10 * (rank - 0.5)))
    sides = [rng.permutation(np.flatnonzero(where))[:400] for where in (~target, target)]
    return Pair(name, X[sides[0]], y[sides[0]], X[sides[1]], y[sides[1]], _half(name))


def _half(name: str) -> str:
    return ("set", "report")[zlib.crc32(name.encode()) % 2]


def _file(name: str) -> Path:
    path = shared_data(name)
    if path is None:
        raise SystemExit(f"{name} is not in the shared data folder; set LANDBRIDGE_DATA")
    return Path(path)


def _line(name: str, f: dict[str, Any]) -> str:
    scores = " ".join(f"{k} {f[k]:5.1f}" for k in ("source-only", "scaled", "LS-GeTarS", "rule"))
    share = f"share {f['true_share']:.2f} found {f['share']:.2f} [{f['low']:.2f}, {f['high']:.2f}]"
    return f"{name:36s} {scores} {share} outside {f['outside']:.2f} {f['explanation']}"


def _summary(held: list[dict[str, Any]]) -> str:
    means = " ".join(f"{k} {np.mean([f[k] for f in held]):.1f}" for k in ("source-only", "scaled", "LS-GeTarS", "rule"))
    acted = [f["rule"] - f["source-only"] for f in held if f["allowed"]]
    kept = [f["LS-GeTarS"] - f["source-only"] for f in held if not f["allowed"]]
    inside = np.mean([f["low"] - 0.03 <= f["true_share"] <= f["high"] + 0.03 for f in held])
    return (
        f"{len(held)} pairs: mean {means}; the rule mapped {len(acted)}, gain {np.mean(acted):+.1f}, "
        f"{sum(g < -1 for g in acted)} lost more than a point, worst {min(acted):+.1f}; of the others LS-GeTarS would "
        f"have gained more than a point on {sum(g > 1 for g in kept)} and lost on {sum(g < -1 for g in kept)}, worst "
        f"{min(kept):+.1f}; interval holds the share in {100 * inside:.0f} %"
    )


if __name__ == "__main__":
    main()
