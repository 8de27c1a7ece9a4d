"""Masks in files: numbers, palettes and colours; what is written is read again."""

import json

import numpy as np
import pytest
from PIL import Image

from landbridge.exceptions import InputError, ReadError, WriteError
from landbridge.neural.structured import (
    MaskClasses,
    overlay,
    palette,
    read_mask,
    read_mask_classes,
    read_masked_image,
    write_mask,
    write_overlay,
)

NUMBERS = np.array([[0, 1, 2], [2, 255, 1]], dtype=np.uint8)
COLOURS = {"sky": [128, 128, 128], "road": [128, 64, 128], "car": [0, 0, 142]}


def save(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels))
    image = image if mode is None else image.convert(mode)
    image.save(path)
    return path


def coloured():
    table = np.zeros((256, 3), dtype=np.uint8)
    table[:3] = list(COLOURS.values())
    table[255] = (0, 0, 0)
    return table[NUMBERS]


@pytest.mark.parametrize(("dtype", "name"), [(np.uint8, "a.png"), (np.uint16, "a.png"), (np.int32, "a.tif")])
def test_one_channel_holds_the_numbers(tmp_path, dtype, name):
    found = read_mask(save(tmp_path / name, NUMBERS.astype(dtype)))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, NUMBERS)


def test_other_modes(tmp_path):
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", NUMBERS > 1)), NUMBERS > 1)
    np.testing.assert_array_equal(read_mask(save(tmp_path / "b.png", np.stack([NUMBERS] * 3, 2))), NUMBERS)
    with pytest.raises(ReadError, match=r"c\.png is coloured; give classes"):
        read_mask(save(tmp_path / "c.png", coloured()))


def test_a_palette_is_written_and_read(tmp_path):
    path = write_mask(tmp_path / "a.png", NUMBERS)
    np.testing.assert_array_equal(read_mask(path), NUMBERS)
    with Image.open(path) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), palette()[NUMBERS])
    own = write_mask(tmp_path / "b.png", NUMBERS, list(COLOURS.values()))
    classes = MaskClasses.of({**COLOURS, "none": "#e0e0c0"})
    np.testing.assert_array_equal(read_mask(own, classes)[0], NUMBERS[0])


def test_the_palette_is_that_of_pascal_voc():
    known = {0: (0, 0, 0), 1: (128, 0, 0), 7: (128, 128, 128), 15: (192, 128, 128), 20: (0, 64, 128)}
    assert {k: tuple(palette()[k].tolist()) for k in known} == known
    assert tuple(palette()[255].tolist()) == (224, 224, 192) and len(np.unique(palette(), axis=0)) == 256


@pytest.mark.parametrize(
    "held",
    [
        COLOURS,
        {name: "#{:02x}{:02x}{:02x}".format(*c) for name, c in COLOURS.items()},
        {"#{:02X}{:02X}{:02X}".format(*c): name for name, c in COLOURS.items()},
        {",".join(map(str, c)): i for i, c in enumerate(COLOURS.values())},
        {"({}, {}, {})".format(*c): name for name, c in COLOURS.items()},
    ],
)
def test_colours(tmp_path, held):
    (tmp_path / "classes.json").write_text(json.dumps({"classes": held}))
    classes = read_mask_classes(tmp_path / "classes.json")
    pixels = np.dstack([coloured(), np.where(NUMBERS == 255, 0, 255).astype(np.uint8)])
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", pixels), classes), NUMBERS)
    with pytest.raises(ReadError, match=r"a\.png holds the colour #000000 \(1 pixels\), which is no class"):
        read_mask(save(tmp_path / "a.png", coloured()), classes)


def test_colours_that_are_ignored(tmp_path):
    classes = MaskClasses.of({"classes": {**COLOURS, "void": [0, 0, 0]}, "ignore": "void"})
    assert classes.names == ("sky", "road", "car")
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", coloured()), classes), NUMBERS)
    by_colour = MaskClasses.of({"classes": {**COLOURS, "void": [0, 0, 0]}, "ignore": [0, 0, 0]})
    assert by_colour == classes


def test_several_colours_can_be_one_class(tmp_path):
    classes = MaskClasses.of({"#808080": "far", "#804080": "near", "#00008e": "near", "#000000": 255})
    assert classes.names == ("far", "near")
    expected = np.where(NUMBERS == 2, 1, NUMBERS)
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", coloured()), classes), expected)


@pytest.mark.parametrize(
    ("held", "names", "numbers"),
    [
        (["a", "b"], ("a", "b"), {0: 0, 1: 1}),
        ({"b": 7, "a": 3}, ("a", "b"), {3: 0, 7: 1}),
        ({"7": "b", "3": "a"}, ("a", "b"), {3: 0, 7: 1}),
        ({"a": 0, "void": 255}, ("a",), {0: 0, 255: 255}),
        ({"classes": ["a", "void", "b"], "ignore": [1]}, ("a", "b"), {0: 0, 1: 255, 2: 1}),
        ({"classes": ["a", "void", "b"], "ignore": "void"}, ("a", "b"), {0: 0, 1: 255, 2: 1}),
    ],
)
def test_numbers_of_classes(held, names, numbers):
    classes = MaskClasses.of(held)
    assert classes.names == names and classes.numbers == numbers and not classes.colours


def test_stored_numbers_become_class_numbers(tmp_path):
    classes = MaskClasses.of({"a": 3, "b": 7, "c": 300, "void": 255})
    path = save(tmp_path / "a.png", np.array([[3, 7], [300, 255]], dtype=np.uint16))
    assert read_mask(path, classes).tolist() == [[0, 1], [2, 255]]
    with pytest.raises(ReadError, match=r"holds the number 4 \(2 pixels\), which is no class"):
        read_mask(save(tmp_path / "b.png", np.array([[3, 4, 4]], dtype=np.uint8)), classes)
    with pytest.raises(ReadError, match="holds the number 100000"):
        read_mask(save(tmp_path / "c.tif", np.array([[3, 100000]], dtype=np.int32)), classes)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (3, "cannot be understood"),
        ({}, "cannot be understood"),
        (["a", "a"], "holds a name twice"),
        ({"a": 0, "b": 0}, "gives 0 to two classes"),
        ({"a": 0, "b": [1, 2, 3]}, "mixes numbers and colours"),
        ({"a": [1, 2]}, r"the entry 'a': \[1, 2\] cannot be understood"),
        ({"a": [1, 2, 256]}, "cannot be understood"),
        ({"a": -1}, "cannot be understood"),
        ({"a": 0.5}, "cannot be understood"),
        ({"classes": ["a"], "ignore": "a"}, "holds 0 classes that count"),
        ([f"c{i}" for i in range(300)], "holds 299 classes|holds 300 classes"),
    ],
)
def test_classes_that_cannot_be_understood(tmp_path, held, why):
    with pytest.raises(InputError, match=why):
        MaskClasses.of(held)
    (tmp_path / "classes.json").write_text(json.dumps(held))
    with pytest.raises(ReadError, match=rf"classes\.json: .*({why})") as caught:
        read_mask_classes(tmp_path / "classes.json")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_masks(tmp_path):
    with pytest.raises(ReadError, match="there is no such file"):
        read_mask(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(ReadError, match="damaged, or of no image format"):
        read_mask(tmp_path / "text.png")
    with pytest.raises(ReadError, match="is a JPEG file"):
        read_mask(save(tmp_path / "a.jpg", NUMBERS))
    with pytest.raises(ReadError, match="floating-point"):
        read_mask(save(tmp_path / "a.tif", NUMBERS.astype(np.float32)))
    with pytest.raises(ReadError, match=r"none\.json cannot be read"):
        read_mask_classes(tmp_path / "none.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ReadError, match=r"a\.json is no JSON"):
        read_mask_classes(tmp_path / "a.json")


def test_image_and_mask_have_one_size(tmp_path):
    image = save(tmp_path / "a.png", np.zeros((2, 3, 3), dtype=np.uint8))
    pixels, mask = read_masked_image(image, save(tmp_path / "a_mask.png", NUMBERS))
    assert pixels.shape == (2, 3, 3) and mask.shape == (2, 3)
    with pytest.raises(ReadError, match=r"a_mask\.png has 3 x 2 pixels but its image .*a\.png has 2 x 3"):
        read_masked_image(image, save(tmp_path / "a_mask.png", NUMBERS.T))


def test_an_overlay_mixes_colours_and_spares_what_is_ignored(tmp_path):
    image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 10
    drawn = overlay(image, NUMBERS, 0.25)
    expected = np.round(0.75 * image + 0.25 * palette()[NUMBERS])
    expected[NUMBERS == 255] = image[NUMBERS == 255]
    np.testing.assert_array_equal(drawn, expected)
    np.testing.assert_array_equal(overlay(image, NUMBERS, 0.0), image)
    np.testing.assert_array_equal(overlay(image[..., 0], NUMBERS, 0.0), np.repeat(image[..., :1], 3, 2))
    with Image.open(write_overlay(tmp_path / "o.png", image, NUMBERS, 0.25)) as written:
        np.testing.assert_array_equal(np.asarray(written), drawn)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda p: overlay(np.zeros((3, 2, 3)), NUMBERS), r"image has the shape \(3, 2, 3\) and mask \(2, 3\)"),
        (lambda p: overlay(np.zeros((2, 3, 3)), NUMBERS, 1.5), r"opacity must lie in \[0, 1\]"),
        (lambda p: write_mask(p / "a.jpg", NUMBERS), r"must end in \.png"),
        (lambda p: write_mask(p / "a.png", NUMBERS / 2), "mask must be an array of whole numbers"),
        (lambda p: write_mask(p / "a.png", NUMBERS[0]), "mask must be an array of whole numbers"),
        (lambda p: write_mask(p / "a.png", NUMBERS.astype(int) + 1), "mask holds numbers from 1 to 256"),
        (lambda p: write_mask(p / "a.png", NUMBERS, [[1, 2]]), "colours must be at most 256 rows of three"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, call, why):
    with pytest.raises(InputError, match=why):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_must_be_there(tmp_path):
    with pytest.raises(WriteError, match="make the folder first"):
        write_mask(tmp_path / "none" / "a.png", NUMBERS)
