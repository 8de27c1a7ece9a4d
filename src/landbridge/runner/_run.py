"""Running of all candidates: in parallel, with progress, a time budget, and the same answer on any machine."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from typing import Any

import joblib

from landbridge._process_state import one_thread as limited_to_one_thread
from landbridge.candidates._specification import CandidateSpec
from landbridge.exceptions import InputError
from landbridge.guard import Trial, collect_evidence
from landbridge.problem._arguments import Arguments
from landbridge.problem._problem import Problem
from landbridge.processes import parallel, start_processes
from landbridge.runner._fit import fit_candidate, unfitted
from landbridge.runner._store import RunStore
from landbridge.runner._try import try_candidate

__all__ = ["fit_again", "one_thread", "prepare_processes", "run", "validate_in_reverse"]

# Below this much work (samples x features x candidates) starting processes costs more than it saves.
SMALL = 4_000_000
# Candidates of two tables whose methods are not named.
USUAL_NUMBER = 30
OUT_OF_TIME = "skipped: the time budget was used up"


def run(
    specs: list[CandidateSpec],
    problem: Problem,
    arguments: Arguments,
    *,
    shift: str = "",
    store: RunStore | None = None,
) -> list[Trial]:
    """Try candidates, each with the same evidence.

    Parameters
    ----------
    specs : list of CandidateSpec
        Baselines first; skipped ones are ignored.
    problem : Problem
    arguments : Arguments
        ``n_jobs``, ``time_budget``, ``progress`` and ``error_score``.
    shift : str, default=""
        Shift for which reweighted source samples represent the target; candidates made for it also predict held-out
        source samples.
    store : RunStore, optional

    Returns
    -------
    list of Trial
        In the order of `specs`.

    Raises
    ------
    InputError
        If a baseline fails.
    """
    todo = [s for s in specs if not s.skipped]
    ends = None if arguments.time_budget is None else time.monotonic() + arguments.time_budget
    raising = arguments.error_score == "raise"
    calls = (
        joblib.delayed(_one)(
            i,
            spec,
            problem,
            held_out=bool(shift) and (spec.role != "candidate" or shift in spec.shifts),
            predict=problem.situation != "trained network" or problem.hidden_labels is not None,
            store=store,
            raise_errors=raising,
            ends=None if spec.role != "candidate" else ends,
        )
        for i, spec in enumerate(todo)
    )
    done: dict[int, Trial] = {}
    jobs = 1 if any(s.cluster is not None for s in todo) else n_jobs(arguments.n_jobs, len(todo), problem)
    with closing(parallel(jobs, calls)) as results:
        for i, trial in results:
            done[i] = trial
            if arguments.progress is not None:
                arguments.progress(len(done), len(todo), trial.name)
    trials = [done[i] for i in range(len(todo))]
    for trial in trials:
        if trial.role != "candidate" and trial.error:
            where = "the source" if trial.role in ("source-only", "prior") else "the labelled target samples"
            raise InputError(f"the base learner failed on {where}: {trial.error}")
    return trials


def prepare_processes(problem: Problem, arguments: Arguments) -> AbstractContextManager[None]:
    """Start the processes that will try the candidates, so that they load while the shift is diagnosed.

    Parameters
    ----------
    problem : Problem
    arguments : Arguments

    Returns
    -------
    context manager
    """
    methods = arguments.methods
    expected = USUAL_NUMBER if methods is None or isinstance(methods, str) else len(methods) + 2
    jobs = 1 if problem.situation == "unlabelled source" else n_jobs(arguments.n_jobs, expected, problem)
    return start_processes(jobs)


def validate_in_reverse(
    names: Iterable[str], trials: list[Trial], specs: list[CandidateSpec], problem: Problem
) -> list[Trial]:
    """Add reverse validation to the trials for which it decides something.

    Parameters
    ----------
    names : iterable of str
    trials : list of Trial
    specs : list of CandidateSpec
    problem : Problem

    Returns
    -------
    list of Trial
    """
    wanted, by_name = set(names), {s.name: s for s in specs}
    out = []
    for trial in trials:
        if trial.name not in wanted or trial.error:
            out.append(trial)
            continue
        fitted = fit_again(trial, by_name, problem).model
        with one_thread(problem):
            found = collect_evidence(
                fitted,
                *problem.domains,
                intermediate_domains=problem.intermediate_domains or None,
                random_state=problem.random_state,
            )
        out.append(replace(trial, evidence={**trial.evidence, **found}))
    return out


def fit_again(trial: Trial, specs: dict[str, CandidateSpec], problem: Problem, store: RunStore | None = None) -> Trial:
    """Return a trial with its model, fitted again where it comes from a resumed run.

    Parameters
    ----------
    trial : Trial
    specs : dict of str to CandidateSpec
    problem : Problem
    store : RunStore, optional

    Returns
    -------
    Trial
    """
    if trial.model is not None or trial.name not in specs or trial.error:
        return trial
    spec = specs[trial.name]
    if spec.cluster is not None:
        return replace(trial, model=try_candidate(spec, problem).model)
    with one_thread(problem):
        model = fit_candidate(spec, unfitted(spec, problem), problem, part="all", store=store)
    return replace(trial, model=model)


def n_jobs(asked: int | None, n_candidates: int, problem: Problem) -> int:
    """Return how many processes to use: all cores, unless the work is small or cannot be sent to another process.

    Parameters
    ----------
    asked : int or None
    n_candidates : int
    problem : Problem

    Returns
    -------
    int
    """
    if problem.situation == "trained network" or problem.task.structured:
        return 1
    if asked is not None:
        return asked
    source = problem.source
    size = 0 if source is None else (len(source) + len(problem.target)) * source.X.shape[1]
    return -1 if size * n_candidates > SMALL else 1


def one_thread(problem: Problem) -> AbstractContextManager[Any]:
    """Limit numerical libraries to one thread, so that rounding does not depend on the number of cores.

    Parameters
    ----------
    problem : Problem
        Networks keep their threads.

    Returns
    -------
    context manager
    """
    if problem.situation in ("trained network", "network learner") or problem.task.structured:
        return nullcontext()
    return limited_to_one_thread()


def _one(i: int, spec: CandidateSpec, problem: Problem, *, ends: float | None, **how: Any) -> tuple[int, Trial]:
    if ends is not None and time.monotonic() > ends:
        return i, Trial(spec.name, spec.family, shifts=spec.shifts, role=spec.role, error=OUT_OF_TIME)
    with one_thread(problem):
        return i, try_candidate(spec, problem, **how)
