"""``python -m benchmarks.relational``: clauses over a million facts, in seconds and gigabytes.

A university that is made up: who wrote what, who taught what, who assisted, who advises whom. The facts are read once,
then clauses of growing difficulty are grounded on 55,000 atoms, then a whole transfer from a few films runs.
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.relation import Clause, FactBase, Grounder, Literal, RelationalTransfer, sample_negatives

FILE = Path(__file__).parent / "relational.json"
PEOPLE, PROFESSORS, TITLES, COURSES, PAIRS = 100_000, 10_000, 200_000, 20_000, 5_000


def university(seed: int = 0) -> dict[str, list[list[str]]]:
    """Make the facts.

    Parameters
    ----------
    seed : int, default=0

    Returns
    -------
    dict
        Predicate to facts, a million altogether. Three advised pairs in five wrote something together.
    """
    rng = np.random.default_rng(seed)
    titles, authors = rng.integers(0, TITLES, 600_000), (PEOPLE * rng.random(600_000) ** 1.5).astype(int)
    teachers, assistants = np.arange(100_000) % PROFESSORS, PROFESSORS + np.arange(200_000) % (PEOPLE - PROFESSORS)
    taught, assisted = rng.integers(0, COURSES, 100_000), rng.integers(0, COURSES, 200_000)
    advised = np.column_stack([rng.integers(PROFESSORS, PEOPLE, PAIRS), rng.integers(0, PROFESSORS, PAIRS)]).tolist()
    facts = {
        "publication": [[f"title{a}", f"person{b}"] for a, b in zip(titles.tolist(), authors.tolist(), strict=True)],
        "professor": [[f"person{i}"] for i in range(PROFESSORS)],
        "student": [[f"person{i}"] for i in range(PROFESSORS, PEOPLE)],
        "hasposition": [[f"person{i}", f"position{i % 5}"] for i in range(PROFESSORS)],
        "taughtby": _lessons(taught, teachers),
        "ta": _lessons(assisted, assistants),
        "advisedby": [[f"person{a}", f"person{b}"] for a, b in advised],
    }  # fmt: skip
    facts["publication"] += [
        [f"joint{i}", p] for i, pair in enumerate(facts["advisedby"][: 3 * PAIRS // 5]) for p in pair
    ]
    return facts


def _lessons(courses: Any, people: Any) -> list[list[str]]:
    each = enumerate(zip(courses.tolist(), people.tolist(), strict=True))
    return [[f"course{c}", f"person{p}", f"quarter{i % 8}"] for i, (c, p) in each]


def main() -> None:
    """Run, print and keep the figures."""
    facts = university()
    told: dict[str, Any] = {"facts": sum(map(len, facts.values())), "before_gb": _peak()}
    base, told["load_seconds"] = _timed(lambda: FactBase(facts))
    head = Literal("advisedby", (0, 1))
    false, _ = sample_negatives(base, "advisedby", 50_000, np.random.RandomState(0))
    grounder = Grounder(base, np.concatenate([base.rows("advisedby"), false]))
    bodies = [
        (Literal("hasposition", (1, 2)), Literal("hasposition", (3, 2))),
        (Literal("professor", (1,)), Literal("publication", (2, 0)), Literal("publication", (2, 1))),
        (Literal("ta", (2, 0, 3)), Literal("taughtby", (2, 1, 3))),
        (Literal("ta", (2, 0, 3)), Literal("ta", (4, 5, 3)), Literal("taughtby", (4, 1, 6))),
        (
            Literal("publication", (2, 0)),
            Literal("publication", (2, 3)),
            Literal("publication", (4, 3)),
            Literal("publication", (4, 1)),
        ),
    ]
    told["clauses"] = []
    for body in bodies:
        clause = Clause(head, body)
        counts, seconds = _timed(lambda clause=clause: grounder.counts(clause))
        told["clauses"].append({"clause": str(clause), "groundings": float(counts.sum()), "seconds": seconds})
        print(told["clauses"][-1], flush=True)
    films = {
        "movie": [["m1", "a"], ["m1", "d"], ["m2", "b"], ["m2", "e"], ["m3", "c"], ["m3", "d"]],
        "director": [["d"], ["e"]],
        "actor": [["a"], ["b"], ["c"]],
        "workedunder": [["a", "d"], ["b", "e"], ["c", "d"]],
    }
    model = RelationalTransfer(random_state=0, negative_ratio=1.0)
    _, told["fit_seconds"] = _timed(lambda: model.fit(films, base, source_query="workedunder", query="advisedby"))
    told |= {"clauses_scored": model.n_clauses_scored_, "found": [str(c) for c in model.clauses_], "peak_gb": _peak()}
    print(json.dumps(told, indent=1))
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _timed(call: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    out = call()
    return out, round(time.perf_counter() - started, 2)


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


if __name__ == "__main__":
    main()
