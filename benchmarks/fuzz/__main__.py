"""``python -m benchmarks.fuzz``: run the cases, print a table by kind, write the JSON file, exit with 1 on failure."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fuzz.case import Outcome, run_case
from benchmarks.fuzz.kinds import KINDS
from benchmarks.fuzz.runner import plan, prepare, run_all

FILE = Path(__file__).parents[1] / "fuzz.json"


def main() -> int:
    """Run what was asked for.

    Returns
    -------
    int
        1 if a case failed, else 0.
    """
    given = _arguments()
    if given.case is not None:
        prepare()
        for kind in given.only:
            outcome = run_case(kind, KINDS[kind].make, given.case, given.seed)
            print(f"{kind} {given.case}: {outcome.name}\n{outcome.status}: {outcome.words}\n{outcome.trace}")
        return 0
    outcomes = []
    for outcome in run_all(plan(given.n, given.only), given.seed, given.jobs):
        outcomes.append(outcome)
        if outcome.status == "failed":
            print(f"FAILED {outcome.kind} {outcome.index}: {outcome.name}\n    {outcome.words}", flush=True)
            if given.trace and outcome.trace:
                print(outcome.trace, flush=True)
    outcomes.sort(key=lambda o: (list(KINDS).index(o.kind), o.index))
    print(table(outcomes))
    for o in sorted(outcomes, key=lambda o: -o.seconds)[:5]:
        print(f"{o.seconds:6.1f} s {o.kind} {o.index}: {o.name}")
    if given.lines:
        print_lines(outcomes)
    if not given.only and given.n >= 3000:
        FILE.write_text(json.dumps(summary(outcomes, given.seed), indent=1) + "\n")
    return int(any(o.status == "failed" for o in outcomes))


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes by kind as a table.

    Parameters
    ----------
    outcomes : list of Outcome

    Returns
    -------
    str
    """
    rows = [("kind", "cases", "right", "refused", "failed", "slowest")]
    for kind, held in by_kind(outcomes).items():
        rows.append(
            (kind, *(str(held[k]) for k in ("cases", "right", "refused", "failed")), f"{held['slowest']:.1f} s")
        )
    return "\n".join(f"{r[0]:18s}" + "".join(f"{c:>9s}" for c in r[1:]) for r in rows)


def by_kind(outcomes: list[Outcome]) -> dict[str, dict[str, Any]]:
    """Return counts and the longest time by kind, and over all.

    Parameters
    ----------
    outcomes : list of Outcome

    Returns
    -------
    dict
    """
    found = {}
    for kind in [*dict.fromkeys(o.kind for o in outcomes), "all"]:
        of = [o for o in outcomes if kind in (o.kind, "all")]
        counts = Counter(o.status for o in of)
        found[kind] = {
            "cases": len(of),
            **{s: counts[s] for s in ("right", "refused", "failed")},
            "slowest": max((o.seconds for o in of), default=0.0),
        }
    return found


def summary(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """Return what the JSON file holds.

    Parameters
    ----------
    outcomes : list of Outcome
    seed : int

    Returns
    -------
    dict
    """
    import landbridge

    failed = [{k: v for k, v in o.to_dict().items() if k != "trace"} for o in outcomes if o.status == "failed"]
    return {"version": landbridge.__version__, "seed": seed, "kinds": by_kind(outcomes), "failures": failed}


def print_lines(outcomes: list[Outcome]) -> None:
    """Print each distinct line of a refusal, to be read."""
    seen = set()
    for o in outcomes:
        if o.status == "refused" and o.words not in seen:
            seen.add(o.words)
            print(f"{o.kind} {o.index} [{o.name[:60]}] {o.words}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=3000, help="number of cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=list(KINDS), help="kinds to run")
    parser.add_argument("--case", type=int, help="run the case of this index, and print its traceback")
    parser.add_argument("--trace", action="store_true", help="print the traceback of each failure")
    parser.add_argument("--lines", action="store_true", help="print the lines of all refusals")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
