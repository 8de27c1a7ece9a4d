"""``python -m benchmarks.ledger``: run the rows, write results.json and docs/ledger.md."""

from __future__ import annotations

import argparse
import importlib
import json
import time
import warnings
from pathlib import Path

from landbridge.catalogue import methods

HERE = Path(__file__).parent
# Every module of rows is found by its name; rows.py comes first.
ROWS = [
    row
    for file in sorted(HERE.glob("rows*.py"), key=lambda f: f.stem)
    for row in importlib.import_module(f"benchmarks.ledger.{file.stem}").ROWS
]
if twice := {r.__name__ for r in ROWS if [q.__name__ for q in ROWS].count(r.__name__) > 1}:
    raise SystemExit(f"two rows are called {', '.join(sorted(twice))}; their figures would overwrite each other")
PAGE = HERE.parents[1] / "docs" / "ledger.md"

HEAD = """# The fidelity ledger

Published figures against ours, on the published protocols; `make ledger` writes this page. *published* is a figure of
the method's own paper or its authors' code, *public re-run* one that others got from public code, *stated property*
something the paper claims that was checked on real data (ours must not be below it).

| method | protocol | figure | origin | ours | verdict | seconds |
|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Run every row, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of rows")
    wanted = parser.parse_args().only
    file = HERE / "results.json"
    held = json.loads(file.read_text()) if file.exists() else {}
    for row in ROWS:
        if wanted and row.__name__ not in wanted:
            continue
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = row()
            except FileNotFoundError as error:
                print(f"{row.__name__}: skipped, {error}")
                continue
        seconds = time.perf_counter() - started
        # read anew: another process may have written its own rows meanwhile
        held = json.loads(file.read_text()) if file.exists() else {}
        held[row.__name__] = found._asdict() | {"met": bool(found.met), "seconds": round(seconds, 1)}
        print(
            f"{row.__name__:20s} {found.published:8.3f} ours {found.ours:8.3f}",
            "met" if found.met else "SHORT",
            found.note,
        )
        file.write_text(json.dumps(held, indent=1, ensure_ascii=False))
    _write_page(held)


def _write_page(held: dict) -> None:
    lines, notes = [], []
    for row in ROWS:
        if (r := held.get(row.__name__)) is None:
            continue
        if r["met"]:
            verdict = "met"
        else:
            verdict = f"falls short by {abs(r['ours'] - r['published']) - r['tolerance']:.3g}"
        margin = f" ± {r['tolerance']:g}" if r["tolerance"] else ""
        sign = "≥ " if r["origin"] in ("stated property", "published, to reach") else ""
        lines.append(
            f"| {', '.join(r['methods'])} | {r['protocol']} | {sign}{r['published']:.4g}{margin} | {r['origin']} | "
            f"{r['ours']:.4g} | {verdict} | {r['seconds']:g} |"
        )
        if r["note"]:
            notes.append(f"* **{row.__name__.replace('_', ' ')}**: {r['note']}")
    covered = {m for r in held.values() for m in r["methods"]}
    missing = [m.name for m in methods() if m.name not in covered]
    text = HEAD + "\n".join(lines) + "\n\n## Details\n\n" + "\n".join(notes) + "\n\n## How to read these\n\n" + READING
    text += f"\n## Not in the ledger yet\n\n{', '.join(missing) or 'none'}\n"
    PAGE.write_text(text, encoding="utf-8")


READING = """Some conventions the papers leave open were settled on these very tasks, so the rows are agreement, not
prediction: the scaling of the embedding's columns in JDA and TJM was chosen among variants by the published
Office-Caltech table (the digits row then landed without a search), and TrAdaBoost's first weights by two of the sets
it is known for. The guard has no constant that was set on Office-Caltech: its smoothing, its votes and its thresholds
were set on other tasks (cross-person activity, cross-speaker digits, wine, census, reviews, newsgroups, mushrooms).
TransEMDT's defaults were chosen on the people of its row, which therefore averages over a grid instead. The strengths
of ADDA, MCD, MDD and of matching several sources were chosen on printed and handwritten digits with other seeds than
the row's, but the same images. The network for MNIST-M (batch norm, dots between -1 and 1) was chosen among four set-
ups by the target accuracy of seed 0, which is not among the row's seeds. The tasks of distant order were drawn up on
other digits, with about twenty variants tried; forty runs then gave +0.8 ± 1.0 over a random order, and the row's two
hundred are fresh ones. A second kind of task, with more of the pool useful, gave -0.1 ± 1.2 over fifty runs.
That rank() takes two scores together was decided on flowers, X-rays and photographs; paintings came after.
"""

if __name__ == "__main__":
    main()
