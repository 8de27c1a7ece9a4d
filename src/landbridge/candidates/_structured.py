"""Structured labels, such as a tag per word: a network learned on either domain, or on the source and then the target.

One strategy for every structured task; what a task needs is in its file in ``landbridge/neural/tasks``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from landbridge.candidates._specification import CandidateSpec
from landbridge.candidates._strategy import Strategy
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError, LabelError
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides
from landbridge.problem._structured import (
    StructuredReader,
    read_structured,
    split_structured_labels,
    stated_options,
    structured_splits,
)
from landbridge.tasks import get_task, structured_tasks

__all__ = ["Structured"]

# Few samples are seen more often, until a network was trained for so many steps.
LEAST_STEPS = 300


class Structured(Strategy):
    """Labelled source samples of a structured task, and target samples of which some may be labelled."""

    name: ClassVar[str] = "structured"
    clause: ClassVar[str] = "the task has structured labels"
    accepts: ClassVar[frozenset[str]] = frozenset({"network", "epochs"})
    order: ClassVar[int] = 5

    def recognises(self, sides: Sides) -> bool:
        """Return whether the task is a structured one.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return sides.arguments.task in structured_tasks()

    def read(self, sides: Sides) -> Problem:
        """Read both sides as the task reads them.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        arguments, seed = sides.arguments, sides.arguments.random_state
        if sides.source_kind != "data":
            raise InputError(
                f"the source is a {sides.source_kind}, which is not supported for task={arguments.task!r}; give "
                "labelled samples, and the network by network=."
            )
        task: Any = get_task(arguments.task).with_scoring(arguments.scoring)  # type: ignore[arg-type]
        source = read_structured(sides.source, task, "source")
        if not source.labelled.any():
            raise LabelError(f"source {source.name!r} has no labels; label its samples, or swap source and target.")
        notes = []
        if not source.labelled.all():
            n = len(source) - int(source.labelled.sum())
            source = source.labelled_part()
            notes.append(f"{n:,} source samples without a label are not used.")
        target, hidden = split_structured_labels(
            read_structured(sides.target, task, "target"), arguments.target_labels, seed
        )
        stated_options(task.kind, source, target)  # refuses sides that do not fit, before anything is learned
        splits = structured_splits(target, task, seed)
        if splits is None and target.labelled.any():
            notes.append(
                f"The {int(target.labelled.sum())} labelled target samples are too few to cross-validate on; label at "
                "least 10, of which 5 hold something to find."
            )
        return Problem(
            situation=self.name,
            source=source,  # type: ignore[arg-type]
            target=target,  # type: ignore[arg-type]
            task=task,
            hidden_labels=hidden,
            splits=splits,
            encoder=StructuredReader(task.name),
            same_features=False,  # there are no columns to be compared
            notes=tuple(notes),
            random_state=seed,
        )

    def diagnose(self, problem: Problem) -> Diagnosis:
        """Return that no shift is measured.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """
        words = f"The shift is not measured for {problem.task.name}; candidates are compared on " + (
            f"{problem.n_labelled:,} labelled target samples." if problem.splits is not None else "no labels."
        )
        return Diagnosis("structured", "moderate", words)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List the baselines, tuning of the source's network on the target, and learning from both together.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        make = _Maker(problem, sides.arguments)
        specs = [
            CandidateSpec(
                "source-only", "baseline", None, "the network trained on the source",
                role="source-only", prepare=make.source_only,
            )
        ]  # fmt: skip
        if problem.splits is None:
            return [*specs, *make.without_labels()]
        assert problem.source is not None
        source, known = list(problem.source.y), list(problem.target_labels)
        same = problem.task.kind.from_labels(source, **make.options).accepts(known)
        tuned = "tunes the source's network on target labels"
        specs += [
            CandidateSpec(
                "target-only", "baseline", make(epochs=make.longer()),
                "the network trained on the labelled target samples",
                role="target-only", fit_on="target", reseed=True,
            ),
            CandidateSpec(
                "fine-tuned", "parameter", None, tuned if same else f"{tuned}, with a new head for other labels",
                fit_on="target", preference=0, prepare=make.tuned, reseed=True,
            ),
            CandidateSpec(
                "joint", "instance", make(on_target="joint") if same else None,
                "trains on both domains together" if same else "the target has labels that the source does not have",
                preference=1,
            ),
        ]  # fmt: skip
        return specs


class _Maker:
    """Makes unfitted networks for a problem; the source is learned once for all that begin with it."""

    def __init__(self, problem: Problem, arguments: Any) -> None:
        self.problem, self.arguments = problem, arguments
        self.seed = 0 if problem.random_state is None else int(problem.random_state)
        self.begun: Any = None
        kind = problem.task.kind
        self.options = stated_options(kind, problem.source, problem.target)
        self.training = kind.training_defaults()

    def __call__(self, methods: Sequence[Any] = (), **given: Any) -> Any:
        from landbridge.neural import NeuralStructuredEstimator

        network = "auto" if self.arguments.network is None else self.arguments.network
        options = self.training.get("task_options", {}) | self.options
        made = {"backbone": network, "epochs": self.arguments.epochs, "random_state": self.seed} | self.training
        made |= {"methods": [*self.training.get("methods", ()), *methods], "task_options": options or None} | given
        return NeuralStructuredEstimator(task=self.problem.task.name, **made)

    def source_only(self) -> Any:
        """The network of the source as it is."""
        return self(backbone=self.learned(), epochs=0, on_target="ignore")

    def tuned(self) -> Any:
        """The network of the source, to be trained further."""
        return self(backbone=self.learned(), epochs=self.longer())

    def without_labels(self) -> list[CandidateSpec]:
        """Ways to train the network of the source further, with unlabelled target samples beside the source's."""
        found = self.problem.task.kind.adaptation(source_free=False)
        return [
            CandidateSpec(
                name, "feature", None, "adapts without target labels", prepare=partial(self.adapted, methods),
            )
            for name, methods in found.items()
        ]  # fmt: skip

    def adapted(self, methods: Sequence[Any]) -> Any:
        """The network of the source, to be trained further by methods that need no target labels."""
        return self(methods, backbone=self.learned(), on_target="ignore")

    def longer(self) -> int:
        """Epochs on the labelled target samples: as given, else so many that few samples are learned too."""
        if "epochs" in self.arguments.given:
            return int(self.arguments.epochs)
        return max(self.arguments.epochs, LEAST_STEPS * self.training["batch_size"] // max(self.problem.n_labelled, 1))

    def learned(self) -> tuple[Any, Any]:
        """Network and task that were learned on the source."""
        if self.begun is None:
            source = self.problem.source
            assert source is not None
            fitted = self().fit(source.frame(), source.y)
            self.begun = (fitted.network_, fitted.task_)
        return self.begun
