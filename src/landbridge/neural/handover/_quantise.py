"""Quantisation to 8-bit integers for inference on the CPU."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._loop import predict_logits
from landbridge.neural._network import Network, is_folded
from landbridge.neural.handover._int8 import Int8Conv2d, Int8Linear, int8_layers, squeeze
from landbridge.neural.handover._parity import Parity, compare
from landbridge.neural.handover._reading import for_inference, network_of, tensors_of

__all__ = ["Quantised", "make_room", "quantise", "weight_bytes"]


@dataclass(frozen=True)
class Quantised:
    """Quantised network, with its size and parity.

    Parameters
    ----------
    network : Network
        For inference on the CPU; has the stages of the original.
    mode : {"dynamic", "static"}
    layers : tuple of str
        Names of the layers that were quantised.
    bytes_before, bytes_after : int
        Size of all weights and statistics, as they are stored.
    parity : Parity or None
        How the predictions differ from the original's, where samples to find out were given.
    """

    network: Network
    mode: str
    layers: tuple[str, ...]
    bytes_before: int
    bytes_after: int
    parity: Parity | None = None

    def __call__(self, x: Any) -> Tensor:
        """Compute the logits of raw samples.

        Parameters
        ----------
        x : Tensor or dict of Tensor

        Returns
        -------
        Tensor of shape (n, n_outputs)
        """
        return predict_logits(self.network, x)

    def __str__(self) -> str:
        text = (
            f"{len(self.layers)} layers in int8 ({self.mode}): {self.bytes_before} bytes before, "
            f"{self.bytes_after} after ({self.bytes_after / self.bytes_before:.0%})"
        )
        return text if self.parity is None else f"{text}; {self.parity}"


def quantise(
    network: Any, *, mode: str = "dynamic", calibration_data: Any = None, evaluation_data: Any = None
) -> Quantised:
    """Quantise a network's weights to 8-bit integers, for inference on the CPU.

    Parameters
    ----------
    network : Network, NeuralClassifier, NeuralRegressor or Result
        It is not changed.
    mode : {"dynamic", "static"}, default="dynamic"
        ``"dynamic"``: linear layers, whose inputs are scaled sample by sample as they come. ``"static"``: convolutions
        too, whose inputs' ranges are found on the samples of `calibration_data`; batch norms that follow a convolution
        are folded into it first.
    calibration_data : Tensor, dict of Tensor or array-like, optional
        Some samples like those to come, a hundred or so; needed for ``"static"``.
    evaluation_data : Tensor, dict of Tensor or array-like, optional
        Samples on which the predictions are compared, best others than `calibration_data`, which is used if None.

    Returns
    -------
    Quantised
        ``.network`` has the stages and the head of the original.

    Raises
    ------
    InputError
        If there is no layer that the mode can quantise, or samples are missing.

    Notes
    -----
    Helps where memory or the CPU's speed is short: weights shrink to a quarter, and linear layers of some hundred
    columns run several times faster. Costs a little accuracy, which `evaluation_data` tell. Hurts where a few columns
    are far larger than the rest, as they set the scale for all. Layers between stay in floating point, in 32 bits.
    Embeddings, norms and attention are left as they are, and so are convolutions in one or three dimensions and those
    with padding other than zeros.

    Weights have one scale per output. Time is that of one pass over `calibration_data` and two over `evaluation_data`.

    References
    ----------
    .. [1] B. Jacob et al. Quantization and training of neural networks for efficient integer-arithmetic-only inference.
       CVPR 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.handover import quantise
    >>> rows = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> small = quantise(load_backbone("builtin"), mode="static", calibration_data=rows)
    >>> len(small.layers), small.bytes_after < 0.4 * small.bytes_before
    (4, True)
    """
    if mode not in ("dynamic", "static"):
        raise InputError(f"mode={mode!r} is unknown; choose 'dynamic' or 'static'.")
    original = network_of(network, "network")
    if int8_layers(original):
        raise InputError("network is quantised already; quantise the original.")
    if mode == "static" and calibration_data is None:
        raise InputError(
            "calibration_data is missing; mode='static' needs some samples to find the ranges of inputs on."
        )
    known = None if calibration_data is None else tensors_of(network, calibration_data, "calibration_data")
    shown = known if evaluation_data is None else tensors_of(network, evaluation_data, "evaluation_data")
    small = for_inference(original)
    before = weight_bytes(small)
    small = small.float()
    if known is not None:
        known = _float(known)
    found = {m: n for n, m in small.named_modules() if _can(m, mode)}
    if not found:
        kinds = "linear layers" if mode == "dynamic" else "linear layers or plain convolutions in two dimensions"
        more = "; mode='static' takes convolutions too." if mode == "dynamic" else "; export it as it is."
        raise InputError(f"network has no {kinds}, so that mode={mode!r} can do nothing{more}")
    ranges: dict[nn.Module, tuple[float, float]] = {}
    if mode == "static":
        _fold(small, known)
        ranges = _ranges(small, [m for m in found if isinstance(m, nn.Conv2d)], known)
    for layer in found:
        _to_int8(layer, ranges.get(layer))
    parity = None
    if shown is not None:
        want = predict_logits(for_inference(original), shown)
        parity = compare(want, predict_logits(small, _float(shown)))
    return Quantised(small, mode, tuple(found.values()), before, weight_bytes(small), parity)


def weight_bytes(network: nn.Module) -> int:
    """Compute the stored size of a network's weights and statistics; shared tensors count once.

    Parameters
    ----------
    network : Module

    Returns
    -------
    int
    """
    tensors = {t.data_ptr(): t for t in network.state_dict().values() if t.numel()}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def make_room(network: nn.Module, names: Iterable[str], weights: Container[str]) -> None:
    """Replace layers by quantised ones, whose weights are loaded afterwards.

    Parameters
    ----------
    network : Module
        As it was before it was quantised; it is changed.
    names : iterable of str
        Of the layers in whole numbers.
    weights : container of str
        Names of the weights that are to be filled in, by which folded batch norms are known.
    """
    names = list(names)
    for name in names:
        layer: Any = network.get_submodule(name)
        if layer.bias is None and f"{name}.bias" in weights:
            layer.bias = nn.Parameter(torch.zeros(len(layer.weight)), requires_grad=False)
        _to_int8(layer, (-1.0, 1.0))
    for name, norm in network.named_modules():
        if names and isinstance(norm, nn.BatchNorm2d) and f"{name}.weight" not in weights:
            _drop_affine(norm)


def _drop_affine(norm: Any) -> None:
    norm.weight = norm.bias = None


def _float(tensors: Any) -> Any:
    def one(t: Tensor) -> Tensor:
        return t.float() if t.is_floating_point() else t

    return {k: one(v) for k, v in tensors.items()} if isinstance(tensors, dict) else one(tensors)


def _can(module: nn.Module, mode: str) -> bool:
    if type(module) is nn.Linear:
        return True
    plain = type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return plain and mode == "static"


def _to_int8(layer: Any, between: tuple[float, float] | None) -> None:
    kind = type(layer)
    squeeze(layer, Int8Linear if kind is nn.Linear else Int8Conv2d)
    if kind is nn.Conv2d:
        layer.set_range(*(between or (0.0, 0.0)))


def _fold(network: Network, rows: Any) -> None:
    """Fold each batch norm into the convolution before it, wherever the one takes just what the other gives."""
    given: dict[int, tuple[nn.Module, Tensor]] = {}
    pairs: dict[nn.Module, nn.Module] = {}
    uses: dict[nn.Module, int] = {}

    def said(module: nn.Module, args: Any, output: Tensor) -> None:
        given[id(output)] = (module, output)  # the tensor is kept, so that its id is not given away again
        uses[module] = uses.get(module, 0) + 1

    def takes(module: nn.Module, args: Any) -> None:
        if args and id(args[0]) in given:
            pairs[given[id(args[0])][0]] = module
        uses[module] = uses.get(module, 0) + 1

    handles = []
    for m in network.modules():
        if type(m) is nn.Conv2d:
            handles.append(m.register_forward_hook(said))
        elif type(m) is nn.BatchNorm2d and not is_folded(m):
            handles.append(m.register_forward_pre_hook(takes))
    first = _some(rows, 8)
    try:
        before = predict_logits(network, first)
    finally:
        for handle in handles:
            handle.remove()
    for conv, norm in pairs.items():
        if uses[conv] == uses[norm] == 1 and norm.running_var is not None:
            kept = _fold_pair(conv, norm)
            # What the convolution gives may go elsewhere as well; then the predictions change, and it is undone.
            if not compare(before, predict_logits(network, first)).largest <= 1e-4 * max(
                1.0, float(before.abs().max())
            ):
                conv.weight, conv.bias = kept[0], kept[1]
                norm.weight, norm.bias, norm.running_mean, norm.running_var = kept[2:]


def _fold_pair(conv: Any, norm: Any) -> tuple[Any, ...]:
    kept = (conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var)
    with torch.no_grad():
        grow = (norm.running_var + norm.eps).rsqrt()
        if norm.weight is not None:
            grow = grow * norm.weight
        shift = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
        shift = shift * grow if norm.bias is None else shift * grow + norm.bias
        conv.weight = nn.Parameter(conv.weight * grow.view(-1, 1, 1, 1), requires_grad=False)
        conv.bias = nn.Parameter(shift, requires_grad=False)
        # What is left of the norm does nothing; it stays, for a foreign forward may call it.
        norm.weight = norm.bias = None
        norm.running_mean = torch.zeros_like(norm.running_mean)
        norm.running_var = torch.full_like(norm.running_var, 1.0 - norm.eps)
    return kept


def _ranges(network: Network, layers: list[Any], rows: Any) -> dict[nn.Module, tuple[float, float]]:
    """Least and largest input of each layer; nothing for layers that never ran."""
    ranges: dict[nn.Module, tuple[float, float]] = {}

    def look(module: nn.Module, args: Any) -> None:
        low, high = ranges.get(module, (0.0, 0.0))
        ranges[module] = (min(low, float(args[0].min())), max(high, float(args[0].max())))

    handles = [m.register_forward_pre_hook(look) for m in layers]
    try:
        predict_logits(network, rows)
    finally:
        for handle in handles:
            handle.remove()
    return {m: ranges.get(m, (0.0, 0.0)) for m in layers}


def _some(rows: Any, n: int) -> Any:
    return {k: v[:n] for k, v in rows.items()} if isinstance(rows, dict) else rows[:n]
