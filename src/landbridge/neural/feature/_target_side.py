"""Losses on the target predictions: entropy, class confusion, information maximisation."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.feature._discrepancy import strength_at

__all__ = [
    "MCC",
    "EntropyMinimisation",
    "InformationMaximisation",
    "certainty",
    "class_confusion",
    "information_loss",
    "mean_entropy",
]


def mean_entropy(logits: Tensor) -> Tensor:
    """Compute the mean entropy of the predictions, in nats.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)

    Returns
    -------
    Tensor
        A scalar.
    """
    return -(logits.softmax(dim=1) * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


def information_loss(logits: Tensor) -> Tensor:
    """Compute the mean entropy of the predictions minus the entropy of their mean.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)

    Returns
    -------
    Tensor
        A scalar.
    """
    shares = logits.softmax(dim=1).mean(dim=0)
    return mean_entropy(logits) + (shares * shares.clamp_min(1e-12).log()).sum()


def certainty(P: Tensor) -> Tensor:
    """Compute weights between 1 and 2 that increase with the confidence of the predictions.

    Parameters
    ----------
    P : Tensor of shape (n, n_classes)
        Probabilities.

    Returns
    -------
    Tensor of shape (n,)
        One and the exponential of minus the entropy.
    """
    return 1.0 + torch.exp((P * P.clamp_min(1e-12).log()).sum(dim=1))


def class_confusion(logits: Tensor, temperature: float = 2.5) -> Tensor:
    """Compute the class confusion of a batch, with confident samples weighted more.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)
    temperature : float, default=2.5

    Returns
    -------
    Tensor
        A scalar between 0 and 1.

    References
    ----------
    .. [1] Y. Jin, X. Wang, M. Long, J. Wang. Minimum class confusion for versatile domain adaptation. ECCV 2020.
    """
    P = (logits / temperature).softmax(dim=1)
    weights = certainty(P)
    weights = (weights / weights.sum() * len(P)).detach()
    confusion = (P * weights[:, None]).T @ P
    confusion = confusion / confusion.sum(dim=1, keepdim=True).clamp_min(1e-12)
    return (confusion.sum() - confusion.diagonal().sum()) / P.shape[1]


class _OnTarget(Method):
    reads_target: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "ramp_up": ["boolean"],
    }

    def __init__(self, strength: float, ramp_up: bool) -> None:
        self.strength = strength
        self.ramp_up = ramp_up

    def objective(self, logits: Tensor) -> Tensor:
        """Compute the value to minimize.

        Parameters
        ----------
        logits : Tensor of shape (n, n_classes)

        Returns
        -------
        Tensor
        """
        raise NotImplementedError

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        weight = strength_at(self, progress)
        return {type(self).__name__.lower(): weight * self.objective(target.logits)}


class MCC(_OnTarget):
    """MCC (minimum class confusion): minimize the confusion between classes on the target.

    Parameters
    ----------
    strength : float, default=1.0
    temperature : float, default=2.5
        Softens the answers.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    Helps in most settings, partial and multi-source ones too, because it matches no marginal. Reinforces wrong
    predictions where the source model is confident. O(n c²) per batch.

    References
    ----------
    .. [1] Y. Jin, X. Wang, M. Long, J. Wang. Minimum class confusion for versatile domain adaptation. ECCV 2020.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import MCC
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[MCC()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_OnTarget._parameter_constraints,
        "temperature": POSITIVE,
    }

    def __init__(self, strength: float = 1.0, *, temperature: float = 2.5, ramp_up: bool = True) -> None:
        self.strength = strength
        self.temperature = temperature
        self.ramp_up = ramp_up

    def objective(self, logits: Tensor) -> Tensor:
        return class_confusion(logits, self.temperature)


class EntropyMinimisation(_OnTarget):
    """Entropy minimization on the target.

    Parameters
    ----------
    strength : float, default=0.1
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    Helps where classes are well separated in the target, a little. Alone it may give all samples one class; better
    :class:`InformationMaximisation` or :class:`MCC`.

    References
    ----------
    .. [1] Y. Grandvalet, Y. Bengio. Semi-supervised learning by entropy minimization. NIPS 2004.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import mean_entropy
    >>> round(float(mean_entropy(torch.zeros(3, 2))), 3)
    0.693
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
    )

    def __init__(self, strength: float = 0.1, *, ramp_up: bool = True) -> None:
        self.strength = strength
        self.ramp_up = ramp_up

    def objective(self, logits: Tensor) -> Tensor:
        return mean_entropy(logits)


class InformationMaximisation(_OnTarget):
    """Information maximization: confident predictions on the target, and equal class frequencies in a batch.

    Parameters
    ----------
    strength : float, default=0.3
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    The main loss of SHOT. Helps where classes are about equally frequent in the target; hurts under label shift,
    because it asks for equal shares.

    References
    ----------
    .. [1] J. Liang, D. Hu, J. Feng. Do we really need to access the source data? Source hypothesis transfer for
       unsupervised domain adaptation. ICML 2020.

    Examples
    --------
    >>> from landbridge.neural.feature import InformationMaximisation
    >>> InformationMaximisation()
    InformationMaximisation()
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
    )

    def __init__(self, strength: float = 0.3, *, ramp_up: bool = True) -> None:
        self.strength = strength
        self.ramp_up = ramp_up

    def objective(self, logits: Tensor) -> Tensor:
        return information_loss(logits)
