"""Folders of images: files, classes and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._pictures import to_colours
from landbridge.exceptions import ReadError

__all__ = ["IMAGES", "list_images", "read_images"]

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def list_images(folder: Path) -> tuple[list[Path], NDArray[Any] | None]:
    """List the images of a folder: one subfolder for each class, or unlabelled images without subfolders.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    files : list of Path
        Image files, sorted.
    y : ndarray of str or None
        Names of the subfolders.

    Raises
    ------
    ReadError
        If there are no images, a class folder is empty, a link leads out of the folder, or images are outside the class
        folders.
    """
    root = folder.resolve()
    # Names that start with a dot are files of the system, such as ._0001.jpg of macOS.
    seen = [p for p in folder.rglob("*") if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    for link in seen:
        if link.is_symlink() and root not in link.resolve().parents:
            raise ReadError(f"{link} is a link that leads out of {folder}; copy the images into the folder.")
    files = sorted(p for p in seen if p.suffix.lower() in IMAGES and p.is_file())
    if not files:
        raise ReadError(
            f"{folder} holds no images; put them into one subfolder for each class, or all into the folder."
        )
    classes = [f.relative_to(folder).parts[0] if len(f.relative_to(folder).parts) > 1 else None for f in files]
    if all(c is None for c in classes):
        return files, None
    if None in classes:
        raise ReadError(
            f"{folder} has images beside its class folders ({files[classes.index(None)].relative_to(folder)}); move "
            "them into a class folder or remove them."
        )
    if empty := sorted({p.name for p in seen if p.is_dir() and p.parent == folder} - set(classes)):
        raise ReadError(f"{folder / empty[0]} holds no images; put the class's images into it, or remove the folder.")
    return files, np.array(classes)


def read_images(
    folder: Path, size: Sequence[int] | None, mode: str | None = None
) -> tuple[NDArray[np.float64], NDArray[Any] | None, list[str], tuple[int, ...], str]:
    """Read a folder of images: one subfolder for each class, or unlabelled images without subfolders.

    Parameters
    ----------
    folder : Path
        The folder.
    size : (height, width) or None
        Common size of the images. If None, 32 x 32.
    mode : {"L", "RGB"}, default=None
        Grey or colour. If None, colour if any image has colour.

    Returns
    -------
    X : ndarray of shape (n_samples, height * width * n_channels)
        Pixels in [0, 1].
    y : ndarray of str or None
        Class labels.
    names : list of str
        Path of each image in the folder.
    shape : tuple of int
        Shape of one image.
    mode : str
        Grey or colour.
    """
    from PIL import Image, UnidentifiedImageError

    height, width = (32, 32) if size is None else (int(size[0]), int(size[1]))
    files, y = list_images(folder)
    pictures = []
    for file in files:
        try:
            with Image.open(file) as image:
                image.load()
                pictures.append(to_colours(image).resize((width, height), Image.Resampling.BILINEAR))
        except Image.DecompressionBombError as error:
            raise ReadError(f"{file} is too large an image to be read; reduce its size.") from error
        except (UnidentifiedImageError, OSError, ValueError) as error:
            raise ReadError(f"{file} is no image that can be read; repair it or remove it from the folder.") from error
    colours = np.stack([np.asarray(p, dtype=np.uint8) for p in pictures])
    if mode is None:
        grey = (colours[..., :1].astype(int) - colours).any()
        mode = "RGB" if grey else "L"
    if mode == "L":
        pixels = np.stack([np.asarray(p.convert("L"), dtype=np.uint8) for p in pictures])
        shape: tuple[int, ...] = (height, width)
    else:
        pixels, shape = colours, (height, width, 3)
    names = [str(f.relative_to(folder)) for f in files]
    return pixels.reshape(len(files), -1) / 255.0, y, names, shape, mode
