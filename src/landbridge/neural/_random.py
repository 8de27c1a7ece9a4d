"""Seeds, and torch's random number generator with a state of a thread's own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from landbridge._random_state import check_random_state

__all__ = ["OwnState", "draws_nothing", "seed_from", "seeded"]

# The state belongs to the whole process: threads that drew from it at once would get one another's numbers.
_TURN = threading.RLock()
_HERE = threading.local()


@contextlib.contextmanager
def seeded(seed: int | None, devices: Sequence[Any] = ()) -> Iterator[None]:
    """Seed torch's random number generator temporarily, and restore its state afterwards.

    For short work such as the first weights of a layer: threads of one process wait for one another, so that each draws
    as if it ran alone. Trainings draw from an :class:`OwnState` instead and run side by side.

    Parameters
    ----------
    seed : int or None
        If None, the current state is used.
    devices : sequence, default=()
        GPUs whose state is kept as well.

    Yields
    ------
    None

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._random import seeded
    >>> before = torch.random.get_rng_state()
    >>> with seeded(3):
    ...     first = torch.rand(2)
    >>> with seeded(3):
    ...     again = torch.rand(2)
    >>> torch.equal(first, again), torch.equal(before, torch.random.get_rng_state())
    (True, True)
    """
    with _TURN, torch.random.fork_rng(devices=devices):
        _HERE.depth = _depth() + 1
        try:
            if seed is not None:
                torch.manual_seed(seed)
            yield
        finally:
            _HERE.depth -= 1


class OwnState:
    """Random numbers that belong to one training, whatever other threads draw.

    Within :meth:`active`, every function of torch that draws random numbers in this thread draws from here: on the CPU
    by an own generator (dropout too, which takes none, in the same numbers); else the own state is put in the place of
    the process's for that one call, under a lock, and taken back afterwards. The process's state stays as it was.

    Parameters
    ----------
    device : torch.device, optional
        A GPU, whose state is kept as well.

    Attributes
    ----------
    generator : torch.Generator
        Of the CPU. At first it has the state of the process; seed that with :func:`seeded`.

    Notes
    -----
    What draws within compiled code is covered where a function of torch calls it (dropout of recurrent layers and of
    attention); custom operators that draw by themselves are not. Layers that take no generator (all on a GPU; dropout
    of whole channels, of attention and of recurrent layers) borrow the process's state, so that another thread must not
    draw from it at that moment without :func:`seeded`.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural._random import OwnState, seeded
    >>> with seeded(3):
    ...     expected = torch.rand(2)
    >>> with seeded(3):
    ...     own = OwnState()
    >>> before = torch.random.get_rng_state()
    >>> with own.active():
    ...     found = torch.rand(2)
    >>> torch.equal(found, expected), torch.equal(before, torch.random.get_rng_state())
    (True, True)
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.on_cpu = device is None or device.type == "cpu"
        self.device = device if device is not None and device.type == "cuda" else None
        self.generator = torch.Generator()
        self._take()

    def active(self) -> Any:
        """Return a context in which this thread draws from here; it can be entered again and again.

        Returns
        -------
        context manager
        """
        return _Redirect(self, _depth())

    def state(self) -> Tensor:
        """Return the state for a checkpoint.

        Returns
        -------
        Tensor of uint8
        """
        own = self.generator.get_state()
        return own if self.device is None else torch.cat([own, self.gpu])

    def load(self, state: Tensor) -> None:
        """Take back what ``state`` gave.

        Parameters
        ----------
        state : Tensor of uint8
        """
        state, n = state.cpu(), len(self.generator.get_state())
        self.generator.set_state(state[:n].clone())
        if self.device is not None and len(state) > n:
            self.gpu = state[n:].clone()

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Call a function that draws.

        Parameters
        ----------
        function : callable
        args, kwargs : tuple, dict

        Returns
        -------
        object
        """
        if self.on_cpu or _is_on_cpu(args, kwargs):
            if function is F.dropout:
                return self._dropout(*args, **kwargs)
            if function in _TAKING:
                return function(*args, **{**kwargs, "generator": self.generator})
        with _TURN:
            kept = [torch.get_rng_state(), *([] if self.device is None else [torch.cuda.get_rng_state(self.device)])]
            torch.set_rng_state(self.generator.get_state())
            if self.device is not None:
                torch.cuda.set_rng_state(self.gpu, self.device)
            _HERE.depth = _depth() + 1  # a run around this one leaves the call alone
            try:
                return function(*args, **kwargs)
            finally:
                _HERE.depth -= 1
                self._take()
                torch.set_rng_state(kept[0])
                if self.device is not None:
                    torch.cuda.set_rng_state(kept[1], self.device)

    def _take(self) -> None:
        self.generator.set_state(torch.get_rng_state())
        if self.device is not None:
            self.gpu = torch.cuda.get_rng_state(self.device)

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or not 0.0 < p < 1.0:
            return F.dropout(input, p, training, inplace)  # which draws nothing, or refuses p
        kept = torch.empty_like(input).bernoulli_(1.0 - p, generator=self.generator).div_(1.0 - p)
        return input.mul_(kept) if inplace else input * kept


class _Redirect(TorchFunctionMode):
    """Lets every drawing function of this thread draw from a state of its own."""

    def __init__(self, own: OwnState, depth: int) -> None:
        super().__init__()
        self.own, self.depth = own, depth

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = {} if kwargs is None else kwargs
        # Within `seeded` the process's state is this thread's already.
        if function in _DRAWING and kwargs.get("generator") is None and _depth() == self.depth:
            if not _is_idle(function, args, kwargs):
                return self.own.call(function, args, kwargs)
        return function(*args, **kwargs)


def _drawing() -> frozenset[Any]:
    """The functions of torch that draw random numbers, or may."""
    functions = (
        "bernoulli binomial multinomial normal poisson rand rand_like randint randint_like randn randn_like randperm "
        "dropout dropout_ native_dropout alpha_dropout alpha_dropout_ feature_dropout feature_dropout_ "
        "feature_alpha_dropout feature_alpha_dropout_ rrelu rrelu_ pca_lowrank svd_lowrank lstm gru rnn_tanh rnn_relu"
    )
    methods = "bernoulli bernoulli_ cauchy_ exponential_ geometric_ log_normal_ multinomial normal_ random_ uniform_"
    layers = (
        "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax rrelu rrelu_ "
        "fractional_max_pool2d fractional_max_pool3d multi_head_attention_forward scaled_dot_product_attention"
    )
    places = ((torch, functions), (torch._VF, functions), (torch.Tensor, methods), (F, layers))
    found = {getattr(place, name) for place, names in places for name in names.split() if hasattr(place, name)}
    initial = (nn.init.uniform_, nn.init.normal_, nn.init.trunc_normal_, nn.init.kaiming_uniform_)
    return frozenset(found | set(initial) | {nn.init.xavier_uniform_, nn.init.xavier_normal_, nn.init.kaiming_normal_})


_DRAWING = _drawing()
# Of these, those that take a generator.
_TAKING = frozenset(
    getattr(place, name)
    for place, names in (
        (torch, "bernoulli multinomial normal rand randint randn randperm"),
        (torch.Tensor, "bernoulli bernoulli_ cauchy_ exponential_ geometric_ log_normal_ multinomial normal_ random_"),
        (torch.Tensor, "uniform_"),
    )
    for name in names.split()
)
# Functions that draw only for a share of dropped values above zero: where that is among their arguments.
_SHARES = {F.scaled_dot_product_attention: ("dropout_p", 4), F.multi_head_attention_forward: ("dropout_p", 10)}
_RECURRENT = frozenset(getattr(torch._VF, name) for name in ("lstm", "gru", "rnn_tanh", "rnn_relu"))


def _is_on_cpu(args: Any, kwargs: Any) -> bool:
    device = kwargs.get("device")
    tensors = (a for a in (*args, *kwargs.values()) if isinstance(a, Tensor))
    return (device is None or torch.device(device).type == "cpu") and all(t.device.type == "cpu" for t in tensors)


def _is_idle(function: Any, args: Any, kwargs: Any) -> bool:
    """Whether a call draws nothing, as attention and recurrent layers without dropout, which take long to compute."""
    if function in _SHARES:
        name, place = _SHARES[function]
        return not kwargs.get(name, args[place] if len(args) > place else 0.0)
    if function in _RECURRENT:
        first = next((i for i, a in enumerate(args) if isinstance(a, bool)), len(args))  # bias, layers, dropout, train
        return len(args) > first + 3 and not (args[first + 2] and args[first + 3])
    return False


# Layers whose forward pass draws nothing.
_PLAIN: tuple[type[nn.Module], ...] = (
    *(nn.Linear, nn.Bilinear, nn.Embedding, nn.Identity, nn.Flatten, nn.Unflatten, nn.Sequential, nn.ModuleList),
    *(nn.ModuleDict, nn.ParameterList, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d, nn.ReLU, nn.ReLU6),
    *(nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ELU, nn.Hardswish, nn.Softplus, nn.Softmax, nn.Upsample),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.ZeroPad2d),
)


def draws_nothing(module: nn.Module) -> bool:
    """Return whether a forward pass draws no random numbers for certain: only layers that are known not to.

    Parameters
    ----------
    module : Module

    Returns
    -------
    bool
    """
    return all(
        type(m) in _PLAIN
        or (isinstance(m, nn.modules.dropout._DropoutNd) and m.p == 0)
        or type(m).__module__.startswith(("landbridge.neural.backbones", "landbridge.neural._"))
        for m in module.modules()
    )


def seed_from(random_state: Any) -> int:
    """Return the seed that a ``random_state`` stands for.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int is the seed itself. If None, the seed is drawn from the operating system.

    Returns
    -------
    int
    """
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _depth() -> int:
    return getattr(_HERE, "depth", 0)
