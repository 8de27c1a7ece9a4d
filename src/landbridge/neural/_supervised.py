"""The phase of supervised training: a network, its task and its methods, on labelled samples and those of a target."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._evaluation import evaluate
from landbridge.neural._method import Batch, Methods
from landbridge.neural._network import Network, batch_norms
from landbridge.neural._phase import Phase
from landbridge.neural._random import draws_nothing
from landbridge.neural._samples import batches, by_length, mix, permutation, stream
from landbridge.neural._schedule import make_optimizer
from landbridge.neural.tasks._task import Task

__all__ = ["Supervised"]

_NOTHING = contextlib.nullcontext()


class Supervised(Phase):
    """Training on labelled samples: the task's loss, and the contributions of methods.

    Parameters
    ----------
    network : Network
    methods : Methods
        Prepared.
    task : Task
    sets : sequence of Samples or None
        Labelled samples, those of the target, and those held out.
    origin : str, optional
        The stage at which the forward pass begins.
    """

    name = "training of the network"

    def __init__(self, network: Network, methods: Methods, task: Any, sets: Any, origin: str | None = None) -> None:
        super().__init__()
        self.module, self.methods, self.task, self.sets, self.origin = network, methods, task, sets, origin
        self.metric_name = task.metric_name
        self.stages = methods.stages or None
        self.rng = torch.Generator()

    def start(self, run: Any) -> None:
        """Set the optimiser up, and bring the samples near.

        Parameters
        ----------
        run : Trainer
        """
        super().start(run)
        fabric, settings, network = run.fabric, run.settings, self.module
        self.world, self.rank, self.device = fabric.world_size, fabric.global_rank, fabric.device
        near: list[Any] = [None if s is None else _near(s.bound(self.task), self.device) for s in self.sets]
        self.rows, self.target, self.held_out = near
        self.here = None if self.rows.device == self.device else self.device
        # Batch norms need two samples a pass.
        several = any(batch_norms(network)) and settings.batch_size >= 2 * self.world
        self.fewest = 2 * self.world if several else self.world
        self.n_steps = len(self._cut(torch.arange(len(self.rows))))
        optimizer: Any = make_optimizer(network, self.methods, settings)
        # One process in full precision needs none of Fabric's wrapping, which costs as much as a small layer.
        self.forward: Any = network
        # Only what may draw is watched, which costs about a microsecond per call of torch.
        quiet = draws_nothing(network) and not any(_draws(m) for m in self.methods.methods)
        self.watch: Any = _NOTHING if quiet else run.own.active()
        self.unwrapped = self.world == 1 and settings.precision not in ("bf16", "16")
        self.inverses: dict[int, Tensor] = {}
        if not self.unwrapped:
            self.forward, optimizer = fabric.setup(network, optimizer)
        self.optimizer = self.optimizers["main"] = optimizer
        self.params = [p for group in optimizer.param_groups for p in group["params"]]

    def begin(self, epoch: int) -> None:
        """Let the methods begin the epoch.

        Parameters
        ----------
        epoch : int
        """
        with self.watch:
            for m in self.methods.epochs:
                m.epoch(self.module, epoch, self.run.settings.epochs)
        self.module.train()

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        """Iterate over the batches of an epoch, in an order that depends on seed and epoch alone.

        Parameters
        ----------
        epoch, first : int

        Yields
        ------
        list of tuple
            For each part of the batch the samples' numbers, inputs and labels, and those of the target or None; and the
            number of samples of the whole batch.
        """
        seed, n = self.run.settings.random_state, len(self.rows)
        with self.watch:
            order = self.methods.order(self.rows, epoch, seed)
        order = permutation(n, seed, epoch) if order is None else order
        if self.run.settings.by_length:
            order = by_length(order, self.rows.lengths(), self.run.settings.batch_size, mix(seed, 6, epoch))
        cuts = self._cut(order.to(self.rows.device))[first:]
        parts = [self._parts(index, len(index)) for index in cuts]
        feed = self.rows.feed([mine for own in parts for mine in own], self.here)
        others: Any = None
        theirs: list[list[Tensor]] = []
        if self.target is not None:
            begin = epoch * n
            order = stream(len(self.target), begin, begin + n, mix(seed, 4)).to(self.target.device)
            theirs = [self._parts(o, len(i)) for o, i in zip(self._cut(order)[first:], cuts, strict=True)]
            others = self.target.feed([mine for own in theirs for mine in own], self.device)
        for k, own in enumerate(parts):
            yield len(cuts[k]), cuts[k], own, feed, theirs[k] if theirs else None, others

    def _cut(self, order: Tensor) -> list[Tensor]:
        return batches(order, self.run.settings.batch_size, 2 * self.world)

    def _parts(self, index: Tensor, size: int) -> list[Tensor]:
        """What this process takes of a batch, part by part."""
        n_parts = max(1, min(self.run.settings.accumulation, size // self.fewest))
        if n_parts == 1 and self.world == 1:
            return [index]
        return [part[self.rank :: self.world] for part in index.tensor_split(n_parts)]

    def step(self, batch: Any, share: float) -> None:
        """Take a step: forward and backward in parts where memory is short, then the optimiser.

        Parameters
        ----------
        batch : tuple
        share : float
        """
        size, index, own, feed, theirs, others = batch
        whole = self._weight(index) if len(own) > 1 or self.world > 1 else None
        for k, mine in enumerate(own):
            inputs, labels = next(feed)
            far = None if theirs is None else next(others)
            last = k == len(own) - 1 or self.world == 1
            with _NOTHING if last else self.run.fabric.no_backward_sync(self.forward):
                with self.watch:
                    if self.methods.transforms:
                        inputs, labels = self._transformed(inputs, labels, k)
                    source = self._passed(inputs, labels, mine)
                    other = None if far is None else self._passed(far[0], far[1], theirs[k])
                    loss, gradient = self._loss(source, other, share, len(mine) * self.world / size, whole)
                if self.unwrapped:
                    torch.autograd.backward(loss, gradient)
                else:
                    self.run.fabric.backward(loss)
        self._descend(share)

    def _transformed(self, inputs: Any, labels: Any, part: int) -> tuple[Any, Any]:
        self.rng.manual_seed(mix(self.run.settings.random_state, 3, self.run.state.step, part, self.rank))
        for m in self.methods.transforms:
            inputs, labels = m.transform(inputs, labels, self.rng)
        return inputs, labels

    def _passed(self, inputs: Any, labels: Any, index: Tensor) -> Batch:
        stages, origin = self.stages, self.origin
        answer = self.forward(inputs, stages, origin) if stages or origin else self.forward(inputs)
        logits, features = answer if stages else (answer, {})
        return Batch(inputs, labels, logits, features, origin, index)

    def _loss(
        self, source: Batch, other: Batch | None, share: float, part: float, whole: Any
    ) -> tuple[Tensor, Tensor | None]:
        """The loss of a part of the batch, and what its gradient begins with where that is not one.

        Methods count by samples, the task's loss as it says.
        """
        methods, means, n = self.methods, self.run.means, len(source.rows)
        for m in methods.answers:
            m.answer(self.module, source, other)
        loss: Any = None
        if not methods.replaces_task_loss:
            total, weight = self.task.loss(source.logits, source.labels)
            means.add("task", total, weight, mean=False)
            if not methods.losses and whole is None and self.unwrapped and isinstance(weight, int):
                return total, self._inverse(weight, total)  # saves a division and its gradient
            loss = _over(total, weight if whole is None else whole / self.world)
        if methods.losses:
            for name, term in methods.loss(self.module, source, other, share).items():
                means.add(name, term, n)
                term = term if part == 1.0 else term * part
                loss = term if loss is None else loss + term
        return loss, None

    def _inverse(self, weight: int, like: Tensor) -> Tensor:
        """One over the weight, made once for each size of a batch."""
        if weight not in self.inverses:
            self.inverses[weight] = torch.ones_like(like) / max(weight, 1)
        return self.inverses[weight]

    def _descend(self, share: float) -> None:
        run, optimizer = self.run, self.optimizer
        if run.settings.clip is not None:
            clip = run.settings.clip
            run.fabric.clip_gradients(self.forward, optimizer, max_norm=clip, error_if_nonfinite=False)
        elif self.methods.gradient_hooks and run.settings.precision == "16":
            run.fabric.strategy.precision.unscale_gradients(optimizer.optimizer)
        if self.methods.gradient_hooks:
            with self.watch:
                for m in self.methods.gradient_hooks:
                    m.gradients(self.module, share)
        optimizer.step()
        for p in self.params:
            p.grad = None
        if self.methods.step_hooks:
            with self.watch:
                for m in self.methods.step_hooks:
                    m.step(self.module, share)

    def _weight(self, index: Tensor) -> Any:
        """How much the whole batch counts, over all its parts and all processes."""
        labels = self.rows.labels
        if type(self.task).weight is Task.weight:
            return len(index)
        if labels is None:
            raise InputError(
                f"the task {self.task.name!r} counts positions, so several parts or processes need all labels; give "
                "StreamedSamples(..., labels=...), or set accumulation=1 and processes=1."
            )
        if isinstance(labels, Tensor):
            return self.task.weight(labels.index_select(0, index.to(labels.device)))
        join = self.rows.collate_labels or self.task.collate_labels
        return self.task.weight(join([labels[i] for i in index.tolist()]))

    def evaluate(self) -> dict[str, float]:
        """Evaluate on the held-out samples.

        Returns
        -------
        dict of str to float
        """
        if self.held_out is None:
            return {}
        return evaluate(self.forward, self.task, self.held_out, self.run.settings.batch_size, self.origin)

    def state(self) -> dict[str, Tensor]:
        """Return the state of the methods.

        Returns
        -------
        dict of str to Tensor
        """
        return {f"{i}.{k}": v for i, m in enumerate(self.methods.methods) for k, v in m.state().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Give the methods their state back.

        Parameters
        ----------
        state : dict of str to Tensor
        """
        for i, m in enumerate(self.methods.methods):
            own = {k.split(".", 1)[1]: v for k, v in state.items() if k.startswith(f"{i}.")}
            if own:
                m.load_state(own)


def _draws(method: Any) -> bool:
    """Whether a method may draw without a generator: any that is not of this library, unless it says otherwise."""
    return bool(getattr(method, "draws", not type(method).__module__.startswith("landbridge.")))


def _over(total: Tensor, weight: Any) -> Tensor:
    """A sum over its weight; a batch in which nothing counts has no loss."""
    if isinstance(weight, Tensor):
        return total / weight.to(total.device).clamp_min(1e-12)
    return total / weight


def _near(rows: Any, device: torch.device) -> Any:
    """Samples on the device where they fit well, else pinned, so that copies overlap with computing."""
    if device.type == "cpu":
        return rows
    if device.type != "cuda":
        return rows.to(device)
    free, _ = torch.cuda.mem_get_info(device)
    return rows.to(device) if rows.nbytes < 0.25 * free else rows.pinned()
