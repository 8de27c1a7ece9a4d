"""Fine-tuning: all weights are trained, the backbone's with a smaller learning rate."""

from __future__ import annotations

from typing import Any, ClassVar

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["FineTuning"]


class FineTuning(Method):
    """Fine-tuning: train all stages, with a smaller learning rate for the pretrained ones.

    Parameters
    ----------
    learning_rate_factor : float, default=0.1
        Learning rate of the backbone over that of the head.

    Notes
    -----
    Helps where labels are many, or the target differs from what the backbone was trained on. With few labels it can
    forget more than it learns: compare with a linear probe, and with :class:`LPFT`.

    Time and memory of training the whole network.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import FineTuning
    >>> digits = load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[FineTuning()], epochs=10, image_shape=(8, 8), random_state=0)
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
        "learning_rate_factor": POSITIVE,
    }

    def __init__(self, learning_rate_factor: float = 0.1) -> None:
        self.learning_rate_factor = learning_rate_factor

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]]:
        return [{"params": list(network.stages.parameters()), "lr": learning_rate * self.learning_rate_factor}]
