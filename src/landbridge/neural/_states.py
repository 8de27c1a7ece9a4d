"""What the stages hand to a head: vectors of positions with a mask, feature maps, and the maps of all stages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from landbridge.exceptions import InputError

__all__ = ["DECODER", "Features", "as_map", "as_pyramid", "as_tokens", "raw_size", "without_decoder"]

# Inputs whose names begin so go to a head that takes "decoder", not to the stages.
DECODER = "decoder_"


@dataclass
class Features:
    """One vector per position of each sample, and which positions are there.

    Parameters
    ----------
    hidden : Tensor of shape (n, time, width)
    mask : Tensor of bool, shape (n, time), or None
        False for padding. None where nothing is padded.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import Features
    >>> Features(torch.zeros(2, 5, 8)).places().shape
    torch.Size([2, 5])
    """

    hidden: Tensor
    mask: Tensor | None = None

    def places(self) -> Tensor:
        """Return the mask, all True where there is none.

        Returns
        -------
        Tensor of bool, shape (n, time)
        """
        if self.mask is None:
            return torch.ones(self.hidden.shape[:2], dtype=torch.bool, device=self.hidden.device)
        return self.mask.bool()


def as_tokens(x: Any) -> Features:
    """Return a stage's output as one vector per position.

    Parameters
    ----------
    x : Tensor of shape (n, time, width), (n, channels, ...) or (n, width), or an object with ``hidden`` and ``mask``
        Places of a map become positions, row by row; one vector per sample becomes one position. A dict may stand for
        the object.

    Returns
    -------
    Features
    """
    if isinstance(x, dict):
        x = Features(x["hidden"], x["mask"])
    hidden = x if isinstance(x, Tensor) else x.hidden
    mask = getattr(x, "mask", None)
    if hidden.ndim == 2:
        return Features(hidden.unsqueeze(1))
    if hidden.ndim > 3:
        return Features(hidden.flatten(2).transpose(1, 2))
    return Features(hidden, mask if mask is None or mask.shape == hidden.shape[:2] else None)


def as_map(x: Any) -> Tensor:
    """Return a stage's output as a feature map.

    Parameters
    ----------
    x : Tensor of shape (n, channels, height, width) or (n, time, width), or an object with ``hidden``
        Positions become the places of a square, row by row; where one is too many, the first, a class token, goes.

    Returns
    -------
    Tensor of shape (n, channels, height, width)

    Raises
    ------
    InputError
        If the output holds no map.
    """
    hidden = x if isinstance(x, Tensor) else x.hidden
    if hidden.ndim == 4:
        return hidden
    if hidden.ndim == 3:
        for first in (0, 1):
            side = math.isqrt(max(hidden.shape[1] - first, 0))
            if side and side * side == hidden.shape[1] - first:
                return hidden[:, first:].transpose(1, 2).unflatten(2, (side, side))
    raise InputError(
        f"the head takes a feature map but the last stage returns shape {tuple(hidden.shape)}; take a backbone whose "
        "stages keep height and width."
    )


def as_pyramid(outputs: dict[str, Any]) -> list[Tensor]:
    """Return the feature maps among the outputs of all stages, in order.

    Parameters
    ----------
    outputs : dict of str to Tensor or object with ``hidden``

    Returns
    -------
    list of Tensor of shape (n, channels, height, width)

    Raises
    ------
    InputError
        If no output is a map.
    """
    found = [x if isinstance(x, Tensor) else x.hidden for x in outputs.values()]
    found = [x for x in found if isinstance(x, Tensor) and x.ndim == 4]
    if not found:
        raise InputError("the head takes the feature maps of all stages but none returns one; take another backbone.")
    return found


def raw_size(x: Any) -> tuple[int, int] | None:
    """Return height and width of input images.

    Parameters
    ----------
    x : Tensor or dict of Tensor

    Returns
    -------
    tuple of int, or None
        None for other input.
    """
    x = x.get("pixel_values") if isinstance(x, dict) else x
    return (int(x.shape[-2]), int(x.shape[-1])) if isinstance(x, Tensor) and x.ndim == 4 else None


def without_decoder(x: Any) -> tuple[Any, dict[str, Tensor]]:
    """Separate the inputs of a decoder, whose names begin with ``decoder_``, from those of the stages.

    A single other input that is named ``inputs`` is given to the stages as it is, not as a dict.

    Parameters
    ----------
    x : Tensor or dict of Tensor

    Returns
    -------
    inputs : Tensor or dict of Tensor
    given : dict of str to Tensor
    """
    if not isinstance(x, dict):
        return x, {}
    given = {k: v for k, v in x.items() if k.startswith(DECODER)}
    rest = {k: v for k, v in x.items() if k not in given}
    return (next(iter(rest.values())) if list(rest) == ["inputs"] else rest), given
