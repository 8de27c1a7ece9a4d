"""transfer() from rows without labels: features learned on them, judged by what a learner makes of them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.discrepancy import diagnose
from landbridge.domain import Domain
from landbridge.exceptions import InputError, LabelError, MissingExtraError
from landbridge.guard._decide import decide
from landbridge.guard._labelled import LabelledSplits
from landbridge.guard._trial import Trial
from landbridge.guard._verdict import Judged, Verdict
from landbridge.measurement import Measurement
from landbridge.selftaught import SelfTaughtClustering, SparseCodingFeatures
from landbridge.verbs._result import Candidate, Decision, Result
from landbridge.verbs._row import table_row

__all__ = ["FEATURES", "cluster_trials", "self_taught_trials", "transfer_unlabelled"]

FEATURES = ("PrincipalComponents", "SparseCodingFeatures", "AutoencoderFeatures")
# What each does, for the table.
WHY = {
    "PrincipalComponents": "main directions of the unlabelled rows",
    "SparseCodingFeatures": "parts that the unlabelled rows are made of",
    "AutoencoderFeatures": "a code from which the unlabelled rows can be restored",
}


def self_taught_trials(
    source: Domain,
    target: Domain,
    learner: Any,
    folds: LabelledSplits | None,
    *,
    methods: Sequence[Any] | None = None,
    random_state: int | None = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[tuple[Trial, str]]:
    """Try every kind of features on the labelled target rows, on the same splits.

    Parameters
    ----------
    source : Domain
        Rows without labels.
    target : Domain
        With labels to learn from.
    learner : estimator
        Learns from the features, and, for the baseline, from the columns themselves.
    folds : LabelledSplits or None
        None where too few labels are there to judge by.
    methods : sequence of str or transformer, optional
        Names of :data:`FEATURES`, or unfitted transformers.
    random_state : int, optional
    progress : callable, optional

    Returns
    -------
    list of (Trial, str)
        With the reason why each was tried; the baseline first.

    Raises
    ------
    InputError, LabelError
        If a method is not known, or the labels are too few.
    """
    part = target.labelled_part()
    if folds is None:
        raise LabelError(
            "source has no labels, so all is learned from the target's; label at least six target rows, two of each "
            "class, or give a source with labels."
        )
    if sparse.issparse(source.X):
        raise InputError("source has no labels and sparse rows; features are learned on dense rows only.")
    jobs: list[tuple[str, Any, str]] = [("target-only", None, "a way of not transferring")]
    unavailable: list[tuple[Trial, str]] = []
    for asked in FEATURES if methods is None else methods:
        try:
            name, made = (asked, _features(asked, source, random_state)) if isinstance(asked, str) else (
                type(asked).__name__, clone(asked)
            )  # fmt: skip
        except MissingExtraError as error:
            if methods is not None:
                raise
            unavailable.append((Trial(str(asked), "feature", error=str(error)), WHY[str(asked)]))
            continue
        jobs.append((name, made, WHY.get(name, "asked for")))
    both = np.vstack([source.X, target.X])
    trials = []
    for name, features, why in jobs:
        trials.append((_one(name, features, both, part, target, learner, folds), why))
        if progress is not None:
            progress(len(trials), len(jobs), name)
    if trials[0][0].error:
        raise InputError(f"the base learner failed on the target's labelled rows: {trials[0][0].error}")
    return trials + unavailable


def _features(name: str, source: Domain, seed: int | None) -> Any:
    width = int(min(32, source.X.shape[1], len(source) - 1))
    if name == "PrincipalComponents":
        return plain_pipeline(StandardScaler(), PCA(max(width, 1), random_state=seed))
    if name not in FEATURES:
        raise InputError(f"methods names {name!r}; a source without labels can be used by {', '.join(FEATURES)}.")
    if name == "SparseCodingFeatures":
        return SparseCodingFeatures(random_state=seed)
    from landbridge.neural.selftaught import AutoencoderFeatures

    standardize = "global" if source.kind == "images" else "per_feature"
    return AutoencoderFeatures(width, standardize=standardize, random_state=seed)


def _one(
    name: str,
    features: Any,
    both: NDArray[np.float64],
    part: Domain,
    target: Domain,
    learner: Any,
    folds: LabelledSplits,
) -> Trial:
    clock = time.perf_counter()
    family = "baseline" if features is None else "feature"
    X, y = part.X, np.asarray(part.y)
    try:
        if features is None:
            fixed, Z = None, X
        else:
            fixed = features.fit(both)
            Z = fixed.transform(X)
        scores = []
        for train, test in folds.splits:
            fitted = clone(learner).fit(Z[train], y[train])
            scores.append(float(fitted.score(Z[test], y[test])))
        last = clone(learner).fit(Z, y)
        model = last if fixed is None else Pipeline([("features", FrozenEstimator(fixed)), ("learner", last)])
        predicted = model.predict(target.X)
    except (InputError, MissingExtraError, ValueError, RuntimeError) as error:
        return Trial(name, family, error=str(error).splitlines()[0], seconds=time.perf_counter() - clock)
    return Trial(
        name, family, model=model, predicted=predicted, splits=np.array(scores), seconds=time.perf_counter() - clock
    )


def cluster_trials(
    source: Domain, target: Domain, *, n_clusters: int | None = None, random_state: int | None = 0
) -> list[tuple[Trial, str]]:
    """Cluster target rows alone, and together with the source's; judged by how stable the clusters are.

    Parameters
    ----------
    source, target : Domain
        Without labels.
    n_clusters : int, optional
        Left out, the number between 2 and 10 at which k-means clusters of the target are best apart (silhouette).
    random_state : int, optional

    Returns
    -------
    list of (Trial, str)
        ``splits`` holds the stability: agreement (adjusted Rand index) of clusterings of two overlapping halves.
    """
    seed = 0 if random_state is None else int(random_state)
    low = np.minimum(source.X.min(axis=0), target.X.min(axis=0))
    Xs, Xt = source.X - low, target.X - low  # co-clustering takes counts and the like
    k = _n_clusters(target.X, seed) if n_clusters is None else n_clusters

    def alone(rows: NDArray[np.intp]) -> NDArray[np.intp]:
        return KMeans(k, n_init=5, random_state=seed).fit_predict(StandardScaler().fit_transform(Xt[rows]))

    def together(rows: NDArray[np.intp]) -> NDArray[np.intp]:
        return SelfTaughtClustering(k, random_state=seed).fit(Xs, X_target=Xt[rows]).labels_

    rng = np.random.default_rng(seed)
    draws = [tuple(np.sort(rng.permutation(len(Xt))[: int(0.75 * len(Xt))]) for _ in range(2)) for _ in range(N_DRAWS)]
    trials = []
    for name, family, cluster, why in (
        ("target-only", "baseline", alone, "k-means on the target's rows"),
        ("SelfTaughtClustering", "feature", together, "clusters of both sides that share groups of columns"),
    ):
        clock = time.perf_counter()
        try:
            stable = [_agreement(cluster, *pair) for pair in draws]
            labels = cluster(np.arange(len(Xt)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of columns that are constant within a cluster
                model = plain_pipeline(StandardScaler(), NearestCentroid()).fit(target.X, labels)
            found: dict[str, Any] = {"model": model, "predicted": labels, "splits": np.array(stable)}
        except (InputError, ValueError) as error:
            found = {"error": str(error).splitlines()[0]}
        trials.append((Trial(name, family, seconds=time.perf_counter() - clock, **found), why))
    if trials[0][0].error:
        raise InputError(f"the target's rows could not be clustered: {trials[0][0].error}")
    return trials


def _n_clusters(X: NDArray[np.float64], seed: int) -> int:
    Z = StandardScaler().fit_transform(X)
    most = min(10, len(X) - 1)
    if most < 2:
        raise LabelError("neither side has labels, and the target has too few rows to cluster; give at least four.")
    values = {}
    for k in range(2, most + 1):
        labels = KMeans(k, n_init=3, random_state=seed).fit_predict(Z)
        if 1 < len(np.unique(labels)) < len(Z):
            values[k] = float(silhouette_score(Z, labels, sample_size=min(1000, len(Z)), random_state=seed))
    return max(values, key=values.__getitem__) if values else 2


def _agreement(
    cluster: Callable[[NDArray[np.intp]], NDArray[np.intp]], one: NDArray[np.intp], two: NDArray[np.intp]
) -> float:
    both = np.intersect1d(one, two)
    first, second = cluster(one), cluster(two)
    return float(adjusted_rand_score(first[np.searchsorted(one, both)], second[np.searchsorted(two, both)]))


def transfer_unlabelled(
    source: Domain,
    target: Domain,
    learner: Any,
    task: str,
    *,
    hidden: NDArray[Any] | None,
    folds: LabelledSplits | None,
    encoder: Any,
    settings: dict[str, Any],
    methods: Sequence[Any] | None = None,
    confidence: float = 0.9,
    random_state: int | None = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Result:
    """Carry rows without labels over: features for a labelled target, clusters for one without.

    Parameters
    ----------
    source, target : Domain
    learner : estimator
    task : {"classification", "regression"}
    hidden : ndarray or None
        Target labels that only score the outcome.
    folds : LabelledSplits or None
    encoder : object or None
    settings : dict
        What was asked for; goes into the result.
    methods : sequence, optional
    confidence : float, default=0.9
    random_state : int, optional
    progress : callable, optional

    Returns
    -------
    Result
    """
    started = time.perf_counter()
    diagnosis = diagnose(source, target, task=task, random_state=random_state)
    if target.labelled.any():
        trials = self_taught_trials(
            source, target, learner, folds, methods=methods, random_state=random_state, progress=progress
        )
        verdict = decide([t for t, _ in trials], diagnosis, folds=folds, confidence=confidence)
        told = "The source has no labels, so all it can teach is what rows are made of. "
        verdict = replace(verdict, reason=told + verdict.reason)
    else:
        trials = cluster_trials(source, target, random_state=random_state)
        verdict = _by_stability([t for t, _ in trials])
        hidden = None  # clusters have no names that labels could be compared with
    chosen = next(t for t, _ in trials if t.name == verdict.chosen)
    rows = []
    for trial, why in trials:
        judged = verdict.judged.get(trial.name)
        if judged is None:
            rows.append(Candidate(trial.name, trial.family, "failed", trial.error, seconds=trial.seconds))
        else:
            rows.append(table_row(trial, why, judged, hidden, task))
    return Result(
        model=chosen.model,
        decision=Decision(verdict.transferred, verdict.chosen, verdict.reason, verdict.evidence, verdict.gain),
        candidates=tuple(rows),
        diagnosis=diagnosis,
        task=task,
        metric="accuracy" if task == "classification" else "R²",
        source=source,
        target=target,
        hidden_labels=hidden,
        encoder=encoder,
        settings=settings,
        timings={"total": time.perf_counter() - started},
    )


def _by_stability(trials: list[Trial]) -> Verdict:
    base = trials[0]
    assert base.splits is not None
    judged = {base.name: Judged(_stable(base.splits), None, True, "a way of not transferring")}
    other = trials[1]
    if other.error or other.splits is None:
        return Verdict(base.name, False, "Co-clustering could not be tried; k-means is kept.", STABLE, None, judged)
    ahead = other.splits - base.splits
    gain = Measurement("gain", float(ahead.mean()), low=float(ahead.min()), high=float(ahead.max()))
    sure = bool((ahead > 0).all()) and gain.value > LEAST
    judged[other.name] = Judged(
        _stable(other.splits), gain, sure, "more stable in every draw" if sure else "not more stable"
    )
    told = f"agree {float(other.splits.mean()):.2f} with themselves from draw to draw, k-means {base.splits.mean():.2f}"
    if sure:
        reason = f"No side has labels. Clusters found together with the source {told}; they are handed over."
        return Verdict(other.name, True, reason, STABLE, gain, judged)
    reason = f"No side has labels. Clusters found together with the source {told}: no gain can be defended."
    return Verdict(base.name, False, reason, STABLE, gain, judged)


def _stable(values: NDArray[np.float64]) -> Measurement:
    return Measurement("stability", float(values.mean()), low=float(values.min()), high=float(values.max()))


STABLE = "stability of clusters"
N_DRAWS = 4
# Agreement is no accuracy: less than this is not worth a change.
LEAST = 0.05
