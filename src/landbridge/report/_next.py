"""What to do next: how many labels would settle the question, which columns to check, which source to try."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import ndtri

from landbridge.measurement import Measurement
from landbridge.report._headline import CLUSTERS, expected_quality, named
from landbridge.report._words import count, number
from landbridge.results import Result
from landbridge.tasks import difference_in_words

__all__ = ["labels_for_difference", "labels_for_interval", "next_steps"]

Z90 = 1.6449
HALF_WIDTH, POWER = 0.05, 0.8
# AUC from which a single column separates the two sides well enough to be looked at.
SEPARATES = 0.9
# Difference of scores from which the source model is clearly worse; labels, in multiples of those at hand, that are
# seldom worth it.
CLEARLY, SELDOM = 0.03, 10
MOST_COLUMNS, MOST_LABELS, LEAST_LABELS = 6, 100_000, 20


def labels_for_interval(value: float, metric: str, half_width: float = HALF_WIDTH) -> tuple[int, str] | None:
    """Return how many labelled target samples give an interval of 90 % of a half width, and the formula.

    Parameters
    ----------
    value : float
        Expected score.
    metric : str
        ``"accuracy"``, ``"balanced accuracy"``, ``"R²"`` or ``"RMSE"``.
    half_width : float, default=0.05
        For RMSE relative to its value, and doubled.

    Returns
    -------
    (int, str) or None
        None for other metrics.

    Examples
    --------
    >>> from landbridge.report._next import labels_for_interval
    >>> labels_for_interval(0.9, "accuracy")
    (98, 'n = z² p (1 − p) / h² with z = 1.645, p = 0.90 and h = 0.05')
    """
    z = f"z = {Z90:.3f}"
    if metric in ("accuracy", "balanced accuracy"):
        p = min(max(value, 0.05), 0.95)
        n = Z90**2 * p * (1 - p) / half_width**2
        formula = f"n = z² p (1 − p) / h² with {z}, p = {p:.2f} and h = {half_width:.2f}"
    elif metric == "R²":
        # 1/3 is where the standard error of R² is largest
        r = min(max(value, 1 / 3), 0.99)
        n = Z90**2 * 4 * r * (1 - r) ** 2 / half_width**2
        formula = f"n = z² 4 R² (1 − R²)² / h² with {z}, R² = {r:.2f} and h = {half_width:.2f}"
    elif metric == "RMSE":
        n = Z90**2 / (2 * (2 * half_width) ** 2)
        formula = f"n = z² / (2 h²) with {z} and h = {2 * half_width:.2f} of the RMSE"
    else:
        return None
    return max(math.ceil(n), LEAST_LABELS), formula


def labels_for_difference(gain: float, low: float, high: float, n: int, confidence: float) -> int:
    """Return how many labelled target samples in all would show a difference of two scores, with a power of 80 %.

    The standard error of the difference falls with the square root of the number of labelled samples.

    Parameters
    ----------
    gain : float
        Estimated difference.
    low, high : float
        Its interval of 95 %.
    n : int
        Labelled target samples that it was estimated from.
    confidence : float
        Confidence with which the difference must be positive.

    Returns
    -------
    int

    Examples
    --------
    >>> from landbridge.report._next import labels_for_difference
    >>> labels_for_difference(0.02, -0.02, 0.06, 100, 0.9)
    470
    """
    error = (high - low) / (2 * 1.959964)
    z = float(ndtri(confidence) + ndtri(POWER))
    return math.ceil(n * (z * error / max(abs(gain), 1e-12)) ** 2)


def next_steps(result: Result) -> list[dict[str, Any]]:
    """Return the advice, the most useful first.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of dict
        Each with ``title``, ``words`` and ``formula``.
    """
    steps = [*_labels(result), *_columns(result), *_sources(result), *_failures(result)]
    if not steps:
        words = "Nothing stands out. Predict new target samples, and check some of the predictions by hand."
        steps = [_step("Use the model", words)]
    return steps


def _step(title: str, words: str, formula: str = "") -> dict[str, Any]:
    return {"title": title, "words": words, "formula": formula}


def _labels(result: Result) -> list[dict[str, Any]]:
    if result.decision.evidence == CLUSTERS:
        words = "Give labels to a few target samples of each group; with them the groups can be checked and named."
        return [_step("Label some target samples", words)]
    if result.decision.evidence == "target labels":
        return [*_settle(result), *_narrow(result)]
    hidden = named(result, result.decision.chosen)
    if hidden is not None and hidden.hidden is not None:
        words = (
            "The target has labels, which were hidden in this run. Use them (target_labels='use'): the decision then "
            "rests on measured scores, and no longer on indirect evidence."
        )
        return [_step("Use the hidden labels", words)]
    metric, rows = expected_quality(result)
    value = rows[0].measured.value if rows and rows[0].measured is not None else None
    if value is None:
        metric = "accuracy" if result.task == "classification" else "R²"
    needed = labels_for_interval(0.5 if value is None else value, metric)
    if needed is None:
        return []
    n, formula = needed
    what = "±5 points" if metric in ("accuracy", "balanced accuracy") else "±0.05" if metric == "R²" else "±10 %"
    words = (
        f"Label about {n:,} target samples, drawn at random: the {metric} is then known to {what} (90 % interval), and "
        "labels decide in place of indirect evidence."
    )
    total = result.settings.get("n_target")
    if total is not None and n > int(total):
        words += f" The target of this run has only {int(total):,}: label all of them."
    return [_step("Label some target samples", words, formula)]


def _settle(result: Result) -> list[dict[str, Any]]:
    """How many labels would settle the comparison with the best candidate."""
    n = int(result.settings.get("n_target_labelled") or 0)
    name, gain = _best(result)
    if result.decision.transferred or gain is None or gain.low is None or gain.high is None or n < 2:
        return []
    if not math.isfinite(gain.value + gain.low + gain.high) or gain.high <= gain.low:
        return []
    kept = result.decision.chosen
    by = difference_in_words(abs(gain.value), result.metric)
    if gain.high <= 0:
        words = f"The best candidate, {name}, is {by} worse than {kept}; more labels are unlikely to change that."
        return [_step("No more labels are needed to decide", words)]
    confidence = float(result.settings.get("confidence") or 0.9)
    needed = labels_for_difference(gain.value, gain.low, gain.high, n, confidence)
    if needed > max(MOST_LABELS, 100 * n):
        words = f"The best candidate, {name}, differs from {kept} by only {by}: too little to be worth more labels."
        return [_step("No more labels are needed to decide", words)]
    formula = (
        f"n = n₀ ((z₁ + z₂) s / d)² with n₀ = {n:,} labelled samples, s = {number((gain.high - gain.low) / 3.92)} the "
        f"standard error of the difference d = {number(abs(gain.value))}, z₁ = {float(ndtri(confidence)):.2f} for a "
        f"confidence of {100 * confidence:.0f} % and z₂ = {float(ndtri(POWER)):.2f} for a power of 80 %"
    )
    which = "worse" if gain.value < 0 else "better"
    more = _round(max(needed - n, 1))
    words = (
        f"About {count(more, 'more labelled target sample')} would settle whether {name} differs from {kept}, if it "
        f"stays {by} {which}."
    )
    if more > SELDOM * n:
        words += " For a difference this small that is seldom worth it."
    return [_step("More labels would settle it", words, formula)]


def _best(result: Result) -> tuple[str, Measurement | None]:
    """Name and gain of the best candidate that is not kept."""
    rest = [c for c in result.candidates if c.gain is not None and c.name != result.decision.chosen]
    rest = [c for c in rest if c.family != "baseline" and c.gain is not None and math.isfinite(c.gain.value)]
    if not rest:
        return "", None
    best = max(rest, key=lambda c: -math.inf if c.gain is None else c.gain.value)
    return best.name, best.gain


def _narrow(result: Result) -> list[dict[str, Any]]:
    """How many labels would narrow a wide interval of the expected quality."""
    metric, rows = expected_quality(result)
    m = rows[0].measured if rows else None
    n = int(result.settings.get("n_target_labelled") or 0)
    if m is None or m.low is None or m.high is None or metric == "RMSE" or (m.high - m.low) / 2 <= HALF_WIDTH:
        return []
    if labels_for_interval(m.value, metric) is None or not n:
        return []
    half = (m.high - m.low) / 2
    needed = math.ceil(n * (half / HALF_WIDTH) ** 2)
    if needed > MOST_LABELS:
        return []
    what = "5 points" if metric != "R²" else "0.05"
    width = f"{100 * half:.1f} points" if metric != "R²" else f"{half:.2f}"
    words = (
        f"The expected {metric} is known to ±{width}. About {_round(needed - n):,} more labelled target samples would "
        f"narrow that to ±{what}."
    )
    formula = f"n = n₀ (h₀ / h)² with n₀ = {n:,} labelled samples, h₀ = {half:.3f} and h = {HALF_WIDTH:.2f}"
    return [_step("More labels would narrow the interval", words, formula)]


def _columns(result: Result) -> list[dict[str, Any]]:
    inspection = getattr(result, "inspection", None)
    if inspection is None:
        return []
    found: list[tuple[float, str]] = []
    for c in inspection.columns:
        reasons = []
        if c.unit:
            reasons.append(c.unit.rstrip("."))
        if c.used and c.separates is not None and c.separates >= SEPARATES:
            reasons.append(f"it alone separates source and target (AUC {c.separates:.2f})")
        texts = sum(c.not_numbers.values())
        if c.used and texts:
            example = f", such as {c.examples[0]!r}" if c.examples else ""
            reasons.append(f"{count(texts, 'cell is', 'cells are')} no number{example}")
        if reasons:
            found.append((-(c.separates or 0.0), f"{c.name}: {'; '.join(reasons)}"))
    if not found:
        return []
    names = [text for _, text in sorted(found, key=lambda f: f[0])]
    rest = f" {len(names) - MOST_COLUMNS} more are marked under Your data." if len(names) > MOST_COLUMNS else ""
    words = (
        "Do they mean the same in both domains, with the same units and codes? Correct the file, or drop the column "
        "where they do not." + rest
    )
    columns = count(len(names), "column")
    return [{**_step(f"Check {columns}", words), "items": names[:MOST_COLUMNS]}]


def _sources(result: Result) -> list[dict[str, Any]]:
    ranking = getattr(result, "ranking", None)
    if ranking is not None and len(ranking) > 1:
        used = str(result.settings.get("source") or "")
        if ranking.best != used:
            words = f"Of the sources that were ranked, {ranking.best} comes first: {ranking.words}"
            return [_step("Try another source", words)]
        return [_step("Keep this source", f"Of the sources that were ranked, it comes first: {ranking.words}")]
    sizes = result.settings.get("n_by_source") or {}
    if len(sizes) > 1:
        words = (
            f"The source has {len(sizes)} domains. Rank them (landbridge rank, or landbridge.rank in Python) and run "
            "again with the first one or two, if the others rank at chance."
        )
        return [_step("See which source is the best", words)]
    if result.diagnosis.risk == "high" and not result.decision.transferred and _source_is_worse(result):
        words = (
            "The domains differ strongly and no method is shown to help. If there are other sources, rank them for "
            "this target (landbridge rank, or landbridge.rank in Python)."
        )
        return [_step("Try another source", words)]
    return []


def _source_is_worse(result: Result) -> bool:
    """Return whether the source model alone is clearly worse than what is kept, or of unknown quality."""
    _, rows = expected_quality(result)
    base = next((q.measured for q in rows if q.name == "source-only"), None)
    return base is None or rows[0].measured is None or rows[0].measured.value - base.value > CLEARLY


def _round(n: int) -> int:
    """Two significant digits: the formula knows no more."""
    return int(float(f"{n:.1e}"))


def _failures(result: Result) -> list[dict[str, Any]]:
    failed = [c.name for c in result.candidates if c.status == "failed"]
    tried = [c for c in result.candidates if c.status == "tried" and c.family != "baseline"]
    if not failed or tried:
        return []
    words = "No method could be fitted; the reasons are under Candidates."
    return [_step("Look at what failed", words)]
