"""Gradual unfreezing: from the last stage to the first."""

from __future__ import annotations

from typing import Any, ClassVar

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import SHARE
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["GradualUnfreezing"]


class GradualUnfreezing(Method):
    """Gradual unfreezing: train the head first, then unfreeze the stages from the last to the first.

    Parameters
    ----------
    unfrozen_by : float, default=0.8
        Share of the epochs after which everything is trained.

    Notes
    -----
    Helps deep networks on few labels, texts above all: a stage is not disturbed before what comes after it fits. Costs
    less than training everything, as the early epochs stop their backward pass early.

    References
    ----------
    .. [1] J. Howard, S. Ruder. Universal language model fine-tuning for text classification. ACL 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import GradualUnfreezing
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[GradualUnfreezing()], epochs=8, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "unfrozen_by": SHARE,
    }

    def __init__(self, unfrozen_by: float = 0.8) -> None:
        self.unfrozen_by = unfrozen_by

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        names = network.stage_names
        last = max(1, round(self.unfrozen_by * (epochs - 1)))
        due = min(len(names), int(len(names) * epoch / last))
        network.freeze()
        network.unfreeze(["head", *names[len(names) - due :]])

    def finish(self, network: Network) -> None:
        network.unfreeze()
