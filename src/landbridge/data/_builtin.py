"""Built-in domains: parts of the data sets of scikit-learn, and digits rendered in the fonts of matplotlib."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from landbridge._random_state import check_random_state
from landbridge.domain import Domain
from landbridge.exceptions import InputError

__all__ = ["BUILTIN_PAIRS", "builtin_names", "load_builtin"]

BUILTIN_PAIRS = (
    ("printed", "handwritten"),
    ("tumours-small", "tumours-large"),
    ("patients-younger", "patients-older"),
)

# Text fonts; symbol fonts have no digits, or digits below the base line.
_FACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)


def load_builtin(name: str, *, random_state: Any = None) -> Domain:
    """Load a built-in domain; nothing is downloaded or cached.

    ``"printed"`` -> ``"handwritten"``
        Digits 0 to 9 as 8 x 8 grey images with pixels from 0 to 16. The 2,000 printed ones are rendered in the text
        fonts of matplotlib with random size, position, rotation and weight; the 1,797 handwritten ones are those of
        scikit-learn.
    ``"tumours-small"`` -> ``"tumours-large"``
        Breast cancer (Wisconsin), benign or malignant, split at the median tumour radius. There is label shift too.
    ``"patients-younger"`` -> ``"patients-older"``
        Diabetes progression after one year (regression), split at the median age.

    Parameters
    ----------
    name : str
        One of ``builtin_names()``.
    random_state : int, RandomState instance or None, default=None
        Generates another sample of ``"printed"``; the other domains are fixed. If None, the standard sample, which is
        that of ``random_state=0``.

    Returns
    -------
    Domain
        All samples are labelled.

    Raises
    ------
    InputError
        If there is no domain of this name.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> load_builtin("handwritten")
    Domain('handwritten', 1797 samples x 64 features, images, labelled)
    """
    if name not in _LOADERS:
        near = difflib.get_close_matches(str(name), _LOADERS, n=1)
        hint = f" did you mean {near[0]}?" if near else ""
        raise InputError(f"there is no built-in domain {name!r};{hint} choose from {', '.join(_LOADERS)}.")
    return _LOADERS[name](name, random_state)


def builtin_names() -> list[str]:
    """Return the names of the built-in domains.

    Returns
    -------
    list of str
        Names for ``load_builtin``.

    Examples
    --------
    >>> from landbridge.data import builtin_names
    >>> "printed" in builtin_names()
    True
    """
    return list(_LOADERS)


def _printed(name: str, random_state: Any) -> Domain:
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    faces = [str(p) for f in _FACES if (p := folder / f"{f}.ttf").is_file()]
    rng = check_random_state(0 if random_state is None else random_state)
    n, side = 2000, 32
    y = np.arange(n) % 10
    fonts: dict[tuple[str, int], Any] = {}
    images = np.empty((n, 8, 8))
    for i in range(n):
        face = faces[rng.randint(len(faces))]
        size = int(rng.randint(30, 41))
        if (face, size) not in fonts:
            fonts[face, size] = ImageFont.truetype(face, size)
        sheet = Image.new("L", (side, side), 0)
        dx, dy = rng.uniform(-1.5, 1.5, size=2)
        ImageDraw.Draw(sheet).text(
            (side / 2 + dx, side / 2 + dy),
            str(y[i]),
            fill=255,
            font=fonts[face, size],
            anchor="mm",
            stroke_width=int(rng.rand() < 0.2),
        )
        sheet = sheet.rotate(rng.uniform(-8.0, 8.0), resample=Image.Resampling.BILINEAR)
        # As in the handwritten set: each pixel counts the inked pixels of a 4 x 4 block.
        images[i] = (np.asarray(sheet) > 127).reshape(8, 4, 8, 4).sum(axis=(1, 3))
    return Domain(images.reshape(n, 64), y, name=name, kind="images", image_shape=(8, 8))


def _handwritten(name: str, random_state: Any) -> Domain:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Domain(X, y, name=name, kind="images", image_shape=(8, 8))


def _tumours(name: str, random_state: Any) -> Domain:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    radius = data.data["mean radius"]
    large = (radius > radius.median()).to_numpy()
    rows = large if name.endswith("large") else ~large
    kinds = np.asarray(data.target_names)[data.target.to_numpy()]
    return Domain(data.data[rows], kinds[rows], name=name)


def _patients(name: str, random_state: Any) -> Domain:
    from sklearn.datasets import load_diabetes

    data = load_diabetes(as_frame=True, scaled=False)
    older = (data.data["age"] > data.data["age"].median()).to_numpy()
    rows = older if name.endswith("older") else ~older
    return Domain(data.data[rows], data.target.to_numpy()[rows], name=name)


_LOADERS: dict[str, Callable[[str, Any], Domain]] = {
    "printed": _printed,
    "handwritten": _handwritten,
    "tumours-small": _tumours,
    "tumours-large": _tumours,
    "patients-younger": _patients,
    "patients-older": _patients,
}
