"""The steps of ADDA, and what is watched of its predictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.neural._network import Network
from landbridge.neural._phase import Phase
from landbridge.neural._samples import Samples, batches, digest_of, mix, stream
from landbridge.neural.feature._best_epoch import batch_score

__all__ = ["effective_classes", "information_score", "slope_penalty"]

ALWAYS_RIGHT = 0.995  # the accuracy from which the discriminator counts as always right
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


class DiscriminatorOptions(TypedDict, total=False):
    """Keywords of :func:`adapt_adda` for the discriminator; each is described there."""

    discriminator_learning_rate: float
    n_warmup_steps: int
    width: int
    gradient_penalty: float


class Adversarial(Phase):
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
        logits = self.network.head(embedded(self.network, self.rows))
        torch._foreach_copy_([p.detach() for p in self.moved], own)
        classes = effective_classes(logits.argmax(dim=1).bincount(minlength=logits.shape[1]))
        score, accuracy = information_score(logits), float(self.right[0] / self.right[1].clamp_min(1))
        self.right.zero_()
        for key, value in zip(self.history, (step, classes, score, accuracy), strict=True):
            self.history[key].append(float(value))
        start = self.history["effective_classes"][0]
        # Three in succession: predictions may collapse in the first steps and recover.
        self.sure = self.sure + 1 if accuracy >= ALWAYS_RIGHT else 0
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


def embedded(network: Network, rows: Samples) -> Tensor:
    with torch.no_grad():
        cuts = batches(torch.arange(len(rows), device=rows.device), 256)
        return torch.cat([network.embed(rows.take(cut)[0]) for cut in cuts])
