"""Base class of tasks: head, loss, metric, labels to tensors, and outputs to predictions."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from landbridge.exceptions import ReadError
from landbridge.neural._ragged import IGNORED, collate, pad

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


class Task(ABC):
    """Base class of tasks.

    A new task is one file in ``landbridge/neural/tasks`` with a subclass that has a `name` of its own; it is found by
    that name.

    Attributes
    ----------
    name : str
    metric_name : str
        What ``metric`` measures; higher is better.
    takes : {"pooled", "tokens", "map", "pyramid", "decoder"}
        What the head takes: one vector per sample; one vector per position, with a mask; a feature map; the maps of all
        stages; or the encoded input of a decoder.
    n_outputs : int
        Width of the output: classes, or values.
    """

    name: ClassVar[str]
    metric_name: ClassVar[str]
    takes: ClassVar[str] = "pooled"
    n_outputs: int

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
