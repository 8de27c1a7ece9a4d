"""Export of networks to ONNX and to torch.export programs."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from landbridge._process_state import quiet
from landbridge.exceptions import InputError, MissingExtraError
from landbridge.neural._samples import Samples
from landbridge.neural.handover._parity import check_parity, more_rows
from landbridge.neural.handover._reading import for_inference, network_of, tensors_of

__all__ = ["export_onnx", "export_program", "run_onnx", "run_program"]

INSTALL = 'pip install "landbridge[export]"'


def export_onnx(network: Any, example: Any, path: str | Path, *, tolerance: float | None = None) -> Path:
    """Export a network to an ONNX file, preprocessing included, and check that the predictions agree.

    Parameters
    ----------
    network : Network, NeuralClassifier, NeuralRegressor or Result
    example : Tensor, dict of Tensor or array-like
        Some samples of raw input. The file takes any number of samples; all other sizes are those of the example.
    path : path-like
        Ends in ``.onnx``.
    tolerance : float, optional
        As in :func:`check_parity`.

    Returns
    -------
    Path
        The file; it is written only after its predictions to a batch larger than the example's were found to be the
        network's.

    Raises
    ------
    InputError
        If the network has an operation that ONNX lacks, or the predictions of file and network differ.
    MissingExtraError
        If onnx, onnxscript or onnxruntime is not installed.

    Notes
    -----
    The inputs are named as torch names them: ``x`` for a tensor, ``x_input_ids`` and the like for token numbers. What
    comes out are logits; classes are in the order of ``classes_``. Time and memory are those of a few forward passes
    plus the file, which holds all weights and must stay below 2 GB.

    References
    ----------
    .. [1] ONNX: Open Neural Network Exchange. https://onnx.ai

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.handover import export_onnx
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     file = export_onnx(load_backbone("builtin"), torch.rand(2, 1, 8, 8), Path(folder) / "digits.onnx")
    ...     print(file.name)
    digits.onnx
    """
    path = _place(path, ".onnx")
    for library in ("onnx", "onnxscript", "onnxruntime"):
        _library(library)
    program, rows = _program(network, example)
    with _part(path) as part:
        with _quietly():
            try:
                made: Any = torch.onnx.export(program, dynamo=True, verbose=False)
            except Exception as error:  # the exporter raises whatever the step that failed did
                raise InputError(
                    f"network cannot be exported to ONNX ({_first(error)}); use export_program."
                ) from error
            _forget_places(made.model)
            made.save(part, external_data=False)
        check_parity(network, part, rows, tolerance=tolerance)
    return path


def export_program(network: Any, example: Any, path: str | Path, *, tolerance: float | None = None) -> Path:
    """Export a network to a torch.export program, preprocessing included, and check that the predictions agree.

    Parameters
    ----------
    network : Network, NeuralClassifier, NeuralRegressor or Result
    example : Tensor, dict of Tensor or array-like
        Some samples of raw input. The program takes any number of samples; all other sizes are those of the example.
    path : path-like
        Ends in ``.pt2``.
    tolerance : float, optional
        As in :func:`check_parity`.

    Returns
    -------
    Path
        The file; it is written only after its predictions to a batch larger than the example's were found to be the
        network's.

    Raises
    ------
    InputError
        If the network's ``forward`` cannot be traced, or the file answers otherwise than the network.

    Notes
    -----
    The file runs without landbridge: ``torch.export.load(path).module()(x)``. That call is not safe on files from
    strangers: the archive's graph is JSON and its weights plain bytes, but torch unpickles whatever else the archive
    holds, which can run code. Hand the file over through a channel whose ends trust each other, or hand over
    safetensors or ONNX. Here only the file just written is read back.

    References
    ----------
    .. [1] J. Ansel et al. PyTorch 2: faster machine learning through dynamic Python bytecode transformation and graph
       compilation. ASPLOS 2024.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from landbridge.neural.backbones import mlp_backbone
    >>> from landbridge.neural.handover import export_program
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = export_program(mlp_backbone(4, random_state=0), torch.rand(2, 4), Path(folder) / "table.pt2")
    ...     print(file.name, torch.export.load(file).module()(torch.rand(5, 4)).shape)
    table.pt2 torch.Size([5, 32])
    """
    path = _place(path, ".pt2")
    program, rows = _program(network, example)
    with _part(path) as part:
        with _quietly():
            torch.export.save(program, part)
        check_parity(network, part, rows, tolerance=tolerance)
    return path


def run_onnx(path: Path, tensors: Any) -> Any:
    """Run an ONNX file.

    Parameters
    ----------
    path : Path
    tensors : Tensor or dict of Tensor

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    onnxruntime = _library("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        raise InputError(
            f"artefact={path.name!r} cannot be run ({_first(error)}); export the network again."
        ) from error
    given = {f"x_{k}": v for k, v in tensors.items()} if isinstance(tensors, dict) else {"x": tensors}
    return session.run(None, {i.name: given[i.name].numpy() for i in session.get_inputs()})[0]


def run_program(path: Path, tensors: Any) -> Any:
    """Run an exported program that was written on this machine; see the warning in :func:`check_parity`.

    Parameters
    ----------
    path : Path
    tensors : Tensor or dict of Tensor

    Returns
    -------
    Tensor of shape (n, n_outputs)
    """
    with _quietly(), torch.no_grad():
        return torch.export.load(path).module()(tensors)


def _program(network: Any, example: Any) -> tuple[Any, Any]:
    """The traced network, without a trace of where it was traced, and a larger batch to check it with."""
    rows = tensors_of(network, example, "example")
    # With one sample the tracer takes the batch for a constant.
    traced = rows if len(Samples(rows)) > 1 else more_rows(rows)
    free = {0: torch.export.Dim.DYNAMIC}
    shapes: Any = {k: free for k in traced} if isinstance(traced, dict) else free
    with _quietly(), torch.no_grad():
        try:
            program = torch.export.export(
                for_inference(network_of(network, "network")), (traced,), dynamic_shapes=(shapes,)
            )
        except Exception as error:  # whatever a foreign forward raises when it is traced
            raise InputError(f"network cannot be exported ({_first(error)}); hand over its weights alone.") from error
    for module in program.graph_module.modules():
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            node.meta.pop("stack_trace", None)
    return program, more_rows(traced)


def _forget_places(model: Any) -> None:
    """Drop the exporter's notes, which name files of this machine."""
    graphs = [model.graph, *(f.graph for f in model.functions.values())]
    for graph in graphs:
        graph.metadata_props.clear()
        for node in graph.all_nodes():
            node.metadata_props.clear()
        for value in [*graph.inputs, *graph.outputs, *graph.initializers.values()]:
            value.metadata_props.clear()
    model.metadata_props.clear()


def _place(path: str | Path, suffix: str) -> Path:
    path = Path(path)
    if path.suffix != suffix:
        raise InputError(f"path={path.name!r} must end in {suffix}.")
    if not path.parent.is_dir():
        raise InputError(f"path: the folder {path.parent.name!r} does not exist; make it first.")
    return path


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"ONNX needs the library {name!r}; install it with: {INSTALL}") from error


@contextlib.contextmanager
def _part(path: Path) -> Iterator[Path]:
    """A name to write to; the file takes its own name only if nothing went wrong."""
    part = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporters' remarks about libraries that are not used here."""
    loggers = [logging.getLogger(n) for n in ("torch.onnx", "torch.export", "torch._export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with quiet():
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _first(error: BaseException) -> str:
    """The part of an error that says most: its innermost cause, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__
