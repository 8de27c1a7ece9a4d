"""Attention-based weights of source samples and of source domains."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval
from landbridge.neural._checks import NOT_NEGATIVE, POSITIVE
from landbridge.neural._method import Batch
from landbridge.neural._network import Network
from landbridge.neural._source_aware import SourceAware

__all__ = ["SourceAttention", "attention_weights"]


def attention_weights(
    source: Tensor, target: Tensor, temperature: float = 0.1, agreement: Tensor | None = None
) -> Tensor:
    r"""Compute how much the target samples attend to each source sample, with mean one.

    Target sample *j* spreads one unit over the source samples, :math:`A_{ji} \propto c_{ji} \exp(\cos(t_j, s_i) /
    \tau)`, where *c* is the agreement; sample *i* has the weight :math:`\frac{n}{m} \sum_j A_{ji}`.

    Parameters
    ----------
    source : Tensor of shape (n, d)
    target : Tensor of shape (m, d)
    temperature : float, default=0.1
        Smaller ones leave all attention to the nearest rows.
    agreement : Tensor of shape (m, n), optional
        Probability that target sample *j* has the label of source sample *i*. If None, 1.

    Returns
    -------
    Tensor of shape (n,)
        Without gradient.

    Notes
    -----
    Cosines are those of the samples less the mean of both means, so that what all samples share is no likeness.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import attention_weights
    >>> source = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    >>> attention_weights(source, torch.tensor([[1.0, 0.1], [1.0, -0.1]])).round().tolist()
    [2.0, 0.0]
    """
    source, target = source.detach(), target.detach()
    middle = (source.mean(dim=0) + target.mean(dim=0)) / 2
    scores = F.normalize(target - middle, dim=1) @ F.normalize(source - middle, dim=1).T / temperature
    if agreement is not None:
        scores = scores + agreement.detach().clamp_min(1e-6).log()
    return len(source) * scores.softmax(dim=1).mean(dim=0)


class SourceAttention(SourceAware):
    """Source attention: weight source samples and source domains by the attention of target samples.

    Parameters
    ----------
    temperature : float, default=0.1
        Of the attention; smaller ones leave all weight to the nearest rows.
    match_labels : bool, default=True
        Whether a target sample attends to source samples of the classes that it is itself taken for, so that samples
        whose label contradicts their neighbours' lose weight. Not for tasks without classes.
    sharpness : float, default=3.0
        Power to which a source's mean attention is taken; 1 leaves it as its samples have it, 0 counts sources alike.
    momentum : float, default=0.5
        Share of a sample's average attention that is kept when the sample is seen again.
    max_weight : float, default=5.0
        Most that one sample may count; the mean is 1.

    Attributes
    ----------
    row_weights_ : ndarray of shape (n_source,)
        After training: how much each training sample counted in the end; the mean is 1.
    source_weights_ : ndarray of shape (n_sources,)
        How much a sample of each source counted, on average; the mean over the sources is 1.
    sources_ : tuple of int or str
        The sources, sorted.

    Notes
    -----
    In each batch the target's embeddings attend to the source's (see :func:`attention_weights`), without gradient. What
    a sample received is averaged over the epochs, and from the second epoch on weights its loss; a source's weight is
    the mean over its samples. Attention is divided by the mean over the class, so that all classes count as they did.

    As in [1]_ sources nearer to the target count more. There attention is learned, by a network that recognises the
    domain, and goes to sources alone; here it needs no training and goes to single samples too. Against [2]_, where
    weights of sources solve a bound that trades discrepancy for the number of samples, no source is excluded.

    Helps where a part of the source is unlike the target or labelled wrongly. Hurts where the source is small and all
    of it of use, because uneven weights are as good as fewer samples; and where most labels of a class are wrong, which
    then pass for right. Composes with methods that align the domains, not with others that replace the task's loss.
    Take batches of 32 samples or more. Costs O(n m d) for a batch of n and m samples, and three numbers per sample.

    Pass ``source_domain``, numbers or names, to ``fit`` of the estimator; in a training loop of your own, call
    :meth:`set_source_domain` with one entry per training sample. Without it, and when training on labelled target
    samples, all samples are taken for one source.

    References
    ----------
    .. [1] Y. Zuo, H. Yao, C. Xu. Attention-based multi-source domain adaptation. IEEE Transactions on Image Processing
       30, 2021.
    .. [2] J. Wen, R. Greiner, D. Schuurmans. Domain aggregation networks for multi-source domain adaptation. ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import SourceAttention
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> domain = np.arange(300) % 2
    >>> y = np.where(domain == 1, np.random.RandomState(0).permutation(source.y), source.y)  # the second is wrong
    >>> method = SourceAttention()
    >>> model = NeuralClassifier("builtin", methods=[method], epochs=4, image_shape=(8, 8), random_state=0)
    >>> right, wrong = model.fit(source.X, y, X_target=target.X, source_domain=domain).methods_[0].source_weights_
    >>> bool(right > 1.5 * wrong)
    True
    """

    method_tags = MethodTags(
        "instance", reads=frozenset({"X_target", "source_domain"}), shifts=frozenset({"covariate", "subspace"})
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "temperature": POSITIVE,
        "match_labels": ["boolean"],
        "sharpness": NOT_NEGATIVE,
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "max_weight": [Interval(Real, 1, None, closed="left")],
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True
    replaces_task_loss: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("_rows",)

    def __init__(
        self,
        *,
        temperature: float = 0.1,
        match_labels: bool = True,
        sharpness: float = 3.0,
        momentum: float = 0.5,
        max_weight: float = 5.0,
    ) -> None:
        self.temperature = temperature
        self.match_labels = match_labels
        self.sharpness = sharpness
        self.momentum = momentum
        self.max_weight = max_weight

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.head.parameters()).detach()
        self._number_sources(like)
        self._task = task
        self._has_classes = getattr(task, "name", "") == "classification"
        # one column per sample: average attention (0 where it was never seen), weight, class
        self._rows = torch.zeros(3, 0).to(like)
        self._make_room(0 if self.source_domain_ is None else len(self.source_domain_))

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        self._update_weights()

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        rows = source.rows.to(self._rows.device)
        self._make_room(int(rows.max()) + 1)
        if target is not None:
            self._attend(rows, source, target)
        weights = self._rows[1, rows]
        per_row = torch.vmap(lambda logits, y: self._task.mean_loss(logits[None], y[None]))(
            source.logits, source.labels
        )
        return {"task": (weights * per_row).sum() / weights.sum().clamp_min(1e-12)}

    def finish(self, network: Network) -> None:
        self._update_weights()
        self.row_weights_ = self._rows[1].double().cpu().numpy()
        means = self._source_means(self._rows[1]).double().cpu().numpy()
        self.source_weights_ = means / max(means.mean(), 1e-12)

    def _make_room(self, n: int) -> None:
        # How many samples there are is known when all were seen once.
        if n > self._rows.shape[1]:
            more = torch.zeros(3, n - self._rows.shape[1]).to(self._rows)
            more[1] = 1.0
            self._rows = torch.cat([self._rows, more], dim=1)

    def _attend(self, rows: Tensor, source: Batch, target: Batch) -> None:
        agreement = None
        if self._has_classes:
            labels = source.labels if source.labels.ndim == 1 else source.labels.argmax(dim=1)
            self._rows[2, rows] = labels.to(self._rows)
            agreement = target.logits.detach().softmax(dim=1)[:, labels] if self.match_labels else None
        seen = attention_weights(
            source.features["embedding"], target.features["embedding"], self.temperature, agreement
        ).to(self._rows)
        before = self._rows[0, rows]
        self._rows[0, rows] = torch.where(before > 0, self.momentum * before + (1 - self.momentum) * seen, seen)

    def _update_weights(self) -> None:
        seen, of = self._rows[0], self._rows[2].long()
        if not len(seen):
            return
        known = seen > 0
        w = torch.where(known, seen / _means(seen, of, int(of.max()) + 1, known)[of], 1.0)
        if self._numbers is not None:
            means = self._source_means(w)
            w = w * (means.clamp_min(1e-12) ** (self.sharpness - 1.0))[self._numbers]
        w = (w / w.mean()).clamp_max(self.max_weight)
        self._rows[1] = w / w.mean()

    def _source_means(self, w: Tensor) -> Tensor:
        of = torch.zeros(len(w), dtype=torch.int64, device=w.device) if self._numbers is None else self._numbers
        return _means(w, of, len(self.sources_))


def _means(values: Tensor, of: Tensor, n: int, known: Tensor | None = None) -> Tensor:
    known = torch.ones_like(values) if known is None else known.to(values)
    sums = torch.zeros(2, n).to(values)
    sums[0].index_add_(0, of, values * known)
    sums[1].index_add_(0, of, known)
    return (sums[0] / sums[1].clamp_min(1.0)).clamp_min(1e-12)
