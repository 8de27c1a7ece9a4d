"""ADDA: a separate feature extractor for the target is trained against a discriminator; with detection of collapse."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar, Unpack

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._checks import SHARE, positive
from landbridge.neural._inputs import to_tensors
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network, batch_norms, is_folded
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._samples import Samples, mix
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
from landbridge.neural.feature._adda_run import (
    ALWAYS_RIGHT,
    Adversarial,
    DiscriminatorOptions,
    effective_classes,
    embedded,
    information_score,
    slope_penalty,
)
from landbridge.neural.feature._adversarial import discriminator as make_discriminator

__all__ = ["AdversarialCopy", "CollapseWatch", "adapt_adda", "effective_classes", "information_score", "slope_penalty"]


@dataclass
class AdversarialCopy:
    """Result of :func:`adapt_adda`.

    Parameters
    ----------
    network : Network
        The adapted copy, as it was after `step` steps.
    step : int
        The step with the highest :func:`information_score` on the target; 0 is the source's network, with the target's
        batch-norm statistics where those were asked for.
    collapsed : bool
        Whether training was stopped because predictions collapsed or the discriminator was always right.
    reason : str
        What was seen, in a sentence: why it was stopped, or that nothing was gained after the first quarter of the
        steps; empty where all went well.
    history : dict of str to list of float
        At each look: ``step``, ``effective_classes`` and ``information`` of the predictions on the target, and the
        discriminator's ``accuracy`` since the look before.
    """

    network: Network
    step: int
    collapsed: bool
    reason: str
    history: dict[str, list[float]] = field(default_factory=dict)


DISCRIMINATOR: DiscriminatorOptions = {
    "discriminator_learning_rate": 1e-3,
    "n_warmup_steps": 100,
    "width": 128,
    "gradient_penalty": 10.0,
}


def adapt_adda(
    network: Any,
    source: Any,
    target: Any,
    *,
    n_steps: int = 800,
    batch_size: int = 64,
    learning_rate: float = 3e-4,
    statistics: str = "target",
    decay: float = 0.99,
    eval_every: int = 25,
    random_state: Any = None,
    settings: Training | None = None,
    **options: Unpack[DiscriminatorOptions],
) -> AdversarialCopy:
    """Adapt a trained network to unlabelled target samples by ADDA (adversarial discriminative domain adaptation).

    The head and the source's features stay as they are. A copy of the stages, for the target alone, learns to give
    features which a discriminator takes for the source's.

    Parameters
    ----------
    network : Network or NeuralClassifier
        Trained on the source; it is not changed.
    source, target : Tensor of shape (n, ...), or array-like where `network` is an estimator
        Samples of both domains, without labels.
    n_steps : int, default=800
        Of the target's stages.
    batch_size : int, default=64
        Samples of each domain per step.
    learning_rate : float, default=3e-4
        Of the target's stages, by Adam with betas 0.5 and 0.9.
    statistics : {"target", "source"}, default="target"
        Whose batch-norm statistics the copy has; they are set before the first step and stay.
    decay : float, default=0.99
        Of the running average of weights that is judged and returned.
    eval_every : int, default=25
        Steps between looks at the answers.
    random_state : int, RandomState instance or None, default=None
    settings : Training, optional
        Precision, checkpoints, clipping and logs of the run, which stays on the network's device.
    **options
        Keywords described under *Other Parameters*.

    Returns
    -------
    AdversarialCopy
        With ``network``, and whether training ``collapsed``.

    Other Parameters
    ----------------
    discriminator_learning_rate : float, default=1e-3
    n_warmup_steps : int, default=100
        Steps of the discriminator alone, before the first of the stages.
    width : int, default=128
        Of the discriminator's two layers.
    gradient_penalty : float, default=10.0
        On the discriminator's slope, on both domains; 0 is the method of the paper.

    Raises
    ------
    InputError
        If there are too few samples, or a parameter is out of range.

    Notes
    -----
    The adversarial loss does not use classes, so with a high learning rate all samples may be mapped to one class. To
    prevent this, the learning rate is low and rises from zero, the discriminator has a gradient penalty (which matters
    most), batch-norm statistics are frozen, and weights are averaged. Predictions are evaluated during training: it
    stops if, at three consecutive evaluations, they fill less than half as many classes as at the start, or the
    discriminator is always right. The step with the highest :func:`information_score` is returned, the start included.

    Helps where the domains differ in style and share their classes. Hurts under label shift, because the target's
    features are spread as the source's are. Costs `n_steps` passes forward and backward of the target's samples; the
    source's features are computed once.

    References
    ----------
    .. [1] E. Tzeng, J. Hoffman, K. Saenko, T. Darrell. Adversarial discriminative domain adaptation. CVPR 2017.
    .. [2] L. Mescheder, A. Geiger, S. Nowozin. Which training methods for GANs do actually converge? ICML 2018.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import adapt_adda
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> model = NeuralClassifier("builtin", epochs=4, image_shape=(8, 8), random_state=0).fit(source.X, source.y)
    >>> found = adapt_adda(model, source.X, target.X, n_steps=20, n_warmup_steps=10, eval_every=10, random_state=0)
    >>> found.collapsed
    False
    >>> model.network_ = found.network
    >>> model.predict(target.X).shape
    (300,)
    """
    if unknown := sorted(set(options) - set(DISCRIMINATOR)):
        raise TypeError(f"adapt_adda() got an unexpected keyword argument {unknown[0]!r}")
    given: DiscriminatorOptions = {**DISCRIMINATOR, **options}
    n_warmup_steps, gradient_penalty = given["n_warmup_steps"], given["gradient_penalty"]
    positive(
        n_steps=n_steps,
        learning_rate=learning_rate,
        discriminator_learning_rate=given["discriminator_learning_rate"],
        width=given["width"],
        eval_every=eval_every,
    )
    if batch_size < 2 or n_warmup_steps < 0 or gradient_penalty < 0:
        raise InputError(
            "batch_size must be at least 2, n_warmup_steps and gradient_penalty not negative; got "
            f"{batch_size}, {n_warmup_steps} and {gradient_penalty}."
        )
    if statistics not in ("target", "source"):
        raise InputError(f"statistics must be 'target' or 'source'; got {statistics!r}.")
    if not 0 <= decay < 1:
        raise InputError(f"decay must be at least 0 and below 1; got {decay}.")
    random_state = seed_from(random_state)
    model, network = network, getattr(network, "network_", network)
    adapted = copy.deepcopy(network).eval()
    frozen = adapted.frozen
    adapted.requires_grad_(False)
    device = next(adapted.parameters()).device
    theirs = _rows(model, adapted, source, "source").to(device)
    mine = _rows(model, adapted, target, "target").to(device)

    # 1. what the discriminator knows: the source's features, on one scale
    with torch.no_grad():
        own = embedded(adapted, theirs)
        center, scale = own.mean(dim=0), own.std(dim=0)
        scale = scale.clamp_min(1e-3 * float(scale.max()) + 1e-12)
        own = (own - center) / scale
    if statistics == "target":
        settle_statistics(adapted, mine)
    with seeded(mix(random_state, 1)):
        critic = make_discriminator(adapted.in_features, given["width"], own)
    moved = [p for name, stage in adapted.stages.items() if name not in frozen for p in stage.parameters()]
    if not moved:
        raise InputError("network: every stage is frozen; unfreeze one, for the target's stages have to learn.")
    for p in moved:
        p.requires_grad_(True)

    # 2. both in turn, and a look at the predictions now and then
    phase = Adversarial(adapted, critic, moved, mine, (own, center, scale), given)
    phase.how = {"n_steps": n_steps, "learning_rate": learning_rate, "decay": decay, "eval_every": eval_every}
    own_plan = {"epochs": 1, "batch_size": batch_size, "device": str(device), "random_state": random_state}
    run_phase(phase, own_settings(settings, **own_plan))
    watch = phase.watch
    watch.put_best()
    collapsed, reason = bool(watch.reason), watch.reason
    if not collapsed and watch.best_step < n_steps / 4:
        reason = f"the target predictions scored highest at step {watch.best_step} of {n_steps}, and lower afterwards."
    adapted.requires_grad_(True)
    adapted.freeze(frozen)
    return AdversarialCopy(adapted.eval(), watch.best_step, collapsed, reason, watch.history)


@torch.no_grad()
def settle_statistics(network: Network, rows: Samples) -> None:
    """Set the statistics of a network's batch norms to those of some samples, folded ones left alone.

    Parameters
    ----------
    network : Network
    rows : Samples
    """
    norms: list[Any] = [m for m in batch_norms(network) if m.running_mean is not None and not is_folded(m)]
    kept = [m.momentum for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the plain mean over batches
        m.train()
    embedded(network, rows)
    for m, momentum in zip(norms, kept, strict=True):
        m.momentum = momentum
        m.eval()


class CollapseWatch(Method):
    """Detect collapse of adversarial training, from the predictions on the target and the discriminator's accuracy.

    Parameters
    ----------
    min_class_fraction : float, default=0.4
        Share of the source's classes that predictions on the target have to fill at least.
    warn : bool, default=True
        Whether a collapse is also a warning at the end of training.

    Attributes
    ----------
    collapsed_ : str
        After training: what was seen, in a sentence; empty where nothing was.
    history_ : list of dict
        Epoch by epoch: ``effective_classes`` of the predictions on the target, the ``largest`` class's share, and the
        discriminator's ``accuracy`` (None where none was seen).

    Notes
    -----
    Adds nothing to the loss. Two things are reported, as they stand in the last epoch: predictions on the target that
    fill fewer effective classes than `min_class_fraction` of the source's labels (see :func:`effective_classes`), and a
    discriminator that is always right, so that no feature was adapted. A target with few of the source's classes looks
    collapsed; lower `min_class_fraction` for it. Costs nothing.

    References
    ----------
    .. [1] M. O. Hill. Diversity and evenness: a unifying notation and its consequences. Ecology 54, 1973.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.feature import DANN, CollapseWatch
    >>> source, target = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))
    >>> methods = [DANN(), CollapseWatch()]
    >>> model = NeuralClassifier("builtin", methods=methods, epochs=4, image_shape=(8, 8), random_state=0)
    >>> model.fit(source.X, source.y, X_target=target.X).predict(target.X).shape
    (300,)
    """

    method_tags = MethodTags(
        "feature", reads=frozenset({"X_target"}), tasks=frozenset({"classification"}), reports_only=True
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "min_class_fraction": SHARE,
        "warn": ["boolean"],
    }

    reads_target: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("_counts",)

    def __init__(self, min_class_fraction: float = 0.4, *, warn: bool = True) -> None:
        self.min_class_fraction = min_class_fraction
        self.warn = warn

    def prepare(self, network: Network, task: Any) -> None:
        like = next(network.head.parameters()).detach()
        # predictions on the target and source labels by class, then the discriminator's right predictions and all
        self._counts = torch.zeros(2 * int(task.n_outputs) + 2, dtype=torch.float64, device=like.device)
        self._said: Tensor | None = None
        self._handle: Any = None
        self._history: list[dict[str, float | None]] = []
        self._collapsed = ""

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        self._sum_up()

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        if target is None:
            return {}
        c = (len(self._counts) - 2) // 2
        answers = target.logits.detach().argmax(dim=1)
        labels = source.labels if source.labels.ndim == 1 else source.labels.argmax(dim=1)
        self._counts[:c] += answers.bincount(minlength=c)
        self._counts[c : 2 * c] += labels.bincount(minlength=c)
        n, m = len(source.logits), len(target.logits)
        if self._said is not None and len(self._said) == n + m:
            right = (self._said[:n] > 0).sum() + (self._said[n:] <= 0).sum()
            self._counts[-2] += right
            self._counts[-1] += n + m
        self._said = None
        if self._handle is None and "discriminator" in network.extras:
            self._handle = network.extras["discriminator"].register_forward_hook(self._record)
        return {}

    def finish(self, network: Network) -> None:
        self._sum_up()
        self.collapsed_, self.history_ = self._collapsed, self._history
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        self._said = None
        if self.collapsed_ and self.warn:
            warnings.warn(self.collapsed_, ConvergenceWarning, stacklevel=2)

    def _record(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        # Of methods that ask twice per step, the last call is kept; it is read where it has one row per sample.
        self._said = output.detach()[:, 0]

    def _sum_up(self) -> None:
        counts = self._counts.cpu()
        self._counts = torch.zeros_like(self._counts)
        c = (len(counts) - 2) // 2
        n = float(counts[:c].sum())
        if not n:
            return
        found, wanted = effective_classes(counts[:c]), effective_classes(counts[c : 2 * c])
        accuracy = float(counts[-2] / counts[-1]) if counts[-1] else None
        largest = float(counts[:c].max()) / n
        self._history.append({"effective_classes": found, "largest": largest, "accuracy": accuracy})
        self._collapsed = ""
        at = len(self._history)
        if found < self.min_class_fraction * wanted:
            self._collapsed = (
                f"in epoch {at} the predictions on the target fill {found:.1f} classes where the source's labels fill "
                f"{wanted:.1f}, and {largest:.0%} are of one class; lower learning_rate or the method's strength."
            )
        elif accuracy is not None and accuracy >= ALWAYS_RIGHT:
            self._collapsed = (
                f"in epoch {at} the discriminator is right on {accuracy:.1%} of the samples, so the features were "
                "not adapted; raise the method's strength, or lower learning_rate."
            )


def _rows(model: Any, network: Network, X: Any, name: str) -> Samples:
    if not isinstance(X, Tensor | dict):
        X = to_tensors(network, np.asarray(X), getattr(model, "image_shape", None))
    rows = Samples(X)
    if len(rows) < 2:
        raise InputError(f"{name} has {len(rows)} sample; give at least two, without labels.")
    return rows
