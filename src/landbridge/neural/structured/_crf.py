r"""Linear-chain conditional random field: the loss, marginals and most probable tags of sequences.

The score of the tags :math:`y` of a sequence with emissions :math:`e` is

.. math:: s(y) = a_{y_1} + \sum_{t} e_{t, y_t} + \sum_{t > 1} T_{y_{t-1}, y_t} + b_{y_L},

and :math:`p(y) = \exp(s(y)) / \sum_{y'} \exp(s(y'))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from landbridge._checks import check_count
from landbridge.data._tags import OUTSIDE, is_tag
from landbridge.exceptions import InputError
from landbridge.neural.structured._spans import IGNORED

__all__ = [
    "Allowed",
    "ChainWeights",
    "LinearChainCRF",
    "chain_decode",
    "chain_log_partition",
    "chain_loss",
    "chain_marginals",
    "chain_score",
    "iob2_allowed",
]

# Added for a transition that is not allowed. Finite, so that the loss of tags that break a rule stays a number.
PENALTY = -1e4


class ChainWeights(NamedTuple):
    """Weights of a linear-chain conditional random field.

    Parameters
    ----------
    start : Tensor of shape (n_tags,)
        Of the first tag.
    between : Tensor of shape (n_tags, n_tags)
        Of a tag (row) followed by another (column).
    end : Tensor of shape (n_tags,)
        Of the last tag.
    """

    start: Tensor
    between: Tensor
    end: Tensor


class Allowed(NamedTuple):
    """Which tags may begin a sequence, follow one another, and end it.

    Parameters
    ----------
    start : Tensor of bool, shape (n_tags,)
        Whether a sequence may begin with a tag.
    between : Tensor of bool, shape (n_tags, n_tags)
        Whether a tag (row) may be followed by another (column).
    end : Tensor of bool, shape (n_tags,)
        Whether a sequence may end with a tag.
    """

    start: Tensor
    between: Tensor
    end: Tensor


def iob2_allowed(tags: Sequence[str]) -> Allowed:
    """Return the rules of IOB2: ``I-X`` only follows ``B-X`` or ``I-X``.

    Parameters
    ----------
    tags : sequence of str
        Tags by number, in IOB2.

    Returns
    -------
    Allowed

    Raises
    ------
    InputError
        If something is no tag of IOB2.

    Examples
    --------
    >>> from landbridge.neural.structured import iob2_allowed
    >>> iob2_allowed(["O", "B-PER", "I-PER"]).between.int()
    tensor([[1, 1, 0],
            [1, 1, 1],
            [1, 1, 1]], dtype=torch.int32)
    """
    for tag in tags:
        if not is_tag(tag) or tag[0] not in "OBI":
            raise InputError(f"tags: {tag!r} is no tag of IOB2; convert other schemes with to_iob2.")
    inside = [tag.startswith("I-") for tag in tags]
    between = [
        [not inside[j] or (one != OUTSIDE and one[2:] == other[2:]) for j, other in enumerate(tags)] for one in tags
    ]
    return Allowed(
        torch.tensor([not i for i in inside]), torch.tensor(between), torch.ones(len(tags), dtype=torch.bool)
    )


def chain_score(emissions: Tensor, tags: Tensor, weights: ChainWeights, mask: Tensor | None = None) -> Tensor:
    """Compute the score of given tags.

    Parameters
    ----------
    emissions : Tensor of shape (n, length, n_tags)
    tags : Tensor of int64, shape (n, length)
        Any number where `mask` is False.
    weights : ChainWeights
    mask : Tensor of bool, shape (n, length), optional
        Which places count; the other ones, wherever they are, are skipped. If None, all.

    Returns
    -------
    Tensor of shape (n,)
        0 for a sequence without places.

    Raises
    ------
    InputError
        If shapes do not fit, or a tag is out of range.

    Notes
    -----
    Linear in the length.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import ChainWeights, chain_score
    >>> weights = ChainWeights(torch.zeros(2), torch.tensor([[0.0, 5.0], [0.0, 0.0]]), torch.zeros(2))
    >>> chain_score(torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]), torch.tensor([[0, 1]]), weights)
    tensor([8.])
    """
    e, inside, order = _packed(emissions, weights, mask)
    y = _packed_tags(tags, order, inside, e.shape[2])
    return _score(e, y, weights, inside)


def chain_log_partition(emissions: Tensor, weights: ChainWeights, mask: Tensor | None = None) -> Tensor:
    """Compute the logarithm of the sum of ``exp(score)`` over all tags, by the forward algorithm.

    Parameters
    ----------
    emissions : Tensor of shape (n, length, n_tags)
    weights : ChainWeights
    mask : Tensor of bool, shape (n, length), optional
        Which places count. If None, all.

    Returns
    -------
    Tensor of shape (n,)
        0 for a sequence without places.

    Raises
    ------
    InputError
        If shapes do not fit.

    Notes
    -----
    Time grows with ``length * n_tags ** 2``.

    References
    ----------
    .. [1] J. Lafferty, A. McCallum, F. Pereira. Conditional random fields: probabilistic models for segmenting and
       labeling sequence data. ICML 2001.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import ChainWeights, chain_log_partition
    >>> weights = ChainWeights(torch.zeros(2), torch.zeros(2, 2), torch.zeros(2))
    >>> chain_log_partition(torch.zeros(1, 3, 2), weights).exp().round()  # 2 ** 3 sequences
    tensor([8.])
    """
    e, inside, _ = _packed(emissions, weights, mask)
    return _log_partition(_forward(e, weights, inside)[-1], weights, inside)


def chain_loss(
    emissions: Tensor, tags: Tensor, weights: ChainWeights, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Compute the negative log-likelihood of the true tags.

    Parameters
    ----------
    emissions : Tensor of shape (n, length, n_tags)
    tags : Tensor of int64, shape (n, length)
        Places with -100 are skipped.
    weights : ChainWeights
    mask : Tensor of bool, shape (n, length), optional
        Which places count. If None, all that have a tag.

    Returns
    -------
    total : Tensor
        Scalar: the sum over the sequences.
    weight : Tensor
        Scalar: the number of places. Their quotient is the loss per token, whatever the padding.

    Raises
    ------
    InputError
        If shapes do not fit, or a tag is out of range.

    Notes
    -----
    Time grows with ``length * n_tags ** 2``.

    References
    ----------
    .. [1] J. Lafferty, A. McCallum, F. Pereira. Conditional random fields: probabilistic models for segmenting and
       labeling sequence data. ICML 2001.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import ChainWeights, chain_loss
    >>> weights = ChainWeights(torch.zeros(2), torch.zeros(2, 2), torch.zeros(2))
    >>> total, weight = chain_loss(torch.zeros(1, 3, 2), torch.tensor([[0, 1, -100]]), weights)
    >>> round((total / weight).exp().item(), 3)  # both tags of a place are as probable
    2.0
    """
    tagged = tags != IGNORED
    e, inside, order = _packed(emissions, weights, tagged if mask is None else mask & tagged)
    y = _packed_tags(tags, order, inside, e.shape[2])
    log_z = _log_partition(_forward(e, weights, inside)[-1], weights, inside)
    return (log_z - _score(e, y, weights, inside)).sum(), inside.sum().to(e.dtype)


def chain_marginals(emissions: Tensor, weights: ChainWeights, mask: Tensor | None = None) -> Tensor:
    """Compute the probability of each tag at each place, by the forward-backward algorithm.

    Parameters
    ----------
    emissions : Tensor of shape (n, length, n_tags)
    weights : ChainWeights
    mask : Tensor of bool, shape (n, length), optional
        Which places count. If None, all.

    Returns
    -------
    Tensor of shape (n, length, n_tags)
        0 where `mask` is False.

    Raises
    ------
    InputError
        If shapes do not fit.

    Notes
    -----
    Time grows with ``length * n_tags ** 2``.

    References
    ----------
    .. [1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition.
       Proceedings of the IEEE 77, 1989.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import ChainWeights, chain_marginals
    >>> weights = ChainWeights(torch.zeros(2), torch.zeros(2, 2), torch.zeros(2))
    >>> chain_marginals(torch.tensor([[[0.0, 0.0], [9.0, 9.0]]]), weights)
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    e, inside, order = _packed(emissions, weights, mask)
    alphas = _forward(e, weights, inside)
    log_z = _log_partition(alphas[-1], weights, inside)
    beta = weights.end.to(e.dtype).expand(len(e), -1)
    betas = [beta]
    for t in range(e.shape[1] - 1, 0, -1):
        step = torch.logsumexp(weights.between.to(e.dtype) + (e[:, t] + beta).unsqueeze(1), 2)
        beta = torch.where(inside[:, t, None], step, beta)
        betas.append(beta)
    logs = torch.stack(alphas, 1) + torch.stack(betas[::-1], 1) - log_z[:, None, None]
    return _unpacked(logs.exp().masked_fill(~inside.unsqueeze(-1), 0.0), order)


def chain_decode(
    emissions: Tensor, weights: ChainWeights, mask: Tensor | None = None, allowed: Allowed | None = None
) -> tuple[Tensor, Tensor]:
    """Find the tags of the highest score, by the algorithm of Viterbi.

    Parameters
    ----------
    emissions : Tensor of shape (n, length, n_tags)
    weights : ChainWeights
    mask : Tensor of bool, shape (n, length), optional
        Which places count. If None, all.
    allowed : Allowed, optional
        Tags that break these rules are never returned, unless no others exist. If None, there are no rules.

    Returns
    -------
    tags : Tensor of int64, shape (n, length)
        -100 where `mask` is False.
    score : Tensor of shape (n,)

    Raises
    ------
    InputError
        If shapes do not fit.

    Notes
    -----
    Time grows with ``length * n_tags ** 2``.

    References
    ----------
    .. [1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition.
       Proceedings of the IEEE 77, 1989.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import ChainWeights, chain_decode
    >>> weights = ChainWeights(torch.zeros(2), torch.tensor([[0.0, 0.0], [-9.0, 0.0]]), torch.zeros(2))
    >>> chain_decode(torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), weights)[0]
    tensor([[0, 0]])
    """
    if allowed is not None:
        weights = _restricted(weights, allowed, -torch.inf)
    e, inside, order = _packed(emissions, weights, mask)
    n, length, n_tags = e.shape
    between = weights.between.to(e.dtype)
    score = weights.start.to(e.dtype) + e[:, 0]
    same = torch.arange(n_tags, device=e.device).expand(n, -1)
    pointers = []
    for t in range(1, length):
        best, pointer = (score.unsqueeze(2) + between).max(1)
        score = torch.where(inside[:, t, None], best + e[:, t], score)
        pointers.append(torch.where(inside[:, t, None], pointer, same))
    total, tag = (score + weights.end.to(e.dtype)).max(1)
    path = [tag]
    for pointer in reversed(pointers):
        tag = pointer.gather(1, tag.unsqueeze(1)).squeeze(1)
        path.append(tag)
    tags = torch.stack(path[::-1], 1).masked_fill(~inside, IGNORED)
    return _unpacked(tags, order), torch.where(inside.any(1), total, 0.0)


class LinearChainCRF(nn.Module):
    """Linear-chain conditional random field on the scores that a network gives each tag at each place.

    Parameters
    ----------
    n_tags : int
    allowed : Allowed, optional
        Rules on tags that follow one another, as of :func:`iob2_allowed`. Tags that break them have probability 0. If
        None, there are no rules.

    Attributes
    ----------
    start, end : Parameter of shape (n_tags,)
    between : Parameter of shape (n_tags, n_tags)
        Learned; 0 at first, with which every place is classified by itself.

    Notes
    -----
    Computes in single precision, whatever the precision of a network's half-precision emissions. Time grows with
    ``length * n_tags ** 2``. It helps where tags depend on their neighbours, as those of entities do; rules alone
    already exclude what is no entity.

    References
    ----------
    .. [1] J. Lafferty, A. McCallum, F. Pereira. Conditional random fields: probabilistic models for segmenting and
       labeling sequence data. ICML 2001.
    .. [2] G. Lample, M. Ballesteros, S. Subramanian, K. Kawakami, C. Dyer. Neural architectures for named entity
       recognition. NAACL 2016.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.structured import LinearChainCRF, iob2_allowed
    >>> crf = LinearChainCRF(3, iob2_allowed(["O", "B-PER", "I-PER"]))
    >>> crf(torch.tensor([[[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]]))
    tensor([[1, 2]])
    """

    allowed_start: Tensor
    allowed_between: Tensor
    allowed_end: Tensor

    def __init__(self, n_tags: int, allowed: Allowed | None = None) -> None:
        super().__init__()
        check_count("n_tags", n_tags, 1)
        self.n_tags = n_tags
        self.start = nn.Parameter(torch.empty(n_tags))
        self.between = nn.Parameter(torch.empty(n_tags, n_tags))
        self.end = nn.Parameter(torch.empty(n_tags))
        one = torch.ones(n_tags, dtype=torch.bool)
        rules = Allowed(one, one.expand(n_tags, -1), one) if allowed is None else allowed
        for name, rule, shape in zip(Allowed._fields, rules, ((n_tags,), (n_tags, n_tags), (n_tags,)), strict=True):
            if rule.shape != shape:
                raise InputError(f"allowed.{name} has the shape {tuple(rule.shape)}; n_tags={n_tags} needs {shape}.")
            # Rules are settings, not weights: they are not saved with them.
            self.register_buffer(f"allowed_{name}", rule.clone(), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all weights to 0."""
        for weight in (self.start, self.between, self.end):
            nn.init.zeros_(weight)

    @property
    def allowed(self) -> Allowed:
        """The rules on tags that follow one another."""
        return Allowed(self.allowed_start, self.allowed_between, self.allowed_end)

    @property
    def weights(self) -> ChainWeights:
        """The weights, with a penalty on what is not allowed."""
        return _restricted(ChainWeights(self.start, self.between, self.end), self.allowed, PENALTY)

    def loss(self, emissions: Tensor, tags: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute the negative log-likelihood of the true tags.

        Parameters
        ----------
        emissions : Tensor of shape (n, length, n_tags)
        tags : Tensor of int64, shape (n, length)
            Places with -100 are skipped.
        mask : Tensor of bool, shape (n, length), optional

        Returns
        -------
        total, weight : Tensor
            Scalars: the sum over the sequences, and the number of places.
        """
        return chain_loss(emissions, tags, self.weights, mask)

    def marginals(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compute the probability of each tag at each place.

        Parameters
        ----------
        emissions : Tensor of shape (n, length, n_tags)
        mask : Tensor of bool, shape (n, length), optional

        Returns
        -------
        Tensor of shape (n, length, n_tags)
        """
        return chain_marginals(emissions, self.weights, mask)

    def forward(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Find the most probable tags.

        Parameters
        ----------
        emissions : Tensor of shape (n, length, n_tags)
        mask : Tensor of bool, shape (n, length), optional

        Returns
        -------
        Tensor of int64, shape (n, length)
            -100 where `mask` is False.
        """
        return chain_decode(emissions, ChainWeights(self.start, self.between, self.end), mask, self.allowed)[0]

    def extra_repr(self) -> str:
        """Return the settings for ``repr``.

        Returns
        -------
        str
        """
        return f"n_tags={self.n_tags}"


def _restricted(weights: ChainWeights, allowed: Allowed, value: float) -> ChainWeights:
    return ChainWeights(
        *(
            torch.where(rule.to(w.device), w, torch.full_like(w, value))
            for w, rule in zip(weights, allowed, strict=True)
        )
    )


def _packed(emissions: Tensor, weights: ChainWeights, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return emissions with the places that count moved to the front, which they are, and where they came from."""
    if emissions.ndim != 3 or emissions.shape[1] == 0:
        raise InputError(f"emissions must have the shape (n, length, n_tags); got {tuple(emissions.shape)}.")
    n, length, n_tags = emissions.shape
    if weights.between.shape != (n_tags, n_tags):
        raise InputError(f"emissions have {n_tags} tags but the weights {weights.between.shape[0]}; give the same.")
    e = emissions if emissions.dtype == torch.float64 else emissions.float()
    if mask is None:
        inside = torch.ones((n, length), dtype=torch.bool, device=e.device)
    elif mask.shape != (n, length):
        raise InputError(f"mask has the shape {tuple(mask.shape)}; emissions need {(n, length)}.")
    else:
        inside = mask.bool()
    order = inside.logical_not().byte().argsort(dim=1, stable=True)
    inside = inside.gather(1, order)
    # Padding may hold anything, NaN included, and must not reach the sums or their gradients.
    e = e.gather(1, order.unsqueeze(-1).expand(-1, -1, n_tags)).masked_fill(~inside.unsqueeze(-1), 0.0)
    return e, inside, order


def _packed_tags(tags: Tensor, order: Tensor, inside: Tensor, n_tags: int) -> Tensor:
    if tags.shape != order.shape:
        raise InputError(f"tags have the shape {tuple(tags.shape)}; emissions need {tuple(order.shape)}.")
    y = tags.gather(1, order).masked_fill(~inside, 0)
    if bool(((y < 0) | (y >= n_tags)).any()):
        raise InputError(f"tags must lie in [0, {n_tags}) where the mask is True; mask the other places.")
    return y


def _unpacked(values: Tensor, order: Tensor) -> Tensor:
    """Move places back to where they came from."""
    index = order if values.ndim == 2 else order.unsqueeze(-1).expand_as(values)
    return torch.zeros_like(values).scatter(1, index, values)


def _forward(e: Tensor, weights: ChainWeights, inside: Tensor) -> list[Tensor]:
    """Return the logarithms of the forward variables, one tensor of shape (n, n_tags) per place."""
    between = weights.between.to(e.dtype)
    alpha = weights.start.to(e.dtype) + e[:, 0]
    alphas = [alpha]
    for t in range(1, e.shape[1]):
        step = torch.logsumexp(alpha.unsqueeze(2) + between, 1) + e[:, t]
        alpha = torch.where(inside[:, t, None], step, alpha)
        alphas.append(alpha)
    return alphas


def _log_partition(alpha: Tensor, weights: ChainWeights, inside: Tensor) -> Tensor:
    log_z = torch.logsumexp(alpha + weights.end.to(alpha.dtype), 1)
    return torch.where(inside[:, 0], log_z, torch.zeros_like(log_z))


def _score(e: Tensor, y: Tensor, weights: ChainWeights, inside: Tensor) -> Tensor:
    start, between, end = (w.to(e.dtype) for w in weights)
    emitted = (e.gather(2, y.unsqueeze(-1)).squeeze(-1) * inside).sum(1)
    moved = (between[y[:, :-1], y[:, 1:]] * inside[:, 1:]).sum(1)
    last = y.gather(1, (inside.sum(1, keepdim=True) - 1).clamp_min(0)).squeeze(1)
    return torch.where(inside[:, 0], start[y[:, 0]] + emitted + moved + end[last], torch.zeros_like(emitted))
