"""DDC and DAN: minimize the maximum mean discrepancy of the features."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._method import Batch
from landbridge.neural.feature._discrepancy import FeatureDiscrepancy
from landbridge.neural.feature._mmd import linear_mmd, multi_kernel_mmd

__all__ = ["DAN", "DDC"]


class DDC(FeatureDiscrepancy):
    """DDC (deep domain confusion): minimize the distance of the embedding means, the MMD with a linear kernel.

    Parameters
    ----------
    strength : float, default=1.0
    stages : tuple of str, optional
        Stages to adapt. If None, the embedding.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    The simplest method of its kind; aligns means only. O(n d) per batch. Hurts, as all that match marginals do, where
    class shares differ between the domains.

    References
    ----------
    .. [1] E. Tzeng, J. Hoffman, N. Zhang, K. Saenko, T. Darrell. Deep domain confusion: maximizing for domain
       invariance. 2014.

    Examples
    --------
    >>> from landbridge.neural.feature import DDC
    >>> DDC(0.5)
    DDC(strength=0.5)
    """

    method_tags = MethodTags("feature", reads=frozenset({"X_target"}), shifts=frozenset({"covariate", "subspace"}))

    def distance(self, source: list[Tensor], target: list[Tensor], batches: tuple[Batch, Batch]) -> Tensor:
        return torch.stack(
            [(a.mean(dim=0) - b.mean(dim=0)).square().sum() for a, b in zip(source, target, strict=True)]
        ).sum()


class DAN(FeatureDiscrepancy):
    """DAN (deep adaptation network): minimize the multi-kernel MMD of the features of one or several stages.

    Parameters
    ----------
    strength : float, default=1.0
    stages : tuple of str, optional
        Adaptation layers anywhere in the network. If None, the embedding.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.
    linear : bool, default=False
        The unbiased estimate over disjoint pairs, whose cost is linear in the batch, instead of all pairs.

    Notes
    -----
    Helps where the domains differ in style and the classes keep their shares. Hurts where class shares differ. Cost
    O(n² d) per batch and stage, or O(n d) with `linear`, which is noisier.

    References
    ----------
    .. [1] M. Long, Y. Cao, J. Wang, M. Jordan. Learning transferable features with deep adaptation networks. ICML 2015.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import DAN
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[DAN()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification", "regression"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **FeatureDiscrepancy._parameter_constraints,
        "linear": ["boolean"],
    }

    def __init__(
        self,
        strength: float = 1.0,
        *,
        stages: tuple[str, ...] | None = None,
        ramp_up: bool = True,
        linear: bool = False,
    ) -> None:
        self.strength = strength
        self.stages = stages
        self.ramp_up = ramp_up
        self.linear = linear

    def distance(self, source: list[Tensor], target: list[Tensor], batches: tuple[Batch, Batch]) -> Tensor:
        measure = linear_mmd if self.linear else multi_kernel_mmd
        return torch.stack([measure(a, b) for a, b in zip(source, target, strict=True)]).sum()
