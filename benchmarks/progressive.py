"""``python -m benchmarks.progressive``: what tasks gain from earlier ones in a progressive network, over three seeds.

Series: Omniglot alphabets, a large one and then four with few rows; handwritten digits as they are, with inverted
colours and with their dots in another order. Every seed is kept as it ends.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.data import load_builtin
from landbridge.neural.progressive import ForwardTransfer, ProgressiveClassifier
from landbridge.neural.progressive._transfer import one_series

FILE = Path(__file__).parent / "progressive.json"
N_CHARACTERS = 20
Tasks = dict[str, tuple[Any, Any, Any, Any]]


def alphabets() -> Tasks:
    """Five background alphabets of 20 characters or more, the first five: 10 drawers for the test, 10 or 3 to learn."""
    from benchmarks.fewshot import background

    X, y, alphabet = background()
    tasks: Tasks = {}
    for k in range(20):
        characters = np.unique(y[alphabet == k])[:N_CHARACTERS]
        if len(characters) < N_CHARACTERS or len(tasks) == 5:
            continue
        # 20 drawers a character, in order
        rows = np.array([np.flatnonzero(y == c) for c in characters])
        train, test = rows[:, : 3 if tasks else 10].ravel(), rows[:, 10:].ravel()
        tasks[f"alphabet {k}"] = (X[train], y[train], X[test], y[test])
    return tasks


def digits() -> Tasks:
    """Digits as they are (600 rows), then inverted, then permuted, then both (60 rows each)."""
    held = load_builtin("handwritten")
    X, y, top = held.X, held.y, held.X.max()
    order = np.random.default_rng(0).permutation(X.shape[1])
    changes = {"plain": X, "inverted": top - X, "permuted": X[:, order], "both": (top - X)[:, order]}
    cuts = [slice(0, 600), slice(600, 660), slice(660, 720), slice(720, 780)]
    test = slice(1000, 1797)
    return {n: (Z[c], y[c], Z[test], y[test]) for (n, Z), c in zip(changes.items(), cuts, strict=True)}


SERIES: dict[str, Any] = {
    "alphabets": (alphabets, {}),
    "digits": (digits, {}),
    "digit images": (digits, {"image_shape": (8, 8)}),
}


def main() -> None:
    """Measure the seeds that are missing, keep each, and print what all of them say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", nargs="*", default=list(SERIES))
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    for series in given.series:
        make, settings = SERIES[series]
        tasks, scores = make(), []
        for seed in range(given.seeds):
            held = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
            key = f"{series} {seed}"
            if key not in held:
                model = ProgressiveClassifier(device="cpu", **settings)
                held[key] = one_series(tasks, model, seed, control=True).tolist()
                FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
            scores.append(held[key])
        grown, alone, untrained = np.array(scores).transpose(1, 0, 2)
        print(series, ForwardTransfer(tuple(tasks), grown, alone, untrained), sep="\n", flush=True)


if __name__ == "__main__":
    main()
