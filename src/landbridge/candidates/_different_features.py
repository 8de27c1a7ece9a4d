"""Tables with different features: methods made for them, with the source's class shares or mean as the baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from sklearn.dummy import DummyClassifier, DummyRegressor

from landbridge.candidates._plan import check_heterogeneous, plan
from landbridge.candidates._specification import CandidateSpec
from landbridge.candidates._tables import Tables, baselines
from landbridge.discrepancy import Diagnosis, different_features
from landbridge.problem._domains import share_features
from landbridge.problem._labels import require_labels
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides

__all__ = ["DifferentFeatures"]


class DifferentFeatures(Tables):
    """Source and target have no common features, or another number of them."""

    name: ClassVar[str] = "different features"
    clause: ClassVar[str] = "source and target have different features"
    accepts: ClassVar[frozenset[str]] = frozenset(
        {"label", "sources", "groups", "read_options", "methods", "estimator", "exhaustive"}
    )
    order: ClassVar[int] = 60

    def recognises(self, sides: Sides) -> bool:
        """Return whether the features of the two domains differ.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return not share_features(*sides.domains()[:2])

    def read(self, sides: Sides) -> Problem:
        """Read both domains, each with its own features.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        require_labels(sides.domains()[0])
        return replace(super().read(sides), same_features=False)

    def diagnose(self, problem: Problem) -> Diagnosis:
        """Return that the samples of the two domains cannot be compared.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """
        assert problem.source is not None
        return different_features(problem.source.X.shape[1], problem.target.X.shape[1], problem.n_labelled)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List the baselines and the methods made for different features.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        dummy = DummyRegressor() if problem.task.name == "regression" else DummyClassifier()
        prior = CandidateSpec("source-prior", "baseline", dummy, "a way of not transferring", role="prior")
        planned = plan(problem, diagnosis, sides.arguments)
        if sides.arguments.methods is not None:
            check_heterogeneous(planned, problem)
        return [prior, *(b for b in baselines(problem) if b.role == "target-only"), *planned]
