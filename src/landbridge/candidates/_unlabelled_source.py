"""A source without labels: features learned on it for a labelled target, or clusterings for an unlabelled one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.candidates._clusterings import clusterings
from landbridge.candidates._specification import CandidateSpec, numbered
from landbridge.candidates._strategy import Strategy
from landbridge.discrepancy import Diagnosis, diagnose
from landbridge.exceptions import InputError, LabelError
from landbridge.problem._judging import prepare_judging
from landbridge.problem._labels import split_target_labels
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides, infer_pair_task

__all__ = ["UnlabelledSource"]

# Name of each kind of features, and what it does.
FEATURES = {
    "PrincipalComponents": "principal components of the unlabelled samples",
    "SparseCodingFeatures": "sparse codes over a dictionary learned on the unlabelled samples",
    "AutoencoderFeatures": "codes of an autoencoder trained on the unlabelled samples",
}


class UnlabelledSource(Strategy):
    """Source samples without labels, with the target's features (self-taught learning)."""

    name: ClassVar[str] = "unlabelled source"
    clause: ClassVar[str] = "the source has no labels"
    accepts: ClassVar[frozenset[str]] = frozenset({"label", "groups", "read_options", "methods", "estimator"})
    order: ClassVar[int] = 70

    def recognises(self, sides: Sides) -> bool:
        """Return whether no source sample is labelled.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        source = sides.domains()[0]
        return source.y is None or not source.labelled.any()

    def read(self, sides: Sides) -> Problem:
        """Read both domains; the task comes from the target's labels.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        arguments = sides.arguments
        source, target, encoder = sides.domains()
        task, inferred = infer_pair_task(arguments, target)
        regression, seed = task.name == "regression", arguments.random_state
        classes = None if regression or not target.labelled.any() else target.classes
        if target.labelled.any():
            target, hidden = split_target_labels(target, classes, arguments.target_labels, seed)
        else:
            hidden = None
        judging = prepare_judging(target, hidden, task, arguments, random_state=seed)
        splits = judging.splits
        if target.labelled.any() and splits is None:
            raise LabelError(
                "source has no labels, so everything is learned from the target's; label at least six target samples, "
                "two of each class, or give a source with labels."
            )
        if not target.labelled.any() and (extra := arguments.given & {"methods", "estimator"}):
            raise InputError(f"{min(extra)} does not apply, because neither side has labels to learn from; omit it.")
        estimator = task.default_estimator() if arguments.estimator is None else arguments.estimator
        return Problem(
            situation=self.name,
            source=source,
            target=target,
            task=judging.task,
            estimator=estimator,
            # Clusters have no names that labels could be compared with.
            hidden_labels=hidden if target.labelled.any() else None,
            hidden_groups=judging.hidden_groups,
            splits=splits,
            encoder=encoder,
            inferred=inferred + judging.inferred,
            notes=judging.notes,
            random_state=seed,
        )

    def diagnose(self, problem: Problem) -> Diagnosis:
        """Diagnose the shift between the samples of the two domains.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """
        return diagnose(*problem.domains, task=problem.task.name, random_state=problem.random_state)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List a learner on the target's own features, and learners on features of the source.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        if not problem.n_labelled:
            return clusterings(problem)
        assert problem.source is not None
        if sparse.issparse(problem.source.X):
            raise InputError("source has no labels and is sparse; features are learned on dense samples only.")
        base = CandidateSpec(
            "target-only",
            "baseline",
            problem.estimator,
            "a way of not transferring",
            role="target-only",
            fit_on="target",
        )
        specs = []
        for asked in FEATURES if sides.arguments.methods is None else sides.arguments.methods:
            name = asked if isinstance(asked, str) else type(asked).__name__
            features = _features(asked, problem) if isinstance(asked, str) else clone(asked)
            spec = CandidateSpec(name, "feature", None, FEATURES.get(name, "requested"), fit_on="target")
            specs.append(replace(spec, prepare=_Prepare(features, problem)))
        return [base, *numbered(specs)]

    def preface(self, problem: Problem) -> str:
        """Return what the source can be used for.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        str
        """
        return "The source has no labels, so only features are learned from it. " if problem.n_labelled else ""


class _Prepare:
    """Fits features on the samples of both domains, and returns a pipeline that learns on them."""

    def __init__(self, features: Any, problem: Problem) -> None:
        self.features, self.problem = features, problem

    def __call__(self) -> Any:
        source, target = self.problem.source, self.problem.target
        assert source is not None
        fitted = self.features.fit(np.vstack([source.X, target.X]))
        return Pipeline([("features", FrozenEstimator(fitted)), ("learner", clone(self.problem.estimator))])


def _features(name: str, problem: Problem) -> Any:
    source, seed = problem.source, problem.random_state
    assert source is not None
    width = int(min(32, source.X.shape[1], len(source) - 1))
    if name == "PrincipalComponents":
        return make_pipeline(StandardScaler(), PCA(max(width, 1), random_state=seed))
    if name not in FEATURES:
        raise InputError(f"methods names {name!r}; a source without labels can be used by {', '.join(FEATURES)}.")
    if name == "SparseCodingFeatures":
        from landbridge.selftaught import SparseCodingFeatures

        return SparseCodingFeatures(random_state=seed)
    from landbridge.neural.selftaught import AutoencoderFeatures

    standardize = "global" if source.kind == "images" else "per_feature"
    return AutoencoderFeatures(width, standardize=standardize, random_state=seed)
