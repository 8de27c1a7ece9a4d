"""Base of the network estimators: parameters, input validation, training, fine-tuning and pickling."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.base import Read, TransferEstimator, split_labelled
from landbridge.domain import missing_labels
from landbridge.exceptions import InputError, LabelError
from landbridge.instance._multi_source_tradaboost import read_sources
from landbridge.neural._device import resolve
from landbridge.neural._features import cached_features
from landbridge.neural._fitting import backbone_for, draw_seed, learn_preprocessing, rate_for
from landbridge.neural._inputs import is_plain, learned_level, match_scale, read_plain, to_inputs
from landbridge.neural._loop import Training, predict_logits, train
from landbridge.neural._method import Method, Methods
from landbridge.neural._method_params import HoldsMethods
from landbridge.neural._network import Network
from landbridge.neural._pack import pack, pack_backbone, unpack, unpack_backbone
from landbridge.neural._random import seeded
from landbridge.neural._samples import Samples
from landbridge.neural._source_aware import SourceAware
from landbridge.neural._streaming import ImageFiles, StreamedSamples
from landbridge.neural.tasks import Task

# Parameters that are handed to the training as they are.
SAME = (
    *(
        "epochs",
        "batch_size",
        "weight_decay",
        "optimizer",
        "schedule",
        "warmup",
        "patience",
        "monitor",
        "accumulation",
        "clip",
    ),
    *("average", "device", "processes", "checkpoint_every", "resume", "cache_dir", "logger"),
)
# Threads that read image files; what is read does not depend on their number.
READERS = 4


class _NeuralEstimator(HoldsMethods, TransferEstimator):
    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True, "source_domain": True}
    own_scaling = True
    _parameter_constraints = {
        "backbone": "no_validation",
        "methods": [list, tuple],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions({"adamw", "sgd"})],
        "schedule": [StrOptions({"cosine", "linear", "constant"})],
        "warmup": [Interval(Real, 0, None, closed="left")],
        "patience": [Interval(Integral, 0, None, closed="left"), None],
        "monitor": [StrOptions({"loss", "score"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
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
        learning_rate: float | None = None,
        weight_decay: float = 0.01,
        optimizer: str = "adamw",
        schedule: str = "cosine",
        warmup: float = 0.05,
        patience: int | None = None,
        monitor: str = "loss",
        validation_fraction: float = 0.1,
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
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.schedule = schedule
        self.warmup = warmup
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
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
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Train on the source, then, where target samples are labelled, fine-tune on those.

        With labelled target samples the source is learned without `methods`, which act on the fine-tuning; otherwise
        they act on the training on the source, and those that read the target use the unlabelled `X_target`.

        Methods that distinguish several sources use `source_domain`, unless their own was set before.
        On labelled target samples they act as with one source, because all of those samples are the target's.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples; for image backbones also (n, height, width[, channels]), or paths of image files; for text
            backbones, texts.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            All target samples.
        y_target : array-like of shape (n_target,), optional
            Labels of some target samples.
        source_domain : array-like of shape (n_source,), optional
            Which of several sources each sample of `X` came from, numbers or names. If None, there is one.

        Returns
        -------
        self
        """
        Methods(self.methods).validate()  # before the source is learned, which may take long
        read = self._take_in(X, y, X_target, y_target)
        sources = None if source_domain is None else _named_sources(source_domain, len(read.Xs))
        self._seed = draw_seed(self.random_state)
        self.task_ = self._make_task(read.ys)
        network = self._make_network(read.Xs)
        self._whole = any(type(m).after is not Method.after for m in self.methods if isinstance(m, Method))
        Xs, ys = to_inputs(network, read.Xs, self.image_shape, self._whole), self.task_.encode(read.ys)
        learn_preprocessing(network, Xs)
        self._level = learned_level(read.Xs, self.image_shape)
        Xt = Xs if read.Xt is read.Xs else self._tensors(network, read.Xt, "X_target")
        if len(read.rows):
            self._train(network, _samples(Xs, ys), None, (), "source")
            self._fine_tune(network, Xt, read)
        else:
            self._train(network, _samples(Xs, ys), _samples(Xt), self.methods, "source", sources)
        self.network_ = self.source_network_ = network
        return self

    def adapt(self, X_target: Any, y_target: Any = None) -> Self:
        """Fine-tune on labelled target samples, without the source's; always starts from what :meth:`fit` left.

        Parameters
        ----------
        X_target : array-like of shape (n_target, n_features)
            All target samples.
        y_target : array-like of shape (n_target,)
            Labels of some of them.

        Returns
        -------
        self

        Raises
        ------
        LabelError
            If no target sample is labelled.
        """
        check_is_fitted(self, "network_")
        read = self._take_in_target(X_target, y_target)
        if not len(read.rows):
            raise LabelError("y_target: no target sample is labelled; label at least one to adapt to.")
        network = copy.deepcopy(self.source_network_)
        self._fine_tune(network, self._tensors(network, read.Xt, "X_target"), read)
        self.network_ = network
        return self

    def embed(self, X: Any) -> NDArray[np.float64]:
        """Return the embedding, which is the input of the head.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples as :meth:`fit` takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        inputs = self._inputs(X)
        return cached_features(self.network_, _samples(inputs), batch_size=max(self.batch_size, 128)).double().numpy()

    def _logits(self, X: Any) -> Tensor:
        inputs = self._inputs(X)
        return predict_logits(self.network_, _samples(inputs), max(self.batch_size, 128))

    def _inputs(self, X: Any) -> Any:
        check_is_fitted(self, "network_")
        X = self._read_rows(X) if is_plain(X) else read_plain(self, X, reset=False)
        return self._tensors(self.network_, X, "X")

    def _tensors(self, network: Network, X: Any, name: str) -> Any:
        """Samples as tensors or files, images in the scale that was learned from."""
        X = match_scale(X, getattr(self, "_level", None), name)
        return to_inputs(network, X, self.image_shape, getattr(self, "_whole", False))

    def _fine_tune(self, network: Network, Xt: Any, read: Read) -> None:
        rows = torch.from_numpy(np.asarray(read.rows, dtype=np.int64))
        labelled = _samples(Xt).subset(rows, self.task_.encode(read.yt))
        self._train(network, labelled, _samples(Xt), self.methods, "target")

    def _train(
        self,
        network: Network,
        rows: Any,
        target: Any,
        methods: Any,
        phase: str,
        sources: NDArray[Any] | None = None,
    ) -> None:
        held_out = None
        if self.patience is not None:
            kept, out = self._hold_out(rows)
            rows, held_out = rows.subset(kept), rows.subset(out)
            sources = None if sources is None else sources[kept.numpy()]
        if len(rows) == 1:
            network.freeze_statistics()  # one sample has no spread
        precision = self.precision
        if precision == "auto" and next(network.parameters()).dtype == torch.float64:
            precision = "64"
        settings = Training(
            **{k: getattr(self, k) for k in SAME},
            learning_rate=rate_for(network, self.learning_rate),
            precision=precision,
            checkpoint_dir=None if self.checkpoint_dir is None else Path(self.checkpoint_dir) / phase,
            log_dir=None if self.log_dir is None else Path(self.log_dir) / phase,
            random_state=self._seed,
            verbose=int(self.verbose),
            by_length=isinstance(rows.inputs, list),
        )
        # Methods learn about the run; what they were given stays as it was.
        self.methods_ = copy.deepcopy(list(methods))
        for method in self.methods_:
            if sources is not None and isinstance(method, SourceAware) and method.source_domain_ is None:
                method.source_domain_ = sources
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

    def _hold_out(self, rows: Any) -> tuple[Tensor, Tensor]:
        """Split samples off, from each class its share: numbers of those that are kept and of those that are not."""
        labels = rows.labels
        assert labels is not None
        rng = np.random.RandomState(self._seed)
        groups = [np.arange(len(rows))]
        if isinstance(labels, Tensor) and labels.ndim == 1 and not labels.is_floating_point():
            groups = [np.flatnonzero(labels.numpy() == c) for c in np.unique(labels.numpy())]
        out = np.concatenate(
            [rng.permutation(g)[: int(self.validation_fraction * len(g) + rng.rand())] for g in groups]
        )
        if not len(out):
            out = rng.permutation(len(rows))[:1]
        if len(out) == len(rows):
            raise InputError(
                f"validation_fraction={self.validation_fraction} of {len(rows)} samples leaves none to hold out or to "
                "train on; set patience=None for so few samples."
            )
        kept = torch.from_numpy(np.setdiff1d(np.arange(len(rows)), out))
        return kept, torch.from_numpy(np.sort(out))

    def _make_network(self, Xs: Any) -> Network:
        network = backbone_for(
            self.backbone,
            Xs,
            self.image_shape,
            pretrained=self.pretrained,
            seed=self._seed,
            double=self.precision in ("auto", "64") and resolve(self.device).type == "cpu",
        )
        if self.precision == "64":
            network.double()
        with seeded(self._seed):
            head = self.task_.head(network.in_features)
        return network.replace_head(head.to(next(network.parameters()).dtype))

    def _take_in(self, X: Any, y: Any, X_target: Any, y_target: Any) -> Read:
        if is_plain(X):
            return self._read(X, y, X_target, y_target, supervised=True)
        return read_plain(self, X, y, X_target, y_target)

    def _take_in_target(self, X_target: Any, y_target: Any) -> Read:
        Xt = self._read_target(X_target) if is_plain(X_target) else read_plain(self, X_target, reset=False)
        rows, yt = split_labelled(y_target, len(Xt), getattr(self, "classes_", None))
        return Read(None, None, Xt, rows, yt)

    def _make_task(self, ys: Any) -> Task:
        raise NotImplementedError

    def _packed(self, network: Network) -> dict[str, Any]:
        """A network as plain data."""
        return pack(network)

    def _unpacked(self, packed: dict[str, Any], task: Task) -> Network:
        return unpack(packed)

    def __getstate__(self) -> dict[str, Any]:
        state = pack_backbone(super().__getstate__())
        state.pop("methods_", None)
        if "network_" in state:
            adapted = state["network_"] is not state["source_network_"]
            state["network_"] = self._packed(state["network_"])
            state["source_network_"] = self._packed(state["source_network_"]) if adapted else None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unpack_backbone(state)
        if "network_" in state:
            source = state["source_network_"]
            state["network_"] = self._unpacked(state["network_"], state["task_"])
            task = state.get("source_task_", state["task_"])
            state["source_network_"] = state["network_"] if source is None else self._unpacked(source, task)
        super().__setstate__(state)


def _samples(inputs: Any, labels: Any = None) -> Any:
    """Samples in memory, or read from their files by threads."""
    if isinstance(inputs, ImageFiles):
        return StreamedSamples(inputs, labels, n_workers=READERS)
    return Samples(inputs, labels)


def _named_sources(source_domain: Any, n: int) -> NDArray[Any]:
    """The source of each sample as a number or a name, checked as by the methods for several sources."""
    if np.shape(source_domain) == (n,) and missing_labels(source_domain).any():
        raise InputError("source_domain has samples without a source (None or NaN); name the source of every sample.")
    given = np.asarray(source_domain)
    names, codes = read_sources(np.array(given.tolist()) if given.dtype == object else given, n)
    return names[codes]
