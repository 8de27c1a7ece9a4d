"""Helpers of the network estimators: validation, choice of the backbone and of its learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._random_state import check_random_state
from landbridge.data._image_arrays import channel_count
from landbridge.domain import refuse_masked
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._inputs import as_array, is_plain
from landbridge.neural._network import Network
from landbridge.neural._streaming import ImageFiles
from landbridge.neural.backbones import load_backbone, mlp_backbone

__all__ = ["backbone_for", "check_labels", "check_rows", "draw_seed", "learn_preprocessing", "rate_for"]

# Learning rates of networks that are small or not trained yet; trained backbones are handled with more care.
RATES: dict[str, float] = {"mlp": 5e-3, "builtin": 3e-3, "characters": 3e-3, "segmenter": 2e-3, "words": 1e-4}


def rate_for(network: Network, learning_rate: float | None = None) -> float:
    """Return the given learning rate, or the default of the network.

    Parameters
    ----------
    network : Network
    learning_rate : float, optional

    Returns
    -------
    float
    """
    if learning_rate is not None:
        return float(learning_rate)
    return RATES.get("" if network.spec is None else network.spec["kind"], 1e-3)


def backbone_for(
    backbone: Any, X: NDArray[Any], image_shape: Any = None, *, pretrained: bool = True, seed: int = 0, double: bool
) -> Network:
    """Make the backbone: ``"auto"`` is a perceptron for tables and the built-in network for images.

    Parameters
    ----------
    backbone : str, path-like, Module or Network
    X : ndarray
        Checked samples.
    image_shape : tuple of int, optional
        Of flat images.
    pretrained : bool, default=True
    seed : int, default=0
    double : bool
        Whether a perceptron computes in double precision.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If a perceptron is asked for samples that are no table.
    """
    named = backbone if isinstance(backbone, str) else None
    if named in ("auto", "mlp") and is_plain(X) and image_shape is None:
        network = mlp_backbone(X.shape[1], random_state=seed)
        return network.double() if double else network
    if named == "mlp":
        raise InputError("backbone='mlp' takes tables of numbers only; take 'auto' or 'builtin' for images.")
    shape = image_shape if is_plain(X) else X.shape[1:] if X.ndim > 1 else (32, 32, 3)
    channels = channel_count(shape) if shape is not None else 1
    source = "builtin" if named == "auto" else backbone
    return load_backbone(source, pretrained=pretrained, channels=channels, random_state=seed)


def learn_preprocessing(network: Network, inputs: Any) -> None:
    """Let a network's preprocessing take its means from the samples that are learned from, where it has none yet.

    Parameters
    ----------
    network : Network
    inputs : Tensor, dict of Tensor, or ImageFiles
        Raw input. Files hold bytes, of which the largest is known.
    """
    learn = getattr(network.preprocess, "learn", None)
    if learn is not None and not isinstance(inputs, ImageFiles):
        learn(inputs)


def draw_seed(random_state: Any) -> int:
    """Draw the seed of a training run.

    Parameters
    ----------
    random_state : int, RandomState instance or None

    Returns
    -------
    int
    """
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def check_rows(X: Any, what: str = "X") -> NDArray[Any]:
    """Check the samples of one task: a table as floats, images as they are, texts and paths as strings.

    Parameters
    ----------
    X : array-like
    what : str, default="X"
        How messages call it.

    Returns
    -------
    ndarray

    Raises
    ------
    InputError
        If there are no samples, or they are neither table, images, paths nor texts.
    """
    if X is None:
        raise InputError(f"{what} is None; give rows.")
    refuse_masked(X, what)
    if not is_plain(X):
        X = as_array(X, what)
        X = X.astype(str) if X.dtype.kind == "O" else X
    else:
        try:
            X = np.asarray(X.toarray() if hasattr(X, "tocsr") else X)
            X = X if X.ndim > 2 and X.dtype.kind != "O" else X.astype(np.float64)
        except (TypeError, ValueError):
            raise InputError(f"{what} must be a table of numbers, images, paths or texts.") from None
        if X.ndim and len(X) and X.ndim not in (2, 3, 4):
            raise InputError(f"{what} has {X.ndim} {'axis' if X.ndim == 1 else 'axes'}; give (n, columns) or images.")
    if X.ndim == 0 or len(X) == 0:
        raise InputError(f"{what} has no samples; give at least one.")
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise InputError(f"{what} contains NaN or infinity; drop or fill such samples.")
    return X


def check_labels(y: Any, n: int, what: str = "y", *, axes: tuple[int, ...] = (1,)) -> NDArray[Any]:
    """Check the labels of one task, one per sample and none missing.

    Parameters
    ----------
    y : array-like
    n : int
        Number of samples.
    what : str, default="y"
        How messages call it.
    axes : tuple of int, default=(1,)
        Numbers of axes that are taken.

    Returns
    -------
    ndarray

    Raises
    ------
    LabelError
        If a label is missing, or there is not one per sample.
    """
    if y is None:
        raise LabelError(f"{what} is None; every task needs labels.")
    refuse_masked(y, what)
    y = np.asarray(y)
    if y.ndim not in axes or len(y) != n:
        raise LabelError(f"{what} has shape {y.shape} but X has {n} samples; give one label per sample.")
    if y.dtype.kind == "O":
        if any(v is None or v != v for v in y.ravel()):
            raise LabelError(f"{what} has samples without a label; leave those samples out.")
        y = np.array(y.tolist())
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise LabelError(f"{what} has samples without a label (NaN or infinity); leave those samples out.")
    return y
