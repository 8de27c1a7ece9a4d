"""ProgressiveClassifier: tasks learned one after another, without forgetting."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._device import resolve
from landbridge.neural._fitting import backbone_for, check_labels, check_rows, draw_seed, learn_preprocessing, rate_for
from landbridge.neural._inputs import to_tensors
from landbridge.neural._loop import History, predict_logits, train
from landbridge.neural._network import Network
from landbridge.neural._pack import load_weights, pack, pack_backbone, unpack, unpack_backbone, weights_of
from landbridge.neural._random import seeded
from landbridge.neural._samples import Samples, mix
from landbridge.neural._settings import Training, own_settings
from landbridge.neural.progressive._network import Lateral, ProgressiveColumn, ProgressiveNetwork
from landbridge.neural.progressive._sensitivity import fisher_sensitivity
from landbridge.neural.tasks import Classification

__all__ = ["ProgressiveClassifier"]

# Numbers of samples for the initial scales of lateral connections, and for the sensitivity of a task.
SCALED, MEASURED = 256, 64


class ProgressiveClassifier(BaseEstimator):
    """Progressive network classifier: one column per task, which uses the features of earlier tasks.

    Parameters
    ----------
    backbone : str, path-like, Module or Network, default="auto"
        Architecture of a column (see :func:`~landbridge.neural.load_backbone`); its stages must run one after another.
        ``"auto"`` takes a small multilayer perceptron for tables and the built-in convolutional network for images.
    epochs : int, default=30
    batch_size : int, default=32
        Samples per step.
    learning_rate : float, optional
        Learning rate. If None, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    adapter_width : int, optional
        Channels within a lateral connection. If None, as many as the stage has. Fewer make for fewer weights.
    pretrained : bool, default=False
        True lets the first column begin with the backbone's own weights; all others begin with fresh ones.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of images that are flat rows.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    settings : Training, optional
        Precision, schedule, checkpoints, clipping and logs of each task's run; what has a parameter here is taken from
        here. Each task has its own folder of checkpoints.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    network_ : ProgressiveNetwork
        One column a task.
    tasks_ : dict of str to Classification
        In the order of growth.
    classes_ : dict of str to ndarray
    histories_ : dict of str to History
        Losses, epoch by epoch.
    leanings_ : dict of str to dict
        What :meth:`leaning` gives, measured on samples of training when the task was learned.

    Notes
    -----
    A new task's column reads its own samples, and after every stage a lateral connection adds what the earlier columns
    see in the same samples: their outputs, each times a learned scale, through a layer, a rectifier and a layer back to
    the column's width (at every place alike where there are places). Earlier columns stay as they are, weights and
    statistics, and later ones are not run for earlier tasks: their predictions are the same bit for bit after growth.
    The column of a task begins with weights that depend on the seed and the task's name alone, and its lateral
    connections begin at zero, so that the start is that of a network of its own.

    Helps where a later task has few samples and an earlier one has learned features for it; where tasks are unrelated,
    the lateral connections are additional weights that can overfit. :func:`forward_transfer` measures which.

    A clone has the parameters and no task. A pickle holds all columns, on
    the CPU; it can be grown further.

    Time of a task is ``epochs`` times its samples; outputs of earlier columns are computed once for all epochs where
    they take no more than 1 GiB. Weights and time of a pass grow with the square of the number of tasks.

    References
    ----------
    .. [1] A. Rusu et al. Progressive neural networks. arXiv:1606.04671, 2016.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.progressive import ProgressiveClassifier
    >>> digits = load_builtin("handwritten")
    >>> low = digits.y < 5
    >>> model = ProgressiveClassifier(epochs=5, device="cpu", random_state=0)
    >>> _ = model.grow("low", digits.X[low][:200], digits.y[low][:200])
    >>> before = model.predict("low", digits.X[low])
    >>> _ = model.grow("high", digits.X[~low][:200], digits.y[~low][:200])
    >>> bool((model.predict("low", digits.X[low]) == before).all())
    True
    >>> bool(model.score("high", digits.X[~low], digits.y[~low]) > 0.8)
    True
    >>> {stage: sorted(shares) for stage, shares in model.leaning("high").items()}
    {'layer1': ['high', 'low'], 'layer2': ['high', 'low']}
    """

    network_: ProgressiveNetwork
    tasks_: dict[str, Classification]
    classes_: dict[str, NDArray[Any]]
    histories_: dict[str, History]
    leanings_: dict[str, dict[str, dict[str, float]]]
    _seed: int
    _form: tuple[Any, ...]

    method_tags = MethodTags("progressive", reads=frozenset(), tasks=frozenset({"classification"}), new_classes=True)
    _parameter_constraints = {
        "backbone": "no_validation",
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "adapter_width": [Interval(Integral, 1, None, closed="left"), None],
        "pretrained": ["boolean"],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state"],
        "device": [str],
        "settings": [Training, None],
    }

    def __init__(
        self,
        backbone: Any = "auto",
        *,
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float | None = None,
        adapter_width: int | None = None,
        pretrained: bool = False,
        image_shape: Any = None,
        device: str = "auto",
        settings: Training | None = None,
        random_state: Any = None,
    ) -> None:
        self.backbone = backbone
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.adapter_width = adapter_width
        self.pretrained = pretrained
        self.image_shape = image_shape
        self.random_state = random_state
        self.device = device
        self.settings = settings

    def fit(self, data: Mapping[str, tuple[Any, Any]]) -> Self:
        """Forget all tasks, then learn these, one after another.

        Parameters
        ----------
        data : mapping of str to (X, y)
            Samples and classes by the task's name, in the order of growth.

        Returns
        -------
        self
        """
        if not isinstance(data, Mapping) or not data:
            raise InputError("data must be a dict of name: (X, y) with one task at least.")
        for name, pair in data.items():
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise InputError(f"data[{name!r}] must be a pair (X, y).")
        for known in ("network_", "tasks_"):
            self.__dict__.pop(known, None)
        for name, (X, y) in data.items():
            self.grow(name, X, y)
        return self

    def grow(self, name: str, X: Any, y: Any) -> Self:
        """Learn a further task in a column of its own.

        Parameters
        ----------
        name : str
            Of the task; a new one.
        X : array-like of shape (n, n_features) or (n, height, width[, channels])
            Samples, of one form for all tasks; also paths or texts for backbones that read them.
        y : array-like of shape (n,)
            Classes, which need have nothing in common with those of other tasks.

        Returns
        -------
        self

        Raises
        ------
        InputError, LabelError
            If the task is there already, or its samples do not fit; the model is then as it was.
        """
        return self._grow(name, X, y)

    def predict(self, name: str, X: Any) -> NDArray[Any]:
        """Predict classes of one task.

        Parameters
        ----------
        name : str
            The task.
        X : array-like

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        logits = self._logits(name, X)
        return self.tasks_[name].predict(logits)

    def predict_proba(self, name: str, X: Any) -> NDArray[np.float64]:
        """Predict probabilities of one task's classes.

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
        return self.tasks_[name].probabilities(logits)

    def score(self, name: str, X: Any, y: Any) -> float:
        """Compute the accuracy in one task.

        Parameters
        ----------
        name : str
            The task.
        X : array-like
        y : array-like of shape (n_samples,)

        Returns
        -------
        float
        """
        found = self.predict(name, X)
        return float(np.mean(found == check_labels(y, len(found))))

    def leaning(self, name: str, X: Any = None) -> dict[str, dict[str, float]]:
        """Compute how much a task depends on each column: shares of the average Fisher sensitivity, stage by stage.

        Parameters
        ----------
        name : str
            The task.
        X : array-like, optional
            Samples to measure it on. If None, what was measured on 64 samples of training at most when it was learned.

        Returns
        -------
        dict of str to dict of str to float
            By stage, the share of each earlier task's column and of its own; they sum to one. See
            :func:`fisher_sensitivity`.
        """
        self._check_task(name)
        if X is None:
            return {stage: dict(shares) for stage, shares in self.leanings_[name].items()}
        column = self._column(name)
        return self._measure(name, column, self._read(X, column))

    def _grow(self, name: str, X: Any, y: Any, trained: bool = True) -> Self:
        self._validate_params()
        known: dict[str, Classification] = getattr(self, "tasks_", {})
        if not isinstance(name, str) or not name:
            raise InputError(f"name={name!r} must be a string that is not empty; name the task.")
        if name in known:
            raise InputError(f"name={name!r} is a task already; name the new one otherwise.")
        X = check_rows(X)
        y = check_labels(y, len(X))
        classes = np.unique(y)
        if len(classes) < 2:
            raise LabelError(f"y holds one class only ({classes[0]!s}); a task needs samples of two or more.")
        task = Classification(classes)
        # Columns are drawn from one seed, which the first task fixes; a task's own depends on its name alone.
        root = self._seed if known else draw_seed(self.random_state)
        seed = mix(root, zlib.crc32(name.encode())) % 2**31
        device = resolve(self.device)
        whole = self.network_.to(device) if known else ProgressiveNetwork()
        form = self._form if known else (X.ndim, X.dtype.kind in "OU", X.shape[1] if X.ndim == 2 else None)
        self._check_form(X, form)
        backbone = self._make_backbone(X, whole, form, seed, device)
        inputs = to_tensors(backbone, X, self.image_shape)
        learn_preprocessing(backbone, inputs)
        with seeded(mix(seed, 2)):
            head = task.head(backbone.in_features)
        head = head.to(next(backbone.parameters()).dtype)
        rows = Samples(inputs, task.encode(y))
        sample = torch.randperm(len(rows), generator=torch.Generator().manual_seed(mix(seed, 3)))[:SCALED]
        some = rows.take(sample, device)[0]
        column = whole.grow(
            backbone.to(device), head.to(device), some, adapter_width=self.adapter_width, random_state=seed
        )
        history = History(device=str(device), precision="")
        try:
            if trained:
                history = self._train(column, task, rows, rate_for(backbone, self.learning_rate), seed)
        except BaseException:
            del whole.columns[-1]
            raise
        column.close()
        if not known:
            self.network_, self._seed, self._form = whole, root, form
            self.tasks_, self.classes_, self.histories_, self.leanings_ = {}, {}, {}, {}
        self.tasks_[name], self.classes_[name], self.histories_[name] = task, classes, history
        self.leanings_[name] = self._measure(name, column, rows.take(sample[:MEASURED])[0])
        return self

    def _train(
        self, column: ProgressiveColumn, task: Classification, rows: Samples, learning_rate: float, seed: int
    ) -> History:
        if len(rows) == 1:
            column.freeze_statistics()  # one sample has no spread
        own: dict[str, Any] = {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": learning_rate}
        own |= {"device": self.device, "random_state": seed}
        if next(column.parameters()).dtype == torch.float64:
            own["precision"] = "64"
        given = self.settings
        if given is not None and given.checkpoint_dir is not None:  # a folder for each task, named by its seed
            given = replace(given, checkpoint_dir=Path(given.checkpoint_dir) / f"task-{seed}")
        return train(column, task, column.with_below(rows), settings=own_settings(given, **own))

    def _measure(self, name: str, column: ProgressiveColumn, inputs: Any) -> dict[str, dict[str, float]]:
        names = list(self.tasks_)
        shares = fisher_sensitivity(column, inputs, random_state=0).tolist()
        return {
            stage: dict(zip(names[: names.index(name) + 1], row, strict=True))
            for stage, row in zip(column.stage_names, shares, strict=True)
        }

    def _logits(self, name: str, X: Any) -> Tensor:
        self._check_task(name)
        column = self._column(name)
        return predict_logits(column, self._read(X, column), max(self.batch_size, 128))

    def _read(self, X: Any, column: ProgressiveColumn) -> Any:
        X = check_rows(X)
        self._check_form(X, self._form)
        return to_tensors(column, X, self.image_shape)

    def _check_task(self, name: str) -> None:
        check_is_fitted(self, "network_")
        if name not in self.tasks_:
            raise InputError(f"name={name!r} is no task of this model; choose from {', '.join(self.tasks_)}.")

    def _check_form(self, X: NDArray[Any], form: tuple[Any, ...]) -> None:
        if (X.ndim, X.dtype.kind in "OU") != form[:2]:
            raise InputError("X has another form than the first task's; give tables, images or texts for all tasks.")
        if form[2] is not None and X.shape[1] != form[2]:
            raise InputError(f"X has {X.shape[1]} columns but the first task has {form[2]}; give the same.")

    def _column(self, name: str) -> ProgressiveColumn:
        return self.network_.column(list(self.tasks_).index(name))

    def _make_backbone(
        self, X: NDArray[Any], whole: ProgressiveNetwork, form: Any, seed: int, device: torch.device
    ) -> Network:
        """A column's stages: with new weights, except that the first may keep those it came with."""
        first = len(whole.columns) == 0
        double = device.type == "cpu" if first else next(whole.parameters()).dtype == torch.float64
        network = backbone_for(copy.deepcopy(self.backbone), X, self.image_shape, seed=seed, double=double)
        if not (first and self.pretrained):
            network.unfreeze().reset(random_state=seed)
        return network.replace_head(torch.nn.Identity())

    def __getstate__(self) -> dict[str, Any]:
        state = pack_backbone(super().__getstate__())
        if "network_" in state:
            whole: ProgressiveNetwork = state["network_"]
            state["network_"] = [_pack_column(whole.column(k)) for k in range(len(whole.columns))]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unpack_backbone(state)
        if "network_" in state:
            whole = ProgressiveNetwork()
            for packed, task in zip(state["network_"], state["tasks_"].values(), strict=True):
                column = _unpack_column(packed, task, [whole.column(k) for k in range(len(whole.columns))])
                whole.columns.append(column)
            state["network_"] = whole
        super().__setstate__(state)


def _pack_column(column: ProgressiveColumn) -> dict[str, Any]:
    """Turn a column into plain data: its stages as a network, the sizes of its lateral connections, all weights."""
    base = Network(
        dict(column.stages.items()), in_features=column.in_features, preprocess=column.preprocess, spec=column.spec
    )
    laterals = {
        name: [torch.bincount(part.spread).tolist(), part.up.out_features, part.down.out_features]
        for name, part in cast(Mapping[str, Any], column.laterals).items()
    }
    return {"base": pack(base), "laterals": laterals, "weights": weights_of(column)}


def _unpack_column(packed: dict[str, Any], task: Any, earlier: list[ProgressiveColumn]) -> ProgressiveColumn:
    column = ProgressiveColumn(unpack(packed["base"]), earlier)
    with seeded(0):  # weights that are replaced
        column.replace_head(task.head(column.in_features))
        for name, sizes in packed["laterals"].items():
            column.laterals[name] = Lateral(*sizes)
    return load_weights(column, packed["weights"]).close()
