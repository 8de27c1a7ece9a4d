"""Learning rates by stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import SHARE, positive
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["DiscriminativeRates", "LayerwiseDecay"]


class LayerwiseDecay(Method):
    """Layer-wise learning rate decay: each stage has the rate of the next one times a factor, from the head down.

    Parameters
    ----------
    decay : float, default=0.8

    Notes
    -----
    Helps where early stages see what all images or texts have in common. Works for any network, as it goes by the
    order of the stages alone.

    References
    ----------
    .. [1] J. Howard, S. Ruder. Universal language model fine-tuning for text classification. ACL 2018.

    Examples
    --------
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.parameter import LayerwiseDecay
    >>> groups = LayerwiseDecay(0.5).parameter_groups(load_backbone("builtin"), 1.0)
    >>> [g["lr"] for g in groups]
    [0.0625, 0.125, 0.25, 0.5]
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "decay": SHARE,
    }

    def __init__(self, decay: float = 0.8) -> None:
        self.decay = decay

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]]:
        names = network.stage_names
        return [
            {"params": list(network.part(name).parameters()), "lr": learning_rate * self.decay ** (len(names) - i)}
            for i, name in enumerate(names)
        ]


class DiscriminativeRates(Method):
    """Discriminative learning rates: a factor of the learning rate per named stage.

    Parameters
    ----------
    factors : mapping of str to float
        Stage (or ``"head"``) to factor; stages that are not named keep the rate.

    Notes
    -----
    Helps where it is known which stages the target asks to change. Hurts where the factors are guessed: too large a one
    forgets what the stage knew. Costs nothing.

    References
    ----------
    .. [1] J. Howard, S. Ruder. Universal language model fine-tuning for text classification. ACL 2018.

    Examples
    --------
    >>> from landbridge.neural import load_backbone
    >>> from landbridge.neural.parameter import DiscriminativeRates
    >>> [g["lr"] for g in DiscriminativeRates({"edges": 0.1}).parameter_groups(load_backbone("builtin"), 1.0)]
    [0.1]
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "factors": [Mapping],
    }

    def __init__(self, factors: Mapping[str, float]) -> None:
        self.factors = factors

    def _check_params(self) -> None:
        positive(**{f"factors[{k!r}]": v for k, v in self.factors.items()})

    def parameter_groups(self, network: Network, learning_rate: float) -> list[dict[str, Any]]:
        network._check_names(self.factors, extra=("head",))
        return [
            {"params": list(network.part(name).parameters()), "lr": learning_rate * factor}
            for name, factor in self.factors.items()
        ]
