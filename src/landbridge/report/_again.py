"""Details: how to repeat the run, its settings, versions and timings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from landbridge.report._words import number

__all__ = ["call", "command", "settings_rows", "timing_rows"]

# Settings with a place of their own in the page.
ELSEWHERE = frozenset({"versions", "command", "notes", "inferred"})
STEPS = {"read": "reading", "measure": "diagnosis", "expected": "expected quality"}
MOST_TEXT = 300


def settings_rows(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every setting that was given or derived, as it is printed.

    Parameters
    ----------
    settings : mapping

    Returns
    -------
    list of (str, str)
    """
    rows = []
    for key, value in settings.items():
        if key in ELSEWHERE or value is None or value == [] or value == {}:
            continue
        if isinstance(value, Mapping):
            text = ", ".join(f"{k}: {v}" for k, v in value.items())
        elif isinstance(value, list | tuple):
            text = ", ".join(str(v) for v in value)
        else:
            text = f"{value:,}" if isinstance(value, int) and key.startswith("n_") else str(value)
        rows.append((key, text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"))
    return rows


def timing_rows(timings: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the seconds of each step, as they are printed.

    Parameters
    ----------
    timings : mapping of str to float

    Returns
    -------
    list of (str, str)
    """
    return [(STEPS.get(k, k), f"{v:.1f} s" if v >= 0.1 else f"{number(v)} s") for k, v in timings.items()]


def call(settings: Mapping[str, Any]) -> str:
    """Return the Python call of the same run.

    Parameters
    ----------
    settings : mapping

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.report._again import call
    >>> call({"label": "ill", "target_labels": 5})
    "landbridge.transfer(source, target, label='ill', target_labels=5)"
    """
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


def command(settings: Mapping[str, Any]) -> str:
    """Return the command line of the same run.

    Parameters
    ----------
    settings : mapping

    Returns
    -------
    str
        Empty where estimators were given, which it cannot name.
    """
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
