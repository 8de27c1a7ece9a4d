"""transfer(): candidates tried, judged by the guard, and the one that can be defended handed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor
from sklearn.dummy import DummyClassifier, DummyRegressor

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.discrepancy._shift_kind import diagnose
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.guard._committee import MOST_ROWS, NEIGHBOURS, Consensus, neighbour_graph
from landbridge.guard._decide import CONSENSUS, Verdict, WeightedSource, decide, jury, voices
from landbridge.guard._doubly_robust import fit_teacher
from landbridge.guard._labelled import LabelledSplits
from landbridge.guard._source_weights import source_weights
from landbridge.guard._trial import Trial, try_model
from landbridge.verbs._measure import diagnose_columns
from landbridge.verbs._model_sides import is_model, model_name
from landbridge.verbs._networks import input_size, network_learner, plan_networks
from landbridge.verbs._plan import Planned, default_estimator, fits_task, plan
from landbridge.verbs._ready import label_splits, ready_source, ready_target, split_names, told_task
from landbridge.verbs._result import Candidate, Decision, Result, versions
from landbridge.verbs._row import table_row
from landbridge.verbs._self_taught import transfer_unlabelled
from landbridge.verbs._sides import as_pair, read_stones, share_columns

__all__ = ["transfer"]


# What the source says of a target whose columns no source model can read: its commonest class, or its mean.
PRIOR = "source-prior"


def transfer(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    sources: str | None = None,
    methods: Sequence[Any] | str | None = None,
    through: Sequence[Any] = (),
    estimator: Any = None,
    task: str | None = None,
    target_labels: str | int = "use",
    confidence: float = 0.9,
    n_jobs: int | None = None,
    network: Any = None,
    n_seeds: int = 1,
    epochs: int = 20,
    skip_corrupt: bool = False,
    random_state: int | None = 0,
    work_dir: Any = None,
    resume: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> Result:
    """Carry what was learnt on the source over to the target, or say why not.

    Every candidate is compared with the two ways of not transferring: the base learner on the source alone, and on
    the labelled target rows alone. What cannot be defended is not handed over.

    The target may have columns of its own, other than the source's: arrays of different widths, or tables that share
    no column but the label. Only methods made for that are tried then, the source's commonest class stands in for the
    source model, and without target labels nothing is handed over but that.

    The source may be a trained network instead of data. The candidates are then ways to fine-tune it on the labelled
    target rows, and not transferring is to train the same architecture from random weights on the same rows.

    Parameters
    ----------
    source, target : Domain, (X, y) tuple, array, DataFrame, path or "builtin:NAME"
        The two sides. The source needs labels; the target's are optional, all or some. As a source also a trained
        network: a folder with ``config.json``, a ``.safetensors`` file, a name on the hub such as
        ``"timm/inception_v3.tv_in1k"``, a ``torch.nn.Module``; the target then is a folder with one sub-folder of
        images a class, or rows with labels.
    label : str, optional
        Name of the label column, where a side is a table.
    sources : str, optional
        Name of the column of the source's table that tells several sources apart, such as ``"hospital"``. It is no
        feature; methods that weigh sources against each other are told it and join the candidates. A column of that
        name in the target is left out. A Domain holds its sources as ``source_domain`` instead.
    methods : sequence of str or estimator, optional
        Only these methods, by name or as estimators or pipelines. Left out, every method of the catalogue that fits
        the data.
    through : sequence of Domain, array, DataFrame or path, optional
        Stepping stones: unlabelled domains between source and target, the one nearest to the source first, with the
        source's columns. Methods that cross a wide gap in steps walk over them; without any they find steps in the
        target itself, and are tried where the risk of a single step is high.
    estimator : estimator, optional
        Base learner. Left out: scaling and logistic regression (classification) or ridge regression.
    task : {"classification", "regression"}, optional
        Told from the labels if left out.
    target_labels : {"use", "hide"} or int, default="use"
        What to do with target labels: learn and judge by them; or keep them out of everything and only score the
        outcome; or use so many of each class and hide the rest.
    confidence : float, default=0.9
        How sure a gain must be before the guard transfers.
    n_jobs : int, optional
        Candidates tried side by side, through joblib: ``joblib.parallel_config(backend="dask")`` takes them to a
        cluster.
    network : str, path or Module, optional
        Where source and target are data: learn with this network in the place of the base learner, and try ways of
        adapting it. ``"builtin"`` for small images, ``"mlp"`` for tables, or what
        :func:`landbridge.neural.load_backbone` takes.
    n_seeds : int, default=1
        Runs that are averaged of each adversarial way of adapting the network, because one run in a few fails.
    epochs : int, default=20
        Of networks.
    skip_corrupt : bool, default=False
        For networks: leave image files out that cannot be read, instead of naming the first.
    random_state : int or None, default=0
        Seed of everything that draws at random.
    work_dir : path-like, optional
        For networks: where scores and checkpoints are kept until all is done, so that an interrupted run can go on.
    resume : bool, default=False
        For networks: go on with the run in `work_dir`, if there is one.
    progress : callable, optional
        Called with (done, total, name) after each candidate.

    Returns
    -------
    Result
        Model, decision, table of candidates, diagnosis.

    Raises
    ------
    InputError
        If an argument is at fault; the message says which and what to do.

    Examples
    --------
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["CORAL", "DomainScaler"])
    >>> result.decision.evidence
    'no target labels'
    """
    started = time.perf_counter()
    if not 0.5 <= confidence < 1:
        raise InputError(f"confidence must lie in [0.5, 1); got {confidence}.")
    methods = split_names(methods)
    if is_model(source):
        if sources is not None:
            raise InputError(
                f"sources={sources!r} names a column of a table, but source is a trained network; leave it out."
            )
        from landbridge.verbs._transfer_model import transfer_model

        return transfer_model(
            source,
            target,
            methods=methods,
            target_labels=target_labels,
            task=task,
            epochs=epochs,
            confidence=confidence,
            skip_corrupt=skip_corrupt,
            random_state=random_state,
            work_dir=work_dir,
            resume=resume,
            progress=progress,
        )
    if resume:
        raise InputError("resume=True goes on with the training of a network; source is data, start it anew.")
    if network is not None and estimator is not None:
        raise InputError("network and estimator were both given; the network is the base learner, give one of them.")
    size = None if network is None else input_size(network)
    source, target, encoder = as_pair(
        source, target, label=label, sources=sources, other_columns=network is None, image_size=size
    )
    settings = {
        "source": source.name,
        "target": target.name,
        "label": label,
        "sources": sources,
        "methods": None if methods is None else [m if isinstance(m, str) else repr(m) for m in methods],
        "through": [s if isinstance(s, str) else getattr(s, "name", type(s).__name__) for s in map(_named, through)],
        "estimator": None if estimator is None else repr(estimator),
        **({} if network is None else {"network": model_name(network), "epochs": epochs}),
        "task": task,
        "target_labels": target_labels,
        "confidence": confidence,
        "random_state": random_state,
        "n_source": len(source),
        "n_target": len(target),
        "versions": versions(),
    }
    if (source.y is None or not source.labelled.any()) and network is None and share_columns(source, target):
        return _from_unlabelled(
            source, target, task, estimator, target_labels, settings, encoder=encoder, methods=methods,
            confidence=confidence, random_state=random_state, progress=progress,
        )  # fmt: skip
    source, task = ready_source(source, task, estimator)
    settings |= {"task": task, "n_source": len(source)}
    if source.source_domain is not None:
        names, counts = np.unique(source.source_domain, return_counts=True)
        settings["n_by_source"] = {str(s): int(n) for s, n in zip(names.tolist(), counts, strict=True)}
    if network is not None:
        learner = network_learner(network, source, task, epochs=epochs, seed=random_state)
    else:
        learner = default_estimator(task, is_sparse=_is_sparse(source)) if estimator is None else estimator
    if not fits_task(learner, task):
        raise InputError(f"estimator={type(learner).__name__} is not made for {task}; give a learner for {task}.")
    target, hidden = ready_target(source, target, task, target_labels, random_state)
    timings = {"read": time.perf_counter() - started}

    clock = time.perf_counter()
    comparable = share_columns(source, target)
    diagnosis = (
        diagnose(source, target, task=task, random_state=random_state)
        if comparable
        else diagnose_columns(source, target)
    )
    timings["measure"] = time.perf_counter() - clock

    clock = time.perf_counter()
    labelled = int(target.labelled.sum())
    stones = read_stones(through, source, encoder)
    if network is not None:
        planned = plan_networks(
            network,
            source,
            task=task,
            labelled=labelled,
            epochs=epochs,
            diagnosis=diagnosis,
            methods=methods,
            n_seeds=n_seeds,
            random_state=random_state,
        )
    else:
        planned = plan(
            source,
            target,
            task=task,
            labelled=labelled,
            estimator=learner,
            diagnosis=diagnosis,
            methods=methods,
            stones=stones,
            random_state=random_state,
        )
    folds = label_splits(target, task, random_state)
    weights = None if folds is not None else source_weights(diagnosis, source, target, random_state=random_state)
    judged_by = diagnosis.kind if weights is not None else ""
    trials = _run(planned, source, target, learner, folds, judged_by, labelled, n_jobs, random_state, progress, stones)
    timings["candidates"] = time.perf_counter() - clock

    clock = time.perf_counter()
    weighted = None if weights is None else _weighted_source(diagnosis, source, target, weights, task, random_state)
    graph = _graph(target, task) if comparable and folds is None and weighted is None else None
    verdict = decide(
        trials, diagnosis, folds=folds, weighted=weighted, graph=graph, confidence=confidence, random_state=random_state
    )
    timings["guard"] = time.perf_counter() - clock
    timings["total"] = time.perf_counter() - started
    metric = "accuracy" if task == "classification" else "R²"
    if CONSENSUS in verdict.judged:
        trials = [*trials, _committee(trials, target)]
    chosen = next(t for t in trials if t.name == verdict.chosen)
    return Result(
        model=chosen.model,
        decision=Decision(verdict.transferred, verdict.chosen, verdict.reason, verdict.evidence, verdict.gain),
        candidates=_table(planned, trials, verdict, hidden, task),
        diagnosis=diagnosis,
        task=task,
        metric=metric,
        source=source,
        target=target,
        hidden_labels=hidden,
        encoder=encoder,
        settings=settings | {"n_source_labelled": len(source), "n_target_labelled": labelled},
        timings=timings,
    )


def _from_unlabelled(
    source: Domain,
    target: Domain,
    task: str | None,
    estimator: Any,
    target_labels: str | int,
    settings: dict[str, Any],
    **how: Any,
) -> Result:
    """The source has no labels: features for a labelled target, clusters for one without."""
    seed = how["random_state"]
    if task is None:
        task = told_task(target.labelled_part(), estimator) if target.labelled.any() else "classification"
    known = target.labelled_part() if target.labelled.any() else target
    target, hidden = ready_target(known, target, task, target_labels, seed)
    learner = default_estimator(task) if estimator is None else estimator
    if not fits_task(learner, task):
        raise InputError(f"estimator={type(learner).__name__} is not made for {task}; give a learner for {task}.")
    labelled = int(target.labelled.sum())
    settings = settings | {"task": task, "n_source_labelled": 0, "n_target_labelled": labelled}
    folds = label_splits(target, task, seed)
    return transfer_unlabelled(source, target, learner, task, hidden=hidden, folds=folds, settings=settings, **how)


def _named(side: Any) -> Any:
    return str(side) if isinstance(side, Path) else side


def _run(
    planned: list[Planned],
    source: Domain,
    target: Domain,
    learner: Any,
    folds: LabelledSplits | None,
    judged_by: str,
    labelled: int,
    n_jobs: int | None,
    seed: int | None,
    progress: Callable[[int, int, str], None] | None,
    stones: list[Any],
) -> list[Trial]:
    jobs: list[tuple[str, str, Any, frozenset[str], bool]] = [
        ("source-only", "baseline", learner, frozenset(), False)
        if share_columns(source, target)
        else (PRIOR, "baseline", DummyRegressor() if is_regressor(learner) else DummyClassifier(), frozenset(), False),
    ]
    if labelled and (target.classes is None or len(target.classes) > 1):
        jobs.append(("target-only", "baseline", learner, frozenset(), True))
    jobs += [(p.name, p.family, p.model, p.shifts, False) for p in planned if p.model is not None]
    tasks = (
        joblib.delayed(_one)(
            i,
            name,
            family,
            clone(model),
            source,
            target,
            shifts,
            folds=folds,
            target_only=alone,
            held_out=bool(judged_by) and (family == "baseline" or judged_by in shifts),
            intermediate_domains=stones,
            random_state=seed,
        )
        for i, (name, family, model, shifts, alone) in enumerate(jobs)
    )
    done: dict[int, Trial] = {}
    for i, trial in joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks):
        done[i] = trial
        if progress is not None:
            progress(len(done), len(jobs), trial.name)
    trials = [done[i] for i in range(len(jobs))]
    if trials[0].error:
        raise InputError(f"the base learner failed on the source: {trials[0].error}")
    return trials


def _weighted_source(
    diagnosis: Diagnosis, source: Domain, target: Domain, weights: NDArray[np.float64], task: str, seed: int | None
) -> WeightedSource:
    teacher = None
    if diagnosis.kind == "covariate":
        teacher = fit_teacher(source, target, regression=task == "regression", random_state=seed)
    return WeightedSource(np.asarray(source.y), weights, teacher)


def _graph(target: Domain, task: str) -> Any:
    small = NEIGHBOURS < len(target) <= MOST_ROWS
    return neighbour_graph(target.X) if small and task == "classification" else None


def _committee(trials: list[Trial], target: Domain) -> Trial:
    members = jury(trials)
    model = Consensus([t.model for t in members], voices(len(members)), [t.name for t in members])
    predicted = model.fit(target.frame()).predict(target.frame())
    return Trial(CONSENSUS, "committee", model=model, predicted=predicted, seconds=sum(t.seconds for t in members))


def _one(i: int, name: str, family: str, model: Any, *sides: Any, **how: Any) -> tuple[int, Trial]:
    *pair, shifts = sides
    return i, try_model(name, family, model, *pair, shifts=shifts, **how)


def _table(
    planned: list[Planned], trials: list[Trial], verdict: Verdict, hidden: NDArray[Any] | None, task: str
) -> tuple[Candidate, ...]:
    reasons = {p.name: p.why for p in planned}
    table = []
    for trial in trials:
        why = reasons.get(trial.name, "a way of not transferring" if trial.baseline else "")
        table.append(table_row(trial, why, verdict.judged.get(trial.name), hidden, task))
    table += [Candidate(p.name, p.family, "skipped", p.why) for p in planned if p.model is None]
    return tuple(table)


def _is_sparse(domain: Domain) -> bool:
    return not isinstance(domain.X, np.ndarray)
