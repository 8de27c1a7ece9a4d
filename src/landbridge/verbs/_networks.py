"""Candidates that are networks: one base network, and every way of adapting it that suits the labels at hand."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.feature._domain_scaler import DomainScaler
from landbridge.pipeline import make_pipeline
from landbridge.verbs._plan import Planned

__all__ = ["input_size", "network_learner", "plan_networks"]

# Without target labels: one method of each kind that draws the domains together or sharpens the target's answers.
WITHOUT = ("DAN", "JAN", "DeepCORAL", "DANN", "CDAN", "MCC", "ADDA", "SHOT")
# Those whose mathematics needs no classes.
WITHOUT_VALUES = ("DAN", "DeepCORAL", "DANN", "WDGRL")
# With several sources that are told apart: methods that know each by itself, and what they make of them.
SEVERAL = {
    "MomentMatchingSources": "draws each of {n} sources to the target and to the others, nearer ones counting more",
    "SourceHeads": "trains a head for each of {n} sources and weighs them without target labels",
}
# With target labels: the source's network is tuned further on them.
WITH = ("LinearProbe", "FineTuning", "LPFT", "L2SP")


def input_size(network: Any) -> tuple[int, int] | None:
    """Size of the images that a network takes, where it takes one size only.

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
    """Make the network as an estimator for the source's rows.

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
    shape = None if network == "mlp" else source.image_shape  # a perceptron takes dots as columns
    return kind(network, methods=list(methods), epochs=epochs, image_shape=shape, random_state=seed)


def plan_networks(
    network: Any,
    source: Domain,
    *,
    task: str,
    labelled: int,
    epochs: int,
    diagnosis: Diagnosis,
    methods: Sequence[Any] | None = None,
    random_state: int | None = 0,
    n_seeds: int = 1,
) -> list[Planned]:
    """Choose ways to adapt a network, or build those that were asked for.

    Parameters
    ----------
    network : str, path-like, Module or Network
    source : Domain
        Where it is of several sources, methods that tell these apart are among the candidates.
    task : {"classification", "regression"}
    labelled : int
        Number of target rows with a label that may be used.
    epochs : int
    diagnosis : Diagnosis
        What measure() found.
    methods : sequence, optional
        Names from :mod:`landbridge.neural.feature` or :mod:`landbridge.neural.parameter`, instances, or lists of
        instances that go together.
    random_state : int, optional
    n_seeds : int, default=1
        Above 1, each adversarial method is the mean of so many runs, because single runs of them fail now and then.

    Returns
    -------
    list of Planned

    Raises
    ------
    InputError
        If a method is not known.
    """
    from landbridge.neural import SeedAverage, feature, parameter
    from landbridge.neural._method import Method

    # As for all methods: columns that were moved or rescaled as a whole are brought to one scale domain by domain. A
    # network that takes pictures of one size wants the dots as they are.
    rescale = diagnosis.kind in ("concept", "subspace") and input_size(network) is None
    rooms = {"feature": feature, "parameter": parameter}
    default = WITH if labelled else WITHOUT if task == "classification" else WITHOUT_VALUES
    n_sources = 1 if source.source_domain is None else len(np.unique(source.source_domain))
    if n_sources > 1 and not labelled and task == "classification":
        default = (*default, *SEVERAL)
    planned: list[Planned] = []
    for given in default if methods is None else methods:
        parts = []
        for part in given if isinstance(given, list | tuple) else [given]:
            found = next(
                (getattr(r, part) for r in rooms.values() if isinstance(part, str) and part in r.__all__), part
            )
            made = found() if isinstance(found, type) and issubclass(found, Method) else found
            if not isinstance(made, Method):
                near = difflib.get_close_matches(str(part), _known(rooms), n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise InputError(
                    f"methods names {part!r}, which adapts no network; {hint}choose from {', '.join(_known(rooms))}."
                )
            parts.append(made)
        name = " + ".join(type(m).__name__ for m in parts)
        if any(p.name == name for p in planned):
            name = f"{name} ({len([p for p in planned if p.name.split(' (')[0] == name]) + 1})"
        family = "feature" if any(m.reads_target for m in parts) else "parameter"
        # All of them let the same row mean something else on the other side.
        shifts = frozenset({"concept", "covariate", "subspace"})
        words = "tunes the source's network on the target's labels" if labelled else "adapts without target labels"
        words = SEVERAL.get(name, words).format(n=n_sources)
        words = "asked for" if methods is not None else words
        several = n_seeds > 1 and any(isinstance(m, _adversarial()) for m in parts)
        if several and task == "classification" and not any(isinstance(m, feature.CollapseWatch) for m in parts):
            parts.append(feature.CollapseWatch(warn=False))
        model = network_learner(network, source, task, epochs=epochs, seed=random_state, methods=parts)
        if several:
            model = SeedAverage(model, n_seeds=n_seeds, random_state=random_state)
            words = f"{words}; mean of {n_seeds} runs"
        if rescale:
            model = make_pipeline(DomainScaler(), model)
        planned.append(Planned(name, family, model, words, shifts))
    return planned


def _adversarial() -> tuple[type, ...]:
    """Methods that play a game, single runs of which fail now and then; subclasses too, such as CDAN and WDGRL."""
    from landbridge.neural import feature

    return feature.DANN, feature.ADDA, feature.MCD, feature.MDD


def _known(rooms: dict[str, Any]) -> list[str]:
    from landbridge.neural._method import Method

    return sorted(
        n for r in rooms.values() for n in r.__all__
        if isinstance(getattr(r, n), type) and issubclass(getattr(r, n), Method)
    )  # fmt: skip
