"""``python -m benchmarks.guard_audit.sources``: does ``rank`` put first the source that is best for a target?

The best source is the one whose source-only model is best on the target samples. ``rank`` sees the sources, the target
samples, and none or a few of the target labels.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd

import landbridge
from benchmarks.guard_audit.kept import code_version, keep, read
from benchmarks.guard_audit.pairs import MAX_FEATURES, N_SAMPLES, limited, reduced
from benchmarks.guard_audit.real import _adult, _heart, activity, office
from benchmarks.guard_audit.texts import newsgroups
from benchmarks.ledger.sets import _spectra
from landbridge.data import Encoder, shared_data
from landbridge.domain import Domain
from landbridge.tasks import get_task

FILE = Path(__file__).parent / "sources.json"
PAGE = Path(__file__).parents[2] / "docs" / "guard-audit-sources.md"
PER_CLASS = 5
Group = tuple[dict[str, tuple[Any, Any]], tuple[Any, Any]]


def main() -> None:
    """Rank the sources of every group, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="groups whose name holds one of these words")
    parser.add_argument("--again", action="store_true", help="also what was run with this code")
    given = parser.parse_args()
    version = code_version()
    for name, make in groups():
        held = {} if given.again else read(FILE)
        if (given.only and not any(w in name for w in given.only)) or held.get(name, {}).get("version") == version:
            continue
        found = rank_one(make(np.random.default_rng([0, len(name)])))
        keep(FILE, name, found | {"version": version})
        print(f"{name}: best {found['best']}, first {found['none']['first']} / {found['few']['first']}", flush=True)
    _write_page(read(FILE))


def rank_one(group: Group) -> dict[str, Any]:
    """Rank the sources of one group without and with a few target labels.

    Parameters
    ----------
    group : tuple of (dict, (X, y))
        Sources by name, and the target.

    Returns
    -------
    dict
        JSON-ready.
    """
    sources, (Xt, yt) = group
    rng = np.random.default_rng(0)
    labelled = np.concatenate([rng.permutation(np.flatnonzero(yt == c))[:PER_CLASS] for c in np.unique(yt)])
    some = np.full(len(yt), None, dtype=object)
    some[labelled] = yt[labelled]
    rest = np.setdiff1d(np.arange(len(yt)), labelled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        accuracy = {}
        for name, (X, y) in sources.items():
            model = get_task("classification").default_estimator().fit(X, y)
            accuracy[name] = round(float(np.mean(model.predict(Xt[rest]) == yt[rest])), 4)
        best = max(accuracy, key=lambda n: accuracy[n])
        found: dict[str, Any] = {"accuracy": accuracy, "best": best}
        for regime, y in (("none", None), ("few", some)):
            started = time.perf_counter()
            ranking = landbridge.rank(sources, Domain(Xt, y))
            found[regime] = {
                "first": ranking.best, "score": ranking.score, "seconds": round(time.perf_counter() - started, 1),
                "points_lost": round(100 * (accuracy[best] - accuracy[ranking.best]), 2),
                "values": {n: round(float(v), 5) for n, v in ranking.values.items()},
            }  # fmt: skip
    return found


def groups() -> Iterator[tuple[str, Callable[[np.random.Generator], Group]]]:
    """Go through the groups whose data is there.

    Yields
    ------
    tuple of (str, callable)
    """
    if shared_data("activity.npz") is not None:
        for i in (0, 6, 12):
            yield f"activity, person {activity()[3][i]}", lambda rng, i=i: _of_people(rng, i)
    if shared_data("spoken_digits.npz") is not None:
        for s in (0, 2, 5):
            yield f"spoken digits, speaker {s}", lambda rng, s=s: _of_speakers(rng, s)
    if shared_data("office_caltech_surf.npz") is not None:
        for camera in ("amazon", "caltech", "dslr", "webcam"):
            yield f"office, {camera}", lambda rng, c=camera: _of_cameras(rng, c)
    if shared_data("adult.csv.gz") is not None:
        yield "census, occupations", lambda rng: _of_census(rng, "occupation", "Exec-managerial")
        yield "census, workclasses", lambda rng: _of_census(rng, "workclass", "Local-gov")
    if shared_data("newsgroups20_bydate.npz") is not None:
        yield "newsgroups, rec or sci", _of_topics
    if shared_data("heart_hungarian.csv") is not None:
        yield "hospitals, hungarian", lambda rng: _of_hospitals(rng, "hungarian")
        yield "hospitals, cleveland", lambda rng: _of_hospitals(rng, "cleveland")


def _of_people(rng: np.random.Generator, i: int) -> Group:
    X, y, person, people = activity()
    others = [people[(i + k) % len(people)] for k in range(1, 7)]
    sides = {f"person {p}": limited(X[person == p], y[person == p], rng) for p in others}
    return sides, limited(X[person == people[i]], y[person == people[i]], rng)


def _of_speakers(rng: np.random.Generator, s: int) -> Group:
    X, y, speaker = _spectra()
    sides = {f"speaker {o}": limited(X[speaker == o], y[speaker == o], rng) for o in range(6) if o != s}
    return sides, limited(X[speaker == s], y[speaker == s], rng)


def _of_cameras(rng: np.random.Generator, camera: str) -> Group:
    parts = {name: limited(*side, rng) for name, side in office().items()}
    return _reduced({n: p for n, p in parts.items() if n != camera}, parts[camera])


def _of_census(rng: np.random.Generator, column: str, target: str) -> Group:
    table = _adult()
    values = [v for v in table[column].value_counts().index[:8] if v not in (target, "?")][:6]
    parts = {v: _some(table[table[column] == v], rng) for v in (*values, target)}
    return _tables({v: p.drop(columns=column) for v, p in parts.items()}, target, "income")


def _of_hospitals(rng: np.random.Generator, target: str) -> Group:
    """The other hospital, resamples of it with other patients and labels in random order, and women or men of it."""
    other = _heart({"hungarian": "cleveland", "cleveland": "hungarian"}[target])
    parts = {
        "whole": other,
        "women": other[other["sex"] == 0],
        "men": other[other["sex"] == 1],
        "under 50": other[other["age"] < 50],
        "over 55": other[other["age"] > 55],
        "a tenth of the labels random": other.assign(num=_partly(other["num"].to_numpy(), 0.1, rng)),
        "half of the labels random": other.assign(num=_partly(other["num"].to_numpy(), 0.5, rng)),
        target: _heart(target),
    }
    return _tables(parts, target, "num")


def _of_topics(rng: np.random.Generator) -> Group:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, y, classes = newsgroups()
    rec, sci = ([i for i, c in enumerate(classes) if c.startswith(p)] for p in ("rec.", "sci."))
    parts = {}
    for a, b in zip(rec, sci, strict=True):
        rows = rng.permutation(np.flatnonzero(np.isin(y, (a, b))))[:N_SAMPLES]
        parts[f"{classes[a]} and {classes[b]}"] = [texts[r] for r in rows], np.isin(y[rows], sci).astype(int)
    words = TfidfVectorizer(min_df=3, stop_words="english", sublinear_tf=True)
    words.fit([t for texts_of, _ in parts.values() for t in texts_of])
    sides = {n: (words.transform(t), labels) for n, (t, labels) in parts.items()}
    target = next(iter(sides))
    return _reduced({n: s for n, s in sides.items() if n != target}, sides[target])


def _partly(y: Any, share: float, rng: np.random.Generator) -> Any:
    rows = rng.permutation(len(y))[: round(share * len(y))]
    y = y.copy()
    y[rows] = rng.permutation(y[rows])
    return y


def _some(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return table.iloc[np.sort(rng.permutation(len(table))[:N_SAMPLES])]


def _tables(parts: dict[str, pd.DataFrame], target: str, label: str) -> Group:
    features = {n: p.drop(columns=label).reset_index(drop=True) for n, p in parts.items()}
    rest = pd.concat([f for n, f in features.items() if n != target], ignore_index=True)
    encoder = Encoder().fit(rest, features[target])
    sides = {n: (np.asarray(encoder.transform(f), float), parts[n][label].to_numpy()) for n, f in features.items()}
    return {n: s for n, s in sides.items() if n != target}, sides[target]


def _reduced(sources: dict[str, tuple[Any, Any]], target: tuple[Any, Any]) -> Group:
    from scipy import sparse

    X = [X for X, _ in sources.values()]
    stacked = sparse.vstack(X).tocsr() if sparse.issparse(X[0]) else np.vstack(X)
    A, B = reduced(stacked, target[0], MAX_FEATURES)
    ends = np.cumsum([part.shape[0] for part in X])[:-1]
    found = zip(sources, np.split(A, ends), [y for _, y in sources.values()], strict=True)
    return {n: (Z, y) for n, Z, y in found}, (B, target[1])


def _write_page(runs: dict[str, Any]) -> None:
    lines = [
        "# Margin of error of rank",
        "",
        f"Does `rank` put first the source whose source-only model is best on the target? {len(runs)} groups of",
        f"several sources and one target, with {PER_CLASS} target labels per class and without any. *Points lost* is",
        "the accuracy of the best source's model minus that of the source put first; *chance* is its mean over all",
        "sources.",
        "`python -m benchmarks.guard_audit.sources` writes this page.",
        "",
        "| target labels | best source first | points lost, mean | worst | chance |",
        "|---|---|---|---|---|",
    ]
    chance = mean(100 * (max(r["accuracy"].values()) - mean(r["accuracy"].values())) for r in runs.values())
    for regime, words in (("none", "none"), ("few", f"{PER_CLASS} per class")):
        lost = [r[regime]["points_lost"] for r in runs.values()]
        first = sum(v == 0 for v in lost)
        lines.append(f"| {words} | {first} of {len(lost)} | {mean(lost):.1f} | {max(lost):.1f} | {chance:.1f} |")
    lines += ["", "| target | sources | best | accuracy | no labels: first | lost | few labels: first | lost |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, r in runs.items():
        lines.append(
            f"| {name} | {len(r['accuracy'])} | {r['best']} | {r['accuracy'][r['best']]:.3f} | {r['none']['first']} | "
            f"{r['none']['points_lost']:.1f} | {r['few']['first']} | {r['few']['points_lost']:.1f} |"
        )
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
