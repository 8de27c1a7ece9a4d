"""NeuralClassifier and NeuralRegressor: a network under the contract of all estimators."""

from __future__ import annotations

import copy
import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from landbridge.base import Read, TransferEstimator, TransferTags
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._device import resolve
from landbridge.neural._inputs import is_plain, read_plain, to_tensors
from landbridge.neural._loop import Training, predict_logits, train
from landbridge.neural._network import Network
from landbridge.neural._pack import pack, unpack
from landbridge.neural._rows import Rows
from landbridge.neural.backbones import load_backbone, mlp_backbone
from landbridge.neural.tasks import Classification, Regression, Task

__all__ = ["NeuralClassifier", "NeuralRegressor"]


# Learning rates of networks that are small or not trained yet; trained backbones are handled with more care.
RATES: dict[str, float] = {"mlp": 5e-3, "builtin": 3e-3}
# Parameters that are handed to the training as they are.
SAME = (
    *("epochs", "batch_size", "weight_decay", "optimizer", "schedule", "warmup", "patience", "accumulation", "clip"),
    *("average", "device", "processes", "checkpoint_every", "resume", "cache_dir", "logger"),
)


PACKED = "packed network"


class _NeuralEstimator(TransferEstimator):
    own_scaling = True
    _parameter_constraints = {
        "backbone": "no_validation",
        "methods": [list, tuple],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions({"adamw", "sgd"})],
        "schedule": [StrOptions({"cosine", "linear", "constant"})],
        "warmup": [Interval(Real, 0, None, closed="left")],
        "patience": [Interval(Integral, 0, None, closed="left"), None],
        "validation_share": [Interval(Real, 0, 1, closed="neither")],
        "pretrained": ["boolean"],
        "image_shape": [tuple, list, None],
        "precision": [StrOptions({"auto", "32", "64", "bf16", "16"})],
        "device": [str],
        "processes": [Interval(Integral, 1, None, closed="left")],
        "accumulation": [Interval(Integral, 1, None, closed="left")],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
        "average": [StrOptions({"ema", "tail"}), None],
        "checkpoint_dir": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Integral, 1, None, closed="left"), None],
        "resume": ["boolean"],
        "cache_dir": [str, os.PathLike, None],
        "log_dir": [str, os.PathLike, None],
        "logger": [StrOptions({"csv", "tensorboard"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        backbone: Any = "auto",
        *,
        methods: Any = (),
        epochs: int = 30,
        batch_size: int = 32,
        lr: float | None = None,
        weight_decay: float = 0.01,
        optimizer: str = "adamw",
        schedule: str = "cosine",
        warmup: float = 0.05,
        patience: int | None = None,
        validation_share: float = 0.1,
        pretrained: bool = True,
        image_shape: Any = None,
        precision: str = "auto",
        device: str = "auto",
        processes: int = 1,
        accumulation: int = 1,
        clip: float | None = None,
        average: str | None = None,
        checkpoint_dir: Any = None,
        checkpoint_every: int | None = None,
        resume: bool = False,
        cache_dir: Any = None,
        log_dir: Any = None,
        logger: str = "csv",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.backbone = backbone
        self.methods = methods
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.schedule = schedule
        self.warmup = warmup
        self.patience = patience
        self.validation_share = validation_share
        self.pretrained = pretrained
        self.image_shape = image_shape
        self.precision = precision
        self.device = device
        self.processes = processes
        self.accumulation = accumulation
        self.clip = clip
        self.average = average
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.resume = resume
        self.cache_dir = cache_dir
        self.log_dir = log_dir
        self.logger = logger
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:
        """Train on the source, then, where target rows are labelled, fine-tune on those.

        With labelled target rows the source is learned plainly and `methods` act on the fine-tuning; without, they act
        on the one training there is, and those that read the target see the unlabelled `X_target`.

        Parameters
        ----------
        X : array-like of shape (n_source, n_columns)
            Source rows; for image backbones also (n, height, width[, channels]), or paths of image files; for text
            backbones, texts.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_columns), optional
            All target rows.
        y_target : array-like of shape (n_target,), optional
            Labels of some target rows.

        Returns
        -------
        self
        """
        read = self._take_in(X, y, X_target, y_target)
        dice = check_random_state(self.random_state)
        self._seed = int(dice.randint(np.iinfo(np.int32).max))
        self.task_ = self._make_task(read.ys)
        network = self._make_network(read.Xs)
        Xs, ys = to_tensors(network, read.Xs, self.image_shape), self.task_.encode(read.ys)
        Xt = Xs if read.Xt is read.Xs else to_tensors(network, read.Xt, self.image_shape)
        if len(read.rows):
            self._train(network, Rows(Xs, ys), None, (), "source")
            self._fine_tune(network, Xt, read)
        else:
            self._train(network, Rows(Xs, ys), Rows(Xt), self.methods, "source")
        self.network_ = network
        return self

    def adapt(self, X_target: Any, y_target: Any) -> Self:
        """Fine-tune the fitted network on labelled target rows, without the source's.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_columns)
            All target rows.
        y_target : array-like of shape (n_target,)
            Labels of some of them.

        Returns
        -------
        self
        """
        check_is_fitted(self, "network_")
        read = self._take_in_target(X_target, y_target)
        if not len(read.rows):
            raise LabelError("y_target: no target row is labelled; label at least one to adapt to.")
        network = copy.deepcopy(self.network_)
        self._fine_tune(network, to_tensors(network, read.Xt, self.image_shape), read)
        self.network_ = network
        return self

    def _logits(self, X: Any) -> Tensor:
        check_is_fitted(self, "network_")
        X = self._read_rows(X) if is_plain(X) else read_plain(self, X, reset=False)
        inputs = to_tensors(self.network_, X, self.image_shape)
        return predict_logits(self.network_, inputs, max(self.batch_size, 128))

    def _fine_tune(self, network: Network, Xt: Any, read: Read) -> None:
        rows = torch.from_numpy(np.asarray(read.rows, dtype=np.int64))
        labelled = Rows(Rows(Xt).take(rows)[0], self.task_.encode(read.yt))
        self._train(network, labelled, Rows(Xt), self.methods, "target")

    def _train(self, network: Network, rows: Rows, target: Rows | None, methods: Any, phase: str) -> None:
        held_out = None
        if self.patience is not None:
            rows, held_out = self._hold_out(rows)
        if len(rows) == 1:
            network.freeze_statistics()  # one row has no spread
        precision = self.precision
        if precision == "auto" and next(network.parameters()).dtype == torch.float64:
            precision = "64"
        kind = "" if network.spec is None else network.spec["kind"]
        settings = Training(
            **{k: getattr(self, k) for k in SAME},
            lr=RATES.get(kind, 1e-3) if self.lr is None else self.lr,
            precision=precision,
            checkpoint_dir=None if self.checkpoint_dir is None else Path(self.checkpoint_dir) / phase,
            log_dir=None if self.log_dir is None else Path(self.log_dir) / phase,
            seed=self._seed,
            verbose=int(self.verbose),
        )
        # Methods learn about the run; what they were given stays as it was.
        self.methods_ = copy.deepcopy(list(methods))
        self.history_ = train(
            network,
            self.task_,
            rows,
            methods=self.methods_,
            target=target,
            held_out=held_out,
            settings=settings,
        )
        self.device_ = self.history_.device

    def _hold_out(self, rows: Rows) -> tuple[Rows, Rows]:
        """Split rows off, from each class its share."""
        labels = rows.labels
        assert labels is not None
        dice = np.random.RandomState(self._seed)
        groups = [np.arange(len(rows))]
        if labels.ndim == 1 and not labels.is_floating_point():
            groups = [np.flatnonzero(labels.numpy() == c) for c in np.unique(labels.numpy())]
        out = np.concatenate([dice.permutation(g)[: int(self.validation_share * len(g) + dice.rand())] for g in groups])
        if not len(out):
            out = dice.permutation(len(rows))[:1]
        if len(out) == len(rows):
            raise InputError(
                f"validation_share={self.validation_share} of {len(rows)} rows leaves nothing to hold out or to learn "
                "from; set patience=None for so few rows."
            )
        kept = torch.from_numpy(np.setdiff1d(np.arange(len(rows)), out))
        return Rows(*rows.take(kept)), Rows(*rows.take(torch.from_numpy(np.sort(out))))

    def _make_network(self, Xs: Any) -> Network:
        tabular = is_plain(Xs) and self.image_shape is None
        if isinstance(self.backbone, str) and self.backbone in ("auto", "mlp") and tabular:
            network = mlp_backbone(Xs.shape[1], seed=self._seed)
            if self.precision in ("auto", "64") and resolve(self.device).type == "cpu":
                network.double()
        else:
            source = "builtin" if isinstance(self.backbone, str) and self.backbone == "auto" else self.backbone
            if isinstance(source, str) and source == "mlp":
                raise InputError("backbone='mlp' takes tables of numbers only; take 'auto' or 'builtin' for images.")
            shape = self.image_shape if is_plain(Xs) else Xs.shape[1:] if Xs.ndim > 1 else (32, 32, 3)
            channels = int(shape[2]) if shape is not None and len(shape) == 3 else 1
            network = load_backbone(source, pretrained=self.pretrained, channels=channels, seed=self._seed)
            if self.precision == "64":
                network.double()
        learn = getattr(network.preprocess, "learn", None)
        if learn is not None:
            learn(to_tensors(network, Xs, self.image_shape))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            head = self.task_.head(network.in_features)
        return network.replace_head(head.to(next(network.parameters()).dtype))

    def _take_in(self, X: Any, y: Any, X_target: Any, y_target: Any) -> Read:
        if is_plain(X):
            return self._read(X, y, X_target, y_target, supervised=True)
        return read_plain(self, X, y, X_target, y_target)

    def _take_in_target(self, X_target: Any, y_target: Any) -> Read:
        from landbridge.base import split_labelled

        Xt = self._read_target(X_target) if is_plain(X_target) else read_plain(self, X_target, reset=False)
        rows, yt = split_labelled(y_target, len(Xt), getattr(self, "classes_", None))
        return Read(None, None, Xt, rows, yt)

    def _make_task(self, ys: Any) -> Task:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("methods_", None)
        if "network_" in state:
            state["network_"] = pack(state["network_"])
        if isinstance(self.backbone, Network):
            state["backbone"] = {PACKED: pack(self.backbone)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "network_" in state:
            state["network_"] = unpack(state["network_"])
        if isinstance(state["backbone"], dict) and PACKED in state["backbone"]:
            state["backbone"] = unpack(state["backbone"][PACKED])
        super().__setstate__(state)


class NeuralClassifier(ClassifierMixin, _NeuralEstimator):
    """A network that classifies: a backbone, a new head, and any methods of fine-tuning.

    Parameters
    ----------
    backbone : str, path-like, Module or Network, default="auto"
        Where the stages come from (see :func:`~landbridge.neural.load_backbone`). ``"auto"`` takes a small multilayer
        perceptron for tables and the built-in convolutional network for images.
    methods : sequence of Method, default=()
        What is added to plain training; the sum of what each says.
    epochs : int, default=30
    batch_size : int, default=32
        Rows a step, over all parts of an accumulation.
    lr : float, optional
        Learning rate; left out, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    weight_decay : float, default=0.01
    optimizer : {"adamw", "sgd"}, default="adamw"
    schedule : {"cosine", "linear", "constant"}, default="cosine"
    warmup : float, default=0.05
        Share of the steps (or above 1: number of steps) over which the rate climbs.
    patience : int, optional
        Stop after so many epochs without a better loss on held-out rows, and keep the best epoch's weights.
    validation_share : float, default=0.1
        Share of the rows that is held out where ``patience`` is given.
    pretrained : bool, default=True
        False keeps the backbone's architecture and draws fresh weights.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of the images that are flat rows of `X`.
    precision : {"auto", "32", "64", "bf16", "16"}, default="auto"
        ``"auto"`` is 64 for the perceptron on the CPU and 32 for all others.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    processes : int, default=1
        How many GPUs, or processes on the CPU.
    accumulation : int, default=1
        Forward passes a step; more need less memory for the same result.
    clip : float, optional
        Largest norm of the gradient.
    average : {"ema", "tail"}, optional
        Average of the weights.
    checkpoint_dir : path-like, optional
        Where checkpoints go.
    checkpoint_every : int, optional
        Steps between checkpoints; left out, one an epoch.
    resume : bool, default=False
        Go on from the last checkpoint.
    cache_dir : path-like, optional
        Where outputs of frozen stages are kept between runs.
    log_dir : path-like, optional
        Where losses are logged.
    logger : {"csv", "tensorboard"}, default="csv"
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    network_ : Network
        The trained network.
    task_ : Classification
    methods_ : list of Method
        As they were after the run, with what they learned about it; not kept in pickles.
    history_ : History
        Losses, epoch by epoch, of the last training.
    classes_ : ndarray of shape (n_classes,)
    device_ : str
        Where it was trained.

    Notes
    -----
    Helps where a backbone was trained on data like the target's: a few labelled images or texts a class are then
    enough. Hurts, or is wasted, on small tables, where the classical methods are better and far faster.

    Frozen stages at the input are run once and their outputs reused over the epochs. Two fits with one
    ``random_state`` are equal on the CPU. Time is that of ``epochs * n_rows`` forward and backward passes; memory is
    the rows, the weights three times (optimiser) and the activations of ``batch_size / accumulation`` rows.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> digits = load_builtin("handwritten")
    >>> model = NeuralClassifier(image_shape=(8, 8), epochs=10, device="cpu", random_state=0)
    >>> model = model.fit(digits.X[:200], digits.y[:200])
    >>> bool(model.score(digits.X[200:400], digits.y[200:400]) > 0.8)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"classification"}),
        answers=frozenset({"covariate", "concept"}),
        source_free=True,
        requires=("torch", "lightning_fabric"),
        growth="time O(epochs n) passes through the network, memory O(weights + batch)",
        reference="Yosinski et al.: How transferable are features in deep neural networks? NeurIPS 2014",
    )

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        logits = self._logits(X)
        return self.task_.predict(logits)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
        """
        logits = self._logits(X)
        return self.task_.probabilities(logits)

    def _make_task(self, ys: Any) -> Classification:
        check_classification_targets(ys)
        self.classes_ = np.unique(ys)
        if len(self.classes_) < 2:
            raise LabelError(f"y holds one class only ({self.classes_[0]!s}); a classifier needs rows of two or more.")
        return Classification(self.classes_)


class NeuralRegressor(RegressorMixin, _NeuralEstimator):
    """A network that predicts numbers: a backbone, a new head, and any methods of fine-tuning.

    Parameters
    ----------
    backbone : str, path-like, Module or Network, default="auto"
        Where the stages come from (see :func:`~landbridge.neural.load_backbone`). ``"auto"`` takes a small multilayer
        perceptron for tables and the built-in convolutional network for images.
    methods : sequence of Method, default=()
        What is added to plain training; the sum of what each says.
    epochs : int, default=30
    batch_size : int, default=32
        Rows a step, over all parts of an accumulation.
    lr : float, optional
        Learning rate; left out, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    weight_decay : float, default=0.01
    optimizer : {"adamw", "sgd"}, default="adamw"
    schedule : {"cosine", "linear", "constant"}, default="cosine"
    warmup : float, default=0.05
        Share of the steps (or above 1: number of steps) over which the rate climbs.
    patience : int, optional
        Stop after so many epochs without a better loss on held-out rows, and keep the best epoch's weights.
    validation_share : float, default=0.1
        Share of the rows that is held out where ``patience`` is given.
    pretrained : bool, default=True
        False keeps the backbone's architecture and draws fresh weights.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of the images that are flat rows of `X`.
    precision : {"auto", "32", "64", "bf16", "16"}, default="auto"
        ``"auto"`` is 64 for the perceptron on the CPU and 32 for all others.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    processes : int, default=1
        How many GPUs, or processes on the CPU.
    accumulation : int, default=1
        Forward passes a step; more need less memory for the same result.
    clip : float, optional
        Largest norm of the gradient.
    average : {"ema", "tail"}, optional
        Average of the weights.
    checkpoint_dir : path-like, optional
        Where checkpoints go.
    checkpoint_every : int, optional
        Steps between checkpoints; left out, one an epoch.
    resume : bool, default=False
        Go on from the last checkpoint.
    cache_dir : path-like, optional
        Where outputs of frozen stages are kept between runs.
    log_dir : path-like, optional
        Where losses are logged.
    logger : {"csv", "tensorboard"}, default="csv"
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    network_ : Network
        The trained network.
    task_ : Regression
        Knows mean and spread of the source's values.
    methods_ : list of Method
        As they were after the run, with what they learned about it; not kept in pickles.
    history_ : History
        Losses, epoch by epoch, of the last training.
    device_ : str
        Where it was trained.

    Notes
    -----
    Helps where a backbone was trained on data like the target's; on small tables the classical methods are better and
    far faster. Values are learned at unit variance. Time and memory as for
    :class:`~landbridge.neural.NeuralClassifier`.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralRegressor
    >>> patients = load_builtin("patients-younger")
    >>> model = NeuralRegressor(device="cpu", random_state=0).fit(patients.X, patients.y)
    >>> bool(model.score(patients.X, patients.y) > 0.3)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"regression"}),
        answers=frozenset({"covariate", "concept"}),
        source_free=True,
        requires=("torch", "lightning_fabric"),
        growth="time O(epochs n) passes through the network, memory O(weights + batch)",
        reference="Yosinski et al.: How transferable are features in deep neural networks? NeurIPS 2014",
    )

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict values for target rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        logits = self._logits(X)
        return self.task_.predict(logits)

    def _make_task(self, ys: Any) -> Regression:
        return Regression.of(ys)
