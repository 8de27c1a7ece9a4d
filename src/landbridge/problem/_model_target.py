"""Targets of models as sources: which arguments are networks, and how a target is read for one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._sklearn_compat import _safe_indexing
from landbridge.domain import Domain, missing_labels
from landbridge.exceptions import InputError, LabelError, ReadError

__all__ = ["ModelTarget", "NetworkReader", "is_network", "network_name", "read_network_target"]

# Two words with a stroke between, as the hub names its models.
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_network(side: Any) -> bool:
    """Return whether a side is a trained network rather than data.

    Parameters
    ----------
    side : object
        A folder with ``config.json``, a ``.safetensors`` file, a name on the hub such as
        ``"timm/inception_v3.tv_in1k"``, a ``torch.nn.Module``.

    Returns
    -------
    bool
    """
    if isinstance(side, str | Path):
        path = Path(side)
        if path.is_dir():
            return (path / "config.json").is_file()
        return path.suffix == ".safetensors" or (
            isinstance(side, str) and not path.exists() and HUB_NAME.fullmatch(side) is not None
            and path.suffix.lower() not in {".csv", ".tsv", ".parquet", ".jsonl", ".npz", ".mat", ".svmlight", ".txt"}
        )  # fmt: skip
    return hasattr(side, "state_dict") and hasattr(side, "named_children")


def network_name(side: Any) -> str:
    """Return the name of a network for tables.

    Parameters
    ----------
    side : str, path-like or Module

    Returns
    -------
    str
    """
    if isinstance(side, str | Path):
        return Path(side).name.removesuffix(".safetensors")
    return type(side).__name__


@dataclass(frozen=True)
class ModelTarget:
    """Target samples in the form that a trained network or a fitted model takes.

    Parameters
    ----------
    name : str
    X : ndarray or DataFrame
        Images of shape (n, height, width, channels), a table, or texts.
    y : ndarray of object or None
        None where a sample is not labelled.
    names : list of str
        One per sample.
    reader : object or None
        Reads new samples in the same way, for ``landbridge predict``.
    groups : ndarray of shape (n_samples,) or None
        Which samples belong together.
    notes : tuple of str
        Sentences on how image files were read.
    """

    name: str
    X: NDArray[Any]
    y: NDArray[Any] | None
    names: list[str]
    reader: Any = None
    groups: NDArray[Any] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.X.shape[0]) if hasattr(self.X, "shape") else len(self.X)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Mask of the labelled samples."""
        known = np.zeros(len(self), dtype=bool)
        return known if self.y is None else np.array([v is not None for v in self.y], dtype=bool)

    @property
    def classes(self) -> NDArray[Any] | None:
        """Distinct labels, sorted; None without labels."""
        return np.unique(np.asarray(self.labelled_part().y)) if self.labelled.any() else None

    def frame(self) -> NDArray[Any]:
        """Return the samples as estimators take them.

        Returns
        -------
        ndarray
        """
        return self.X

    def labelled_part(self) -> ModelTarget:
        """Return the labelled samples only, with labels of a plain type.

        Returns
        -------
        ModelTarget
        """
        if self.y is None or not self.labelled.any():
            raise LabelError(f"target {self.name!r} has no labelled sample; label some.")
        kept = np.flatnonzero(self.labelled)
        labels = np.array(self.y[kept].tolist())
        names, groups = [self.names[i] for i in kept], None if self.groups is None else self.groups[kept]
        return ModelTarget(self.name, _safe_indexing(self.X, kept), labels, names, self.reader, groups, self.notes)

    def with_labels(self, y: NDArray[Any] | None) -> ModelTarget:
        """Return the same samples with other labels.

        Parameters
        ----------
        y : ndarray of object, shape (n_samples,), or None
            None where a sample is not labelled.

        Returns
        -------
        ModelTarget
        """
        return replace(self, y=y)


class NetworkReader:
    """Reader of image files at the size that a network takes; saved with a result.

    Parameters
    ----------
    size : tuple of int
        ``(height, width)``.
    edge : int or None
        The shorter edge is resized to this first, and the centre is cropped.
    resample : int
        Pillow's filter.
    channels : int
        1 or 3.
    """

    # Samples are passed on as they are, not turned into a table.
    keeps_rows = True

    def __init__(self, size: tuple[int, int], edge: int | None, resample: int, channels: int) -> None:
        self.size, self.edge, self.resample, self.channels = size, edge, resample, channels
        # Range of pixels of more than eight bits, by kind of number, from the first files that were read.
        self.spans: dict[str, list[float]] | None = None
        self.notes: list[str] = []

    def files(self, files: list[Path], *, skip_corrupt: bool = False) -> tuple[NDArray[np.uint8], list[int]]:
        """Read image files.

        Parameters
        ----------
        files : list of Path
        skip_corrupt : bool, default=False
            Skip files that cannot be read, instead of raising for the first.

        Returns
        -------
        X : ndarray of shape (n, height, width, channels)
        kept : list of int
            Which files they are.
        """
        from landbridge.data._pictures import common_spans, explain_pictures
        from landbridge.neural.backbones._images import open_pictures, to_tensor

        pictures, kept = open_pictures(files, self.size, self.edge, self.resample, skip_corrupt=skip_corrupt)
        spans: dict[str, list[float]] = {depth: list(span) for depth, span in common_spans(pictures).items()}
        if getattr(self, "spans", None) is None:
            self.spans = spans
        spans |= self.spans or {}
        self.notes = explain_pictures(pictures, spans)
        if skipped := len(files) - len(kept):
            verb = "was" if skipped == 1 else "were"
            self.notes.append(f"{skipped:,} of {len(files):,} image files could not be read and {verb} skipped.")
        pixels = to_tensor(pictures, self.channels, spans).numpy()
        return np.ascontiguousarray(np.moveaxis(pixels, 1, 3)), list(kept)

    def read(self, folder: str | Path) -> tuple[NDArray[np.uint8], list[str]]:
        """Read a folder of images, or one image file.

        Parameters
        ----------
        folder : str or Path

        Returns
        -------
        X : ndarray of shape (n, height, width, channels)
        names : list of str
        """
        from landbridge.data._files import existing
        from landbridge.data._images import list_image_folder
        from landbridge.data._pictures import printable

        path = existing(folder)
        if path.is_file():
            return self.files([path])[0], [printable(path.name)]
        listing = list_image_folder(path)
        X, _ = self.files(listing.files)
        self.notes = [*listing.notes, *self.notes]
        return X, listing.names

    def transform(self, X: Any) -> Any:
        """Return samples that were read already, or read image files.

        Parameters
        ----------
        X : ndarray or list of path-like

        Returns
        -------
        ndarray
        """
        if isinstance(X, np.ndarray) and X.dtype.kind not in "OU":
            return X
        return self.files([Path(p) for p in X])[0]


def read_network_target(target: Any, network: Any, *, skip_corrupt: bool = False) -> ModelTarget:
    """Read the target in the form that a network takes.

    Parameters
    ----------
    target : path, (X, y) tuple, Domain or array
        A folder with one sub-folder of images per class; or samples and labels, where samples may be paths of image
        files, arrays of images, tables or texts.
    network : Network
    skip_corrupt : bool, default=False
        Skip image files that cannot be read.

    Returns
    -------
    ModelTarget

    Raises
    ------
    InputError
        If it cannot be read as the network's input.
    """
    preprocess = network.preprocess
    images = hasattr(preprocess, "size") and hasattr(preprocess, "read")
    reader = None
    if images:
        channels = int(preprocess.mean.shape[1])
        reader = NetworkReader(tuple(preprocess.size), preprocess.edge, preprocess.resample, channels)
    if isinstance(target, str | Path) and not str(target).startswith("builtin:"):
        return _read_folder(Path(target), reader, skip_corrupt)
    if isinstance(target, str):
        from landbridge.data import load_builtin

        target = load_builtin(target.removeprefix("builtin:"))
    if isinstance(target, Domain):
        X = target.X if target.image_shape is None else target.X.reshape(len(target), *target.image_shape)
        labels = None if target.y is None else _with_gaps(target.y, ~target.labelled)
        return ModelTarget(target.name, X, labels, [str(i) for i in range(len(target))], reader, target.groups)
    return _read_rows(target, reader, skip_corrupt)


def _read_rows(target: Any, reader: NetworkReader | None, skip_corrupt: bool) -> ModelTarget:
    X, y = target if isinstance(target, tuple) and len(target) == 2 else (target, None)
    names = [str(i) for i in range(len(X))]
    first = X[0] if len(X) else None
    notes: tuple[str, ...] = ()
    if reader is not None and isinstance(first, str | Path):
        pictures, kept = reader.files([Path(p) for p in X], skip_corrupt=skip_corrupt)
        X, names, notes = pictures, [str(X[i]) for i in kept], tuple(reader.notes)
        y = None if y is None else np.asarray(y)[kept]
    X = X if isinstance(X, np.ndarray) else np.asarray(X)
    if y is not None:
        y = np.asarray(y)
        if y.shape != (len(X),):
            raise InputError(f"y has shape {y.shape} but the target has {len(X)} samples; give one label per sample.")
        y = _with_gaps(y, missing_labels(y))
    return ModelTarget("target", X, y, names, reader, notes=notes)


def _with_gaps(y: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    labels = y.astype(object)
    labels[missing] = None
    return labels


def _read_folder(path: Path, reader: NetworkReader | None, skip_corrupt: bool) -> ModelTarget:
    from landbridge.data._files import existing
    from landbridge.data._images import list_image_folder

    path = existing(path)
    if not path.is_dir():
        raise ReadError(f"{path} is a file; a network's target is a folder with one sub-folder of images per class.")
    if reader is None:
        raise InputError(f"{path} is a folder of images, which this network does not take; give (X, y).")
    listing = list_image_folder(path)
    X, kept = reader.files(listing.files, skip_corrupt=skip_corrupt)
    y = None if listing.y is None else listing.y[kept].astype(object)
    notes = (*listing.notes, *reader.notes)
    return ModelTarget(path.name, X, y, [listing.names[i] for i in kept], reader, notes=notes)
