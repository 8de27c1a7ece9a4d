"""Folders of images and masks: with masks, with some, with none; names of classes."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from PIL import Image

from landbridge.exceptions import ReadError
from landbridge.neural.structured import write_mask
from landbridge.neural.structured._image_files import image_pixels, image_size, read_mask_folder, resized_mask


@pytest.fixture
def folder(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for name in "abc":
        Image.new("RGB", (6, 4), (10, 20, 30)).save(tmp_path / "images" / f"{name}.png")
    for name in "ac":
        write_mask(tmp_path / "masks" / f"{name}.png", np.array([[0, 1, 2, 2, 1, 0]] * 4))
    return tmp_path


def test_images_without_a_mask_are_unlabelled(folder):
    images, masks, held = read_mask_folder(folder)
    assert [i[-5:] for i in images] == ["a.png", "c.png", "b.png"] and masks[2] is None
    assert masks[0][0].tolist() == [0, 1, 2, 2, 1, 0] and held["classes"] is None


def test_classes_are_named_and_renumbered(folder):
    (folder / "classes.json").write_text(json.dumps({"classes": ["void", "sky", "road"], "ignore": "void"}))
    _, masks, held = read_mask_folder(folder)
    assert held["classes"] == ["sky", "road"] and masks[0][0].tolist() == [255, 0, 1, 1, 0, 255]


def test_images_alone(folder):
    assert read_mask_folder(folder / "images")[1] is None
    assert read_mask_folder(folder / "images" / "a.png")[0] == [str(folder / "images" / "a.png")]


def test_errors_are_one_line(folder, tmp_path_factory):
    with pytest.raises(ReadError, match="holds no images"):
        read_mask_folder(tmp_path_factory.mktemp("empty"))
    write_mask(folder / "masks" / "b.png", np.zeros((3, 3), int))
    with pytest.raises(ReadError, match="3 x 3 pixels") as caught:
        read_mask_folder(folder)
    assert "\n" not in str(caught.value)


def test_sizes(folder):
    path = str(folder / "images" / "a.png")
    assert image_size(path) == (4, 6) and image_pixels(path, 2, 3).shape == (2, 3, 3)
    assert set(np.unique(resized_mask(np.array([[0, 9]]), (4, 8)))) == {0, 9}
