"""Attention transfer: keep the attention maps of the source network."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._checks import POSITIVE, STAGES
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network, hidden
from landbridge.neural.parameter._source_weights import frozen_copy, stage_names

__all__ = ["AttentionTransfer", "attention_map"]


def attention_map(features: Tensor) -> Tensor:
    """Compute the attention map: the mean square over channels, normalized to unit length.

    Parameters
    ----------
    features : Tensor of shape (n, channels, height, width) or with more places, or (n, tokens, channels)

    Returns
    -------
    Tensor of shape (n, n_places)
    """
    axis = -1 if features.ndim == 3 else 1
    return F.normalize(features.square().mean(dim=axis).flatten(1), dim=1)


class AttentionTransfer(Method):
    """Attention transfer: keep the spatial attention maps of the source network's stages.

    Parameters
    ----------
    strength : float, default=10.0
    stages : tuple of str, optional
        Stages with places (maps or tokens). If None, four spread over the depth. Stages without are passed over.

    Notes
    -----
    Helps where what matters lies where it lay for the source, and leaves free what is seen there. Hurts where the
    target is decided elsewhere in the picture, as by the background. Each step costs a forward pass of the source
    network and keeps the activations of the chosen stages; memory for a second network.

    References
    ----------
    .. [1] S. Zagoruyko, N. Komodakis. Paying more attention to attention: improving the performance of convolutional
       neural networks via attention transfer. ICLR 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import AttentionTransfer
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[AttentionTransfer()], epochs=5, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "stages": STAGES,
    }

    def __init__(self, strength: float = 10.0, *, stages: tuple[str, ...] | None = None) -> None:
        self.strength = strength
        self.stages = stages

    def prepare(self, network: Network, task: Any) -> None:
        self.stages_ = stage_names(network, self.stages)
        self._source = frozen_copy(network)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        self._source.to(source.logits.device)
        with torch.no_grad():
            _, before = self._source(source.inputs, self.stages_, source.start)
        total = torch.zeros((), device=source.logits.device, dtype=source.logits.dtype)
        with_places = [n for n in self.stages_ if n in source.features and hidden(source.features[n]).ndim > 2]
        if not with_places:
            raise InputError(
                f"methods holds AttentionTransfer, but no stage of {', '.join(self.stages_)} has places (maps or "
                "tokens); name stages that have some, or omit it."
            )
        for name in with_places:
            apart = attention_map(hidden(source.features[name])) - attention_map(hidden(before[name]))
            total = total + apart.square().sum(dim=1).mean()
        return {"attention": self.strength * total}
