"""Masks are found by the names of their images, in every usual layout of folders."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from landbridge.data import shared_data
from landbridge.exceptions import ReadError
from landbridge.neural.structured import pair_masks, read_mask_classes, read_masked_image


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(folder / name)
    return folder


def found(pairs, root):
    return [
        (str(a.relative_to(root)), str(b.relative_to(root))) for a, b in zip(pairs.images, pairs.masks, strict=True)
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["images/b.jpg", "images/a.jpg", "masks/a.png", "masks/b.png"],
            [("images/a.jpg", "masks/a.png"), ("images/b.jpg", "masks/b.png")],
        ),
        (["JPEGImages/a.jpg", "SegmentationClass/a.png"], [("JPEGImages/a.jpg", "SegmentationClass/a.png")]),
        (["images/a.png", "labels/a_label.png"], [("images/a.png", "labels/a_label.png")]),
        (["images/x/a.jpg", "masks/x/a.png"], [("images/x/a.jpg", "masks/x/a.png")]),
        (["a.jpg", "a_mask.png", "b.png", "b_mask.png"], [("a.jpg", "a_mask.png"), ("b.png", "b_mask.png")]),
        (["day/a.jpg", "day/a_mask.png"], [("day/a.jpg", "day/a_mask.png")]),
        (["a.jpg", "a.png"], [("a.jpg", "a.png")]),
    ],
)
def test_pairs_are_found_by_name(tmp_path, names, expected):
    pairs = pair_masks(files(tmp_path, *names, ".hidden.png"))
    assert found(pairs, tmp_path) == expected and pairs.notes == []


def test_two_folders(tmp_path):
    files(tmp_path, "one/a.jpg", "other/a_mask.png")
    assert found(pair_masks(tmp_path / "one", tmp_path / "other"), tmp_path) == [("one/a.jpg", "other/a_mask.png")]


def test_files_without_a_partner_are_noted(tmp_path):
    pairs = pair_masks(files(tmp_path, "images/a.jpg", "images/b.jpg", "images/c.jpg", "masks/a.png", "masks/z.png"))
    assert found(pairs, tmp_path) == [("images/a.jpg", "masks/a.png")]
    assert pairs.notes == [
        "2 of 3 images have no mask and are omitted: b.jpg and others.",
        "1 of 2 masks has no image and is omitted: z.png.",
    ]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["images/a.jpg", "masks/b.png"], "1 images and 1 masks, but no mask has the name"),
        (["images/a.jpg", "images/a.png", "masks/a.png"], r"a\.png and a\.jpg are images of the same name"),
        (["images/a.jpg", "masks/a_mask.png", "masks/a_label.png"], "are masks of the same name"),
        (["a.jpg", "b.jpg"], "holds 2 images but no masks beside them"),
        ([], "holds no images"),
    ],
)
def test_folders_that_cannot_be_paired(tmp_path, names, why):
    with pytest.raises(ReadError, match=why) as caught:
        pair_masks(files(tmp_path, *names))
    assert "\n" not in str(caught.value)


def test_no_folder_and_an_empty_one(tmp_path):
    with pytest.raises(ReadError, match="is no folder"):
        pair_masks(tmp_path / "none")
    files(tmp_path, "images/a.jpg")
    (tmp_path / "masks").mkdir()
    with pytest.raises(ReadError, match="masks holds no images"):
        pair_masks(tmp_path)


@pytest.mark.data
def test_street_scenes(tmp_path):
    """The 80 test pictures of CamVid are all paired, with 11 classes and one number that is none."""
    path = shared_data("camvid_240.zip")
    if path is None:
        pytest.skip("the shared data folder is absent")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path, [n for n in archive.namelist() if n.startswith("test/") or n == "index.json"])
    classes = read_mask_classes(tmp_path / "index.json")
    assert len(classes.names) == 11 and classes.numbers[11] == 255
    pairs = pair_masks(tmp_path / "test")
    assert len(pairs.images) == 80 and not pairs.notes
    for image, mask in zip(pairs.images[:5], pairs.masks[:5], strict=True):
        pixels, held = read_masked_image(image, mask, classes)
        assert pixels.shape == (180, 240, 3) and held.shape == (180, 240)
        assert set(np.unique(held)) <= {*range(11), 255} and (held == 3).any()
