"""Progressive networks: a column per task, with lateral connections from all columns before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.exceptions import InputError
from landbridge.neural._network import HEAD, Network, hidden, pool
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._samples import Samples, mix

__all__ = ["Lateral", "ProgressiveColumn", "ProgressiveNetwork"]

INPUT, BELOW = "input", "below."
# What earlier columns say is kept for all samples of training where it is no larger than this.
LARGEST = 2**30


class Lateral(nn.Module):
    r"""Lateral connection: what a column receives from the columns before it, after one stage.

    .. math:: U\, \sigma\bigl(V\, [\alpha_j h^{(j)}]_{j < k} + b\bigr)

    Parameters
    ----------
    widths : sequence of int
        Channels of each earlier column's output.
    out_width : int
        Channels of the new column's own.
    adapter_width : int
        Between V and U.

    Attributes
    ----------
    alpha : Parameter of shape (n_features,)
        One scale a column.
    down, up : Linear
        V and U, at every place alike: 1 x 1 convolutions where there are places.

    Notes
    -----
    U begins at zero, so that a column begins as a network of its own would. The initial scales give all columns
    equal magnitude (see :meth:`ProgressiveColumn.fit_laterals`).

    References
    ----------
    .. [1] A. Rusu et al. Progressive neural networks. arXiv:1606.04671, 2016.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.progressive import Lateral
    >>> Lateral([16, 16], 8, adapter_width=4)(torch.ones(2, 32, 5, 5)).shape
    torch.Size([2, 8, 5, 5])
    """

    spread: Tensor

    def __init__(self, widths: Sequence[int], out_width: int, adapter_width: int) -> None:
        super().__init__()
        self.register_buffer("spread", torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths)))
        self.alpha = nn.Parameter(torch.ones(len(widths)))
        self.down = nn.Linear(sum(widths), adapter_width)
        self.up = nn.Linear(adapter_width, out_width, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Adapt the joined outputs of earlier columns.

        Parameters
        ----------
        x : Tensor of shape (n, sum(widths), ...) or (n, time, sum(widths))

        Returns
        -------
        Tensor
            With ``out_width`` channels.
        """
        # The scales go into V, which is smaller than what it is applied to.
        V = self.down.weight * self.alpha[self.spread]
        if x.ndim < 4:
            return self.up(F.relu(F.linear(x, V, self.down.bias)))
        V, U = (w.view(*w.shape, *[1] * (x.ndim - 2)) for w in (V, self.up.weight))
        convolve = F.conv2d if x.ndim == 4 else F.conv3d
        return convolve(F.relu(convolve(x, V, self.down.bias)), U)


class ProgressiveColumn(Network):
    r"""Column of a progressive network: the stages of a network, with lateral inputs from earlier columns.

    .. math:: h_i^{(k)} = f_i^{(k)}\Bigl(h_{i-1}^{(k)} + U_i^{(k)} \sigma\bigl(V_i^{(k)}
        [\alpha_{i-1}^{(j)} h_{i-1}^{(j)}]_{j < k}\bigr)\Bigr)

    for every stage but the first, which reads the raw input, and for the head.

    Parameters
    ----------
    network : Network
        Stages, head and preprocessing; they are taken over, not copied.
    earlier : sequence of ProgressiveColumn
        They are no part of this column's parameters.

    Attributes
    ----------
    laterals : ModuleDict of Lateral
        By the stage whose outputs they read.

    Notes
    -----
    The sum is within the stage's input and not behind its weights, which holds for stages of any kind.
    """

    laterals: nn.ModuleDict

    def __init__(self, network: Network, earlier: Sequence[ProgressiveColumn] = ()) -> None:
        if network.body is not None:
            raise InputError("a progressive column needs a backbone whose stages run one after another; take another.")
        stages = dict(network.stages.items())
        super().__init__(
            stages, in_features=network.in_features, head=network.head, preprocess=network.preprocess, spec=network.spec
        )
        self.earlier = tuple(earlier)
        self.laterals = nn.ModuleDict()
        self.closed = False

    def fit_laterals(self, x: Any, adapter_width: int | None = None, random_state: Any = None) -> Self:
        """Initialize lateral connections that fit the outputs of earlier columns.

        Parameters
        ----------
        x : Tensor or dict of Tensor
            Some samples, raw: widths are read off them, and each scale is one over the root of the mean square of its
            column's output.
        adapter_width : int, optional
            If None, the width of the column's own stage.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        self
        """
        if not self.earlier:
            return self
        like = next(self.parameters())
        with torch.no_grad(), seeded(seed_from(random_state)):
            for name in self.stage_names:
                parts = [outputs[name] for outputs in self._outputs(x)]
                widths = [p.shape[_axis(p)] for p in parts]
                own = widths[-1]  # all columns are of one architecture
                lateral = Lateral(widths, own, own if adapter_width is None else adapter_width)
                rms = torch.stack([p.square().mean().sqrt() for p in parts])
                lateral.alpha.copy_(1.0 / rms.clamp_min(1e-6))
                self.laterals[name] = lateral.to(like.device, like.dtype)
        return self

    def close(self) -> Self:
        """Freeze everything permanently: weights, scales and statistics.

        Returns
        -------
        self
        """
        self.closed = True
        self.requires_grad_(False)
        return self.eval()

    def train(self, mode: bool = True) -> Self:
        """Set train mode, except where the column is closed.

        Parameters
        ----------
        mode : bool, default=True

        Returns
        -------
        self
        """
        return super().train(mode and not self.closed)

    def below(self, x: Any) -> dict[str, Tensor]:
        """Compute the outputs of all earlier columns, concatenated stage by stage, without gradient.

        Parameters
        ----------
        x : Tensor or dict of Tensor
            Raw input.

        Returns
        -------
        dict of str to Tensor
            Channels of the first column first.
        """
        with torch.no_grad():
            found = self._outputs(x)
            return {n: _joined([outputs[n] for outputs in found]) for n in self.stage_names} if found else {}

    def with_below(self, rows: Samples, batch_size: int = 256) -> Samples:
        """Compute the outputs of earlier columns for all samples once; the column takes the result as input.

        Parameters
        ----------
        rows : Samples
        batch_size : int, default=256

        Returns
        -------
        Samples
            The same where there are no earlier columns, or where it would take too much memory.
        """
        if not self.earlier or isinstance(rows.inputs, dict):
            return rows
        device = next(self.parameters()).device
        one = self.below(rows.take(torch.arange(1), device)[0])
        if len(rows) * sum(t.numel() * t.element_size() for t in one.values()) > LARGEST:
            return rows
        cuts = torch.arange(len(rows)).split(batch_size)
        parts = [self.below(rows.take(cut, device)[0]) for cut in cuts]
        kept = {BELOW + name: torch.cat([p[name].to(rows.device) for p in parts]) for name in self.stage_names}
        return Samples({INPUT: rows.inputs, **kept}, rows.labels)

    def taps(self, x: Any) -> tuple[Tensor, list[dict[str, Tensor]]]:
        """Run all columns in one graph of gradients.

        Parameters
        ----------
        x : Tensor or dict of Tensor
            Raw input.

        Returns
        -------
        logits : Tensor of shape (n, n_outputs)
        outputs : list of dict of str to Tensor
            Outputs of stages, a dict per column, this one last; gradients with respect to them can be asked for.
        """
        with torch.enable_grad():
            found = self._outputs(x, tapped=True)
            below = {n: _joined([outputs[n] for outputs in found]) for n in self.stage_names} if found else {}
            kept: dict[str, Any] = {}
            last = self._forward_stages(self.preprocess(x), below, None, self.stage_names, kept, tapped=True)
            return self.head(pool(last)), [*found, {n: hidden(h) for n, h in kept.items()}]

    def _outputs(self, x: Any, tapped: bool = False) -> list[dict[str, Tensor]]:
        """Outputs of the earlier columns' stages; each column reads those before it."""
        found: list[dict[str, Tensor]] = []
        for column in self.earlier:
            below = {n: _joined([outputs[n] for outputs in found]) for n in self.stage_names} if found else {}
            kept: dict[str, Any] = {}
            column._forward_stages(column.preprocess(x), below, None, self.stage_names, kept, tapped=tapped)
            found.append({n: hidden(h) for n, h in kept.items()})
        return found

    def _through(self, x: Any, start: str | None, stop: str | None, wanted: Any, kept: dict[str, Any]) -> Any:
        if start == HEAD:
            return x
        if start is not None:
            raise InputError("a progressive column runs from its input on; leave start out.")
        if isinstance(x, Mapping) and INPUT in x:
            below = {n: x[BELOW + n] for n in self.stage_names}
            x = x[INPUT]
        else:
            below = self.below(x)
        return self._forward_stages(self.preprocess(x), below, stop, wanted, kept)

    def _forward_stages(
        self,
        x: Any,
        below: Mapping[str, Tensor],
        stop: str | None,
        wanted: Any,
        kept: dict[str, Any],
        tapped: bool = False,
    ) -> Any:
        for name, stage in self.stages.items():
            x = stage(x)
            if tapped and not hidden(x).requires_grad:
                hidden(x).requires_grad_()
            if name in wanted:
                kept[name] = x
            if name == stop:
                break
            if below:
                x = _plus(x, self.laterals[name](below[name]))
        return x


class ProgressiveNetwork(nn.Module):
    """Progressive network: columns of one architecture, one per task; adding one does not change the others.

    Attributes
    ----------
    columns : ModuleList of ProgressiveColumn
        In the order of growth. All but the last are frozen; so is the last once it is trained.

    Notes
    -----
    Weights and time of a pass grow with the square of the number of tasks, as every column reads all earlier ones.

    References
    ----------
    .. [1] A. Rusu et al. Progressive neural networks. arXiv:1606.04671, 2016.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.backbones import mlp_backbone
    >>> from landbridge.neural.progressive import ProgressiveNetwork
    >>> net, x = ProgressiveNetwork(), torch.zeros(3, 4)
    >>> for n_classes in (2, 5):
    ...     column = net.grow(mlp_backbone(4, random_state=0), torch.nn.Linear(32, n_classes), x)
    >>> net(x, 0).shape, net(x, 1).shape
    (torch.Size([3, 2]), torch.Size([3, 5]))
    >>> sorted(net.columns[1].laterals)
    ['layer1', 'layer2']
    """

    columns: nn.ModuleList

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.ModuleList()

    def grow(
        self, network: Network, head: nn.Module, x: Any, *, adapter_width: int | None = None, random_state: Any = None
    ) -> ProgressiveColumn:
        """Add a column; the existing ones are frozen.

        Parameters
        ----------
        network : Network
            Its stages become the column; of one architecture with those before.
        head : Module
        x : Tensor or dict of Tensor
            Some samples of the new task, raw.
        adapter_width : int, optional
            Of the lateral connections. If None, that of each stage.
        random_state : int, RandomState instance or None, default=None
            Of the lateral connections.

        Returns
        -------
        ProgressiveColumn
            To be trained.
        """
        earlier = [self.column(k).close() for k in range(len(self.columns))]
        if earlier and earlier[0].stage_names != network.stage_names:
            raise InputError(
                f"the network has stages {', '.join(network.stage_names)} but the columns before it have "
                f"{', '.join(earlier[0].stage_names)}; give all the same architecture."
            )
        column = ProgressiveColumn(network, earlier).replace_head(head)
        column.eval().fit_laterals(x, adapter_width, mix(seed_from(random_state), 1))
        self.columns.append(column)
        return column

    def column(self, k: int) -> ProgressiveColumn:
        """Return a column by its number.

        Parameters
        ----------
        k : int

        Returns
        -------
        ProgressiveColumn
        """
        return cast(ProgressiveColumn, self.columns[k])

    def forward(self, x: Any, k: int) -> Tensor:
        """Compute the logits of a task; columns after its own are not run.

        Parameters
        ----------
        x : Tensor or dict of Tensor
            Raw input.
        k : int
            The task's column.

        Returns
        -------
        Tensor of shape (n, n_outputs)
        """
        return self.columns[k](x)


def _axis(x: Tensor) -> int:
    """Axis of channels: last for samples and sequences, second for images."""
    return 1 if x.ndim > 3 else x.ndim - 1


def _joined(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts, dim=_axis(parts[0])) if len(parts) > 1 else parts[0]


def _plus(x: Any, lateral: Tensor) -> Any:
    if isinstance(x, Tensor):
        return x + lateral
    return dataclasses.replace(x, hidden=x.hidden + lateral)
