"""Comparison of an exported or quantised network with the original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._checks import positive
from landbridge.neural._loop import predict_logits
from landbridge.neural._network import Network
from landbridge.neural._samples import Samples
from landbridge.neural.handover._int8 import int8_layers
from landbridge.neural.handover._reading import for_inference, network_of, tensors_of

__all__ = ["Parity", "check_parity", "compare"]

EXACT, ROUNDED = 1e-4, 2e-2


@dataclass(frozen=True)
class Parity:
    """Differences between the predictions of two networks on the same samples.

    Parameters
    ----------
    largest : float
        Largest difference between two logits.
    worst_sample : int
        The sample in which it was found.
    agree : float
        Share of the samples in which the largest logit is the same; of one output, in which its sign is.
    n_samples : int
        How many samples were compared.

    Examples
    --------
    >>> from landbridge.neural.handover import Parity
    >>> print(Parity(largest=0.002, worst_sample=3, agree=1.0, n_samples=40))
    100.0 % of 40 samples with the same prediction, largest difference 0.002
    """

    largest: float
    worst_sample: int
    agree: float
    n_samples: int

    def __str__(self) -> str:
        rows = "1 sample" if self.n_samples == 1 else f"{self.n_samples} samples"
        return f"{100 * self.agree:.1f} % of {rows} with the same prediction, largest difference {self.largest:.2g}"


def compare(first: Any, second: Any) -> Parity:
    """Compare two tables of logits, sample by sample.

    Parameters
    ----------
    first, second : array-like of shape (n, n_outputs)

    Returns
    -------
    Parity
        A difference that is no number counts as infinite, unless both logits are NaN.

    Examples
    --------
    >>> from landbridge.neural.handover import compare
    >>> found = compare([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.6, 0.5]])
    >>> found.agree, found.worst_sample, found.largest
    (0.5, 1, 0.6)
    """
    a, b = (np.asarray(t.detach().cpu() if isinstance(t, Tensor) else t, dtype=np.float64) for t in (first, second))
    if a.shape != b.shape or a.ndim < 1 or not len(a):
        raise InputError(f"second has shape {b.shape} and first {a.shape}; compare predictions to the same samples.")
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(a - b))
    apart = np.where(np.isnan(apart), np.inf, apart).max(axis=1)
    answers = [(t > 0)[:, 0] if t.shape[1] == 1 else t.argmax(axis=1) for t in (a, b)]
    worst = int(apart.argmax())
    return Parity(float(apart[worst]), worst, float((answers[0] == answers[1]).mean()), len(a))


def check_parity(network: Any, artefact: Any, inputs: Any, *, tolerance: float | None = None) -> Parity:
    """Compare the predictions of a network and of an artefact made from it, and raise if they differ.

    Parameters
    ----------
    network : Network, NeuralClassifier, NeuralRegressor or Result
        The original.
    artefact : path-like, Network or Module
        An exported file (``.onnx`` or ``.pt2``), or another network.
    inputs : Tensor, dict of Tensor or array-like
        Samples; any number of them, not only the example's.
    tolerance : float, optional
        Largest difference between two logits, relative to 1 or to the largest logit of the original where that is more.
        If None, 1e-4, and 0.02 for a quantised network.

    Returns
    -------
    Parity

    Raises
    ------
    InputError
        Naming the worst row, if it differs by more than `tolerance`.

    Notes
    -----
    A ``.pt2`` file is read by ``torch.export.load``, which unpickles objects that are no plain tensors: whoever wrote
    the file could run code on this machine. Give only files that this machine has just written, or that come from
    somebody who is trusted to run code here. ONNX files hold no code.

    Two programs add floating-point numbers in different orders, which changes the last bit. In a quantised network that
    bit may round an input to the next whole number, and so the difference is larger there.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.handover import check_parity
    >>> network = load_backbone("builtin")
    >>> check_parity(network, load_backbone(network), torch.rand(4, 1, 8, 8)).largest
    0.0
    """
    if tolerance is not None:
        positive(tolerance=tolerance)
    tensors = tensors_of(network, inputs)
    original = network_of(network, "network")
    if tolerance is None:
        tolerance = ROUNDED if int8_layers(original) else EXACT
    want = predict_logits(for_inference(original), tensors)
    found = compare(want, _answers(artefact, tensors))
    allowed = tolerance * max(1.0, float(want.abs().max()))
    if not found.largest <= allowed:
        label = Path(artefact).name if isinstance(artefact, str | Path) else type(artefact).__name__
        raise InputError(
            f"artefact {label!r} does not predict as the network does: sample {found.worst_sample} differs by "
            f"{found.largest:.3g} where {allowed:.3g} is allowed; export again, or allow more with tolerance=."
        )
    return found


def _answers(artefact: Any, tensors: Any) -> Any:
    if isinstance(artefact, Network):
        return predict_logits(artefact, tensors)
    if isinstance(artefact, nn.Module):
        with torch.no_grad():
            return artefact(tensors)
    if not isinstance(artefact, str | Path):
        raise InputError(f"artefact must be a file or a network; got {type(artefact).__name__}.")
    path = Path(artefact)
    if not path.is_file():
        raise InputError(f"artefact={path.name!r} is no file; export the network first.")
    from landbridge.neural.handover._export import run_onnx, run_program

    if path.suffix == ".onnx":
        return run_onnx(path, tensors)
    if path.suffix == ".pt2":
        return run_program(path, tensors)
    raise InputError(f"artefact={path.name!r} is of no kind known here; give a file that ends in .onnx or .pt2.")


def more_rows(tensors: Any) -> Any:
    """Repeat samples to a batch of another size than the one given."""
    n = len(Samples(tensors))
    return Samples(tensors).take(torch.arange(2 * n + 1) % n)[0]
