"""How: the candidates with their evidence; the best eight, and the rest folded."""

from __future__ import annotations

from typing import Any

from landbridge.measurement import Measurement
from landbridge.report._svg import Scale, axis, scale_of, strip
from landbridge.report._words import between, journal, p_value, plain, shown
from landbridge.results import Candidate, Result, rows_shown
from landbridge.tasks import is_share

__all__ = ["candidate_table", "evidence_column", "evidence_in_percent", "in_order"]

BEST = 8


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
        return f"estimated {plain(result.metric)}"
    names = {c.estimate.name for c in result.candidates if c.estimate is not None}
    if names == {"agreement"}:
        return "agreement with the others"
    return f"estimated {plain(result.metric)}" if names == {"estimate"} else "evidence"


def in_order(candidates: list[Candidate], chosen: str) -> list[Candidate]:
    """Return the chosen one, the baselines, then the rest by gain, by estimate, and as they were tried.

    Parameters
    ----------
    candidates : list of Candidate
    chosen : str

    Returns
    -------
    list of Candidate
    """

    def place(c: Candidate) -> tuple[int, float]:
        if c.name == chosen:
            return 0, 0.0
        if c.family == "baseline":
            return 1, 0.0
        for rank, m in ((2, c.gain), (3, c.estimate)):
            if m is not None and m.value == m.value:
                return rank, -m.value
        return 4, 0.0

    return sorted(candidates, key=place)


def candidate_table(result: Result) -> dict[str, Any]:
    """Return what the table of candidates shows.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
        One row for all candidates with the same predictions.
    """
    from markupsafe import Markup

    tried = [c for c in result.candidates if c.status == "tried"]
    chosen = result.decision.chosen
    twins = {c.name: names for c, names in rows_shown(tried, chosen)}
    kept = in_order([c for c, _ in rows_shown(tried, chosen)], chosen)
    base = next((c for c in tried if c.name == "source-only"), None)
    percent, of_evidence = is_share(result.metric), evidence_in_percent(result)
    scales = {}
    for key, share in (("estimate", of_evidence), ("hidden", percent)):
        line = None if base is None else getattr(base, key)
        everyone: list[Measurement | None] = [getattr(c, key) for c in kept]
        scales[key] = scale_of(everyone, percent=share, base=None if line is None else line.value)
    rows = [_row(c, twins[c.name], result, scales, Markup) for c in kept]
    n = sum(r["chosen"] or r["baseline"] for r in rows) + BEST
    column = evidence_column(result)
    return {
        "best": rows[:n],
        "rest": rows[n:],
        "evidence_column": column[:1].upper() + column[1:],
        "hidden_column": f"{plain(result.metric)[:1].upper()}{plain(result.metric)[1:]} on hidden labels",
        "has_estimate": any(c.estimate is not None for c in tried),
        "has_gain": any(c.gain is not None for c in tried),
        "has_hidden": any(c.hidden is not None for c in tried),
        "estimate_axis": Markup(axis(scales["estimate"])),
        "hidden_axis": Markup(axis(scales["hidden"])),
        "has_base": any(s is not None and s.base is not None for s in scales.values()),
        "n": len(tried),
        "percent": percent,
        "evidence_percent": of_evidence,
    }


def _row(
    c: Candidate, twins: list[str], result: Result, scales: dict[str, Scale | None], markup: Any
) -> dict[str, Any]:
    percent, of_evidence = is_share(result.metric), evidence_in_percent(result)

    def ends(m: Measurement | None, share: bool, sign: bool = False) -> str:
        return "" if m is None else between(m.low, m.high, share, sign=sign)

    p = "" if c.gain is None else p_value(c.gain.p_value)
    return {
        "name": c.name,
        "family": c.family,
        "why": journal(c.why),
        "twins": twins,
        "chosen": c.name == result.decision.chosen,
        "baseline": c.family == "baseline" and c.name != result.decision.chosen,
        "weak": not c.defensible and c.family != "baseline" and c.name != result.decision.chosen,
        "estimate": shown(c.estimate, of_evidence),
        "estimate_between": ends(c.estimate, of_evidence),
        "estimate_strip": markup(strip(c.estimate, scales["estimate"])),  # made of numbers only
        "gain": shown(c.gain, of_evidence, sign=True),
        "gain_between": ends(c.gain, of_evidence, sign=True),
        "p": f"p {p}" if p.startswith(("<", ">")) else f"p = {p}" if p else "",
        "hidden": shown(c.hidden, percent),
        "hidden_between": ends(c.hidden, percent),
        "hidden_strip": markup(strip(c.hidden, scales["hidden"])),
    }
