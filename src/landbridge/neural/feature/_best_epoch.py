"""Unsupervised checkpoint selection: keep the epoch with the best score of the target predictions."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import StrOptions
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network

__all__ = ["BestEpoch", "batch_score"]

SCORES = ("nuclear norm", "information", "entropy", "density")
TEMPERATURE = 0.05  # of soft neighbourhoods, as in the paper


def batch_score(logits: Tensor, score: str = "nuclear norm") -> Tensor:
    """Score the predictions on a batch without labels; higher is better.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)
    score : {"nuclear norm", "information", "entropy", "density"}, default="nuclear norm"
        Sum of the singular values of the predictions (BNM); entropy of the mean prediction less the mean entropy; the
        mean entropy alone, negated; or the density of soft neighbourhoods (SND) [1]_.

    Returns
    -------
    Tensor
        A scalar without gradient.

    References
    ----------
    .. [1] K. Saito, D. Kim, P. Teterwak, S. Sclaroff, T. Darrell, K. Saenko. Tune it the right way: unsupervised
       validation of domain adaptation via soft neighborhood density. ICCV 2021.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import batch_score
    >>> confident, uniform = 20.0 * torch.eye(3), torch.zeros(3, 3)
    >>> bool(batch_score(confident) > batch_score(uniform))
    True
    """
    P = logits.detach().double().softmax(dim=1)
    n, c = P.shape
    if score == "nuclear norm":
        return torch.linalg.eigvalsh(P.T @ P).clamp_min(0.0).sqrt().sum() / math.sqrt(n * min(n, c))
    if score == "density":
        if n < 3:
            return P.new_zeros(())
        unit = torch.nn.functional.normalize(P, dim=1)
        near = (unit @ unit.T / TEMPERATURE).fill_diagonal_(-math.inf).softmax(dim=1)
        return torch.special.entr(near).sum(dim=1).mean()
    mean_entropy = torch.special.entr(P).sum(dim=1).mean()
    return -mean_entropy if score == "entropy" else torch.special.entr(P.mean(dim=0)).sum() - mean_entropy


class BestEpoch(Method):
    """Unsupervised checkpoint selection: keep the weights of the epoch with the best target predictions.

    Parameters
    ----------
    score : {"nuclear norm", "information", "entropy", "density"}, default="nuclear norm"
        How predictions are judged, see :func:`batch_score`.

    Attributes
    ----------
    scores_ : list of float
        Mean over the target's batches, epoch by epoch.
    best_epoch_ : int
        The epoch whose weights were kept.

    Notes
    -----
    With an adversarial method it recovers a run that collapses late. The predictions are those of the training's
    own passes, so that an epoch costs nothing more but a copy of the weights. Favours equal class shares.

    References
    ----------
    .. [1] S. Cui, S. Wang, J. Zhuo, L. Li, Q. Huang, Q. Tian. Towards discriminability and diversity: batch nuclear
       norm maximization under label insufficient situations. CVPR 2020.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import DANN, BestEpoch
    >>> source, target = load_builtin("printed").take(range(200)), load_builtin("handwritten").take(range(200))
    >>> methods = [DANN(), BestEpoch()]
    >>> model = NeuralClassifier("builtin", methods=methods, epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (200,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "score": [StrOptions(set(SCORES))],
    }

    reads_target: ClassVar[bool] = True

    def __init__(self, score: str = "nuclear norm") -> None:
        self.score = score

    def prepare(self, network: Network, task: Any) -> None:
        self.scores_: list[float] = []
        self.best_epoch_ = 0
        self._best: dict[str, Tensor] = {}
        self._sum: Any = 0.0
        self._count = 0

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        self._close(network)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is not None:
            self._sum = batch_score(target.logits, self.score) + self._sum
            self._count += 1
        return {}

    def finish(self, network: Network) -> None:
        self._close(network)
        with torch.no_grad():
            own = dict(network.named_parameters()) | dict(network.named_buffers())
            for name, value in self._best.items():
                if name in own:
                    own[name].copy_(value)
        self._best = {}

    def state(self) -> dict[str, Tensor]:
        numbers = torch.tensor([float(self._sum), float(self._count), float(self.best_epoch_)], dtype=torch.float64)
        scores = torch.tensor(self.scores_, dtype=torch.float64)
        return {"numbers": numbers, "scores": scores, **{f"best.{k}": v for k, v in self._best.items()}}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._sum, count, best = state["numbers"].tolist()
        self._count, self.best_epoch_ = int(count), int(best)
        self.scores_ = state["scores"].tolist()
        self._best = {k[5:]: v for k, v in state.items() if k.startswith("best.")}

    def _close(self, network: Network) -> None:
        if not self._count:
            return
        self.scores_.append(float(self._sum) / self._count)
        self._sum, self._count = 0.0, 0
        if self.scores_[-1] >= max(self.scores_):
            self.best_epoch_ = len(self.scores_) - 1
            kept = {n: p.detach().clone() for n, p in network.named_parameters() if p.requires_grad}
            self._best = kept | {n: b.detach().clone() for n, b in network.named_buffers()}
