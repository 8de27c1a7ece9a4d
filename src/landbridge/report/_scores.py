"""Further scores of the chosen model, as rows and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.report._words import between

__all__ = ["class_rows", "score_rows", "scores_in_words"]

SHARES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
NUMBERS = {"auc": "AUC", "brier": "Brier score", "r2": "R²", "rmse": "RMSE", "mae": "MAE"}


def score_rows(scores: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the name, the value and the interval of 95 % of each score, as they are printed.

    Parameters
    ----------
    scores : mapping
        ``Result.scores``.

    Returns
    -------
    list of (str, str, str)
        The interval is empty where it is not known.

    Examples
    --------
    >>> from landbridge.report._scores import score_rows
    >>> score_rows({"sensitivity": 0.9, "calibration_error": 0.05, "calibration_bins": 10})
    [('sensitivity', '90.0 %', ''), ('expected calibration error (10 bins)', '0.050', '')]
    """
    intervals = scores.get("intervals") or {}

    def ends(key: str, percent: bool = False) -> str:
        low, high = intervals.get(key) or (None, None)
        if low is None or high is None or percent:
            return between(low, high, percent)
        return f"{low:.3f} to {high:.3f}"

    rows = [
        (
            f"{name} ({scores['positive']})" if key == "sensitivity" and "positive" in scores else name,
            _percent(value),
            ends(key, True),
        )
        for key, name in SHARES.items()
        if (value := scores.get(key)) is not None
    ]
    rows += [(name, f"{scores[key]:.3f}", ends(key)) for key, name in NUMBERS.items() if scores.get(key) is not None]
    if scores.get("metric") is not None and scores.get("value") is not None:
        rows.append((str(scores["metric"]), _percent(float(scores["value"])), ""))
    if scores.get("calibration_error") is not None:
        name = f"expected calibration error ({scores['calibration_bins']} bins)"
        rows.append((name, f"{scores['calibration_error']:.3f}", ""))
    return rows


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def class_rows(scores: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return sensitivity and specificity of each of several classes, as they are printed.

    Parameters
    ----------
    scores : mapping
        ``Result.scores``.

    Returns
    -------
    list of dict
        Empty for two classes and for regression.
    """

    def share(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f} %"

    return [
        {
            "name": str(r["class"]),
            "n": f"{r['n']:,}",
            "sensitivity": share(r["sensitivity"]),
            "specificity": share(r["specificity"]),
        }
        for r in scores.get("per_class", ())
    ]


def scores_in_words(scores: Mapping[str, Any]) -> str:
    """Return the scores in one sentence.

    Parameters
    ----------
    scores : mapping
        ``Result.scores``.

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.report._scores import scores_in_words
    >>> scores_in_words({"labels": "hidden target labels", "n": 9, "rmse": 0.5, "mae": 0.4})
    'On 9 hidden target labels: RMSE 0.500, MAE 0.400.'
    """
    rows = ", ".join(f"{name} {value}" for name, value, _ in score_rows(scores))
    return f"On {scores['n']:,} {scores['labels']}: {rows}."
