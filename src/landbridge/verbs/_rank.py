"""rank(): the question *what*, answered for sources and models of any form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._checks import check_column, check_count, check_function, check_learner, check_seed, shown
from landbridge._process_state import restored_filters
from landbridge._random_state import check_random_state
from landbridge.data import ReadOptions
from landbridge.discrepancy._risk_bound import risk_bound
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import permute_groups
from landbridge.numerics.resampling import subsample
from landbridge.results import Ranked, Ranking
from landbridge.tasks import infer_task
from landbridge.transferability._gbc import gbc
from landbridge.transferability._h_score import h_score, regularised_h_score
from landbridge.transferability._inputs import class_codes
from landbridge.transferability._leep import leep
from landbridge.transferability._logme import logme
from landbridge.transferability._nce import nce
from landbridge.transferability._parc import parc
from landbridge.transferability._replicates import Replicates, random_halves
from landbridge.transferability._transrate import transrate
from landbridge.verbs._distance_and_agreement import agreement_with_others, distance_and_agreement
from landbridge.verbs._mean_z_score import mean_z_score, mean_z_score_draws
from landbridge.verbs._rank_candidates import CandidateOutputs, candidate_outputs, named, read_target

__all__ = ["SCORES", "rank"]

FROM_FEATURES: dict[str, Callable[..., Measurement]] = {
    "logme": logme,
    "h_score": h_score,
    "regularised_h_score": regularised_h_score,
    "transrate": transrate,
    "gbc": gbc,
    "parc": parc,
}
FROM_PROBABILITIES: dict[str, Callable[..., Measurement]] = {"leep": leep, "nce": nce}
BOUND, MEAN, NEAR = "risk_bound", "mean_z_score", "distance_and_agreement"
MEMBERS = ("logme", "regularised_h_score")
SCORES = (*FROM_FEATURES, *FROM_PROBABILITIES, BOUND, MEAN, NEAR)


def rank(
    candidates: Any,
    target: Any,
    *,
    score: str = "auto",
    label: str | None = None,
    groups: str | None = None,
    read_options: Any = None,
    estimator: Any = None,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    max_samples: int = 2000,
    random_state: Any = 0,
    **others: Any,
) -> Ranking:
    """Rank sources or trained models by how well they would transfer to a target, without transferring from any.

    Parameters
    ----------
    candidates : dict or sequence
        Sources and models, at will:

        * a **source**: Domain, ``(X, y)`` tuple, DataFrame, path or ``"builtin:NAME"``, in the target's columns;
        * a **model**: anything fitted that has ``transform`` (or ``embed``) or ``predict_proba``, or a function from
          the target samples to features;
        * a trained **network**: a folder with ``config.json``, a ``.safetensors`` file, a name on the hub or a
          ``torch.nn.Module``; the target then is a folder with one sub-folder of images per class, or (X, y);
        * an array of shape (n_target, d): the target samples in a model's features.

        A dict gives them names.
    target : Domain, (X, y) tuple, DataFrame, path or "builtin:NAME"
        With labels, all or some, where models are ranked. Sources can be ranked without any.
    score : str, default="auto"
        ``"logme"``, ``"h_score"``, ``"regularised_h_score"``, ``"transrate"``, ``"gbc"`` or ``"parc"`` from features,
        ``"leep"`` or ``"nce"`` from class probabilities, ``"risk_bound"`` from source samples,
        ``"distance_and_agreement"`` from several sources of classes; ``"mean_z_score"`` is the mean of LogME and the
        regularised H-score, each in the candidates' standard deviations. ``"auto"`` takes this mean where three or more
        candidates give features of labelled classes, ``"logme"`` where they give features otherwise, else ``"leep"``.
        Where the target has no labels, it takes ``"distance_and_agreement"`` for two sources of classes or more, else
        ``"risk_bound"``.
    label : str, optional
        Name of the label column of DataFrames and files.
    groups : str, optional
        Column of all tables that identifies samples that belong together, such as a person: it is no feature, and
        halves and permutations are of whole groups.
    read_options : ReadOptions or mapping, optional
        How tables are read; see :class:`landbridge.data.ReadOptions`.
    estimator : estimator, optional
        Fitted on each source, to predict the target. If None, scaling and logistic or ridge regression.
    n_bootstrap : int, default=100
        Random halves of the target samples, the same for all candidates, for intervals and for how often each is first.
    n_permutations : int, default=100
        Permutations of the target labels, for what chance gives.
    max_samples : int, default=2000
        At most this many labelled target samples are used, and ten times as many source samples.
    random_state : int, RandomState or None, default=0
        Seed of subsets, halves and permutations.
    **others
        ``task``: the name of a structured task, such as ``"tagging"``; candidates then are backbones, as
        :func:`landbridge.neural.load_backbone` takes them, and are scored by their features of single words.
        ``on_inspection``: called with the :class:`~landbridge.data.Inspection` of each source and the target, once they
        are read. Nothing else applies; ``scoring`` raises, because candidates are ranked without predictions for new
        samples.

    Returns
    -------
    Ranking
        Best first; ``print()`` it for the words and the figures.

    Raises
    ------
    InputError
        If an argument is at fault, or no candidate can be scored.

    See Also
    --------
    landbridge.transferability : The scores, and what each sees.
    landbridge.transfer : The question *how*.

    Notes
    -----
    A score looks at what is easy to read off a candidate as it is. Fine-tuning can change a network much, so a ranking
    of networks says less about full fine-tuning than about a linear probe.

    Time is that of each candidate on the target samples and of 200 scores; see the scores for their growth.

    Examples
    --------
    Two sources from which the target has turned away, one by 90 degrees and one by a few.

    >>> import landbridge
    >>> from landbridge.data import make_gradual_shift
    >>> far, *_, near, target = make_gradual_shift(8, angle=90, random_state=0)
    >>> ranking = landbridge.rank({"far": far, "near": near}, target)
    >>> ranking.names, ranking.score
    (('near', 'far'), 'leep')
    """
    if not isinstance(score, str) or (score != "auto" and score not in SCORES):
        raise InputError(f"score={shown(score)} is unknown; give 'auto' or one of {', '.join(SCORES)}.")
    if others.pop("scoring", None) is not None:
        raise InputError(f"scoring does not apply to rank(); give score='auto' or one of {', '.join(SCORES)}.")
    on_inspection, task = others.pop("on_inspection", None), others.pop("task", None)
    check_function("on_inspection", on_inspection)
    if others:
        raise TypeError(f"rank() got an unexpected keyword argument {next(iter(others))!r}")
    for name, value in (("label", label), ("groups", groups)):
        check_column(name, value)
    for name, count, least in (("max_samples", max_samples, 4), ("n_bootstrap", n_bootstrap, 0)):
        check_count(name, count, least)
    check_count("n_permutations", n_permutations)
    check_learner("estimator", estimator)
    check_seed(random_state)
    ReadOptions.of(read_options)
    seed = check_random_state(random_state).randint(2**31 - 1)
    sizes: dict[str, Any] = {"n_bootstrap": n_bootstrap, "n_permutations": n_permutations, "random_state": seed}
    with restored_filters():
        if task is not None:
            from landbridge.verbs._rank_structured import position_features

            candidates, target = position_features(candidates, target, task, max_samples, seed)
            label = groups = read_options = None
        table = named(candidates)
        alone = read_target(target, table, label, groups, read_options)
        outputs: list[CandidateOutputs] = []
        skipped: dict[str, str] = {}
        for name, candidate in table.items():
            try:
                outputs.append(
                    candidate_outputs(
                        name,
                        candidate,
                        target,
                        alone,
                        label=label,
                        groups=groups,
                        read_options=read_options,
                        estimator=estimator,
                        max_samples=10 * max_samples,
                        on_inspection=on_inspection,
                    )
                )
            except InputError as error:
                skipped[name] = str(error).rstrip(".")
        return _scored(score, outputs, skipped, alone, max_samples, sizes)


def _scored(
    score: str,
    outputs: list[CandidateOutputs],
    skipped: dict[str, str],
    alone: Domain | None,
    max_samples: int,
    sizes: dict[str, Any],
) -> Ranking:
    score = _choose(score, outputs, alone)
    seed, n_bootstrap = sizes["random_state"], sizes["n_bootstrap"]
    kept = []
    for candidate in outputs:
        if why := _lacks(candidate, score):
            skipped[candidate.name] = why
        else:
            kept.append(candidate)
    if not kept:
        why = "; ".join(f"{name}: {why}" for name, why in skipped.items())
        by = f" by {score!r}" if outputs else ""
        raise InputError(f"no candidate can be scored{by} ({why}).")
    if score in (BOUND, NEAR):
        bounds = [_bound(w, n_bootstrap, max_samples, seed) for w in kept]
        if score == NEAR:
            bounds = distance_and_agreement(bounds, agreement_with_others(_over_all_classes(kept)).tolist())
        return _in_order(score, {w.name: m for w, m in zip(kept, bounds, strict=True)}, {}, skipped, 0)
    labels = _target_labels(alone, kept[0])
    sizes["groups"] = None if (of := _target_groups(alone, kept[0])) is None else of
    chosen = subsample(
        len(labels), max_samples, check_random_state(seed), _strata(labels) if _are_classes(labels) else None
    )
    if score == MEAN and not _are_classes(labels):
        raise InputError("score='mean_z_score' needs classes, and the target has values; give score='logme'.")
    members = MEMBERS if score == MEAN else (score,)
    by_score = {m: [_call(m, w, labels, chosen, **sizes) for w in kept] for m in members}
    found = mean_z_score(by_score) if score == MEAN else by_score[score]
    measured = {w.name: m for w, m in zip(kept, found, strict=True)}
    firsts = _firsts(by_score, kept, labels, chosen, sizes)
    return _in_order(score, measured, firsts, skipped, len(chosen))


def _choose(score: str, outputs: list[CandidateOutputs], alone: Domain | None) -> str:
    """The score that most candidates can be given; features before answers."""
    if score != "auto" or not outputs:
        return score if score != "auto" else "logme"
    by_features = sum(w.features is not None for w in outputs)
    by_answers = sum(w.probabilities is not None for w in outputs)
    if by_features == by_answers == 0:
        return NEAR if sum(w.on_target is not None for w in outputs) > 1 else BOUND
    if by_features < by_answers:
        return "leep"
    first = next(w for w in outputs if w.features is not None)
    return MEAN if by_features >= 3 and _are_classes(_target_labels(alone, first)) else "logme"


def _are_classes(labels: NDArray[Any]) -> bool:
    return infer_task(labels).name == "classification"


def _strata(y: NDArray[Any]) -> NDArray[np.intp]:
    """Class numbers, by which halves are drawn; one stratum for values."""
    return class_codes(y, None)[1] if _are_classes(y) else np.zeros(len(y), dtype=np.intp)


def _lacks(candidate: CandidateOutputs, score: str) -> str | None:
    if score == BOUND and candidate.source is None:
        return "a risk bound needs source samples"
    if score == NEAR and candidate.on_target is None:
        return f"{score} needs source samples of two classes or more"
    if (score in FROM_FEATURES or score == MEAN) and candidate.features is None:
        return f"{score} scores the features of trained models, and it gives none; omit score to compare sources"
    if score in FROM_PROBABILITIES and candidate.probabilities is None:
        return f"{score} scores the class probabilities of trained models, and it gives none; omit score"
    return None


def _target_labels(alone: Domain | None, candidate: CandidateOutputs) -> NDArray[Any]:
    if candidate.labels is not None:
        return candidate.labels
    target = alone if alone is not None else candidate.target
    assert target is not None and target.y is not None
    return np.asarray(target.y[target.labelled])


def _target_groups(alone: Domain | None, candidate: CandidateOutputs) -> NDArray[Any] | None:
    """Groups of the labelled target samples."""
    if candidate.labels is not None:
        return candidate.groups
    target = alone if alone is not None else candidate.target
    assert target is not None
    return None if target.groups is None else np.asarray(target.groups[target.labelled])


def _call(
    name: str, candidate: CandidateOutputs, labels: NDArray[Any], chosen: NDArray[np.intp], **sizes: Any
) -> Measurement:
    groups = sizes.pop("groups", None)
    if groups is None:
        return _score(name, candidate, labels, chosen, **sizes)
    return _score_by_groups(name, candidate, labels, chosen, groups, **sizes)


def _score_by_groups(
    name: str,
    candidate: CandidateOutputs,
    labels: NDArray[Any],
    chosen: NDArray[np.intp],
    groups: NDArray[Any],
    *,
    n_bootstrap: int,
    n_permutations: int,
    random_state: int,
) -> Measurement:
    """A score with its spread over halves of the groups, and its null under labels permuted by groups."""
    none = {"n_bootstrap": 0, "n_permutations": 0, "random_state": random_state}
    found, rng = _score(name, candidate, labels, chosen, **none), check_random_state(random_state)
    y, of = labels[chosen], groups[chosen]
    strata = _strata(y)
    halves = random_halves(strata, n_bootstrap, rng, of)
    draws = np.array([_score(name, candidate, labels, chosen[half], **none).value for half in halves])
    null = np.empty(n_permutations)
    for i in range(n_permutations):
        permuted = labels.copy()
        permuted[chosen] = permute_groups(y, of, rng)
        null[i] = _score(name, candidate, permuted, chosen, **none).value
    replicates = Replicates(found.value, draws - draws.mean() if len(draws) else draws, null)
    return replicates.measurement(found.name, **{**found.details, "n_groups": len(np.unique(of))})


def _score(
    name: str, candidate: CandidateOutputs, labels: NDArray[Any], chosen: NDArray[np.intp], **sizes: Any
) -> Measurement:
    y = labels[chosen]
    if name in FROM_FEATURES:
        assert candidate.features is not None
        regression = name == "logme" and not _are_classes(y)
        task = {"task": "regression"} if regression else {}
        return FROM_FEATURES[name](features=candidate.features[chosen], target_labels=y, **task, **sizes)
    assert candidate.probabilities is not None
    P = candidate.probabilities[chosen]
    if name == "nce":
        return nce(source_labels=P.argmax(axis=1), target_labels=y, **sizes)
    return leep(source_probabilities=P, target_labels=y, **sizes)


def _bound(candidate: CandidateOutputs, n_bootstrap: int, max_samples: int, seed: int) -> Measurement:
    assert candidate.source is not None and candidate.target is not None
    found = risk_bound(
        candidate.source.X,
        candidate.source.y,
        candidate.target.X,
        n_bootstrap=n_bootstrap,
        max_samples=max_samples,
        groups=(candidate.source.groups, candidate.target.groups),
        random_state=seed,
    )
    # the sum is cut at 1, where candidates would tie; its terms are not
    return found


def _over_all_classes(kept: list[CandidateOutputs]) -> list[NDArray[np.float64]]:
    """Class probabilities of the target samples from the model of each source, over the classes of all sources."""
    outputs = [w.on_target for w in kept if w.on_target is not None]
    classes = np.unique(np.concatenate([np.asarray(c, dtype=object).astype(str) for _, c in outputs]))
    found = []
    for proba, own in outputs:
        P = np.zeros((len(proba), len(classes)))
        P[:, np.searchsorted(classes, np.asarray(own, dtype=object).astype(str))] = proba
        found.append(P)
    return found


def _firsts(
    by_score: dict[str, list[Measurement]],
    kept: list[CandidateOutputs],
    labels: NDArray[Any],
    chosen: NDArray[np.intp],
    sizes: dict[str, Any],
) -> dict[str, float]:
    """How often each is first over the same halves of the samples, with each score's level as on all of them."""
    n_bootstrap, groups = sizes["n_bootstrap"], sizes["groups"]
    if n_bootstrap == 0 or len(kept) < 2:
        return {}
    y = labels[chosen]
    strata = _strata(y)
    of = None if groups is None else groups[chosen]
    halves = random_halves(strata, n_bootstrap, check_random_state(sizes["random_state"]), of)
    none = {"n_bootstrap": 0, "n_permutations": 0}
    draws = {}
    for score, measured in by_score.items():
        drawn = np.array([[_call(score, w, labels, chosen[half], **none).value for half in halves] for w in kept])
        draws[score] = drawn + (np.array([m.value for m in measured]) - drawn.mean(axis=1))[:, None]
    together = mean_z_score_draws(by_score, draws) if len(draws) > 1 else next(iter(draws.values()))
    wins = np.bincount(together.argmax(axis=0), minlength=len(kept)) / n_bootstrap
    return {w.name: float(share) for w, share in zip(kept, wins, strict=True)}


def _in_order(
    score: str, measured: dict[str, Measurement], firsts: dict[str, float], skipped: dict[str, str], chosen: int
) -> Ranking:
    def goodness(name: str) -> tuple[float, float]:
        m = measured[name]
        uncut = sum(m.details[k] for k in ("source_error", "half_distance", "joint_error")) if score == BOUND else 0.0
        return (m.value if m.higher_is_better else -m.value, -uncut)

    order = sorted(measured, key=goodness, reverse=True)
    candidates = tuple(Ranked(name, measured[name], firsts.get(name)) for name in order)
    return Ranking(score, candidates, skipped, _words(score, candidates), chosen)


def _same_score(one: Measurement, other: Measurement) -> bool:
    """Return whether two scores are equal but for rounding, with the parts that decide between equal sums."""
    terms = ("source_error", "half_distance", "joint_error", "agreement")
    parts = [(m.value, *(m.details[t] for t in terms if t in m.details)) for m in (one, other)]
    return len(parts[0]) == len(parts[1]) and bool(np.allclose(parts[0], parts[1], rtol=0.0, atol=1e-12))


def _words(score: str, candidates: tuple[Ranked, ...]) -> str:
    best, unit = candidates[0], score.replace("_", " ")
    equal = [c.name for c in candidates if _same_score(c.score, best.score)]
    if len(equal) > 1:
        names = f"{', '.join(equal[:-1])} and {equal[-1]}"
        return f"{names} are equal by {unit}, {best.score.value:.3f}: this score does not tell which is better."
    if score == BOUND:
        if len(candidates) == 1:
            return f"{best.name} is the only candidate. {best.score.details['words']}"
        return (
            f"{best.name} has the lowest risk bound, {best.score.value:.2f} against "
            f"{candidates[1].score.value:.2f} for {candidates[1].name}. Without target labels a bound cannot "
            "account for labels with another meaning."
        )
    if score == NEAR:
        d = best.score.details
        others = f"agrees with those of the other sources on {100 * d['agreement']:.0f} % of the target samples"
        return (
            f"{best.name} comes first: its model {others}, half the distance between source and target is "
            f"{d['half_distance']:.2f}, and the model errs on {100 * d['source_error']:.0f} % of its own source. "
            "Without target labels nothing tells whether the labels of most sources mean something else in the target."
        )
    p = best.score.p_value
    if p is not None and p > 0.05:
        return (
            f"None is better than chance: {best.name} has the highest {unit}, {best.score.value:.3f}, and permuted "
            f"labels give {best.score.null:.3f} (p = {p:.2f})."
        )
    place = "comes first" if len(candidates) > 1 else "alone was scored"
    text = f"{best.name} {place} by {unit}, {best.score.value:.3f}"
    if best.above_chance is not None:
        text += f", better than chance by {best.above_chance:.3f}"
    if len(candidates) == 1 or best.first is None:
        return text + "."
    close = [c for c in candidates[1:] if c.first is not None and c.first > 0.05]
    if not close:
        return text + f", and in {best.first:.0%} of halves of the target samples."
    others = ", ".join(f"{c.name} in {c.first:.0%}" for c in close[:3])
    return (
        text + f"; over halves of the target samples it comes first in {best.first:.0%}, {others}: too close to call."
    )
