"""Checkpoints: safetensors and JSON in one folder per step, written atomically, without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from landbridge.exceptions import InputError, ReadError

__all__ = ["latest_checkpoint", "load_checkpoint", "load_latest", "save_checkpoint"]

TENSORS, STATE = "tensors.safetensors", "state.json"
_NAME = re.compile(r"step-(\d{9})")


def save_checkpoint(
    folder: str | Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any], keep: int = 2
) -> Path:
    """Write a checkpoint; a kill at any moment leaves either the whole of it or none.

    Parameters
    ----------
    folder : path-like
        Holds one subfolder a checkpoint.
    step : int
    tensors : dict of str to Tensor
    state : dict
        Plain data for JSON.
    keep : int, default=2
        So many checkpoints stay, the youngest.

    Returns
    -------
    Path
        The checkpoint's own folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for rest in folder.glob(".part-*"):
        shutil.rmtree(rest, ignore_errors=True)
    part = folder / f".part-{uuid.uuid4().hex}"
    part.mkdir()
    # Shared storage (tied weights) and strides are not safetensors' business: every tensor goes as a plain copy.
    plain = {k: torch.empty(v.shape, dtype=v.dtype).copy_(v.detach()) for k, v in tensors.items()}
    save_file(plain, part / TENSORS)
    _fsync(part / TENSORS)
    with open(part / STATE, "w", encoding="utf-8") as file:
        json.dump({"digest": _digest(part / TENSORS), "state": state}, file)
        file.flush()
        os.fsync(file.fileno())
    _fsync(part)
    place = folder / f"step-{step:09d}"
    if place.exists():
        _remove(place)
    os.replace(part, place)
    _fsync(folder)
    for old in _all(folder)[:-keep]:
        _remove(old)
    return place


def latest_checkpoint(folder: str | Path) -> Path | None:
    """Return the most recent checkpoint in a folder.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    Path or None
    """
    found = _all(Path(folder))
    return found[-1] if found else None


def load_checkpoint(place: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint.

    Parameters
    ----------
    place : path-like
        The checkpoint's own folder.

    Returns
    -------
    tensors : dict of str to Tensor
    state : dict

    Raises
    ------
    ReadError
        If it was damaged after it was written.
    """
    place = Path(place)
    try:
        with open(place / STATE, encoding="utf-8") as file:
            content = json.load(file)
        if content["digest"] != _digest(place / TENSORS):
            raise ValueError("the tensors are not those that were written")
        return load_file(place / TENSORS), content["state"]
    except (OSError, ValueError, KeyError) as error:
        raise ReadError(
            f"checkpoint {place} cannot be read ({error}); delete that folder to go on without it."
        ) from error


def load_latest(folder: str | Path, *, warn: bool = True) -> tuple[Path, dict[str, Tensor], dict[str, Any]] | None:
    """Read the most recent checkpoint in a folder that is whole.

    Parameters
    ----------
    folder : path-like
    warn : bool, default=True
        Whether to say which one was damaged, where it is not the most recent one that is read.

    Returns
    -------
    tuple of Path, dict, dict, or None
        Its own folder, tensors and state; None where there is no checkpoint.

    Raises
    ------
    ReadError
        If there are checkpoints and all of them are damaged.
    """
    damaged: list[tuple[Path, ReadError]] = []
    for place in reversed(_all(Path(folder))):
        try:
            tensors, state = load_checkpoint(place)
        except ReadError as error:
            damaged.append((place, error))
            continue
        if damaged and warn:
            warnings.warn(
                f"checkpoint {damaged[0][0]} is damaged; the run goes on from {place.name} instead.",
                UserWarning,
                stacklevel=2,
            )
        return place, tensors, state
    if damaged:
        raise damaged[0][1]
    return None


def clear_checkpoints(folder: str | Path) -> None:
    """Delete all checkpoints in a folder.

    Parameters
    ----------
    folder : path-like
    """
    for old in _all(Path(folder)):
        _remove(old)


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimiser's state into tensors and plain data.

    Parameters
    ----------
    optimizer : Optimizer

    Returns
    -------
    tensors : dict of str to Tensor
    plain : dict
    """
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for number, entry in optimizer.state_dict()["state"].items():
        for key, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"{number}.{key}"] = value
            else:
                plain[f"{number}.{key}"] = value
    return tensors, plain


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
    """Load the state that ``pack_optimizer`` returned into an optimiser.

    Parameters
    ----------
    optimizer : Optimizer
    tensors : dict of str to Tensor
    plain : dict
    """
    state: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **plain}.items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = value
    full = optimizer.state_dict()
    if state and max(state) >= sum(len(g["params"]) for g in full["param_groups"]):
        raise InputError("the checkpoint belongs to a network with other parameters; resume with the same methods.")
    full["state"] = state
    optimizer.load_state_dict(full)


def _all(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("step-*") if _NAME.fullmatch(p.name) and (p / STATE).is_file())


def _remove(place: Path) -> None:
    gone = place.with_name(f".part-{uuid.uuid4().hex}")
    os.replace(place, gone)  # so that half a folder never bears a checkpoint's name
    shutil.rmtree(gone, ignore_errors=True)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _fsync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
