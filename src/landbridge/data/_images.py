"""Folders of images: files, classes and pixels or features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.data._folders import Listing, list_folder, without
from landbridge.data._image_features import GRADIENT_SIZE, KINDS, choose_kind, gradient_features
from landbridge.data._network_features import NETWORK, network_at_hand, network_features, network_size
from landbridge.data._pictures import Picture, Span, common_spans, explain_pictures, open_picture, usual_span
from landbridge.exceptions import InputError, ReadError

__all__ = ["IMAGES", "Pictures", "list_image_folder", "list_images", "read_image_pair", "read_images"]

IMAGES = tuple(
    ".png .apng .jpg .jpeg .jpe .jfif .bmp .dib .gif .tif .tiff .webp .ppm .pgm .pbm .pnm .jp2 .avif .tga .pcx .ico"
    .split()
)  # fmt: skip
PIXEL_SIZE = (32, 32)
# Images that are looked at to choose between pixels and gradients.
MOST_SIZES = 200
N_THREADS = 4


@dataclass(frozen=True)
class Pictures:
    """Images as samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Pixels in [0, 1], features of gradients and colours, or those of a frozen network.
    y : ndarray of shape (n_samples,) or None
        Class labels.
    names : list of str
        Path of each image in the folder.
    shape : tuple of int
        Shape of one image as it was resized.
    mode : {"L", "RGB"}
        Grey or colour.
    notes : list of str
        Sentences on how the images were read.
    features : str
        What `X` holds: ``"pixels"``, ``"gradients"`` or ``"network:NAME"``.
    spans : dict of str to (float, float)
        Darkest and brightest value of pixels of more than eight bits, by kind of number; empty without such images.
    """

    X: NDArray[np.float64]
    y: NDArray[Any] | None
    names: list[str]
    shape: tuple[int, ...]
    mode: str
    notes: list[str] = field(default_factory=list)
    features: str = "pixels"
    spans: dict[str, Span] = field(default_factory=dict)

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """Shape of one image, None where `X` holds no pixels."""
        return self.shape if self.features == "pixels" else None


def list_image_folder(folder: Path) -> Listing:
    """List the images of a folder, whatever their names end in.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Listing

    Raises
    ------
    ReadError
        As :func:`list_images`.
    """
    return list_folder(folder, IMAGES, "images", _is_image)


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
    listing = list_image_folder(folder)
    return listing.files, listing.y


def read_images(
    folder: Path | Listing,
    size: Sequence[int] | None = None,
    mode: str | None = None,
    *,
    features: str | None = None,
    spans: Mapping[str, Sequence[float]] | None = None,
    skip_corrupt: bool = False,
) -> Pictures:
    """Read a folder of images: one subfolder for each class, or unlabelled images without subfolders.

    Parameters
    ----------
    folder : Path or Listing
        A folder, or files with their labels.
    size : (height, width), default=None
        Common size of the images. If None, 32 x 32 for pixels.
    mode : {"L", "RGB"}, default=None
        Grey or colour. If None, colour if any image has colour.
    features : str, default=None
        What describes an image: ``"pixels"``, ``"gradients"`` (see :func:`~landbridge.data.image_features`), or a
        trained network by folder, file or name on the hub, whose pooled features are taken. If None, pixels if `size`
        is given, and else ``"auto"``: pixels of images up to 32 x 32; larger ones are described by the network that is
        at hand, or else by gradients and colours.
    spans : mapping of str to (float, float), default=None
        Darkest and brightest value of pixels of more than eight bits, as in ``Pictures.spans``. If None, from these
        images.
    skip_corrupt : bool, default=False
        Whether images that cannot be read are skipped, with a note.

    Returns
    -------
    Pictures

    Raises
    ------
    ReadError
        If an image cannot be read.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> from PIL import Image
    >>> from landbridge.data._images import read_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(pathlib.Path(folder) / "a.png")
    ...     pictures = read_images(pathlib.Path(folder), (4, 4))
    >>> pictures.X.shape, pictures.mode, pictures.notes
    ((1, 16), 'L', ['1 image of 8 x 8 pixels was resized to 4 x 4.'])
    """
    listing = folder if isinstance(folder, Listing) else list_image_folder(Path(folder))
    kind = _kind([listing], size, features)
    shape = _size(size, kind)
    held, listing = _open_all(listing, shape, skip_corrupt)
    return _assemble(held, listing, shape, mode, kind, spans)


def read_image_pair(
    source: Path | Listing,
    target: Path | Listing,
    size: Sequence[int] | None = None,
    *,
    features: str | None = None,
    skip_corrupt: bool = False,
) -> tuple[Pictures, Pictures]:
    """Read two folders of images in the same way: colour, size, features and range of pixels are common to both.

    Parameters
    ----------
    source, target : Path or Listing
        As `folder` of :func:`read_images`.
    size : (height, width), default=None
        Common size of the images. If None, 32 x 32 for pixels.
    features : str, default=None
        As in :func:`read_images`.
    skip_corrupt : bool, default=False
        As in :func:`read_images`.

    Returns
    -------
    source, target : Pictures
    """
    listings = [side if isinstance(side, Listing) else list_image_folder(Path(side)) for side in (source, target)]
    kind = _kind(listings, size, features)
    shape = _size(size, kind)
    opened = [_open_all(listing, shape, skip_corrupt) for listing in listings]
    held, listings = [pictures for pictures, _ in opened], [listing for _, listing in opened]
    spans: dict[str, Span] = {}
    for side in held:
        for depth, (low, high) in common_spans(side).items():
            low, high = min(low, spans.get(depth, (low, high))[0]), max(high, spans.get(depth, (low, high))[1])
            spans[depth] = usual_span(depth, low, high)
    mode = "RGB" if any(_has_colour(_colours(side, spans)).any() for side in held) else "L"
    one, two = (_assemble(h, side, shape, mode, kind, spans) for h, side in zip(held, listings, strict=True))
    return one, two


def _open_all(listing: Listing, shape: tuple[int, int], skip_corrupt: bool) -> tuple[list[Picture], Listing]:
    """Read files at a common size, several at once; the first that cannot be read raises, or all such are skipped."""

    def one(file: Path) -> Picture | ReadError:
        try:
            return open_picture(file, max(shape)).resized(shape)
        except ReadError as error:
            if skip_corrupt:
                return error
            raise

    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(one, listing.files))
    errors = {i: f for i, f in enumerate(found) if isinstance(f, ReadError)}
    return [f for f in found if isinstance(f, Picture)], without(listing, errors, "images")


def _assemble(
    held: list[Picture],
    listing: Listing,
    shape: tuple[int, int],
    mode: str | None,
    kind: str,
    spans: Mapping[str, Sequence[float]] | None,
) -> Pictures:
    own = common_spans(held)
    known = own | {k: (float(v[0]), float(v[1])) for k, v in (spans or {}).items()}
    colours = _colours(held, known)
    colourful = _has_colour(colours)
    mode = mode or ("RGB" if colourful.any() else "L")
    notes = [*listing.notes, *explain_pictures(held, known), *_explain_colour(colourful, mode)]
    if mode == "L":
        from PIL import Image

        colours = np.stack([np.asarray(Image.fromarray(c).convert("L")) for c in colours])
    if kind == "pixels":
        X = colours.reshape(len(held), -1) / 255.0
        notes += _explain_sizes(held, shape)
    elif kind.startswith(NETWORK):
        name = kind.removeprefix(NETWORK)
        X = network_features(name, colours)
        notes.append(
            f"The images are described by {X.shape[1]} pooled features of the trained network {Path(name).name}, which "
            "is not changed; network= (--network) fine-tunes it, features= (--features) chooses other features."
        )
    else:
        X = gradient_features(colours)
        notes.append(
            f"The images are described by {X.shape[1]} features of gradients{' and colours' if mode == 'RGB' else ''}, "
            "not by pixels, as most are larger than 32 x 32; a pretrained network (network=, or --network) often "
            "predicts photographs better."
        )
    image_shape = (*shape, 3) if mode == "RGB" else shape
    return Pictures(X, listing.y, listing.names, image_shape, mode, notes, kind, known)


def _colours(held: list[Picture], spans: Mapping[str, Sequence[float]]) -> NDArray[np.uint8]:
    return np.stack([np.asarray(p.colours(spans), dtype=np.uint8) for p in held])


def _has_colour(colours: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((colours[..., :1] != colours).reshape(len(colours), -1).any(axis=1))


def _explain_colour(colourful: NDArray[np.bool_], mode: str) -> list[str]:
    n, n_colour = len(colourful), int(colourful.sum())
    if mode == "L" and n_colour:
        return [f"{n_colour:,} of {n:,} images {'has' if n_colour == 1 else 'have'} colours; read as grey."]
    if mode == "RGB" and 0 < n_colour < n:
        grey = n - n_colour
        verb = "is" if grey == 1 else "are"
        return [f"{grey:,} of {n:,} images {verb} grey; read in colour like the others."]
    return []


def _explain_sizes(held: list[Picture], shape: tuple[int, int]) -> list[str]:
    other = [p.size for p in held if p.size != shape]
    if not other:
        return []
    least, most = (tuple(f(s[i] for s in other) for i in (0, 1)) for f in (min, max))
    sizes = f"{least[0]} x {least[1]}" + ("" if least == most else f" to {most[0]} x {most[1]}")
    were = "image of {} pixels was" if len(other) == 1 else "images of {} pixels were"
    return [f"{len(other):,} {were.format(sizes)} resized to {shape[0]} x {shape[1]}."]


def _kind(listings: list[Listing], size: Sequence[int] | None, features: str | None) -> str:
    if features is None:
        features = "auto" if size is None else "pixels"
    if features in KINDS or features.startswith(NETWORK):
        return features
    if features != "auto":
        if "/" not in features and not Path(features).exists():
            raise InputError(
                f"features={features!r} must be {', '.join(map(repr, KINDS))}, or a trained network: a folder, a file, "
                "or OWNER/NAME on the hub."
            )
        return NETWORK + (str(Path(features).absolute()) if Path(features).exists() else features)
    kinds = [choose_kind(_sizes(listing.files)) for listing in listings]
    if "gradients" not in kinds:
        return "pixels"
    network = network_at_hand()
    return "gradients" if network is None else NETWORK + network


def _size(size: Sequence[int] | None, kind: str) -> tuple[int, int]:
    if kind == "gradients":
        return GRADIENT_SIZE
    if kind.startswith(NETWORK):
        return network_size(kind.removeprefix(NETWORK))
    return PIXEL_SIZE if size is None else (int(size[0]), int(size[1]))


def _sizes(files: Sequence[Path]) -> list[tuple[int, int]]:
    """Sizes of some of the images, from their headers."""
    from PIL import Image

    sizes = []
    for file in files[:: max(1, len(files) // MOST_SIZES)]:
        try:
            with Image.open(file) as image:
                sizes.append((image.height, image.width))
        except Exception:  # said where it is read
            continue
    return sizes


def _is_image(file: Path) -> bool:
    from PIL import Image

    from landbridge.data._pictures import image_formats

    try:
        with Image.open(file, formats=image_formats()) as image:
            return image.format not in ("TGA", "PCX", "SGI", "ICO")  # of little to recognise them by
    except Exception:  # no image
        return False
