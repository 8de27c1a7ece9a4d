"""Networks for pixels as stages and a head."""

import pytest
import torch
from torch import nn

from landbridge.exceptions import InputError
from landbridge.neural.backbones._segmenter import Segmenter, normalise_pixels


def test_normalised_pixels():
    images = torch.arange(24, dtype=torch.uint8).view(1, 3, 2, 4)
    found = normalise_pixels(images, (1.0, 2.0, 3.0), (10.0, 20.0, 30.0), reverse=True)
    for k in range(3):
        torch.testing.assert_close(found[:, k], (images[:, 2 - k].float() - (k + 1)) / (10.0 * (k + 1)))
    with pytest.raises(InputError, match=r"images must have the shape \(n, 3, height, width\)"):
        normalise_pixels(images[:, :2], (1.0, 2.0, 3.0), (1.0, 1.0, 1.0))


def test_scores_have_the_size_of_the_image():
    stage, head = nn.AvgPool2d(4), nn.Identity()
    net = Segmenter({"only": stage}, head, 3, ("a", "b", "c"), (0.0,) * 3, (1.0,) * 3, multiple=4).eval()
    images = torch.full((2, 3, 8, 12), 7.0)
    torch.testing.assert_close(net.logits(images), images)
    assert set(dict(net.modules.named_modules())) >= {"stages.only", "head"}
    with pytest.raises(InputError, match="images have 8 x 10 pixels; this network takes multiples of 4"):
        net.logits(torch.zeros(1, 3, 8, 10))
