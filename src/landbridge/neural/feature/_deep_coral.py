"""Deep CORAL and central moment discrepancy: align covariances or moments of the features."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import COUNT
from landbridge.neural._method import Batch
from landbridge.neural.feature._discrepancy import FeatureDiscrepancy

__all__ = ["CentralMoments", "DeepCORAL", "central_moment_discrepancy", "coral_loss"]


def coral_loss(Xs: Tensor, Xt: Tensor) -> Tensor:
    r"""Compute the squared Frobenius distance of two covariances, :math:`\lVert C_S - C_T \rVert_F^2 / (4 d^2)`.

    Parameters
    ----------
    Xs : Tensor of shape (n, d)
    Xt : Tensor of shape (m, d)

    Returns
    -------
    Tensor
        A scalar.
    """

    def covariance(X: Tensor) -> Tensor:
        centred = X - X.mean(dim=0)
        return centred.T @ centred / max(len(X) - 1, 1)

    return (covariance(Xs) - covariance(Xt)).square().sum() / (4 * Xs.shape[1] ** 2)


def central_moment_discrepancy(Xs: Tensor, Xt: Tensor, order: int = 5) -> Tensor:
    r"""Compute the distance of means and central moments up to an order, for features mapped to (0, 1) by a sigmoid.

    Parameters
    ----------
    Xs : Tensor of shape (n, d)
    Xt : Tensor of shape (m, d)
    order : int, default=5

    Returns
    -------
    Tensor
        A scalar.
    """
    a, b = torch.sigmoid(Xs), torch.sigmoid(Xt)
    ma, mb = a.mean(dim=0), b.mean(dim=0)
    ca, cb = a - ma, b - mb
    terms = [ma - mb] + [ca.pow(k).mean(dim=0) - cb.pow(k).mean(dim=0) for k in range(2, order + 1)]
    return torch.stack([(t.square().sum() + 1e-24).sqrt() for t in terms]).sum()


class DeepCORAL(FeatureDiscrepancy):
    """Deep CORAL: align the covariances of source and target features.

    Parameters
    ----------
    strength : float, default=10.0
    stages : tuple of str, optional
        Stages to adapt. If None, the embedding.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.

    Notes
    -----
    Helps where correlations differ, as between cameras; does not align means, which the network's norms partly do. Cost
    O(n d²) per batch.

    References
    ----------
    .. [1] B. Sun, K. Saenko. Deep CORAL: correlation alignment for deep domain adaptation. ECCV workshops 2016.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import coral_loss
    >>> float(coral_loss(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [0.0]])))
    1.0
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification", "regression"}),
    )

    def __init__(self, strength: float = 10.0, *, stages: tuple[str, ...] | None = None, ramp_up: bool = True) -> None:
        self.strength = strength
        self.stages = stages
        self.ramp_up = ramp_up

    def distance(self, source: list[Tensor], target: list[Tensor], batches: tuple[Batch, Batch]) -> Tensor:
        return torch.stack([coral_loss(a, b) for a, b in zip(source, target, strict=True)]).sum()


class CentralMoments(FeatureDiscrepancy):
    """Central moment discrepancy (CMD): align means and central moments of the features.

    Parameters
    ----------
    strength : float, default=1.0
    stages : tuple of str, optional
        Stages to adapt. If None, the embedding.
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.
    n_moments : int, default=5
        Highest moment.

    Notes
    -----
    No kernel and no bandwidth; feature by feature, so that correlations are not seen. Cost O(n d) per batch and moment.

    References
    ----------
    .. [1] W. Zellinger, T. Grubinger, E. Lughofer, T. Natschläger, S. Saminger-Platz. Central moment discrepancy (CMD)
       for domain-invariant representation learning. ICLR 2017.

    Examples
    --------
    >>> from landbridge.neural.feature import CentralMoments
    >>> CentralMoments(n_moments=3).n_moments
    3
    """

    method_tags = MethodTags("feature", reads=frozenset({"X_target"}), shifts=frozenset({"covariate", "subspace"}))
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **FeatureDiscrepancy._parameter_constraints,
        "n_moments": COUNT,
    }

    def __init__(
        self,
        strength: float = 1.0,
        *,
        stages: tuple[str, ...] | None = None,
        ramp_up: bool = True,
        n_moments: int = 5,
    ) -> None:
        self.strength = strength
        self.stages = stages
        self.ramp_up = ramp_up
        self.n_moments = n_moments

    def distance(self, source: list[Tensor], target: list[Tensor], batches: tuple[Batch, Batch]) -> Tensor:
        parts = [central_moment_discrepancy(a, b, self.n_moments) for a, b in zip(source, target, strict=True)]
        return torch.stack(parts).sum()
