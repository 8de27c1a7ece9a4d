"""Balancing of the losses of several tasks: loss weights, or gradients without conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from landbridge._method_tags import MethodTags
from landbridge.exceptions import InputError
from landbridge.neural._random import seed_from

__all__ = [
    "EqualWeights",
    "GradNorm",
    "PCGrad",
    "UncertaintyWeights",
    "gradient_cosines",
    "gradnorm_targets",
    "project_conflicts",
    "uncertainty_loss",
]


def uncertainty_loss(losses: Tensor, log_variances: Tensor, regression: Tensor) -> Tensor:
    r"""Weight losses by the estimated noise of each task, eq. 7 and 10 of [1]_.

    .. math:: \sum_i c_i e^{-s_i} L_i + s_i / 2, \quad s_i = \log \sigma_i^2,

    with :math:`c_i = 1/2` for squared errors and 1 for cross-entropies.

    Parameters
    ----------
    losses : Tensor of shape (n_tasks,)
    log_variances : Tensor of shape (n_tasks,)
    regression : Tensor of bool, shape (n_tasks,)
        Which losses are squared errors.

    Returns
    -------
    Tensor
        A scalar.

    References
    ----------
    .. [1] A. Kendall, Y. Gal, R. Cipolla. Multi-task learning using uncertainty to weigh losses for scene geometry
       and semantics. CVPR 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.multitask import uncertainty_loss
    >>> float(uncertainty_loss(torch.tensor([2.0, 1.0]), torch.zeros(2), torch.tensor([True, False])))
    2.0
    """
    factors = torch.where(regression, 0.5, 1.0).to(losses.dtype)
    return (factors * torch.exp(-log_variances) * losses + 0.5 * log_variances).sum()


def gradnorm_targets(norms: Tensor, losses: Tensor, initial: Tensor, asymmetry: float) -> Tensor:
    r"""Compute the target gradient norm of each task: :math:`\bar G \, r_i^a`, eq. 1 of [1]_.

    Parameters
    ----------
    norms : Tensor of shape (n_tasks,)
        Norms of the weighted losses' gradients at the last shared stage.
    losses, initial : Tensor of shape (n_tasks,)
        Losses now and at the beginning; what is left of a task's loss, relative to the mean over tasks, is its
        inverse rate of learning r.
    asymmetry : float
        How strongly slow tasks are helped.

    Returns
    -------
    Tensor of shape (n_tasks,)

    References
    ----------
    .. [1] Z. Chen, V. Badrinarayanan, C.-Y. Lee, A. Rabinovich. GradNorm: gradient normalization for adaptive loss
       balancing in deep multitask networks. ICML 2018.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.multitask import gradnorm_targets
    >>> gradnorm_targets(torch.tensor([1.0, 3.0]), torch.tensor([0.75, 0.25]), torch.ones(2), 1.0).tolist()
    [3.0, 1.0]
    """
    rest = losses / initial.clamp_min(torch.finfo(initial.dtype).tiny)
    inverse_rate = rest / rest.mean().clamp_min(torch.finfo(rest.dtype).tiny)
    return torch.mean(norms) * inverse_rate**asymmetry


def project_conflicts(grads: list[Tensor], generator: torch.Generator | None = None) -> Tensor:
    r"""Sum the gradients of several tasks after removing conflicting components, algorithm 1 of [1]_.

    Where :math:`g_i \cdot g_j < 0`, the part of :math:`g_i` along :math:`g_j` is taken out, one other task after
    another in random order.

    Parameters
    ----------
    grads : list of Tensor of shape (n,)
        One per task.
    generator : torch.Generator, optional
        Draws the orders. If None, the tasks' own order holds.

    Returns
    -------
    Tensor of shape (n,)

    References
    ----------
    .. [1] T. Yu, S. Kumar, A. Gupta, S. Levine, K. Hausman, C. Finn. Gradient surgery for multi-task learning.
       NeurIPS 2020.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.multitask import project_conflicts
    >>> project_conflicts([torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])]).tolist()
    [0.5, 1.5]
    """
    if not grads:
        raise InputError("grads is empty; give one gradient per task.")
    squares = [g.dot(g) for g in grads]
    total = torch.zeros_like(grads[0])
    for i, own in enumerate(grads):
        projected = own.clone()
        order = range(len(grads)) if generator is None else torch.randperm(len(grads), generator=generator).tolist()
        for j in order:
            if j != i and (along := projected.dot(grads[j])) < 0:
                projected -= along / squares[j] * grads[j]
        total += projected
    return total


def gradient_cosines(grads: list[Tensor]) -> Tensor:
    """Compute the cosines between the gradients of several tasks.

    Parameters
    ----------
    grads : list of Tensor of shape (n,)
        One per task.

    Returns
    -------
    Tensor of shape (n_tasks, n_tasks)
        From -1 to 1; zero where a gradient is zero.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.multitask import gradient_cosines
    >>> gradient_cosines([torch.tensor([1.0, 0.0]), torch.tensor([-2.0, 0.0])]).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    G = torch.stack(grads)
    G = G / G.norm(dim=1, keepdim=True).clamp_min(torch.finfo(G.dtype).tiny)
    return (G @ G.T).clamp(-1.0, 1.0)


class EqualWeights:
    """Equal weights: the sum of the losses.

    The base of the other ways of balancing, which are called in this order: ``start`` once, then ``backward`` in each
    step in place of the sum's own.

    Attributes
    ----------
    weights : Tensor of shape (n_tasks,)
        The factors of the losses in the last step.

    Examples
    --------
    >>> from landbridge.neural.multitask import EqualWeights
    >>> balance = EqualWeights()
    >>> balance.start([False, True])
    >>> balance.weights.tolist()
    [1.0, 1.0]
    """

    weights: Tensor
    # Tensors that a resumed run needs, and an optimiser and a generator where there is one.
    kept: ClassVar[tuple[str, ...]] = ()
    _optimizer: Any = None
    _rng: Any = None

    def start(
        self, regression: Sequence[bool], *, device: Any = "cpu", dtype: Any = None, random_state: Any = None
    ) -> None:
        """Prepare for a run.

        Parameters
        ----------
        regression : sequence of bool
            One per task: whether its loss is a squared error.
        device : torch.device or str, default="cpu"
        dtype : torch.dtype, optional
        random_state : int, RandomState instance or None, default=None
        """
        self.weights = torch.ones(len(regression), device=device, dtype=dtype)

    def backward(self, losses: Tensor, network: Any) -> None:
        """Put gradients into the network's parameters.

        Parameters
        ----------
        losses : Tensor of shape (n_tasks,)
        network : MultiTaskNetwork
        """
        torch.autograd.backward((self.weights * losses).sum())

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that a resumed run needs.

        Returns
        -------
        dict of str to Tensor
        """
        return {name: getattr(self, name).detach() for name in self.kept if getattr(self, name) is not None}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back what ``state`` gave.

        Parameters
        ----------
        state : dict of str to Tensor
        """
        with torch.no_grad():
            for name, value in state.items():
                own = getattr(self, name)
                if isinstance(own, nn.Parameter):
                    own.copy_(value)
                else:
                    setattr(self, name, value.to(self.weights))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class UncertaintyWeights(EqualWeights):
    """Uncertainty weighting: one learned variance per task, whose inverse weights the loss (:func:`uncertainty_loss`).

    Parameters
    ----------
    learning_rate : float, default=0.01
        Of the log variances, which Adam learns.

    Attributes
    ----------
    log_variances : Parameter of shape (n_tasks,)
    weights : Tensor of shape (n_tasks,)

    Notes
    -----
    Helps where losses have different scales or noise. A task whose training loss goes to zero is given ever more
    weight, however little it has still to learn.

    References
    ----------
    .. [1] A. Kendall, Y. Gal, R. Cipolla. Multi-task learning using uncertainty to weigh losses for scene geometry
       and semantics. CVPR 2018.
    """

    method_tags = MethodTags("multitask", reads=frozenset())
    kept = ("log_variances", "weights")

    def __init__(self, learning_rate: float = 0.01) -> None:
        self.learning_rate = learning_rate

    def start(
        self, regression: Sequence[bool], *, device: Any = "cpu", dtype: Any = None, random_state: Any = None
    ) -> None:
        self.log_variances = nn.Parameter(torch.zeros(len(regression), device=device, dtype=dtype))
        self._regression = torch.tensor(list(regression), device=device)
        self._optimizer = torch.optim.Adam([self.log_variances], lr=self.learning_rate)
        self._set_weights()

    def backward(self, losses: Tensor, network: Any) -> None:
        self._optimizer.zero_grad()
        torch.autograd.backward(uncertainty_loss(losses, self.log_variances, self._regression))
        self._optimizer.step()
        self._set_weights()

    def _set_weights(self) -> None:
        with torch.no_grad():
            self.weights = torch.where(self._regression, 0.5, 1.0) * torch.exp(-self.log_variances)


class GradNorm(EqualWeights):
    """GradNorm: adapt the loss weights so that tasks train at equal rates (:func:`gradnorm_targets`).

    Parameters
    ----------
    asymmetry : float, default=1.5
        How strongly slow tasks are helped; 0 makes all gradients equally long.
    learning_rate : float, default=0.025
        Of the weights, which Adam moves.

    Attributes
    ----------
    weights : Tensor of shape (n_tasks,)
        Positive, and their sum is the number of tasks.

    Notes
    -----
    One more pass back through the last stage for each task. A task with noise that cannot be learned looks slow,
    and is given weight for it.

    References
    ----------
    .. [1] Z. Chen, V. Badrinarayanan, C.-Y. Lee, A. Rabinovich. GradNorm: gradient normalization for adaptive loss
       balancing in deep multitask networks. ICML 2018.
    """

    # Lower bound of a weight, so that no task is switched off.
    smallest = 0.01
    kept = ("_moved", "weights", "_initial")

    method_tags = MethodTags("multitask", reads=frozenset())

    def __init__(self, asymmetry: float = 1.5, learning_rate: float = 0.025) -> None:
        self.asymmetry, self.learning_rate = asymmetry, learning_rate

    def start(
        self, regression: Sequence[bool], *, device: Any = "cpu", dtype: Any = None, random_state: Any = None
    ) -> None:
        super().start(regression, device=device, dtype=dtype)
        self._moved = nn.Parameter(self.weights.clone())
        self._optimizer = torch.optim.Adam([self._moved], lr=self.learning_rate)
        self._initial: Tensor | None = None

    def update(self, norms: Tensor, losses: Tensor) -> None:
        """Move the weights by one step on the distance between norms and targets, eq. 2.

        Parameters
        ----------
        norms : Tensor of shape (n_tasks,)
            Of the gradients of the losses, without weights, at the last shared stage.
        losses : Tensor of shape (n_tasks,)
            The first ones that are seen stand for the beginning.
        """
        norms, losses = norms.detach(), losses.detach()
        if self._initial is None:
            self._initial = losses.clone()
        weighted = self.weights * norms
        # The targets are held fixed, so the slope of |w g - target| is that of a plain absolute value.
        self._moved.grad = (
            torch.sign(weighted - gradnorm_targets(weighted, losses, self._initial, self.asymmetry)) * norms
        )
        self._optimizer.step()
        with torch.no_grad():
            self._moved.clamp_(min=self.smallest)
            self._moved.mul_(len(self._moved) / self._moved.sum())
            self.weights = self._moved.detach().clone()

    def backward(self, losses: Tensor, network: Any) -> None:
        last = network.last_shared_parameters()
        if last and len(losses) > 1:
            norms = torch.stack([flat_gradient(loss, last).norm() for loss in losses])
            torch.autograd.backward((self.weights * losses).sum())
            self.update(norms, losses)
        else:
            super().backward(losses, network)


class PCGrad(EqualWeights):
    """PCGrad: project away conflicting components of the tasks' gradients (:func:`project_conflicts`).

    Attributes
    ----------
    weights : Tensor of shape (n_tasks,)
        Ones: the projection has no factors.

    Notes
    -----
    One pass back through the whole network and one gradient in memory for each task.

    References
    ----------
    .. [1] T. Yu, S. Kumar, A. Gupta, S. Levine, K. Hausman, C. Finn. Gradient surgery for multi-task learning.
       NeurIPS 2020.
    """

    method_tags = MethodTags("multitask", reads=frozenset())

    def start(
        self, regression: Sequence[bool], *, device: Any = "cpu", dtype: Any = None, random_state: Any = None
    ) -> None:
        super().start(regression, device=device, dtype=dtype)
        self._rng = torch.Generator().manual_seed(seed_from(random_state))

    def backward(self, losses: Tensor, network: Any) -> None:
        shared = network.shared_parameters()
        if shared:
            grads = [flat_gradient(loss, shared) for loss in losses]
            known = {id(p) for p in shared}
            own = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
            if own:
                torch.autograd.backward(losses.sum(), inputs=own)
            joint = project_conflicts(grads, self._rng)
            for p, part in zip(shared, joint.split([p.numel() for p in shared]), strict=True):
                p.grad = part.view_as(p).clone()
        else:
            super().backward(losses, network)


def flat_gradient(loss: Tensor, parameters: list[nn.Parameter]) -> Tensor:
    """Compute the gradient of a loss as one vector; the graph is retained."""
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return torch.cat(
        [torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in zip(parameters, found, strict=True)]
    )
