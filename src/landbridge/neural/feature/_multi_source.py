"""M3SDA: align the moments of several sources and a target."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.neural._checks import COUNT, NOT_NEGATIVE, POSITIVE
from landbridge.neural._method import Batch
from landbridge.neural._network import Network
from landbridge.neural._source_aware import SourceAware
from landbridge.neural.feature._discrepancy import strength_at
from landbridge.neural.feature._sources import closeness

__all__ = ["MomentMatchingSources", "moment_distances"]


def moment_distances(domains: list[Tensor], n_moments: int = 2) -> Tensor:
    r"""Compute distances of all pairs of domains: the sum over *k* of :math:`\|E x^k - E y^k\|_2` (eq. 1 of [1]_).

    Parameters
    ----------
    domains : list of Tensor of shape (n_i, d)
    n_moments : int, default=2
        Raw moments, feature by feature, from the first on.

    Returns
    -------
    Tensor of shape (n_domains, n_domains)
        Symmetric, with zeros on the diagonal.

    References
    ----------
    .. [1] X. Peng, Q. Bai, X. Xia, Z. Huang, K. Saenko, B. Wang. Moment matching for multi-source domain adaptation.
       ICCV 2019.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import moment_distances
    >>> moment_distances([torch.zeros(2, 1), torch.ones(3, 1)]).tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    moments = torch.stack([torch.stack([x.pow(k).mean(dim=0) for x in domains]) for k in range(1, n_moments + 1)])
    return distances_of_moments(moments)


def distances_of_moments(moments: Tensor) -> Tensor:
    """Compute the distances of :func:`moment_distances` from the moments.

    Parameters
    ----------
    moments : Tensor of shape (n_moments, n_domains, d)

    Returns
    -------
    Tensor of shape (n_domains, n_domains)
    """
    squares = (moments[:, :, None] - moments[:, None]).square().sum(dim=3)
    # The root of zero has no slope; the diagonal is zero always.
    return torch.where(squares > 0, squares.clamp_min(torch.finfo(squares.dtype).tiny).sqrt(), 0.0).sum(dim=0)


class MomentMatchingSources(SourceAware):
    """M3SDA (moment matching for multi-source domain adaptation): align the moments of sources and target.

    Parameters
    ----------
    strength : float, default=0.03
        Of the distances, which are sums over all columns and soon larger than the task's loss.
    n_moments : int, default=2
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.
    sharpness : float, default=1.0
        How much sources nearer to the target count more in the task's loss; 0 weights all equally.

    Attributes
    ----------
    sources_ : tuple of int or str
        After training: the sources, sorted.
    source_weights_ : ndarray of shape (n_sources,)
        How much each counted at the end; the mean is 1.
    distances_ : ndarray of shape (n_sources,)
        Of each source to the target, averaged over the last epochs.

    Notes
    -----
    The distances of sources to the target are averaged, and those of sources to each other, as in the paper. One head
    serves all sources, where the paper has one per source: add :class:`SourceHeads` for that. A source's weight in the
    task's loss is proportional to ``exp(-sharpness * distance / mean distance)``, the distances being averages over
    the steps so far.

    Helps where sources differ from each other, so that samples pooled as one source hide how far each is. Hurts where
    class shares differ between sources, as all matching of marginals does. Take batches with several samples of each
    source; a source with fewer than two samples in a batch is skipped. Costs O(n d) per batch.

    Pass ``source_domain``, numbers or names, to ``fit`` of the estimator; in a training loop of your own, call
    :meth:`set_source_domain` with one entry per training sample. Without it, and when training on labelled target
    samples, all samples are taken for one source.

    References
    ----------
    .. [1] X. Peng, Q. Bai, X. Xia, Z. Huang, K. Saenko, B. Wang. Moment matching for multi-source domain adaptation.
       ICCV 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import MomentMatchingSources
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> X, domain = source.X.copy(), np.arange(300) % 2
    >>> X[domain == 1] = 16 - X[domain == 1]  # the second source is white on black
    >>> method = MomentMatchingSources()
    >>> model = NeuralClassifier("builtin", methods=[method], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(X, source.y, X_target=target.X, source_domain=domain).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target", "source_domain"}),
        shifts=frozenset({"covariate", "subspace"}),
        planned=frozenset({"classification"}),
        reason="aligns each of {n} sources with the target and with the others, by distance",
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "n_moments": COUNT,
        "ramp_up": ["boolean"],
        "sharpness": NOT_NEGATIVE,
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True
    replaces_task_loss: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("_sums",)

    def __init__(
        self,
        strength: float = 0.03,
        *,
        n_moments: int = 2,
        ramp_up: bool = True,
        sharpness: float = 1.0,
    ) -> None:
        self.strength = strength
        self.n_moments = n_moments
        self.ramp_up = ramp_up
        self.sharpness = sharpness

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.head.parameters()).detach()
        self._number_sources(like)
        self._task = task
        self._sums = torch.zeros(len(self.sources_), 2).to(like)  # discounted sum of distances, and of counts

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        of = self._sources_of(source)
        counts = of.bincount(minlength=len(self.sources_)).tolist()
        present = [g for g, n in enumerate(counts) if n]
        shares = self._source_weights()[present] * torch.tensor([counts[g] for g in present]).to(self._sums)
        shares = shares / shares.sum()
        losses = [self._task.mean_loss(source.logits[of == g], source.labels[of == g]) for g in present]
        terms = {"task": (shares * torch.stack(losses)).sum()}
        several = [g for g in present if counts[g] > 1]
        if target is None or not several:
            return terms
        own = source.features["embedding"]
        D = moment_distances([own[of == g] for g in several] + [target.features["embedding"]], self.n_moments)
        n = len(several)
        between = D[:n, :n].sum() / max(n * (n - 1), 1)
        seen = torch.stack([D[:n, n].detach(), torch.ones_like(D[:n, n])], dim=1)
        self._sums[several] = 0.98 * self._sums[several] + 0.02 * seen
        terms["moments"] = strength_at(self, progress) * (D[:n, n].mean() + between)
        return terms

    def finish(self, network: Network) -> None:
        self.source_weights_ = self._source_weights().cpu().numpy()
        self.distances_ = (self._sums[:, 0] / self._sums[:, 1].clamp_min(1e-12)).cpu().numpy()

    def _source_weights(self) -> Tensor:
        distances = self._sums[:, 0] / self._sums[:, 1].clamp_min(1e-12)
        seen = self._sums[:, 1] > 0
        if not seen.any():
            return torch.ones_like(distances)
        known = torch.where(seen, distances, distances[seen].mean())  # one not seen yet counts as one midway
        return len(distances) * closeness(known, self.sharpness)
