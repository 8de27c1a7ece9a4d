"""A fitted scikit-learn model as the source, without source samples: its predictions, corrected or recalibrated."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from landbridge.candidates._shift_from_model import diagnose_from_model
from landbridge.candidates._specification import CandidateSpec, numbered
from landbridge.candidates._strategy import Strategy
from landbridge.catalogue import find
from landbridge.catalogue import methods as all_methods
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError, LabelError
from landbridge.fitted_models import match_features, unwrap
from landbridge.parameter import AfterTransform, FittedSource
from landbridge.problem._fitted_model_target import read_fitted_model_target
from landbridge.problem._judging import prepare_judging
from landbridge.problem._labels import split_model_labels
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides, check_estimator_kind
from landbridge.tasks import get_task

__all__ = ["FittedModel"]


class FittedModel(Strategy):
    """A fitted classifier or regressor, and target samples of which some may be labelled."""

    name: ClassVar[str] = "fitted model"
    clause: ClassVar[str] = "the source is a fitted model"
    accepts: ClassVar[frozenset[str]] = frozenset({"label", "groups", "read_options", "methods", "estimator"})
    order: ClassVar[int] = 20

    def recognises(self, sides: Sides) -> bool:
        """Return whether the source is a fitted scikit-learn model.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return sides.source_kind == "fitted model"

    def read(self, sides: Sides) -> Problem:
        """Read the target in the form that the model takes.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        arguments = sides.arguments
        model = sides.fitted_model()
        task = get_task("regression" if is_regressor(model) else "classification")
        if arguments.task not in (None, task.name):
            raise InputError(
                f"task={arguments.task!r} does not apply, because the source model is made for {task.name}."
            )
        check_estimator_kind(arguments.estimator, task)
        target = read_fitted_model_target(sides.target, model, arguments.label, arguments.groups)
        target = replace(target, X=match_features(model, target.X, "target"))
        regression, seed = task.name == "regression", arguments.random_state
        if not regression and target.labelled.any():
            known = set(np.asarray(model.classes_).tolist())
            if new := [c for c in target.classes.tolist() if c not in known]:  # type: ignore[union-attr]
                raise LabelError(
                    f"target {target.name!r} has the label {new[0]!r}, which the source model does not have (it has "
                    f"{', '.join(map(str, sorted(known, key=str)[:8]))}); use the same spelling."
                )
        target, hidden = split_model_labels(target, arguments.target_labels, seed, regression=regression)
        judging = prepare_judging(target, hidden, task, arguments, random_state=seed)
        return Problem(
            situation=self.name,
            source_model=model,
            target=target,
            task=judging.task,
            estimator=task.default_estimator() if arguments.estimator is None else arguments.estimator,
            hidden_labels=hidden,
            hidden_groups=judging.hidden_groups,
            splits=judging.splits,
            inferred=judging.inferred,
            notes=judging.notes,
            encoder=target.reader,
            random_state=seed,
        )

    def diagnose(self, problem: Problem) -> Diagnosis:
        """Diagnose label shift from the statistics that the model holds of its source.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """
        return diagnose_from_model(problem.source_model, problem.target.X, random_state=problem.random_state)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List the model as it is, a learner on target labels, and every method that needs no source samples.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        why, target = "a way of not transferring", problem.target
        source_only = FittedSource(FrozenEstimator(problem.source_model))
        specs = [CandidateSpec("source-only", "baseline", source_only, why, role="source-only", fit_on="adapt")]
        several = problem.task.name == "regression" or (target.classes is not None and len(target.classes) > 1)
        if problem.n_labelled and several and _is_numeric(target.X):
            learner = problem.estimator
            specs.append(CandidateSpec("target-only", "baseline", learner, why, role="target-only", fit_on="target"))
        asked = sides.arguments.methods
        found = [_requested(m, problem) for m in asked] if asked is not None else _fitting(problem, diagnosis)
        return [*specs, *numbered(found)]


def _fitting(problem: Problem, diagnosis: Diagnosis) -> list[CandidateSpec]:
    specs = []
    for method in all_methods():
        tags = method.tags
        if not tags.source_free or "source_estimator" not in inspect.signature(method.cls).parameters:
            why = "needs source samples"
        elif problem.task.name not in tags.tasks:
            why = f"made for {' and '.join(sorted(tags.tasks))}, not {problem.task.name}"
        elif "y_target" in tags.needs and not problem.n_labelled:
            why = "needs target labels, and there are none to learn from"
        else:
            why = ""
        model = None if why else _composed(method.cls, problem)
        if model is None and not why:
            why = f"cannot start from a {type(problem.source_model).__name__}"
        made_for = " and ".join(sorted(tags.shifts)) or "any"
        reason = why or f"made for {made_for} shift, needs no source samples"
        specs.append(CandidateSpec(method.name, method.family, model, reason, tags.shifts, fit_on="adapt"))
    return specs


def _composed(cls: Any, problem: Problem) -> Any:
    """The method with the source model, or with the last step of its pipeline; None where it takes neither."""
    model = problem.source_model
    if _suits(cls, model):
        return _seeded(cls(source_estimator=FrozenEstimator(model)), problem)
    inner = unwrap(model)
    if isinstance(inner, Pipeline) and len(inner.steps) > 1 and _suits(cls, unwrap(inner[-1])):
        method = _seeded(cls(source_estimator=FrozenEstimator(unwrap(inner[-1]))), problem)
        return AfterTransform(FrozenEstimator(inner[:-1]), method)
    return None


def _suits(cls: Any, model: Any) -> bool:
    """Whether a model has the attributes that a method starts from."""
    return all(any(hasattr(model, name) for name in names) for names in getattr(cls, "_source_attributes", ()))


def _seeded(method: Any, problem: Problem) -> Any:
    if "random_state" in method.get_params(deep=False):
        method.set_params(random_state=problem.random_state)
    return method


def _requested(asked: Any, problem: Problem) -> CandidateSpec:
    if isinstance(asked, str):
        method = find(asked)
        if not method.tags.source_free or "source_estimator" not in inspect.signature(method.cls).parameters:
            raise InputError(f"methods: {method.name} needs source samples, and the source is a fitted model.")
        model, name, family, shifts = _composed(method.cls, problem), method.name, method.family, method.tags.shifts
        if model is None:
            raise InputError(f"methods: {name} cannot start from a {type(problem.source_model).__name__}.")
    else:
        tags = getattr(asked, "transfer_tags", None)
        if tags is None or not tags.source_free:
            raise InputError(f"methods: {asked!r} needs source samples, and the source is a fitted model.")
        model, name, family, shifts = asked, type(asked).__name__, tags.family, tags.shifts
    return CandidateSpec(name, family, model, "requested", shifts, fit_on="adapt")


def _is_numeric(X: Any) -> bool:
    if hasattr(X, "dtypes"):
        return all(d.kind in "iufb" for d in X.dtypes) and not X.isna().any().any()
    return np.asarray(X).dtype.kind in "iufb"
