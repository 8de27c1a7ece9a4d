"""ADDA: a separate feature extractor for the target is trained against a discriminator; with detection of collapse."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypedDict, Unpack

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._checks import positive
from landbridge.neural._inputs import to_tensors
from landbridge.neural._method import Batch, Method
from landbridge.neural._network import Network, batch_norms, is_folded
from landbridge.neural._phase import Phase
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._samples import Samples, batches, digest_of, mix, stream
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
from landbridge.neural.feature._adversarial import discriminator as make_discriminator
from landbridge.neural.feature._best_epoch import batch_score

__all__ = ["AdversarialCopy", "CollapseWatch", "adapt_adda", "effective_classes", "information_score", "slope_penalty"]

SURE = 0.995  # the accuracy from which the discriminator counts as always right
FALLEN = 0.5  # share of the classes at the start below which the predictions have collapsed


def effective_classes(shares: Tensor) -> float:
    """Compute the effective number of classes: the exponential of the entropy of the class shares.

    Parameters
    ----------
    shares : Tensor of shape (n_classes,)
        Counts or shares.

    Returns
    -------
    float

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import effective_classes
    >>> round(effective_classes(torch.tensor([5, 5, 0, 0])), 3)
    2.0
    """
    p = shares.detach().double().cpu()
    p = p / p.sum().clamp_min(1e-300)
    return float(torch.exp(torch.special.entr(p).sum()))


def information_score(logits: Tensor) -> float:
    """Compute the entropy of the mean prediction minus the mean entropy: high for confident, diverse predictions.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)

    Returns
    -------
    float
        Between 0 and the logarithm of the number of classes; needs no label.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.feature import information_score
    >>> round(information_score(torch.tensor([[50.0, 0.0], [0.0, 50.0]])), 4)
    0.6931
    """
    return float(batch_score(logits, "information"))


def slope_penalty(critic: nn.Module, points: Tensor) -> Tensor:
    """Compute half the mean squared gradient norm of a discriminator at some points (R1 of [1]_).

    Parameters
    ----------
    critic : Module
        With one output per sample.
    points : Tensor of shape (n, d)

    Returns
    -------
    Tensor
        A scalar, which can be differentiated once more.

    References
    ----------
    .. [1] L. Mescheder, A. Geiger, S. Nowozin. Which training methods for GANs do actually converge? ICML 2018.
    """
    points = points.detach().requires_grad_(True)
    slope = torch.autograd.grad(critic(points).sum(), points, create_graph=True)[0]
    return slope.square().sum(dim=1).mean() / 2


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


class DiscriminatorOptions(TypedDict, total=False):
    """Keywords of :func:`adapt_adda` for the discriminator; each is described there."""

    discriminator_learning_rate: float
    n_warmup_steps: int
    width: int
    gradient_penalty: float


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
        own = _embedded(adapted, theirs)
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
    phase = _Adversarial(adapted, critic, moved, mine, (own, center, scale), given)
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


class _Adversarial(Phase):
    """The discriminator and the target's stages in turn."""

    name = "adversarial adaptation"
    how: dict[str, Any]

    def __init__(
        self,
        adapted: Network,
        critic: nn.Module,
        moved: list[Any],
        rows: Samples,
        real: tuple[Tensor, Tensor, Tensor],
        given: DiscriminatorOptions,
    ) -> None:
        super().__init__()
        self.module = nn.ModuleDict({"network": adapted, "critic": critic})
        self.adapted, self.critic, self.moved, self.rows, self.given = adapted, critic, moved, rows, given
        self.own, self.center, self.scale = real

    def start(self, run: Any) -> None:
        super().start(run)
        rate = self.given["discriminator_learning_rate"]
        self.optimizers = {
            "critic": torch.optim.Adam(self.critic.parameters(), lr=rate, betas=(0.5, 0.9)),
            "stages": torch.optim.Adam(self.moved, lr=self.how["learning_rate"], betas=(0.5, 0.9)),
        }
        self.n_steps = self.given["n_warmup_steps"] + self.how["n_steps"]
        self.averaged = [p.detach().clone() for p in self.moved]
        self.watch = _Looks(self.adapted, self.moved, self.averaged, self.rows)

    def begin(self, epoch: int) -> None:
        """Statistics of batch norms stay, so nothing is put in train mode."""

    def rate(self, step: int, total: int) -> None:
        return None

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        size, seed = self.run.settings.batch_size, self.run.settings.random_state
        total, device = self.n_steps * size, self.own.device
        cuts = zip(
            stream(len(self.own), 0, total, mix(seed, 2)).to(device).split(size),
            stream(len(self.rows), 0, total, mix(seed, 3)).to(device).split(size),
            strict=True,
        )
        for k, (rows, other) in enumerate(cuts, start=1 - self.given["n_warmup_steps"]):
            if k + self.given["n_warmup_steps"] > first:
                yield k, rows, other
            if self.watch.reason:
                return

    def step(self, batch: Any, share: float) -> None:
        k, rows, other = batch
        critic, penalty, n_steps = self.critic, self.given["gradient_penalty"], self.how["n_steps"]
        real, made = self.own[rows], (self.adapted.embed(self.rows.take(other)[0]) - self.center) / self.scale
        said = critic(torch.cat([real, made.detach()]))[:, 0]
        sides = (torch.arange(len(said), device=said.device) < len(real)).to(said)
        loss = F.binary_cross_entropy_with_logits(said, sides)
        if penalty > 0:
            loss = loss + penalty * (slope_penalty(critic, real) + slope_penalty(critic, made))
        self.descend(loss, "critic")
        self.run.means.add("discriminator", loss, 1)
        self.watch.count((said > 0) == (sides > 0.5))
        if k > 0:
            rate = self.how["learning_rate"] * min(1.0, k / min(100, 1 + n_steps // 4))
            self.optimizers["stages"].param_groups[0]["lr"] = rate
            # Inverted labels: the slope is steepest where the discriminator is most confident.
            self.descend(F.softplus(-critic(made)[:, 0]).mean(), "stages")
            with torch.no_grad():
                torch._foreach_lerp_(self.averaged, [p.detach() for p in self.moved], 1.0 - self.how["decay"])
            if k % self.how["eval_every"] == 0 or k == n_steps:
                self.watch.look(k)

    def fingerprint(self) -> dict[str, Any]:
        return {"samples": digest_of((self.own, self.rows.inputs)), **self.how, **self.given}

    def state(self) -> dict[str, Tensor]:
        lists = {"averaged": self.averaged, "kept": self.watch.kept}
        return {f"{name}.{i}": t for name, found in lists.items() for i, t in enumerate(found)} | self.watch.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        for i, own in enumerate(self.averaged):
            own.copy_(state[f"averaged.{i}"])
        self.watch.kept = [state[f"kept.{i}"].to(p) for i, p in enumerate(self.averaged)]
        self.watch.load_state(state)


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
    _embedded(network, rows)
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

    reads_target: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("_counts",)

    def __init__(self, min_class_fraction: float = 0.4, *, warn: bool = True) -> None:
        if not 0 < min_class_fraction <= 1:
            raise InputError(f"min_class_fraction must be above 0 and at most 1; got {min_class_fraction}.")
        self.min_class_fraction, self.warn = min_class_fraction, warn

    def prepare(self, network: Network, task: Any) -> None:
        """Begin with nothing seen.

        Parameters
        ----------
        network : Network
        task : Task
        """
        like = next(network.head.parameters()).detach()
        # predictions on the target and source labels by class, then the discriminator's right predictions and all
        self._counts = torch.zeros(2 * int(task.n_outputs) + 2, dtype=torch.float64, device=like.device)
        self._said: Tensor | None = None
        self._handle: Any = None
        self._history: list[dict[str, float | None]] = []
        self._collapsed = ""

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        """Sum the epoch before up.

        Parameters
        ----------
        network : Network
        epoch, epochs : int
        """
        self._sum_up()

    def loss(self, network: Network, source: Batch, target: Batch | None, progress: float) -> dict[str, Tensor]:
        """Count, and add nothing.

        Parameters
        ----------
        network : Network
        source : Batch
        target : Batch or None
        progress : float

        Returns
        -------
        dict of str to Tensor
        """
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
        """Store the result, and warn of a collapse.

        Parameters
        ----------
        network : Network
        """
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
        elif accuracy is not None and accuracy >= SURE:
            self._collapsed = (
                f"in epoch {at} the discriminator is right on {accuracy:.1%} of the samples, so the features were "
                "not adapted; raise the method's strength, or lower learning_rate."
            )


class _Looks:
    """Monitoring of :func:`adapt_adda`, and the best state so far."""

    def __init__(self, network: Network, moved: list[Any], averaged: list[Tensor], rows: Samples) -> None:
        self.network, self.moved, self.averaged, self.rows = network, moved, averaged, rows
        self.history: dict[str, list[float]] = {k: [] for k in ("step", "effective_classes", "information", "accuracy")}
        self.right = torch.zeros(2, device=rows.device)
        self.reason, self.best, self.best_step, self.sure, self.fallen = "", -1.0, 0, 0, 0
        self.kept: list[Tensor] = []
        self.look(0)

    def count(self, right: Tensor) -> None:
        self.right[0] += right.sum()
        self.right[1] += len(right)

    @torch.no_grad()
    def look(self, step: int) -> bool:
        """Evaluate the averaged weights; return True if training should stop."""
        own = [p.detach().clone() for p in self.moved]
        torch._foreach_copy_([p.detach() for p in self.moved], self.averaged)
        logits = self.network.head(_embedded(self.network, self.rows))
        torch._foreach_copy_([p.detach() for p in self.moved], own)
        classes = effective_classes(logits.argmax(dim=1).bincount(minlength=logits.shape[1]))
        score, accuracy = information_score(logits), float(self.right[0] / self.right[1].clamp_min(1))
        self.right.zero_()
        for key, value in zip(self.history, (step, classes, score, accuracy), strict=True):
            self.history[key].append(float(value))
        start = self.history["effective_classes"][0]
        # Three in succession: predictions may collapse in the first steps and recover.
        self.sure = self.sure + 1 if accuracy >= SURE else 0
        self.fallen = self.fallen + 1 if classes < FALLEN * start or not np.isfinite(score) else 0
        if self.fallen >= 3:
            self.reason = (
                f"at step {step} the predictions on the target fill {classes:.1f} classes, {start:.1f} at the start"
            )
        elif self.sure >= 3:
            self.reason = (
                f"at step {step} the discriminator is right on {accuracy:.1%} of the samples for the third time"
            )
        if score > self.best and not self.reason:
            self.best, self.best_step = score, step
            self.kept = [p.clone() for p in self.averaged]
        if self.reason:
            self.reason += (
                f"; the network of step {self.best_step} is returned. Lower learning_rate or raise gradient_penalty."
            )
        return bool(self.reason)

    def state(self) -> dict[str, Tensor]:
        numbers = [self.best, self.best_step, self.sure, self.fallen]
        return {
            "numbers": torch.tensor(numbers, dtype=torch.float64),
            "history": torch.tensor(list(self.history.values()), dtype=torch.float64),
            "right": self.right,
            "reason": torch.tensor(list(self.reason.encode()), dtype=torch.uint8),
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        best, *counts = state["numbers"].tolist()
        self.best, (self.best_step, self.sure, self.fallen) = best, (int(n) for n in counts)
        self.history = dict(zip(self.history, state["history"].tolist(), strict=True))
        self.right.copy_(state["right"])
        self.reason = bytes(state["reason"].tolist()).decode()

    @torch.no_grad()
    def put_best(self) -> None:
        torch._foreach_copy_([p.detach() for p in self.moved], self.kept)


def _embedded(network: Network, rows: Samples) -> Tensor:
    with torch.no_grad():
        cuts = batches(torch.arange(len(rows), device=rows.device), 256)
        return torch.cat([network.embed(rows.take(cut)[0]) for cut in cuts])


def _rows(model: Any, network: Network, X: Any, name: str) -> Samples:
    if not isinstance(X, Tensor | dict):
        X = to_tensors(network, np.asarray(X), getattr(model, "image_shape", None))
    rows = Samples(X)
    if len(rows) < 2:
        raise InputError(f"{name} has {len(rows)} sample; give at least two, without labels.")
    return rows
