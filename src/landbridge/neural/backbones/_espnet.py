"""ESPNet: a small network for pixels of street scenes, with pyramids of dilated convolutions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge._checks import check_count
from landbridge.exceptions import InputError, ReadError
from landbridge.neural._random import seeded
from landbridge.neural.backbones._segmenter import Segmenter

__all__ = ["CITYSCAPES", "PyramidState", "espnet", "load_espnet"]

# The training classes of Cityscapes, and pixels that are none of them.
CITYSCAPES = tuple(
    "road sidewalk building wall fence pole traffic_light traffic_sign vegetation terrain sky person rider car truck "
    "bus train motorcycle bicycle void".split()
)
# Blue, green and red of Cityscapes; the published network divides by 255 last.
MEAN, STD = (72.39, 82.91, 73.16), (45.32, 46.15, 44.91)
DILATIONS = (1, 2, 4, 8, 16)
EPS = 1e-3
# What the published tensors are called, and their modules here; the first that fits is used.
PLACES = (
    (r"encoder\.level1\.conv\.", "level1.convolution."),
    (r"encoder\.level1\.(bn|act)\.", r"level1.norm.\1."),
    (r"encoder\.b1\.", "level1.joined."),
    (r"encoder\.level([23])_0\.(bn|act)\.", r"level\1.halve.norm.\2."),
    (r"encoder\.level([23])_0\.", r"level\1.halve."),
    (r"encoder\.level([23])\.(\d+)\.bn\.", r"level\1.blocks.\2.norm."),
    (r"encoder\.level([23])\.(\d+)\.", r"level\1.blocks.\2."),
    (r"encoder\.b([23])\.", r"level\1.joined."),
    (r"encoder\.classifier\.conv\.", "decoder.deep."),
    (r"br\.", "decoder.deep_norm."),
    (r"up_l3\.0\.", "decoder.deep_up."),
    (r"level3_C\.conv\.", "decoder.middle."),
    (r"combine_l2_l3\.0\.", "decoder.joined."),
    (r"combine_l2_l3\.1\.bn\.", "decoder.block.norm."),
    (r"combine_l2_l3\.1\.", "decoder.block."),
    (r"up_l2\.0\.", "decoder.middle_up."),
    (r"up_l2\.1\.", "decoder.middle_norm."),
    (r"conv\.conv\.", "decoder.shallow."),
    (r"conv\.", "decoder.shallow_norm."),
    (r"classifier\.", "head."),
)
BRANCHES = {"c1.conv.": "reduce.", **{f"d{d}.conv.": f"branches.{i}." for i, d in enumerate(DILATIONS)}}


@dataclass
class PyramidState:
    """Output of a stage, with the finer maps that later stages take.

    Parameters
    ----------
    hidden : Tensor of shape (n, channels, height, width)
    halves : Tensor
        Map of the first level, at half the size of the image.
    quarters : Tensor
        Image, and later the map of the second level, at a quarter of the size.
    """

    hidden: Tensor
    halves: Tensor
    quarters: Tensor


class _Norm(nn.Module):
    """Batch norm, and a rectifier with one learned slope per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(width, eps=EPS)
        self.act = nn.PReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(x))


class _Pyramid(nn.Module):
    """Efficient spatial pyramid: reduce the channels, convolve at several dilations, sum and join.

    Dilated maps are summed one after another before they are joined, without which neighbouring pixels would come from
    grids that do not touch. With `stride` 2 the reduction is a 3 x 3 convolution that halves the map.
    """

    def __init__(self, width: int, wider: int, *, stride: int = 1, residual: bool = False) -> None:
        super().__init__()
        narrow = wider // len(DILATIONS)
        rest = wider - narrow * (len(DILATIONS) - 1)
        kernel = 1 if stride == 1 else 3
        self.residual = residual
        self.reduce = nn.Conv2d(width, narrow, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.branches = nn.ModuleList(
            nn.Conv2d(narrow, rest if d == 1 else narrow, 3, padding=d, dilation=d, bias=False) for d in DILATIONS
        )
        self.norm = _Norm(wider)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        undilated, *dilated = (branch(reduced) for branch in self.branches)
        parts = [undilated]
        total: Tensor | None = None
        for y in dilated:
            total = y if total is None else total + y
            parts.append(total)
        joined = torch.cat(parts, 1)
        return self.norm(x + joined if self.residual else joined)


class _Level1(nn.Module):
    """A convolution that halves the image, joined with the halved image."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.norm = _Norm(16)
        self.joined = _Norm(19)

    def forward(self, x: Tensor) -> PyramidState:
        if x.shape[-2] % 8 or x.shape[-1] % 8:
            raise InputError(
                f"images have {x.shape[-2]} x {x.shape[-1]} pixels; ESPNet takes multiples of 8: resize or pad them."
            )
        halves = self.norm(self.convolution(x))
        half_image = F.avg_pool2d(x, 3, stride=2, padding=1)
        quarter_image = F.avg_pool2d(half_image, 3, stride=2, padding=1)
        return PyramidState(self.joined(torch.cat([halves, half_image], 1)), halves, quarter_image)


class _Level(nn.Module):
    """A pyramid that halves the map, and residual ones; their input and output are joined, and the image if given."""

    def __init__(self, width: int, wider: int, n_blocks: int, image: int) -> None:
        super().__init__()
        self.halve = _Pyramid(width, wider, stride=2)
        self.blocks = nn.ModuleList(_Pyramid(wider, wider, residual=True) for _ in range(n_blocks))
        self.with_image = image > 0
        self.joined = _Norm(2 * wider + image)

    def forward(self, state: PyramidState) -> PyramidState:
        first = x = self.halve(state.hidden)
        for block in self.blocks:
            x = block(x)
        if self.with_image:
            x = self.joined(torch.cat([x, first, state.quarters], 1))
            return PyramidState(x, state.halves, x)
        return PyramidState(self.joined(torch.cat([first, x], 1)), state.halves, state.quarters)


class _Decoder(nn.Module):
    """Maps of the three levels, each with one channel per class, doubled in size and joined with the finer one."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(256, n_classes, 1, bias=False)
        self.deep_norm = nn.BatchNorm2d(n_classes, eps=EPS)
        self.deep_up = nn.ConvTranspose2d(n_classes, n_classes, 2, stride=2, bias=False)
        self.middle = nn.Conv2d(131, n_classes, 1, bias=False)
        self.joined = _Norm(2 * n_classes)
        self.block = _Pyramid(2 * n_classes, n_classes)
        self.middle_up = nn.ConvTranspose2d(n_classes, n_classes, 2, stride=2, bias=False)
        self.middle_norm = _Norm(n_classes)
        self.shallow = nn.Conv2d(16 + n_classes, n_classes, 3, padding=1, bias=False)
        self.shallow_norm = _Norm(n_classes)

    def forward(self, state: PyramidState) -> PyramidState:
        deep = self.deep_up(self.deep_norm(self.deep(state.hidden)))
        middle = self.block(self.joined(torch.cat([self.middle(state.quarters), deep], 1)))
        middle = self.middle_norm(self.middle_up(middle))
        x = self.shallow_norm(self.shallow(torch.cat([middle, state.halves], 1)))
        return PyramidState(x, state.halves, state.quarters)


def espnet(n_classes: int = 20, *, p: int = 2, q: int = 8, generator: torch.Generator | None = None) -> Segmenter:
    """Make an ESPNet with new weights.

    Parameters
    ----------
    n_classes : int, default=20
        Of the decoder's maps and of the head; at least 5.
    p, q : int, default=2, 8
        Numbers of residual blocks at a quarter and at an eighth of the size.
    generator : torch.Generator, optional
        Of the new weights. If None, they are drawn with the seed 0.

    Returns
    -------
    Segmenter
        With the stages ``"level1"``, ``"level2"``, ``"level3"`` and ``"decoder"``; the head doubles the size to that of
        the image. In eval mode.

    Raises
    ------
    InputError
        If a number is not valid.

    Notes
    -----
    368,000 weights with 20 classes. Time and memory grow with the number of pixels.

    References
    ----------
    .. [1] S. Mehta, M. Rastegari, A. Caspi, L. Shapiro, H. Hajishirzi. ESPNet: efficient spatial pyramid of dilated
       convolutions for semantic segmentation. ECCV 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.backbones._espnet import espnet
    >>> net = espnet(5, p=1, q=1)
    >>> list(net.stages), net.logits(torch.zeros(1, 3, 16, 24)).shape
    (['level1', 'level2', 'level3', 'decoder'], torch.Size([1, 5, 16, 24]))
    """
    check_count("n_classes", n_classes, len(DILATIONS))
    check_count("p", p)
    check_count("q", q)
    seed = 0 if generator is None else int(torch.randint(2**31 - 1, (), generator=generator))
    with seeded(seed):
        stages: dict[str, nn.Module] = {
            "level1": _Level1(),
            "level2": _Level(19, 64, p, image=3),
            "level3": _Level(131, 128, q, image=0),
            "decoder": _Decoder(n_classes),
        }
        head = nn.ConvTranspose2d(n_classes, n_classes, 2, stride=2, bias=False)
    classes = CITYSCAPES if n_classes == len(CITYSCAPES) else tuple(f"class_{i}" for i in range(n_classes))
    scale = (STD[0] * 255.0, STD[1] * 255.0, STD[2] * 255.0)
    return Segmenter(stages, head, n_classes, classes, MEAN, scale, reverse=True, multiple=8).eval()


def load_espnet(path: str | Path) -> Segmenter:
    """Load an ESPNet with its decoder from the published tensors.

    Parameters
    ----------
    path : path-like
        A ``.safetensors`` file.

    Returns
    -------
    Segmenter
        In eval mode.

    Raises
    ------
    ReadError
        If the file cannot be read.
    InputError
        If its tensors are not those of an ESPNet with a decoder.

    References
    ----------
    .. [1] S. Mehta, M. Rastegari, A. Caspi, L. Shapiro, H. Hajishirzi. ESPNet: efficient spatial pyramid of dilated
       convolutions for semantic segmentation. ECCV 2018.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ReadError(f"{str(path)!r} cannot be read ({error}); give a safetensors file.") from error
    if "classifier.weight" not in weights or "encoder.level1.conv.weight" not in weights:
        raise InputError(f"{str(path)!r} holds no ESPNet with a decoder; give the tensors of one.")
    p, q = (len({k.split(".")[2] for k in weights if k.startswith(f"encoder.level{n}.")}) for n in (2, 3))
    made = espnet(weights["classifier.weight"].shape[1], p=p, q=q)
    state = {_place(key): value.float() for key, value in weights.items()}
    whole = nn.ModuleDict({**made.stages, "head": made.head})
    own = whole.state_dict()
    # Counts of batches, which prediction does not use, are not among the published tensors.
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    if odd := [*missing, *(k for k in state if k not in own or state[k].shape != own[k].shape)]:
        raise InputError(
            f"{str(path)!r} does not fit ESPNet at {odd[0]} and {len(odd) - 1} other tensors; give another."
        )
    whole.load_state_dict({**own, **state})
    return made.eval()


def _place(key: str) -> str:
    """Return the name that a published tensor has here."""
    for pattern, place in PLACES:
        found, n = re.subn("^" + pattern, place, key)
        if n:
            for theirs, ours in BRANCHES.items():
                found = found.replace(theirs, ours)
            return found
    return key
