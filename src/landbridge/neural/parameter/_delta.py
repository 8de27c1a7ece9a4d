"""DELTA: penalize changes of the source network's feature maps."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import StrOptions
from landbridge.exceptions import InputError
from landbridge.neural._checks import POSITIVE, STAGES
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network, hidden, pool
from landbridge.neural.parameter._co_tuning import class_shares
from landbridge.neural.parameter._source_weights import frozen_copy, stage_names

__all__ = ["Delta", "channel_attention", "channel_distance"]

ATTENTION = ("spread", "classes", "uniform")


def channel_distance(now: Tensor, then: Tensor) -> Tensor:
    """Compute the mean squared change of each channel, over samples and positions.

    Parameters
    ----------
    now, then : Tensor of shape (n, channels), (n, tokens, channels) or (n, channels, ...) with more axes

    Returns
    -------
    Tensor of shape (channels,)
    """
    return _rows_of_channels((now - then).square()).mean(dim=1)


def channel_attention(counts: Tensor, sums: Tensor, squares: Tensor) -> Tensor:
    r"""Compute how well each channel alone separates the classes; the mean over channels is one.

    The classifier is linear: normal densities with one mean per class and one variance per channel,

    .. math:: w_c \propto \frac{\sum_k \pi_k (\mu_{kc} - \mu_c)^2}{\sigma^2_c}

    which is what leaving out channel c takes from the mean log odds between the classes.

    Parameters
    ----------
    counts : Tensor of shape (n_classes,)
        Samples of each class.
    sums : Tensor of shape (n_classes, channels)
        Sums of each class's rows.
    squares : Tensor of shape (channels,)
        Sums of squares of all samples.

    Returns
    -------
    Tensor of shape (channels,)
        All ones where no channel tells anything.
    """
    n = counts.sum().clamp_min(1.0)
    means = sums / counts.clamp_min(1e-12)[:, None]
    grand = sums.sum(dim=0) / n
    between = (counts[:, None] * (means - grand).square()).sum(dim=0) / n
    total = (squares / n - grand.square()).clamp_min(0.0)
    # A floor for the variance, else channels that are all but dead would take all of the weight.
    ratio = between / ((total - between).clamp_min(0.0) + 1e-2 * total.mean() + 1e-12)
    return _mean_one(ratio)


class Delta(Method):
    r"""DELTA: penalize changes of feature maps from the source network's, with a weight per channel.

    .. math:: \alpha \sum_{stages} \frac{1}{n} \sum_i \frac{1}{C} \sum_c w_c \lVert F_c(x_i) - F^S_c(x_i) \rVert^2
        / |F_c|

    Weights have a mean of one over the C channels of a stage. The paper weights a channel by the loss of a classifier
    without it, which takes a training beforehand; here the weights are found in passing.

    Parameters
    ----------
    strength : float, default=0.1
        :math:`\alpha`.
    stages : tuple of str, optional
        Stages whose output is kept. If None, four spread over the depth.
    attention : {"spread", "classes", "uniform"}, default="spread"
        What determines the channel weights: the spread of the source's features between the samples of the batch, how
        well a linear classifier on the source's features tells the target's classes by the channel (see
        `channel_attention`; over all batches so far; classification only), or nothing.

    Notes
    -----
    Helps where behaviour is to be kept and weights may move: a weaker bond than :class:`L2SP`. Hurts where the
    target needs other features. Each step costs one more forward pass, through the source network, and keeps the
    activations of the chosen stages; memory for a second network.

    References
    ----------
    .. [1] X. Li, H. Xiong, H. Wang, Y. Rao, L. Liu, J. Huan. DELTA: deep learning transfer using feature map with
       attention for convolutional networks. ICLR 2019.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.parameter import Delta
    >>> digits = load_builtin("handwritten").take(range(200))
    >>> model = NeuralClassifier("builtin", methods=[Delta()], epochs=5, image_shape=(8, 8), random_state=0)
    >>> model.fit(digits.X, digits.y).score(digits.X, digits.y) > 0.8
    True
    """

    method_tags = MethodTags("parameter", reads=frozenset({"y_target"}), shifts=frozenset({"concept", "covariate"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "stages": STAGES,
        "attention": [StrOptions(set(ATTENTION))],
    }

    def __init__(
        self, strength: float = 0.1, *, stages: tuple[str, ...] | None = None, attention: str = "spread"
    ) -> None:
        self.strength = strength
        self.stages = stages
        self.attention = attention

    def prepare(self, network: Network, task: Any) -> None:
        if self.attention == "classes" and getattr(task, "name", "classification") != "classification":
            raise InputError(f"attention='classes' needs classes, but the task is {task.name}; choose 'spread'.")
        self.stages_ = stage_names(network, self.stages)
        self._source = frozen_copy(network)
        self._n_classes = int(task.n_outputs)
        self._seen: dict[str, Tensor] = {}

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        self._source.to(source.logits.device)
        with torch.no_grad():
            _, before = self._source(source.inputs, self.stages_, source.start)
        total = torch.zeros((), device=source.logits.device, dtype=source.logits.dtype)
        for name in self.stages_:
            if name not in source.features:
                continue
            apart = channel_distance(hidden(source.features[name]), hidden(before[name]))
            with torch.no_grad():
                weight = self._weights(name, before[name], source.labels)
            total = total + (apart if weight is None else weight * apart).mean()
        return {"delta": self.strength * total}

    def state(self) -> dict[str, Tensor]:
        return dict(self._seen)

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._seen = dict(state)

    def _weights(self, name: str, before: Any, labels: Tensor) -> Tensor | None:
        if self.attention == "uniform":
            return None
        if self.attention == "spread":
            then = hidden(before)
            return _mean_one(_rows_of_channels(_spread(then)).mean(dim=1))
        pooled, shares = pool(before).float(), class_shares(labels, self._n_classes).float()
        new = {"counts": shares.sum(dim=0), "sums": shares.T @ pooled, "squares": pooled.square().sum(dim=0)}
        for key, value in new.items():
            old = self._seen.get(f"{name}.{key}")
            self._seen[f"{name}.{key}"] = value if old is None else value + old.to(value.device)
        return channel_attention(*(self._seen[f"{name}.{key}"] for key in new))


def _rows_of_channels(x: Tensor) -> Tensor:
    """One row per channel. Channels come second, save in tokens, where they come last."""
    axis = 2 if x.ndim == 3 else 1
    return x.movedim(axis, 0).flatten(1)


def _spread(x: Tensor) -> Tensor:
    return x.var(dim=0, unbiased=False, keepdim=True)


def _mean_one(weight: Tensor) -> Tensor:
    mean = weight.mean()
    return torch.where(mean > 1e-12, weight / mean.clamp_min(1e-12), torch.ones_like(weight))
