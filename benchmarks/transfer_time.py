"""``python -m benchmarks.transfer_time``: what a user waits for, from the prompt to the report.

Three runs of the command line, each a process of its own: two small tables, two wider ones, and the built-in demo.
``--against PATH`` pairs every run with the same run of another checkout (the folder that holds ``src``), in turn, so
that both are measured on the same machine at the same time. ``--repeats`` takes the median of several. ``--shares``
prints, for one process that has its libraries loaded, the share of reading, inspecting and reporting in a whole run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
RUN = "import sys; from landbridge.cli import main; sys.argv[0] = 'landbridge'; main()"


def small_tables(folder: Path) -> list[str]:
    """Write 350 source and 46 target samples of two classes that moved apart."""
    return _tables(folder, 350, 46, 10)


def wide_tables(folder: Path) -> list[str]:
    """Write 500 source and 1,500 target samples of 128 features."""
    return _tables(folder, 500, 1500, 128)


def demo(folder: Path) -> list[str]:
    """Return the built-in demo: digits rendered from fonts, and handwritten ones."""
    return ["builtin:printed", "builtin:handwritten", "--target-labels", "hide"]


RUNS = (small_tables, wide_tables, demo)


def _tables(folder: Path, n_source: int, n_target: int, n_features: int) -> list[str]:
    import pandas as pd

    rng = np.random.default_rng(0)
    coefficients = rng.normal(size=n_features)
    words = []
    for side, n, offset in (("source", n_source, 0.0), ("target", n_target, 1.5)):
        X = rng.normal(size=(n, n_features))
        y = (X @ coefficients + rng.normal(size=n) > 0).astype(int)
        table = pd.DataFrame(X * (1 + offset) + offset, columns=[f"x{i}" for i in range(n_features)])
        file = folder / f"{side}.csv"
        table.assign(label=y).to_csv(file, index=False)
        words.append(str(file))
    return [*words, "--label", "label", "--target-labels", "hide"]


def seconds(source: Path, words: list[str], out: Path) -> float:
    """Time one run of the command line in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    command = [sys.executable, "-c", RUN, "transfer", *words, "--out", str(out), "-q"]
    started = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ended.returncode:
        raise SystemExit(f"the run failed: {ended.stderr.strip().splitlines()[-1:]}")
    return time.perf_counter() - started


def shares(run: Callable[[Path], list[str]], folder: Path) -> dict[str, float]:
    """Measure the parts of a run that are neither learning nor judging, in seconds, and their share of the whole."""
    import landbridge

    words = run(folder)
    label = words[words.index("--label") + 1] if "--label" in words else None
    times = {"transfer": 0.0, "read and inspect": 0.0, "report": 0.0}
    for _ in range(2):  # the second time the libraries are loaded
        started = time.perf_counter()
        result = landbridge.transfer(words[0], words[1], label=label, target_labels="hide", n_jobs=1)
        times["transfer"] = time.perf_counter() - started
        started = time.perf_counter()
        result.report(folder / "report.html")
        times["report"] = time.perf_counter() - started
        started = time.perf_counter()
        landbridge.inspect(words[0], words[1], label=label)
        times["read and inspect"] = time.perf_counter() - started
    part = times["read and inspect"] + times["report"]
    whole = times["transfer"] + times["report"]
    return {name: round(t, 2) for name, t in times.items()} | {"share": round(part / whole, 3)}


def main() -> None:
    """Time every run, alone or against another checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="folder of another checkout")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of runs")
    parser.add_argument("--shares", action="store_true", help="what reading, inspecting and reporting take of a run")
    given = parser.parse_args()
    if given.shares:
        for run in RUNS:
            with tempfile.TemporaryDirectory() as name:
                print(run.__name__, shares(run, Path(name)), flush=True)
        return
    sides = {"now": SOURCE} | ({"before": given.against.resolve() / "src"} if given.against else {})
    found: dict[str, dict[str, float]] = {}
    for run in RUNS:
        if given.only and run.__name__ not in given.only:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            words, times = run(folder), {side: [] for side in sides}
            for i in range(given.repeats):
                for side, source in sides.items():
                    times[side].append(seconds(source, words, folder / f"{side}{i}"))
            found[run.__name__] = {side: round(statistics.median(t), 2) for side, t in times.items()}
            verdicts = {
                side: json.loads((folder / f"{side}0" / "result.json").read_text())["decision"]["chosen"]
                for side in sides
            }
        print(run.__name__, found[run.__name__], verdicts, flush=True)
    (HERE / "transfer_time.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
