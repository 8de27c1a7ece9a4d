"""The one reader of image files: pixels of any mode as 8-bit colours, with the facts on how they were read."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.exceptions import ReadError

__all__ = [
    "Picture",
    "Span",
    "UnreadablePicture",
    "common_spans",
    "explain_pictures",
    "image_formats",
    "open_picture",
    "printable",
    "to_colours",
    "usual_span",
]

# Darkest and brightest value of pixels of more than eight bits.
Span = tuple[float, float]
# Brightest values that such pixels are stored with: shares, bytes, 12 bits, two bytes, four bytes.
INTEGERS = (1.0, 255.0, 4095.0, 65535.0, 4294967295.0)
FLOATS = (1.0, 255.0, 65535.0)
# A drawing that is brighter than this on average is drawn on black, any other on white.
BRIGHT = 200
# Formats of pixels only: no drawing programs, which other software would have to run.
FORMATS = "PNG JPEG MPO GIF BMP DIB TIFF WEBP PPM JPEG2000 AVIF HEIF TGA ICO PCX SGI".split()
ORIENTATION = 0x0112

# What differs from plain 8-bit colours or greys, and how it was read; each with a count before it.
SENTENCES = {
    "integer": "{has} pixels of more than 8 bits; values from {low:,.0f} to {high:,.0f} were scaled to [0, 1].",
    "float": "{has} floating-point pixels; values from {low:,.6g} to {high:,.6g} were scaled to [0, 1].",
    "gap": "{has} pixels that are NaN or infinite; read as the darkest value.",
    "on white": "{has} a transparent ground; drawn on white.",
    "on black": "{has} a transparent ground and a bright drawing; drawn on black.",
    "turned": "{has} an EXIF orientation; turned upright.",
    "frames": "{has} several frames or pages; only the first was read.",
    "one bit": "{has} 1 bit per pixel; read as black and white.",
    "CMYK": "{has} CMYK colours; converted to RGB.",
    "LAB": "{has} CIELAB colours; converted to RGB.",
    "HSV": "{has} HSV colours; converted to RGB.",
}


class UnreadablePicture(ReadError):
    """An image file cannot be read.

    Parameters
    ----------
    name : str
        Of the file.
    why : str
        The reason, without a full stop.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"{name} is no image that can be read: {why}; repair it or remove it, or skip such files (--skip-corrupt)."
        )
        self.name, self.why = name, why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.why)


@dataclass(frozen=True)
class Picture:
    """An image file that was read.

    Parameters
    ----------
    image : PIL.Image.Image
        Upright, of the mode ``"RGB"``, or ``"F"`` with the stored values where they have more than eight bits.
    size : (int, int)
        Height and width of the file's image.
    depth : {"", "integer", "float"}, default=""
        What pixels of more than eight bits are.
    span : (float, float), default=(0, 255)
        Least and largest stored value.
    facts : frozenset of str
        What differs from plain 8-bit colours or greys.
    wide : bool, default=False
        Whether the file states 16 bits.
    """

    image: Any
    size: tuple[int, int]
    depth: str = ""
    span: Span = (0.0, 255.0)
    facts: frozenset[str] = field(default_factory=frozenset)
    wide: bool = False

    def resized(self, size: tuple[int, int], resample: int = 2) -> Picture:
        """Return the picture at another size, stretched.

        Parameters
        ----------
        size : (int, int)
            Height and width.
        resample : int, default=2
            Pillow's filter.

        Returns
        -------
        Picture
        """
        return replace(self, image=self.image.resize((size[1], size[0]), resample))

    def colours(self, spans: Mapping[str, Sequence[float]] | None = None) -> Any:
        """Return the picture in 8-bit colours.

        Parameters
        ----------
        spans : mapping of str to (float, float), default=None
            Darkest and brightest value by `depth`, common to a set of pictures. If None, those that files of this kind
            are usually stored with.

        Returns
        -------
        PIL.Image.Image
            Of the mode ``"RGB"``.
        """
        if not self.depth:
            return self.image
        from PIL import Image

        if spans is not None and self.depth in spans:
            low, high = (float(v) for v in spans[self.depth])
        elif self.wide:
            low, high = 0.0, 65535.0
        else:
            low, high = usual_span(self.depth, *self.span)
        shares = (np.asarray(self.image, dtype=float) - low) / (high - low if high > low else 1.0)
        return Image.fromarray(np.clip(np.round(shares * 255.0), 0, 255).astype(np.uint8)).convert("RGB")


def usual_span(depth: str, low: float, high: float) -> Span:
    """Return the range that pixels are stored in: the usual one that no pixel exceeds, or their own.

    Parameters
    ----------
    depth : {"integer", "float"}
    low, high : float
        Least and largest stored value.

    Returns
    -------
    (float, float)

    Examples
    --------
    >>> from landbridge.data._pictures import usual_span
    >>> usual_span("integer", 120, 3900), usual_span("float", -1000, 2500.5)
    ((0.0, 4095.0), (-1000.0, 2500.5))
    """
    if low < 0:
        return float(low), float(high)
    usual = INTEGERS if depth == "integer" else FLOATS
    return 0.0, float(next((b for b in usual if b >= high), high))


def common_spans(pictures: Sequence[Picture]) -> dict[str, Span]:
    """Return the ranges of pixels of more than eight bits that suit all pictures of a set.

    Parameters
    ----------
    pictures : sequence of Picture

    Returns
    -------
    dict of str to (float, float)
        By depth.
    """
    spans = {}
    for depth in sorted({p.depth for p in pictures} - {""}):
        held = [p.span for p in pictures if p.depth == depth]
        spans[depth] = usual_span(depth, min(s[0] for s in held), max(s[1] for s in held))
    return spans


def explain_pictures(
    pictures: Sequence[Picture], spans: Mapping[str, Sequence[float]] | None = None, what: str = "images"
) -> list[str]:
    """Say what differs from plain 8-bit pictures, and how it was read.

    Parameters
    ----------
    pictures : sequence of Picture
    spans : mapping of str to (float, float), default=None
        By depth; if None, those of these pictures.
    what : str, default="images"
        How sentences call them.

    Returns
    -------
    list of str
        Sentences with counts.
    """
    held = common_spans(pictures) if spans is None else spans
    said = []
    for fact, sentence in SENTENCES.items():
        if n := sum(fact in p.facts for p in pictures):
            low, high = held.get(fact, (0.0, 1.0))
            said.append(f"{n:,} of {len(pictures):,} {what} " + sentence.format(has=_has(n), low=low, high=high))
    for depth, span in held.items():
        if n := sum(p.depth == depth and (p.span[0] < span[0] or p.span[1] > span[1]) for p in pictures):
            said.append(
                f"{n:,} of {len(pictures):,} {what} {_has(n)} pixels outside the range from {span[0]:,.6g} to "
                f"{span[1]:,.6g} of the images that were learned from; cut off there."
            )
    return said


def open_picture(path: str | Path, longest: int | None = None) -> Picture:
    """Read an image file, whatever its name ends in.

    Parameters
    ----------
    path : path-like
    longest : int, default=None
        The longer side of the size that is needed. Large JPEG files are then decoded at about twice this size, which is
        faster. If None, at full size.

    Returns
    -------
    Picture

    Raises
    ------
    ReadError
        If it cannot be read; one line that names the file.
    """
    from PIL import Image

    name = printable(path)
    try:
        if os.path.getsize(path) == 0:
            raise UnreadablePicture(name, "the file is empty")
        with Image.open(path, formats=image_formats()) as image:
            height, width = image.size[::-1]
            if longest is not None:
                image.draft(None, (2 * longest, 2 * longest))
            image.load()
            return replace(_decoded(image), size=(height, width))
    except ReadError:
        raise
    except Image.DecompressionBombError as error:
        raise ReadError(f"{name} is too large an image to be read; reduce its size.") from error
    except FileNotFoundError as error:
        raise UnreadablePicture(name, "there is no such file") from error
    except Exception as error:  # decoders raise errors of many types for damaged files
        raise UnreadablePicture(name, _reason(error)) from error


def to_colours(image: Any) -> Any:
    """Convert a picture to 8-bit RGB.

    A mark for its orientation (EXIF) is applied. Pixels of 16 or 32 bits and floating-point numbers are scaled by the
    brightest value that such files are stored with. A transparent ground becomes white, or black where the drawing
    itself is nearly white.

    Parameters
    ----------
    image : PIL.Image.Image
        As opened.

    Returns
    -------
    PIL.Image.Image
        Of the mode ``"RGB"``.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> from landbridge.data._pictures import to_colours
    >>> ramp = Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.uint16))
    >>> np.asarray(to_colours(ramp))[0, :, 0].tolist()
    [0, 128, 255]
    """
    return _decoded(image).colours()


def printable(path: str | Path) -> str:
    """Return a path as one line of text that every file and screen takes.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    str
        Control characters and bytes that are no text are written as escapes.

    Examples
    --------
    >>> from landbridge.data._pictures import printable
    >>> print(printable("two\\nlines.png"))
    two\\nlines.png
    """
    text = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@functools.cache
def image_formats() -> list[str]:
    """Return the image formats that are read, as Pillow names them.

    Returns
    -------
    list of str
    """
    from PIL import Image

    Image.init()
    return [f for f in FORMATS if f in Image.OPEN]


def _decoded(image: Any) -> Picture:
    """Turn upright, and convert to RGB or to stored values."""
    facts = set()
    if getattr(image, "format", None) != "MPO" and _has_frames(image):
        facts.add("frames")
    image, turned = _upright(image)
    if turned:
        facts.add("turned")
    size = image.size[::-1]
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        known = np.isfinite(values)
        low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
        depth = "float" if values.dtype.kind == "f" else "integer"
        facts |= {depth} if known.all() else {depth, "gap"}
        wide = image.mode.startswith("I;16") and low >= 0
        stored = _stored(np.where(known, values, low))
        return Picture(stored, size, depth, (low, high), frozenset(facts), wide)
    facts |= {"one bit"} if image.mode == "1" else {image.mode} & {"CMYK", "LAB", "HSV"}
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in getattr(image, "info", {}):
        image, ground = _on_ground(image.convert("RGBA"))
        facts |= {ground} - {""}
    elif image.mode == "LAB":
        image = _from_lab(image)
    return Picture(image.convert("RGB"), size, facts=frozenset(facts))


def _has_frames(image: Any) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # later frames may be damaged, which does not matter for the first
        return True


def _upright(image: Any) -> tuple[Any, bool]:
    from PIL import ImageOps

    try:
        turned = image.getexif().get(ORIENTATION, 1) in range(2, 9)
        return (ImageOps.exif_transpose(image), True) if turned else (image, False)
    except Exception:  # damaged EXIF data: the pixels are readable all the same
        return image, False


def _stored(values: Any) -> Any:
    from PIL import Image

    return Image.fromarray(np.asarray(values, dtype=np.float32))


def _on_ground(image: Any) -> tuple[Any, str]:
    """Draw a picture with transparency on white, or on black where the drawing is bright."""
    from PIL import Image

    colours, alpha = image.convert("RGB"), image.getchannel("A")
    seen = np.asarray(alpha)
    if (seen == 255).all():
        return colours, ""
    drawn = np.asarray(colours.convert("L"))[seen > 0]
    bright = drawn.size > 0 and not (seen > 0).all() and float(drawn.mean()) > BRIGHT
    ground = Image.new("RGB", image.size, (0, 0, 0) if bright else (255, 255, 255))
    ground.paste(colours, mask=alpha)
    return ground, "on black" if bright else "on white"


def _from_lab(image: Any) -> Any:
    from PIL import ImageCms

    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, *profiles, outputMode="RGB")


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "its content is of no known image format"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    text = str(error).strip()
    return printable(text.splitlines()[0].rstrip(".")) if text else type(error).__name__


def _has(n: int) -> str:
    return "has" if n == 1 else "have"
