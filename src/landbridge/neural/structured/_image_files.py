"""Images and masks as files: folders read, predicted masks written, pictures for a report."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._folders import is_system_file
from landbridge.data._images import IMAGES
from landbridge.data._pictures import open_picture, printable
from landbridge.exceptions import InputError, LabelError, ReadError
from landbridge.neural.structured._mask_pairs import pair_masks
from landbridge.neural.structured._masks import (
    palette,
    read_mask,
    read_mask_classes,
    read_masked_image,
    write_mask,
    write_overlay,
)

__all__ = [
    "check_images",
    "image_pixels",
    "image_size",
    "image_uri",
    "mask_thumbnails",
    "read_mask_folder",
    "read_written_masks",
    "resized_mask",
    "write_masks",
]

# What names the classes of a folder of masks.
CLASSES = "classes.json"
# Longest edge of pictures in a report.
THUMBNAIL = 160


def check_images(X: Any, y: Any = None, name: str = "X") -> tuple[list[Any], list[Any] | None]:
    """Check images and masks.

    Parameters
    ----------
    X : sequence of path-like or array
    y : sequence of path-like, array or None, optional
    name : str, default="X"
        How messages call the images.

    Returns
    -------
    X : list of str or array
    y : list of ndarray of uint8 or None, or None

    Raises
    ------
    InputError, LabelError
        If numbers or sizes do not fit.
    """
    rows = [str(x) if isinstance(x, Path) else x for x in _listed(X, name)]
    for i, x in enumerate(rows):
        if not isinstance(x, str) and (np.ndim(x) not in (2, 3) or np.asarray(x).dtype != np.uint8):
            raise InputError(
                f"{name}[{i}] is no image; give the path of a file, or bytes of the shape (height, width, 3)."
            )
    if y is None:
        return rows, None
    of_labels = name.replace("X", "y", 1)
    if len(y) != len(rows):
        raise LabelError(f"{of_labels} has {len(y)} masks but {name} has {len(rows)} images; give one per image.")
    masks: list[Any] = []
    for i, mask in enumerate(y):
        if mask is None:
            masks.append(None)
            continue
        held = read_mask(mask) if isinstance(mask, str | Path) else np.asarray(mask)
        if held.ndim != 2 or held.dtype.kind not in "iu" or held.size == 0 or held.min() < 0 or held.max() > 255:
            raise LabelError(f"{of_labels}[{i}] is no mask; give class numbers of the shape (height, width).")
        if not isinstance(rows[i], str) and held.shape != np.shape(rows[i])[:2]:
            raise LabelError(
                f"{of_labels}[{i}] has the shape {held.shape} and its image {np.shape(rows[i])[:2]}; give one size."
            )
        masks.append(held.astype(np.uint8))
    return rows, masks


def read_mask_folder(path: str | Path) -> tuple[list[str], list[Any] | None, dict[str, Any]]:
    """Read a folder of images, and the masks that are beside them.

    Parameters
    ----------
    path : path-like
        A folder as :func:`pair_masks` takes it, in which masks may be missing, or an image file. A file
        ``classes.json`` names the classes and says how masks store them.

    Returns
    -------
    images : list of str
    masks : list of ndarray or None, or None
        None without any mask.
    held : dict
        ``"images"``, and ``"classes"`` or None.

    Raises
    ------
    ReadError
        If there is no image, or a mask cannot be read.
    """
    place = Path(path)
    known = read_mask_classes(place / CLASSES) if (place / CLASSES).is_file() else None
    names = None if known is None else list(known.names)
    if place.is_file():
        return [str(place)], None, {"images": [str(place)], "classes": None}
    if not (found := _images(place)):
        raise ReadError(f"{printable(place)} holds no images; give a folder with files such as png or jpg.")
    if not _has_masks(place):
        return found, None, {"images": found, "classes": names}
    pairs = pair_masks(place)
    images = [str(p) for p in (*pairs.images, *pairs.unpaired)]
    masks = [read_masked_image(i, m, known)[1] for i, m in zip(pairs.images, pairs.masks, strict=True)]
    return images, [*masks, *[None] * len(pairs.unpaired)], {"images": images, "classes": names}


def write_masks(path: str | Path, ids: Sequence[Any], predictions: Sequence[Any]) -> Path:
    """Write masks as png files with a palette, and overlays of those whose images are files.

    Parameters
    ----------
    path : path-like
        A folder, which is made if need be.
    ids : sequence
        Paths of the images, or names.
    predictions : sequence of ndarray of shape (height, width)

    Returns
    -------
    Path
    """
    root = Path(path)
    (root / "masks").mkdir(parents=True, exist_ok=True)
    for name, place, mask in zip(_names(ids), ids, predictions, strict=True):
        write_mask(root / "masks" / f"{name}.png", mask)
        if isinstance(place, str | Path) and Path(place).is_file():
            (root / "overlays").mkdir(exist_ok=True)
            write_overlay(root / "overlays" / f"{name}.png", image_pixels(str(place), *np.shape(mask)), mask)
    return root


def read_written_masks(path: str | Path) -> tuple[list[str], list[Any]]:
    """Read masks that :func:`write_masks` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ids : list of str
        Names of the files.
    masks : list of ndarray
    """
    files = sorted((Path(path) / "masks").glob("*.png"))
    if not files:
        raise ReadError(f"{path} holds no predicted masks; give a folder that write() wrote.")
    return [f.stem for f in files], [read_mask(f) for f in files]


def resized_mask(mask: Any, size: Sequence[int]) -> NDArray[np.uint8]:
    """Resize a mask without interpolation.

    Parameters
    ----------
    mask : ndarray of shape (height, width)
    size : sequence of int
        Height and width.

    Returns
    -------
    ndarray of uint8
    """
    from PIL import Image

    held = np.asarray(mask, dtype=np.uint8)
    if held.shape == tuple(size):
        return held
    return np.array(Image.fromarray(held).resize((int(size[1]), int(size[0])), Image.Resampling.NEAREST))


def image_size(x: Any) -> tuple[int, int]:
    """Return height and width of an image.

    Parameters
    ----------
    x : str or ndarray

    Returns
    -------
    tuple of int
    """
    return open_picture(x).size if isinstance(x, str) else (int(np.shape(x)[0]), int(np.shape(x)[1]))


def image_pixels(x: Any, height: int, width: int) -> NDArray[np.uint8]:
    """Read an image at a size.

    Parameters
    ----------
    x : str or ndarray
    height, width : int

    Returns
    -------
    ndarray of uint8, shape (height, width, n_channels)
    """
    from PIL import Image

    if not isinstance(x, str) and np.shape(x)[:2] == (height, width):
        held = np.asarray(x, dtype=np.uint8)
    else:
        image = open_picture(x).colours() if isinstance(x, str) else Image.fromarray(np.asarray(x, dtype=np.uint8))
        held = np.array(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)
    return held[..., None] if held.ndim == 2 else held


def mask_thumbnails(image: Any, mask: Any, prediction: Any) -> dict[str, str]:
    """Draw an image, its mask and a predicted mask small.

    Parameters
    ----------
    image : str or ndarray
    mask : ndarray or None
    prediction : ndarray

    Returns
    -------
    dict of str to str
        Data URIs.
    """
    height, width = image_size(image)
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    found = {"picture": image_uri(image_pixels(image, *size), "JPEG")}
    for name, held in (("label", mask), ("prediction", prediction)):
        if held is not None:
            found[name] = image_uri(resized_mask(np.asarray(held), size), "PNG")
    return found


def image_uri(pixels: Any, kind: str) -> str:
    """Return an image as a data URI.

    Parameters
    ----------
    pixels : ndarray of uint8
        An image, or a mask, which gets a palette.
    kind : {"JPEG", "PNG"}
        Of images and of masks.

    Returns
    -------
    str
    """
    from PIL import Image

    held = np.asarray(pixels)
    image = Image.fromarray(held[..., 0] if held.ndim == 3 and held.shape[2] == 1 else held)
    if kind == "PNG":
        image.putpalette(palette().tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format=kind, quality=80)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode()


def _images(folder: Path) -> list[str]:
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix.lower() in IMAGES)
    return [str(p) for p in found if not any(is_system_file(part) for part in p.relative_to(folder).parts)]


def _has_masks(folder: Path) -> bool:
    """Whether masks are beside the images; a folder of images only has none."""
    try:
        pair_masks(folder)
    except ReadError as error:
        if "no masks" in str(error):
            return False
        raise
    return True


def _names(ids: Sequence[Any]) -> list[str]:
    """A file name for each image; several of one name get that of their folder too."""
    stems = [Path(str(i)).stem for i in ids]
    seen = Counter(stems)
    twice = [f"{Path(str(i)).parent.name}_{s}" if seen[s] > 1 else s for i, s in zip(ids, stems, strict=True)]
    seen = Counter(twice)
    return [f"{s}_{k}" if seen[s] > 1 else s for k, s in enumerate(twice)]


def _listed(X: Any, name: str) -> list[Any]:
    if X is None or isinstance(X, str) or not hasattr(X, "__len__") or len(X) == 0:
        raise InputError(f"{name} has no images; give a list of at least one.")
    return list(X)
