"""Stepping stones that were given are a statement about the way; a walk over them is judged by the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr

from landbridge.guard._neighbourhood import separation_gain
from landbridge.guard._trial import Trial
from landbridge.guard._views import stones_of

__all__ = ["best_walk"]


def best_walk(
    candidates: Sequence[Trial], source_only: Trial, graph: Any, confidence: float
) -> tuple[Trial, float] | None:
    """Of the candidates that walked over given stepping stones, the one whose labels survive the way back best.

    The labels of the target are carried back to the source over the same stones, and compared with the source's own.
    A walk is believed if it brings back at least as much as the source model's labels bring back without stones, less
    three points, and if its labels do not cut apart target rows that lie together where the source model's do not.

    Parameters
    ----------
    candidates : sequence of Trial
    source_only : Trial
    graph : csr_matrix of shape (n_target, n_target) or None
        Neighbouring target rows.
    confidence : float

    Returns
    -------
    trial, float
        With the accuracy of its way back; None where there is no such walk.
    """
    bar = max((v.value for n, v in source_only.validators.items() if n.startswith("circular")), default=0.0) - 0.03
    best: tuple[Trial, float] | None = None
    for trial in candidates:
        value = next((v.value for n, v in trial.validators.items() if n.startswith("circular")), None)
        if not stones_of(trial.model) or value is None or value < max(bar, 0.5) or (best and value <= best[1]):
            continue
        if graph is not None and trial.classes is not None:
            before, after = (np.searchsorted(trial.classes, t.predicted) for t in (source_only, trial))
            told = separation_gain(graph, before, after, len(trial.classes))
            if ndtr(told.details["z"]) <= 1 - confidence:
                continue
        best = trial, value
    return best
