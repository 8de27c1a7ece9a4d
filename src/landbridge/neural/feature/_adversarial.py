"""Adversarial domain adaptation: the features are trained against a discriminator of the domains."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import COUNT, NOT_NEGATIVE, POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.feature._discrepancy import strength_at
from landbridge.neural.feature._target_side import certainty

__all__ = ["CDAN", "DANN", "WDGRL", "discriminator", "reverse_gradient"]


class _Reversal(torch.autograd.Function):
    """Identity in the forward pass; the gradient is multiplied by a negative factor in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return -ctx.factor * grads[0], None


def reverse_gradient(x: Tensor, factor: float = 1.0) -> Tensor:
    """Return a tensor whose gradient is reversed in the backward pass.

    Parameters
    ----------
    x : Tensor
    factor : float, default=1.0

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import reverse_gradient
    >>> x = torch.ones(2, requires_grad=True)
    >>> reverse_gradient(x, 0.5).sum().backward()
    >>> x.grad.tolist()
    [-0.5, -0.5]
    """
    apply: Any = _Reversal.apply
    turned: Tensor = apply(x, factor)
    return turned


def discriminator(in_features: int, width: int, like: Tensor) -> nn.Module:
    """Make a network of two hidden layers and one output.

    Parameters
    ----------
    in_features, width : int
    like : Tensor
        Its device and dtype are taken.

    Returns
    -------
    Module
    """
    return nn.Sequential(
        nn.Linear(in_features, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
    ).to(like)


class DANN(Method):
    """DANN (domain-adversarial neural network): features from which a discriminator cannot infer the domain.

    Parameters
    ----------
    strength : float, default=1.0
        Of the reversed gradient.
    width : int, default=128
        Of the discriminator's layers.
    ramp_up : bool, default=True
        Whether the reversal rises from zero over the training.

    Notes
    -----
    Helps on hard differences of style; one run in a few fails, so average over seeds. Hurts where class shares differ:
    domain-invariant features then mix the classes. Costs the discriminator's passes.

    References
    ----------
    .. [1] Y. Ganin, E. Ustinova, H. Ajakan, P. Germain, H. Larochelle, F. Laviolette, M. Marchand, V. Lempitsky.
       Domain-adversarial training of neural networks. JMLR 17, 2016.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import DANN
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[DANN()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification", "regression"}),
        adversarial=True,
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "width": COUNT,
        "ramp_up": ["boolean"],
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True

    def __init__(self, strength: float = 1.0, *, width: int = 128, ramp_up: bool = True) -> None:
        self.strength = strength
        self.width = width
        self.ramp_up = ramp_up

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.head.parameters())
        network.extras["discriminator"] = discriminator(self._width_in(network, task), self.width, like)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        factor = strength_at(self, progress)
        seen = self._both(source, target)
        answers = network.extras["discriminator"](reverse_gradient(seen, factor))[:, 0]
        sides = torch.zeros_like(answers)
        sides[: len(source.logits)] = 1.0
        per_row = F.binary_cross_entropy_with_logits(answers, sides, reduction="none")
        weights = self._row_weights(source, target)
        n = len(source.logits)
        mine = (weights[:n] * per_row[:n]).sum() / weights[:n].sum().clamp_min(1e-12)
        theirs = (weights[n:] * per_row[n:]).sum() / weights[n:].sum().clamp_min(1e-12)
        return {type(self).__name__.lower(): mine + theirs}

    def finish(self, network: Network) -> None:
        del network.extras["discriminator"]

    def _width_in(self, network: Network, task: Any) -> int:
        return network.in_features

    def _seen(self, batch: Batch) -> Tensor:
        return batch.features["embedding"]

    def _both(self, source: Batch, target: Batch) -> Tensor:
        return torch.cat([self._seen(source), self._seen(target)])

    def _row_weights(self, source: Batch, target: Batch) -> Tensor:
        return torch.ones(len(source.logits) + len(target.logits), device=source.logits.device)


class CDAN(DANN):
    """CDAN (conditional domain-adversarial network): the discriminator sees the product of features and predictions.

    Parameters
    ----------
    strength : float, default=1.0
    width : int, default=128
    ramp_up : bool, default=True
    entropy : bool, default=True
        Give samples of whose class the network is confident more weight (CDAN+E).

    Notes
    -----
    Helps more than :class:`DANN` with many classes, because each class is matched with itself as far as the predictions
    are right. The discriminator's input is as wide as embedding times classes, or 1,024 random products where that is
    more.

    References
    ----------
    .. [1] M. Long, Z. Cao, J. Wang, M. Jordan. Conditional adversarial domain adaptation. NeurIPS 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import CDAN
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[CDAN()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification"}),
        adversarial=True,
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DANN._parameter_constraints,
        "entropy": ["boolean"],
    }

    def __init__(self, strength: float = 1.0, *, width: int = 128, ramp_up: bool = True, entropy: bool = True) -> None:
        self.strength = strength
        self.width = width
        self.ramp_up = ramp_up
        self.entropy = entropy

    def prepare(self, network: Network, task: Any) -> None:
        d, c = network.in_features, int(task.n_outputs)
        self._projections: tuple[Tensor, Tensor] | None = None
        if d * c > LARGEST_PRODUCT:
            rng = torch.Generator().manual_seed(0)
            like = next(network.head.parameters())
            one, two = (torch.randn(k, 1024, generator=rng).to(like) for k in (d, c))
            self._projections = one, two
        super().prepare(network, task)

    def _width_in(self, network: Network, task: Any) -> int:
        return 1024 if self._projections is not None else network.in_features * int(task.n_outputs)

    def _both(self, source: Batch, target: Batch) -> Tensor:
        # one product of both sides' samples is faster than two of half the size
        answers = torch.cat([source.logits, target.logits]).detach().softmax(dim=1)
        features = torch.cat([source.features["embedding"], target.features["embedding"]])
        if self._projections is not None:
            one, two = (p.to(features) for p in self._projections)
            return (features @ one) * (answers @ two) / 1024**0.5
        return (answers[:, :, None] * features[:, None]).flatten(1)

    def _row_weights(self, source: Batch, target: Batch) -> Tensor:
        if not self.entropy:
            return super()._row_weights(source, target)
        return certainty(torch.cat([source.logits, target.logits]).detach().softmax(dim=1))


class WDGRL(DANN):
    """WDGRL: minimize the Wasserstein distance of the features, estimated by a critic with a gradient penalty.

    Parameters
    ----------
    strength : float, default=0.1
    width : int, default=128
    ramp_up : bool, default=True
    gradient_penalty : float, default=10.0
        On slopes of the critic other than one.

    Notes
    -----
    The gradient does not vanish where the domains are far apart, as :class:`DANN`'s does. The critic's penalty costs a
    second backward pass.

    References
    ----------
    .. [1] J. Shen, Y. Qu, W. Zhang, Y. Yu. Wasserstein distance guided representation learning for domain adaptation.
       AAAI 2018.

    Examples
    --------
    >>> from landbridge.neural.feature import WDGRL
    >>> WDGRL().gradient_penalty
    10.0
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"regression"}),
        adversarial=True,
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DANN._parameter_constraints,
        "gradient_penalty": NOT_NEGATIVE,
    }
    draws: ClassVar[bool] = True  # points between the domains, without a generator

    def __init__(
        self, strength: float = 0.1, *, width: int = 128, ramp_up: bool = True, gradient_penalty: float = 10.0
    ) -> None:
        self.strength = strength
        self.width = width
        self.ramp_up = ramp_up
        self.gradient_penalty = gradient_penalty

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        critic = network.extras["discriminator"]
        factor = strength_at(self, progress)
        own, other = self._seen(source), self._seen(target)
        gap = critic(reverse_gradient(own, factor)).mean() - critic(reverse_gradient(other, factor)).mean()
        n = min(len(own), len(other))
        share = torch.rand(n, 1, device=own.device, dtype=own.dtype)
        between = (share * own[:n].detach() + (1 - share) * other[:n].detach()).requires_grad_(True)
        slope = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
        bound = ((slope.norm(dim=1) - 1.0) ** 2).mean()
        return {"wasserstein": -gap, "slope": self.gradient_penalty * bound}


LARGEST_PRODUCT = 4096
