import numpy as np
import pytest
from PIL import Image

from landbridge.data import image_features
from landbridge.data._image_features import gradient_features
from landbridge.exceptions import InputError, ReadError

RNG = np.random.default_rng(0)


def stripes(angle, size=64, phase=0.0):
    y, x = np.mgrid[:size, :size]
    wave = np.sin(0.6 * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    return ((wave + 1) * 127).astype(np.uint8)


def test_orientations_are_counted_where_they_are():
    for k in (0, 2, 4, 7):
        angle = (k + 0.5) * np.pi / 9
        cells = gradient_features(stripes(angle)[None])[0, :324].reshape(-1, 9)
        assert (cells.argmax(axis=1) == k).mean() > 0.9


def test_contrast_and_its_sign_do_not_matter_to_gradients():
    image = stripes(0.7).astype(float)
    faint = (image * 0.5 + 100).astype(np.uint8)
    X = gradient_features(np.stack([image.astype(np.uint8), 255 - image.astype(np.uint8), faint]))[:, :324]
    assert np.abs(X[0] - X[1]).max() < 0.12 and np.abs(X[0] - X[2]).max() < 0.12
    other = gradient_features(stripes(2.0)[None])[0, :324]
    assert np.abs(X[0] - other).max() > 0.2


def test_hues_are_counted_by_part():
    image = np.zeros((1, 64, 64, 3), np.uint8)
    image[0, :, :21, 0] = 255
    image[0, :, 22:, 2] = 255
    X = gradient_features(image)[0, 324:].reshape(3, 3, 18)
    hues = X[..., 6:]
    assert hues[:, 0].argmax(axis=-1).tolist() == [0, 0, 0] and hues[:, 2].argmax(axis=-1).tolist() == [8, 8, 8]
    assert X[1, 2, 5] == pytest.approx(1.0, abs=1e-3)  # all of it is bright


def test_a_blank_image_has_no_gradients():
    X = gradient_features(np.full((2, 64, 64, 3), 90, np.uint8))
    assert np.isfinite(X).all() and not X[:, :324].any()


def test_arrays_of_any_order_and_scale_have_one_answer():
    images = RNG.integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    X = image_features(images).X
    np.testing.assert_array_equal(image_features(images / 255.0).X, X)
    first = image_features(np.moveaxis(images, 3, 1))
    np.testing.assert_array_equal(first.X, X)
    assert "moved behind them" in first.notes[0] and first.kind == "gradients"
    small = image_features(images[:, :8, :8])
    assert small.kind == "pixels" and small.X.max() <= 1.0 and small.X.shape == (3, 192)


def test_files(tmp_path):
    for i, size in enumerate(((40, 60), (100, 80))):
        Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    found = image_features(sorted(tmp_path.glob("*.png")))
    assert found.X.shape == (2, 486) and found.kind == "gradients" and "486 features" in found.notes[-1]
    assert image_features([str(tmp_path / "0.png")], "pixels").X.shape == (1, 3072)
    with pytest.raises(ReadError, match=r"x\.png is no image that can be read: there is no such file"):
        image_features([tmp_path / "x.png"])


@pytest.mark.parametrize(
    ("images", "kind", "message"),
    [
        (np.zeros((2, 8, 8)), "hog", "kind must be"),
        ([], "auto", "no entries"),
        (np.zeros((2, 64)), "auto", "must be paths, or pixels"),
        (np.zeros((2, 8, 8, 5)), "auto", "5 channels"),
        (np.full((2, 8, 8), -1.0), "auto", "finite pixels of at least 0"),
        (np.full((2, 8, 8), np.nan), "auto", "finite pixels of at least 0"),
    ],
)
def test_bad_input(images, kind, message):
    with pytest.raises(InputError, match=message):
        image_features(images, kind)
