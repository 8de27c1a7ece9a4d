"""Image augmentation by kornia, reproducible from a generator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._random import seeded

__all__ = ["ImageAugmentation"]


class ImageAugmentation:
    """Image augmentation: random flips, crops, rotations and colour changes, on the images' device.

    Parameters
    ----------
    intensity : {"light", "strong"}, default="light"
        Light flips and crops; strong also turns, colours and erases.
    flip : bool, default=True
        False where left and right differ, as in digits and letters.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.backbones import ImageAugmentation
    >>> change = ImageAugmentation()
    >>> change(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 16, 16])
    """

    def __init__(self, intensity: str = "light", flip: bool = True) -> None:
        if intensity not in ("light", "strong"):
            raise InputError(f"intensity={intensity!r} is unknown; choose 'light' or 'strong'.")
        self.intensity, self.flip = intensity, flip
        self._chain: Any = None
        self._size: tuple[int, int] = (0, 0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Augment a batch of images.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)
            Stored pixels, bytes or floats of any range.
        generator : torch.Generator
            Where the random numbers come from; the global generator is not changed.

        Returns
        -------
        Tensor of floats, shape (n, channels, height, width)
            In the range of `x`.
        """
        if self._chain is None or self._size != tuple(x.shape[-2:]):
            self._size = (int(x.shape[-2]), int(x.shape[-1]))
            self._chain = self._build(int(x.shape[1]))
        # The brightest pixel stays a tensor: reading it would make the device wait.
        top = torch.tensor(255.0) if x.dtype == torch.uint8 else x.amax().clamp_min(1e-12)
        shares = x / top
        devices = [x.device] if x.device.type == "cuda" else []
        with seeded(int(torch.randint(2**62, (1,), generator=generator)), devices):
            return self._chain(shares).clamp(0.0, 1.0) * top

    def _build(self, channels: int) -> Any:
        import kornia.augmentation as K

        parts: list[Any] = [K.RandomResizedCrop(self._size, scale=(0.6, 1.0), ratio=(0.8, 1.25))]
        if self.flip:
            parts.append(K.RandomHorizontalFlip())
        if self.intensity == "strong":
            parts.append(K.RandomAffine(20.0, translate=(0.1, 0.1), p=0.8))
            parts.append(K.ColorJiggle(0.3, 0.3, 0.3, 0.05, p=0.8) if channels == 3 else K.RandomBrightness((0.7, 1.3)))
            parts.append(K.RandomErasing(scale=(0.02, 0.15), p=0.5))
        return K.AugmentationSequential(*parts, data_keys=["input"])
