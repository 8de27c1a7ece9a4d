"""``python -m benchmarks.guard_audit``: run ``transfer`` over the pairs, keep every run, write the page.

Runs that are there with the same code and the same data are not repeated. Target labels only score, but for those that
a regime gives to learn from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import landbridge
from benchmarks.guard_audit.page import write_page
from benchmarks.guard_audit.pairs import Pair, Sides, all_pairs
from benchmarks.guard_audit.peers import run_peers

HERE = Path(__file__).parent
FILE = HERE / "results.json"
# Packages of which no answer for a table depends.
ASIDE = ("cli", "neural", "relation", "report", "zeroshot")
REGIMES = {"none": "hide", "few": 3}
# Target labels are given for every third pair.
EVERY = 3


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
        run_peers({n: p for n, p in pairs.items() if p.kind}, range(given.seeds), again=given.again)
    write_page(read(FILE), all_pairs())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="pairs whose name holds one of these words")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the samples")
    parser.add_argument("--kind", choices=("real", "made"), help="only these pairs")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--regime", choices=tuple(REGIMES), help="only this many target labels")
    parser.add_argument("--again", action="store_true", help="also what was run with this code")
    parser.add_argument("--peers", action="store_true", help="also the scorers of skada, in their own environment")
    parser.add_argument("--list", action="store_true", help="only show the pairs")
    return parser.parse_args()


def _wanted(name: str, pair: Pair, given: argparse.Namespace) -> bool:
    return (not given.only or any(w in name for w in given.only)) and given.kind in (None, pair.kind)


def code_version() -> str:
    """Digest of the code that an answer for a table depends on.

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    root = Path(landbridge.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in ASIDE:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def fingerprint(sides: Sides) -> str:
    """Digest of the samples and labels of a pair.

    Parameters
    ----------
    sides : Sides

    Returns
    -------
    str
    """
    digest = hashlib.sha256()
    for part in sides:
        rows = part.toarray() if sparse.issparse(part) else np.asarray(part)
        # rounded, since the last digits of a decomposition depend on the machine
        digest.update(np.round(rows.astype(float), 3).tobytes() if rows.dtype.kind in "fiub" else repr(rows).encode())
    return digest.hexdigest()[:12]


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


def run_key(name: str, regime: str, seed: int) -> str:
    """Key of one run in the results."""
    return f"{name} | {regime} | {seed}"


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
    about |= {"n": [sides.Xs.shape[0], sides.Xt.shape[0], sides.Xs.shape[1]]}
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = landbridge.transfer(
                (sides.Xs, sides.ys), (sides.Xt, sides.yt), target_labels=REGIMES[regime], n_jobs=1,
                task="regression" if sides.yt.dtype.kind == "f" else "classification",
            )  # fmt: skip
    except landbridge.InputError as error:
        return about | {"error": str(error)}
    return about | measured(result) | {"seconds": round(time.perf_counter() - started, 1)}


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
    gain, chosen = decision.gain, result[decision.chosen]
    # Where the source model is kept, the gain that was refused says how close the decision was.
    gains = [c.gain for c in result.candidates if c.gain is not None and c.gain.p_value is not None]
    best = min(gains, key=lambda g: g.p_value, default=None)
    shown = gain or best
    kinds = sorted({k for c in result.candidates for k in c.evidence}) if not decision.transferred else chosen.evidence
    return {
        "metric": result.metric,
        "source_only": scores.get("source-only"),
        "handed_over": scores.get(decision.chosen),
        "chosen": decision.chosen,
        "transferred": decision.transferred,
        "shift": result.diagnosis.kind,
        "evidence": ", ".join(kinds) or decision.evidence,
        "assumption": decision.assumption,
        "p_value": None if shown is None or shown.p_value is None else float(f"{shown.p_value:.2g}"),
        "reason": decision.reason,
        "scores": scores,
    }


def read(path: Path) -> dict[str, Any]:
    """Results that are there, none if there are none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(path: Path, key: str, record: dict[str, Any]) -> None:
    """Add one run to the results, one line per run; what others have written meanwhile is kept."""
    held = read(path) | {key: record}
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(held[k])}" for k in sorted(held))
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    part.replace(path)


def _line(record: dict[str, Any]) -> str:
    if "error" in record:
        return record["error"]
    return (
        f"{record['shift']}, {record['source_only']:.3f} > {record['handed_over']:.3f} by {record['chosen']}, "
        f"best {max(record['scores'].values()):.3f}, {record['seconds']} s"
    )


if __name__ == "__main__":
    main()
