"""Check: scores of the chosen model on labels that it was not fitted on, their curves, and scores by subgroup."""

from __future__ import annotations

from typing import Any

from landbridge.report._scores import class_rows, score_rows
from landbridge.report._svg import axis, calibration_curve, residuals, roc_curve, scale_of, strip, true_and_predicted
from landbridge.report._words import between, number, plain
from landbridge.results import Result
from landbridge.tasks import is_share

__all__ = ["check_section", "subgroup_section"]


def check_section(result: Result) -> dict[str, Any] | None:
    """Return what the section on scores shows.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict or None
        None without labels that the model was not fitted on.
    """
    scores = result.scores
    if not scores:
        return None
    confusion = scores.get("confusion") or {}
    return {
        "on": f"{scores['n']:,} {scores['labels']}" if "n" in scores else scores.get("labels", ""),
        "rows": score_rows(scores),
        "per_class": class_rows(scores),
        "confusion": _confusion(confusion.get("classes"), confusion.get("counts")),
        "too_many": confusion.get("n_classes", 0) if confusion and "counts" not in confusion else 0,
        "charts": _charts(scores),
        "by_type": _by_type(scores.get("rows") or ()),
        "examples": [{k: str(v) for k, v in e.items()} for e in scores.get("examples") or ()],
        "many_pairs": bool(scores.get("pairs")) and scores.get("n", 0) > len(scores["pairs"]),
    }


def _by_type(rows: Any) -> dict[str, Any] | None:
    """Scores of each type of a structured label: shares in percent, counts as they are."""
    if not rows:
        return None
    names = list(rows[0])
    lines = [
        [f"{100 * v:.1f} %" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else str(v) for v in r.values()]
        for r in rows
    ]
    return {"names": names, "rows": lines}


def _confusion(classes: Any, counts: Any) -> dict[str, Any] | None:
    if not classes or counts is None:
        return None
    rows = []
    for i, (name, line) in enumerate(zip(classes, counts, strict=True)):
        n = sum(line)
        cells = [{"n": int(v), "share": f"{v / max(n, 1):.3f}", "right": i == j} for j, v in enumerate(line)]
        rows.append({"name": name, "cells": cells, "n": f"{n:,}", "right": f"{100 * line[i] / n:.0f} %" if n else ""})
    return {"classes": classes, "rows": rows}


def _charts(scores: Any) -> list[dict[str, Any]]:
    from markupsafe import Markup

    intervals = scores.get("intervals") or {}
    charts: list[dict[str, Any]] = []
    if scores.get("roc"):
        auc = "" if scores.get("auc") is None else f"AUC {number(scores['auc'])}"
        if auc and (ends := between(*(intervals.get("auc") or (None, None)))):
            auc += f" (95 % interval {ends})"
        words = f"ROC curve: {auc or 'no AUC'}. The dashed diagonal is chance."
        charts.append({"svg": Markup(roc_curve(scores["roc"], auc or "no AUC")), "words": words, "rows": []})
    if scores.get("calibration"):
        what = str(scores["positive"]) if "positive" in scores else "the most probable class"
        words = "Calibration curve: marks on the dashed diagonal are perfect; lines are 95 % intervals."
        rows = [
            {
                "p": number(r["p"]),
                "share": number(r["share"]),
                "between": between(r["low"], r["high"]),
                "n": int(r["n"]),
            }
            for r in scores["calibration"]
        ]
        charts.append({"svg": Markup(calibration_curve(scores["calibration"], what)), "words": words, "rows": rows})
    pairs = [p for p in scores.get("pairs") or () if all(v is not None for v in p)]
    if pairs:
        words = "Predicted and true values; the dashed diagonal is a perfect prediction."
        charts.append({"svg": Markup(true_and_predicted(pairs)), "words": words, "rows": []})
        words = "Residuals, true minus predicted; a trend or a funnel means that the model misses something."
        charts.append({"svg": Markup(residuals(pairs)), "words": words, "rows": []})
    return charts


def subgroup_section(result: Result) -> list[dict[str, Any]]:
    """Return the scores by subgroup.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of dict
        One per column; the smallest subgroup and that of the worst score are named.
    """
    from markupsafe import Markup

    from landbridge.measurement import Measurement

    found = []
    for part in result.scores.get("subgroups") or ():
        metric, percent = plain(part["metric"]), is_share(part["metric"])
        rows = [r for r in part["rows"] if r["score"] is not None and r["score"] == r["score"]]
        if len(rows) < 2:
            continue
        measured = [Measurement(metric, r["score"], low=r["low"], high=r["high"]) for r in rows]
        scale = scale_of(measured, percent=percent)
        smallest = min(rows, key=lambda r: r["n"])
        better = max if metric == "mean absolute error" else min
        worst = better(rows, key=lambda r: r["score"])
        words = f"The smallest subgroup is {smallest['value']} ({smallest['n']:,} samples)"
        unit = " %" if percent else ""
        words += f"; the {metric} is worst for {worst['value']} ({number(worst['score'], percent)}{unit})."
        if smallest["n"] < 20:
            words += " With fewer than 20 samples a score says little."
        if part["n_subgroups"] > len(rows):
            words += f" Shown are {len(rows)} of {part['n_subgroups']:,} subgroups, the largest ones."
        lines = [
            {
                "value": r["value"],
                "n": f"{r['n']:,}",
                "score": number(r["score"], percent) + unit,
                "between": between(r["low"], r["high"], percent),
                "strip": Markup(strip(m, scale)),
            }
            for r, m in zip(rows, measured, strict=True)
        ]
        found.append(
            {"name": part["name"], "metric": metric, "rows": lines, "words": words, "axis": Markup(axis(scale))}
        )
    return found
