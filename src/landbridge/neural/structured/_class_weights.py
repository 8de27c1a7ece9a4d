"""Weights of classes whose pixels are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_weights_of"]

# Added to the share of a class before the logarithm; bounds the weight of a rare class to about ten.
SMOOTHING = 1.1


def class_weights_of(counts: Any) -> NDArray[np.float64]:
    r"""Compute class weights :math:`1 / \log(1.1 + p_c)` from the shares of the pixels [1]_.

    Parameters
    ----------
    counts : array-like of shape (n_classes,)
        Number of pixels of each class.

    Returns
    -------
    ndarray of shape (n_classes,)
        Of mean 1 over the pixels; 0 for classes without pixels.

    References
    ----------
    .. [1] A. Paszke, A. Chaurasia, S. Kim, E. Culurciello. ENet: a deep neural network architecture for real-time
       semantic segmentation. arXiv:1606.02147, 2016.

    Examples
    --------
    >>> from landbridge.neural.structured import class_weights_of
    >>> class_weights_of([90, 10, 0]).round(2).tolist()
    [0.78, 2.97, 0.0]
    """
    n = np.asarray(counts, dtype=float)
    shares = n / max(n.sum(), 1.0)
    weights = np.where(n > 0, 1.0 / np.log(SMOOTHING + shares), 0.0)
    mean = float((weights * shares).sum())
    return weights / mean if mean > 0 else np.ones_like(weights)
