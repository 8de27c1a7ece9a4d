"""Evidence from an ensemble under concept and subspace shift: what several methods agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr

from landbridge.guard._agreement import agreement
from landbridge.guard._by_reverse_validation import lost_labels
from landbridge.guard._evidence import (
    Evidence,
    EvidenceKind,
    bootstrap_indices,
    is_significant,
    standard_error,
    stouffer_p_value,
    weighted_mean,
)
from landbridge.guard._majority_vote import MAJORITY_VOTE, MIN_MEMBERS, ensemble_members, majority_vote
from landbridge.guard._separation import separation_gain
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import BASELINE, NO_LABELS, Assessment, Verdict, no_gain, unsuited
from landbridge.measurement import Measurement

__all__ = ["AGREEMENT_MARGIN", "STRICTER", "by_ensemble"]

KIND = EvidenceKind.ENSEMBLE
ASSUMPTION = "Methods of different kinds err independently, and neighbouring target samples mostly have the same class."
AGREEMENT = "Methods of different kinds err independently."
CLUSTER = "Neighbouring target samples mostly have the same class."
# The vote that is compared with single methods, which are not smoothed, is smoothed less than the one that is chosen.
COMPARED_SMOOTHING = 0.5
# Agreement is indirect evidence: a candidate's gain in it must exceed its systematic error.
AGREEMENT_MARGIN = 0.03
# Methods share errors that no standard error holds: under concept shift the vote needs a level so many times as strict.
# Set on the pairs of the audit that other constants had been set on: of 78 votes with p <= 0.01 one was worse than the
# source model, of 4 with a larger p all were, and none under subspace shift.
STRICTER = 10


def by_ensemble(
    source_only: Trial,
    candidates: Sequence[Trial],
    graph: Any,
    confidence: float,
    random_state: int | None,
    groups: Any = None,
    *,
    stricter: float = STRICTER,
) -> Verdict:
    """Choose the weighted majority vote of the source model and all suited candidates, if two tests allow it.

    Under concept and subspace shift no reweighting of the source is right, so that the predictions of the other
    methods stand in for target labels. The agreement of the vote with a member held out of it, compared with that of
    the source model, and the separation of neighbouring target samples are combined by Stouffer's method; the
    separation alone can veto, because methods that share an error agree on it.

    Parameters
    ----------
    source_only : Trial
    candidates : sequence of Trial
    graph : csr_matrix of shape (n_target, n_target) or None
        Neighbouring target samples; None for regression, or where there are too many samples or too few.
    confidence : float
        One-sided.
    random_state : int or None
        Draws the bootstrap resamples.
    groups : ndarray of shape (n_target,), optional
        Target samples that are drawn together. If None, each sample is a group.
    stricter : float, default=10
        How many times as strict a level the vote needs.

    Returns
    -------
    Verdict
        The assessments include the vote, under the name :data:`MAJORITY_VOTE`, where there are three members.
    """
    suited = [t for t in candidates if t.suits_conditional_shift]
    assessments = unsuited(candidates) | {source_only.name: BASELINE}
    assessments |= _assess_each([source_only, *suited], confidence, random_state, groups)
    members = ensemble_members([source_only, *suited])
    if len(members) < MIN_MEMBERS:
        reason = (
            "Too few candidates differ from the source model to be compared with one another; without target labels "
            f"no gain can be defended, and {source_only.name} is kept."
        )
        return Verdict(source_only.name, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
    level = 1 - (1 - confidence) / stricter
    return _assess_vote(members, assessments, graph, (confidence, level), random_state, groups)


def _assess_vote(
    members: list[Trial],
    assessments: dict[str, Assessment],
    graph: Any,
    levels: tuple[float, float],
    random_state: int | None,
    groups: Any,
) -> Verdict:
    """Compare the vote of all members with the source model; the levels are those of a veto and of the choice."""
    confidence, needed = levels
    base, k = members[0].name, len(members) - 1
    estimate, gain, z = _agreement_gain(members, graph, random_state, groups)
    evidence, apart = [Evidence(KIND, gain, AGREEMENT)], ""
    if graph is not None:
        separation = _separation_gain(members, graph, groups)
        evidence.append(Evidence(EvidenceKind.SEPARATION, separation, CLUSTER))
        p = stouffer_p_value([z, separation.details["z"]])
        gain = replace(gain, p_value=p, details={"separation": separation.value})
        if vetoed(separation, confidence):
            why = "separates neighbouring target samples"
            assessments[MAJORITY_VOTE] = Assessment(estimate, gain, False, why, KIND, tuple(evidence))
            reason = (
                f"{k} methods agree on other labels than the source model's, but theirs separate neighbouring target "
                "samples more often: what they have in common may be an error, such as mixing classes whose shares "
                f"differ between the domains. {base.capitalize()} is kept."
            )
            return Verdict(base, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
        less = "less" if separation.value > 0 else "no less"
        apart = f", and neighbouring target samples are {less} often separated"
    if not is_significant(gain, needed):
        why = no_gain(gain, base)
        assessments[MAJORITY_VOTE] = Assessment(estimate, gain, False, why, KIND, tuple(evidence))
        better = f"significantly better than the source model (p = {gain.p_value:.2g})"
        closer = "closer to a method held out of it than the source model is"
        reason = (
            f"{k} methods of different kinds were fitted; their vote is not {better if gain.value > 0 else closer}, so "
            f"without target labels no gain can be defended, and {base} is kept."
        )
        return Verdict(base, False, reason, NO_LABELS, None, assessments, ASSUMPTION)
    why = "the weighted majority vote of the source model and all methods made for the shift"
    assessments[MAJORITY_VOTE] = Assessment(estimate, gain, True, why, KIND, tuple(evidence))
    reason = (
        f"{k} methods of different kinds agree with one another more than with the source model: their weighted "
        f"majority vote is {_closer(gain.value, members[0])} closer to a method held out of it than the source model "
        f"is{apart} (p = {gain.p_value:.2g}). The vote is chosen."
    )
    return Verdict(MAJORITY_VOTE, True, reason, NO_LABELS, gain, assessments, ASSUMPTION)


def _agreement_gain(
    members: list[Trial], graph: Any, random_state: int | None, groups: Any = None
) -> tuple[Measurement, Measurement, float]:
    """Measure how much better the vote agrees with a member held out of it than the source model does.

    Returns the agreement of the vote, its gain over that of the source model, and the z-score of the gain. Its standard
    error has two parts: the target samples are a sample, and so are the methods. Methods share errors, so that many
    target samples do not make up for few methods.
    """
    source_only = members[0]
    of_vote, of_source = [], []
    for j in range(1, len(members)):
        vote = majority_vote(members[:j] + members[j + 1 :], graph, COMPARED_SMOOTHING)
        of_vote.append(_agree(vote, members[j], source_only))
        of_source.append(_agree(np.asarray(source_only.predicted), members[j], source_only))
    # candidates with another learner than the source model's agree with one another for that reason, too
    each = np.array([a - b for a, b in zip(of_vote, of_source, strict=True)]) - source_only.advantage
    gains = each.mean(axis=0)
    resamples = bootstrap_indices(len(gains), random_state, groups)
    estimate = weighted_mean(np.mean(of_vote, axis=0), resamples, name="agreement")
    gain = weighted_mean(gains, resamples, name="gain", null=0.0)
    of_methods = float(each.mean(axis=1).var(ddof=1)) / len(each)
    error = np.sqrt(standard_error(gains, groups) ** 2 + of_methods)
    if not error > 0:
        return estimate, gain, 0.0
    # few methods: the tails of Student's distribution, as a z-score of the same probability
    z = float(-ndtri(stdtr(len(each) - 1, -gain.value / error)))
    reach = 1.959963984540054 * error
    gain = replace(gain, low=max(gain.value - reach, -1.0), high=min(gain.value + reach, 1.0), p_value=float(ndtr(-z)))
    return estimate, gain, z


def _closer(gain: float, source_only: Trial) -> str:
    """Write a gain in agreement: points of samples, or a share of the variance of the source model's values."""
    return f"{100 * gain:.1f} points" if source_only.proba is not None else f"{gain:.3f} (share of the variance)"


def _separation_gain(members: list[Trial], graph: Any, groups: Any = None) -> Measurement:
    """Compare the labels of the vote with the source model's; not smoothed, as smoothing alone separates less."""
    classes = members[0].classes
    before, after = (np.searchsorted(classes, v) for v in (members[0].predicted, majority_vote(members)))
    return separation_gain(graph, before, after, len(classes), groups)


def vetoed(separation: Measurement, confidence: float) -> bool:
    """Return whether labels separate neighbouring target samples significantly more often than the source model's.

    Parameters
    ----------
    separation : Measurement
        From :func:`separation_gain`.
    confidence : float

    Returns
    -------
    bool
    """
    return bool(ndtr(separation.details["z"]) <= 1 - confidence)


def _agree(predicted: NDArray[Any], trial: Trial, source_only: Trial) -> NDArray[np.float64]:
    """Return the agreement of predictions with a trial's, per target sample, in [0, 1]."""
    if trial.proba is not None:
        return np.asarray(predicted == trial.predicted, dtype=float)
    spread = max(float(np.var(np.asarray(source_only.predicted, dtype=float))), 1e-12)
    return np.asarray(1 - np.minimum((predicted - np.asarray(trial.predicted)) ** 2 / spread, 1.0))


def _assess_each(
    trials: list[Trial], confidence: float, random_state: int | None, groups: Any = None
) -> dict[str, Assessment]:
    """Compare every candidate with the source model by their agreement with all other candidates."""
    source_only = trials[0]
    pairs = _agreement_with_others(trials)
    resamples = bootstrap_indices(pairs.shape[2], random_state, groups)
    assessments = {}
    for (own, of_source), trial in zip(pairs[1:], trials[1:], strict=True):
        estimate = weighted_mean(own, resamples, name="agreement")
        gain = weighted_mean(own - of_source, resamples, name="gain", null=0.0)
        enough = gain.value > AGREEMENT_MARGIN and is_significant(gain, confidence)
        lost = lost_labels(trial, source_only)
        why = lost or ("agrees with the other methods" if enough else no_gain(gain, source_only.name))
        evidence = (Evidence(KIND, gain, AGREEMENT),)
        assessments[trial.name] = Assessment(estimate, gain, enough and not lost, why, KIND, evidence)
    return assessments


def _agreement_with_others(trials: list[Trial]) -> NDArray[np.float64]:
    """Return the agreement of each trial, and of the source model, with the vote of all others.

    Both are compared with the same trials, all but these two: the source model's vote would favour the candidate in
    what they have in common. The shape is (n_trials, 2, n_target).
    """
    others = [[j for j in range(len(trials)) if j not in (0, i)] for i in range(len(trials))]
    if trials[0].proba is None:
        return np.stack([_closeness(trials, [i, 0], others[i]) for i in range(len(trials))])
    classes = np.unique(np.concatenate([np.unique(t.predicted) for t in trials]))
    codes = np.stack([np.searchsorted(classes, t.predicted) for t in trials])
    return np.stack([agreement(codes, len(classes), members=others[i])[[i, 0]] for i in range(len(trials))])


def _closeness(trials: list[Trial], pair: list[int], others: list[int]) -> NDArray[np.float64]:
    """Return the closeness of two trials' values to the median of others, in units of the variance of that median."""
    values = np.stack([np.asarray(t.predicted, dtype=float) for t in trials])
    centre = np.median(values[others], axis=0)
    spread = max(float(np.var(centre)), 1e-12)
    return np.asarray(1 - np.minimum((values[pair] - centre) ** 2 / spread, 1.0))
