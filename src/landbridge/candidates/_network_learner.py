"""A network as the base learner: the source trains it, and every way of adapting it that suits the labels is tried."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from landbridge._method_tags import MethodTags
from landbridge.candidates._specification import CandidateSpec, numbered
from landbridge.candidates._tables import Tables, baselines
from landbridge.catalogue import NETWORK, Entry, entries
from landbridge.discrepancy import Diagnosis
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.feature._domain_scaler import DomainScaler
from landbridge.pipeline import make_pipeline
from landbridge.problem._judging import prepare_judging
from landbridge.problem._labels import labelled_source, require_labels, split_target_labels
from landbridge.problem._problem import Problem
from landbridge.problem._sides import Sides, infer_pair_task

__all__ = ["NetworkLearner", "input_size", "network_learner", "planned"]


class NetworkLearner(Tables):
    """Labelled source samples, target samples, and a network in place of the base learner."""

    name: ClassVar[str] = "network learner"
    clause: ClassVar[str] = "a network is the base learner"
    accepts: ClassVar[frozenset[str]] = frozenset(
        {"label", "sources", "groups", "read_options", "methods", "network", "epochs", "n_seeds", "assume"}
    )
    order: ClassVar[int] = 30

    def recognises(self, sides: Sides) -> bool:
        """Return whether a network was given as the learner.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        return sides.arguments.network is not None

    def read(self, sides: Sides) -> Problem:
        """Read both domains, at the size that the network takes.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        Problem
        """
        arguments = sides.arguments
        source, target, encoder = sides.domains(
            image_size=input_size(arguments.network) or (32, 32), other_features=False
        )
        require_labels(source)
        task, inferred = infer_pair_task(arguments, source)
        source = labelled_source(source, task)
        regression, seed = task.name == "regression", arguments.random_state
        classes = None if regression else np.unique(source.y)
        target, hidden = split_target_labels(target, classes, arguments.target_labels, seed)
        judging = prepare_judging(target, hidden, task, arguments, random_state=seed)
        return Problem(
            situation=self.name,
            source=source,
            target=target,
            task=judging.task,
            estimator=network_learner(arguments.network, source, task.name, epochs=arguments.epochs, seed=seed),
            hidden_labels=hidden,
            hidden_groups=judging.hidden_groups,
            splits=judging.splits,
            encoder=encoder,
            inferred=inferred + judging.inferred,
            notes=judging.notes,
            random_state=seed,
        )

    def plan(self, problem: Problem, diagnosis: Diagnosis, sides: Sides) -> list[CandidateSpec]:
        """List the baselines, and ways to adapt the network.

        Parameters
        ----------
        problem : Problem
        diagnosis : Diagnosis
        sides : Sides

        Returns
        -------
        list of CandidateSpec

        Raises
        ------
        InputError
            If a requested method is not known.
        """
        arguments = sides.arguments
        # Features that moved as a whole are scaled per domain; a network of images wants the pixels as they are.
        rescale = diagnosis.kind in ("concept", "subspace") and input_size(arguments.network) is None
        specs = []
        for given in _defaults(problem) if arguments.methods is None else arguments.methods:
            parts = _methods(given)
            name = " + ".join(type(m).__name__ for m in parts)
            family = "feature" if any(m.reads_target for m in parts) else "parameter"
            model, averaged = _model(problem, parts, arguments.network, arguments.epochs, arguments.n_seeds)
            reason = "requested" if arguments.methods is not None else _reason(name, problem)
            reason += f"; mean of {arguments.n_seeds} runs" if averaged else ""
            model = make_pipeline(DomainScaler(), model) if rescale else model
            # All of them allow that the same sample has another label in the other domain.
            shifts = frozenset({"concept", "covariate", "subspace"})
            specs.append(CandidateSpec(name, family, model, reason, shifts))
        return [*baselines(problem), *numbered(specs)]


def planned(task: str, *, labelled: bool = False, several: bool = False) -> dict[str, MethodTags]:
    """Return the methods that are tried where none was requested, by their tags.

    Parameters
    ----------
    task : {"classification", "regression"}
    labelled : bool, default=False
        Whether target samples are labelled: then the source's network is tuned further on them. Otherwise there is one
        method of each kind that aligns the domains or sharpens the target's predictions.
    several : bool, default=False
        Whether there are several sources, which some methods keep apart.

    Returns
    -------
    dict of str to MethodTags
        Those for several sources last.
    """
    found = {}
    for name, entry in _network_methods().items():
        tags = entry.tags
        if isinstance(tags, MethodTags) and task in tags.planned and ("y_target" in tags.reads) == labelled:
            if several or "source_domain" not in tags.reads:
                found[name] = tags
    return dict(sorted(found.items(), key=lambda item: "source_domain" in item[1].reads))


def _defaults(problem: Problem) -> dict[str, MethodTags]:
    return planned(problem.task.name, labelled=bool(problem.n_labelled), several=problem.n_sources > 1)


def _reason(name: str, problem: Problem) -> str:
    words = "tunes the source's network on target labels" if problem.n_labelled else "adapts without target labels"
    tags = _defaults(problem).get(name)
    return (words if tags is None else tags.reason or words).format(n=problem.n_sources)


def _network_methods() -> dict[str, Entry]:
    return {e.name: e for e in entries() if e.family.startswith(NETWORK)}


def _methods(given: Any) -> list[Any]:
    """Methods that are used together, by name, class or instance."""
    from landbridge.neural._method import Method

    known = _network_methods()
    parts = []
    for part in given if isinstance(given, list | tuple) else [given]:
        found = known[part].cls if isinstance(part, str) and part in known else part
        made = found() if isinstance(found, type) and issubclass(found, Method) else found
        if not isinstance(made, Method):
            near = difflib.get_close_matches(str(part), known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(
                f"methods names {part!r}, which adapts no network; {hint}choose from {', '.join(sorted(known))}."
            )
        parts.append(made)
    return parts


def _model(problem: Problem, parts: list[Any], network: Any, epochs: int, n_seeds: int) -> tuple[Any, bool]:
    """The network with its methods; adversarial methods are averaged over several seeds, if asked for."""
    from landbridge.neural import SeedAverage, feature

    averaged = n_seeds > 1 and any(m.method_tags is not None and m.method_tags.adversarial for m in parts)
    watched = any(isinstance(m, feature.CollapseWatch) for m in parts)
    if averaged and problem.task.name == "classification" and not watched:
        parts = [*parts, feature.CollapseWatch(warn=False)]
    seed = problem.random_state
    assert problem.source is not None
    model = network_learner(network, problem.source, problem.task.name, epochs=epochs, seed=seed, methods=parts)
    return (SeedAverage(model, n_seeds=n_seeds, random_state=seed), True) if averaged else (model, False)


def input_size(network: Any) -> tuple[int, int] | None:
    """Return the size of the images that a network takes, where it takes one size only.

    Parameters
    ----------
    network : str, path-like, Module or Network

    Returns
    -------
    (height, width) or None
    """
    if network in ("auto", "builtin", "mlp"):
        return None
    from landbridge.neural import load_backbone

    size = getattr(load_backbone(network).preprocess, "size", None)
    return None if size is None else (int(size[0]), int(size[1]))


def network_learner(
    network: Any, source: Domain, task: str, *, epochs: int, seed: int | None, methods: Sequence[Any] = ()
) -> Any:
    """Return the network as an unfitted estimator for the source domain.

    Parameters
    ----------
    network : str, path-like, Module or Network
    source : Domain
    task : {"classification", "regression"}
    epochs : int
    seed : int or None
    methods : sequence of Method, default=()

    Returns
    -------
    NeuralClassifier or NeuralRegressor
    """
    from landbridge.neural import NeuralClassifier, NeuralRegressor

    kind: Any = NeuralClassifier if task == "classification" else NeuralRegressor
    shape = None if network == "mlp" else source.image_shape  # a perceptron takes pixels as features
    return kind(network, methods=list(methods), epochs=epochs, image_shape=shape, random_state=seed)
