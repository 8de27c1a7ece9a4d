"""Strong image augmentation: random crops, rotations, colours and erasures."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import StrOptions
from landbridge.exceptions import InputError
from landbridge.neural._method import Method
from landbridge.neural.backbones._augment import ImageAugmentation

__all__ = ["StrongAugmentation"]


class StrongAugmentation(Method):
    """Strong image augmentation: random changes of the images in each step.

    Parameters
    ----------
    intensity : {"light", "strong"}, default="strong"
        Light flips and crops; strong also turns, colours and erases.
    flip : bool, default=True
        False where left and right differ, as in digits and letters.

    Notes
    -----
    Helps with few labelled images and long training. Hurts where what is changed carries the class: colours of birds,
    sides of the body. Images only. Features of frozen stages cannot be computed once.

    References
    ----------
    .. [1] E. Cubuk, B. Zoph, J. Shlens, Q. Le. RandAugment: practical automated data augmentation with a reduced search
       space. NeurIPS 2020.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.parameter import StrongAugmentation
    >>> images, labels = torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.tensor([0, 1])
    >>> StrongAugmentation().transform(images, labels, torch.Generator().manual_seed(0))[0].shape
    torch.Size([2, 3, 16, 16])
    """

    method_tags = MethodTags(
        "parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}), requires=("kornia",)
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "intensity": [StrOptions({"light", "strong"})],
        "flip": ["boolean"],
    }

    cacheable = False

    def __init__(self, intensity: str = "strong", *, flip: bool = True) -> None:
        self.intensity = intensity
        self.flip = flip

    def transform(self, inputs: Any, labels: Any, generator: torch.Generator) -> tuple[Any, Any]:
        if not isinstance(inputs, torch.Tensor) or inputs.ndim != 4:
            raise InputError("StrongAugmentation changes images; give images of shape (n, height, width[, channels]).")
        if not hasattr(self, "_change"):
            self._change = ImageAugmentation(self.intensity, self.flip)
        return self._change(inputs, generator), labels
