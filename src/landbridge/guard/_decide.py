"""The decision: transfer only what can be defended, and say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.guard._consensus import agreement
from landbridge.guard._labelled import LabelledSplits, nested_gain
from landbridge.guard._paired import corrected_gain
from landbridge.guard._trial import Trial
from landbridge.measurement import Measurement

__all__ = ["Judged", "Verdict", "decide"]

WITHOUT = "no target labels"
N_BOOTSTRAP = 500
# Agreement is a proxy, so a gain in it must exceed what its systematic error alone can feign.
MARGIN = 0.03
# Votes one family may have.
MOST_VOICES = 4.0


@dataclass(frozen=True)
class Judged:
    """What the guard concluded about one candidate.

    Parameters
    ----------
    estimate : Measurement or None
        Quality on the target, as far as it can be known.
    gain : Measurement or None
        Over the better way of not transferring.
    defensible : bool
    why : str
        One clause.
    """

    estimate: Measurement | None
    gain: Measurement | None
    defensible: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """The guard's decision with every candidate's judgement.

    Parameters
    ----------
    chosen : str
    transferred : bool
    reason : str
    evidence : str
        ``"target labels"`` or ``"no target labels"``.
    gain : Measurement or None
    judged : mapping of str to Judged
    """

    chosen: str
    transferred: bool
    reason: str
    evidence: str
    gain: Measurement | None
    judged: Mapping[str, Judged]


def decide(
    trials: Sequence[Trial],
    diagnosis: Diagnosis,
    *,
    folds: LabelledSplits | None = None,
    weights: NDArray[np.float64] | None = None,
    confidence: float = 0.9,
    random_state: int | None = 0,
) -> Verdict:
    """Decide between the candidates and the ways of not transferring.

    Parameters
    ----------
    trials : sequence of Trial
        Baselines (family ``"baseline"``) and candidates; failed ones are left aside.
    diagnosis : Diagnosis
        What measure() found.
    folds : LabelledSplits, optional
        Given where target labels were enough to score every trial on splits of them.
    weights : ndarray of shape (n_source,), optional
        Weights that make source rows stand for the target, where the diagnosed shift allows it.
    confidence : float, default=0.9
        How sure a gain must be, one-sided.
    random_state : int, optional
        Draws bootstrap resamples.

    Returns
    -------
    Verdict
    """
    alive = [t for t in trials if not t.error]
    if folds is not None and all(t.splits is not None for t in alive):
        return _by_labels(alive, folds, confidence)
    return _without_labels([t for t in alive if t.name != "target-only"], diagnosis, weights, confidence, random_state)


def _by_labels(trials: list[Trial], folds: LabelledSplits, confidence: float) -> Verdict:
    scores = np.stack([t.splits for t in trials if t.splits is not None])
    means = scores.mean(axis=1)
    baselines = [i for i, t in enumerate(trials) if t.baseline]
    candidates = [i for i, t in enumerate(trials) if not t.baseline]
    base = max(baselines, key=lambda i: means[i])
    judged = {}
    for i, trial in enumerate(trials):
        estimate = corrected_gain(scores[i], folds.test_fraction, name="estimate")
        if trial.baseline:
            judged[trial.name] = Judged(estimate, None, True, "a way of not transferring")
            continue
        gain = corrected_gain(scores[i] - scores[base], folds.test_fraction)
        sure = gain.value > 0 and gain.p_value is not None and gain.p_value <= 1 - confidence
        why = "gain holds over the labelled rows" if sure else _no_gain(gain, trials[base].name)
        judged[trial.name] = Judged(estimate, gain, sure, why)
    stay = trials[base].name
    n = len(folds.rows)
    if not candidates:
        return Verdict(stay, False, f"No method could be tried; {stay} is the answer.", "target labels", None, judged)
    best = max(candidates, key=lambda i: means[i])
    nested = nested_gain(scores, baselines, candidates, folds.test_fraction)
    name = trials[best].name
    if judged[name].defensible and nested.value > 0 and (nested.p_value or 0.0) <= 1 - confidence:
        reason = (
            f"{name} beats {stay} by {100 * nested.value:.1f} points on {n} labelled target rows, cross-validated "
            f"with the choice inside (p = {nested.p_value:.2g})."
        )
        return Verdict(name, True, reason, "target labels", nested, judged)
    reason = (
        f"The best candidate, {name}, is {100 * nested.value:+.1f} points from {stay} on {n} labelled target rows, "
        f"and so small a gain may be chance (p = {nested.p_value if nested.p_value is not None else 1:.2g}); "
        f"{stay} is kept."
    )
    return Verdict(stay, False, reason, "target labels", nested, judged)


def _no_gain(gain: Measurement, stay: str) -> str:
    return f"not better than {stay}" if gain.value <= 0 else f"gain over {stay} may be chance"


def _without_labels(
    trials: list[Trial],
    diagnosis: Diagnosis,
    weights: NDArray[np.float64] | None,
    confidence: float,
    seed: int | None,
) -> Verdict:
    """Each diagnosed shift has the evidence that is right for it; what no evidence defends is not handed over."""
    source_only = next(t for t in trials if t.baseline)
    candidates = [t for t in trials if not t.baseline]
    if diagnosis.kind == "none":
        judged = {t.name: Judged(None, None, t.baseline, "nothing to bridge: no shift was found") for t in trials}
        return _stay(
            source_only, "No shift was found between the domains, so the source model applies as it is.", judged
        )
    if weights is not None and source_only.losses is not None:
        return _by_weighted_source(source_only, candidates, diagnosis, weights, confidence, seed)
    return _by_consensus(source_only, candidates, confidence, seed)


def _by_weighted_source(
    source_only: Trial,
    candidates: list[Trial],
    diagnosis: Diagnosis,
    weights: NDArray[np.float64],
    confidence: float,
    seed: int | None,
) -> Verdict:
    """Label and covariate shift change how often rows are seen, not what they mean: held-out source rows, weighted to
    the target, then estimate the target's quality without bias (importance-weighted cross-validation)."""
    kind = diagnosis.kind
    base = source_only.losses
    assert base is not None
    draws = np.random.default_rng(seed).integers(len(weights), size=(N_BOOTSTRAP, len(weights)))
    refused = (
        "label shift explains the difference: aligning the domains would mix the classes"
        if kind == "label"
        else "covariate shift explains the difference: rows mean the same on both sides, so moving them loses"
    )
    judged = {source_only.name: Judged(_weighted(1 - base, weights, draws), None, True, "a way of not transferring")}
    best: tuple[float, Trial, Measurement] | None = None
    for trial in candidates:
        if kind not in trial.answers or trial.losses is None:
            judged[trial.name] = Judged(None, None, False, refused)
            continue
        gain = _weighted(base - trial.losses, weights, draws, "gain", null=0.0)
        sure = gain.value > 0 and gain.p_value is not None and gain.p_value <= 1 - confidence
        estimate = _weighted(1 - trial.losses, weights, draws)
        why = "gain holds over source rows weighted to the target" if sure else _no_gain(gain, source_only.name)
        judged[trial.name] = Judged(estimate, gain, sure, why)
        if sure and (best is None or gain.value > best[0]):
            best = gain.value, trial, gain
    if best is None:
        reason = {
            "label": "Label shift explains the difference between the domains: the classes look the same and only "
            f"their shares have changed{_shares(diagnosis)}. Methods that align the domains would mix the classes and "
            "are refused, and weighing the source rows by class gains nothing that is certain; source-only is kept.",
            "covariate": "Covariate shift explains the difference: rows mean the same on both sides and are seen with "
            "other frequencies. Weighing the source rows gains nothing that is certain; source-only is kept.",
        }[kind]
        return _stay(source_only, reason, judged)
    _, trial, gain = best
    reason = {
        "label": f"Label shift explains the difference between the domains{_shares(diagnosis)}; {trial.name} weighs the "
        "source rows to the target's class shares. Methods that align the domains would mix the classes and are refused.",
        "covariate": f"Covariate shift explains the difference; {trial.name} weighs the source rows to look like the "
        "target.",
    }[kind]
    reason += f" Estimated gain over source-only: {100 * gain.value:.1f} points (p = {gain.p_value:.2g})."
    return Verdict(trial.name, True, reason, WITHOUT, gain, judged)


def _by_consensus(source_only: Trial, candidates: list[Trial], confidence: float, seed: int | None) -> Verdict:
    """Where the domains differ in what rows mean, no weighting of source rows is right: the vote of all candidates
    stands in for the labels, every family with one voice a method up to a cap."""
    trials = [source_only, *candidates]
    if source_only.proba is None:
        likeness, estimate_name = _regression_likeness(trials), "agreement"
    else:
        codes, n_classes = _codes(trials)
        likeness, estimate_name = agreement(codes, n_classes, _voices(trials)), "agreement"
    draws = np.random.default_rng(seed).integers(likeness.shape[1], size=(N_BOOTSTRAP, likeness.shape[1]))
    ones = np.ones(likeness.shape[1])
    judged = {}
    best: tuple[float, Trial, Measurement] | None = None
    for row, trial in zip(likeness, trials, strict=True):
        estimate = _weighted(row, ones, draws, estimate_name)
        if trial.baseline:
            judged[trial.name] = Judged(estimate, None, True, "a way of not transferring")
            continue
        gain = _weighted(row - likeness[0], ones, draws, "gain", null=0.0)
        sure = gain.value > MARGIN and gain.p_value is not None and gain.p_value <= 1 - confidence
        lost = _lost_on_the_way(trial, source_only)
        why = lost or ("nearer to what all methods agree on" if sure else _no_gain(gain, source_only.name))
        judged[trial.name] = Judged(estimate, gain, sure and not lost, why)
        if sure and not lost and (best is None or gain.value > best[0]):
            best = gain.value, trial, gain
    if best is None:
        reason = (
            "No candidate is closer to what the methods agree on than the source model, by more than "
            f"{100 * MARGIN:.0f} points and more than chance; without target labels no gain can be defended, and "
            "source-only is kept."
        )
        return _stay(source_only, reason, judged)
    _, trial, gain = best
    n = sum(j.defensible for j in judged.values()) - 1
    reason = (
        f"{trial.name} is {100 * gain.value:.1f} points closer than the source model to what {len(trials)} models of "
        f"different kinds agree on (p = {gain.p_value:.2g}), and its labels survive the way back to the source; "
        f"{n} candidate{'s' if n != 1 else ''} could be defended."
    )
    return Verdict(trial.name, True, reason, WITHOUT, gain, judged)


def _lost_on_the_way(trial: Trial, source_only: Trial) -> str:
    """A veto: a model that merges classes, or whose labels do not survive the way back, is not believed."""
    if trial.predicted is None or source_only.predicted is None:
        return ""
    if trial.proba is not None and len(np.unique(trial.predicted)) < 2 <= len(np.unique(source_only.predicted)):
        return "gives every target row the same class"
    for name, mine in trial.validators.items():
        if name.startswith("circular") and name in source_only.validators:
            if mine.value < source_only.validators[name].value - MARGIN:
                return "its labels do not survive the way back to the source"
    return ""


def _voices(trials: list[Trial]) -> NDArray[np.float64]:
    """How much each model's vote counts: a family of many alike methods must not outvote the rest by number."""
    families = [t.family for t in trials]
    return np.array([min(1.0, MOST_VOICES / families.count(f)) for f in families])


def _regression_likeness(trials: list[Trial]) -> NDArray[np.float64]:
    """Closeness of each model's values to the others' median, row by row, in units of the source model's spread."""
    values = np.stack([np.asarray(t.predicted, dtype=float) for t in trials])
    centre = np.median(values, axis=0)
    spread = max(float(np.var(centre)), 1e-12)
    return 1 - np.minimum((values - centre) ** 2 / spread, 1.0)


def _weighted(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    draws: NDArray[np.intp],
    name: str = "estimate",
    null: float | None = None,
) -> Measurement:
    """Weighted mean with its bootstrap interval; with a null also the share of resamples on the wrong side of it."""
    value = float(np.average(values, weights=weights))
    total = np.maximum(weights[draws].sum(axis=1), 1e-12)
    means = (values * weights)[draws].sum(axis=1) / total
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    p = None if null is None else float((1 + (means <= null).sum()) / (1 + len(means)))
    return Measurement(name, value, low=low, high=high, null=null, p_value=p, higher_is_better=True)


def _stay(source_only: Trial, reason: str, judged: Mapping[str, Judged]) -> Verdict:
    return Verdict(source_only.name, False, reason, WITHOUT, None, judged)


def _shares(diagnosis: Diagnosis) -> str:
    details = diagnosis.measurements["label_shift"].details if "label_shift" in diagnosis.measurements else {}
    if not {"classes", "source_priors", "target_priors"} <= set(details) or len(details["classes"]) > 4:
        return ""
    told = (
        f"{c}: {100 * a:.0f} % to {100 * b:.0f} %"
        for c, a, b in zip(details["classes"], details["source_priors"], details["target_priors"], strict=True)
    )
    return f" ({', '.join(told)})"


def _codes(trials: list[Trial]) -> tuple[NDArray[np.intp], int]:
    classes = np.unique(np.concatenate([np.unique(t.predicted) for t in trials if t.predicted is not None]))
    return np.stack([np.searchsorted(classes, t.predicted) for t in trials]), len(classes)
