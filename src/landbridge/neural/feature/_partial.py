"""Partial domain adaptation (PADA) and open set domain adaptation."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._checks import FRACTION, POSITIVE
from landbridge.neural._heads import OpenSetHead
from landbridge.neural._inputs import to_tensors
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import HEAD, Network
from landbridge.neural.feature._adversarial import DANN, reverse_gradient
from landbridge.neural.feature._discrepancy import rise, strength_at

__all__ = ["OpenSetBackprop", "PartialAdversarial", "unknown_loss", "unknown_probability"]


class PartialAdversarial(DANN):
    """PADA (partial adversarial domain adaptation): the target has only some of the source's classes.

    Parameters
    ----------
    strength : float, default=1.0
        Of the reversed gradient.
    width : int, default=128
        Of the discriminator's layers.
    ramp_up : bool, default=True
        Whether the reversal rises from zero over the training.
    weight_task : bool, default=True
        Whether the classes' weights hold for the task's loss too.

    Attributes
    ----------
    weights_ : Tensor of shape (n_classes,)
        After training: how much each source class counted, the largest 1.

    Notes
    -----
    The weight of a class is the mean of its predicted probabilities over an epoch's target samples, divided by the
    largest. All classes have equal weights at first; the class weights are phased in like the reversal.

    Helps where the target lacks many classes, on which :class:`DANN` would draw the target's samples, and more so
    beside ``EntropyMinimisation(0.1)``, with which the predictions that give the weights are more confident. Hurts
    where the first predictions are mostly wrong, because a class that is present is then taken for absent: training
    without adaptation may be better. Costs what :class:`DANN` does.

    References
    ----------
    .. [1] Z. Cao, L. Ma, M. Long, J. Wang. Partial adversarial domain adaptation. ECCV 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import PartialAdversarial
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> some = target.X[target.y < 5]
    >>> model = NeuralClassifier(
    ...     "builtin", methods=[PartialAdversarial()], epochs=3, image_shape=(8, 8), random_state=0
    ... )
    >>> model.fit(source.X, source.y, X_target=some).predict(some).shape == (len(some),)
    True
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"label", "covariate"}),
        adversarial=True,
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **DANN._parameter_constraints,
        "weight_task": ["boolean"],
    }

    replaces_task_loss: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("_weights", "_sums")

    def __init__(
        self, strength: float = 1.0, *, width: int = 128, ramp_up: bool = True, weight_task: bool = True
    ) -> None:
        self.strength = strength
        self.width = width
        self.ramp_up = ramp_up
        self.weight_task = weight_task

    def prepare(self, network: Network, task: Any) -> None:
        super().prepare(network, task)
        like = next(network.head.parameters()).detach()
        self._weights = torch.ones(int(task.n_outputs)).to(like)
        self._sums = torch.zeros(int(task.n_outputs) + 1).to(like)  # the last is the number of samples
        self._smoothing, self._rise = float(getattr(task, "label_smoothing", 0.0)), 0.0

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        if float(self._sums[-1]) > 0:
            means = self._sums[:-1] / self._sums[-1]
            self._weights = means / means.max().clamp_min(1e-12)
            self._sums = torch.zeros_like(self._sums)

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        per_row = F.cross_entropy(source.logits, source.labels, reduction="none", label_smoothing=self._smoothing)
        self._rise = rise(progress) if self.ramp_up else 1.0
        if target is None or not self.weight_task:
            task = per_row.mean()
        else:
            weights = self._class_weights(source.labels)
            task = (weights * per_row).sum() / weights.sum().clamp_min(1e-12)
        if target is not None:
            answers = target.logits.detach().softmax(dim=1)
            self._sums = self._sums.to(answers)
            self._sums[:-1] += answers.sum(dim=0)
            self._sums[-1] += len(answers)
        return {"task": task} | super().loss(network, source, target, progress)

    def finish(self, network: Network) -> None:
        super().finish(network)
        self.weights_ = self._weights.detach().cpu()

    def _class_weights(self, labels: Tensor) -> Tensor:
        # Early predictions are not to be trusted: trusted at once, a class that they miss would never come back.
        weights = 1.0 + self._rise * (self._weights.to(labels.device) - 1.0)
        return weights[labels] if labels.ndim == 1 else labels @ weights

    def _row_weights(self, source: Batch, target: Batch) -> Tensor:
        own = self._class_weights(source.labels)
        return torch.cat([own, torch.ones(len(target.logits), device=own.device, dtype=own.dtype)])


def unknown_loss(logits: Tensor, threshold: float = 0.5) -> Tensor:
    r"""Compute the cross-entropy of the unknown class's probability with a threshold (eq. 2 of [1]_).

    :math:`-t \log p - (1 - t) \log(1 - p)`, where *p* is the probability of the last class; smallest at *p = t*.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes + 1)
    threshold : float, default=0.5

    Returns
    -------
    Tensor
        A scalar.

    References
    ----------
    .. [1] K. Saito, S. Yamamoto, Y. Ushiku, T. Harada. Open set domain adaptation by backpropagation. ECCV 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import unknown_loss
    >>> round(float(unknown_loss(torch.tensor([[0.0, 0.0]]))), 4)
    0.6931
    """
    whole = logits.logsumexp(dim=1)
    log_p, log_rest = logits[:, -1] - whole, logits[:, :-1].logsumexp(dim=1) - whole
    return -(threshold * log_p + (1.0 - threshold) * log_rest).mean()


class OpenSetBackprop(Method):
    """OSBP (open set domain adaptation by backpropagation): the target also has classes unknown to the source.

    Parameters
    ----------
    strength : float, default=0.3
        Of the reversed gradient.
    threshold : float, default=0.5
        The probability of "unknown" that the head is trained to predict on target samples; the larger, the more samples
        are rejected.
    ramp_up : bool, default=True
        Whether the reversal rises from zero over the training.

    Notes
    -----
    The head gets an additional class. It is trained to predict its probability on target samples at the threshold; the
    features, with reversed gradient, are trained away from it, so each target sample moves to the known classes or to
    the unknown one. ``predict`` still predicts known classes only: use :func:`unknown_probability` to reject samples.

    Helps where the target holds many samples of other classes, which :class:`DANN` would draw on the known ones, and
    more so beside ``EntropyMinimisation(0.1)``. Hurts where all classes are known: some samples are rejected for
    nothing; and with a threshold far from one half, whose loss pulls all samples to one side. Costs a column of the
    head.

    References
    ----------
    .. [1] K. Saito, S. Yamamoto, Y. Ushiku, T. Harada. Open set domain adaptation by backpropagation. ECCV 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import OpenSetBackprop, unknown_probability
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> known = source.y < 6
    >>> model = NeuralClassifier("builtin", methods=[OpenSetBackprop()], epochs=3, image_shape=(8, 8), random_state=0)
    >>> model = model.fit(source.X[known], source.y[known], X_target=target.X)
    >>> unknown_probability(model, target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature",
        reads=frozenset({"X_target"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"label", "covariate"}),
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": POSITIVE,
        "threshold": FRACTION,
        "ramp_up": ["boolean"],
    }

    stages = ("embedding",)
    reads_target: ClassVar[bool] = True
    replaces_task_loss: ClassVar[bool] = True

    def __init__(self, strength: float = 0.3, *, threshold: float = 0.5, ramp_up: bool = True) -> None:
        self.strength = strength
        self.threshold = threshold
        self.ramp_up = ramp_up

    def prepare(self, network: Network, task: Any) -> None:
        self._smoothing = float(getattr(task, "label_smoothing", 0.0))
        if not isinstance(network.head, OpenSetHead):
            like = next(network.head.parameters())
            frozen = HEAD in network.frozen
            network.replace_head(OpenSetHead(network.head, network.in_features).to(like))
            if frozen:
                network.freeze([HEAD])

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        head: Any = network.head
        logits, labels = head.all_logits(source.features["embedding"]), source.labels
        if labels.ndim == 2:
            labels = F.pad(labels, (0, 1))
        terms = {"task": F.cross_entropy(logits, labels, label_smoothing=self._smoothing)}
        if target is not None:
            factor = strength_at(self, progress)
            seen = head.all_logits(reverse_gradient(target.features["embedding"], factor))
            terms["unknown"] = unknown_loss(seen, self.threshold)
        return terms


def unknown_probability(model: Any, X: Any, *, batch_size: int = 256) -> Any:
    """Compute the probability that samples are of a class unknown to the source.

    Parameters
    ----------
    model : NeuralClassifier or Network
        Trained with :class:`OpenSetBackprop`.
    X : array-like of shape (n, n_features), or Tensor
        As the estimator takes them; for a network, its input.
    batch_size : int, default=256

    Returns
    -------
    ndarray of shape (n,)
        Above one half, "unknown" is likelier than all known classes together.

    Raises
    ------
    InputError
        If the model was not trained with :class:`OpenSetBackprop`.
    """
    network = getattr(model, "network_", model)
    head = getattr(network, "head", None)
    if not isinstance(head, OpenSetHead):
        raise InputError("model knows no unknown class; train it with methods=[OpenSetBackprop()].")
    if network is not model and not isinstance(X, Tensor):
        import numpy as np

        X = to_tensors(network, np.asarray(X), model.image_shape)
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            parts = [head.all_logits(network.embed(part.to(device))) for part in X.split(batch_size)]
            return torch.cat(parts).double().softmax(dim=1)[:, -1].cpu().numpy()
    finally:
        network.train(was_training)
