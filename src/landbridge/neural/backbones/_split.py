"""Split any model into ordered stages without knowing its code, with hooks between its layers.

A model's ``forward`` does more than call its layers: it prepares masks, adds positions, pools. So it is always the
model's own ``forward`` that runs. Hooks hand out what the layers say; to stop early a hook jumps out; and to begin in
the middle, the layers before it are stood in for by what they said before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._network import Network, pool

__all__ = ["Pooled", "Replay", "StageState", "layer_list", "split_model"]

INPUT, REST = "embeddings", "pooler"


@dataclass
class StageState:
    """Output of a stage, with what the model needs to continue from there.

    Parameters
    ----------
    hidden : Tensor
    mask : Tensor or None
        Which places are not padding.
    inputs : Tensor or dict of Tensor
        What the model was given.
    said : dict of int to object
        Raw outputs of the modules that ran before, by number.
    pooled : Tensor or None
        The pooled output, where the model has its own way of pooling.
    """

    hidden: Tensor
    mask: Tensor | None = None
    inputs: Any = None
    said: dict[int, Any] = field(default_factory=dict)
    pooled: Tensor | None = None


class Pooled(nn.Module):
    """Pool a model's output, whatever its class, to one vector per sample.

    Parameters
    ----------
    use_pooler : bool, default=True
        Whether the model's own pooled output is to be trusted; false where its weights were not in the checkpoint.
    """

    def __init__(self, use_pooler: bool = True) -> None:
        super().__init__()
        self.use_pooler = use_pooler

    def forward(self, output: Any, mask: Any = None) -> Tensor:
        """Pool the features.

        Parameters
        ----------
        output : Tensor, or a model's output object
        mask : Tensor, optional

        Returns
        -------
        Tensor of shape (n, width)
        """
        if isinstance(output, Tensor):
            return pool(output)
        if self.use_pooler and isinstance(pooled := getattr(output, "pooler_output", None), Tensor):
            return pool(pooled)
        last = output[0] if not hasattr(output, "last_hidden_state") else output.last_hidden_state
        return pool(StageState(last, mask))

    def unpooled(self, output: Any, mask: Any = None) -> Any:
        """Return the features before pooling.

        Parameters
        ----------
        output : Tensor, or a model's output object
        mask : Tensor, optional

        Returns
        -------
        StageState
            With the pooled features beside them.
        """
        if isinstance(output, Tensor):
            return StageState(output, mask, pooled=pool(output))
        last = output[0] if not hasattr(output, "last_hidden_state") else output.last_hidden_state
        return StageState(last, mask, pooled=self(output, mask))


class _Jump(Exception):
    """Carries a stage's output out of the model's forward."""

    def __init__(self, output: Any) -> None:
        self.output = output


class Replay:
    """The body of a network made from a whole model.

    Parameters
    ----------
    model : Module
    layers : mapping of str to Module
        The stages between the first and the last, in the order in which the model calls them.
    others : sequence of Module
        All other modules that the model calls, in order.
    ending : Module
        Pools the model's output.
    """

    def __init__(
        self, model: nn.Module, layers: Mapping[str, nn.Module], others: list[nn.Module], ending: Pooled
    ) -> None:
        self.model, self.layers, self.others, self.ending = model, dict(layers), others, ending
        self.names = list(self.layers)
        self.early: set[int] = set()  # numbers of the others that run before the first layer
        self.once: set[int] = set()  # numbers of those that run once; only they can be stood in for
        self.plain = False  # whether a layer's output alone is enough to go on from

    def __call__(
        self,
        x: Any,
        start: str | None,
        stop: str | None,
        wanted: Collection[str],
        kept: dict[str, Any],
        pooled: bool = True,
    ) -> Any:
        """Run from stage `start` to stage `stop`; see ``Network``.

        Parameters
        ----------
        x : Tensor, dict of Tensor, or StageState
        start, stop : str or None
        wanted : collection of str
        kept : dict
            Takes the wanted outputs.
        pooled : bool, default=True
            False to return the last stage's output as it is before pooling.

        Returns
        -------
        Tensor or StageState
        """
        if start == INPUT:
            start = None
        state = x if isinstance(x, StageState) else None
        inputs = state.inputs if state is not None else x
        mask = inputs.get("attention_mask") if isinstance(inputs, dict) else None
        said: dict[int, Any] = {}
        record = stop is not None and not self.plain
        handles: list[Any] = []
        with _patches() as patch:
            if start is not None:
                self._stand_in(patch, start, x)
            if record:
                handles += [m.register_forward_hook(_recorder(said, i)) for i, m in enumerate(self.others)]

            def catch(name: str) -> None:
                def found(output: Any) -> None:
                    hidden = first_tensor(output)
                    if name in wanted:
                        kept[name] = hidden if mask is None else StageState(hidden, mask)
                    if name == stop:
                        raise _Jump(hidden if self.plain else StageState(hidden, mask, inputs, {**said, -1: output}))

                if name == INPUT:
                    first = self.layers[self.names[0]]
                    handles.append(
                        first.register_forward_pre_hook(lambda m, a, k: found(a or tuple(k.values())), with_kwargs=True)
                    )
                else:
                    handles.append(self.layers[name].register_forward_hook(lambda m, a, out: found(out)))

            begun = start is None
            for name in (INPUT, *self.names):
                begun = begun or name == start
                if begun and (name in wanted or name == stop):
                    catch(name)
            try:
                output = (self.ending if pooled else self.ending.unpooled)(self._call(inputs), mask)
            except _Jump as jump:
                return jump.output
            finally:
                for handle in handles:
                    handle.remove()
        if REST in wanted:
            kept[REST] = output if pooled else output.pooled
        return output

    def _call(self, inputs: Any) -> Any:
        if isinstance(inputs, dict):
            return self.model(**inputs)
        return self.model(inputs)

    def _stand_in(self, patch: Any, start: str, x: Any) -> None:
        """Replay the recorded outputs of everything before `start`, without computing it."""
        done = self.names if start == REST else self.names[: self.names.index(start)]
        hidden = x.hidden if isinstance(x, StageState) else x
        said = x.said if isinstance(x, StageState) else {}
        if not isinstance(x, StageState) and not self.plain:
            raise InputError("this backbone needs masks beside a stage's output; begin with what activations() gave.")
        for name in done:
            patch(self.layers[name], said.get(-1, hidden))
        for i, module in enumerate(self.others):
            if i in said and i in self.once:
                patch(module, said[i])
            elif self.plain and i in self.early and i in self.once:
                patch(module, hidden)


def split_model(
    model: nn.Module,
    layers: Mapping[str, nn.Module],
    example: Any,
    *,
    use_pooler: bool = True,
    preprocess: nn.Module | None = None,
    spec: dict[str, Any] | None = None,
) -> Network:
    """Make a network of a model whose `layers` run one after another within its ``forward``.

    Parameters
    ----------
    model : Module
    layers : mapping of str to Module
    example : Tensor or dict of Tensor
        Some samples of input.
    use_pooler : bool, default=True
    preprocess : Module, optional
    spec : dict, optional

    Returns
    -------
    Network
        Stages ``"embeddings"`` (all that runs before the layers; absent where there is nothing), the layers, and
        ``"pooler"`` (all that runs after them).
    """
    model.eval()
    others = list(_others(model, {id(m) for m in layers.values()}))
    called: list[int] = []
    number = {id(m): i for i, m in enumerate(others)} | {id(m): -1 - i for i, m in enumerate(layers.values())}
    hooks = [
        m.register_forward_pre_hook(lambda m, a, k: called.append(number[id(m)]), with_kwargs=True)
        for m in (*others, *layers.values())
    ]
    body = Replay(model, layers, others, Pooled(use_pooler))
    try:
        with torch.inference_mode():
            whole = body(example, None, None, (), {})
    finally:
        for hook in hooks:
            hook.remove()
    order = [-1 - i for i in called if i < 0]
    if order != list(range(len(layers))):
        raise InputError("stages must run once each, in the order given; choose others (see the model's forward).")
    first = called.index(-1)
    body.once = {i for i in called if called.count(i) == 1}
    body.early = {i for i in called[:first] if i >= 0}
    early, late = [others[i] for i in sorted(body.early)], [m for i, m in enumerate(others) if i not in body.early]
    loose = [p for m in _holders(model, layers) for p in m.parameters(recurse=False)]
    stages: dict[str, nn.Module] = {}
    if early or loose:
        stages[INPUT] = nn.ModuleList([*early, *([nn.ParameterList(loose)] if loose else [])])
    stages |= layers
    # A module that is never called (the pooler of a model that is used without it) is not to be trained.
    for i, module in enumerate(others):
        if i not in called:
            module.requires_grad_(False)
    stages[REST] = nn.ModuleList(late)
    body.plain = _enough(body, example, whole)
    return Network(stages, in_features=whole.shape[1], preprocess=preprocess, spec=spec, body=body).eval()


def layer_list(model: nn.Module) -> dict[str, nn.Module]:
    """List a model's layers: the items of its largest list of modules.

    Parameters
    ----------
    model : Module

    Returns
    -------
    dict of str to Module
        Named after the list, ``"layer_0"`` and so on.
    """
    best: tuple[int, str, nn.Module] | None = None
    inside: list[str] = []
    for name, module in model.named_modules():
        if any(name.startswith(f"{outer}.") for outer in inside):
            continue
        if isinstance(module, nn.ModuleList) and len(module) > 1:
            inside.append(name)
            size = sum(p.numel() for p in module.parameters())
            if best is None or size > best[0]:
                best = (size, name, module)
    if best is None:
        raise InputError("the model has no list of layers; pass it as a module with stages= and example=.")
    label = best[1].rsplit(".", 1)[-1].rstrip("s") or "layer"
    return {f"{label}_{i}": layer for i, layer in enumerate(best[2].children())}


def first_tensor(output: Any) -> Tensor:
    """Return the tensor of a layer's output: the output itself, or its first element.

    Parameters
    ----------
    output : Tensor, tuple, dict or output object

    Returns
    -------
    Tensor
    """
    while not isinstance(output, Tensor):
        output = next(iter(output.values())) if isinstance(output, Mapping) else output[0]
    return output


def _enough(body: Replay, example: Any, whole: Tensor) -> bool:
    """Whether the model goes on rightly from a layer's output alone: found out by trying, at every layer."""
    if isinstance(example, dict):
        return False
    body.plain = True
    try:
        with torch.inference_mode():
            for name in [INPUT, *body.names]:
                state = body(example, None, name, (), {})
                after = (*body.names, REST)[([INPUT, *body.names]).index(name)]
                if not torch.allclose(body(state, after, None, (), {}), whole, rtol=1e-4, atol=1e-5):
                    return False
    except Exception:  # whatever a foreign forward raises when it is given a stand-in
        return False
    return True


def _others(module: nn.Module, layers: set[int]) -> Iterator[nn.Module]:
    """The largest modules that hold none of the layers."""
    for child in module.children():
        if id(child) in layers:
            continue
        if any(id(m) in layers for m in child.modules()):
            yield from _others(child, layers)
        else:
            yield child


def _holders(model: nn.Module, layers: Mapping[str, nn.Module]) -> Iterator[nn.Module]:
    """The modules round the layers, which may have parameters of their own."""
    wanted = {id(m) for m in layers.values()}
    return (m for m in model.modules() if id(m) not in wanted and any(id(c) in wanted for c in m.modules()))


@contextmanager
def _patches() -> Iterator[Any]:
    """Let modules give fixed predictions for a while."""
    changed: list[nn.Module] = []

    def patch(module: nn.Module, answer: Any) -> None:
        module.__dict__["forward"] = lambda *a, **k: answer
        changed.append(module)

    try:
        yield patch
    finally:
        for module in changed:
            module.__dict__.pop("forward", None)


def _recorder(said: dict[int, Any], number: int) -> Any:
    def record(module: nn.Module, args: Any, output: Any) -> None:
        said[number] = output

    return record
