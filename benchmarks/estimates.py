"""``python -m benchmarks.estimates``: how right are estimates of performance without target labels?

73 pairs of domains from 15 families, two learners, each as a source model and as one adapted by CORAL. The constants of
the combination are set on the families of ``estimate_pairs.SET`` (``--fit`` prints them) and reported on the others.
``--lfmm FOLDER`` adds the estimates of lfmm 0.1.0, from the folder that holds the package; ``--cases FILE`` keeps the
cases there, or takes them from there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.estimate_cases import classification_cases, regression_cases
from benchmarks.estimate_constants import fit_combination, fit_loss_combination
from benchmarks.estimate_pairs import REPORTED, SET
from landbridge.measurement import Measurement
from landbridge.performance import combined_loss, combined_performance

FILE = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "performance-estimation.md"
SET_VALUES = ("diabetes", "wine quality")
WITHOUT = ["cbpe", "average_thresholded_confidence", "difference_of_confidences", "class_shares"]


def main() -> None:
    """Run the cases, print the figures and write them to the file and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lfmm", type=Path, default=None)
    parser.add_argument("--cases", type=Path, default=None)
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    cases = _cases(given.cases, given.lfmm)
    if given.fit:
        _print_constants(cases)
        return
    figures = {
        f"accuracy, {half}": _accuracy([c for c in cases["classes"] if c["family"] in families])
        for half, families in (("set", SET), ("reported", REPORTED))
    }
    figures |= {
        f"balanced accuracy, {half}": _balanced([c for c in cases["classes"] if c["family"] in families])
        for half, families in (("set", SET), ("reported", REPORTED))
    }
    figures["accuracy by model, reported"] = _by_model([c for c in cases["classes"] if c["family"] in REPORTED])
    figures |= {
        f"R², {half}": _values([c for c in cases["values"] if (c["family"] in SET_VALUES) == (half == "set")])
        for half in ("set", "reported")
    }
    FILE.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = "\n".join(_table(name, rows) for name, rows in figures.items())
    print(text)
    head, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- figures -->\n")
    PAGE.write_text(head + "<!-- figures -->\n\n" + text + "\n<!-- end -->" + rest.partition("<!-- end -->")[2])


def _cases(kept: Path | None, lfmm: Path | None) -> dict[str, Any]:
    if kept is not None and kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    other = None
    if lfmm is not None:
        sys.path.insert(0, str(lfmm))
        other = importlib.import_module("lfmm.estimators")
    cases = {"values": list(regression_cases()), "classes": list(classification_cases(other))}
    if kept is not None:
        kept.write_text(json.dumps(cases), encoding="utf-8")
    return cases


def _print_constants(cases: dict[str, Any]) -> None:
    used = [c for c in cases["classes"] if c["family"] in SET]
    print("accuracy", fit_combination(used, "accuracy", "truth", list(used[0]["accuracy"])))
    print("without samples", fit_combination(used, "accuracy", "truth", WITHOUT, shift=False))
    print("balanced", fit_combination(used, "balanced", "true_balanced", list(used[0]["balanced"])))
    print("R²", fit_loss_combination([c for c in cases["values"] if c["family"] in SET_VALUES]))


def _single(case: dict[str, Any], key: str) -> dict[str, Measurement]:
    return {
        k: Measurement(k, v, v - 1.6449 * e, v + 1.6449 * e, details={"error": e}) for k, (v, e) in case[key].items()
    }


def _combined(case: dict[str, Any], key: str, *, samples: bool = True) -> Measurement:
    found = {k: m for k, m in _single(case, key).items() if samples or k in WITHOUT}
    shift = {"outside_support": case["outside"], "distance": case["distance"]} if samples else {}
    metric = "accuracy" if key == "accuracy" else "balanced accuracy"
    return combined_performance(found, metric=metric, chance=1 / max(case["n_classes"], 2), **shift)


def _row(truth: np.ndarray, made: list[Any]) -> dict[str, float]:
    """Mean absolute error, bias, coverage and width; of numbers alone the first two."""
    values = np.array([float(m) for m in made])
    row = {"mae": float(np.abs(values - truth).mean()), "bias": float((values - truth).mean())}
    if isinstance(made[0], Measurement):
        low, high = np.array([m.low for m in made]), np.array([m.high for m in made])
        row |= {"coverage": float(((low <= truth) & (truth <= high)).mean()), "width": float((high - low).mean())}
    return row


def _accuracy(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    truth = np.array([c["truth"] for c in cases])
    rows = {"combination": _row(truth, [_combined(c, "accuracy") for c in cases])}
    rows["combination without samples"] = _row(truth, [_combined(c, "accuracy", samples=False) for c in cases])
    for name in cases[0]["accuracy"]:
        rows[name] = _row(truth, [_single(c, "accuracy")[name] for c in cases])
    rows["accuracy on the source"] = _row(truth, [c["source_accuracy"] for c in cases])
    for name in cases[0].get("lfmm", ()):
        rows[f"lfmm {name}"] = _row(truth, [c["lfmm"][name] for c in cases])
    return rows


def _balanced(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    truth = np.array([c["true_balanced"] for c in cases])
    rows = {"combination": _row(truth, [_combined(c, "balanced") for c in cases])}
    for name in cases[0]["balanced"]:
        rows[name] = _row(truth, [_single(c, "balanced")[name] for c in cases])
    return rows


def _by_model(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    rows = {}
    for what in ("learner", "model", "family"):
        for value in dict.fromkeys(c[what] for c in cases):
            some = [c for c in cases if c[what] == value]
            rows[f"{what}: {value}"] = _row(
                np.array([c["truth"] for c in some]), [_combined(c, "accuracy") for c in some]
            )
    return rows


def _values(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """R² cut at -1, below which a model is of no use and errors have no scale."""
    truth = np.maximum([c["truth"] for c in cases], -1.0)

    def cut(m: Measurement) -> Measurement:
        return Measurement(m.name, *(min(max(float(v), -1.0), 1.0) for v in (m.value, m.low, m.high)))  # type: ignore[arg-type]

    made = [combined_loss(_single(c, "r2"), outside_support=c["outside"], distance=c["distance"]) for c in cases]
    rows = {"combination": _row(truth, [cut(m) for m in made])}
    for name in cases[0]["r2"]:
        rows[name] = _row(truth, [cut(_single(c, "r2")[name]) for c in cases])
    rows["R² on the source"] = _row(truth, [max(c["source_r2"], -1.0) for c in cases])
    return rows


def _table(name: str, rows: dict[str, dict[str, float]]) -> str:
    lines = [
        f"### {name[0].upper()}{name[1:]}",
        "",
        "| estimate | error | bias | coverage | width |",
        "|---|---|---|---|---|",
    ]
    for key, row in rows.items():
        rest = [f"{100 * row['coverage']:.0f} %", f"{row['width']:.3f}"] if "coverage" in row else ["", ""]
        lines.append(f"| {key.replace('_', ' ')} | {row['mae']:.3f} | {row['bias']:+.3f} | {rest[0]} | {rest[1]} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
