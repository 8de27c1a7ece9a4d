"""Settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

__all__ = ["Training", "own_settings"]


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
    by_length : bool, default=False
        Put samples of similar lengths into a batch, which saves padding. The order still depends on the seed and the
        epoch alone.
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
    by_length: bool = False
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


def own_settings(settings: Training | None, module: torch.nn.Module | None = None, **own: Any) -> Training:
    """Return the settings of a run whose method has arguments of its own, which take precedence.

    Parameters
    ----------
    settings : Training or None
        As the user gave them: device, precision, checkpoints, clipping, averages and logs are taken from here.
    module : Module, optional
        Where there are no settings, the run stays on its device.
    **own : object
        What the method's own arguments say.

    Returns
    -------
    Training
    """
    if settings is None:
        device = {} if module is None or "device" in own else {"device": str(next(module.parameters()).device)}
        return Training(**{**device, **own})
    return replace(settings, **own)
