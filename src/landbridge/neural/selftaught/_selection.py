"""Training on selected samples: the coder, its losses, and the phases of distant domain transfer learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.neural._phase import Phase
from landbridge.neural._samples import digest_of
from landbridge.neural.selftaught._parts import Draws, chain

__all__ = ["Selection", "row_losses"]


@dataclass
class Selection:
    """Result of :func:`selective_learning`.

    Parameters
    ----------
    source, intermediate : Tensor of bool
        The last selection, :math:`v_S` and :math:`v_I`.
    shares : list of (float, float)
        Share of source and of intermediate samples selected, at the start and after each iteration.
    objective : list of float
        :math:`J_1 + J_2` after each iteration.
    """

    source: Tensor
    intermediate: Tensor
    shares: list[tuple[float, float]] = field(default_factory=list)
    objective: list[float] = field(default_factory=list)


class Coder(nn.Module):
    """Encoder, decoder and classifier on the code.

    Parameters
    ----------
    widths : sequence of int
        From the input to the code.
    n_classes : int
    """

    def __init__(self, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.encoder = chain(widths)
        self.decoder = chain(list(widths)[::-1])
        self.classifier = nn.Linear(widths[-1], n_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute reconstructions and logits.

        Parameters
        ----------
        x : Tensor of shape (n, d)

        Returns
        -------
        Tensor of shape (n, d), Tensor of shape (n, n_classes)
        """
        code = self.encoder(x)
        return self.decoder(code), self.classifier(F.relu(code))


def row_losses(x: Tensor, reconstruction: Tensor, logits: Tensor, labels: Tensor | None = None) -> Tensor:
    r"""Compute the loss of each sample: its reconstruction error and the error, or the entropy, of its class.

    .. math:: \tfrac1d \| \hat x_i - x_i \|^2 + \ell(y_i, f_c(h_i)), \qquad
        \tfrac1d \| \hat x_i - x_i \|^2 - \sum_k p_{ik} \ln p_{ik}

    Parameters
    ----------
    x, reconstruction : Tensor of shape (n, d)
        Samples and their reconstructions.
    logits : Tensor of shape (n, n_classes)
    labels : Tensor of int64, shape (n,), optional
        If None, the entropy takes the place of the error; -1 where a sample has no label, which then has neither.

    Returns
    -------
    Tensor of shape (n,)

    References
    ----------
    .. [1] B. Tan, Y. Zhang, S. J. Pan, Q. Yang. Distant domain transfer learning. AAAI 2017.
    """
    error = (reconstruction - x).square().mean(dim=1)
    if labels is None:
        return error + F.softmax(logits, dim=1).mul(-F.log_softmax(logits, dim=1)).sum(dim=1)
    return error + F.cross_entropy(logits, labels, reduction="none", ignore_index=-1)


def threshold(losses: Tensor, fraction: float) -> float:
    """Compute the threshold below which a fraction of the losses lies, rounded to a whole number of them.

    Parameters
    ----------
    losses : Tensor of shape (n,)
    fraction : float

    Returns
    -------
    float
        Infinite where all are to lie below.
    """
    rank = round(fraction * len(losses))
    return float(losses.sort().values[rank]) if rank < len(losses) else float("inf")


class Reconstructing(Phase):
    """Training of the autoencoder on all samples alike."""

    name = "training of the autoencoder"

    def __init__(self, coder: Coder, X: Tensor, n_steps: int, generator: torch.Generator) -> None:
        super().__init__()
        self.module, self.X, self.n_steps = coder, X, n_steps
        self.generators = {"draws": generator}

    def start(self, run: Any) -> None:
        super().start(run)
        parameters = [*self.module.encoder.parameters(), *self.module.decoder.parameters()]
        self.optimizers = {"main": torch.optim.Adam(parameters, lr=run.settings.learning_rate)}
        self.draws = Draws(torch.arange(len(self.X)), 2 * run.settings.batch_size, self.generators["draws"])

    def rate(self, step: int, total: int) -> None:
        return None

    def step(self, batch: Any, share: float) -> None:
        x = self.X[next(self.draws).to(self.X.device)]
        loss = (self.module.decoder(self.module.encoder(x)) - x).square().mean()
        self.descend(loss)
        self.run.means.add("task", loss, 1)

    def fingerprint(self) -> dict[str, Any]:
        return {"samples": digest_of(self.X), "n_steps": self.n_steps}

    def state(self) -> dict[str, Tensor]:
        return {"rest": self.draws.rest}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.draws.rest = state["rest"]


class Selecting(Phase):
    """Turns of gradient steps on the selected samples, each followed by a new selection."""

    name = "training on selected samples"

    def __init__(
        self,
        coder: Coder,
        sides: tuple[Any, Tensor, Any],
        how: dict[str, Any],
        n_steps: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.module, self.how, self.n_steps = coder, how, n_steps
        (self.Xs, self.ys), self.Xi, (self.Xt, self.yt) = sides
        self.generators = {"draws": generator}
        self.found = Selection(torch.ones(len(self.Xs), dtype=torch.bool), torch.zeros(len(self.Xi), dtype=torch.bool))
        self.found.shares.append((1.0, 0.0))
        self.queue = torch.randperm(len(self.Xi), generator=generator)  # in which random takes the intermediates
        self.rests: list[Tensor] = []

    def start(self, run: Any) -> None:
        super().start(run)
        self.optimizers = {"main": torch.optim.Adam(self.module.parameters(), lr=run.settings.learning_rate)}

    def rate(self, step: int, total: int) -> None:
        return None

    def begin(self, epoch: int) -> None:
        size, rng = self.run.settings.batch_size, self.generators["draws"]
        labelled = (self.yt >= 0).cpu()
        masks = (self.found.source, self.found.intermediate, labelled, ~labelled)
        self.draws = [Draws(torch.nonzero(mask.cpu()).ravel(), size, rng) for mask in masks]
        if self.run.state.at:
            for draws, rest in zip(self.draws, self.rests, strict=True):
                draws.rest = rest

    def step(self, batch: Any, share: float) -> None:
        of_source, of_intermediate, known, others = self.draws
        mine = torch.cat([next(known), next(others)]).to(self.Xt.device)
        chosen: list[tuple[Tensor, Tensor | None, float]] = [(self.Xt[mine], self.yt[mine], 1.0)]
        for draws, X, y in ((of_source, self.Xs, self.ys), (of_intermediate, self.Xi, None)):
            if n := len(draws.rows):
                index = next(draws).to(X.device)
                chosen.append((X[index], None if y is None else y[index], n / len(X)))
        # one pass for all sides: for small networks the passes take the time, not the samples
        sizes = [len(x) for x, _, _ in chosen]
        reconstruction, logits = (out.split(sizes) for out in self.module(torch.cat([x for x, _, _ in chosen])))
        loss = _target_loss(chosen[0][0], reconstruction[0], logits[0], self.yt[mine])
        for (x, y, weight), r, z in zip(chosen[1:], reconstruction[1:], logits[1:], strict=True):
            loss = loss + weight * row_losses(x, r, z, y).mean()
        self.descend(loss)
        self.run.means.add("task", loss, 1)

    @torch.no_grad()
    def end(self, epoch: int) -> bool:
        """Select anew, and record shares and objective."""
        found, turns = self.found, self.run.settings.epochs
        of_source, of_intermediate = self._losses(self.Xs, self.ys), self._losses(self.Xi, None)
        done = min(1.0, (epoch + 1) / max(1, turns - 1))  # what is chosen after the last turn is not trained on
        lam_s = threshold(of_source, 1.0 - (1.0 - self.how["keep_source"]) * done)
        lam_i = threshold(of_intermediate, self.how["keep_intermediate"] * done)
        found.source = (of_source < lam_s).cpu()
        found.intermediate = (of_intermediate < lam_i).cpu()
        if self.how["selection"] != "selective":
            n_in = int(found.intermediate.sum())
            by_loss = of_intermediate.cpu().argsort(descending=True)
            sequence = self.queue if self.how["selection"] == "random" else by_loss
            found.intermediate = torch.zeros(len(self.Xi), dtype=torch.bool)
            found.intermediate[sequence[:n_in]] = True
        reconstruction, logits = self.module(self.Xt)
        J = float(_target_loss(self.Xt, reconstruction, logits, self.yt))
        kept = (found.source, found.intermediate)
        for v, terms, lam in zip(kept, (of_source, of_intermediate), (lam_s, lam_i), strict=True):
            if len(v):
                reward = lam if np.isfinite(lam) else 0.0  # with all samples in, it is the same for any v
                J += float(torch.where(v.to(terms.device), terms - reward, 0.0).mean())
        found.shares.append((float(kept[0].float().mean()), float(kept[1].float().mean()) if len(self.Xi) else 0.0))
        found.objective.append(J)
        return False

    def _losses(self, x: Tensor, y: Tensor | None) -> Tensor:
        reconstruction, logits = self.module(x)
        return row_losses(x, reconstruction, logits, y)

    def fingerprint(self) -> dict[str, Any]:
        content = digest_of((self.Xs, self.ys, self.Xi, self.Xt, self.yt))
        return {"samples": content, "n_steps": self.n_steps, **self.how}

    def state(self) -> dict[str, Tensor]:
        found = self.found
        kept = {"source": found.source, "intermediate": found.intermediate, "queue": self.queue}
        kept |= {f"rest {k}": draws.rest for k, draws in enumerate(self.draws)}
        shares, objective = (torch.tensor(v, dtype=torch.float64) for v in (found.shares, found.objective))
        return kept | {"shares": shares, "objective": objective}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.found.source, self.found.intermediate, self.queue = state["source"], state["intermediate"], state["queue"]
        self.found.shares = [tuple(pair) for pair in state["shares"].tolist()]
        self.found.objective = state["objective"].tolist()
        self.rests = [state[f"rest {k}"] for k in range(4)]


def _target_loss(x: Tensor, reconstruction: Tensor, logits: Tensor, y: Tensor) -> Tensor:
    known = y >= 0
    loss = (reconstruction - x).square().mean()
    return loss + F.cross_entropy(logits[known], y[known]) if bool(known.any()) else loss
