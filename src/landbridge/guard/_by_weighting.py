"""Evidence from the source under label and covariate shift: held-out source samples, reweighted to the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.guard._doubly_robust import OutcomeModel, doubly_robust_gain
from landbridge.guard._evidence import (
    Evidence,
    EvidenceKind,
    bootstrap_indices,
    corrected_p_value,
    is_significant,
    weighted_mean,
)
from landbridge.guard._majority_vote import MAJORITY_VOTE, MIN_MEMBERS, different_models, vote_as_trial
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import NO_LABELS, Assessment, Verdict, no_gain
from landbridge.measurement import Measurement

__all__ = ["WeightedSource", "by_weighting"]

KIND = EvidenceKind.WEIGHTED_SOURCE
# Fewest source samples of a class from which gains are estimated.
LEAST_OF_CLASS = 5
ASSUMPTIONS = {
    "label": "P(x given y) is the same in both domains, and the estimated class shares of the target are right.",
    "covariate": "P(y given x) is the same in both domains, and the density ratio or the outcome model is right.",
}
REFUSED = {
    "label": "label shift explains the difference: aligning the domains would mix the classes",
    "covariate": "covariate shift explains the difference: equal samples have equal labels, so mapping them loses",
}


@dataclass(frozen=True)
class WeightedSource:
    """The source's labels, with weights under which its samples represent the target.

    Parameters
    ----------
    y : ndarray of shape (n_source,)
        Source labels.
    weights : ndarray of shape (n_source,)
        Density ratio or ratio of class shares, target over source.
    outcome_model : OutcomeModel, optional
        Under covariate shift: corrects what weighting alone gets wrong. If None, gains are weighted means.
    groups : ndarray of shape (n_source,), optional
        Source samples that are drawn together in resamples. If None, each sample is a group.
    target_groups : ndarray of shape (n_target,), optional
        Target samples likewise.
    balanced : bool, default=False
        Whether gains are of balanced accuracy; without an outcome model only.
    rare : str, default=""
        Why they are, in words, where that was not asked for.
    """

    y: NDArray[Any]
    weights: NDArray[np.float64]
    outcome_model: OutcomeModel | None = None
    groups: NDArray[Any] | None = None
    target_groups: NDArray[Any] | None = None
    balanced: bool = False
    rare: str = ""

    @property
    def score_weights(self) -> NDArray[np.float64]:
        """The weights, or, for balanced accuracy, weights under which all classes count alike."""
        if not self.balanced or self.outcome_model is not None:
            return self.weights
        _, codes = np.unique(self.y, return_inverse=True)
        of_class = np.bincount(codes, weights=self.weights)
        return np.asarray(self.weights / np.maximum(of_class, 1e-12)[codes])

    def losses(self, trial: Trial) -> NDArray[np.float64]:
        """Return the loss of each source sample when it was held out.

        Parameters
        ----------
        trial : Trial

        Returns
        -------
        ndarray of shape (n_source,)
            0/1 loss, or squared error over the variance of the labels.
        """
        if trial.proba is not None:
            return np.asarray(trial.held_out != self.y, dtype=float)
        return np.asarray((np.asarray(trial.held_out) - self.y) ** 2 / max(float(np.var(self.y)), 1e-12))

    def gain(self, trial: Trial, base: Trial, resamples: NDArray[np.intp]) -> Measurement:
        """Estimate the gain of one trial over another on the target.

        Parameters
        ----------
        trial, base : Trial
        resamples : ndarray of int, shape (n_bootstrap, n_source)

        Returns
        -------
        Measurement
            Doubly robust where there is an outcome model.
        """
        if self.outcome_model is None:
            difference = self.losses(base) - self.losses(trial)
            return weighted_mean(difference, resamples, weights=self.score_weights, name="gain", null=0.0)
        pairs = ((t.held_out, t.predicted) for t in (trial, base))
        groups = (self.groups, self.target_groups)
        return doubly_robust_gain(self.outcome_model, self.y, self.weights, *pairs, groups=groups, random_state=0)


def by_weighting(
    source_only: Trial,
    candidates: Sequence[Trial],
    diagnosis: Diagnosis,
    weighted_source: WeightedSource,
    confidence: float,
    random_state: int | None,
) -> Verdict:
    """Choose the candidate with the largest significant gain on reweighted held-out source samples.

    Label and covariate shift change how often a sample occurs, not its label, so that reweighting the source to the
    target estimates scores on the target without bias (importance-weighted cross-validation). Candidates that are not
    made for the shift are refused. The p-values are corrected for the number of different candidates, as the best of
    many is chosen.

    Parameters
    ----------
    source_only : Trial
        With its held-out predictions.
    candidates : sequence of Trial
    diagnosis : Diagnosis
        Of the kind ``"label"`` or ``"covariate"``.
    weighted_source : WeightedSource
    confidence : float
        One-sided.
    random_state : int or None
        Draws the bootstrap resamples.

    Returns
    -------
    Verdict
    """
    kind, weights = diagnosis.kind, weighted_source.score_weights
    assumption = ASSUMPTIONS[kind]
    if source_only.proba is not None and (rarest := _rarest(weighted_source.y))[1] < LEAST_OF_CLASS:
        why = "too few source samples of a class to estimate gains from"
        refused = {t.name: Assessment(None, None, False, why) for t in candidates}
        assessments = refused | {source_only.name: Assessment(None, None, True, "a baseline", KIND)}
        reason = (
            f"The source has {rarest[1]} sample{'' if rarest[1] == 1 else 's'} of class {rarest[0]}: too few to "
            f"estimate a gain on reweighted source samples; {source_only.name} is kept."
        )
        return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, assumption)
    resamples = bootstrap_indices(len(weights), random_state, weighted_source.groups)

    def estimate(trial: Trial) -> Measurement:
        return weighted_mean(1 - weighted_source.losses(trial), resamples, weights=weights)

    assessments = {source_only.name: Assessment(estimate(source_only), None, True, "a baseline", KIND)}
    suited = [t for t in candidates if kind in t.shifts and t.held_out is not None]
    best: tuple[Trial, Measurement] | None = None
    members = different_models([source_only, *suited]) if kind == "covariate" else []
    vote = vote_as_trial(members) if len(members) >= MIN_MEMBERS else None
    n_tests, names_of_suited = len(different_models(suited)), {t.name for t in suited}
    for trial in [*([] if vote is None else [vote]), *candidates]:
        if trial is not vote and trial.name not in names_of_suited:
            assessments[trial.name] = Assessment(None, None, False, REFUSED[kind])
            continue
        gain = weighted_source.gain(trial, source_only, resamples)
        # the vote is a single test; of the candidates the best is chosen, and only where the vote is not
        gain = gain if trial is vote else corrected_p_value(gain, n_tests)
        significant = is_significant(gain, confidence)
        why = "gain is significant on reweighted source samples" if significant else no_gain(gain, source_only.name)
        evidence = (Evidence(KIND, gain, assumption),)
        assessments[trial.name] = Assessment(estimate(trial), gain, significant, why, KIND, evidence)
        if significant and (best is None or (best[0] is not vote and gain.value > best[1].value)):
            best = trial, gain
    names = () if vote is None else tuple(t.name for t in members)
    if best is None:
        reason = _kept(kind, _class_shares(diagnosis), source_only.name) + _rare(weighted_source)
        return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, assumption, names)
    trial, gain = best
    reason = _chosen(kind, _class_shares(diagnosis), trial)
    score = "balanced accuracy" if weighted_source.balanced else "accuracy"
    size = f"{gain.value:.3f} R²" if source_only.proba is None else f"{100 * gain.value:.1f} points of {score}"
    reason += f" Estimated gain over {source_only.name}: {size} (p = {gain.p_value:.2g})."
    return Verdict(trial.name, True, reason, NO_LABELS, gain, assessments, assumption, names)


def _rarest(y: NDArray[Any]) -> tuple[Any, int]:
    classes, counts = np.unique(y, return_counts=True)
    return classes[counts.argmin()], int(counts.min())


def _rare(weighted_source: WeightedSource) -> str:
    if not weighted_source.rare:
        return ""
    return (
        f" {weighted_source.rare[:1].upper()}{weighted_source.rare[1:]}, so that balanced accuracy was compared; pass "
        "scoring='accuracy' to count all samples alike."
    )


def _kept(kind: str, shares: str, base: str) -> str:
    if kind == "label":
        return (
            "Label shift explains the difference between the domains: the classes look the same and only their shares "
            f"differ{shares}. Methods that align the domains would mix the classes and are refused, and reweighting "
            f"the source by class gives no statistically significant gain; {base} is kept."
        )
    return (
        "Covariate shift explains the difference between the domains: equal samples have equal labels and occur with "
        f"other frequencies. Reweighting the source gives no statistically significant gain; {base} is kept."
    )


def _chosen(kind: str, shares: str, trial: Trial) -> str:
    if kind == "label":
        return (
            f"Label shift explains the difference between the domains{shares}; {trial.name} reweights the source to "
            "the class shares of the target. Methods that align the domains would mix the classes and are refused."
        )
    if trial.name == MAJORITY_VOTE:
        return (
            "Covariate shift explains the difference between the domains. The weighted majority vote of the source "
            "model and all methods made for the shift is better on held-out source samples, weighted by how often such "
            "samples occur in the target."
        )
    how = (
        "reweights the source samples by how often such samples occur in the target."
        if trial.family == "instance"
        else "is better on held-out source samples, weighted by how often such samples occur in the target."
    )
    return f"Covariate shift explains the difference between the domains; {trial.name} {how}"


def _class_shares(diagnosis: Diagnosis) -> str:
    """Write the class shares of both domains, for four classes at most."""
    measured = diagnosis.measurements.get("label_shift")
    details = {} if measured is None else measured.details
    if not {"classes", "source_priors", "target_priors"} <= set(details) or len(details["classes"]) > 4:
        return ""
    shares = (
        f"{c}: {100 * a:.0f} % to {100 * b:.0f} %"
        for c, a, b in zip(details["classes"], details["source_priors"], details["target_priors"], strict=True)
    )
    return f" ({', '.join(shares)})"
