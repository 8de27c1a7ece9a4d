"""The plan: which methods to try on a pair of domains, and why or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from landbridge.base import FeatureTransfer, InstanceTransfer, TransferEstimator
from landbridge.catalogue import Method, find
from landbridge.catalogue import methods as all_methods
from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.feature._domain_scaler import DomainScaler
from landbridge.pipeline import make_pipeline
from landbridge.verbs._sides import share_columns

__all__ = ["Planned", "default_estimator", "plan"]


@dataclass(frozen=True)
class Planned:
    """One candidate of the plan.

    Parameters
    ----------
    name : str
    family : str
    model : estimator or None
        Unfitted; None where it is skipped.
    why : str
        Why it is tried or skipped.
    shifts : frozenset of str
        Shifts it is made for.
    """

    name: str
    family: str
    model: Any
    why: str
    shifts: frozenset[str] = frozenset()


def default_estimator(task: str, *, is_sparse: bool = False) -> Any:
    """Return the base learner used where none is given.

    Parameters
    ----------
    task : {"classification", "regression"}
    is_sparse : bool, default=False

    Returns
    -------
    Pipeline
        Scaling, then logistic or ridge regression.
    """
    scaler = MaxAbsScaler() if is_sparse else StandardScaler()
    return plain_pipeline(scaler, LogisticRegression(max_iter=1000) if task == "classification" else Ridge())


def plan(
    source: Domain,
    target: Domain,
    *,
    task: str,
    labelled: int,
    estimator: Any,
    diagnosis: Diagnosis,
    methods: Sequence[Any] | None = None,
    stones: Sequence[Any] = (),
    random_state: int | None = 0,
) -> list[Planned]:
    """Choose candidates from the catalogue by their tags, or build those that were asked for.

    Parameters
    ----------
    source, target : Domain
    task : {"classification", "regression"}
    labelled : int
        Number of target rows with a label that may be used.
    estimator : estimator
        Base learner.
    diagnosis : Diagnosis
        What measure() found.
    methods : sequence of str or estimator, optional
        Only these.
    stones : sequence of array, optional
        Rows of the domains between source and target, in order, for the methods that cross over them.
    random_state : int, optional
        Given to every method that draws at random.

    Returns
    -------
    list of Planned
    """
    # Columns that were moved or rescaled as a whole are brought to one scale domain by domain, before any method.
    scaler = DomainScaler() if diagnosis.kind in ("concept", "subspace") else StandardScaler()
    if methods is not None:
        asked = _numbered([_asked_for(m, estimator, scaler, random_state) for m in methods])
        if not share_columns(source, target):
            _check_columns(asked, source, target)
        return asked
    wide = diagnosis.risk == "high"
    return [
        _planned(
            m,
            source,
            target,
            task=task,
            labelled=labelled,
            estimator=estimator,
            scaler=scaler,
            stones=stones,
            wide=wide,
            seed=random_state,
        )
        for m in all_methods()
    ]


def _planned(
    method: Method,
    source: Domain,
    target: Domain,
    *,
    task: str,
    labelled: int,
    estimator: Any,
    scaler: Any,
    stones: Sequence[Any],
    wide: bool,
    seed: int | None,
) -> Planned:
    tags = method.tags

    def skipped(why: str) -> Planned:
        return Planned(method.name, method.family, None, why, tags.shifts)

    if tags.heterogeneous == share_columns(source, target):
        return skipped("made for sides with different columns" if tags.heterogeneous else "needs the same columns")
    if task not in tags.tasks:
        return skipped(f"made for {' and '.join(sorted(tags.tasks))}, not {task}")
    if "y_target" in tags.needs and not labelled:
        return skipped("needs target labels, and there are none to learn from")
    if method.family == "parameter" and "y_target" in tags.reads and not labelled:
        return skipped("without target labels it is the source model itself")
    if "source_domain" in tags.needs and source.source_domain is None:
        return skipped("needs several sources, told apart by source_domain")
    if not method.available:
        return skipped(f"needs the library {', '.join(tags.requires)}, which is not installed")
    if sparse.issparse(source.X) and not method.cls._accept_sparse:
        return skipped("takes no sparse rows")
    if tags.max_samples is not None and max(len(source), len(target)) > tags.max_samples:
        return skipped(f"grows too fast for so many rows ({tags.growth})")
    if method.family == "stepwise" and not stones and not wide:
        return skipped("the gap is narrow enough to be crossed in one step")
    made_for = " and ".join(sorted(tags.shifts)) or "any"
    model = compose(method.cls(), estimator, scaler, seed)
    over = (
        f", over {len(stones)} intermediate domain{'s' * (len(stones) > 1)}"
        if "intermediate_domains" in tags.reads
        else ""
    )
    return Planned(method.name, method.family, model, f"made for {made_for} shift{over if stones else ''}", tags.shifts)


def compose(method: TransferEstimator, estimator: Any, scaler: Any = None, seed: int | None = None) -> Any:
    """Put a method and the base learner together: scale, transfer, learn.

    Parameters
    ----------
    method : TransferEstimator
        Unfitted.
    estimator : estimator
        Base learner.
    scaler : transformer, optional
        First step; standardises by the source where left out.
    seed : int, optional
        Set as ``random_state`` where the method has one that is not set.

    Returns
    -------
    TransferPipeline
    """
    scaler = StandardScaler() if scaler is None else clone(scaler)
    params = method.get_params(deep=False)
    if seed is not None and "random_state" in params and params["random_state"] is None:
        method.set_params(random_state=seed)
    if "task" in params and params["task"] is None:
        method.set_params(task="regression" if is_regressor(estimator) else "classification")
    if method.transfer_tags.family == "stepwise":
        if params.get("estimator") is None:
            method.set_params(estimator=clone(estimator))
        # the base learner scales for itself
        return make_pipeline(method)
    if isinstance(method, FeatureTransfer):
        if method.own_scaling:
            return make_pipeline(method, clone(estimator))
        return make_pipeline(scaler, method, clone(estimator))
    if isinstance(method, InstanceTransfer) and params.get("estimator") is None:
        method.set_params(estimator=clone(estimator))
    if method.own_scaling:
        return make_pipeline(method)
    return make_pipeline(scaler, method)


def _asked_for(asked: Any, estimator: Any, scaler: Any, seed: int | None) -> Planned:
    if isinstance(asked, str):
        method = find(asked)
        model = compose(method.cls(), estimator, scaler, seed)
        return Planned(method.name, method.family, model, "asked for", method.tags.shifts)
    if isinstance(asked, Pipeline):
        inner = next((s for _, s in asked.steps if isinstance(s, TransferEstimator)), None)
        if inner is None:
            raise InputError("methods: a pipeline without any transfer method was given; put one among its steps.")
        tags = inner.transfer_tags
        return Planned(f"{type(inner).__name__} pipeline", tags.family, clone(asked), "asked for", tags.shifts)
    if isinstance(asked, TransferEstimator):
        tags = asked.transfer_tags
        model = compose(clone(asked), estimator, scaler, seed)
        return Planned(_told_apart(asked), tags.family, model, "asked for", tags.shifts)
    raise InputError(f"methods: {asked!r} is neither the name of a method nor a transfer estimator or pipeline.")


def _told_apart(asked: Any) -> str:
    """The class's name, and for networks what they are trained with."""
    parts = asked.methods if asked.transfer_tags.family == "parameter" and hasattr(asked, "methods") else ()
    return " + ".join([type(asked).__name__, *(type(m).__name__ for m in parts)])


def _numbered(planned: list[Planned]) -> list[Planned]:
    """Two candidates of one name would share their verdict."""
    seen: dict[str, int] = {}
    out = []
    for one in planned:
        seen[one.name] = seen.get(one.name, 0) + 1
        out.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} ({seen[one.name]})"))
    return out


def _check_columns(asked: list[Planned], source: Domain, target: Domain) -> None:
    """Refuse methods that were asked for by name and cannot take a target with columns of its own."""
    for planned in asked:
        steps = [step for _, step in planned.model.steps]
        # every step before the method would have to take both sides
        if not (isinstance(steps[0], TransferEstimator) and steps[0].transfer_tags.heterogeneous):
            able = ", ".join(m.name for m in all_methods() if m.tags.heterogeneous)
            raise InputError(
                f"methods: {planned.name} needs the same columns on both sides, and target has {target.X.shape[1]} "
                f"but source has {source.X.shape[1]}; choose among {able}, as the first step of a pipeline."
            )


def fits_task(estimator: Any, task: str) -> bool:
    """Say whether a base learner is of the right kind.

    Parameters
    ----------
    estimator : estimator
    task : {"classification", "regression"}

    Returns
    -------
    bool
    """
    return bool(is_regressor(estimator)) == (task == "regression")
