"""Mixup: convex combinations of samples and of their labels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["Mixup"]


class Mixup(Method):
    """Mixup: train on convex combinations of pairs of samples.

    Parameters
    ----------
    concentration : float, default=0.2
        Of the Beta(concentration, concentration) from which the share of the first row is drawn.

    Notes
    -----
    Helps with few labels where samples between two samples make some sense, as with images; the predictions become less
    confident and better calibrated. Not for texts, whose tokens cannot be mixed. Costs next to nothing.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz. mixup: beyond empirical risk minimization. ICLR 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import Mixup
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[Mixup()], epochs=8, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "concentration": POSITIVE,
    }

    cacheable = False

    def __init__(self, concentration: float = 0.2) -> None:
        self.concentration = concentration

    def prepare(self, network: Network, task: Any) -> None:
        self._n_classes = int(task.n_outputs)

    def transform(self, inputs: Any, labels: Any, generator: torch.Generator) -> tuple[Any, Any]:
        if not isinstance(inputs, Tensor):
            raise InputError("Mixup needs images or tables; texts cannot be mixed.")
        seed = int(torch.randint(2**31, (1,), generator=generator))
        fraction = float(np.random.default_rng(seed).beta(self.concentration, self.concentration))
        order = torch.randperm(len(labels), generator=generator).to(labels.device)
        if labels.ndim == 1 and not labels.is_floating_point():
            labels = F.one_hot(labels, self._n_classes).to(torch.get_default_dtype())
        x = inputs if inputs.is_floating_point() else inputs.to(torch.get_default_dtype())
        other = order.to(inputs.device)
        return fraction * x + (1 - fraction) * x[other], fraction * labels + (1 - fraction) * labels[order]
