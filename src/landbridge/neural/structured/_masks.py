"""Masks of classes: read from png files by number, palette or colour, and written."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landbridge._checks import shown
from landbridge.data._pictures import image_formats, open_picture, printable
from landbridge.data._writing import write_file
from landbridge.data.formats._text import decode
from landbridge.exceptions import InputError, ReadError

__all__ = [
    "UNCLASSED",
    "MaskClasses",
    "overlay",
    "palette",
    "read_mask",
    "read_mask_classes",
    "read_masked_image",
    "write_mask",
    "write_overlay",
]

# Number of pixels that have no class and do not count.
UNCLASSED = 255
FORMS = (
    'a list of names, or an object such as {"sky": 0}, {"0": "sky"}, {"sky": [128, 128, 128]}, {"#808080": "sky"}, or '
    '{"classes": one of these, "ignore": [11]}'
)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class MaskClasses:
    """Classes of masks, and how files store them.

    Parameters
    ----------
    names : tuple of str
        By class number.
    numbers : dict of int to int
        Class number, or 255 for none, of each stored number; empty if masks are stored by colour.
    colours : dict of (int, int, int) to int
        Class number, or 255 for none, of each colour; empty if masks are stored by number.

    Examples
    --------
    >>> from landbridge.neural.structured import MaskClasses
    >>> MaskClasses.of({"classes": ["sky", "void", "road"], "ignore": "void"})
    MaskClasses(names=('sky', 'road'), numbers={0: 0, 1: 255, 2: 1}, colours={})
    >>> MaskClasses.of({"sky": "#808080", "road": [128, 64, 128]}).colours
    {(128, 128, 128): 0, (128, 64, 128): 1}
    """

    names: tuple[str, ...]
    numbers: dict[int, int] = field(default_factory=dict)
    colours: dict[Colour, int] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Any) -> MaskClasses:
        """Make the classes from plain data, as a JSON file holds it.

        Parameters
        ----------
        held : list or dict
            Names by number; or numbers, names or colours of one another: ``{"sky": 0}``, ``{"0": "sky"}``,
            ``{"sky": [128, 128, 128]}``, ``{"#808080": "sky"}``, ``{"#808080": 0}``. Or
            ``{"classes": ..., "ignore": ...}``, where the second names or numbers the classes that do not count.

        Returns
        -------
        MaskClasses
            Numbers of classes are consecutive, in the order of the stored numbers or of the colours.

        Raises
        ------
        InputError
            If the classes cannot be understood.
        """
        ignored: set[Any] = set()
        if isinstance(held, Mapping) and "classes" in held:
            given = held.get("ignore", [])
            one = not isinstance(given, list | tuple) or _colour(given) is not None
            ignored = {_colour(i) or (i if isinstance(i, int) else str(i)) for i in ([given] if one else given)}
            held = held["classes"]
        entries = _entries(held)
        classes: dict[Any, int] = {}
        names: list[str] = []
        numbers: dict[int, int] = {}
        colours: dict[Colour, int] = {}
        for identity, name, stored in entries:
            if {identity, name, stored} & ignored or UNCLASSED in (identity, stored):
                number = UNCLASSED
            elif identity in classes:
                number = classes[identity]
            else:
                number = classes[identity] = len(names)
                names.append(name)
            if isinstance(stored, tuple):
                colours[stored] = number
            else:
                numbers[stored] = number
        if not 0 < len(names) <= UNCLASSED:
            raise InputError(f"classes holds {len(names)} classes that count; give 1 to {UNCLASSED}.")
        return cls(tuple(names), numbers, colours)


def read_mask_classes(path: str | Path) -> MaskClasses:
    """Read the classes of masks from a JSON file.

    Parameters
    ----------
    path : path-like
        See :meth:`MaskClasses.of` for what it may hold.

    Returns
    -------
    MaskClasses

    Raises
    ------
    ReadError
        If it cannot be read or understood.
    """
    place = Path(path)
    try:
        held = json.loads(decode(place.read_bytes(), place, None)[0])
        return MaskClasses.of(held)
    except OSError as error:
        raise ReadError(f"{printable(place)} cannot be read: {error.strerror or error}; give a JSON file.") from error
    except InputError as error:
        raise ReadError(f"{printable(place)}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{printable(place)} is no JSON; write {FORMS}.") from error


def read_mask(path: str | Path, classes: MaskClasses | None = None) -> NDArray[np.uint8]:
    """Read a mask.

    Parameters
    ----------
    path : path-like
        An image of a format without loss, such as png: of one channel, with a palette, or coloured.
    classes : MaskClasses, optional
        How the file stores them. If None, the numbers of one channel or of the palette are the classes.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Class numbers; 255 for pixels without class.

    Raises
    ------
    ReadError
        If it cannot be read, or holds a number or colour that is no class.

    Notes
    -----
    Linear in the number of pixels, times the number of colours where masks are stored by colour.
    """
    image, name = _opened(path), printable(path)
    if classes is not None and classes.colours:
        return _by_colour(image, classes.colours, name)
    if image.mode in ("P", "L", "1") or image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
    else:
        channels = np.asarray(image.convert("RGB"))
        if (channels != channels[..., :1]).any():
            raise ReadError(f"{name} is coloured; give classes with the colour of each class.")
        values = channels[..., 0].astype(np.int64)
    numbers = {i: i for i in range(UNCLASSED)} if classes is None else classes.numbers
    lookup = np.full(2**16, -1, dtype=np.int64)
    lookup[UNCLASSED] = UNCLASSED
    lookup[list(numbers)] = list(numbers.values())
    out = np.where((values < 0) | (values >= 2**16), -1, lookup[values.clip(0, 2**16 - 1)])
    if (out < 0).any():
        odd = values[out < 0]
        raise ReadError(
            f"{name} holds the number {odd[0]} ({(odd == odd[0]).sum():,} pixels), which is no class; add it to the "
            "classes, or to those that are ignored."
        )
    return out.astype(np.uint8)


def read_masked_image(
    image: str | Path, mask: str | Path, classes: MaskClasses | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read an image and its mask.

    Parameters
    ----------
    image, mask : path-like
    classes : MaskClasses, optional
        As in :func:`read_mask`.

    Returns
    -------
    image : ndarray of uint8, shape (height, width, 3)
    mask : ndarray of uint8, shape (height, width)

    Raises
    ------
    ReadError
        If a file cannot be read, or their sizes differ.
    """
    pixels = np.array(open_picture(image).colours(), dtype=np.uint8)
    held = read_mask(mask, classes)
    if pixels.shape[:2] != held.shape:
        raise ReadError(
            f"{printable(mask)} has {held.shape[0]} x {held.shape[1]} pixels but its image {printable(image)} has "
            f"{pixels.shape[0]} x {pixels.shape[1]}; resize one of them, masks without interpolation."
        )
    return pixels, held


def palette(n_colours: int = 256) -> NDArray[np.uint8]:
    """Return the usual colours of masks, those of the Pascal VOC data sets [1]_.

    Parameters
    ----------
    n_colours : int, default=256

    Returns
    -------
    ndarray of uint8, shape (n_colours, 3)
        Red, green and blue of each class number.

    References
    ----------
    .. [1] M. Everingham, S. M. A. Eslami, L. Van Gool, C. K. I. Williams, J. Winn, A. Zisserman. The Pascal visual
       object classes challenge: a retrospective. International Journal of Computer Vision 111, 2015.

    Examples
    --------
    >>> from landbridge.neural.structured import palette
    >>> palette(4).tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    numbers = np.arange(n_colours)[:, None, None]
    # Bit 3k of a number is the k-th highest bit of red, bit 3k + 1 that of green, bit 3k + 2 that of blue.
    channel, k = np.arange(3)[None, :, None], np.arange(8)[None, None, :]
    bits = (numbers >> (3 * k + channel)) & 1
    return (bits << (7 - k)).sum(2).astype(np.uint8)


def write_mask(path: str | Path, mask: ArrayLike, colours: ArrayLike | None = None) -> Path:
    """Write a mask as a png file with a palette: the numbers are kept, and programs show colours.

    Parameters
    ----------
    path : path-like
        Ends in ``.png``.
    mask : array-like of int, shape (height, width)
        Class numbers; 255 for pixels without class.
    colours : array-like of int, shape (n_colours, 3), optional
        Colour of each class number. If None, those of :func:`palette`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the mask is no array of class numbers, or the file is to be of another format.
    WriteError
        If it cannot be written.
    """
    from PIL import Image

    image = Image.fromarray(_numbers_of(mask))
    image.putpalette(_colours_of(colours).tobytes())
    return _write_png(path, image)


def overlay(
    image: ArrayLike, mask: ArrayLike, opacity: float = 0.5, colours: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """Draw a mask over its image.

    Parameters
    ----------
    image : array-like of uint8, shape (height, width) or (height, width, 3)
    mask : array-like of int, shape (height, width)
        Class numbers; pixels with 255 stay as they are.
    opacity : float, default=0.5
        Weight of the colours of the classes, between 0 and 1.
    colours : array-like of int, shape (n_colours, 3), optional
        Colour of each class number. If None, those of :func:`palette`.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    InputError
        If the sizes differ, or a value is not valid.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.neural.structured import overlay
    >>> overlay(np.full((1, 2), 100), [[1, 255]]).tolist()
    [[[114, 50, 50], [100, 100, 100]]]
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity must lie in [0, 1]; got {opacity}.")
    pixels, numbers = np.asarray(image), _numbers_of(mask)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape != (*numbers.shape, 3):
        raise InputError(
            f"image has the shape {np.shape(image)} and mask {numbers.shape}; give (height, width, 3) and "
            "(height, width) of the same size."
        )
    weight = np.where(numbers == UNCLASSED, 0.0, opacity)[..., None]
    drawn = _colours_of(colours)[numbers]
    return np.clip(np.round((1 - weight) * pixels + weight * drawn), 0, 255).astype(np.uint8)


def write_overlay(
    path: str | Path, image: ArrayLike, mask: ArrayLike, opacity: float = 0.5, colours: ArrayLike | None = None
) -> Path:
    """Write an image with its mask drawn over it, as a png file.

    Parameters
    ----------
    path : path-like
        Ends in ``.png``.
    image, mask, opacity, colours
        As in :func:`overlay`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the sizes differ, or a value is not valid.
    WriteError
        If it cannot be written.
    """
    from PIL import Image

    return _write_png(path, Image.fromarray(overlay(image, mask, opacity, colours)))


def _entries(held: Any) -> list[tuple[Any, str, Any]]:
    """Return what tells a class from others, its name, and a number or colour that stands for it, in order."""
    if isinstance(held, list | tuple) and held and all(isinstance(n, str) for n in held):
        if len(set(held)) < len(held):
            raise InputError("classes holds a name twice; give each class a name of its own.")
        return [(i, name, i) for i, name in enumerate(held)]
    if not isinstance(held, Mapping) or not held:
        raise InputError(f"classes={shown(held)} cannot be understood; give {FORMS}.")
    found: list[tuple[Any, str, Any]] = []
    for key, value in held.items():
        name, number = str(key), _number(value)
        if number is not None:
            found.append((number, name, number if (own := _colour(key)) is None else own))
        elif (own := _colour(value)) is not None:
            found.append((name, name, own))
        elif isinstance(value, str) and (own := _colour(key)) is not None:
            found.append((value, value, own))
        elif isinstance(value, str) and (number := _number(key)) is not None:
            found.append((number, value, number))
        else:
            raise InputError(f"classes: the entry {shown(key)}: {shown(value)} cannot be understood; give {FORMS}.")
    if len({type(stored) for *_, stored in found}) > 1:
        raise InputError(f"classes mixes numbers and colours; give {FORMS}.")
    stored_by = [stored for *_, stored in found]
    if len(set(stored_by)) < len(stored_by):
        twice = next(s for s in stored_by if stored_by.count(s) > 1)
        raise InputError(f"classes gives {twice} to two classes; give each class its own.")
    return sorted(found, key=lambda e: e[0]) if all(isinstance(e[0], int) for e in found) else found


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not (
        isinstance(value, int) or (isinstance(value, str) and value.strip().isdecimal())
    ):
        return None
    return int(value) if 0 <= int(value) < 2**16 else None


def _colour(value: Any) -> Colour | None:
    """Read a colour: three numbers, as a list or as text, or #rrggbb."""
    if isinstance(value, str):
        if re.fullmatch("#[0-9a-fA-F]{6}", value.strip()):
            return tuple(bytes.fromhex(value.strip()[1:]))  # type: ignore[return-value]
        parts: Any = re.findall(r"\d+", value) if re.fullmatch(r"\W*\d+\W+\d+\W+\d+\W*", value) else []
    else:
        parts = value if isinstance(value, list | tuple) else []
    numbers = [_number(p) for p in parts]
    if len(numbers) != 3 or any(n is None or n > 255 for n in numbers):
        return None
    return tuple(numbers)  # type: ignore[return-value]


def _opened(path: str | Path) -> Any:
    from PIL import Image

    try:
        with Image.open(path, formats=image_formats()) as image:
            image.load()
            kind = image.format
            held = image.copy()
    except Exception as error:  # decoders raise errors of many types for damaged files
        missing = isinstance(error, FileNotFoundError)
        why = "there is no such file" if missing else "it is damaged, or of no image format"
        raise ReadError(f"{printable(path)} is no mask that can be read: {why}; replace or remove it.") from error
    if kind in ("JPEG", "MPO"):
        raise ReadError(f"{printable(path)} is a JPEG file, which does not keep class numbers; save masks as png.")
    if held.mode == "F":
        raise ReadError(f"{printable(path)} holds floating-point numbers; save masks with whole numbers.")
    return held


def _by_colour(image: Any, colours: Mapping[Colour, int], name: str) -> NDArray[np.uint8]:
    rgba = np.asarray(image.convert("RGBA")).astype(np.int64)
    codes = (rgba[..., 0] << 16) | (rgba[..., 1] << 8) | rgba[..., 2]
    out = np.full(codes.shape, UNCLASSED, dtype=np.uint8)
    known = rgba[..., 3] == 0  # transparent: no class
    for (red, green, blue), number in colours.items():
        hit = codes == (red << 16 | green << 8 | blue)
        out[hit & ~known] = number
        known |= hit
    if not known.all():
        odd = codes[~known]
        raise ReadError(
            f"{name} holds the colour #{odd[0]:06x} ({(odd == odd[0]).sum():,} pixels), which is no class; add it to "
            "the classes, or to those that are ignored."
        )
    return out


def _numbers_of(mask: ArrayLike) -> NDArray[np.uint8]:
    numbers = np.asarray(mask)
    if numbers.ndim != 2 or numbers.size == 0 or numbers.dtype.kind not in "iub":
        raise InputError(
            f"mask must be an array of whole numbers of the shape (height, width); got {numbers.dtype} of the shape "
            f"{numbers.shape}."
        )
    if numbers.min() < 0 or numbers.max() > UNCLASSED:
        raise InputError(f"mask holds numbers from {numbers.min()} to {numbers.max()}; a png file holds 0 to 255.")
    return numbers.astype(np.uint8)


def _colours_of(colours: ArrayLike | None) -> NDArray[np.uint8]:
    """Return 256 colours, the given ones first."""
    held = palette()
    if colours is not None:
        given = np.asarray(colours)
        if given.ndim != 2 or given.shape[1] != 3 or len(given) > 256 or given.min() < 0 or given.max() > 255:
            raise InputError(f"colours must be at most 256 rows of three numbers up to 255; got shape {given.shape}.")
        held[: len(given)] = given
    return held


def _write_png(path: str | Path, image: Any) -> Path:
    if not str(path).lower().endswith(".png"):
        raise InputError(f"path={str(path)!r} must end in .png, which keeps every number.")
    out = io.BytesIO()
    image.save(out, format="PNG")
    return write_file(path, out.getvalue())
