"""Linear probing: the backbone is frozen, only the head is trained."""

from __future__ import annotations

from typing import Any, ClassVar

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["LinearProbe"]


class LinearProbe(Method):
    """Linear probing: freeze every stage and train the head only.

    The features are then computed once, so that an epoch costs as much as logistic regression on them.

    Parameters
    ----------
    head_factor : float, default=10.0
        Factor of the head's learning rate: a linear head bears more than a network.

    Notes
    -----
    Helps where labels are few and the backbone was trained on data like the target's: nothing that it knows can be
    spoilt. Falls behind fine-tuning where labels are many, or the target looks like nothing the backbone has seen.

    One forward pass over the samples, then O(n d c) an epoch for d features and c outputs; memory O(n d).

    References
    ----------
    .. [1] J. Donahue, Y. Jia, O. Vinyals, J. Hoffman, N. Zhang, E. Tzeng, T. Darrell. DeCAF: a deep convolutional
       activation feature for generic visual recognition. ICML 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import LinearProbe
    >>> digits = load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[LinearProbe()], epochs=20, image_shape=(8, 8), random_state=0)
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
        "head_factor": POSITIVE,
    }

    def __init__(self, head_factor: float = 10.0) -> None:
        self.head_factor = head_factor

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]]:
        return [{"params": list(network.part("head").parameters()), "lr": learning_rate * self.head_factor}]

    def prepare(self, network: Network, task: Any) -> None:
        network.freeze()
        network.unfreeze(["head"])
