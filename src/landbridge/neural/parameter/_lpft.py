"""LP-FT: linear probing, then fine-tuning."""

from __future__ import annotations

from typing import Any, ClassVar

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import FRACTION, POSITIVE
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["LPFT"]


class LPFT(Method):
    """LP-FT: linear probing for a fraction of the epochs, then fine-tuning of all stages.

    A new head sends gradients into the backbone that have nothing to do with the task. Once the head fits the
    features, these gradients are small, and the features change only as far as the labels ask for.

    Parameters
    ----------
    probe_fraction : float, default=0.5
        Share of the epochs in which the head alone is trained; at least one.
    learning_rate_factor : float, default=0.1
        Factor of the backbone's learning rate.
    head_factor : float, default=10.0
        Factor of the head's: a linear head bears more than a network.

    Notes
    -----
    Helps where fine-tuning from a random head would distort good features, and most on samples unlike the training's.
    Hurts little; with very many labels the first epochs are wasted.

    Time of an epoch: that of a forward pass while probing, that of training afterwards.

    References
    ----------
    .. [1] A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang. Fine-tuning can distort pretrained features and
       underperform out-of-distribution. ICLR 2022.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import LPFT
    >>> digits = load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[LPFT()], epochs=10, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.9
    True
    """

    method_tags = MethodTags(
        "parameter",
        reads=frozenset({"y_target"}),
        shifts=frozenset({"concept", "covariate"}),
        planned=frozenset({"classification", "regression"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "probe_fraction": FRACTION,
        "learning_rate_factor": POSITIVE,
        "head_factor": POSITIVE,
    }

    def __init__(
        self, probe_fraction: float = 0.5, *, learning_rate_factor: float = 0.1, head_factor: float = 10.0
    ) -> None:
        self.probe_fraction = probe_fraction
        self.learning_rate_factor = learning_rate_factor
        self.head_factor = head_factor

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]]:
        return [
            {"params": list(network.stages.parameters()), "lr": learning_rate * self.learning_rate_factor},
            {"params": list(network.part("head").parameters()), "lr": learning_rate * self.head_factor},
        ]

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        if epoch < max(1, round(self.probe_fraction * epochs)):
            network.freeze()
            network.unfreeze(["head"])
        else:
            network.unfreeze()

    def finish(self, network: Network) -> None:
        network.unfreeze()
