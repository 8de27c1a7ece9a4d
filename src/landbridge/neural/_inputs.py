"""Conversion of input (tables, images, paths, texts) to the tensors that a network takes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from landbridge.base import Read, split_labelled
from landbridge.data._image_arrays import channels_last, match_pixels, pixel_level
from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._network import Network
from landbridge.neural._streaming import ImageFiles

__all__ = ["as_array", "is_plain", "learned_level", "match_scale", "read_plain", "to_inputs", "to_tensors"]

# Images that would take more bytes than this are not held in memory.
LARGEST = 2 * 2**30


def is_plain(X: Any) -> bool:
    """Return whether `X` is a table of numbers that scikit-learn can validate, not images, paths or texts.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
    """
    if hasattr(X, "columns") or hasattr(X, "tocsr"):
        return True
    if isinstance(getattr(X, "shape", None), tuple) and not (isinstance(X, np.ndarray) and X.dtype.kind in "OUS"):
        return len(X.shape) not in (3, 4)
    first = X[0] if isinstance(X, (list, tuple, np.ndarray)) and len(X) else None
    return not (isinstance(first, (str, Path)) or _is_image(first))


def read_plain(
    estimator: Any, X: Any, y: Any = None, X_target: Any = None, y_target: Any = None, *, reset: bool = True
) -> Any:
    """Check images, paths or texts: what ``TransferEstimator._read`` does for tables.

    Parameters
    ----------
    estimator : estimator
    X : array-like of shape (n, height, width[, channels]), or sequence of path or of str
    y, X_target, y_target : array-like, optional
    reset : bool, default=True
        False for samples given after fitting; then the checked samples alone are returned.

    Returns
    -------
    Read, or ndarray
    """
    X = _checked(X, "X")
    if not reset:
        return X
    refuse_masked(y, "y")
    y = np.asarray(y)
    if y.shape != (len(X),):
        raise LabelError(f"y has shape {y.shape} but X has {len(X)} samples; give one label per sample.")
    Xt = X if X_target is None else _checked(X_target, "X_target")
    if y_target is not None and X_target is None:
        raise InputError("y_target was given without X_target; pass the target's samples with their labels.")
    classes = np.unique(y) if y.dtype.kind != "f" else None
    rows, yt = split_labelled(y_target, len(Xt), classes)
    return Read(X, y, Xt, rows, yt)


def to_tensors(network: Network, X: Any, image_shape: Any = None) -> Any:
    """Convert checked samples to the network's input.

    Parameters
    ----------
    network : Network
    X : ndarray
    image_shape : tuple of int, optional
        Of flat images.

    Returns
    -------
    Tensor or dict of Tensor
    """
    if X.dtype.kind in "OU":
        read = getattr(network.preprocess, "read", None)
        if read is None:
            raise InputError(
                "X holds texts or paths, which this backbone does not read; give numbers, or another backbone."
            )
        return read(X.tolist())
    dtype = next(network.parameters()).dtype
    if image_shape is not None and X.ndim == 2:
        shape = tuple(int(s) for s in image_shape)
        if len(shape) not in (2, 3) or int(np.prod(shape)) != X.shape[1]:
            raise InputError(
                f"image_shape={image_shape} does not make {X.shape[1]} columns; give (height, width[, channels])."
            )
        X = X.reshape(len(X), *shape)
    if X.ndim == 3:
        X = X[..., None]
    if X.ndim == 4:
        X = np.moveaxis(_channels_known(X, _first_channels(network)), 3, 1)
    if X.dtype == np.uint8:
        return torch.from_numpy(np.array(X, order="C"))
    return torch.tensor(np.ascontiguousarray(X), dtype=dtype)


def to_inputs(network: Network, X: Any, image_shape: Any = None, whole: bool = False) -> Any:
    """Convert checked samples to the network's input, or to files that are read during training where they are large.

    Parameters
    ----------
    network : Network
    X : ndarray
    image_shape : tuple of int, optional
        Of flat images.
    whole : bool, default=False
        Whether all of them are needed at once, whatever their size.

    Returns
    -------
    Tensor, dict of Tensor, or ImageFiles
    """
    how: Any = network.preprocess
    if not whole and X.dtype.kind in "OU" and hasattr(how, "edge"):
        height, width = how.size
        if len(X) * int(how.mean.shape[1]) * height * width > LARGEST:
            return ImageFiles.for_network(network, X.tolist())
    return to_tensors(network, X, image_shape)


def _checked(X: Any, name: str) -> Any:
    refuse_masked(X, name)
    X = as_array(X, name)
    if len(X) == 0:
        raise InputError(f"{name} has no samples; give at least one.")
    if X.dtype.kind == "O":
        X = np.array([str(x) for x in X])
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise InputError(f"{name} contains NaN or infinity; drop or fill such images.")
    return X


def match_scale(X: Any, level: float | None, name: str = "X") -> Any:
    """Bring images to the scale of those that were learned from, and warn where theirs differed.

    Parameters
    ----------
    X : ndarray
    level : float or None
        As :func:`learned_level` returned it.
    name : str, default="X"
        How messages call it.

    Returns
    -------
    ndarray

    Raises
    ------
    InputError
        If it is unclear which scale they have.
    """
    if level is None or X.dtype.kind not in "buif":
        return X
    X, note = match_pixels(X, level, name)
    if note is not None:
        warnings.warn(note, UserWarning, stacklevel=4)
    return X


def learned_level(X: Any, image_shape: Any = None) -> float | None:
    """Return the largest value that images are stored with, as ``match_pixels`` takes it; None for other samples.

    Parameters
    ----------
    X : ndarray
    image_shape : tuple of int, optional
        Of flat images.

    Returns
    -------
    float or None
    """
    if X.dtype.kind not in "buif" or (X.ndim not in (3, 4) and image_shape is None):
        return None
    level = pixel_level(X)
    return -float(np.abs(X).max()) if level is None else level


def _is_image(first: Any) -> bool:
    """Whether the first of several samples is an image: an array of two or three axes, or a Pillow image."""
    return (hasattr(first, "__array__") and len(getattr(first, "shape", ())) in (2, 3)) or hasattr(first, "getbands")


def as_array(X: Any, name: str = "X") -> Any:
    """Return images, paths or texts as one array.

    Parameters
    ----------
    X : array-like, sequence of path, of str, of Pillow images or of arrays
    name : str, default="X"
        How messages call it.

    Returns
    -------
    ndarray
    """
    if isinstance(X, np.ndarray):
        return X
    if hasattr(X, "__array__"):
        return np.asarray(X)
    try:
        return np.asarray([str(x) if isinstance(x, Path) else np.asarray(x) if _is_image(x) else x for x in X])
    except ValueError as error:
        raise InputError(f"{name} holds images of different shapes; bring them to one size and colour.") from error


def _first_channels(network: Network) -> int | None:
    """Number of channels that the network takes, None where it is not known."""
    mean = getattr(network.preprocess, "mean", None)
    if isinstance(mean, torch.Tensor):
        return int(mean.numel())
    first = next((m for m in network.stages.modules() if isinstance(m, torch.nn.Conv2d)), None)
    return None if first is None else int(first.in_channels)


def _channels_known(X: Any, expected: int | None) -> Any:
    """Images with channels last; other numbers of channels than the network takes end in one line."""
    X, _ = channels_last(X, expected)
    if expected is not None and expected not in (1, 3) and X.shape[3] != expected:
        raise InputError(
            f"X has images of shape {X.shape[1:]}, but the network takes {expected} channels; give (n, height, width, "
            f"{expected}) or (n, {expected}, height, width)."
        )
    return X
