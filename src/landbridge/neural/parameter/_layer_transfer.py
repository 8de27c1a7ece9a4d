"""Layer transfer: keep some stages, frozen or not, and reinitialize the others."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import torch

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval
from landbridge.exceptions import InputError
from landbridge.neural._checks import STAGES
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["LayerTransfer"]


class LayerTransfer(Method):
    """Layer transfer: keep some stages and reinitialize the others.

    Parameters
    ----------
    first : int, optional
        Transfer the first so many stages.
    last : int, optional
        Or the last so many.
    stages : sequence of str, optional
        Or those named.
    frozen : bool, default=True
        Whether the carried stages stay as they are (True), or are tuned along (False).
    random_state : int, RandomState instance or None, default=None
        Of the random weights.

    Notes
    -----
    The means of the study of Yosinski and others: early stages are general and transfer anywhere, late ones are made
    for their task; cutting between stages that have grown used to each other costs accuracy where they stay frozen.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import LayerTransfer
    >>> digits = load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[LayerTransfer(2)], epochs=10, image_shape=(8, 8), random_state=0)
    >>> _ = model.fit(digits.X, digits.y)
    >>> model.network_.frozen
    ('edges', 'strokes')
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "first": [Interval(Integral, 0, None, closed="left"), None],
        "last": [Interval(Integral, 0, None, closed="left"), None],
        "stages": STAGES,
        "frozen": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        first: int | None = None,
        *,
        last: int | None = None,
        stages: Sequence[str] | None = None,
        frozen: bool = True,
        random_state: Any = None,
    ) -> None:
        self.first = first
        self.last = last
        self.stages = stages
        self.frozen = frozen
        self.random_state = random_state

    def _check_params(self) -> None:
        if sum(a is not None for a in (self.first, self.last, self.stages)) != 1:
            raise InputError("give one of first, last and stages: which stages are transferred.")

    def prepare(self, network: Network, task: Any) -> None:
        self.stages_ = ()  # the parameter names what is kept, not what a loss reads
        names = network.stage_names
        for argument, k in (("first", self.first), ("last", self.last)):
            if k is not None and not 0 <= k <= len(names):
                raise InputError(f"{argument}={k} of the {len(names)} stages; give 0 to {len(names)}.")
        if self.stages is not None:
            kept = network._check_names(self.stages)
        else:
            kept = names[: self.first] if self.first is not None else names[len(names) - int(self.last or 0) :]
        rest = [n for n in names if n not in kept]
        if rest:
            # If None, torch's generator is used, which the training loop has seeded.
            drawn = int(torch.randint(2**31, ())) if self.random_state is None else self.random_state
            network.reset(rest, random_state=drawn)
        if self.frozen and kept:
            network.freeze(kept)
