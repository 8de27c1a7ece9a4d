"""When: the labels there were to learn from, and the measurements of the shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.report._words import between, number, p_value
from landbridge.results import Result

__all__ = ["evidence_rows", "measured_rows", "regime"]

MOST_SOURCES = 12
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


def measured_rows(result: Result) -> list[dict[str, str]]:
    """Return every measurement of the diagnosis, as it is printed.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of dict
    """
    return [
        {
            "name": name.replace("_", " "),
            "meaning": MEANING.get(name, ""),
            "value": number(m.value),
            "between": between(m.low, m.high),
            "p": p_value(m.p_value),
        }
        for name, m in result.diagnosis.measurements.items()
    ]


def evidence_rows(result: Result) -> list[dict[str, Any]]:
    """Return the evidence for each kind of shift, the strongest first.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of dict
    """
    ordered = sorted(result.diagnosis.evidence.items(), key=lambda item: -item[1])
    return [
        {"name": kind, "share": 100 * min(max(strength, 0.0), 1.0), "value": f"{strength:.2f}"}
        for kind, strength in ordered
        if strength == strength
    ]


def regime(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return which labels there were to learn from: a sentence, and the share of labelled samples per domain.

    Parameters
    ----------
    settings : mapping

    Returns
    -------
    dict or None
        None where it is not known.
    """
    if "n_source_labelled" not in settings or "n_target_labelled" not in settings:
        return None
    sides = []
    for side in ("source", "target"):
        n, labelled = int(settings[f"n_{side}"]), int(settings[f"n_{side}_labelled"])
        sides.append({"side": side, "n": f"{n:,}", "labelled": f"{labelled:,}", "share": 100.0 * labelled / max(n, 1)})
    source, target = (int(settings[f"n_{side}_labelled"]) > 0 for side in ("source", "target"))
    words, sizes = REGIMES[source, target], settings.get("n_by_source") or {}
    if len(sizes) > 1:
        each = ", ".join(f"{name} {n:,}" for name, n in list(sizes.items())[:MOST_SOURCES])
        more = f" and {len(sizes) - MOST_SOURCES} more" if len(sizes) > MOST_SOURCES else ""
        words += f" {sum(sizes.values()):,} source samples of {len(sizes)} sources: {each}{more}."
    return {"sides": sides, "words": words}


REGIMES = {
    (True, True): "Both domains have labels; those of the target decide whether the source helps.",
    (True, False): "Only the source has labels (unsupervised domain adaptation); the evidence is indirect.",
    (False, True): "Only the target has labels; features are learned on the source (self-taught learning).",
    (False, False): "Neither domain has labels; samples are clustered.",
}
