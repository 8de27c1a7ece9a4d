"""One head per source domain on shared features, and their weighted mean for the target."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.exceptions import InputError
from landbridge.neural._checks import COUNT, NOT_NEGATIVE
from landbridge.neural._heads import OpenSetHead, SourceMixture
from landbridge.neural._method import Batch
from landbridge.neural._network import HEAD, Network
from landbridge.neural._samples import Samples, permutation
from landbridge.neural._source_aware import SourceAware
from landbridge.neural.feature._multi_source import distances_of_moments
from landbridge.neural.feature._sources import closeness

__all__ = ["SourceHeads", "head_weights"]

WEIGHTS = ("both", "accuracy", "moments", "equal")


def head_weights(accuracies: Tensor | None = None, distances: Tensor | None = None, sharpness: float = 1.0) -> Tensor:
    r"""Compute the weights of heads, :math:`w_k \propto a_k \exp(-s \, d_k / \bar d)`, with one or both of the factors.

    Parameters
    ----------
    accuracies : Tensor of shape (n_heads,), optional
        As in [1]_ weights are proportional to them.
    distances : Tensor of shape (n_heads,), optional
        Of each source to the target.
    sharpness : float, default=1.0

    Returns
    -------
    Tensor of shape (n_heads,)
        Of sum 1; all equal where every accuracy is zero.

    References
    ----------
    .. [1] X. Peng, Q. Bai, X. Xia, Z. Huang, K. Saenko, B. Wang. Moment matching for multi-source domain adaptation.
       ICCV 2019.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import head_weights
    >>> head_weights(torch.tensor([0.9, 0.1])).tolist() == head_weights(torch.tensor([9.0, 1.0])).tolist()
    True
    >>> near, far = head_weights(distances=torch.tensor([1.0, 3.0])).tolist()
    >>> near > 2 * far
    True
    """
    if accuracies is None and distances is None:
        raise InputError("head_weights needs accuracies, distances or both; got neither.")
    weights = torch.ones(()) if distances is None else closeness(distances, sharpness)
    if accuracies is not None:
        weights = weights.to(accuracies) * accuracies if float(accuracies.sum()) > 0 else weights + 0 * accuracies
    return weights / weights.sum()


class SourceHeads(SourceAware):
    """Source-specific heads: one head per source domain, and the weighted mean of the heads for the target.

    Parameters
    ----------
    weights : {"both", "accuracy", "moments", "equal"} or array-like of shape (n_sources,), default="both"
        What a head's weight is proportional to: its accuracy on samples of its source that were held out; a number that
        falls with the distance of its source's moments to the target's; the product of the two; or the same for all.
        None needs labels of the target. Numbers, in the order of the sorted sources, are taken as they are, for example
        accuracies of single sources' models on target samples whose labels are known.
    validation_fraction : float, default=0.1
        Share of each source that is held out where accuracies are asked for.
    sharpness : float, default=1.0
        How fast weights fall with the distance.
    n_moments : int, default=2

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_sources,)
        After training: weights of the heads, of sum 1.
    accuracies_ : ndarray of shape (n_sources,) or None
        On the samples held out.
    distances_ : ndarray of shape (n_sources,) or None
        Of each source to the target over all samples (see :func:`moment_distances`).
    sources_ : tuple of int or str
        The sources, sorted.

    Notes
    -----
    In training each sample is answered by the head of its source, before any loss is taken, so that this composes with
    methods that have a loss of their own for the sources: beside :class:`MomentMatchingSources` it is M3SDA [1]_, which
    matches moments, trains a head per source and weights them by the accuracies of training on each source alone; give
    those as ``weights`` to do the same. Heads start as copies of the network's head with equal weights until training
    has ended; predictions for target samples, with which some methods learn, are the mean throughout.

    A held-out sample is replaced in each epoch by another of its source; which samples those are is the same for every
    seed. So it chooses the order of the samples, as long as accuracies are asked for, and goes with no other method
    that does. One source alone is trained as without this method: no sample is held out, and the head is what it
    was. With a backbone that has batch norms those see the target's samples, as beside every method that reads the
    target.

    Helps where sources disagree about labels, so that one head would learn their mean, and where one is labelled badly
    or far away. Hurts where sources are small and alike: each head learns from its own samples only. Accuracy does not
    detect a source whose labels are consistent but have another meaning. Not with methods that replace the head or
    train a second one (:class:`OpenSetBackprop`, :class:`MCD`, :class:`MDD`), and for classes only. Costs a head per
    source in each step, and one pass over all samples in the end.

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
    >>> from landbridge.neural.feature import MomentMatchingSources, SourceHeads
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> domain = np.arange(300) % 2
    >>> y = np.where(domain == 1, np.random.RandomState(0).permutation(source.y), source.y)  # the second is wrong
    >>> methods = [SourceHeads(), MomentMatchingSources()]
    >>> model = NeuralClassifier("builtin", methods=methods, epochs=4, image_shape=(8, 8), random_state=0)
    >>> right, wrong = model.fit(source.X, y, X_target=target.X, source_domain=domain).methods_[0].source_weights_
    >>> bool(right > 2 * wrong)
    True
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target", "source_domain"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"concept", "covariate"}),
        planned=frozenset({"classification"}),
        reason="trains a head for each of {n} sources and weights them without target labels",
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "weights": [StrOptions(set(WEIGHTS)), "array-like"],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right")],
        "sharpness": NOT_NEGATIVE,
        "n_moments": COUNT,
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True

    def __init__(
        self,
        weights: Any = "both",
        *,
        validation_fraction: float = 0.1,
        sharpness: float = 1.0,
        n_moments: int = 2,
    ) -> None:
        self.weights = weights
        self.validation_fraction = validation_fraction
        self.sharpness = sharpness
        self.n_moments = n_moments

    def _check_params(self) -> None:
        if not isinstance(self.weights, str):
            _check_weights(_numbers(self.weights), None)

    def prepare(self, network: Network, task: Any) -> None:
        if isinstance(network.head, OpenSetHead):
            raise InputError("methods holds SourceHeads and the head knows an unknown class; leave out one of the two.")
        self._number_sources(next(network.head.parameters()).detach())
        n = len(self.sources_)
        if n > 1 and not isinstance(self.weights, str):
            _check_weights(_numbers(self.weights), n)
        if n > 1 and not isinstance(network.head, SourceMixture):
            frozen = HEAD in network.frozen
            network.replace_head(SourceMixture(network.head, n))
            if frozen:
                network.freeze([HEAD])
        self._mixture(network)

    def order(self, labels: Any, epoch: int, generator: torch.Generator) -> Tensor | None:
        super().order(labels, epoch, generator)
        held = self._held_out(labels)
        if not len(held) or self._numbers is None:
            return None
        of, rest = self._numbers.cpu(), torch.ones(len(labels), dtype=torch.bool)
        rest[held] = False
        stand_in = torch.arange(len(labels))
        for g in range(len(self.sources_)):
            kept, out = (rest & (of == g)).nonzero()[:, 0], held[of[held] == g]
            stand_in[out] = kept[torch.randint(len(kept), (len(out),), generator=generator)]
        return stand_in[torch.randperm(len(labels), generator=generator)]

    def answer(self, network: Network, source: Batch, target: Batch | None) -> None:
        mixture = self._mixture(network)
        if mixture is not None:
            # What comes out of several processes has another precision than the network in double.
            embedding = source.features["embedding"].to(mixture.weights.dtype)
            source.logits = mixture.own(embedding, self._sources_of(source))

    def after(self, network: Network, rows: Any, target: Any, seed: int) -> None:
        mixture, n = self._mixture(network), len(self.sources_)
        accuracies = distances = None
        if mixture is not None and self._asks("accuracy"):
            accuracies = self._accuracies(network, mixture, rows)
        if mixture is not None and self._asks("moments"):
            distances = self._distances(network, rows, target)
        weights = torch.ones(n, dtype=torch.float64)
        if accuracies is not None or distances is not None:
            weights = head_weights(accuracies, distances, self.sharpness)
        elif n > 1 and not isinstance(self.weights, str):
            weights = torch.as_tensor(_numbers(self.weights))
        weights = weights / weights.sum()
        if mixture is not None:
            mixture.weights.copy_(weights)
        self.source_weights_ = weights.numpy()
        self.accuracies_ = None if accuracies is None else accuracies.numpy()
        self.distances_ = None if distances is None else distances.numpy()

    def _asks(self, rule: str) -> bool:
        return isinstance(self.weights, str) and self.weights in (rule, "both")

    def _mixture(self, network: Network) -> SourceMixture | None:
        head, n = network.head, len(self.sources_)
        if n == 1:  # heads of several sources from an earlier training go on as their mean
            return None
        if not isinstance(head, SourceMixture) or len(head.heads) != n:
            raise InputError(
                "methods holds SourceHeads and the network has another head; leave out methods that replace the head, "
                "or begin with a network that has none of other sources."
            )
        return head

    def _held_out(self, labels: Tensor) -> Tensor:
        """Samples that no head learns from: from each class of each source its share, never the whole source."""
        none = torch.zeros(0, dtype=torch.int64)
        if self._numbers is None or len(self.sources_) == 1 or not self._asks("accuracy"):
            return none
        of, y = self._numbers.cpu(), labels if labels.ndim == 1 else labels.argmax(dim=1)
        order = permutation(len(of), 0, 0)
        order = order[y[order].argsort(stable=True)]  # by class, so that even steps take of each its share
        held = [none]
        for g in range(len(self.sources_)):
            rows = order[of[order] == g]
            steps = ((torch.arange(len(rows)) + 0.5) / self.validation_fraction).long()
            held.append(rows[steps[steps < len(rows)]])
        return torch.cat(held)

    def _accuracies(self, network: Network, mixture: SourceMixture, rows: Samples) -> Tensor:
        assert rows.labels is not None and self._numbers is not None
        labels, numbers = rows.labels.cpu(), self._numbers.cpu()
        held = self._held_out(labels)
        right = torch.zeros(len(self.sources_), 2, dtype=torch.float64)
        for cut, embedding in _embeddings(network, rows, held):
            of, y = numbers[cut], labels[cut] if labels.ndim == 1 else labels[cut].argmax(dim=1)
            hits = mixture.own(embedding, of.to(embedding.device)).argmax(dim=1).cpu() == y
            right.index_add_(0, of, torch.stack([hits, torch.ones_like(hits)], dim=1).double())
        # A source of which little could be held out is taken for an average one.
        average = right[:, 0].sum() / right[:, 1].sum().clamp_min(1.0)
        return (right[:, 0] + average) / (right[:, 1] + 1.0)

    def _distances(self, network: Network, rows: Samples, target: Samples) -> Tensor:
        assert self._numbers is not None
        numbers, n = self._numbers.cpu(), len(self.sources_)
        sums = torch.zeros(self.n_moments, n + 1, network.in_features, dtype=torch.float64)
        counts = torch.cat([numbers.bincount(minlength=n), torch.tensor([len(target)])])
        for domain in (rows, target):
            for cut, embedding in _embeddings(network, domain, torch.arange(len(domain))):
                of = numbers[cut] if domain is rows else torch.full((len(cut),), n)
                powers = [embedding.cpu().double().pow(k) for k in range(1, self.n_moments + 1)]
                sums.index_add_(1, of, torch.stack(powers))
        return distances_of_moments(sums / counts[None, :, None])[n, :n]


def _numbers(weights: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"weights must be one number per source; got {weights!r}.") from None


def _check_weights(weights: NDArray[np.float64], n: int | None) -> None:
    """Weights of sources whose number may not be known yet."""
    of_all = weights.ndim == 1 and len(weights) > 0 if n is None else weights.shape == (n,)
    if not of_all or not np.isfinite(weights).all() or weights.min() < 0 or not weights.sum() > 0:
        each = "one number per source" if n is None else f"one number per source ({n})"
        raise InputError(f"weights must be {each}, none negative and not all zero; got {weights}.")


def _embeddings(network: Network, rows: Samples, which: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    device = next(network.parameters()).device
    with torch.no_grad():
        for cut in which.split(256):
            yield cut, network.embed(rows.take(cut.to(rows.device), device)[0])
