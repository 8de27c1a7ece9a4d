"""Random flips and crops of images, in which the masks move with the images."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from landbridge.exceptions import InputError
from landbridge.neural._checks import SHARE
from landbridge.neural._method import Method

__all__ = ["MapAugmentation"]


class MapAugmentation(Method):
    """Random horizontal flip and random crop of images, and of their masks with them.

    Parameters
    ----------
    flip : bool, default=True
        False where left and right differ.
    smallest : float, default=0.5
        Least height and width of a crop, as a share of the image's.
    size : tuple of int, optional
        Height and width that crops are brought to; smaller ones make training faster. If None, those of the image.

    Notes
    -----
    Helps most with few labelled images. Hurts where the place in the image tells the class. Costs O(pixels) per batch.

    References
    ----------
    .. [1] H. Zhao, J. Shi, X. Qi, X. Wang, J. Jia. Pyramid scene parsing network. CVPR 2017.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import MapAugmentation
    >>> image = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> x, y = MapAugmentation(smallest=1.0).transform(image, image[:, 0], torch.Generator().manual_seed(0))
    >>> torch.equal(x[:, 0], y)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "flip": ["boolean"],
        "smallest": SHARE,
        "size": [tuple, list, None],
    }

    def __init__(self, flip: bool = True, *, smallest: float = 0.5, size: Any = None) -> None:
        self.flip = flip
        self.smallest = smallest
        self.size = size

    def transform(self, inputs: Any, labels: Any, generator: torch.Generator) -> tuple[Any, Any]:
        if not isinstance(inputs, Tensor) or inputs.ndim != 4:
            raise InputError("MapAugmentation changes images of one size; give a tensor (n, channels, height, width).")
        has_masks = isinstance(labels, Tensor) and labels.ndim == 3
        images, masks = [], []
        for i in range(len(inputs)):
            image, mask = inputs[i], labels[i] if has_masks else None
            draws = torch.rand(4, generator=generator).tolist()
            image = self._changed(image, draws, "bilinear")
            images.append(image)
            if mask is not None:
                masks.append(self._changed(mask.unsqueeze(0), draws, "nearest-exact")[0])
        return torch.stack(images), torch.stack(masks) if has_masks else labels

    def _changed(self, image: Tensor, draws: list[float], mode: str) -> Tensor:
        height, width = image.shape[-2:]
        if self.flip and draws[0] < 0.5:
            image = image.flip(-1)
        share = self.smallest + (1.0 - self.smallest) * draws[1]
        high, wide = max(1, round(share * height)), max(1, round(share * width))
        size = (height, width) if self.size is None else (int(self.size[0]), int(self.size[1]))
        if (high, wide) == (height, width) == size:
            return image
        top, left = int(draws[2] * (height - high + 1)), int(draws[3] * (width - wide + 1))
        cut = image[None, :, top : top + high, left : left + wide]
        options: dict[str, Any] = {"mode": mode} if mode == "nearest-exact" else {"mode": mode, "align_corners": False}
        changed = F.interpolate(cut.float(), size, **options)[0]
        return changed.round().to(image.dtype) if not image.is_floating_point() else changed.to(image.dtype)
