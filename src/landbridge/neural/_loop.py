"""The training loop: one for all networks, tasks and methods, on Lightning Fabric.

Read :func:`train` for what happens around a run, :class:`~landbridge.neural._trainer.Trainer` for the run itself, and
:class:`~landbridge.neural._supervised.Supervised` for a step.
"""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from safetensors.torch import save as save_tensors
from torch.multiprocessing.spawn import ProcessRaisedException

from landbridge.exceptions import InputError
from landbridge.neural._device import make_fabric, make_logger, out_of_memory
from landbridge.neural._evaluation import predict_logits
from landbridge.neural._features import cached_rows
from landbridge.neural._lock import one_run
from landbridge.neural._method import Method, Methods
from landbridge.neural._network import Network, batch_norms
from landbridge.neural._random import OwnState, seeded
from landbridge.neural._resume import History, fingerprint, seed_of
from landbridge.neural._samples import mix
from landbridge.neural._settings import Training
from landbridge.neural._streaming import StreamedSamples
from landbridge.neural._supervised import Supervised
from landbridge.neural._trainer import Trainer

__all__ = ["History", "Training", "predict_logits", "train"]


def train(
    network: Network,
    task: Any,
    rows: Any,
    *,
    methods: Sequence[Method] = (),
    target: Any = None,
    held_out: Any = None,
    settings: Training | None = None,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    network : Network
        With a head for the task.
    task : Task
    rows : Samples or StreamedSamples
        Labelled samples to train on.
    methods : sequence of Method
        Their contributions are added up (see :class:`~landbridge.neural.Methods`).
    target : Samples or StreamedSamples, optional
        Samples of the target, without labels, for the methods that read them.
    held_out : Samples or StreamedSamples, optional
        Labelled samples to stop early on.
    settings : Training, optional

    Returns
    -------
    History

    Notes
    -----
    Stages that are frozen from the input on are run once and their outputs reused, unless a method changes the inputs
    or says that this may not be. The global random generators are left as they were; trainings in several threads run
    side by side, each drawing from a state of its own.
    """
    settings = Training() if settings is None else settings
    with one_run(settings.checkpoint_dir):
        settings = replace(settings, random_state=seed_of(settings))
        combined = Methods(methods)
        if combined.reads_target and target is None:
            raise InputError(f"methods={list(methods)} need samples of the target; give X_target.")
        if later := [m for m in combined.methods if type(m).after is not Method.after]:
            if any(isinstance(s, StreamedSamples) for s in (rows, target)):
                raise InputError(f"{later[0]!r} needs all samples in memory; give Samples, not StreamedSamples.")
        try:
            history, own = _trained(network, task, [rows, target, held_out], combined, settings)
        except ProcessRaisedException as error:
            if found := re.findall(r"(?:Input|Label|Read)Error: (.+)", str(error)):
                raise InputError(found[-1]) from error
            raise
        except (RuntimeError, MemoryError) as error:
            if out_of_memory(error):
                raise _memory_ran_out(settings) from error
            raise
        with own.active():
            for m in combined.methods:
                m.finish(network)
            network.eval()
            for m in combined.methods:
                m.after(network, rows, target if combined.reads_target else None, settings.random_state)
        network.eval()
    return history


def _trained(
    network: Network, task: Any, sets: list[Any], combined: Methods, settings: Training
) -> tuple[History, OwnState]:
    """Prepare and run, here or in several processes."""
    keyed = {} if settings.checkpoint_dir is None else fingerprint(settings, network, combined, task, sets)
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
        combined.prepare(network.to(fabric.device), task)
        network.to(fabric.device)
        _keep_statistics(network, settings)
        own = OwnState(fabric.device)
    # A second stage alone needs no pass over the target, which would mix its samples into batch norms.
    seen = sets[1] if any(m.reads_target for m in (*combined.losses, *combined.answers)) else None
    bound = [None if s is None else s.bound(task) for s in (sets[0], seen, sets[2])]
    origin, bound = cached_rows(network, combined, bound, settings)
    job = Job((*raw, task, bound, origin, settings, keyed), own)
    if settings.processes == 1:
        history, _ = job(fabric)
        return history, own
    network.cpu()
    # What a process returns goes through a pipe that holds 64 KiB, which is read only after it has ended.
    with tempfile.TemporaryDirectory() as folder:
        job.weights = Path(folder) / "weights.safetensors"
        history, _ = fabric.launch(job)
        network.load_state_dict(load(job.weights.read_bytes()))
    network.to(fabric.device)
    return history, own


class Job:
    """Arguments of a training run, picklable for other processes.

    Parameters
    ----------
    parts : tuple
        Network, methods, task, samples, the stage to begin at, settings, and what a resumed run has to share.
    own : OwnState
        From which the run draws, in this process.
    """

    def __init__(self, parts: tuple[Any, ...], own: OwnState) -> None:
        self.parts = parts
        self.own: OwnState | None = own
        self.weights: Path | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"own": None}  # other processes draw from states of their own

    def __call__(self, fabric: Any) -> tuple[History, bytes]:
        if fabric.world_size == 1:
            return _run(fabric, self.parts, self.own)
        network, methods, task, sets, origin, settings, keyed = self.parts
        try:
            network = copy.deepcopy(network).to(fabric.device)  # as it came it shares the other process's memory
            torch.manual_seed(mix(settings.random_state, 1))
            methods.prepare(network, task)
            _keep_statistics(network, settings)
            parts = (network.to(fabric.device), methods, task, sets, origin, settings, keyed)
            history, weights = _run(fabric, parts, None)
            if fabric.is_global_zero and self.weights is not None:
                self.weights.write_bytes(weights)
            return history, b""
        finally:
            torch.distributed.destroy_process_group()


def _run(fabric: Any, parts: tuple[Any, ...], own: OwnState | None) -> tuple[History, bytes]:
    """The run itself, in each process."""
    network, methods, task, sets, origin, settings, keyed = parts
    if own is None:
        torch.manual_seed(mix(settings.random_state, 2, fabric.global_rank))
        own = OwnState(fabric.device)
    phase = Supervised(network, methods, task, sets, origin)
    history = Trainer(fabric, phase, settings, own, keyed).run()
    return history, _weights(network, phase.forward, settings)


def _memory_ran_out(settings: Training) -> InputError:
    half = max(settings.batch_size // 2, 1)
    return InputError(
        f"memory ran out with batch_size={settings.batch_size}, accumulation={settings.accumulation}; try "
        f"accumulation={settings.accumulation * 2} (same result, half the memory) or batch_size={half}."
    )


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


def _cuda_devices() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
