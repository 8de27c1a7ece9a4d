"""The trainer: epochs, steps, evaluation and checkpoints of a run, whatever its phase optimises."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._average import Average
from landbridge.neural._device import describe, make_fabric, make_logger
from landbridge.neural._lock import one_run
from landbridge.neural._means import Means
from landbridge.neural._phase import Phase
from landbridge.neural._progress import Progress
from landbridge.neural._random import OwnState, seeded
from landbridge.neural._resume import History, State, clear, restore, save, seed_of, settings_that_matter
from landbridge.neural._samples import mix

__all__ = ["Trainer", "run_phase"]


class Trainer:
    """Run a phase: epochs of steps, with checkpoints, evaluation and early stopping.

    Parameters
    ----------
    fabric : Fabric
    phase : Phase
    settings : Training
    own : OwnState
        From which the steps draw.
    fingerprint : dict, optional
        What must be the same for a run to go on.

    Attributes
    ----------
    state : State
    means : Means
        Of the terms of the epoch so far; steps add to it.
    best : dict of str to Tensor
        Weights of the best epoch so far.
    """

    def __init__(
        self, fabric: Any, phase: Phase, settings: Any, own: OwnState, fingerprint: dict[str, Any] | None = None
    ) -> None:
        self.fabric, self.phase, self.settings, self.own = fabric, phase, settings, own
        self.means = Means(fabric.device)
        self.best: dict[str, Tensor] = {}
        phase.start(self)
        self.total = phase.n_steps * settings.epochs
        self.average = Average(phase.module, settings.average, self.total) if settings.average else None
        self.rates = {name: [g["lr"] for g in o.param_groups] for name, o in phase.optimizers.items()}
        history = History(device=describe(fabric), precision=settings.precision)
        self.state = State(history=history, run=fingerprint or {})
        self.progress: Any = None

    def run(self) -> History:
        """Run all epochs, from the last checkpoint on where the settings say so.

        Returns
        -------
        History
        """
        settings, state = self.settings, self.state
        if settings.checkpoint_dir is not None:
            if settings.resume:
                restore(self)
            elif self.fabric.is_global_zero:
                clear(settings)
        with Progress(self.fabric, settings, self.total, state) as self.progress:
            while state.epoch < settings.epochs and not state.done:
                self.epoch()
        if self.best:
            put_weights(self.phase.module, self.best)
        elif self.average is not None:
            self.average.keep()
        state.history.steps = state.step
        return state.history

    def epoch(self) -> None:
        """Run an epoch: its steps, the evaluation, and a checkpoint."""
        state, settings = self.state, self.settings
        self.phase.begin(state.epoch)
        for batch in self.phase.batches(state.epoch, state.at):
            self.step(batch)
        entry = self.means.read(self.fabric, state.epoch)
        with self.average.in_place() if self.average is not None else contextlib.nullcontext():
            entry |= self.evaluate(entry)
        state.history.epochs.append(entry)
        stopped = self.phase.end(state.epoch)
        state.epoch, state.at = state.epoch + 1, 0
        state.done = stopped or (settings.patience is not None and state.waited > settings.patience)
        self.progress.epoch(entry)
        if not settings.checkpoint_every or state.epoch == settings.epochs or stopped:
            self.checkpoint()

    def step(self, batch: Any) -> None:
        """Take a step, at the rates of the schedule.

        Parameters
        ----------
        batch : object
            As the phase yields it.
        """
        phase, state, every = self.phase, self.state, self.settings.checkpoint_every
        factor = phase.rate(state.step, self.total)
        if factor is not None:
            for name, optimizer in phase.optimizers.items():
                for group, base in zip(optimizer.param_groups, self.rates[name], strict=True):
                    group["lr"] = base * factor
        phase.step(batch, state.step / self.total)
        state.step += 1
        state.at += 1
        if self.average is not None:
            self.average.update(state.step)
        self.progress.advance()
        if every and state.step % every == 0:
            self.checkpoint()

    def evaluate(self, entry: dict[str, float]) -> dict[str, float]:
        """Evaluate on the held-out samples, and keep the weights of the best epoch.

        Parameters
        ----------
        entry : dict of str to float
            What the epoch's history holds so far.

        Returns
        -------
        dict of str to float
        """
        state, settings = self.state, self.settings
        found = self.phase.evaluate()
        if found and settings.patience is not None:
            state.waited += 1
            if _is_better(entry | found, state.history, settings.monitor, self.phase.metric_name):
                state.waited, state.history.best_epoch = 0, state.epoch
                self.best.update(copy_weights(self.phase.module))
        return found

    def checkpoint(self) -> None:
        """Write a checkpoint, where the settings name a folder."""
        if self.settings.checkpoint_dir is not None:
            save(self)


def run_phase(phase: Phase, settings: Any) -> History:
    """Run a phase by itself, in one process: a second stage, or a training of its own.

    Parameters
    ----------
    phase : Phase
        Its module is moved to the device and stays there.
    settings : Training
        Of these, `processes` has to be 1.

    Returns
    -------
    History
    """
    if settings.processes != 1:
        raise InputError(f"processes={settings.processes}: {phase.name} runs in one process; set processes=1.")
    if settings.precision == "16":
        raise InputError(f"precision='16' is not available for {phase.name}; take 'bf16', '32' or '64'.")
    with one_run(settings.checkpoint_dir):
        settings = replace(settings, random_state=seed_of(settings))
        loggers = make_logger(settings.logger, settings.log_dir) if settings.log_dir else None
        fabric = make_fabric(settings.device, settings.precision, loggers=loggers)
        devices = [fabric.device] if fabric.device.type == "cuda" else []
        with seeded(mix(settings.random_state, 1), devices):
            own = OwnState(fabric.device)
        phase.module.to(fabric.device)
        keyed = {} if settings.checkpoint_dir is None else settings_that_matter(settings) | phase.fingerprint()
        # In full precision there is nothing to cast, and double precision would change a default of the process.
        cast = fabric.autocast() if settings.precision == "bf16" else contextlib.nullcontext()
        with own.active(), cast:
            return Trainer(fabric, phase, settings, own, keyed).run()


def copy_weights(module: nn.Module) -> dict[str, Tensor]:
    """Copy what a run can change: trainable parameters and buffers.

    Parameters
    ----------
    module : Module

    Returns
    -------
    dict of str to Tensor
    """
    kept = {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}
    return kept | {n: b.detach().clone() for n, b in module.named_buffers()}


def put_weights(module: nn.Module, kept: dict[str, Tensor]) -> None:
    """Put back what ``copy_weights`` copied.

    Parameters
    ----------
    module : Module
    kept : dict of str to Tensor
    """
    with torch.no_grad():
        own = dict(module.named_parameters()) | dict(module.named_buffers())
        for name, value in kept.items():
            own[name].copy_(value)


def _is_better(entry: dict[str, float], history: History, monitor: str, metric: str) -> bool:
    """Whether an epoch beats the best before it; of two with one score the one of less loss is better."""

    def key(e: dict[str, float]) -> tuple[float, ...]:
        return (e["held_out_loss"],) if monitor == "loss" else (-e[f"held_out_{metric}"], e["held_out_loss"])

    before = (math.inf,) if history.best_epoch is None else key(history.epochs[history.best_epoch])
    return key(entry) < before
