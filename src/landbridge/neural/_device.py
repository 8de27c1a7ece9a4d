"""Device and precision of a training run, by Lightning Fabric."""

from __future__ import annotations

import os
from typing import Any

import torch
from lightning_fabric import Fabric

from landbridge.exceptions import InputError, MissingExtraError

__all__ = ["PRECISIONS", "describe", "make_fabric", "out_of_memory"]

PRECISIONS = {"32": "32-true", "64": "64-true", "bf16": "bf16-mixed", "16": "16-mixed", "auto": "32-true"}


def resolve(device: str) -> torch.device:
    """Return the device that a name stands for.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Returns
    -------
    torch.device

    Raises
    ------
    InputError
        If there is no such device here; nothing falls back to the CPU.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        raise InputError(f"device={device!r} is no device; choose 'auto', 'cpu', 'cuda', 'cuda:0' or 'mps'.") from None
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(found.type, False):
        raise InputError(f"device={device!r} is not there on this machine; take device='auto' or 'cpu'.")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device={device!r}: this machine has {torch.cuda.device_count()} of them, counted from 0.")
    return found


def make_fabric(
    device: str = "auto",
    precision: str = "auto",
    *,
    processes: int = 1,
    strategy: str = "ddp",
    loggers: Any = None,
    unused: bool = False,
) -> Fabric:
    """Make a Fabric with the given settings.

    Parameters
    ----------
    device : str
        As in :func:`resolve`.
    precision : {"auto", "32", "64", "bf16", "16"}
    processes : int
        How many devices, or processes on the CPU.
    strategy : {"ddp", "fsdp"}
        For several processes.
    loggers : Fabric logger, optional
    unused : bool
        Whether parameters may be without a gradient in some steps.

    Returns
    -------
    Fabric
    """
    at = resolve(device)
    if precision not in PRECISIONS:
        raise InputError(f"precision={precision!r} is unknown; choose from {', '.join(PRECISIONS)}.")
    if precision == "16" and at.type == "cpu":
        raise InputError("precision='16' needs a GPU; on the CPU take '32' or 'bf16'.")
    if precision == "64" and at.type == "mps":
        raise InputError("precision='64' does not exist on mps; take '32' or device='cpu'.")
    if precision == "bf16" and at.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise InputError("precision='bf16' is not supported by this GPU; take '16' or '32'.")
    devices: Any = processes
    chosen: Any = PRECISIONS[precision]
    if processes == 1 and at.type == "cuda":
        devices = [at.index or 0]
    return Fabric(
        accelerator=at.type,
        devices=devices,
        strategy=_strategy(processes, strategy, at, unused),
        precision=chosen,
        loggers=loggers,
    )


def _strategy(processes: int, strategy: str, at: torch.device, unused: bool) -> Any:
    if processes == 1:
        return "auto"
    if strategy == "fsdp":
        if at.type != "cuda":
            raise InputError("strategy='fsdp' needs GPUs; on the CPU take strategy='ddp'.")
        from lightning_fabric.strategies import FSDPStrategy

        return FSDPStrategy(state_dict_type="full", use_orig_params=True)
    from lightning_fabric.strategies import DDPStrategy

    # Under torchrun or SLURM the processes exist already; else they are started here.
    started = "LOCAL_RANK" in os.environ or "SLURM_PROCID" in os.environ
    return DDPStrategy(
        start_method="popen" if started else "spawn",
        process_group_backend="gloo" if at.type == "cpu" else None,
        find_unused_parameters=unused,
    )


def make_logger(kind: str, folder: Any) -> Any:
    """Make a Fabric logger.

    Parameters
    ----------
    kind : {"csv", "tensorboard"}
    folder : path-like

    Returns
    -------
    Fabric logger
    """
    if kind == "csv":
        from lightning_fabric.loggers import CSVLogger

        return CSVLogger(root_dir=folder, name="", flush_logs_every_n_steps=1)
    try:
        from lightning_fabric.loggers import TensorBoardLogger

        return TensorBoardLogger(root_dir=folder, name="")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "logger='tensorboard' needs the library 'tensorboard'; install it with: pip install tensorboard"
        ) from error


def describe(fabric: Fabric) -> str:
    """Describe the device of a Fabric.

    Parameters
    ----------
    fabric : Fabric

    Returns
    -------
    str
    """
    at = fabric.device
    name = torch.cuda.get_device_name(at) if at.type == "cuda" else at.type
    return f"{name} ({at})" if at.type == "cuda" else name


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    bool
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error) or "not enough memory" in str(error)
    )
