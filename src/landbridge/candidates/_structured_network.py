"""A trained network as the source of a structured task: as it is, adapted, tuned, and the same from random weights.

One strategy for every structured task; what a task needs is in its file in ``landbridge/neural/tasks``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from landbridge.candidates._specification import CandidateSpec
from landbridge.candidates._strategy import Strategy
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import LabelError
from landbridge.problem._model_target import network_name
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides
from landbridge.problem._structured import (
    StructuredReader,
    StructuredSide,
    read_structured,
    split_structured_labels,
    structured_splits,
)
from landbridge.tasks import get_task, structured_tasks

__all__ = ["StructuredNetwork"]

# Without labels nothing corrects a network that leaves what it was trained for.
ADAPTATION_RATE = 5e-4


class StructuredNetwork(Strategy):
    """A trained network with a head of its own, and target samples of a structured task."""

    name: ClassVar[str] = "structured network"
    clause: ClassVar[str] = "the source is a trained network and the task has structured labels"
    accepts: ClassVar[frozenset[str]] = frozenset({"epochs"})
    order: ClassVar[int] = 4

    def recognises(self, sides: Sides) -> bool:
        """Return whether the source is a trained network and the task a structured one.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return sides.arguments.task in structured_tasks() and sides.source_kind == "network"

    def read(self, sides: Sides) -> Problem:
        """Read the target as the task reads it.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        arguments, seed = sides.arguments, sides.arguments.random_state
        task: Any = get_task(arguments.task).with_scoring(arguments.scoring)  # type: ignore[arg-type]
        whole = read_structured(sides.target, task, "target")
        target, hidden = split_structured_labels(whole, arguments.target_labels, seed)
        splits = structured_splits(target, task, seed)
        source, network, n = sides.source, network_name(sides.source), int(target.labelled.sum())
        known = _as_it_is(source, task.kind, target)
        notes = []
        if known is not None:
            notes.append(f"{network} knows {', '.join(known[1].kept(known[0]))}; the head for other classes is new.")
        if splits is None:
            few = f"target {target.name!r} has {n} labelled samples"
            if known is None:
                raise LabelError(f"{few}, and {network} knows none of its classes; label at least 10.")
            notes.append(f"{few[0].upper()}{few[1:]}, too few to cross-validate on; label at least 10.")
        return Problem(
            situation=self.name,
            source_model=source,
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
        """Return that no shift can be measured without the network's training data.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Diagnosis
        """
        words = (
            f"{network_name(problem.source_model)} was trained elsewhere and its training data are not available, so "
            "no shift can be measured. "
        ) + (
            f"Candidates are compared on {problem.n_labelled:,} labelled target samples."
            if problem.splits is not None
            else "Candidates cannot be compared without target labels."
        )
        return Diagnosis("structured", "moderate", words)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List the baselines, and ways to tune the network with or without labels.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        make = _Maker(problem, sides.arguments.epochs)
        specs = []
        if make.begun is not None:
            specs.append(
                CandidateSpec(
                    "source-only", "baseline", make.as_it_is(), "the trained network as it is",
                    role="source-only", fit_on="adapt",
                )
            )  # fmt: skip
        if problem.splits is None:
            return [*specs, *make.without_labels()]
        specs.append(
            CandidateSpec(
                "target-only", "baseline", make([], pretrained=False), "the same architecture from random weights",
                role="target-only", fit_on="target", reseed=True,
            )
        )  # fmt: skip
        return [*specs, *make.with_labels()]


class _Maker:
    """Makes unfitted networks for a problem."""

    def __init__(self, problem: Problem, epochs: int) -> None:
        target: Any = problem.target
        self.kind, self.problem, self.epochs = problem.task.kind, problem, epochs
        self.seed = 0 if problem.random_state is None else int(problem.random_state)
        self.begun = _as_it_is(problem.source_model, self.kind, target)
        self.options = self.kind.options_of(target.held)

    def __call__(self, methods: list[Any], **given: Any) -> Any:
        from landbridge.neural import NeuralStructuredEstimator

        training = self.kind.training_defaults()
        methods = [*training.pop("methods", []), *methods]
        options = training.pop("task_options", {}) | self.options
        made = {"backbone": self.problem.source_model, "epochs": self.epochs, "random_state": self.seed}
        made |= training | given
        return NeuralStructuredEstimator(
            task=self.problem.task.name, task_options=options or None, methods=methods, **made
        )

    def as_it_is(self) -> Any:
        """The network with the part of its head that fits, which is not trained."""
        return self([], backbone=self.begun, epochs=0)

    def with_labels(self) -> list[CandidateSpec]:
        """Ways to tune on labelled target samples."""
        from landbridge.neural.parameter import LPFT, LinearProbe

        ways = {
            "head only": ([LinearProbe()], "trains a head on the features of the network", 0),
            "LPFT": ([LPFT()], "trains the head first, then everything", 1),
            "fine-tuned": ([], "trains everything on target labels", 1),
        }
        return [
            CandidateSpec(
                name, "parameter", self(methods), reason, fit_on="target", preference=preference, reseed=True
            )
            for name, (methods, reason, preference) in ways.items()
        ]  # fmt: skip

    def without_labels(self) -> list[CandidateSpec]:
        """Ways to adapt to unlabelled target samples, which need a network that knows the classes."""
        return [
            CandidateSpec(
                name, "feature", self(methods, backbone=self.begun, learning_rate=ADAPTATION_RATE),
                "adapts without target labels", fit_on="adapt",
            )
            for name, methods in self.kind.adaptation(source_free=True).items()
        ]  # fmt: skip


def _as_it_is(source: Any, kind: Any, target: StructuredSide) -> Any:
    """Network and task of the classes that a trained network knows; None where there are none."""
    from landbridge.neural import load_backbone

    network = load_backbone(source)
    task = kind.adopt(network, **kind.options_of(target.held))
    return None if task is None else (network, task)
