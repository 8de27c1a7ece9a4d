"""Writing the report: gather what the page shows, and render it."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.catalogue import find
from landbridge.exceptions import InputError
from landbridge.guard import MajorityVote
from landbridge.measurement import Measurement
from landbridge.report._pictures import class_marks, domains_before, domains_shared, example_strip, interval_bar
from landbridge.report._scores import class_rows, score_rows
from landbridge.results import Candidate, Result, rows_shown
from landbridge.results._files import strict, write_atomically
from landbridge.tasks import difference_in_words, is_share

__all__ = ["evidence_in_percent", "hidden_check", "report_json", "write_report"]

MOST_CLASSES = 25
# Samples of largest and smallest weight that are listed, and the largest number of sources or classes with meters.
ENDS, MOST_METERS = 5, 25
# What each measurement means.
MEANING = {
    "mmd": "squared maximum mean discrepancy; 0 if both domains have one distribution",
    "proxy_a_distance": "how well a linear classifier separates the domains; 0 not at all, 2 perfectly",
    "domain_accuracy": "accuracy of a flexible domain classifier; 0.5 is chance",
    "coral_distance": "difference of the covariances",
    "sliced_wasserstein": "mean transport distance over random directions",
    "subspace_distance": "variance that each domain's main directions miss in the other",
    "label_shift": "estimated change of the class shares; 0 none, 1 complete",
    "label_shift_fit": "share of the difference that other class shares alone explain",
    "source_error": "error of a source model on held-out source samples",
    "explained_by_row_weights": "share of the difference that reweighting source samples removes",
    "explained_by_standardising": "share of the difference that standardising each domain removes",
    "concept_gap": "errors on labelled target samples beyond those expected",
}


def report_json(result: Result) -> dict[str, Any]:
    """Return the content of the report as a JSON-ready dict.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
    """
    return strict(result.to_dict())


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
    write_atomically(path, text.encode())
    return path


def _gather(result: Result, title: str | None) -> dict[str, Any]:
    settings = dict(result.settings)
    names = (str(settings.get("source") or "source"), str(settings.get("target") or "target"))
    tried = [c for c in result.candidates if c.status == "tried"]
    confusion, too_many = _confusion(result)
    return {
        "title": title or f"{names[0]} → {names[1]}",
        "decision": result.decision,
        "diagnosis": result.diagnosis,
        "metric": result.metric,
        "percent": is_share(result.metric),
        "classes": result.task == "classification",
        "notes": [*result.notes, *settings.get("inferred", ())],
        "scores": score_rows(result.scores),
        "scored_on": result.scores.get("labels", ""),
        "per_class": class_rows(result.scores),
        "labels_used": result.decision.evidence == "target labels",
        "figures": _figures(result, tried),
        "check": hidden_check(result),
        "expected": "" if result.expected is None else result.expected.words,
        "regime": _regime(settings),
        "measured": [_measured_row(n, m) for n, m in result.diagnosis.measurements.items()],
        "evidence": sorted(result.diagnosis.evidence.items(), key=lambda kv: -kv[1]),
        "carried": _carried(result),
        "n_carried": len(_members(result)),
        "counted": _counted(result),
        "candidates": _candidate_rows(tried, result),
        "evidence_column": evidence_column(result)[:1].upper() + evidence_column(result)[1:],
        "has_estimate": any(c.estimate is not None for c in tried),
        "has_gain": any(c.gain is not None for c in tried),
        "has_hidden": any(c.hidden is not None for c in tried),
        "failed": [c for c in result.candidates if c.status == "failed"],
        "skipped": [c for c in result.candidates if c.status == "skipped"],
        "before": domains_before(result),
        "after": domains_shared(result),
        "marks": class_marks(result),
        "strips": _strips(result, names),
        "confusion": confusion,
        "too_many": too_many,
        "call": _call(settings),
        "command": _command(settings),
        "versions": settings.get("versions", {}),
        "timings": result.timings,
    }


def _figures(result: Result, tried: list[Candidate]) -> list[tuple[str, str]]:
    """The main figures of the verdict, with what each is."""
    settings, percent = result.settings, is_share(result.metric)
    unit = " %" if percent else ""
    found = []
    chosen, base = _named(tried, result.decision.chosen), _named(tried, "source-only")
    if chosen is not None and chosen.hidden is not None:
        found.append((_number(chosen.hidden, percent) + unit, f"{result.metric} on hidden target labels"))
        if base is not None and base.hidden is not None and base is not chosen:
            found.append((_number(base.hidden, percent) + unit, "the source model alone, on the same labels"))
    elif chosen is not None and chosen.estimate is not None and result.decision.evidence == "target labels":
        found.append((_number(chosen.estimate, percent) + unit, f"estimated {result.metric} on the target"))
    if "n_source" in settings:
        of = len(settings.get("n_by_source") or ())
        found.append((f"{settings['n_source']:,}", f"source samples of {of} sources" if of > 1 else "source samples"))
    if "n_target" in settings:
        labelled = settings.get("n_target_labelled", 0)
        found.append((f"{settings['n_target']:,}", f"target samples, {labelled:,} with a label to learn from"))
    return found


def _regime(settings: dict[str, Any]) -> dict[str, Any] | None:
    """Which labels there were to learn from: a sentence, and the share of labelled samples per domain."""
    if "n_source_labelled" not in settings or "n_target_labelled" not in settings:
        return None
    sides = []
    for side in ("source", "target"):
        n, labelled = int(settings[f"n_{side}"]), int(settings[f"n_{side}_labelled"])
        sides.append({"side": side, "n": f"{n:,}", "labelled": f"{labelled:,}", "share": 100.0 * labelled / max(n, 1)})
    source, target = (int(settings[f"n_{side}_labelled"]) > 0 for side in ("source", "target"))
    return {"sides": sides, "words": REGIMES[source, target]}


REGIMES = {
    (True, True): "Both domains have labels; those of the target decide whether the source helps.",
    (True, False): "Only the source has labels (unsupervised domain adaptation); the evidence is indirect.",
    (False, True): "Only the target has labels; features are learned on the source (self-taught learning).",
    (False, False): "Neither domain has labels; samples are clustered.",
}


def hidden_check(result: Result) -> str:
    """Return a warning where hidden labels contradict the decision.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        Empty where they do not contradict it, or where there are none.
    """
    tried = [c for c in result.candidates if c.status == "tried"]
    chosen, base = _named(tried, result.decision.chosen), _named(tried, "source-only")
    if chosen is None or base is None or chosen.hidden is None or base.hidden is None:
        return ""
    lost = base.hidden.value - chosen.hidden.value
    if not result.decision.transferred or lost <= 0:
        return ""
    by = difference_in_words(lost, result.metric)
    significant = (
        base.hidden.low is not None and chosen.hidden.high is not None and base.hidden.low > chosen.hidden.high
    )
    how = (
        "The intervals do not overlap: do not use this model."
        if significant
        else "The intervals overlap: it may be chance."
    )
    return (
        f"The hidden labels contradict the decision: on them {chosen.name} is {by} below the source model alone. "
        f"The guard did not use these labels. {how}"
    )


def evidence_in_percent(result: Result) -> bool:
    """Return whether estimates and gains are shares: of the score with target labels, else of an accuracy or agreement.

    Parameters
    ----------
    result : Result

    Returns
    -------
    bool
    """
    if result.decision.evidence == "target labels":
        return is_share(result.metric)
    return result.task == "classification"


def _named(candidates: list[Candidate], name: str) -> Candidate | None:
    return next((c for c in candidates if c.name == name), None)


def _in_order(tried: list[Candidate], chosen: str) -> list[Candidate]:
    """The chosen one, the baselines, then by gain; the rest in the order in which they were tried."""

    def place(c: Candidate) -> tuple[int, float]:
        if c.name == chosen:
            return 0, 0.0
        if c.family == "baseline":
            return 1, 0.0
        return (2, -c.gain.value) if c.gain is not None and c.gain.value == c.gain.value else (3, 0.0)

    return sorted(tried, key=place)


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


def _candidate_rows(tried: list[Candidate], result: Result) -> list[dict[str, Any]]:
    """One row for all candidates with the same predictions."""
    chosen = result.decision.chosen
    shown = rows_shown(tried, chosen)
    twins = {c.name: names for c, names in shown}
    return [_candidate_row(c, twins[c.name], tried, result) for c in _in_order([c for c, _ in shown], chosen)]


def evidence_column(result: Result) -> str:
    """Name what the guard used in place of a score, or the score itself where there are target labels.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    if result.decision.evidence == "target labels":
        return f"estimated {result.metric}"
    names = {c.estimate.name for c in result.candidates if c.estimate is not None}
    if names == {"agreement"}:
        return "agreement with the others"
    return f"estimated {result.metric}" if names == {"estimate"} else "evidence"


def _candidate_row(c: Candidate, twins: list[str], tried: list[Candidate], result: Result) -> dict[str, Any]:
    percent, of_evidence = is_share(result.metric), evidence_in_percent(result)
    return {
        "it": c,
        "twins": twins,
        "chosen": c.name == result.decision.chosen,
        "estimate": _number(c.estimate, of_evidence),
        "estimate_between": _between(c.estimate, of_evidence),
        "estimate_bar": _bar(c.estimate, [t.estimate for t in tried], result.metric),
        "gain": "" if c.gain is None else _number(c.gain, of_evidence, sign=True),
        "gain_between": _between(c.gain, of_evidence, sign=True),
        "hidden": _number(c.hidden, percent),
        "hidden_between": _between(c.hidden, percent),
        "hidden_bar": _bar(c.hidden, [t.hidden for t in tried], result.metric),
    }


def _number(m: Measurement | None, percent: bool, *, sign: bool = False) -> str:
    if m is None:
        return ""
    form = ("+" if sign else "") + (".1f" if percent else ".3f")
    return f"{(100 if percent else 1) * m.value:{form}}"


def _between(m: Measurement | None, percent: bool, *, sign: bool = False) -> str:
    if m is None or m.low is None or m.high is None:
        return ""
    times, form = (100 if percent else 1), ("+" if sign else "") + (".1f" if percent else ".3f")
    return f"{times * m.low:{form}} to {times * m.high:{form}}"


def _bar(m: Measurement | None, everyone: list[Measurement | None], metric: str) -> str:
    from markupsafe import Markup

    if m is None:
        return ""
    values = [v for o in everyone if o is not None for v in (o.low, o.value, o.high) if v is not None]
    ends = (min([0.0, *values]) if min(values) > -1 else -1.0, max([1.0, *values]))
    if metric.startswith("neg_"):
        ends = (min(values), max([0.0, *values]))
    return Markup(interval_bar(m.value, m.low, m.high, ends))  # made of numbers only


def _carried(result: Result) -> list[dict[str, str]]:
    """The chosen method, or the members of the vote."""
    rows = []
    for name, model in _members(result):
        if name in ("source-only", "target-only"):
            summary = "the base learner, fitted on the " + name.removesuffix("-only")
            rows.append({"name": name, "family": "not transferring", "summary": summary, "reference": "", "note": ""})
            continue
        note = _runs_in_words(model)
        try:
            method = find(name.removesuffix(" pipeline"))
        except InputError:
            rows += _parts(model, name, note)
            continue
        row = {"name": name, "family": method.family, "summary": method.summary, "reference": method.tags.reference}
        rows.append({**row, "note": note})
    return rows


def _parts(model: Any, name: str, note: str) -> list[dict[str, str]]:
    """Summaries of the methods that a network was trained with."""
    found: list[dict[str, str]] = []
    parts = _trained_with(model)
    several = len(parts) > 1 and name == " + ".join(type(p).__name__ for p in parts)
    for part in parts:
        doc = inspect.getdoc(type(part)) or ""
        cited = re.search(r"\.\. \[1\] (.*?)(?:\n\s*\n|\n\.\. \[|$)", doc, re.S)
        reference = "" if cited is None else " ".join(cited.group(1).split()).rstrip(".")
        own = type(part).__name__
        row = {"name": f"{own} of {name}" if several else own, "family": "parameter", "summary": doc.split("\n")[0]}
        found.append({**row, "reference": reference, "note": "" if found else note})
    return found or [{"name": name, "family": "", "summary": "", "reference": "", "note": note}]


def _members(result: Result) -> list[tuple[str, Any]]:
    """Name and fitted model of the chosen candidate, or of each member of the vote."""
    if isinstance(result.model, MajorityVote):
        return list(zip(result.model.names, result.model.models, strict=True))
    return [(result.decision.chosen, result.model)]


def _trained_with(model: Any) -> list[Any]:
    """The methods that a network was trained with, except those that only monitor."""
    last = _last_step(model)
    last = last.estimator if _is_mean(last) else last
    return [m for m in getattr(last, "methods", None) or () if type(m).__name__ != "CollapseWatch"]


def _runs_in_words(model: Any) -> str:
    """Number of averaged runs, their agreement, and which of them collapsed."""
    last = _last_step(model)
    if not _is_mean(last):
        return ""
    n = len(last.estimators_)
    words = f"Mean of {n} runs that agree on {100 * last.agreement_:.0f} % of the samples." if n > 1 else ""
    return " ".join([words, *(f"Collapsed: {said}" for said in last.collapsed_)]).strip()


def _counted(result: Result) -> list[dict[str, Any]]:
    """Weights of sources, classes and samples, for each method of a network that has them."""
    found: list[dict[str, Any]] = []
    for name, model in _members(result):
        last = _last_step(model)
        runs = last.estimators_ if _is_mean(last) else [last]
        trained = [list(getattr(_last_step(run), "methods_", None) or ()) for run in runs]
        # the same method of each run, side by side
        for parts in zip(*trained, strict=True):
            shown = _counts_of(parts, _last_step(runs[0]), result)
            if shown is not None:
                part = type(parts[0]).__name__
                found.append({"title": part if part == name else f"{part} of {name}", **shown})
    return found


def _counts_of(parts: tuple[Any, ...], network: Any, result: Result) -> dict[str, Any] | None:
    meters, rows, words, labelled = [], [], [], False
    names, kind, weights = _meters(parts, network)
    if weights is not None and 1 < len(weights) <= MOST_METERS:
        top = max(float(weights.max()), 1e-12)
        meters = [
            {"name": str(n), "share": 100 * float(w) / top, "value": f"{w:.2f}"}
            for n, w in zip(names, weights, strict=True)
        ]
        most, least = names[int(weights.argmax())], names[int(weights.argmin())]
        words.append(f"Of the {kind}, {most} has the largest weight and {least} the smallest.")
    each = _mean_of(parts, "row_weights_")
    if each is not None and len(each) > 1:
        labels = _labels_of(result, len(each))
        labelled = labels is not None
        order = np.argsort(-each, kind="stable")
        ends = min(ENDS, len(order) // 2)
        rows = [_counted_row(i, each, labels) for i in order[:ends]]
        if len(order) > 2 * ends:
            rows.append({"gap": f"{len(order) - 2 * ends:,} samples between"})
        rows += [_counted_row(i, each, labels) for i in order[len(order) - ends :]]
        half = float(np.mean(each < 0.5))
        words.append(
            f"Samples of largest and smallest weight; the mean weight is 1. Of the {len(each):,} samples, "
            f"{100 * half:.0f} % have a weight below 0.5. Samples are numbered from 0."
        )
    if not meters and not rows:
        return None
    return {"words": " ".join(words), "meters": meters, "rows": rows, "labelled": labelled}


def _meters(parts: tuple[Any, ...], network: Any) -> tuple[list[Any], str, NDArray[np.float64] | None]:
    """Weights per source or per class, with their names and what they are."""
    sources = getattr(parts[0], "sources_", None)
    weights = _mean_of(parts, "source_weights_")
    weights = _mean_of(parts, "weights_") if weights is None else weights
    if weights is None:
        return [], "", None
    if sources is not None and len(sources) == len(weights):
        return [f"source {s}" for s in sources], "sources", weights
    classes = getattr(network, "classes_", None)
    if classes is not None and len(classes) == len(weights):
        return [f"class {c}" for c in np.asarray(classes).tolist()], "classes", weights
    return list(range(len(weights))), "weights", weights


def _mean_of(parts: tuple[Any, ...], name: str) -> NDArray[np.float64] | None:
    values = [getattr(p, name, None) for p in parts]
    if any(v is None for v in values):
        return None
    arrays = [np.asarray(v, dtype=float) for v in values]
    if arrays[0].ndim != 1 or any(a.shape != arrays[0].shape for a in arrays):
        return None
    return np.mean(arrays, axis=0)


def _labels_of(result: Result, n: int) -> Any:
    """Labels of the samples that were trained on: the source's, or those of the target."""
    for side in (result.target, result.source):
        if side is not None and side.labelled.any():
            part = side.labelled_part()
            return part.y if len(part) == n else None
    return None


def _counted_row(i: int, weights: NDArray[np.float64], labels: Any) -> dict[str, Any]:
    label = "" if labels is None else str(labels[i])
    return {"gap": "", "row": f"{int(i):,}", "label": label, "weight": f"{weights[i]:.2f}"}


def _last_step(model: Any) -> Any:
    return model.steps[-1][1] if hasattr(model, "steps") else model


def _is_mean(model: Any) -> bool:
    return hasattr(model, "estimators_") and hasattr(model, "agreement_")


def _strips(result: Result, names: tuple[str, str]) -> list[dict[str, str]]:
    sides = zip(names, ("source", "target"), (result.source, result.target), strict=True)
    found = [(n, s, example_strip(d)) for n, s, d in sides if d is not None]
    return [{"name": n, "side": s, "uri": uri} for n, s, uri in found if uri is not None]


def _confusion(result: Result) -> tuple[dict[str, Any] | None, int]:
    """Confusion matrix on hidden labels if there are any, else on the labelled target samples.

    The second value is the number of classes where they are too many for a table, else 0.
    """
    if result.task != "classification" or result.target is None:
        return None, 0
    if result.hidden_labels is not None:
        truth, origin = result.hidden_labels, "hidden target labels, which nothing was learned from"
    elif result.target.y is not None and result.target.labelled.any():
        truth, origin = result.target.y, "labelled target samples that the model was fitted on: an upper bound"
    else:
        return None, 0
    rows = np.array([i for i, v in enumerate(truth) if v is not None and v == v])
    actual = np.array([truth[i] for i in rows])
    predicted = np.asarray(result.target_predictions)[rows]
    classes = np.unique(np.concatenate([actual.astype(str), predicted.astype(str)]))
    if len(classes) > MOST_CLASSES:
        return None, len(classes)
    if actual.dtype.kind in "iuf":
        classes = np.array(sorted(classes, key=float))
    number = {c: i for i, c in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for a, p in zip(actual.astype(str), predicted.astype(str), strict=True):
        counts[number[a], number[p]] += 1
    top = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    table = {
        "classes": classes.tolist(),
        "rows": [
            {
                "name": c,
                "cells": [(int(v), round(float(v / t), 3)) for v in line],
                "right": f"{100 * line[i] / t:.0f} %",
            }
            for i, (c, line, t) in enumerate(zip(classes.tolist(), counts, top[:, 0], strict=True))
        ],
        "origin": origin,
        "accuracy": f"{100 * float(np.trace(counts)) / max(counts.sum(), 1):.1f}",
        "n": int(counts.sum()),
    }
    return table, 0


def _call(settings: dict[str, Any]) -> str:
    keep = (
        "label",
        "sources",
        "groups",
        "scoring",
        "methods",
        "estimator",
        "target_labels",
        "confidence",
        "random_state",
    )
    given = [f"{k}={_as_code(k, settings[k])}" for k in keep if settings.get(k) is not None]
    return f"landbridge.transfer({', '.join(['source', 'target', *given])})"


def _as_code(key: str, value: Any) -> str:
    """Names in quotes; estimators, which the settings hold as their repr, without."""
    if key == "estimator":
        return str(value)
    if key == "methods":
        return f"[{', '.join(v if '(' in v else repr(v) for v in value)}]"
    return repr(value)


def _command(settings: dict[str, Any]) -> str:
    """The command line of the same run; empty where estimators were given, which it cannot name."""
    methods = settings.get("methods") or []
    if settings.get("estimator") or any("(" in m for m in methods):
        return ""
    if settings.get("command"):
        return str(settings["command"])
    words = ["landbridge", "transfer", "SOURCE", "TARGET"]
    for key in ("label", "sources", "groups", "scoring", "target_labels", "confidence"):
        if settings.get(key) is not None:
            words += [f"--{key.replace('_', '-')}", str(settings[key])]
    words += ["--methods", ",".join(methods)] if methods else []
    words += ["--seed", str(settings["random_state"])] if settings.get("random_state") is not None else []
    return shlex.join(words)
