"""Base class of training methods, and their composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import InvalidParameterError
from landbridge.exceptions import InputError
from landbridge.neural._network import EMBEDDING, HEAD, Network
from landbridge.neural._samples import mix

__all__ = ["Batch", "Method", "Methods"]


@dataclass(slots=True)
class Batch:
    """A batch, with the network's outputs of the forward pass that all methods share.

    Parameters
    ----------
    inputs : Tensor or dict of Tensor
        What went into the network: raw input, or where `start` is given the output of the frozen stages before it.
    labels : Tensor or None
        Class numbers, class shares (n, n_classes), or values; None for samples without labels.
    logits : Tensor
        The network's prediction.
    features : dict of str to Tensor
        Raw outputs of the stages that methods asked for (``"embedding"`` is the head's input).
    start : str or None
        The stage at which the forward pass began; give it to any further forward pass over `inputs`.
    rows : Tensor
        Sample indices in the training set.
    """

    inputs: Any
    labels: Any
    logits: Tensor
    features: dict[str, Tensor] = field(default_factory=dict)
    start: str | None = None
    rows: Any = None


class Method(BaseEstimator):
    """Base class of methods that change how a network is trained; subclasses override only the hooks they need.

    Called in this order: ``validate_params`` and ``prepare`` once; ``parameter_groups`` once; then ``epoch`` at the
    start of each epoch, and in each step ``transform`` before the forward pass, ``answer`` and then ``loss`` after it,
    ``gradients`` after the backward pass and ``step`` after the optimiser's; ``finish`` once at the end, and ``after``
    when all have finished.

    A method is an estimator without ``fit``. Its constructor stores the parameters as they are given;
    ``_parameter_constraints`` declares what they may be, and ``method_tags`` what it reads and is made for. What it
    learns ends with an underscore, or begins with one.

    Attributes
    ----------
    method_tags : MethodTags or None
        What the method reads and is made for; the catalogue and the planner use them.
    stages : tuple of str
        Stages whose raw outputs ``loss`` wants in ``Batch.features``; ``"*"`` is all. A method that finds them in
        ``prepare``, or has a parameter of this name, stores them there as ``stages_``.
    reads_target : bool
        Whether ``loss`` uses the target batch.
    replaces_task_loss : bool
        Whether its terms stand in place of the task's own loss.
    cacheable : bool
        False where outputs of frozen stages may not be computed once and reused.
    kept : tuple of str
        Attributes that are tensors, change during training and are needed by a resumed run.
    """

    method_tags: ClassVar[MethodTags | None] = None
    _parameter_constraints: ClassVar[dict[str, Any]] = {}
    # The hook of this name has nothing to do with transformers, whose arguments would be routed.
    __metadata_request__transform: ClassVar[dict[str, str]] = dict.fromkeys(("inputs", "labels", "generator"), UNUSED)
    stages: Any = ()
    reads_target: ClassVar[bool] = False
    replaces_task_loss: ClassVar[bool] = False
    cacheable: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ()

    def validate_params(self) -> None:
        """Check the parameters against ``_parameter_constraints``, and then against each other.

        Raises
        ------
        InputError
            Naming the first parameter at fault.
        """
        if self._parameter_constraints:
            try:
                self._validate_params()
            except InvalidParameterError as error:
                raise InputError(str(error)) from None
        self._check_params()

    def _check_params(self) -> None:
        """Check what constraints of single parameters cannot say."""

    def check_task(self, task: Any) -> None:
        """Refuse a task that the method is not made for.

        Parameters
        ----------
        task : Task

        Raises
        ------
        InputError
            If the method needs classes and the task has none.
        """
        if self.method_tags is None or self.method_tags.tasks != frozenset({"classification"}):
            return
        name = getattr(task, "name", "classification")
        if not getattr(task, "has_classes", name == "classification"):
            raise InputError(f"methods holds {type(self).__name__}, which needs classes; the task is {name}. Omit it.")

    def prepare(self, network: Network, task: Any) -> None:
        """Change the network before training: freeze, replace or wrap stages, keep a copy of the source's weights.

        Modules to be learned beside the network go into ``network.extras``.

        Parameters
        ----------
        network : Network
        task : Task
        """

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]] | None:
        """Return parameter groups with their own learning rates.

        Parameters
        ----------
        network : Network
        learning_rate : float

        Returns
        -------
        list of dict or None
            Each with ``params`` and any of ``lr``, ``weight_decay``; parameters that are not named keep theirs.
        """
        return None

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        """Change what is trained at the start of an epoch; parameters may be frozen and thawed here.

        Parameters
        ----------
        network : Network
        epoch, epochs : int
            From 0 to ``epochs - 1``.
        """

    def order(self, labels: Any, epoch: int, generator: torch.Generator) -> Tensor | None:
        """Choose which samples an epoch sees, in which order, for example balanced over classes or sources.

        Parameters
        ----------
        labels : Tensor
            Of all samples, on the CPU.
        epoch : int
        generator : torch.Generator
            Seeded for this epoch.

        Returns
        -------
        Tensor of int64, shape (n_samples,), or None
            None for a plain permutation.
        """
        return None

    def transform(self, inputs: Any, labels: Any, generator: torch.Generator) -> tuple[Any, Any]:
        """Change a batch before the forward pass, for example by augmentation.

        Parameters
        ----------
        inputs : Tensor or dict of Tensor
        labels : Tensor
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        inputs, labels
        """
        return inputs, labels

    def answer(self, network: Network, source: Batch, target: Batch | None) -> None:
        """Change the logits (``Batch.logits``) in place before any loss is computed from them, the task's own included.

        Parameters
        ----------
        network : Network
        source : Batch
        target : Batch or None
        """

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        """Compute the terms to add to the task's loss, by name, already weighted.

        Parameters
        ----------
        network : Network
        source : Batch
            Labelled samples.
        target : Batch or None
            Samples of the target, without labels.
        progress : float
            From 0 to 1 over the whole training.

        Returns
        -------
        dict of str to Tensor
            Scalars.
        """
        return {}

    def gradients(self, network: Network, progress: float) -> None:
        """Change gradients after the backward pass and after clipping by norm, before the optimiser's step.

        Parameters
        ----------
        network : Network
        progress : float
        """

    def step(self, network: Network, progress: float) -> None:
        """Change weights after the optimiser's step, for example to stay in a region.

        Parameters
        ----------
        network : Network
        progress : float
        """

    def finish(self, network: Network) -> None:
        """Clean up after training, for example merge adapters into the weights.

        Parameters
        ----------
        network : Network
        """

    def after(self, network: Network, rows: Any, target: Any, seed: int) -> None:
        """Run a second stage after training has ended and all methods have finished.

        Parameters
        ----------
        network : Network
            To be changed in place.
        rows : Samples
            Labelled, as they were given.
        target : Samples or None
            Samples of the target, where any method reads them.
        seed : int
        """

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that change during training and that a resumed run needs: those of ``kept``.

        Returns
        -------
        dict of str to Tensor
        """
        return {name: getattr(self, name) for name in self.kept}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back what ``state`` gave.

        Parameters
        ----------
        state : dict of str to Tensor
        """
        for name in self.kept:
            setattr(self, name, state[name].to(getattr(self, name)))


class Methods:
    """Composition of methods: the sum of their loss terms, the product of their learning rate factors.

    * ``loss``: all terms are added; two terms of one name are distinguished by the class's name.
    * ``parameter_groups``: a parameter's rate is the base rate times every method's factor for it
      (the method's rate over the base rate); of several weight decays the last holds.
    * every other hook: one after another, in the order given.

    Parameters
    ----------
    methods : sequence of Method

    Raises
    ------
    InputError
        If an entry is no method, or two methods claim what only one can have: the place of the task's loss.
    """

    def __init__(self, methods: Sequence[Method]) -> None:
        for m in methods:
            if not isinstance(m, Method):
                raise InputError(
                    f"methods holds {m!r}, which is no Method; give instances such as methods=[L2SP(0.1)]."
                )
        self.methods = tuple(methods)
        _only_one([m for m in self.methods if m.replaces_task_loss], "both replace the task's loss")
        self.answers = self._overriding("answer")
        self.losses = self._overriding("loss")
        self.transforms = self._overriding("transform")
        self.epochs = self._overriding("epoch")
        self.orders = self._overriding("order")
        self.gradient_hooks = self._overriding("gradients")
        self.step_hooks = self._overriding("step")
        self.reads_target = any(m.reads_target for m in self.methods)
        self.replaces_task_loss = any(m.replaces_task_loss for m in self.methods)

    def _overriding(self, hook: str) -> tuple[Method, ...]:
        # Only methods that have something to say are called in the inner loop.
        return tuple(m for m in self.methods if getattr(type(m), hook) is not getattr(Method, hook))

    @property
    def cacheable(self) -> bool:
        """Whether outputs of frozen stages may be computed once."""
        return not self.transforms and all(m.cacheable for m in self.methods)

    def prepare(self, network: Network, task: Any) -> None:
        """Check every method's parameters, then let each prepare the network.

        Parameters
        ----------
        network : Network
        task : Task

        Raises
        ------
        InputError
            If a parameter is at fault, a method does not suit the task or the network, or two methods train a module
            of one name beside the network.
        """
        self.validate(task)
        made: dict[str, Method] = {}
        for m in self.methods:
            before = dict(network.extras.items())
            m.prepare(network, task)
            for name, module in network.extras.items():
                if before.get(name) is not module:
                    _only_one([made[name], m] if name in made else [], f"both train a module {name!r}")
                    made[name] = m
        names = [n for m in self.methods for n in (getattr(m, "stages_", m.stages) or ())]
        self.stages = tuple(dict.fromkeys(network.stage_names if "*" in names else ()))
        self.stages += tuple(dict.fromkeys(n for n in names if n != "*" and n not in self.stages))
        network._check_names(self.stages, extra=(EMBEDDING,))

    def validate(self, task: Any = None) -> None:
        """Check every method's parameters, and whether it suits a task.

        Parameters
        ----------
        task : Task, optional
            If None, only the parameters are checked.

        Raises
        ------
        InputError
            Naming the first at fault.
        """
        for m in self.methods:
            m.validate_params()
            if task is not None:
                m.check_task(task)

    def order(self, rows: Any, epoch: int, seed: int) -> Tensor | None:
        """Return the sample order of the method that chooses one.

        Parameters
        ----------
        rows : Samples
        epoch, seed : int

        Returns
        -------
        Tensor or None

        Raises
        ------
        InputError
            If two methods choose one, or an epoch would have another length.
        """
        found: list[tuple[Method, Tensor]] = []
        for m in self.orders:
            rng = torch.Generator().manual_seed(mix(seed, 5, epoch))
            labels = rows.labels.cpu() if isinstance(rows.labels, Tensor) else rows.labels
            if labels is None:
                raise InputError(f"{m!r} needs the labels of all samples; give StreamedSamples(..., labels=...).")
            if (chosen := m.order(labels, epoch, rng)) is not None:
                if len(chosen) != len(rows):
                    raise InputError(f"{m!r} chose {len(chosen)} samples of {len(rows)}; an epoch keeps its length.")
                found.append((m, chosen))
        _only_one([m for m, _ in found], "both choose the order of the samples")
        return found[0][1] if found else None

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        """Compute the loss terms of all methods.

        Parameters
        ----------
        network : Network
        source : Batch
        target : Batch or None
        progress : float

        Returns
        -------
        dict of str to Tensor
        """
        terms: dict[str, Tensor] = {}
        for m in self.losses:
            for name, value in m.loss(network, source, target, progress).items():
                terms[name if name not in terms else f"{type(m).__name__} {name}"] = value
        return terms

    def parameter_groups(self, network: Network, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """Group the trainable parameters by learning rate and weight decay.

        Parameters
        ----------
        network : Network
        learning_rate, weight_decay : float
            The base values. Biases, norms and other vectors are not decayed.

        Returns
        -------
        list of dict
        """
        params = [p for p in network.parameters() if p.requires_grad]
        if not params:
            raise InputError(f"every stage is frozen and so is the {HEAD}: nothing is left to train; unfreeze one.")
        rate = {id(p): 1.0 for p in params}
        decay = {id(p): (weight_decay if p.ndim > 1 else 0.0) for p in params}
        for m in self.methods:
            for group in m.parameter_groups(network, learning_rate) or ():
                for p in group["params"]:
                    if id(p) in rate:
                        rate[id(p)] *= group.get("lr", learning_rate) / learning_rate
                        decay[id(p)] = group.get("weight_decay", decay[id(p)])
        groups: dict[tuple[float, float], dict[str, Any]] = {}
        for p in params:
            key = (rate[id(p)], decay[id(p)])
            groups.setdefault(key, {"params": [], "lr": learning_rate * key[0], "weight_decay": key[1]})[
                "params"
            ].append(p)
        return list(groups.values())


def _only_one(claiming: Sequence[Method], claim: str) -> None:
    """Refuse several methods that claim what only one can have."""
    if len(claiming) > 1:
        one, two = (type(m).__name__ for m in claiming[:2])
        raise InputError(f"methods holds {one} and {two}, which {claim}; use one of the two.")
