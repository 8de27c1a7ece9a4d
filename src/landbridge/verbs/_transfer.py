"""transfer(): the question *how*. Candidates are tried, the guard decides, and the chosen model is returned."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Unpack

from landbridge._process_state import restored_filters
from landbridge.candidates import CandidateSpec, Strategy, find_strategy
from landbridge.discrepancy import Diagnosis
from landbridge.domain import Domain
from landbridge.guard import (
    FEW_LABELS,
    MAJORITY_VOTE,
    MajorityVote,
    Trial,
    Verdict,
    WeightedSource,
    by_stability,
    decide,
    ensemble_members,
    in_class_order,
    member_weights,
    needs_reverse_validation,
    target_graph,
    weighted_source,
)
from landbridge.problem import Arguments, Problem, Sides, TransferOptions, network_name
from landbridge.results import Decision, Result
from landbridge.results._result import versions
from landbridge.results._scores import chosen_scores
from landbridge.results._table import candidate_rows
from landbridge.runner import RunStore, fit_again, prepare_processes, run, validate_in_reverse
from landbridge.runner._run import one_thread
from landbridge.runner._store import fingerprint
from landbridge.verbs._expected import digest_of, expected_of_run, expected_of_source

__all__ = ["transfer"]


def transfer(
    source: Any,
    target: Any,
    *,
    label: str | None = None,
    task: str | None = None,
    estimator: Any = None,
    methods: Any = None,
    target_labels: str | int = "use",
    confidence: float = 0.9,
    random_state: int | None = 0,
    **options: Unpack[TransferOptions],
) -> Result:
    """Transfer what was learned on the source domain to the target domain, or say why not.

    Every candidate is compared with the two baselines: the base learner fitted on the source alone, and on the
    labelled target samples alone. A candidate is returned only if the evidence for it is statistically significant.

    What is tried depends on the situation, which is recognised from the arguments: tables with the same features, with
    different features, with several sources; a source without labels; a trained network or a fitted scikit-learn model
    as the source; a network as the base learner; a task whose labels are more than one class or value, such as tags of
    words. An argument that does not apply in the situation raises.

    Parameters
    ----------
    source, target : Domain, (X, y) tuple, array, DataFrame, path or "builtin:NAME"
        The two domains. Target labels are optional: all, some or none. The source may also be a trained network (a
        folder with ``config.json``, a ``.safetensors`` file, a name on the hub, a ``torch.nn.Module``), or a fitted
        scikit-learn model (an estimator, or a ``.skops`` file). For ``task="tagging"``, files of sentences, or lists of
        words with lists of tags, None for a target sentence without; for ``task="segmentation"``, folders of images and
        masks, or images with masks.
    label : str, optional
        Name of the label column, where a side is a table.
    task : {"classification", "regression", "segmentation", "tagging"}, optional
        If None, classification or regression, inferred from `estimator`, else from the labels.
    estimator : estimator, optional
        Base learner. If None, scaling and logistic regression (classification) or ridge regression.
    methods : sequence of str or estimator, or str, optional
        Only these methods, by name, or as estimators or pipelines. If None, every method that fits.
    target_labels : {"use", "hide"} or int, default="use"
        Which target labels to learn from: all, none, or this many per class (tags: so many sentences). Hidden labels
        only score the outcome.
    confidence : float, default=0.9
        Confidence with which a gain must be positive, in [0.5, 1).
    random_state : int or None, default=0
        Seed of everything random; the default makes a call repeatable.
    **options
        Keywords described under *Other Parameters*.

    Returns
    -------
    Result
        Model, decision, candidates with their evidence, diagnosis, expected quality.

    Other Parameters
    ----------------
    sources : str, optional
        Column of the source table that identifies the source domain of each sample, such as ``"hospital"``.
    groups : str, optional
        Column of both tables that identifies samples that belong together, such as ``"patient_id"``: it is no feature,
        and no group is on both sides of a split. For arrays give ``Domain(X, y, groups=...)``.
    scoring : str or callable, optional
        What predictions are scored by on target labels: the name of a scorer of scikit-learn, or one from
        ``make_scorer``; higher is better. If None, accuracy (balanced accuracy where a class is rare) or R². Evidence
        without target labels is not changed by it.
    assume : {"shares-kept"}, optional
        What you know without target labels: ``"shares-kept"`` if labels have the same distribution in both domains.
        Methods that align the domains may then be judged although the features alone do not say so.
    intermediate_domains : sequence of Domain, array, DataFrame or path, optional
        Unlabelled domains between source and target, nearest to the source first.
    network : str, path or Module, optional
        Network in place of `estimator`: ``"builtin"`` for small images, ``"mlp"`` for tables, or what
        :func:`landbridge.neural.load_backbone` takes.
    epochs : int, default=20
        Epochs of networks.
    n_seeds : int, default=1
        Number of runs that are averaged for each adversarial method.
    skip_corrupt : bool, default=False
        For networks: skip image files that cannot be read, instead of raising for the first.
    exhaustive : bool, default=False
        Also try methods that the diagnosed shift rules out.
    n_jobs : int, optional
        Number of candidates that are tried in parallel. If None, all cores, or one process where the work is small.
    time_budget : float, optional
        Seconds after which no further candidate is begun; the baselines always are.
    progress : callable, optional
        Called with (done, total, name) after each candidate.
    work_dir : path-like, optional
        Where finished candidates are kept until the result stands.
    resume : bool, default=False
        Continue the run in `work_dir`.
    read_options : ReadOptions or mapping, optional
        How tables are read: columns to drop or keep, marks of missing values, encoding; see
        :class:`landbridge.data.ReadOptions`.
    on_inspection : callable, optional
        Called with the facts about the data (:class:`landbridge.data.Inspection`) before anything is learned.
    error_score : "raise" or numpy.nan, default=numpy.nan
        Whether an error of a candidate is raised or recorded.

    Raises
    ------
    InputError
        If an argument is at fault or does not apply; the message says which and what to do.

    See Also
    --------
    landbridge.measure : The question *when*.
    landbridge.rank : The question *what*.

    Notes
    -----
    The verdict depends on the data and `random_state` only, not on the number of cores or the speed of the machine,
    unless `time_budget` is given.

    Examples
    --------
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["CORAL", "DomainScaler"])
    >>> result.decision.evidence
    'no target labels'
    """
    arguments = Arguments.of(
        label=label, task=task, estimator=estimator, methods=methods, target_labels=target_labels,
        confidence=confidence, random_state=random_state, **options,
    )  # fmt: skip
    with restored_filters():
        return _transfer(Sides(source, target, arguments), arguments)


def _transfer(sides: Sides, arguments: Arguments) -> Result:
    clock = _Clock()
    strategy = find_strategy(sides)
    problem = strategy.read(sides)
    inspection = sides.inspection()
    if inspection is not None and arguments.on_inspection is not None:
        arguments.on_inspection(inspection)
    settings = _settings(strategy, problem, arguments)
    clock.lap("read")
    with _store(arguments, settings, problem) as store:
        with prepare_processes(problem, arguments), one_thread(problem):
            diagnosis = strategy.diagnose(problem)
            clock.lap("measure")
            specs = strategy.plan(problem, diagnosis, sides)
            weighted = _weighting(problem, diagnosis, arguments.scoring) if _features_count(problem) else None
        shift = "" if weighted is None else diagnosis.kind
        trials = run(specs, problem, arguments, shift=shift, store=store)
        clock.lap("candidates")
        with one_thread(problem):
            trials, verdict = _judge(trials, specs, problem, diagnosis, weighted, arguments)
            trials, chosen = _model_of(verdict, trials, specs, problem, store)
            scores = chosen_scores(chosen, problem)
            clock.lap("guard")
            expected = expected_of_run(problem, chosen, trials, verdict)
            of_source = expected_of_source(problem, chosen, trials, verdict)
        clock.lap("expected")
        store.clear()
    return Result(
        model=chosen.model,
        decision=Decision(
            verdict.transferred,
            verdict.chosen,
            strategy.preface(problem) + verdict.reason,
            verdict.evidence,
            verdict.gain,
            verdict.assumption,
        ),
        candidates=candidate_rows(specs, trials, verdict, problem, expected_of_source=of_source),
        diagnosis=diagnosis,
        task=problem.task.name,
        metric=problem.task.metric,
        source=problem.source if isinstance(problem.source, Domain) else None,
        target=problem.domains[1] if isinstance(problem.source, Domain) else None,
        hidden_labels=problem.hidden_labels,
        encoder=problem.encoder,
        settings=settings,
        timings=clock.seconds(),
        scores=scores,
        expected=expected,
        inspection=inspection,
    )


class _Clock:
    """Seconds per step. They are reported, and decide nothing."""

    def __init__(self) -> None:
        self.start = self.last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self.last = now - self.last, now

    def seconds(self) -> dict[str, float]:
        return self.laps | {"total": time.perf_counter() - self.start}


def _settings(strategy: Strategy, problem: Problem, arguments: Arguments) -> dict[str, Any]:
    """Every argument that was used, and what was inferred from the data."""
    source = problem.source
    settings: dict[str, Any] = {
        "situation": strategy.name,
        "source": network_name(problem.source_model) if source is None else source.name,
        "target": problem.target.name,
        **arguments.settings(strategy.accepts),
        "task": problem.task.name,
        "inferred": list(problem.inferred),
        "notes": [*problem.notes, *_one_sided_groups(problem)],
        "target_digest": digest_of(problem.target.X) if isinstance(problem.target, Domain) else None,
        "n_target": len(problem.target),
        "n_target_labelled": problem.n_labelled,
        "versions": versions(),
    }
    if source is not None:
        settings |= {"n_source": len(source), "n_source_labelled": int(source.labelled.sum())}
        if source.source_domain is not None:
            names = source.source_domain.tolist()
            settings["n_by_source"] = {str(s): names.count(s) for s in sorted(set(names), key=str)}
    return settings


def _one_sided_groups(problem: Problem) -> list[str]:
    """Say that one side has groups and the other does not."""
    if not isinstance(problem.source, Domain) or not isinstance(problem.target, Domain):
        return []
    sides = {"source": problem.source.groups, "target": problem.target.groups}
    without = [name for name, groups in sides.items() if groups is None]
    if len(without) != 1:
        return []
    other = "target" if without[0] == "source" else "source"
    return [f"Only the {other} has groups; samples of the {without[0]} count as independent."]


def _store(arguments: Arguments, settings: dict[str, Any], problem: Problem) -> RunStore:
    if arguments.work_dir is None:
        return RunStore(None, {})
    same = {k: v for k, v in settings.items() if k not in ("versions", "confidence", "time_budget", "n_jobs")}
    return RunStore(arguments.work_dir, same | {"data": fingerprint(problem)}, resume=arguments.resume)


def _features_count(problem: Problem) -> bool:
    """Return whether there are so few target labels, if any, that the features count as well."""
    return problem.splits is None or problem.n_labelled <= FEW_LABELS


def _weighting(problem: Problem, diagnosis: Diagnosis, scoring: Any) -> WeightedSource | None:
    """Source samples that represent the target, where the diagnosed shift allows it."""
    if problem.source is None or problem.source.y is None or not problem.same_features:
        return None
    if not problem.source.labelled.any():
        return None
    regression = problem.task.name == "regression"
    seed = problem.random_state
    return weighted_source(diagnosis, *problem.domains, regression=regression, scoring=scoring, random_state=seed)


def _judge(
    trials: list[Trial],
    specs: list[CandidateSpec],
    problem: Problem,
    diagnosis: Diagnosis,
    weighted: WeightedSource | None,
    arguments: Arguments,
) -> tuple[list[Trial], Verdict]:
    if any(s.cluster is not None for s in specs):
        return trials, by_stability(trials)
    trials = [replace(t, advantage=problem.advantage) if t.role == "source-only" else t for t in trials]
    graph = None
    if problem.source is not None and _features_count(problem) and weighted is None and problem.same_features:
        if problem.splits is None:
            trials = validate_in_reverse(needs_reverse_validation(trials, diagnosis), trials, specs, problem)
        graph = target_graph(problem.domains[1], regression=problem.task.name == "regression")
    verdict = decide(
        trials,
        diagnosis,
        splits=problem.splits,
        weighted_source=weighted,
        graph=graph,
        confidence=arguments.confidence,
        random_state=problem.random_state,
        groups=problem.target.groups,
        shares_kept=arguments.assume is not None,
    )
    return trials, verdict


def _model_of(
    verdict: Verdict, trials: list[Trial], specs: list[CandidateSpec], problem: Problem, store: RunStore
) -> tuple[list[Trial], Trial]:
    """The trial of the chosen candidate, with its model; an ensemble is built from its members."""
    by_name = {s.name: s for s in specs}
    if MAJORITY_VOTE in verdict.assessments:
        names = verdict.members or tuple(t.name for t in ensemble_members(trials))
        members = [fit_again(t, by_name, problem, store) for n in names for t in trials if t.name == n]
        model = MajorityVote([t.model for t in members], member_weights(len(members)), list(names))
        if verdict.members:  # judged on held-out source samples, whose neighbours are not the target's
            model.set_params(smoothing=0.0)
        predicted = model.fit(problem.target.frame()).predict(problem.target.frame())
        seconds = sum(t.seconds for t in members)
        facts: dict[str, Any] = {}
        if problem.task.name == "classification":
            proba = model.predict_proba(problem.target.frame())
            facts = {"proba": in_class_order(proba, model.classes_, members[0].classes), "classes": members[0].classes}
        vote = Trial(MAJORITY_VOTE, "ensemble", model=model, predicted=predicted, seconds=seconds, **facts)
        trials = [*trials, vote]
    chosen = next(t for t in trials if t.name == verdict.chosen)
    return trials, fit_again(chosen, by_name, problem, store)
