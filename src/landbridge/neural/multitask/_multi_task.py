"""MultiTask: several tasks, each with its own samples, learned by one network."""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._device import resolve
from landbridge.neural._fitting import backbone_for, check_labels, check_rows, draw_seed, rate_for
from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network
from landbridge.neural._pack import load_weights, pack, pack_backbone, unpack, unpack_backbone, weights_of
from landbridge.neural._phase import Phase
from landbridge.neural._resume import describe
from landbridge.neural._samples import Samples, digest_of, mix, stream
from landbridge.neural._schedule import schedule_factor
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
from landbridge.neural.multitask._balancing import (
    EqualWeights,
    GradNorm,
    PCGrad,
    UncertaintyWeights,
    flat_gradient,
    gradient_cosines,
)
from landbridge.neural.multitask._network import MultiTaskNetwork
from landbridge.neural.tasks import Classification, MultiLabel, Regression, Task

__all__ = ["MultiTask"]

BALANCES = {"equal": EqualWeights, "uncertainty": UncertaintyWeights, "gradnorm": GradNorm, "pcgrad": PCGrad}
KINDS = ("classification", "multilabel", "regression")


@dataclass
class _Group:
    """Tasks that have their samples in common."""

    names: list[str]
    X: NDArray[Any]
    inputs: Any = None


class MultiTask(BaseEstimator):
    """Multitask learning: one network for several tasks, which may differ in samples and in the type of labels.

    Parameters
    ----------
    backbone : str, path-like, Module or Network, default="auto"
        Where the stages come from (see :func:`~landbridge.neural.load_backbone`). ``"auto"`` takes a small multilayer
        perceptron for tables and the built-in convolutional network for images.
    tasks : dict of str to {"classification", "regression", "multilabel"}, optional
        Kinds of tasks by name; a task that is omitted is inferred from its labels: two axes of zeros and ones are
        multilabel, other floats are regression, all else is classification.
    sharing : {"hard", "soft"}, default="hard"
        ``"hard"``: stages in common, then stages and a head for each task. ``"soft"``: all stages for each task, with
        cross-stitch units between them.
    shared_until : str, optional
        With ``"hard"``, the last stage in common. If None, all are.
    balance : {"uncertainty", "gradnorm", "pcgrad", "equal"}, default="uncertainty"
        How losses become one step: weights by learned variances, weights for equally fast learning, gradients
        without conflicts, or the plain sum.
    epochs : int, default=30
        Passes over the largest data set.
    batch_size : int, default=32
        Samples per step from each data set.
    learning_rate : float, optional
        Learning rate. If None, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of images that are flat rows.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    settings : Training, optional
        Precision, schedule, checkpoints, clipping and logs of the run; what has a parameter here is taken from here.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    network_ : MultiTaskNetwork
    tasks_ : dict of str to Task
    classes_ : dict of str to ndarray
        Of the tasks of classification.
    history_ : dict of str to ndarray of shape (epochs,)
        Mean losses, epoch by epoch, without weights.
    weights_ : ndarray of shape (epochs, n_tasks)
        Factors of the losses at each epoch's end.
    cosines_ : ndarray of shape (n_tasks, n_tasks)
        Cosines between the tasks' gradients on the shared parameters, averaged over one step of each epoch.

    Notes
    -----
    A step takes one batch from every data set, and the shorter ones are repeated in new orders. Tasks that are given
    the same object for `X` share its batches and the pass through the shared stages.

    Helps where a task has few samples and another needs the same features. Hurts where tasks need contrary features and
    the shared stages are narrow: ask :func:`task_affinity` before.

    Time is ``epochs`` times the largest data set, times the number of tasks; memory is the samples, the weights three
    times and the activations of one batch a data set.

    References
    ----------
    .. [1] R. Caruana. Multitask learning. Machine Learning 28, 1997.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.multitask import MultiTask
    >>> digits = load_builtin("handwritten")
    >>> X, y, ink = digits.X[:200], digits.y[:200], digits.X[:200].mean(axis=1)
    >>> model = MultiTask(image_shape=(8, 8), epochs=10, device="cpu", random_state=0)
    >>> model = model.fit({"digit": (X, y), "ink": (X, ink)})
    >>> bool(model.score("digit", digits.X[200:400], digits.y[200:400]) > 0.8)
    True
    >>> model.predict("ink", digits.X[:3]).shape
    (3,)
    """

    method_tags = MethodTags("multitask", reads=frozenset())
    _parameter_constraints = {
        "backbone": "no_validation",
        "tasks": [dict, None],
        "sharing": [StrOptions({"hard", "soft"})],
        "shared_until": [str, None],
        "balance": [StrOptions(set(BALANCES))],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state"],
        "device": [str],
        "settings": [Training, None],
    }

    def __init__(
        self,
        backbone: Any = "auto",
        *,
        tasks: dict[str, str] | None = None,
        sharing: str = "hard",
        shared_until: str | None = None,
        balance: str = "uncertainty",
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float | None = None,
        image_shape: Any = None,
        device: str = "auto",
        settings: Training | None = None,
        random_state: Any = None,
    ) -> None:
        self.backbone = backbone
        self.tasks = tasks
        self.sharing = sharing
        self.shared_until = shared_until
        self.balance = balance
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.image_shape = image_shape
        self.random_state = random_state
        self.device = device
        self.settings = settings

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, data: Mapping[str, tuple[Any, Any]]) -> Self:
        """Learn all tasks together.

        Parameters
        ----------
        data : mapping of str to (X, y)
            Samples and labels by the task's name. `X` is a table (n, columns), images (n, height, width[, channels]),
            paths or texts, of one form for all tasks; `y` has shape (n,) or (n, n_outputs).

        Returns
        -------
        self
        """
        return self._fit(data, None)

    def predict(self, name: str, X: Any) -> NDArray[Any]:
        """Predict labels or values of one task.

        Parameters
        ----------
        name : str
            The task.
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        logits = self._logits(name, X)
        return self.tasks_[name].predict(logits)

    def predict_proba(self, name: str, X: Any) -> NDArray[np.float64]:
        """Predict probabilities of one task of classification.

        Parameters
        ----------
        name : str
            The task.
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        logits = self._logits(name, X)
        if isinstance(self.tasks_[name], Regression):
            raise InputError(f"name={name!r} is a task of regression, which has no probabilities; call predict.")
        return self.tasks_[name].probabilities(logits)

    def score(self, name: str, X: Any, y: Any) -> float:
        """Score one task: accuracy, R squared, or F1 over all decisions.

        Parameters
        ----------
        name : str
            The task.
        X : array-like
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        float
            Higher is better.
        """
        logits = self._logits(name, X)
        task = self.tasks_[name]
        labels = check_labels(y, len(logits), axes=(1, 2))
        if isinstance(task, Classification):
            return float(np.mean(task.predict(logits) == labels))
        if isinstance(task, Regression):
            return float(r2_score(labels, task.predict(logits)))
        return task.score(logits, task.encode(labels))

    def _fit(self, data: Mapping[str, tuple[Any, Any]], n_steps: int | None) -> Self:
        """Learn, with a number of steps an epoch that is given, so that runs with other tasks are comparable."""
        groups, labels = self._take_in(data)
        seed = draw_seed(self.random_state)
        device = resolve(self.device)
        backbone = self._make_backbone(groups, seed, device)
        tasks = {name: _make_task(name, labels[name], (self.tasks or {}).get(name)) for name in data}
        network = MultiTaskNetwork(
            backbone, tasks, sharing=self.sharing, shared_until=self.shared_until, random_state=mix(seed, 1)
        ).to(device)
        if self.batch_size == 1 or min(len(g.X) for g in groups) == 1:
            for name in tasks:
                network.column(name).freeze_statistics()  # one sample has no spread
        like = next(network.parameters())
        answers = {name: _answers(task.encode(labels[name]), like) for name, task in tasks.items()}
        self.tasks_: dict[str, Task] = tasks
        self.classes_ = {n: t.classes for n, t in tasks.items() if isinstance(t, Classification)}
        learning_rate = rate_for(backbone, self.learning_rate)
        own: dict[str, Any] = {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": learning_rate}
        own |= {"device": self.device, "random_state": seed}
        phase = _Jointly(network, tasks, groups, answers, BALANCES[self.balance](), n_steps)
        phase.arguments = describe(self)
        run_phase(phase, own_settings(self.settings, **own))
        self._keep(phase)
        self.network_ = network.eval()
        return self

    def _keep(self, phase: _Jointly) -> None:
        means = phase.sums.cpu().double().numpy() / phase.n_steps
        self.history_ = {name: means[:, i] for i, name in enumerate(phase.names)}
        self.weights_ = phase.weights.cpu().double().numpy()
        several = len(phase.names) > 1
        self.cosines_ = (phase.cosines / self.epochs).numpy() if several else np.ones((1, 1))

    def _logits(self, name: str, X: Any) -> Tensor:
        check_is_fitted(self, "network_")
        if name not in self.tasks_:
            raise InputError(f"name={name!r} is no task of this model; choose from {', '.join(self.tasks_)}.")
        X = check_rows(X)
        if X.ndim == 2 and self._columns is not None and X.shape[1] != self._columns:
            raise InputError(f"X has {X.shape[1]} columns but the model was fitted on {self._columns}.")
        network = self.network_
        column = network.column(name)
        rows = Samples(to_tensors(column, X, self.image_shape))
        device = next(network.parameters()).device
        with torch.inference_mode():
            parts = [
                network({name: rows.take(cut, device)[0]})[name].cpu()
                for cut in torch.arange(len(rows)).split(max(self.batch_size, 128))
            ]
        return torch.cat(parts)

    def _take_in(self, data: Any) -> tuple[list[_Group], dict[str, NDArray[Any]]]:
        if not isinstance(data, Mapping) or not data:
            raise InputError("data must be a dict of name: (X, y) with one task at least.")
        for name, kind in (self.tasks or {}).items():
            if name not in data:
                raise InputError(f"tasks names {name!r}, which data does not have; it has {', '.join(map(str, data))}.")
            if kind not in KINDS:
                raise InputError(f"tasks[{name!r}]={kind!r} is unknown; choose from {', '.join(KINDS)}.")
        groups: dict[int, _Group] = {}
        labels: dict[str, NDArray[Any]] = {}
        for name, pair in data.items():
            if not isinstance(name, str):
                raise InputError(f"data has the key {name!r}; name tasks by strings.")
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise InputError(f"data[{name!r}] must be a pair (X, y).")
            X, y = pair
            if id(X) not in groups:
                groups[id(X)] = _Group([], check_rows(X, f"data[{name!r}]: X"))
            groups[id(X)].names.append(name)
            labels[name] = check_labels(y, len(groups[id(X)].X), f"data[{name!r}]: y", axes=(1, 2))
        found = list(groups.values())
        one = found[0].X
        for g in found:
            if (g.X.ndim, g.X.dtype.kind in "OU") != (one.ndim, one.dtype.kind in "OU"):
                raise InputError(
                    f"data[{g.names[0]!r}]: X has another form than that of {found[0].names[0]!r}; give tables, images "
                    "or texts for all tasks."
                )
            if g.X.ndim == 2 and g.X.shape[1] != one.shape[1]:
                raise InputError(
                    f"data[{g.names[0]!r}]: X has {g.X.shape[1]} columns but that of {found[0].names[0]!r} has "
                    f"{one.shape[1]}; one network reads samples of one width."
                )
        self._columns = one.shape[1] if one.ndim == 2 else None
        return found, labels

    def __getstate__(self) -> dict[str, Any]:
        state = pack_backbone(super().__getstate__())
        if "network_" in state:
            network: MultiTaskNetwork = state["network_"]
            base = copy.deepcopy(network.column(network.names[0])).replace_head(torch.nn.Identity())
            state["network_"] = {
                "base": pack(base),
                "sharing": network.sharing,
                "shared_until": network.shared[-1] if network.shared else None,
                "weights": weights_of(network),
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unpack_backbone(state)
        if "network_" in state:
            packed = state["network_"]
            how = {"sharing": packed["sharing"], "shared_until": packed["shared_until"], "random_state": 0}
            network = MultiTaskNetwork(unpack(packed["base"]), state["tasks_"], **how)
            state["network_"] = load_weights(network, packed["weights"])
        super().__setstate__(state)

    def _make_backbone(self, groups: list[_Group], seed: int, device: torch.device) -> Network:
        network = backbone_for(self.backbone, groups[0].X, self.image_shape, seed=seed, double=device.type == "cpu")
        for g in groups:
            g.inputs = to_tensors(network, g.X, self.image_shape)
        learn = getattr(network.preprocess, "learn", None)
        if learn is not None:
            learn(_stacked([g.inputs for g in groups]))
        return network


class _Jointly(Phase):
    """A batch of every data set a step, and the tasks' losses balanced."""

    name = "training on several tasks"
    arguments = ""

    def __init__(
        self,
        network: MultiTaskNetwork,
        tasks: dict[str, Task],
        groups: list[_Group],
        answers: dict[str, Tensor],
        balance: EqualWeights,
        n_steps: int | None,
    ) -> None:
        super().__init__()
        self.module, self.tasks, self.groups, self.answers = network, tasks, groups, answers
        self.balance, self.names, self.given = balance, list(answers), n_steps
        self.rows = [Samples(g.inputs) for g in groups]

    def start(self, run: Any) -> None:
        super().start(run)
        settings, like = run.settings, next(self.module.parameters())
        self.sizes = [min(settings.batch_size, len(r)) for r in self.rows]
        most = max(math.ceil(len(r) / size) for r, size in zip(self.rows, self.sizes, strict=True))
        self.n_steps = most if self.given is None else self.given
        # A data set's order depends on its own first task alone, not on the company.
        self.seeds = [mix(settings.random_state, 3, zlib.crc32(g.names[0].encode())) for g in self.groups]
        self.optimizers = {"main": _optimizer(self.module, settings.learning_rate, settings.weight_decay)}
        regression = [isinstance(self.tasks[n], Regression) for n in self.names]
        seed = mix(settings.random_state, 4)
        self.balance.start(regression, device=like.device, dtype=like.dtype, random_state=seed)
        if self.balance._optimizer is not None:
            self.optimizers["balance"] = self.balance._optimizer
        if self.balance._rng is not None:
            self.generators["balance"] = self.balance._rng
        self.shared = self.module.shared_parameters()
        n = len(self.names)
        self.sums, self.weights = (torch.zeros(settings.epochs, n, dtype=like.dtype, device=like.device) for _ in "ab")
        self.cosines = torch.zeros(n, n, dtype=torch.float64)

    def rate(self, step: int, total: int) -> None:
        """The network's rate follows the schedule; the balance's own optimiser keeps its rate."""
        factor = schedule_factor(self.run.settings, step, total)
        for group in self.optimizers["main"].param_groups:
            group["lr"] = self.run.settings.learning_rate * factor

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        begin, end = epoch * self.n_steps, (epoch + 1) * self.n_steps
        cuts = [
            stream(len(r), begin * size, end * size, s).split(size)
            for r, size, s in zip(self.rows, self.sizes, self.seeds, strict=True)
        ]
        for k in range(first, self.n_steps):
            yield k, [cut[k] for cut in cuts]

    def step(self, batch: Any, share: float) -> None:
        k, cuts = batch
        device = self.run.fabric.device
        inputs: dict[str, Any] = {}
        taken: dict[str, Tensor] = {}
        for g, r, cut in zip(self.groups, self.rows, cuts, strict=True):
            x = r.take(cut, device)[0]
            inputs.update((name, x) for name in g.names)
            taken.update((name, self.answers[name][cut.to(device)]) for name in g.names)
        logits = self.module({name: inputs[name] for name in self.names})
        losses = torch.stack([self.tasks[n].mean_loss(logits[n], taken[n]) for n in self.names])
        if k == 0 and self.shared and len(self.names) > 1:
            self.cosines += gradient_cosines([flat_gradient(loss, self.shared) for loss in losses]).double().cpu()
        main = self.optimizers["main"]
        main.zero_grad()
        self.balance.backward(losses, self.module)
        if self.run.settings.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.run.settings.clip)
        main.step()
        epoch = self.run.state.epoch
        self.sums[epoch] += losses.detach()
        self.weights[epoch] = self.balance.weights.detach()
        for name, loss in zip(self.names, losses, strict=True):
            self.run.means.add(name, loss, 1)

    def fingerprint(self) -> dict[str, Any]:
        content = digest_of(([r.inputs for r in self.rows], self.answers))
        return {"model": self.arguments, "samples": content}

    def state(self) -> dict[str, Tensor]:
        own = {"sums": self.sums, "weights": self.weights, "cosines": self.cosines}
        return own | {f"balance.{k}": v for k, v in self.balance.state().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        for name in ("sums", "weights", "cosines"):
            getattr(self, name).copy_(state[name])
        self.balance.load_state({k.removeprefix("balance."): v for k, v in state.items() if k.startswith("balance.")})


def _optimizer(network: MultiTaskNetwork, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW; vectors and cross-stitch units are not drawn towards zero."""
    stitches = {id(p) for p in network.stitches}
    params = [p for p in network.parameters() if p.requires_grad]
    plain = [p for p in params if p.ndim < 2 or id(p) in stitches]
    decayed = [p for p in params if p.ndim > 1 and id(p) not in stitches]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    fused = all(p.device.type in ("cpu", "cuda") for p in params)
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, fused=fused)


def _stacked(inputs: list[Tensor]) -> Tensor:
    """All samples in one tensor; images of several sizes as so many images of one pixel."""
    if len({x.shape[1:] for x in inputs}) == 1:
        return torch.cat(inputs)
    return torch.cat([x.flatten(2).movedim(1, 2).reshape(-1, x.shape[1], 1, 1) for x in inputs])


def _answers(y: Tensor, like: Tensor) -> Tensor:
    return y.to(like.device, like.dtype) if y.is_floating_point() else y.to(like.device)


def _make_task(name: str, y: NDArray[Any], kind: str | None) -> Task:
    what = f"data[{name!r}]: y"
    if kind is None:
        indicators = y.ndim == 2 and y.dtype.kind in "biuf" and bool(np.isin(y, (0, 1)).all())
        kind = "multilabel" if indicators else "regression" if y.dtype.kind == "f" or y.ndim == 2 else "classification"
    if kind == "multilabel":
        if y.ndim != 2 or not np.isin(y, (0, 1)).all():
            raise LabelError(f"{what} must be zeros and ones of shape (n, n_classes) for a multilabel task.")
        return MultiLabel(y.shape[1])
    if kind == "regression":
        try:
            return Regression.of(y)
        except (TypeError, ValueError):
            raise LabelError(f"{what} must be numbers for a task of regression.") from None
    if y.ndim != 1:
        raise LabelError(f"{what} has shape {y.shape}; give one class per sample, or name the task multilabel.")
    classes = np.unique(y)
    if len(classes) < 2:
        raise LabelError(f"{what} holds one class only ({classes[0]!s}); a task needs samples of two or more.")
    return Classification(classes)
