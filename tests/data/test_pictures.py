"""Pictures of every mode: upright, with their range, and on a ground on which they can be seen."""

import numpy as np
import pytest
from PIL import Image

from landbridge.data._pictures import to_colours

RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16)


def grey(image):
    return np.asarray(to_colours(image))[:, :, 0].astype(float)


@pytest.mark.parametrize(
    ("values", "brightest"),
    [
        (RAMP * 200 + 3000, 65535),
        ((RAMP * 200 + 3000).astype(np.int32), 65535),
        ((RAMP / 255).astype(np.float32), 1.0),
        (RAMP.astype(np.float32), 255.0),
        ((RAMP * 200.0).astype(np.float32), 65535.0),
    ],
)
def test_pixels_of_more_than_eight_bits_keep_their_range(values, brightest):
    found = grey(Image.fromarray(values))
    np.testing.assert_allclose(found, values / brightest * 255, atol=0.51)


def test_dark_pictures_of_two_bytes_stay_dark():
    """One scale for all pictures, not each by its own brightest pixel."""
    dark = grey(Image.fromarray(RAMP // 8))
    assert dark.max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("colour", [0, 255])
def test_a_drawing_on_a_transparent_ground_is_seen(mode, colour):
    dots = np.full((16, 16, 4), colour, np.uint8)
    dots[..., 3] = 0
    dots[2:6, :, 3] = 255
    image = Image.fromarray(dots)
    if mode == "P":
        image = Image.fromarray((dots[..., 3] > 0).astype(np.uint8), "P")
        image.putpalette([90, 90, 90, colour, colour, colour])
        image.info["transparency"] = 0
    found = grey(image if mode == "P" else image.convert(mode))
    assert abs(found[3].mean() - found[10].mean()) > 200
    assert abs(found[3].mean() - colour) < 20


def test_marks_of_orientation_are_applied(tmp_path):
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:8] = 255
    mark = Image.Exif()
    mark[0x0112] = 6
    turned = Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "a.png", exif=mark)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(to_colours(image)), picture)
