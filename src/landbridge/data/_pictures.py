"""Pictures of any mode as 8-bit colours: upright, on a ground, and with the full range of their values."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["to_colours"]

# Brightest values that pixels of more than eight bits are stored with: shares, bytes, two bytes, four bytes.
BRIGHTEST = (1.0, 255.0, 65535.0, 4294967295.0)
# A drawing that is brighter than this on average is put on black, any other on white.
BRIGHT = 200


def to_colours(image: Any) -> Any:
    """Convert a picture to 8-bit RGB.

    A mark for its orientation (EXIF) is applied. Pixels of 16 or 32 bits and floating-point numbers are scaled by the
    brightest value that such files are stored with, the same for all pictures of one kind. A transparent ground becomes
    white, or black where the drawing itself is nearly white.

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
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image), image.mode)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        colours, alpha = image.convert("RGB"), image.getchannel("A")
        seen = np.asarray(alpha) > 0
        drawn = np.asarray(colours.convert("L"))[seen]
        bright = drawn.size > 0 and not seen.all() and float(drawn.mean()) > BRIGHT
        ground = Image.new("RGB", image.size, (0, 0, 0) if bright else (255, 255, 255))
        ground.paste(colours, mask=alpha)
        return ground
    return image.convert("RGB")


def _eight_bits(values: Any, mode: str) -> Any:
    """Scale pixels by the brightest value of their kind."""
    largest = float(np.max(values)) if np.size(values) else 0.0
    least = 65535.0 if mode.startswith("I;16") else 1.0
    brightest = next((b for b in BRIGHTEST if b >= max(largest, least)), max(largest, least))
    return np.clip(np.round(np.asarray(values, dtype=float) / brightest * 255.0), 0, 255).astype(np.uint8)
