"""The training loop: one for all networks, tasks and methods, on Lightning Fabric.

Read :func:`train` for what happens around a run and :func:`_run` for the run itself.
"""

from __future__ import annotations

import contextlib
import copy
import math
import re
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException

from landbridge.exceptions import InputError
from landbridge.neural._average import Average
from landbridge.neural._checkpoint import latest_checkpoint, load_checkpoint
from landbridge.neural._device import describe, make_fabric, make_logger, out_of_memory
from landbridge.neural._features import cached_rows
from landbridge.neural._method import Batch, Method, Methods
from landbridge.neural._network import Network, batch_norms
from landbridge.neural._progress import Progress
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._resume import History, State, clear, fingerprint, restore, save
from landbridge.neural._samples import Samples, batches, mix, permutation, stream
from landbridge.neural._schedule import make_optimizer, schedule_factor

__all__ = ["History", "Training", "predict_logits", "train"]


@dataclass(frozen=True)
class Training:
    """Settings of a training run.

    Parameters
    ----------
    epochs : int, default=20
    batch_size : int, default=32
        Samples per step of the optimiser, over all processes and all parts of an accumulation.
    learning_rate : float, default=1e-3
    weight_decay : float, default=0.01
        Of matrices and kernels; biases and norms are not decayed.
    optimizer : {"adamw", "sgd"}, default="adamw"
        ``"sgd"`` has Nesterov momentum 0.9.
    schedule : {"cosine", "linear", "constant"}, default="cosine"
    warmup : float, default=0.05
        Share of the steps over which the rate climbs from zero; a number above 1 is a number of steps.
    patience : int, optional
        Stop after so many epochs that were no better on the held-out samples, and go back to the best.
    monitor : {"loss", "score"}, default="loss"
        What makes an epoch better: a lower loss, or a higher score of the task.
    accumulation : int, default=1
        Cut each batch into so many forward passes: the same gradients in less memory.
    clip : float, optional
        Largest norm of the gradient.
    average : {"ema", "tail"}, optional
        Average of the weights.
    precision : {"auto", "32", "64", "bf16", "16"}, default="auto"
    device : str, default="auto"
        ``"auto"`` takes a GPU where there is one; a named device that is not there is an error.
    processes : int, default=1
        How many GPUs, or processes on the CPU.
    strategy : {"ddp", "fsdp"}, default="ddp"
        Of several processes.
    checkpoint_dir : path-like, optional
        Where checkpoints go.
    checkpoint_every : int, optional
        Steps between checkpoints. If None, one at the end of each epoch.
    resume : bool, default=False
        Go on from the last checkpoint, if there is one.
    cache_dir : path-like, optional
        Where the outputs of frozen stages are kept between runs.
    log_dir : path-like, optional
        Where the losses are logged.
    logger : {"csv", "tensorboard"}, default="csv"
    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible results. A resumed run continues with the seed of its checkpoint if None.
    verbose : int, default=0
        1 shows a progress bar.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warmup: float = 0.05
    patience: int | None = None
    monitor: str = "loss"
    accumulation: int = 1
    clip: float | None = None
    average: str | None = None
    precision: str = "auto"
    device: str = "auto"
    processes: int = 1
    strategy: str = "ddp"
    checkpoint_dir: Any = None
    checkpoint_every: int | None = None
    resume: bool = False
    cache_dir: Any = None
    log_dir: Any = None
    logger: str = "csv"
    random_state: Any = None
    verbose: int = 0


def train(
    network: Network,
    task: Any,
    rows: Samples,
    *,
    methods: Sequence[Method] = (),
    target: Samples | None = None,
    held_out: Samples | None = None,
    settings: Training | None = None,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    network : Network
        With a head for the task.
    task : Task
    rows : Samples
        Labelled samples to train on.
    methods : sequence of Method
        Their contributions are added up (see :class:`~landbridge.neural.Methods`).
    target : Samples, optional
        Samples of the target, without labels, for the methods that read them.
    held_out : Samples, optional
        Labelled samples to stop early on.
    settings : Training, optional

    Returns
    -------
    History

    Notes
    -----
    Stages that are frozen from the input on are run once and their outputs reused, unless a method changes the inputs
    or says that this may not be. The global random generators are left as they were.
    """
    settings = Training() if settings is None else settings
    settings = replace(settings, random_state=_seed(settings))
    combined = Methods(methods)
    if combined.reads_target and target is None:
        raise InputError(f"methods={list(methods)} need samples of the target; give X_target.")
    with seeded(mix(settings.random_state, 1), _cuda_devices()):
        fabric = make_fabric(
            settings.device,
            settings.precision,
            processes=settings.processes,
            strategy=settings.strategy,
            loggers=make_logger(settings.logger, settings.log_dir) if settings.log_dir else None,
            unused=bool(combined.epochs),
        )
        # Other processes prepare for themselves, each on its own device.
        raw = copy.deepcopy((network, combined)) if settings.processes > 1 else (network, combined)
        try:
            combined.prepare(network.to(fabric.device), task)
            network.to(fabric.device)
            _keep_statistics(network, settings)
            # A second stage alone needs no pass over the target, which would mix its samples into batch norms.
            seen = target if any(m.reads_target for m in (*combined.losses, *combined.answers)) else None
            start, sets = cached_rows(network, combined, [rows, seen, held_out], settings)
            job = Job((*raw, task, *sets, start, settings))
            if settings.processes == 1:
                history, _ = job(fabric)
            else:
                network.cpu()
                # What a process returns goes through a pipe that holds 64 KiB, which is read only after it has ended.
                with tempfile.TemporaryDirectory() as folder:
                    job.weights = Path(folder) / "weights.safetensors"
                    history, _ = fabric.launch(job)
                    network.load_state_dict(load(job.weights.read_bytes()))
                network.to(fabric.device)
        except ProcessRaisedException as error:
            if found := re.findall(r"(?:Input|Label|Read)Error: (.+)", str(error)):
                raise InputError(found[-1]) from error
            raise
        except (RuntimeError, MemoryError) as error:
            if out_of_memory(error):
                half = max(settings.batch_size // 2, 1)
                raise InputError(
                    f"memory ran out with batch_size={settings.batch_size}, accumulation={settings.accumulation}; try "
                    f"accumulation={settings.accumulation * 2} (same result, half the memory) or batch_size={half}."
                ) from error
            raise
        for m in combined.methods:
            m.finish(network)
        network.eval()
        for m in combined.methods:
            m.after(network, rows, target if combined.reads_target else None, settings.random_state)
        network.eval()
    return history


class Job:
    """Arguments of a training run, picklable for other processes.

    Parameters
    ----------
    parts : tuple
        Arguments of :func:`_run` after the Fabric.
    """

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts
        self.weights: Path | None = None

    def __call__(self, fabric: Any) -> tuple[History, bytes]:
        network, methods, task, *others = self.parts
        if fabric.world_size == 1:
            return _run(fabric, *self.parts)
        try:
            network = copy.deepcopy(network).to(fabric.device)  # as it came it shares the other process's memory
            torch.manual_seed(mix(others[-1].random_state, 1))
            methods.prepare(network, task)
            _keep_statistics(network, others[-1])
            history, weights = _run(fabric, network.to(fabric.device), methods, task, *others)
            if fabric.is_global_zero and self.weights is not None:
                self.weights.write_bytes(weights)
            return history, b""
        finally:
            torch.distributed.destroy_process_group()


def _run(
    fabric: Any,
    network: Network,
    methods: Methods,
    task: Any,
    rows: Samples,
    target: Samples | None,
    held_out: Samples | None,
    start: str | None,
    settings: Training,
) -> tuple[History, bytes]:
    """The run itself, in each process."""
    world, rank, device = fabric.world_size, fabric.global_rank, fabric.device
    if settings.processes > 1:
        torch.manual_seed(mix(settings.random_state, 2, rank))
    rows = _near(rows, device)
    target = None if target is None else _near(target, device)
    held_out = None if held_out is None else _near(held_out, device)

    # 1. network, optimiser, and what the run goes on from
    # Batch norms need two samples a pass.
    fewest = 2 * world if any(batch_norms(network)) and settings.batch_size >= 2 * world else world
    n_steps = len(batches(torch.arange(len(rows)), settings.batch_size, 2 * world))
    total = n_steps * settings.epochs
    optimizer: Any = make_optimizer(network, methods, settings)
    base_rates = [group["lr"] for group in optimizer.param_groups]
    # One process in full precision needs none of Fabric's wrapping, which costs as much as a small layer.
    wrapped = world > 1 or settings.precision in ("bf16", "16")
    module: Any = network
    if wrapped:
        module, optimizer = fabric.setup(network, optimizer)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    here = rows.device == device
    average = Average(network, settings.average, total) if settings.average else None
    best: dict[str, Tensor] = {}
    state = State(
        history=History(device=describe(fabric), precision=settings.precision),
        run=fingerprint(settings, network, methods, rows) if settings.checkpoint_dir is not None else {},
    )
    sums: dict[str, Tensor] = {}
    if settings.checkpoint_dir is not None:
        if settings.resume:
            restore(fabric, settings, network, optimizer, methods, average, state, sums, best)
        elif fabric.is_global_zero:
            clear(settings)
    rng, nothing = torch.Generator(), contextlib.nullcontext()
    stages = methods.stages or None

    def passed(inputs: Any, labels: Any, index: Tensor) -> Batch:
        answer = module(inputs, stages, start) if stages or start else module(inputs)
        logits, features = answer if stages else (answer, {})
        return Batch(inputs, labels, logits, features, start, index)

    def checkpoint() -> None:
        save(fabric, settings, network, optimizer, methods, average, state, sums, best)

    with Progress(fabric, settings, total, state) as progress:
        while state.epoch < settings.epochs and not state.done:
            # 2. an epoch: an order of the samples that depends on seed and epoch alone
            for m in methods.epochs:
                m.epoch(network, state.epoch, settings.epochs)
            network.train()
            order = methods.order(rows, state.epoch, settings.random_state)
            order = permutation(len(rows), settings.random_state, state.epoch) if order is None else order
            cuts = batches(order.to(rows.device), settings.batch_size, 2 * world)
            other_cuts: list[Any] = [None] * len(cuts)
            if target is not None:
                begin = state.epoch * len(rows)
                other_order = stream(len(target), begin, begin + len(rows), mix(settings.random_state, 4))
                other_cuts = batches(other_order.to(target.device), settings.batch_size, 2 * world)
            for index, other_index in list(zip(cuts, other_cuts, strict=True))[state.at :]:
                share = state.step / total
                rate = schedule_factor(settings, state.step, total)
                for group, base in zip(optimizer.param_groups, base_rates, strict=True):
                    group["lr"] = base * rate

                # 3. forward and backward, in parts where memory is short; parts are weighted by their number of samples
                parts = max(1, min(settings.accumulation, len(index) // fewest))
                for k in range(parts):
                    mine = index.tensor_split(parts)[k][rank::world]
                    inputs, labels = rows.take(mine, None if here else device)
                    if methods.transforms:
                        rng.manual_seed(mix(settings.random_state, 3, state.step, k, rank))
                        for m in methods.transforms:
                            inputs, labels = m.transform(inputs, labels, rng)
                    with nothing if k == parts - 1 or world == 1 else fabric.no_backward_sync(module):
                        source = passed(inputs, labels, mine)
                        other = None
                        if target is not None:
                            theirs = other_index.tensor_split(parts)[k][rank::world]
                            other = passed(*target.take(theirs, device), theirs)
                        for m in methods.answers:
                            m.answer(network, source, other)
                        terms = {} if methods.replaces_task_loss else {"task": task.loss(source.logits, labels)}
                        if methods.losses:
                            terms |= methods.loss(network, source, other, share)
                        loss = sum(terms.values())
                        weight = len(mine) * world / len(index)
                        fabric.backward(loss if weight == 1.0 else loss * weight)
                    # Kept on the device and read once an epoch: no waiting for it in here.
                    for name, term in terms.items():
                        if name not in sums:
                            sums[name] = torch.zeros((), device=device)
                        sums[name].add_(term.detach(), alpha=len(mine))

                # 4. the step
                if settings.clip is not None:
                    fabric.clip_gradients(module, optimizer, max_norm=settings.clip, error_if_nonfinite=False)
                elif methods.gradient_hooks and settings.precision == "16":
                    fabric.strategy.precision.unscale_gradients(optimizer.optimizer)
                for m in methods.gradient_hooks:
                    m.gradients(network, share)
                optimizer.step()
                for p in params:
                    p.grad = None
                for m in methods.step_hooks:
                    m.step(network, share)
                state.step += 1
                state.at += 1
                if average is not None:
                    average.update(state.step)
                progress.advance()
                if settings.checkpoint_every and state.step % settings.checkpoint_every == 0:
                    checkpoint()

            # 5. the end of an epoch: read the losses, look at the held-out samples, keep the best
            entry = _read(sums, fabric, state.epoch, len(rows))
            with average.in_place() if average is not None else contextlib.nullcontext():
                if held_out is not None:
                    entry |= _evaluate(module, task, held_out, settings.batch_size, start)
                    if settings.patience is not None:
                        state.waited += 1
                        if _is_better(entry, state.history, settings.monitor, task.metric_name):
                            state.waited, state.history.best_epoch = 0, state.epoch
                            best.update(_copy(network))
            state.history.epochs.append(entry)
            state.epoch, state.at = state.epoch + 1, 0
            sums.clear()
            state.done = settings.patience is not None and state.waited > settings.patience
            progress.epoch(entry)
            if settings.checkpoint_dir is not None and (
                not settings.checkpoint_every or state.epoch == settings.epochs
            ):
                checkpoint()

    # 6. the weights to keep
    if best:
        _put(network, best)
    elif average is not None:
        average.keep()
    state.history.steps = state.step
    return state.history, _weights(network, module, settings)


def _keep_statistics(network: Network, settings: Training) -> None:
    """Keep the statistics of batch norms where a pass has one sample, which has no spread."""
    if settings.batch_size < 2 * settings.processes and any(n.training for n in batch_norms(network.train())):
        network.freeze_statistics()
        warnings.warn(
            f"batch_size={settings.batch_size} gives batch norms one sample at a time; their statistics are kept as "
            "they are. Set batch_size=2 or more to learn them.",
            UserWarning,
            stacklevel=2,
        )


def predict_logits(network: Network, inputs: Any, batch_size: int = 256, start: str | None = None) -> Tensor:
    """Compute the logits of many samples, in batches, on the network's device.

    Parameters
    ----------
    network : Network
    inputs : Tensor or dict of Tensor
    batch_size : int, default=256
    start : str, optional
        As in ``Network.forward``.

    Returns
    -------
    Tensor of shape (n, n_outputs)
        On the CPU.
    """
    was_training = network.training
    network.eval()
    try:
        return _answers(network, Samples(inputs), batch_size, start).cpu()
    finally:
        network.train(was_training)


def _answers(module: Any, rows: Samples, batch_size: int, start: str | None) -> Tensor:
    device = next(module.parameters()).device
    with torch.inference_mode():
        cuts = torch.arange(len(rows), device=rows.device).split(batch_size)
        return torch.cat([module(rows.take(cut, device)[0], None, start) for cut in cuts])


def _evaluate(module: Any, task: Any, rows: Samples, batch_size: int, start: str | None) -> dict[str, float]:
    module.eval()
    logits = _answers(module, rows, batch_size, start)
    assert rows.labels is not None
    labels = rows.labels.to(logits.device)
    loss = float(task.loss(logits, labels))
    return {"held_out_loss": loss, f"held_out_{task.metric_name}": task.metric(logits, labels)}


def _is_better(entry: dict[str, float], history: History, monitor: str, metric: str) -> bool:
    """Whether an epoch beats the best before it; of two with one score the one of less loss is better."""

    def key(e: dict[str, float]) -> tuple[float, ...]:
        return (e["held_out_loss"],) if monitor == "loss" else (-e[f"held_out_{metric}"], e["held_out_loss"])

    before = (math.inf,) if history.best_epoch is None else key(history.epochs[history.best_epoch])
    return key(entry) < before


def _read(sums: dict[str, Tensor], fabric: Any, epoch: int, n: int) -> dict[str, float]:
    """Mean of each term over the epoch's rows: the one moment at which the device is waited for."""
    names = sorted(sums)
    totals = fabric.all_reduce(torch.stack([sums[k] for k in names]), reduce_op="sum")
    means = dict(zip(names, (totals / n).tolist(), strict=True))
    loss = sum(means.values())
    if not math.isfinite(loss):
        raise InputError(f"the loss is no longer finite in epoch {epoch}; lower learning_rate, or set clip=1.0.")
    return {"epoch": epoch, "loss": loss, **means}


def _near(rows: Samples, device: torch.device) -> Samples:
    """Samples on the device where they fit well, else pinned, so that copies overlap with computing."""
    if device.type == "cpu":
        return rows
    if device.type != "cuda":
        return rows.to(device)
    free, _ = torch.cuda.mem_get_info(device)
    return rows.to(device) if rows.nbytes < 0.25 * free else rows.pinned()


def _copy(network: Network) -> dict[str, Tensor]:
    """What a run can change: trainable parameters and buffers."""
    kept = {n: p.detach().clone() for n, p in network.named_parameters() if p.requires_grad}
    return kept | {n: b.detach().clone() for n, b in network.named_buffers()}


def _put(network: Network, kept: dict[str, Tensor]) -> None:
    with torch.no_grad():
        own = dict(network.named_parameters()) | dict(network.named_buffers())
        for name, value in kept.items():
            own[name].copy_(value)


def _weights(network: Network, module: Any, settings: Training) -> bytes:
    """The weights for the process that started this one."""
    if settings.processes == 1:
        return b""
    if settings.strategy == "fsdp":
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        whole: Any = get_model_state_dict(module.module, options=options)
        return save_tensors(whole)
    return save_tensors({k: v.detach().cpu().clone() for k, v in network.state_dict().items()})


def _seed(settings: Training) -> int:
    if settings.random_state is None and settings.resume and settings.checkpoint_dir is not None:
        latest = latest_checkpoint(settings.checkpoint_dir)
        if latest is not None:
            return int(load_checkpoint(latest)[1]["state"]["run"]["random_state"])
    return seed_from(settings.random_state)


def _cuda_devices() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
