"""The candidates against source-only, as a figure of matplotlib."""

from __future__ import annotations

import math
from typing import Any

from landbridge.exceptions import InputError
from landbridge.report._candidates import evidence_column, evidence_in_percent, in_order
from landbridge.report._words import plain
from landbridge.results import Result, rows_shown
from landbridge.tasks import is_share

__all__ = ["plot_candidates"]

MOST, MOST_LETTERS = 30, 40
# Okabe and Ito's blue and vermilion: distinguishable for colour-blind readers.
BLUE, RED = "#0072B2", "#B34A00"


def plot_candidates(result: Result, ax: Any = None) -> Any:
    """Draw the interval of each candidate, with source-only as a line.

    Parameters
    ----------
    result : Result
    ax : matplotlib.axes.Axes, optional
        Where to draw. If None, a new figure is made, without pyplot and whatever its backend is.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If no candidate has an estimate or a score on hidden labels.

    Examples
    --------
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", n_source=60, n_target=60, random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    >>> result.plot().get_xlabel()
    'accuracy on hidden labels (%), 95 % interval'
    """
    tried = [c for c in result.candidates if c.status == "tried"]
    rows = in_order([c for c, _ in rows_shown(tried, result.decision.chosen)], result.decision.chosen)
    key = "hidden" if any(c.hidden is not None for c in rows) else "estimate"
    kept = [(c, m) for c in rows if (m := getattr(c, key)) is not None and math.isfinite(m.value)][:MOST]
    if not kept:
        raise InputError("no candidate has an estimate or a score on hidden labels, so that there is nothing to draw.")
    percent = is_share(result.metric) if key == "hidden" else evidence_in_percent(result)
    name = f"{plain(result.metric)} on hidden labels" if key == "hidden" else evidence_column(result)
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7.0, 1.2 + 0.28 * len(kept)), layout="constrained").subplots()
    times = 100.0 if percent else 1.0
    for place, (c, m) in enumerate(kept):
        colour = RED if c.name == result.decision.chosen else BLUE
        if m.low is not None and m.high is not None and math.isfinite(m.low + m.high):
            ax.plot([times * m.low, times * m.high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
        ax.plot([times * m.value], [place], marker="o", color=colour, linestyle="none", markersize=5)
        if c.name == "source-only":
            ax.axvline(times * m.value, color="0.35", linestyle="--", linewidth=1, zorder=0)
    ax.set_yticks(range(len(kept)), [_label(c.name, c.name == result.decision.chosen) for c, _ in kept])
    ax.set_ylim(len(kept) - 0.4, -0.6)
    ax.set_xlabel(f"{name}{' (%)' if percent else ''}, 95 % interval")
    ax.set_title("Candidates against source-only (dashed)")
    return ax


def _label(name: str, chosen: bool) -> str:
    text = name if len(name) <= MOST_LETTERS else name[: MOST_LETTERS - 1] + "…"
    # a dollar sign would begin a formula
    return text.replace("$", r"\$") + (" (chosen)" if chosen else "")
