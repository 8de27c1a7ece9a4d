"""Augmentation: by its own dice, in the images' own range."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
pytest.importorskip("kornia", reason="networks need the extra landbridge[neural]")

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural.backbones import ImageAugmentation  # noqa: E402


@pytest.mark.parametrize("strength", ["light", "strong"])
@pytest.mark.parametrize("channels", [1, 3])
def test_same_dice_same_images_and_the_global_generator_is_left_alone(strength, channels):
    change = ImageAugmentation(strength)
    x = torch.randint(0, 256, (4, channels, 16, 16), dtype=torch.uint8)
    state = torch.get_rng_state()
    a, b = (change(x, torch.Generator().manual_seed(0)) for _ in range(2))
    c = change(x, torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert a.shape == x.shape and a.dtype == torch.float32
    assert 0 <= a.min() and 1 < a.max() <= 255


def test_float_images_keep_their_range():
    x = 16 * torch.rand(4, 1, 8, 8)
    changed = ImageAugmentation("light")(x, torch.Generator().manual_seed(0))
    assert 4 < changed.max() <= x.max() + 1e-4


def test_unknown_strength():
    with pytest.raises(InputError, match="'light' or 'strong'"):
        ImageAugmentation("brutal")
