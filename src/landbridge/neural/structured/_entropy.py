"""Entropy of the predicted classes of a map, to be minimised on unlabelled images."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from landbridge.exceptions import InputError

__all__ = ["map_entropy"]


def map_entropy(logits: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Compute the mean entropy of the predicted class probabilities over the pixels [1]_.

    .. math:: -\frac{1}{N \log C} \sum_{i=1}^{N} \sum_{c=1}^{C} p_{ic} \log p_{ic}

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes, ...)
        One score per class and pixel.
    mask : Tensor of bool, shape (n, ...), optional
        Which pixels count. If None, all.

    Returns
    -------
    Tensor
        Scalar between 0 (each pixel has one class) and 1 (all classes are equally probable); 0 without pixels.

    Raises
    ------
    InputError
        If shapes do not fit, or there is one class only.

    Notes
    -----
    Linear in the number of pixels. Minimised on unlabelled target images beside the loss of the source, it moves class
    boundaries off dense regions. It hurts where the predictions are mostly wrong, because it makes them confident as
    they are, and where one class covers most pixels, which then takes over the rare ones.

    References
    ----------
    .. [1] T. Vu, H. Jain, M. Bucher, M. Cord, P. Pérez. ADVENT: adversarial entropy minimization for domain adaptation
       in semantic segmentation. CVPR 2019 (equations 2 and 3).

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import map_entropy
    >>> [round(map_entropy(torch.tensor([[[0.0], [x]]])).item(), 3) for x in (0.0, 2.0, 99.0)]
    [1.0, 0.527, 0.0]
    """
    if logits.ndim < 2 or logits.shape[1] < 2:
        raise InputError(f"logits must have the shape (n, n_classes, ...) with two classes; got {tuple(logits.shape)}.")
    log_p = torch.log_softmax(logits if logits.dtype == torch.float64 else logits.float(), 1)
    entropy = -(log_p.exp() * log_p).sum(1)
    if mask is None:
        inside = torch.ones_like(entropy, dtype=torch.bool)
    elif mask.shape != entropy.shape:
        raise InputError(f"mask has the shape {tuple(mask.shape)}; logits need {tuple(entropy.shape)}.")
    else:
        inside = mask.bool()
    total = torch.where(inside, entropy, torch.zeros_like(entropy)).sum()
    return total / inside.sum().clamp_min(1) / math.log(logits.shape[1])
