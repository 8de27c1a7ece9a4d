"""A trained network as the source: ways to fine-tune it against training the same architecture from random weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from landbridge.candidates._specification import CandidateSpec, numbered
from landbridge.candidates._strategy import Strategy
from landbridge.data import ReadOptions
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError, LabelError
from landbridge.problem._judging import prepare_judging
from landbridge.problem._labels import split_model_labels
from landbridge.problem._model_target import ModelTarget, network_name, read_network_target
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides, infer_pair_task

__all__ = ["TrainedNetwork"]

DEFAULT = ("LinearProbe", "LPFT", "FineTuning")
# A head alone is trained on features that are computed once, so that epochs cost next to nothing.
PROBE_EPOCHS = 100


class TrainedNetwork(Strategy):
    """A trained network, and target samples of which some are labelled."""

    name: ClassVar[str] = "trained network"
    clause: ClassVar[str] = "the source is a trained network"
    accepts: ClassVar[frozenset[str]] = frozenset({"methods", "epochs", "skip_corrupt", "read_options"})
    order: ClassVar[int] = 10

    def recognises(self, sides: Sides) -> bool:
        """Return whether the source is a trained network.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return sides.source_kind == "network"

    def read(self, sides: Sides) -> Problem:
        """Read the target in the form that the network takes.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        from landbridge.neural import load_backbone

        arguments = sides.arguments
        if arguments.target_labels == "hide":
            raise InputError(
                "target_labels='hide' does not apply, because a network's head is learned from target labels; give "
                "'use' or a number per class."
            )
        reading = ReadOptions.of(arguments.read_options).to_dict()
        skip = bool(reading.pop("skip_corrupt", False) or arguments.skip_corrupt)
        if reading:
            raise InputError(
                f"read_options {next(iter(reading))!r} does not apply, because {self.clause}; omit it, or give "
                "'skip_corrupt' alone."
            )
        target = read_network_target(sides.target, load_backbone(sides.source), skip_corrupt=skip)
        if not target.labelled.any():
            raise LabelError(
                f"target {target.name!r} has no labels, and a network's head is learned from them; put images into one "
                "sub-folder per class, or give (X, y)."
            )
        task, inferred = infer_pair_task(arguments, target)
        if task.name == "classification" and len(target.classes) < 2:  # type: ignore[arg-type]
            raise LabelError(f"target {target.name!r} has one class only; a classifier needs two or more.")
        regression = task.name == "regression"
        seed = arguments.random_state
        target, hidden = split_model_labels(target, arguments.target_labels, seed, regression=regression)
        judging = prepare_judging(
            target, hidden, task, arguments, random_state=0 if seed is None else seed, n_repeats=1
        )
        if judging.splits is None:
            n = int(target.labelled.sum())
            raise LabelError(f"only {n} target samples are labelled; label at least six, two of each class.")
        return Problem(
            situation=self.name,
            source_model=sides.source,
            target=target,
            task=judging.task,
            hidden_labels=hidden,
            hidden_groups=judging.hidden_groups,
            splits=judging.splits,
            encoder=target.reader,
            inferred=inferred + judging.inferred,
            notes=judging.notes,
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
            f"no shift can be measured. It is validated on {problem.n_labelled} labelled target samples."
        )
        return Diagnosis("model", "moderate", words)

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List training from random weights, and the ways to fine-tune.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec
        """
        arguments = sides.arguments
        assert isinstance(problem.target, ModelTarget)
        make = _Maker(problem, arguments.epochs)
        specs = [
            CandidateSpec(
                "target-only",
                "baseline",
                make([], pretrained=False),
                "the same architecture from random weights",
                role="target-only",
                fit_on="target",
                reseed=True,
            )
        ]
        candidates = []
        for given in DEFAULT if arguments.methods is None else arguments.methods:
            parts = _methods(given)
            names = [type(m).__name__ for m in parts]
            probe = names == ["LinearProbe"]
            candidates.append(
                CandidateSpec(
                    " + ".join(names),
                    "parameter",
                    make(parts, epochs=max(arguments.epochs, PROBE_EPOCHS) if probe else arguments.epochs),
                    "requested" if arguments.methods else "tried by default",
                    fit_on="target",
                    preference=0 if probe else 1,
                    reseed=True,
                )
            )
        return [*specs, *numbered(candidates)]


class _Maker:
    """Makes unfitted networks for a problem."""

    def __init__(self, problem: Problem, epochs: int) -> None:
        from landbridge.neural import NeuralClassifier, NeuralRegressor

        self.kind: Any = NeuralClassifier if problem.task.name == "classification" else NeuralRegressor
        self.source, self.epochs = problem.source_model, epochs
        self.seed = 0 if problem.random_state is None else int(problem.random_state)

    def __call__(self, methods: Sequence[Any], *, pretrained: bool = True, epochs: int | None = None) -> Any:
        return self.kind(
            self.source,
            methods=list(methods),
            epochs=self.epochs if epochs is None else epochs,
            pretrained=pretrained,
            random_state=self.seed,
        )


def _methods(given: Any) -> list[Any]:
    """Fine-tuning methods that are used together, by name or as instances."""
    from landbridge.neural import parameter
    from landbridge.neural._method import Method

    made = []
    for part in given if isinstance(given, list | tuple) else [given]:
        if isinstance(part, Method):
            made.append(part)
        elif isinstance(part, str) and part in parameter.__all__:
            made.append(getattr(parameter, part)())
        else:
            names = ", ".join(parameter.__all__)
            raise InputError(f"methods names {part!r}, which is no way to fine-tune a network; choose from {names}.")
    return made
