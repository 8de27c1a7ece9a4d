"""State of a training run, and how it is saved to and restored from checkpoints."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._checkpoint import (
    clear_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    pack_optimizer,
    save_checkpoint,
    unpack_optimizer,
)

__all__ = ["History", "State", "clear", "fingerprint", "restore", "save"]

# Settings that may differ between a run and its continuation.
FREE = ("checkpoint_dir", "checkpoint_every", "resume", "cache_dir", "log_dir", "logger", "verbose", "device")


@dataclass
class History:
    """History of a training run.

    Parameters
    ----------
    epochs : list of dict
        One a finished epoch: ``epoch``, ``loss``, one mean a named term, and ``held_out_loss`` and
        ``held_out_<metric>`` where samples were held out.
    best_epoch : int or None
        The epoch whose weights were kept, where samples were held out and ``patience`` was given.
    steps : int
        Steps of the optimiser.
    device, precision : str
        What was taken.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    steps: int = 0
    device: str = ""
    precision: str = ""


@dataclass
class State:
    """State of a training run: all that a resumed run needs besides tensors.

    Parameters
    ----------
    epoch, at, step : int
        Epochs done, batches done in this one, steps done in all.
    waited : int
        Epochs since the best one.
    done : bool
    history : History
    run : dict
        What must be the same for a run to go on (see :func:`fingerprint`).
    """

    epoch: int = 0
    at: int = 0
    step: int = 0
    waited: int = 0
    done: bool = False
    history: History = field(default_factory=History)
    run: dict[str, Any] = field(default_factory=dict)


def save(
    fabric: Any,
    settings: Any,
    network: Any,
    optimizer: Any,
    methods: Any,
    average: Any,
    state: State,
    sums: dict[str, Tensor],
    best: dict[str, Tensor],
) -> None:
    """Write a checkpoint of a run.

    Parameters
    ----------
    fabric : Fabric
    settings : Training
    network : Network
    optimizer : Optimizer
    methods : Methods
    average : Average or None
    state : State
    sums : dict of str to Tensor
        Losses of the epoch so far.
    best : dict of str to Tensor
        Weights of the best epoch so far.
    """
    if settings.strategy == "fsdp" and settings.processes > 1:
        raise InputError("checkpoints are not written with strategy='fsdp'; take strategy='ddp'.")
    random_states = fabric.all_gather(_random_states(fabric.device).to(fabric.device)).reshape(fabric.world_size, -1)
    totals = {k: fabric.all_reduce(v.clone(), reduce_op="sum") for k, v in sorted(sums.items())}
    if fabric.is_global_zero:
        moments, plain = pack_optimizer(optimizer)
        groups = {
            "network": network.state_dict(),
            "optimizer": moments,
            "average": {} if average is None else average.state(),
            "best": best,
            "sums": totals,
            "method": {f"{i}.{k}": v for i, m in enumerate(methods.methods) for k, v in m.state().items()},
            "rng": {"all": random_states},
        }
        tensors = {f"{group}/{k}": v for group, values in groups.items() for k, v in values.items()}
        content = {"optimizer": plain, "state": asdict(state)}
        save_checkpoint(settings.checkpoint_dir, state.step, tensors, content)
    fabric.barrier()


def restore(
    fabric: Any,
    settings: Any,
    network: Any,
    optimizer: Any,
    methods: Any,
    average: Any,
    state: State,
    sums: dict[str, Tensor],
    best: dict[str, Tensor],
) -> None:
    """Restore the last checkpoint, if there is one; the arguments are changed in place.

    Parameters
    ----------
    fabric : Fabric
    settings : Training
    network : Network
    optimizer : Optimizer
    methods : Methods
    average : Average or None
    state : State
    sums, best : dict of str to Tensor
    """
    place = latest_checkpoint(settings.checkpoint_dir)
    if place is None:
        return
    tensors, content = load_checkpoint(place)
    known = content["state"]
    if other := [k for k, v in state.run.items() if known["run"].get(k) != v]:
        raise InputError(
            f"checkpoint {Path(place).name} was made with another {other[0]} "
            f"({known['run'].get(other[0])!r}, now {state.run[other[0]]!r}); give the same, or resume=False."
        )
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        group, key = name.split("/", 1)
        groups.setdefault(group, {})[key] = value.to(fabric.device) if group in ("best", "sums") else value
    network.load_state_dict(groups["network"])
    unpack_optimizer(optimizer, groups.get("optimizer", {}), content["optimizer"])
    if average is not None:
        average.load(groups["average"])
    for i, m in enumerate(methods.methods):
        own = {k.split(".", 1)[1]: v for k, v in groups.get("method", {}).items() if k.startswith(f"{i}.")}
        if own:
            m.load_state(own)
    history = History(**known.pop("history"))
    for key, value in known.items():
        setattr(state, key, value)
    state.history = history
    # The sum over all processes is counted once.
    sums.update(
        groups.get("sums", {}) if fabric.is_global_zero else {k: v * 0 for k, v in groups.get("sums", {}).items()}
    )
    best.update(groups.get("best", {}))
    _set_random_states(groups["rng"]["all"][fabric.global_rank], fabric.device)


def clear(settings: Any) -> None:
    """Delete the checkpoints of an earlier run.

    Parameters
    ----------
    settings : Training
    """
    clear_checkpoints(settings.checkpoint_dir)


def fingerprint(settings: Any, network: Any, methods: Any, rows: Any) -> dict[str, Any]:
    """Describe what must be unchanged for a run to resume: settings, layers, methods and samples.

    Parameters
    ----------
    settings : Training
    network : Network
    methods : Methods
    rows : Samples

    Returns
    -------
    dict
    """
    same = {k: v for k, v in asdict(settings).items() if k not in FREE}
    layers = repr([(n, tuple(p.shape)) for n, p in network.named_parameters()])
    labels = rows.labels.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    same["network"] = hashlib.blake2b(layers.encode(), digest_size=8).hexdigest()
    same["methods"] = [type(m).__name__ for m in methods.methods]
    same["rows"] = f"{len(rows)} with labels {hashlib.blake2b(labels.data, digest_size=8).hexdigest()}"
    return same


def _random_states(device: torch.device) -> Tensor:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return torch.cat(states)


def _set_random_states(state: Tensor, device: torch.device) -> None:
    state = state.cpu()
    n = len(torch.get_rng_state())
    torch.set_rng_state(state[:n].contiguous())
    if device.type == "cuda" and len(state) > n:
        torch.cuda.set_rng_state(state[n:].contiguous(), device)
