"""Evidence from target labels: cross-validation on the labelled target samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import binom

from landbridge.guard._corrected_t_test import corrected_gain
from landbridge.guard._evidence import Evidence, EvidenceKind, is_significant
from landbridge.guard._splits import LabelledSplits, nested_gain
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import Assessment, Verdict, no_gain
from landbridge.measurement import Measurement

__all__ = ["FEW_LABELS", "by_labels"]

# Up to this many labelled target samples each sample is looked at as well, and so are the features.
FEW_LABELS = 50

ASSUMPTION = "The labelled target samples are drawn like those that predictions are needed for."
LABELS = EvidenceKind.TARGET_LABELS


def by_labels(trials: Sequence[Trial], splits: LabelledSplits, confidence: float) -> Verdict:
    """Choose the candidate with the best mean score over the splits, if its gain is statistically significant.

    Both gains must be: that of the candidate over the better baseline, and that of choosing the best candidate over
    choosing the better baseline with the choice made on the other splits (:func:`nested_gain`). The p-values are those
    of the corrected resampled t-test. The estimate of the best is that of choosing it likewise, since the highest of
    several scores is too high by chance. A simpler candidate than the best is chosen if its own gain is significant and
    that of the best over it is not.

    Parameters
    ----------
    trials : sequence of Trial
        Each with its score on every split.
    splits : LabelledSplits
    confidence : float
        One-sided.

    Returns
    -------
    Verdict
    """
    trials = _where_defined(trials)
    task = splits.task
    scores = np.stack([t.splits for t in trials if t.splits is not None])
    means = scores.mean(axis=1)
    baselines = [i for i, t in enumerate(trials) if t.baseline]
    candidates = [i for i, t in enumerate(trials) if not t.baseline]
    base = _baseline([trials[i] for i in baselines], splits, confidence)
    assessments = {t.name: _assess(t, base, splits, confidence) for t in trials}
    n = len(splits.indices)
    _allow_for_choice(assessments, base, scores, baselines, splits)
    if not candidates:
        reason = f"No candidate could be fitted; {base.name} is kept."
        return Verdict(base.name, False, reason, LABELS.value, None, assessments, ASSUMPTION)
    best = trials[max(candidates, key=lambda i: means[i])]
    nested = task.within_range(nested_gain(scores, baselines, candidates, splits.test_fraction), difference=True)
    p = 1.0 if nested.p_value is None else nested.p_value
    enough = _wins_often(best, base, splits, confidence)
    if not (assessments[best.name].defensible and is_significant(nested, confidence) and enough):
        if not enough and assessments[best.name].defensible and is_significant(nested, confidence):
            return _too_few(best, base, splits, nested, assessments)
        own = assessments[best.name].gain
        gain = own if own is not None and not is_significant(own, confidence) else nested
        p = 1.0 if gain.p_value is None else gain.p_value
        reason = (
            f"The best candidate, {best.name}, is {task.in_words(gain.value, sign=True)} from {base.name} on {n} "
            f"labelled target samples, which is no statistically significant gain (p = {p:.2g}); {base.name} is kept."
        )
        return Verdict(base.name, False, reason, LABELS.value, nested, assessments, ASSUMPTION)
    able = [t for t in trials if t.baseline or _wins_often(t, base, splits, confidence)]
    simpler = _simplest_as_good(able, best, assessments, splits, confidence)
    if simpler is not None:
        return _choose_simpler(simpler, best, base, assessments, splits)
    _allow_for_choice(assessments, best, scores, candidates, splits)
    reason = (
        f"{best.name} beats {base.name} by {task.in_words(nested.value)} on {n} labelled target samples, by nested "
        f"cross-validation (p = {p:.2g})."
    )
    return Verdict(best.name, True, reason, LABELS.value, nested, assessments, ASSUMPTION)


def _baseline(baselines: Sequence[Trial], splits: LabelledSplits, confidence: float) -> Trial:
    """Return the better baseline; with few labels the source model, unless another is clearly more often right."""
    best = max(baselines, key=lambda t: float(_scores(t).mean()))
    source = next((t for t in baselines if t.role == "source-only" and t.validated is not None), None)
    if source is None or _wins_often(best, source, splits, confidence):
        return best
    return source


def _wins_often(trial: Trial, base: Trial, splits: LabelledSplits, confidence: float) -> bool:
    """Return whether a trial is right on significantly more samples where one of the two is wrong (exact sign test).

    With a handful of labels splits are too few for a test of their scores. True without a test where there are more
    than :data:`FEW_LABELS` labels, for values, and where the predictions are not known.
    """
    if len(splits.indices) > FEW_LABELS or splits.regression or trial.validated is None or base.validated is None:
        return True
    right, of_base = trial.validated == splits.labels, base.validated == splits.labels
    wins, losses = int((right & ~of_base).sum()), int((of_base & ~right).sum())
    return bool(binom.sf(wins - 1, wins + losses, 0.5) <= 1 - confidence)


def _too_few(
    best: Trial, base: Trial, splits: LabelledSplits, gain: Measurement, assessments: dict[str, Assessment]
) -> Verdict:
    """Keep the baseline where the scores of the splits speak for a candidate, and the single samples do not."""
    why = "better on too few labelled target samples"
    assessments[best.name] = replace(assessments[best.name], defensible=False, why=why)
    reason = (
        f"{best.name} scores higher than {base.name}, but on too few of the {len(splits.indices)} labelled target "
        f"samples for a statistically significant gain; {base.name} is kept."
    )
    return Verdict(base.name, False, reason, LABELS.value, gain, assessments, ASSUMPTION)


def _where_defined(trials: Sequence[Trial]) -> Sequence[Trial]:
    """Leave out the splits on which a score is not defined, as the area under the curve is not for a single class."""
    scores = np.stack([t.splits for t in trials if t.splits is not None])
    defined = ~np.isnan(scores).any(axis=0)
    if defined.all() or not defined.any():
        return trials
    return [t if t.splits is None else replace(t, splits=t.splits[defined]) for t in trials]


def _allow_for_choice(
    assessments: dict[str, Assessment], chosen: Trial, scores: np.ndarray, pool: list[int], splits: LabelledSplits
) -> None:
    """Estimate the score of the best of several by nested cross-validation, where that is less than its mean score."""
    if len(pool) < 2 or scores.shape[1] < 3:
        return
    nested = []
    for j in range(scores.shape[1]):
        others = np.delete(scores, j, axis=1).mean(axis=1)
        nested.append(scores[max(pool, key=lambda i: others[i]), j])
    estimate = splits.task.within_range(corrected_gain(nested, splits.test_fraction, name="estimate"))
    own = assessments[chosen.name]
    if own.estimate is not None and estimate.value < own.estimate.value:
        assessments[chosen.name] = replace(own, estimate=estimate)


def _assess(trial: Trial, base: Trial, splits: LabelledSplits, confidence: float) -> Assessment:
    """Compare one trial with the better baseline."""
    task = splits.task
    estimate = task.within_range(corrected_gain(_scores(trial), splits.test_fraction, name="estimate"))
    if trial.baseline:
        return Assessment(estimate, None, True, "a baseline", LABELS)
    gain = task.within_range(corrected_gain(_scores(trial) - _scores(base), splits.test_fraction), difference=True)
    significant = is_significant(gain, confidence)
    why = "gain is significant on the labelled target samples" if significant else no_gain(gain, base.name)
    return Assessment(estimate, gain, significant, why, LABELS, (Evidence(LABELS, gain, ASSUMPTION),))


def _simplest_as_good(
    trials: Sequence[Trial],
    best: Trial,
    assessments: dict[str, Assessment],
    splits: LabelledSplits,
    confidence: float,
) -> Trial | None:
    """Return the simplest defensible candidate that the best is not significantly better than."""
    simpler = [
        t for t in trials if not t.baseline and t.preference < best.preference and assessments[t.name].defensible
    ]
    for trial in sorted(simpler, key=lambda t: (t.preference, -float(_scores(t).mean()))):
        if not is_significant(corrected_gain(_scores(best) - _scores(trial), splits.test_fraction), confidence):
            return trial
    return None


def _choose_simpler(
    simpler: Trial, best: Trial, base: Trial, assessments: dict[str, Assessment], splits: LabelledSplits
) -> Verdict:
    gain = assessments[simpler.name].gain
    assert gain is not None
    ahead = corrected_gain(_scores(best) - _scores(simpler), splits.test_fraction)
    by, further = splits.task.in_words(gain.value), splits.task.in_words(ahead.value, sign=True)
    reason = (
        f"{simpler.name} beats {base.name} by {by} on {len(splits.indices)} labelled target samples "
        f"(p = {gain.p_value:.2g}). {best.name} is {further} from it, which is not statistically significant, so the "
        "simpler of the two is chosen."
    )
    return Verdict(simpler.name, True, reason, LABELS.value, gain, assessments, ASSUMPTION)


def _scores(trial: Trial) -> np.ndarray:
    assert trial.splits is not None
    return trial.splits
