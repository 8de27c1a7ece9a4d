"""Samples that are read while a run goes on: from files, memory-mapped arrays, or any data set with a length."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from landbridge.exceptions import InputError
from landbridge.neural._ragged import IGNORED, collate, moved, pad, select
from landbridge.neural._samples import digest_of

__all__ = ["ArrayRows", "ImageFiles", "StreamedSamples"]

# Samples that stand for a data set where a resumed run asks whether it is the same.
LOOKED_AT = 16


class ArrayRows:
    """Rows of arrays, which may lie on disk (``numpy.memmap``) and are read one batch at a time.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        As the network takes it: images with channels first.
    y : Tensor or ndarray of shape (n, ...), optional
        Encoded labels.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural import ArrayRows
    >>> ArrayRows(np.zeros((3, 2)), np.arange(3))[1]
    (tensor([0., 0.], dtype=torch.float64), tensor(1))
    """

    def __init__(self, X: Any, y: Any = None) -> None:
        self.X, self.y = X, None if y is None else torch.as_tensor(np.array(y) if isinstance(y, np.ndarray) else y)
        if self.y is not None and len(self.y) != len(X):
            raise InputError(f"y has {len(self.y)} entries but X has {len(X)} samples; give one per sample.")

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, i: int) -> Any:
        x = torch.from_numpy(np.array(self.X[i]))
        return x if self.y is None else (x, self.y[i])


class ImageFiles:
    """Image files, decoded one at a time.

    Parameters
    ----------
    paths : sequence of path-like
    y : Tensor or sequence, optional
        Encoded labels.
    size : tuple of int
        ``(height, width)`` of the results.
    edge : int, optional
        Bring the shorter edge to this and cut out the middle. If None, stretch.
    channels : {1, 3}, default=3
    resample : int, default=2
    """

    def __init__(
        self,
        paths: Sequence[Any],
        y: Any = None,
        *,
        size: tuple[int, int],
        edge: int | None = None,
        channels: int = 3,
        resample: int = 2,
    ) -> None:
        self.paths = [str(path) for path in paths]
        self.y = None if y is None else y if isinstance(y, list) else torch.as_tensor(y)
        self.size, self.edge, self.channels, self.resample = size, edge, channels, resample
        if self.y is not None and len(self.y) != len(self.paths):
            raise InputError(f"y has {len(self.y)} entries but there are {len(self.paths)} paths; give one per path.")

    @classmethod
    def for_network(cls, network: Any, paths: Sequence[Any], y: Any = None) -> Self:
        """Read image files as a network takes them.

        Parameters
        ----------
        network : Network
            Its preprocessing says at which size.
        paths : sequence of path-like
        y : Tensor or sequence, optional

        Returns
        -------
        ImageFiles
        """
        how = network.preprocess
        if not hasattr(how, "size") or not hasattr(how, "edge"):
            raise InputError("the network does not say at which size it reads images; give size= to ImageFiles.")
        channels = int(how.mean.shape[1])
        return cls(paths, y, size=how.size, edge=how.edge, channels=channels, resample=how.resample)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> Any:
        from landbridge.neural.backbones._images import read_image

        x = torch.from_numpy(np.array(read_image(self.paths[i], self.size, self.edge, self.resample, self.channels)))
        return x if self.y is None else (x, self.y[i])


class StreamedSamples:
    """Samples of a data set, read and decoded by workers while the network computes.

    Batches have the samples, and the order, that they would have in memory; a resumed run goes on with the batch at
    which it stopped. Random changes belong to methods (``Method.transform``), whose generator a run seeds, not to the
    data set, whose entries should be the same each time.

    Parameters
    ----------
    dataset : object with ``__len__`` and ``__getitem__``
        Gives an input, or a pair of input and label; arrays are taken as they are.
    labels : Tensor or sequence, optional
        Encoded labels, where the data set gives none.
    n_workers : int, default=0
        How many read ahead. If 0, samples are read when they are needed.
    workers : {"thread", "process"}, default="thread"
        Threads share memory and suit decoders that release the interpreter, as Pillow and NumPy do; processes suit
        slow Python code.
    prefetch : int, default=2
        Batches that each worker reads ahead.
    lengths : array-like of shape (n,), optional
        Lengths of the samples, for batches of similar lengths (``Training.by_length``).
    collate, collate_labels : callable, optional
        Join a list of inputs, or of labels. If None, as the task does it.

    Notes
    -----
    Memory is that of the batches read ahead, whatever the number of samples. Time is that of reading or of computing,
    whichever takes longer.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from landbridge.neural import ArrayRows, StreamedSamples
    >>> rows = StreamedSamples(ArrayRows(np.arange(8.0).reshape(4, 2), np.arange(4)), n_workers=2)
    >>> [y.tolist() for _, y in rows.feed([torch.tensor([2, 0]), torch.tensor([3, 1])])]
    [[2, 0], [3, 1]]
    """

    inputs: Any = None  # there is no tensor of all of them

    def __init__(
        self,
        dataset: Any,
        labels: Any = None,
        *,
        n_workers: int = 0,
        workers: str = "thread",
        prefetch: int = 2,
        lengths: Any = None,
        collate: Callable[[list[Any]], Any] | None = None,
        collate_labels: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        if isinstance(dataset, np.ndarray):
            dataset = ArrayRows(dataset)
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise InputError(
                f"dataset has no length or no entries ({type(dataset).__name__}); give a map-style data set."
            )
        if workers not in ("thread", "process"):
            raise InputError(f"workers={workers!r} is unknown; choose 'thread' or 'process'.")
        if n_workers < 0 or prefetch < 1:
            raise InputError(f"n_workers must be at least 0 and prefetch at least 1; got {n_workers} and {prefetch}.")
        self.dataset, self.given = dataset, labels
        self.n_workers, self.workers, self.prefetch = int(n_workers), workers, int(prefetch)
        self.given_lengths = None if lengths is None else torch.as_tensor(np.asarray(lengths))
        self.collate, self.collate_labels = collate, collate_labels
        for name, values in (("labels", labels), ("lengths", self.given_lengths)):
            if values is not None and len(values) != len(dataset):
                raise InputError(
                    f"{name} has {len(values)} entries but there are {len(dataset)} samples; give one each."
                )

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def labels(self) -> Any:
        """Labels of all samples where they are known without reading any, else None."""
        return getattr(self.dataset, "y", None) if self.given is None else self.given

    @property
    def device(self) -> torch.device:
        """Where batches are made."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """Size in memory: nothing is kept."""
        return 0

    def take(self, rows: Tensor, device: Any = None) -> tuple[Any, Any]:
        """Read a batch.

        Parameters
        ----------
        rows : Tensor of int64
            Sample indices.
        device : torch.device, optional

        Returns
        -------
        inputs, labels
            Labels are None where there are none.
        """
        batch = self._join(self._read(rows.tolist()))
        return batch if device is None else moved(batch, device)

    def feed(self, cuts: Sequence[Tensor], device: Any = None) -> Iterator[tuple[Any, Any]]:
        """Iterate over batches, which the workers read ahead.

        Parameters
        ----------
        cuts : sequence of Tensor of int64
            Sample indices, batch by batch.
        device : torch.device, optional

        Yields
        ------
        inputs, labels
        """
        if self.n_workers == 0:
            found: Iterator[tuple[Any, Any]] = (self.take(rows) for rows in cuts)
        else:
            found = self._by_threads(cuts) if self.workers == "thread" else self._by_processes(cuts, device)
        for batch in found:
            yield batch if device is None else moved(batch, device)

    def subset(self, rows: Tensor, labels: Any = None) -> Self:
        """Select samples, with other labels where they are given.

        Parameters
        ----------
        rows : Tensor of int64
            Sample indices.
        labels : Tensor or list of Tensor, optional
            Of the selected samples.

        Returns
        -------
        StreamedSamples
        """
        if labels is None and self.given is not None:
            labels = select(self.given, rows)
        lengths = None if self.given_lengths is None else self.given_lengths[rows]
        return type(self)(_Some(self.dataset, rows.tolist()), labels, **self._how() | {"lengths": lengths})

    def lengths(self) -> Tensor:
        """Return the length of each sample.

        Returns
        -------
        Tensor of int64, shape (n,)
        """
        if self.given_lengths is None:
            raise InputError("by_length needs the lengths of streamed samples; give StreamedSamples(..., lengths=...).")
        return self.given_lengths

    def bound(self, task: Any) -> Self:
        """Return the same samples, joined to batches as a task does it.

        Parameters
        ----------
        task : Task

        Returns
        -------
        StreamedSamples
        """
        if self.collate is not None and self.collate_labels is not None:
            return self
        how = self._how()
        how["collate"] = self.collate or getattr(task, "collate", None)
        how["collate_labels"] = self.collate_labels or getattr(task, "collate_labels", None)
        return type(self)(self.dataset, self.given, **how)

    def to(self, device: Any) -> Self:
        """Return the samples as they are: batches go to a device one by one.

        Parameters
        ----------
        device : torch.device or str

        Returns
        -------
        self
        """
        return self

    pinned = to

    def digest(self) -> str:
        """Return a number that changes with the data set's length, its labels and some of its samples.

        Returns
        -------
        str
        """
        own = getattr(self.dataset, "digest", None)
        if callable(own):
            return str(own())
        some = sorted({int(i) for i in np.linspace(0, len(self) - 1, min(len(self), LOOKED_AT))})
        return digest_of((len(self), self.labels, self._read(some)))

    def _how(self) -> dict[str, Any]:
        return {
            "n_workers": self.n_workers,
            "workers": self.workers,
            "prefetch": self.prefetch,
            "lengths": self.given_lengths,
            "collate": self.collate,
            "collate_labels": self.collate_labels,
        }

    def _read(self, rows: list[int]) -> list[tuple[Any, Any]]:
        found = [self.dataset[i] for i in rows]
        found = [x if isinstance(x, tuple) and len(x) == 2 else (x, None) for x in found]
        if self.given is not None:
            found = [(x, self.given[i]) for (x, _), i in zip(found, rows, strict=True)]
        return [(_as_input(x), y) for x, y in found]

    def _join(self, pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        x = (self.collate or collate)([x for x, _ in pairs])
        if pairs[0][1] is None:
            return x, None
        y = [torch.as_tensor(y) for _, y in pairs]
        return x, (self.collate_labels or _ignored)(y)

    def _by_threads(self, cuts: Sequence[Tensor]) -> Iterator[tuple[Any, Any]]:
        ahead: deque[Future[Any]] = deque()
        rest = iter(cuts)
        pool = ThreadPoolExecutor(self.n_workers, thread_name_prefix="landbridge-reader")
        try:
            for rows in rest:
                ahead.append(pool.submit(self.take, rows))
                if len(ahead) >= self.n_workers * self.prefetch:
                    break
            while ahead:
                batch = ahead.popleft().result()
                for rows in rest:
                    ahead.append(pool.submit(self.take, rows))
                    break
                yield batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _by_processes(self, cuts: Sequence[Tensor], device: Any) -> Iterator[tuple[Any, Any]]:
        from torch.utils.data import DataLoader

        entries: Any = _Entries(self)
        loader: Any = DataLoader(
            entries,
            batch_sampler=[rows.tolist() for rows in cuts],
            num_workers=self.n_workers,
            prefetch_factor=self.prefetch,
            collate_fn=_Join(self),
            pin_memory=device is not None and torch.device(device).type == "cuda",
            generator=torch.Generator().manual_seed(0),  # else one draws from the process's generator
        )
        for batch in loader:
            yield tuple(batch)


class _Some:
    """Some entries of a data set."""

    def __init__(self, dataset: Any, rows: list[int]) -> None:
        self.dataset, self.rows = dataset, rows
        y = getattr(dataset, "y", None)
        self.y = None if y is None else select(y, torch.tensor(rows, dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Any:
        return self.dataset[self.rows[i]]


class _Entries:
    """A data set of pairs, for the workers of a DataLoader."""

    def __init__(self, rows: StreamedSamples) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        return self.rows._read([i])[0]


class _Join:
    """Joins pairs in a worker."""

    def __init__(self, rows: StreamedSamples) -> None:
        self.rows = rows

    def __call__(self, pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        return self.rows._join(pairs)


def _as_input(x: Any) -> Any:
    return torch.from_numpy(np.array(x)) if isinstance(x, np.ndarray) else x


def _ignored(labels: list[Tensor]) -> Tensor:
    return pad(labels, IGNORED)
