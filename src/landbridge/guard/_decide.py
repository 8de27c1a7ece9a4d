"""The decision: find the evidence that the shift and the labels at hand allow, and pass the trials on to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landbridge.discrepancy import DIFFERENT_FEATURES, SHIFTS, Diagnosis
from landbridge.guard._by_corrected_shares import by_corrected_shares
from landbridge.guard._by_ensemble import STRICTER, by_ensemble
from landbridge.guard._by_few_labels import by_few_labels
from landbridge.guard._by_intermediate import by_intermediate
from landbridge.guard._by_labels import FEW_LABELS, by_labels
from landbridge.guard._by_reverse_validation import by_reverse_validation
from landbridge.guard._by_share_profile import by_share_profile
from landbridge.guard._by_units import by_units
from landbridge.guard._by_weighting import WeightedSource, by_weighting
from landbridge.guard._different_features import different_features
from landbridge.guard._no_shift import no_shift
from landbridge.guard._shares_unknown import shares_unknown
from landbridge.guard._splits import LabelledSplits
from landbridge.guard._structured import STRUCTURED, structured_without_labels
from landbridge.guard._trial import Trial, source_model
from landbridge.guard._unlearnable import unlearnable
from landbridge.guard._verdict import Verdict

__all__ = ["decide"]


def decide(
    trials: Sequence[Trial],
    diagnosis: Diagnosis,
    *,
    splits: LabelledSplits | None = None,
    weighted_source: WeightedSource | None = None,
    graph: Any = None,
    confidence: float = 0.9,
    random_state: int | None = 0,
    groups: Any = None,
    shares_kept: bool = False,
) -> Verdict:
    """Decide between the candidates and the baselines.

    Parameters
    ----------
    trials : sequence of Trial
        Baselines and candidates; failed ones are ignored.
    diagnosis : Diagnosis
        The kind of shift found.
    splits : LabelledSplits, optional
        Those that every trial was scored on. If None, there are too few target labels.
    weighted_source : WeightedSource, optional
        Source samples weighted to the target. If None, the shift allows no reweighting.
    graph : csr_matrix of shape (n_target, n_target), optional
        From :func:`neighbour_graph`. If None, neighbouring target samples are no evidence.
    confidence : float, default=0.9
        A gain must be statistically significant at this one-sided level.
    random_state : int or None, default=0
        Draws the bootstrap resamples.
    groups : ndarray of shape (n_target,), optional
        Target samples that are drawn together in resamples. If None, each sample is a group.
    shares_kept : bool, default=False
        Whether the class shares, or the distribution of the values, are known to be the same in both domains.

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        If no fitted baseline is among the trials.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.discrepancy import Diagnosis
    >>> from landbridge.guard import LabelledSplits, Trial, decide
    >>> splits = LabelledSplits(np.arange(20), np.arange(20) % 2, regression=False, n_repeats=1)
    >>> trials = [
    ...     Trial("source-only", "baseline", role="source-only", splits=np.array([0.5, 0.6, 0.5, 0.5, 0.6])),
    ...     Trial("CORAL", "feature", splits=np.array([0.9, 0.8, 0.9, 0.8, 0.9])),
    ... ]
    >>> decide(trials, Diagnosis("concept", "high", ""), splits=splits).chosen
    'CORAL'
    """
    fitted = [t for t in trials if not t.error]
    features: dict[str, Any] = {
        "weighted_source": weighted_source,
        "graph": graph,
        "confidence": confidence,
        "random_state": random_state,
        "groups": groups,
        "shares_kept": shares_kept,
    }
    if diagnosis.kind == STRUCTURED and splits is None:
        return structured_without_labels(fitted)
    if splits is None or any(t.splits is None for t in fitted):
        return _by_features(fitted, diagnosis, **features)
    verdict = by_labels(fitted, splits, confidence)
    seen = all(t.predicted is not None for t in fitted) and any(t.role == "source-only" for t in fitted)
    if len(splits.indices) > FEW_LABELS or diagnosis.kind not in SHIFTS or not seen:
        return verdict
    return by_few_labels(verdict, _by_features(fitted, diagnosis, **features), fitted, splits)


def _by_features(
    fitted: list[Trial],
    diagnosis: Diagnosis,
    *,
    weighted_source: WeightedSource | None,
    graph: Any,
    confidence: float,
    random_state: int | None,
    groups: Any,
    shares_kept: bool,
) -> Verdict:
    """Decide without target labels; features in another unit beyond doubt come first."""
    if diagnosis.kind == DIFFERENT_FEATURES:
        return different_features(fitted)
    source_only = source_model(fitted)
    candidates = [t for t in fitted if not t.baseline]
    converted = by_units(source_only, candidates, diagnosis)
    if converted is not None and unlearnable(source_only, candidates, diagnosis) is None:
        return converted
    return _by_shift(
        source_only, candidates, diagnosis, weighted_source, graph, confidence, random_state, groups, shares_kept
    )


def _by_shift(
    source_only: Trial,
    candidates: list[Trial],
    diagnosis: Diagnosis,
    weighted_source: WeightedSource | None,
    graph: Any,
    confidence: float,
    random_state: int | None,
    groups: Any,
    shares_kept: bool,
) -> Verdict:
    """Decide by the evidence that the diagnosed shift allows."""
    if diagnosis.kind == "none":
        return no_shift(source_only, candidates)
    if (verdict := shares_unknown(source_only, candidates, diagnosis)) is not None:
        return verdict
    if weighted_source is not None and source_only.held_out is not None:
        return by_weighting(source_only, candidates, diagnosis, weighted_source, confidence, random_state)
    if weighted_source is None and "label_shift" in diagnosis.measurements and diagnosis.kind == "label":
        return by_corrected_shares(source_only, candidates, diagnosis, confidence, random_state, groups)
    if (verdict := unlearnable(source_only, candidates, diagnosis)) is not None:
        return verdict
    if (verdict := by_intermediate(source_only, candidates, graph, confidence)) is not None:
        return verdict
    if (verdict := by_share_profile(source_only, candidates, diagnosis, shares_kept)) is not None:
        return verdict
    if sum(t.suits_conditional_shift for t in candidates) < 2:
        return by_reverse_validation(source_only, candidates)
    stricter = STRICTER if diagnosis.kind == "concept" else 1.0
    return by_ensemble(source_only, candidates, graph, confidence, random_state, groups, stricter=stricter)
