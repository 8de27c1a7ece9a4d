"""Average Fisher sensitivity: how much a task's output depends on each column, stage by stage."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landbridge.neural._random import seed_from
from landbridge.neural._samples import Samples
from landbridge.neural.progressive._network import ProgressiveColumn

__all__ = ["fisher_sensitivity"]

# With more classes than this the Fisher information is estimated from so many classes drawn from each output.
MANY = 8


def fisher_sensitivity(
    column: ProgressiveColumn, inputs: Any, *, batch_size: int = 64, random_state: Any = None
) -> Tensor:
    r"""Compute the average Fisher sensitivity of a column's output to every column's features, section 3.2 of [1]_.

    .. math:: S_{ij} = \sum_m \sigma_{ijm}^2\; \mathbb E_x \mathbb E_{c \sim p(c \mid x)}
        \Bigl(\frac{\partial \log p(c \mid x)}{\partial h_{im}^{(j)}}\Bigr)^2, \qquad
        \text{AFS}_{ij} = \frac{S_{ij}}{\sum_{j'} S_{ij'}}

    with :math:`h_{im}^{(j)}` unit m of stage i in column j and :math:`\sigma_{ijm}` its spread over samples, so that
    outputs count at unit variance. Gradients take all ways from the unit to the prediction, those through later stages
    and through other columns among them: an early column also counts for what later ones take over from it, so that the
    last stages tell columns apart best.

    Parameters
    ----------
    column : ProgressiveColumn
        It is run in eval mode and left as it was.
    inputs : Tensor or dict of Tensor
        Raw samples.
    batch_size : int, default=64
    random_state : int, RandomState instance or None, default=None
        Of the classes that are drawn, eight a sample, where there are more than eight; else all are counted.

    Returns
    -------
    Tensor of shape (n_stages, n_features)
        Each sample sums to one; the column's own share comes last. A sample of zeros where nothing matters.

    References
    ----------
    .. [1] A. Rusu et al. Progressive neural networks. arXiv:1606.04671, 2016.
    """
    rows = Samples(inputs)
    device = next(column.parameters()).device
    rng = torch.Generator().manual_seed(seed_from(random_state))
    stages, n_features, n = column.stage_names, len(column.earlier) + 1, len(rows)
    keys = [(stage, j) for stage in stages for j in range(n_features)]
    fisher: dict[Any, Any] = dict.fromkeys(keys, 0.0)
    first: dict[Any, Any] = dict.fromkeys(keys, 0.0)
    second: dict[Any, Any] = dict.fromkeys(keys, 0.0)
    was_training = column.training
    column.eval()
    try:
        for cut in torch.arange(n).split(batch_size):
            logits, outputs = column.taps(rows.take(cut, device)[0])
            tapped = [outputs[j][stage] for stage, j in keys]
            logs = torch.log_softmax(logits, dim=1)
            for weight, term in _terms(logs, rng):
                grads = torch.autograd.grad(term, tapped, retain_graph=True, allow_unused=True)
                for key, g in zip(keys, grads, strict=True):
                    if g is not None:
                        w = weight.view(-1, *[1] * (g.ndim - 1)).to(torch.float64)
                        fisher[key] = fisher[key] + (w * g.double().square()).sum(0)
            for key, h in zip(keys, tapped, strict=True):
                h = h.detach().double()
                first[key] = first[key] + h.sum(0)
                second[key] = second[key] + h.square().sum(0)
    finally:
        column.train(was_training)
    shares = torch.zeros(len(stages), n_features, dtype=torch.float64)
    for i, stage in enumerate(stages):
        for j in range(n_features):
            key = (stage, j)
            variance = (second[key] / n - (first[key] / n) ** 2).clamp_min(0.0)
            shares[i, j] = float((variance * fisher[key] / n).sum())
    return shares / shares.sum(1, keepdim=True).clamp_min(1e-300)


def _terms(logs: Tensor, rng: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """Weights per sample, and sums of log-probabilities whose squared gradients add up to the Fisher diagonal."""
    p = logs.detach().exp()
    if logs.shape[1] <= MANY:
        return [(p[:, c], logs[:, c].sum()) for c in range(logs.shape[1])]
    drawn = torch.multinomial(p.cpu(), MANY, replacement=True, generator=rng).to(p.device)
    return [(torch.full_like(p[:, 0], 1 / MANY), logs.gather(1, drawn[:, k : k + 1]).sum()) for k in range(MANY)]
