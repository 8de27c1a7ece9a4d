"""The decision: transfer only what can be defended, and say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.guard._committee import consensus_proba, smooth_votes
from landbridge.guard._consensus import agreement
from landbridge.guard._doubly_robust import Teacher, doubly_robust_gain
from landbridge.guard._labelled import LabelledSplits, nested_gain
from landbridge.guard._neighbourhood import separation_gain
from landbridge.guard._paired import corrected_gain
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import Judged, Verdict
from landbridge.guard._walk import best_walk
from landbridge.measurement import Measurement

__all__ = ["COLUMNS", "WeightedSource", "consensus", "decide", "jury", "voices"]

WITHOUT = "no target labels"
N_BOOTSTRAP = 500
# Agreement is a proxy, so a gain in it must exceed what its systematic error alone can feign.
MARGIN = 0.03
# Shifts under which the same row means something else on the other side, so that no weighting can be right.
MEANING = frozenset({"concept", "subspace"})
# Fewer methods than this are no jury.
SMALLEST_JURY = 2
# Votes of the source model in the consensus.
SOURCE_VOICES = 2.0
# A model that gives so many rows the source model's label is the source model.
SAME = 0.99
CONSENSUS = "Consensus"
# Kind of a diagnosis: the sides have different columns, so that no shift between them is defined.
COLUMNS = "columns"


def decide(
    trials: Sequence[Trial],
    diagnosis: Diagnosis,
    *,
    folds: LabelledSplits | None = None,
    weighted: WeightedSource | None = None,
    graph: Any = None,
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
    weighted : WeightedSource, optional
        Source rows that can stand for the target, where the diagnosed shift allows it.
    graph : csr_matrix of shape (n_target, n_target), optional
        Target rows that listen to their neighbours when several models vote.
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
    if diagnosis.kind == COLUMNS:
        return _across_columns(alive)
    return _without_labels(
        [t for t in alive if t.name != "target-only"], diagnosis, weighted, graph, confidence, random_state
    )


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


def _across_columns(trials: list[Trial]) -> Verdict:
    """Across different columns nothing but target labels is evidence: classes that are swapped consistently survive
    the way there and back, and there is no source model to agree with."""
    stay = next((t for t in trials if t.name == "target-only"), next(t for t in trials if t.baseline))
    judged = {
        t.name: Judged(None, None, True, "a way of not transferring")
        if t.baseline
        else Judged(None, None, False, "cannot be judged across different columns without target labels")
        for t in trials
    }
    few = "too few target labels to judge by" if stay.name == "target-only" else "no target labels"
    reason = (
        f"Source and target have different columns, and there are {few}: a matching that swaps classes looks as good "
        f"as the right one, so no gain can be defended, and {stay.name} is kept. Label at least three target rows of "
        "each class."
    )
    return _stay(stay, reason, judged)


@dataclass(frozen=True)
class WeightedSource:
    """Source rows, weighted so that they can stand for the target.

    Parameters
    ----------
    truth : ndarray of shape (n_source,)
        Source labels.
    weights : ndarray of shape (n_source,)
    teacher : Teacher or None
        Under covariate shift: corrects what weighting alone gets wrong.
    """

    truth: NDArray[Any]
    weights: NDArray[np.float64]
    teacher: Teacher | None = None

    def losses(self, trial: Trial) -> NDArray[np.float64]:
        """Loss of each source row when it was held out.

        Parameters
        ----------
        trial : Trial

        Returns
        -------
        ndarray of shape (n_source,)
        """
        if trial.proba is not None:
            return np.asarray(trial.held_out != self.truth, dtype=float)
        return (np.asarray(trial.held_out) - self.truth) ** 2 / max(float(np.var(self.truth)), 1e-12)

    def gain(self, trial: Trial, base: Trial, draws: NDArray[np.intp]) -> Measurement:
        """Estimated gain of one trial over another on the target.

        Parameters
        ----------
        trial, base : Trial
        draws : ndarray of int, shape (n_bootstrap, n_source)

        Returns
        -------
        Measurement
        """
        if self.teacher is None:
            return _weighted(self.losses(base) - self.losses(trial), self.weights, draws, "gain", null=0.0)
        pairs = ((t.held_out, t.predicted) for t in (trial, base))
        return doubly_robust_gain(self.teacher, self.truth, self.weights, *pairs)


def _no_gain(gain: Measurement, stay: str) -> str:
    return f"not better than {stay}" if gain.value <= 0 else f"gain over {stay} may be chance"


def _without_labels(
    trials: list[Trial],
    diagnosis: Diagnosis,
    weighted: WeightedSource | None,
    graph: Any,
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
    if weighted is not None and source_only.held_out is not None:
        return _by_weighted_source(source_only, candidates, diagnosis, weighted, confidence, seed)
    return _by_consensus(source_only, candidates, graph, confidence, seed)


def _by_weighted_source(
    source_only: Trial,
    candidates: list[Trial],
    diagnosis: Diagnosis,
    weighted: WeightedSource,
    confidence: float,
    seed: int | None,
) -> Verdict:
    """Label and covariate shift change how often rows are seen, not what they mean: held-out source rows, weighted to
    the target, then estimate the target's quality without bias (importance-weighted cross-validation)."""
    kind, weights = diagnosis.kind, weighted.weights
    base = weighted.losses(source_only)
    draws = np.random.default_rng(seed).integers(len(weights), size=(N_BOOTSTRAP, len(weights)))
    refused = (
        "label shift explains the difference: aligning the domains would mix the classes"
        if kind == "label"
        else "covariate shift explains the difference: rows mean the same on both sides, so moving them loses"
    )
    judged = {source_only.name: Judged(_weighted(1 - base, weights, draws), None, True, "a way of not transferring")}
    best: tuple[float, Trial, Measurement] | None = None
    for trial in candidates:
        if kind not in trial.shifts or trial.held_out is None:
            judged[trial.name] = Judged(None, None, False, refused)
            continue
        losses = weighted.losses(trial)
        gain = weighted.gain(trial, source_only, draws)
        sure = gain.value > 0 and gain.p_value is not None and gain.p_value <= 1 - confidence
        estimate = _weighted(1 - losses, weights, draws)
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
        "label": f"Label shift explains the difference between the domains{_shares(diagnosis)}; {trial.name} weighs "
        "the source rows to the target's class shares. Methods that align the domains would mix the classes and are "
        "refused.",
        "covariate": f"Covariate shift explains the difference; {trial.name} "
        + (
            "makes the source rows count as often as such rows occur in the target."
            if trial.family == "instance"
            else "is right more often on held-out source rows that count as often as such rows occur in the target."
        ),
    }[kind]
    reason += f" Estimated gain over source-only: {100 * gain.value:.1f} points (p = {gain.p_value:.2g})."
    return Verdict(trial.name, True, reason, WITHOUT, gain, judged)


def _by_consensus(
    source_only: Trial, candidates: list[Trial], graph: Any, confidence: float, seed: int | None
) -> Verdict:
    """Where rows mean something else on the other side, no weighting of source rows is right: what methods of
    different kinds agree on stands in for the labels."""
    judged = {}
    for trial in candidates:
        if trial.shifts and not trial.shifts & MEANING:
            others = " and ".join(sorted(trial.shifts))
            judged[trial.name] = Judged(None, None, False, f"made for {others} shift, which is not what is seen here")
    asked = [source_only, *(t for t in candidates if t.name not in judged)]
    judged[source_only.name] = Judged(None, None, True, "a way of not transferring")
    if (walk := best_walk(candidates, source_only, graph, confidence)) is not None:
        return _over_stones(*walk, candidates, judged)
    best = _judge_each(asked, judged, confidence, seed)
    members = [source_only, *(t for t in asked[1:] if not _same(t, source_only))]
    if len(members) > SMALLEST_JURY:
        return _judge_together(members, judged, graph, confidence, seed)
    if best is None:
        why = (
            f"No candidate is closer to what the methods agree on than the source model, by more than "
            f"{100 * MARGIN:.0f} points and more than chance"
            if len(asked) > 2
            else "A single candidate cannot be judged against others, and its labels survive the way back to the "
            "source no better than the source model's"
        )
        return _stay(
            source_only, f"{why}; without target labels no gain can be defended, and source-only is kept.", judged
        )
    trial, gain = best
    what = (
        f"what {len(asked)} models agree on" if len(asked) > 2 else "the source's labels after the way there and back"
    )
    reason = f"{trial.name} is {100 * gain.value:.1f} points closer than the source model to {what}."
    return Verdict(trial.name, True, reason, WITHOUT, gain, judged)


def _over_stones(trial: Trial, back: float, candidates: list[Trial], judged: dict[str, Judged]) -> Verdict:
    """Who gives stepping stones says that one step is too far: methods that take it are no jury then."""
    others = {
        t.name: Judged(None, None, False, "crosses the gap in one step, though stones were given") for t in candidates
    }
    estimate = next(v for n, v in trial.validators.items() if n.startswith("circular"))
    mine = Judged(estimate, None, True, "its labels survive the way back over the stepping stones")
    reason = (
        f"{trial.name} walked to the target over the stepping stones that were given, and its labels survive the way "
        f"back over them: {100 * back:.0f} % of the source's rows get their own label again. That the stones lie on "
        "the way is taken on trust."
    )
    return Verdict(trial.name, True, reason, WITHOUT, None, {**others, **judged, trial.name: mine})


def _judge_each(
    jury: list[Trial], judged: dict[str, Judged], confidence: float, seed: int | None
) -> tuple[Trial, Measurement] | None:
    """Each candidate against the source model, by the votes of all others; the best defensible one."""
    source_only = jury[0]
    likeness = _likeness(jury)
    draws = np.random.default_rng(seed).integers(likeness.shape[2], size=(N_BOOTSTRAP, likeness.shape[2]))
    ones = np.ones(likeness.shape[2])
    best: tuple[Trial, Measurement] | None = None
    estimate: Measurement | None
    gain: Measurement | None
    for (mine, its), trial in zip(likeness[1:], jury[1:], strict=True):
        if len(jury) > 2:
            estimate = _weighted(mine, ones, draws, "agreement")
            gain = _weighted(mine - its, ones, draws, "gain", null=0.0)
            sure = gain.value > MARGIN and (gain.p_value or 0.0) <= 1 - confidence
        else:
            estimate, gain = _way_back(trial, source_only)
            sure = gain is not None and gain.value > MARGIN
        lost = _lost_on_the_way(trial, source_only)
        if gain is None:
            judged[trial.name] = Judged(None, None, False, "cannot be judged without target labels")
            continue
        why = lost or ("nearer to what all methods agree on" if sure else _no_gain(gain, source_only.name))
        judged[trial.name] = Judged(estimate, gain, sure and not lost, why)
        if sure and not lost and (best is None or gain.value > best[1].value):
            best = trial, gain
    return best


def _judge_together(
    members: list[Trial], judged: dict[str, Judged], graph: Any, confidence: float, seed: int | None
) -> Verdict:
    """The vote of the whole jury against the source model, before two witnesses.

    The first is each member in turn, left out of the vote; the second the neighbourhood of the target rows, which
    knows no method and so does not share the methods' errors: all that align the domains mix classes whose shares
    differ, and agree on it. Their standard scores are added (Stouffer), and the second has a veto.
    """
    source_only = members[0]
    gains, agreed = [], []
    for j in range(1, len(members)):
        vote_of_others = consensus(members[:j] + members[j + 1 :], graph)
        mine = _alike(vote_of_others, members[j], source_only)
        agreed.append(mine)
        gains.append(mine - _alike(np.asarray(source_only.predicted), members[j], source_only))
    row_gain = np.mean(gains, axis=0)
    draws = np.random.default_rng(seed).integers(len(row_gain), size=(N_BOOTSTRAP, len(row_gain)))
    ones = np.ones(len(row_gain))
    gain = _weighted(row_gain, ones, draws, "gain", null=0.0)
    estimate = _weighted(np.mean(agreed, axis=0), ones, draws, "agreement")
    k, apart = len(members) - 1, ""
    if graph is not None:
        # the vote as it is: smoothed by its neighbours it would be a witness in its own cause
        classes = members[0].classes
        before, after = (np.searchsorted(classes, v) for v in (source_only.predicted, consensus(members)))
        told = separation_gain(graph, before, after, len(classes))
        error = float(row_gain.std()) / np.sqrt(len(row_gain))
        score = (gain.value / error if error > 0 else 0.0) + told.details["z"]
        gain = replace(gain, p_value=float(ndtr(-score / np.sqrt(2.0))), details={"separation": told.value})
        if ndtr(told.details["z"]) <= 1 - confidence:
            judged[CONSENSUS] = Judged(estimate, gain, False, "cuts through rows that lie together")
            reason = (
                f"{k} methods agree on other labels than the source model's, but theirs cut through rows that lie "
                "together where the source model's do not: what they have in common may be an error, such as mixing "
                "classes whose shares have changed. Source-only is kept."
            )
            return _stay(source_only, reason, judged)
        apart = f", and rows that lie together are {'less' if told.value > 0 else 'no less'} often cut apart"
    sure = gain.value > 0 and gain.p_value is not None and gain.p_value <= 1 - confidence
    if not sure:
        judged[CONSENSUS] = Judged(estimate, gain, False, _no_gain(gain, source_only.name))
        reason = (
            f"{k} methods of different kinds were tried; what they agree on is not surely better than the source model "
            f"(p = {gain.p_value:.2g}), so without target labels no gain can be defended, and source-only is kept."
        )
        return _stay(source_only, reason, judged)
    judged[CONSENSUS] = Judged(estimate, gain, True, "the vote of the source model and all methods made for the shift")
    reason = (
        f"{k} methods of different kinds agree with one another more than with the source model: their vote is "
        f"{100 * gain.value:.1f} points nearer to a method left out of it than the source model is{apart} "
        f"(p = {gain.p_value:.2g}). The vote is handed over."
    )
    return Verdict(CONSENSUS, True, reason, WITHOUT, gain, judged)


def consensus(members: Sequence[Trial], graph: Any = None) -> NDArray[Any]:
    """Predict by the vote of several trials, the source model (first) with more than one voice.

    Parameters
    ----------
    members : sequence of Trial
        The source model first.
    graph : csr_matrix of shape (n_target, n_target), optional
        Target rows that listen to one another; left out, none do.

    Returns
    -------
    ndarray of shape (n_target,)
        Labels, or the median of values.
    """
    if members[0].proba is None:
        return np.median(np.stack([t.predicted for t in members]), axis=0)
    classes = members[0].classes
    labels = np.stack([np.searchsorted(classes, t.predicted) for t in members])
    proba = np.stack([t.proba for t in members])
    votes = consensus_proba(labels, proba, voices(len(members)))
    return classes[(votes if graph is None else smooth_votes(votes, graph)).argmax(axis=1)]


def voices(n_members: int) -> list[float]:
    """Votes of each member: the source model, first, has two, as what is proven must not be outvoted lightly.

    Parameters
    ----------
    n_members : int

    Returns
    -------
    list of float
    """
    return [SOURCE_VOICES] + [1.0] * (n_members - 1)


def jury(trials: Sequence[Trial]) -> list[Trial]:
    """Trials whose vote makes the consensus: the source model, then every method made for such a shift.

    Parameters
    ----------
    trials : sequence of Trial

    Returns
    -------
    list of Trial
    """
    source_only = next(t for t in trials if t.name == "source-only")
    rest = [t for t in trials if not t.error and not t.baseline and (not t.shifts or t.shifts & MEANING)]
    return [source_only, *(t for t in rest if not _same(t, source_only))]


def _same(trial: Trial, source_only: Trial) -> bool:
    """The same model under another name is no witness."""
    if trial.proba is None:
        return bool(np.allclose(trial.predicted, source_only.predicted))
    return bool(np.mean(trial.predicted == source_only.predicted) > SAME)


def _alike(predicted: NDArray[Any], trial: Trial, source_only: Trial) -> NDArray[np.float64]:
    if trial.proba is not None:
        return (predicted == trial.predicted).astype(float)
    spread = max(float(np.var(np.asarray(source_only.predicted, dtype=float))), 1e-12)
    return 1 - np.minimum((predicted - np.asarray(trial.predicted)) ** 2 / spread, 1.0)


def _way_back(trial: Trial, source_only: Trial) -> tuple[Measurement | None, Measurement | None]:
    """With nobody to ask, the way there and back is all the evidence there is."""
    name = next((n for n in trial.validators if n.startswith("circular")), None)
    if name is None or name not in source_only.validators:
        return None, None
    mine = trial.validators[name]
    return mine, Measurement("gain", mine.value - source_only.validators[name].value, null=0.0, higher_is_better=True)


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


def _likeness(trials: list[Trial]) -> NDArray[np.float64]:
    """How near each model and the source model come to the vote of the others, row by row.

    Both are judged by the same voters, all but these two: otherwise a candidate would profit from the source model's
    vote for what they have in common.
    """
    out = np.empty((len(trials), 2, len(trials[0].predicted if trials[0].predicted is not None else ())))
    if trials[0].proba is not None:
        codes, n_classes = _codes(trials)
    for i in range(len(trials)):
        voters = [j for j in range(len(trials)) if j not in (0, i)] or [0]
        pair = [i, 0]
        if trials[0].proba is None:
            out[i] = _nearness(trials, pair, voters)
        else:
            out[i] = agreement(codes, n_classes, voters=voters)[pair]
    return out


def _nearness(trials: list[Trial], pair: list[int], voters: list[int]) -> NDArray[np.float64]:
    """Closeness of two models' values to the others' median, in units of the spread of that median."""
    values = np.stack([np.asarray(t.predicted, dtype=float) for t in trials])
    centre = np.median(values[voters], axis=0)
    spread = max(float(np.var(centre)), 1e-12)
    return 1 - np.minimum((values[pair] - centre) ** 2 / spread, 1.0)


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
