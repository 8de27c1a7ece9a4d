"""Networks for pixels through load_backbone: stages, head, other classes, packing."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.data import shared_weights  # noqa: E402
from landbridge.neural import Network, load_backbone  # noqa: E402
from landbridge.neural._pack import pack, unpack  # noqa: E402
from landbridge.neural.backbones import rebuild  # noqa: E402
from landbridge.neural.backbones._espnet import CITYSCAPES  # noqa: E402
from landbridge.neural.backbones._pixel_head import PixelHead, match_classes  # noqa: E402
from landbridge.neural.backbones._pixel_input import PixelInput  # noqa: E402

CAMVID = "sky building pole road pavement tree sign_symbol fence car pedestrian bicyclist".split()


def images(n=2, size=(24, 32)):
    return torch.from_numpy(np.random.RandomState(0).randint(0, 256, (n, 3, *size), dtype=np.uint8))


def small():
    return rebuild({"kind": "segmenter", "name": "espnet", "maps": 5, "p": 1, "q": 1})


def test_classes_are_matched_by_name_and_synonym():
    found = match_classes(CITYSCAPES, CAMVID)
    assert {CAMVID[i]: CITYSCAPES[k] for i, k in found.items()} == {
        **{name: name for name in ("sky", "building", "pole", "road", "fence", "car")},
        **{"pavement": "sidewalk", "tree": "vegetation", "sign_symbol": "traffic_sign", "pedestrian": "person"},
        "bicyclist": "rider",
    }
    assert match_classes(["Traffic  Light"], ["traffic_light", "boat"]) == {0: 0}


@pytest.mark.parametrize("layer", [nn.Conv2d(4, 3, 1), nn.ConvTranspose2d(4, 3, 2, stride=2, bias=False)])
def test_known_classes_keep_their_weights(layer):
    head = PixelHead(layer, ["road", "sky", "car"])
    other = head.for_classes(["tree", "car", "road"], seed=1)
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(other(x)[:, [2, 1]], head(x)[:, [0, 2]])
    assert other.kept == ("car", "road") and other(x).shape[1] == 3
    assert torch.equal(other(x), head.for_classes(["tree", "car", "road"], seed=1)(x))
    assert not torch.equal(other(x)[:, 0], head.for_classes(["tree", "car", "road"], seed=2)(x)[:, 0])


def test_a_closed_head_never_predicts_unknown_classes():
    head = PixelHead(nn.Conv2d(4, 2, 1), ["road", "sky"]).for_classes(["tree", "sky", "road"], closed=True)
    with torch.no_grad():
        head.layers.bias[0] = 100.0
    assert 0 not in head(torch.randn(2, 4, 5, 5)).argmax(1)


def test_folded_norms_of_the_head_stay_in_eval_mode():
    layers = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    nn.init.constant_(layers[1].bias, 0.3)
    head = PixelHead(layers, ["road", "sky"]).for_classes(["sky", "tree"]).train()
    assert head.training and head.layers[2].training and not head.layers[1].training
    net = Network({"a": nn.Conv2d(3, 4, 1)}, in_features=4, head=head).reset(["head"], random_state=0)
    assert net.train().head.layers[1].training


def test_other_sizes_come_back_at_the_size_of_the_image():
    net = small()
    with torch.no_grad():
        assert net(images(size=(21, 30))).shape == (2, 5, 21, 30)


def test_bytes_and_shares_are_the_same_images():
    prepare = PixelInput((0.4, 0.5, 0.6), (0.1, 0.2, 0.3), reverse=True, multiple=8)
    x = images()
    assert torch.allclose(prepare(x), prepare(x.float() / 255.0), atol=1e-5)
    assert torch.allclose(prepare(x)[:, 0], (x[:, 2].float() / 255.0 - 0.4) / 0.1, atol=1e-5)


def test_files_are_read_for_labels_of_whole_images(tmp_path):
    from PIL import Image

    Image.fromarray(images(1)[0].permute(1, 2, 0).numpy()).save(tmp_path / "a.png")
    prepare = PixelInput.from_description(PixelInput((0.5,) * 3, (0.5,) * 3, size=(16, 24)).describe())
    assert prepare.read([str(tmp_path / "a.png")]).shape == (1, 3, 16, 24)


def test_a_network_with_other_classes_survives_packing():
    net = small()
    net.replace_head(net.head.for_classes(["class_1", "tree"], closed=True))
    packed = pack(net)
    again = unpack(packed)
    assert packed["module"] is None and isinstance(again, Network)
    assert again.head.classes == ("class_1", "tree") and again.head.kept == ("class_1",) and again.head.closed
    with torch.no_grad():
        assert torch.equal(net(images()), again(images()))


@pytest.mark.parametrize(
    "name, n_stages, kept",
    [("espnet_cityscapes.safetensors", 4, 11), ("deeplabv3_mobilenet_v2_pascal", 17, 2)],
)
def test_published_networks(name, n_stages, kept):
    place = shared_weights(name)
    if place is None:
        pytest.skip("the published weights are not here")
    net = load_backbone(place)
    assert len(net.stage_names) == n_stages
    assert all(norm.momentum <= 0.5 for norm in net.modules() if isinstance(norm, nn.BatchNorm2d))
    head = net.head.for_classes(CAMVID)
    assert len(head.kept) == kept
    with torch.no_grad():
        assert net.replace_head(head)(images(1, (64, 64))).shape == (1, 11, 64, 64)
    new = load_backbone(place, pretrained=False, random_state=0)
    for one, other in ((new.stages, net.stages), (new.head, load_backbone(place).head)):
        assert not any(
            torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True) if p.ndim > 1
        )
