"""``python -m benchmarks.repeated_samples``: is the accuracy that ``transfer`` reports that on new persons?

Persons have several rows each, and a person's own effect is much larger than that of the class. *Informative* persons
differ by class; the labels of *noise* persons are drawn, so that every transfer is a false alarm. *Voices* are the
recordings of the Parkinson data, split by person at random into a source, a target and new persons. Each is run with
the groups named, and without, where the repeats have to be found. Figures are kept run by run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge import Domain, transfer
from landbridge.data import shared_data

FILE = Path(__file__).with_suffix(".json")
METHODS = ["CORAL", "FeatureAugmentation"]
ROWS, FEATURES = 5, 6
# Standard deviations: of persons, of the rows of a person; and the distance of the classes.
PERSON, ROW, CLASS = 1.0, 0.2, 0.4
Persons = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def draw_persons(rng: np.random.Generator, n: int, *, shift: float, informative: bool) -> Persons:
    """Draw rows, labels and persons.

    Parameters
    ----------
    rng : Generator
    n : int
        Number of persons.
    shift : float
        Added to every feature.
    informative : bool
        Whether features depend on the label.

    Returns
    -------
    X, y, persons : ndarray
    """
    y = rng.permutation(np.arange(n) % 2)
    centre = PERSON * rng.normal(size=(n, FEATURES)) + shift + (CLASS * y[:, None] if informative else 0.0)
    X = np.repeat(centre, ROWS, axis=0) + ROW * rng.normal(size=(n * ROWS, FEATURES))
    return X, np.repeat(y, ROWS), np.repeat(np.arange(n), ROWS)


def voices(rng: np.random.Generator) -> tuple[Persons, Persons, Persons]:
    """Split the persons of the Parkinson data into a source, a target and new persons.

    Parameters
    ----------
    rng : Generator

    Returns
    -------
    source, target, new : tuple of ndarray
    """
    import pandas as pd

    frame = pd.read_csv(shared_data("parkinsons.csv"))
    person = frame["name"].str.rsplit("_", n=1).str[0].to_numpy()
    X, y = frame.drop(columns=["name", "status"]).to_numpy(), frame["status"].to_numpy()
    side: dict[str, int] = {}
    for c in (0, 1):
        for i, p in enumerate(rng.permutation(np.unique(person[y == c]))):
            side[p] = i % 3
    of = np.array([side[p] for p in person])
    return tuple((X[of == k], y[of == k], person[of == k]) for k in range(3))  # type: ignore[return-value]


def run_one(parts: tuple[Persons, Persons, Persons], named: bool) -> dict[str, Any]:
    """Transfer once, and score the chosen model on new persons.

    Parameters
    ----------
    parts : tuple of (X, y, persons)
        Source, target and new persons.
    named : bool
        Whether the groups are given.

    Returns
    -------
    dict
    """
    (Xs, ys, gs), (Xt, yt, gt), (Xn, yn, _) = parts
    learner = make_pipeline(StandardScaler(), KNeighborsClassifier(5))
    source, target = (
        Domain(X, y, groups=[f"{n}{p}" for p in g] if named else None)
        for X, y, g, n in ((Xs, ys, gs, "s"), (Xt, yt, gt, "t"))
    )
    result = transfer(source, target, estimator=learner, methods=METHODS, scoring="accuracy", n_jobs=1)
    by_row = cross_val_score(learner, Xt, yt, cv=StratifiedKFold(5, shuffle=True, random_state=0)).mean()
    estimate = result[result.decision.chosen].estimate
    return {
        "chosen": result.decision.chosen,
        "transferred": result.decision.transferred,
        "reported": None if estimate is None else estimate.value,
        "new": float((result.predict(Xn) == yn).mean()),
        "by_row": float(by_row),
        "noted": bool(result.notes),
    }


def run(kind: str, n_draws: int, named: bool) -> list[dict[str, Any]]:
    """Run one kind of data several times.

    Parameters
    ----------
    kind : {"informative", "noise", "voices"}
    n_draws : int
    named : bool

    Returns
    -------
    list of dict
    """
    runs = []
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        if kind == "voices":
            parts = voices(rng)
        else:
            n = (40, 40, 400) if kind == "informative" else (25, 25, 100)
            shifts = (0.0, 0.5, 0.5)
            parts = tuple(  # type: ignore[assignment]
                draw_persons(rng, k, shift=s, informative=kind == "informative") for k, s in zip(n, shifts, strict=True)
            )
        runs.append(run_one(parts, named))
    return runs


def summary(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the means over draws, in percent.

    Parameters
    ----------
    runs : list of dict

    Returns
    -------
    dict
    """
    kept = [r for r in runs if r["reported"] is not None]
    gap = np.array([100 * (r["reported"] - r["new"]) for r in kept])
    return {
        "draws": len(runs),
        "reported": float(np.mean([100 * r["reported"] for r in kept])),
        "new": float(np.mean([100 * r["new"] for r in kept])),
        "gap": float(gap.mean()),
        "gap_error": float(gap.std(ddof=1) / np.sqrt(len(gap))),
        "by_row": float(np.mean([100 * r["by_row"] for r in runs])),
        "transferred": float(np.mean([100 * r["transferred"] for r in runs])),
        "noted": float(np.mean([100 * r["noted"] for r in runs])),
    }


def main() -> None:
    """Run everything and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="Draws of informative persons and of voices.")
    parser.add_argument("--noise", type=int, default=50, help="Draws of noise persons.")
    given = parser.parse_args()
    kept: dict[str, Any] = {}
    for kind, n_draws in (("informative", given.draws), ("voices", given.draws), ("noise", given.noise)):
        for named in (True, False):
            runs = run(kind, n_draws, named)
            found = summary(runs)
            kept[f"{kind}, groups {'named' if named else 'not named'}"] = {"summary": found, "runs": runs}
            words = " ".join(f"{k} {v:.1f}" for k, v in found.items())
            print(f"{kind:12s} {'named' if named else 'not named':10s} {words}", flush=True)
    FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
