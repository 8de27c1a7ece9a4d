"""Conversion of input (tables, images, paths, texts) to the tensors that a network takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from landbridge.base import Read, split_labelled
from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._network import Network

__all__ = ["is_plain", "read_plain", "to_tensors"]


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
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUS":
        return X.ndim not in (3, 4)
    first = X[0] if isinstance(X, (list, tuple, np.ndarray)) and len(X) else None
    return not isinstance(first, (str, Path))


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
        X = np.moveaxis(X, 3, 1)
    if X.dtype == np.uint8:
        return torch.from_numpy(np.array(X, order="C"))
    return torch.tensor(np.ascontiguousarray(X), dtype=dtype)


def _checked(X: Any, name: str) -> Any:
    refuse_masked(X, name)
    X = np.asarray(X if isinstance(X, np.ndarray) else [str(x) if isinstance(x, Path) else x for x in X])
    if len(X) == 0:
        raise InputError(f"{name} has no samples; give at least one.")
    if X.dtype.kind == "O":
        X = np.array([str(x) for x in X])
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise InputError(f"{name} contains NaN or infinity; drop or fill such images.")
    return X
