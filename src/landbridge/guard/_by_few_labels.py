"""Evidence from few target labels together with that from the features: neither alone is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.guard._corrected_t_test import corrected_gain
from landbridge.guard._evidence import Evidence, EvidenceKind
from landbridge.guard._majority_vote import MAJORITY_VOTE, ensemble_members, majority_vote_proba, member_weights
from landbridge.guard._splits import LabelledSplits
from landbridge.guard._trial import Trial, source_model
from landbridge.guard._verdict import Assessment, Verdict
from landbridge.measurement import Measurement

__all__ = ["by_few_labels"]

ASSUMPTION = "The labelled target samples are drawn like those that predictions are needed for."


def by_few_labels(of_labels: Verdict, of_features: Verdict, trials: Sequence[Trial], splits: LabelledSplits) -> Verdict:
    """Choose what the features speak for, if the few labels speak for it as well.

    A handful of labels is too few for a significant gain, but enough to contradict a wrong one. What the decision
    without labels chooses is taken if its mean score on the labelled samples is above that of the better baseline, and
    not below that of the candidate which the labels alone would choose.

    Parameters
    ----------
    of_labels : Verdict
        From :func:`by_labels`.
    of_features : Verdict
        The decision without target labels.
    trials : sequence of Trial
        With their scores on the splits.
    splits : LabelledSplits

    Returns
    -------
    Verdict
        `of_labels` where the features speak for nothing, or the labels against it.
    """
    if not of_features.transferred or of_features.chosen == of_labels.chosen:
        return of_labels
    scores = _scores_of(of_features, trials, splits)
    if scores is None:
        return of_labels
    by_name = {t.name: t for t in trials}
    base = by_name[of_labels.chosen] if not of_labels.transferred else source_model(trials)
    gain = splits.task.within_range(corrected_gain(scores - _scores(base), splits.test_fraction), difference=True)
    rival = next((t for t in trials if t.name == of_labels.chosen), base)
    if not gain.value > 0 or scores.mean() < _scores(rival).mean():
        return of_labels
    estimate = splits.task.within_range(corrected_gain(scores, splits.test_fraction, name="estimate"))
    return _choose(of_labels, of_features, estimate, gain, base.name, splits)


def _choose(
    of_labels: Verdict,
    of_features: Verdict,
    estimate: Measurement,
    gain: Measurement,
    base: str,
    splits: LabelledSplits,
) -> Verdict:
    kind = EvidenceKind.TARGET_LABELS
    name, n = of_features.chosen, len(splits.indices)
    indirect = of_features.assessments[name]
    evidence = (Evidence(kind, gain, ASSUMPTION), *indirect.evidence)
    why = "the features speak for it, and so do the labelled target samples"
    assessments = {**of_labels.assessments, name: Assessment(estimate, gain, True, why, kind, evidence)}
    reason = (
        f"{of_features.reason} The {n} labelled target samples are too few to decide alone, and agree: there {name} is "
        f"{splits.task.in_words(gain.value)} better than {base}."
    )
    assumption = f"{ASSUMPTION} {of_features.assumption}"
    return replace(
        of_labels,
        chosen=name,
        transferred=True,
        reason=reason,
        gain=gain,
        assessments=assessments,
        assumption=assumption,
        members=of_features.members,
    )


def _scores_of(choice: Verdict, trials: Sequence[Trial], splits: LabelledSplits) -> np.ndarray | None:
    """Score on each split; of the vote, that of its members' predictions for held-out samples."""
    if choice.chosen != MAJORITY_VOTE:
        return next((t.splits for t in trials if t.name == choice.chosen), None)
    by_name = {t.name: t for t in trials}
    members = [by_name[n] for n in choice.members] or ensemble_members(trials)
    if any(t.validated is None for t in members):
        return None
    predicted: Any
    proba = classes = None
    if members[0].proba is None:
        predicted = np.median(np.stack([np.asarray(t.validated, dtype=float) for t in members]), axis=0)
    else:
        classes = np.asarray(members[0].classes)
        labels = np.stack([np.searchsorted(classes, t.validated) for t in members])
        proba = majority_vote_proba(
            labels, np.stack([t.validated_proba for t in members]), member_weights(len(members))
        )
        predicted = classes[proba.argmax(axis=1)]
    return np.array(
        [
            splits.task.score_predictions(
                splits.labels[test],
                predicted[test],
                None if proba is None else proba[test],
                classes,
                all_labels=splits.labels,
            )
            for _, test in splits.splits
        ]
    )


def _scores(trial: Trial) -> np.ndarray:
    assert trial.splits is not None
    return trial.splits
