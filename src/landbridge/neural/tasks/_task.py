"""Base class of tasks: head, loss, metric, labels to tensors, and outputs to predictions."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from landbridge.exceptions import InputError, LabelError, ReadError
from landbridge.neural._ragged import IGNORED, collate, pad
from landbridge.neural.tasks._carrying import Carrying

__all__ = ["TAKES", "Metric", "Task"]

# What a head can take; see Task.takes.
TAKES = ("pooled", "tokens", "map", "pyramid", "decoder")


class Metric(ABC):
    """Accumulator of a metric over batches; a higher value is better."""

    @abstractmethod
    def update(self, output: Any, labels: Any) -> None:
        """Add a batch.

        Parameters
        ----------
        output : Tensor or dict of Tensor
            What the network returned.
        labels : Tensor
            As ``Task.encode`` and ``Task.collate_labels`` returned them.
        """

    @abstractmethod
    def compute(self) -> float:
        """Compute the metric over all batches so far.

        Returns
        -------
        float
        """


class Task(Carrying, ABC):
    """Base class of tasks.

    A new task is one file in ``landbridge/neural/tasks`` with a subclass that has a `name` of its own; it is found by
    that name. A structured task, whose labels are more than one class or value per sample, sets ``structured = True``
    and gives ``from_labels``, ``accepts`` and ``score_labels``; where samples are no table, also ``check``,
    ``make_backbone`` and ``read_inputs``; for files ``read_file`` and ``write_file``.
    :class:`~landbridge.neural.NeuralStructuredEstimator` then learns it.

    Attributes
    ----------
    name : str
    metric_name : str
        What ``metric`` measures; higher is better.
    takes : {"pooled", "tokens", "map", "pyramid", "decoder"}
        What the head takes: one vector per sample; one vector per position, with a mask; a feature map; the maps of all
        stages; or the encoded input of a decoder.
    structured : bool
        Whether a label is more than one class or value, such as a tag per word.
    n_outputs : int
        Width of the output: classes, or values.
    """

    name: ClassVar[str]
    metric_name: ClassVar[str]
    takes: ClassVar[str] = "pooled"
    structured: ClassVar[bool] = False
    n_outputs: int

    @classmethod
    def from_labels(cls, labels: Sequence[Any], **options: Any) -> Self:
        """Make the task that the labels of the training samples describe.

        Parameters
        ----------
        labels : sequence
            One label per sample, as ``check`` returned them.
        **options : object
            Options of the task, such as a kind of head.

        Returns
        -------
        Task
        """
        raise NotImplementedError(f"{cls.__name__} is not made from labels.")

    @classmethod
    def check(cls, X: Any, y: Any = None, name: str = "X") -> tuple[list[Any], list[Any] | None]:
        """Check samples and labels, and return them as lists.

        Parameters
        ----------
        X : sequence
            Samples.
        y : sequence, optional
            One label per sample, None for those without.
        name : str, default="X"
            How messages call the samples; the labels are ``"y"`` with the same ending.

        Returns
        -------
        X : list
        y : list, or None

        Raises
        ------
        InputError, LabelError
            If there are no samples, or the numbers differ.
        """
        if X is None or isinstance(X, str) or not hasattr(X, "__len__") or len(X) == 0:
            raise InputError(f"{name} has no samples; give a list of at least one.")
        rows = list(X)
        if y is None:
            return rows, None
        of_labels = name.replace("X", "y", 1)
        if isinstance(y, str) or not hasattr(y, "__len__") or len(y) != len(rows):
            n = len(y) if hasattr(y, "__len__") else 0
            raise LabelError(f"{of_labels} has {n} labels but {name} has {len(rows)} samples; give one per sample.")
        return rows, list(y)

    @classmethod
    def make_backbone(
        cls, backbone: Any, X: Sequence[Any], *, pretrained: bool = True, random_state: Any = None
    ) -> Any:
        """Make the network, without a head, that reads the samples of the task.

        Parameters
        ----------
        backbone : str, path-like, Module or Network
            ``"auto"`` is the default of the task.
        X : sequence
            Checked samples.
        pretrained : bool, default=True
        random_state : int, RandomState instance or None, default=None
            Of new weights.

        Returns
        -------
        Network
        """
        from landbridge.neural.backbones import load_backbone

        named = "builtin" if isinstance(backbone, str) and backbone == "auto" else backbone
        return load_backbone(named, pretrained=pretrained, random_state=random_state)

    def read_inputs(self, network: Any, X: Sequence[Any]) -> Any:
        """Convert checked samples to the network's input.

        Parameters
        ----------
        network : Network
        X : sequence

        Returns
        -------
        Tensor, dict of Tensor, or list with an entry per sample
            As :class:`~landbridge.neural.Samples` takes them.
        """
        read = getattr(network.preprocess, "read", None)
        if read is None:
            raise InputError(f"this backbone does not read samples of {self.name}; take another backbone.")
        return read(list(X))

    def accepts(self, labels: Sequence[Any]) -> bool:
        """Return whether the head has an output for everything in the labels.

        Where it has not, a network that is tuned on them gets a new head.

        Parameters
        ----------
        labels : sequence

        Returns
        -------
        bool
        """
        return True

    @classmethod
    def stratum(cls, label: Any) -> Any:
        """Return what splits keep balanced, such as whether a label holds anything at all.

        Parameters
        ----------
        label : object

        Returns
        -------
        object
            Hashable; false where the label alone teaches nothing.
        """
        return True

    @classmethod
    def position_features(cls, network: Any, X: Sequence[Any], y: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Compute the features of single positions, by which backbones are ranked.

        Parameters
        ----------
        network : Network
            Without a head.
        X, y : sequence
            Checked samples and labels.

        Returns
        -------
        features : ndarray of shape (n_positions, n_features)
        labels : ndarray of shape (n_positions,)
        groups : ndarray of shape (n_positions,)
            The sample of each.
        """
        raise InputError(f"backbones cannot be ranked for task {cls.name!r}; compare them by transfer().")

    @classmethod
    def read_file(cls, path: str | Path) -> tuple[Sequence[Any], Sequence[Any] | None, Any]:
        """Read samples from a file or folder, and labels where there are any.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        X : sequence
        y : sequence, or None
            None for samples without a label.
        held : object
            From which ``write_file`` writes predictions in the form of the input.
        """
        raise InputError(f"task {cls.name!r} reads no files; give (X, y).")

    @classmethod
    def write_file(cls, path: str | Path, held: Any, predictions: Sequence[Any]) -> Path:
        """Write predictions for the samples of a file, in its form.

        Parameters
        ----------
        path : path-like
        held : object
            As ``read_file`` returned it.
        predictions : sequence

        Returns
        -------
        Path
        """
        raise InputError(f"task {cls.name!r} writes no files; use Result.predict.")

    @classmethod
    def details(cls, labels: Sequence[Any], predictions: Sequence[Any]) -> dict[str, Any]:
        """Compute what stands behind the metric, as plain data for a report.

        Parameters
        ----------
        labels, predictions : sequence
            One per sample.

        Returns
        -------
        dict
            ``rows``: a list of dicts with one entry per type or class; empty where there is nothing to say.
        """
        return {"rows": []}

    @classmethod
    def score_labels(cls, labels: Sequence[Any], predictions: Sequence[Any]) -> float:
        """Compute the metric of predictions that are in the labels' own terms.

        Parameters
        ----------
        labels, predictions : sequence
            One per sample.

        Returns
        -------
        float
        """
        raise NotImplementedError(f"{cls.__name__} scores outputs only.")

    def head(self, in_features: int) -> nn.Module:
        """Make a new head.

        Parameters
        ----------
        in_features : int
            Width of the features.

        Returns
        -------
        Module
        """
        if self.takes == "pooled":
            return nn.Linear(in_features, self.n_outputs)
        from landbridge.neural._heads import MapHead, TokenHead

        if self.takes in ("tokens", "map"):
            return (TokenHead if self.takes == "tokens" else MapHead)(in_features, self.n_outputs)
        raise NotImplementedError(f"{self.name} takes {self.takes!r} and has to make its own head.")

    @abstractmethod
    def encode(self, y: Any) -> Any:
        """Encode labels as a tensor, or as a list of tensors where samples have labels of different lengths.

        Parameters
        ----------
        y : array-like of shape (n, ...), or sequence of sequence

        Returns
        -------
        Tensor or list of Tensor
        """

    def collate_labels(self, labels: Sequence[Tensor]) -> Any:
        """Join the labels of single samples to those of a batch; shorter ones are filled up with an ignored value.

        Parameters
        ----------
        labels : sequence of Tensor

        Returns
        -------
        Tensor
        """
        return pad(labels, IGNORED)

    def weight(self, labels: Any) -> Any:
        """Return how much a batch counts: the weight that ``loss`` returns with its sum.

        Parameters
        ----------
        labels : Tensor

        Returns
        -------
        int, or Tensor
            The number of samples, unless a task counts positions.
        """
        return len(labels)

    @abstractmethod
    def loss(self, output: Any, labels: Any) -> tuple[Tensor, Any]:
        """Compute the loss summed over all that counts, and its weight, so that batches are averaged exactly.

        Parameters
        ----------
        output : Tensor or dict of Tensor
            What the network returned.
        labels : Tensor
            As ``encode`` and ``collate_labels`` returned them.

        Returns
        -------
        total : Tensor
            A scalar.
        weight : int or Tensor
            As ``weight`` returns it.
        """

    def mean_loss(self, output: Any, labels: Any) -> Tensor:
        """Compute the mean loss of a batch.

        Parameters
        ----------
        output : Tensor or dict of Tensor
        labels : Tensor

        Returns
        -------
        Tensor
            A scalar.
        """
        total, weight = self.loss(output, labels)
        return total / (weight.clamp_min(1e-12) if isinstance(weight, Tensor) else max(weight, 1))

    @abstractmethod
    def metric(self) -> Metric:
        """Make a new accumulator of the metric.

        Returns
        -------
        Metric
        """

    def score(self, output: Any, labels: Any) -> float:
        """Compute the metric of a single batch.

        Parameters
        ----------
        output : Tensor or dict of Tensor
        labels : Tensor

        Returns
        -------
        float
        """
        metric = self.metric()
        metric.update(output, labels)
        return metric.compute()

    @abstractmethod
    def predict(self, output: Any) -> Any:
        """Turn outputs into predictions in the labels' own terms.

        Parameters
        ----------
        output : Tensor or dict of Tensor

        Returns
        -------
        ndarray, or list with an entry per sample
        """

    def decode(self, output: Any, **options: Any) -> Any:
        """Turn outputs into predictions, with options of the task such as the width of a search.

        Parameters
        ----------
        output : Tensor or dict of Tensor
        **options : object
            None, unless the task has some.

        Returns
        -------
        ndarray, or list with an entry per sample
        """
        return self.predict(output, **options)

    def probabilities(self, output: Any) -> np.ndarray:
        """Turn outputs into probabilities.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)

        Returns
        -------
        ndarray of shape (n, n_outputs)
        """
        raise NotImplementedError(f"{self.name} has no probabilities.")

    def agreement(self, first: Any, second: Any) -> float:
        """Compute how far the predictions of two models agree, without labels.

        Parameters
        ----------
        first, second : ndarray or list
            As ``predict`` returned them, for the same samples.

        Returns
        -------
        float
            From 0 to 1: the share of predictions, or of positions, that are equal.
        """
        pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True)]
        counts = [(int((a == b).sum()) if a.shape == b.shape else 0, max(a.size, b.size)) for a, b in pairs]
        total = sum(n for _, n in counts)
        return sum(k for k, _ in counts) / total if total else 1.0

    def show(self, x: Any, y: Any, prediction: Any) -> Any:
        """Describe a sample, its label and its prediction as plain data for a report.

        Parameters
        ----------
        x, y : object
            The sample, and its label or None.
        prediction : object

        Returns
        -------
        dict, or None
            None where there is nothing to show.
        """
        return None

    def write(self, path: str | Path, ids: Sequence[Any], predictions: Any) -> Path:
        """Write predictions to a file of comma-separated values.

        Parameters
        ----------
        path : path-like
        ids : sequence
            Names of the samples.
        predictions : ndarray of shape (n,) or (n, n_outputs)

        Returns
        -------
        Path
        """
        rows = [np.atleast_1d(p).tolist() for p in predictions]
        width = len(rows[0]) if rows else 1
        names = ["prediction"] if width == 1 else [f"prediction_{k}" for k in range(width)]
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", *names])
            writer.writerows([name, *row] for name, row in zip(ids, rows, strict=True))
        return Path(path)

    def read(self, path: str | Path) -> tuple[list[str], np.ndarray]:
        """Read predictions that ``write`` wrote.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        ids : list of str
        predictions : ndarray of shape (n,) or (n, n_outputs)

        Raises
        ------
        ReadError
            If the file holds no such predictions.
        """
        try:
            with open(path, newline="", encoding="utf-8") as file:
                header, *rows = list(csv.reader(file))
            if header[:1] != ["id"] or not all(name.startswith("prediction") for name in header[1:]):
                raise ValueError("its columns are not id and prediction")
            cells = np.array([row[1:] for row in rows]).reshape(len(rows), len(header) - 1)
            found = self._from_text(cells)
        except (OSError, ValueError, IndexError, UnicodeDecodeError) as error:
            raise ReadError(f"predictions {path} cannot be read ({error}); give a file that write() wrote.") from error
        return [row[0] for row in rows], found[:, 0] if found.shape[1] == 1 else found

    def _from_text(self, cells: np.ndarray) -> np.ndarray:
        """Predictions of the task's kind from the text of a file's cells, of shape (n, width)."""
        return cells

    def collate(self, rows: list[Any]) -> Any:
        """Join single inputs to a batch; dicts (token ids, masks) are joined key by key and padded at the end.

        Parameters
        ----------
        rows : list of Tensor or of dict of Tensor

        Returns
        -------
        Tensor or dict of Tensor
        """
        return collate(rows)
