"""Folders of images as people have them: every mode and depth, damaged files, links, odd names."""

import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from landbridge.data import read, read_pair, shared_data
from landbridge.data._images import list_image_folder, list_images, read_image_pair, read_images
from landbridge.exceptions import InputError, ReadError

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOUR = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)


def save(path, image=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = RAMP if image is None else image
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def test_what_is_read_is_said_with_counts(tmp_path):
    clear = np.dstack([COLOUR, np.where(RAMP > 100, 255, 0).astype(np.uint8)])
    white = np.full((16, 16, 4), 255, np.uint8)
    white[4:, :, 3] = 0
    mark = Image.Exif()
    mark[0x0112] = 6
    save(tmp_path / "a.png", COLOUR)
    save(tmp_path / "b.png", clear)
    save(tmp_path / "c.png", white)
    save(tmp_path / "d.jpg", Image.fromarray(COLOUR).convert("CMYK"))
    save(tmp_path / "e.png", Image.fromarray(RAMP > 100))
    save(tmp_path / "f.jpg", COLOUR, exif=mark)
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    save(tmp_path / "g.gif", frames[0], save_all=True, append_images=frames[1:])
    save(tmp_path / "h.tif", frames[0], save_all=True, append_images=frames[1:])
    save(tmp_path / "i.png", (RAMP.astype(np.uint16) * 200))
    save(tmp_path / "j.tif", (RAMP / 255).astype(np.float32))
    save(tmp_path / "k.tif", Image.fromarray(COLOUR).convert("LAB"))
    save(tmp_path / "l.jpg", Image.fromarray(COLOUR).convert("YCbCr"), quality=100)
    save(tmp_path / "m.png", Image.fromarray(COLOUR).quantize(64))
    pictures = read_images(tmp_path, (16, 16))
    assert pictures.X.shape == (13, 768) and pictures.mode == "RGB" and pictures.shape == (16, 16, 3)
    said = " ".join(pictures.notes)
    for sentence in (
        "1 of 13 images has pixels of more than 8 bits; values from 0 to 65,535 were scaled to [0, 1].",
        "1 of 13 images has floating-point pixels; values from 0 to 1 were scaled to [0, 1].",
        "1 of 13 images has a transparent ground; drawn on white.",
        "1 of 13 images has a transparent ground and a bright drawing; drawn on black.",
        "1 of 13 images has an EXIF orientation; turned upright.",
        "2 of 13 images have several frames or pages; only the first was read.",
        "1 of 13 images has 1 bit per pixel; read as black and white.",
        "1 of 13 images has CMYK colours; converted to RGB.",
        "1 of 13 images has CIELAB colours; converted to RGB.",
        "images are grey; read in colour like the others.",
    ):
        assert sentence in said
    X = pictures.X.reshape(13, 16, 16, 3)
    for i, tolerance in ((0, 0), (10, 0.05), (11, 0.1), (12, 0.15)):
        assert np.abs(X[i] - COLOUR / 255).mean() <= tolerance
    for i in (6, 7, 9):
        np.testing.assert_allclose(X[i, ..., 0], RAMP / 255, atol=0.01)
    np.testing.assert_allclose(X[8, ..., 0], RAMP * 200.0 / 65535, atol=0.01)
    assert X[1][RAMP <= 100].min() == 1.0 and X[2].max() == 1.0 and X[2].min() == 0.0


def test_plain_images_need_no_notes(tmp_path):
    save(tmp_path / "a.png", COLOUR)
    assert read_images(tmp_path, (16, 16)).notes == []


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ((RAMP.astype(np.uint16) * 16), (0, 4095)),
        ((RAMP.astype(np.int32) * 70000), (0, 4294967295)),
        ((RAMP.astype(np.int32) - 100), (-100, 155)),
        ((RAMP * 10.0 - 1000).astype(np.float32), (-1000, 1550)),
        ((RAMP / 510).astype(np.float32), (0, 1)),
    ],
)
def test_deep_pixels_have_one_range_for_all_images_of_both_sides(tmp_path, values, span):
    save(tmp_path / "a" / "bright.tif", values)
    save(tmp_path / "b" / "part.tif", values[:9, :9].copy())
    one, two = read_image_pair(tmp_path / "a", tmp_path / "b", (16, 16))
    assert list(one.spans.values()) == [span] and one.spans == two.spans
    shares = (values.astype(float) - span[0]) / (span[1] - span[0])
    np.testing.assert_allclose(one.X[0].reshape(16, 16), shares, atol=0.003)
    small = read_images(tmp_path / "b", (9, 9), spans=one.spans)
    np.testing.assert_allclose(small.X[0].reshape(9, 9), shares[:9, :9], atol=0.003)


def test_values_outside_the_range_of_the_fit_are_said(tmp_path):
    save(tmp_path / "a.tif", RAMP.astype(np.float32) * 2 - 1)
    notes = read_images(tmp_path, (8, 8), spans={"float": (0, 255)}).notes
    assert any("1 of 1 images has pixels outside the range from 0 to 255" in note for note in notes)


def test_pixels_that_are_no_numbers(tmp_path):
    values = (RAMP / 255).astype(np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    save(tmp_path / "a.tif", values)
    pictures = read_images(tmp_path, (16, 16))
    assert np.isfinite(pictures.X).all() and pictures.X[0, :2].max() <= 0.01
    assert any("NaN or infinite" in note for note in pictures.notes)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"GIF8", "no known image format"),
        (b"not an image at all", "no known image format"),
        ("half", "truncated"),
    ],
)
def test_damaged_files_are_named_in_one_line(tmp_path, content, why):
    save(tmp_path / "good.png")
    whole = save(tmp_path / "bad.png", np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).read_bytes()
    (tmp_path / "bad.png").write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(ReadError, match=rf"bad\.png is no image that can be read: .*{why}.*; repair it") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_content_decides_not_the_ending(tmp_path):
    save(tmp_path / "a" / "x.png", format="JPEG")
    save(tmp_path / "a" / "Y.PNG")
    save(tmp_path / "b" / "no ending", format="PNG")
    save(tmp_path / "b" / "z.dat", format="BMP")
    (tmp_path / "b" / "notes.txt").write_text("text")
    listing = list_image_folder(tmp_path)
    assert listing.names == [
        os.path.join(*n) for n in (("a", "Y.PNG"), ("a", "x.png"), ("b", "no ending"), ("b", "z.dat"))
    ]
    assert listing.notes == [f"1 file of {tmp_path.name} was not read, being no images (.txt 1)."]
    assert read(tmp_path, image_size=8).X.shape == (4, 64)


def test_files_of_the_system_are_no_images(tmp_path):
    save(tmp_path / "a" / "x.png")
    save(tmp_path / "__MACOSX" / "a" / "x.png")
    save(tmp_path / ".cache" / "x.png")
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._x.png"):
        (tmp_path / name).write_bytes(b"x")
        (tmp_path / "a" / name).write_bytes(b"x")
    files, y = list_images(tmp_path)
    assert len(files) == 1 and y.tolist() == ["a"] and list_image_folder(tmp_path).notes == []


def test_links_never_lead_in_a_circle(tmp_path):
    folder = tmp_path / "in"
    real = save(folder / "a" / "x.png")
    save(folder / "b" / "y.png")
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "a" / "self").symlink_to(folder / "a" / "self")
    (folder / "a" / "again.png").symlink_to(real)
    listing = list_image_folder(folder)
    assert len(listing.files) == 3 and "1 link to a folder was not followed in in." in listing.notes
    (folder / "a" / "gone.png").symlink_to(folder / "a" / "nothing.png")
    with pytest.raises(ReadError, match=r"gone\.png is a link to no file"):
        list_images(folder)


def test_odd_names_stay_one_line(tmp_path):
    save(tmp_path / "a" / "two\nlines.png")
    save(tmp_path / "a" / "ünïcode \N{CAT FACE} 'quote\".png")
    raw = os.fsencode(tmp_path / "a") + b"/\xff.png"
    shutil.copy(tmp_path / "a" / "two\nlines.png", raw)
    names = read_images(tmp_path, (4, 4)).names
    assert len(names) == 3 and not any("\n" in n for n in names)
    for name in names:
        name.encode("utf-8")
    with open(raw, "wb") as file:
        file.write(b"no image")
    with pytest.raises(ReadError, match="no known image format") as caught:
        read_images(tmp_path, (4, 4))
    str(caught.value).encode("utf-8")


def test_folders_without_images_or_with_images_beside_classes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "phone.heic").write_bytes(b"x")
    with pytest.raises(ReadError, match=r"holds no images \(\.heic 1; \.heic needs pip install pillow-heif\)"):
        list_images(tmp_path)
    save(tmp_path / "b" / "x.png")
    with pytest.raises(ReadError, match="holds no images; put the class's images"):
        list_images(tmp_path)
    save(tmp_path / "a" / "x.png")
    save(tmp_path / "stray.png")
    with pytest.raises(ReadError, match=r"beside its class folders \(stray\.png\)"):
        list_images(tmp_path)
    with pytest.raises(ReadError, match="is no folder"):
        list_images(tmp_path / "stray.png")


def test_large_images_are_described_by_gradients_small_ones_by_pixels(tmp_path):
    rng = np.random.default_rng(0)
    for side, size in (("small", 28), ("large", 60)):
        for c in "ab":
            save(tmp_path / side / c / "x.png", rng.integers(0, 255, (size, size, 3), dtype=np.uint8))
    small, large = (read_images(tmp_path / side) for side in ("small", "large"))
    assert small.features == "pixels" and small.X.shape == (2, 3072) and small.image_shape == (32, 32, 3)
    assert large.features == "gradients" and large.X.shape == (2, 486) and large.image_shape is None
    assert "486 features of gradients and colours, not by pixels" in large.notes[-1] and "--network" in large.notes[-1]
    for pair in (("small", "large"), ("large", "small")):
        one, two, encoder = read_pair(*(tmp_path / side for side in pair))
        assert one.X.shape == two.X.shape == (2, 486)
        np.testing.assert_array_equal(encoder.read(tmp_path / pair[1])[0], two.X)
        np.testing.assert_array_equal(encoder.transform(two.X), two.X)
    assert read(tmp_path / "large", image_size=16).image_shape == (16, 16, 3)
    assert read_images(tmp_path / "large", features="pixels").X.shape == (2, 3072)
    with pytest.raises(InputError, match="features='hog' must be"):
        read_images(tmp_path / "large", features="hog")


def test_new_images_are_read_as_those_of_the_fit(tmp_path):
    save(tmp_path / "a" / "x" / "1.tif", (RAMP * 10.0).astype(np.float32))
    save(tmp_path / "a" / "y" / "1.tif", (RAMP[::-1] * 10.0).astype(np.float32))
    _, target, encoder = read_pair(tmp_path / "a", tmp_path / "a", image_size=8)
    save(tmp_path / "new" / "1.tif", (RAMP * 1.0).astype(np.float32))
    X, names = encoder.read(tmp_path / "new")
    np.testing.assert_allclose(X[0] * 10, target.X[0], atol=0.03)
    assert names == ["1.tif"]
    assert encoder.notes_


@pytest.mark.data
def test_gradients_are_better_than_pixels_from_photographs_to_paintings(tmp_path):
    packed = shared_data("pacs_photo_art.zip")
    if packed is None:
        pytest.skip("the shared data folder is not here; set LANDBRIDGE_DATA to it")
    with zipfile.ZipFile(packed) as file:
        file.extractall(tmp_path)
    scores = {}
    for kind in ("pixels", "gradients"):
        one, two = read_image_pair(tmp_path / "photo", tmp_path / "art_painting", features=kind)
        middle, scale = one.X.mean(axis=0), (one.X - one.X.mean(axis=0)).std()
        model = LogisticRegression(max_iter=100).fit((one.X - middle) / scale, one.y)
        scores[kind] = model.score((two.X - middle) / scale, two.y)
    assert scores["gradients"] > scores["pixels"] + 0.04
