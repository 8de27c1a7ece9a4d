"""Attention over stages: the head reads a learned mixture of all stages' features."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._checks import STAGES
from landbridge.neural._method import Method
from landbridge.neural._network import Network, pool
from landbridge.neural.parameter._source_weights import stage_names

__all__ = ["StageAttention", "StageHead"]


class StageHead(nn.Module):
    """Head on a mixture of all stages' features, with learned weights.

    Parameters
    ----------
    head : Module
        Takes the embedding to the logits.
    widths : list of int
        Channels of each stage.
    in_features : int
        Width of the embedding.
    """

    def __init__(self, head: nn.Module, widths: list[int], in_features: int) -> None:
        super().__init__()
        self.head = head
        self.projections = nn.ModuleList(nn.Sequential(nn.LayerNorm(w), nn.Linear(w, in_features)) for w in widths)
        self.scores = nn.Parameter(torch.zeros(len(widths) + 1))
        with torch.no_grad():
            self.scores[-1] = 2.0  # at first the embedding counts most
        self.seen: dict[int, Tensor] = {}

    @property
    def weights(self) -> Tensor:
        """How much each stage counts, the embedding last; they sum to one."""
        return self.scores.softmax(dim=0)

    def watch(self, number: int) -> Any:
        """Make the hook that keeps a stage's output.

        Parameters
        ----------
        number : int

        Returns
        -------
        callable
        """
        return _Watch(self, number)

    def forward(self, embedding: Tensor) -> Tensor:
        """Compute the logits.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_features)

        Returns
        -------
        Tensor of shape (n, n_outputs)
        """
        weights = self.weights
        mixed = weights[-1] * embedding
        for k, projection in enumerate(self.projections):
            if k in self.seen:
                mixed = mixed + weights[k] * projection(pool(self.seen[k]).to(embedding.dtype))
        self.seen.clear()
        return self.head(mixed)


class _Watch:
    def __init__(self, head: StageHead, number: int) -> None:
        self.head, self.number = head, number

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self.head.seen[self.number] = output


class StageAttention(Method):
    """Stage attention: the head reads a mixture of all stages' features, with learned weights.

    Parameters
    ----------
    stages : tuple of str, optional
        Stages to read. If None, four spread over the depth.

    Attributes
    ----------
    weights_ : dict of str to float
        After training: how much each stage counts, the embedding last.

    Notes
    -----
    Helps where what the target needs is seen half-way up, as textures are, and the last stage has thrown it away; the
    weights say which. Costs a projection a stage.

    References
    ----------
    .. [1] U. Evci, V. Dumoulin, H. Larochelle, M. Mozer. Head2Toe: utilizing intermediate representations for better
       transfer learning. ICML 2022.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import StageAttention
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[StageAttention()], epochs=8, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    >>> round(float(model.network_.head.weights.detach().sum()), 3)
    1.0
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "stages": STAGES,
    }

    cacheable = False

    def __init__(self, *, stages: tuple[str, ...] | None = None) -> None:
        self.stages = stages

    def prepare(self, network: Network, task: Any) -> None:
        self._names, self.stages_ = stage_names(network, self.stages), ()  # it reads them by hooks of its own
        self._widths: list[int] = []
        like = next(network.head.parameters())
        handles: list[Any] = []
        widths: dict[str, int] = {}

        def look(name: str) -> Any:
            return lambda module, inputs, output: widths.__setitem__(name, pool(output).shape[1])

        for name in self._names:
            handles.append(network.part(name).register_forward_hook(look(name)))
        try:
            with torch.no_grad():
                training = network.training
                network.eval()
                network.embed(_example(network))
                network.train(training)
        finally:
            for handle in handles:
                handle.remove()
        # what runs before the first layer and after the last is no module of its own in some networks
        if self.stages is not None and (unseen := [n for n in self._names if n not in widths]):
            raise InputError(f"stages: {unseen[0]!r} is not a layer that can be read; choose layers between the ends.")
        self._names = tuple(n for n in self._names if n in widths)
        head = StageHead(network.head, [widths[n] for n in self._names], network.in_features).to(like)
        for k, name in enumerate(self._names):
            network.part(name).register_forward_hook(head.watch(k))
        network.replace_head(head)

    def finish(self, network: Network) -> None:
        head: Any = network.part("head")
        shares = head.weights.tolist()
        self.weights_ = dict(zip([*self._names, "embedding"], shares, strict=True))


def _example(network: Network) -> Tensor:
    """Two samples of the kind that the network takes, to see the widths of its stages."""
    preprocess: Any = network.preprocess
    like = next(network.parameters())
    size = getattr(preprocess, "size", None)
    if size is not None:
        return torch.zeros(2, int(preprocess.mean.shape[1]), *size, dtype=torch.uint8, device=like.device)
    first = next(m for m in network.stages.modules() if isinstance(m, nn.Conv2d | nn.Linear))
    if isinstance(first, nn.Conv2d):
        return torch.zeros(2, first.in_channels, 32, 32, dtype=like.dtype, device=like.device)
    return torch.zeros(2, first.in_features, dtype=like.dtype, device=like.device)
