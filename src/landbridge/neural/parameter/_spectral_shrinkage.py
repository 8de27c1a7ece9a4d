"""Batch spectral shrinkage (BSS): penalize the smallest singular values of the features."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import COUNT, POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network

__all__ = ["BatchSpectralShrinkage", "smallest_squares"]


def smallest_squares(features: Tensor, n_singular_values: int) -> Tensor:
    """Sum the smallest squared singular values.

    Parameters
    ----------
    features : Tensor of shape (n, d)
    n_singular_values : int
        Of the min(n, d) there are; all where it is more.

    Returns
    -------
    Tensor
        A scalar.
    """
    full = features if features.dtype in (torch.float32, torch.float64) else features.float()
    return torch.linalg.svdvals(full)[-n_singular_values:].square().sum()


class BatchSpectralShrinkage(Method):
    """Batch spectral shrinkage (BSS): penalize the smallest singular values of the embedding.

    Parameters
    ----------
    strength : float, default=0.001
    n_singular_values : int, default=1
        How many of the smallest.

    Notes
    -----
    Helps with few labels, a little, and composes with penalties that keep the source, as it does the opposite of
    keeping all of it. Hurts where batches are small against the number of classes: with n samples there are n
    directions, and the smallest then tell classes apart. Time O(n² d) per batch of n samples; nothing is kept.

    References
    ----------
    .. [1] X. Chen, S. Wang, B. Fu, M. Long, J. Wang. Catastrophic forgetting meets negative transfer: batch spectral
       shrinkage for safe transfer learning. NeurIPS 2019.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import BatchSpectralShrinkage
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier(
    ...     "builtin", methods=[BatchSpectralShrinkage()], epochs=5, image_shape=(8, 8), random_state=0
    ... )
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "n_singular_values": COUNT,
    }

    stages = ("embedding",)

    def __init__(self, strength: float = 0.001, *, n_singular_values: int = 1) -> None:
        self.strength = strength
        self.n_singular_values = n_singular_values

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        return {"bss": self.strength * smallest_squares(source.features["embedding"], self.n_singular_values)}
