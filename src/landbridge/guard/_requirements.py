"""What the decision needs beside the trials: source weights, a neighbour graph, and reverse validation of a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from landbridge.discrepancy import Diagnosis
from landbridge.domain import Domain
from landbridge.guard._by_weighting import WeightedSource
from landbridge.guard._doubly_robust import fit_outcome_model
from landbridge.guard._neighbour_graph import MAX_GRAPH_SAMPLES, N_NEIGHBORS, neighbour_graph
from landbridge.guard._source_weights import source_weights
from landbridge.guard._trial import Trial

__all__ = ["needs_reverse_validation", "target_graph", "weighted_source"]


def needs_reverse_validation(trials: Sequence[Trial], diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the trials for which reverse validation decides something.

    It decides about candidates that were fitted over given intermediate domains, and about a single suited candidate;
    where several can be compared with one another, a second fit of each would decide nothing.

    Parameters
    ----------
    trials : sequence of Trial
        Judged without target labels, under concept or subspace shift.
    diagnosis : Diagnosis

    Returns
    -------
    tuple of str
        Names, the source model first; empty where none is needed.

    Examples
    --------
    >>> from landbridge.discrepancy import Diagnosis
    >>> from landbridge.guard import Trial, needs_reverse_validation
    >>> trials = [Trial("source-only", "baseline", role="source-only"), Trial("CORAL", "feature")]
    >>> needs_reverse_validation(trials, Diagnosis("concept", "high", ""))
    ('source-only', 'CORAL')
    """
    if diagnosis.kind == "none":
        return ()
    fitted = [t for t in trials if not t.error]
    base = [t.name for t in fitted if t.role == "source-only"]
    candidates = [t for t in fitted if not t.baseline]
    wanted = [t.name for t in candidates if t.intermediate]
    suited = [t.name for t in candidates if t.suits_conditional_shift]
    if len(suited) < 2:
        wanted += [name for name in suited if name not in wanted]
    return tuple(base + wanted) if wanted else ()


# A class is rare if its estimated share is below this over the number of classes. Labels are scored by balanced
# accuracy below 0.4; an estimate has an error.
RARE = 0.28


def weighted_source(
    diagnosis: Diagnosis,
    source: Domain,
    target: Domain,
    *,
    regression: bool,
    scoring: Any = None,
    random_state: int | None = None,
) -> WeightedSource | None:
    """Weight the source samples to the target, where the diagnosed shift allows it.

    Parameters
    ----------
    diagnosis : Diagnosis
    source : Domain
        Labelled.
    target : Domain
    regression : bool
    scoring : str or callable, optional
        Score that was asked for. If None, accuracy, or balanced accuracy where an estimated class share of the target
        is below 14 % of two classes, and 0.28 / k of k.
    random_state : int, optional
        Seed of the domain classifier and the outcome model.

    Returns
    -------
    WeightedSource or None
        None where the shift is neither label nor covariate shift.
    """
    weights = source_weights(diagnosis, source, target, random_state=random_state)
    if weights is None:
        return None
    model = None
    if diagnosis.kind == "covariate":
        model = fit_outcome_model(source, target, regression=regression, random_state=random_state)
    rare = _rare_class(diagnosis) if scoring is None else ""
    balanced = bool(rare) or scoring == "balanced_accuracy"
    return WeightedSource(np.asarray(source.y), weights, model, source.groups, target.groups, balanced, rare)


def _rare_class(diagnosis: Diagnosis) -> str:
    """Say which class is rare by the shares that are estimated for the target; empty if none is."""
    if diagnosis.kind != "label":
        return ""
    details = diagnosis.measurements["label_shift"].details
    shares = np.asarray(details["target_priors"])
    if shares.min() >= RARE / len(shares):
        return ""
    share = "less than 1 %" if shares.min() < 0.01 else f"{100 * shares.min():.0f} %"
    return f"class {details['classes'][int(shares.argmin())]!r} is estimated at {share} of the target"


def target_graph(target: Domain, *, regression: bool) -> Any:
    """Return the neighbour graph of the target samples.

    Parameters
    ----------
    target : Domain
    regression : bool

    Returns
    -------
    csr_matrix of shape (n_target, n_target) or None
        None for regression, or where there are too few samples or too many.
    """
    if regression or not N_NEIGHBORS < len(target) <= MAX_GRAPH_SAMPLES:
        return None
    return neighbour_graph(target.X)
