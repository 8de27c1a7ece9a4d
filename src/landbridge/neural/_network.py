"""Network: ordered, named stages and a head, which can be frozen, transferred, visualized and replaced."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._ragged import padded
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._states import Features, as_map, as_pyramid, as_tokens, raw_size, without_decoder

__all__ = ["Network", "batch_norms", "is_folded", "pool"]

EMBEDDING = "embedding"  # what the pooled last stage gives and the head takes
HEAD = "head"
POOLED = "pooled"  # what heads take that say nothing else

_BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)


def pool(x: Any) -> Tensor:
    """Average a stage's output over places or time, one vector per sample.

    Parameters
    ----------
    x : Tensor of shape (n, channels, ...) or (n, time, width) or (n, width), or an object with ``hidden`` and ``mask``
        Output of a stage. Three axes are time and width, more are channels and places.

    Returns
    -------
    Tensor of shape (n, channels) or (n, width)

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import pool
    >>> pool(torch.ones(2, 8, 4, 4)).shape
    torch.Size([2, 8])
    """
    mask = getattr(x, "mask", None)
    x = hidden(x)
    if x.ndim == 3:
        if mask is not None and mask.shape == x.shape[:2]:
            weight = mask.to(x.dtype).unsqueeze(-1)
            return (x * weight).sum(1) / weight.sum(1).clamp_min(1.0)
        return x.mean(1)
    return x.flatten(2).mean(2) if x.ndim > 3 else x


def _pooled(x: Any) -> Tensor:
    """The pooled output of the last stage, by the model's own way where it has one."""
    own = getattr(x, "pooled", None)
    return pool(x) if own is None else own


def hidden(x: Any) -> Tensor:
    """Return the tensor of a stage's output, which may be an object that also holds masks and positions."""
    return x if isinstance(x, Tensor) else x.hidden


def is_folded(norm: nn.Module) -> bool:
    """Return whether a batch norm's statistics were folded into the layer before, so that it must stay in eval mode.

    A folded layer has mean 0, variance 1 and scale 1 throughout, and yet a shift that was learned; a fresh layer
    has no such shift.

    Parameters
    ----------
    norm : Module

    Returns
    -------
    bool

    Examples
    --------
    >>> from torch import nn
    >>> from landbridge.neural import is_folded
    >>> fresh, folded = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    >>> _ = nn.init.constant_(folded.bias, 0.3)
    >>> is_folded(fresh), is_folded(folded)
    (False, True)
    """
    if not isinstance(norm, _BATCH_NORMS) or norm.running_mean is None or norm.running_var is None:
        return False
    with torch.no_grad():
        identity = bool((norm.running_mean == 0).all() and (norm.running_var - 1).abs().max() <= 0.01)
        if not identity:
            return False
        plain_scale = norm.weight is None or bool((norm.weight - 1).abs().max() <= 0.01)
        shifted = norm.bias is not None and bool((norm.bias != 0).any())
        return plain_scale and shifted


def batch_norms(module: nn.Module) -> Iterator[nn.Module]:
    """Iterate over the batch norms within a module.

    Parameters
    ----------
    module : Module

    Returns
    -------
    iterator of Module
    """
    return (m for m in module.modules() if isinstance(m, _BATCH_NORMS))


class Network(nn.Module):
    """Ordered, named stages, each a module on the output of the one before, then pooling and a head.

    Parameters
    ----------
    stages : mapping of str to Module
        In the order in which they run.
    in_features : int
        Width of the output of the last stage, which the head takes.
    head : Module, optional
        Takes the pooled output of the last stage, unless it has an attribute ``takes`` (see
        :class:`~landbridge.neural.Task`). If None, the network predicts with the pooled features.
    preprocess : Module, optional
        Runs before the first stage on raw input, for example resizing and normalising; holds nothing to learn.
    spec : dict, optional
        From what plain data the network can be built again (see ``landbridge.neural.backbones``).
    body : callable, optional
        Runs the stages in place of calling them one after another, for models whose own ``forward`` does more between
        them: ``body(x, start, stop, wanted, kept)`` returns the output of stage `stop`, or of all where that is None,
        and puts the raw outputs of the `wanted` stages into `kept`.

    Attributes
    ----------
    stages : ModuleDict
    head : Module
    extras : ModuleDict
        Modules that methods learn beside the network, such as a discriminator.
    frozen : tuple of str
        Names of the frozen stages, in order.

    Notes
    -----
    ``train()`` leaves frozen stages in eval mode, so that neither their dropout nor their batch-norm statistics move,
    and also every batch norm whose statistics were folded away (see :func:`is_folded`): one forward pass in train mode
    would ruin such a network.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from landbridge.neural import Network
    >>> net = Network({"low": nn.Linear(4, 8), "high": nn.Linear(8, 3)}, in_features=3, head=nn.Linear(3, 2))
    >>> net(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    >>> list(net.features(torch.zeros(5, 4)))
    ['low', 'high']
    >>> net.freeze(["low"]).frozen
    ('low',)
    """

    stages: nn.ModuleDict
    extras: nn.ModuleDict

    def __init__(
        self,
        stages: Mapping[str, nn.Module],
        *,
        in_features: int,
        head: nn.Module | None = None,
        preprocess: nn.Module | None = None,
        spec: dict[str, Any] | None = None,
        body: Any = None,
    ) -> None:
        super().__init__()
        if not stages:
            raise InputError("a network needs at least one stage; give stages a mapping of names to modules.")
        self.stages = nn.ModuleDict(dict(stages))
        self.in_features = int(in_features)
        self.head: nn.Module = nn.Identity() if head is None else head
        self.preprocess: nn.Module = nn.Identity() if preprocess is None else preprocess
        self.extras = nn.ModuleDict()
        self.spec = spec
        self.body = body
        self._frozen: set[str] = set()
        self._folded = [m for m in batch_norms(self) if is_folded(m)]

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages, in order."""
        return tuple(self.stages.keys())

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the frozen stages, in order; ``"head"`` last where the head is frozen too."""
        return tuple(n for n in (*self.stages.keys(), HEAD) if n in self._frozen)

    def forward(self, x: Any, stages: Collection[str] | None = None, start: str | None = None) -> Any:
        """Run the network.

        Parameters
        ----------
        x : Tensor or dict of Tensor
            Raw input; with `start`, the output of the stage before it.
        stages : collection of str, optional
            Also hand out the raw outputs of these stages (``"embedding"`` is the head's input).
        start : str, optional
            Begin at this stage; ``"head"`` where `x` is what the head takes.

        Returns
        -------
        Tensor or dict of Tensor, or (that, dict of str to Tensor) where `stages` is given
            The output of the head, such as logits, and the stages' outputs. ``"embedding"`` is the pooled output of the
            last stage, whatever the head takes.
        """
        kept: dict[str, Tensor] = {}
        if getattr(self.head, "takes", POOLED) != POOLED:
            return self._with_places(x, stages, start)
        if start is None and (lengths := self._lengths(x, stages)) is not None:
            return self._each_length(x, lengths, stages)
        x = pool(self._through(x, start, None, () if stages is None else stages, kept))
        if stages is not None and EMBEDDING in stages:
            kept[EMBEDDING] = x
        logits = self.head(x)
        return logits if stages is None else (logits, kept)

    def embed(self, x: Any, start: str | None = None) -> Tensor:
        """Compute the pooled output of the last stage.

        Parameters
        ----------
        x : Tensor or dict of Tensor
        start : str, optional
            As in ``forward``.

        Returns
        -------
        Tensor of shape (n, in_features)
        """
        if getattr(self.head, "takes", POOLED) == POOLED:
            return self.forward(x, stages=(EMBEDDING,), start=start)[1][EMBEDDING]
        return _pooled(self._last(without_decoder(x)[0], start, (), {}))

    def tokens(self, x: Any) -> Features:
        """Compute the output of the last stage as one vector per position.

        Parameters
        ----------
        x : Tensor or dict of Tensor

        Returns
        -------
        Features
        """
        return as_tokens(self._last(x, None, (), {}))

    def activations(self, x: Any, stage: str) -> Any:
        """Compute the raw output of a stage: what ``forward(..., start=<the next stage>)`` takes.

        Parameters
        ----------
        x : Tensor or dict of Tensor
        stage : str
            A stage, or ``"embedding"``.

        Returns
        -------
        Tensor or stage state
        """
        if stage == EMBEDDING:
            return self.embed(x)
        self._check_names([stage])
        return self._through(x, None, stage, (), {})

    def features(self, x: Any, stages: Iterable[str] | None = None, *, pooled: bool = True) -> dict[str, Tensor]:
        """Compute the outputs of stages, by name.

        Parameters
        ----------
        x : Tensor or dict of Tensor
        stages : iterable of str, optional
            Which. If None, all.
        pooled : bool, default=True
            Average over places or time, one vector per sample; else raw.

        Returns
        -------
        dict of str to Tensor
        """
        names = self.stage_names if stages is None else self._check_names(stages, extra=(EMBEDDING,))
        kept: dict[str, Any] = {}
        x = self._through(x, None, None, names, kept)
        if EMBEDDING in names:
            kept[EMBEDDING] = x
        return {name: pool(raw) if pooled else hidden(raw) for name, raw in kept.items()}

    def freeze(self, names: Iterable[str] | None = None) -> Self:
        """Freeze stages: their parameters and statistics no longer move.

        Parameters
        ----------
        names : iterable of str, optional
            Stages (or ``"head"``). If None, all stages.

        Returns
        -------
        self
        """
        return self._set_frozen(names, True)

    def unfreeze(self, names: Iterable[str] | None = None) -> Self:
        """Undo ``freeze``.

        Parameters
        ----------
        names : iterable of str, optional
            Stages (or ``"head"``). If None, all stages.

        Returns
        -------
        self
        """
        return self._set_frozen(names, False)

    def frozen_prefix(self) -> str | None:
        """Name the last of the consecutive frozen stages from the input on, if any.

        Returns
        -------
        str or None
        """
        last = None
        for name in self.stages:
            if name not in self._frozen or any(p.requires_grad for p in self.stages[name].parameters()):
                break
            last = name
        return last

    def after(self, stage: str) -> str:
        """Name the stage that follows; ``"head"`` after the last and after ``"embedding"``.

        Parameters
        ----------
        stage : str

        Returns
        -------
        str
        """
        if stage == EMBEDDING:
            return HEAD
        names = (*self.stage_names, HEAD)
        return names[names.index(stage) + 1]

    def part(self, name: str) -> nn.Module:
        """Return a stage, or the head, by name.

        Parameters
        ----------
        name : str

        Returns
        -------
        Module
        """
        self._check_names([name], extra=(HEAD,))
        return self.head if name == HEAD else self.stages[name]

    def replace_head(self, head: nn.Module) -> Self:
        """Put another head in place.

        Parameters
        ----------
        head : Module
            Takes ``in_features`` columns.

        Returns
        -------
        self
        """
        self.head = head
        self._frozen.discard(HEAD)
        return self

    def reset(self, names: Iterable[str] | None = None, *, random_state: Any = None) -> Self:
        """Reinitialize stages with random weights.

        Parameters
        ----------
        names : iterable of str, optional
            Stages (or ``"head"``). If None, all stages.
        random_state : int, RandomState instance or None, default=None
            Draws the weights. Pass an int for reproducible results; torch's global generator is not changed.

        Returns
        -------
        self
        """
        names = self.stage_names if names is None else self._check_names(names, extra=(HEAD,))
        with seeded(seed_from(random_state)), torch.no_grad():
            for name in names:
                _reset(self.part(name))
        self._folded = [m for m in self._folded if is_folded(m)]
        return self

    def freeze_statistics(self) -> Self:
        """Keep every batch norm in eval mode from now on, as is done by itself where statistics were folded away.

        Returns
        -------
        self
        """
        self._folded = list(batch_norms(self))
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set train mode, except where it would spoil frozen stages or folded batch norms.

        Parameters
        ----------
        mode : bool, default=True

        Returns
        -------
        self
        """
        super().train(mode)
        if mode:
            for name in self._frozen:
                self.part(name).eval()
            for norm in self._folded:
                norm.eval()
        return self

    def _with_places(self, x: Any, stages: Collection[str] | None, start: str | None) -> Any:
        """The forward pass for a head that takes more than one vector per sample."""
        takes = self.head.takes
        x, given = without_decoder(x) if takes == "decoder" else (x, {})
        options: dict[str, Any] = dict(given)
        if getattr(self.head, "sized", False):
            options["size"] = raw_size(x) if start is None else None
        kept: dict[str, Any] = {}
        wanted = self.stage_names if takes == "pyramid" else () if stages is None else stages
        last = self._last(x, start, wanted, kept)
        if takes == "pyramid":
            found: Any = as_pyramid(kept)
        else:
            found = as_map(last) if takes == "map" else as_tokens(last)
        if stages is not None:
            kept = {name: raw for name, raw in kept.items() if name in stages}
            if EMBEDDING in stages:
                kept[EMBEDDING] = _pooled(last)
        output = self.head(found, **options)
        return output if stages is None else (output, kept)

    def _last(self, x: Any, start: str | None, wanted: Any, kept: dict[str, Any]) -> Any:
        """The output of the last stage; sounds of several lengths are run by length, and padded afterwards."""
        if start is not None or (lengths := self._lengths(x, wanted)) is None:
            return self._unpooled(x, start, wanted, kept)
        parts: list[tuple[Tensor, Tensor]] = []
        for length in lengths.unique().tolist():
            rows = torch.nonzero(lengths == length).squeeze(1)
            parts.append((rows, as_tokens(self._unpooled(x[rows, :length], None, (), {})).hidden))
        longest = max(part.shape[1] for _, part in parts)
        back = torch.cat([rows for rows, _ in parts]).argsort()
        whole = torch.cat([padded(part, longest) for _, part in parts])[back]
        sizes = torch.cat([rows.new_full((len(rows),), part.shape[1]) for rows, part in parts])[back]
        return Features(whole, torch.arange(longest, device=whole.device) < sizes.unsqueeze(1))

    def _unpooled(self, x: Any, start: str | None, wanted: Any, kept: dict[str, Any]) -> Any:
        if getattr(self.body, "ending", None) is None or start == HEAD:
            return self._through(x, start, None, wanted, kept)
        return self.body(self.preprocess(x) if start is None else x, start, None, wanted, kept, pooled=False)

    def _lengths(self, x: Any, stages: Collection[str] | None) -> Tensor | None:
        """Lengths of sounds that differ, where no outputs of single stages are wanted, which have one length."""
        measure = getattr(self.preprocess, "lengths", None)
        if measure is None or not isinstance(x, Tensor) or x.ndim != 2 or not set(stages or ()) <= {EMBEDDING}:
            return None
        if torch.compiler.is_compiling() or torch.jit.is_tracing():  # an exported network takes one length
            return None
        if self.training and any(batch_norms(self)):  # which need several samples
            return None
        lengths = measure(x)
        return None if len(x) == 0 or bool((lengths == x.shape[-1]).all()) else lengths

    def _each_length(self, x: Tensor, lengths: Tensor, stages: Collection[str] | None) -> Any:
        """Run sounds of one length at a time, so that padding takes no part in attention, norms and averages."""
        features: Any = None
        for length in lengths.unique().tolist():
            rows = torch.nonzero(lengths == length).squeeze(1)
            found = pool(self._through(x[rows, :length], None, None, (), {}))
            features = found.new_zeros(len(x), found.shape[1]) if features is None else features
            features = features.index_copy(0, rows, found)
        logits = self.head(features)
        return logits if stages is None else (logits, {EMBEDDING: features} if EMBEDDING in stages else {})

    def _through(self, x: Any, start: str | None, stop: str | None, wanted: Any, kept: dict[str, Any]) -> Any:
        """Run the stages from `start` to `stop`, both included, and keep the outputs of those wanted."""
        if start is None:
            x = self.preprocess(x)
        if start == HEAD:
            return x
        if self.body is not None:
            return self.body(x, start, stop, wanted, kept)
        for name, stage in self.stages.items():
            if start is not None and name != start:
                continue
            start = None
            x = stage(x)
            if name in wanted:
                kept[name] = x
            if name == stop:
                break
        return x

    def _set_frozen(self, names: Iterable[str] | None, frozen: bool) -> Self:
        names = self.stage_names if names is None else self._check_names(names, extra=(HEAD,))
        for name in names:
            (self._frozen.add if frozen else self._frozen.discard)(name)
            self.part(name).requires_grad_(not frozen)
        return self.train(self.training)

    def _check_names(self, names: Iterable[str], extra: tuple[str, ...] = ()) -> tuple[str, ...]:
        names = (names,) if isinstance(names, str) else tuple(names)
        known = (*self.stage_names, *extra)
        for name in names:
            if name not in known:
                raise InputError(f"the network has no stage {name!r}; choose from {', '.join(known)}.")
        return names


def _reset(module: nn.Module) -> None:
    """New weights, layer by layer; parameters that no layer knows how to reset are drawn small or set to zero."""
    done: set[int] = set()
    for layer in module.modules():
        if isinstance(layer, _BATCH_NORMS) and (layer.momentum or 0.0) > 0.5:
            layer.momentum = 0.1  # written for libraries where momentum means the share that is kept
        if callable(getattr(layer, "reset_parameters", None)):
            _call(layer, "reset_parameters")
            done.update(id(p) for p in layer.parameters(recurse=False))
    for p in module.parameters():
        if id(p) not in done:
            if p.ndim > 1:
                p.normal_(0.0, min(0.02, 1.0 / math.sqrt(p.shape[-1])))
            else:
                p.zero_()


def _call(layer: Any, name: str) -> None:
    getattr(layer, name)()
