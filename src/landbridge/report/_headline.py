"""Head of the report: one sentence for every reader, the expected quality, and what contradicts the decision."""

from __future__ import annotations

import re
from typing import Any

from landbridge.measurement import Measurement
from landbridge.performance import wilson_interval
from landbridge.report._svg import Scale, axis, scale_of, strip
from landbridge.report._words import between, count, number, plain
from landbridge.results import Candidate, Result
from landbridge.tasks import difference_in_words, is_share

__all__ = ["Quality", "expected_quality", "expected_table", "headline", "hidden_check", "named"]

CLUSTERS = "stability of clusters"
# From an interval of 95 % to one of 90 %.
NARROWER = 1.6449 / 1.9600
BASELINES = {"source-only": "the source model alone", "target-only": "a model of the labelled target samples alone"}


class Quality:
    """Quality of one model on the target, with an interval.

    Parameters
    ----------
    name : str
        Of the candidate.
    what : str
        What it is, in words.
    measured : Measurement or None
        None where it is not known.
    basis : str
        What it was estimated from.
    """

    def __init__(self, name: str, what: str, measured: Measurement | None, basis: str) -> None:
        self.name, self.what, self.measured, self.basis = name, what, measured, basis


def named(result: Result, name: str) -> Candidate | None:
    """Return the candidate of a name that was tried.

    Parameters
    ----------
    result : Result
    name : str

    Returns
    -------
    Candidate or None
    """
    return next((c for c in result.candidates if c.name == name and c.status == "tried"), None)


def expected_quality(result: Result) -> tuple[str, list[Quality]]:
    """Return the metric, and the expected quality of the chosen model and of the baselines on the target.

    Parameters
    ----------
    result : Result

    Returns
    -------
    metric : str
    qualities : list of Quality
        The chosen model first; empty where nothing is expected, as for clusterings. Intervals are of 90 %.
    """
    chosen, expected = result.decision.chosen, result.expected
    labels_used = result.decision.evidence == "target labels"
    metric = plain(result.metric)
    of_chosen = named(result, chosen)
    own = None if of_chosen is None else of_chosen.estimate
    n = int(result.settings.get("n_target_labelled") or 0)
    from_labels = f"{count(n, 'labelled target sample')}, cross-validated" if n else "labelled target samples"
    rows = []
    if expected is not None and (plain(expected.metric) == metric or not (labels_used and own is not None)):
        metric = plain(expected.metric)
        value = Measurement(metric, expected.value, low=expected.low, high=expected.high)
        basis = from_labels if expected.n_labelled else "confidence of the model and held-out source samples"
        rows.append(Quality(chosen, "chosen", value, basis))
    elif labels_used and own is not None:
        rows.append(Quality(chosen, "chosen", _at_90(own, metric, n), from_labels))
    if not rows:
        return metric, []
    for name, what in BASELINES.items():
        c = named(result, name)
        if c is None or name == chosen:
            continue
        if labels_used and c.estimate is not None and metric == plain(result.metric):
            rows.append(Quality(name, what, _at_90(c.estimate, metric, n), from_labels))
        elif name == "source-only":
            other = c.evidence.get("expected")
            known = other if other is not None and plain(other.name) == metric else None
            rows.append(Quality(name, what, known, "held-out source samples" if known else "not estimated"))
    return metric, rows


def expected_table(result: Result) -> dict[str, Any] | None:
    """Return what the table of expected quality shows.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict or None
    """
    from markupsafe import Markup

    metric, qualities = expected_quality(result)
    tables: list[tuple[str, str, str, list[tuple[str, str, Measurement | None, str]]]] = []
    if qualities:
        rows = [(q.name, q.what, q.measured, q.basis) for q in qualities]
        tables.append((f"Expected {metric} on the target: the chosen model and the baselines", metric, "90 %", rows))
    hidden: list[tuple[str, str, Measurement | None, str]] = [
        (c.name, "chosen" if c.name == result.decision.chosen else BASELINES[c.name], c.hidden, _hidden_words(result))
        for name in dict.fromkeys((result.decision.chosen, *BASELINES))
        if (c := named(result, name)) is not None and c.hidden is not None
    ]
    if hidden:
        title = f"Measured {plain(result.metric)} on hidden target labels, which nothing was learned from"
        tables.append((title, plain(result.metric), "95 %", hidden))
    if not tables:
        return None
    found = []
    for title, name, level, rows in tables:
        percent = is_share(result.metric) if name == plain(result.metric) else is_share(name.replace(" ", "_"))
        base = next((m.value for n, _, m, _ in rows if n == "source-only" and m is not None), None)
        scale: Scale | None = scale_of([m for _, _, m, _ in rows], percent=percent, base=base)
        lines = [
            {
                "name": n,
                "what": what,
                "value": "not estimated" if m is None else number(m.value, percent) + (" %" if percent else ""),
                "between": "" if m is None else between(m.low, m.high, percent),
                "strip": Markup(strip(m, scale)),  # made of numbers only
                "basis": basis,
                "chosen": what == "chosen",
            }
            for n, what, m, basis in rows
        ]
        head = Markup(axis(scale))
        found.append({"title": title, "metric": name, "level": level, "rows": lines, "axis": head, "percent": percent})
    return {"tables": found, "words": _further(result, metric)}


def _further(result: Result, metric: str) -> str:
    """What was said of the expected quality beside its value and interval, which the table shows."""
    if result.expected is None or plain(result.expected.metric) != metric:
        return ""
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z0-9])", result.expected.words)
    return " ".join(s for s in sentences if not s.startswith("Expected "))


def headline(result: Result) -> str:
    """Return the outcome in one sentence for readers who know neither statistics nor transfer learning.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    text, chosen = _verdict(result), named(result, result.decision.chosen)
    if chosen is not None and chosen.hidden is not None and chosen.hidden.value == chosen.hidden.value:
        metric, m = plain(result.metric), chosen.hidden
        value = f"{_of_100(m.value)} %" if is_share(result.metric) else number(m.value)
        text = f"{text[:-1]} (measured on hidden labels: {metric} {value})."
    return text


def _verdict(result: Result) -> str:
    decision = result.decision
    if decision.evidence == CLUSTERS:
        return (
            f"The target samples were grouped with {decision.chosen}; "
            "without labels it cannot be said how many are grouped correctly."
        )
    metric, rows = expected_quality(result)
    good = "" if not rows or rows[0].measured is None else _in_words(rows[0].measured, metric)
    other = next((q for q in rows[1:] if q.name == "source-only" and q.measured is not None), None)
    if decision.transferred:
        text = f"Use the transferred model, {decision.chosen}"
        text += f": it is expected to {good}" if good else ""
        if good and other is not None and other.measured is not None:
            text += f"; the source model alone, {_short(other.measured, metric)}"
        return text + "."
    if decision.chosen == "source-only":
        text = "Use the source model as it is"
        text += f": it is expected to {good}" if good else ""
        return text + ("; " if good else ": ") + "no method is shown to be better on the target."
    if decision.chosen == "target-only":
        text = "Do not use the source: a model fitted on the labelled target samples alone "
        text += f"is expected to {good}" if good else "is kept"
        return text + ", and no method that also uses the source is shown to be better."
    return f"Keep {decision.chosen}" + (
        f": it is expected to {good}." if good else "; no method is shown to be better."
    )


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
    chosen, base = named(result, result.decision.chosen), named(result, "source-only")
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


def _hidden_words(result: Result) -> str:
    n = result.scores.get("n")
    return "hidden target labels" if n is None else count(n, "hidden label")


def _at_90(m: Measurement, metric: str, n: int) -> Measurement:
    """Turn an interval of 95 % into one of 90 %, as that of the expected quality of the chosen model."""
    if m.low is None or m.high is None:
        return m
    low, high = (m.value + NARROWER * (end - m.value) for end in (m.low, m.high))
    if metric in ("accuracy", "balanced accuracy") and n and 0 <= m.value <= 1:
        # Splits that agree say less than they seem to: they share their few samples.
        ends = wilson_interval(m.value, n)
        low, high = min(low, ends[0]), max(high, ends[1])
    if is_share(metric.replace(" ", "_")):
        low, high = max(low, 0.0), min(high, 1.0)
    return Measurement(m.name, m.value, low=low, high=high)


def _of_100(value: float) -> str:
    return f"{100 * min(max(value, 0.0), 1.0):.0f}"


def _in_words(m: Measurement, metric: str) -> str:
    ends = ""
    if m.low is not None and m.high is not None:
        ends = f" ({_of_100(m.low)} to {_of_100(m.high)})"
    if metric in ("accuracy", "balanced accuracy"):
        classes = ", averaged over the classes" if metric != "accuracy" else ""
        return f"be right for about {_of_100(m.value)} of 100 target samples{ends}{classes}"
    if metric == "R²":
        if m.value <= 0:
            return "predict the target values no better than their mean would"
        return f"explain about {_of_100(m.value)} % of the variation of the target values{ends}"
    ends = f" ({b})" if (b := between(m.low, m.high)) else ""
    if metric == "RMSE":
        return f"be off by about {number(m.value)} for a typical target sample{ends}"
    article = "an" if metric[:1] in "AEIOaeio" else "a"
    return f"have {article} {metric} of about {number(m.value)} on the target{ends}"


def _short(m: Measurement, metric: str) -> str:
    if metric in ("accuracy", "balanced accuracy"):
        return f"for about {_of_100(m.value)}"
    return f"about {_of_100(m.value)} %" if metric == "R²" else f"about {number(m.value)}"
