"""What was transferred: the chosen method or the members of the vote, and weights of samples and sources."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.catalogue import find
from landbridge.exceptions import InputError
from landbridge.guard import MajorityVote
from landbridge.results import Result

__all__ = ["carried", "counted", "members"]

# Samples of largest and smallest weight that are listed, and the largest number of sources or classes with meters.
ENDS, MOST_METERS = 5, 25


def carried(result: Result) -> list[dict[str, str]]:
    """Return the chosen method, or the members of the vote, with their papers.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of dict
    """
    rows = []
    for name, model in members(result):
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


def members(result: Result) -> list[tuple[str, Any]]:
    """Return name and fitted model of the chosen candidate, or of each member of the vote.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of (str, estimator)
    """
    if isinstance(result.model, MajorityVote):
        return list(zip(result.model.names, result.model.models, strict=True))
    return [(result.decision.chosen, result.model)]


def _trained_with(model: Any) -> list[Any]:
    """The methods that a network was trained with, except those that only monitor."""
    last = _last_step(model)
    last = last.estimator if _is_mean(last) else last
    methods = getattr(last, "methods", None) or ()
    return [m for m in methods if not getattr(getattr(m, "method_tags", None), "reports_only", False)]


def _runs_in_words(model: Any) -> str:
    """Number of averaged runs, their agreement, and which of them collapsed."""
    last = _last_step(model)
    if not _is_mean(last):
        return ""
    n = len(last.estimators_)
    words = f"Mean of {n} runs that agree on {100 * last.agreement_:.0f} % of the samples." if n > 1 else ""
    return " ".join([words, *(f"Collapsed: {said}" for said in last.collapsed_)]).strip()


def counted(result: Result) -> list[dict[str, Any]]:
    """Return weights of sources, classes and samples, for each method of a network that has them.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of dict
    """
    found: list[dict[str, Any]] = []
    for name, model in members(result):
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
    if each is None and not hasattr(parts[0], "sources_"):  # one source: its weights are those of its samples
        each = _mean_of(parts, "source_weights_")
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
    weights = None if sources is None else _mean_of(parts, "source_weights_")
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
