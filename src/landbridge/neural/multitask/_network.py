"""Multitask network: shared stages (hard sharing) or cross-stitched columns (soft sharing)."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._network import Network, pool
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._samples import mix
from landbridge.neural.tasks._task import Task

__all__ = ["MultiTaskNetwork", "cross_stitch"]

# A column keeps so much of its own; the rest comes from the others in equal parts.
OWN = 0.9


def cross_stitch(outputs: Tensor, coefficients: Tensor) -> Tensor:
    r"""Mix the outputs of several columns: :math:`\tilde x_i = \sum_j \alpha_{ij} x_j`, eq. 1 of [1]_.

    Parameters
    ----------
    outputs : Tensor of shape (n_tasks, ...)
        Of one stage, column by column.
    coefficients : Tensor of shape (n_tasks, n_tasks)

    Returns
    -------
    Tensor of shape (n_tasks, ...)

    References
    ----------
    .. [1] I. Misra, A. Shrivastava, A. Gupta, M. Hebert. Cross-stitch networks for multi-task learning. CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.multitask import cross_stitch
    >>> cross_stitch(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0, 0.0], [0.5, 0.5]])).flatten().tolist()
    [1.0, 2.0]
    """
    return torch.einsum("ij,j...->i...", coefficients, outputs)


class MultiTaskNetwork(nn.Module):
    """Multitask network: shared or cross-stitched stages, and one head per task.

    Parameters
    ----------
    network : Network
        Gives the stages and is copied, without its head.
    tasks : mapping of str to Task
        By name, in the order of the columns.
    sharing : {"hard", "soft"}, default="hard"
        ``"hard"``: the stages up to `shared_until` are one and the same for all tasks, later ones are each task's own.
        ``"soft"``: every task has all stages for itself, and after each stage a cross-stitch unit mixes the columns.
    shared_until : str, optional
        Last shared stage. If None, all stages are shared. For ``"hard"`` only.
    random_state : int, RandomState instance or None, default=None
        Of the heads; a task's head depends on its name, not on the company it keeps.

    Attributes
    ----------
    names : tuple of str
        The tasks.
    columns : ModuleList of Network
        One per task; shared stages are the same objects in all of them.
    stitches : ParameterList
        With ``"soft"``, one matrix of shape (n_tasks, n_tasks) a stage.

    Notes
    -----
    Samples of several tasks pass the shared stages in one batch where their shapes agree, so that batch norm sees in
    training the mixture that its running statistics describe.

    A cross-stitch unit begins with 0.9 on the diagonal and rows that sum to one: as all columns begin as copies, the
    network begins as what was given. Hard sharing costs one pass through the shared stages, soft sharing one pass
    a column, and as many weights.

    References
    ----------
    .. [1] R. Caruana. Multitask learning. Machine Learning 28, 1997.
    .. [2] I. Misra, A. Shrivastava, A. Gupta, M. Hebert. Cross-stitch networks for multi-task learning. CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural import Classification, Regression, load_backbone
    >>> from landbridge.neural.multitask import MultiTaskNetwork
    >>> tasks = {"digit": Classification(range(10)), "slant": Regression()}
    >>> net = MultiTaskNetwork(load_backbone("builtin"), tasks, shared_until="parts", random_state=0)
    >>> net.column("digit").part("edges") is net.column("slant").part("edges")
    True
    >>> net.column("digit").part("shapes") is net.column("slant").part("shapes")
    False
    >>> x = torch.zeros(3, 1, 8, 8)
    >>> {name: tuple(logits.shape) for name, logits in net({"digit": x, "slant": x}).items()}
    {'digit': (3, 10), 'slant': (3, 1)}
    """

    columns: nn.ModuleList
    stitches: nn.ParameterList

    def __init__(
        self,
        network: Network,
        tasks: Mapping[str, Task],
        *,
        sharing: str = "hard",
        shared_until: str | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__()
        stages = network.stage_names
        if not tasks:
            raise InputError("tasks is empty; name at least one.")
        if sharing not in ("hard", "soft"):
            raise InputError(f"sharing={sharing!r} is unknown; choose 'hard' or 'soft'.")
        if sharing == "soft" and shared_until is not None:
            raise InputError("shared_until goes with sharing='hard' only; leave it out for sharing='soft'.")
        if sharing == "soft" and network.body is not None:
            raise InputError("sharing='soft' needs a backbone whose stages run one after another; take sharing='hard'.")
        if shared_until is not None and shared_until not in stages:
            raise InputError(f"shared_until={shared_until!r} is no stage; choose from {', '.join(stages)}.")
        self.names = tuple(tasks)
        self.sharing = sharing
        last = stages[-1] if shared_until is None else shared_until
        self.shared = stages[: stages.index(last) + 1] if sharing == "hard" else ()
        base = copy.deepcopy(network)
        base.head = nn.Identity()
        self.columns = nn.ModuleList([base, *(_sibling(base, self.shared) for _ in self.names[1:])])
        seed = seed_from(random_state)
        for name, task in tasks.items():
            column = self.column(name)
            with seeded(mix(seed, zlib.crc32(name.encode()))):
                head = task.head(base.in_features)
            like = next(base.parameters())
            column.replace_head(head.to(like.device, like.dtype))
        self.stitches = nn.ParameterList()
        if sharing == "soft":
            n = len(self.names)
            like = next(base.parameters())
            coefficients = torch.full((n, n), (1.0 - OWN) / max(n - 1, 1), device=like.device, dtype=like.dtype)
            coefficients.fill_diagonal_(OWN if n > 1 else 1.0)
            self.stitches.extend(nn.Parameter(coefficients.clone()) for _ in stages)

    def column(self, name: str) -> Network:
        """Return the network of a task: the shared stages, its own stages and its head.

        Parameters
        ----------
        name : str
            A task.

        Returns
        -------
        Network
        """
        if name not in self.names:
            raise InputError(f"the network has no task {name!r}; choose from {', '.join(self.names)}.")
        return cast(Network, self.columns[self.names.index(name)])

    def shared_parameters(self) -> list[nn.Parameter]:
        """List the trainable parameters that more than one task depends on.

        Returns
        -------
        list of Parameter
            With soft sharing all but the heads.
        """
        base = cast(Network, self.columns[0])
        if self.sharing == "hard":
            found = [p for name in self.shared for p in base.part(name).parameters()]
        else:
            found = [p for c in self.columns for p in cast(Network, c).stages.parameters()]
            found += list(self.stitches)
        return [p for p in found if p.requires_grad]

    def last_shared_parameters(self) -> list[nn.Parameter]:
        """List those of the last shared stage that can be trained.

        Returns
        -------
        list of Parameter
        """
        base = cast(Network, self.columns[0])
        columns = [base] if self.sharing == "hard" else [cast(Network, c) for c in self.columns]
        for name in reversed(self.shared or base.stage_names):
            found = [p for c in columns for p in c.part(name).parameters() if p.requires_grad]
            if found:
                return found
        return []

    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Answer samples of several tasks.

        Parameters
        ----------
        inputs : mapping of str to (Tensor or dict of Tensor)
            Samples by task, of some or all tasks; tasks with the same object share its pass.

        Returns
        -------
        dict of str to Tensor
            Logits by task.
        """
        base = cast(Network, self.columns[0])
        if base.body is not None:
            return {name: self.column(name)(x) for name, x in inputs.items()}
        distinct = {id(x): x for x in inputs.values()}
        if self.sharing == "hard":
            through = _together(lambda x: base.activations(x, self.shared[-1]), list(distinct.values()))
            after = base.after(self.shared[-1])
            hidden = dict(zip(distinct, through, strict=True))
            return {name: self.column(name)(hidden[id(x)], start=after) for name, x in inputs.items()}
        through = _together(self._stitched, list(distinct.values()))
        columns = dict(zip(distinct, through, strict=True))
        return {name: self.column(name).head(columns[id(x)][:, self.names.index(name)]) for name, x in inputs.items()}

    def _stitched(self, x: Any) -> Tensor:
        """Pooled outputs of all columns, (n, n_tasks, in_features)."""
        nets = [cast(Network, c) for c in self.columns]
        outputs = [nets[0].preprocess(x)] * len(nets)
        for k, stage in enumerate(nets[0].stage_names):
            raw = torch.stack([net.part(stage)(h) for net, h in zip(nets, outputs, strict=True)])
            outputs = list(cross_stitch(raw, self.stitches[k]))
        return torch.stack([pool(h) for h in outputs], dim=1)


def _sibling(network: Network, shared: tuple[str, ...]) -> Network:
    """A copy in which the shared stages, and what a body knows of them, are the original's own."""
    memo: dict[int, Any] = {id(network.preprocess): network.preprocess}
    for name in shared:
        for module in network.part(name).modules():
            memo[id(module)] = module
            memo.update((id(p), p) for p in module.parameters(recurse=False))
    return copy.deepcopy(network, memo)


def _together(run: Any, parts: list[Any]) -> list[Any]:
    """Run several batches as one where they fit together, and hand each its own samples."""
    alike = all(isinstance(x, Tensor) for x in parts) and len({(x.shape[1:], x.dtype) for x in parts}) == 1
    if len(parts) == 1 or not alike:
        return [run(x) for x in parts]
    return list(run(torch.cat(parts)).split([len(x) for x in parts]))
