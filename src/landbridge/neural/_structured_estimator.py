"""NeuralStructuredEstimator: networks for labels that are more than one class or value, such as a tag per word."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import torch
from sklearn.utils.validation import check_is_fitted

from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.base import TransferTags, check_requires
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._estimator_base import _NeuralEstimator
from landbridge.neural._evaluation import predict
from landbridge.neural._fitting import draw_seed, learn_preprocessing
from landbridge.neural._method import Methods
from landbridge.neural._network import Network
from landbridge.neural._pack import load_weights, pack, unpack, weights_of
from landbridge.neural._random import seeded
from landbridge.neural._samples import Samples
from landbridge.neural.backbones._pixel_head import PixelHead
from landbridge.neural.tasks import Task, find_task, task_classes

__all__ = ["NeuralStructuredEstimator"]

# Joint training repeats the target's samples until they are this share of all, but at most so many times.
TARGET_SHARE, MOST_REPEATS = 0.25, 10
# Where a network that training began with lies in a pickle.
BEGUN = "begun with"


class NeuralStructuredEstimator(_NeuralEstimator):
    """Neural network for structured labels: a backbone, the head of a task, and any methods of transfer.

    Samples are whatever the task takes, such as sentences as lists of words, and a label may be a list or an array of
    its own length or size.

    Parameters
    ----------
    backbone : str, path-like, Module, Network or tuple, default="auto"
        Where the stages come from (see :func:`~landbridge.neural.load_backbone`). ``"auto"`` is the default of the
        task. A tuple of ``network_`` and ``task_`` of a fitted estimator begins with its head too, where that has an
        output for every label.
    task : str, default="tagging"
        Name of a structured task (see :func:`~landbridge.neural.tasks.task_classes`).
    task_options : mapping, optional
        Options of the task, such as ``{"crf": True}``. If None, its defaults.
    on_target : {"fine-tune", "joint", "ignore"}, default="fine-tune"
        What is done with labelled target samples: the network is tuned on them after the source; or both are learned
        together, with the target's samples repeated where they are few; or their labels are not used.
    methods : sequence of Method, default=()
        Methods added to plain training; their contributions are summed.
    epochs : int, default=30
        0 keeps the network of a tuple as it is.
    batch_size : int, default=32
        Samples per step, over all parts of an accumulation.
    learning_rate : float, optional
        Learning rate. If None, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    weight_decay : float, default=0.01
    optimizer : {"adamw", "sgd"}, default="adamw"
    schedule : {"cosine", "linear", "constant"}, default="cosine"
    warmup : float, default=0.05
        Share of the steps (or above 1: number of steps) over which the rate climbs.
    patience : int, optional
        Stop after so many epochs that were no better on held-out samples, and keep the best epoch's weights.
    monitor : {"loss", "score"}, default="loss"
        Criterion of early stopping with ``patience``: a lower loss, or a higher score (accuracy or R²).
    validation_fraction : float, default=0.1
        Fraction of the samples that is held out for early stopping, with ``patience``.
    pretrained : bool, default=True
        False keeps the backbone's architecture and draws new weights.
    precision : {"auto", "32", "64", "bf16", "16"}, default="auto"
        ``"auto"`` is 32.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    processes : int, default=1
        How many GPUs, or processes on the CPU.
    accumulation : int, default=1
        Forward passes a step; more need less memory for the same result.
    clip : float, optional
        Maximum norm of the gradient. If None, no clipping.
    average : {"ema", "tail"}, optional
        Average of the weights: exponential moving average or tail average. If None, no averaging.
    checkpoint_dir : path-like, optional
        Where checkpoints go.
    checkpoint_every : int, optional
        Steps between checkpoints. If None, one per epoch.
    resume : bool, default=False
        Whether to resume from the last checkpoint.
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
    source_network_ : Network
        The network after :meth:`fit`, from which :meth:`adapt` starts.
    task_, source_task_ : Task
        The task of each.
    methods_ : list of Method
        The methods after training, with their fitted attributes; not pickled.
    history_ : History
        Losses, epoch by epoch, of the last training.
    device_ : str
        Where it was trained.

    Notes
    -----
    Target labels for which the source's head has no output (other types of entities, say) get a new head; the stages
    are carried over. Time and memory as for :class:`~landbridge.neural.NeuralClassifier`; batches are put together of
    samples of similar lengths.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.neural import NeuralStructuredEstimator
    >>> sentences = [["I", "saw", name, "there"] for name in ("Anna", "Otto", "Eva", "Hans")] * 4
    >>> tags = [["O", "O", "B-PER", "O"]] * 16
    >>> model = NeuralStructuredEstimator("characters", epochs=15, batch_size=4, device="cpu", random_state=0)
    >>> model.fit(sentences, tags).predict([["I", "saw", "Otto", "there"]])
    [['O', 'O', 'B-PER', 'O']]
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target"}),
        tasks=frozenset({"structured"}),
        shifts=frozenset({"covariate", "concept"}),
        source_free=True,
        requires=("torch", "lightning_fabric"),
        growth="time O(epochs n) passes through the network, memory O(weights + batch)",
        reference="Yosinski et al.: How transferable are features in deep neural networks? NeurIPS 2014",
        new_classes=True,
    )
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True}
    _parameter_constraints = {
        **{k: v for k, v in _NeuralEstimator._parameter_constraints.items() if k != "image_shape"},
        "epochs": [Interval(Integral, 0, None, closed="left")],
        "task": [str],
        "task_options": [dict, None],
        "on_target": [StrOptions({"fine-tune", "joint", "ignore"})],
    }
    image_shape: Any = None

    def __init__(
        self,
        backbone: Any = "auto",
        *,
        task: str = "tagging",
        task_options: Any = None,
        on_target: str = "fine-tune",
        methods: Any = (),
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float | None = None,
        weight_decay: float = 0.01,
        optimizer: str = "adamw",
        schedule: str = "cosine",
        warmup: float = 0.05,
        patience: int | None = None,
        monitor: str = "loss",
        validation_fraction: float = 0.1,
        pretrained: bool = True,
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
        self.task = task
        self.task_options = task_options
        self.on_target = on_target
        self.methods = methods
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.schedule = schedule
        self.warmup = warmup
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.pretrained = pretrained
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
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None) -> Self:  # type: ignore[override]
        """Train on the source, and on the labelled target samples as ``on_target`` says.

        With labelled target samples to tune on, the source is learned without `methods`, which act on the tuning.

        Parameters
        ----------
        X : sequence of length n_source
            Source samples, as the task takes them.
        y : sequence of length n_source
            Their labels.
        X_target : sequence of length n_target, optional
            All target samples.
        y_target : sequence of length n_target, optional
            Labels of some target samples; None for the others.

        Returns
        -------
        self
        """
        check_requires(type(self))
        Methods(self.methods).validate()  # before the source is learned, which may take long
        kind = self._kind()
        Xs, ys = kind.check(X, y)
        if ys is None or any(label is None for label in ys):
            raise LabelError("y has samples without a label; every source sample needs one. Drop those without.")
        Xt, labelled, yt = self._target(kind, X_target, y_target)
        if self.on_target == "ignore":
            labelled, yt = [], []
        self._seed = draw_seed(self.random_state)
        joint = self.on_target == "joint" and len(labelled) > 0
        network = self._begin(kind, Xs, [*ys, *yt] if joint else ys)
        if joint:
            times = min(MOST_REPEATS, max(1, round(TARGET_SHARE * len(Xs) / len(yt))))
            Xs, ys = Xs + [Xt[i] for i in labelled] * times, ys + yt * times
        if not self.epochs:
            self.network_ = self.source_network_ = network.eval()
            self.device_ = str(next(network.parameters()).device)
            return self
        inputs = self.task_.read_inputs(network, Xs)
        learn_preprocessing(network, inputs)
        rows = Samples(inputs, self.task_.encode(ys))
        unlabelled = None if Xt is None else Samples(self.task_.read_inputs(network, Xt))
        tuned = bool(labelled) and not joint
        self._train(network, rows, None if tuned else unlabelled, () if tuned else self.methods, "source")
        self.network_ = self.source_network_ = network
        if tuned:
            self._tune(network, Samples(unlabelled.inputs), labelled, yt)  # type: ignore[union-attr]
            self.source_network_, self.source_task_ = self.network_, self.task_
        return self

    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Train on target samples without the source's; always starts from what :meth:`fit` left.

        Without :meth:`fit` it starts from a `backbone` that is a tuple of network and task.

        Parameters
        ----------
        X_target : sequence of length n_target
            All target samples.
        y_target : sequence of length n_target, optional
            Labels of some of them; None for the others. Methods that need no labels learn from all samples.

        Returns
        -------
        self

        Raises
        ------
        LabelError
            If no target sample is labelled, and the methods need labels.
        """
        if isinstance(self.backbone, tuple) and not hasattr(self, "network_"):
            (self.source_network_, self.source_task_), self._seed = self.backbone, draw_seed(self.random_state)
            self.network_ = self.source_network_
        check_is_fitted(self, "network_")
        Xt, labelled, yt = self._target(self._kind(), X_target, y_target)
        self.task_ = self.source_task_
        network = copy.deepcopy(self.source_network_)
        if not self.epochs:
            self.network_, self.device_ = network.eval(), str(next(network.parameters()).device)
            return self
        without = Methods(self.methods).replaces_task_loss
        if not labelled and not without:
            raise LabelError("y_target: no target sample is labelled; label at least one to adapt to.")
        target = Samples(self.task_.read_inputs(network, Xt))
        if without:
            self._train(network, target, None, self.methods, "target")
            self.network_ = network
        else:
            self._tune(network, target, labelled, yt)
        return self

    def predict(self, X: Any, **options: Any) -> Any:
        """Predict the labels of target samples.

        Parameters
        ----------
        X : sequence of length n_samples
        **options : object
            Options of the task's ``decode``.

        Returns
        -------
        list or ndarray
            One label per sample.
        """
        check_is_fitted(self, "network_")
        rows, _ = self._kind().check(X)
        inputs = self.task_.read_inputs(self.network_, rows)
        size = self.batch_size if self.task_.takes == "map" else max(self.batch_size, 32)
        return self.task_.fit_to(rows, predict(self.network_, self.task_, inputs, size, **options))

    def score(self, X: Any, y: Any) -> float:
        """Return the metric of the task on labelled target samples.

        Parameters
        ----------
        X : sequence of length n_samples
        y : sequence of length n_samples
            Their labels; samples with None are omitted.

        Returns
        -------
        float
        """
        kind = self._kind()
        rows, labels = kind.check(X, y)
        known = [i for i, label in enumerate(labels or []) if label is not None]
        if not known:
            raise LabelError("y: no sample is labelled; label at least one to score.")
        return kind.score_labels([labels[i] for i in known], self.predict([rows[i] for i in known]))  # type: ignore[index]

    def embed(self, X: Any) -> Any:
        """Return the pooled output of the last stage.

        Parameters
        ----------
        X : sequence of length n_samples

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self, "network_")
        rows, _ = self._kind().check(X)
        samples = Samples(self.task_.read_inputs(self.network_, rows)).bound(self.task_)
        device, found = next(self.network_.parameters()).device, []
        for x, _ in samples.feed(torch.arange(len(samples)).split(max(self.batch_size, 32)), device):
            with torch.inference_mode():
                found.append(self.network_.embed(x).double().cpu())
        return torch.cat(found).numpy()

    def _begin(self, kind: type[Task], X: list[Any], labels: list[Any]) -> Network:
        """The network with its head before training."""
        given = self.backbone
        if isinstance(given, tuple):
            network, self.task_ = copy.deepcopy(given[0]), given[1]
            self.source_task_ = self.task_
            if not self.epochs or self.task_.accepts(labels):
                return network
        else:
            network = kind.make_backbone(given, X, pretrained=self.pretrained, random_state=self._seed)
            network = network.double() if self.precision == "64" else network
        self.task_ = self.source_task_ = self._task_of(kind, labels)
        return self._with_head(network)

    def _kind(self) -> type[Task]:
        """The class of the task."""
        kind = find_task(self.task)
        if not kind.structured:
            names = ", ".join(sorted(n for n, c in task_classes().items() if c.structured))
            raise InputError(
                f"task={self.task!r} has one label per sample; take NeuralClassifier or NeuralRegressor, or a "
                f"structured task: {names}."
            )
        return kind

    def _task_of(self, kind: type[Task], labels: Sequence[Any]) -> Task:
        try:
            return kind.from_labels(labels, **(self.task_options or {}))
        except TypeError as error:
            if "keyword" not in str(error):
                raise
            name = str(error).split("'")[-2] if "'" in str(error) else ""
            raise InputError(f"task_options: {self.task} has no option {name!r}; see its class.") from error

    def _target(self, kind: type[Task], X: Any, y: Any) -> tuple[Any, list[int], list[Any]]:
        """Checked target samples, numbers of the labelled ones, and their labels."""
        if X is None:
            if y is not None:
                raise InputError("y_target was given without X_target; pass the target's samples with their labels.")
            return None, [], []
        rows, labels = kind.check(X, y, "X_target")
        known = [i for i, label in enumerate(labels or []) if label is not None]
        return rows, known, [labels[i] for i in known] if labels is not None else []

    def _tune(self, network: Network, target: Samples, labelled: list[int], yt: list[Any]) -> None:
        if not self.task_.accepts(yt):
            self.task_ = self._task_of(self._kind(), yt)
            network = self._with_head(network)
        rows = Samples(target.subset(torch.tensor(labelled)).inputs, self.task_.encode(yt))
        self._train(network, rows, target, self.methods, "target")
        self.network_ = network

    def _with_head(self, network: Network) -> Network:
        with seeded(self._seed):
            head = self.task_.make_head(network)
        like = next(network.parameters())
        return network.replace_head(head.to(like.device, like.dtype))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if isinstance(self.backbone, tuple):
            network, task = self.backbone
            state["backbone"] = {BEGUN: self._packed(network), "task": task}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        held = state["backbone"]
        if isinstance(held, dict) and BEGUN in held:
            state = state | {"backbone": (self._unpacked(held[BEGUN], held["task"]), held["task"])}
        super().__setstate__(state)

    def _packed(self, network: Network) -> dict[str, Any]:
        if isinstance(network.head, PixelHead):
            return pack(network)
        return pack(network, with_head=False) | {"task_head": weights_of(network.head)}

    def _unpacked(self, packed: dict[str, Any], task: Task) -> Network:
        network = unpack(packed)
        if packed["module"] is None and "task_head" in packed:
            network.replace_head(load_weights(task.head(network.in_features), packed["task_head"]))
            network.freeze(packed["frozen"]).eval()
        return network
