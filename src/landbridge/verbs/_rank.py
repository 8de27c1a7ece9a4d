"""rank(): the question *what*, answered for sources and models of any form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from landbridge.discrepancy._risk_bound import risk_bound
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.resampling import subsample
from landbridge.transferability._gbc import gbc
from landbridge.transferability._h_score import h_score, regularised_h_score
from landbridge.transferability._inputs import class_codes
from landbridge.transferability._leep import leep
from landbridge.transferability._logme import logme
from landbridge.transferability._nce import nce
from landbridge.transferability._parc import parc
from landbridge.transferability._replicates import random_halves
from landbridge.transferability._transrate import transrate
from landbridge.verbs._ranking import Ranked, Ranking
from landbridge.verbs._standing import standing, standing_draws
from landbridge.verbs._witnesses import Witness, call_witness, named, read_target

__all__ = ["SCORES", "rank"]

FROM_FEATURES: dict[str, Callable[..., Measurement]] = {
    "logme": logme,
    "h_score": h_score,
    "regularised_h_score": regularised_h_score,
    "transrate": transrate,
    "gbc": gbc,
    "parc": parc,
}
FROM_ANSWERS: dict[str, Callable[..., Measurement]] = {"leep": leep, "nce": nce}
BOUND, COMMITTEE = "risk_bound", "committee"
MEMBERS = ("logme", "regularised_h_score")
SCORES = (*FROM_FEATURES, *FROM_ANSWERS, BOUND, COMMITTEE)


def rank(
    candidates: Any,
    target: Any,
    *,
    score: str = "auto",
    label: str | None = None,
    estimator: Any = None,
    n_bootstrap: int = 100,
    n_permutations: int = 100,
    max_samples: int = 2000,
    random_state: Any = 0,
) -> Ranking:
    """Rank sources or trained models by how well they would transfer to a target, without transferring from any.

    Parameters
    ----------
    candidates : dict or sequence
        Sources and models, at will:

        * a **source**: Domain, ``(X, y)`` tuple, DataFrame, path or ``"builtin:NAME"``, in the target's columns;
        * a **model**: anything fitted that has ``transform`` (or ``embed``) or ``predict_proba``, or a function from
          the target's rows to features;
        * a trained **network**: a folder with ``config.json``, a ``.safetensors`` file, a name on the hub or a
          ``torch.nn.Module``; the target then is a folder with one sub-folder of images a class, or rows with labels;
        * an array of shape (n_target, d): the target's rows as a model sees them.

        A dict gives them names.
    target : Domain, (X, y) tuple, DataFrame, path or "builtin:NAME"
        With labels, all or some, where models are ranked. Sources can be ranked without any.
    score : str, default="auto"
        ``"logme"``, ``"h_score"``, ``"regularised_h_score"``, ``"transrate"``, ``"gbc"`` or ``"parc"`` from features,
        ``"leep"`` or ``"nce"`` from class probabilities, ``"risk_bound"`` from source rows; ``"committee"`` is the mean
        of LogME and the regularised H-score, each in the candidates' standard deviations. ``"auto"`` takes the
        committee where three or more candidates give features of labelled classes, ``"logme"`` where they give
        features otherwise, else ``"leep"``, and ``"risk_bound"`` where the target has no labels.
    label : str, optional
        Name of the label column of DataFrames and files.
    estimator : estimator, optional
        Fitted on each source to ask what it says of the target. Left out: scaling and logistic or ridge regression.
    n_bootstrap : int, default=100
        Random halves of the target rows, the same for all candidates, for intervals and for how often each is first.
    n_permutations : int, default=100
        Permutations of the target labels, for what chance gives.
    max_samples : int, default=2000
        More labelled target rows are not looked at, nor more than ten times as many source rows learned from.
    random_state : int, RandomState or None, default=0
        Draws rows, halves and permutations.

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

    Time is that of each candidate on the target rows and of 200 scores; see the scores for their growth.

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
    if score != "auto" and score not in SCORES:
        raise InputError(f"score={score!r} is unknown; give 'auto' or one of {', '.join(SCORES)}.")
    if max_samples < 4 or n_bootstrap < 0 or n_permutations < 0:
        raise InputError("max_samples must be at least 4, n_bootstrap and n_permutations at least 0.")
    table = named(candidates)
    alone = read_target(target, table, label)
    witnesses, skipped = [], {}
    for name, candidate in table.items():
        try:
            witnesses.append(
                call_witness(
                    name, candidate, target, alone, label=label, estimator=estimator, max_samples=10 * max_samples
                )
            )
        except InputError as error:
            skipped[name] = str(error).rstrip(".")
    score = _choose(score, witnesses, alone)
    seed = check_random_state(random_state).randint(2**31 - 1)
    sizes = {"n_bootstrap": n_bootstrap, "n_permutations": n_permutations, "random_state": seed}
    kept = []
    for witness in witnesses:
        if why := _lacks(witness, score):
            skipped[witness.name] = why
        else:
            kept.append(witness)
    if not kept:
        told = "; ".join(f"{name}: {why}" for name, why in skipped.items())
        raise InputError(f"no candidate can be scored by {score!r} ({told}).")
    if score == BOUND:
        measured = {w.name: _bound(w, n_bootstrap, max_samples, seed) for w in kept}
        return _in_order(score, measured, {}, skipped, 0)
    labels = _target_labels(alone, kept[0])
    rows = subsample(len(labels), max_samples, check_random_state(seed), None if labels.dtype.kind == "f" else labels)
    if score == COMMITTEE and not _are_classes(labels):
        raise InputError("score='committee' needs classes, and the target has values; give score='logme'.")
    members = MEMBERS if score == COMMITTEE else (score,)
    by_score = {m: [_call(m, w, labels, rows, **sizes) for w in kept] for m in members}
    found = standing(by_score) if score == COMMITTEE else by_score[score]
    measured = {w.name: m for w, m in zip(kept, found, strict=True)}
    firsts = _firsts(by_score, kept, labels, rows, seed, n_bootstrap)
    return _in_order(score, measured, firsts, skipped, len(rows))


def _choose(score: str, witnesses: list[Witness], alone: Domain | None) -> str:
    """The score that most candidates can be given; features before answers."""
    if score != "auto" or not witnesses:
        return score if score != "auto" else "logme"
    by_features = sum(w.features is not None for w in witnesses)
    by_answers = sum(w.probabilities is not None for w in witnesses)
    if by_features == by_answers == 0:
        return BOUND
    if by_features < by_answers:
        return "leep"
    first = next(w for w in witnesses if w.features is not None)
    return COMMITTEE if by_features >= 3 and _are_classes(_target_labels(alone, first)) else "logme"


def _are_classes(labels: NDArray[Any]) -> bool:
    return labels.dtype.kind != "f" or bool((labels == np.round(labels)).all())


def _lacks(witness: Witness, score: str) -> str | None:
    if score == BOUND and witness.source is None:
        return "a risk bound needs the source's rows"
    if (score in FROM_FEATURES or score == COMMITTEE) and witness.features is None:
        return f"{score} needs features, and it gives none"
    if score in FROM_ANSWERS and witness.probabilities is None:
        return f"{score} needs class probabilities, and it gives none"
    return None


def _target_labels(alone: Domain | None, witness: Witness) -> NDArray[Any]:
    if witness.labels is not None:
        return witness.labels
    target = alone if alone is not None else witness.target
    assert target is not None and target.y is not None
    return np.asarray(target.y[target.labelled])


def _call(name: str, witness: Witness, labels: NDArray[Any], rows: NDArray[np.intp], **sizes: Any) -> Measurement:
    y = labels[rows]
    if name in FROM_FEATURES:
        assert witness.features is not None
        regression = name == "logme" and not _are_classes(y)
        task = {"task": "regression"} if regression else {}
        return FROM_FEATURES[name](features=witness.features[rows], target_labels=y, **task, **sizes)
    assert witness.probabilities is not None
    P = witness.probabilities[rows]
    if name == "nce":
        return nce(source_labels=P.argmax(axis=1), target_labels=y, **sizes)
    return leep(source_probabilities=P, target_labels=y, **sizes)


def _bound(witness: Witness, n_bootstrap: int, max_samples: int, seed: int) -> Measurement:
    assert witness.source is not None and witness.target is not None
    found = risk_bound(
        witness.source.X,
        witness.source.y,
        witness.target.X,
        n_bootstrap=n_bootstrap,
        max_samples=max_samples,
        random_state=seed,
    )
    # the sum is cut at 1, where candidates would tie; its terms are not
    return found


def _firsts(
    by_score: dict[str, list[Measurement]],
    kept: list[Witness],
    labels: NDArray[Any],
    rows: NDArray[np.intp],
    seed: int,
    n_bootstrap: int,
) -> dict[str, float]:
    """How often each is first over the same halves of the rows, with each score's level as on all rows."""
    if n_bootstrap == 0 or len(kept) < 2:
        return {}
    y = labels[rows]
    strata = np.zeros(len(y), dtype=np.intp) if y.dtype.kind == "f" else class_codes(y, None)[1]
    halves = random_halves(strata, n_bootstrap, check_random_state(seed))
    none = {"n_bootstrap": 0, "n_permutations": 0}
    draws = {}
    for score, measured in by_score.items():
        drawn = np.array([[_call(score, w, labels, rows[half], **none).value for half in halves] for w in kept])
        draws[score] = drawn + (np.array([m.value for m in measured]) - drawn.mean(axis=1))[:, None]
    together = standing_draws(by_score, draws) if len(draws) > 1 else next(iter(draws.values()))
    wins = np.bincount(together.argmax(axis=0), minlength=len(kept)) / n_bootstrap
    return {w.name: float(share) for w, share in zip(kept, wins, strict=True)}


def _in_order(
    score: str, measured: dict[str, Measurement], firsts: dict[str, float], skipped: dict[str, str], rows: int
) -> Ranking:
    def goodness(name: str) -> tuple[float, float]:
        m = measured[name]
        uncut = sum(m.details[k] for k in ("source_error", "half_distance", "joint_error")) if score == BOUND else 0.0
        return (m.value if m.higher_is_better else -m.value, -uncut)

    order = sorted(measured, key=goodness, reverse=True)
    candidates = tuple(Ranked(name, measured[name], firsts.get(name)) for name in order)
    return Ranking(score, candidates, skipped, _words(score, candidates), rows)


def _words(score: str, candidates: tuple[Ranked, ...]) -> str:
    best, unit = candidates[0], score.replace("_", " ")
    if score == BOUND:
        if len(candidates) == 1:
            return f"{best.name} is the only candidate. {best.score.details['words']}"
        return (
            f"{best.name} promises most by its risk bound, {best.score.value:.2f} against "
            f"{candidates[1].score.value:.2f} for {candidates[1].name}. Without target labels this is all that can be "
            "said, and it says nothing of labels that mean something else."
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
        return text + f", and in {best.first:.0%} of halves of the target rows."
    others = ", ".join(f"{c.name} in {c.first:.0%}" for c in close[:3])
    return (
        text + f"; over halves of the target rows it comes first in {best.first:.0%}, {others}: too close to be sure."
    )
