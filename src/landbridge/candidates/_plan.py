"""The plan: which methods of the catalogue to try on a problem, and why or why not, by their tags alone."""

from __future__ import annotations

from typing import Any

from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from landbridge.base import FeatureTransfer, InstanceTransfer, TransferEstimator
from landbridge.candidates._specification import CandidateSpec, numbered
from landbridge.catalogue import Method, find
from landbridge.catalogue import methods as all_methods
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.feature._domain_scaler import DomainScaler
from landbridge.pipeline import make_pipeline, reads_metadata
from landbridge.problem._arguments import Arguments
from landbridge.problem._problem import Problem

__all__ = ["check_heterogeneous", "compose", "default_scaler", "plan"]


def plan(problem: Problem, diagnosis: Diagnosis, arguments: Arguments) -> list[CandidateSpec]:
    """Choose candidates from the catalogue by their tags, or build those that were requested.

    Parameters
    ----------
    problem : Problem
    diagnosis : Diagnosis
    arguments : Arguments
        ``methods`` restricts the plan; ``exhaustive`` also tries what the diagnosed shift rules out.

    Returns
    -------
    list of CandidateSpec
    """
    assert problem.source is not None
    scaler = default_scaler(diagnosis, is_sparse=sparse.issparse(problem.source.X))
    if arguments.methods is not None:
        specs = numbered([_requested(m, problem, scaler, arguments.estimator) for m in arguments.methods])
        if specs and all(s.model is None for s in specs):
            why = "; ".join(f"{s.name} {s.reason}" for s in specs)
            raise InputError(f"methods: no requested method applies ({why}); choose others, or omit methods.")
        if problem.intermediate_domains and not any(
            s.model is not None and reads_metadata(s.model, "intermediate_domains") for s in specs
        ):
            able = ", ".join(m.name for m in all_methods() if "intermediate_domains" in m.tags.reads)
            raise InputError(
                f"intermediate_domains does not apply, because no method of methods={_names(specs)} uses it; omit it, "
                f"or request one of {able}."
            )
        return specs
    specs = []
    for method in all_methods():
        if why := reason_to_skip(method, problem, diagnosis, exhaustive=arguments.exhaustive):
            specs.append(CandidateSpec(method.name, method.family, None, why, method.tags.shifts))
            continue
        made_for = " and ".join(sorted(method.tags.shifts)) or "any"
        reason = f"made for {made_for} shift"
        if problem.intermediate_domains and "intermediate_domains" in method.tags.reads:
            n = len(problem.intermediate_domains)
            reason += f", over {n} intermediate domain{'s' * (n > 1)}"
        made = _with_learner(method.cls(), arguments.estimator)
        model = compose(made, problem.estimator, scaler, problem.random_state)
        specs.append(CandidateSpec(method.name, method.family, model, reason, method.tags.shifts))
    return specs


def _names(specs: list[CandidateSpec]) -> str:
    return ",".join(s.name for s in specs)


def _with_learner(method: TransferEstimator, estimator: Any) -> TransferEstimator:
    """Let a feature method that fits a learner of its own fit the one that was given."""
    params = method.get_params(deep=False)
    if estimator is not None and method.transfer_tags.family == "feature" and params.get("estimator", method) is None:
        method.set_params(estimator=clone(estimator))
    return method


def default_scaler(diagnosis: Diagnosis, *, is_sparse: bool = False) -> Any:
    """Return the first step of every pipeline: each domain by its own scale where features moved as a whole.

    Parameters
    ----------
    diagnosis : Diagnosis
    is_sparse : bool, default=False
        Whether the samples are a sparse matrix, which must not be centred.

    Returns
    -------
    transformer
    """
    if is_sparse:
        return MaxAbsScaler()
    return DomainScaler() if diagnosis.kind in ("concept", "subspace") else StandardScaler()


def reason_to_skip(method: Method, problem: Problem, diagnosis: Diagnosis, *, exhaustive: bool = False) -> str:
    """Return why a method does not fit a problem; empty if it does.

    Parameters
    ----------
    method : Method
    problem : Problem
    diagnosis : Diagnosis
    exhaustive : bool, default=False
        Whether to try methods that the diagnosed shift rules out.

    Returns
    -------
    str
    """
    tags, source = method.tags, problem.source
    assert source is not None
    n = max(len(source), len(problem.target))
    rules = (
        (tags.heterogeneous and problem.same_features, "made for domains with different features"),
        (not tags.heterogeneous and not problem.same_features, "needs the same features"),
        (bool(unfit := _unfit(method, problem)), unfit),
        (
            "source_domain" in tags.needs and source.source_domain is None,
            "needs several sources, identified by source_domain",
        ),
        (
            method.family == "parameter"
            and "y_target" in tags.reads
            and "label" not in tags.shifts
            and not problem.n_labelled,
            "without target labels it is the source model itself",
        ),
        (tags.moved_features and not diagnosis.columns, "no feature seems to be in another unit"),
        (tags.max_samples is not None and n > (tags.max_samples or n), f"too many samples for it ({tags.growth})"),
        (
            method.family == "stepwise" and not problem.intermediate_domains and diagnosis.risk != "high",
            "the gap is small enough for a single step",
        ),
    )
    if why := next((why for applies, why in rules if applies), ""):
        return why
    ruled_out = problem.splits is None and _ruled_out(tags.shifts, diagnosis)
    if ruled_out and not exhaustive:
        return f"{diagnosis.kind} shift was diagnosed and it is made for {' and '.join(sorted(tags.shifts))} shift"
    return ""


def _unfit(method: Method, problem: Problem) -> str:
    """Return why a method cannot be fitted on a problem at all; empty if it can."""
    tags, source = method.tags, problem.source
    assert source is not None
    rules = (
        (
            problem.task.name not in tags.tasks,
            f"is made for {' and '.join(sorted(tags.tasks))}, not {problem.task.name}",
        ),
        ("y_target" in tags.needs and not problem.n_labelled, "needs target labels, and there are none to learn from"),
        (not method.available, f"needs the library {', '.join(tags.requires)}, which is not installed"),
        (sparse.issparse(source.X) and not method.cls._accept_sparse, "takes no sparse samples"),
    )
    return next((why for applies, why in rules if applies), "")


def _ruled_out(shifts: frozenset[str], diagnosis: Diagnosis) -> bool:
    """Whether the guard would refuse a method for the diagnosed shift, whatever it finds."""
    if diagnosis.kind in ("label", "covariate"):
        return diagnosis.kind not in shifts
    return diagnosis.kind in ("concept", "subspace") and bool(shifts) and not shifts & {"concept", "subspace"}


def compose(method: TransferEstimator, estimator: Any, scaler: Any = None, random_state: int | None = None) -> Any:
    """Combine a method and the base learner: scale, transfer, learn.

    Parameters
    ----------
    method : TransferEstimator
        Unfitted.
    estimator : estimator
        Base learner.
    scaler : transformer, optional
        First step; standardisation by the source if None.
    random_state : int, optional
        Set where the method has one that is not set.

    Returns
    -------
    TransferPipeline
    """
    scaler = StandardScaler() if scaler is None else clone(scaler)
    params = method.get_params(deep=False)
    if random_state is not None and "random_state" in params and params["random_state"] is None:
        method.set_params(random_state=random_state)
    if "task" in params and params["task"] is None:
        method.set_params(task="regression" if is_regressor(estimator) else "classification")
    if method.transfer_tags.family == "stepwise":
        if params.get("estimator") is None:
            method.set_params(estimator=clone(estimator))
        # Stepwise methods scale on their own between the domains; the base learner scales, too.
        return make_pipeline(method)
    if isinstance(method, FeatureTransfer):
        if method.own_scaling:
            return make_pipeline(method, clone(estimator))
        return make_pipeline(scaler, method, clone(estimator))
    # The default learner of the other methods is a classifier.
    takes = isinstance(method, InstanceTransfer) or is_regressor(estimator)
    if takes and "estimator" in params and params["estimator"] is None:
        method.set_params(estimator=clone(estimator))
    if method.own_scaling:
        return make_pipeline(method)
    return make_pipeline(scaler, method)


def _requested(asked: Any, problem: Problem, scaler: Any, estimator: Any) -> CandidateSpec:
    if isinstance(asked, str):
        method = find(asked)
        if why := _unfit(method, problem):
            return CandidateSpec(method.name, method.family, None, why, method.tags.shifts)
        made = _with_learner(method.cls(), estimator)
        model = compose(made, problem.estimator, scaler, problem.random_state)
        return CandidateSpec(method.name, method.family, model, "requested", method.tags.shifts)
    if isinstance(asked, Pipeline):
        inner = next((s for _, s in asked.steps if isinstance(s, TransferEstimator)), None)
        if inner is None:
            raise InputError("methods: a pipeline without any transfer method was given; add one to its steps.")
        tags = inner.transfer_tags
        return CandidateSpec(f"{type(inner).__name__} pipeline", tags.family, clone(asked), "requested", tags.shifts)
    if isinstance(asked, TransferEstimator):
        tags = asked.transfer_tags
        model = compose(_with_learner(clone(asked), estimator), problem.estimator, scaler, problem.random_state)
        return CandidateSpec(_class_names(asked), tags.family, model, "requested", tags.shifts)
    raise InputError(f"methods: {asked!r} is neither the name of a method nor a transfer estimator or pipeline.")


def _class_names(asked: Any) -> str:
    """Name of the class, and for networks those of its methods."""
    parts = asked.methods if asked.transfer_tags.family == "parameter" and hasattr(asked, "methods") else ()
    return " + ".join([type(asked).__name__, *(type(m).__name__ for m in parts)])


def check_heterogeneous(specs: list[CandidateSpec], problem: Problem) -> None:
    """Raise for a requested method that cannot take a target with features of its own.

    Parameters
    ----------
    specs : list of CandidateSpec
    problem : Problem
    """
    assert problem.source is not None
    for spec in specs:
        if spec.model is None:
            continue
        steps = [step for _, step in spec.model.steps]
        # Every step before the method would have to take both domains.
        if not (isinstance(steps[0], TransferEstimator) and steps[0].transfer_tags.heterogeneous):
            able = ", ".join(m.name for m in all_methods() if m.tags.heterogeneous)
            raise InputError(
                f"methods: {spec.name} needs the same features in both domains, and target has "
                f"{problem.target.X.shape[1]} but source has {problem.source.X.shape[1]}; choose among {able}, as the "
                "first step of a pipeline."
            )
