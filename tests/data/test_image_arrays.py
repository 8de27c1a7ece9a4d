import numpy as np
import pytest

from landbridge.data import read, read_pair
from landbridge.data._image_arrays import channels_last, match_pixels, pixel_level, read_pixel_pair, read_pixels
from landbridge.exceptions import InputError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 10, 12, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "expected", "found"),
    [
        ((2, 3, 16, 8), None, (2, 16, 8, 3)),
        ((2, 1, 16, 8), None, (2, 16, 8, 1)),
        ((2, 16, 8, 3), None, (2, 16, 8, 3)),
        ((2, 3, 16, 3), None, (2, 3, 16, 3)),
        ((2, 3, 16, 1), 3, (2, 16, 1, 3)),
        ((2, 5, 16, 8), 5, (2, 16, 8, 5)),
        ((2, 16, 8, 5), 5, (2, 16, 8, 5)),
        ((2, 16, 8), None, (2, 16, 8)),
    ],
)
def test_the_axis_of_channels(shape, expected, found):
    assert channels_last(np.zeros(shape), expected)[0].shape == found


@pytest.mark.parametrize(
    "given",
    [
        BYTES,
        BYTES / 255.0,
        (BYTES / 255.0).astype(np.float32),
        np.moveaxis(BYTES, 3, 1),
        BYTES.astype(float),
        BYTES * 257.0,
    ],
)
def test_arrays_of_any_order_and_scale_become_shares(given):
    np.testing.assert_allclose(read_pixels(given)[0], BYTES / 255.0, atol=1e-6)


@pytest.mark.parametrize(
    "given", [RNG.normal(size=(5, 9, 30)), RNG.random((5, 9, 30)) * 7, RNG.integers(0, 900, (5, 9, 30))]
)
def test_measurements_stay_as_they_are(given):
    X, level, notes = read_pixels(given)
    assert level is None and notes == [] and X is given


def test_levels():
    assert pixel_level(np.array([0, 1], np.uint8)) == 1.0 and pixel_level(np.array([True])) == 1.0
    assert pixel_level(np.array([-1.0, 1])) is None and pixel_level(np.array([np.nan])) is None
    assert pixel_level(np.array([0, 14.0])) == 16.0


@pytest.mark.parametrize(
    ("given", "level", "factor"),
    [(BYTES / 255.0, 255.0, 255), (BYTES, 1.0, 1 / 255), (BYTES * 257.0, 255.0, 1 / 257), (BYTES, 65535.0, 257)],
)
def test_another_scale_is_converted_and_said(given, level, factor):
    X, note = match_pixels(given, level)
    np.testing.assert_allclose(X, given.astype(float) * factor)
    assert "X has" in note and "learned from" in note


@pytest.mark.parametrize(
    ("given", "level"),
    [
        (BYTES, 255.0),
        (BYTES / 255.0, 1.0),
        (BYTES / 200.0, 1.0),
        (BYTES // 2, 255.0),
        (BYTES * 0, 255.0),
        (BYTES // 9, 255.0),
    ],
)
def test_the_same_scale_passes(given, level):
    X, note = match_pixels(given, level)
    assert X is given and note is None


def test_unclear_scales_are_refused_or_said():
    with pytest.raises(InputError, match="values up to 200, but the images that were learned from at most 16"):
        match_pixels(np.array([0.0, 200.0]), 16.0)
    assert "nearly black" in match_pixels(np.array([0.0, 12.0, 16.0]), 255.0)[1]
    assert "nearly black" in match_pixels(np.array([0, 1], np.uint8), 255.0)[1]
    with pytest.raises(InputError, match="one side holds pixels from 0 to 255"):
        read_pixel_pair(BYTES, RNG.normal(size=BYTES.shape))


def test_files_of_arrays(tmp_path):
    y = np.arange(6) % 2
    np.savez(tmp_path / "bytes.npz", X=np.moveaxis(BYTES, 3, 1), y=y)
    np.savez(tmp_path / "shares.npz", X=BYTES / 255.0, y=y)
    np.savez(tmp_path / "grey.npz", X=BYTES[..., :1] / 255.0)
    source, target, encoder = read_pair(tmp_path / "bytes.npz", tmp_path / "shares.npz")
    assert source.image_shape == target.image_shape == (10, 12, 3)
    np.testing.assert_allclose(source.X, target.X)
    assert any("stood before height and width" in note and "(source)" in note for note in encoder.notes_)
    with pytest.warns(UserWarning, match="divided by 255"):
        np.testing.assert_allclose(encoder.read(tmp_path / "bytes.npz")[0], source.X)
    np.testing.assert_allclose(encoder.read(tmp_path / "shares.npz")[0], source.X)
    assert read(tmp_path / "bytes.npz").X.max() <= 1.0
    _, grey, encoder = read_pair(tmp_path / "bytes.npz", tmp_path / "grey.npz")
    assert grey.image_shape == (10, 12, 3) and any("grey; read in colour" in note for note in encoder.notes_)
    np.testing.assert_allclose(encoder.read(tmp_path / "grey.npz")[0], grey.X)
