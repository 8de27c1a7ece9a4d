"""Checks that every method of network training has to pass, on a small network and small data."""

from __future__ import annotations

import copy
import functools
import inspect
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from sklearn.base import clone
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._loop import Training, train
from landbridge.neural._method import Batch, Method, Methods
from landbridge.neural._network import EMBEDDING, Network
from landbridge.neural._samples import Samples
from landbridge.neural._source_aware import SourceAware
from landbridge.neural.feature._adversarial import _Reversal
from landbridge.neural.tasks import Classification, Regression

__all__ = ["example_network", "method_checks"]

FAMILIES = ("feature", "instance", "parameter")
N_CLASSES, WIDTH, N_SOURCE, N_TARGET = 3, 5, 24, 20
STEP = 1e-6  # of the finite differences


def example_network(n_outputs: int = N_CLASSES) -> Network:
    """Make the network of the checks: two stages, ``"low"`` and ``"high"``, with batch norms, for images of 8 x 8.

    Parameters
    ----------
    n_outputs : int, default=3

    Returns
    -------
    Network
        Five columns go into its head.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        low = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh())
        high = nn.Sequential(nn.Conv2d(4, WIDTH, 3, stride=2), nn.BatchNorm2d(WIDTH), nn.Tanh())
        return Network({"low": low, "high": high}, in_features=WIDTH, head=nn.Linear(WIDTH, n_outputs))


def method_checks(method: Method) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the name and the function of each check.

    Parameters
    ----------
    method : Method
        Not changed.

    Yields
    ------
    name : str
    check : callable
        Takes no argument and raises if the method fails.
    """
    for name, check in _CHECKS:
        yield name, _bound(check, method)


def _bound(check: Callable[[Method], None], method: Method) -> Callable[[], None]:
    def run() -> None:
        state = torch.get_rng_state()
        check(method)
        assert torch.equal(torch.get_rng_state(), state), "torch's global generator was changed"

    return run


@dataclass
class _Case:
    """A task with its network and data, in one precision."""

    task: Any
    network: Network
    source: Samples
    target: Samples

    @classmethod
    def table(cls, name: str) -> _Case:
        """The same of a table, and of a network without batch norms and places."""
        case = cls.of(name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            low = nn.Sequential(nn.Linear(64, 6), nn.Tanh())
            high = nn.Sequential(nn.Linear(6, WIDTH), nn.Tanh())
        case.network = Network({"low": low, "high": high}, in_features=WIDTH, head=case.network.head).double()
        case.source = Samples(case.source.inputs.flatten(1), case.source.labels)
        case.target = Samples(case.target.inputs.flatten(1))
        return case

    @classmethod
    def of(cls, name: str, dtype: torch.dtype = torch.float64) -> _Case:
        rng = torch.Generator().manual_seed(0)
        labels = torch.arange(N_SOURCE) % N_CLASSES
        X = torch.rand(N_SOURCE, 1, 8, 8, generator=rng, dtype=dtype)
        X[torch.arange(N_SOURCE), 0, labels] += 1.0
        Z = 0.7 * torch.rand(N_TARGET, 1, 8, 8, generator=rng, dtype=dtype)
        Z[torch.arange(N_TARGET), 0, torch.arange(N_TARGET) % N_CLASSES] += 1.0
        if name == "classification":
            task: Any = Classification(list(range(N_CLASSES)))
            return cls(task, example_network().to(dtype), Samples(X, labels), Samples(Z))
        values = X.mean(dim=(1, 2, 3)) + labels.to(dtype)
        task = Regression.of(values.double().numpy())
        return cls(task, example_network(1).to(dtype), Samples(X, task.encode(values.double().numpy())), Samples(Z))

    def run(self, methods: list[Any], **settings: Any) -> Network:
        """A copy of the network after a short training."""
        network = copy.deepcopy(self.network)
        double = next(network.parameters()).dtype == torch.float64
        how: dict[str, Any] = {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "device": "cpu", "random_state": 0}
        how |= {"precision": "64" if double else "32"} | settings
        train(network, self.task, self.source, methods=methods, target=self.target, settings=Training(**how))
        return network


def _fresh(method: Method) -> Any:
    fresh = clone(method)
    if isinstance(fresh, SourceAware) and fresh.source_domain_ is None:
        fresh.set_source_domain([i // N_CLASSES % 2 for i in range(N_SOURCE)])
    return fresh


def _cases(method: Method, dtype: torch.dtype = torch.float64) -> Iterator[_Case]:
    for name in sorted(method.method_tags.tasks if method.method_tags is not None else {"classification"}):
        yield _Case.of(name, dtype)


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def _equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


def _refusal(call: Callable[[], Any]) -> str:
    """The message of the InputError that a call raises, which must be one line."""
    try:
        call()
    except InputError as error:
        assert "\n" not in str(error), f"the message must be one line: {error}"
        return str(error)
    raise AssertionError("it was accepted; expected an InputError")


def _check_tags(method: Method) -> None:
    cls, tags = type(method), method.method_tags
    assert tags is not None, "give method_tags"
    assert tags.family in FAMILIES, f"family must be one of {', '.join(FAMILIES)}; got {tags.family!r}"
    assert tags.reads <= {"X_target", "y_target", "source_domain"}, f"reads names {set(tags.reads)}"
    assert ("X_target" in tags.reads) == cls.reads_target, "reads must name X_target where reads_target is True"
    assert ("source_domain" in tags.reads) == isinstance(method, SourceAware), "reads: source_domain"
    assert tags.tasks and tags.tasks <= {"classification", "regression"}, f"tasks names {set(tags.tasks)}"
    assert tags.shifts <= {"covariate", "label", "concept", "subspace"}, f"shifts names {set(tags.shifts)}"
    text = inspect.getdoc(cls) or ""
    assert text.split("\n")[0].endswith("."), "docstring: the first line must be a sentence that says what it does"
    for section in ("Notes", "References", "Examples"):
        assert f"{section}\n---" in text, f"docstring: no section {section}"
    missing = [p for p in method.get_params(deep=False) if p not in text]
    assert not missing, f"docstring: the parameter {missing} is not described"


def _check_parameters(method: Method) -> None:
    params = method.get_params(deep=False)
    made = type(method)(**params)
    changed = [k for k, v in params.items() if getattr(made, k) is not v]
    assert not changed, f"the constructor must store {changed} as given"
    extra = sorted(set(vars(made)) - set(params))
    assert not extra, f"the constructor sets {extra}, which are no parameters"
    copied = clone(method)
    assert copied is not method and type(copied) is type(method)
    assert list(copied.get_params(deep=False)) == list(params)
    assert clone(method).set_params(**params).get_params(deep=False) == params, "set_params(**get_params())"
    open_ones = sorted(set(params) - set(method._parameter_constraints))
    assert not open_ones, f"_parameter_constraints lacks {open_ones}"
    method.validate_params()
    for name in params:
        if method._parameter_constraints[name] != "no_validation":
            wrong = clone(method).set_params(**{name: _Odd()})
            assert name in _refusal(wrong.validate_params), f"the message must name {name}"


class _Odd:
    """No value of any parameter."""

    def __repr__(self) -> str:
        return "odd"


def _check_tasks(method: Method) -> None:
    assert method.method_tags is not None
    for name in {"classification", "regression"} - method.method_tags.tasks:
        case = _Case.of(name)
        found = _refusal(functools.partial(Methods([_fresh(method)]).prepare, case.network, case.task))
        assert type(method).__name__ in found and name in found


def _check_given(method: Method) -> None:
    """Training a copy changes no parameter of the method, nor what parameters hold."""
    for case in _cases(method):
        given = _fresh(method)
        params, before = given.get_params(deep=False), _fingerprint(given)
        case.run([given])
        assert all(given.get_params(deep=False)[k] is v for k, v in params.items()), "a parameter was replaced"
        assert _fingerprint(given) == before, "what a parameter holds was changed"


def _fingerprint(method: Method) -> list[str]:
    found = []
    for name, value in method.get_params(deep=False).items():
        state = value.state_dict() if isinstance(value, nn.Module) else {}
        found.append(f"{name}: {[(k, v.double().sum().item()) for k, v in state.items()] or repr(value)}")
    return found


def _check_gradients(method: Method) -> None:
    """The gradient of the loss terms is their slope, along random directions."""
    if type(method).loss is Method.loss:
        return
    for case in _cases(method):
        network, fresh = case.network, _fresh(method)
        combined = Methods([fresh])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            combined.prepare(network, case.task)
            for m in combined.epochs:
                m.epoch(network, 0, 2)
            network.train()
            moved = [p for p in network.parameters() if p.requires_grad]
            with torch.no_grad():
                for p in moved:  # away from where the penalties are zero
                    p.add_(0.1 * torch.randn_like(p))
        held: list[Tensor] = []
        with _forward_slopes(), _constants(held, record=True):
            loss = _terms(combined, case)
            if not loss.requires_grad:
                continue
            grads = torch.autograd.grad(loss, moved, allow_unused=True)
        rng = torch.Generator().manual_seed(1)
        for _ in range(3):
            along = [torch.randn(p.shape, generator=rng, dtype=p.dtype) for p in moved]
            ends = []
            for sign in (1.0, -1.0):
                with torch.no_grad():
                    torch._foreach_add_([p.detach() for p in moved], along, alpha=sign * STEP)
                with _constants(held, record=False):
                    end = _terms(combined, case)
                ends.append(float(end.detach()))
                with torch.no_grad():
                    torch._foreach_add_([p.detach() for p in moved], along, alpha=-sign * STEP)
            wanted = (ends[0] - ends[1]) / (2 * STEP)
            found = sum(float((g * v).sum()) for g, v in zip(grads, along, strict=True) if g is not None)
            scale = max(abs(wanted), abs(float(loss.detach())), 1.0)
            assert abs(found - wanted) <= 1e-5 * scale, f"{case.task.name}: slope {wanted:.8g}, gradient {found:.8g}"


def _terms(combined: Methods, case: _Case) -> Tensor:
    """Sum of the loss terms on a batch; the methods, which may remember what they see, stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        combined = copy.deepcopy(combined)
        wanted = (*combined.stages, EMBEDDING)
        both: list[Batch] = []
        for rows in (case.source, case.target):
            index = torch.arange(8)
            inputs, labels = rows.take(index)
            logits, features = case.network(inputs, wanted)
            both.append(Batch(inputs, labels, logits, features, None, index))
        for m in combined.answers:
            m.answer(case.network, both[0], both[1])
        terms = combined.loss(case.network, both[0], both[1], 0.7)
        return torch.stack([t.reshape(()) for t in terms.values()]).sum() if terms else torch.zeros(())


@contextmanager
def _constants(held: list[Tensor], *, record: bool) -> Iterator[None]:
    """Keep what a loss detaches, or give it back: it is a constant of the gradient."""
    plain, left = Tensor.detach, iter(list(held))

    def detach(self: Tensor) -> Tensor:
        found = plain(self)
        if record:
            held.append(found.clone())
            return found
        return next(left).clone()

    with patch.object(Tensor, "detach", detach):
        yield


@contextmanager
def _forward_slopes() -> Iterator[None]:
    """Leave out the reversal of gradients, which no loss has as its slope."""
    with patch.object(_Reversal, "backward", staticmethod(lambda ctx, *grads: (grads[0], None))):
        yield


class _Stop(Method):
    """Interrupt the training at the start of an epoch, which is no parameter: a run resumes with equal ones only."""

    _at: int | None = None

    def epoch(self, network: Network, epoch: int, epochs: int) -> None:
        if epoch == self._at:
            raise KeyboardInterrupt


def _stop_at(epoch: int) -> _Stop:
    method = _Stop()
    method._at = epoch
    return method


def _check_resumed(method: Method) -> None:
    """A run that was interrupted ends as one that was not, to the bit."""
    for case in _cases(method):
        whole = _weights(case.run([_fresh(method), _Stop()]))
        with tempfile.TemporaryDirectory() as folder:
            try:
                case.run([_fresh(method), _stop_at(2)], checkpoint_dir=folder)
            except KeyboardInterrupt:
                pass
            resumed = _weights(case.run([_fresh(method), _Stop()], checkpoint_dir=folder, resume=True))
        assert _equal(whole, resumed), f"{case.task.name}: a resumed run ends otherwise than one that ran through"


def _check_precision(method: Method) -> None:
    """Both precisions are kept, on each device that is there, and the numbers stay finite."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for device in devices:
        for dtype in (torch.float32, torch.float64):
            for case in _cases(method, dtype):
                network = case.run([_fresh(method)], device=device, epochs=1)
                for name, p in network.named_parameters():
                    assert p.dtype == dtype, f"{name} is {p.dtype} after training in {dtype}"
                    assert torch.isfinite(p).all(), f"{name} is not finite after training in {dtype} on {device}"


def _check_effect(method: Method) -> None:
    """Training with the method ends elsewhere than training without; one that only observes changes nothing."""
    assert method.method_tags is not None
    # Batch norms of one network see the target wherever a loss reads it, which is no effect of the method's own.
    held = _weights if type(method).loss is not Method.loss else nn.Module.state_dict
    for case in _cases(method):
        apart = []
        for seed in range(3):
            plain, own = (held(case.run(m, random_state=seed)) for m in ([], [_fresh(method)]))
            apart.append(not _equal(plain, {k: v for k, v in own.items() if k in plain}))
            if apart[-1]:
                break
        if method.method_tags.reports_only:
            assert not any(apart), "it is said to observe only, and changes what is learned"
        else:
            assert any(apart), f"{case.task.name}: nothing is learned otherwise than without the method"


def _check_other_network(method: Method) -> None:
    """On a network that lacks what the method changes it is refused by name; elsewhere it has its effect."""
    assert method.method_tags is not None
    if any(isinstance(v, Network) for v in method.get_params(deep=False).values()):
        return  # it holds a network for images
    for name in sorted(method.method_tags.tasks):
        case = _Case.table(name)
        idle = True
        try:
            for seed in range(3):
                own = _weights(case.run([_fresh(method)], random_state=seed))
                plain = _weights(case.run([], random_state=seed))
                idle = idle and _equal(plain, {k: v for k, v in own.items() if k in plain})
                if not idle:
                    break
        except InputError as error:
            assert type(method).__name__ in str(error) and "\n" not in str(error), str(error)
            continue
        wanted = method.method_tags.reports_only or type(method).after is not Method.after
        assert wanted or not idle, f"{name}: nothing is learned otherwise than without the method"


def _check_twice(method: Method) -> None:
    """Two of one kind train together, or are refused in one line."""
    for case in _cases(method):
        try:
            case.run([_fresh(method), _fresh(method)], epochs=1)
        except InputError as error:
            assert type(method).__name__ in str(error) and "\n" not in str(error), str(error)


_CHECKS: tuple[tuple[str, Callable[[Method], None]], ...] = (
    ("tags and docstring", _check_tags),
    ("parameters", _check_parameters),
    ("tasks that do not suit", _check_tasks),
    ("nothing of the caller's is changed", _check_given),
    ("gradients", _check_gradients),
    ("resumed runs", _check_resumed),
    ("precision", _check_precision),
    ("effect", _check_effect),
    ("networks of another kind", _check_other_network),
    ("two of one kind", _check_twice),
)
