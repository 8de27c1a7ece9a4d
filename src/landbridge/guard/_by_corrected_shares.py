"""Evidence from corrected class shares: a model as the source, without source samples, under label shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy import Diagnosis
from landbridge.guard._evidence import Evidence, EvidenceKind, bootstrap_indices, is_significant, weighted_mean
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict, no_gain
from landbridge.measurement import Measurement

__all__ = ["by_corrected_shares"]

KIND = EvidenceKind.CORRECTED_SHARES
ASSUMPTION = "P(x given y) is the same in both domains, and the model's class probabilities are calibrated."


def by_corrected_shares(
    source_only: Trial,
    candidates: Sequence[Trial],
    diagnosis: Diagnosis,
    confidence: float,
    random_state: int | None,
    groups: Any = None,
) -> Verdict:
    """Choose the candidate made for label shift with the largest expected gain under the corrected class shares.

    The expected accuracy of a prediction is its probability under the source model, multiplied by the ratio of the
    class shares that the diagnosis found and normalised.

    Parameters
    ----------
    source_only : Trial
        With class probabilities.
    candidates : sequence of Trial
    diagnosis : Diagnosis
        Label shift, with the class shares of both domains.
    confidence : float
        One-sided.
    random_state : int or None
        Draws the bootstrap resamples.
    groups : ndarray of shape (n_target,), optional
        Target samples that are drawn together. If None, each sample is a group.

    Returns
    -------
    Verdict
    """
    expected = _corrected_proba(source_only, diagnosis)
    base = _expected_score(source_only, source_only, expected)
    resamples = bootstrap_indices(len(expected), random_state, groups)
    assessments: dict[str, Assessment] = {source_only.name: BASELINE}
    best: tuple[Trial, Measurement] | None = None
    for trial in candidates:
        if "label" not in trial.shifts or trial.proba is None:
            assessments[trial.name] = Assessment(None, None, False, "not made for label shift, which was diagnosed")
            continue
        own = _expected_score(trial, source_only, expected)
        gain = weighted_mean(own - base, resamples, name="gain", null=0.0)
        enough = is_significant(gain, confidence)
        why = "gain is significant under the corrected class shares" if enough else no_gain(gain, source_only.name)
        evidence = (Evidence(KIND, gain, ASSUMPTION),)
        estimate = weighted_mean(own, resamples)
        assessments[trial.name] = Assessment(estimate, gain, enough, why, KIND, evidence)
        if enough and (best is None or gain.value > best[1].value):
            best = trial, gain
    if best is None:
        reason = (
            "Label shift explains the difference to the source, but no correction of the class shares changes the "
            f"predictions significantly; {source_only.name} is kept."
        )
        return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
    chosen, gain = best
    reason = (
        f"Label shift explains the difference to the source; {chosen.name} corrects the class probabilities to the "
        f"target's class shares. Expected gain over {source_only.name}: {100 * gain.value:.1f} points of accuracy "
        f"(p = {gain.p_value:.2g})."
    )
    return Verdict(chosen.name, True, reason, NO_LABELS, gain, assessments, ASSUMPTION)


def _corrected_proba(source_only: Trial, diagnosis: Diagnosis) -> NDArray[np.float64]:
    """Class probabilities of the source model under the target's class shares."""
    details = diagnosis.measurements["label_shift"].details
    ratio = np.asarray(details["target_priors"]) / np.maximum(np.asarray(details["source_priors"]), 1e-12)
    proba = np.asarray(source_only.proba) * ratio
    return np.asarray(proba / np.maximum(proba.sum(axis=1, keepdims=True), 1e-300))


def _expected_score(trial: Trial, source_only: Trial, expected: NDArray[np.float64]) -> NDArray[np.float64]:
    at = np.searchsorted(source_only.classes, trial.predicted)
    return np.asarray(expected[np.arange(len(expected)), at])
