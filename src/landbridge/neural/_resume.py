"""State of a training run, and how it is saved to and restored from checkpoints."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._checkpoint import (
    clear_checkpoints,
    load_latest,
    pack_optimizer,
    save_checkpoint,
    unpack_optimizer,
)
from landbridge.neural._random import seed_from
from landbridge.neural._samples import digest_of

__all__ = ["History", "State", "clear", "describe", "fingerprint", "restore", "save", "seed_of", "settings_that_matter"]

# Settings that may differ between a run and its continuation.
FREE = ("checkpoint_dir", "checkpoint_every", "resume", "cache_dir", "log_dir", "logger", "verbose", "device")
# Arguments that are compared by themselves, or that may differ.
APART = ("self", "settings", "device", "verbose")
# What is compared by content, as messages call it.
CONTENT = {
    "network": "network",
    "task": "task",
    "rows": "training samples or labels",
    "target": "target samples",
    "held_out": "held-out samples",
}
PLURAL = ("rows", "target", "held_out")


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


def save(run: Any) -> None:
    """Write a checkpoint of a run.

    Parameters
    ----------
    run : Trainer
    """
    fabric, settings, phase = run.fabric, run.settings, run.phase
    if settings.strategy == "fsdp" and settings.processes > 1:
        raise InputError("checkpoints are not written with strategy='fsdp'; take strategy='ddp'.")
    random_states = fabric.all_gather(run.own.state().to(fabric.device)).reshape(fabric.world_size, -1)
    totals = run.means.state(fabric)
    if fabric.is_global_zero:
        moments: dict[str, Tensor] = {}
        plain: dict[str, Any] = {}
        for name, optimizer in phase.optimizers.items():
            tensors, rest = pack_optimizer(optimizer)
            moments |= {f"{name}:{k}": v for k, v in tensors.items()}
            plain[name] = rest
        groups = {
            "module": phase.module.state_dict(),
            "optimizer": moments,
            "average": {} if run.average is None else run.average.state(),
            "best": run.best,
            "means": totals,
            "phase": phase.state(),
            "generators": {k: g.get_state() for k, g in phase.generators.items()},
            "rng": {"all": random_states},
        }
        tensors = {f"{group}/{k}": v for group, values in groups.items() for k, v in values.items()}
        save_checkpoint(
            settings.checkpoint_dir, run.state.step, tensors, {"optimizer": plain, "state": asdict(run.state)}
        )
    fabric.barrier()


def restore(run: Any) -> None:
    """Restore the last checkpoint that is whole, if there is one.

    Parameters
    ----------
    run : Trainer
        Changed in place.
    """
    fabric, phase, state = run.fabric, run.phase, run.state
    found = load_latest(run.settings.checkpoint_dir, warn=fabric.is_global_zero)
    if found is None:
        return
    place, tensors, content = found
    known = content["state"]
    _check_run(place.name, known["run"], state.run)
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        group, key = name.split("/", 1)
        groups.setdefault(group, {})[key] = value.to(fabric.device) if group in ("best", "means") else value
    phase.module.load_state_dict(groups["module"])
    for name, optimizer in phase.optimizers.items():
        own = {k.split(":", 1)[1]: v for k, v in groups.get("optimizer", {}).items() if k.startswith(f"{name}:")}
        unpack_optimizer(optimizer, own, content["optimizer"][name])
    if run.average is not None:
        run.average.load(groups["average"])
    for name, generator in phase.generators.items():
        generator.set_state(groups["generators"][name])
    phase.load_state(groups.get("phase", {}))
    history = History(**known.pop("history"))
    for key, value in known.items():
        setattr(state, key, value)
    state.history = history
    # The sum over all processes is counted once.
    run.means.load(groups.get("means", {}), share=1.0 if fabric.is_global_zero else 0.0)
    run.best.update(groups.get("best", {}))
    run.own.load(groups["rng"]["all"][fabric.global_rank])


def _check_run(name: str, known: dict[str, Any], now: dict[str, Any]) -> None:
    for key, value in now.items():
        if known.get(key) != value:
            if key in CONTENT:
                what = f"with {'another' if key not in PLURAL else 'other'} {CONTENT[key]}"
            else:
                what = f"with another {key} ({known.get(key)!r}, now {value!r})"
            raise InputError(f"checkpoint {name} was made {what}; give the same, or resume=False.")


def seed_of(settings: Any) -> int:
    """Return the seed of a run; a resumed run without one has that of its checkpoint.

    Parameters
    ----------
    settings : Training

    Returns
    -------
    int
    """
    if settings.random_state is None and settings.resume and settings.checkpoint_dir is not None:
        found = load_latest(settings.checkpoint_dir, warn=False)
        if found is not None:
            return int(found[2]["state"]["run"]["random_state"])
    return seed_from(settings.random_state)


def clear(settings: Any) -> None:
    """Delete the checkpoints of an earlier run.

    Parameters
    ----------
    settings : Training
    """
    clear_checkpoints(settings.checkpoint_dir)


def settings_that_matter(settings: Any) -> dict[str, Any]:
    """Return the settings that must be unchanged for a run to resume.

    Parameters
    ----------
    settings : Training

    Returns
    -------
    dict
    """
    return {k: v for k, v in asdict(settings).items() if k not in FREE}


def fingerprint(settings: Any, network: Any, methods: Any, task: Any, sets: Any) -> dict[str, Any]:
    """Describe what must be unchanged for a run to resume: settings, layers, methods with their arguments and samples.

    Parameters
    ----------
    settings : Training
    network : Network
    methods : Methods
    task : Task
    sets : sequence of Samples or None
        As they were given: labelled samples, those of the target, and those held out.

    Returns
    -------
    dict
    """
    same = settings_that_matter(settings)
    layers = repr([(n, tuple(p.shape)) for n, p in network.named_parameters()])
    same["network"] = hashlib.blake2b(layers.encode(), digest_size=8).hexdigest()
    same["methods"] = [type(m).__name__ for m in methods.methods]
    for m in methods.methods:
        same[f"{type(m).__name__}()"] = describe(m)
    same["task"] = describe(task)
    for name, samples in zip(("rows", "target", "held_out"), sets, strict=True):
        same[name] = "" if samples is None else f"{len(samples)} {samples.digest()}"
    return same


def describe(thing: Any) -> str:
    """Describe an object by its class and the arguments that it was made with, tensors and arrays by their content.

    Parameters
    ----------
    thing : object

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.neural._resume import describe
    >>> from landbridge.neural.parameter import L2SP
    >>> describe(L2SP(0.1)) == describe(L2SP(0.2))
    False
    """
    names = [n for n in inspect.signature(type(thing).__init__).parameters if n not in APART and hasattr(thing, n)]
    names += [n for n in ("source_domain_",) if hasattr(thing, n)]
    return f"{type(thing).__name__}({', '.join(f'{n}={_plain(getattr(thing, n))}' for n in names)})"


def _plain(value: Any, depth: int = 0) -> str:
    if isinstance(value, np.ndarray) and value.dtype.kind not in "OUS":
        value = torch.tensor(value)
    if isinstance(value, Tensor):
        return digest_of(value)
    if isinstance(value, torch.nn.Module):
        return f"{type(value).__name__} {digest_of(dict(value.state_dict()))}"
    if isinstance(value, np.ndarray):
        return digest_of(value.tolist())
    if isinstance(value, dict) and depth < 4:
        return repr({k: _plain(v, depth + 1) for k, v in value.items()})
    if isinstance(value, (list, tuple)) and depth < 4:
        return repr([_plain(v, depth + 1) for v in value])
    text = repr(value)
    return text if " at 0x" not in text else f"{type(value).__module__}.{getattr(value, '__qualname__', type(value))}"
