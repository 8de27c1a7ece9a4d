"""ESPNet: its stages, and the published weights on street scenes of another country."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from landbridge.data import shared_data, shared_weights
from landbridge.exceptions import InputError, ReadError
from landbridge.neural.backbones._espnet import CITYSCAPES, espnet, load_espnet
from landbridge.neural.structured import MaskScores

# Classes of CamVid for those of Cityscapes; walls, terrain, trains, motorcycles and void are none of them.
CAMVID = {
    "sky": "sky",
    "building": "building",
    "pole": "pole",
    "road": "road",
    "sidewalk": "pavement",
    "vegetation": "tree",
    "traffic_light": "sign_symbol",
    "traffic_sign": "sign_symbol",
    "fence": "fence",
    "car": "car",
    "truck": "car",
    "bus": "car",
    "person": "pedestrian",
    "rider": "bicyclist",
    "bicycle": "bicyclist",
}


def test_stages_pass_their_maps_on():
    net = espnet(6, p=1, q=2)
    x = torch.zeros(2, 3, 32, 48)
    shapes = []
    for stage in net.stages.values():
        x = stage(x)
        shapes.append(tuple(x.hidden.shape))
    assert shapes == [(2, 19, 16, 24), (2, 131, 8, 12), (2, 256, 4, 6), (2, 6, 16, 24)]
    assert net.head(x.hidden).shape == (2, 6, 32, 48) and net.in_features == 6
    assert net.classes == tuple(f"class_{i}" for i in range(6))


def test_every_weight_takes_part():
    net = espnet(5, p=1, q=1)
    net.logits(torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.modules.parameters())


def test_number_of_weights():
    net = espnet()
    assert sum(p.numel() for p in net.modules.parameters()) + sum(
        b.numel() for n, b in net.modules.named_buffers() if "running" in n
    ) == pytest.approx(368_000, rel=0.01)
    assert len(CITYSCAPES) == 20 and net.classes == CITYSCAPES


def test_weights_come_from_the_generator_alone():
    before = torch.random.get_rng_state()
    one, same, other = (espnet(5, p=1, q=1, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.head.weight, same.head.weight) and not torch.equal(one.head.weight, other.head.weight)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: espnet(4), "n_classes must be a whole number of at least 5"),
        (lambda: espnet(5, p=-1), "p must be a whole number"),
        (lambda: espnet(5, p=0, q=0).logits(torch.zeros(1, 3, 20, 32)), "images have 20 x 32 pixels.* multiples of 8"),
        (lambda: espnet(5, p=0, q=0).stages["level1"](torch.zeros(1, 3, 16, 30)), "16 x 30 pixels; ESPNet takes"),
        (lambda: espnet(5, p=0, q=0).logits(torch.zeros(1, 1, 16, 16)), r"images must have the shape \(n, 3,"),
    ],
)
def test_bad_input_gets_one_line(call, why):
    with pytest.raises(InputError, match=why):
        call()


def published():
    path = shared_weights("espnet_cityscapes.safetensors")
    if path is None:
        pytest.skip("the shared weights folder is absent")
    return path


@pytest.mark.data
def test_tensors_that_do_not_fit_are_refused(tmp_path):
    weights = load_file(published())
    lost = {k: v for k, v in weights.items() if k != "encoder.level3.7.d4.conv.weight"}
    odd = {**weights, "encoder.level4.conv.weight": torch.zeros(1)}
    narrow = {**weights, "br.weight": torch.zeros(3)}
    for held, where in ((lost, "level3.blocks.7"), (odd, "encoder.level4"), (narrow, "decoder.deep_norm.weight")):
        save_file(held, tmp_path / "a.safetensors")
        with pytest.raises(InputError, match=f"does not fit ESPNet at {where}"):
            load_espnet(tmp_path / "a.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="holds no ESPNet with a decoder"):
        load_espnet(tmp_path / "a.safetensors")


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"text")
    for name in ("a.safetensors", "none.safetensors"):
        with pytest.raises(ReadError, match="cannot be read"):
            load_espnet(tmp_path / name)


@pytest.mark.data
def test_published_weights_on_camvid():
    """The first six test pictures: pixel accuracy 48.5 %, mean IoU .255 over the classes that are there."""
    data = shared_data("camvid_240.zip")
    if data is None:
        pytest.skip("the shared data folder is absent")
    net = load_espnet(published())
    with zipfile.ZipFile(data) as archive:
        index = json.loads(archive.read("index.json"))
        items = [i for i in index["items"] if i["split"] == "test"][:6]
        opened = [
            [Image.open(io.BytesIO(archive.read(i[k]))).resize((640, 480), r) for k, r in (("image", 2), ("mask", 0))]
            for i in items
        ]
    names = index["classes"]
    lookup = np.array([names.index(CAMVID.get(c, "unlabelled")) for c in CITYSCAPES])
    scores = MaskScores(12, ignored=index["ignore"])
    for image, mask in opened:
        with torch.inference_mode():
            logits = net.logits(torch.from_numpy(np.array(image)).permute(2, 0, 1).unsqueeze(0))
        scores.update(np.array(mask), lookup[logits[0].argmax(0).numpy()])
    assert scores.pixel_accuracy() == pytest.approx(0.485, abs=5e-4)
    there = scores.confusion.sum(1) > 0
    assert scores.iou()[there].mean() == pytest.approx(0.255, abs=1e-3)
