"""Layers with 8-bit integer arithmetic, on the CPU."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Int8Conv2d", "Int8Linear", "int8_layers", "quantise_rows", "squeeze"]


def quantise_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Quantise each row to integers from -127 to 127 times its own scale.

    :math:`q = \mathrm{round}(x / s)` with :math:`s = \max |x| / 127`, sample by sample (equations 2 and 3 of [1]_
    without a zero point).

    Parameters
    ----------
    x : Tensor of shape (n, d)

    Returns
    -------
    q : Tensor of int8, shape (n, d)
    scale : Tensor of shape (n, 1)
        1 for samples of zeros.

    References
    ----------
    .. [1] B. Jacob et al. Quantization and training of neural networks for efficient integer-arithmetic-only inference.
       CVPR 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.handover import quantise_rows
    >>> q, scale = quantise_rows(torch.tensor([[254.0, -127.0, 0.0]]))
    >>> q.tolist(), scale.tolist()
    ([[127, -64, 0]], [[2.0]])
    """
    scale = x.abs().amax(dim=1, keepdim=True) / 127.0
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.round(x / scale).to(torch.int8), scale


class Int8Linear(nn.Linear):
    """Linear layer with int8 weights, one scale per output; inputs are scaled per sample.

    Made from an ``nn.Linear`` by :func:`quantise`. A sample's prediction does not depend on the other samples of its
    batch.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool, default=True
    """

    q: Tensor
    scale: nn.Parameter

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        squeeze(self, Int8Linear)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply integers, then apply the scales.

        Parameters
        ----------
        x : Tensor of shape (..., in_features)

        Returns
        -------
        Tensor of shape (..., out_features)
        """
        flat = x.reshape(-1, x.shape[-1])
        rows, scale = quantise_rows(flat.to(self.scale.dtype))
        if torch.compiler.is_exporting():  # in operations that every runtime knows
            total = F.linear(rows.to(self.scale.dtype), self.q.to(self.scale.dtype))
        elif _whole_products_are_exact():
            total = torch._int_mm(rows, self.q.t()).to(self.scale.dtype)
        else:
            total = (rows.double() @ self.q.t().double()).to(self.scale.dtype)
        y = total * (scale * self.scale)
        if self.bias is not None:
            y = y + self.bias
        return y.reshape(*x.shape[:-1], -1).to(x.dtype)

    def __getattr__(self, name: str) -> Any:
        return (
            _dequantised(self) if name == "weight" and "q" in self.__dict__["_buffers"] else super().__getattr__(name)
        )


class Int8Conv2d(nn.Conv2d):
    """Convolution with int8 weights, one scale per channel; the input range is calibrated in advance.

    Made from an ``nn.Conv2d`` by :func:`quantise`.

    Parameters
    ----------
    *args, **kwargs
        As for ``nn.Conv2d``.
    """

    q: Tensor
    scale: nn.Parameter
    step: Tensor
    zero: Tensor
    _range: tuple[float, int]
    _packed: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        squeeze(self, Int8Conv2d)
        self.set_range(-1.0, 1.0)

    def set_range(self, low: float, high: float) -> None:
        """Set the range of the inputs; values outside are clipped.

        Parameters
        ----------
        low, high : float
        """
        low, high = min(low, 0.0), max(high, 0.0)  # zero, with which edges are padded, must be met exactly
        step = (high - low) / 255.0 or 1.0
        self.register_buffer("step", torch.tensor(step, dtype=torch.float64))
        self.register_buffer("zero", torch.tensor(min(255, max(0, round(-low / step))), dtype=torch.int64))
        self._know_range()

    def forward(self, x: Tensor) -> Tensor:
        """Multiply integers, then apply the scales.

        Parameters
        ----------
        x : Tensor of shape (n, in_channels, height, width)

        Returns
        -------
        Tensor of shape (n, out_channels, height, width)
        """
        if torch.compiler.is_exporting():
            step, zero, weights = *self._range, None
        else:
            step, zero, weights = self._packed or self._pack()
        whole = torch.clamp(torch.round(x / step) + zero, 0, 255)
        stride, padding, dilation = list(self.stride), [int(p) for p in self.padding], list(self.dilation)
        if weights is None:
            y = F.conv2d(whole.float() - zero, self.q.float(), None, stride, padding, dilation, self.groups)
            y = y * (step * self.scale.view(-1, 1, 1))
            return (y if self.bias is None else y + self.bias.view(-1, 1, 1)).to(x.dtype)
        zeros = torch.zeros(self.out_channels, dtype=torch.int64)
        return torch.ops.onednn.qconv_pointwise(
            *(whole.to(torch.uint8), step, zero, weights, self.scale.detach().float(), zeros),
            *(None if self.bias is None else self.bias.detach().float(), stride, padding, dilation, self.groups),
            *(1.0, 0, torch.float32, "none", [], ""),
        ).to(x.dtype)

    def _know_range(self) -> None:
        self._range, self._packed = (float(self.step), int(self.zero)), None

    def _pack(self) -> tuple[float, int, Any]:
        """Lay the weights out as the kernel reads them; None where there is no kernel that is exact."""
        (step, zero), weights = self._range, None
        if _whole_convolutions_are_exact():
            stride, padding, dilation = list(self.stride), [int(p) for p in self.padding], list(self.dilation)
            weights = torch.ops.onednn.qconv_prepack(
                self.q, self.scale.detach().float(), step, zero, stride, padding, dilation, self.groups, None
            )
        self._packed = (step, zero, weights)
        return self._packed

    def __getattr__(self, name: str) -> Any:
        return (
            _dequantised(self) if name == "weight" and "q" in self.__dict__["_buffers"] else super().__getattr__(name)
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": None}  # the layout belongs to this machine

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._know_range()


def int8_layers(network: nn.Module) -> tuple[str, ...]:
    """List the names of the quantised layers.

    Parameters
    ----------
    network : Module

    Returns
    -------
    tuple of str
    """
    return tuple(n for n, m in network.named_modules() if isinstance(m, Int8Linear | Int8Conv2d))


def squeeze(layer: Any, kind: type) -> None:
    """Change a layer in place, so that whoever holds it (a stage, a foreign model's forward) has the new one.

    Parameters
    ----------
    layer : Linear or Conv2d
    kind : {Int8Linear, Int8Conv2d}
    """
    weight = layer.weight.detach()
    q, scale = quantise_rows(weight.reshape(len(weight), -1))
    del layer.weight
    layer.__class__ = kind
    layer.register_buffer("q", q.reshape(weight.shape))
    # A parameter, so that the network still says by its parameters on what device and in what precision it computes.
    layer.scale = nn.Parameter(scale.flatten(), requires_grad=False)


def _dequantised(layer: Any) -> Tensor:
    """The weights as floating-point numbers, for a foreign forward that looks at them."""
    return layer.q.to(layer.scale.dtype) * layer.scale.view(-1, *[1] * (layer.q.ndim - 1))


@functools.cache
def _whole_products_are_exact() -> bool:
    """Whether the kernel for products of bytes is there and does not overflow within, found out by trying."""
    a = torch.full((32, 64), 127, dtype=torch.int8)
    try:
        return bool((torch._int_mm(a, -a.t().contiguous()[:, :16]) == -127 * 127 * 64).all())
    except (AttributeError, RuntimeError):
        return False


@functools.cache
def _whole_convolutions_are_exact() -> bool:
    """Whether the kernel for convolutions of bytes is there and does not overflow within, found out by trying."""
    x = torch.full((2, 16, 5, 5), 255, dtype=torch.uint8)
    q = torch.full((16, 16, 3, 3), -127, dtype=torch.int8)
    one, ones = [1, 1], torch.ones(16)
    try:
        packed = torch.ops.onednn.qconv_prepack(q, ones, 1.0, 0, one, [0, 0], one, 1, None)
        y = torch.ops.onednn.qconv_pointwise(
            *(x, 1.0, 0, packed, ones, torch.zeros(16, dtype=torch.int64), None, one, [0, 0], one, 1),
            *(1.0, 0, torch.float32, "none", [], ""),
        )
    except (AttributeError, RuntimeError):
        return False
    return bool((y == -127.0 * 255 * 144).all())
