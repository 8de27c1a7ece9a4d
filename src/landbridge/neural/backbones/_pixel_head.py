"""Head of a network that was trained to classify pixels, which is carried to other classes by their names."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.exceptions import InputError
from landbridge.neural._network import batch_norms, is_folded
from landbridge.neural._random import seeded

__all__ = ["PixelHead", "match_classes"]

# What data sets call the same class: Cityscapes, CamVid, Pascal VOC and COCO.
SYNONYMS = (
    *(("sidewalk", "pavement"), ("vegetation", "tree"), ("person", "pedestrian"), ("trafficsign", "signsymbol")),
    *(("rider", "bicyclist"), ("aeroplane", "airplane"), ("motorbike", "motorcycle"), ("sofa", "couch")),
    *(("diningtable", "table"), ("tvmonitor", "tv"), ("void", "background")),
)
# Score of a class that a network does not know; small enough for half precision.
NEVER = -1e4


def match_classes(known: Sequence[str], wanted: Sequence[str]) -> dict[int, int]:
    """Find classes of equal or synonymous name.

    Parameters
    ----------
    known, wanted : sequence of str
        Upper and lower case, blanks and underscores make no difference.

    Returns
    -------
    dict of int to int
        The number among the known classes for each wanted class that is among them.

    Examples
    --------
    >>> from landbridge.neural.backbones._pixel_head import match_classes
    >>> match_classes(["road", "Traffic Sign", "sky"], ["sky", "sign_symbol", "boat"])
    {0: 2, 1: 1}
    """
    plain = {_plain(name): i for i, name in reversed(list(enumerate(known))) if name}
    other = {a: b for pair in SYNONYMS for a, b in (pair, pair[::-1])}
    found = {}
    for i, name in enumerate(wanted):
        key = _plain(name)
        number = plain.get(key, plain.get(other.get(key, "")))
        if number is not None:
            found[i] = number
    return found


class PixelHead(nn.Module):
    """Trained layers that give one score per class and pixel.

    Parameters
    ----------
    layers : Module
        Of a feature map. The last convolution has one output per class.
    classes : sequence of str
    known : sequence of str, optional
        Classes whose weights come from training. If None, all. Others are never predicted where `closed`.
    closed : bool, default=False

    Attributes
    ----------
    classes : tuple of str
    kept : tuple of str
        Classes that were carried over from an earlier head.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from landbridge.neural.backbones._pixel_head import PixelHead
    >>> head = PixelHead(nn.Conv2d(4, 2, 1), ["road", "sky"]).for_classes(["sky", "tree", "road"])
    >>> head(torch.zeros(1, 4, 2, 2), size=(8, 8)).shape, head.kept
    (torch.Size([1, 3, 8, 8]), ('sky', 'road'))
    """

    takes = "map"
    sized = True

    def __init__(
        self, layers: nn.Module, classes: Sequence[str], known: Sequence[str] | None = None, closed: bool = False
    ) -> None:
        super().__init__()
        self.layers, self.classes, self.closed = layers, tuple(classes), closed
        self.kept = self.classes if known is None else tuple(known)
        self._folded = [m for m in batch_norms(layers) if is_folded(m)]
        if _last(layers, len(self.classes))[1].out_channels != len(self.classes):
            raise InputError(f"classes has {len(self.classes)} names; the head has other outputs.")

    def train(self, mode: bool = True) -> Self:
        """Set train mode, except of batch norms whose statistics were folded into the layer before.

        Parameters
        ----------
        mode : bool, default=True

        Returns
        -------
        self
        """
        super().train(mode)
        for norm in self._folded:
            norm.eval()
        return self

    def reset_parameters(self) -> None:
        """Forget which statistics were folded, before the layers get new weights."""
        self._folded = []

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Compute the scores of each pixel.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)
        size : tuple of int, optional
            Height and width of the result, by bilinear interpolation. If None, as the layers give it.

        Returns
        -------
        Tensor of shape (n, n_classes, height, width)
        """
        scores: Tensor = self.layers(x)
        if self.closed and (missing := [i for i, c in enumerate(self.classes) if c not in self.kept]):
            scores = scores.index_fill(1, torch.tensor(missing, device=scores.device), NEVER)
        if size is None or scores.shape[-2:] == size:
            return scores
        return F.interpolate(scores, size, mode="bilinear", align_corners=False)

    def for_classes(self, classes: Sequence[str], *, closed: bool = False, seed: int = 0) -> PixelHead:
        """Make a head for other classes; those of the same name keep their weights.

        Parameters
        ----------
        classes : sequence of str
        closed : bool, default=False
            Whether classes without such weights are never predicted, as before any training.
        seed : int, default=0
            Of the weights of the other classes.

        Returns
        -------
        PixelHead
        """
        # Of a closed head the other classes have no weights that were ever trained.
        known = [c if c in self.kept or not self.closed else "" for c in self.classes]
        matches = match_classes(known, classes)
        layers = copy.deepcopy(self.layers)
        place, old = _last(layers, len(self.classes))
        with seeded(seed), torch.no_grad():
            new = type(old)(
                old.in_channels,
                len(classes),
                old.kernel_size,
                stride=old.stride,
                padding=old.padding,
                dilation=old.dilation,
                bias=old.bias is not None,
            ).to(old.weight)
            axis = 1 if isinstance(old, nn.ConvTranspose2d) else 0
            for mine, theirs in matches.items():
                new.weight.select(axis, mine).copy_(old.weight.select(axis, theirs))
                if old.bias is not None:
                    new.bias[mine] = old.bias[theirs]
        if place:
            parent, _, name = place.rpartition(".")
            setattr(layers.get_submodule(parent), name, new)
        else:
            layers = new
        return PixelHead(layers, classes, [classes[i] for i in matches], closed)


def _last(layers: nn.Module, n_classes: int) -> tuple[str, Any]:
    """Return name and module of the last convolution that has an output per class."""
    convolutions = [(n, m) for n, m in layers.named_modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    fitting = [(n, m) for n, m in convolutions if m.out_channels == n_classes]
    if not fitting:
        raise InputError(f"the head has no convolution with {n_classes} outputs, one per class.")
    return fitting[-1]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", str(name)).casefold()
