"""``python -m benchmarks.guard_audit``: run ``transfer`` over the pairs, keep every run, write the page.

Runs that are there with the same code and the same data are not repeated. Target labels only score, but for those that
a regime gives to learn from.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

import landbridge
from benchmarks.guard_audit.kept import code_version, fingerprint, keep, read, run_key
from benchmarks.guard_audit.page import write_page
from benchmarks.guard_audit.pairs import Pair, Sides, all_pairs
from benchmarks.guard_audit.peers import FILE as PEER_FILE
from benchmarks.guard_audit.peers import run_peers
from landbridge.exceptions import InputError

HERE = Path(__file__).parent
FILE = HERE / "results.json"
REGIMES = {"none": "hide", "few": 3}
# Words of an assumption to the kind of evidence.
EVIDENCE = {
    "labelled target samples": "target labels",
    "P(x given y) is the same": "weighted source, label shift",
    "P(y given x) is the same": "weighted source, covariate shift",
    "err independently": "ensemble",
    "swap classes": "reverse validation",
    "features show every shift": "no shift",
    "another scale and offset, the same": "share profile",
    "rescaled or moved for all classes alike": "share profile",
    "any distribution that the features allow": "share profile, kept",
    "those of the source in another unit": "units of single features",
    "have learned something on the source": "unlearnable source",
}
# Target labels are given for every eighth pair.
EVERY = 8


def main() -> None:
    """Run what has not been run with this code, and write the page."""
    given = _arguments()
    pairs = {n: p for n, p in all_pairs().items() if _wanted(n, p, given)}
    if given.list:
        for name, pair in pairs.items():
            sides = pair.sides(0)
            shares = np.unique(sides.yt, return_counts=True)[1][:10].tolist()
            print(f"{name:45s} {pair.kind} {pair.data:15s} {sides.Xs.shape} {sides.Xt.shape} {shares}")
        return
    version = code_version()
    jobs = list(_missing(pairs, given, version))
    print(f"{len(pairs)} pairs, {len(jobs)} runs to do, code {version}", flush=True)
    for i, (key, record) in enumerate(_run_all(jobs, given.jobs), 1):
        keep(FILE, key, record | {"version": version})
        print(f"{i}/{len(jobs)} {key}: {_line(record)}", flush=True)
    if given.peers:
        run_peers(pairs, range(given.seeds), again=given.again)
    write_page(read(FILE), read(PEER_FILE))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="pairs whose name holds one of these words")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the samples")
    parser.add_argument("--kind", choices=("real", "made"), help="only these pairs")
    parser.add_argument("--fresh", action="store_true", help="only pairs that were drawn up after the rules")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--regime", choices=tuple(REGIMES), help="only this many target labels")
    parser.add_argument("--again", action="store_true", help="also what was run with this code")
    parser.add_argument("--peers", action="store_true", help="also the scorers of skada, in their own environment")
    parser.add_argument("--list", action="store_true", help="only show the pairs")
    return parser.parse_args()


def _wanted(name: str, pair: Pair, given: argparse.Namespace) -> bool:
    named = not given.only or any(w in name for w in given.only)
    return named and given.kind in (None, pair.kind) and not (given.fresh and pair.set_on)


def _missing(pairs: dict[str, Pair], given: argparse.Namespace, version: str) -> Iterator[tuple[str, str, int]]:
    """Pair, regime and seed of every run that is to be done, those without target labels first."""
    held = {} if given.again else read(FILE)
    few = set(list(all_pairs())[::EVERY])
    for seed in range(given.seeds):
        for regime in REGIMES:
            if given.regime not in (None, regime):
                continue
            for name, pair in pairs.items():
                if regime == "few" and name not in few:
                    continue
                record = held.get(run_key(name, regime, seed), {})
                if record.get("version") == version and record.get("samples") == fingerprint(pair.sides(seed)):
                    continue
                yield name, regime, seed


def _run_all(jobs: list[tuple[str, str, int]], n_jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if n_jobs == 1:
        for job in jobs:
            yield run_key(*job), run_one(*job)
        return
    with ProcessPoolExecutor(n_jobs) as pool:
        running = {pool.submit(run_one, *job): run_key(*job) for job in jobs}
        for done in as_completed(running):
            yield running[done], done.result()


def run_one(name: str, regime: str, seed: int) -> dict[str, Any]:
    """Transfer over one pair, and score everything by the hidden target labels.

    Parameters
    ----------
    name : str
        Pair.
    regime : {"none", "few"}
        Which target labels are learned from.
    seed : int
        Of the samples; ``transfer`` itself has its own default seed.

    Returns
    -------
    dict
        JSON-ready; only ``error`` where the call raised.
    """
    pair = all_pairs()[name]
    sides = pair.sides(seed)
    about = {"kind": pair.kind, "data": pair.data, "set_on": pair.set_on, "samples": fingerprint(sides)}
    about |= facts(sides)
    started = time.perf_counter()
    try:
        result = _transfer(sides, regime)
    except InputError as error:
        return about | {"error": str(error)}
    found = measured(result) | {"seconds": round(time.perf_counter() - started, 1)}
    scores = found["scores"]
    return about | found | {"linear_ot": scores["LinearOT"] if "LinearOT" in scores else linear_ot(sides, regime)}


def _transfer(sides: Sides, regime: str, **options: Any) -> Any:
    yt = sides.yt
    if yt.dtype.kind != "f" and not (known := np.isin(yt, sides.ys)).all():
        # no model can be right about a class that the source lacks: its samples are there, and do not score
        yt = yt.astype(object)
        yt[~known] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return landbridge.transfer(
            (sides.Xs, sides.ys), (sides.Xt, yt), target_labels=REGIMES[regime], n_jobs=1,
            task="regression" if sides.yt.dtype.kind == "f" else "classification", **options,
        )  # fmt: skip


def linear_ot(sides: Sides, regime: str) -> float | None:
    """Score of LinearOT where the diagnosed shift ruled it out, so that it can be compared on every pair.

    Parameters
    ----------
    sides : Sides
    regime : str

    Returns
    -------
    float or None
        None where it does not apply or failed.
    """
    try:
        hidden = _transfer(sides, regime, methods=["LinearOT"], exhaustive=True)["LinearOT"].hidden
    except (InputError, KeyError):
        return None
    return None if hidden is None else round(hidden.value, 4)


def facts(sides: Sides) -> dict[str, Any]:
    """What the labels of both sides say about a pair; the page sorts losses by it.

    Parameters
    ----------
    sides : Sides

    Returns
    -------
    dict
        ``n``: samples of source and target, and features; ``majority``: share of the largest class in the target;
        ``shares_moved``: total variation between the class shares of the two sides. The last two only for classes.
    """
    found: dict[str, Any] = {"n": [sides.Xs.shape[0], sides.Xt.shape[0], sides.Xs.shape[1]]}
    if sides.yt.dtype.kind == "f":
        return found
    classes = np.unique(np.concatenate([sides.ys, sides.yt]))
    p, q = (np.array([np.mean(y == c) for c in classes]) for y in (sides.ys, sides.yt))
    return found | {"majority": round(float(q.max()), 3), "shares_moved": round(float(np.abs(p - q).sum() / 2), 3)}


def measured(result: Any) -> dict[str, Any]:
    """What is kept of a result: scores by hidden labels, the decision and what it rests on.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
    """
    scores = {c.name: round(c.hidden.value, 4) for c in result.candidates if c.hidden is not None}
    decision = result.decision
    gain = decision.gain
    # Where the source model is kept, the gain that was refused says how close the decision was.
    gains = [c.gain for c in result.candidates if c.gain is not None and c.gain.p_value is not None]
    best = min(gains, key=lambda g: g.p_value, default=None)
    shown = gain or best
    return {
        "metric": result.metric,
        "source_only": scores.get("source-only"),
        "handed_over": scores.get(decision.chosen),
        "chosen": decision.chosen,
        "transferred": decision.transferred,
        "shift": result.diagnosis.kind,
        "evidence": evidence_kind(decision.assumption),
        "assumption": decision.assumption,
        "p_value": None if shown is None or shown.p_value is None else float(f"{shown.p_value:.2g}"),
        "reason": decision.reason,
        "scores": scores,
    }


def evidence_kind(assumption: str) -> str:
    """Kind of evidence that an assumption belongs to (see docs/guard.md).

    Parameters
    ----------
    assumption : str
        Of a decision.

    Returns
    -------
    str
        The assumption itself where no kind of the table fits.
    """
    return next((kind for words, kind in EVIDENCE.items() if words in assumption), assumption)


def _line(record: dict[str, Any]) -> str:
    if "error" in record:
        return record["error"]
    return (
        f"{record['shift']}, {record['source_only']:.3f} > {record['handed_over']:.3f} by {record['chosen']}, "
        f"best {max(record['scores'].values()):.3f}, {record['seconds']} s"
    )


if __name__ == "__main__":
    main()
