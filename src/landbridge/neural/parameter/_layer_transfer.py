"""Layer transfer: keep some stages, frozen or not, and reinitialize the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from landbridge.exceptions import InputError
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

    def __init__(
        self,
        first: int | None = None,
        *,
        last: int | None = None,
        stages: Sequence[str] | None = None,
        frozen: bool = True,
        random_state: Any = None,
    ) -> None:
        if sum(a is not None for a in (first, last, stages)) != 1:
            raise InputError("give one of first, last and stages: which stages are transferred.")
        self.first, self.last, self.carried = first, last, stages
        self.frozen, self.random_state = frozen, random_state

    def prepare(self, network: Network, task: Any) -> None:
        """Reset what is not transferred, and freeze what is, if asked for.

        Parameters
        ----------
        network : Network
        task : Task

        Raises
        ------
        InputError
            If there are not so many stages, or a name is unknown.
        """
        names = network.stage_names
        for argument, k in (("first", self.first), ("last", self.last)):
            if k is not None and not 0 <= k <= len(names):
                raise InputError(f"{argument}={k} of the {len(names)} stages; give 0 to {len(names)}.")
        if self.carried is not None:
            kept = network._check_names(self.carried)
        else:
            kept = names[: self.first] if self.first is not None else names[len(names) - int(self.last or 0) :]
        rest = [n for n in names if n not in kept]
        if rest:
            # If None, torch's generator is used, which the training loop has seeded.
            drawn = int(torch.randint(2**31, ())) if self.random_state is None else self.random_state
            network.reset(rest, random_state=drawn)
        if self.frozen and kept:
            network.freeze(kept)
