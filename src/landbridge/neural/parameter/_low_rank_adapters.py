"""Low-rank adapters (LoRA): frozen weights with a trained low-rank update."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from torch import nn

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import StrOptions
from landbridge.exceptions import InputError
from landbridge.neural._checks import COUNT, POSITIVE
from landbridge.neural._method import Method
from landbridge.neural._network import Network

__all__ = ["LowRankAdapters"]

KINDS = ("lora", "dora", "rslora")


class LowRankAdapters(Method):
    """LoRA, DoRA and rsLoRA: train low-rank updates of the weights, and merge them at the end.

    Parameters
    ----------
    rank : int, default=8
    scaling : float, default=16.0
        The correction is scaled by `scaling` over `rank`.
    kind : {"lora", "dora", "rslora"}, default="lora"
        DoRA learns length and direction apart; rsLoRA scales by the root of the rank.
    targets : str, optional
        Regular expression for the names of the layers to adapt. If None, all linear layers and convolutions that are
        not cut into groups.

    Notes
    -----
    Helps large networks on little memory: the optimiser holds a hundredth of the weights. Hurts little; small networks
    are as well fine-tuned whole.

    Besides the adapters only the head is trained: all other weights of the stages stay, and so do the statistics of
    their batch norms, which are in eval mode throughout. At the first step the outputs are therefore those of the
    source network. After training the adapters are merged, so that nothing is slower.

    References
    ----------
    .. [1] E. Hu and others. LoRA: low-rank adaptation of large language models. ICLR 2022.
    .. [2] S.-Y. Liu and others. DoRA: weight-decomposed low-rank adaptation. ICML 2024.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import LowRankAdapters
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[LowRankAdapters(4)], epochs=8, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags(
        "parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}), requires=("peft",)
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "rank": COUNT,
        "scaling": POSITIVE,
        "kind": [StrOptions(set(KINDS))],
        "targets": [str, None],
    }

    def __init__(self, rank: int = 8, *, scaling: float = 16.0, kind: str = "lora", targets: str | None = None) -> None:
        self.rank = rank
        self.scaling = scaling
        self.kind = kind
        self.targets = targets

    def prepare(self, network: Network, task: Any) -> None:
        import peft
        from peft.tuners.tuners_utils import BaseTunerLayer

        if any(isinstance(m, BaseTunerLayer) for m in network.stages.modules()):
            raise InputError("methods holds LowRankAdapters, but the network has adapters already; use one of the two.")
        fit = {name: m for name, m in network.stages.named_modules() if _can_be_adapted(m)}
        chosen = [name for name in fit if self.targets is None or re.search(self.targets, name)]
        if not chosen:
            raise InputError(
                f"targets={self.targets!r} matches no layer that can be adapted; there are {', '.join(list(fit)[:6])}"
                f"{', ...' if len(fit) > 6 else ''}."
                if fit
                else "the network has no linear layer or convolution that can be adapted."
            )
        config = peft.LoraConfig(
            r=self.rank,
            lora_alpha=self.scaling,  # type: ignore[arg-type]  # peft divides by it, and takes any number
            target_modules=chosen,
            use_dora=self.kind == "dora",
            use_rslora=self.kind == "rslora",
        )
        network.stages.requires_grad_(False)
        self._folded = list(network._folded)
        network.freeze_statistics()  # weights that stay were learned with these
        peft.inject_adapter_in_model(config, network.stages)
        # Some models read a convolution's stride or padding off the layer, which now lies inside the adapter.
        for module in network.stages.modules():
            if isinstance(module, BaseTunerLayer):
                for name in SHAPE:
                    if not hasattr(module, name) and hasattr(module.get_base_layer(), name):
                        setattr(module, name, getattr(module.get_base_layer(), name))

    def finish(self, network: Network) -> None:
        from peft.tuners.tuners_utils import BaseTunerLayer

        for module in list(network.stages.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, BaseTunerLayer):
                    child.merge()
                    setattr(module, name, child.get_base_layer())
        network.stages.requires_grad_(True)
        network._folded = self._folded


SHAPE = ("stride", "padding", "dilation", "kernel_size", "groups", "padding_mode")


def _can_be_adapted(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)
