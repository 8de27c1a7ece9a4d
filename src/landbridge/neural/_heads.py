"""Heads: of positions, of feature maps, with an unknown class, and with a head per source."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.neural._states import Features

__all__ = ["MapHead", "OpenSetHead", "SourceMixture", "TokenHead", "made_around", "mixed_answers", "parts_of"]


def mixed_answers(logits: Tensor, weights: Tensor) -> Tensor:
    r"""Compute the log of the weighted mean of the heads' probabilities, :math:`\log \sum_k w_k \mathrm{softmax}(z_k)`.

    Parameters
    ----------
    logits : Tensor of shape (n_heads, n, n_classes)
    weights : Tensor of shape (n_heads,)
        Not negative, of sum 1.

    Returns
    -------
    Tensor of shape (n, n_classes)
        Its softmax is the mean itself.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import mixed_answers
    >>> logits = torch.tensor([[[0.9, 0.1]], [[0.5, 0.5]]]).log()
    >>> torch.allclose(mixed_answers(logits, torch.tensor([0.5, 0.5])).exp(), torch.tensor([0.7, 0.3]))
    True
    """
    return (logits.log_softmax(dim=2) + weights.log()[:, None, None]).logsumexp(dim=0)


class TokenHead(nn.Module):
    """Linear layer on each position.

    Parameters
    ----------
    in_features, n_outputs : int

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import Features
    >>> from landbridge.neural._heads import TokenHead
    >>> TokenHead(8, 3)(Features(torch.zeros(2, 5, 8)))["logits"].shape
    torch.Size([2, 5, 3])
    """

    takes = "tokens"

    def __init__(self, in_features: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, n_outputs)

    def forward(self, x: Features) -> dict[str, Tensor]:
        """Compute the logits of each position.

        Parameters
        ----------
        x : Features

        Returns
        -------
        dict of str to Tensor
            ``logits`` of shape (n, time, n_outputs), and ``mask`` of shape (n, time), False for padding.
        """
        return {"logits": self.linear(x.hidden), "mask": x.places()}


class MapHead(nn.Module):
    """Linear layer on each place of a feature map, at the size of the input image.

    Parameters
    ----------
    in_features, n_outputs : int

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._heads import MapHead
    >>> MapHead(8, 3)(torch.zeros(2, 8, 4, 4), size=(16, 16)).shape
    torch.Size([2, 3, 16, 16])
    """

    takes = "map"
    sized = True

    def __init__(self, in_features: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, n_outputs)

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Compute the logits of each place.

        Parameters
        ----------
        x : Tensor of shape (n, in_features, height, width)
        size : tuple of int, optional
            Height and width of the result, by bilinear interpolation. If None, those of `x`.

        Returns
        -------
        Tensor of shape (n, n_outputs, height, width)
        """
        logits = F.conv2d(x, self.linear.weight[:, :, None, None], self.linear.bias)
        if size is None or logits.shape[-2:] == size:
            return logits
        return F.interpolate(logits, size, mode="bilinear", align_corners=False)


class OpenSetHead(nn.Module):
    """Open-set head: a head with an additional class "unknown".

    The forward pass returns the logits of the known classes only; :meth:`all_logits` appends the unknown class as the
    last column.

    Parameters
    ----------
    head : Module
        Of the known classes.
    in_features : int
    """

    def __init__(self, head: nn.Module, in_features: int) -> None:
        super().__init__()
        self.head = head
        self.unknown = nn.Linear(in_features, 1)

    def forward(self, embedding: Tensor) -> Tensor:
        """Compute the logits of the known classes.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_features)

        Returns
        -------
        Tensor of shape (n, n_classes)
        """
        logits: Tensor = self.head(embedding)
        return logits

    def all_logits(self, embedding: Tensor) -> Tensor:
        """Compute the logits of the known classes and of the unknown one.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_features)

        Returns
        -------
        Tensor of shape (n, n_classes + 1)
        """
        return torch.cat([self.head(embedding), self.unknown(embedding)], dim=1)


class SourceMixture(nn.Module):
    """Mixture of one head per source, which predicts with their weighted mean.

    The forward pass returns the logarithm of the mean of the heads' probabilities; :meth:`own` returns for each sample
    the logits of its own source's head.

    Parameters
    ----------
    head : Module
        Copied for each source.
    n_sources : int

    Attributes
    ----------
    heads : ModuleList
    weights : Tensor of shape (n_sources,)
        Of sum 1; all equal at first.
    """

    weights: Tensor

    def __init__(self, head: nn.Module, n_sources: int) -> None:
        super().__init__()
        like = next(head.parameters()).detach()
        self.heads = nn.ModuleList(copy.deepcopy(head) for _ in range(n_sources))
        self.register_buffer("weights", torch.full((n_sources,), 1.0 / n_sources).to(like))

    def forward(self, embedding: Tensor) -> Tensor:
        """Compute the log of the mean of the heads' probabilities; for a single head, its logits.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_features)

        Returns
        -------
        Tensor of shape (n, n_classes)
        """
        logits = self.all_logits(embedding)
        return logits[0] if len(logits) == 1 else mixed_answers(logits, self.weights)

    def all_logits(self, embedding: Tensor) -> Tensor:
        """Compute the logits of every head.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_features)

        Returns
        -------
        Tensor of shape (n_sources, n, n_classes)
        """
        return torch.stack([head(embedding) for head in self.heads])

    def own(self, embedding: Tensor, sources: Tensor) -> Tensor:
        """Compute the logits of the head of each sample's source.

        Parameters
        ----------
        embedding : Tensor of shape (n, in_features)
        sources : Tensor of int64, shape (n,)
            From 0 to ``n_sources - 1``.

        Returns
        -------
        Tensor of shape (n, n_classes)
        """
        return self.all_logits(embedding)[sources, torch.arange(len(sources), device=sources.device)]


def parts_of(head: nn.Module) -> tuple[nn.Module, list[Any]]:
    """Return the wrapped head, with the kind and number from which :func:`made_around` wraps it again.

    Parameters
    ----------
    head : Module

    Returns
    -------
    plain : Module
    around : list
        Empty where nothing is around it.
    """
    if type(head) is OpenSetHead:
        return head.head, ["open set", head.unknown.in_features]
    if type(head) is SourceMixture:
        return head.heads[0], ["sources", len(head.heads)]
    if type(head) in (TokenHead, MapHead):
        inner: Any = head
        return inner.linear, [inner.takes, inner.linear.in_features]
    return head, []


def made_around(head: nn.Module, kind: str = "", number: int = 0) -> nn.Module:
    """Wrap a head again as :func:`parts_of` found it, with weights to be loaded.

    Parameters
    ----------
    head : Module
    kind : str, default=""
    number : int, default=0

    Returns
    -------
    Module
    """
    if kind in ("tokens", "map"):
        head_of_places = (TokenHead if kind == "tokens" else MapHead)(1, 1)
        head_of_places.linear = head  # type: ignore[assignment]
        return head_of_places
    made = {"open set": OpenSetHead, "sources": SourceMixture}.get(kind)
    return head if made is None else made(head, number)
