"""Arrays of images: the order of their axes, and the scale of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError

__all__ = ["channel_count", "channels_last", "match_pixels", "pixel_level", "read_pixel_pair", "read_pixels"]

# Brightest values that images are stored with: shares, scikit-learn's digits, bytes, two bytes.
LEVELS = (1.0, 16.0, 255.0, 65535.0)
# Pixels may exceed the brightest value by this factor, as resized or noisy images do.
TOLERANCE = 2.0
# Images with less than this share of the usual brightness may be of another scale.
DARK = 1 / 12


def channel_count(shape: Sequence[int], expected: int | None = None) -> int:
    """Return the number of channels of images, which may stand first or last.

    Parameters
    ----------
    shape : sequence of int
        Shape of one image: (height, width), (height, width, channels) or (channels, height, width).
    expected : int, default=None
        Number of channels that a network takes. If None, 1 or 3.

    Returns
    -------
    int

    Examples
    --------
    >>> from landbridge.data._image_arrays import channel_count
    >>> channel_count((32, 32)), channel_count((32, 32, 3)), channel_count((3, 32, 32))
    (1, 3, 3)
    """
    if len(shape) < 3:
        return 1
    return int(shape[0] if _is_first(shape, expected) else shape[2])


def channels_last(X: NDArray[Any], expected: int | None = None) -> tuple[NDArray[Any], bool]:
    """Move the channels of images behind height and width, where they stand before them.

    Parameters
    ----------
    X : ndarray of shape (n, channels, height, width), (n, height, width, channels) or (n, height, width)
    expected : int, default=None
        Number of channels that a network takes. If None, 1 or 3. Where both the second and the last axis could be the
        channels, the last one is.

    Returns
    -------
    X : ndarray of shape (n, height, width[, channels])
    moved : bool
        Whether the channels stood first.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data._image_arrays import channels_last
    >>> channels_last(np.zeros((5, 3, 16, 8)))[0].shape, channels_last(np.zeros((5, 16, 8, 3)))[0].shape
    ((5, 16, 8, 3), (5, 16, 8, 3))
    """
    moved = X.ndim == 4 and _is_first(X.shape[1:], expected)
    return (np.moveaxis(X, 1, 3), True) if moved else (X, False)


def _is_first(shape: Sequence[int], expected: int | None) -> bool:
    known = (1, 3) if expected is None else (1, 3, expected)
    if shape[2] in known and shape[0] in known and expected is not None and expected > 1:
        return bool(shape[0] == expected != shape[2])
    return shape[0] in known and shape[2] not in known


def pixel_level(X: NDArray[Any]) -> float | None:
    """Return the brightest value that the pixels of an array are stored with.

    Parameters
    ----------
    X : ndarray
        Images.

    Returns
    -------
    float or None
        255 for bytes, otherwise the least of 1, 16, 255 and 65535 that no pixel exceeds, or the largest pixel. None if
        they are no pixels: some are negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data._image_arrays import pixel_level
    >>> pixel_level(np.array([[0, 3]], dtype=np.uint8)), pixel_level(np.array([[0.0, 0.7]]))
    (255.0, 1.0)
    """
    if X.dtype.kind == "b":
        return 1.0
    if X.size == 0 or X.dtype.kind not in "uif":
        return None
    top, least = float(X.max()), float(X.min())
    if not (least >= 0 and np.isfinite(top)):
        return None
    if X.dtype == np.uint8 and top > 1:
        return 255.0
    return next((b for b in LEVELS if b >= top), top)


def read_pixels(X: NDArray[Any], *, scale: bool = True) -> tuple[NDArray[Any], float | None, list[str]]:
    """Bring arrays of images to channels last and to values in [0, 1].

    Parameters
    ----------
    X : ndarray of shape (n, height, width), (n, height, width, channels) or (n, channels, height, width)
        Arrays with negative values, or with values above 1 that are neither whole numbers nor near 255, are taken for
        measurements and not scaled. A single channel is dropped.
    scale : bool, default=True
        Whether values are scaled.

    Returns
    -------
    X : ndarray of shape (n, height, width[, channels])
    level : float or None
        Value that became 1. None if the array was not scaled.
    notes : list of str
        Sentences on what was changed.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data._image_arrays import read_pixels
    >>> X, level, notes = read_pixels(np.full((2, 1, 8, 8), 51, dtype=np.uint8))
    >>> X.shape, float(X.max()), level
    ((2, 8, 8), 0.2, 255.0)
    """
    X, moved = channels_last(X)
    notes = [f"The {_channels(X)} stood before height and width; moved behind them."] if moved else []
    X = X[..., 0] if X.ndim == 4 and X.shape[3] == 1 else X
    level = _scale(X) if scale else None
    if level is not None and level != 1.0:
        notes.append(f"Pixels from 0 to {level:,.0f} were scaled to [0, 1].")
        X = X / level
    return X, level, notes


def read_pixel_pair(
    X: NDArray[Any], X_target: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], float | None, list[str]]:
    """Bring the images of both sides to channels last, to values in [0, 1], and to colour if one side has colour.

    Parameters
    ----------
    X, X_target : ndarray
        As in :func:`read_pixels`.

    Returns
    -------
    X, X_target : ndarray of shape (n, height, width[, channels])
    level : float or None
        Value of the target that became 1. None if the arrays were not scaled.
    notes : list of str
        Sentences on what was changed.

    Raises
    ------
    InputError
        If one side holds bytes and the other side standardised values.
    """
    A, of_source, said = read_pixels(X)
    B, level, more = read_pixels(X_target)
    if (of_source is None) != (level is None):
        if 255.0 in (of_source, level):
            raise InputError(
                "one side holds pixels from 0 to 255, the other values of another scale; bring both to the same scale."
            )
        (A, _, said), (B, level, more) = read_pixels(X, scale=False), read_pixels(X_target, scale=False)
    notes = [f"{s[:-1]} (source)." for s in said] + [f"{s[:-1]} (target)." for s in more]
    if A.ndim + B.ndim == 7 and A.shape[1:3] == B.shape[1:3] and 3 in (A.shape[-1], B.shape[-1]):
        side = "source" if A.ndim == 3 else "target"  # the other one has three channels
        A, B = (np.repeat(s[..., None], 3, axis=3) if s.ndim == 3 else s for s in (A, B))
        notes.append(f"The images of the {side} are grey; read in colour like the others.")
    return A, B, level, notes


def _scale(X: NDArray[Any]) -> float | None:
    """The value that becomes 1; None where the array may be no pixels."""
    level = pixel_level(X)
    if level is None or level == 1.0 or X.dtype == np.uint8:
        return level
    top = float(X.max())
    whole = X.dtype.kind in "ui" or bool((X == np.round(X)).all())
    return level if level in LEVELS and (top > level / 4 if whole else level == 255.0 and top > 200) else None


def _channels(X: NDArray[Any]) -> str:
    return "channel" if X.shape[3] == 1 else f"{X.shape[3]} channels"


def match_pixels(X: NDArray[Any], level: float, name: str = "X") -> tuple[NDArray[Any], str | None]:
    """Bring images to the scale that was learned from, where theirs differs.

    Parameters
    ----------
    X : ndarray
        Images.
    level : float
        Brightest value of the images that were learned from, as :func:`pixel_level` returns it; for values of either
        sign, minus the largest absolute value.
    name : str, default="X"
        Name of the argument in messages.

    Returns
    -------
    X : ndarray
    note : str or None
        What was changed or looks wrong, in one sentence.

    Raises
    ------
    InputError
        If the images have another scale and it is unclear which.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.data._image_arrays import match_pixels
    >>> match_pixels(np.array([[0.0, 0.2]]), 255.0)
    (array([[ 0., 51.]]), 'X has pixels from 0 to 1 where 0 to 255 were learned from; multiplied by 255.')
    """
    if X.size == 0 or X.dtype.kind not in "buif":
        return X, None
    top, least = float(X.max()), float(X.min())
    own = pixel_level(X)
    if level < 0 and top <= -8 * level:
        return X, None
    if top > TOLERANCE * level:
        if own in (255.0, 65535.0) and level in (1.0, 255.0):
            return X * (level / own), (
                f"{name} has pixels from 0 to {own:.0f} where 0 to {level:.0f} were learned from; divided by "
                f"{own / level:.0f}."
            )
        if least < 0 and top <= 8 * level:
            return X, None
        raise InputError(
            f"{name} has values up to {top:.4g}, but the images that were learned from at most {abs(level):.4g}; bring "
            "them to the same scale."
        )
    if own is None or top <= 0 or top > level * DARK or bool(X.dtype.kind in "uib" and top == 0):
        return X, None
    if X.dtype == np.uint8 and level == 65535.0:
        return X * 257.0, f"{name} has bytes where pixels from 0 to 65535 were learned from; multiplied by 257."
    if top <= 1 and X.dtype.kind == "f" and bool((X != np.round(X)).any()):
        return X * level, (
            f"{name} has pixels from 0 to 1 where 0 to {level:.0f} were learned from; multiplied by {level:.0f}."
        )
    if (top <= level * DARK and X.dtype != np.uint8) or top <= 1:
        return X, (
            f"{name} has pixels of at most {top:.4g} where up to {level:.0f} were learned from; if these are not "
            "nearly black images, bring them to the same scale."
        )
    return X, None
