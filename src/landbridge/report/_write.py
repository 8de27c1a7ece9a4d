"""Writing the report: gather what the page shows, and render it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.catalogue import find
from landbridge.exceptions import InputError
from landbridge.guard import Consensus
from landbridge.measurement import Measurement
from landbridge.report._pictures import domains_before, domains_shared, example_strip, interval_bar
from landbridge.verbs._result import Candidate, Result

__all__ = ["report_json", "write_report"]

# What each measurement tells, for readers who have not met it.
MEANING = {
    "mmd": "squared distance of the two clouds of rows; 0 if they follow one law",
    "proxy_a_distance": "how easily a linear classifier tells the domains apart; 0 not at all, 2 perfectly",
    "domain_accuracy": "how often a flexible classifier tells the domains apart; 0.5 is guessing",
    "coral_distance": "difference of the covariances",
    "sliced_wasserstein": "mean distance the rows would have to move, over random directions",
    "subspace_distance": "variance that each domain's main directions miss in the other",
    "label_shift": "how far the class shares are estimated to have moved; 0 not at all, 1 entirely",
    "label_shift_fit": "share of the difference that other class shares alone explain",
    "source_error": "error of a source model on held-out source rows",
    "explained_by_row_weights": "share of the difference that weighing source rows removes",
    "explained_by_standardising": "share of the difference that scaling each domain by itself removes",
    "concept_gap": "errors on labelled target rows beyond those expected",
}


def report_json(result: Result) -> dict[str, Any]:
    """Return what the report tells, as a JSON-ready dict.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
    """
    return result.to_dict()


def write_report(result: Result, path: str | Path, *, title: str | None = None) -> Path:
    """Write the report: one HTML file that needs nothing else, no network and no script.

    Parameters
    ----------
    result : Result
        Fresh from ``transfer``, or loaded (then without pictures of the data).
    path : str or Path
        A folder (``report.html`` is put there) or the name of an ``.html`` file.
    title : str, optional
        Heading of the page.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> from landbridge.report import write_report
    >>> source, target = make_shift("translation", n_source=60, n_target=60, random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(result, folder).name
    'report.html'
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        if path.is_file():
            raise InputError(f"path {path} is a file that does not end in .html; name a folder or an .html file.")
        path = path / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    pages = Environment(
        loader=PackageLoader("landbridge.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    text = pages.get_template("template.html").render(**_gather(result, title))
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".html")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
    return path


def _gather(result: Result, title: str | None) -> dict[str, Any]:
    settings = dict(result.settings)
    names = (str(settings.get("source") or "source"), str(settings.get("target") or "target"))
    tried = [c for c in result.candidates if c.status == "tried"]
    shared = domains_shared(result)
    return {
        "title": title or f"{names[0]} → {names[1]}",
        "source_name": names[0],
        "target_name": names[1],
        "result": result,
        "decision": result.decision,
        "diagnosis": result.diagnosis,
        "chosen": next((c for c in tried if c.name == result.decision.chosen), None),
        "percent": result.task == "classification",
        "has_hidden": any(c.hidden is not None for c in tried),
        "told": result.decision.evidence == "target labels",
        "measured": [_measured_row(n, m) for n, m in result.diagnosis.measurements.items()],
        "evidence": sorted(result.diagnosis.evidence.items(), key=lambda kv: -kv[1]),
        "carried": _carried(result),
        "candidates": [_candidate_row(c, tried, result) for c in tried],
        "failed": [c for c in result.candidates if c.status == "failed"],
        "skipped": [c for c in result.candidates if c.status == "skipped"],
        "before": domains_before(result),
        "after": shared,
        "strips": _strips(result, names),
        "confusion": _confusion(result),
        "call": _call(settings),
        "command": _command(settings),
        "versions": settings.get("versions", {}),
        "timings": result.timings,
    }


def _measured_row(name: str, m: Measurement) -> dict[str, str]:
    between = "" if m.low is None or m.high is None else f"{m.low:.3g} to {m.high:.3g}"
    p = "" if m.p_value is None else ("< 0.01" if m.p_value < 0.01 else f"{m.p_value:.2f}")
    return {
        "name": name.replace("_", " "),
        "meaning": MEANING.get(name, ""),
        "value": f"{m.value:.3g}",
        "between": between,
        "p": p,
    }


def _candidate_row(c: Candidate, tried: list[Candidate], result: Result) -> dict[str, Any]:
    percent = result.task == "classification"
    return {
        "it": c,
        "chosen": c.name == result.decision.chosen,
        "estimate": _number(c.estimate, percent),
        "estimate_bar": _bar(c.estimate, [t.estimate for t in tried]),
        "gain": "" if c.gain is None else _number(c.gain, percent, sign=True),
        "hidden": _number(c.hidden, percent),
        "hidden_bar": _bar(c.hidden, [t.hidden for t in tried]),
    }


def _number(m: Measurement | None, percent: bool, *, sign: bool = False) -> str:
    if m is None:
        return ""
    form = ("+" if sign else "") + (".1f" if percent else ".3f")
    return f"{(100 if percent else 1) * m.value:{form}}"


def _bar(m: Measurement | None, everyone: list[Measurement | None]) -> str:
    from markupsafe import Markup

    if m is None:
        return ""
    values = [v for o in everyone if o is not None for v in (o.low, o.value, o.high) if v is not None]
    ends = (min([0.0, *values]) if min(values) > -1 else -1.0, max([1.0, *values]))
    return Markup(interval_bar(m.value, m.low, m.high, ends))  # made of numbers only


def _carried(result: Result) -> list[dict[str, str]]:
    """What was carried over: the chosen method, or the members of the vote."""
    names = list(result.model.names) if isinstance(result.model, Consensus) else [result.decision.chosen]
    rows = []
    for name in names:
        if name in ("source-only", "target-only"):
            told = "the base learner, fitted on the " + name.removesuffix("-only")
            rows.append({"name": name, "family": "not transferring", "summary": told, "reference": ""})
            continue
        try:
            method = find(name.removesuffix(" pipeline"))
        except InputError:
            rows.append({"name": name, "family": "", "summary": "", "reference": ""})
            continue
        rows.append(
            {"name": name, "family": method.family, "summary": method.summary, "reference": method.tags.reference}
        )
    return rows


def _strips(result: Result, names: tuple[str, str]) -> list[dict[str, str]]:
    sides = zip(names, ("source", "target"), (result.source, result.target), strict=True)
    found = [(n, s, example_strip(d)) for n, s, d in sides if d is not None]
    return [{"name": n, "side": s, "uri": uri} for n, s, uri in found if uri is not None]


def _confusion(result: Result) -> dict[str, Any] | None:
    """Rows of truth against prediction, on labels nobody saw if there are any, else on the labelled rows."""
    if result.task != "classification" or result.target is None:
        return None
    if result.hidden_labels is not None:
        truth, told = result.hidden_labels, "hidden target labels, which nothing learnt from"
    elif result.target.y is not None and result.target.labelled.any():
        truth, told = result.target.y, "labelled target rows, which the model has seen: an upper bound"
    else:
        return None
    rows = np.array([i for i, v in enumerate(truth) if v is not None and v == v])
    actual = np.array([truth[i] for i in rows])
    predicted = result.model.predict(result.target.frame())[rows]
    classes = np.unique(np.concatenate([actual.astype(str), predicted.astype(str)]))
    if len(classes) > 25:
        return None
    if actual.dtype.kind in "iuf":
        classes = np.array(sorted(classes, key=float))
    number = {c: i for i, c in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for a, p in zip(actual.astype(str), predicted.astype(str), strict=True):
        counts[number[a], number[p]] += 1
    top = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {
        "classes": classes.tolist(),
        "rows": [
            {
                "name": c,
                "cells": [(int(v), round(float(v / t), 3)) for v in line],
                "right": f"{100 * line[i] / t:.0f} %",
            }
            for i, (c, line, t) in enumerate(zip(classes.tolist(), counts, top[:, 0], strict=True))
        ],
        "told": told,
        "accuracy": f"{100 * float(np.trace(counts)) / max(counts.sum(), 1):.1f}",
        "n": int(counts.sum()),
    }


def _call(settings: dict[str, Any]) -> str:
    keep = ("label", "methods", "task", "target_labels", "confidence", "random_state")
    given = [f"{k}={settings[k]!r}" for k in keep if settings.get(k) is not None]
    return f"landbridge.transfer(source, target, {', '.join(given)})"


def _command(settings: dict[str, Any]) -> str:
    options = [f"--target-labels {settings.get('target_labels', 'use')}", f"--seed {settings.get('random_state', 0)}"]
    if settings.get("label"):
        options.append(f"--label {json.dumps(settings['label'])}")
    if settings.get("methods"):
        options.append(f"--methods {','.join(settings['methods'])}")
    return f"landbridge transfer SOURCE TARGET {' '.join(options)}"
