"""Two tables with the same features: every method of the catalogue that fits, around one base learner."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import sparse

from landbridge.candidates._plan import plan
from landbridge.candidates._specification import CandidateSpec
from landbridge.candidates._strategy import Strategy
from landbridge.discrepancy import Diagnosis, diagnose
from landbridge.problem._better_trees import better_trees
from landbridge.problem._domains import read_intermediate
from landbridge.problem._judging import prepare_judging
from landbridge.problem._labels import labelled_source, require_labels, split_target_labels
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides, infer_pair_task

__all__ = ["Tables", "baselines"]


class Tables(Strategy):
    """Labelled source samples and target samples with the same features."""

    name: ClassVar[str] = "tables"
    clause: ClassVar[str] = "source and target are tables with the same features"
    accepts: ClassVar[frozenset[str]] = frozenset(
        {
            "label",
            "sources",
            "groups",
            "read_options",
            "methods",
            "estimator",
            "assume",
            "intermediate_domains",
            "exhaustive",
        }
    )
    order: ClassVar[int] = 90

    def recognises(self, sides: Sides) -> bool:
        """Return True: what no other situation claims is a pair of tables.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return True

    def read(self, sides: Sides) -> Problem:
        """Read both domains, infer the task, and split the target's labels.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        arguments = sides.arguments
        source, target, encoder = sides.domains()
        require_labels(source)
        task, inferred = infer_pair_task(arguments, source)
        source = labelled_source(source, task)
        regression = task.name == "regression"
        classes = None if regression else np.unique(source.y)
        target, hidden = split_target_labels(target, classes, arguments.target_labels, arguments.random_state)
        judging = prepare_judging(target, hidden, task, arguments, random_state=arguments.random_state)
        estimator, trees, advantage = arguments.estimator, None, 0.0
        chosen: tuple[str, ...] = ()
        if estimator is None:
            estimator = task.default_estimator(is_sparse=sparse.issparse(source.X))
            trees, advantage, chosen = better_trees(estimator, task, source, random_state=arguments.random_state)
        return Problem(
            situation=self.name,
            source=source,
            target=target,
            task=judging.task,
            estimator=estimator,
            trees=trees,
            advantage=advantage,
            hidden_labels=hidden,
            hidden_groups=judging.hidden_groups,
            splits=judging.splits,
            intermediate_domains=read_intermediate(arguments.intermediate_domains, source, encoder),
            encoder=encoder,
            inferred=inferred + judging.inferred + chosen,
            notes=judging.notes,
            random_state=arguments.random_state,
        )

    def diagnose(self, problem: Problem) -> Diagnosis:
        """Diagnose the shift between the domains.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """
        return diagnose(*problem.domains, task=problem.task.name, random_state=problem.random_state)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List the baselines and every method that fits.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        return [*baselines(problem), *plan(problem, diagnosis, sides.arguments)]


def baselines(problem: Problem) -> list[CandidateSpec]:
    """List the ways of not transferring: the base learner, or better trees, on the source and on the labelled target.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    list of CandidateSpec
    """
    why = "a way of not transferring"
    learner = problem.baseline_learner
    specs = [CandidateSpec("source-only", "baseline", learner, why, role="source-only")]
    if problem.n_labelled and (problem.target.classes is None or len(problem.target.classes) > 1):
        specs.append(CandidateSpec("target-only", "baseline", learner, why, role="target-only", fit_on="target"))
    return specs
