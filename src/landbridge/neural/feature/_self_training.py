"""Self-training on target samples, with confidence calibrated on source samples that are held out."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, StrOptions
from landbridge.neural._checks import FRACTION, POSITIVE
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network
from landbridge.neural.feature._discrepancy import strength_at

__all__ = ["SelfTraining", "calibrated_temperature"]


def calibrated_temperature(logits: Tensor, labels: Tensor, *, lowest: float = 0.05, highest: float = 20.0) -> float:
    """Compute the temperature that maximizes the likelihood of the labels.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)
    labels : Tensor of int64, shape (n,)
    lowest, highest : float, default=0.05, 20.0
        Bounds; the lower is taken where every label is right by a margin.

    Returns
    -------
    float

    Notes
    -----
    The loss is convex in the inverse temperature, whose slope is found to be zero by bisection.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger. On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import calibrated_temperature
    >>> logits = 5.0 * torch.eye(2)[[0, 0, 0, 0]]
    >>> round(calibrated_temperature(logits, torch.tensor([0, 0, 0, 1])), 2)  # 5 / log(3)
    4.55
    """
    logits, labels = logits.detach().double(), labels.detach()
    mine = logits.gather(1, labels[:, None])[:, 0].mean()

    def slope(log_temperature: float) -> float:
        expected = ((logits * math.exp(-log_temperature)).softmax(dim=1) * logits).sum(dim=1).mean()
        return float(mine - expected)  # of the mean log-likelihood in the inverse temperature

    low, high = math.log(lowest), math.log(highest)
    for _ in range(40):
        middle = (low + high) / 2
        # A likelihood that still grows with the inverse temperature asks for a lower temperature.
        low, high = (low, middle) if slope(middle) >= 0 else (middle, high)
    return math.exp((low + high) / 2)


class SelfTraining(Method):
    """Self-training (pseudo-labels): learn from the target samples that are predicted with high confidence.

    Parameters
    ----------
    threshold : float, default=0.9
        Least probability, after calibration, at which a sample is learned.
    temperature : float or "auto", default="auto"
        By which logits are divided before the probability is read; ``"auto"`` finds it on held-out source
        samples.
    strength : float, default=1.0
    ramp_up : bool, default=True
        Whether the strength rises from zero over the training.
    validation_fraction : float, default=0.1
        Share of the source samples that is held out of the task's loss for calibration.
    momentum : float, default=0.8
        Share that a target sample's previous predictions keep in the running mean from which its label and its
        confidence are read; 0 takes the current prediction alone.

    Attributes
    ----------
    temperature_ : float
        After training: the temperature of the last epoch.
    shares_ : list of float
        Share of target samples that was learned, epoch by epoch.

    Notes
    -----
    Temperature scaling mends the confidence on the source; on a target that differs it is still too high, so a
    calibrated temperature below 1 is never taken. A sample counts once its running mean passes the threshold; samples
    of a batch that do not pass count as zero, so few confident samples have little weight.

    Helps where the first predictions are mostly right. Hurts where they are not: it learns its own errors, and the more
    so the lower the threshold. Costs nothing but a running mean, O(n_target n_classes) of memory.

    References
    ----------
    .. [1] D.-H. Lee. Pseudo-label: the simple and efficient semi-supervised learning method for deep neural networks.
       ICML workshop on challenges in representation learning, 2013.
    .. [2] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger. On calibration of modern neural networks. ICML 2017.
    .. [3] S. Laine, T. Aila. Temporal ensembling for semi-supervised learning. ICLR 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import SelfTraining
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", methods=[SelfTraining()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "subspace"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "threshold": [Interval(Real, 0, 1, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "strength": POSITIVE,
        "ramp_up": ["boolean"],
        "validation_fraction": FRACTION,
        "momentum": [Interval(Real, 0, 1, closed="left")],
    }

    reads_target: ClassVar[bool] = True
    replaces_task_loss: ClassVar[bool] = True

    def __init__(
        self,
        threshold: float = 0.9,
        *,
        temperature: Any = "auto",
        strength: float = 1.0,
        ramp_up: bool = True,
        validation_fraction: float = 0.1,
        momentum: float = 0.8,
    ) -> None:
        self.threshold = threshold
        self.temperature = temperature
        self.strength = strength
        self.ramp_up = ramp_up
        self.validation_fraction = validation_fraction
        self.momentum = momentum

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.head.parameters()).detach()
        self._task = task
        self._mean = torch.zeros(0, int(task.n_outputs)).to(like)
        self._aside: list[tuple[Tensor, Tensor]] = []
        self._now = torch.tensor(1.0 if self.temperature == "auto" else float(self.temperature))
        self._counts = torch.zeros(2).to(like)  # kept on the device, read once an epoch
        self._shares: list[float] = []

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        if self._aside and self.temperature == "auto":
            logits, labels = (torch.cat(parts) for parts in zip(*self._aside, strict=True))
            self._now = torch.tensor(calibrated_temperature(logits, labels, lowest=1.0))
        self._aside = []
        self._close_epoch()

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {"task": self._task.mean_loss(source.logits, source.labels)}
        terms = {"task": self._learn(source)}
        probabilities = (target.logits.detach() / float(self._now)).softmax(dim=1)
        means = self._remember(target.rows, probabilities)
        confidence, labels = means.max(dim=1)
        sure = confidence >= self.threshold
        self._counts[0] += sure.sum()
        self._counts[1] += len(sure)
        weight = strength_at(self, progress)
        per_row = F.cross_entropy(target.logits, labels, reduction="none")
        terms["selftraining"] = weight * (per_row * sure).mean()
        return terms

    def finish(self, network: Network) -> None:
        self._close_epoch()
        self.temperature_, self.shares_ = float(self._now), self._shares
        self._aside = []

    def state(self) -> dict[str, Tensor]:
        found = {"mean": self._mean, "temperature": self._now, "counts": self._counts}
        if self._aside:
            logits, labels = (torch.cat(parts) for parts in zip(*self._aside, strict=True))
            found |= {"aside": logits, "aside_labels": labels}
        return found

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._mean, self._now = state["mean"].to(self._mean), state["temperature"].cpu()
        self._counts = state["counts"].to(self._counts)
        self._aside = [(state["aside"], state["aside_labels"])] if "aside" in state else []

    def _learn(self, source: Batch) -> Tensor:
        """The task's loss without the held-out samples, whose predictions are put aside."""
        if self.temperature != "auto" or source.labels.ndim != 1:
            loss: Tensor = self._task.mean_loss(source.logits, source.labels)
            return loss
        out = _scattered(source.rows.to(source.labels.device)) < self.validation_fraction
        if out.all():
            return 0.0 * source.logits.sum()
        self._aside.append((source.logits.detach()[out], source.labels[out]))
        return self._task.mean_loss(source.logits[~out], source.labels[~out])

    def _remember(self, rows: Tensor, probabilities: Tensor) -> Tensor:
        """The samples' running means, with the current predictions in them."""
        rows = rows.to(probabilities.device)
        missing = int(rows.max()) + 1 - len(self._mean)
        if missing > 0:
            self._mean = torch.cat([self._mean, probabilities.new_zeros(missing, probabilities.shape[1])])
        old = self._mean[rows]
        keep = self.momentum * (old.sum(dim=1, keepdim=True) > 0).to(old)
        fresh = keep * old + (1 - keep) * probabilities
        self._mean[rows] = fresh
        return fresh

    def _close_epoch(self) -> None:
        if float(self._counts[1]):
            self._shares.append(float(self._counts[0] / self._counts[1]))
        self._counts = torch.zeros_like(self._counts)


def _scattered(rows: Tensor) -> Tensor:
    """A number between 0 and 1 for each sample index, the same in each epoch and each process."""
    mixed = (rows * 2654435761) % 2**32  # Knuth's multiplicative hash
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) % 2**32
    return ((mixed ^ (mixed >> 13)) % 2**32).double() / 2**32
