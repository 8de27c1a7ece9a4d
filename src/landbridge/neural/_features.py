"""Cached outputs of frozen stages, in memory or on disk."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from landbridge.neural._network import EMBEDDING, POOLED, Network
from landbridge.neural._samples import Samples, bytes_of

__all__ = ["cached_features", "cached_rows"]

# Outputs of early stages can be larger than images; beyond this they are recomputed in every epoch.
LARGEST = 4 * 2**30


def cached_features(
    network: Network,
    inputs: Any,
    stage: str = EMBEDDING,
    cache_dir: str | Path | None = None,
    batch_size: int = 128,
) -> Tensor:
    """Compute the output of a stage for many samples, or read it from the cache.

    Parameters
    ----------
    network : Network
    inputs : Tensor, dict of Tensor, or samples
        Raw input.
    stage : str, default="embedding"
        A stage, or ``"embedding"`` for the head's input.
    cache_dir : path-like, optional
        Kept there as a file named after the samples' and the weights' content, and read from there next time.
    batch_size : int, default=128

    Returns
    -------
    Tensor
        On the CPU, one entry per sample; what ``network(..., start=network.after(stage))`` takes.
    """
    path = None
    rows = Samples(inputs) if isinstance(inputs, (Tensor, dict, list)) else inputs
    inputs = rows.inputs
    if cache_dir is not None and isinstance(inputs, (Tensor, dict)):
        path = Path(cache_dir) / f"{_key(network, inputs, stage)}.safetensors"
        if path.is_file():
            return load_file(path)["features"]
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    parts = []
    cuts = torch.arange(len(rows), device=rows.device).split(batch_size)
    try:
        for x, _ in rows.feed(cuts, device):
            with torch.inference_mode():
                parts.append(network.activations(x, stage).cpu())
    finally:
        network.train(was_training)
    features = torch.cat(parts).clone()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{uuid.uuid4().hex}")
        save_file({"features": features}, part)
        os.replace(part, path)
    return features


def cached_rows(
    network: Network, methods: Any, sets: list[Samples | None], settings: Any
) -> tuple[str | None, list[Samples | None]]:
    """Run the stages that are frozen from the input on once, where nothing speaks against it.

    Parameters
    ----------
    network : Network
    methods : Methods
    sets : list of Samples or None
    settings : Training

    Returns
    -------
    start : str or None
        The stage at which training begins; None where nothing could be saved.
    sets : list of Samples or None
        With the stages' outputs as inputs.
    """
    stage = network.frozen_prefix()
    if stage is None or not methods.cacheable or methods.epochs or settings.epochs < 2:
        return None, sets
    names = network.stage_names
    done = names[: names.index(stage) + 1]
    if any(s in done for s in methods.stages):
        return None, sets
    first = next(s for s in sets if s is not None)
    takes = getattr(network.head, "takes", POOLED)
    if takes == "tokens" and len(done) == len(names) and all(s is None or isinstance(s.inputs, list) for s in sets):
        return _cached_tokens(network, sets, settings)
    # What is computed once is one tensor for all samples, and labels have to be at hand.
    if any(s is not None and (isinstance(s.inputs, list) or (s.inputs is None and s.labels is None)) for s in sets):
        return None, sets
    if takes in ("pyramid", "decoder") or getattr(network.head, "sized", False):
        return None, sets
    if len(done) == len(names) and takes == POOLED:
        stage = EMBEDDING
    else:
        with torch.inference_mode():
            trial = network.eval().activations(first.take(torch.arange(1), next(network.parameters()).device)[0], stage)
        rows = sum(len(s) for s in sets if s is not None)
        if not isinstance(trial, Tensor) or trial.numel() * trial.element_size() * rows > LARGEST:
            return None, sets
    return network.after(stage), [None if s is None else _cached(network, s, stage, settings) for s in sets]


def _cached(network: Network, rows: Any, stage: str, settings: Any) -> Samples:
    features = cached_features(network, rows, stage, settings.cache_dir, settings.batch_size)
    return Samples(features, rows.labels, collate=rows.collate, collate_labels=rows.collate_labels)


def _cached_tokens(network: Network, sets: list[Any], settings: Any) -> tuple[str | None, list[Samples | None]]:
    """One vector per position, sample by sample, where all stages are frozen and samples differ in length."""
    network.eval()
    device, cached, size = next(network.parameters()).device, [], 0
    for rows in sets:
        held: list[Any] = []
        cuts = [] if rows is None else torch.arange(len(rows)).split(settings.batch_size)
        for x, _ in () if rows is None else rows.feed(cuts, device):
            with torch.inference_mode():
                found = network.tokens(x)
            hidden, lengths = found.hidden.cpu().clone(), found.places().sum(1).tolist()
            held += [
                {"hidden": h[: max(n, 1)].clone(), "mask": torch.arange(max(n, 1)) < n}
                for h, n in zip(hidden, lengths, strict=True)
            ]
            size += sum(lengths) * hidden.shape[2] * hidden.element_size()
            if size > LARGEST:
                return None, sets
        cached.append(None if rows is None else Samples(held, rows.labels, collate_labels=rows.collate_labels))
    return network.after(EMBEDDING), cached


def _key(network: Network, inputs: Any, stage: str) -> str:
    """A name that changes with the samples, the weights up to the stage, and how input is prepared."""
    digest = hashlib.blake2b(digest_size=20)
    tensors = inputs if isinstance(inputs, dict) else {"": inputs}
    names = network.stage_names
    upto = names if stage == EMBEDDING else names[: names.index(stage) + 1]
    digest.update(repr((stage, upto, network.preprocess, network.spec)).encode())
    parts = [*tensors.items(), *network.preprocess.state_dict().items()]
    parts += [item for n in upto for item in network.stages[n].state_dict().items()]
    for name, tensor in parts:
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(bytes_of(tensor))
    return digest.hexdigest()
