"""The backbones that come with landbridge."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

from landbridge.data import load_builtin  # noqa: E402
from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import NeuralClassifier, load_backbone  # noqa: E402
from landbridge.neural.backbones import mlp_backbone  # noqa: E402
from landbridge.neural.backbones._builtin import WEIGHTS  # noqa: E402


def test_weights_are_small():
    assert WEIGHTS.stat().st_size < 300_000


@pytest.mark.parametrize("side", [8, 16, 28, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_and_channels(side, channels):
    net = load_backbone("builtin", channels=channels)
    x = torch.rand(2, channels, side, side)
    assert net.embed(x).shape == (2, 64)
    assert net.features(x, ["shapes"], pooled=False)["shapes"].shape[-1] in (3, 4, 5)


def test_a_grey_image_in_three_channels_says_the_same():
    x = torch.rand(3, 1, 8, 8)
    grey, colour = load_backbone("builtin"), load_backbone("builtin", channels=3)
    assert torch.allclose(grey.embed(x), colour.embed(x.expand(-1, 3, -1, -1)), atol=1e-5)


def test_pretraining_on_printed_digits_helps_a_linear_probe_on_handwritten_ones():
    digits = load_builtin("handwritten")

    def score(pretrained):
        net = load_backbone("builtin", pretrained=pretrained).freeze()
        model = NeuralClassifier(net, image_shape=(8, 8), epochs=40, learning_rate=0.02, device="cpu", random_state=0)
        return model.fit(digits.X[:100], digits.y[:100]).score(digits.X[100:], digits.y[100:])

    assert score(True) > score(False) + 0.05


def test_same_seed_same_weights_without_touching_the_global_generator():
    state = torch.get_rng_state()
    a, b = mlp_backbone(5, random_state=1), mlp_backbone(5, random_state=1)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    load_backbone("builtin", pretrained=False, random_state=4)
    assert torch.equal(state, torch.get_rng_state())


def test_channels_other_than_grey_and_colour():
    with pytest.raises(InputError, match="1 \\(grey\\) or 3 \\(colour\\)"):
        load_backbone("builtin", channels=4)
