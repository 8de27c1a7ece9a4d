"""Folders of images and masks: which mask belongs to which image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from landbridge.data._folders import is_system_file
from landbridge.data._images import IMAGES
from landbridge.data._pictures import printable
from landbridge.exceptions import ReadError

__all__ = ["MaskPairs", "pair_masks"]

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
MASK_FOLDERS = (
    "masks mask annotations annotation annot labels label gt segmentation segmentations segmentationclass".split()
)
# What the name of a mask file ends in beside the name of its image.
MARK = re.compile(
    r"[ _.-](?:masks?|labels?|labelids|labeltrainids|seg|segmentation|gt|annotation|annot)$", re.IGNORECASE
)
LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif")


@dataclass(frozen=True)
class MaskPairs:
    """Images and their masks.

    Parameters
    ----------
    images, masks : list of Path
        Of equal length.
    notes : list of str
        Sentences on files that are not used.
    unpaired : list of Path
        Images without a mask.
    """

    images: list[Path]
    masks: list[Path]
    notes: list[str] = field(default_factory=list)
    unpaired: list[Path] = field(default_factory=list)


def pair_masks(images: str | Path, masks: str | Path | None = None) -> MaskPairs:
    """Find the mask of each image by name.

    Parameters
    ----------
    images : path-like
        A folder with subfolders ``images`` and ``masks``, or a folder in which ``x_mask.png`` is the mask of ``x.jpg``,
        or in which each png file is the mask of the jpg file of the same name. Which of these, is inferred. With
        `masks`, the folder of the images.
    masks : path-like, optional
        The folder of the masks.

    Returns
    -------
    MaskPairs
        Sorted by name, subfolders included; images without masks are omitted, with a note.

    Raises
    ------
    ReadError
        If there is no such folder, no image, no mask, or more than one mask for an image.
    """
    root = Path(images)
    if masks is not None:
        return _paired(_listed(root), _listed(Path(masks)), root)
    folders = {p.name.lower(): p for p in sorted(root.iterdir()) if p.is_dir()} if root.is_dir() else {}
    ours = next((folders[n] for n in IMAGE_FOLDERS if n in folders), None)
    theirs = next((folders[n] for n in MASK_FOLDERS if n in folders), None)
    if ours is not None and theirs is not None:
        return _paired(_listed(ours), _listed(theirs), root)
    files = _listed(root)
    marked = {key: f for key, f in files.items() if MARK.search(f.stem)}
    others = {key: f for key, f in files.items() if key not in marked}
    if not marked:
        marked = {key: f for key, f in files.items() if f.suffix.lower() == ".png"}
        others = {key: f for key, f in files.items() if f.suffix.lower() in LOSSY}
    if not marked or not others:
        raise ReadError(
            f"{printable(root)} holds {len(files):,} images but no masks beside them; name them x.jpg and x_mask.png, "
            "or put them into subfolders images and masks."
        )
    return _paired(others, marked, root)


def _listed(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the images of a folder and its subfolders by subfolder and name."""
    if not folder.is_dir():
        raise ReadError(f"{printable(folder)} is no folder; give the folder that holds the images.")
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.is_file() and path.suffix.lower() in IMAGES and not any(is_system_file(p) for p in inner.parts):
            found[(str(inner.parent), path.name)] = path
    if not found:
        raise ReadError(f"{printable(folder)} holds no images; give a folder with files such as png or jpg.")
    return found


def _paired(images: Mapping[tuple[str, str], Path], masks: Mapping[tuple[str, str], Path], root: Path) -> MaskPairs:
    """Pair files of the same subfolder whose names are equal, the mask's mark aside."""
    ours = _by_stem(images, "images")
    theirs = _by_stem(masks, "masks")
    stripped = _by_stem(masks, "masks", strip=True)
    pairs, lone = [], []
    for key, image in ours.items():
        mask = theirs.get(key) or stripped.get(key)
        if mask is None or mask == image:
            lone.append(image)
        else:
            pairs.append((image, mask))
    if not pairs:
        raise ReadError(
            f"{printable(root)} holds {len(images):,} images and {len(masks):,} masks, but no mask has the name of an "
            "image; name them x.jpg and x.png, or x_mask.png."
        )
    used = {mask for _, mask in pairs}
    notes = [
        f"{len(files):,} of {n:,} {what} {'has' if len(files) == 1 else 'have'} no {other} and {was}: "
        f"{printable(files[0].name)}{' and others' * (len(files) > 1)}."
        for files, n, what, other in (
            (lone, len(images), "images", "mask"),
            ([m for m in masks.values() if m not in used], len(masks), "masks", "image"),
        )
        if files
        for was in ("is omitted" if len(files) == 1 else "are omitted",)
    ]
    return MaskPairs([i for i, _ in pairs], [m for _, m in pairs], notes, lone)


def _by_stem(files: Mapping[tuple[str, str], Path], what: str, strip: bool = False) -> dict[tuple[str, str], Path]:
    out: dict[tuple[str, str], Path] = {}
    for (folder, _), path in files.items():
        key = (folder, MARK.sub("", path.stem) if strip else path.stem)
        if key in out:
            raise ReadError(
                f"{printable(path)} and {printable(out[key].name)} are {what} of the same name; keep one of them."
            )
        out[key] = path
    return out
